//! Backup vaults.

use aws_sdk_backup::types::{BackupVaultListMember, VaultState, VaultType};

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    time,
};
use crate::domain::{AskedScope, NewVault, Page, PageRequest, Vault, VaultLock, VaultName};

const CREATE: Operation = Operation::write("backup", "CreateBackupVault");
const DESCRIBE: Operation = Operation::read("backup", "DescribeBackupVault");
const LIST: Operation = Operation::read("backup", "ListBackupVaults");
const LIST_TAGS: Operation = Operation::read("backup", "ListTags");

impl Aws {
    /// Creates a vault, or returns the one that the same request created before.
    pub async fn create_vault(&self, asked: &AskedScope, new: &NewVault) -> Result<Vault, Error> {
        let clients = self.clients(asked).await?;
        // AWS ties a CreatorRequestId to the vault's name: under another name it would make a second vault.
        let other = |vault: &BackupVaultListMember| {
            vault.creator_request_id() == Some(new.request_id.as_str())
                && vault.backup_vault_name() != Some(new.name.as_str())
        };
        if new.request_id.may_repeat() {
            match clients.vault_is_listed(other).await {
                Ok(true) => {
                    let (name, message) = (new.name.as_str(), "this request_id created another vault: use a fresh one");
                    return Err(Error::found(CREATE.name, Kind::RequestIdReused, Noun::Vault, name, message));
                }
                // Who may not list vaults may still create one.
                Err(error) if error.kind != Kind::Denied => return Err(error),
                Ok(false) | Err(_) => {}
            }
        }
        let sent = clients
            .backup
            .create_backup_vault()
            .backup_vault_name(new.name.as_str())
            .creator_request_id(new.request_id.as_str())
            .set_encryption_key_arn(new.encryption_key_arn.clone())
            .set_backup_vault_tags((!new.tags.0.is_empty()).then(|| new.tags.0.clone().into_iter().collect()));
        let created = call(CREATE, sent.send()).await.map_err(|error| error.about(Noun::Vault, &new.name));
        let exists = match created {
            Ok(_) => {
                let made = clients.describe_vault_with_tags(&new.name).await;
                return made.map_err(|error| error.after(CREATE.name));
            }
            Err(error) if error.kind == Kind::AlreadyExists => error,
            Err(error) => return Err(error),
        };
        // AWS may or may not answer a repeated CreatorRequestId with success [U]; the vault itself tells who made it.
        let vault = clients.describe_vault_with_tags(&new.name).await?;
        made_by(new, vault)?.ok_or(exists)
    }

    /// What stands in the place of a new vault: nothing, or the vault that the same request created before. An error if
    /// another's does. Changes nothing.
    pub async fn vault_in_place_of(&self, asked: &AskedScope, new: &NewVault) -> Result<Option<Vault>, Error> {
        match self.get_vault(asked, &new.name).await {
            Ok(vault) => made_by(new, vault)?.map(Some).ok_or_else(|| {
                let message = format!("vault {} exists already, made by another request", new.name);
                Error::found(CREATE.name, Kind::AlreadyExists, Noun::Vault, new.name.as_str(), message)
            }),
            // Who may not see vaults may still create one.
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::MissingOrDenied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A vault with its tags.
    pub async fn get_vault(&self, asked: &AskedScope, name: &VaultName) -> Result<Vault, Error> {
        self.clients(asked).await?.describe_vault_with_tags(name).await
    }

    /// A page of vaults, without tags.
    pub async fn list_vaults(&self, asked: &AskedScope, page: &PageRequest) -> Result<Page<Vault>, Error> {
        let clients = self.clients(asked).await?;
        let sent =
            clients.backup.list_backup_vaults().max_results(page.size.into()).set_next_token(page.cursor.clone());
        let answer = call(LIST, sent.send()).await?;
        let items = answer.backup_vault_list.unwrap_or_default();
        Ok(Page { items: items.into_iter().map(|vault| clients.listed(vault)).collect(), next: answer.next_token })
    }
}

impl Clients {
    pub(super) async fn describe_vault_with_tags(&self, name: &VaultName) -> Result<Vault, Error> {
        let mut vault = self.describe_vault(name).await?;
        let tags = call(LIST_TAGS, self.backup.list_tags().resource_arn(&vault.arn).send()).await;
        vault.tags =
            tags.map_err(|error| error.about(Noun::Vault, name))?.tags.unwrap_or_default().into_iter().collect();
        Ok(vault)
    }

    /// A vault as AWS describes it, without tags.
    pub(super) async fn describe_vault(&self, name: &VaultName) -> Result<Vault, Error> {
        let sent = self.backup.describe_backup_vault().backup_vault_name(name.as_str());
        let answer = match call(DESCRIBE, sent.send()).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.missing_or_denied(error, name).await),
        };
        Ok(Vault {
            name: answer.backup_vault_name.unwrap_or_default(),
            arn: answer.backup_vault_arn.unwrap_or_default(),
            scope: self.scope.clone(),
            encryption_key_arn: answer.encryption_key_arn.unwrap_or_default(),
            created_at: time(answer.creation_date.as_ref()),
            recovery_points: answer.number_of_recovery_points,
            lock: self.lock(
                answer.locked,
                answer.min_retention_days,
                answer.max_retention_days,
                answer.lock_date.as_ref(),
            ),
            vault_type: answer.vault_type.map(|word| word.as_str().to_owned()).unwrap_or_default(),
            state: answer.vault_state.map(|word| word.as_str().to_owned()).unwrap_or_default(),
            tags: std::collections::BTreeMap::new(),
            request_id: answer.creator_request_id.unwrap_or_default(),
        })
    }

    fn listed(&self, vault: BackupVaultListMember) -> Vault {
        Vault {
            name: vault.backup_vault_name.unwrap_or_default(),
            arn: vault.backup_vault_arn.unwrap_or_default(),
            scope: self.scope.clone(),
            encryption_key_arn: vault.encryption_key_arn.unwrap_or_default(),
            created_at: time(vault.creation_date.as_ref()),
            recovery_points: vault.number_of_recovery_points,
            lock: self.lock(vault.locked, vault.min_retention_days, vault.max_retention_days, vault.lock_date.as_ref()),
            vault_type: vault.vault_type.as_ref().map(VaultType::as_str).unwrap_or_default().to_owned(),
            state: vault.vault_state.as_ref().map(VaultState::as_str).unwrap_or_default().to_owned(),
            tags: std::collections::BTreeMap::new(),
            request_id: vault.creator_request_id.unwrap_or_default(),
        }
    }

    fn lock(
        &self,
        locked: Option<bool>,
        min: Option<i64>,
        max: Option<i64>,
        date: Option<&aws_smithy_types::DateTime>,
    ) -> Option<VaultLock> {
        let locked_at = time(date);
        (locked == Some(true)).then(|| VaultLock {
            min_retention_days: min,
            max_retention_days: max,
            locked_at,
            immutable: locked_at.is_some_and(|at| at <= self.now()),
        })
    }

    /// Understands a failure of a call that names a vault. AWS says 403 for a vault that does not exist (semantics
    /// reference, section 0.1): the list of vaults, which no missing vault can forbid, tells the two apart.
    pub(super) async fn missing_or_denied(&self, error: Error, name: &VaultName) -> Error {
        let error = error.about(Noun::Vault, name);
        if error.kind != Kind::Denied {
            return error;
        }
        match self.vault_is_listed(|vault| vault.backup_vault_name() == Some(name.as_str())).await {
            Ok(true) => error,
            Ok(false) => error.as_kind(Kind::NotFound),
            Err(_) => error.as_kind(Kind::MissingOrDenied),
        }
    }

    /// Understands a failure of a call about something in a vault: AWS does not say which of the two is missing.
    pub(super) async fn in_vault(&self, error: Error, vault: &VaultName, noun: Noun, name: &str) -> Error {
        match error.kind {
            Kind::Denied => self.missing_or_denied(error, vault).await,
            Kind::RoleNotAssumable => error,
            Kind::NotFound => match self.describe_vault(vault).await {
                Err(missing) if missing.kind == Kind::NotFound => missing,
                _ => error.about(noun, name),
            },
            _ => error.about(noun, name),
        }
    }

    /// Whether one of all vaults is such a one.
    async fn vault_is_listed(&self, is_it: impl Fn(&BackupVaultListMember) -> bool) -> Result<bool, Error> {
        let mut cursor = None;
        loop {
            let sent = self
                .backup
                .list_backup_vaults()
                .max_results(crate::domain::MAX_PAGE_SIZE.into())
                .set_next_token(cursor);
            let answer = call(LIST, sent.send()).await?;
            if answer.backup_vault_list().iter().any(&is_it) {
                return Ok(true);
            }
            cursor = match answer.next_token {
                None => return Ok(false),
                next => next,
            };
        }
    }
}

/// The vault, if that request created it.
fn made_by(new: &NewVault, vault: Vault) -> Result<Option<Vault>, Error> {
    if vault.request_id != new.request_id.as_str() {
        return Ok(None);
    }
    let key_differs = new.encryption_key_arn.as_ref().is_some_and(|key| *key != vault.encryption_key_arn);
    if key_differs || new.tags.0.iter().any(|(key, value)| vault.tags.get(key) != Some(value)) {
        let message = "this request_id created the vault with another key or other tags: use a fresh request_id";
        return Err(Error::found(CREATE.name, Kind::RequestIdReused, Noun::Vault, new.name.as_str(), message));
    }
    Ok(Some(vault))
}
