//! Accounts and the service role.

use jiff::Timestamp;

use super::{findings, reader::Reader, timestamp};
use crate::{
    domain::{
        Account, Asked, Change, ChangeKind, EnsureRole, Finding, GetRole, GlobalSettings, GlobalSettingsUpdate,
        Invalid, RegionSettings, RolePath, RoleRef, RoleState, Scope, ServedTypes, ServicePolicy, SettingsUpdate,
        Tagged, Trust,
    },
    proto,
};

/// Where the console puts the role that it makes.
const DEFAULT_PATH: &str = "/service-role/";

pub(in crate::rpc) fn get(request: proto::GetAccountRequest) -> Result<Asked<()>, Invalid> {
    Reader::new(request.scope).conclude(|| Ok(()))
}

pub(in crate::rpc) fn ensure_role(request: proto::EnsureServiceRoleRequest) -> Result<Asked<EnsureRole>, Invalid> {
    let proto::EnsureServiceRoleRequest { scope, role, path, tags, resource_types, request_id, validate_only } =
        request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let role = read.own_role("role", or_default(&role));
    let path = match (path.as_str(), &role) {
        ("", Ok(role)) => read.note("path", role.path().map_or_else(|| RolePath::parse(DEFAULT_PATH), Ok)),
        (text, _) => read.note("path", RolePath::parse(if text.is_empty() { DEFAULT_PATH } else { text })),
    };
    if let (Ok(path), Some(named)) = (&path, role.as_ref().ok().and_then(RoleRef::path))
        && *path != named
    {
        read.fault("path", format!("is {path}, but the ARN in role says {named}"));
    }
    let tags = read.tags_of(Tagged::Role, "tags", tags);
    let served = read.note_all("resource_types", ServedTypes::parse(&resource_types));
    read.conclude(|| Ok(EnsureRole { role: role?, path: path?, tags: tags?, served: served? }))
}

pub(in crate::rpc) fn get_role(request: proto::GetServiceRoleRequest) -> Result<Asked<GetRole>, Invalid> {
    let proto::GetServiceRoleRequest { scope, role, resource_types } = request;
    let mut read = Reader::new(scope);
    let role = read.own_role("role", or_default(&role));
    let served = read.note_all("resource_types", ServedTypes::parse(&resource_types));
    read.conclude(|| Ok(GetRole { role: role?, served: served? }))
}

pub(in crate::rpc) fn get_settings(request: proto::GetRegionSettingsRequest) -> Result<Asked<()>, Invalid> {
    Reader::new(request.scope).conclude(|| Ok(()))
}

/// The types are judged when the region has told which it knows.
pub(in crate::rpc) fn update_settings(
    request: proto::UpdateRegionSettingsRequest,
) -> Result<Asked<SettingsUpdate>, Invalid> {
    let proto::UpdateRegionSettingsRequest {
        scope,
        resource_type_opt_in: opt_in,
        resource_type_management: management,
        etag,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    if opt_in.is_empty() && management.is_empty() {
        let fault = "is empty, and so is resource_type_management: name at least one resource type";
        read.fault("resource_type_opt_in", fault);
    }
    for (field, map) in [("resource_type_opt_in", &opt_in), ("resource_type_management", &management)] {
        if map.len() > MOST_TYPES {
            read.fault(field, format!("has {} types: at most {MOST_TYPES} are possible", map.len()));
        }
    }
    let etag = read.etag(etag);
    read.conclude(|| Ok(SettingsUpdate { opt_in, management, etag: etag? }))
}

/// More than AWS Backup has.
const MOST_TYPES: usize = 100;

pub(in crate::rpc) fn get_global_settings(request: proto::GetGlobalSettingsRequest) -> Result<Asked<()>, Invalid> {
    Reader::new(request.scope).conclude(|| Ok(()))
}

/// The settings are judged when AWS has told which it has.
pub(in crate::rpc) fn update_global_settings(
    request: proto::UpdateGlobalSettingsRequest,
) -> Result<Asked<GlobalSettingsUpdate>, Invalid> {
    let proto::UpdateGlobalSettingsRequest { scope, settings, etag, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    if settings.is_empty() {
        read.fault("settings", "is required: name at least one setting, such as isCrossAccountBackupEnabled");
    } else if settings.len() > MOST_SETTINGS {
        read.fault("settings", format!("has {} settings: at most {MOST_SETTINGS} are possible", settings.len()));
    }
    let etag = read.etag(etag);
    read.conclude(|| Ok(GlobalSettingsUpdate { settings, etag: etag? }))
}

/// More than AWS Backup has.
const MOST_SETTINGS: usize = 100;

impl From<GlobalSettings> for proto::GlobalSettings {
    fn from(settings: GlobalSettings) -> Self {
        Self {
            etag: settings.etag(),
            scope: Some(settings.scope.into()),
            settings: settings.settings,
            other_settings: settings.other,
            last_update_time: settings.updated_at.map(timestamp),
        }
    }
}

impl From<RegionSettings> for proto::RegionSettings {
    fn from(settings: RegionSettings) -> Self {
        Self {
            etag: settings.etag(),
            scope: Some(settings.scope.into()),
            supported_resource_types: settings.supported,
            resource_type_opt_in: settings.opt_in,
            resource_type_management: settings.management,
        }
    }
}

fn or_default(role: &str) -> &str {
    if role.is_empty() { RoleRef::DEFAULT_NAME } else { role }
}

impl From<Account> for proto::Account {
    fn from(account: Account) -> Self {
        Self {
            scope: Some(account.settings.scope.clone().into()),
            identity_arn: account.identity_arn,
            default_scope: account.is_default,
            settings: Some(account.settings.into()),
        }
    }
}

/// The role, judged by what it is to serve, and what is found about it. `now` is AWS's present time, and `changed`,
/// whether this call changed it.
pub(in crate::rpc) fn role(
    scope: &Scope,
    now: Timestamp,
    role: RoleState,
    served: &ServedTypes,
    changed: bool,
    of_types: Vec<Finding>,
) -> (proto::ServiceRole, Vec<proto::Finding>) {
    let missing = role.missing(served);
    let arns = |policies: &[ServicePolicy]| policies.iter().map(|policy| policy.arn(role.partition)).collect();
    let needs = role.needs(served).into_iter().map(|need| proto::RoleNeed {
        resource_type: need.resource_type.to_string(),
        restore: need.restore,
        missing_policy_arns: arns(&need.missing),
    });
    let mut found = role.findings_for(served);
    found.extend(role.recent(changed, now));
    found.extend(of_types);
    let trusts_backup = matches!(role.trust, Trust::Granted | Trust::Conditional);
    let told = proto::ServiceRole {
        scope: Some(scope.clone().into()),
        trusts_backup,
        ready: trusts_backup && missing.is_empty(),
        missing_policy_arns: arns(&missing),
        needs: needs.collect(),
        name: role.name,
        arn: role.arn,
        path: role.path,
        create_time: role.created_at.map(timestamp),
        attached_policy_arns: role.attached,
        inline_policy_names: role.inline,
    };
    (told, findings(found))
}

impl From<Change> for proto::RoleChange {
    fn from(change: Change) -> Self {
        let code = match change.kind {
            ChangeKind::RoleCreated => "ROLE_CREATED",
            ChangeKind::TrustRepaired => "TRUST_REPAIRED",
            ChangeKind::PolicyAttached => "POLICY_ATTACHED",
        };
        Self { code: code.to_owned(), message: change.message }
    }
}
