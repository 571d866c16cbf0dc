//! Deleting points, changing how long they live, and letting go of continuous ones.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Content, RecoveryPoint, Status, list, wire};
use crate::{
    backup::{
        State, announcements, checks, error,
        lifecycle::Lifecycle,
        members::Members,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    due::{Due, Kind},
    iam,
    world::World,
};

/// DeleteRecoveryPoint. Where the point's role may not delete the snapshot the answer is 200 all the same, and the
/// point stays, EXPIRED `[M]`.
///
/// # Errors
/// RNF for an unknown vault or point, IR in a locked vault and under a legal hold `[M]`, IRS while a job uses the point.
pub(super) fn delete_recovery_point(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let account = call.account(world);
    let region = account.regions.entry(call.region.clone()).or_default();
    let point = list::point_of(&region.backup, call, request)?;
    if region.backup.vaults.0.get(&point.vault_name).is_some_and(|vault| vault.lock.is_some()) {
        let message = format!(
            "Recovery point {} cannot be deleted because backup vault {} is locked",
            point.arn, point.vault_name
        );
        return Err(error::invalid_request(message));
    }
    check_not_held(&region.backup, point)?;
    check_idle(point)?;
    if point.status == Status::Deleting {
        return Ok(RestReply::empty());
    }
    let (arn, allowed) = (point.arn.clone(), may_delete(account.iam.of(&call.region), point, call.now));
    if let Some(point) = region.backup.recovery_points.get_mut(&arn) {
        if allowed {
            point.status = Status::Deleting;
            point.status_message = None;
        } else {
            expire(point);
        }
    }
    announcements::recovery_point(region, call.now, &arn);
    if allowed {
        world.agenda.cancel(&due(call, Kind::RecoveryPointExpires, &arn));
        let at = call.now.checked_add(call.behaviour.jobs.start_delay).unwrap_or(call.now);
        world.agenda.set(due(call, Kind::RecoveryPointGone, &arn), at);
    }
    Ok(RestReply::empty())
}

/// Refuses to take away what a legal hold keeps: "any actions to delete or disassociate a recovery point will fail" `[M]`;
/// by which error is `[I]`.
fn check_not_held(backup: &State, point: &RecoveryPoint) -> Result<(), AwsError> {
    match backup.legal_holds.keeping(&point.arn) {
        Some(hold) => {
            Err(error::invalid_request(format!("Recovery point {} is under legal hold {}", point.arn, hold.id)))
        }
        None => Ok(()),
    }
}

/// Refuses to take a point away from a job: IRS.
fn check_idle(point: &RecoveryPoint) -> Result<(), AwsError> {
    if point.status == Status::Creating || !point.users.is_empty() {
        return Err(error::invalid_resource_state(format!("Recovery point {} is in use by a job", point.arn)));
    }
    Ok(())
}

/// Marks a point that should be gone but can't be deleted.
pub fn expire(point: &mut RecoveryPoint) {
    point.status = Status::Expired;
    point.status_message = Some(format!(
        "AWS Backup could not delete the recovery point: IAM role {} is missing or has insufficient permissions.",
        point.role_arn
    ));
}

/// Whether the role that made the point still exists, trusts AWS Backup and may delete it `[K]`. A role's propagation
/// does not matter here: the point is older than any wait.
#[must_use]
pub fn may_delete(iam: &iam::State, point: &RecoveryPoint, now: Timestamp) -> bool {
    let action = match point.content {
        Content::DbSnapshot(_) => Some("rds:DeleteDBSnapshot"),
        Content::DbClusterSnapshot(_) => Some("rds:DeleteDBClusterSnapshot"),
        Content::Continuous(_) | Content::Other => None,
    };
    iam.assumable_by_backup(&point.role_arn, now, jiff::SignedDuration::ZERO).is_ok()
        && action.is_none_or(|action| iam.allows(&point.role_arn, action, &point.arn))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateLifecycle {
    lifecycle: Option<Lifecycle>,
}

/// UpdateRecoveryPointLifecycle: the new lifecycle replaces the old one whole, and -1 is how "never" is said `[M]`. One in
/// which nothing stands is passed over, or removes the old one: AWS does not say which `[U]`.
///
/// # Errors
/// RNF for an unknown vault or point; IPV for a bad lifecycle; IR in a locked vault, for a continuous point, and for one
/// that is being made or deleted.
pub(super) fn update_recovery_point_lifecycle(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let input: UpdateLifecycle = request.body()?;
    let silent = input.lifecycle.as_ref().is_none_or(|given| *given == Lifecycle::default());
    let passed_over = silent && call.behaviour.switches.empty_lifecycle_is_passed_over;
    let lifecycle = checks::lifecycle(input.lifecycle)?;
    let backup = &mut call.region(world).backup;
    let point = list::point_of(backup, call, request)?;
    if backup.vaults.0.get(&point.vault_name).is_some_and(|vault| vault.lock.is_some()) {
        let message = format!(
            "The lifecycle of {} cannot be changed because backup vault {} is locked",
            point.arn, point.vault_name
        );
        return Err(error::invalid_request(message));
    }
    if point.is_continuous() {
        return Err(error::invalid_request("The lifecycle of a continuous recovery point is that of its backup rule"));
    }
    if matches!(point.status, Status::Creating | Status::Deleting) {
        return Err(error::invalid_request(format!(
            "Recovery point {} is in status {}",
            point.arn,
            point.status.text()
        )));
    }
    let arn = point.arn.clone();
    let Some(point) = backup.recovery_points.get_mut(&arn) else {
        return Err(error::not_found("Recovery point does not exist"));
    };
    if !passed_over {
        point.lifecycle = lifecycle;
    }
    let (delete_at, reply) = (
        point.delete_at(),
        Members::new()
            .with("BackupVaultArn", &point.vault_arn)
            .with("RecoveryPointArn", &point.arn)
            .with("Lifecycle", point.lifecycle.clone().unwrap_or_default())
            .maybe("CalculatedLifecycle", wire::calculated(point)),
    );
    let expiry = due(call, Kind::RecoveryPointExpires, &arn);
    match delete_at {
        Some(at) => world.agenda.set(expiry, at),
        None => world.agenda.cancel(&expiry),
    }
    if !passed_over {
        announcements::recovery_point_modified(call.region(world), call.now, &arn);
    }
    Ok(RestReply::json(&reply))
}

/// DisassociateRecoveryPoint: gives a database's automated backups back to RDS; the point is gone from AWS Backup and
/// what it could restore stays restorable in RDS.
///
/// # Errors
/// RNF for an unknown vault or point; IR for a snapshot, in a locked vault and under a legal hold; IRS while a job uses the point.
pub(super) fn disassociate_recovery_point(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let region = call.region(world);
    let point = list::point_of(&region.backup, call, request)?;
    let Content::Continuous(source) = &point.content else {
        return Err(error::invalid_request(format!("Recovery point {} is not a continuous recovery point", point.arn)));
    };
    if region.backup.vaults.0.get(&point.vault_name).is_some_and(|vault| vault.lock.is_some()) {
        return Err(error::invalid_request(format!("Backup vault {} is locked", point.vault_name)));
    }
    check_not_held(&region.backup, point)?;
    check_idle(point)?;
    let (arn, source) = (point.arn.clone(), source.clone());
    region.rds.release_continuous(&source, &arn);
    if let Some(point) = region.backup.recovery_points.remove(&arn) {
        announcements::recovery_point_gone(region, call.now, &point);
    }
    region.tags.0.remove(&arn);
    world.agenda.cancel(&due(call, Kind::RecoveryPointExpires, &arn));
    Ok(RestReply::empty())
}

/// DisassociateRecoveryPointFromParent.
///
/// # Errors
/// RNF for an unknown vault or point; IR for any known one, as none here has a parent.
pub(super) fn disassociate_recovery_point_from_parent(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let point = list::point_of(&call.region(world).backup, call, request)?;
    Err(error::invalid_request(format!("Recovery point {} has no parent recovery point", point.arn)))
}

fn due(call: &Call, kind: Kind, arn: &str) -> Due {
    Due { kind, account: call.account.clone(), region: call.region.clone(), id: arn.to_owned() }
}
