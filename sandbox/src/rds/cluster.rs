//! A cluster: Aurora, Multi-AZ RDS, Neptune or DocumentDB by its engine.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::backup::WindowConflict;
use super::settings::{Place, Settings};
use super::{CHANGE, State, Status, Thing, later, network, place_of, refused, time};
use crate::call::AwsError;
use crate::query::Xml;
use crate::random_id::random_id;
use crate::world::Tags;

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Lower-case.
    pub id: String,
    /// `arn:aws:rds:R:A:cluster:ID`.
    pub arn: String,
    /// `cluster-` and 26 characters.
    pub resource_id: String,
    /// What it is doing.
    pub status: Status,
    pub(super) until: Option<Timestamp>,
    /// Time of creation.
    pub created: Timestamp,
    /// What it is set to; its instances take most of it over.
    pub settings: Settings,
    /// Identifiers of its instances; the first one writes.
    pub members: Vec<String>,
    /// The continuous recovery point, while AWS Backup manages the automated backups.
    pub backup_recovery_point: Option<String>,
}

/// What a new cluster is made of.
pub(crate) struct New {
    pub(crate) id: String,
    pub(crate) settings: Settings,
    pub(crate) tags: BTreeMap<String, String>,
    /// As of an instance: made before now, and so available at once.
    pub(crate) age: SignedDuration,
}

impl State {
    /// Makes a cluster without instances and puts its tags in the store.
    pub(crate) fn add_cluster(
        &mut self,
        tags: &mut Tags,
        place: &Place<'_>,
        new: New,
        now: Timestamp,
    ) -> Result<&mut Cluster, AwsError> {
        let New { id, settings, tags: cluster_tags, age } = new;
        if self.clusters.contains_key(&id) {
            return Err(refused("DBClusterAlreadyExistsFault", format!("DB Cluster already exists: {id}")));
        }
        self.room_for_a_database()?;
        let arn = place.arn("cluster", &id);
        if !cluster_tags.is_empty() {
            tags.0.insert(arn.clone(), cluster_tags);
        }
        let until = (!age.is_positive()).then(|| later(now, CHANGE));
        if let Some(until) = until {
            self.due.insert((until, Thing::Cluster(id.clone())));
        }
        let cluster = Cluster {
            id: id.clone(),
            arn,
            resource_id: random_id("cluster-", 26),
            status: if until.is_some() { Status::Creating } else { Status::Available },
            until,
            created: later(now, -age),
            settings,
            members: Vec::new(),
            backup_recovery_point: None,
        };
        Ok(self.clusters.entry(id).or_insert(cluster))
    }
}

impl Cluster {
    /// As for an instance: see [`super::Instance::window_conflict`].
    #[must_use]
    pub fn window_conflict(&self, at: Timestamp) -> Option<WindowConflict> {
        if self.backup_recovery_point.is_some() { None } else { self.settings.window_conflict(at) }
    }

    /// The times between which the cluster can be restored to any second: as for an instance.
    #[must_use]
    pub fn restore_window(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.settings.restore_window(self.created, now)
    }

    /// What GetRecoveryPointRestoreMetadata says of a cluster's backup `[I]`.
    #[must_use]
    pub fn restore_metadata(&self) -> BTreeMap<String, String> {
        self.settings.cluster_restore_metadata(&self.id, &self.arn)
    }

    /// The `DBCluster` shape.
    pub(super) fn shape(&self, tags: &Tags, now: Timestamp) -> Xml {
        let settings = &self.settings;
        let place = &place_of(&self.arn);
        let zones = ["a", "b", "c"].map(|zone| format!("{}{zone}", place.region));
        let members = self.members.iter().enumerate().map(|(n, id)| {
            Xml::new()
                .text("DBInstanceIdentifier", id)
                .value("IsClusterWriter", n == 0)
                .text("DBClusterParameterGroupStatus", "in-sync")
                .value("PromotionTier", 1)
        });
        let security = settings.security_groups.iter();
        let security = security.map(|id| Xml::new().text("VpcSecurityGroupId", id).text("Status", "active"));
        let window = self.restore_window(now);
        let xml = Xml::new()
            .value("AllocatedStorage", settings.allocated_storage)
            .strings("AvailabilityZones", "AvailabilityZone", zones)
            .value("BackupRetentionPeriod", settings.backup_retention)
            .optional("DatabaseName", settings.db_name.as_ref())
            .text("DBClusterIdentifier", &self.id)
            .text("DBClusterParameterGroup", &settings.cluster_parameter_group)
            .text("DBSubnetGroup", &settings.subnet_group)
            .text("Status", self.status.as_str())
            .optional("EarliestRestorableTime", window.map(|(earliest, _)| time(earliest).to_string()))
            .text("Endpoint", network::endpoint(&format!("{}.cluster", self.id), place))
            .text("ReaderEndpoint", network::endpoint(&format!("{}.cluster-ro", self.id), place))
            .value("MultiAZ", self.members.len() > 1)
            .text("Engine", &settings.engine)
            .text("EngineVersion", &settings.engine_version)
            .optional("LatestRestorableTime", window.map(|(_, latest)| time(latest).to_string()))
            .value("Port", settings.port)
            .text("MasterUsername", &settings.master_username)
            .value("PreferredBackupWindow", settings.backup_window)
            .value("PreferredMaintenanceWindow", settings.maintenance_window);
        xml.list("DBClusterMembers", "DBClusterMember", members)
            .list("VpcSecurityGroups", "VpcSecurityGroupMembership", security)
            .text("HostedZoneId", "Z2R2ITUGPM61AM")
            .value("StorageEncrypted", settings.encrypted)
            .optional("KmsKeyId", settings.kms_key.as_ref())
            .text("DbClusterResourceId", &self.resource_id)
            .text("DBClusterArn", &self.arn)
            .list("AssociatedRoles", "DBClusterRole", [])
            .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
            .value("ClusterCreateTime", time(self.created))
            .strings("EnabledCloudwatchLogsExports", "member", &settings.log_exports)
            .text("EngineMode", "provisioned")
            .value("AutoMinorVersionUpgrade", settings.auto_minor_version_upgrade)
            .value("DeletionProtection", settings.deletion_protection)
            .value("HttpEndpointEnabled", false)
            .text("ActivityStreamStatus", "stopped")
            .value("CopyTagsToSnapshot", settings.copy_tags_to_snapshot)
            .value("CrossAccountClone", false)
            .list("DomainMemberships", "DomainMembership", [])
            .list("TagList", "Tag", super::tags::shapes(tags, &self.arn))
            .text("NetworkType", "IPV4")
            .optional("AwsBackupRecoveryPointArn", self.backup_recovery_point.as_ref())
    }
}
