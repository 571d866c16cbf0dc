//! Restore jobs: what one is, which states it can be in, and their operations (sections 1.11, 5.2 and 10).

mod operations;
mod wire;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::backup::{
    job_store::{Job, JobStore},
    outcome::Outcome,
    routes::{Route, route},
};
use operations::{get_restore_job_metadata, put_restore_validation_result, start_restore_job};
use wire::{
    describe_restore_job, list_restore_job_summaries, list_restore_jobs, list_restore_jobs_by_protected_resource,
};

/// What this folder serves.
pub const ROUTES: &[Route] = &[
    route("PUT", "restore-jobs", "StartRestoreJob", start_restore_job),
    route("GET", "restore-jobs", "ListRestoreJobs", list_restore_jobs),
    route("GET", "restore-jobs/{restoreJobId}", "DescribeRestoreJob", describe_restore_job),
    route("GET", "restore-jobs/{restoreJobId}/metadata", "GetRestoreJobMetadata", get_restore_job_metadata),
    route(
        "PUT",
        "restore-jobs/{restoreJobId}/validations",
        "PutRestoreValidationResult",
        put_restore_validation_result,
    ),
    route(
        "GET",
        "resources/{resourceArn}/restore-jobs",
        "ListRestoreJobsByProtectedResource",
        list_restore_jobs_by_protected_resource,
    ),
    route("GET", "audit/restore-job-summaries", "ListRestoreJobSummaries", list_restore_job_summaries),
];

/// The restore jobs of a region.
pub type RestoreJobs = JobStore<RestoreJob>;

/// One restore job.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreJob {
    /// Upper-case UUID, as in AWS's examples `[D]`.
    pub id: String,
    /// Whose job.
    pub account: String,
    /// What is restored.
    pub recovery_point_arn: String,
    /// How old that is.
    pub recovery_point_created_at: Timestamp,
    /// The vault it lies in.
    pub vault_arn: String,
    /// What was backed up.
    pub source_arn: String,
    /// Its type.
    pub resource_type: String,
    /// The role that AWS Backup assumes.
    pub role_arn: String,
    /// When the job was asked for.
    pub created_at: Timestamp,
    /// What to make; strings throughout (section 10).
    pub metadata: BTreeMap<String, String>,
    /// Whether the new resource gets the tags the old one had when it was backed up.
    pub copy_tags: bool,
    /// What a restore test found out; set by the caller.
    pub validation: Option<Validation>,
    /// Where the job stands.
    pub phase: Phase,
}

/// PutRestoreValidationResult.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// `FAILED`, `SUCCESSFUL`, `TIMED_OUT` or `VALIDATING`.
    pub status: String,
    /// For people.
    pub message: Option<String>,
}

/// Where a restore job stands. ABORTED does not occur: there is no operation that stops a restore.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Accepted.
    Pending,
    /// The new resource is being made.
    Running {
        /// The start.
        since: Timestamp,
        /// When it will be ready.
        until: Timestamp,
        /// What is being made.
        created_arn: String,
    },
    /// Over.
    Ended {
        /// How it ended; its `recovery_point_arn` is not used.
        outcome: Outcome,
        /// What was made.
        created_arn: Option<String>,
    },
}

impl RestoreJob {
    /// The member `Status`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match &self.phase {
            Phase::Pending => "PENDING",
            Phase::Running { .. } => "RUNNING",
            Phase::Ended { outcome, .. } => outcome.state.text(),
        }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Ended { outcome, .. } => Some(outcome),
            Phase::Pending | Phase::Running { .. } => None,
        }
    }

    /// The new resource, once known.
    #[must_use]
    pub fn created_arn(&self) -> Option<&String> {
        match &self.phase {
            Phase::Pending => None,
            Phase::Running { created_arn, .. } => Some(created_arn),
            Phase::Ended { created_arn, .. } => created_arn.as_ref(),
        }
    }

    /// → a terminal state, once.
    pub fn end(&mut self, outcome: Outcome) -> bool {
        let can = !self.ended();
        if can {
            let created_arn = self.created_arn().cloned();
            self.phase = Phase::Ended { outcome, created_arn };
        }
        can
    }
}

impl Job for RestoreJob {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }
}
