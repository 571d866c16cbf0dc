//! Access policies and notifications of vaults. AWS says "not found" of a setting that a vault does not have.

use aws_sdk_backup::types::BackupVaultEvent;

use super::{
    Aws, Error, Kind,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{AccessPolicy, AskedScope, Vault, VaultName, VaultNotifications};

const GET_POLICY: Operation = Operation::read("backup", "GetBackupVaultAccessPolicy");
const PUT_POLICY: Operation = Operation::write("backup", "PutBackupVaultAccessPolicy");
const DELETE_POLICY: Operation = Operation::write("backup", "DeleteBackupVaultAccessPolicy");
const GET_NOTIFICATIONS: Operation = Operation::read("backup", "GetBackupVaultNotifications");
const PUT_NOTIFICATIONS: Operation = Operation::write("backup", "PutBackupVaultNotifications");
const DELETE_NOTIFICATIONS: Operation = Operation::write("backup", "DeleteBackupVaultNotifications");

/// A setting of a vault that it may not have.
#[derive(Debug)]
pub struct OfVault<T> {
    /// Name of the vault.
    pub vault_name: String,
    /// ARN of the vault.
    pub vault_arn: String,
    /// The setting.
    pub setting: Option<T>,
}

impl<T> OfVault<T> {
    fn none(vault: Vault) -> Self {
        Self { vault_name: vault.name, vault_arn: vault.arn, setting: None }
    }
}

impl Aws {
    /// Makes sure that the vault is there, as far as a dry run can.
    pub async fn vault_is_there(&self, asked: &AskedScope, name: &VaultName) -> Result<(), Error> {
        self.clients(asked).await?.describe_vault(name).await.map(drop)
    }

    /// The resource policy, a JSON document.
    pub async fn get_vault_access_policy(
        &self,
        asked: &AskedScope,
        name: &VaultName,
    ) -> Result<OfVault<String>, Error> {
        let clients = self.clients(asked).await?;
        let sent = clients.backup.get_backup_vault_access_policy().backup_vault_name(name.as_str());
        match call(GET_POLICY, sent.send()).await {
            Ok(answer) => Ok(OfVault {
                vault_name: answer.backup_vault_name.unwrap_or_default(),
                vault_arn: answer.backup_vault_arn.unwrap_or_default(),
                setting: answer.policy,
            }),
            Err(error) => clients.without_setting(error, name).await.map(OfVault::none),
        }
    }

    /// Replaces the resource policy. Returns it as AWS has it now.
    pub async fn set_vault_access_policy(
        &self,
        asked: &AskedScope,
        name: &VaultName,
        policy: &AccessPolicy,
    ) -> Result<String, Error> {
        let clients = self.clients(asked).await?;
        let sent = clients.backup.put_backup_vault_access_policy().backup_vault_name(name.as_str());
        match call(PUT_POLICY, sent.policy(policy.as_str()).send()).await {
            Ok(_) => {
                let now =
                    self.get_vault_access_policy(asked, name).await.map_err(|error| error.after(PUT_POLICY.name))?;
                Ok(now.setting.unwrap_or_default())
            }
            Err(error) => Err(clients.missing_or_denied(error, name).await),
        }
    }

    /// Removes the resource policy, if there is one.
    pub async fn delete_vault_access_policy(&self, asked: &AskedScope, name: &VaultName) -> Result<(), Error> {
        let clients = self.clients(asked).await?;
        let sent = clients.backup.delete_backup_vault_access_policy().backup_vault_name(name.as_str());
        match call(DELETE_POLICY, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => clients.without_setting(error, name).await.map(drop),
        }
    }

    /// Which events go to which topic.
    pub async fn get_vault_notifications(
        &self,
        asked: &AskedScope,
        name: &VaultName,
    ) -> Result<OfVault<VaultNotifications>, Error> {
        let clients = self.clients(asked).await?;
        let sent = clients.backup.get_backup_vault_notifications().backup_vault_name(name.as_str());
        match call(GET_NOTIFICATIONS, sent.send()).await {
            Ok(answer) => {
                let events = answer.backup_vault_events.unwrap_or_default();
                let notifications = VaultNotifications {
                    topic_arn: answer.sns_topic_arn.unwrap_or_default(),
                    events: events.iter().map(|event| event.as_str().to_owned()).collect(),
                };
                Ok(OfVault {
                    vault_name: answer.backup_vault_name.unwrap_or_default(),
                    vault_arn: answer.backup_vault_arn.unwrap_or_default(),
                    setting: Some(notifications),
                })
            }
            Err(error) => clients.without_setting(error, name).await.map(OfVault::none),
        }
    }

    /// Replaces which events go to which topic.
    pub async fn set_vault_notifications(
        &self,
        asked: &AskedScope,
        name: &VaultName,
        notifications: &VaultNotifications,
    ) -> Result<(), Error> {
        let clients = self.clients(asked).await?;
        let events = notifications.events.iter().map(|event| BackupVaultEvent::from(event.as_str())).collect();
        let sent = clients
            .backup
            .put_backup_vault_notifications()
            .backup_vault_name(name.as_str())
            .sns_topic_arn(&notifications.topic_arn)
            .set_backup_vault_events(Some(events));
        match call(PUT_NOTIFICATIONS, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(clients.missing_or_denied(error, name).await),
        }
    }

    /// Ends the notifications, if there are any.
    pub async fn delete_vault_notifications(&self, asked: &AskedScope, name: &VaultName) -> Result<(), Error> {
        let clients = self.clients(asked).await?;
        let sent = clients.backup.delete_backup_vault_notifications().backup_vault_name(name.as_str());
        match call(DELETE_NOTIFICATIONS, sent.send()).await {
            Ok(_) => Ok(()),
            Err(error) => clients.without_setting(error, name).await.map(drop),
        }
    }
}

impl Clients {
    /// Of a vault that is there, "not found" means that it has no such setting: the vault. Else the failure.
    async fn without_setting(&self, error: Error, name: &VaultName) -> Result<Vault, Error> {
        match error.kind {
            Kind::NotFound => self.describe_vault(name).await,
            _ => Err(self.missing_or_denied(error, name).await),
        }
    }
}
