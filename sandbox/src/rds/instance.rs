//! A database instance.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::settings::{Place, Settings};
use super::{CHANGE, State, Status, Thing, later, network, place_of, refused, time};
use crate::call::AwsError;
use crate::query::Xml;
use crate::random_id::random_id;
use crate::world::Tags;

/// An instance.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Lower-case.
    pub id: String,
    /// `arn:aws:rds:R:A:db:ID`.
    pub arn: String,
    /// `db-` and 26 characters; stays the same when the instance is renamed.
    pub resource_id: String,
    /// What it is doing.
    pub status: Status,
    /// When it will have done it.
    pub(super) until: Option<Timestamp>,
    /// Time of creation.
    pub created: Timestamp,
    /// What it is set to.
    pub settings: Settings,
    /// What waits for a restart.
    pub(super) pending: Option<Pending>,
    /// The cluster it belongs to: AWS Backup backs up that, not the instance.
    pub cluster: Option<String>,
    /// The continuous recovery point, while AWS Backup manages the automated backups.
    pub backup_recovery_point: Option<String>,
}

/// Settings that wait for a restart. Only what [`Settings::take_restarting`] takes of them counts: the others go on
/// changing meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) settings: Box<Settings>,
    /// When they take effect; where the instance is busy then, once it no longer is.
    pub(super) at: Timestamp,
}

/// What a new instance is made of.
pub(crate) struct New {
    pub(crate) id: String,
    pub(crate) settings: Settings,
    pub(crate) cluster: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Made before `now`, and so available at once.
    pub(crate) age: SignedDuration,
}

impl State {
    /// Makes an instance and puts its tags in the store.
    pub(crate) fn add_instance(
        &mut self,
        tags: &mut Tags,
        place: &Place<'_>,
        new: New,
        now: Timestamp,
    ) -> Result<&mut Instance, AwsError> {
        if self.instances.contains_key(&new.id) {
            return Err(refused("DBInstanceAlreadyExists", format!("DB instance already exists: {}", new.id)));
        }
        self.room_for_a_database()?;
        let arn = place.arn("db", &new.id);
        if !new.tags.is_empty() {
            tags.0.insert(arn.clone(), new.tags);
        }
        let made = new.age.is_positive();
        let until = (!made).then(|| later(now, CHANGE));
        if let Some(until) = until {
            self.due.insert((until, Thing::Instance(new.id.clone())));
        }
        if let Some(cluster) = new.cluster.as_ref().and_then(|id| self.clusters.get_mut(id)) {
            cluster.members.push(new.id.clone());
        }
        let instance = Instance {
            arn,
            resource_id: random_id("db-", 26),
            status: if made { Status::Available } else { Status::Creating },
            until,
            created: later(now, -new.age),
            settings: new.settings,
            pending: None,
            cluster: new.cluster,
            backup_recovery_point: None,
            id: new.id.clone(),
        };
        Ok(self.instances.entry(new.id).or_insert(instance))
    }

    /// Puts an instance into a state that lasts.
    pub(crate) fn set_status(&mut self, id: &str, status: Status) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.status = status;
            instance.until = None;
        }
    }

    /// Puts an instance into a state that ends by itself.
    pub(super) fn set_busy(&mut self, id: &str, status: Status, now: Timestamp) {
        if let Some(instance) = self.instances.get_mut(id) {
            let until = later(now, CHANGE);
            instance.status = status;
            instance.until = Some(until);
            self.due.insert((until, Thing::Instance(id.to_owned())));
        }
    }
}

impl Instance {
    /// Applies what waits, when its time has come by `at`; otherwise answers that time.
    pub(super) fn apply_pending(&mut self, at: Timestamp) -> Option<Timestamp> {
        let Some(pending) = self.pending.take_if(|pending| pending.at <= at) else {
            return self.pending.as_ref().map(|pending| pending.at);
        };
        let retention = self.settings.backup_retention;
        self.settings.take_restarting(&pending.settings);
        if self.backup_recovery_point.is_some() {
            // AWS Backup has taken the automated backups over since.
            self.settings.backup_retention = retention;
        }
        None
    }

    /// The times between which RDS can restore to any second: its retention back, five minutes ago at the latest.
    #[must_use]
    pub fn restore_window(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.settings.restore_window(self.created, now)
    }

    /// The `DBInstance` shape.
    pub(super) fn shape(&self, tags: &Tags, now: Timestamp) -> Xml {
        let place = &place_of(&self.arn);
        let settings = &self.settings;
        let xml = Xml::new()
            .text("DBInstanceIdentifier", &self.id)
            .text("DBInstanceClass", &settings.class)
            .text("Engine", &settings.engine)
            .text("DBInstanceStatus", self.status.as_str())
            .text("MasterUsername", &settings.master_username)
            .optional("DBName", settings.db_name.as_ref());
        let xml = if self.status == Status::Creating {
            xml
        } else {
            let endpoint = Xml::new()
                .text("Address", network::endpoint(&self.id, place))
                .value("Port", settings.port)
                .text("HostedZoneId", "Z2R2ITUGPM61AM");
            xml.inside("Endpoint", &endpoint)
        };
        let xml = xml
            .value("AllocatedStorage", settings.allocated_storage)
            .value("InstanceCreateTime", time(self.created))
            .value("PreferredBackupWindow", settings.backup_window)
            .value("BackupRetentionPeriod", settings.backup_retention)
            .list("DBSecurityGroups", "DBSecurityGroup", []);
        let xml = settings
            .groups(xml)
            .text("AvailabilityZone", &settings.availability_zone)
            .inside("DBSubnetGroup", &network::subnet_group_shape(place))
            .value("PreferredMaintenanceWindow", settings.maintenance_window)
            .inside("PendingModifiedValues", &self.pending_shape());
        let xml = match self.restore_window(now) {
            Some((_, latest)) => xml.value("LatestRestorableTime", time(latest)),
            None => xml,
        };
        let xml = xml
            .value("MultiAZ", settings.multi_az)
            .text("EngineVersion", &settings.engine_version)
            .value("AutoMinorVersionUpgrade", settings.auto_minor_version_upgrade)
            .list("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBInstanceIdentifier", [])
            .text("LicenseModel", &settings.license_model)
            .optional("Iops", settings.iops.map(|n| n.to_string()))
            .optional("StorageThroughput", settings.storage_throughput.map(|n| n.to_string()))
            .value("PubliclyAccessible", settings.publicly_accessible)
            .text("StorageType", &settings.storage_type)
            .value("DbInstancePort", 0)
            .optional("DBClusterIdentifier", self.cluster.as_ref())
            .value("StorageEncrypted", settings.encrypted)
            .optional("KmsKeyId", settings.kms_key.as_ref())
            .text("DbiResourceId", &self.resource_id)
            .text("CACertificateIdentifier", &settings.ca_certificate)
            .list("DomainMemberships", "DomainMembership", [])
            .value("CopyTagsToSnapshot", settings.copy_tags_to_snapshot)
            .value("MonitoringInterval", 0)
            .text("DBInstanceArn", &self.arn)
            .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
            .value("PerformanceInsightsEnabled", false)
            .strings("EnabledCloudwatchLogsExports", "member", &settings.log_exports)
            .value("DeletionProtection", settings.deletion_protection)
            .list("AssociatedRoles", "DBInstanceRole", [])
            .optional("MaxAllocatedStorage", settings.max_allocated_storage.map(|n| n.to_string()))
            .list("TagList", "Tag", super::tags::shapes(tags, &self.arn))
            .value("CustomerOwnedIpEnabled", false)
            .text("NetworkType", "IPV4")
            .text("BackupTarget", "region")
            .text("ActivityStreamStatus", "stopped")
            .value("DedicatedLogVolume", false);
        xml.optional("AwsBackupRecoveryPointArn", self.backup_recovery_point.as_ref())
    }

    fn pending_shape(&self) -> Xml {
        let Some(pending) = &self.pending else { return Xml::new() };
        let mut then = self.settings.clone();
        then.take_restarting(&pending.settings);
        let now = &self.settings;
        let changed = |from: &str, to: &str| (from != to).then(|| to.to_owned());
        let number = |from: u32, to: u32| (from != to).then(|| to.to_string());
        Xml::new()
            .optional("DBInstanceClass", changed(&now.class, &then.class))
            .optional("AllocatedStorage", number(now.allocated_storage, then.allocated_storage))
            .optional("Port", number(now.port, then.port))
            .optional("BackupRetentionPeriod", number(now.backup_retention, then.backup_retention))
            .optional("MultiAZ", (now.multi_az != then.multi_az).then(|| then.multi_az.to_string()))
            .optional("EngineVersion", changed(&now.engine_version, &then.engine_version))
            .optional("StorageType", changed(&now.storage_type, &then.storage_type))
    }
}

impl Settings {
    pub(super) fn restore_window(&self, created: Timestamp, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let days = i64::from(self.backup_retention);
        let latest = later(now, SignedDuration::from_mins(-5));
        let earliest = later(now, SignedDuration::from_hours(-24 * days)).max(created);
        (days > 0 && earliest <= latest).then_some((earliest, latest))
    }

    fn groups(&self, xml: Xml) -> Xml {
        let security = self.security_groups.iter();
        let security = security.map(|id| Xml::new().text("VpcSecurityGroupId", id).text("Status", "active"));
        let parameters =
            Xml::new().text("DBParameterGroupName", &self.parameter_group).text("ParameterApplyStatus", "in-sync");
        let options = Xml::new().text("OptionGroupName", &self.option_group).text("Status", "in-sync");
        xml.list("VpcSecurityGroups", "VpcSecurityGroupMembership", security)
            .list("DBParameterGroups", "DBParameterGroup", [parameters])
            .list("OptionGroupMemberships", "OptionGroupMembership", [options])
    }
}
