//! Restores into an RDS instance.

use super::{FIELD, Faults, Fields, Finding, RestoreMetadata, identifier, list, not, without_iops};

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

const STORAGE_TYPES: [&str; 5] = ["standard", "gp2", "gp3", "io1", "io2"];

/// Whether provisioned I/O belongs to the storage type.
fn takes_iops(storage_type: &str) -> bool {
    matches!(storage_type, "io1" | "io2" | "gp3")
}

/// Whether the storage type cannot be without provisioned I/O.
fn needs_iops(storage_type: &str) -> bool {
    matches!(storage_type, "io1" | "io2")
}

impl RdsInstanceRestore {
    /// The fields' own faults and those between fields, under `rds_instance`.
    pub fn check(&self, faults: &mut Faults) {
        let mut fields = Fields { parent: "rds_instance", faults };
        fields.check("db_instance_identifier", identifier(&self.identifier, "instance"));
        fields.class("db_instance_class", self.class.as_ref());
        fields.name("db_subnet_group_name", self.subnet_group.as_ref(), "a DB subnet group", 255, "-_. ");
        fields.name("db_parameter_group_name", self.parameter_group.as_ref(), "a DB parameter group", 255, "-.");
        fields.name("option_group_name", self.option_group.as_ref(), "an option group", 255, "-:.");
        fields.name("availability_zone", self.availability_zone.as_ref(), "an availability zone", 40, "-");
        fields.security_groups(&self.security_groups);
        fields.port(self.port);
        fields.iops(self.iops);
        match &self.storage_type {
            Some(text) if !STORAGE_TYPES.contains(&text.as_str()) => {
                fields.fault("storage_type", not(text, "a storage type", "give standard, gp2, gp3, io1 or io2"));
            }
            Some(text) if self.iops.is_some() && !takes_iops(text) => fields.fault("iops", without_iops(text)),
            _ => {}
        }
        if self.multi_az == Some(true) && self.availability_zone.is_some() {
            let fault = "cannot be chosen with multi_az: RDS places both copies; leave one of the two out";
            fields.fault("availability_zone", fault);
        }
    }

    /// Overrides the recovery point's own metadata with what is set here. What contradicts an override goes with it, so
    /// that AWS is not sent both.
    pub(super) fn lay_over(&self, merged: &mut RestoreMetadata, faults: &mut Faults) {
        let mut fields = Fields { parent: "rds_instance", faults };
        let own_storage = merged.get("StorageType").unwrap_or_default().to_owned();
        let storage = self.storage_type.clone().unwrap_or_else(|| own_storage.clone());
        let loses_standby = self.loses_standby(merged);
        if storage != own_storage && !(needs_iops(&storage) && needs_iops(&own_storage)) {
            // They were chosen for the other type of storage, and most types refuse them.
            merged.remove("Iops");
            merged.remove("StorageThroughput");
        }
        merged.override_with(self.overrides());
        if loses_standby {
            merged.set("MultiAZ", "false");
        }
        if merged.is_true("MultiAZ") {
            // RDS refuses a zone together with Multi-AZ [K].
            merged.remove("AvailabilityZone");
        }
        if self.iops.is_some() && !storage.is_empty() && !takes_iops(&storage) {
            fields.fault("iops", without_iops(&storage));
        }
        if needs_iops(&storage) && merged.get("Iops").is_none() {
            fields.fault("iops", format!("is required for storage of type {storage}"));
        }
    }

    pub(super) fn findings(&self, own: &RestoreMetadata) -> Vec<Finding> {
        let message =
            "the backup is of a Multi-AZ instance and the request names a zone: the new instance has no standby";
        let single = Finding::warning("SINGLE_AZ", message, "").at(format!("{FIELD}.rds_instance.availability_zone"));
        self.loses_standby(own).then_some(single).into_iter().collect()
    }

    /// Naming a zone alone means one copy, though the backup is of two.
    fn loses_standby(&self, own: &RestoreMetadata) -> bool {
        self.availability_zone.is_some() && self.multi_az.is_none() && own.is_true("MultiAZ")
    }

    fn overrides(&self) -> [(&'static str, Option<String>); 16] {
        let flag = |value: Option<bool>| value.map(|value| value.to_string());
        let number = |value: Option<i32>| value.map(|value| value.to_string());
        [
            ("DBInstanceIdentifier", Some(self.identifier.clone())),
            ("DBInstanceClass", self.class.clone()),
            ("DBSubnetGroupName", self.subnet_group.clone()),
            ("VpcSecurityGroupIds", list(&self.security_groups)),
            ("AvailabilityZone", self.availability_zone.clone()),
            ("Port", number(self.port)),
            ("MultiAZ", flag(self.multi_az)),
            ("PubliclyAccessible", flag(self.publicly_accessible)),
            ("DeletionProtection", flag(self.deletion_protection)),
            ("AutoMinorVersionUpgrade", flag(self.auto_minor_version_upgrade)),
            ("CopyTagsToSnapshot", flag(self.copy_tags_to_snapshot)),
            ("EnableIAMDatabaseAuthentication", flag(self.iam_authentication)),
            ("StorageType", self.storage_type.clone()),
            ("Iops", number(self.iops)),
            ("DBParameterGroupName", self.parameter_group.clone()),
            ("OptionGroupName", self.option_group.clone()),
        ]
    }
}
