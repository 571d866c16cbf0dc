//! Locking and unlocking vaults.

use super::{Detection, Error, Failure, FailureKind, Scoped, as_json, call::Operation};
use crate::domain::{
    Asked, Finding, LockVault, LockedVault, Noun, OfVault, Refusal, RefusalKind, RetentionClash, Vault, VaultLock,
    VaultName, check_etag,
};

const PUT: Operation = Operation::write("backup", "PutBackupVaultLockConfiguration");
const DELETE: Operation = Operation::write("backup", "DeleteBackupVaultLockConfiguration");

/// Most clashes of an answer; an account can have 18,000 rules and copy actions, and a message has its bound.
const MOST_CLASHES: usize = 1_000;

impl Scoped {
    /// Locks a vault. AWS has neither an idempotency token nor a condition for this, so the lock is read, compared and
    /// written.
    pub async fn lock_vault(&self, asked: &Asked<LockVault>) -> Result<LockedVault, Error> {
        let lock = &asked.what;
        let name = &lock.vault;
        let vault = self.get_vault(name).await?;
        let before = vault.lock.clone();
        if let Some(refusal) = before.as_ref().and_then(|current| lock.refusal(current)) {
            return Err(Refusal::of(RefusalKind::Locked, Noun::Vault, name.as_str(), refusal).into());
        }
        let now = self.now();
        let there = before.clone().filter(|current| lock.is_there(current, now));
        if there.is_none() {
            unchanged(&vault, lock.etag.as_deref())?;
        }
        let is_there = there.is_some();
        let planned = there.unwrap_or_else(|| lock.made_at(now));
        let (mut clashes, unchecked) = self.besides(asked).clashes(&vault, &planned).await;
        if !is_there && !asked.is_check() {
            let after = as_json::lock(&planned);
            self.changes_value(format!("vault/{name}"), "lock", before.as_ref().map(as_json::lock), Some(after));
        }
        let vault = if is_there || asked.is_check() {
            Vault { lock: Some(planned), ..vault }
        } else {
            self.put_lock(lock).await?;
            let tags = vault.tags;
            let now = self.describe_vault(name).await.map_err(|error| error.after(PUT.name))?;
            Vault { tags, ..now }
        };
        let mut findings = lock.findings(vault.lock.as_ref().unwrap_or(&VaultLock::default()), before.as_ref());
        findings.extend(RetentionClash::finding(&clashes));
        let bounded = vault.lock.as_ref().is_some_and(VaultLock::has_bounds);
        if unchecked.is_none() && bounded {
            let so = ", nor whether the lock allows how long they are kept: copies outside it fail";
            findings.push(Finding::plans_elsewhere_not_checked(name.as_str(), so));
        }
        findings.extend(unchecked);
        clashes.truncate(MOST_CLASHES);
        Ok(LockedVault { vault, clashes, findings })
    }

    /// Removes the lock, if there is one.
    pub async fn unlock_vault(&self, asked: &Asked<OfVault<()>>) -> Result<Vault, Error> {
        let OfVault { vault: name, etag, setting: () } = &asked.what;
        let vault = self.get_vault(name).await?;
        match &vault.lock {
            None => return Ok(vault),
            Some(lock) if lock.immutable => return Err(immutable(name, lock).into()),
            Some(_) => unchanged(&vault, etag.as_deref())?,
        }
        if !asked.is_check() {
            let before = vault.lock.as_ref().map(as_json::lock);
            self.changes_value(format!("vault/{name}"), "lock", before, None);
            self.detects(Detection::VaultLockRemoved);
            let sent = self.clients.backup.delete_backup_vault_lock_configuration().backup_vault_name(name.as_str());
            if let Err(error) = self.call(DELETE, sent.send()).await {
                return Err(self.not_changed(error, name).await.into());
            }
        }
        Ok(Vault { lock: None, ..vault })
    }
}

impl Scoped {
    async fn put_lock(&self, lock: &LockVault) -> Result<(), Failure> {
        let sent = self
            .clients
            .backup
            .put_backup_vault_lock_configuration()
            .backup_vault_name(lock.vault.as_str())
            .set_min_retention_days(lock.min_retention_days.map(Into::into))
            .set_max_retention_days(lock.max_retention_days.map(Into::into))
            .set_changeable_for_days(lock.changeable_for_days.map(Into::into));
        match self.call(PUT, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.not_changed(error, &lock.vault).await),
        }
    }

    /// Why a lock was neither put nor removed: it can have become immutable since it was read.
    async fn not_changed(&self, error: Failure, name: &VaultName) -> Failure {
        match error.kind {
            FailureKind::State => error.as_kind(FailureKind::Locked).about(Noun::Vault, name),
            _ => self.missing_or_denied(error, name).await,
        }
    }

    /// What of the scope's plans the lock does not allow; or, where they cannot be read, a finding in their place: who may
    /// lock a vault need not be allowed to read plans.
    async fn clashes(&self, vault: &Vault, lock: &VaultLock) -> (Vec<RetentionClash>, Option<Finding>) {
        match self.every_plan().await {
            Ok(plans) => (plans.iter().flat_map(|plan| RetentionClash::of(plan, vault, lock)).collect(), None),
            Err(error) => (Vec::new(), Some(RetentionClash::not_checked(&error))),
        }
    }
}

fn unchanged(vault: &Vault, etag: Option<&str>) -> Result<(), Refusal> {
    let name = vault.name.as_str();
    check_etag(etag, &vault.etag(), &format!("the lock of vault {name}"), (Noun::Vault, name))
}

fn immutable(name: &VaultName, lock: &VaultLock) -> Refusal {
    let message = format!("vault {name} is {}", lock.described());
    Refusal::of(RefusalKind::Locked, Noun::Vault, name.as_str(), message)
}
