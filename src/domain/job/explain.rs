//! Why a job waits, and what its end means (docs/aws-backup-semantics.md, sections 5.1 and 5.6).

use jiff::{SignedDuration, Timestamp};

use super::{AfterRestore, Job, JobId, JobKind, JobState};
use crate::domain::{Finding, Resource, Unseen, backup::database_findings};

/// A job, and what explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedJob {
    /// The job.
    pub job: Job,
    /// What it waits for; `None`: it has begun.
    pub wait: Option<JobWait>,
    /// What hinders its start, or what its end means.
    pub findings: Vec<Finding>,
}

/// The waiting of a job that has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWait {
    /// Until when a backup must have begun.
    pub start_by: Option<Timestamp>,
    /// How long that is from now; never less than nothing.
    pub window_left: Option<SignedDuration>,
    /// The job that has to end first, and its kind.
    pub blocking: Option<(JobId, JobKind)>,
    /// What it waits for, in one sentence.
    pub message: String,
}

impl JobWait {
    /// What could hinder the start and could not be looked at.
    pub fn not_checked(what: &str, permissions: &str, why: impl Into<Unseen>) -> Finding {
        let unseen = why.into();
        let action = unseen.action(permissions, "ask again");
        unseen.not_checked(what, "whether it hinders the start is not known", action)
    }
}

impl Job {
    /// Accepted and not begun.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, JobState::Created | JobState::Pending)
    }

    /// Which of the jobs of the same resource this one waits for: AWS runs one backup or copy of a resource at a time
    /// `[D]`. One that runs, else one that has waited longer.
    pub fn blocked_by<'j>(&self, others: &'j [Job]) -> Option<&'j Job> {
        if self.kind == JobKind::Restore {
            return None;
        }
        let others = || {
            let same =
                |job: &&Job| job.resource_arn.is_some() && job.resource_arn == self.resource_arn && job.id != self.id;
            others.iter().filter(|job| job.kind != JobKind::Restore).filter(same)
        };
        let running = others().find(|job| matches!(job.state, JobState::Running | JobState::Aborting));
        running.or_else(|| {
            let before = |job: &&Job| job.is_waiting() && job.created_at < self.created_at;
            others().filter(before).min_by_key(|job| job.created_at)
        })
    }

    /// What a waiting job waits for. `now` is AWS's present time.
    pub fn wait(&self, blocking: Option<&Job>, now: Timestamp) -> JobWait {
        let window_left = self.start_by.map(|by| by.duration_since(now).max(SignedDuration::ZERO));
        let message = match (blocking, self.kind, self.start_by) {
            (_, JobKind::Backup, Some(by)) if by <= now => {
                format!("its start window ended at {by} and it has not begun: it expires")
            }
            (Some(blocking), ..) => format!(
                "it waits until {} job {} of the same resource has ended: AWS runs one backup or copy of a resource at a time",
                blocking.kind, blocking.id
            ),
            (None, JobKind::Backup, Some(by)) => {
                format!("it waits for AWS Backup to begin it, at any moment until {by}")
            }
            (None, kind, _) => format!("it waits for AWS Backup to begin the {kind}"),
        };
        let blocking = blocking.map(|job| (job.id.clone(), job.kind));
        JobWait { start_by: self.start_by, window_left, blocking, message }
    }

    /// What hinders the start of a waiting job. `database` is what it backs up, where that is known, and `unread` are the
    /// findings of what could not be looked at ([`JobWait::not_checked`]): with any, nobody knows that nothing hinders it.
    pub fn findings_of_wait(
        &self,
        blocking: Option<&Job>,
        database: Option<&Resource>,
        unread: Vec<Finding>,
        now: Timestamp,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(blocking) = blocking {
            let action = match self.start_by {
                Some(by) => {
                    format!("wait; unless that job ends before {by}, this one expires: give a longer start window")
                }
                None => "wait".to_owned(),
            };
            let state = blocking.state.word();
            let message = format!("{} job {} of the same resource is {state}", blocking.kind, blocking.id);
            findings.push(Finding::warning("BLOCKED_BY_JOB", message, action));
        }
        if let Some(database) = database.filter(|_| self.kind == JobKind::Backup) {
            findings.extend(database_findings(database, now));
        }
        findings.extend(unread);
        if let (true, JobKind::Backup, Some(by)) = (findings.is_empty(), self.kind, self.start_by) {
            let message =
                format!("nothing hinders it: AWS begins a backup at any moment of its start window, until {by}");
            findings.push(Finding::info("WAITS_IN_START_WINDOW", message));
        }
        findings
    }

    /// What the end of a job means, and what to do about it. Nothing for one that is under way, or ended well.
    pub fn findings_of_end(&self) -> Vec<Finding> {
        [self.findings_of_state(), self.findings_after_restore()].concat()
    }

    /// What went wrong with what a restore made: AWS calls the job itself completed all the same `[M]`.
    fn findings_after_restore(&self) -> Vec<Finding> {
        let made = self.created_resource_arn.as_deref().unwrap_or("what it restored");
        let said = |after: &AfterRestore| match &after.message {
            None => "nobody gave a reason".to_owned(),
            Some(said) => format!("the explanation: {said}"),
        };
        let (mut found, job) = (Vec::new(), self.id.as_str());
        if let Some(validation) = self.validation.as_ref().filter(|after| after.is_bad()) {
            let how = if validation.is_late() { "was not validated in time" } else { "failed its validation" };
            let message = format!("job {job} restored, but {made} {how}; {}", said(validation));
            let action = "see whether what was restored is usable; until then do not count on this recovery point";
            found.push(Finding::warning("RESTORE_VALIDATION_FAILED", message, action).at("job.validation_status"));
        }
        if let Some(deletion) = self.deletion.as_ref().filter(|after| after.is_bad()) {
            let message = format!(
                "AWS did not delete {made}, which job {job} restored; {}: it goes on to cost money",
                said(deletion)
            );
            let action = "delete it in its own service";
            found.push(Finding::warning("RESTORE_NOT_DELETED", message, action).at("job.deletion_status"));
        }
        found
    }

    fn findings_of_state(&self) -> Vec<Finding> {
        let said = match &self.status_message {
            None => "AWS gives no reason".to_owned(),
            Some(said) => format!("AWS says: {said}"),
        };
        let finding = match self.state {
            JobState::Completed if self.completed_with_issues() => Finding::warning(
                "COMPLETED_WITH_ISSUES",
                format!("the job completed with issues; {said}"),
                self.advice(),
            ),
            JobState::Expired if self.ended_before_its_start() => Finding::error(
                "EXPIRED_BEFORE_START",
                format!("the {} did not begin within its start window; {said}", self.kind),
                "give a longer start window, or start it when no other job of the resource runs",
            ),
            JobState::Expired => Finding::error(
                "EXPIRED_BEFORE_COMPLETION",
                format!("the {} did not finish within its completion window; {said}", self.kind),
                "give a longer completion window: the default is seven days, other tools set hours",
            ),
            JobState::Failed => {
                Finding::error("JOB_FAILED", format!("the {} failed; {said}", self.kind), self.advice())
            }
            JobState::Partial => {
                let message = format!("some parts of the {} failed; {said}", self.kind);
                Finding::error("JOB_FAILED", message, "read the jobs that it consists of: ListJobs with parent_job")
            }
            JobState::Created
            | JobState::Pending
            | JobState::Running
            | JobState::Aborting
            | JobState::Aborted
            | JobState::Completed
            | JobState::Unknown(_) => return Vec::new(),
        };
        vec![finding]
    }

    /// AWS has one state for both windows. A backup's completion window ends at least an hour after its start window.
    fn ended_before_its_start(&self) -> bool {
        match (self.completed_at, self.start_by) {
            (Some(ended), Some(by)) => ended <= by,
            _ => {
                let said = self.status_message.as_deref().unwrap_or_default();
                self.recovery_point_arn.is_none() && !said.contains("before completion")
            }
        }
    }
}
