//! Jobs as AWS tells them, of which no two kinds use the same words. What has no id is none.

use std::time::Duration;

use aws_sdk_backup::{
    operation::{
        describe_backup_job::DescribeBackupJobOutput as BackupDescription,
        describe_restore_job::DescribeRestoreJobOutput as RestoreDescription,
    },
    types::{
        BackupJob, CopyJob, CopyJobState, RecoveryPointCreator, RestoreJobCreator, RestoreJobsListMember as RestoreJob,
    },
};
use jiff::Timestamp;

use super::{lifecycle, time};
use crate::domain::{AfterRestore, Job, JobId, JobKind, JobOrigin, JobState, PlanOrigin, ResourceType, Scope};

/// DescribeBackupJob and ListBackupJobs tell the same members in two types.
macro_rules! backup_job {
    ($name:ident, $answer:ty) => {
        pub(super) fn $name(job: $answer, scope: &Scope) -> Option<Job> {
            let id = JobId::told(job.backup_job_id?)?;
            Some(Job {
                state: state(job.state.as_ref().map(|word| word.as_str())),
                percent_done: percent(job.percent_done.as_deref()),
                status_message: told(job.status_message),
                message_category: told(job.message_category),
                resource_arn: told(job.resource_arn),
                resource_type: job.resource_type.and_then(ResourceType::told),
                resource_name: told(job.resource_name),
                vault_arn: told(job.backup_vault_arn),
                recovery_point_arn: told(job.recovery_point_arn),
                role_arn: told(job.iam_role_arn),
                created_at: time(job.creation_date.as_ref()),
                start_by: time(job.start_by.as_ref()),
                expected_completion_at: time(job.expected_completion_date.as_ref()),
                completed_at: time(job.completion_date.as_ref()),
                bytes_transferred: job.bytes_transferred,
                backup_size_bytes: job.backup_size_in_bytes,
                lifecycle: job.recovery_point_lifecycle.as_ref().map(lifecycle::from_aws),
                created_by: job.created_by.map(origin).map(JobOrigin::Plan),
                parent_job_id: job.parent_job_id.and_then(JobId::told),
                ..Job::blank(id, JobKind::Backup, scope.clone())
            })
        }
    };
}

backup_job!(described_backup, BackupDescription);
backup_job!(listed_backup, BackupJob);

/// DescribeRestoreJob and the lists of restore jobs, likewise.
macro_rules! restore_job {
    ($name:ident, $answer:ty) => {
        pub(super) fn $name(job: $answer, scope: &Scope) -> Option<Job> {
            let id = JobId::told(job.restore_job_id?)?;
            let created_at = time(job.creation_date.as_ref());
            let state = state(job.status.as_ref().map(|word| word.as_str()));
            let expected = job.expected_completion_time_minutes.filter(|_| !state.is_final());
            Some(Job {
                state,
                percent_done: percent(job.percent_done.as_deref()),
                status_message: told(job.status_message),
                resource_arn: told(job.source_resource_arn),
                resource_type: job.resource_type.and_then(ResourceType::told),
                vault_arn: told(job.backup_vault_arn),
                recovery_point_arn: told(job.recovery_point_arn),
                role_arn: told(job.iam_role_arn),
                created_at,
                expected_completion_at: later(created_at, expected),
                completed_at: time(job.completion_date.as_ref()),
                backup_size_bytes: job.backup_size_in_bytes,
                created_resource_arn: told(job.created_resource_arn),
                created_by: job.created_by.and_then(restore_origin),
                validation: after(job.validation_status, job.validation_status_message),
                deletion: after(job.deletion_status, job.deletion_status_message),
                parent_job_id: job.parent_job_id.and_then(JobId::told),
                ..Job::blank(id, JobKind::Restore, scope.clone())
            })
        }
    };
}

restore_job!(described_restore, RestoreDescription);
restore_job!(listed_restore, RestoreJob);

pub(super) fn copy(job: CopyJob, scope: &Scope) -> Option<Job> {
    let id = JobId::told(job.copy_job_id?)?;
    let state = state(job.state.as_ref().map(CopyJobState::as_str));
    Some(Job {
        // AWS tells no progress of copies.
        percent_done: (state == JobState::Completed).then_some(100.0),
        state,
        status_message: told(job.status_message),
        message_category: told(job.message_category),
        resource_arn: told(job.resource_arn),
        resource_type: job.resource_type.and_then(ResourceType::told),
        resource_name: told(job.resource_name),
        vault_arn: told(job.source_backup_vault_arn),
        recovery_point_arn: told(job.source_recovery_point_arn),
        role_arn: told(job.iam_role_arn),
        created_at: time(job.creation_date.as_ref()),
        completed_at: time(job.completion_date.as_ref()),
        backup_size_bytes: job.backup_size_in_bytes,
        lifecycle: job.destination_recovery_point_lifecycle.as_ref().map(lifecycle::from_aws),
        created_by: job.created_by.map(origin).map(JobOrigin::Plan),
        destination_vault_arn: told(job.destination_backup_vault_arn),
        destination_recovery_point_arn: told(job.destination_recovery_point_arn),
        parent_job_id: job.parent_job_id.and_then(JobId::told),
        ..Job::blank(id, JobKind::Copy, scope.clone())
    })
}

/// The plan and rule that made a job or a recovery point.
pub(super) fn origin(creator: RecoveryPointCreator) -> PlanOrigin {
    PlanOrigin {
        plan_id: creator.backup_plan_id.unwrap_or_default(),
        plan_arn: creator.backup_plan_arn.unwrap_or_default(),
        plan_name: creator.backup_plan_name.unwrap_or_default(),
        plan_version: creator.backup_plan_version.unwrap_or_default(),
        rule_id: creator.backup_rule_id.unwrap_or_default(),
        rule_name: creator.backup_rule_name.unwrap_or_default(),
        schedule: creator.backup_rule_cron.unwrap_or_default(),
        timezone: creator.backup_rule_timezone.unwrap_or_default(),
    }
}

/// AWS's restore testing, which alone is told to make restores.
fn restore_origin(creator: RestoreJobCreator) -> Option<JobOrigin> {
    told(creator.restore_testing_plan_arn).map(|plan_arn| JobOrigin::RestoreTesting { plan_arn })
}

/// What happens to what a restore made; `None` where AWS says nothing.
fn after(status: Option<impl AsRef<str>>, message: Option<String>) -> Option<AfterRestore> {
    let word = status.map(|word| word.as_ref().to_owned()).unwrap_or_default();
    let message = told(message);
    (!word.is_empty() || message.is_some()).then_some(AfterRestore { word, message })
}

/// A blank text tells nothing.
pub(super) fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn state(word: Option<&str>) -> JobState {
    JobState::of_word(word.unwrap_or_default())
}

/// Backup jobs say `12.5`, restore jobs `12.50%` `[D][Q]`.
pub(super) fn percent(text: Option<&str>) -> Option<f64> {
    let number = text?.trim().trim_end_matches('%').parse::<f64>().ok();
    number.filter(|number| number.is_finite()).map(|number| number.clamp(0.0, 100.0))
}

fn later(at: Option<Timestamp>, minutes: Option<i64>) -> Option<Timestamp> {
    let minutes = u64::try_from(minutes?).ok()?;
    at?.checked_add(Duration::from_secs(minutes.checked_mul(60)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_in_every_spelling_and_never_leaves_its_range() {
        for (text, number) in
            [("0.0", 0.0), ("12.5", 12.5), ("12.50%", 12.5), ("100.0", 100.0), ("150", 100.0), ("-1", 0.0)]
        {
            assert_eq!(percent(Some(text)), Some(number), "{text}");
        }
        for silent in [None, Some("soon"), Some("NaN")] {
            assert_eq!(percent(silent), None);
        }
    }

    #[test]
    fn what_follows_a_restore_is_told_by_both_answers_in_awss_words() {
        use aws_sdk_backup::types::RestoreDeletionStatus as Deletion;
        let scope =
            Scope { account: crate::domain::AccountId::example(), region: crate::domain::RegionName::example() };
        let tomorrow = Deletion::from("ARCHIVED");
        let listed_job = RestoreJob::builder().restore_job_id("r").deletion_status(tomorrow);
        let told = listed_restore(listed_job.deletion_status_message("kept").build(), &scope).unwrap();
        let deletion = AfterRestore { word: "ARCHIVED".into(), message: Some("kept".into()) };
        assert_eq!((told.validation, told.deletion), (None, Some(deletion)));
        let described_job = RestoreDescription::builder().restore_job_id("r").deletion_status(Deletion::Failed);
        let told = described_restore(described_job.validation_status_message("").build(), &scope).unwrap();
        assert_eq!((told.validation, told.deletion.unwrap().word.as_str()), (None, "FAILED"));
    }

    #[test]
    fn an_expected_end_that_no_calendar_holds_is_left_out() {
        let at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(later(at, Some(2)).map(Timestamp::as_second), Some(120));
        for minutes in [Some(i64::MAX), Some(-1), None] {
            assert_eq!(later(at, minutes), None);
        }
    }
}
