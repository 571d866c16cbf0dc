//! Access policies and notifications of vaults.

use super::{findings, reader::Reader};
use crate::{
    domain::{
        AccessPolicy, Arn, Asked, AskedScope, Bond, Finding, Invalid, Noted, OfVault, TopicRef, VaultName,
        VaultNotifications, VaultSetting,
    },
    proto,
};

/// A request that changes something of a vault and says no more.
pub(super) fn change(mut read: Reader, vault: &str, etag: String) -> Result<Asked<OfVault<()>>, Invalid> {
    let vault = read.vault("vault", vault);
    let etag = read.etag(etag);
    read.conclude(|| Ok(OfVault { vault: vault?, etag: etag?, setting: () }))
}

pub(in crate::rpc) fn get_policy(request: proto::GetVaultAccessPolicyRequest) -> Result<Asked<VaultName>, Invalid> {
    super::vaults::named(request.scope, &request.vault)
}

pub(in crate::rpc) fn set_policy(
    request: proto::SetVaultAccessPolicyRequest,
) -> Result<Asked<OfVault<AccessPolicy>>, Invalid> {
    let proto::SetVaultAccessPolicyRequest { scope, vault, policy, etag, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let vault = read.vault("vault", &vault);
    let policy = read.note_all("policy", AccessPolicy::parse(&policy));
    for (at, principal) in policy.iter().flat_map(AccessPolicy::principals) {
        let field = format!("policy{at}");
        if let Ok(arn) = read.note(&field, Arn::parse(principal)) {
            // Whose account it is does not matter: policies are for others.
            let partition = AskedScope { partition: arn.scope().partition, ..AskedScope::default() };
            read.place(&field, &partition, Bond::Role);
        }
    }
    for (at, partition) in policy.iter().flat_map(AccessPolicy::resource_partitions) {
        let field = format!("policy{at}");
        if let Ok(partition) = read.note(&field, partition) {
            read.place(&field, &AskedScope { partition: Some(partition), ..AskedScope::default() }, Bond::Role);
        }
    }
    let etag = read.etag(etag);
    read.conclude(|| Ok(OfVault { vault: vault?, etag: etag?, setting: policy? }))
}

pub(in crate::rpc) fn delete_policy(
    request: proto::DeleteVaultAccessPolicyRequest,
) -> Result<Asked<OfVault<()>>, Invalid> {
    let proto::DeleteVaultAccessPolicyRequest { scope, vault, etag, request_id, validate_only } = request;
    change(Reader::change(scope, &request_id, validate_only), &vault, etag)
}

pub(in crate::rpc) fn get_notifications(
    request: proto::GetVaultNotificationsRequest,
) -> Result<Asked<VaultName>, Invalid> {
    super::vaults::named(request.scope, &request.vault)
}

pub(in crate::rpc) fn set_notifications(
    request: proto::SetVaultNotificationsRequest,
) -> Result<Asked<OfVault<VaultNotifications>>, Invalid> {
    let proto::SetVaultNotificationsRequest { scope, vault, notifications, etag, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let vault = read.vault("vault", &vault);
    let notifications = match notifications {
        None => Err(read.fault("notifications", "is required: give topic and events")),
        Some(notifications) => read.notifications(notifications),
    };
    let etag = read.etag(etag);
    read.conclude(|| Ok(OfVault { vault: vault?, etag: etag?, setting: notifications? }))
}

pub(in crate::rpc) fn delete_notifications(
    request: proto::DeleteVaultNotificationsRequest,
) -> Result<Asked<OfVault<()>>, Invalid> {
    let proto::DeleteVaultNotificationsRequest { scope, vault, etag, request_id, validate_only } = request;
    change(Reader::change(scope, &request_id, validate_only), &vault, etag)
}

impl Reader {
    fn notifications(&mut self, given: proto::VaultNotifications) -> Result<VaultNotifications, Noted> {
        let proto::VaultNotifications { topic, events } = given;
        let topic = self.note_of("notifications.topic", &topic, TopicRef::parse(&topic), Bond::Topic);
        if let Ok(topic) = &topic {
            self.place("notifications.topic", &topic.scope(), Bond::Topic);
        }
        let events = self.note_all("notifications.events", VaultNotifications::parse_events(events));
        Ok(VaultNotifications { topic: topic?, events: events? })
    }
}

impl From<VaultNotifications> for proto::VaultNotifications {
    fn from(notifications: VaultNotifications) -> Self {
        Self { topic: notifications.topic.to_string(), events: notifications.events }
    }
}

impl From<VaultSetting<String>> for proto::GetVaultAccessPolicyResponse {
    fn from(found: VaultSetting<String>) -> Self {
        Self {
            etag: found.etag(),
            policy: found.setting.unwrap_or_default(),
            vault_name: found.vault_name,
            vault_arn: found.vault_arn,
            scope: Some(found.scope.into()),
        }
    }
}

impl From<VaultSetting<VaultNotifications>> for proto::GetVaultNotificationsResponse {
    fn from(found: VaultSetting<VaultNotifications>) -> Self {
        Self {
            etag: found.etag(),
            findings: findings(found.setting.iter().flat_map(VaultNotifications::findings).collect()),
            notifications: found.setting.map(Into::into),
            vault_name: found.vault_name,
            vault_arn: found.vault_arn,
            scope: Some(found.scope.into()),
        }
    }
}

pub(in crate::rpc) fn policy_set(
    now: VaultSetting<String>,
    found: Vec<Finding>,
) -> proto::SetVaultAccessPolicyResponse {
    let proto::GetVaultAccessPolicyResponse { policy, vault_name, vault_arn, scope, etag } = now.into();
    let (findings, request_id) = (findings(found), String::new());
    proto::SetVaultAccessPolicyResponse { policy, vault_name, vault_arn, scope, etag, findings, request_id }
}

pub(in crate::rpc) fn notifications_set(
    now: VaultSetting<VaultNotifications>,
    found: Vec<Finding>,
) -> proto::SetVaultNotificationsResponse {
    let proto::GetVaultNotificationsResponse { notifications, vault_name, vault_arn, scope, etag, .. } = now.into();
    let (findings, request_id) = (findings(found), String::new());
    proto::SetVaultNotificationsResponse { notifications, vault_name, vault_arn, scope, etag, findings, request_id }
}
