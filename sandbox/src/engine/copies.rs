//! A copy job's way: it takes its resource, is checked at both ends, runs, ends.

use std::collections::{BTreeMap, BTreeSet};

use super::{Instant, backups::wake, databases};
use crate::{
    backup::{
        announcements,
        copies::{self, CopyJob, Phase, VaultArn},
        jobs::BackupJob,
        outcome::{Category, Failure, Outcome},
        recovery_points::{Content, RecoveryPoint, Status, arn},
        resource_types::Source,
        slots::Work,
    },
    due::Kind,
    partition, rds,
    world::World,
};

/// The copy actions of a rule, once its backup is there. Continuous points are not copied `[M]`.
pub(super) fn follow(world: &mut World, now: &Instant<'_>, backup: &BackupJob, point_arn: &str) {
    let Some(point) = now.region(world).backup.recovery_points.get(point_arn).cloned() else { return };
    if point.is_continuous() {
        return;
    }
    for action in &backup.copy_actions {
        let job = CopyJob {
            id: uuid::Uuid::new_v4().to_string().to_uppercase(),
            account: now.account.to_owned(),
            source_vault_arn: point.vault_arn.clone(),
            source_point_arn: point.arn.clone(),
            destination_vault_arn: action.destination_backup_vault_arn.clone(),
            // Without one AWS takes an empty one of the copy's own [Q], whatever its guide says [D].
            lifecycle: action.lifecycle.clone(),
            resource_arn: point.resource_arn.clone(),
            resource_type: point.resource_type.clone(),
            resource_name: point.resource_name.clone(),
            role_arn: backup.role_arn.clone(),
            created_at: now.at,
            creator: backup.creator.clone(),
            created_by_backup_job: Some(backup.id.clone()),
            bytes: point.bytes,
            phase: Phase::Created,
        };
        copies::accept(world, now.account, now.region, job, now.after(now.behaviour.jobs.start_delay));
    }
}

/// A created copy tries to start: when its delay is over, and again when its resource becomes free.
pub(super) fn start(world: &mut World, now: &Instant<'_>, id: &str) {
    let backup = &mut now.region(world).backup;
    let Some(job) = backup.copies.get(id).filter(|job| job.phase == Phase::Created).cloned() else { return };
    if !backup.slots.take(&job.resource_arn, &Work::Copy(id.to_owned())) {
        return;
    }
    match begin(world, now, &job) {
        Ok(destination_point_arn) => {
            if let Some(job) = now.region(world).backup.copies.get_mut(id) {
                job.phase = Phase::Running { destination_point_arn };
            }
            announcements::copy_job(now.region(world), now.at, id);
            world.agenda.set(now.due(Kind::CopyEnds, id), now.after(now.behaviour.jobs.run_time));
        }
        Err(failure) => finish(world, now, id, Outcome::failed(now.at, failure)),
    }
}

/// The copy is done.
pub(super) fn end(world: &mut World, now: &Instant<'_>, id: &str) {
    let Some(job) = now.region(world).backup.copies.get(id).cloned() else { return };
    let (Phase::Running { destination_point_arn: arn }, Some(vault)) =
        (&job.phase, VaultArn::parse(&job.destination_vault_arn))
    else {
        return;
    };
    let there = Instant { account: &vault.account, region: &vault.region, ..*now };
    let mut delete_at = None;
    if let Some(point) = there.region(world).backup.recovery_points.get_mut(arn) {
        point.status = Status::Completed;
        point.completed_at = Some(now.at);
        delete_at = point.delete_at();
    }
    announcements::recovery_point(there.region(world), now.at, arn);
    if let Some(at) = delete_at {
        world.agenda.set(there.due(Kind::RecoveryPointExpires, arn), at.max(now.at));
    }
    finish(world, now, id, Outcome::completed(now.at, Some(arn.clone())));
}

/// Checks everything that AWS checks when a copy starts, then begins it. Answers the new point's ARN.
fn begin(world: &mut World, now: &Instant<'_>, job: &CopyJob) -> Result<String, Failure> {
    let gone = |what: &str| {
        Failure::new(Category::ResourceNotFound, format!("Copy job failed because {what} does not exist."))
    };
    let invalid = |message: &str| Failure::new(Category::InvalidParameters, message);
    let vault = VaultArn::parse(&job.destination_vault_arn).ok_or_else(|| gone("the destination backup vault"))?;
    let there = Instant { account: &vault.account, region: &vault.region, ..*now };
    let point = now.region(world).backup.recovery_points.get(&job.source_point_arn).cloned();
    let point = point.filter(RecoveryPoint::usable).ok_or_else(|| {
        Failure::new(Category::ResourceNotFound, format!("Cannot find recovery point {}", job.source_point_arn))
    })?;
    let source = Source::parse(&job.resource_arn).ok_or_else(|| invalid("The resource ARN is invalid"))?;
    if job.resource_type == "RDS" && matches!(point.content, Content::DbClusterSnapshot(_)) {
        return Err(invalid("Feature is not supported for provided resource type."));
    }
    check_role(world, now, job, &point)?;
    if vault.account != now.account {
        check_account(world, now, job, &point, &vault)?;
    }
    let most = now.behaviour.quotas.recovery_points_per_vault;
    let destination = world.existing(&vault.account, &vault.region).map(|region| &region.backup);
    let destination = destination.and_then(|backup| Some((backup, backup.vaults.0.get(&vault.name)?)));
    let (backup, there_vault) =
        destination.ok_or_else(|| gone(&format!("backup vault {}", job.destination_vault_arn)))?;
    let days = job.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days);
    if there_vault.lock.as_ref().is_some_and(|lock| !lock.allows(days)) {
        return Err(Failure::retention_out_of_range("Copy"));
    }
    if backup.recovery_points.count_in_vault(&vault.name) >= most {
        let message = format!("Backup vault {} has reached its limit of {most} recovery points.", vault.name);
        return Err(Failure::new(Category::LimitExceeded, message));
    }
    // Into another region an encrypted snapshot goes with the key of the vault there [D].
    let leaves = vault.region != now.region;
    let key = match &point.encryption_key_arn {
        _ if point.content == Content::Other => Some(there_vault.key_arn.clone()),
        Some(_) if leaves => Some(there_vault.key_arn.clone()),
        own => own.clone(),
    };

    let copied_arn = arn::copied_snapshot_arn(&source, &vault.account, &vault.region, &job.id);
    let content = databases::copy_snapshot(world, now, &there, &point, &job.id)?;
    let tags = now.region(world).tags.0.get(&point.arn).cloned().unwrap_or_default();
    let region = there.region(world);
    region.tags.0.insert(copied_arn.clone(), tags);
    let mut restore_metadata = copied_metadata(&point.restore_metadata, &job.id);
    if let Some(key) = &key {
        restore_metadata.entry("KmsKeyId".to_owned()).and_modify(|named| key.clone_into(named));
        region.rds.encrypt_copy(&copied_arn, key);
    }
    region.backup.recovery_points.insert(RecoveryPoint {
        arn: copied_arn.clone(),
        vault_name: vault.name.clone(),
        vault_arn: job.destination_vault_arn.clone(),
        source_vault_arn: Some(job.source_vault_arn.clone()),
        role_arn: job.role_arn.clone(),
        content,
        status: Status::Creating,
        status_message: None,
        initiated_at: job.created_at,
        created_at: now.at,
        completed_at: None,
        stopped_at: None,
        lifecycle: job.lifecycle.clone(),
        encryption_key_arn: key,
        creator: job.creator.clone(),
        users: BTreeSet::new(),
        last_restore_at: None,
        restore_metadata,
        ..point
    });
    announcements::recovery_point(region, now.at, &copied_arn);
    Ok(copied_arn)
}

/// A copy's metadata names its own snapshot.
fn copied_metadata(metadata: &BTreeMap<String, String>, job_id: &str) -> BTreeMap<String, String> {
    let mut metadata = metadata.clone();
    for key in ["DBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "SnapshotIdentifier"] {
        if let Some(id) = metadata.get_mut(key) {
            *id = arn::copied_snapshot_id(job_id);
        }
    }
    metadata
}

fn check_role(world: &mut World, now: &Instant<'_>, job: &CopyJob, point: &RecoveryPoint) -> Result<(), Failure> {
    let iam = now.iam(world);
    let denied = |message| Err(Failure::new(Category::AccessDenied, message));
    if iam.assumable_by_backup(&job.role_arn, now.at, now.behaviour.role_propagation).is_err() {
        return Err(Failure::role_not_assumable(&job.role_arn));
    }
    let action = match point.content {
        Content::DbSnapshot(_) => "rds:CopyDBSnapshot",
        Content::DbClusterSnapshot(_) => "rds:CopyDBClusterSnapshot",
        Content::Continuous(_) | Content::Other => return Ok(()),
    };
    if iam.allows(&job.role_arn, action, &point.arn) {
        return Ok(());
    }
    denied(format!("IAM Role {} is not authorized to perform: {action} on resource: {}", job.role_arn, point.arn))
}

/// Copies to another account need an organization, keys of one's own and the other vault's consent (section 15).
fn check_account(
    world: &mut World,
    now: &Instant<'_>,
    job: &CopyJob,
    point: &RecoveryPoint,
    vault: &VaultArn,
) -> Result<(), Failure> {
    let denied = |message: &str| Err(Failure::new(Category::AccessDenied, message));
    let global = &world.account(now.account).global_settings;
    if !now.behaviour.switches.organization || !global.cross_account_backup() {
        return denied(
            "Copy job failed. Both source and destination account must be a member of the same organization.",
        );
    }
    let own_key = |account: &str, region: &str, name: &str| {
        let region = world.existing(account, region)?;
        region.backup.vaults.0.get(name).map(|vault| vault.own_key)
    };
    let source = VaultArn::parse(&job.source_vault_arn);
    let source_key = source.and_then(|source| own_key(&source.account, &source.region, &source.name));
    let destination_key = own_key(&vault.account, &vault.region, &vault.name);
    if source_key == Some(false) || destination_key == Some(false) {
        return denied(
            "Copy job failed. Backup vaults encrypted with the default Backup service managed key take no part in cross-account copies.",
        );
    }
    let database = !matches!(point.content, Content::Other);
    if database && point.encryption_key_arn.as_ref() == Some(&rds::default_key(now.account, now.region)) {
        return denied("Snapshots encrypted with the AWS managed key can't be shared. Specify another snapshot.");
    }
    let destination = world.existing(&vault.account, &vault.region);
    let policy = destination.and_then(|region| region.backup.vaults.0.get(&vault.name)?.access_policy.as_deref());
    if destination_key.is_some()
        && !policy.is_some_and(|policy| lets_copy_into(policy, now.account, partition::of(now.region)))
    {
        return denied(
            "Access Denied trying to call AWS Backup service: the destination vault's policy does not allow backup:CopyIntoBackupVault",
        );
    }
    Ok(())
}

/// Whether a vault's access policy lets an account copy into it. Conditions are not read: a statement with one counts
/// as if it held.
fn lets_copy_into(policy: &str, account: &str, partition: &str) -> bool {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(policy) else { return false };
    let names = |value: &serde_json::Value, wanted: &dyn Fn(&str) -> bool| match value {
        serde_json::Value::String(text) => wanted(text),
        serde_json::Value::Array(list) => list.iter().filter_map(serde_json::Value::as_str).any(wanted),
        _ => false,
    };
    let statements = match &document["Statement"] {
        serde_json::Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let root = format!("arn:{partition}:iam::{account}:root");
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            let principal = match &statement["Principal"] {
                serde_json::Value::Object(kinds) => kinds.get("AWS").unwrap_or(&serde_json::Value::Null),
                other => other,
            };
            let action = |text: &str| {
                ["*", "backup:*", "backup:copyintobackupvault"].contains(&text.to_ascii_lowercase().as_str())
            };
            statement["Effect"] == effect
                && names(&statement["Action"], &action)
                && names(principal, &|text| text == "*" || text == account || text == root)
        })
    };
    applies("Allow") && !applies("Deny")
}

/// Ends a copy, lets its point go and the next job have the resource.
fn finish(world: &mut World, now: &Instant<'_>, id: &str, outcome: Outcome) {
    let backup = &mut now.region(world).backup;
    let Some(job) = backup.copies.get_mut(id) else { return };
    job.end(outcome);
    let (resource, point) = (job.resource_arn.clone(), job.source_point_arn.clone());
    if let Some(point) = backup.recovery_points.get_mut(&point) {
        point.users.remove(id);
    }
    let next = backup.slots.release(&resource, &Work::Copy(id.to_owned()));
    announcements::copy_job(now.region(world), now.at, id);
    wake(world, now, next);
}

#[cfg(test)]
mod tests {
    use super::lets_copy_into;

    #[test]
    fn a_vault_policy_decides_who_copies_into_it() {
        let policy = |effect: &str, action: &str, principal: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"{effect}","Action":{action},"Principal":{principal},"Resource":"*"}}]}}"#
            )
        };
        for (policy, allowed) in [
            (policy("Allow", r#""backup:CopyIntoBackupVault""#, r#"{"AWS":"arn:aws:iam::1:root"}"#), true),
            (policy("Allow", r#"["backup:*"]"#, r#""*""#), true),
            (policy("Allow", r#""backup:CopyIntoBackupVault""#, r#"{"AWS":["2"]}"#), false),
            (policy("Deny", r#""backup:CopyIntoBackupVault""#, r#""*""#), false),
            (policy("Allow", r#""backup:DescribeBackupVault""#, r#""*""#), false),
            ("not json".to_owned(), false),
        ] {
            assert_eq!(lets_copy_into(&policy, "1", "aws"), allowed, "{policy}");
        }
    }
}
