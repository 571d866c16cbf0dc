//! Backup vaults (docs/aws-backup-semantics.md, sections 1.6 and 11).

mod access_policy;
mod describe;
mod lock;
mod notifications;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(in crate::backup) use describe::overview;
pub use lock::Lock;
pub use notifications::Notifications;

use super::{
    announcements,
    checks::shorten,
    error,
    json::Epoch,
    rest::{RestReply, RestRequest},
    routes::{Route, route},
    tags,
};
use crate::{
    call::{AwsError, Call},
    config::Behaviour,
    partition,
    world::World,
};

/// What this folder serves.
pub const ROUTES: &[Route] = &[
    route("PUT", "backup-vaults/{backupVaultName}", "CreateBackupVault", create),
    route("GET", "backup-vaults/{backupVaultName}", "DescribeBackupVault", describe::describe),
    route("GET", "backup-vaults", "ListBackupVaults", describe::list),
    route("DELETE", "backup-vaults/{backupVaultName}", "DeleteBackupVault", delete),
    route("PUT", "backup-vaults/{backupVaultName}/vault-lock", "PutBackupVaultLockConfiguration", lock::put),
    route("DELETE", "backup-vaults/{backupVaultName}/vault-lock", "DeleteBackupVaultLockConfiguration", lock::delete),
    route("PUT", "backup-vaults/{backupVaultName}/access-policy", "PutBackupVaultAccessPolicy", access_policy::put),
    route("GET", "backup-vaults/{backupVaultName}/access-policy", "GetBackupVaultAccessPolicy", access_policy::get),
    route(
        "DELETE",
        "backup-vaults/{backupVaultName}/access-policy",
        "DeleteBackupVaultAccessPolicy",
        access_policy::delete,
    ),
    route(
        "PUT",
        "backup-vaults/{backupVaultName}/notification-configuration",
        "PutBackupVaultNotifications",
        notifications::put,
    ),
    route(
        "GET",
        "backup-vaults/{backupVaultName}/notification-configuration",
        "GetBackupVaultNotifications",
        notifications::get,
    ),
    route(
        "DELETE",
        "backup-vaults/{backupVaultName}/notification-configuration",
        "DeleteBackupVaultNotifications",
        notifications::delete,
    ),
];

/// A vault. What it holds is the recovery points' business.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Case-sensitive; unique in the region.
    pub name: String,
    /// `arn:aws:backup:R:A:backup-vault:NAME`.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// The token it was made with; Terraform sends none `[X]`.
    pub creator_request_id: Option<String>,
    /// The caller's key, or the account's key behind `alias/aws/backup`.
    pub key_arn: String,
    /// Whether the caller named the key. Vaults with the AWS-managed key take no part in cross-account copies `[D]`.
    pub own_key: bool,
    /// Its retention rules, if it is locked.
    pub lock: Option<Lock>,
    /// The resource policy as it was put.
    pub access_policy: Option<String>,
    /// Where its events go.
    pub notifications: Option<Notifications>,
    /// The tags it was made with, to know a repeated request by.
    made_with_tags: BTreeMap<String, String>,
}

/// A region's vaults.
#[derive(Debug, Default)]
pub struct Vaults(pub BTreeMap<String, Vault>);

impl Vaults {
    /// The vault.
    ///
    /// # Errors
    /// 403 AccessDeniedException for a missing one, as AWS says it `[Q][D]`, or RNF where that is switched off.
    pub fn get(&self, name: &str, behaviour: &Behaviour) -> Result<&Vault, AwsError> {
        self.0.get(name).ok_or_else(|| missing(name, behaviour))
    }

    /// The vault, to change it.
    ///
    /// # Errors
    /// As [`Vaults::get`].
    pub fn get_mut(&mut self, name: &str, behaviour: &Behaviour) -> Result<&mut Vault, AwsError> {
        self.0.get_mut(name).ok_or_else(|| missing(name, behaviour))
    }
}

fn missing(name: &str, behaviour: &Behaviour) -> AwsError {
    if behaviour.switches.missing_vault_is_denied { error::access_denied() } else { not_found(name) }
}

fn not_found(name: &str) -> AwsError {
    error::not_found(format!("Backup vault {} does not exist", shorten(name)))
}

/// Refuses a name that no vault can have: `^[a-zA-Z0-9\-\_]{2,50}$` `[M]`.
///
/// # Errors
/// IPV.
pub fn check_name(name: &str) -> Result<(), AwsError> {
    let fine =
        (2..=50).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fine {
        return Ok(());
    }
    Err(error::invalid_parameter(format!(
        "Invalid backup vault name '{}': 2 to 50 letters, digits, hyphens and underscores are allowed",
        shorten(name)
    )))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    backup_vault_tags: Option<BTreeMap<String, String>>,
    encryption_key_arn: Option<String>,
    creator_request_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateOutput<'a> {
    backup_vault_name: &'a str,
    backup_vault_arn: &'a str,
    creation_date: Epoch,
}

impl<'a> From<&'a Vault> for CreateOutput<'a> {
    fn from(vault: &'a Vault) -> Self {
        Self { backup_vault_name: &vault.name, backup_vault_arn: &vault.arn, creation_date: vault.created.into() }
    }
}

fn create(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let name = request.path("backupVaultName");
    let input: CreateInput = request.body()?;
    check_name(name)?;
    if let Some(token) = &input.creator_request_id {
        check_token("CreatorRequestId", token)?;
    }
    if let Some(key) = &input.encryption_key_arn {
        check_key(key, call)?;
    }
    let given = input.backup_vault_tags.unwrap_or_default();
    tags::check(&given)?;
    let region = call.region(world);
    if let Some(vault) = region.backup.vaults.0.get(name) {
        let same_key = input.encryption_key_arn.as_ref().map_or(!vault.own_key, |key| *key == vault.key_arn);
        let same_token = input.creator_request_id.is_some() && input.creator_request_id == vault.creator_request_id;
        // A repeated request is answered as the first was: SDKs send the same token again [M]; outcome [U].
        let same = same_key && given == vault.made_with_tags;
        if same_token && (same || call.behaviour.switches.token_alone_repeats_vault) {
            return Ok(RestReply::json(&CreateOutput::from(vault)));
        }
        let message = "Backup vault with the same name already exists";
        return Err(error::already_exists(message, &vault.arn, vault.creator_request_id.as_deref()));
    }
    let quotas = &call.behaviour.quotas;
    tags::check_count(given.len(), quotas)?;
    if region.backup.vaults.0.len() >= quotas.vaults {
        return Err(error::limit_exceeded(format!(
            "The account has reached its limit of {} backup vaults",
            quotas.vaults
        )));
    }
    let vault = Vault {
        name: name.to_owned(),
        arn: call.arn("backup", &format!("backup-vault:{name}")),
        created: call.now,
        creator_request_id: input.creator_request_id,
        own_key: input.encryption_key_arn.is_some(),
        key_arn: input.encryption_key_arn.unwrap_or_else(|| default_key(&call.account, &call.region)),
        lock: None,
        access_policy: None,
        notifications: None,
        made_with_tags: given.clone(),
    };
    let reply = RestReply::json(&CreateOutput::from(&vault));
    if !given.is_empty() {
        region.tags.0.insert(vault.arn.clone(), given);
    }
    region.backup.vaults.0.insert(vault.name.clone(), vault);
    announcements::vault_is(region, call.now, name, "CREATED");
    Ok(reply)
}

/// A token or creator request id: 1 to 50 letters, digits and `-_.` `[M]`.
///
/// # Errors
/// IPV that names `member`.
pub fn check_token(member: &str, token: &str) -> Result<(), AwsError> {
    let fine =
        (1..=50).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fine {
        return Ok(());
    }
    Err(error::invalid_parameter(format!("{member} must be 1 to 50 letters, digits, hyphens, underscores and dots")))
}

/// A key of the vault's own region and partition, of whatever account [I: RDS and EBS copy to keys of the region alone].
fn check_key(arn: &str, call: &Call) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let fine = arn.len() <= 2048
        && matches!(parts[..], ["arn", aws, "kms", region, account, key]
            if aws == call.partition() && region == call.region && account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
                && (key.starts_with("key/") || key.starts_with("alias/")));
    if fine {
        return Ok(());
    }
    Err(error::invalid_parameter(format!(
        "Invalid EncryptionKeyArn '{}': the ARN of a KMS key of {} is needed",
        shorten(arn),
        call.region
    )))
}

/// The key behind `alias/aws/backup`, the same one in every run.
pub(crate) fn default_key(account: &str, region: &str) -> String {
    let digest = Sha256::digest(format!("alias/aws/backup {account} {region}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    format!("arn:{}:kms:{region}:{account}:key/{id}", partition::of(region))
}

fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let name = request.path("backupVaultName");
    let region = call.region(world);
    let vault = region.backup.vaults.get(name, &call.behaviour)?;
    if region.backup.recovery_points_in(name) > 0 {
        return Err(error::invalid_request("Backup vault cannot be deleted because it contains recovery points"));
    }
    region.tags.0.remove(&vault.arn);
    if let Some(gone) = region.backup.vaults.0.remove(name) {
        announcements::vault(region, call.now, name, &gone.arn, gone.lock.is_some(), "DELETED");
    }
    Ok(RestReply::empty())
}
