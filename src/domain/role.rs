//! The IAM role that AWS Backup assumes (docs/aws-backup-semantics.md, section 2.1).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Arn, AskedScope, RoleName, RolePath, Tags,
    invalid::{Fault, quoted},
    names::in_arn,
};

/// A role as a request names it: by name or by ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// Name without path.
    pub name: RoleName,
    /// The whole ARN, if that was given. A name alone does not tell the path, which the ARN needs.
    pub arn: Option<Arn>,
}

impl RoleRef {
    /// The role that AWS's console makes and uses.
    pub const DEFAULT_NAME: &'static str = "AWSBackupDefaultServiceRole";

    /// A name or an ARN `arn:aws:iam::ACCOUNT:role/PATH/NAME`, and the account that the ARN names.
    pub fn parse(text: &str) -> Result<(Self, AskedScope), Fault> {
        if !Arn::looks_like(text) {
            return Ok((Self { name: RoleName::parse(text)?, arn: None }, AskedScope::default()));
        }
        let arn = Arn::parse(text)?;
        let role = (arn.service() == "iam").then(|| arn.resource_of_kind("role")).flatten();
        let role = role.ok_or_else(|| {
            format!("{} is not a role's ARN: one has the form arn:aws:iam::ACCOUNT:role/NAME", quoted(text))
        })?;
        let name = RoleName::parse(role.rsplit('/').next().unwrap_or_default())
            .map_err(|_| in_arn(text, "a role", RoleName::RULE))?;
        let scope = arn.scope();
        Ok((Self { name, arn: Some(arn) }, scope))
    }

    /// Whether a role of the name, with that ARN, is the one that is meant: IAM tells roles apart by their names alone.
    pub fn means(&self, arn: &str) -> bool {
        self.arn.as_ref().is_none_or(|asked| asked.as_str() == arn)
    }

    /// The path in the ARN, if an ARN was given.
    pub fn path(&self) -> Option<RolePath> {
        let role = self.arn.as_ref()?.resource_of_kind("role")?;
        let path = role.rsplit_once('/').map_or("/".to_owned(), |(path, _)| format!("/{path}/"));
        RolePath::parse(&path).ok()
    }
}

/// A role that must be there and right.
#[derive(Debug, Clone)]
pub struct EnsureRole {
    /// By name or ARN. With an ARN it is this very role: another of the name, under another path, is none.
    pub role: RoleRef,
    /// Its path, if it has to be created.
    pub path: RolePath,
    /// Its tags, if it has to be created.
    pub tags: Tags,
    /// What it is to serve.
    pub served: ServedTypes,
}

/// A role that is looked at, and what it is to serve.
#[derive(Debug, Clone)]
pub struct GetRole {
    /// By name or ARN.
    pub role: RoleRef,
    /// What it is to serve.
    pub served: ServedTypes,
}

/// A role as IAM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleState {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Path.
    pub path: String,
    /// Partition of AWS that it is in, where the managed policies have ARNs of their own.
    pub partition: &'static str,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// What its trust policy says of backup.amazonaws.com.
    pub trust: Trust,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// Names of inline policies.
    pub inline: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What a trust policy says of AWS Backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// backup.amazonaws.com may assume the role.
    Granted,
    /// It may, under conditions that Strongroom cannot judge.
    Conditional,
    /// No statement lets it.
    Missing,
    /// A statement denies it.
    Denied,
    /// The document is not readable as a policy.
    Unreadable,
}

/// The service that assumes the role.
pub const BACKUP_SERVICE: &str = "backup.amazonaws.com";

/// A change that EnsureServiceRole made, or would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What sort of change.
    pub kind: ChangeKind,
    /// The change in words.
    pub message: String,
}

/// Sorts of change to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The role was not there.
    RoleCreated,
    /// AWS Backup was added to its trust policy.
    TrustRepaired,
    /// A managed policy was attached.
    PolicyAttached,
}

mod checked;
mod service;
mod trust;
pub use checked::CheckedRole;
pub use service::{RoleNeed, ServedTypes, ServicePolicy};
pub use trust::{TrustRepair, judge, repair};
