//! Restores.

mod checks;
mod repeated;

pub use checks::RestoreChecks;

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{
    AskedScope, Job, JobId, JobKind, RequestId, Restore, RestoreMetadata, RestoreSource, RestoreTarget,
};

const GET_METADATA: Operation = Operation::read("backup", "GetRecoveryPointRestoreMetadata");
const START: Operation = Operation::write("backup", "StartRestoreJob");

impl Aws {
    /// What AWS knows of how to restore a recovery point, if it is one of a database.
    pub async fn restore_source(&self, asked: &AskedScope, restore: &Restore) -> Result<RestoreSource, Error> {
        let clients = self.clients(asked).await?;
        let arn = restore.recovery_point.as_str();
        let sent = clients
            .backup
            .get_recovery_point_restore_metadata()
            .backup_vault_name(restore.vault.as_str())
            .recovery_point_arn(arn);
        let answer = match call(GET_METADATA, sent.send()).await {
            Ok(answer) => answer,
            Err(error) => return Err(clients.in_vault(error, &restore.vault, Noun::RecoveryPoint, arn).await),
        };
        let source = RestoreSource {
            resource_type: answer.resource_type.unwrap_or_default(),
            metadata: answer.restore_metadata.unwrap_or_default().into_iter().collect(),
        };
        match source.reason_unsupported(&restore.recovery_point) {
            None => Ok(source),
            Some(reason) => Err(Error::found(GET_METADATA.name, Kind::Unsupported, Noun::RecoveryPoint, arn, reason)),
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
        asked: &AskedScope,
        restore: &Restore,
        request_id: &RequestId,
        source: &RestoreSource,
        metadata: &RestoreMetadata,
        checks: &RestoreChecks,
    ) -> Result<Job, Error> {
        let clients = self.clients(asked).await?;
        let earlier = match checks.refusal(restore) {
            None => None,
            Some(refusal) if !request_id.may_repeat() => return Err(refusal),
            Some(refusal) => {
                let earlier = clients.restores_like(restore, metadata).await?;
                if earlier.is_empty() {
                    return Err(refusal);
                }
                Some((earlier, refusal))
            }
        };
        let id =
            self.send_restore(&clients, restore, request_id, &source.resource_type, metadata, &checks.role_arn).await?;
        if let Some((earlier, mut refusal)) = earlier
            && !earlier.iter().any(|job| job.id == id.as_str())
        {
            refusal.message =
                format!("{}; AWS has begun job {id} for it, which will fail and make nothing", refusal.message);
            return Err(refusal);
        }
        clients.job_of(restore, request_id, &checks.role_arn, &id).await
    }

    async fn send_restore(
        &self,
        clients: &Clients,
        restore: &Restore,
        request_id: &RequestId,
        resource_type: &str,
        metadata: &RestoreMetadata,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = clients
                    .backup
                    .start_restore_job()
                    .recovery_point_arn(restore.recovery_point.as_str())
                    .set_metadata(Some(metadata.values.clone().into_iter().collect()))
                    .iam_role_arn(role_arn)
                    .idempotency_token(request_id.as_str())
                    .resource_type(resource_type)
                    .copy_source_tags_to_restored_resource(restore.copy_source_tags);
                call(START, sent.send()).await
            })
            .await;
        match answer {
            Ok(answer) => {
                let id = answer.restore_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Error::malformed(START.name, "RestoreJobId"))
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(Kind::RequestIdReused).about(Noun::Job, request_id))
            }
            Err(error) if error.kind == Kind::RoleNotAssumable => Err(error),
            Err(error) => Err(error.about(Noun::RecoveryPoint, &restore.recovery_point)),
        }
    }
}

impl Clients {
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
        let made = job.created_resource_arn.rsplit(':').next().unwrap_or_default();
        let differs = job.recovery_point_arn != restore.recovery_point.as_str()
            || job.role_arn != role_arn
            || !(made.is_empty() || made == restore.target.identifier());
        if request_id.may_repeat() && differs {
            return Err(Error::token_of_another(START.name, &job, request_id));
        }
        Ok(job)
    }

    /// The ARN that the database to make will have.
    fn arn_to_make(&self, target: &RestoreTarget) -> String {
        let kind = match target {
            RestoreTarget::Instance(_) => "db",
            RestoreTarget::Cluster(_) => "cluster",
        };
        let (region, account) = (&self.scope.region, &self.scope.account);
        format!("arn:{}:rds:{region}:{account}:{kind}:{}", region.partition(), target.identifier())
    }
}
