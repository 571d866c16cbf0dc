//! Restores into a cluster: Aurora, Neptune, DocumentDB, or a Multi-AZ DB cluster.

use super::{Faults, Fields, ResourceType, RestoreMetadata, RestoreSource, identifier, list, not, words};

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

/// The storage types that clusters of a kind take `[M]`.
struct StorageTypes {
    of: &'static [ResourceType],
    noun: &'static str,
    words: &'static [&'static str],
}

impl StorageTypes {
    const ALL: [Self; 3] = [
        Self { of: &[ResourceType::AURORA], noun: "Aurora", words: &["aurora", "aurora-iopt1"] },
        Self { of: &[ResourceType::RDS], noun: "a Multi-AZ DB cluster", words: &["io1", "io2", "gp3"] },
        Self {
            of: &[ResourceType::NEPTUNE, ResourceType::DOCUMENT_DB],
            noun: "Neptune or DocumentDB",
            words: &["standard", "iopt1"],
        },
    ];

    fn of(of: &ResourceType) -> Option<&'static Self> {
        static ALL: [StorageTypes; 3] = StorageTypes::ALL;
        ALL.iter().find(|types| types.of.contains(of))
    }

    /// `aurora or aurora-iopt1 for Aurora`.
    fn named(&self) -> String {
        let words = match self.words {
            [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
            words => words.concat(),
        };
        format!("{words} for {}", self.noun)
    }
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
        if let Some(text) = &self.storage_type
            && !StorageTypes::ALL.iter().any(|types| types.words.contains(&text.as_str()))
        {
            let rule: Vec<String> = StorageTypes::ALL.iter().map(StorageTypes::named).collect();
            fields.fault("storage_type", not(text, "a storage type of clusters", &format!("give {}", rule.join(", "))));
        }
        fields.security_groups(&self.security_groups);
        if self.availability_zones.len() > MOST_ZONES {
            let count = self.availability_zones.len();
            fields.fault("availability_zones", format!("has {count} zones: give at most {MOST_ZONES}"));
        }
        for (index, zone) in self.availability_zones.iter().take(MOST_ZONES).enumerate() {
            fields.check(&format!("availability_zones[{index}]"), words(zone, "an availability zone", 40, "-"));
        }
        fields.each_once("availability_zones", &self.availability_zones, MOST_ZONES);
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
        if let Some(text) = &self.storage_type
            && let Some(types) = StorageTypes::of(&source.resource_type)
            && !types.words.contains(&text.as_str())
        {
            let fault = format!("{text} is no storage type of what the recovery point is of: give {}", types.named());
            fields.fault("storage_type", fault);
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
