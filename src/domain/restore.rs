//! Restores: typed settings over the recovery point's own metadata (docs/aws-backup-semantics.md, section 10), and what would make
//! them fail.

mod checked;
pub mod checks;
mod cluster;
mod instance;
mod metadata;
pub mod settings;

use jiff::Timestamp;

use super::{
    Arn, Faults, Finding, Invalid, ResourceType, RoleRef, VaultName,
    invalid::{Fault, quoted},
    recovery_point::is_continuous,
};
pub use checked::RestoreChecks;
pub use cluster::RdsClusterRestore;
pub use instance::RdsInstanceRestore;
pub use metadata::RestoreMetadata;

/// The field of a request that says what is to be restored, and into what.
const FIELD: &str = "restore";

/// What is to be restored, and into what.
#[derive(Debug, Clone)]
pub struct Restore {
    /// What to restore.
    pub recovery_point: Arn,
    /// The vault that holds it.
    pub vault: VaultName,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// What to make of it.
    pub target: RestoreTarget,
    /// The time to restore to; `None`: the latest, or that of the snapshot.
    pub point_in_time: Option<PointInTime>,
    /// Whether the database gets the tags in the backup.
    pub copy_source_tags: bool,
}

/// What a restore makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreTarget {
    /// An instance.
    Instance(RdsInstanceRestore),
    /// A cluster.
    Cluster(RdsClusterRestore),
}

/// The time to which a continuous recovery point is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTime {
    /// The latest that is restorable when AWS begins.
    Latest,
    /// This second.
    At(Timestamp),
}

/// The times to any second between which a database can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreWindow {
    /// The earliest.
    pub earliest: Timestamp,
    /// The latest, when AWS was asked.
    pub latest: Timestamp,
}

/// What AWS knows of how to restore a recovery point.
#[derive(Debug, Clone)]
pub struct RestoreSource {
    /// AWS Backup's name of its type.
    pub resource_type: ResourceType,
    /// Names of the parameters of RDS's restores and the values that the database had.
    pub metadata: RestoreMetadata,
}

impl RestoreTarget {
    /// The name of the database to make.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Instance(instance) => &instance.identifier,
            Self::Cluster(cluster) => &cluster.identifier,
        }
    }

    /// `instance` or `cluster`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Instance(_) => "instance",
            Self::Cluster(_) => "cluster",
        }
    }

    /// The member of a restore that has the name.
    pub fn identifier_field(&self) -> &'static str {
        match self {
            Self::Instance(_) => "rds_instance.db_instance_identifier",
            Self::Cluster(_) => "rds_cluster.db_cluster_identifier",
        }
    }

    /// The path in a request of one of its settings.
    fn path(&self, setting: &str) -> String {
        match self {
            Self::Instance(_) => format!("{FIELD}.rds_instance.{setting}"),
            Self::Cluster(_) => format!("{FIELD}.rds_cluster.{setting}"),
        }
    }
}

impl RestoreSource {
    /// Why Strongroom does not restore such a recovery point; `None`: it does.
    pub fn reason_unsupported(&self, recovery_point: &Arn) -> Option<String> {
        (!self.resource_type.is_database()).then(|| {
            format!(
                "recovery point {recovery_point} is of type {}: StartRestore restores databases of RDS, Aurora, Neptune and \
                 DocumentDB; use AWS's own tools for it",
                self.resource_type
            )
        })
    }

    /// Whether the recovery point is of a cluster: all are but those of RDS instances, and the ARN tells (section 3.5).
    pub fn is_cluster(&self, recovery_point: &Arn) -> bool {
        let continuous = recovery_point.resource_of_kind("recovery-point");
        self.resource_type.is_cluster_type()
            || recovery_point.resource_of_kind("cluster-snapshot").is_some()
            || continuous.is_some_and(|id| id.starts_with("continuous:cluster-"))
    }

    /// Whether clusters of the type are restored without instances `[D]`. Those of a Multi-AZ DB cluster come with it.
    pub fn comes_without_instances(&self) -> bool {
        self.resource_type.is_cluster_type()
    }
}

impl Restore {
    /// Whether the recovery point can be restored to any second of its window.
    pub fn is_continuous(&self) -> bool {
        is_continuous(self.recovery_point.as_str())
    }

    /// The recovery point's own metadata, overridden by what is asked for. Faults that only the recovery point shows are
    /// told here, all at once, by their paths in a request.
    pub fn over(&self, source: &RestoreSource) -> Result<RestoreMetadata, Invalid> {
        let point = &self.recovery_point;
        let mut faults = Faults::default();
        let mut merged = source.metadata.clone();
        // They name the snapshot, which the recovery point's ARN does already; scripts that work remove it [Q].
        for key in ["DBSnapshotIdentifier", "DBClusterSnapshotIdentifier", "SnapshotIdentifier"] {
            merged.remove(key);
        }
        match (&self.target, source.is_cluster(point)) {
            (RestoreTarget::Instance(instance), false) => instance.lay_over(&mut merged, &mut faults),
            (RestoreTarget::Cluster(cluster), true) => cluster.lay_over(&mut merged, source, &mut faults),
            (RestoreTarget::Instance(_), true) => {
                let fault =
                    format!("does not fit: {point} is of a cluster ({}); give rds_cluster", source.resource_type);
                faults.add("rds_instance", fault);
            }
            (RestoreTarget::Cluster(_), false) => {
                faults.add("rds_cluster", format!("does not fit: {point} is of an instance; give rds_instance"));
            }
        }
        if self.is_continuous() {
            merged.remove("RestoreTime");
            match self.point_in_time.unwrap_or(PointInTime::Latest) {
                PointInTime::Latest => merged.set("UseLatestRestorableTime", "true"),
                PointInTime::At(time) => {
                    merged.set("UseLatestRestorableTime", "false");
                    merged.set("RestoreTime", time.to_string());
                }
            }
        } else if self.point_in_time.is_some() {
            faults.add("point_in_time", format!("is only for continuous recovery points: {point} is a snapshot"));
        }
        if self.foreign_key(source).is_some() {
            merged.remove("KmsKeyId");
        }
        faults.under(FIELD).conclude(|| Ok(merged))
    }

    /// The key that the metadata names, where it is of another region than the recovery point: that of the database which
    /// was backed up there. A restore takes the recovery point's own `[D]`.
    fn foreign_key<'s>(&self, source: &'s RestoreSource) -> Option<&'s str> {
        let named = source.metadata.get("KmsKeyId")?;
        let (key, point) = (Arn::parse(named).ok()?.scope().region?, self.recovery_point.scope().region?);
        (key != point).then_some(named)
    }

    /// What will surprise about the restore, whatever AWS's state.
    pub fn findings(&self, source: &RestoreSource) -> Vec<Finding> {
        let mut findings: Vec<_> = self.foreign_key(source).map(settings::key_left_out).into_iter().collect();
        findings.extend(self.target_findings(source));
        findings
    }

    fn target_findings(&self, source: &RestoreSource) -> Vec<Finding> {
        match &self.target {
            RestoreTarget::Instance(instance) => instance.findings(&source.metadata),
            RestoreTarget::Cluster(_) if source.comes_without_instances() => {
                let message = format!(
                    "AWS restores {} clusters without instances: when the job has completed, create them in cluster {} by RDS",
                    source.resource_type,
                    self.target.identifier()
                );
                vec![Finding::warning("CLUSTER_WITHOUT_INSTANCES", message, "").at(format!("{FIELD}.rds_cluster"))]
            }
            RestoreTarget::Cluster(_) => Vec::new(),
        }
    }
}

/// Notes the faults of a target's fields, each under its path.
struct Fields<'f> {
    parent: &'static str,
    faults: &'f mut Faults,
}

impl Fields<'_> {
    fn check(&mut self, name: &str, result: Result<(), Fault>) {
        if let Err(fault) = result {
            self.faults.add(&format!("{}.{name}", self.parent), fault);
        }
    }

    fn fault(&mut self, name: &str, fault: impl Into<Fault>) {
        self.check(name, Err(fault.into()));
    }

    fn name(&mut self, field: &str, text: Option<&String>, what: &str, longest: usize, allowed: &str) {
        if let Some(text) = text {
            self.check(field, words(text, what, longest, allowed));
        }
    }

    fn class(&mut self, field: &str, class: Option<&String>) {
        if let Some(class) = class
            && class.strip_prefix("db.").is_none_or(|rest| words(rest, "", 60, ".-").is_err())
        {
            self.fault(field, not(class, "an instance class", "one looks like db.t3.medium"));
        }
    }

    fn security_groups(&mut self, ids: &[String]) {
        if ids.len() > MOST_SECURITY_GROUPS {
            let fault = format!("has {} ids: give at most {MOST_SECURITY_GROUPS}", ids.len());
            self.fault("vpc_security_group_ids", fault);
        }
        for (index, id) in ids.iter().take(MOST_SECURITY_GROUPS).enumerate() {
            if !is_security_group(id) {
                let fault = not(id, "a security group's id", "one looks like sg-0123456789abcdef0");
                self.fault(&format!("vpc_security_group_ids[{index}]"), fault);
            }
        }
        self.each_once("vpc_security_group_ids", ids, MOST_SECURITY_GROUPS);
    }

    /// What stands in a list twice was hardly meant.
    fn each_once(&mut self, field: &str, items: &[String], most: usize) {
        for (index, item) in items.iter().take(most).enumerate() {
            if items.iter().take(index).any(|before| before == item) {
                self.fault(&format!("{field}[{index}]"), format!("{} is given twice", quoted(item)));
            }
        }
    }

    fn port(&mut self, port: Option<i32>) {
        if let Some(port) = port.filter(|port| !(1150..=65_535).contains(port)) {
            self.fault("port", format!("{port} is not a port that RDS takes: give 1150–65535"));
        }
    }

    fn iops(&mut self, iops: Option<i32>) {
        if let Some(iops) = iops.filter(|iops| !(1000..=256_000).contains(iops)) {
            self.fault("iops", format!("{iops} is not a rate that RDS provisions: give 1000–256000"));
        }
    }
}

/// `sg-` and 8 hexadecimal digits, or 17 since 2016 `[D]`.
fn is_security_group(id: &str) -> bool {
    id.strip_prefix("sg-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
    })
}

/// Far more than RDS takes of a database.
const MOST_SECURITY_GROUPS: usize = 25;

/// RDS's rule for the identifier of a new instance or cluster `[M]`.
fn identifier(text: &str, noun: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(format!("is required: give the identifier of the {noun} to make").into());
    }
    let well_formed = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && words(text, "", 63, "-").is_ok()
        && !text.contains("--")
        && !text.ends_with('-');
    let rule = "it has 1–63 letters, digits and hyphens, starts with a letter, has no -- and no - at the end";
    if well_formed { Ok(()) } else { Err(not(text, &format!("a DB {noun} identifier"), rule)) }
}

/// ASCII letters, digits and the other characters allowed.
fn words(text: &str, what: &str, longest: usize, also: &str) -> Result<(), Fault> {
    let allowed = |byte: char| byte.is_ascii_alphanumeric() || also.contains(byte);
    if (1..=longest).contains(&text.len()) && text.chars().all(allowed) {
        Ok(())
    } else {
        Err(not(
            text,
            &format!("the name of {what}"),
            &format!("it has 1–{longest} letters, digits and any of \"{also}\""),
        ))
    }
}

fn not(text: &str, what: &str, rule: &str) -> Fault {
    Fault(format!("{} is not {what}: {rule}", quoted(text)))
}

fn without_iops(storage_type: &str) -> Fault {
    Fault(format!("cannot be provisioned for storage of type {storage_type}: choose io1, io2 or gp3"))
}

/// A list as a value of metadata: JSON in a text `[D]`. Empty: nothing is asked for.
fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| serde_json::Value::from(items).to_string())
}

#[cfg(test)]
mod tests;
