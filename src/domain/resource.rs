//! Databases, and what AWS Backup calls their types.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;

use super::{
    Arn, AskedScope, Engine, ResourceType, Scope,
    invalid::{Fault, quoted},
    nearest::{nearest, question},
};

/// An RDS instance or an RDS cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A DB instance.
    DbInstance,
    /// A DB cluster: Aurora, Multi-AZ, Neptune, DocumentDB.
    DbCluster,
}

impl ResourceKind {
    /// In the order in which a list of both has them.
    pub const ALL: [Self; 2] = [Self::DbInstance, Self::DbCluster];
}

/// An RDS instance or cluster as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRef {
    /// Which of the two, where the ARN says so. An identifier may be of either, and of both.
    pub kind: Option<ResourceKind>,
    /// Its identifier.
    pub id: String,
}

impl DatabaseRef {
    /// An ARN `arn:aws:rds:REGION:ACCOUNT:db:ID` or `…:cluster:ID`, or an identifier.
    pub fn parse(text: &str) -> Result<(Self, AskedScope), Fault> {
        if text.is_empty() {
            return Err("is required: give the ARN or the identifier of an RDS instance or cluster".into());
        }
        if !Arn::looks_like(text) {
            check_identifier(text)?;
            return Ok((Self { kind: None, id: text.to_owned() }, AskedScope::default()));
        }
        let arn = Arn::parse(text)?;
        let named = Self::of_arn(&arn).ok_or_else(|| {
            arn.is_not("an RDS instance (…:db:ID) or cluster (…:cluster:ID)", "give the ARN or the identifier of one")
        })?;
        check_identifier(&named.id)?;
        Ok((named, arn.scope()))
    }

    /// The question which database was meant by one that is not there, out of those that are: told by its ARN where
    /// it is of the other kind than the one that was named: the identifier would say nothing new.
    pub fn meant_among(&self, there: &[Resource]) -> String {
        let meant = nearest(&self.id, there.iter().map(|database| database.id.as_str()));
        let meant = meant.and_then(|id| there.iter().find(|database| database.id == id));
        let is_other = |database: &Resource| self.kind.is_some_and(|kind| kind != database.kind);
        let meant = meant.map(|database| if is_other(database) { &database.arn } else { &database.id });
        question(meant.map(String::as_str))
    }

    /// The database of an ARN, if it is of one.
    pub fn of_arn(arn: &Arn) -> Option<Self> {
        let of_kind = |kind, word| Some(Self { kind: Some(kind), id: arn.resource_of_kind(word)?.to_owned() });
        let database =
            || of_kind(ResourceKind::DbInstance, "db").or_else(|| of_kind(ResourceKind::DbCluster, "cluster"));
        (arn.service() == "rds").then(database).flatten()
    }
}

/// A resource as a request names it: of any service by its ARN, and a database by its identifier too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceRef {
    /// By ARN.
    Arn(Arn),
    /// An RDS instance or cluster by its identifier.
    Database(String),
}

impl ResourceRef {
    /// An ARN, or the identifier of an RDS instance or cluster.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err("is required: give an ARN, or the identifier of an RDS instance or cluster".into());
        }
        if Arn::looks_like(text) {
            let arn = Arn::parse(text)?;
            DatabaseRef::of_arn(&arn).map_or(Ok(()), |database| check_identifier(&database.id))?;
            return Ok(Self::Arn(arn));
        }
        check_identifier(text)?;
        Ok(Self::Database(text.to_owned()))
    }

    /// As [`Self::parse`], of a resource that backups are made of: no recovery point, vault or other thing that has an ARN.
    pub fn parse_backed_up(text: &str) -> Result<Self, Fault> {
        match Self::parse(text)? {
            Self::Arn(arn) => arn.of_backed_up().map(Self::Arn),
            database @ Self::Database(_) => Ok(database),
        }
    }

    /// The account and region that the ARN names.
    pub fn scope(&self) -> AskedScope {
        match self {
            Self::Arn(arn) => arn.scope(),
            Self::Database(_) => AskedScope::default(),
        }
    }

    /// The ARNs that it can have there. An identifier is one that an instance and a cluster can have, and RDS keeps it in small
    /// letters `[D]`.
    pub fn arns_in(&self, scope: &Scope) -> Vec<Arn> {
        match self {
            Self::Arn(arn) => vec![arn.clone()],
            Self::Database(id) => {
                let Scope { account, region } = scope;
                let (partition, id) = (region.partition(), id.to_ascii_lowercase());
                let arns = ["db", "cluster"].map(|kind| format!("arn:{partition}:rds:{region}:{account}:{kind}:{id}"));
                arns.iter().filter_map(|arn| Arn::parse(arn).ok()).collect()
            }
        }
    }

    /// Whether RDS keeps it.
    pub fn is_of_rds(&self) -> bool {
        match self {
            Self::Arn(arn) => arn.service() == "rds",
            Self::Database(_) => true,
        }
    }

    /// The database, if it is one.
    pub fn database(&self) -> Option<DatabaseRef> {
        match self {
            Self::Arn(arn) => DatabaseRef::of_arn(arn),
            Self::Database(id) => Some(DatabaseRef { kind: None, id: id.clone() }),
        }
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arn(arn) => arn.fmt(f),
            Self::Database(id) => f.write_str(id),
        }
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
    pub allocated_storage_gib: Option<i32>,
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
    /// RDS's id that no other database ever has, such as `db-ABC` or `cluster-ABC`; blank where RDS does not say.
    pub resource_id: String,
}

/// Which database it is: one that was deleted and made anew under the same name has the same ARN, and is another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatabaseIdentity {
    /// ARN.
    pub arn: String,
    /// What tells it from others that had the ARN: RDS's id, or where RDS does not say, when it was created; blank while RDS
    /// tells neither.
    pub made: String,
}

impl Resource {
    /// The identifier of the cluster that it is an instance of: AWS Backup backs that up, and not it.
    pub fn member_of(&self) -> Option<&str> {
        (self.kind == ResourceKind::DbInstance && !self.cluster_id.is_empty()).then_some(&*self.cluster_id)
    }

    /// Which database it is.
    pub fn identity(&self) -> DatabaseIdentity {
        let created = || self.created_at.map(|at| at.to_string()).unwrap_or_default();
        let made = if self.resource_id.is_empty() { created() } else { self.resource_id.clone() };
        DatabaseIdentity { arn: self.arn.clone(), made }
    }

    /// AWS Backup's name of its type (docs/aws-backup-semantics.md, section 8.2): the engine decides, and a cluster of another
    /// engine is a Multi-AZ one, which counts as RDS.
    pub fn resource_type(&self) -> ResourceType {
        match self.engine.as_str() {
            engine if engine.starts_with("aurora") => ResourceType::AURORA,
            "neptune" => ResourceType::NEPTUNE,
            "docdb" => ResourceType::DOCUMENT_DB,
            _ => ResourceType::RDS,
        }
    }

    /// Whether it is a Multi-AZ DB cluster: of clusters AWS Backup counts these alone as RDS.
    pub fn is_multi_az_cluster(&self) -> bool {
        self.kind == ResourceKind::DbCluster && self.resource_type() == ResourceType::RDS
    }
}

/// What a list of resources is filtered by. RDS does it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    /// Of this kind.
    pub kind: Option<ResourceKind>,
    /// Of this engine.
    pub engine: Option<Engine>,
}

/// A resource that has a recovery point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// Account and region of the vaults that hold its recovery points.
    pub scope: Scope,
    /// ARN.
    pub arn: String,
    /// AWS Backup's name of its type.
    pub resource_type: Option<ResourceType>,
    /// Display name.
    pub name: String,
    /// When it was last backed up.
    pub last_backup_at: Option<Timestamp>,
    /// ARN of the vault of the last backup.
    pub last_backup_vault_arn: String,
    /// ARN of the last recovery point.
    pub last_recovery_point_arn: String,
    /// Its last restore, where it was restored and AWS says.
    pub last_restore: LastRestore,
}

/// The last restore of a resource, as far as AWS tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastRestore {
    /// How long it took, in minutes.
    pub minutes: Option<i32>,
    /// When its job was created.
    pub job_created_at: Option<Timestamp>,
    /// When its recovery point was created.
    pub recovery_point_created_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_identifier_or_arn_and_only_the_arn_tells_which_it_is() {
        let parse = |text| DatabaseRef::parse(text).map(|(named, _)| (named.kind, named.id));
        assert_eq!(parse("orders"), Ok((None, "orders".into())));
        assert_eq!(
            parse("arn:aws:rds:us-east-1:123456789012:db:orders"),
            Ok((Some(ResourceKind::DbInstance), "orders".into()))
        );
        assert_eq!(
            parse("arn:aws:rds:us-east-1:123456789012:cluster:c1"),
            Ok((Some(ResourceKind::DbCluster), "c1".into()))
        );
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
