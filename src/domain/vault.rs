//! Backup vaults.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Finding, KeyRef, RequestId, Scope, Tags, VaultLock, VaultName, VaultNotifications, VaultRef, etag::etag};

/// A vault to be created.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// Its name.
    pub name: VaultName,
    /// Its KMS key; absent for AWS's own.
    pub encryption_key: Option<KeyRef>,
    /// Its tags.
    pub tags: Tags,
}

impl NewVault {
    /// ARN of its key, if it is to have one of its own.
    pub fn key_arn(&self, scope: &Scope) -> Option<String> {
        self.encryption_key.as_ref().map(|key| key.arn_in(scope))
    }

    /// What of it will surprise in that scope.
    pub fn findings(&self, scope: &Scope) -> Vec<Finding> {
        let named = self.encryption_key.as_ref().and_then(|key| key.scope().account);
        let other = named.filter(|account| *account != scope.account).map(|account| {
            let message = format!(
                "the key is of account {account}, and the vault of account {}: backups fail unless the key's policy lets \
                 AWS Backup's roles in the vault's account use it",
                scope.account
            );
            let action = format!("allow that in the key's policy, in account {account}");
            Finding::warning("KEY_OF_OTHER_ACCOUNT", message, action).at("encryption_key")
        });
        other.into_iter().collect()
    }

    /// The vault as it would be, as far as AWS does not decide.
    pub fn planned(&self, scope: &Scope, request_id: &RequestId) -> Vault {
        let name = self.name.as_str();
        Vault {
            name: name.to_owned(),
            arn: VaultRef::arn_of(name, scope),
            scope: scope.clone(),
            encryption_key_arn: self.key_arn(scope).unwrap_or_default(),
            created_at: None,
            recovery_points: 0,
            lock: None,
            vault_type: String::new(),
            state: String::new(),
            tags: self.tags.0.clone(),
            request_id: request_id.as_str().to_owned(),
        }
    }

    /// Whether a vault is as this one is asked for. Tags that others added do not count.
    pub fn is(&self, vault: &Vault) -> bool {
        let key = self.key_arn(&vault.scope);
        key.is_none_or(|key| key == vault.encryption_key_arn)
            && self.tags.0.iter().all(|(key, value)| vault.tags.get(key) == Some(value))
    }
}

/// A vault to be deleted.
#[derive(Debug, Clone)]
pub struct DeleteVault {
    /// The vault.
    pub vault: VaultName,
    /// Whether one that is not there is deleted.
    pub allow_missing: bool,
    /// Whether its recovery points are deleted first.
    pub force: bool,
}

/// A vault as AWS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Where it is.
    pub scope: Scope,
    /// ARN of its KMS key.
    pub encryption_key_arn: String,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// As AWS counts them.
    pub recovery_points: i64,
    /// Its lock.
    pub lock: Option<VaultLock>,
    /// AWS's word.
    pub vault_type: String,
    /// AWS's word.
    pub state: String,
    /// Only where they were read too.
    pub tags: BTreeMap<String, String>,
    /// The CreatorRequestId.
    pub request_id: String,
}

impl Vault {
    /// AWS's word for the type of a logically air-gapped vault `[M]`.
    pub const AIR_GAPPED: &str = "LOGICALLY_AIR_GAPPED_BACKUP_VAULT";

    /// Changes with the lock: nothing else of a vault can be overwritten.
    pub fn etag(&self) -> String {
        let arn = self.arn.as_str();
        match &self.lock {
            None => etag([arn]),
            Some(lock) => {
                let told = |told: Option<String>| told.unwrap_or_default();
                let (min, max) = (lock.min_retention_days, lock.max_retention_days);
                let days = |days: Option<i32>| told(days.map(|days| days.to_string()));
                let date = told(lock.locked_at.map(|at| at.to_string()));
                etag([arn, &days(min), &days(max), &date])
            }
        }
    }
}

/// Something that is asked for of a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfVault<T> {
    /// The vault.
    pub vault: VaultName,
    /// What was read of what is changed; absent: it does not matter.
    pub etag: Option<String>,
    /// What is asked for.
    pub setting: T,
}

/// A setting of a vault that it may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSetting<T> {
    /// Name of the vault.
    pub vault_name: String,
    /// ARN of the vault.
    pub vault_arn: String,
    /// Where the vault is.
    pub scope: Scope,
    /// The setting.
    pub setting: Option<T>,
}

impl<T> VaultSetting<T> {
    /// The vault has none.
    pub fn none(vault: Vault) -> Self {
        Self { vault_name: vault.name, vault_arn: vault.arn, scope: vault.scope, setting: None }
    }

    /// The same vault with that setting.
    #[must_use]
    pub fn with(self, setting: T) -> Self {
        Self { setting: Some(setting), ..self }
    }
}

impl VaultSetting<String> {
    /// Changes with the policy.
    pub fn etag(&self) -> String {
        etag([self.vault_arn.as_str()].into_iter().chain(self.setting.as_deref()))
    }
}

impl VaultSetting<VaultNotifications> {
    /// Changes with topic and events, in whatever order AWS tells them.
    pub fn etag(&self) -> String {
        let vault = self.vault_arn.as_str();
        let Some(told) = &self.setting else { return etag([vault]) };
        let topic = told.topic.arn_in(&self.scope);
        let mut events: Vec<&str> = told.events.iter().map(String::as_str).collect();
        events.sort_unstable();
        etag([vault, &topic].into_iter().chain(events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName, TopicRef};

    fn scope() -> Scope {
        Scope { account: AccountId::example(), region: RegionName::parse("cn-north-1").unwrap() }
    }

    fn new(key: Option<&str>) -> NewVault {
        NewVault {
            name: VaultName::parse("prod").unwrap(),
            encryption_key: key.map(|key| KeyRef::parse(key).unwrap()),
            tags: Tags([("team".to_owned(), "a".to_owned())].into()),
        }
    }

    #[test]
    fn a_vault_is_as_it_was_asked_for_whatever_was_added() {
        let key = "6f1c2d3e-0000-4000-8000-5b6a79880001";
        let arn = format!("arn:aws-cn:kms:cn-north-1:123456789012:key/{key}");
        let mut vault = new(Some(key)).planned(&scope(), &RequestId::fresh());
        assert_eq!(vault.arn, "arn:aws-cn:backup:cn-north-1:123456789012:backup-vault:prod");
        assert_eq!(vault.encryption_key_arn, arn);
        vault.tags.insert("cost".into(), "7".into());
        assert!(new(None).is(&vault) && new(Some(key)).is(&vault) && new(Some(&arn)).is(&vault));
        assert!(!new(Some("other")).is(&vault));
        vault.tags.insert("team".into(), "b".into());
        assert!(!new(None).is(&vault));
    }

    #[test]
    fn the_etag_of_a_vault_changes_with_its_lock_and_nothing_else() {
        let vault = new(None).planned(&scope(), &RequestId::fresh());
        let counted = Vault { recovery_points: 7, ..new(None).planned(&scope(), &RequestId::fresh()) };
        assert_eq!(vault.etag(), counted.etag());
        let locked = |min, max| {
            let lock = VaultLock { min_retention_days: min, max_retention_days: max, ..VaultLock::default() };
            Vault { lock: Some(lock), ..vault.clone() }.etag()
        };
        let all = [vault.etag(), locked(None, None), locked(Some(7), None), locked(None, Some(7))];
        for (index, etag) in all.iter().enumerate() {
            assert!(!all[..index].contains(etag), "{all:?}");
        }
    }

    #[test]
    fn a_setting_that_is_not_there_has_an_etag_too() {
        let none = || VaultSetting::<VaultNotifications>::none(new(None).planned(&scope(), &RequestId::fresh()));
        let with = |topic: &str, events: &[&str]| {
            let events = events.iter().map(|event| (*event).to_owned()).collect();
            none().with(VaultNotifications { topic: TopicRef::told(topic), events }).etag()
        };
        let by_name = with("alerts", &["COPY_JOB_FAILED", "BACKUP_JOB_COMPLETED"]);
        let by_arn =
            with("arn:aws-cn:sns:cn-north-1:123456789012:alerts", &["BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED"]);
        assert_eq!(by_name, by_arn);
        assert_ne!(by_name, with("alerts", &["COPY_JOB_FAILED"]));
        assert_ne!(by_name, none().etag());
        let policy = VaultSetting::<String>::none(new(None).planned(&scope(), &RequestId::fresh()));
        assert_ne!(policy.etag(), policy.with("{}".to_owned()).etag());
    }
}
