//! Jobs, of which the events of no two kinds use the same words.

use super::{EventFault, News, Told};
use crate::domain::{Job, JobId, JobKind, JobOrigin, JobState, ResourceType};

impl Told<'_> {
    pub(super) fn job(self, kind: JobKind) -> Result<News, EventFault> {
        let it = self.detail;
        let id = it.text(match kind {
            JobKind::Backup => "backupJobId",
            JobKind::Restore => "restoreJobId",
            JobKind::Copy => "copyJobId",
        });
        let Some(id) = id else { return Ok(News::UnnamedJob(kind)) };
        let id = JobId::parse(id).map_err(|_| EventFault::Strange("the id of a job", id.to_owned()))?;
        // A restore has a status, but for that of being new [D].
        let word = it.text("state").or_else(|| it.text("status")).unwrap_or_default();
        let state = JobState::of_word(word);
        let recovery_point_arn = match kind {
            // Until its recovery point is there, AWS names nothing; that it would name the resource is nowhere said.
            JobKind::Backup => {
                let resource = it.text("resourceArn");
                it.text("recoveryPointArn").or(self.resource.filter(|made| Some(*made) != resource))
            }
            JobKind::Restore => it.text("recoveryPointArn").or(self.resource),
            JobKind::Copy => it.text("sourceRecoveryPointArn").or(self.resource),
        };
        let by_testing = it.owned("restoreTestingPlanArn");
        let by_testing = by_testing.or_else(|| it.within("createdBy").owned("restoreTestingPlanArn"));
        let created_by = match (kind, by_testing) {
            (JobKind::Restore, Some(plan_arn)) => Some(JobOrigin::RestoreTesting { plan_arn }),
            (JobKind::Restore, None) => None,
            (JobKind::Backup | JobKind::Copy, _) => it.origin().map(JobOrigin::Plan),
        };
        let source_arn = if kind == JobKind::Restore { "sourceResourceArn" } else { "resourceArn" };
        let vault_arn = if kind == JobKind::Copy { "sourceBackupVaultArn" } else { "backupVaultArn" };
        Ok(News::Job(Box::new(Job {
            // AWS says 0 of restores that are completed [D].
            percent_done: it.percent("percentDone").filter(|done| state != JobState::Completed || *done >= 100.0),
            state,
            status_message: it.message("statusMessage"),
            message_category: it.owned("messageCategory"),
            resource_arn: it.owned(source_arn),
            resource_type: it.text("resourceType").and_then(ResourceType::told),
            resource_name: it.owned("resourceName"),
            vault_arn: it.owned(vault_arn),
            recovery_point_arn: recovery_point_arn.map(str::to_owned),
            role_arn: it.owned("iamRoleArn"),
            created_at: it.time("creationDate"),
            start_by: it.time("startBy"),
            expected_completion_at: it.time("expectedCompletionDate"),
            completed_at: it.time("completionDate"),
            bytes_transferred: it.number("bytesTransferred"),
            backup_size_bytes: it.number("backupSizeInBytes"),
            created_by,
            created_resource_arn: it.owned("createdResourceArn"),
            destination_vault_arn: it.owned("destinationBackupVaultArn"),
            destination_recovery_point_arn: it.owned("destinationRecoveryPointArn"),
            parent_job_id: it.text("parentJobId").and_then(JobId::told),
            ..Job::blank(id, kind, self.scope.clone())
        })))
    }
}
