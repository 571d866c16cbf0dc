//! Locking and unlocking vaults.

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{AskedScope, LockVault, RetentionClash, Vault, VaultLock, VaultName, Warning};

const PUT: Operation = Operation::write("backup", "PutBackupVaultLockConfiguration");
const DELETE: Operation = Operation::write("backup", "DeleteBackupVaultLockConfiguration");

/// Most clashes of an answer; an account can have 18,000 rules and copy actions, and a message has its bound.
const MOST_CLASHES: usize = 1_000;

/// A vault that was locked, or would be.
#[derive(Debug)]
pub struct LockedVault {
    /// The vault with its lock.
    pub vault: Vault,
    /// The rules and copies whose jobs the lock lets fail.
    pub clashes: Vec<RetentionClash>,
    /// What will surprise.
    pub warnings: Vec<Warning>,
}

impl Aws {
    /// Locks a vault, or says with `validate_only` what that would be.
    ///
    /// AWS has neither an idempotency token nor a condition for this, so the lock is read, compared and written.
    pub async fn lock_vault(
        &self,
        asked: &AskedScope,
        lock: &LockVault,
        validate_only: bool,
    ) -> Result<LockedVault, Error> {
        let clients = self.clients(asked).await?;
        let name = &lock.vault;
        let vault = clients.describe_vault_with_tags(name).await?;
        let before = vault.lock.clone();
        if let Some(refusal) = before.as_ref().and_then(|current| lock.refusal(current)) {
            return Err(Error::found(PUT.name, Kind::Locked, Noun::Vault, name.as_str(), refusal));
        }
        let now = self.now();
        let there = before.clone().filter(|current| lock.is_there(current, now));
        let planned = there.clone().unwrap_or_else(|| lock.made_at(now));
        let (mut clashes, unchecked) = clients.clashes(&vault, &planned).await;
        let vault = if there.is_some() || validate_only {
            Vault { lock: Some(planned), ..vault }
        } else {
            clients.put_lock(lock).await?;
            let tags = vault.tags;
            let now = clients.describe_vault(name).await.map_err(|error| error.after(PUT.name))?;
            Vault { tags, ..now }
        };
        let mut warnings = lock.warnings(vault.lock.as_ref().unwrap_or(&VaultLock::default()), before.as_ref());
        warnings.extend(RetentionClash::warning(&clashes));
        warnings.extend(unchecked);
        clashes.truncate(MOST_CLASHES);
        Ok(LockedVault { vault, clashes, warnings })
    }

    /// Removes the lock, if there is one.
    pub async fn unlock_vault(&self, asked: &AskedScope, name: &VaultName) -> Result<Vault, Error> {
        let clients = self.clients(asked).await?;
        let vault = clients.describe_vault_with_tags(name).await?;
        match &vault.lock {
            None => return Ok(vault),
            Some(lock) if lock.immutable => return Err(immutable(DELETE, name, lock)),
            Some(_) => {}
        }
        let sent = clients.backup.delete_backup_vault_lock_configuration().backup_vault_name(name.as_str());
        match call(DELETE, sent.send()).await {
            Ok(_) => Ok(Vault { lock: None, ..vault }),
            Err(error) => Err(clients.not_changed(error, name).await),
        }
    }
}

impl Clients {
    async fn put_lock(&self, lock: &LockVault) -> Result<(), Error> {
        let sent = self
            .backup
            .put_backup_vault_lock_configuration()
            .backup_vault_name(lock.vault.as_str())
            .set_min_retention_days(lock.min_retention_days.map(Into::into))
            .set_max_retention_days(lock.max_retention_days.map(Into::into))
            .set_changeable_for_days(lock.changeable_for_days.map(Into::into));
        match call(PUT, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.not_changed(error, &lock.vault).await),
        }
    }

    /// Why a lock was neither put nor removed: it can have become immutable since it was read.
    async fn not_changed(&self, error: Error, name: &VaultName) -> Error {
        match error.kind {
            Kind::State => error.as_kind(Kind::Locked).about(Noun::Vault, name),
            _ => self.missing_or_denied(error, name).await,
        }
    }

    /// What of the scope's plans the lock does not allow; or, where they cannot be read, a warning in its place: who may
    /// lock a vault need not be allowed to read plans.
    async fn clashes(&self, vault: &Vault, lock: &VaultLock) -> (Vec<RetentionClash>, Option<Warning>) {
        match self.every_plan().await {
            Ok(plans) => (plans.iter().flat_map(|plan| RetentionClash::of(plan, vault, lock)).collect(), None),
            Err(error) => (Vec::new(), Some(RetentionClash::not_checked(&error.to_string()))),
        }
    }
}

fn immutable(operation: Operation, name: &VaultName, lock: &VaultLock) -> Error {
    let message = format!("vault {name} is {}", lock.described());
    Error::found(operation.name, Kind::Locked, Noun::Vault, name.as_str(), message)
}
