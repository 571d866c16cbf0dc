//! What AWS Backup tells EventBridge when something changes, with all that is odd about it: docs/aws-backup-semantics.md,
//! section 12. States stand in `state` here and in `status` there, sizes are texts in one event and numbers in the next,
//! and what an event says first is next to nothing.
//!
//! Whoever changes something calls the noun's function after it, with the region in which it happened.

mod notices;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    backup::{
        copies::{self, CopyJob},
        creator::Creator,
        jobs::{self, BackupJob},
        members::Members,
        outcome::Outcome,
        recovery_points::RecoveryPoint,
        resource_types::size_told,
        restores::{self, RestoreJob},
    },
    outbox::Letter,
    world::Region,
};

const SOURCE: &str = "aws.backup";

fn tell(region: &mut Region, at: Timestamp, detail_type: &str, resources: Vec<String>, detail: impl serde::Serialize) {
    // Strings, numbers and maps of them: they can't fail to serialize.
    let detail = serde_json::to_value(detail).unwrap_or_default();
    region.outbox.put(Letter::event(at, SOURCE, detail_type, resources, detail));
}

/// As the events write an instant; the API writes seconds since 1970.
fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The one date that the events write like nothing else: `Jul 15, 2020 9:39:07 PM`.
fn worded(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%b %-d, %Y %-I:%M:%S %p").to_string()
}

/// The plan behind it, by names that are not all those of the API.
fn created_by(creator: &Creator) -> Value {
    json!({
        "backupPlanId": creator.backup_plan_id,
        "backupPlanArn": creator.backup_plan_arn,
        "backupPlanVersion": creator.backup_plan_version,
        "backupPlanRuleId": creator.backup_rule_id,
    })
}

/// A backup job is in the state that it has now.
pub fn backup_job(region: &mut Region, at: Timestamp, id: &str) {
    let Some(job) = region.backup.jobs.get(id) else { return };
    let completed = job.outcome().filter(|outcome| outcome.recovery_point_arn.is_some());
    let resources = completed.and_then(|outcome| outcome.recovery_point_arn.clone()).into_iter().collect();
    let (detail, notice) = (backup_detail(job), notices::backup_job(region, job, at));
    tell(region, at, "Backup Job State Change", resources, detail);
    region.outbox.put_all(notice);
}

fn backup_detail(job: &BackupJob) -> Members {
    let first = Members::new()
        .with("backupJobId", &job.id)
        .with("state", job.state())
        .with("creationDate", iso(job.created_at));
    let expected = match &job.phase {
        jobs::Phase::Created => return first,
        jobs::Phase::Running(run) => Some(run.until.min(job.completion_window.end(run.since))),
        jobs::Phase::Aborting | jobs::Phase::Ended(_) => None,
    };
    let outcome = job.outcome();
    let completed = outcome.is_some_and(|outcome| outcome.recovery_point_arn.is_some());
    let size = size_told(&job.resource_type, job.bytes);
    let moved = if completed { size.unwrap_or(job.bytes) } else { 0 };
    let message = outcome.and_then(|outcome| outcome.message.as_ref());
    first
        .with("backupVaultArn", &job.vault_arn)
        .with("backupVaultName", &job.vault_name)
        .maybe("backupSizeInBytes", size.filter(|_| completed).map(|size| size.to_string()))
        .with("bytesTransferred", moved.to_string())
        .maybe("completionDate", outcome.map(|outcome| iso(outcome.at)))
        .maybe("createdBy", job.creator.as_ref().map(created_by))
        .maybe("expectedCompletionDate", expected.map(worded))
        .with("iamRoleArn", &job.role_arn)
        .with("percentDone", if completed { 100 } else { 0 })
        .with("resourceArn", &job.resource_arn)
        .with("resourceType", &job.resource_type)
        .maybe("retryCount", completed.then_some(0))
        .with("startBy", iso(job.start_by))
        // In quotes that are part of the text.
        .maybe("statusMessage", message.map(|message| format!("\"{message}\"")))
}

/// A restore job is in the status that it has now. Of a new one the event says `state`, of all others `status`.
pub fn restore_job(region: &mut Region, at: Timestamp, id: &str) {
    let Some(job) = region.backup.restores.get(id) else { return };
    let (detail, resources) = (restore_detail(region, job), vec![job.recovery_point_arn.clone()]);
    let notice = notices::restore_job(region, job, at);
    tell(region, at, "Restore Job State Change", resources, detail);
    region.outbox.put_all(notice);
}

fn restore_detail(region: &Region, job: &RestoreJob) -> Members {
    let first = Members::new().with("restoreJobId", &job.id).with("creationDate", iso(job.created_at));
    if job.phase == restores::Phase::Pending {
        return first.with("state", "CREATED");
    }
    let outcome = job.outcome();
    let completed = outcome.is_some_and(|outcome| outcome.message.is_none());
    let bytes = region.backup.recovery_points.get(&job.recovery_point_arn).map_or(0, |point| point.bytes);
    first
        .with("backupVaultArn", &job.vault_arn)
        .with("recoveryPointArn", &job.recovery_point_arn)
        .with("sourceResourceArn", &job.source_arn)
        .maybe("backupSizeInBytes", size_told(&job.resource_type, bytes).map(|size| size.to_string()))
        .maybe("completionDate", outcome.map(|outcome| iso(outcome.at)))
        .with("iamRoleArn", &job.role_arn)
        // Never more than nothing, also at the end [D].
        .with("percentDone", 0)
        .with("resourceType", &job.resource_type)
        .with("status", job.status())
        .maybe("statusMessage", outcome.and_then(|outcome| outcome.message.as_ref()))
        .maybe("createdResourceArn", job.created_arn().filter(|_| completed))
}

/// A copy job is in the state that it has now.
pub fn copy_job(region: &mut Region, at: Timestamp, id: &str) {
    let Some(job) = region.backup.copies.get(id) else { return };
    let (detail, resources) = (copy_detail(job), vec![job.source_point_arn.clone()]);
    let notice = notices::copy_job(region, job, at);
    tell(region, at, "Copy Job State Change", resources, detail);
    region.outbox.put_all(notice);
}

fn copy_detail(job: &CopyJob) -> Members {
    let first = Members::new().with("state", job.state()).with("creationDate", iso(job.created_at));
    if job.phase == copies::Phase::Created {
        // Which job it is about, the event of a new one does not say.
        return first;
    }
    let outcome = job.outcome();
    // What has no result yet has an empty object where the text will stand.
    let result = outcome.and_then(|outcome| outcome.recovery_point_arn.as_ref());
    let result = result.map_or_else(|| json!({}), |arn| json!(arn));
    first
        .with("copyJobId", &job.id)
        // A number here.
        .maybe("backupSizeInBytes", size_told(&job.resource_type, job.bytes))
        .maybe("completionDate", outcome.map(|outcome| iso(outcome.at)))
        .with("iamRoleArn", &job.role_arn)
        .with("resourceArn", &job.resource_arn)
        .with("resourceType", &job.resource_type)
        .with("sourceBackupVaultArn", &job.source_vault_arn)
        .with("destinationBackupVaultArn", &job.destination_vault_arn)
        .with("destinationRecoveryPointArn", result)
        .maybe("statusMessage", outcome.and_then(|outcome| outcome.message.as_ref()))
        .maybe("createdBy", job.creator.as_ref().map(created_by))
}

/// A recovery point is in the status that it has now.
pub fn recovery_point(region: &mut Region, at: Timestamp, arn: &str) {
    if let Some(point) = region.backup.recovery_points.get(arn).cloned() {
        point_event(region, at, &point, point.status.text());
    }
}

/// A recovery point is gone; AWS's word for it is not known `[I]`.
pub fn recovery_point_gone(region: &mut Region, at: Timestamp, point: &RecoveryPoint) {
    point_event(region, at, point, "DELETED");
}

/// The lifecycle of a recovery point was changed: a vault's subscribers alone hear of it.
pub fn recovery_point_modified(region: &mut Region, at: Timestamp, arn: &str) {
    let Some(point) = region.backup.recovery_points.get(arn) else { return };
    let notice = notices::recovery_point(region, point, at);
    region.outbox.put_all(notice);
}

fn point_event(region: &mut Region, at: Timestamp, point: &RecoveryPoint, status: &str) {
    let days = point.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days);
    let cold = point.lifecycle.as_ref().and_then(|lifecycle| lifecycle.move_to_cold_storage_after_days);
    let lifecycle = Members::new().maybe("deleteAfterDays", days).maybe("moveToColdStorageAfterDays", cold);
    let calculated = Members::new().maybe("deleteAt", point.delete_at().map(iso));
    let detail = Members::new()
        .with("backupVaultName", &point.vault_name)
        .with("backupVaultArn", &point.vault_arn)
        .with("creationDate", iso(point.created_at))
        .maybe("completionDate", point.completed_at.map(iso))
        .with("iamRoleArn", &point.role_arn)
        .with("resourceType", &point.resource_type)
        .with("resourceArn", &point.resource_arn)
        .with("status", status)
        .maybe("statusMessage", point.status_message.as_ref())
        // A text.
        .with("isEncrypted", point.encryption_key_arn.is_some().to_string())
        .with("storageClass", "WARM")
        .with("lifecycle", lifecycle)
        // With a capital C, unlike the member of the API.
        .with("calculatedLifeCycle", calculated)
        .maybe("createdBy", point.creator.as_ref().map(created_by));
    tell(region, at, "Recovery Point State Change", vec![point.arn.clone()], detail);
}

/// A vault was `CREATED`, `MODIFIED` or `DELETED`.
pub fn vault(region: &mut Region, at: Timestamp, name: &str, arn: &str, locked: bool, state: &str) {
    // A text, again.
    let detail = json!({ "backupVaultName": name, "state": state, "isLocked": locked.to_string() });
    tell(region, at, "Backup Vault State Change", vec![arn.to_owned()], detail);
}

/// A vault that there is was `CREATED` or `MODIFIED`.
pub fn vault_is(region: &mut Region, at: Timestamp, name: &str, state: &str) {
    let Some(it) = region.backup.vaults.0.get(name) else { return };
    let (arn, locked) = (it.arn.clone(), it.lock.is_some());
    vault(region, at, name, &arn, locked, state);
}

/// A plan was `CREATED`, `MODIFIED` or `DELETED`; each state has a date by a name of its own.
pub fn plan(region: &mut Region, at: Timestamp, id: &str, arn: &str, version: &str, state: &str) {
    let date = match state {
        "CREATED" => "creationDate",
        "DELETED" => "deletionDate",
        _ => "modifiedAt",
    };
    let detail = json!({ "backupPlanId": id, "versionId": version, date: iso(at), "state": state });
    tell(region, at, "Backup Plan State Change", vec![arn.to_owned()], detail);
}

/// The opt-in of resource types was changed to this.
pub fn region_settings(region: &mut Region, at: Timestamp, opt_in: &Value) {
    let detail = json!({ "modifiedAt": iso(at), "ResourceTypeOptInPreference": opt_in, "state": "MODIFIED" });
    tell(region, at, "Region Setting State Change", Vec::new(), detail);
}

/// Whether a job came to its end without a usable result.
fn failed(outcome: Option<&Outcome>) -> bool {
    outcome.is_some_and(|outcome| outcome.state != crate::backup::outcome::Terminal::Completed)
}
