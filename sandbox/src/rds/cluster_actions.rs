//! Actions on clusters.

use jiff::SignedDuration;

use super::cluster::New;
use super::filters::Filters;
use super::params::{Params, listed};
use super::settings::{Settings, engine_names};
use super::{
    CHANGE, Cluster, ClusterSnapshot, SnapshotKind, State, Status, Thing, later, named, not_found, place, refused,
};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

impl State {
    pub(super) fn the_cluster(&self, id: &str) -> Result<&Cluster, AwsError> {
        self.clusters.get(id).ok_or_else(|| not_found("DBClusterNotFoundFault", format!("DBCluster {id} not found.")))
    }
}

pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBClusterIdentifier").map(named);
    let known = ["clone-group-id", "db-cluster-id", "db-cluster-resource-id", "domain", "engine"];
    let filters = Filters::of(form, &known, &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    if let Some(id) = &id {
        region.rds.the_cluster(id)?;
    }
    let wanted = region.rds.clusters.values().filter(|it| {
        id.as_ref().is_none_or(|id| *id == it.id)
            && filters.pass("db-cluster-id", &[&it.id, &it.arn])
            && filters.pass("db-cluster-resource-id", &[&it.resource_id])
            && filters.pass("engine", &[&it.settings.engine])
            && filters.pass("clone-group-id", &[])
            && filters.pass("domain", &[])
    });
    let page = paging.take(wanted, |it| it.id.as_str())?;
    Ok(listed("DBClusters", "DBCluster", &page, |it| it.shape(&region.tags, call.now)))
}

pub(super) fn create(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let place = place(call);
    let mut params = Params::of(form);
    let id = params.new_identifier("DBClusterIdentifier", 63);
    let engine = params.required("Engine");
    let version = params.text("EngineVersion");
    let Some(mut settings) = Settings::of_engine(&place, engine, version, &id) else {
        if !engine.is_empty() {
            params.fault(format!("Invalid DB engine: {engine}. It must be one of {}.", engine_names()));
        }
        params.done()?;
        return Err(refused("InvalidParameterValue", format!("Invalid DB engine: {engine}")));
    };
    settings.apply(&mut params, &place);
    params.set_text("MasterUsername", &mut settings.master_username);
    settings.db_name = params.text("DatabaseName").map(str::to_owned);
    let tags = params.tags();
    call.region(world).rds.check_groups(&mut params, &settings);
    params.done()?;
    let region = call.region(world);
    let new = New { id: id.clone(), settings, tags, age: SignedDuration::ZERO };
    region.rds.add_cluster(&mut region.tags, &place, new, call.now)?;
    answer(world, call, &id)
}

pub(super) fn modify(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let place = place(call);
    let mut params = Params::of(form);
    let id = named(params.required("DBClusterIdentifier"));
    let region = call.region(world);
    let Some(cluster) = region.rds.clusters.get_mut(&id) else {
        params.done()?;
        return Err(not_found("DBClusterNotFoundFault", format!("DBCluster {id} not found.")));
    };
    let mut settings = cluster.settings.clone();
    settings.apply(&mut params, &place);
    params.done()?;
    if cluster.status != Status::Available {
        return Err(not_available(&id));
    }
    cluster.settings = settings;
    set_busy(&mut region.rds, &id, Status::Modifying, call);
    answer(world, call, &id)
}

pub(super) fn delete(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = named(params.required("DBClusterIdentifier"));
    let skip = params.flag("SkipFinalSnapshot").unwrap_or(false);
    let last = form.get("FinalDBSnapshotIdentifier").map(|_| params.new_identifier("FinalDBSnapshotIdentifier", 255));
    params.done()?;
    let region = call.region(world);
    let cluster = region.rds.the_cluster(&id)?;
    if cluster.settings.deletion_protection {
        let message = "Cannot delete protected Cluster, please disable deletion protection and try again.";
        return Err(refused("InvalidParameterCombination", message));
    }
    if !cluster.members.is_empty() {
        let message = "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
        return Err(refused("InvalidDBClusterStateFault", message));
    }
    if cluster.status == Status::Deleting {
        return Err(refused("InvalidDBClusterStateFault", format!("DB cluster {id} is already being deleted.")));
    }
    match (skip, last) {
        (true, Some(_)) => {
            let message = "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true";
            return Err(refused("InvalidParameterCombination", message));
        }
        (false, None) => {
            let message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.";
            return Err(refused("InvalidParameterCombination", message));
        }
        (false, Some(last)) => {
            if region.rds.cluster_snapshots.contains_key(&last) {
                let message = format!("Cannot create the cluster snapshot because {last} already exists.");
                return Err(refused("DBClusterSnapshotAlreadyExistsFault", message));
            }
            region.rds.room_for_a_manual_snapshot()?;
            let snapshot = ClusterSnapshot::of(cluster, last.clone(), SnapshotKind::Manual, call.now);
            region.rds.cluster_snapshots.insert(last, snapshot);
        }
        (true, None) => {}
    }
    set_busy(&mut region.rds, &id, Status::Deleting, call);
    answer(world, call, &id)
}

fn set_busy(rds: &mut State, id: &str, status: Status, call: &Call) {
    if let Some(cluster) = rds.clusters.get_mut(id) {
        let until = later(call.now, CHANGE);
        cluster.status = status;
        cluster.until = Some(until);
        rds.due.insert((until, Thing::Cluster(id.to_owned())));
    }
}

pub(super) fn not_available(id: &str) -> AwsError {
    refused("InvalidDBClusterStateFault", format!("DB cluster {id} is not in available state."))
}

fn answer(world: &mut World, call: &Call, id: &str) -> Result<Xml, AwsError> {
    let region = call.region(world);
    let cluster = region.rds.the_cluster(id)?;
    Ok(Xml::new().inside("DBCluster", &cluster.shape(&region.tags, call.now)))
}
