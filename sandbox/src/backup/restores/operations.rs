//! StartRestoreJob and what belongs to one job: its metadata, the result of a restore test.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Phase, RestoreJob, Validation};
use crate::{
    backup::{
        announcements, checks, error,
        job_store::{Job, Replay},
        members::Members,
        recovery_points::{Content, RecoveryPoint},
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    due::{Due, Kind},
    rds::restore::metadata_faults,
    world::World,
};

/// Far more than a database restore has parameters; a bound on what a job keeps for 30 days.
const MOST_METADATA: usize = 100;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartRestoreJob {
    recovery_point_arn: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    iam_role_arn: Option<String>,
    #[serde(skip_serializing)]
    idempotency_token: Option<String>,
    resource_type: Option<String>,
    copy_source_tags_to_restored_resource: Option<bool>,
}

/// StartRestoreJob.
///
/// # Errors
/// MPV, IPV, RNF for an unknown point, IR for one that is not usable. A name that is taken and a role without the
/// permission make no error here but a FAILED job.
pub(super) fn start_restore_job(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: StartRestoreJob = request.body()?;
    let point_arn = checks::required("RecoveryPointArn", input.recovery_point_arn.as_deref())?;
    let metadata = input.metadata.as_ref().ok_or_else(|| error::missing_parameter("Metadata"))?;
    checks::token(input.idempotency_token.as_deref())?;
    // Optional in the shape, but AWS Backup has nothing else to restore with.
    let Some(role_arn) = input.iam_role_arn.as_deref().filter(|arn| !arn.is_empty()) else {
        return Err(error::invalid_parameter("IamRoleArn is needed to restore this resource type"));
    };
    checks::role_arn(role_arn)?;
    let keys = metadata.iter().find(|(key, value)| key.len() > 256 || value.len() > 4096);
    if metadata.len() > MOST_METADATA || keys.is_some() {
        let message = "Metadata may hold at most 100 keys of up to 256 characters and values of up to 4096";
        return Err(error::invalid_parameter(message));
    }
    let fingerprint = serde_json::to_string(&input).unwrap_or_default();
    let token = input.idempotency_token.as_deref();
    let backup = &call.region(world).backup;
    match backup.restores.replay(token, &fingerprint, call.now) {
        Replay::New => {}
        Replay::Same { job_id, .. } => return Ok(RestReply::json(&Members::new().with("RestoreJobId", job_id))),
        Replay::Different => return Err(checks::token_reused(token)),
    }
    let point = backup
        .recovery_points
        .get(point_arn)
        .ok_or_else(|| error::not_found(format!("Recovery point {} does not exist", checks::shorten(point_arn))))?;
    if let Some(other) = input.resource_type.as_deref().filter(|name| *name != point.resource_type) {
        let message = format!(
            "ResourceType '{}' is not that of the recovery point ({})",
            checks::shorten(other),
            point.resource_type
        );
        return Err(error::invalid_parameter(message));
    }
    if !point.usable() {
        return Err(error::invalid_request(format!("Recovery point {point_arn} is in status {}", point.status.text())));
    }
    check_metadata(point, metadata)?;
    let job = RestoreJob {
        id: uuid::Uuid::new_v4().to_string().to_uppercase(),
        account: call.account.clone(),
        recovery_point_arn: point.arn.clone(),
        recovery_point_created_at: point.created_at,
        vault_arn: point.vault_arn.clone(),
        source_arn: point.resource_arn.clone(),
        resource_type: point.resource_type.clone(),
        role_arn: role_arn.to_owned(),
        created_at: call.now,
        metadata: metadata.clone(),
        copy_tags: input.copy_source_tags_to_restored_resource.unwrap_or(false),
        validation: None,
        phase: Phase::Pending,
    };
    checks::assumable(world, call, role_arn)?;
    let id = job.id.clone();
    let backup = &mut call.region(world).backup;
    backup.restores.remember(token, fingerprint, &id, call.now);
    if let Some(point) = backup.recovery_points.get_mut(&job.recovery_point_arn) {
        point.users.insert(id.clone());
    }
    backup.restores.insert(job);
    announcements::restore_job(call.region(world), call.now, &id);
    let due =
        Due { kind: Kind::RestoreStarts, account: call.account.clone(), region: call.region.clone(), id: id.clone() };
    world.agenda.set(due, call.now.checked_add(call.behaviour.jobs.start_delay).unwrap_or(call.now));
    Ok(RestReply::json(&Members::new().with("RestoreJobId", id)))
}

/// What can be seen without looking at RDS: every fault at once.
fn check_metadata(point: &RecoveryPoint, metadata: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let mut faults = match point.content {
        Content::Other => Vec::new(),
        Content::DbSnapshot(_) | Content::DbClusterSnapshot(_) | Content::Continuous(_) => metadata_faults(metadata),
    };
    let mut need = |key: &str| {
        if metadata.get(key).is_none_or(String::is_empty) {
            faults.push(format!("{key} is required"));
        }
    };
    match point.content {
        Content::DbSnapshot(_) => need("DBInstanceIdentifier"),
        Content::DbClusterSnapshot(_) => {
            need("DBClusterIdentifier");
            need("Engine");
        }
        Content::Continuous(_) => {
            need(if point.resource_type == "Aurora" { "DBClusterIdentifier" } else { "DBInstanceIdentifier" });
            need("Engine");
            match metadata.get("UseLatestRestorableTime").map(String::as_str) {
                Some("true") => {}
                None | Some("false") => match metadata.get("RestoreTime").map(|text| text.parse::<jiff::Timestamp>()) {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => faults.push("RestoreTime must be an ISO 8601 time".to_owned()),
                    None => faults.push("RestoreTime is required unless UseLatestRestorableTime is true".to_owned()),
                },
                Some(_) => faults.push("UseLatestRestorableTime must be true or false".to_owned()),
            }
        }
        Content::Other => {}
    }
    for key in ["DBInstanceIdentifier", "DBClusterIdentifier"] {
        if metadata.get(key).is_some_and(|name| !name.is_empty() && !is_identifier(name)) {
            faults.push(format!("{key} must be 1 to 63 letters, digits and single hyphens, and begin with a letter"));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(error::invalid_parameter(format!("Invalid restore metadata: {}", faults.join("; "))))
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.contains("--")
        && !name.ends_with('-')
}

/// GetRestoreJobMetadata.
///
/// # Errors
/// RNF for an unknown job.
pub(super) fn get_restore_job_metadata(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let id = request.path("restoreJobId");
    let job = call.region(world).backup.restores.get(id).ok_or_else(|| no_such_job(id))?;
    Ok(RestReply::json(&Members::new().with("RestoreJobId", id).with("Metadata", &job.metadata)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRestoreValidationResult {
    validation_status: Option<String>,
    validation_status_message: Option<String>,
}

/// PutRestoreValidationResult: 204.
///
/// # Errors
/// RNF for an unknown job, MPV or IPV for the status, IR while the job has not completed.
pub(super) fn put_restore_validation_result(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let input: PutRestoreValidationResult = request.body()?;
    let status = checks::required("ValidationStatus", input.validation_status.as_deref())?;
    if !["FAILED", "SUCCESSFUL", "TIMED_OUT", "VALIDATING"].contains(&status) {
        let message = format!("ValidationStatus '{}' is not known", checks::shorten(status));
        return Err(error::invalid_parameter(message));
    }
    if input.validation_status_message.as_ref().is_some_and(|text| text.len() > 4096) {
        return Err(error::invalid_parameter("ValidationStatusMessage is longer than 4096 characters"));
    }
    let id = request.path("restoreJobId");
    let job = call.region(world).backup.restores.get_mut(id).ok_or_else(|| no_such_job(id))?;
    if !job.ended() || job.status() != "COMPLETED" {
        return Err(error::invalid_request(format!("Restore job {id} is {} and can't be validated", job.status())));
    }
    job.validation = Some(Validation { status: status.to_owned(), message: input.validation_status_message });
    Ok(RestReply::empty().with_status(204))
}

pub(super) fn no_such_job(id: &str) -> AwsError {
    error::not_found(format!("Restore job {} does not exist", checks::shorten(id)))
}
