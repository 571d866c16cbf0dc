//! RDS's own daily backups. They follow from the instance, its retention and the time, so nothing is stored for them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::filters::Filters;
use super::params::{Params, listed};
use super::snapshot::{Snapshot, SnapshotKind};
use super::{Instance, State, later, named, network, not_found, place_of, time};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

/// An automated snapshot that is not made yet: made when it is shown, for a fleet has ten thousands of them.
pub(super) struct Derived<'i> {
    pub(super) id: String,
    pub(super) instance: &'i Instance,
    at: Timestamp,
}

impl Derived<'_> {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.instance, self.id.clone(), SnapshotKind::Automated, self.at)
    }
}

impl State {
    /// The automated snapshots of one instance, or of all.
    pub(super) fn automated_snapshots(&self, of_instance: Option<&str>, now: Timestamp) -> Vec<Derived<'_>> {
        let instances: Vec<&Instance> = match of_instance {
            Some(id) => self.instances.get(id).into_iter().collect(),
            None => self.instances.values().collect(),
        };
        instances.into_iter().filter(|it| it.cluster.is_none()).flat_map(|it| of(it, now)).collect()
    }

    /// The automated snapshot with this identifier.
    pub(super) fn automated_snapshot(&self, id: &str, now: Timestamp) -> Option<Snapshot> {
        // `rds:NAME-yyyy-mm-dd-hh-mm`
        let name = id.strip_prefix("rds:")?;
        let instance = name.get(..name.len().checked_sub("-yyyy-mm-dd-hh-mm".len())?)?;
        of(self.instances.get(instance)?, now).find(|derived| derived.id == id).map(|derived| derived.snapshot())
    }
}

/// One a day, at the beginning of the backup window, back to creation or to the end of the retention.
fn of(instance: &Instance, now: Timestamp) -> impl Iterator<Item = Derived<'_>> {
    let days = i64::from(instance.settings.backup_retention);
    let last = instance.settings.backup_window.last_start(now);
    let oldest = later(now, SignedDuration::from_hours(-24 * days)).max(instance.created);
    let times = (0..days).rev().map(move |day| later(last, SignedDuration::from_hours(-24 * day)));
    times.filter(move |at| *at >= oldest).map(|at| {
        let id = format!("rds:{}-{}", instance.id, at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d-%H-%M"));
        Derived { id, instance, at }
    })
}

/// DescribeDBInstanceAutomatedBackups: what can be restored to a point in time.
pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBInstanceIdentifier").map(named);
    let resource = params.text("DbiResourceId");
    let arn = params.text("DBInstanceAutomatedBackupsArn");
    let filters = Filters::of(form, &["status", "db-instance-id", "dbi-resource-id"], &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    let backed_up = region.rds.instances.values().filter(|it| it.cluster.is_none() && it.settings.backup_retention > 0);
    let wanted = backed_up.filter(|it| {
        id.as_ref().is_none_or(|id| *id == it.id)
            && resource.is_none_or(|id| id == it.resource_id)
            && arn.is_none_or(|arn| arn == automated_arn(it))
            && filters.pass("status", &["active"])
            && filters.pass("db-instance-id", &[&it.id, &it.arn])
            && filters.pass("dbi-resource-id", &[&it.resource_id])
    });
    let page = paging.take(wanted, |it| it.id.as_str())?;
    if let Some(id) = id.as_deref().or(resource).or(arn).filter(|_| page.items.is_empty()) {
        let message = format!("Automated backup {id} not found.");
        return Err(not_found("DBInstanceAutomatedBackupNotFound", message));
    }
    let name = "DBInstanceAutomatedBackups";
    Ok(listed(name, "DBInstanceAutomatedBackup", &page, |it| shape(it, &region.tags, call.now)))
}

/// `arn:aws:rds:R:A:auto-backup:ab-…`, the same as long as the instance lives.
fn automated_arn(instance: &Instance) -> String {
    let id = instance.resource_id.trim_start_matches("db-").to_lowercase();
    place_of(&instance.arn).arn("auto-backup", &format!("ab-{id}"))
}

fn shape(instance: &Instance, tags: &Tags, now: Timestamp) -> Xml {
    let settings = &instance.settings;
    let place = place_of(&instance.arn);
    let window = match instance.restore_window(now) {
        Some((earliest, latest)) => Xml::new().value("EarliestTime", time(earliest)).value("LatestTime", time(latest)),
        None => Xml::new(),
    };
    Xml::new()
        .text("DBInstanceArn", &instance.arn)
        .text("DbiResourceId", &instance.resource_id)
        .text("Region", place.region)
        .text("DBInstanceIdentifier", &instance.id)
        .inside("RestoreWindow", &window)
        .value("AllocatedStorage", settings.allocated_storage)
        .text("Status", if instance.restore_window(now).is_some() { "active" } else { "creating" })
        .value("Port", settings.port)
        .text("AvailabilityZone", &settings.availability_zone)
        .text("VpcId", network::vpc(&place))
        .value("InstanceCreateTime", time(instance.created))
        .text("MasterUsername", &settings.master_username)
        .text("Engine", &settings.engine)
        .text("EngineVersion", &settings.engine_version)
        .text("LicenseModel", &settings.license_model)
        .text("OptionGroupName", &settings.option_group)
        .value("Encrypted", settings.encrypted)
        .text("StorageType", &settings.storage_type)
        .optional("KmsKeyId", settings.kms_key.as_ref())
        .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
        .value("BackupRetentionPeriod", settings.backup_retention)
        .value("PreferredBackupWindow", settings.backup_window)
        .text("DBInstanceAutomatedBackupsArn", automated_arn(instance))
        .text("BackupTarget", "region")
        .optional("AwsBackupRecoveryPointArn", instance.backup_recovery_point.as_ref())
        .list("TagList", "Tag", super::tags::shapes(tags, &instance.arn))
}
