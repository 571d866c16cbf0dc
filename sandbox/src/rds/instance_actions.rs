//! Actions on instances.

use jiff::SignedDuration;

use super::filters::Filters;
use super::instance::{New, Pending};
use super::params::{Params, listed};
use super::settings::{Settings, engine_names};
use super::{Instance, Snapshot, SnapshotKind, State, Status, Thing, named, not_found, place, refused};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

impl State {
    pub(super) fn the_instance(&self, id: &str) -> Result<&Instance, AwsError> {
        self.instances.get(id).ok_or_else(|| no_such(id))
    }
}

pub(super) fn no_such(id: &str) -> AwsError {
    not_found("DBInstanceNotFound", format!("DBInstance {id} not found."))
}

pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBInstanceIdentifier").map(named);
    let known = ["db-cluster-id", "db-instance-id", "dbi-resource-id", "domain", "engine"];
    let filters = Filters::of(form, &known, &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    if let Some(id) = &id {
        // One that does not exist is an error; filters without a match are an empty list [M].
        region.rds.the_instance(id)?;
    }
    let (from, to) = id.as_deref().map_or(("", None), |id| (id, Some(id)));
    let instances = region.rds.instances.range(from.to_owned()..).map(|(_, it)| it);
    let instances = instances.take_while(|it| to.is_none_or(|to| it.id == to));
    let wanted = instances.filter(|it| {
        let cluster = it.cluster.as_deref().unwrap_or_default();
        let cluster_arn = region.rds.clusters.get(cluster).map_or("", |cluster| cluster.arn.as_str());
        filters.pass("db-cluster-id", &[cluster, cluster_arn])
            && filters.pass("db-instance-id", &[&it.id, &it.arn])
            && filters.pass("dbi-resource-id", &[&it.resource_id])
            && filters.pass("domain", &[])
            && filters.pass("engine", &[&it.settings.engine])
    });
    let page = paging.take(wanted, |it| it.id.as_str())?;
    Ok(listed("DBInstances", "DBInstance", &page, |it| it.shape(&region.tags, call.now)))
}

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let place = place(call);
    let mut params = Params::of(form);
    let id = params.new_identifier("DBInstanceIdentifier", 63);
    params.required("DBInstanceClass");
    let engine = params.required("Engine");
    let version = params.text("EngineVersion");
    let cluster = params.text("DBClusterIdentifier").map(named);
    let settings = Settings::of_engine(&place, engine, version, &id);
    if settings.is_none() && !engine.is_empty() {
        params.fault(format!("Invalid DB engine: {engine}. It must be one of {}.", engine_names()));
    }
    let mut settings = settings.or_else(|| Settings::of_engine(&place, "postgres", None, &id)).ok_or_else(internal)?;
    settings.apply(&mut params, &place);
    if cluster.is_none() {
        params.set_text("MasterUsername", &mut settings.master_username);
        let managed = params.flag("ManageMasterUserPassword") == Some(true);
        let standalone = !engine.starts_with("aurora") && engine != "docdb" && engine != "neptune";
        if standalone && !managed && form.get("MasterUserPassword").is_none_or(|password| password.len() < 8) {
            params.fault("The parameter MasterUserPassword must be provided, with at least 8 characters.".to_owned());
        }
        if !standalone && !engine.is_empty() {
            params.fault(format!("The engine {engine} needs a DBClusterIdentifier."));
        }
    }
    check_class(&mut params, &settings);
    let tags = params.tags();
    call.region(world).rds.check_groups(&mut params, &settings);
    params.done()?;
    let region = call.region(world);
    if let Some(cluster) = &cluster {
        let cluster = region.rds.the_cluster(cluster)?;
        if cluster.settings.engine != engine {
            let message = format!("The engine of the cluster {} is {}.", cluster.id, cluster.settings.engine);
            return Err(refused("InvalidParameterCombination", message));
        }
        let class = settings.class;
        // A cluster's protection is its own: its instances come and go.
        settings = Settings { class, deletion_protection: false, ..cluster.settings.clone() };
    }
    let new = New { id: id.clone(), settings, cluster, tags, age: SignedDuration::ZERO };
    region.rds.add_instance(&mut region.tags, &place, new, call.now)?;
    answer(world, call, &id)
}

fn internal() -> AwsError {
    AwsError::new(500, "InternalFailure", "The sandbox has no defaults for this engine.")
}

fn check_class(params: &mut Params<'_>, settings: &Settings) {
    let class = &settings.class;
    if !class.is_empty() && (!class.starts_with("db.") || class.split('.').count() != 3) {
        params.fault(format!("Invalid DB Instance class: {class}"));
    }
}

pub(super) fn modify(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let place = place(call);
    let mut params = Params::of(form);
    let id = named(params.required("DBInstanceIdentifier"));
    let immediately = params.flag("ApplyImmediately").unwrap_or(false);
    let region = call.region(world);
    let Some(instance) = region.rds.instances.get(&id) else {
        params.done()?;
        return Err(no_such(&id));
    };
    let mut settings = instance.settings.clone();
    if let Some(pending) = &instance.pending {
        settings.take_restarting(&pending.settings);
    }
    settings.apply(&mut params, &place);
    check_class(&mut params, &settings);
    if settings.allocated_storage < instance.settings.allocated_storage {
        params.fault("Invalid storage size: the storage of an instance can't be made smaller.".to_owned());
    }
    params.done()?;
    for unserved in ["NewDBInstanceIdentifier", "Engine"] {
        if form.get(unserved).is_some() {
            let message = format!("The sandbox does not serve {unserved} in ModifyDBInstance.");
            return Err(refused("InvalidParameterCombination", message));
        }
    }
    if instance.status != Status::Available {
        return Err(not_available(&id));
    }
    if instance.backup_recovery_point.is_some()
        && (form.get("BackupRetentionPeriod").is_some() || form.get("PreferredBackupWindow").is_some())
    {
        // Only when they would change: Terraform sends what it has [D].
        let (now, then) = (&instance.settings, &settings);
        if now.backup_retention != then.backup_retention || now.backup_window != then.backup_window {
            let message = format!(
                "You can't modify the backup retention period or the backup window of {id}, because its automated backups are managed by AWS Backup."
            );
            return Err(refused("InvalidParameterCombination", message));
        }
    }
    if let Some(instance) = region.rds.instances.get_mut(&id) {
        // Groups, windows and flags take effect at once, whatever else is asked for or waits already; what needs a
        // restart waits for the maintenance window unless the caller can't wait [M].
        let mut at_once = settings.clone();
        at_once.take_restarting(&instance.settings);
        let waits = at_once != settings;
        let busy = immediately || !waits || at_once != instance.settings;
        instance.settings = at_once;
        let at = if immediately { call.now } else { instance.settings.maintenance_window.next_start(call.now) };
        instance.pending = waits.then(|| Pending { settings: Box::new(settings), at });
        if busy {
            region.rds.set_busy(&id, Status::Modifying, call.now);
        } else {
            instance.until = Some(at);
            region.rds.due.insert((at, Thing::Instance(id.clone())));
        }
    }
    answer(world, call, &id)
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = named(params.required("DBInstanceIdentifier"));
    let skip = params.flag("SkipFinalSnapshot").unwrap_or(false);
    let last = form.get("FinalDBSnapshotIdentifier").map(|_| params.new_identifier("FinalDBSnapshotIdentifier", 255));
    params.flag("DeleteAutomatedBackups");
    params.done()?;
    let region = call.region(world);
    let instance = region.rds.the_instance(&id)?;
    if instance.settings.deletion_protection {
        let message = "Cannot delete protected DB Instance, please disable deletion protection and try again.";
        return Err(refused("InvalidParameterCombination", message));
    }
    if instance.status == Status::Deleting {
        return Err(refused("InvalidDBInstanceState", format!("Instance {id} is already being deleted.")));
    }
    let cluster = instance.cluster.clone();
    let combination = |message: &str| Err(refused("InvalidParameterCombination", message));
    match (skip, last) {
        (true, Some(_)) => {
            return combination("FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true");
        }
        (false, None) if instance.cluster.is_none() => {
            return combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
        }
        (false, Some(last)) => {
            if region.rds.snapshots.contains_key(&last) {
                let message =
                    format!("Cannot create the snapshot because a snapshot with the identifier {last} already exists.");
                return Err(refused("DBSnapshotAlreadyExists", message));
            }
            region.rds.room_for_a_manual_snapshot()?;
            let snapshot = Snapshot::of(instance, last.clone(), SnapshotKind::Manual, call.now);
            region.rds.snapshots.insert(last, snapshot);
        }
        _ => {}
    }
    if let Some(cluster) = cluster.and_then(|id| region.rds.clusters.get_mut(&id)) {
        cluster.members.retain(|member| *member != id);
    }
    region.rds.set_busy(&id, Status::Deleting, call.now);
    answer(world, call, &id)
}

pub(super) fn start(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    change(world, call, form, Status::Stopped, Status::Starting)
}

pub(super) fn stop(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    change(world, call, form, Status::Available, Status::Stopping)
}

pub(super) fn reboot(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    change(world, call, form, Status::Available, Status::Rebooting)
}

fn change(world: &mut World, call: &Call, form: &Form, from: Status, to: Status) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = named(params.required("DBInstanceIdentifier"));
    params.done()?;
    let rds = &mut call.region(world).rds;
    let instance = rds.the_instance(&id)?;
    if instance.status != from {
        let message = format!("Instance {id} is not in {} state.", from.as_str());
        return Err(refused("InvalidDBInstanceState", message));
    }
    rds.set_busy(&id, to, call.now);
    answer(world, call, &id)
}

fn not_available(id: &str) -> AwsError {
    refused("InvalidDBInstanceState", format!("Instance {id} is not in available state."))
}

fn answer(world: &mut World, call: &Call, id: &str) -> Result<Xml, AwsError> {
    let region = call.region(world);
    let instance = region.rds.the_instance(id)?;
    Ok(Xml::new().inside("DBInstance", &instance.shape(&region.tags, call.now)))
}
