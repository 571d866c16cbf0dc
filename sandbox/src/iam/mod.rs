//! Identity and Access Management: roles, their policies, and whether AWS Backup may use them.
//!
//! Roles belong to an account, whatever region of a partition the request was signed for. Permissions are not enforced on callers
//! of the sandbox; they decide what AWS Backup can do under a role.

mod conditions;
mod document;
mod input;
mod managed;
mod overview;
mod policies;
mod policy_versions;
pub mod resource_policy;
mod role_policies;
mod role_tags;
mod roles;
mod service_linked;
mod simulate;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::call::AwsError;
use crate::partition;
use crate::query::QueryHandler;

pub use document::Decision;

/// Every served action.
pub const ACTIONS: &[(&str, QueryHandler)] = &[
    ("AttachRolePolicy", role_policies::attach),
    ("CreatePolicy", policies::create),
    ("CreatePolicyVersion", policy_versions::create),
    ("CreateRole", roles::create),
    ("CreateServiceLinkedRole", service_linked::create),
    ("DeletePolicy", policies::delete),
    ("DeletePolicyVersion", policy_versions::delete),
    ("DeleteRole", roles::delete),
    ("DeleteRolePolicy", role_policies::delete),
    ("DeleteServiceLinkedRole", service_linked::delete),
    ("DetachRolePolicy", role_policies::detach),
    ("GetPolicy", policies::get),
    ("GetPolicyVersion", policy_versions::get),
    ("GetRole", roles::get),
    ("GetRolePolicy", role_policies::get),
    ("GetServiceLinkedRoleDeletionStatus", service_linked::deletion_status),
    ("ListAttachedRolePolicies", role_policies::list_attached),
    ("ListEntitiesForPolicy", policies::list_entities),
    ("ListInstanceProfilesForRole", roles::list_instance_profiles),
    ("ListPolicies", policies::list),
    ("ListPolicyTags", policies::list_tags),
    ("ListPolicyVersions", policy_versions::list),
    ("ListRolePolicies", role_policies::list),
    ("ListRoleTags", role_tags::list),
    ("ListRoles", roles::list),
    ("PutRolePolicy", role_policies::put),
    ("SetDefaultPolicyVersion", policy_versions::set_default),
    ("SimulatePrincipalPolicy", simulate::simulate_principal),
    ("TagPolicy", policies::tag),
    ("TagRole", role_tags::tag),
    ("UntagPolicy", policies::untag),
    ("UntagRole", role_tags::untag),
    ("UpdateAssumeRolePolicy", roles::update_trust),
    ("UpdateRole", roles::update),
    ("UpdateRoleDescription", roles::update_description),
];

/// The roles of an account, and its own policies.
#[derive(Debug)]
pub struct State {
    /// Where they are: AWS's own policies have ARNs of their own in each.
    partition: &'static str,
    /// By lower-case name: IAM keeps names as written but they are unique without regard to case `[M]`.
    roles: BTreeMap<String, Role>,
    /// By lower-case name, likewise.
    policies: BTreeMap<String, policies::Own>,
}

/// Those of an account, by partition.
#[derive(Debug, Default)]
pub struct States(BTreeMap<&'static str, State>);

impl States {
    /// Those of the region's partition, made empty on first use.
    pub fn of(&mut self, region: &str) -> &mut State {
        let partition = partition::of(region);
        let empty = || State { partition, roles: BTreeMap::new(), policies: BTreeMap::new() };
        self.0.entry(partition).or_insert_with(empty)
    }
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// As written at creation.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `AROA` and 17 characters; new for each creation, also of the same name.
    pub id: String,
    /// `arn:PARTITION:iam::ACCOUNT:rolePATHNAME`.
    pub arn: String,
    /// Time of creation.
    pub created: Timestamp,
    /// The trust policy as it was sent.
    trust: String,
    /// When the trust policy last changed; assuming the role lags behind it.
    trust_changed: Timestamp,
    description: Option<String>,
    max_session_seconds: u32,
    boundary: Option<String>,
    tags: BTreeMap<String, String>,
    /// Documents by policy name.
    inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    attached: BTreeSet<String>,
}

/// Why AWS Backup cannot assume a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No role has this ARN (name and path).
    Missing,
    /// The trust policy has no statement that lets `backup.amazonaws.com` call `sts:AssumeRole`, or one that denies it.
    NotTrusted,
    /// Created or changed too recently: IAM has not propagated it yet.
    NotPropagated,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the role does not exist",
            Self::NotTrusted => "its trust policy does not let backup.amazonaws.com assume it",
            Self::NotPropagated => "IAM has not propagated the role yet",
        })
    }
}

impl State {
    /// The role with exactly this ARN.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(&name.to_lowercase()).filter(|role| role.arn == arn)
    }

    /// Whether AWS Backup can assume the role now. IAM needs `propagation` after a role was created or its trust
    /// policy changed; during it AWS Backup answers as if the role did not trust it `[T][Q]`.
    ///
    /// # Errors
    /// Why not.
    pub fn assumable_by_backup(&self, role_arn: &str, now: Timestamp, propagation: SignedDuration) -> Result<(), Why> {
        let role = self.role_by_arn(role_arn).ok_or(Why::Missing)?;
        if !document::trusts_service(&role.trust, "backup.amazonaws.com") {
            return Err(Why::NotTrusted);
        }
        if now.duration_since(role.trust_changed) < propagation {
            return Err(Why::NotPropagated);
        }
        Ok(())
    }

    /// Whether the role's attached and inline policies allow the action (`rds:CreateDBSnapshot`) on the resource (an
    /// ARN, or `*` for actions that take none). A role that does not exist is allowed nothing. Conditions are not
    /// evaluated: see [`Decision`].
    #[must_use]
    pub fn allows(&self, role_arn: &str, action: &str, resource: &str) -> bool {
        self.role_by_arn(role_arn).is_some_and(|role| self.decide(role, action, resource) == Decision::Allowed)
    }

    /// Whether the trust policy of the role lets the principal of `account` assume it: what STS asks.
    #[must_use]
    pub fn trusts_account(&self, role_arn: &str, account: &str) -> bool {
        self.role_by_arn(role_arn).is_some_and(|role| document::trusts_account(&role.trust, account))
    }

    fn decide(&self, role: &Role, action: &str, resource: &str) -> Decision {
        let managed: Vec<_> = role.attached.iter().filter_map(|arn| self.policy_document(arn)).collect();
        let inline = role.inline.values().map(String::as_str);
        document::decide(managed.iter().map(AsRef::as_ref).chain(inline), action, resource)
    }

    fn role(&self, name: &str) -> Result<&Role, AwsError> {
        self.roles.get(&name.to_lowercase()).ok_or_else(|| no_such_role(name))
    }

    /// For changes by a caller: service-linked roles belong to their service.
    fn own_role_mut(&mut self, name: &str) -> Result<&mut Role, AwsError> {
        let role = self.roles.get_mut(&name.to_lowercase()).ok_or_else(|| no_such_role(name))?;
        if role.path.starts_with(service_linked::PATH_PREFIX) {
            let message = format!(
                "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
            );
            return Err(AwsError::new(400, "UnmodifiableEntity", message));
        }
        Ok(role)
    }
}

fn no_such_role(name: &str) -> AwsError {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

fn no_such_entity(message: impl Into<String>) -> AwsError {
    AwsError::new(404, "NoSuchEntity", message)
}

fn limit_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::new(409, "LimitExceeded", message)
}

#[cfg(test)]
mod tests;
