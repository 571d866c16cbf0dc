//! A restore job's way: the new database is begun, and the job ends when it is there.

use super::{Instant, databases};
use crate::{
    backup::{
        announcements,
        outcome::{Category, Failure, Outcome},
        recovery_points::{Content, LastRestore, RecoveryPoint},
        restores::{Phase, RestoreJob},
    },
    due::Kind,
    rds,
    world::World,
};

/// A pending restore starts.
pub(super) fn start(world: &mut World, now: &Instant<'_>, id: &str) {
    let job = now.region(world).backup.restores.get(id).filter(|job| job.phase == Phase::Pending).cloned();
    let Some(job) = job else { return };
    match begin(world, now, &job) {
        Ok(created_arn) => {
            // Not before RDS has made the database: clients use it as soon as the job is COMPLETED.
            let until = now.after(now.behaviour.jobs.run_time.max(rds::CHANGE));
            if let Some(job) = now.region(world).backup.restores.get_mut(id) {
                job.phase = Phase::Running { since: now.at, until, created_arn };
            }
            announcements::restore_job(now.region(world), now.at, id);
            world.agenda.set(now.due(Kind::RestoreEnds, id), until);
        }
        Err(failure) => finish(world, now, id, Outcome::failed(now.at, failure)),
    }
}

fn begin(world: &mut World, now: &Instant<'_>, job: &RestoreJob) -> Result<String, Failure> {
    let point = now.region(world).backup.recovery_points.get(&job.recovery_point_arn).cloned();
    let point = point.filter(RecoveryPoint::usable).ok_or_else(|| {
        Failure::new(Category::ResourceNotFound, format!("Cannot find recovery point {}", job.recovery_point_arn))
    })?;
    let action = match point.content {
        Content::DbSnapshot(_) => "rds:RestoreDBInstanceFromDBSnapshot",
        Content::DbClusterSnapshot(_) => "rds:RestoreDBClusterFromSnapshot",
        Content::Continuous(ref source) if source.contains(":cluster:") => "rds:RestoreDBClusterToPointInTime",
        Content::Continuous(_) => "rds:RestoreDBInstanceToPointInTime",
        Content::Other => {
            let message = "Feature is not supported for provided resource type.";
            return Err(Failure::new(Category::InvalidParameters, message));
        }
    };
    let iam = now.iam(world);
    let denied = |message| Err(Failure::new(Category::AccessDenied, message));
    if iam.assumable_by_backup(&job.role_arn, now.at, now.behaviour.role_propagation).is_err() {
        return Err(Failure::role_not_assumable(&job.role_arn));
    }
    if !iam.allows(&job.role_arn, action, &point.arn) {
        return denied(format!(
            "IAM Role {} is not authorized to perform: {action} on resource: {}",
            job.role_arn, point.arn
        ));
    }
    let key = point.encryption_key_arn.as_ref();
    if let Some(key) = key.filter(|key| now.region(world).disabled_keys.contains(*key)) {
        let message = format!(
            "The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it. \
             (Service: AmazonRDS; Error Code: KMSKeyNotAccessibleFault)"
        );
        return Err(Failure::new(Category::AccessDenied, message));
    }
    let tags = if job.copy_tags { point.resource_tags.clone() } else { Default::default() };
    databases::begin_restore(now, now.region(world), &point, &job.metadata, tags)
}

/// The new database should be there.
pub(super) fn end(world: &mut World, now: &Instant<'_>, id: &str) {
    let region = now.region(world);
    let Some(job) = region.backup.restores.get(id) else { return };
    let Phase::Running { created_arn, .. } = &job.phase else { return };
    if !region.rds.has(created_arn) {
        let message = format!("{created_arn} was deleted before the restore completed: resource not found");
        return finish(world, now, id, Outcome::failed(now.at, Failure::new(Category::ResourceNotFound, message)));
    }
    let restore = LastRestore {
        minutes: now.at.duration_since(job.created_at).as_mins().max(1),
        created_at: job.created_at,
        recovery_point_created_at: job.recovery_point_created_at,
    };
    let (point_arn, source_arn) = (job.recovery_point_arn.clone(), job.source_arn.clone());
    let points = &mut region.backup.recovery_points;
    if let Some(point) = points.get_mut(&point_arn) {
        point.last_restore_at = Some(now.at);
        points.last_restores.insert(source_arn, restore);
    }
    finish(world, now, id, Outcome::completed(now.at, None));
}

fn finish(world: &mut World, now: &Instant<'_>, id: &str, outcome: Outcome) {
    let backup = &mut now.region(world).backup;
    let Some(job) = backup.restores.get_mut(id) else { return };
    job.end(outcome);
    let point = job.recovery_point_arn.clone();
    if let Some(point) = backup.recovery_points.get_mut(&point) {
        point.users.remove(id);
    }
    announcements::restore_job(now.region(world), now.at, id);
}
