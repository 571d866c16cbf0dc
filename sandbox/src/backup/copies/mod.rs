//! Copy jobs: what one is, which states it can be in, and their operations (sections 1.12 and 5.3).

mod operations;
mod wire;

use jiff::Timestamp;

use crate::backup::{
    creator::Creator,
    job_store::{Job, JobStore},
    lifecycle::Lifecycle,
    outcome::Outcome,
    routes::{Route, route},
};
use operations::start_copy_job;
pub use operations::{VaultArn, accept};
use wire::{describe_copy_job, list_copy_job_summaries, list_copy_jobs};

/// What this folder serves.
pub const ROUTES: &[Route] = &[
    route("PUT", "copy-jobs", "StartCopyJob", start_copy_job),
    route("GET", "copy-jobs", "ListCopyJobs", list_copy_jobs),
    route("GET", "copy-jobs/{copyJobId}", "DescribeCopyJob", describe_copy_job),
    route("GET", "audit/copy-job-summaries", "ListCopyJobSummaries", list_copy_job_summaries),
];

/// The copy jobs of a region: they live where the source is.
pub type CopyJobs = JobStore<CopyJob>;

/// One copy job.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyJob {
    /// Upper-case UUID, as in AWS's examples `[D]`.
    pub id: String,
    /// Whose job.
    pub account: String,
    /// Where from.
    pub source_vault_arn: String,
    /// What.
    pub source_point_arn: String,
    /// Where to.
    pub destination_vault_arn: String,
    /// Of the copy; `None` keeps it for ever.
    pub lifecycle: Option<Lifecycle>,
    /// What was backed up.
    pub resource_arn: String,
    /// Its type.
    pub resource_type: String,
    /// Its name.
    pub resource_name: String,
    /// The role that AWS Backup assumes.
    pub role_arn: String,
    /// When the job was asked for.
    pub created_at: Timestamp,
    /// The plan and rule whose copy action it is.
    pub creator: Option<Creator>,
    /// The backup job that it follows, for a copy action.
    pub created_by_backup_job: Option<String>,
    /// Size, where AWS tells it.
    pub bytes: i64,
    /// Where the job stands.
    pub phase: Phase,
}

/// Where a copy job stands. PARTIAL does not occur: there are no composite resources.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Accepted, or waiting for the resource's other job to end.
    Created,
    /// The copy is being made.
    Running {
        /// Of the copy.
        destination_point_arn: String,
    },
    /// Over.
    Ended(Outcome),
}

impl CopyJob {
    /// The member `State`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match &self.phase {
            Phase::Created => "CREATED",
            Phase::Running { .. } => "RUNNING",
            Phase::Ended(outcome) => outcome.state.text(),
        }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended(outcome) => Some(outcome),
            Phase::Created | Phase::Running { .. } => None,
        }
    }

    /// The copy, once known.
    #[must_use]
    pub fn destination_point_arn(&self) -> Option<&String> {
        match &self.phase {
            Phase::Created => None,
            Phase::Running { destination_point_arn } => Some(destination_point_arn),
            Phase::Ended(outcome) => outcome.recovery_point_arn.as_ref(),
        }
    }

    /// → a terminal state, once.
    pub fn end(&mut self, outcome: Outcome) -> bool {
        let can = !self.ended();
        if can {
            self.phase = Phase::Ended(outcome);
        }
        can
    }
}

impl Job for CopyJob {
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
