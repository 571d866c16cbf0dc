//! Protected resources: what has at least one usable recovery point.

use jiff::Timestamp;

use super::{RecoveryPoint, RecoveryPoints, list};
use crate::{
    backup::{
        checks, error,
        json::Epoch,
        members::Members,
        page::Page,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    world::World,
};

/// The last restore of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRestore {
    /// How long it took, in whole minutes.
    pub minutes: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How old its point was.
    pub recovery_point_created_at: Timestamp,
}

/// ListProtectedResources.
///
/// # Errors
/// IPV for a bad page.
pub(super) fn list_protected_resources(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let points = &call.region(world).backup.recovery_points;
    Ok(answer(&page, points.resources().filter_map(|arn| newest(points, arn))))
}

/// ListProtectedResourcesByBackupVault.
///
/// # Errors
/// RNF for an unknown vault, IPV for a bad page.
pub(super) fn list_protected_resources_by_backup_vault(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let backup = &call.region(world).backup;
    let vault = list::vault_of(backup, call, request)?;
    let mut seen = std::collections::BTreeSet::new();
    let newest = backup.recovery_points.of_vault(vault).filter(|point| usable(point));
    Ok(answer(&page, newest.filter(|point| seen.insert(point.resource_arn.as_str()))))
}

/// DescribeProtectedResource.
///
/// # Errors
/// RNF for a resource without a usable point.
pub(super) fn describe_protected_resource(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let arn = request.path("resourceArn");
    let points = &call.region(world).backup.recovery_points;
    let point = newest(points, arn).ok_or_else(|| {
        error::not_found(format!("Resource {} is not protected: it has no recovery point", checks::shorten(arn)))
    })?;
    let restore = points.last_restores.get(arn);
    Ok(RestReply::json(
        &shape(point)
            .maybe("LatestRestoreExecutionTimeMinutes", restore.map(|restore| restore.minutes))
            .maybe("LatestRestoreJobCreationDate", restore.map(|restore| Epoch(restore.created_at)))
            .maybe(
                "LatestRestoreRecoveryPointCreationDate",
                restore.map(|restore| Epoch(restore.recovery_point_created_at)),
            ),
    ))
}

fn usable(point: &RecoveryPoint) -> bool {
    point.completed_at.is_some()
}

fn newest<'p>(points: &'p RecoveryPoints, arn: &str) -> Option<&'p RecoveryPoint> {
    points.of_resource(arn).find(|point| usable(point))
}

fn answer<'p>(page: &Page, newest: impl Iterator<Item = &'p RecoveryPoint>) -> RestReply {
    let (rows, next) = page.take(newest.map(|point| (point.resource_arn.clone(), point)));
    let rows: Vec<_> = rows.into_iter().map(shape).collect();
    RestReply::json(&Members::new().with("Results", rows).maybe("NextToken", next))
}

fn shape(point: &RecoveryPoint) -> Members {
    Members::new()
        .with("ResourceArn", &point.resource_arn)
        .with("ResourceType", &point.resource_type)
        .with("ResourceName", &point.resource_name)
        // A continuous point is as fresh as its database's log, but AWS tells when it was last set up [U].
        .with("LastBackupTime", Epoch(point.completed_at.unwrap_or(point.created_at)))
        .with("LastBackupVaultArn", &point.vault_arn)
        .with("LastRecoveryPointArn", &point.arn)
}
