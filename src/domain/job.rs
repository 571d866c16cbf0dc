//! Jobs: backups, restores and copies (docs/aws-backup-semantics.md, sections 1.9, 1.11, 1.12 and 5).

mod advice;
mod explain;

use std::fmt;

pub use explain::JobWait;
use jiff::Timestamp;

use super::{
    Arn, Lifecycle, Period, PlanOrigin, Scope, VaultName,
    invalid::{Fault, quoted},
};

/// AWS's id of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A job of any kind as AWS has it. What AWS does not say is blank, absent or 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// AWS's id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Whose, and where.
    pub scope: Scope,
    /// Where it stands.
    pub state: JobState,
    /// 0–100.
    pub percent_done: f64,
    /// AWS's explanation.
    pub status_message: String,
    /// AWS's class of the explanation.
    pub message_category: String,
    /// What is, or was, backed up.
    pub resource_arn: String,
    /// AWS's word.
    pub resource_type: String,
    /// Display name.
    pub resource_name: String,
    /// Of a backup: where it goes; of a restore and copy: where the source is.
    pub vault_arn: String,
    /// Made by a backup, read by a restore and copy.
    pub recovery_point_arn: String,
    /// The role that AWS Backup assumes.
    pub role_arn: String,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Until when a backup must have started.
    pub start_by: Option<Timestamp>,
    /// When AWS expects it to end.
    pub expected_completion_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// So far.
    pub bytes_transferred: i64,
    /// Of the backup.
    pub backup_size_bytes: i64,
    /// How long its recovery point is kept.
    pub lifecycle: Option<Lifecycle>,
    /// The plan and rule that made it; absent on demand.
    pub created_by: Option<PlanOrigin>,
    /// Of a restore: what it made.
    pub created_resource_arn: String,
    /// Of a copy: the vault it goes to.
    pub destination_vault_arn: String,
    /// Of a copy: the recovery point it made.
    pub destination_recovery_point_arn: String,
    /// The job that it is part of.
    pub parent_job_id: String,
}

impl Job {
    /// A job of which nothing else is known: each kind's answer of AWS fills in what it tells.
    pub fn blank(kind: JobKind, scope: Scope) -> Self {
        Self {
            id: String::new(),
            kind,
            scope,
            state: JobState::Unknown(String::new()),
            percent_done: 0.0,
            status_message: String::new(),
            message_category: String::new(),
            resource_arn: String::new(),
            resource_type: String::new(),
            resource_name: String::new(),
            vault_arn: String::new(),
            recovery_point_arn: String::new(),
            role_arn: String::new(),
            created_at: None,
            start_by: None,
            expected_completion_at: None,
            completed_at: None,
            bytes_transferred: 0,
            backup_size_bytes: 0,
            lifecycle: None,
            created_by: None,
            created_resource_arn: String::new(),
            destination_vault_arn: String::new(),
            destination_recovery_point_arn: String::new(),
            parent_job_id: String::new(),
        }
    }

    /// COMPLETED, but there is something to read: a message, or a category other than success `[M][D]`.
    pub fn completed_with_issues(&self) -> bool {
        let category_is_bad =
            !self.message_category.is_empty() && !self.message_category.eq_ignore_ascii_case("SUCCESS");
        self.state == JobState::Completed && (!self.status_message.is_empty() || category_is_bad)
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
        let family = ["RDS", "Aurora", "DocumentDB", "Neptune", "FSx", "SAP HANA on Amazon EC2"];
        family.contains(&resource_type.as_str()).then(|| {
            format!(
                "job {id} backs up a resource of type {resource_type}: AWS cannot stop such backups; wait for its end"
            )
        })
    }
}

/// What a list of jobs is filtered by. AWS does the filtering, so what AWS cannot filter is not asked of it.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// One kind, or all.
    pub kind: Option<JobKind>,
    /// In this state.
    pub state: Option<JobState>,
    /// About this resource.
    pub resource: Option<Arn>,
    /// About resources of this type.
    pub resource_type: Option<String>,
    /// Backups into this vault.
    pub vault: Option<VaultName>,
    /// Copies into this vault.
    pub destination_vault: Option<Arn>,
    /// Created in this time.
    pub created: Period,
    /// Ended in this time.
    pub completed: Period,
    /// With this class of explanation.
    pub category: Option<String>,
    /// Part of this job.
    pub parent: Option<JobId>,
    /// Copies of this recovery point.
    pub source: Option<Arn>,
}

impl JobFilter {
    /// The kinds that jobs fitting the filter can have, in the order of the list.
    pub fn kinds(&self) -> impl Iterator<Item = JobKind> {
        JobKind::ALL.into_iter().filter(|kind| {
            self.kind.is_none_or(|asked| asked == *kind)
                && self.state.as_ref().is_none_or(|state| kind.has_state(state))
        })
    }
}

#[cfg(test)]
mod tests;
