//! The end of recovery points: by lifecycle, or asked for.

use super::Instant;
use crate::{
    backup::{
        announcements,
        recovery_points::{self, Content, Status},
    },
    due::Kind,
    world::{Region, World},
};

/// A point has reached the end of its lifecycle. It is deleted with the role that made it, whatever lock its vault has;
/// where that role can't, the point stays, EXPIRED `[K]`.
pub(super) fn expires(world: &mut World, now: &Instant<'_>, arn: &str) {
    let account = world.account(now.account);
    let region = account.regions.entry(now.region.to_owned()).or_default();
    let Some(point) = region.backup.recovery_points.get(arn) else { return };
    // A lifecycle that was changed since has another event on the agenda.
    if point.status == Status::Deleting || point.delete_at().is_none_or(|at| at > now.at) {
        return;
    }
    // A legal hold outlasts every lifecycle [D]; its end puts what is overdue on the agenda again.
    if region.backup.legal_holds.keeping(arn).is_some() {
        return;
    }
    if !point.users.is_empty() {
        let later = now.after(now.behaviour.jobs.run_time.max(jiff::SignedDuration::from_secs(1)));
        world.agenda.set(now.due(Kind::RecoveryPointExpires, arn), later);
        return;
    }
    if recovery_points::may_delete(account.iam.of(now.region), point, now.at) {
        remove(region, now.at, arn);
    } else if let Some(point) = region.backup.recovery_points.get_mut(arn) {
        recovery_points::expire(point);
        announcements::recovery_point(region, now.at, arn);
    }
}

/// A point that was deleted is gone.
pub(super) fn gone(world: &mut World, now: &Instant<'_>, arn: &str) {
    let region = now.region(world);
    if region.backup.recovery_points.get(arn).is_some_and(|point| point.status == Status::Deleting) {
        remove(region, now.at, arn);
    }
}

/// Removes a point, its snapshot in RDS and its tags; a continuous one's database is RDS's again.
pub(super) fn remove(region: &mut Region, at: jiff::Timestamp, arn: &str) {
    let Some(point) = region.backup.recovery_points.remove(arn) else { return };
    announcements::recovery_point_gone(region, at, &point);
    match &point.content {
        Content::DbSnapshot(_) | Content::DbClusterSnapshot(_) => {
            region.rds.delete_backup(&mut region.tags, arn);
        }
        Content::Continuous(source) => region.rds.end_continuous(source, arn, at),
        Content::Other => {}
    }
    region.tags.0.remove(arn);
}
