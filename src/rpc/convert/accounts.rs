//! Accounts and the service role.

use super::{reader::Reader, timestamp};
use crate::{
    aws::Account,
    domain::{
        AskedScope, Change, ChangeKind, EnsureRole, Invalid, RolePath, RoleRef, RoleState, ServicePolicy, Tags, Trust,
    },
    proto,
};

/// Where the console puts the role that it makes.
const DEFAULT_PATH: &str = "/service-role/";

pub(in crate::rpc) fn get(request: proto::GetAccountRequest) -> Result<AskedScope, Invalid> {
    Reader::new(request.scope).conclude(Ok)
}

pub(in crate::rpc) fn ensure_role(
    request: proto::EnsureServiceRoleRequest,
) -> Result<(AskedScope, EnsureRole), Invalid> {
    let proto::EnsureServiceRoleRequest { scope, role, path, tags, request_id, validate_only } = request;
    let mut read = Reader::new(scope);
    let role = read.role("role", or_default(&role));
    let path = match (path.as_str(), &role) {
        ("", Ok(role)) => read.note("path", role.path().map_or_else(|| RolePath::parse(DEFAULT_PATH), Ok)),
        (text, _) => read.note("path", RolePath::parse(if text.is_empty() { DEFAULT_PATH } else { text })),
    };
    if let (Ok(path), Some(named)) = (&path, role.as_ref().ok().and_then(RoleRef::path))
        && *path != named
    {
        read.fault("path", format!("is {path}, but the ARN in role says {named}"));
    }
    let tags = read.tags("tags", tags, Tags::most());
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, EnsureRole { role: role?, path: path?, tags: tags?, validate_only }))
    })
}

pub(in crate::rpc) fn get_role(request: proto::GetServiceRoleRequest) -> Result<(AskedScope, RoleRef), Invalid> {
    let proto::GetServiceRoleRequest { scope, role } = request;
    let mut read = Reader::new(scope);
    let role = read.role("role", or_default(&role));
    read.conclude(|scope| Ok((scope, role?)))
}

fn or_default(role: &str) -> &str {
    if role.is_empty() { RoleRef::DEFAULT_NAME } else { role }
}

pub(in crate::rpc) fn account(account: Account, default_scope: bool) -> proto::Account {
    proto::Account {
        scope: Some(account.scope.into()),
        identity_arn: account.identity_arn,
        default_scope,
        supported_resource_types: account.supported_resource_types,
        resource_type_opt_in: account.opt_in,
        resource_type_management: account.management,
    }
}

impl From<RoleState> for proto::ServiceRole {
    fn from(role: RoleState) -> Self {
        let missing: Vec<ServicePolicy> = role.missing().collect();
        let findings = role.findings().into_iter().map(Into::into).collect();
        let trusts_backup = matches!(role.trust, Trust::Granted | Trust::Conditional);
        Self {
            trusts_backup,
            ready: trusts_backup && missing.is_empty(),
            missing_policy_arns: missing.iter().map(|policy| policy.arn(role.partition)).collect(),
            findings,
            name: role.name,
            arn: role.arn,
            path: role.path,
            create_time: role.created_at.map(timestamp),
            attached_policy_arns: role.attached,
            inline_policy_names: role.inline,
        }
    }
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
