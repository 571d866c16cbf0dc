//! What became of the last run of a rule: the job that it made, or why there is none.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, Job, JobState, Severity};

/// How long AWS remembers jobs `[M]`.
const MEMORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A job is made at the moment of its run, and a little later it can be seen `[I]`.
pub(in crate::domain) const UNTIL_SEEN: SignedDuration = SignedDuration::from_mins(15);

impl Covering<'_> {
    /// What became of the rule's last run.
    pub(super) fn findings_of_last_run(&self) -> Vec<Finding> {
        let (Some(last), Some(_)) = (self.runs.last, &self.evidence.jobs) else { return Vec::new() };
        match self.jobs().next().filter(|job| Self::since_run(job.created_at, last)) {
            Some(job) if job.state.is_final() => self.ended(job),
            Some(job) => {
                let mut findings = self.under_way(job);
                // "Last night" may be the run before.
                findings
                    .extend(self.jobs().find(|job| job.state.is_final()).into_iter().flat_map(|job| self.ended(job)));
                findings
            }
            None => self.without_job(last).into_iter().collect(),
        }
    }

    fn ended(&self, job: &Job) -> Vec<Finding> {
        let run = job.created_at.or(self.runs.last).map(|at| format!(", run of {at}")).unwrap_or_default();
        self.evidence.findings_of_end(job, &format!("{}{run}", self.name()))
    }

    fn under_way(&self, job: &Job) -> Vec<Finding> {
        let (name, id, state) = (self.name(), &job.id, job.state.word());
        if !job.is_waiting() {
            let done = job.percent_done.map(|percent| format!(", {percent:.0} % done")).unwrap_or_default();
            let message = format!("{name}: backup job {id} is {state}{done}");
            return vec![Finding::info("BACKUP_UNDER_WAY", message)];
        }
        let others = self.evidence.jobs.as_deref().unwrap_or_default();
        let blocking = job.blocked_by(others);
        let wait = job.wait(blocking, self.evidence.now).message;
        let under_way = Finding::info("BACKUP_UNDER_WAY", format!("{name}: backup job {id} is {state}; {wait}"));
        // The database itself is judged elsewhere, and that the job waits is said.
        let hindrances = job.findings_of_wait(blocking, None, Vec::new(), self.evidence.now).into_iter();
        let hindrances = hindrances.filter(|finding| finding.severity > Severity::Info);
        std::iter::once(under_way).chain(hindrances).collect()
    }

    /// Why the run at `last` made no job. The first reason that is certain is told, and if there is none, that it is amiss.
    fn without_job(&self, last: Timestamp) -> Option<Finding> {
        let (name, evidence) = (self.name(), self.evidence);
        let (database, now) = (&evidence.database, evidence.now);
        let first =
            self.runs.next.map_or("it has no run to come".to_owned(), |next| format!("its next run is at {next}"));
        if let Some(other) = self.gives_way_at(last) {
            let message = format!(
                "{name} made no backup at {last}: it gave way to rule {}, whose start window overlaps and which keeps its \
                 recovery points longer",
                other.name
            );
            return Some(Finding::info("RULE_OVERRULED", message));
        }
        let after_run = |at: Option<Timestamp>| at.filter(|at| *at > last);
        if let Some(made) = after_run(self.plan.created_at) {
            let (code, what) = match self.plan.last_run_at {
                None => ("PLAN_NEVER_RAN", "has not run yet: its plan was made"),
                Some(_) => ("PLAN_IS_NEWER", "has not run since its plan was changed"),
            };
            return Some(Finding::info(code, format!("{name} {what} at {made}, after {last}; {first}")));
        }
        let chosen = self.selections.iter().map(|judged| judged.selection.created_at).min().flatten();
        if let Some(chosen) = after_run(chosen) {
            let names: Vec<&str> = self.selections.iter().map(|judged| judged.selection.name.as_str()).collect();
            let message = format!(
                "{name} ran at {last} without it: selection {} was added at {chosen}; {first}",
                names.join(" and ")
            );
            return Some(Finding::info("SELECTION_IS_NEWER", message));
        }
        if let Some(born) = after_run(database.created_at) {
            let message = format!("{name} ran at {last}, before {} was created at {born}; {first}", database.id);
            return Some(Finding::info("DATABASE_IS_NEWER", message));
        }
        let passed = now.duration_since(last);
        if passed < UNTIL_SEEN {
            let message =
                format!("{name} was due at {last}, and its job cannot be seen yet: ask again in some minutes");
            return Some(Finding::info("RUN_JUST_DUE", message));
        }
        if passed > MEMORY {
            let message = format!("the last run of {name} was due at {last}: AWS forgets jobs after 30 days");
            let backed_up = evidence.points.iter().flatten().any(|point| Self::since_run(point.created_at, last));
            return (!backed_up).then(|| Finding::info("RUN_FORGOTTEN", message));
        }
        Some(evidence.mended(self.missed(last, &first), last))
    }

    fn missed(&self, last: Timestamp, first: &str) -> Finding {
        let (name, id) = (self.name(), &self.evidence.database.id);
        if Self::since_run(self.plan.last_run_at, last) {
            return Finding::error(
                "RUN_MISSED",
                format!(
                    "{name} covers it now and made no job for it at {last}, though the plan ran then: at that time {id} was \
                     not selected"
                ),
                format!(
                    "see what changed since: the tags of {id}, the rule, the selection's role, the region's opt-in (AWS tells \
                     their past only in CloudTrail); {first}; StartBackup backs it up now"
                ),
            );
        }
        let ran = self.plan.last_run_at.map_or("it has never run".to_owned(), |ran| format!("it last ran at {ran}"));
        Finding::error(
            "PLAN_DID_NOT_RUN",
            format!("{name} covers it now, and at {last} the plan made no job for any resource: {ran}"),
            format!(
                "see what changed since: tags, the region's opt-in, and the selection's role, without which AWS Backup \
                 reads no tags and says so only in CloudTrail; {first}; StartBackup backs it up now"
            ),
        )
    }
}

impl Evidence {
    /// What the end of a job means; `of` begins the sentence.
    fn findings_of_end(&self, job: &Job, of: &str) -> Vec<Finding> {
        let mut findings = job.findings_of_end();
        if job.state == JobState::Aborted {
            let message = "the backup was stopped by somebody";
            findings.push(Finding::warning("JOB_ABORTED", message, "StartBackup backs it up now"));
        }
        let since = job.created_at.unwrap_or(Timestamp::MAX);
        let told = |finding: Finding| Finding { message: format!("{of}: {}", finding.message), ..finding };
        findings.into_iter().map(|finding| self.mended(told(finding), since)).collect()
    }

    /// The last job, if no rule that covers the database made it: on demand, or by a plan of before.
    pub(super) fn other_job_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        let last = self.jobs.iter().flatten().next();
        let Some(job) = last.filter(|job| !covering.iter().any(|rule| rule.made(job))) else { return Vec::new() };
        let of = match job.plan_origin() {
            Some(by) => format!("the last job ({}, rule {} of plan {})", job.id, by.rule_name, by.plan_name),
            None => format!("the last job ({}, on demand)", job.id),
        };
        self.findings_of_end(job, &of)
    }

    /// A failure after which a backup was made is no longer an error.
    fn mended(&self, finding: Finding, since: Timestamp) -> Finding {
        let made = self.jobs.iter().flatten().find(|job| job.state == JobState::Completed);
        match made.and_then(|job| job.created_at).filter(|at| *at > since) {
            Some(at) if finding.severity == Severity::Error => Finding {
                severity: Severity::Warning,
                message: format!("{}; it was backed up since, at {at}", finding.message),
                ..finding
            },
            _ => finding,
        }
    }
}
