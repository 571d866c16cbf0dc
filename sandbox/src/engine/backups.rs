//! A backup job's way: it takes its resource, is checked, runs, ends.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Instant,
    continuous::{self, Begun},
    copies, databases, expiry,
};
use crate::{
    backup::{
        announcements,
        jobs::{BackupJob, Phase, Run},
        outcome::{Category, Failure, Outcome, Terminal},
        recovery_points::{Content, RecoveryPoint, Status, arn},
        resource_types::{self, Source},
        slots::Work,
    },
    due::Kind,
    world::World,
};

/// A created job tries to start: when its delay is over, and again when its resource becomes free.
pub(super) fn start(world: &mut World, now: &Instant<'_>, id: &str) {
    let Some(job) = created(world, now, id) else { return };
    let backup = &mut now.region(world).backup;
    if !backup.slots.take(&job.resource_arn, &Work::Backup(id.to_owned())) {
        return;
    }
    world.agenda.cancel(&now.due(Kind::BackupStartWindowEnds, id));
    match begin(world, now, &job) {
        Ok(run) => {
            // Out of the completion window before the snapshot is done: the job ends there, EXPIRED.
            let ends_at = run.until.min(job.completion_window.end(now.at));
            let point = run.recovery_point_arn.clone();
            let backup = &mut now.region(world).backup;
            if let Some(point) = backup.recovery_points.get_mut(&run.recovery_point_arn) {
                point.users.insert(id.to_owned());
            }
            if let Some(job) = backup.jobs.get_mut(id) {
                job.start(run);
            }
            world.agenda.set(now.due(Kind::BackupEnds, id), ends_at);
            let region = now.region(world);
            if region.backup.recovery_points.get(&point).is_some_and(|point| point.status == Status::Creating) {
                announcements::recovery_point(region, now.at, &point);
            }
            announcements::backup_job(region, now.at, id);
        }
        Err(failure) => finish(world, now, id, Outcome::failed(now.at, failure)),
    }
}

fn created(world: &mut World, now: &Instant<'_>, id: &str) -> Option<BackupJob> {
    now.region(world).backup.jobs.get(id).filter(|job| job.phase == Phase::Created).cloned()
}

/// Checks everything that AWS checks when a job starts, then begins the snapshot.
fn begin(world: &mut World, now: &Instant<'_>, job: &BackupJob) -> Result<Run, Failure> {
    check_vault(world, now, job)?;
    let source = Source::parse(&job.resource_arn).ok_or_else(|| {
        Failure::new(Category::InvalidParameters, format!("{} is an unsupported resource type", job.resource_arn))
    })?;
    check_role(world, now, job, &source)?;
    let mut issue = None;
    if continuous::wanted(job, &source) {
        match continuous::begin(world, now, job, &source)? {
            Begun::Continuous(run) => return Ok(run),
            Begun::Snapshot(remark) => issue = remark,
        }
    }
    Ok(Run { issue, ..snapshot(world, now, job, &source)? })
}

fn check_vault(world: &mut World, now: &Instant<'_>, job: &BackupJob) -> Result<(), Failure> {
    let most = now.behaviour.quotas.recovery_points_per_vault;
    let backup = &now.region(world).backup;
    let vault = backup.vaults.0.get(&job.vault_name).ok_or_else(Failure::vault_gone)?;
    let days = job.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days);
    if vault.lock.as_ref().is_some_and(|lock| !lock.allows(days)) {
        return Err(Failure::retention_out_of_range("Backup"));
    }
    if backup.recovery_points.count_in_vault(&job.vault_name) >= most {
        let message = format!("Backup vault {} has reached its limit of {most} recovery points.", job.vault_name);
        return Err(Failure::new(Category::LimitExceeded, message));
    }
    Ok(())
}

fn check_role(world: &mut World, now: &Instant<'_>, job: &BackupJob, source: &Source) -> Result<(), Failure> {
    let iam = now.iam(world);
    let denied = |message| Failure::new(Category::AccessDenied, message);
    let propagation = now.behaviour.role_propagation;
    if iam.assumable_by_backup(&job.role_arn, now.at, propagation).is_err() {
        return Err(Failure::role_not_assumable(&job.role_arn));
    }
    let actions: &[&str] = match source.kind {
        resource_types::Kind::DbInstance(_) => &["rds:CreateDBSnapshot", "rds:AddTagsToResource"],
        resource_types::Kind::DbCluster(_) => &["rds:CreateDBClusterSnapshot", "rds:AddTagsToResource"],
        resource_types::Kind::Other(..) => &[],
    };
    match actions.iter().find(|action| !iam.allows(&job.role_arn, action, &job.resource_arn)) {
        Some(action) => Err(denied(format!(
            "IAM Role {} is not authorized to perform: {action} on resource: {}",
            job.role_arn, job.resource_arn
        ))),
        None => Ok(()),
    }
}

/// Begins a snapshot and its recovery point.
pub(super) fn snapshot(world: &mut World, now: &Instant<'_>, job: &BackupJob, source: &Source) -> Result<Run, Failure> {
    let until = now.after(now.behaviour.jobs.run_time);
    let point_arn = arn::snapshot_arn(source, now.account, now.region, &job.id);
    let region = now.region(world);
    let mut tags = region.tags.0.get(&job.resource_arn).cloned().unwrap_or_default();
    let resource_tags = tags.clone();
    tags.extend(job.recovery_point_tags.clone());
    if tags.len() > now.behaviour.quotas.tags_per_resource {
        let message = "The resultant tag set must not have more than 50 user tags.";
        return Err(Failure::new(Category::LimitExceeded, message));
    }
    let made = databases::begin_snapshot(now, region, source, &job.id, &point_arn, tags)?;
    let key = made.kms_key.or_else(|| {
        let vault = region.backup.vaults.0.get(&job.vault_name).filter(|_| made.content == Content::Other)?;
        Some(vault.key_arn.clone())
    });
    region.backup.recovery_points.insert(RecoveryPoint {
        restore_metadata: made.restore_metadata,
        bytes: made.bytes,
        encryption_key_arn: key,
        resource_tags,
        ..new_point(now, job, point_arn.clone(), made.content)
    });
    if let Some(job) = region.backup.jobs.get_mut(&job.id) {
        job.bytes = made.bytes;
    }
    Ok(Run { since: now.at, until, recovery_point_arn: point_arn, issue: None })
}

/// A point of this job, still CREATING.
pub(super) fn new_point(now: &Instant<'_>, job: &BackupJob, arn: String, content: Content) -> RecoveryPoint {
    RecoveryPoint {
        arn,
        vault_name: job.vault_name.clone(),
        vault_arn: job.vault_arn.clone(),
        source_vault_arn: None,
        resource_arn: job.resource_arn.clone(),
        resource_type: job.resource_type.clone(),
        resource_name: job.resource_name.clone(),
        role_arn: job.role_arn.clone(),
        content,
        status: Status::Creating,
        status_message: None,
        initiated_at: job.created_at,
        created_at: now.at,
        completed_at: None,
        stopped_at: None,
        bytes: 0,
        lifecycle: job.lifecycle.clone(),
        encryption_key_arn: None,
        creator: job.creator.clone(),
        users: BTreeSet::new(),
        last_restore_at: None,
        restore_metadata: BTreeMap::new(),
        resource_tags: BTreeMap::new(),
    }
}

/// The snapshot is done, or the completion window ran out.
pub(super) fn end(world: &mut World, now: &Instant<'_>, id: &str) {
    let Some(job) = now.region(world).backup.jobs.get(id).cloned() else { return };
    let Phase::Running(run) = &job.phase else { return };
    if now.at < run.until {
        discard(world, now, &run.recovery_point_arn);
        let expired = Outcome::without_result(Terminal::Expired, now.at, Failure::expired());
        return finish(world, now, id, expired);
    }
    let backup = &mut now.region(world).backup;
    let (mut delete_at, mut made) = (None, false);
    if let Some(point) = backup.recovery_points.get_mut(&run.recovery_point_arn) {
        made = point.status == Status::Creating;
        if made {
            point.status = if point.is_continuous() { Status::Available } else { Status::Completed };
        }
        point.completed_at.get_or_insert(now.at);
        delete_at = point.delete_at();
    }
    let region = now.region(world);
    region.rds.finish_backup(&run.recovery_point_arn);
    if made {
        announcements::recovery_point(region, now.at, &run.recovery_point_arn);
    }
    if let Some(at) = delete_at {
        world.agenda.set(now.due(Kind::RecoveryPointExpires, &run.recovery_point_arn), at.max(now.at));
    }
    let outcome = Outcome::completed(now.at, Some(run.recovery_point_arn.clone()));
    let outcome = match &run.issue {
        Some(issue) => outcome.with_issue(issue.message.clone(), issue.category),
        None => outcome,
    };
    finish(world, now, id, outcome);
    copies::follow(world, now, &job, &run.recovery_point_arn);
}

/// What a job made and did not finish goes, snapshot and tags included. A continuous point that was there before stays.
fn discard(world: &mut World, now: &Instant<'_>, point_arn: &str) {
    let region = now.region(world);
    if region.backup.recovery_points.get(point_arn).is_some_and(|point| point.status == Status::Creating) {
        expiry::remove(region, now.at, point_arn);
    }
}

/// ABORTING is over.
pub(super) fn aborted(world: &mut World, now: &Instant<'_>, id: &str) {
    let Some(job) = now.region(world).backup.jobs.get(id) else { return };
    let arn = Source::parse(&job.resource_arn).map(|source| arn::snapshot_arn(&source, now.account, now.region, id));
    if let Some(arn) = arn {
        discard(world, now, &arn);
    }
    finish(world, now, id, Outcome::without_result(Terminal::Aborted, now.at, Failure::stopped()));
}

/// A job that has not started by the end of its start window never will.
pub(super) fn start_window_ends(world: &mut World, now: &Instant<'_>, id: &str) {
    let Some(job) = created(world, now, id) else { return };
    let slots = &mut now.region(world).backup.slots;
    let busy = slots.holder(&job.resource_arn).is_some();
    slots.stop_waiting(&job.resource_arn, &Work::Backup(id.to_owned()));
    world.agenda.cancel(&now.due(Kind::BackupStarts, id));
    let why = if busy { Failure::resource_busy() } else { Failure::expired() };
    finish(world, now, id, Outcome::without_result(Terminal::Expired, now.at, why));
}

/// Ends a job, lets its point go and the next one have the resource.
fn finish(world: &mut World, now: &Instant<'_>, id: &str, outcome: Outcome) {
    let backup = &mut now.region(world).backup;
    let Some(job) = backup.jobs.get_mut(id) else { return };
    if let Phase::Running(run) = &job.phase
        && let Some(point) = backup.recovery_points.get_mut(&run.recovery_point_arn)
    {
        point.users.remove(id);
    }
    job.end(outcome);
    let resource = job.resource_arn.clone();
    let next = backup.slots.release(&resource, &Work::Backup(id.to_owned()));
    announcements::backup_job(now.region(world), now.at, id);
    wake(world, now, next);
}

/// The job that waited longest for a resource tries to start at once.
pub(super) fn wake(world: &mut World, now: &Instant<'_>, next: Option<Work>) {
    let due = match next {
        Some(Work::Backup(id)) => now.due(Kind::BackupStarts, &id),
        Some(Work::Copy(id)) => now.due(Kind::CopyStarts, &id),
        None => return,
    };
    world.agenda.set(due, now.at);
}
