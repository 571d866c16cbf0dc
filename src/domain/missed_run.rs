//! Runs that were due and left no job: AWS tells nobody of them.
//!
//! AWS keeps no history of selections, tags and plans, so what was due can be said only of what was seen: a database was
//! covered from the first survey that saw it so until the last one, by a plan that ran as it did. Nothing is called missed
//! before that, nor while the jobs of its time are not all known.

mod kept;
mod members;
#[cfg(test)]
mod tests;
mod timing;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    DatabaseIdentity, Finding, Job, JobId, JobKind, JobSubject, KeptFinding, MismatchKind, ResourceType, Scope,
    protection::{ROUNDING, UNTIL_SEEN},
};
pub use members::Renewed;
pub use timing::{PlanTiming, RuleTiming};

/// So long a run is waited for at the most: AWS's default for start windows, which other tools set as long as a century. The
/// job is there from the moment of the run on `[M]`, even if it begins much later.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(8);

/// That a rule covers a database, as it was seen from one survey to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Account and region.
    pub scope: Scope,
    /// The database.
    pub database: DatabaseIdentity,
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Id of the rule.
    pub rule_id: String,
    /// Ids of the selections that select the database: one is enough, and which ones does not matter.
    pub selection_ids: Vec<String>,
    /// [`PlanTiming::digest`] of the plan. When any of its rules runs at other times, another membership begins.
    pub timing: String,
    /// The database's type, by AWS Backup's name.
    pub resource_type: ResourceType,
    /// ARN of the vault that the rule backs up into.
    pub vault_arn: String,
    /// The type that the region opts out of: the selections would select the database, and AWS passes over it without a word.
    pub passed_over: Option<ResourceType>,
    /// The first survey that saw it.
    pub since: Timestamp,
    /// The last survey that saw it.
    pub until: Timestamp,
}

/// For how long every job is known that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownJobs {
    /// From then on.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

/// The jobs that rules of plans made, by when they were created.
#[derive(Debug, Clone, Default)]
pub struct JobsMade {
    /// By database, plan, and id or name of the rule.
    of_rules: BTreeMap<(String, String, String), BTreeSet<Timestamp>>,
    /// By plan, for whatever resource.
    of_plans: BTreeMap<String, BTreeSet<Timestamp>>,
}

/// A run that was due and left no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedRun {
    /// Account and region.
    pub scope: Scope,
    /// The database.
    pub database: DatabaseIdentity,
    /// The database's type, by AWS Backup's name.
    pub resource_type: ResourceType,
    /// ARN of the vault that the rule backed up into.
    pub vault_arn: String,
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Id of the rule.
    pub rule_id: String,
    /// Name of the rule.
    pub rule_name: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// Until when its job would have had to begin.
    pub window_until: Timestamp,
    /// When the rule ran next: a job from then on is of that run. `None`: it runs no more.
    pub next_due_at: Option<Timestamp>,
    /// Why there is no job, as far as it can be told: RESOURCE_TYPE_OPTED_OUT, RUN_MISSED or PLAN_DID_NOT_RUN.
    pub finding: KeptFinding,
    /// The job of it that turned up after all, later than AWS ever takes: it was not missed.
    pub made: Option<JobId>,
}

impl JobsMade {
    /// Notes a job, if a rule made it.
    pub fn note(&mut self, job: &Job) {
        let (Some(by), Some(resource), Some(at)) = (job.plan_origin(), &job.resource_arn, job.created_at) else {
            return;
        };
        self.note_made(resource, &by.plan_id, by.rule(), at);
    }

    /// Notes that a rule, by its id or name, made a job of a resource then.
    pub fn note_made(&mut self, resource_arn: &str, plan_id: &str, rule: &str, at: Timestamp) {
        let key = (resource_arn.to_owned(), plan_id.to_owned(), rule.to_owned());
        self.of_rules.entry(key).or_default().insert(at);
        self.of_plans.entry(plan_id.to_owned()).or_default().insert(at);
    }

    fn has(&self, member: &Membership, rule: &RuleTiming, run: &DueRun) -> bool {
        let key = |rule: &str| (member.database.arn.clone(), member.plan_id.clone(), rule.to_owned());
        [&rule.id, &rule.name].into_iter().any(|rule| run.is_among(self.of_rules.get(&key(rule))))
    }
}

/// A run that is over.
struct DueRun {
    at: Timestamp,
    window_until: Timestamp,
    /// The next run of the rule: what was made from then on is of that one.
    next: Option<Timestamp>,
}

impl MissedRun {
    /// The times, the second left out, at which its job would have been created.
    pub fn time_of_job(&self) -> (Timestamp, Option<Timestamp>) {
        (earlier(self.due_at), self.next_due_at.map(earlier))
    }

    /// What it is about: as a job of it would be.
    pub fn subject(&self) -> JobSubject {
        JobSubject {
            scope: self.scope.clone(),
            kind: JobKind::Backup,
            resource_type: self.resource_type.to_string(),
            resource: self.database.arn.clone(),
            vault: self.vault_arn.clone(),
            destination: String::new(),
            plan: self.plan_id.clone(),
            rule: self.rule_id.clone(),
        }
    }
}

/// A job may be created so much before its run, by another clock.
fn earlier(at: Timestamp) -> Timestamp {
    at.saturating_sub(ROUNDING).unwrap_or(at)
}

impl DueRun {
    fn is_among(&self, made: Option<&BTreeSet<Timestamp>>) -> bool {
        let end = self.next.map_or(Bound::Unbounded, |next| Bound::Excluded(earlier(next)));
        made.is_some_and(|made| made.range((Bound::Included(earlier(self.at)), end)).next().is_some())
    }
}

/// The instant after which nobody looks any more at what ended before it.
pub fn done_with(known_until: Timestamp) -> Timestamp {
    let longest = LONGEST_WAIT.saturating_add(UNTIL_SEEN).saturating_add(ROUNDING);
    known_until.saturating_sub(longest).unwrap_or(Timestamp::MIN)
}

/// When nobody need wait any longer for the job of a run.
fn over_at(run: Timestamp, window_until: Timestamp) -> Timestamp {
    let longest = run.saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
    window_until.min(longest).saturating_add(UNTIL_SEEN).unwrap_or(Timestamp::MAX)
}

/// The runs that left no job: due while the membership was seen, given way to no other rule of the plan, over while the jobs
/// are known, and not judged before `judged_until`. `timings` has the plans' by their digests.
///
/// A run is over when its start window is, eight hours after it was due at the latest, and a quarter of an hour more. Whoever
/// asks again and again, with the `known.until` of before as `judged_until`, is told of each once.
pub fn missed_runs<'m>(
    members: impl IntoIterator<Item = &'m Membership>,
    timings: &BTreeMap<String, PlanTiming>,
    jobs: &JobsMade,
    known: KnownJobs,
    judged_until: Option<Timestamp>,
) -> Vec<MissedRun> {
    // Ten thousand memberships have few rules.
    let mut due: BTreeMap<(&str, &str), Vec<DueRun>> = BTreeMap::new();
    let mut missed = Vec::new();
    for member in members {
        let Some((timing, rule)) =
            timings.get(&member.timing).and_then(|timing| Some((timing, timing.rule(&member.rule_id)?)))
        else {
            continue;
        };
        let runs = due
            .entry((&member.timing, &member.rule_id))
            .or_insert_with(|| timing.due(&member.rule_id, known, judged_until));
        for run in runs.iter().filter(|run| member.since <= run.at && run.at <= member.until) {
            if !jobs.has(member, rule, run) {
                missed.push(member.missed(rule, run, run.is_among(jobs.of_plans.get(&member.plan_id))));
            }
        }
    }
    missed
}

impl Membership {
    fn missed(&self, rule: &RuleTiming, run: &DueRun, plan_ran: bool) -> MissedRun {
        let (name, at, arn) = (format!("rule {} of plan {}", rule.name, self.plan_name), run.at, &self.database.arn);
        let finding = match (&self.passed_over, plan_ran) {
            (Some(of_type), _) => Finding::error(
                MismatchKind::ResourceTypeOptedOut.code(),
                format!(
                    "{name} was due at {at} and made no job for {arn}: the settings of {} opt out of {of_type}, and AWS Backup \
                     passes over what it would select otherwise without a word",
                    self.scope.region
                ),
                "opt in with UpdateRegionSettings",
            ),
            (None, true) => Finding::error(
                "RUN_MISSED",
                format!("{name} was due at {at} and made no job for {arn}, though the plan ran then and covered it"),
                "see what changed about that time: its tags, the rule, the selection's role (AWS tells their past only in \
                 CloudTrail); StartBackup backs it up now",
            ),
            (None, false) => Finding::error(
                "PLAN_DID_NOT_RUN",
                format!("{name} was due at {at}, covered {arn}, and the plan made no job for any resource"),
                "see the selection's role, without which AWS Backup reads no tags and says so only in CloudTrail; StartBackup \
                 backs it up now",
            ),
        };
        MissedRun {
            scope: self.scope.clone(),
            database: self.database.clone(),
            resource_type: self.resource_type.clone(),
            vault_arn: self.vault_arn.clone(),
            plan_id: self.plan_id.clone(),
            plan_arn: self.plan_arn.clone(),
            plan_name: self.plan_name.clone(),
            rule_id: self.rule_id.clone(),
            rule_name: rule.name.clone(),
            due_at: at,
            window_until: run.window_until,
            next_due_at: run.next,
            finding: finding.into(),
            made: None,
        }
    }
}
