//! Deleting recovery points, changing how long they are kept, and giving continuous ones back.

use std::time::Duration;

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    lifecycle, time,
};
use crate::domain::{Arn, AskedScope, Lifecycle, RecoveryPoint, RecoveryPointState, Vault, VaultName, Warning};

const DELETE: Operation = Operation::write("backup", "DeleteRecoveryPoint");
const UPDATE_LIFECYCLE: Operation = Operation::write("backup", "UpdateRecoveryPointLifecycle");
const DISASSOCIATE: Operation = Operation::write("backup", "DisassociateRecoveryPoint");

/// Pauses between the looks at a point after a change of it was accepted, until it shows that.
pub(super) const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

impl Aws {
    /// Deletes a recovery point and looks whether that happened: AWS also answers success when it could not `[M]`.
    /// Returns the state in which the point still is, `None` when it is gone.
    pub async fn delete_recovery_point(
        &self,
        asked: &AskedScope,
        vault: &VaultName,
        arn: &Arn,
    ) -> Result<Option<RecoveryPointState>, Error> {
        let clients = self.clients(asked).await?;
        let error = match clients.send_delete(vault, arn.as_str()).await {
            Ok(()) => return clients.look_after_delete(vault, arn).await,
            Err(error) => error,
        };
        if error.kind == Kind::State {
            if let Ok(point) = clients.describe_recovery_point(vault, arn).await
                && point.state == RecoveryPointState::Deleting
            {
                // Asked again while the deletion goes on: that is what was asked for.
                return Ok(Some(RecoveryPointState::Deleting));
            }
            return Err(clients.why_refused(error, vault, arn).await);
        }
        match clients.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await {
            gone if gone.is_gone_by_us() => Ok(None),
            error => Err(error),
        }
    }

    /// Gives a recovery point another lifecycle; with `validate_only` says what that would be. Returns the point with it.
    pub async fn update_recovery_point_lifecycle(
        &self,
        asked: &AskedScope,
        vault: &VaultName,
        arn: &Arn,
        lifecycle: &Lifecycle,
        validate_only: bool,
    ) -> Result<(RecoveryPoint, Vec<Warning>), Error> {
        let clients = self.clients(asked).await?;
        let (mut point, found) =
            tokio::try_join!(clients.describe_recovery_point(vault, arn), clients.describe_vault(vault))?;
        unchangeable(&point, &found).map_or(Ok(()), Err)?;
        let warnings = point.lifecycle_warnings(lifecycle, self.now());
        if validate_only {
            point.delete_at = point.created_at.and_then(|created| lifecycle.delete_at(created));
            point.cold_at = point.created_at.and_then(|created| lifecycle.cold_at(created));
            point.lifecycle = Some(lifecycle.clone());
            return Ok((point, warnings));
        }
        let sent = clients.backup.update_recovery_point_lifecycle().backup_vault_name(vault.as_str());
        match call(
            UPDATE_LIFECYCLE,
            sent.recovery_point_arn(arn.as_str()).lifecycle(lifecycle::to_aws(lifecycle)).send(),
        )
        .await
        {
            Ok(answer) => {
                let calculated = answer.calculated_lifecycle.as_ref();
                point.delete_at = time(calculated.and_then(|calculated| calculated.delete_at.as_ref()));
                point.cold_at = time(calculated.and_then(|calculated| calculated.move_to_cold_storage_at.as_ref()));
                point.lifecycle =
                    Some(answer.lifecycle.as_ref().map_or_else(|| lifecycle.clone(), lifecycle::from_aws));
                Ok((point, warnings))
            }
            Err(error) if error.kind == Kind::State => Err(clients.why_refused(error, vault, arn).await),
            Err(error) => Err(clients.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await),
        }
    }

    /// Gives a continuous recovery point back to its service. Returns the state in which AWS Backup still shows it,
    /// `None` when it is gone from there.
    pub async fn disassociate_recovery_point(
        &self,
        asked: &AskedScope,
        vault: &VaultName,
        arn: &Arn,
    ) -> Result<(Option<RecoveryPointState>, Vec<Warning>), Error> {
        let clients = self.clients(asked).await?;
        let point = clients.describe_recovery_point(vault, arn).await?;
        let warnings = point.disassociation_warnings();
        let sent = clients.backup.disassociate_recovery_point().backup_vault_name(vault.as_str());
        match call(DISASSOCIATE, sent.recovery_point_arn(arn.as_str()).send()).await {
            Ok(_) => Ok((clients.look_after_disassociation(vault, arn).await?, warnings)),
            Err(error) if error.kind == Kind::State => match clients.why_refused(error, vault, arn).await {
                error if error.kind == Kind::State && !point.is_continuous() => {
                    let message = format!(
                        "recovery point {arn} is a snapshot: only a continuous one can be given back to its service"
                    );
                    Err(Error { message, ..error.as_kind(Kind::Unsupported) })
                }
                error => Err(error),
            },
            Err(error) => match clients.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await {
                gone if gone.is_gone_by_us() => Ok((None, warnings)),
                error => Err(error),
            },
        }
    }
}

impl Clients {
    /// Asks AWS to delete a recovery point. That AWS says yes does not mean that it does it.
    pub(super) async fn send_delete(&self, vault: &VaultName, arn: &str) -> Result<(), Error> {
        let sent = self.backup.delete_recovery_point().backup_vault_name(vault.as_str()).recovery_point_arn(arn);
        call(DELETE, sent.send()).await.map(drop)
    }

    /// What became of a point whose deletion AWS accepted. The state can lag behind the answer, so a point that still
    /// looks untouched (EXPIRED, too, is how a point looks that failed to be deleted before) is looked at a few times more.
    async fn look_after_delete(&self, vault: &VaultName, arn: &Arn) -> Result<Option<RecoveryPointState>, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let point = match self.describe_recovery_point(vault, arn).await {
                Ok(point) => point,
                Err(error) if error.kind == Kind::NotFound => return Ok(None),
                Err(error) => return Err(error.after(DELETE.name)),
            };
            if point.state == RecoveryPointState::Deleting {
                return Ok(Some(RecoveryPointState::Deleting));
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let message = not_deleted(&point);
                    return Err(Error::found(DELETE.name, Kind::NotDeleted, Noun::RecoveryPoint, &point.arn, message));
                }
            }
        }
    }

    /// AWS says nothing of how long a disassociation takes `[U]`: one that is not seen after some looks goes on.
    async fn look_after_disassociation(
        &self,
        vault: &VaultName,
        arn: &Arn,
    ) -> Result<Option<RecoveryPointState>, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let state = match self.describe_recovery_point(vault, arn).await {
                Ok(point) => point.state,
                Err(error) if error.kind == Kind::NotFound => return Ok(None),
                Err(error) => return Err(error.after(DISASSOCIATE.name)),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(Some(state)),
            }
        }
    }

    /// AWS has two words for "not in this state" and means several things.
    async fn why_refused(&self, error: Error, vault: &VaultName, arn: &Arn) -> Error {
        if error.has_code("InvalidResourceStateException") {
            return error.as_kind(Kind::Busy).about(Noun::RecoveryPoint, arn);
        }
        if let Ok(found) = self.describe_vault(vault).await
            && found.lock.is_some()
        {
            return error.as_kind(Kind::Locked).about(Noun::Vault, vault);
        }
        let holds = self.holds_on(vault, Some(arn)).await.unwrap_or_default();
        // Who may not list legal holds has AWS's own words.
        let said = error.message.to_ascii_lowercase().contains("legal hold");
        let message = match holds.first() {
            Some(hold) => format!("legal hold {hold} keeps recovery point {arn} until it is cancelled"),
            None => error.message.clone(),
        };
        let error = error.about(Noun::RecoveryPoint, arn);
        if holds.is_empty() && !said { error } else { Error { message, ..error.as_kind(Kind::Held) } }
    }
}

/// Why AWS would not change the lifecycle of the point, if it would not.
fn unchangeable(point: &RecoveryPoint, vault: &Vault) -> Option<Error> {
    let refused =
        |kind, noun, name: &str, message: String| Some(Error::found(UPDATE_LIFECYCLE.name, kind, noun, name, message));
    if point.is_continuous() {
        let message = format!(
            "recovery point {} is continuous: how long it reaches back is said by the rule that makes it, so change that",
            point.arn
        );
        return refused(Kind::Unsupported, Noun::RecoveryPoint, &point.arn, message);
    }
    if let Some(lock) = &vault.lock {
        let message =
            format!("vault {} is {}: the lifecycle of what it holds cannot be changed", vault.name, lock.described());
        return refused(Kind::Locked, Noun::Vault, &vault.name, message);
    }
    if matches!(point.state, RecoveryPointState::Creating | RecoveryPointState::Deleting) {
        let message =
            format!("recovery point {} is {}: its lifecycle cannot be changed", point.arn, point.state.word());
        return refused(Kind::State, Noun::RecoveryPoint, &point.arn, message);
    }
    None
}

/// That a point is still there though AWS accepted its deletion, and what to do.
pub(super) fn not_deleted(point: &RecoveryPoint) -> String {
    let said = match point.status_message.as_str() {
        "" => String::new(),
        said => format!(" ({said})"),
    };
    format!(
        "AWS accepted the deletion of recovery point {} and did not delete it: it is {}{said}; see that role {}, which made \
         it, exists and may delete it, then delete again",
        point.arn,
        point.state.word(),
        point.role_arn
    )
}
