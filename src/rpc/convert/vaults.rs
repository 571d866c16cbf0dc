//! Vaults.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, Bond, DeleteVault, Invalid, KeyRef, NewVault, RetentionClash, Tags, Vault, VaultDeletion, VaultLock,
        VaultName,
    },
    proto::{self, LockMode},
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn create(request: proto::CreateVaultRequest) -> Result<Asked<NewVault>, Invalid> {
    let proto::CreateVaultRequest { scope, name, encryption_key, tags, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let name = read.note("name", VaultName::parse(&name));
    let encryption_key = match encryption_key.as_str() {
        "" => Ok(None),
        // The key may be of another account, so its scope says nothing of the vault's.
        text => read.note_of("encryption_key", text, KeyRef::parse(text), Bond::Key).map(|key| {
            read.place("encryption_key", &key.scope(), Bond::Key);
            Some(key)
        }),
    };
    let tags = read.tags("tags", tags, Tags::most());
    read.conclude(|| Ok(NewVault { name: name?, encryption_key: encryption_key?, tags: tags? }))
}

pub(in crate::rpc) fn get(request: proto::GetVaultRequest) -> Result<Asked<VaultName>, Invalid> {
    named(request.scope, &request.vault)
}

/// A request that names a vault and says no more.
pub(super) fn named(scope: Option<proto::Scope>, vault: &str) -> Result<Asked<VaultName>, Invalid> {
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", vault);
    read.conclude(|| vault)
}

pub(in crate::rpc) fn list(mut request: proto::ListVaultsRequest) -> Result<Asked<ListOf<()>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListVaults", &request, size, &token);
    read.conclude(|| Ok(ListOf { filter: (), paged: paged? }))
}

pub(in crate::rpc) fn delete(request: proto::DeleteVaultRequest) -> Result<Asked<DeleteVault>, Invalid> {
    let proto::DeleteVaultRequest { scope, vault, request_id, validate_only, allow_missing, force } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let vault = read.vault("vault", &vault);
    read.conclude(|| Ok(DeleteVault { vault: vault?, allow_missing, force }))
}

impl From<Vault> for proto::Vault {
    fn from(vault: Vault) -> Self {
        Self {
            etag: vault.etag(),
            name: vault.name,
            arn: vault.arn,
            scope: Some(vault.scope.into()),
            encryption_key_arn: vault.encryption_key_arn,
            create_time: vault.created_at.map(timestamp),
            recovery_point_count: vault.recovery_points,
            lock: vault.lock.map(Into::into),
            r#type: vault.vault_type,
            state: vault.state,
            tags: vault.tags,
            creator_request_id: vault.request_id,
        }
    }
}

impl From<VaultLock> for proto::VaultLock {
    fn from(lock: VaultLock) -> Self {
        let mode = if lock.locked_at.is_some() { LockMode::Compliance } else { LockMode::Governance };
        Self {
            min_retention_days: lock.min_retention_days,
            max_retention_days: lock.max_retention_days,
            lock_time: lock.locked_at.map(timestamp),
            mode: mode.into(),
            immutable: lock.immutable,
        }
    }
}

impl From<RetentionClash> for proto::RetentionClash {
    fn from(clash: RetentionClash) -> Self {
        Self {
            scope: Some(clash.scope.into()),
            plan_id: clash.plan_id,
            plan_arn: clash.plan_arn,
            plan_name: clash.plan_name,
            rule_id: clash.rule_id,
            rule_name: clash.rule_name,
            copy_action: clash.copy,
            lifecycle: Some(clash.lifecycle.into()),
            message: clash.message,
        }
    }
}

impl From<VaultDeletion> for proto::DeleteVaultResponse {
    fn from(deletion: VaultDeletion) -> Self {
        const MOST_UNDELETED: usize = 100;
        let scope: proto::Scope = deletion.scope.into();
        let undeleted = deletion.undeleted.into_iter().take(MOST_UNDELETED);
        Self {
            recovery_points_deleted: i64::try_from(deletion.points_deleted).unwrap_or(i64::MAX),
            recovery_points_remaining: deletion.points_remaining,
            undeleted: undeleted
                .map(|it| proto::UndeletedRecoveryPoint {
                    scope: Some(scope.clone()),
                    recovery_point_arn: it.arn,
                    message: it.message,
                })
                .collect(),
            ..deletion.of_vault.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_elsewhere_and_its_id_is_of_here() {
        let asked = |key: &str| {
            create(proto::CreateVaultRequest { name: "prod".into(), encryption_key: key.into(), ..Default::default() })
        };
        let far = asked("arn:aws:kms:eu-west-1:999999999999:key/1").unwrap();
        assert_eq!(far.scope, Default::default());
        assert!(asked("6f1c2d3e-0000-4000-8000-5b6a79880001").unwrap().what.encryption_key.is_some());
        assert!(asked("alias/aws/backup").is_err());
    }
}
