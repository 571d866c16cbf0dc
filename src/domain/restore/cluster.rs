//! Restores into a cluster: Aurora, Neptune, DocumentDB, or a Multi-AZ DB cluster.

use super::{Faults, Fields, RestoreMetadata, RestoreSource, identifier, list, words};

/// The settings of the new cluster; what is absent comes from the recovery point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RdsClusterRestore {
    /// Identifier of the new cluster, in lower case as RDS stores it.
    pub identifier: String,
    /// Subnet group.
    pub subnet_group: Option<String>,
    /// Security groups; empty: those of the recovery point.
    pub security_groups: Vec<String>,
    /// Zones for its instances; empty: those of the recovery point.
    pub availability_zones: Vec<String>,
    /// Port.
    pub port: Option<i32>,
    /// Protection from deletion.
    pub deletion_protection: Option<bool>,
    /// Tags on snapshots of the new cluster.
    pub copy_tags_to_snapshot: Option<bool>,
    /// Log-in by IAM.
    pub iam_authentication: Option<bool>,
    /// Cluster parameter group.
    pub parameter_group: Option<String>,
    /// Option group.
    pub option_group: Option<String>,
    /// Class of the instances; Multi-AZ DB clusters only.
    pub class: Option<String>,
    /// Storage type; each engine has its own.
    pub storage_type: Option<String>,
    /// Provisioned I/O operations per second; Multi-AZ DB clusters only.
    pub iops: Option<i32>,
    /// Public address; Multi-AZ DB clusters only.
    pub publicly_accessible: Option<bool>,
}

/// A cluster's storage stands in three zones `[D]`.
const MOST_ZONES: usize = 3;

impl RdsClusterRestore {
    /// The fields' own faults, under `rds_cluster`.
    pub fn check(&self, faults: &mut Faults) {
        let mut fields = Fields { parent: "rds_cluster", faults };
        fields.check("db_cluster_identifier", identifier(&self.identifier, "cluster"));
        fields.class("db_cluster_instance_class", self.class.as_ref());
        fields.name("db_subnet_group_name", self.subnet_group.as_ref(), "a DB subnet group", 255, "-_. ");
        let group = self.parameter_group.as_ref();
        fields.name("db_cluster_parameter_group_name", group, "a DB cluster parameter group", 255, "-.");
        fields.name("option_group_name", self.option_group.as_ref(), "an option group", 255, "-:.");
        fields.name("storage_type", self.storage_type.as_ref(), "a storage type", 30, "-");
        fields.security_groups(&self.security_groups);
        if self.availability_zones.len() > MOST_ZONES {
            let count = self.availability_zones.len();
            fields.fault("availability_zones", format!("has {count} zones: give at most {MOST_ZONES}"));
        }
        for (index, zone) in self.availability_zones.iter().take(MOST_ZONES).enumerate() {
            fields.check(&format!("availability_zones[{index}]"), words(zone, "an availability zone", 40, "-"));
        }
        fields.port(self.port);
        fields.iops(self.iops);
    }

    /// Overrides the recovery point's own metadata with what is set here.
    pub(super) fn lay_over(&self, merged: &mut RestoreMetadata, source: &RestoreSource, faults: &mut Faults) {
        let mut fields = Fields { parent: "rds_cluster", faults };
        if source.comes_without_instances() {
            for (name, given) in [
                ("db_cluster_instance_class", self.class.is_some()),
                ("iops", self.iops.is_some()),
                ("publicly_accessible", self.publicly_accessible.is_some()),
            ] {
                if given {
                    let of = &source.resource_type;
                    fields.fault(name, format!("is only for Multi-AZ DB clusters: the recovery point is of {of}"));
                }
            }
        }
        if self.storage_type.as_deref().is_some_and(|asked| merged.get("StorageType") != Some(asked)) {
            // Chosen for the other type of storage.
            merged.remove("Iops");
        }
        merged.override_with(self.overrides());
    }

    fn overrides(&self) -> [(&'static str, Option<String>); 14] {
        let flag = |value: Option<bool>| value.map(|value| value.to_string());
        let number = |value: Option<i32>| value.map(|value| value.to_string());
        [
            ("DBClusterIdentifier", Some(self.identifier.clone())),
            ("DBSubnetGroupName", self.subnet_group.clone()),
            ("VpcSecurityGroupIds", list(&self.security_groups)),
            ("AvailabilityZones", list(&self.availability_zones)),
            ("Port", number(self.port)),
            ("DeletionProtection", flag(self.deletion_protection)),
            ("CopyTagsToSnapshot", flag(self.copy_tags_to_snapshot)),
            ("EnableIAMDatabaseAuthentication", flag(self.iam_authentication)),
            ("DBClusterParameterGroupName", self.parameter_group.clone()),
            ("OptionGroupName", self.option_group.clone()),
            ("DBClusterInstanceClass", self.class.clone()),
            ("StorageType", self.storage_type.clone()),
            ("Iops", number(self.iops)),
            ("PubliclyAccessible", flag(self.publicly_accessible)),
        ]
    }
}
