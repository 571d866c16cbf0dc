//! Access policies and notifications of vaults. AWS says "not found" of a setting that a vault does not have, and has neither
//! idempotency tokens nor conditions for them: they are read, compared and written.

use aws_sdk_backup::types::BackupVaultEvent;

use super::{
    Detection, Error, Failure, FailureKind, Scoped, as_json,
    call::{Operation, ask},
};
use crate::domain::{
    AccessPolicy, Asked, Caller, Deletion, Finding, Hindrance, Noun, OfVault, Refusal, TopicRef, Unseen, Vault,
    VaultName, VaultNotifications, VaultSetting, check_etag,
};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");
const GET_POLICY: Operation = Operation::read("backup", "GetBackupVaultAccessPolicy");
const PUT_POLICY: Operation = Operation::write("backup", "PutBackupVaultAccessPolicy");
const DELETE_POLICY: Operation = Operation::write("backup", "DeleteBackupVaultAccessPolicy");
const GET_NOTIFICATIONS: Operation = Operation::read("backup", "GetBackupVaultNotifications");
const PUT_NOTIFICATIONS: Operation = Operation::write("backup", "PutBackupVaultNotifications");
const DELETE_NOTIFICATIONS: Operation = Operation::write("backup", "DeleteBackupVaultNotifications");

impl Scoped {
    /// The resource policy, a JSON document.
    pub async fn get_vault_access_policy(&self, name: &VaultName) -> Result<VaultSetting<String>, Error> {
        let sent = self.clients.backup.get_backup_vault_access_policy().backup_vault_name(name.as_str());
        match self.read(GET_POLICY, ask!(sent)).await {
            Ok(answer) => Ok(VaultSetting {
                vault_name: answer.backup_vault_name.unwrap_or_default(),
                vault_arn: answer.backup_vault_arn.unwrap_or_default(),
                scope: self.scope().clone(),
                setting: answer.policy,
            }),
            Err(error) => Ok(self.without_setting(error, name).await.map(VaultSetting::none)?),
        }
    }

    /// Replaces the resource policy. Answers it as AWS has it then, and what will surprise in it.
    pub async fn set_vault_access_policy(
        &self,
        asked: &Asked<OfVault<AccessPolicy>>,
    ) -> Result<(VaultSetting<String>, Vec<Finding>), Error> {
        let OfVault { vault: name, etag, setting: policy } = &asked.what;
        let now = self.get_vault_access_policy(name).await?;
        let findings = self.policy_findings(policy, &now.vault_arn).await;
        if now.setting.as_ref().is_some_and(|told| policy.says(told)) {
            return Ok((now, findings));
        }
        unchanged(POLICY, name, etag.as_deref(), &now.etag())?;
        if asked.is_check() {
            return Ok((now.with(policy.as_str().to_owned()), findings));
        }
        let (before, after) = (now.setting.as_deref().map(as_json::document), as_json::document(policy.as_str()));
        self.changes_value(format!("vault/{name}"), "access_policy", before, Some(after));
        self.detects(Detection::VaultPolicySet);
        let sent = self.clients.backup.put_backup_vault_access_policy().backup_vault_name(name.as_str());
        if let Err(error) = self.call(PUT_POLICY, sent.policy(policy.as_str()).send()).await {
            return Err(self.missing_or_denied(error, name).await.into());
        }
        match self.get_vault_access_policy(name).await {
            Ok(then) => Ok((then, findings)),
            // The new policy itself may deny to read it: it is in force all the same.
            Err(error) if error.failed_as(FailureKind::Denied) => Ok((now.with(policy.as_str().to_owned()), findings)),
            Err(error) => Err(error.after(PUT_POLICY.name)),
        }
    }

    /// Whom a denial hits depends on who Strongroom is, which anybody may ask of himself.
    async fn policy_findings(&self, policy: &AccessPolicy, vault_arn: &str) -> Vec<Finding> {
        let not_needed = Unseen::settled("");
        let caller = if policy.denies() { self.caller().await } else { Err(not_needed) };
        policy.findings(vault_arn, caller.as_ref())
    }

    async fn caller(&self) -> Result<Caller, Unseen> {
        let answer = self.read(GET_CALLER_IDENTITY, ask!(self.clients.sts.get_caller_identity())).await;
        let answer = answer.map_err(|error| Unseen::from(&error))?;
        let told = Caller::told(answer.arn().unwrap_or_default(), answer.user_id().unwrap_or_default());
        told.ok_or_else(|| Unseen { hindrance: Hindrance::Passing, why: "STS told no ARN of an identity".to_owned() })
    }

    /// Removes the resource policy, if there is one.
    pub async fn delete_vault_access_policy(&self, asked: &Asked<OfVault<()>>) -> Result<Deletion, Error> {
        let OfVault { vault: name, etag, setting: () } = &asked.what;
        let now = self.get_vault_access_policy(name).await?;
        if now.setting.is_none() {
            return Ok(Deletion::done());
        }
        unchanged(POLICY, name, etag.as_deref(), &now.etag())?;
        if asked.is_check() {
            return Ok(Deletion::checked());
        }
        let before = now.setting.as_deref().map(as_json::document);
        self.changes_value(format!("vault/{name}"), "access_policy", before, None);
        self.detects(Detection::VaultPolicyDeleted);
        let sent = self.clients.backup.delete_backup_vault_access_policy().backup_vault_name(name.as_str());
        if let Err(error) = self.call(DELETE_POLICY, sent.send()).await {
            self.without_setting(error, name).await?;
        }
        Ok(Deletion::done())
    }

    /// Which events go to which topic.
    pub async fn get_vault_notifications(&self, name: &VaultName) -> Result<VaultSetting<VaultNotifications>, Error> {
        let sent = self.clients.backup.get_backup_vault_notifications().backup_vault_name(name.as_str());
        match self.read(GET_NOTIFICATIONS, ask!(sent)).await {
            Ok(answer) => {
                let events = answer.backup_vault_events.unwrap_or_default();
                let notifications = VaultNotifications {
                    topic: TopicRef::told(answer.sns_topic_arn.unwrap_or_default()),
                    events: events.iter().map(|event| event.as_str().to_owned()).collect(),
                };
                Ok(VaultSetting {
                    vault_name: answer.backup_vault_name.unwrap_or_default(),
                    vault_arn: answer.backup_vault_arn.unwrap_or_default(),
                    scope: self.scope().clone(),
                    setting: Some(notifications),
                })
            }
            Err(error) => Ok(self.without_setting(error, name).await.map(VaultSetting::none)?),
        }
    }

    /// Replaces which events go to which topic.
    pub async fn set_vault_notifications(
        &self,
        asked: &Asked<OfVault<VaultNotifications>>,
    ) -> Result<VaultSetting<VaultNotifications>, Error> {
        let OfVault { vault: name, etag, setting: given } = &asked.what;
        let now = self.get_vault_notifications(name).await?;
        if now.setting.as_ref().is_some_and(|told| given.same_as(told, self.scope())) {
            return Ok(now);
        }
        unchanged(NOTIFICATIONS, name, etag.as_deref(), &now.etag())?;
        let topic = given.topic.arn_in(self.scope());
        let events = given.events.iter().map(|event| BackupVaultEvent::from(event.as_str())).collect();
        let before = now.setting.as_ref().map(|told| self.as_json(told));
        let fewer = now.setting.iter().flat_map(|told| &told.events).any(|event| !given.events.contains(event));
        let then = now.with(VaultNotifications { topic: TopicRef::told(&topic), events: given.events.clone() });
        if asked.is_check() {
            return Ok(then);
        }
        let after = Some(as_json::notifications(&topic, &given.events));
        self.changes_value(format!("vault/{name}"), "notifications", before, after);
        if fewer {
            self.detects(Detection::NotificationsFewer);
        }
        let sent = self.clients.backup.put_backup_vault_notifications().backup_vault_name(name.as_str());
        let sent = sent.sns_topic_arn(&topic).set_backup_vault_events(Some(events));
        match self.call(PUT_NOTIFICATIONS, sent.send()).await {
            Ok(_) => Ok(then),
            Err(error) if error.kind == FailureKind::NotFound => {
                Err(self.in_vault(error, name, Noun::Topic, &topic).await.into())
            }
            Err(error) => Err(self.missing_or_denied(error, name).await.into()),
        }
    }

    /// Ends the notifications, if there are any.
    pub async fn delete_vault_notifications(&self, asked: &Asked<OfVault<()>>) -> Result<Deletion, Error> {
        let OfVault { vault: name, etag, setting: () } = &asked.what;
        let now = self.get_vault_notifications(name).await?;
        if now.setting.is_none() {
            return Ok(Deletion::done());
        }
        unchanged(NOTIFICATIONS, name, etag.as_deref(), &now.etag())?;
        if asked.is_check() {
            return Ok(Deletion::checked());
        }
        let before = now.setting.as_ref().map(|told| self.as_json(told));
        self.changes_value(format!("vault/{name}"), "notifications", before, None);
        self.detects(Detection::NotificationsDeleted);
        let sent = self.clients.backup.delete_backup_vault_notifications().backup_vault_name(name.as_str());
        if let Err(error) = self.call(DELETE_NOTIFICATIONS, sent.send()).await {
            self.without_setting(error, name).await?;
        }
        Ok(Deletion::done())
    }
}

impl Scoped {
    fn as_json(&self, told: &VaultNotifications) -> serde_json::Value {
        as_json::notifications(&told.topic.arn_in(self.scope()), &told.events)
    }

    /// Of a vault that is there, "not found" means that it has no such setting: the vault. Else the failure.
    async fn without_setting(&self, error: Failure, name: &VaultName) -> Result<Vault, Failure> {
        match error.kind {
            FailureKind::NotFound => self.describe_vault(name).await,
            _ => Err(self.missing_or_denied(error, name).await),
        }
    }
}

const POLICY: &str = "the access policy of vault";
const NOTIFICATIONS: &str = "what is notified of vault";

fn unchanged(what: &str, name: &VaultName, etag: Option<&str>, present: &str) -> Result<(), Refusal> {
    check_etag(etag, present, &format!("{what} {name}"), (Noun::Vault, name.as_str()))
}
