//! Reading recovery points: by ARN, by vault, by resource, and what a restore starts from.

use super::{RecoveryPoint, wire};
use crate::{
    backup::{
        State, checks, error,
        filters::Between,
        members::Members,
        page::{self, Page},
        resource_types::Source,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    world::World,
};

/// ListRecoveryPointsByBackupVault.
///
/// # Errors
/// RNF for an unknown vault, IPV for a bad filter or page.
pub(super) fn list_recovery_points_by_backup_vault(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let created = Between::of(request, "createdAfter", "createdBefore")?;
    let backup = &call.region(world).backup;
    let vault = vault_of(backup, call, request)?;
    let [resource, resource_type, plan] =
        ["resourceArn", "resourceType", "backupPlanId"].map(|name| request.query(name));
    // There are no composite points here, so no point has a parent.
    let any = request.query("parentRecoveryPointArn").is_none();
    let points = backup.recovery_points.of_vault(vault).filter(|point| {
        any && resource.is_none_or(|arn| arn == point.resource_arn)
            && resource_type.is_none_or(|name| name == point.resource_type)
            && plan.is_none_or(|id| point.creator.as_ref().is_some_and(|creator| creator.backup_plan_id == id))
            && created.holds(Some(point.created_at))
    });
    let (points, next) = page.take(points.map(at));
    let points: Vec<_> = points.into_iter().map(wire::by_vault).collect();
    Ok(RestReply::json(&Members::new().with("RecoveryPoints", points).maybe("NextToken", next)))
}

/// ListRecoveryPointsByResource. A resource that was never backed up has an empty list `[I]`.
///
/// # Errors
/// IPV for an ARN of no resource that AWS Backup supports, such as a recovery point's `[Q]`, and for a bad page; for RDS resources `maxResults` must be at least 20 `[M]`.
pub(super) fn list_recovery_points_by_resource(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let arn = request.path("resourceArn");
    if Source::parse(arn).is_none() {
        return Err(error::invalid_parameter("Unsupported resource type"));
    }
    let small = request.query("maxResults").and_then(|text| text.parse::<u32>().ok()).is_some_and(|size| size < 20);
    if small && arn.split(':').nth(2) == Some("rds") {
        return Err(error::invalid_parameter("maxResults must be at least 20 for RDS resources"));
    }
    // Everything the sandbox shows here is managed by AWS Backup, so `managedByAWSBackupOnly` changes nothing.
    request.query_bool("managedByAWSBackupOnly")?;
    let points = call.region(world).backup.recovery_points.of_resource(arn);
    let (points, next) = page.take(points.map(at));
    let points: Vec<_> = points.into_iter().map(wire::by_resource).collect();
    Ok(RestReply::json(&Members::new().with("RecoveryPoints", points).maybe("NextToken", next)))
}

/// DescribeRecoveryPoint.
///
/// # Errors
/// RNF for an unknown vault or point.
pub(super) fn describe_recovery_point(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let backup = &call.region(world).backup;
    Ok(RestReply::json(&wire::described(point_of(backup, call, request)?)))
}

/// GetRecoveryPointRestoreMetadata: section 10.
///
/// # Errors
/// RNF for an unknown vault or point.
pub(super) fn get_recovery_point_restore_metadata(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let backup = &call.region(world).backup;
    let point = point_of(backup, call, request)?;
    Ok(RestReply::json(
        &Members::new()
            .with("BackupVaultArn", &point.vault_arn)
            .with("RecoveryPointArn", &point.arn)
            .with("RestoreMetadata", &point.restore_metadata)
            .with("ResourceType", &point.resource_type),
    ))
}

fn at(point: &RecoveryPoint) -> (String, &RecoveryPoint) {
    (page::newest_first(point.created_at, &point.arn), point)
}

/// The vault that the path names. Vaults of other accounts are reachable only where they are shared, and none is.
pub(super) fn vault_of<'r>(backup: &State, call: &Call, request: &'r RestRequest) -> Result<&'r str, AwsError> {
    if request.query("backupVaultAccountId").is_some_and(|account| account != call.account) {
        return Err(error::access_denied());
    }
    let name = request.path("backupVaultName");
    backup.vaults.0.get(name).map(|_| name).ok_or_else(|| checks::no_such_vault(name))
}

/// The point that the path names.
pub(super) fn point_of<'b>(
    backup: &'b State,
    call: &Call,
    request: &RestRequest,
) -> Result<&'b RecoveryPoint, AwsError> {
    let vault = vault_of(backup, call, request)?;
    let arn = request.path("recoveryPointArn");
    backup.recovery_points.in_vault(vault, arn).ok_or_else(|| {
        error::not_found(format!("Recovery point {} does not exist in backup vault {vault}", checks::shorten(arn)))
    })
}
