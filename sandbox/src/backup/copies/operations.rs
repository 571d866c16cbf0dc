//! StartCopyJob, and how a copy is accepted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CopyJob, Phase};
use crate::{
    backup::{
        announcements, checks, error,
        job_store::Replay,
        json::Epoch,
        lifecycle::Lifecycle,
        members::Members,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    due::{Due, Kind},
    partition,
    world::World,
};

/// The parts of a vault's ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultArn {
    /// Where it is.
    pub region: String,
    /// Whose it is.
    pub account: String,
    /// Its name.
    pub name: String,
}

impl VaultArn {
    /// Reads `arn:aws:backup:R:A:backup-vault:NAME`.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts[..] {
            ["arn", aws, "backup", region, account, "backup-vault", name]
                if aws == partition::of(region)
                    && account.len() == 12
                    && account.bytes().all(|b| b.is_ascii_digit()) =>
            {
                checks::vault_name(name).ok()?;
                Some(Self { region: region.to_owned(), account: account.to_owned(), name: name.to_owned() })
            }
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartCopyJob {
    recovery_point_arn: Option<String>,
    source_backup_vault_name: Option<String>,
    destination_backup_vault_arn: Option<String>,
    iam_role_arn: Option<String>,
    #[serde(skip_serializing)]
    idempotency_token: Option<String>,
    lifecycle: Option<Lifecycle>,
}

/// StartCopyJob. Without a lifecycle the copy takes the source's [D for copy actions].
///
/// # Errors
/// MPV, IPV, RNF for an unknown vault or point, IR for a point that can't be copied. What is wrong at the destination
/// makes no error here but a FAILED job.
pub(super) fn start_copy_job(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: StartCopyJob = request.body()?;
    let point_arn = checks::required("RecoveryPointArn", input.recovery_point_arn.as_deref())?;
    let vault_name = checks::required("SourceBackupVaultName", input.source_backup_vault_name.as_deref())?;
    let destination = checks::required("DestinationBackupVaultArn", input.destination_backup_vault_arn.as_deref())?;
    let role_arn = checks::required("IamRoleArn", input.iam_role_arn.as_deref())?;
    checks::vault_name(vault_name)?;
    checks::role_arn(role_arn)?;
    checks::token(input.idempotency_token.as_deref())?;
    let lifecycle = checks::lifecycle(input.lifecycle.clone())?;
    // No copy leaves its partition.
    if VaultArn::parse(destination).is_none() || partition::in_arn(destination) != call.partition() {
        let message =
            format!("DestinationBackupVaultArn '{}' is not the ARN of a backup vault", checks::shorten(destination));
        return Err(error::invalid_parameter(message));
    }
    let fingerprint = serde_json::to_string(&input).unwrap_or_default();
    let token = input.idempotency_token.as_deref();
    let backup = &call.region(world).backup;
    match backup.copies.replay(token, &fingerprint, call.now) {
        Replay::New => {}
        Replay::Same { job_id, created_at } => return Ok(started(&job_id, created_at)),
        Replay::Different => return Err(checks::token_reused(token)),
    }
    let vault = backup.vaults.0.get(vault_name).ok_or_else(|| checks::no_such_vault(vault_name))?;
    if vault.arn == destination {
        return Err(error::invalid_parameter("The source and the destination backup vault are the same"));
    }
    let point = backup.recovery_points.in_vault(vault_name, point_arn).ok_or_else(|| {
        error::not_found(format!(
            "Recovery point {} does not exist in backup vault {vault_name}",
            checks::shorten(point_arn)
        ))
    })?;
    if point.is_continuous() {
        return Err(error::invalid_request("A continuous recovery point cannot be copied"));
    }
    if !point.usable() {
        return Err(error::invalid_request(format!("Recovery point {point_arn} is in status {}", point.status.text())));
    }
    let job = CopyJob {
        id: uuid::Uuid::new_v4().to_string().to_uppercase(),
        account: call.account.clone(),
        source_vault_arn: vault.arn.clone(),
        source_point_arn: point.arn.clone(),
        destination_vault_arn: destination.to_owned(),
        lifecycle: lifecycle.or_else(|| point.lifecycle.clone()),
        resource_arn: point.resource_arn.clone(),
        resource_type: point.resource_type.clone(),
        resource_name: point.resource_name.clone(),
        role_arn: role_arn.to_owned(),
        created_at: call.now,
        creator: None,
        created_by_backup_job: None,
        bytes: point.bytes,
        phase: Phase::Created,
    };
    checks::assumable(world, call, role_arn)?;
    let id = job.id.clone();
    call.region(world).backup.copies.remember(token, fingerprint, &id, call.now);
    let start_at = call.now.checked_add(call.behaviour.jobs.start_delay).unwrap_or(call.now);
    accept(world, &call.account, &call.region, job, start_at);
    Ok(started(&id, call.now))
}

/// Keeps a new job, marks its point as in use and puts its start on the agenda.
pub fn accept(world: &mut World, account: &str, region: &str, job: CopyJob, start_at: Timestamp) {
    let due =
        Due { kind: Kind::CopyStarts, account: account.to_owned(), region: region.to_owned(), id: job.id.clone() };
    world.agenda.set(due, start_at);
    let backup = &mut world.account(account).region(region).backup;
    if let Some(point) = backup.recovery_points.get_mut(&job.source_point_arn) {
        point.users.insert(job.id.clone());
    }
    let (id, at) = (job.id.clone(), job.created_at);
    backup.copies.insert(job);
    announcements::copy_job(world.account(account).region(region), at, &id);
}

fn started(job_id: &str, created_at: Timestamp) -> RestReply {
    RestReply::json(
        &Members::new().with("CopyJobId", job_id).with("CreationDate", Epoch(created_at)).with("IsParent", false),
    )
}

pub(super) fn no_such_job(id: &str) -> AwsError {
    error::not_found(format!("Copy job {} does not exist", checks::shorten(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vault_arns_are_read() {
        let arn = VaultArn::parse("arn:aws:backup:eu-west-1:123456789012:backup-vault:copies").unwrap();
        assert_eq!(
            (arn.region.as_str(), arn.account.as_str(), arn.name.as_str()),
            ("eu-west-1", "123456789012", "copies")
        );
        for bad in [
            "",
            "copies",
            "arn:aws:backup:eu-west-1:1:backup-vault:copies",
            "arn:aws:backup:eu-west-1:123456789012:backup-vault:c.d",
        ] {
            assert_eq!(VaultArn::parse(bad), None, "{bad}");
        }
    }
}
