//! StartBackupJob and StopBackupJob, and how a job is accepted: docs/aws-backup-semantics.md, section 1.9.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{BackupJob, CompletionWindow, Phase};
use crate::{
    backup::{
        announcements, checks, error,
        job_store::Replay,
        json::Epoch,
        lifecycle::Lifecycle,
        members::Members,
        recovery_points::arn::snapshot_arn,
        resource_types::{Source, can_stop},
        rest::{RestReply, RestRequest},
        slots::Work,
    },
    call::{AwsError, Call},
    due::{Due, Kind},
    partition,
    world::World,
};

/// What the API fills in `[D]`.
const DEFAULT_START_WINDOW: i64 = 480;
const DEFAULT_COMPLETE_WINDOW: i64 = 10_080;

/// The body of StartBackupJob. Written out again without its token it is what the token stands for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartBackupJob {
    backup_vault_name: Option<String>,
    resource_arn: Option<String>,
    iam_role_arn: Option<String>,
    #[serde(skip_serializing)]
    idempotency_token: Option<String>,
    start_window_minutes: Option<i64>,
    complete_window_minutes: Option<i64>,
    lifecycle: Option<Lifecycle>,
    #[serde(default)]
    recovery_point_tags: BTreeMap<String, String>,
    #[serde(default)]
    backup_options: BTreeMap<String, String>,
}

/// StartBackupJob.
///
/// # Errors
/// MPV, IPV and RNF as in docs/aws-backup-semantics.md. What only shows when the job starts (the state of the database, its
/// windows, the role's permissions, the vault's lock) is no error here but a FAILED job.
pub(super) fn start_backup_job(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: StartBackupJob = request.body()?;
    let vault_name = checks::required("BackupVaultName", input.backup_vault_name.as_deref())?;
    let resource_arn = checks::required("ResourceArn", input.resource_arn.as_deref())?;
    let role_arn = checks::required("IamRoleArn", input.iam_role_arn.as_deref())?;
    checks::vault_name(vault_name)?;
    checks::role_arn(role_arn)?;
    checks::token(input.idempotency_token.as_deref())?;
    let source = source(call, resource_arn)?;
    let (start_window, completion_window) = windows(input.start_window_minutes, input.complete_window_minutes)?;
    let lifecycle = checks::lifecycle(input.lifecycle.clone())?;
    checks::tags("RecoveryPointTags", &input.recovery_point_tags, call.behaviour.quotas.tags_per_resource)?;
    checks::options(&input.backup_options)?;

    let fingerprint = serde_json::to_string(&input).unwrap_or_default();
    let token = input.idempotency_token.as_deref();
    let region = call.region(world);
    match region.backup.jobs.replay(token, &fingerprint, call.now) {
        Replay::New => {}
        Replay::Same { job_id, created_at } => return Ok(started(&source, call, &job_id, created_at)),
        Replay::Different => return Err(checks::token_reused(token)),
    }

    let vault = region.backup.vaults.0.get(vault_name);
    let vault_arn = vault.map(|vault| vault.arn.clone()).ok_or_else(|| checks::no_such_vault(vault_name))?;
    let resource_type = source.resource_type(&region.rds).to_owned();
    checks::assumable(world, call, role_arn)?;

    let id = uuid::Uuid::new_v4().to_string();
    let job = BackupJob {
        id: id.clone(),
        account: call.account.clone(),
        vault_name: vault_name.to_owned(),
        vault_arn,
        resource_arn: resource_arn.to_owned(),
        resource_type,
        resource_name: source.name().to_owned(),
        role_arn: role_arn.to_owned(),
        created_at: call.now,
        start_by: call.now.checked_add(start_window).unwrap_or(Timestamp::MAX),
        completion_window: CompletionWindow::Until(call.now.checked_add(completion_window).unwrap_or(Timestamp::MAX)),
        lifecycle,
        recovery_point_tags: input.recovery_point_tags,
        options: input.backup_options,
        creator: None,
        copy_actions: Vec::new(),
        continuous: false,
        bytes: 0,
        phase: Phase::Created,
    };
    let start_at = call.now.checked_add(call.behaviour.jobs.start_delay).unwrap_or(call.now);
    call.region(world).backup.jobs.remember(token, fingerprint, &id, call.now);
    accept(world, &call.account, &call.region, job, start_at);
    Ok(started(&source, call, &id, call.now))
}

/// Keeps a new job and puts its start and the end of its start window on the agenda.
pub fn accept(world: &mut World, account: &str, region: &str, job: BackupJob, start_at: Timestamp) {
    let due = |kind| Due { kind, account: account.to_owned(), region: region.to_owned(), id: job.id.clone() };
    world.agenda.set(due(Kind::BackupStarts), start_at);
    world.agenda.set(due(Kind::BackupStartWindowEnds), job.start_by);
    let region = world.account(account).region(region);
    let (id, at) = (job.id.clone(), job.created_at);
    region.backup.jobs.insert(job);
    announcements::backup_job(region, at, &id);
}

/// The answer tells the recovery point's ARN beforehand for EFS and DynamoDB alone `[M]`.
fn started(source: &Source, call: &Call, job_id: &str, created_at: Timestamp) -> RestReply {
    let point = matches!(&source.kind, crate::backup::resource_types::Kind::Other("EFS" | "DynamoDB", _))
        .then(|| snapshot_arn(source, &call.account, &call.region, job_id));
    RestReply::json(
        &Members::new()
            .with("BackupJobId", job_id)
            .maybe("RecoveryPointArn", point)
            .with("CreationDate", Epoch(created_at))
            .with("IsParent", false),
    )
}

fn source(call: &Call, arn: &str) -> Result<Source, AwsError> {
    let source = Source::parse(arn).ok_or_else(|| {
        error::invalid_parameter(format!("Invalid or unsupported resource type: the ARN '{}'", checks::shorten(arn)))
    })?;
    let elsewhere = |name: &str, theirs: &str, ours: &str| {
        let message = format!("ResourceArn '{}' is of {name} '{theirs}', not of '{ours}'", checks::shorten(arn));
        (!theirs.is_empty() && theirs != ours).then(|| error::invalid_parameter(message))
    };
    let partition = elsewhere("partition", partition::in_arn(arn), call.partition());
    let wrong = partition.or_else(|| elsewhere("region", &source.region, &call.region));
    wrong.or_else(|| elsewhere("account", &source.account, &call.account)).map_or(Ok(source), Err)
}

/// The start and the completion window; both count from the scheduled time of a job on demand.
fn windows(start: Option<i64>, complete: Option<i64>) -> Result<(SignedDuration, SignedDuration), AwsError> {
    let start = start.unwrap_or(DEFAULT_START_WINDOW);
    // The model's bounds: an hour to a hundred years.
    if !(60..=52_560_000).contains(&start) {
        let message = format!("StartWindowMinutes must be from 60 to 52560000, not {start}");
        return Err(error::invalid_parameter(message));
    }
    let complete = complete.unwrap_or_else(|| DEFAULT_COMPLETE_WINDOW.max(start + 60));
    if !(start + 60..=52_560_060).contains(&complete) {
        let message = format!(
            "CompleteWindowMinutes must be at least 60 minutes more than StartWindowMinutes ({start}), not {complete}"
        );
        return Err(error::invalid_parameter(message));
    }
    Ok((SignedDuration::from_mins(start), SignedDuration::from_mins(complete)))
}

/// StopBackupJob.
///
/// # Errors
/// RNF for an unknown job; IR for a type that can't be stopped (all databases `[M]`) and for a job that has ended.
pub(super) fn stop_backup_job(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let id = request.path("backupJobId");
    let backup = &mut call.region(world).backup;
    let job = backup.jobs.get_mut(id).ok_or_else(|| no_such_job(id))?;
    if !can_stop(&job.resource_type) {
        let message = format!("Stopping a backup job is not supported for resource type {}", job.resource_type);
        return Err(error::invalid_request(message));
    }
    let state = job.state();
    if state == "ABORTING" {
        return Ok(RestReply::empty());
    }
    if !job.abort() {
        return Err(error::invalid_request(format!("Backup job {id} is {state} and can't be stopped any more")));
    }
    let resource = job.resource_arn.clone();
    backup.slots.stop_waiting(&resource, &Work::Backup(id.to_owned()));
    let due = |kind| Due { kind, account: call.account.clone(), region: call.region.clone(), id: id.to_owned() };
    for kind in [Kind::BackupStarts, Kind::BackupStartWindowEnds, Kind::BackupEnds] {
        world.agenda.cancel(&due(kind));
    }
    let at = call.now.checked_add(call.behaviour.jobs.start_delay).unwrap_or(call.now);
    world.agenda.set(due(Kind::BackupAborted), at);
    announcements::backup_job(call.region(world), call.now, id);
    Ok(RestReply::empty())
}

pub(super) fn no_such_job(id: &str) -> AwsError {
    error::not_found(format!("Backup job {} does not exist", checks::shorten(id)))
}
