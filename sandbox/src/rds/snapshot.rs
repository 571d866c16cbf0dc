//! Snapshots of instances.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::automated::Derived;
use super::filters::Filters;
use super::params::{Params, listed};
use super::settings::Settings;
use super::{CHANGE, Instance, State, Status, Thing, later, named, network, not_found, place_of, refused, time};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

/// A snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `awsbackup:job-UUID` for those of AWS Backup, `rds:NAME-TIME` for those of RDS itself.
    pub id: String,
    /// `arn:aws:rds:R:A:snapshot:ID`.
    pub arn: String,
    /// Who made it, and so who may delete it.
    pub kind: SnapshotKind,
    /// The instance's identifier; the instance itself may be gone.
    pub instance: String,
    /// The instance's resource id.
    pub resource_id: String,
    pub(super) instance_created: Timestamp,
    /// When it was begun.
    pub created: Timestamp,
    /// When it will be usable; `None`: it is.
    pub(super) until: Option<Timestamp>,
    /// What the instance was set to.
    pub settings: Settings,
}

/// `SnapshotType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotKind {
    /// By RDS, in the backup window.
    Automated,
    /// By CreateDBSnapshot.
    Manual,
    /// By AWS Backup.
    AwsBackup,
}

impl SnapshotKind {
    /// The wire's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
            Self::AwsBackup => "awsbackup",
        }
    }
}

impl Snapshot {
    pub(super) fn of(instance: &Instance, id: String, kind: SnapshotKind, created: Timestamp) -> Self {
        Self {
            arn: place_of(&instance.arn).arn("snapshot", &id),
            id,
            kind,
            instance: instance.id.clone(),
            resource_id: instance.resource_id.clone(),
            instance_created: instance.created,
            created,
            until: None,
            settings: instance.settings.clone(),
        }
    }

    /// The `DBSnapshot` shape.
    pub(super) fn shape(&self, tags: &Tags, now: Timestamp) -> Xml {
        let settings = &self.settings;
        Xml::new()
            .text("DBSnapshotIdentifier", &self.id)
            .text("DBInstanceIdentifier", &self.instance)
            .value("SnapshotCreateTime", time(self.created))
            .value("OriginalSnapshotCreateTime", time(self.created))
            .text("Engine", &settings.engine)
            .value("AllocatedStorage", settings.allocated_storage)
            .text("Status", status(self.until))
            .value("Port", settings.port)
            .text("AvailabilityZone", &settings.availability_zone)
            .text("VpcId", network::vpc(&place_of(&self.arn)))
            .value("InstanceCreateTime", time(self.instance_created))
            .text("MasterUsername", &settings.master_username)
            .text("EngineVersion", &settings.engine_version)
            .text("LicenseModel", &settings.license_model)
            .text("SnapshotType", self.kind.as_str())
            .optional("Iops", settings.iops.map(|n| n.to_string()))
            .optional("StorageThroughput", settings.storage_throughput.map(|n| n.to_string()))
            .text("OptionGroupName", &settings.option_group)
            .value("PercentProgress", percent(self.created, self.until, now))
            .text("StorageType", &settings.storage_type)
            .value("Encrypted", settings.encrypted)
            .optional("KmsKeyId", settings.kms_key.as_ref())
            .text("DBSnapshotArn", &self.arn)
            .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
            .text("DbiResourceId", &self.resource_id)
            .list("TagList", "Tag", super::tags::shapes(tags, &self.arn))
            .text("SnapshotTarget", "region")
            .value("DedicatedLogVolume", false)
    }
}

/// `Status` of a snapshot.
pub(super) fn status(until: Option<Timestamp>) -> &'static str {
    if until.is_some() { "creating" } else { "available" }
}

/// `PercentProgress`: 0 to 99 while it is being made.
pub(super) fn percent(created: Timestamp, until: Option<Timestamp>, now: Timestamp) -> i64 {
    let Some(until) = until else { return 100 };
    let whole = until.duration_since(created).as_secs().max(1);
    (now.duration_since(created).as_secs() * 100 / whole).clamp(0, 99)
}

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.new_identifier("DBSnapshotIdentifier", 255);
    let instance = named(params.required("DBInstanceIdentifier"));
    let own_tags = params.tags();
    params.done()?;
    let region = call.region(world);
    let source = region.rds.the_instance(&instance)?;
    if source.status != Status::Available {
        return Err(refused("InvalidDBInstanceState", format!("Instance {instance} is not in available state.")));
    }
    if region.rds.snapshots.contains_key(&id) {
        let message = format!("Cannot create the snapshot because a snapshot with the identifier {id} already exists.");
        return Err(refused("DBSnapshotAlreadyExists", message));
    }
    region.rds.room_for_a_manual_snapshot()?;
    let mut snapshot = Snapshot::of(source, id.clone(), SnapshotKind::Manual, call.now);
    let mut copied: BTreeMap<String, String> = BTreeMap::new();
    if source.settings.copy_tags_to_snapshot {
        copied.extend(region.tags.0.get(&source.arn).cloned().unwrap_or_default());
    }
    copied.extend(own_tags);
    if !copied.is_empty() {
        region.tags.0.insert(snapshot.arn.clone(), copied);
    }
    let until = later(call.now, CHANGE);
    snapshot.until = Some(until);
    region.rds.due.insert((until, Thing::Snapshot(id.clone())));
    let shape = snapshot.shape(&region.tags, call.now);
    region.rds.snapshots.insert(id, snapshot);
    Ok(Xml::new().inside("DBSnapshot", &shape))
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = named(params.required("DBSnapshotIdentifier"));
    params.done()?;
    let region = call.region(world);
    let Some(snapshot) = region.rds.snapshots.get(&id) else {
        let automated = id.starts_with("rds:") && region.rds.automated_snapshot(&id, call.now).is_some();
        return Err(if automated { managed_elsewhere(&id, "an automated backup of RDS") } else { no_such(&id) });
    };
    if snapshot.kind == SnapshotKind::AwsBackup {
        return Err(managed_elsewhere(&id, "created by AWS Backup: delete its recovery point there"));
    }
    if snapshot.until.is_some() {
        return Err(refused("InvalidDBSnapshotState", format!("Snapshot {id} is not in available state.")));
    }
    let shape = snapshot.shape(&region.tags, call.now);
    region.tags.0.remove(&snapshot.arn);
    region.rds.snapshots.remove(&id);
    Ok(Xml::new().inside("DBSnapshot", &shape))
}

fn managed_elsewhere(id: &str, owner: &str) -> AwsError {
    refused("InvalidDBSnapshotState", format!("The snapshot {id} cannot be deleted, because it is {owner}."))
}

pub(super) fn no_such(id: &str) -> AwsError {
    not_found("DBSnapshotNotFound", format!("DBSnapshot {id} not found."))
}

pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBSnapshotIdentifier").map(named);
    let instance = params.text("DBInstanceIdentifier").map(named);
    let resource = params.text("DbiResourceId");
    let kind = params.text("SnapshotType");
    if let Some(kind) = kind.filter(|kind| !["automated", "manual", "shared", "public", "awsbackup"].contains(kind)) {
        params.fault(format!(
            "Invalid snapshot type: {kind}. It must be automated, manual, shared, public or awsbackup."
        ));
    }
    let known = ["db-instance-id", "db-snapshot-id", "dbi-resource-id", "snapshot-type", "engine"];
    let filters = Filters::of(form, &known, &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    let rds = &region.rds;
    let wanted = |row: &Row<'_>| {
        id.as_ref().is_none_or(|id| id == row.id())
            && instance.as_ref().is_none_or(|id| id == row.instance())
            && resource.is_none_or(|id| id == row.resource_id())
            // Without a type, AWS Backup's snapshots are listed with the others, as reported of the real service [Q].
            && kind.is_none_or(|kind| kind == row.kind().as_str())
            && filters.pass("db-instance-id", &[row.instance()])
            && filters.pass("db-snapshot-id", &[row.id()])
            && filters.pass("dbi-resource-id", &[row.resource_id()])
            && filters.pass("snapshot-type", &[row.kind().as_str()])
            && filters.pass("engine", &[&row.settings().engine])
    };
    let mut rows: Vec<Row<'_>> = rds.snapshots.values().map(Row::Stored).filter(wanted).collect();
    let automated = kind.is_none_or(|kind| kind == SnapshotKind::Automated.as_str());
    if automated && id.as_ref().is_none_or(|id| id.starts_with("rds:")) {
        let derived = rds.automated_snapshots(instance.as_deref(), call.now);
        rows.extend(derived.into_iter().map(Row::Derived).filter(wanted));
        rows.sort_unstable_by(|a, b| a.id().cmp(b.id()));
    }
    let page = paging.take(rows, |row| row.id())?;
    if let Some(id) = id.filter(|_| page.items.is_empty()) {
        return Err(no_such(&id));
    }
    Ok(listed("DBSnapshots", "DBSnapshot", &page, |row| match row {
        Row::Stored(snapshot) => snapshot.shape(&region.tags, call.now),
        Row::Derived(derived) => derived.snapshot().shape(&region.tags, call.now),
    }))
}

/// A snapshot in a listing.
enum Row<'s> {
    Stored(&'s Snapshot),
    Derived(Derived<'s>),
}

impl Row<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Stored(it) => &it.id,
            Self::Derived(it) => &it.id,
        }
    }

    fn instance(&self) -> &str {
        match self {
            Self::Stored(it) => &it.instance,
            Self::Derived(it) => &it.instance.id,
        }
    }

    fn resource_id(&self) -> &str {
        match self {
            Self::Stored(it) => &it.resource_id,
            Self::Derived(it) => &it.instance.resource_id,
        }
    }

    fn settings(&self) -> &Settings {
        match self {
            Self::Stored(it) => &it.settings,
            Self::Derived(it) => &it.instance.settings,
        }
    }

    fn kind(&self) -> SnapshotKind {
        match self {
            Self::Stored(it) => it.kind,
            Self::Derived(_) => SnapshotKind::Automated,
        }
    }
}

/// Where a snapshot stands, as an action on it wants it.
pub(super) fn usable(rds: &State, id: &str, call: &Call) -> Result<Snapshot, AwsError> {
    let found = rds.snapshots.get(id).cloned().or_else(|| rds.automated_snapshot(id, call.now));
    let snapshot = found.ok_or_else(|| no_such(id))?;
    if snapshot.until.is_some() {
        return Err(refused("InvalidDBSnapshotState", format!("Snapshot {id} is not in available state.")));
    }
    Ok(snapshot)
}
