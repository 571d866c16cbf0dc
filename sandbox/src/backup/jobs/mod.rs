//! Backup jobs: what one is, which states it can be in, and the store of a region's jobs.

mod operations;
mod wire;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

pub use operations::accept;
use operations::{start_backup_job, stop_backup_job};
use wire::{describe_backup_job, list_backup_job_summaries, list_backup_jobs};

use crate::backup::{
    creator::Creator,
    job_store::{Job, JobStore},
    lifecycle::Lifecycle,
    outcome::{Failure, Outcome},
    plans::document::CopyAction,
    routes::{Route, route},
};

/// Backup jobs: docs/aws-backup-semantics.md, section 1.9.
pub const ROUTES: &[Route] = &[
    route("PUT", "backup-jobs", "StartBackupJob", start_backup_job),
    route("GET", "backup-jobs", "ListBackupJobs", list_backup_jobs),
    route("GET", "backup-jobs/{backupJobId}", "DescribeBackupJob", describe_backup_job),
    route("POST", "backup-jobs/{backupJobId}", "StopBackupJob", stop_backup_job),
    route("GET", "audit/backup-job-summaries", "ListBackupJobSummaries", list_backup_job_summaries),
];

/// The backup jobs of a region.
pub type BackupJobs = JobStore<BackupJob>;

/// One backup job. What can be seen of it in each state: docs/aws-backup-semantics.md, section 5.1.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupJob {
    /// Lower-case UUID; the snapshot's name carries it.
    pub id: String,
    /// Whose job.
    pub account: String,
    /// The vault's name; the vault may be gone by the time the job starts.
    pub vault_name: String,
    /// The vault's ARN.
    pub vault_arn: String,
    /// What is backed up.
    pub resource_arn: String,
    /// AWS Backup's word for its type, such as `RDS`.
    pub resource_type: String,
    /// Its display name: the database's identifier.
    pub resource_name: String,
    /// The role that AWS Backup assumes.
    pub role_arn: String,
    /// When the job was asked for, or its rule fired.
    pub created_at: Timestamp,
    /// The end of the start window.
    pub start_by: Timestamp,
    /// How long the job may take.
    pub completion_window: CompletionWindow,
    /// Of the recovery point to be; `None` keeps it for ever.
    pub lifecycle: Option<Lifecycle>,
    /// Put on the recovery point beside the resource's own tags.
    pub recovery_point_tags: BTreeMap<String, String>,
    /// Echoed.
    pub options: BTreeMap<String, String>,
    /// The plan and rule that made the job; `None` for one on demand.
    pub creator: Option<Creator>,
    /// Copies to make once the point is there.
    pub copy_actions: Vec<CopyAction>,
    /// The rule asks for continuous backup (point-in-time restore).
    pub continuous: bool,
    /// Bytes to move, as far as known.
    pub bytes: i64,
    /// Where the job stands.
    pub phase: Phase,
}

/// How long a job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionWindow {
    /// Counted from the successful start: jobs of a rule `[M]`.
    FromStart(SignedDuration),
    /// An instant, counted from the scheduled time: jobs on demand `[M]`.
    Until(Timestamp),
}

impl CompletionWindow {
    /// The instant at which a job started at `started` is out of time.
    #[must_use]
    pub fn end(self, started: Timestamp) -> Timestamp {
        match self {
            Self::FromStart(window) => started.checked_add(window).unwrap_or(Timestamp::MAX),
            Self::Until(end) => end,
        }
    }
}

/// Where a backup job stands. PENDING and PARTIAL do not occur: nothing here waits between acceptance and start
/// unseen, and there are no composite resources.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Accepted, waiting for its start inside the start window.
    Created,
    /// The snapshot is being made.
    Running(Run),
    /// Stopped by the user; the service is cleaning up.
    Aborting,
    /// Over.
    Ended(Outcome),
}

/// A job while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The start.
    pub since: Timestamp,
    /// When the snapshot will be complete.
    pub until: Timestamp,
    /// The point being made.
    pub recovery_point_arn: String,
    /// What the job will have to remark although it completes.
    pub issue: Option<Failure>,
}

impl Run {
    /// How far the run is at `now`, 0 to 100.
    #[must_use]
    pub fn percent(&self, now: Timestamp) -> f64 {
        let whole = self.until.duration_since(self.since).as_secs_f64();
        if whole <= 0.0 {
            return 100.0;
        }
        (now.duration_since(self.since).as_secs_f64() / whole * 100.0).clamp(0.0, 100.0)
    }
}

impl BackupJob {
    /// The member `State`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match &self.phase {
            Phase::Created => "CREATED",
            Phase::Running(_) => "RUNNING",
            Phase::Aborting => "ABORTING",
            Phase::Ended(outcome) => outcome.state.text(),
        }
    }

    /// CREATED → RUNNING. False, and nothing happens, from any other state.
    pub fn start(&mut self, run: Run) -> bool {
        let can = self.phase == Phase::Created;
        if can {
            self.phase = Phase::Running(run);
        }
        can
    }

    /// → a terminal state. False, and nothing happens, when the job has ended already: what is over stays as it is.
    pub fn end(&mut self, outcome: Outcome) -> bool {
        let can = !self.ended();
        if can {
            self.phase = Phase::Ended(outcome);
        }
        can
    }

    /// CREATED or RUNNING → ABORTING. False from any other state.
    pub fn abort(&mut self) -> bool {
        let can = matches!(self.phase, Phase::Created | Phase::Running(_));
        if can {
            self.phase = Phase::Aborting;
        }
        can
    }
}

impl Job for BackupJob {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }
}
