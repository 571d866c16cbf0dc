//! Access policies and notifications of vaults.

use super::reader::Reader;
use crate::{
    aws::OfVault,
    domain::{AccessPolicy, AskedScope, Invalid, VaultName, VaultNotifications},
    proto,
};

/// A request that changes something of a vault and says no more.
pub(in crate::rpc) fn change(
    scope: Option<proto::Scope>,
    vault: &str,
    request_id: &str,
) -> Result<(AskedScope, VaultName), Invalid> {
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", vault);
    let request_id = read.request_id(request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, vault?))
    })
}

pub(in crate::rpc) fn get_policy(
    request: proto::GetVaultAccessPolicyRequest,
) -> Result<(AskedScope, VaultName), Invalid> {
    let proto::GetVaultAccessPolicyRequest { scope, vault } = request;
    super::vaults::get(proto::GetVaultRequest { scope, vault })
}

pub(in crate::rpc) fn set_policy(
    request: proto::SetVaultAccessPolicyRequest,
) -> Result<(AskedScope, VaultName, AccessPolicy, bool), Invalid> {
    let proto::SetVaultAccessPolicyRequest { scope, vault, policy, request_id, validate_only } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let policy = read.note_all("policy", AccessPolicy::parse(&policy));
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, vault?, policy?, validate_only))
    })
}

pub(in crate::rpc) fn delete_policy(
    request: proto::DeleteVaultAccessPolicyRequest,
) -> Result<(AskedScope, VaultName), Invalid> {
    let proto::DeleteVaultAccessPolicyRequest { scope, vault, request_id } = request;
    change(scope, &vault, &request_id)
}

pub(in crate::rpc) fn get_notifications(
    request: proto::GetVaultNotificationsRequest,
) -> Result<(AskedScope, VaultName), Invalid> {
    let proto::GetVaultNotificationsRequest { scope, vault } = request;
    super::vaults::get(proto::GetVaultRequest { scope, vault })
}

pub(in crate::rpc) fn set_notifications(
    request: proto::SetVaultNotificationsRequest,
) -> Result<(AskedScope, VaultName, VaultNotifications, bool), Invalid> {
    let proto::SetVaultNotificationsRequest { scope, vault, notifications, request_id, validate_only } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let notifications = match notifications {
        None => Err(read.fault("notifications", "is required: give topic_arn and events")),
        Some(proto::VaultNotifications { topic_arn, events }) => {
            let topic = read.note("notifications.topic_arn", VaultNotifications::parse_topic(&topic_arn));
            // AWS Backup publishes to topics of the vault's own account only [D].
            let topic = topic.and_then(|topic| {
                let account = AskedScope { region: None, ..topic.scope() };
                read.within("notifications.topic_arn", account).map(|()| topic)
            });
            let events = read.note_all("notifications.events", VaultNotifications::parse_events(events));
            let both = || Ok(VaultNotifications { topic_arn: topic?.as_str().to_owned(), events: events? });
            both()
        }
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, vault?, notifications?, validate_only))
    })
}

pub(in crate::rpc) fn delete_notifications(
    request: proto::DeleteVaultNotificationsRequest,
) -> Result<(AskedScope, VaultName), Invalid> {
    let proto::DeleteVaultNotificationsRequest { scope, vault, request_id } = request;
    change(scope, &vault, &request_id)
}

impl From<VaultNotifications> for proto::VaultNotifications {
    fn from(notifications: VaultNotifications) -> Self {
        Self { topic_arn: notifications.topic_arn, events: notifications.events }
    }
}

impl From<OfVault<String>> for proto::GetVaultAccessPolicyResponse {
    fn from(found: OfVault<String>) -> Self {
        Self { policy: found.setting.unwrap_or_default(), vault_name: found.vault_name, vault_arn: found.vault_arn }
    }
}

impl From<OfVault<VaultNotifications>> for proto::GetVaultNotificationsResponse {
    fn from(found: OfVault<VaultNotifications>) -> Self {
        Self { notifications: found.setting.map(Into::into), vault_name: found.vault_name, vault_arn: found.vault_arn }
    }
}
