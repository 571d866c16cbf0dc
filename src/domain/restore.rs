//! Restores of RDS instances: typed settings over the recovery point's own metadata (semantics reference, section 10).

use std::collections::BTreeMap;

use super::{
    Arn, Faults, Invalid, RequestId, RoleRef, VaultName, Warning,
    invalid::{Fault, quoted},
    recovery_point::is_continuous,
};

/// A restore to be started.
#[derive(Debug, Clone)]
pub struct StartRestore {
    /// What to restore.
    pub recovery_point: Arn,
    /// The vault that holds it.
    pub vault: VaultName,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// What to make of it.
    pub instance: RdsInstanceRestore,
    /// Whether the instance gets the tags in the backup.
    pub copy_source_tags: bool,
    /// Makes repeating safe.
    pub request_id: RequestId,
}

/// What AWS knows of how to restore a recovery point.
#[derive(Debug, Clone)]
pub struct RestoreSource {
    /// AWS's word.
    pub resource_type: String,
    /// Names of RestoreDBInstanceFromDBSnapshot's parameters and the values that the instance had.
    pub metadata: BTreeMap<String, String>,
}

/// The settings of the new instance; what is absent comes from the recovery point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RdsInstanceRestore {
    /// Identifier of the new instance, in lower case as RDS stores it.
    pub identifier: String,
    /// Instance class.
    pub class: Option<String>,
    /// Subnet group.
    pub subnet_group: Option<String>,
    /// Security groups; empty: those of the recovery point.
    pub security_groups: Vec<String>,
    /// Zone; not together with Multi-AZ.
    pub availability_zone: Option<String>,
    /// Port.
    pub port: Option<i32>,
    /// Standby in another zone.
    pub multi_az: Option<bool>,
    /// Public address.
    pub publicly_accessible: Option<bool>,
    /// Protection from deletion.
    pub deletion_protection: Option<bool>,
    /// Minor upgrades by themselves.
    pub auto_minor_version_upgrade: Option<bool>,
    /// Tags on snapshots of the new instance.
    pub copy_tags_to_snapshot: Option<bool>,
    /// Log-in by IAM.
    pub iam_authentication: Option<bool>,
    /// Storage type.
    pub storage_type: Option<String>,
    /// Provisioned I/O operations per second.
    pub iops: Option<i32>,
    /// Parameter group.
    pub parameter_group: Option<String>,
    /// Option group.
    pub option_group: Option<String>,
}

/// Metadata to send, and what will surprise about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreMetadata {
    /// All values are texts; lists are JSON in a text [D].
    pub values: BTreeMap<String, String>,
    /// What will surprise.
    pub warnings: Vec<Warning>,
}

const STORAGE_TYPES: [&str; 5] = ["standard", "gp2", "gp3", "io1", "io2"];

/// Whether provisioned I/O belongs to the storage type.
fn takes_iops(storage_type: &str) -> bool {
    matches!(storage_type, "io1" | "io2" | "gp3")
}

/// Whether the storage type cannot be without provisioned I/O.
fn needs_iops(storage_type: &str) -> bool {
    matches!(storage_type, "io1" | "io2")
}

impl RestoreSource {
    /// Why the recovery point cannot be restored into an RDS instance; `None`: it can.
    pub fn reason_unsupported(&self, recovery_point: &Arn) -> Option<String> {
        if self.resource_type != "RDS" {
            return Some(format!(
                "recovery point {recovery_point} is of type {}: StartRestore restores RDS instances; use AWS's own tools for it",
                self.resource_type
            ));
        }
        if is_continuous(recovery_point.as_str()) {
            return Some(format!(
                "recovery point {recovery_point} is continuous: StartRestore restores snapshots; restore a snapshot, or use \
                 AWS's own tools for a point in time"
            ));
        }
        let cluster =
            recovery_point.service() == "rds" && recovery_point.resource_of_kind("cluster-snapshot").is_some();
        cluster.then(|| {
            format!("recovery point {recovery_point} is of a cluster: StartRestore restores instances; use AWS's own tools for it")
        })
    }
}

impl RdsInstanceRestore {
    /// The fields' own faults and those between fields, under `field`.
    pub fn check(&self, field: &str, faults: &mut Faults) {
        let mut check = |name: &str, result: Result<(), Fault>| {
            if let Err(fault) = result {
                faults.add(&format!("{field}.{name}"), fault);
            }
        };
        check("db_instance_identifier", identifier(&self.identifier));
        let name = |text: &Option<String>, what: &str, longest: usize, allowed: &str| match text {
            Some(text) => words(text, what, longest, allowed),
            None => Ok(()),
        };
        if let Some(class) = &self.class {
            let form = class.strip_prefix("db.").is_some_and(|rest| words(rest, "", 60, ".-").is_ok());
            check(
                "db_instance_class",
                if form { Ok(()) } else { Err(not(class, "an instance class", "one looks like db.t3.medium")) },
            );
        }
        check("db_subnet_group_name", name(&self.subnet_group, "a DB subnet group", 255, "-_. "));
        check("db_parameter_group_name", name(&self.parameter_group, "a DB parameter group", 255, "-."));
        check("option_group_name", name(&self.option_group, "an option group", 255, "-:."));
        check("availability_zone", name(&self.availability_zone, "an availability zone", 40, "-"));
        if self.security_groups.len() > MOST_SECURITY_GROUPS {
            let count = self.security_groups.len();
            check(
                "vpc_security_group_ids",
                Err(format!("has {count} ids: give at most {MOST_SECURITY_GROUPS}").into()),
            );
        }
        for (index, id) in self.security_groups.iter().take(MOST_SECURITY_GROUPS).enumerate() {
            let form = id.strip_prefix("sg-").is_some_and(|rest| words(rest, "", 40, "").is_ok());
            if !form {
                let fault = not(id, "a security group's id", "one looks like sg-0123456789abcdef0");
                check(&format!("vpc_security_group_ids[{index}]"), Err(fault));
            }
        }
        if let Some(port) = self.port.filter(|port| !(1150..=65_535).contains(port)) {
            check("port", Err(format!("{port} is not a port that RDS takes: give 1150–65535").into()));
        }
        if let Some(iops) = self.iops.filter(|iops| !(1000..=256_000).contains(iops)) {
            check("iops", Err(format!("{iops} is not a rate that RDS provisions: give 1000–256000").into()));
        }
        match &self.storage_type {
            Some(text) if !STORAGE_TYPES.contains(&text.as_str()) => {
                check("storage_type", Err(not(text, "a storage type", "give standard, gp2, gp3, io1 or io2")));
            }
            Some(text) if self.iops.is_some() && !takes_iops(text) => check("iops", Err(without_iops(text))),
            _ => {}
        }
        if self.multi_az == Some(true) && self.availability_zone.is_some() {
            let fault = "cannot be chosen with multi_az: RDS places both copies; leave one of the two out";
            check("availability_zone", Err(fault.into()));
        }
    }

    /// The recovery point's own metadata, overridden by what is set here. What contradicts an override goes with it, so
    /// that AWS is not sent both.
    pub fn over(&self, own: &BTreeMap<String, String>) -> Result<RestoreMetadata, Invalid> {
        let mut values = own.clone();
        let mut warnings = Vec::new();
        // It names the snapshot, which the recovery point's ARN does already; scripts that work remove it [Q].
        values.remove("DBSnapshotIdentifier");
        let own_storage = own.get("StorageType").map(String::as_str).unwrap_or_default();
        let storage = self.storage_type.as_deref().unwrap_or(own_storage);
        if storage != own_storage && !(needs_iops(storage) && needs_iops(own_storage)) {
            // They were chosen for the other type of storage, and most types refuse them.
            values.remove("Iops");
            values.remove("StorageThroughput");
        }
        for (key, value) in self.overrides() {
            values.insert(key.to_owned(), value);
        }
        let was_multi_az = own.get("MultiAZ").is_some_and(|word| word.eq_ignore_ascii_case("true"));
        if self.availability_zone.is_some() && self.multi_az.is_none() && was_multi_az {
            values.insert("MultiAZ".to_owned(), "false".to_owned());
            warnings.push(Warning {
                code: "SINGLE_AZ",
                message:
                    "the backup is of a Multi-AZ instance and the request names a zone: the new instance has no standby"
                        .to_owned(),
                field: "rds_instance.availability_zone".to_owned(),
            });
        }
        if values.get("MultiAZ").is_some_and(|word| word.eq_ignore_ascii_case("true")) {
            // RDS refuses a zone together with Multi-AZ [K].
            values.remove("AvailabilityZone");
        }
        if self.iops.is_some() && !storage.is_empty() && !takes_iops(storage) {
            return Err(Invalid::of("rds_instance.iops", without_iops(storage)));
        }
        if needs_iops(storage) && !values.contains_key("Iops") {
            return Err(Invalid::of("rds_instance.iops", format!("is required for storage of type {storage}")));
        }
        Ok(RestoreMetadata { values, warnings })
    }

    fn overrides(&self) -> impl Iterator<Item = (&'static str, String)> {
        let text = |value: &Option<String>| value.clone();
        let flag = |value: Option<bool>| value.map(|value| value.to_string());
        let number = |value: Option<i32>| value.map(|value| value.to_string());
        let groups = (!self.security_groups.is_empty())
            .then(|| serde_json::Value::from(self.security_groups.as_slice()).to_string());
        [
            ("DBInstanceIdentifier", Some(self.identifier.clone())),
            ("DBInstanceClass", text(&self.class)),
            ("DBSubnetGroupName", text(&self.subnet_group)),
            ("VpcSecurityGroupIds", groups),
            ("AvailabilityZone", text(&self.availability_zone)),
            ("Port", number(self.port)),
            ("MultiAZ", flag(self.multi_az)),
            ("PubliclyAccessible", flag(self.publicly_accessible)),
            ("DeletionProtection", flag(self.deletion_protection)),
            ("AutoMinorVersionUpgrade", flag(self.auto_minor_version_upgrade)),
            ("CopyTagsToSnapshot", flag(self.copy_tags_to_snapshot)),
            ("EnableIAMDatabaseAuthentication", flag(self.iam_authentication)),
            ("StorageType", text(&self.storage_type)),
            ("Iops", number(self.iops)),
            ("DBParameterGroupName", text(&self.parameter_group)),
            ("OptionGroupName", text(&self.option_group)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

/// Far more than RDS takes of an instance.
const MOST_SECURITY_GROUPS: usize = 25;

/// RDS's rule for the identifier of a new instance [M].
fn identifier(text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Err("is required: give the identifier of the instance to make".into());
    }
    let well_formed = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && words(text, "", 63, "-").is_ok()
        && !text.contains("--")
        && !text.ends_with('-');
    let rule = "it has 1–63 letters, digits and hyphens, starts with a letter, has no -- and no - at the end";
    if well_formed { Ok(()) } else { Err(not(text, "a DB instance identifier", rule)) }
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

#[cfg(test)]
mod tests;
