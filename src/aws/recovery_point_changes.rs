//! Deleting recovery points, changing how long they are kept, and giving continuous ones back.

use std::time::Duration;

use super::{
    Detection, Error, Failure, FailureKind, Scoped, as_json, call::Operation, legal_holds::Hold, lifecycle,
    looks::in_time, missing::Named, time,
};
use crate::domain::{
    Arn, Asked, ContinuousEnd, DeleteRecoveryPoint, Deletion, EndingPoint, Finding, KeptByHold, Lifecycle, Noun,
    PointInVault, RecoveryPoint, RecoveryPointState, Refusal, RefusalKind, Retention, UpdateLifecycle, Vault,
    VaultName, check_etag, continuous_end,
};

const DELETE: Operation = Operation::write("backup", "DeleteRecoveryPoint");
const UPDATE_LIFECYCLE: Operation = Operation::write("backup", "UpdateRecoveryPointLifecycle");
const DISASSOCIATE: Operation = Operation::write("backup", "DisassociateRecoveryPoint");

/// Pauses between the looks at a point after a change of it was accepted, until it shows that.
pub(super) const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

impl Scoped {
    /// Deletes a recovery point and looks whether that happened: AWS also answers success when it could not `[M]`.
    pub async fn delete_recovery_point(&self, asked: &Asked<DeleteRecoveryPoint>) -> Result<Deletion, Error> {
        let DeleteRecoveryPoint { point, allow_missing } = &asked.what;
        // AWS itself checks all of this when it is asked to delete, and says what is in the way.
        let deletion =
            if asked.is_check() { self.check_deletion(point).await } else { self.delete_with_findings(point).await };
        match deletion {
            Err(error) if *allow_missing && error.is_missing() => Ok(Deletion::of_nothing(&error.absence())),
            deletion => deletion,
        }
    }

    /// Gives a recovery point another lifecycle. Returns the point with it.
    ///
    /// AWS has no condition for this: a change between the read and the write is overwritten. A repeated call finds its own
    /// lifecycle, whatever etag it brings, and changes nothing.
    pub async fn update_recovery_point_lifecycle(
        &self,
        asked: &Asked<UpdateLifecycle>,
    ) -> Result<(RecoveryPoint, Vec<Finding>), Error> {
        let UpdateLifecycle { point: PointInVault { vault, arn }, lifecycle, etag } = &asked.what;
        let there = async { tokio::try_join!(self.describe_recovery_point(vault, arn), self.describe_vault(vault)) };
        let (there, kept) = tokio::join!(there, Box::pin(self.kept_by_hold(&asked.what.point)));
        let (mut point, found) = there?;
        let findings = point.lifecycle_findings(lifecycle, self.now(), &kept);
        if point.lifecycle.as_ref().is_some_and(|present| present.asks_the_same_as(lifecycle)) {
            return Ok((point, findings));
        }
        unchangeable(&point, &found).map_or(Ok(()), Err)?;
        let present = point.etag().unwrap_or_default();
        let what = format!("the lifecycle of recovery point {arn}");
        check_etag(etag.as_deref(), &present, &what, (Noun::RecoveryPoint, arn.as_str()))?;
        if asked.is_check() {
            return Ok((point.with_lifecycle(lifecycle), findings));
        }
        let before = point.lifecycle.as_ref();
        self.changes_value(
            arn.as_str(),
            "lifecycle",
            before.map(as_json::lifecycle),
            Some(as_json::lifecycle(lifecycle)),
        );
        if before.map_or(Retention::Forever, |before| before.retention) > lifecycle.retention {
            self.detects(Detection::PointKeptShorter);
        }
        let sent = self.clients.backup.update_recovery_point_lifecycle().backup_vault_name(vault.as_str());
        let said = lifecycle::in_full(lifecycle, point.lifecycle.as_ref());
        match self.call(UPDATE_LIFECYCLE, sent.recovery_point_arn(arn.as_str()).lifecycle(said).send()).await {
            Ok(answer) => {
                let told = answer.lifecycle.as_ref().map(lifecycle::from_aws);
                if !told.as_ref().is_some_and(|told| point.has(told, lifecycle)) {
                    return Ok((self.look_after_update(&asked.what).await?, findings));
                }
                let calculated = answer.calculated_lifecycle.as_ref();
                point.delete_at = time(calculated.and_then(|calculated| calculated.delete_at.as_ref()));
                point.cold_at = time(calculated.and_then(|calculated| calculated.move_to_cold_storage_at.as_ref()));
                point.lifecycle = told;
                Ok((point, findings))
            }
            Err(error) if error.kind == FailureKind::State => Err(self.why_refused(error, vault, arn).await.into()),
            Err(error) => Err(self.change_refused(error, vault, arn).await.into()),
        }
    }

    /// Gives a continuous recovery point back to its service. Returns the state in which AWS Backup still shows it,
    /// `None` when it is gone from there.
    pub async fn disassociate_recovery_point(
        &self,
        asked: &Asked<PointInVault>,
    ) -> Result<(Option<RecoveryPointState>, Vec<Finding>), Error> {
        let PointInVault { vault, arn } = &asked.what;
        let point = self.describe_recovery_point(vault, arn).await?;
        let mut findings = continuous_end::after(&self.ending([point.clone()]).await, ContinuousEnd::GivenBack);
        if asked.is_check() {
            if !point.is_continuous() {
                let message = not_continuous(arn);
                return Err(Refusal::of(RefusalKind::Unsupported, Noun::RecoveryPoint, arn.as_str(), message).into());
            }
            findings.extend(self.check_what_keeps(&asked.what).await?);
            return Ok((Some(point.state), findings));
        }
        self.changes_value(arn.as_str(), "recovery_point", Some(as_json::point(vault, &point)), None);
        self.detects(Detection::RecoveryPointDisassociated);
        let sent = self.clients.backup.disassociate_recovery_point().backup_vault_name(vault.as_str());
        match self.call(DISASSOCIATE, sent.recovery_point_arn(arn.as_str()).send()).await {
            Ok(_) => Ok((self.look_after_disassociation(vault, arn).await?, findings)),
            Err(error) if error.kind == FailureKind::State => match self.why_refused(error, vault, arn).await {
                error if error.kind == FailureKind::State && !point.is_continuous() => {
                    let message = not_continuous(arn);
                    Err(Failure { message, ..error.as_kind(FailureKind::Unsupported) }.into())
                }
                error => Err(error.into()),
            },
            Err(error) => match self.change_refused(error, vault, arn).await {
                gone if gone.is_gone_by_us() => Ok((None, findings)),
                error => Err(error.into()),
            },
        }
    }
}

impl Scoped {
    /// Whether a legal hold keeps the point, as far as that is found out soon.
    async fn kept_by_hold(&self, point: &PointInVault) -> KeptByHold {
        match in_time(self.holds_on(&point.vault, Some(&point.arn))).await {
            Ok(holds) => holds.first().map_or(KeptByHold::No, |hold| KeptByHold::Yes(hold.to_string())),
            Err(unseen) => KeptByHold::NotChecked(unseen),
        }
    }

    /// The point once it has the lifecycle that AWS accepted, where AWS's answer told another one: AWS answers success too
    /// when it passes over a lifecycle `[U]`, and nobody should take that for done.
    async fn look_after_update(&self, update: &UpdateLifecycle) -> Result<RecoveryPoint, Error> {
        let UpdateLifecycle { point: PointInVault { vault, arn }, lifecycle, .. } = update;
        let mut pauses = PAUSES.into_iter();
        loop {
            let point = self.describe_recovery_point(vault, arn).await;
            let point = point.map_err(|error| error.after(UPDATE_LIFECYCLE.name))?;
            let told = point.lifecycle.clone().unwrap_or(Lifecycle::FOREVER);
            if point.has(&told, lifecycle) {
                return Ok(RecoveryPoint { lifecycle: Some(told), ..point });
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let message = format!(
                        "AWS accepted the lifecycle of recovery point {arn} and did not take it: it is kept {}, and {} was \
                         asked for",
                        told.described(),
                        lifecycle.described()
                    );
                    let kind = RefusalKind::NotChanged;
                    return Err(Refusal::of(kind, Noun::RecoveryPoint, arn.as_str(), message).into());
                }
            }
        }
    }

    /// Deletes a point, and says what will happen when it was a continuous one.
    async fn delete_with_findings(&self, point: &PointInVault) -> Result<Deletion, Error> {
        let blank = RecoveryPoint::blank(point.arn.to_string(), self.scope().clone());
        let continuous = blank.is_continuous();
        // Afterwards nobody can tell what it was. What cannot be read leaves what its ARN tells.
        // Boxed: on the stack it is too much for a thread of a debug build.
        let found = Box::pin(in_time(self.describe_recovery_point(&point.vault, &point.arn))).await;
        let (found, ending) = match found {
            Ok(found) if continuous => (found.clone(), self.ending([found]).await),
            Ok(found) => (found, Vec::new()),
            Err(unseen) if continuous => (blank.clone(), vec![EndingPoint::unseen(blank, &unseen)]),
            Err(_) => (blank, Vec::new()),
        };
        let findings = continuous_end::after(&ending, ContinuousEnd::Deleted);
        let deletion = self.delete(point, &found).await?;
        Ok(Deletion { findings, ..deletion })
    }

    /// Whether a point could be deleted, as far as that can be seen: a job that reads it is not.
    async fn check_deletion(&self, point: &PointInVault) -> Result<Deletion, Error> {
        let found = self.describe_recovery_point(&point.vault, &point.arn).await?;
        match found.state {
            RecoveryPointState::Deleting => Ok(Deletion::under_way()),
            RecoveryPointState::Creating => {
                let message =
                    format!("a backup job is making recovery point {}: try again when it has ended", found.arn);
                let busy = Failure::told(DELETE.name, FailureKind::Busy, message);
                Err(busy.about(Noun::RecoveryPoint, &found.arn).into())
            }
            RecoveryPointState::Completed
            | RecoveryPointState::Available
            | RecoveryPointState::Partial
            | RecoveryPointState::Expired
            | RecoveryPointState::Stopped
            | RecoveryPointState::Unknown(_) => {
                let mut findings = continuous_end::after(&self.ending([found]).await, ContinuousEnd::Deleted);
                findings.extend(self.check_what_keeps(point).await?);
                Ok(Deletion { findings, ..Deletion::checked() })
            }
        }
    }

    /// Refuses where the vault's lock or a legal hold keeps the point. What Strongroom may not look at is a finding: AWS
    /// does the change without that look.
    async fn check_what_keeps(&self, point: &PointInVault) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        match self.describe_vault(&point.vault).await {
            Ok(vault) => {
                if let Some(lock) = &vault.lock {
                    let message = format!("vault {} is {}: what it holds stays", vault.name, lock.described());
                    return Err(Refusal::of(RefusalKind::Locked, Noun::Vault, vault.name, message).into());
                }
            }
            Err(error) if is_denial(&error) => {
                let message = format!(
                    "Strongroom may not look at vault {}: whether a lock keeps the recovery point is not known",
                    point.vault
                );
                let action = "operator: grant backup:DescribeBackupVault to Strongroom's identity";
                findings.push(Finding::warning("NOT_CHECKED", message, action).at("vault"));
            }
            Err(error) => return Err(error.into()),
        }
        findings.extend(self.check_holds(point).await?);
        Ok(findings)
    }

    /// Refuses where a legal hold keeps the point, likewise.
    async fn check_holds(&self, point: &PointInVault) -> Result<Option<Finding>, Error> {
        match self.holds_on(&point.vault, Some(&point.arn)).await {
            Ok(holds) => match holds.first() {
                None => Ok(None),
                Some(hold) => {
                    let (arn, message) = (point.arn.as_str(), kept_by(hold, &point.arn));
                    Err(Refusal::of(RefusalKind::Held, Noun::RecoveryPoint, arn, message).into())
                }
            },
            Err(error) if is_denial(&error) => {
                let message =
                    "Strongroom may not look at legal holds: whether one keeps the recovery point is not known";
                let action = "operator: grant backup:ListLegalHolds and backup:ListRecoveryPointsByLegalHold to \
                              Strongroom's identity";
                Ok(Some(Finding::warning("NOT_CHECKED", message, action).at("recovery_point")))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(
        &self,
        PointInVault { vault, arn }: &PointInVault,
        found: &RecoveryPoint,
    ) -> Result<Deletion, Error> {
        let error = match self.send_delete(vault, found).await {
            Ok(()) => return self.look_after_delete(vault, arn).await,
            Err(error) => error,
        };
        if error.kind == FailureKind::State {
            return match self.describe_recovery_point(vault, arn).await {
                // Asked again while the deletion goes on: that is what was asked for.
                Ok(point) if point.state == RecoveryPointState::Deleting => Ok(Deletion::under_way()),
                // Nobody knows whether it is being deleted.
                Err(unread) if is_passing(&unread) => Err(unread.into()),
                Ok(_) | Err(_) => Err(self.why_refused(error, vault, arn).await.into()),
            };
        }
        match self.change_refused(error, vault, arn).await {
            gone if gone.is_gone_by_us() => Ok(Deletion::done()),
            error => Err(error.into()),
        }
    }

    /// Understands a failure of a change of a recovery point.
    async fn change_refused(&self, error: Failure, vault: &VaultName, arn: &Arn) -> Failure {
        match error.kind {
            FailureKind::NotFound => self.missing_of(error, &[Named::RecoveryPoint(vault, arn)]).await,
            _ => self.in_vault(error, vault, Noun::RecoveryPoint, arn.as_str()).await,
        }
    }

    /// Asks AWS to delete a recovery point. That AWS says yes does not mean that it does it.
    pub(super) async fn send_delete(&self, vault: &VaultName, point: &RecoveryPoint) -> Result<(), Failure> {
        self.changes_value(&*point.arn, "recovery_point", Some(as_json::point(vault, point)), None);
        self.detects(Detection::RecoveryPointDeleted);
        let sent = self.clients.backup.delete_recovery_point().backup_vault_name(vault.as_str());
        self.call(DELETE, sent.recovery_point_arn(&point.arn).send()).await.map(drop)
    }

    /// What became of a point whose deletion AWS accepted. The state can lag behind the answer, so a point that still
    /// looks untouched (EXPIRED, too, is how a point looks that failed to be deleted before) is looked at a few times more.
    async fn look_after_delete(&self, vault: &VaultName, arn: &Arn) -> Result<Deletion, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let point = match self.seen_recovery_point(vault, arn).await {
                Ok(point) => point,
                Err(error) if error.kind == FailureKind::NotFound => return Ok(Deletion::done()),
                Err(error) => return Err(error.after(DELETE.name).into()),
            };
            if point.state == RecoveryPointState::Deleting {
                return Ok(Deletion::under_way());
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let message = not_deleted(&point);
                    return Err(Refusal::of(RefusalKind::NotDeleted, Noun::RecoveryPoint, &point.arn, message).into());
                }
            }
        }
    }

    /// AWS says nothing of how long a disassociation takes `[U]`: one that is not seen after some looks goes on.
    async fn look_after_disassociation(
        &self,
        vault: &VaultName,
        arn: &Arn,
    ) -> Result<Option<RecoveryPointState>, Failure> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let state = match self.seen_recovery_point(vault, arn).await {
                Ok(point) => point.state,
                Err(error) if error.kind == FailureKind::NotFound => return Ok(None),
                Err(error) => return Err(error.after(DISASSOCIATE.name)),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(Some(state)),
            }
        }
    }

    /// AWS has two words for "not in this state" and means several things. What cannot be read leaves AWS's own words.
    async fn why_refused(&self, error: Failure, vault: &VaultName, arn: &Arn) -> Failure {
        if error.has_code("InvalidResourceStateException") {
            return error.as_kind(FailureKind::Busy).about(Noun::RecoveryPoint, arn);
        }
        match self.describe_vault(vault).await {
            Ok(found) if found.lock.is_some() => return error.as_kind(FailureKind::Locked).about(Noun::Vault, vault),
            Ok(_) => {}
            Err(unread) => tracing::info!(%unread, "whether a lock keeps a recovery point could not be read"),
        }
        let holds = self.holds_on(vault, Some(arn)).await.unwrap_or_else(|unread| {
            tracing::info!(%unread, "whether a legal hold keeps a recovery point could not be read");
            Vec::new()
        });
        let said = error.message.to_ascii_lowercase().contains("legal hold");
        let message = holds.first().map_or_else(|| error.message.clone(), |hold| kept_by(hold, arn));
        let error = error.about(Noun::RecoveryPoint, arn);
        if holds.is_empty() && !said { error } else { Failure { message, ..error.as_kind(FailureKind::Held) } }
    }
}

fn kept_by(hold: &Hold, arn: &Arn) -> String {
    format!("legal hold {hold} keeps recovery point {arn} until it is cancelled")
}

fn not_continuous(arn: &Arn) -> String {
    format!("recovery point {arn} is a snapshot: only a continuous one can be given back to its service")
}

/// Whether AWS will not let Strongroom look, however often it asks.
fn is_denial(error: &Failure) -> bool {
    matches!(error.kind, FailureKind::Denied | FailureKind::MissingOrDenied)
}

/// Whether the next look may see more.
fn is_passing(error: &Failure) -> bool {
    matches!(
        error.kind,
        FailureKind::Throttled | FailureKind::OverBudget | FailureKind::Unavailable | FailureKind::Malformed
    )
}

/// Why AWS would not change the lifecycle of the point, if it would not.
fn unchangeable(point: &RecoveryPoint, vault: &Vault) -> Option<Refusal> {
    let refused = |kind, noun, name: &str, message: String| Some(Refusal::of(kind, noun, name, message));
    if point.is_continuous() {
        let message = format!(
            "recovery point {} is continuous: how long it reaches back is said by the rule that makes it, so change that",
            point.arn
        );
        return refused(RefusalKind::Unsupported, Noun::RecoveryPoint, &point.arn, message);
    }
    if let Some(lock) = &vault.lock {
        let message =
            format!("vault {} is {}: the lifecycle of what it holds cannot be changed", vault.name, lock.described());
        return refused(RefusalKind::Locked, Noun::Vault, &vault.name, message);
    }
    if matches!(point.state, RecoveryPointState::Creating | RecoveryPointState::Deleting) {
        let message =
            format!("recovery point {} is {}: its lifecycle cannot be changed", point.arn, point.state.word());
        return refused(RefusalKind::State, Noun::RecoveryPoint, &point.arn, message);
    }
    None
}

/// That a point is still there though AWS accepted its deletion, and what to do.
pub(super) fn not_deleted(point: &RecoveryPoint) -> String {
    let said = point.status_message.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let role = point.role_arn.as_ref().map_or_else(|| "the role".to_owned(), |arn| format!("role {arn}"));
    format!(
        "AWS accepted the deletion of recovery point {} and did not delete it: it is {}{said}; see that {role}, which made \
         it, exists and may delete it, then delete again",
        point.arn,
        point.state.word()
    )
}
