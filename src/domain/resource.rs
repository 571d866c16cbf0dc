//! Databases, and what AWS Backup calls their types.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Arn, AskedScope, Scope,
    invalid::{Fault, quoted},
};

/// An RDS instance or an RDS cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A DB instance.
    DbInstance,
    /// A DB cluster: Aurora, Multi-AZ, Neptune, DocumentDB.
    DbCluster,
}

/// An instance or cluster as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRef {
    /// Which of the two.
    pub kind: ResourceKind,
    /// Its identifier.
    pub id: String,
}

impl ResourceRef {
    /// An ARN `arn:aws:rds:REGION:ACCOUNT:db:ID` or `…:cluster:ID`, or an instance's identifier.
    pub fn parse(text: &str) -> Result<(Self, AskedScope), Fault> {
        if text.is_empty() {
            return Err("is required: give the ARN of an RDS instance or cluster, or an instance's identifier".into());
        }
        if Arn::looks_like(text) {
            let arn = Arn::parse(text)?;
            let of_kind = |kind, word| Some(Self { kind, id: arn.resource_of_kind(word)?.to_owned() });
            let named = (arn.service() == "rds")
                .then(|| {
                    of_kind(ResourceKind::DbInstance, "db").or_else(|| of_kind(ResourceKind::DbCluster, "cluster"))
                })
                .flatten();
            let named = named.ok_or_else(|| {
                format!("{} is neither an RDS instance (…:db:ID) nor a cluster (…:cluster:ID)", quoted(text))
            })?;
            check_identifier(&named.id)?;
            return Ok((named, arn.scope()));
        }
        check_identifier(text)?;
        Ok((Self { kind: ResourceKind::DbInstance, id: text.to_owned() }, AskedScope::default()))
    }
}

/// RDS's rule for identifiers `[M]`; identifiers of AWS's own making keep it too.
fn check_identifier(id: &str) -> Result<(), Fault> {
    let well_formed = (1..=63).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if well_formed {
        Ok(())
    } else {
        Err(format!(
            "{} is not a DB identifier: it has 1–63 letters, digits and hyphens and begins with a letter",
            quoted(id)
        )
        .into())
    }
}

/// An RDS instance or cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// ARN.
    pub arn: String,
    /// Identifier.
    pub id: String,
    /// Where it is.
    pub scope: Scope,
    /// Instance or cluster.
    pub kind: ResourceKind,
    /// Engine.
    pub engine: String,
    /// Engine version.
    pub engine_version: String,
    /// RDS's word.
    pub status: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Days that RDS keeps its own backups; 0: it makes none.
    pub automated_backup_retention_days: i32,
    /// Daily, UTC, `hh:mm-hh:mm`.
    pub automated_backup_window: String,
    /// Weekly, UTC, `ddd:hh:mm-ddd:hh:mm`.
    pub maintenance_window: String,
    /// Class; blank for Aurora clusters.
    pub instance_class: String,
    /// GiB.
    pub allocated_storage_gib: i32,
    /// Whether storage is encrypted.
    pub storage_encrypted: bool,
    /// ARN of the KMS key.
    pub encryption_key_arn: String,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The cluster of a member instance.
    pub cluster_id: String,
    /// The continuous recovery point through which AWS Backup owns retention and window.
    pub continuous_recovery_point_arn: String,
    /// Up to when RDS's own backups can be restored.
    pub latest_restorable_at: Option<Timestamp>,
}

impl Resource {
    /// AWS Backup's name of its type (docs/aws-backup-semantics.md, section 8.2): the engine decides, and a cluster of another
    /// engine is a Multi-AZ one, which counts as RDS.
    pub fn resource_type(&self) -> &'static str {
        match self.engine.as_str() {
            engine if engine.starts_with("aurora") => "Aurora",
            "neptune" => "Neptune",
            "docdb" => "DocumentDB",
            _ => "RDS",
        }
    }
}

/// A resource that has a recovery point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// ARN.
    pub arn: String,
    /// AWS's word.
    pub resource_type: String,
    /// Display name.
    pub name: String,
    /// When it was last backed up.
    pub last_backup_at: Option<Timestamp>,
    /// ARN of the vault of the last backup.
    pub last_backup_vault_arn: String,
    /// ARN of the last recovery point.
    pub last_recovery_point_arn: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_by_identifier_or_arn_and_a_cluster_by_arn() {
        let parse = |text| ResourceRef::parse(text).map(|(named, _)| (named.kind, named.id));
        assert_eq!(parse("orders"), Ok((ResourceKind::DbInstance, "orders".into())));
        assert_eq!(
            parse("arn:aws:rds:us-east-1:123456789012:db:orders"),
            Ok((ResourceKind::DbInstance, "orders".into()))
        );
        assert_eq!(parse("arn:aws:rds:us-east-1:123456789012:cluster:c1"), Ok((ResourceKind::DbCluster, "c1".into())));
        for bad in [
            "",
            "1st",
            "a_b",
            "arn:aws:rds:us-east-1:123456789012:snapshot:x",
            "arn:aws:ec2:us-east-1:123456789012:db:x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
