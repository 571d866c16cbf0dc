//! Describing and listing vaults.

use serde::Serialize;
use serde_json::{Value, json};

use super::Vault;
use crate::{
    backup::{
        State,
        checks::shorten,
        error,
        json::Epoch,
        page::{self, Page},
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    world::World,
};

/// DescribeBackupVaultOutput and BackupVaultListMember: the same members as far as standard vaults have them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described<'a> {
    backup_vault_name: &'a str,
    backup_vault_arn: &'a str,
    vault_type: &'static str,
    vault_state: &'static str,
    encryption_key_arn: &'a str,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_request_id: Option<&'a str>,
    number_of_recovery_points: usize,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_retention_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retention_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_date: Option<Epoch>,
    /// Only for a caller's own key: the model has no value for the AWS-managed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key_type: Option<&'static str>,
}

impl<'a> Described<'a> {
    pub(super) fn of(vault: &'a Vault, backup: &State) -> Self {
        let lock = vault.lock.as_ref();
        Self {
            backup_vault_name: &vault.name,
            backup_vault_arn: &vault.arn,
            vault_type: "BACKUP_VAULT",
            vault_state: "AVAILABLE",
            encryption_key_arn: &vault.key_arn,
            creation_date: vault.created.into(),
            creator_request_id: vault.creator_request_id.as_deref(),
            number_of_recovery_points: backup.recovery_points_in(&vault.name),
            locked: lock.is_some(),
            min_retention_days: lock.and_then(|lock| lock.min_retention_days),
            max_retention_days: lock.and_then(|lock| lock.max_retention_days),
            lock_date: lock.and_then(|lock| lock.lock_date).map(Epoch),
            encryption_key_type: vault.own_key.then_some("CUSTOMER_MANAGED_KMS_KEY"),
        }
    }
}

pub(super) fn describe(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    if let Some(account) = request.query("backupVaultAccountId") {
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error::invalid_parameter("backupVaultAccountId must be twelve digits"));
        }
        // Vaults of other accounts are shown where they are shared (air-gapped vaults); the sandbox shares none.
        if account != call.account {
            return Err(error::access_denied());
        }
    }
    let backup = &call.region(world).backup;
    let vault = backup.vaults.get(request.path("backupVaultName"), &call.behaviour)?;
    Ok(RestReply::json(&Described::of(vault, backup)))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'a> {
    backup_vault_list: Vec<Described<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// By creation time, then name `[I]`.
pub(super) fn list(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let standard = match request.query("vaultType") {
        None | Some("BACKUP_VAULT") => true,
        Some("LOGICALLY_AIR_GAPPED_BACKUP_VAULT" | "RESTORE_ACCESS_BACKUP_VAULT") => false,
        Some(other) => {
            return Err(error::invalid_parameter(format!("Invalid vaultType '{}'", shorten(other))));
        }
    };
    let shared = request.query_bool("shared")?.unwrap_or(false);
    let backup = &call.region(world).backup;
    let vaults = backup.vaults.0.values().filter(|_| standard && !shared);
    let (vaults, next_token) = page.take(vaults.map(|vault| (page::oldest_first(vault.created, &vault.name), vault)));
    let backup_vault_list = vaults.into_iter().map(|vault| Described::of(vault, backup)).collect();
    Ok(RestReply::json(&ListOutput { backup_vault_list, next_token }))
}

/// The vaults as `/_sandbox/state` shows them.
pub(in crate::backup) fn overview(backup: &State) -> Value {
    backup
        .vaults
        .0
        .values()
        .map(|vault| {
            let mut shown = json!(Described::of(vault, backup));
            if let Some(members) = shown.as_object_mut() {
                members.insert("AccessPolicy".to_owned(), json!(vault.access_policy));
                members.insert("Notifications".to_owned(), json!(vault.notifications));
            }
            shown
        })
        .collect()
}
