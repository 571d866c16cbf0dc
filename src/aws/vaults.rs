//! Backup vaults.

use std::collections::BTreeMap;

use aws_sdk_backup::types::{BackupVaultListMember, VaultState, VaultType};
use futures_util::TryStreamExt;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    pages::pages,
    time,
};
use crate::domain::{
    Asked, Cursor, Finding, MAX_PAGE_SIZE, NewVault, Noun, Page, PageRequest, Refusal, RefusalKind, Unseen, Vault,
    VaultLock, VaultName, VaultRef, did_you_mean,
};

const CREATE: Operation = Operation::write("backup", "CreateBackupVault");
const DESCRIBE: Operation = Operation::read("backup", "DescribeBackupVault");
const LIST: Operation = Operation::read("backup", "ListBackupVaults");

impl Scoped {
    /// Creates a vault, or returns the one that the same request created before. A check says what it could not look at.
    pub async fn create_vault(&self, asked: &Asked<NewVault>) -> Result<(Vault, Option<Finding>), Error> {
        let new = &asked.what;
        let unlisted = self.refuse_id_of_another(asked).await?;
        if !asked.is_check() {
            return Ok((self.created_vault(asked).await?, None));
        }
        // Done for real, AWS itself says whether the name is taken.
        let (there, unseen) = self.vault_in_place_of(asked).await?;
        let vault = there.unwrap_or_else(|| new.planned(self.scope(), &asked.request_id));
        let finding = unseen.or(unlisted).map(|unseen| {
            let action = unseen.action("backup:ListBackupVaults and backup:DescribeBackupVault", "");
            let what = format!("whether there is a vault {}, or another of this request_id,", new.name);
            unseen.not_checked(&what, "if there is, AWS refuses this one", action).at("name")
        });
        Ok((vault, finding))
    }

    async fn created_vault(&self, asked: &Asked<NewVault>) -> Result<Vault, Error> {
        let new = &asked.what;
        let sent = self
            .clients
            .backup
            .create_backup_vault()
            .backup_vault_name(new.name.as_str())
            .creator_request_id(asked.request_id.as_str())
            .set_encryption_key_arn(new.key_arn(self.scope()))
            .set_backup_vault_tags((!new.tags.0.is_empty()).then(|| new.tags.0.clone().into_iter().collect()));
        let key = new.key_arn(self.scope());
        let created = self.call(CREATE, sent.send()).await.map_err(|error| match key {
            // What is not there is not the vault that is being made.
            Some(key) if error.kind == FailureKind::NotFound => error.about(Noun::Key, key),
            None if error.kind == FailureKind::NotFound => error,
            _ => error.about(Noun::Vault, &new.name),
        });
        let exists = match created {
            Ok(_) => {
                let made = self.get_vault(&new.name).await.map_err(|error| error.after(CREATE.name))?;
                if asked.request_id.may_repeat() {
                    as_asked(asked, &made)?;
                }
                return Ok(made);
            }
            Err(error) if error.kind == FailureKind::AlreadyExists => error,
            Err(error) => return Err(error.into()),
        };
        // AWS may or may not answer a repeated CreatorRequestId with success [U]; the vault itself tells who made it.
        let vault = self.get_vault(&new.name).await?;
        Ok(made_by(asked, vault)?.ok_or(exists)?)
    }

    /// AWS ties a CreatorRequestId to the vault's name: under another name it would make a second vault.
    async fn refuse_id_of_another(&self, asked: &Asked<NewVault>) -> Result<Option<Unseen>, Error> {
        if !asked.request_id.may_repeat() {
            return Ok(None);
        }
        let name = asked.what.name.as_str();
        let other = |vault: &BackupVaultListMember| {
            vault.creator_request_id() == Some(asked.request_id.as_str()) && vault.backup_vault_name() != Some(name)
        };
        match self.vault_is_listed(other).await {
            Ok(false) => Ok(None),
            Ok(true) => {
                let message = "this request_id created another vault: use a fresh one";
                Err(Refusal::of(RefusalKind::RequestIdReused, Noun::Vault, name, message).into())
            }
            // Who may not list vaults may still create one.
            Err(error) if error.is_denial() => Ok(Some(Unseen::from(&error))),
            Err(error) => Err(error.into()),
        }
    }

    /// What stands in the place of a new vault: nothing, or the vault that the same request created before. An error if
    /// another's does, and why nobody can tell, if so.
    async fn vault_in_place_of(&self, asked: &Asked<NewVault>) -> Result<(Option<Vault>, Option<Unseen>), Error> {
        let name = &asked.what.name;
        // One after the other: mostly there is none.
        match self.describe_vault(name).await.map_err(Error::from) {
            Ok(vault) => {
                let tags = self.backup_tags(&vault.arn).await;
                made_by(asked, tagged(vault, tags)?)?.map(|made| (Some(made), None)).ok_or_else(|| {
                    let message = format!("vault {name} exists already, made by another request");
                    Refusal::of(RefusalKind::AlreadyExists, Noun::Vault, name.as_str(), message).into()
                })
            }
            // Who may not see vaults may still create one.
            Err(error) if error.is_missing() => Ok((None, None)),
            Err(error) if error.failed_as(FailureKind::MissingOrDenied) => Ok((None, Some(Unseen::from(&error)))),
            Err(error) => Err(error),
        }
    }

    /// A vault with its tags, which are asked for at the same time: its name tells its ARN. Whether it is there, the vault
    /// itself says.
    pub async fn get_vault(&self, name: &VaultName) -> Result<Vault, Error> {
        let arn = VaultRef::arn_of(name.as_str(), self.scope());
        let (vault, mut tags) = tokio::join!(self.describe_vault(name), self.backup_tags(&arn));
        let vault = vault?;
        if vault.arn != arn {
            tags = self.backup_tags(&vault.arn).await;
        }
        Ok(tagged(vault, tags)?)
    }

    /// A page of vaults, without tags.
    pub async fn list_vaults(&self, page: &PageRequest) -> Result<Page<Vault>, Error> {
        let sent = self.clients.backup.list_backup_vaults().max_results(page.size.into()).set_next_token(page.token());
        let answer = self.read(LIST, ask!(sent)).await?;
        let items = answer.backup_vault_list.unwrap_or_default();
        Ok(Page {
            items: items.into_iter().map(|vault| self.listed(vault)).collect(),
            next: answer.next_token.map(Cursor::at),
        })
    }
}

impl Scoped {
    /// A vault as AWS describes it, without tags.
    pub(super) async fn describe_vault(&self, name: &VaultName) -> Result<Vault, Failure> {
        let sent = self.clients.backup.describe_backup_vault().backup_vault_name(name.as_str());
        let answer = match self.read(DESCRIBE, ask!(sent)).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.missing_or_denied(error, name).await),
        };
        Ok(Vault {
            name: answer.backup_vault_name.unwrap_or_default(),
            arn: answer.backup_vault_arn.unwrap_or_default(),
            scope: self.scope().clone(),
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
            tags: BTreeMap::new(),
            request_id: answer.creator_request_id.unwrap_or_default(),
        })
    }

    fn listed(&self, vault: BackupVaultListMember) -> Vault {
        Vault {
            name: vault.backup_vault_name.unwrap_or_default(),
            arn: vault.backup_vault_arn.unwrap_or_default(),
            scope: self.scope().clone(),
            encryption_key_arn: vault.encryption_key_arn.unwrap_or_default(),
            created_at: time(vault.creation_date.as_ref()),
            recovery_points: vault.number_of_recovery_points,
            lock: self.lock(vault.locked, vault.min_retention_days, vault.max_retention_days, vault.lock_date.as_ref()),
            vault_type: vault.vault_type.as_ref().map(VaultType::as_str).unwrap_or_default().to_owned(),
            state: vault.vault_state.as_ref().map(VaultState::as_str).unwrap_or_default().to_owned(),
            tags: BTreeMap::new(),
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
        // AWS counts in 64 bits what it bounds to 36500.
        let days = |days: i64| i32::try_from(days).unwrap_or(i32::MAX);
        (locked == Some(true)).then(|| VaultLock {
            min_retention_days: min.map(days),
            max_retention_days: max.map(days),
            locked_at,
            immutable: locked_at.is_some_and(|at| at <= self.now()),
        })
    }

    /// Understands a failure of a call that names a vault. AWS says 403 for a vault that does not exist (semantics
    /// reference, section 0.1): the list of vaults, which no missing vault can forbid, tells the two apart, and which one may
    /// have been meant.
    pub(super) async fn missing_or_denied(&self, error: Failure, name: &VaultName) -> Failure {
        let error = error.about(Noun::Vault, name);
        if !matches!(error.kind, FailureKind::Denied | FailureKind::NotFound) {
            return error;
        }
        // One list tells whether it is there, and else which one may be meant.
        let mut others = Vec::new();
        let is_it = |vault: &BackupVaultListMember| {
            others.extend(vault.backup_vault_name().map(str::to_owned));
            vault.backup_vault_name() == Some(name.as_str())
        };
        match self.vault_is_listed(is_it).await {
            // AWS has said that it is missing, and may list it a moment longer.
            Ok(true) => error,
            Err(_) if error.kind == FailureKind::NotFound => error,
            Ok(false) => {
                let meant = did_you_mean(name.as_str(), others.iter().map(String::as_str));
                Failure { meant: meant.into(), ..error.as_kind(FailureKind::NotFound) }
            }
            Err(unseen) if unseen.kind == FailureKind::Denied => error.as_kind(FailureKind::MissingOrDenied),
            Err(unseen) => Failure { effect: error.effect, ..unseen.about(Noun::Vault, name) },
        }
    }

    /// Understands a failure of a call about something in a vault: AWS does not say which of the two is missing.
    pub(super) async fn in_vault(&self, error: Failure, vault: &VaultName, noun: Noun, name: &str) -> Failure {
        match error.kind {
            FailureKind::Denied => self.missing_or_denied(error, vault).await,
            FailureKind::RoleNotAssumable => error,
            FailureKind::NotFound => match self.describe_vault(vault).await {
                Err(missing) if missing.kind == FailureKind::NotFound => missing,
                // It is listed: what AWS denies is only to describe it.
                Err(denied) if denied.kind == FailureKind::Denied => error.about(noun, name),
                // It may be the vault that is missing.
                Err(unseen) => Failure { effect: error.effect, ..unseen },
                Ok(_) => error.about(noun, name),
            },
            _ => error.about(noun, name),
        }
    }

    /// Whether one of all vaults is such a one.
    async fn vault_is_listed(&self, mut is_it: impl FnMut(&BackupVaultListMember) -> bool) -> Result<bool, Failure> {
        let vaults = pages(|token| async move {
            let sent = self.clients.backup.list_backup_vaults().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST, ask!(sent)).await?;
            Ok((answer.backup_vault_list.unwrap_or_default(), answer.next_token))
        });
        let mut vaults = std::pin::pin!(vaults);
        while let Some(page) = vaults.try_next().await? {
            if page.iter().any(&mut is_it) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The vault with what came of its tags.
fn tagged(vault: Vault, tags: Result<BTreeMap<String, String>, Failure>) -> Result<Vault, Failure> {
    let tags = tags.map_err(|error| error.about(Noun::Vault, &vault.name))?;
    Ok(Vault { tags, ..vault })
}

/// The vault, if that request created it.
fn made_by(asked: &Asked<NewVault>, vault: Vault) -> Result<Option<Vault>, Refusal> {
    if vault.request_id != asked.request_id.as_str() {
        return Ok(None);
    }
    as_asked(asked, &vault)?;
    Ok(Some(vault))
}

/// Whether the vault that the request's id created is the one that the request asks for.
fn as_asked(asked: &Asked<NewVault>, vault: &Vault) -> Result<(), Refusal> {
    if asked.what.is(vault) {
        return Ok(());
    }
    let message = "this request_id created the vault with another key or other tags: use a fresh request_id";
    Err(Refusal::of(RefusalKind::RequestIdReused, Noun::Vault, &vault.name, message))
}
