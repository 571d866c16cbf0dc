//! Jobs: backups, restores and copies (docs/aws-backup-semantics.md, sections 1.9, 1.11, 1.12 and 5).

mod advice;
mod explain;
mod filter;
mod known;
mod query;
mod summary;
mod unlikely;

use std::fmt;

pub use explain::{ExplainedJob, JobWait};
pub use filter::{FilterMembers, JobAsk, JobFilter};
use jiff::Timestamp;
pub use known::{JobParts, JobSubject, KnownJob};
pub use query::{JobOrder, JobQuery, ListJobs, ReadFrom};
pub use summary::{JobCounts, JobDimension, JobGroup, SummarizeJobs};

use super::{
    Lifecycle, Noun, PlanOrigin, Refusal, RefusalKind, ResourceType, Scope,
    invalid::{Fault, quoted},
};

/// AWS's id of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

impl JobId {
    /// AWS's ids are UUIDs in either case, compared case-sensitively `[D]`; other words are left for AWS to judge.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err("is required: give the id of a job".into());
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if text.len() <= 100 && text.bytes().all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{} is not a job's id: it is a UUID", quoted(text)).into())
        }
    }

    /// The same in capital letters, or, where it is, in small ones: AWS has ids of both sorts and compares with case `[D]`.
    pub fn in_other_letters(&self) -> Option<Self> {
        let forms = [self.0.to_ascii_uppercase(), self.0.to_ascii_lowercase()];
        forms.into_iter().find(|form| *form != self.0).map(Self)
    }

    /// The id as AWS tells it; a blank one tells nothing.
    pub fn told(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A job to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetJob {
    /// Which.
    pub id: JobId,
    /// Of this kind; `None`: of whichever has the id.
    pub kind: Option<JobKind>,
    /// Where from.
    pub read: ReadFrom,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// Makes a recovery point of a resource.
    Backup,
    /// Makes a resource of a recovery point.
    Restore,
    /// Makes a recovery point of a recovery point.
    Copy,
}

impl JobKind {
    /// In the order in which a list of all kinds has them.
    pub const ALL: [Self; 3] = [Self::Backup, Self::Restore, Self::Copy];

    /// Whether AWS knows the state for this kind `[M]`.
    pub fn has_state(self, state: &JobState) -> bool {
        use JobState as S;
        match self {
            Self::Backup => !matches!(state, S::Unknown(_)),
            Self::Restore => matches!(state, S::Pending | S::Running | S::Completed | S::Aborted | S::Failed),
            Self::Copy => matches!(state, S::Created | S::Running | S::Completed | S::Failed | S::Partial),
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Copy => "copy",
        })
    }
}

/// Where a job stands; in the order in which a list has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobState {
    /// Accepted, waits for its start.
    Created,
    /// Waits for something before it runs.
    Pending,
    /// At work.
    Running,
    /// Being stopped.
    Aborting,
    /// Stopped.
    Aborted,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Did not start or finish within its windows.
    Expired,
    /// Some of its children failed.
    Partial,
    /// A word that AWS added later, as it is.
    Unknown(String),
}

impl JobState {
    /// Reads AWS's word.
    pub fn of_word(word: &str) -> Self {
        match word {
            "CREATED" => Self::Created,
            "PENDING" => Self::Pending,
            "RUNNING" => Self::Running,
            "ABORTING" => Self::Aborting,
            "ABORTED" => Self::Aborted,
            "COMPLETED" => Self::Completed,
            "FAILED" => Self::Failed,
            "EXPIRED" => Self::Expired,
            "PARTIAL" => Self::Partial,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// AWS's word.
    pub fn word(&self) -> &str {
        match self {
            Self::Created => "CREATED",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Aborting => "ABORTING",
            Self::Aborted => "ABORTED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
            Self::Partial => "PARTIAL",
            Self::Unknown(word) => word,
        }
    }

    /// Whether nothing follows it. A state of tomorrow may have followers.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Aborted | Self::Completed | Self::Failed | Self::Expired | Self::Partial => true,
            Self::Created | Self::Pending | Self::Running | Self::Aborting | Self::Unknown(_) => false,
        }
    }
}

/// Where a job comes from, if it was not started on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOrigin {
    /// A rule of a plan made it.
    Plan(PlanOrigin),
    /// AWS's restore testing made it: only restores come from there `[M]`.
    RestoreTesting {
        /// ARN of the restore testing plan.
        plan_arn: String,
    },
}

impl Job {
    /// Id of the plan that made it, if one did and AWS says so.
    pub fn plan_id(&self) -> Option<&str> {
        match self.created_by.as_ref()? {
            JobOrigin::Plan(origin) => Some(&origin.plan_id),
            JobOrigin::RestoreTesting { .. } => None,
        }
    }
}

/// A job of any kind as AWS has it. What AWS does not say is `None`: lists and kinds tell differently much, and silence
/// must not be taken to say that it is not so.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// AWS's id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Whose, and where.
    pub scope: Scope,
    /// Where it stands.
    pub state: JobState,
    /// 0–100.
    pub percent_done: Option<f64>,
    /// AWS's explanation.
    pub status_message: Option<String>,
    /// AWS's class of the explanation.
    pub message_category: Option<String>,
    /// ARN of what is, or was, backed up.
    pub resource_arn: Option<String>,
    /// AWS Backup's name of its type.
    pub resource_type: Option<ResourceType>,
    /// Display name.
    pub resource_name: Option<String>,
    /// Of a backup: where it goes; of a restore and copy: where the source is.
    pub vault_arn: Option<String>,
    /// Made by a backup, read by a restore and copy.
    pub recovery_point_arn: Option<String>,
    /// The role that AWS Backup assumes.
    pub role_arn: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Until when a backup must have started.
    pub start_by: Option<Timestamp>,
    /// When AWS expects it to end.
    pub expected_completion_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// So far.
    pub bytes_transferred: Option<i64>,
    /// Of the backup.
    pub backup_size_bytes: Option<i64>,
    /// How long its recovery point is kept.
    pub lifecycle: Option<Lifecycle>,
    /// What made it; `None`: somebody, on demand.
    pub created_by: Option<JobOrigin>,
    /// Of a restore: what it made.
    pub created_resource_arn: Option<String>,
    /// Of a copy: the vault it goes to.
    pub destination_vault_arn: Option<String>,
    /// Of a copy: the recovery point it made.
    pub destination_recovery_point_arn: Option<String>,
    /// The job that it is part of.
    pub parent_job_id: Option<JobId>,
    /// Of a restore: what came of validating what it made.
    pub validation: Option<AfterRestore>,
    /// Of a restore: what came of deleting what it made.
    pub deletion: Option<AfterRestore>,
}

/// What happens to what a restore made, in AWS's words. Restore testing does it `[M]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterRestore {
    /// AWS's word for how it stands.
    pub word: String,
    /// An explanation.
    pub message: Option<String>,
}

impl AfterRestore {
    /// Whether it went wrong.
    pub fn is_bad(&self) -> bool {
        self.word == "FAILED" || self.is_late()
    }

    /// Whether nobody came to an end with it in time.
    pub fn is_late(&self) -> bool {
        self.word.starts_with("TIMED")
    }
}

impl Job {
    /// A job of which nothing else is known: each kind's answer of AWS fills in what it tells.
    pub fn blank(id: JobId, kind: JobKind, scope: Scope) -> Self {
        Self {
            id,
            kind,
            scope,
            state: JobState::Unknown(String::new()),
            percent_done: None,
            status_message: None,
            message_category: None,
            resource_arn: None,
            resource_type: None,
            resource_name: None,
            vault_arn: None,
            recovery_point_arn: None,
            role_arn: None,
            created_at: None,
            start_by: None,
            expected_completion_at: None,
            completed_at: None,
            bytes_transferred: None,
            backup_size_bytes: None,
            lifecycle: None,
            created_by: None,
            created_resource_arn: None,
            destination_vault_arn: None,
            destination_recovery_point_arn: None,
            parent_job_id: None,
            validation: None,
            deletion: None,
        }
    }

    /// That it is looked for among jobs of another kind.
    pub fn is_no(&self, kind: JobKind) -> Refusal {
        let Self { id, kind: is, .. } = self;
        let message = format!("job {id} is a {is} job, and no {kind} job: ask for that kind, or for none");
        Refusal::of(RefusalKind::NotFound, Noun::Job, id.as_str(), message)
    }

    /// The rule of a plan that made it, if one did.
    pub fn plan_origin(&self) -> Option<&PlanOrigin> {
        match &self.created_by {
            Some(JobOrigin::Plan(origin)) => Some(origin),
            Some(JobOrigin::RestoreTesting { .. }) | None => None,
        }
    }

    /// COMPLETED, but there is something to read: a message, or a category other than success `[M][D]`.
    pub fn completed_with_issues(&self) -> bool {
        let category_is_bad =
            self.message_category.as_ref().is_some_and(|category| !category.eq_ignore_ascii_case("SUCCESS"));
        self.state == JobState::Completed && (self.status_message.is_some() || category_is_bad)
    }

    /// Why AWS cannot stop the job, in words; `None`: it can, as far as is known. Stopping RDS and its family is not
    /// supported `[M]`.
    pub fn reason_not_cancellable(&self) -> Option<String> {
        let Self { id, kind, state, resource_type, .. } = self;
        if *kind != JobKind::Backup {
            return Some(format!("job {id} is a {kind} job: AWS stops only backup jobs"));
        }
        if state.is_final() {
            return Some(format!("job {id} has ended: it is {}", state.word()));
        }
        resource_type.as_ref().filter(|of| !of.can_be_cancelled()).map(|of| {
            format!("job {id} backs up a resource of type {of}: AWS cannot stop such backups; wait for its end")
        })
    }
}

#[cfg(test)]
mod tests;
