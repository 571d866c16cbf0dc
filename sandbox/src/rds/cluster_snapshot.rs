//! Snapshots of clusters, and clusters out of snapshots.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::cluster::New;
use super::filters::Filters;
use super::params::{Params, listed};
use super::settings::Settings;
use super::snapshot::{percent, status};
use super::{
    CHANGE, Cluster, SnapshotKind, State, Status, Thing, cluster_actions, later, named, network, not_found, place_of,
    refused, time,
};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

/// A snapshot of a cluster.
#[derive(Debug, Clone)]
pub struct ClusterSnapshot {
    /// `awsbackup:job-UUID` for those of AWS Backup.
    pub id: String,
    /// `arn:aws:rds:R:A:cluster-snapshot:ID`.
    pub arn: String,
    /// Who made it, and so who may delete it.
    pub kind: SnapshotKind,
    /// The cluster's identifier; the cluster itself may be gone.
    pub cluster: String,
    /// The cluster's resource id.
    pub resource_id: String,
    cluster_created: Timestamp,
    /// When it was begun.
    pub created: Timestamp,
    pub(super) until: Option<Timestamp>,
    /// What the cluster was set to.
    pub settings: Settings,
}

impl ClusterSnapshot {
    pub(super) fn of(cluster: &Cluster, id: String, kind: SnapshotKind, created: Timestamp) -> Self {
        Self {
            arn: place_of(&cluster.arn).arn("cluster-snapshot", &id),
            id,
            kind,
            cluster: cluster.id.clone(),
            resource_id: cluster.resource_id.clone(),
            cluster_created: cluster.created,
            created,
            until: None,
            settings: cluster.settings.clone(),
        }
    }

    /// What GetRecoveryPointRestoreMetadata says of it `[I]`.
    #[must_use]
    pub fn restore_metadata(&self) -> BTreeMap<String, String> {
        self.settings.cluster_restore_metadata(&self.cluster, &self.arn)
    }

    fn shape(&self, tags: &Tags, now: Timestamp) -> Xml {
        let settings = &self.settings;
        let place = place_of(&self.arn);
        let zones = ["a", "b", "c"].map(|zone| format!("{}{zone}", place.region));
        Xml::new()
            .strings("AvailabilityZones", "AvailabilityZone", zones)
            .text("DBClusterSnapshotIdentifier", &self.id)
            .text("DBClusterIdentifier", &self.cluster)
            .value("SnapshotCreateTime", time(self.created))
            .text("Engine", &settings.engine)
            .text("EngineMode", "provisioned")
            .value("AllocatedStorage", settings.allocated_storage)
            .text("Status", status(self.until))
            .value("Port", settings.port)
            .text("VpcId", network::vpc(&place))
            .value("ClusterCreateTime", time(self.cluster_created))
            .text("MasterUsername", &settings.master_username)
            .text("EngineVersion", &settings.engine_version)
            .text("LicenseModel", &settings.license_model)
            .text("SnapshotType", self.kind.as_str())
            .value("PercentProgress", percent(self.created, self.until, now))
            .value("StorageEncrypted", settings.encrypted)
            .optional("KmsKeyId", settings.kms_key.as_ref())
            .text("DBClusterSnapshotArn", &self.arn)
            .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
            .list("TagList", "Tag", super::tags::shapes(tags, &self.arn))
            .text("StorageType", &settings.storage_type)
            .text("DbClusterResourceId", &self.resource_id)
    }
}

impl Settings {
    pub(super) fn cluster_restore_metadata(&self, id: &str, arn: &str) -> BTreeMap<String, String> {
        let place = place_of(arn);
        let zones = ["a", "b", "c"].map(|zone| format!("{}{zone}", place.region));
        let list = |values: &[String]| serde_json::Value::from(values).to_string();
        [
            ("DBClusterIdentifier", id.to_owned()),
            ("Engine", self.engine.clone()),
            ("EngineVersion", self.engine_version.clone()),
            ("Port", self.port.to_string()),
            ("DBClusterParameterGroupName", self.cluster_parameter_group.clone()),
            ("DBSubnetGroupName", self.subnet_group.clone()),
            ("VpcSecurityGroupIds", list(&self.security_groups)),
            ("AvailabilityZones", list(&zones)),
            ("CopyTagsToSnapshot", self.copy_tags_to_snapshot.to_string()),
            ("DeletionProtection", self.deletion_protection.to_string()),
            ("EnableIAMDatabaseAuthentication", self.iam_authentication.to_string()),
            ("EnableCloudwatchLogsExports", list(&self.log_exports)),
            ("Encrypted", self.encrypted.to_string()),
            ("vpcId", network::vpc(&place)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

impl State {
    /// Makes a cluster, without instances, by a restore job's metadata; `from` is the snapshot's settings, or the
    /// cluster's for a continuous point. Gives its ARN.
    ///
    /// # Errors
    /// RDS's, in its words: the identifier is missing or taken, a value is no good.
    pub fn restore_cluster(
        &mut self,
        tags: &mut Tags,
        from: &Settings,
        place_arn: &str,
        metadata: &BTreeMap<String, String>,
        new_tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, AwsError> {
        let form = super::restore::form_of(metadata);
        let place = place_of(place_arn);
        let mut params = Params::of(&form);
        let id = params.new_identifier("DBClusterIdentifier", 63);
        let mut settings = from.clone();
        settings.deletion_protection = false;
        settings.apply(&mut params, &place);
        settings.check_zones(&mut params, &place);
        self.check_groups(&mut params, &settings);
        if let Some(engine) = params.text("Engine").filter(|engine| *engine != from.engine) {
            params.fault(format!("The engine of the backup is {}; it can't be restored as {engine}.", from.engine));
        }
        params.done()?;
        let new = New { id, settings, tags: new_tags, age: SignedDuration::ZERO };
        self.add_cluster(tags, &place, new, now).map(|cluster| cluster.arn.clone())
    }
}

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.new_identifier("DBClusterSnapshotIdentifier", 255);
    let cluster = named(params.required("DBClusterIdentifier"));
    let tags = params.tags();
    params.done()?;
    let region = call.region(world);
    let source = region.rds.the_cluster(&cluster)?;
    if source.status != Status::Available {
        return Err(cluster_actions::not_available(&cluster));
    }
    if region.rds.cluster_snapshots.contains_key(&id) {
        let message = format!("Cannot create the cluster snapshot because {id} already exists.");
        return Err(refused("DBClusterSnapshotAlreadyExistsFault", message));
    }
    region.rds.room_for_a_manual_snapshot()?;
    let mut snapshot = ClusterSnapshot::of(source, id.clone(), SnapshotKind::Manual, call.now);
    let until = later(call.now, CHANGE);
    snapshot.until = Some(until);
    if !tags.is_empty() {
        region.tags.0.insert(snapshot.arn.clone(), tags);
    }
    region.rds.due.insert((until, Thing::ClusterSnapshot(id.clone())));
    let shape = snapshot.shape(&region.tags, call.now);
    region.rds.cluster_snapshots.insert(id, snapshot);
    Ok(Xml::new().inside("DBClusterSnapshot", &shape))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = named(params.required("DBClusterSnapshotIdentifier"));
    params.done()?;
    let region = call.region(world);
    let snapshot = region.rds.cluster_snapshots.get(&id).ok_or_else(|| no_such(&id))?;
    if snapshot.kind == SnapshotKind::AwsBackup {
        let message = format!(
            "The snapshot {id} cannot be deleted, because it is created by AWS Backup: delete its recovery point there."
        );
        return Err(refused("InvalidDBClusterSnapshotStateFault", message));
    }
    let shape = snapshot.shape(&region.tags, call.now);
    region.tags.0.remove(&snapshot.arn);
    region.rds.cluster_snapshots.remove(&id);
    Ok(Xml::new().inside("DBClusterSnapshot", &shape))
}

fn no_such(id: &str) -> AwsError {
    not_found("DBClusterSnapshotNotFoundFault", format!("DBClusterSnapshot {id} not found."))
}

pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBClusterSnapshotIdentifier").map(named);
    let cluster = params.text("DBClusterIdentifier").map(named);
    let resource = params.text("DbClusterResourceId");
    let kind = params.text("SnapshotType");
    let filters =
        Filters::of(form, &["db-cluster-id", "db-cluster-snapshot-id", "snapshot-type", "engine"], &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    let wanted = region.rds.cluster_snapshots.values().filter(|it| {
        id.as_ref().is_none_or(|id| *id == it.id)
            && cluster.as_ref().is_none_or(|id| *id == it.cluster)
            && resource.is_none_or(|id| id == it.resource_id)
            && kind.is_none_or(|kind| kind == it.kind.as_str())
            && filters.pass("db-cluster-id", &[&it.cluster])
            && filters.pass("db-cluster-snapshot-id", &[&it.id, &it.arn])
            && filters.pass("snapshot-type", &[it.kind.as_str()])
            && filters.pass("engine", &[&it.settings.engine])
    });
    let page = paging.take(wanted, |it| it.id.as_str())?;
    if let Some(id) = id.filter(|_| page.items.is_empty()) {
        return Err(no_such(&id));
    }
    Ok(listed("DBClusterSnapshots", "DBClusterSnapshot", &page, |it| it.shape(&region.tags, call.now)))
}
