//! Restores.

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{
    AskedScope, Job, JobId, JobKind, ResourceKind, ResourceRef, RestoreMetadata, RestoreSource, StartRestore, Warning,
};

const GET_METADATA: Operation = Operation::read("backup", "GetRecoveryPointRestoreMetadata");
const START: Operation = Operation::write("backup", "StartRestoreJob");

/// What stands under the name that a restore wants to give.
enum Name {
    Free,
    /// ARN of the instance that has it.
    Taken(String),
    /// RDS does not tell.
    NotRead,
}

impl Aws {
    /// What AWS knows of how to restore a recovery point, if it can be restored into an RDS instance.
    pub async fn restore_source(&self, asked: &AskedScope, start: &StartRestore) -> Result<RestoreSource, Error> {
        let clients = self.clients(asked).await?;
        let arn = start.recovery_point.as_str();
        let sent = clients
            .backup
            .get_recovery_point_restore_metadata()
            .backup_vault_name(start.vault.as_str())
            .recovery_point_arn(arn);
        let answer = match call(GET_METADATA, sent.send()).await {
            Ok(answer) => answer,
            Err(error) => return Err(clients.in_vault(error, &start.vault, Noun::RecoveryPoint, arn).await),
        };
        let source = RestoreSource {
            resource_type: answer.resource_type.unwrap_or_default(),
            metadata: answer.restore_metadata.unwrap_or_default().into_iter().collect(),
        };
        match source.reason_unsupported(&start.recovery_point) {
            None => Ok(source),
            Some(reason) => Err(Error::found(GET_METADATA.name, Kind::Unsupported, Noun::RecoveryPoint, arn, reason)),
        }
    }

    /// Everything that can be known before a restore: the role is there, the name is free.
    pub async fn check_restore(&self, asked: &AskedScope, start: &StartRestore) -> Result<Vec<Warning>, Error> {
        let clients = self.clients(asked).await?;
        clients.role_arn_looked_for(&start.role).await?;
        match self.look_up(asked, &start.instance.identifier).await {
            Name::Free => Ok(Vec::new()),
            Name::Taken(_) => Err(name_taken(start)),
            Name::NotRead => Ok(vec![name_not_checked()]),
        }
    }

    /// Starts a restore, or returns the job that the same request started before.
    ///
    /// A repetition finds its own instance under the name, so a taken name alone refuses nothing: only a name taken by
    /// an instance that none of the recovery point's restores can have made does. For the others AWS's idempotency token
    /// tells. AWS has no look-up by token, so a caller who repeats a whole restore under a fresh request_id leaves a
    /// job that fails at once, and is told so.
    pub async fn start_restore(
        &self,
        asked: &AskedScope,
        start: &StartRestore,
        metadata: &RestoreMetadata,
    ) -> Result<(Job, Vec<Warning>), Error> {
        let clients = self.clients(asked).await?;
        let (role_arn, name) =
            tokio::join!(clients.role_arn(&start.role), self.look_up(asked, &start.instance.identifier));
        let role_arn = role_arn?;
        let earlier = match &name {
            Name::Free | Name::NotRead => None,
            Name::Taken(_) if !start.request_id.may_repeat() => return Err(name_taken(start)),
            Name::Taken(arn) => {
                let earlier = clients.restores_from(start.recovery_point.as_str(), arn).await?;
                if earlier.is_empty() {
                    return Err(name_taken(start));
                }
                Some(earlier)
            }
        };
        let id = self.send_restore(&clients, start, metadata, &role_arn).await?;
        if let Some(earlier) = earlier
            && !earlier.iter().any(|job| job.id == id.as_str())
        {
            let mut error = name_taken(start);
            error.message =
                format!("{}; AWS has begun job {id} for it, which will fail and make nothing", error.message);
            return Err(error);
        }
        let job = clients.describe_job(&id, JobKind::Restore).await.map_err(|error| error.after(START.name))?;
        // AWS does not say what a token with another request gives [U]: the job itself tells.
        let made = job.created_resource_arn.rsplit(':').next().unwrap_or_default();
        let differs = job.recovery_point_arn != start.recovery_point.as_str()
            || job.role_arn != role_arn
            || !(made.is_empty() || made == start.instance.identifier);
        if start.request_id.may_repeat() && differs {
            return Err(Error::token_of_another(START.name, &job, &start.request_id));
        }
        let warnings = match name {
            Name::NotRead => vec![name_not_checked()],
            Name::Free | Name::Taken(_) => Vec::new(),
        };
        Ok((job, warnings))
    }

    async fn send_restore(
        &self,
        clients: &Clients,
        start: &StartRestore,
        metadata: &RestoreMetadata,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = clients
                    .backup
                    .start_restore_job()
                    .recovery_point_arn(start.recovery_point.as_str())
                    .set_metadata(Some(metadata.values.clone().into_iter().collect()))
                    .iam_role_arn(role_arn)
                    .idempotency_token(start.request_id.as_str())
                    .resource_type("RDS")
                    .copy_source_tags_to_restored_resource(start.copy_source_tags);
                call(START, sent.send()).await
            })
            .await;
        match answer {
            Ok(answer) => {
                let id = answer.restore_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Error::malformed(START.name, "RestoreJobId"))
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(Kind::RequestIdReused).about(Noun::Job, &start.request_id))
            }
            Err(error) if error.kind == Kind::RoleNotAssumable => Err(error),
            Err(error) => Err(error.about(Noun::RecoveryPoint, &start.recovery_point)),
        }
    }

    async fn look_up(&self, asked: &AskedScope, identifier: &str) -> Name {
        let named = ResourceRef { kind: ResourceKind::DbInstance, id: identifier.to_owned() };
        match self.get_resource(asked, &named).await {
            Ok(found) => Name::Taken(found.arn),
            Err(error) if error.kind == Kind::NotFound => Name::Free,
            Err(_) => Name::NotRead,
        }
    }
}

fn name_taken(start: &StartRestore) -> Error {
    let name = &start.instance.identifier;
    let message = format!("instance {name} exists already: choose another db_instance_identifier");
    Error::found(START.name, Kind::AlreadyExists, Noun::Resource, name, message)
}

fn name_not_checked() -> Warning {
    Warning {
        code: "NAME_NOT_CHECKED",
        message: "RDS did not tell whether the identifier is free: if it is taken, the job fails".to_owned(),
        field: "rds_instance.db_instance_identifier".to_owned(),
    }
}
