//! Restores.

mod checks;
mod repeated;
mod settings;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    missing::Named,
};
use crate::domain::{
    Job, JobId, JobKind, Noun, Refusal, RefusalKind, RequestId, ResourceType, Restore, RestoreChecks, RestoreMetadata,
    RestoreSource, RestoreTarget, Scope,
};

const GET_METADATA: Operation = Operation::read("backup", "GetRecoveryPointRestoreMetadata");
const START: Operation = Operation::write("backup", "StartRestoreJob");

impl Scoped {
    /// What AWS knows of how to restore a recovery point, if it is one of a database.
    pub async fn restore_source(&self, restore: &Restore) -> Result<RestoreSource, Error> {
        let arn = restore.recovery_point.as_str();
        let sent = self
            .clients
            .backup
            .get_recovery_point_restore_metadata()
            .backup_vault_name(restore.vault.as_str())
            .recovery_point_arn(arn);
        let answer = match self.read(GET_METADATA, ask!(sent)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.in_vault(error, &restore.vault, Noun::RecoveryPoint, arn).await.into()),
        };
        let source = RestoreSource {
            resource_type: answer
                .resource_type
                .and_then(ResourceType::told)
                .ok_or_else(|| Failure::malformed(GET_METADATA, "ResourceType"))?,
            metadata: answer.restore_metadata.unwrap_or_default().into_iter().collect(),
        };
        match source.reason_unsupported(&restore.recovery_point) {
            None => Ok(source),
            Some(reason) => Err(Refusal::of(RefusalKind::Unsupported, Noun::RecoveryPoint, arn, reason).into()),
        }
    }

    /// Starts a restore, or returns the job that the same request started before.
    ///
    /// A repetition meets obstacles that its own job made (its database has the name by now) or that came after it, so
    /// obstacles alone refuse nothing: only those of a request that none of the recovery point's restores can be of do.
    /// For the others AWS's idempotency token tells. AWS has no look-up by token, so a caller who repeats a whole restore
    /// under a fresh request_id leaves a job that fails at once, and is told so.
    pub async fn start_restore(
        &self,
        restore: &Restore,
        request_id: &RequestId,
        source: &RestoreSource,
        metadata: &RestoreMetadata,
        checks: &RestoreChecks,
    ) -> Result<Job, Error> {
        let earlier = match checks.refusal(restore) {
            None => None,
            Some(refusal) if !request_id.may_repeat() => return Err(refusal.into()),
            Some(refusal) => {
                let earlier = self.restores_like(restore, metadata).await?;
                if earlier.is_empty() {
                    return Err(refusal.into());
                }
                Some((earlier, refusal))
            }
        };
        let id = self.send_restore(restore, request_id, &source.resource_type, metadata, &checks.role_arn).await?;
        if let Some((earlier, refusal)) = earlier
            && !earlier.iter().any(|job| job.id == id)
        {
            return Err(refusal.though_begun(id, ", which will fail and make nothing").into());
        }
        self.job_of(restore, request_id, &checks.role_arn, &id).await
    }

    async fn send_restore(
        &self,
        restore: &Restore,
        request_id: &RequestId,
        resource_type: &ResourceType,
        metadata: &RestoreMetadata,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = self
                    .clients
                    .backup
                    .start_restore_job()
                    .recovery_point_arn(restore.recovery_point.as_str())
                    .set_metadata(Some(metadata.values.clone().into_iter().collect()))
                    .iam_role_arn(role_arn)
                    .idempotency_token(request_id.as_str())
                    .resource_type(resource_type.as_str())
                    .copy_source_tags_to_restored_resource(restore.copy_source_tags);
                self.call(START, sent.send()).await
            })
            .await?;
        match answer {
            Ok(answer) => {
                let id = answer.restore_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Failure::malformed(START, "RestoreJobId").into())
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(FailureKind::RequestIdReused).about(Noun::Job, request_id).into())
            }
            Err(error) if error.kind == FailureKind::RoleNotAssumable => Err(error.into()),
            Err(error) => {
                let error = error.about(Noun::RecoveryPoint, &restore.recovery_point);
                let point = Named::RecoveryPoint(&restore.vault, &restore.recovery_point);
                Err(self.missing_of(error, &[point, Named::Role(role_arn)]).await.into())
            }
        }
    }
}

impl Scoped {
    /// The job that AWS answered a start with, if it is one of this very restore: AWS does not say what a token with
    /// another request gives `[U]`.
    async fn job_of(
        &self,
        restore: &Restore,
        request_id: &RequestId,
        role_arn: &str,
        id: &JobId,
    ) -> Result<Job, Error> {
        let job = self.describe_job(id, JobKind::Restore).await.map_err(|error| error.after(START.name))?;
        let made = job.created_resource_arn.as_deref().unwrap_or_default().rsplit(':').next().unwrap_or_default();
        let differs = job.recovery_point_arn.as_deref() != Some(restore.recovery_point.as_str())
            || job.role_arn.as_deref() != Some(role_arn)
            || !(made.is_empty() || made == restore.target.identifier());
        if request_id.may_repeat() && differs {
            return Err(Refusal::token_of_another(&job, request_id).into());
        }
        Ok(job)
    }

    /// The ARN that the database to make will have.
    fn arn_to_make(&self, target: &RestoreTarget) -> String {
        let kind = match target {
            RestoreTarget::Instance(_) => "db",
            RestoreTarget::Cluster(_) => "cluster",
        };
        let Scope { account, region } = self.scope();
        format!("arn:{}:rds:{region}:{account}:{kind}:{}", region.partition(), target.identifier())
    }
}
