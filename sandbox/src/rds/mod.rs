//! Relational Database Service: instances, clusters and their snapshots.
//!
//! Tags are not here: they live in [`Tags`], by ARN, for RDS, the tagging API and selections alike. What AWS Backup
//! does with databases goes through [`backup`] and [`restore`].

mod automated;
pub mod backup;
mod cluster;
mod cluster_actions;
mod cluster_automated;
mod cluster_snapshot;
mod engines;
mod filters;
mod groups;
mod instance;
mod instance_actions;
mod network;
mod orderable;
mod overview;
mod params;
pub mod point_in_time;
pub mod restore;
mod settings;
mod snapshot;
mod tags;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::call::{AwsError, Call};
use crate::query::QueryHandler;
use crate::world::Tags;

pub use cluster::Cluster;
pub(crate) use cluster::New as NewCluster;
pub use cluster_snapshot::ClusterSnapshot;
pub use instance::Instance;
pub(crate) use instance::New as NewInstance;
use instance_actions::no_such as no_such_instance;
pub(crate) use params::{MAX_TAGS, tag_fault};
pub(crate) use settings::Place;
pub use settings::Settings;
pub use snapshot::{Snapshot, SnapshotKind};
pub use window::{BackupWindow, MaintenanceWindow};

/// Every served action.
pub const ACTIONS: &[(&str, QueryHandler)] = &[
    ("AddTagsToResource", tags::add),
    ("CreateDBCluster", cluster_actions::create),
    ("CreateDBClusterParameterGroup", groups::create_cluster_parameter_group),
    ("CreateDBClusterSnapshot", cluster_snapshot::create),
    ("CreateDBInstance", instance_actions::create),
    ("CreateDBParameterGroup", groups::create_parameter_group),
    ("CreateDBSnapshot", snapshot::create),
    ("CreateOptionGroup", groups::create_option_group),
    ("DeleteDBCluster", cluster_actions::delete),
    ("DeleteDBClusterParameterGroup", groups::delete_cluster_parameter_group),
    ("DeleteDBClusterSnapshot", cluster_snapshot::delete),
    ("DeleteDBInstance", instance_actions::delete),
    ("DeleteDBParameterGroup", groups::delete_parameter_group),
    ("DeleteDBSnapshot", snapshot::delete),
    ("DeleteOptionGroup", groups::delete_option_group),
    ("DescribeDBClusterAutomatedBackups", cluster_automated::describe),
    ("DescribeDBClusterParameterGroups", groups::describe_cluster_parameter_groups),
    ("DescribeDBClusterSnapshots", cluster_snapshot::describe),
    ("DescribeDBClusters", cluster_actions::describe),
    ("DescribeDBEngineVersions", engines::describe_versions),
    ("DescribeDBInstanceAutomatedBackups", automated::describe),
    ("DescribeDBInstances", instance_actions::describe),
    ("DescribeDBParameterGroups", groups::describe_parameter_groups),
    ("DescribeDBSnapshots", snapshot::describe),
    ("DescribeDBSubnetGroups", network::describe_subnet_groups),
    ("DescribeOptionGroups", groups::describe_option_groups),
    ("DescribeOrderableDBInstanceOptions", orderable::describe),
    ("ListTagsForResource", tags::list),
    ("ModifyDBCluster", cluster_actions::modify),
    ("ModifyDBInstance", instance_actions::modify),
    ("RebootDBInstance", instance_actions::reboot),
    ("RemoveTagsFromResource", tags::remove),
    ("RestoreDBInstanceFromDBSnapshot", restore::from_snapshot),
    ("RestoreDBInstanceToPointInTime", point_in_time::to_point_in_time),
    ("StartDBInstance", instance_actions::start),
    ("StopDBInstance", instance_actions::stop),
];

/// How long RDS needs for a change of state, on the sandbox clock: short enough for waiters that poll, long enough to
/// be seen.
pub const CHANGE: SignedDuration = SignedDuration::from_secs(5);

/// Instances and clusters in a region. Far above AWS's 40, so that fleets can be tried; a bound on memory all the same.
const MAX_DATABASES: usize = 20_000;

/// Manual snapshots in a region: AWS's quota is 100; a bound on memory here.
const MAX_MANUAL_SNAPSHOTS: usize = 10_000;

/// The databases of a region.
#[derive(Debug, Default)]
pub struct State {
    /// By identifier, lower-case.
    instances: BTreeMap<String, Instance>,
    clusters: BTreeMap<String, Cluster>,
    snapshots: BTreeMap<String, Snapshot>,
    cluster_snapshots: BTreeMap<String, ClusterSnapshot>,
    groups: groups::Groups,
    /// What ends when. An entry that its thing no longer waits for is passed over.
    due: BTreeSet<(Timestamp, Thing)>,
}

/// Something that changes state by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Instance(String),
    Cluster(String),
    Snapshot(String),
    ClusterSnapshot(String),
}

/// `DBInstanceStatus` of instances and `Status` of clusters, as far as the sandbox has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In use.
    Available,
    /// Being made or restored.
    Creating,
    /// Settings are being changed.
    Modifying,
    /// Restarting.
    Rebooting,
    /// On its way to stopped.
    Stopping,
    /// Not running.
    Stopped,
    /// On its way to available.
    Starting,
    /// On its way out.
    Deleting,
}

impl Status {
    /// The wire's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Creating => "creating",
            Self::Modifying => "modifying",
            Self::Rebooting => "rebooting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Deleting => "deleting",
        }
    }

    /// What it becomes when its time is over; `None`: the thing is gone.
    fn after(self) -> Option<Self> {
        match self {
            Self::Available | Self::Creating | Self::Modifying | Self::Rebooting | Self::Starting => {
                Some(Self::Available)
            }
            Self::Stopping | Self::Stopped => Some(Self::Stopped),
            Self::Deleting => None,
        }
    }
}

impl State {
    /// Ends what ends by `to`: instances become available, deleted ones go, with their tags. Cheap when nothing is due.
    pub fn advance(&mut self, tags: &mut Tags, to: Timestamp) {
        while self.due.first().is_some_and(|(at, _)| *at <= to) {
            let Some((at, thing)) = self.due.pop_first() else { return };
            self.end(tags, &thing, at);
        }
    }

    fn end(&mut self, tags: &mut Tags, thing: &Thing, at: Timestamp) {
        match thing {
            Thing::Instance(id) => {
                let Some(instance) = self.instances.get_mut(id).filter(|it| it.until == Some(at)) else { return };
                instance.until = None;
                match instance.status.after() {
                    Some(status) => {
                        instance.status = status;
                        instance.until = instance.apply_pending(at);
                        self.due.extend(instance.until.map(|at| (at, thing.clone())));
                    }
                    None => {
                        tags.0.remove(&instance.arn);
                        self.instances.remove(id);
                    }
                }
            }
            Thing::Cluster(id) => {
                let Some(cluster) = self.clusters.get_mut(id).filter(|it| it.until == Some(at)) else { return };
                cluster.until = None;
                match cluster.status.after() {
                    Some(status) => cluster.status = status,
                    None => {
                        tags.0.remove(&cluster.arn);
                        self.clusters.remove(id);
                    }
                }
            }
            Thing::Snapshot(id) => {
                if let Some(snapshot) = self.snapshots.get_mut(id).filter(|it| it.until == Some(at)) {
                    snapshot.until = None;
                }
            }
            Thing::ClusterSnapshot(id) => {
                if let Some(snapshot) = self.cluster_snapshots.get_mut(id).filter(|it| it.until == Some(at)) {
                    snapshot.until = None;
                }
            }
        }
    }

    /// Whether there is a database or snapshot with this ARN; tags can be put on nothing else.
    #[must_use]
    pub fn has(&self, arn: &str) -> bool {
        let Some((kind, id)) = kind_and_id(arn) else { return false };
        match kind {
            "db" => self.instances.get(id).is_some_and(|it| it.arn == arn),
            "cluster" => self.clusters.get(id).is_some_and(|it| it.arn == arn),
            "snapshot" => self.snapshots.get(id).is_some_and(|it| it.arn == arn),
            "cluster-snapshot" => self.cluster_snapshots.get(id).is_some_and(|it| it.arn == arn),
            _ => false,
        }
    }

    fn room_for_a_database(&self) -> Result<(), AwsError> {
        if self.instances.len() + self.clusters.len() >= MAX_DATABASES {
            return Err(refused(
                "InstanceQuotaExceeded",
                format!("The sandbox holds at most {MAX_DATABASES} databases in a region."),
            ));
        }
        Ok(())
    }

    fn room_for_a_manual_snapshot(&self) -> Result<(), AwsError> {
        // AWS Backup's have their own bound, in their vaults.
        let of_instances = self.snapshots.values().filter(|it| it.kind == SnapshotKind::Manual).count();
        let of_clusters = self.cluster_snapshots.values().filter(|it| it.kind == SnapshotKind::Manual).count();
        if of_instances + of_clusters >= MAX_MANUAL_SNAPSHOTS {
            return Err(refused(
                "SnapshotQuotaExceeded",
                format!("Cannot create more than {MAX_MANUAL_SNAPSHOTS} user snapshots"),
            ));
        }
        Ok(())
    }
}

/// `db` and `x` of `arn:aws:rds:R:A:db:x`; `snapshot` and `awsbackup:job-1` of `…:snapshot:awsbackup:job-1`.
fn kind_and_id(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let is_rds = parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("rds");
    parts.nth(2).filter(|_| is_rds)?.split_once(':')
}

/// Region and account of an ARN.
fn place_of(arn: &str) -> Place<'_> {
    let mut parts = arn.split(':').skip(3);
    let region = parts.next().unwrap_or_default();
    Place { region, account: parts.next().unwrap_or_default() }
}

/// What an identifier parameter names: the identifier itself or its ARN `[M]`, whatever its case.
fn named(parameter: &str) -> String {
    kind_and_id(parameter).map_or(parameter, |(_, id)| id).to_lowercase()
}

fn place(call: &Call) -> Place<'_> {
    Place { account: &call.account, region: &call.region }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn refused(code: &'static str, message: impl Into<String>) -> AwsError {
    AwsError::new(400, code, message)
}

fn not_found(code: &'static str, message: impl Into<String>) -> AwsError {
    AwsError::new(404, code, message)
}

/// `2025-11-22T19:24:47.123Z`.
fn time(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// The key behind `alias/aws/rds`.
pub(crate) fn default_key(account: &str, region: &str) -> String {
    network::default_kms_key(&Place { account, region })
}

#[cfg(test)]
mod tests;
