//! Continuous backup (point-in-time restore): docs/aws-backup-semantics.md, section 7.4. One continuous point for a database,
//! which each run updates instead of making another.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Instant, backups::new_point, databases};
use crate::{
    backup::{
        announcements,
        jobs::{BackupJob, Run},
        outcome::{Category, Failure},
        recovery_points::{Content, RecoveryPoint, Status, arn},
        resource_types::{self, Source},
    },
    due::Kind,
    world::{Region, World},
};

/// The longest continuous retention, and what a rule without one gets.
const LONGEST_DAYS: i64 = 35;

/// How a run under a continuous rule goes on.
pub(super) enum Begun {
    /// The continuous point is, or is about to be, up to date.
    Continuous(Run),
    /// A snapshot is made instead, with this remark.
    Snapshot(Option<Failure>),
}

/// Whether the rule asks for it and the type can: RDS instances and Aurora clusters here. All other types in the same
/// rule get snapshots `[D]`.
pub(super) fn wanted(job: &BackupJob, source: &Source) -> bool {
    job.continuous
        && match source.kind {
            resource_types::Kind::DbInstance(_) => true,
            resource_types::Kind::DbCluster(_) => job.resource_type == "Aurora",
            resource_types::Kind::Other(..) => false,
        }
}

/// Begins or goes on with the continuous backup of a database.
pub(super) fn begin(world: &mut World, now: &Instant<'_>, job: &BackupJob, source: &Source) -> Result<Begun, Failure> {
    stop_orphans(world, now, &job.resource_arn);
    let region = now.region(world);
    databases::check(region, source, now.at)?;
    let (run, days) = (|arn: String| run(now, arn), days_of(job));
    if let Some(point) = active(region, &job.resource_arn).cloned() {
        if point.vault_name != job.vault_name {
            return Ok(Begun::Snapshot(Some(configured_elsewhere(&point))));
        }
        let rule =
            |creator: &Option<crate::backup::creator::Creator>| creator.as_ref().map(|it| it.backup_rule_id.clone());
        let had = point.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days).unwrap_or(LONGEST_DAYS);
        let same_rule = rule(&point.creator) == rule(&job.creator);
        if had == days || (!same_rule && had > days) {
            bring_up_to_date(region, &point.arn, source)?;
            return Ok(Begun::Continuous(run(point.arn)));
        }
        if !same_rule {
            // Of several rules with one vault the longest retention wins [D].
            region.rds.take_over_continuous(&job.resource_arn, &point.arn, retention(days));
            if let Some(point) = region.backup.recovery_points.get_mut(&point.arn) {
                point.lifecycle.clone_from(&job.lifecycle);
                point.creator.clone_from(&job.creator);
            }
            bring_up_to_date(region, &point.arn, source)?;
            return Ok(Begun::Continuous(run(point.arn)));
        }
        // The rule's retention was changed: the old point stops and a new one is made [M].
        let why = "The retention period of the continuous backup was changed.";
        let delete_at = stop(region, &point.arn, now.at, why);
        if let Some(at) = delete_at {
            world.agenda.set(now.due(Kind::RecoveryPointExpires, &point.arn), at);
        }
        return Ok(Begun::Continuous(run(enable(now, now.region(world), job, source)?)));
    }
    let action = match source.kind {
        resource_types::Kind::DbCluster(_) => "rds:ModifyDBCluster",
        resource_types::Kind::DbInstance(_) | resource_types::Kind::Other(..) => "rds:ModifyDBInstance",
    };
    if !now.iam(world).allows(&job.role_arn, action, &job.resource_arn) {
        let why = format!("IAM Role {} is not authorized to perform: {action}", job.role_arn);
        return Ok(Begun::Snapshot(Some(Failure::new(Category::AccessDenied, not_enabled(&why)))));
    }
    // From no automated backups to some takes a restart of the instance: RDS waits for the maintenance window [D].
    if let Some(at) = maintenance(now.region(world), source, now.at) {
        world.agenda.set(now.due(Kind::ContinuousBegins, &job.id), at);
        return Ok(Begun::Snapshot(None));
    }
    Ok(Begun::Continuous(run(enable(now, now.region(world), job, source)?)))
}

/// The maintenance window has come for a database whose automated backups were off.
pub(super) fn begins(world: &mut World, now: &Instant<'_>, job_id: &str) {
    let region = now.region(world);
    let Some(job) = region.backup.jobs.get(job_id).cloned() else { return };
    let Some(source) = Source::parse(&job.resource_arn) else { return };
    let wanted_still = job.creator.as_ref().is_some_and(|it| region.backup.plans.active(&it.backup_plan_id).is_some());
    let possible = wanted_still
        && active(region, &job.resource_arn).is_none()
        && region.backup.vaults.0.contains_key(&job.vault_name);
    if !possible {
        return;
    }
    // A database that has gone since has no maintenance window.
    if let Ok(arn) = enable(now, region, &job, &source)
        && let Some(point) = region.backup.recovery_points.get_mut(&arn)
    {
        point.status = Status::Available;
        point.completed_at = Some(now.at);
        announcements::recovery_point(region, now.at, &arn);
    }
}

/// The continuous point of a resource that follows it: the one that the database names. A point of a database that was
/// deleted says nothing about a new one of that name.
fn active<'r>(region: &'r Region, resource_arn: &str) -> Option<&'r RecoveryPoint> {
    let point = region.backup.recovery_points.get(region.rds.continuous_point(resource_arn)?)?;
    (point.is_continuous() && matches!(point.status, Status::Available | Status::Creating)).then_some(point)
}

/// Stops the points whose database is gone, though another may have its name by now.
fn stop_orphans(world: &mut World, now: &Instant<'_>, resource_arn: &str) {
    let region = now.region(world);
    let own = region.rds.continuous_point(resource_arn);
    let points =
        region.backup.recovery_points.of_resource(resource_arn).filter(|point| {
            point.is_continuous() && point.status == Status::Available && own != Some(point.arn.as_str())
        });
    let orphans: Vec<String> = points.map(|point| point.arn.clone()).collect();
    for arn in orphans {
        let delete_at = stop(now.region(world), &arn, now.at, "The database it followed was deleted.");
        if let Some(at) = delete_at {
            world.agenda.set(now.due(Kind::RecoveryPointExpires, &arn), at);
        }
    }
}

/// What the database tells a point that follows it.
struct Seen {
    resource_id: String,
    kms_key: Option<String>,
    restore_metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

fn see(region: &Region, source: &Source) -> Result<Seen, Failure> {
    let missing = || Failure::new(Category::ResourceNotFound, format!("Could not find resource {}", source.arn));
    let tags = region.tags.0.get(&source.arn).cloned().unwrap_or_default();
    let (resource_id, kms_key, restore_metadata) = match &source.kind {
        resource_types::Kind::DbInstance(id) => {
            let it = region.rds.instance(id).ok_or_else(missing)?;
            (it.resource_id.clone(), it.settings.kms_key.clone(), it.restore_metadata())
        }
        resource_types::Kind::DbCluster(id) => {
            let it = region.rds.cluster(id).ok_or_else(missing)?;
            (it.resource_id.clone(), it.settings.kms_key.clone(), it.restore_metadata())
        }
        resource_types::Kind::Other(..) => return Err(missing()),
    };
    Ok(Seen { resource_id, kms_key, restore_metadata, tags })
}

/// A run updates the one point there is `[D]`: what a restore starts from is what the database is set to by now `[I]`.
fn bring_up_to_date(region: &mut Region, arn: &str, source: &Source) -> Result<(), Failure> {
    let seen = see(region, source)?;
    if let Some(point) = region.backup.recovery_points.get_mut(arn) {
        point.restore_metadata = seen.restore_metadata;
        point.resource_tags = seen.tags;
    }
    Ok(())
}

/// Takes the automated backups over and makes the point.
fn enable(now: &Instant<'_>, region: &mut Region, job: &BackupJob, source: &Source) -> Result<String, Failure> {
    let Seen { resource_id, kms_key, restore_metadata, tags: resource_tags } = see(region, source)?;
    let arn = arn::continuous_arn(now.account, now.region, &resource_id, &job.id);
    if !region.rds.take_over_continuous(&source.arn, &arn, retention(days_of(job))) {
        let message = format!("Could not find resource {}", source.arn);
        return Err(Failure::new(Category::ResourceNotFound, message));
    }
    let mut tags = resource_tags.clone();
    tags.extend(job.recovery_point_tags.clone());
    region.tags.0.insert(arn.clone(), tags);
    region.backup.recovery_points.insert(RecoveryPoint {
        encryption_key_arn: kms_key,
        restore_metadata,
        resource_tags,
        ..new_point(now, job, arn.clone(), Content::Continuous(source.arn.clone()))
    });
    Ok(arn)
}

/// A point stops following its database; its retention runs out from here.
fn stop(region: &mut Region, arn: &str, at: Timestamp, why: &str) -> Option<Timestamp> {
    let point = region.backup.recovery_points.get_mut(arn)?;
    point.status = Status::Stopped;
    point.status_message = Some(why.to_owned());
    point.stopped_at = Some(at);
    let delete_at = point.delete_at();
    announcements::recovery_point(region, at, arn);
    delete_at
}

/// When RDS can switch automated backups on: `None` where they are on already.
fn maintenance(region: &Region, source: &Source, at: Timestamp) -> Option<Timestamp> {
    let resource_types::Kind::DbInstance(id) = &source.kind else { return None };
    let settings = &region.rds.instance(id)?.settings;
    (settings.backup_retention == 0).then(|| settings.maintenance_window.next_start(at))
}

fn run(now: &Instant<'_>, recovery_point_arn: String) -> Run {
    Run { since: now.at, until: now.after(now.behaviour.jobs.run_time), recovery_point_arn, issue: None }
}

fn days_of(job: &BackupJob) -> i64 {
    job.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days).unwrap_or(LONGEST_DAYS)
}

fn retention(days: i64) -> u32 {
    u32::try_from(days.clamp(1, LONGEST_DAYS)).unwrap_or(1)
}

fn configured_elsewhere(point: &RecoveryPoint) -> Failure {
    let plan = point.creator.as_ref().map_or("", |creator| creator.backup_plan_arn.as_str());
    Failure::new(Category::Conflict, not_enabled(&format!("PITR already configured in backup plan: [{plan}]")))
}

/// AWS's words for the fallback to a snapshot `[D]`.
fn not_enabled(why: &str) -> String {
    format!("Enabling continuous backup failed, because of the following error: {why}")
}
