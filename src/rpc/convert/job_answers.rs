//! What jobs are told as.

use super::timestamp;
use crate::{
    domain::{AfterRestore, Arn, Job, JobKind, JobOrigin, JobState, JobWait, PlanOrigin},
    proto::{self, job_origin::Origin},
};

impl From<Job> for proto::Job {
    fn from(job: Job) -> Self {
        let completed_with_issues = job.completed_with_issues();
        let text = Option::unwrap_or_default;
        let after = |what: &Option<AfterRestore>| {
            what.clone().map(|AfterRestore { word, message }| (word, message)).unwrap_or_default()
        };
        let (validation_text, validation_message) = after(&job.validation);
        let (deletion_text, deletion_message) = after(&job.deletion);
        Self {
            id: job.id.to_string(),
            kind: kind(job.kind).into(),
            scope: Some(job.scope.into()),
            state: state(&job.state).into(),
            state_text: job.state.word().to_owned(),
            percent_done: job.percent_done,
            status_message: text(job.status_message),
            message_category: text(job.message_category),
            completed_with_issues,
            resource_arn: text(job.resource_arn),
            resource_type: job.resource_type.map(|kind| kind.to_string()).unwrap_or_default(),
            resource_name: text(job.resource_name),
            vault_name: vault_name(job.vault_arn.as_deref()),
            vault_arn: text(job.vault_arn),
            recovery_point_arn: text(job.recovery_point_arn),
            role_arn: text(job.role_arn),
            create_time: job.created_at.map(timestamp),
            start_by_time: job.start_by.map(timestamp),
            expected_completion_time: job.expected_completion_at.map(timestamp),
            completion_time: job.completed_at.map(timestamp),
            bytes_transferred: job.bytes_transferred,
            backup_size_bytes: job.backup_size_bytes,
            lifecycle: job.lifecycle.map(Into::into),
            created_by: job.created_by.map(Into::into),
            created_resource_arn: text(job.created_resource_arn),
            destination_vault_name: vault_name(job.destination_vault_arn.as_deref()),
            destination_vault_arn: text(job.destination_vault_arn),
            destination_recovery_point_arn: text(job.destination_recovery_point_arn),
            parent_job_id: job.parent_job_id.map(|id| id.to_string()).unwrap_or_default(),
            validation_status: job.validation.as_ref().map(validation_status).unwrap_or_default().into(),
            deletion_status: job.deletion.as_ref().map(deletion_status).unwrap_or_default().into(),
            validation_status_text: validation_text,
            validation_status_message: text(validation_message),
            deletion_status_text: deletion_text,
            deletion_status_message: text(deletion_message),
        }
    }
}

impl From<JobWait> for proto::JobWait {
    fn from(wait: JobWait) -> Self {
        let (blocking_job_id, blocking_job_kind) = match wait.blocking {
            Some((id, blocking)) => (id.to_string(), kind(blocking)),
            None => (String::new(), proto::JobKind::Unspecified),
        };
        Self {
            start_by_time: wait.start_by.map(timestamp),
            window_left_seconds: wait.window_left.map(|left| i32::try_from(left.as_secs()).unwrap_or(i32::MAX)),
            blocking_job_id,
            blocking_job_kind: blocking_job_kind.into(),
            message: wait.message,
        }
    }
}

/// The name in a vault's ARN; blank without one.
pub(super) fn vault_name(arn: Option<&str>) -> String {
    let arn = arn.and_then(|arn| Arn::parse(arn).ok());
    arn.and_then(|arn| arn.resource_of_kind("backup-vault").map(str::to_owned)).unwrap_or_default()
}

pub(super) fn kind(kind: JobKind) -> proto::JobKind {
    match kind {
        JobKind::Backup => proto::JobKind::Backup,
        JobKind::Restore => proto::JobKind::Restore,
        JobKind::Copy => proto::JobKind::Copy,
    }
}

fn validation_status(validation: &AfterRestore) -> proto::RestoreValidationStatus {
    // The values have AWS's words.
    let value = format!("RESTORE_VALIDATION_STATUS_{}", validation.word);
    proto::RestoreValidationStatus::from_str_name(&value).unwrap_or_default()
}

fn deletion_status(deletion: &AfterRestore) -> proto::RestoreDeletionStatus {
    let value = format!("RESTORE_DELETION_STATUS_{}", deletion.word);
    proto::RestoreDeletionStatus::from_str_name(&value).unwrap_or_default()
}

pub(super) fn state(state: &JobState) -> proto::JobState {
    match state {
        JobState::Created => proto::JobState::Created,
        JobState::Pending => proto::JobState::Pending,
        JobState::Running => proto::JobState::Running,
        JobState::Aborting => proto::JobState::Aborting,
        JobState::Aborted => proto::JobState::Aborted,
        JobState::Completed => proto::JobState::Completed,
        JobState::Failed => proto::JobState::Failed,
        JobState::Expired => proto::JobState::Expired,
        JobState::Partial => proto::JobState::Partial,
        JobState::Unknown(_) => proto::JobState::Unspecified,
    }
}

impl From<JobOrigin> for proto::JobOrigin {
    fn from(origin: JobOrigin) -> Self {
        let origin = match origin {
            JobOrigin::Plan(plan) => Origin::Plan(plan.into()),
            JobOrigin::RestoreTesting { plan_arn } => {
                Origin::RestoreTesting(proto::RestoreTestingOrigin { restore_testing_plan_arn: plan_arn })
            }
        };
        Self { origin: Some(origin) }
    }
}

impl From<PlanOrigin> for proto::PlanOrigin {
    fn from(origin: PlanOrigin) -> Self {
        Self {
            plan_id: origin.plan_id,
            plan_arn: origin.plan_arn,
            plan_name: origin.plan_name,
            plan_version: origin.plan_version,
            rule_id: origin.rule_id,
            rule_name: origin.rule_name,
            schedule: origin.schedule,
            schedule_timezone: origin.timezone,
        }
    }
}
