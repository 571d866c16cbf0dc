//! Recovery points: what one is, and the store of a region's points, by vault and by resource.

pub mod arn;
mod change;
mod list;
mod protected;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use change::{
    delete_recovery_point, disassociate_recovery_point, disassociate_recovery_point_from_parent,
    update_recovery_point_lifecycle,
};
pub use change::{expire, may_delete};
use list::{
    describe_recovery_point, get_recovery_point_restore_metadata, list_recovery_points_by_backup_vault,
    list_recovery_points_by_resource,
};
pub use protected::LastRestore;
use protected::{describe_protected_resource, list_protected_resources, list_protected_resources_by_backup_vault};

use super::routes::{Route, route};
use crate::backup::{creator::Creator, lifecycle::Lifecycle};

/// Recovery points and protected resources: docs/aws-backup-semantics.md, section 1.10.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "backup-vaults/{backupVaultName}/recovery-points",
        "ListRecoveryPointsByBackupVault",
        list_recovery_points_by_backup_vault,
    ),
    route(
        "GET",
        "backup-vaults/{backupVaultName}/resources",
        "ListProtectedResourcesByBackupVault",
        list_protected_resources_by_backup_vault,
    ),
    route(
        "GET",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}",
        "DescribeRecoveryPoint",
        describe_recovery_point,
    ),
    route(
        "DELETE",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}",
        "DeleteRecoveryPoint",
        delete_recovery_point,
    ),
    route(
        "POST",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}",
        "UpdateRecoveryPointLifecycle",
        update_recovery_point_lifecycle,
    ),
    route(
        "GET",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}/restore-metadata",
        "GetRecoveryPointRestoreMetadata",
        get_recovery_point_restore_metadata,
    ),
    route(
        "POST",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}/disassociate",
        "DisassociateRecoveryPoint",
        disassociate_recovery_point,
    ),
    route(
        "DELETE",
        "backup-vaults/{backupVaultName}/recovery-points/{recoveryPointArn}/parentAssociation",
        "DisassociateRecoveryPointFromParent",
        disassociate_recovery_point_from_parent,
    ),
    route("GET", "resources", "ListProtectedResources", list_protected_resources),
    route("GET", "resources/{resourceArn}", "DescribeProtectedResource", describe_protected_resource),
    route(
        "GET",
        "resources/{resourceArn}/recovery-points",
        "ListRecoveryPointsByResource",
        list_recovery_points_by_resource,
    ),
];

/// One recovery point.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryPoint {
    /// The snapshot's ARN for databases, AWS Backup's own for continuous points.
    pub arn: String,
    /// The vault that holds it.
    pub vault_name: String,
    /// That vault's ARN.
    pub vault_arn: String,
    /// Where a copy came from.
    pub source_vault_arn: Option<String>,
    /// What was backed up.
    pub resource_arn: String,
    /// AWS Backup's type string.
    pub resource_type: String,
    /// Display name of the resource.
    pub resource_name: String,
    /// The role that made it and will delete it.
    pub role_arn: String,
    /// What it is made of.
    pub content: Content,
    /// Where it stands.
    pub status: Status,
    /// Why it stands there, for EXPIRED and STOPPED.
    pub status_message: Option<String>,
    /// When the backup was asked for.
    pub initiated_at: Timestamp,
    /// When the snapshot began; its life is counted from here.
    pub created_at: Timestamp,
    /// When it became usable.
    pub completed_at: Option<Timestamp>,
    /// When a continuous point stopped following its database; its retention runs out from there.
    pub stopped_at: Option<Timestamp>,
    /// Size, where AWS tells it.
    pub bytes: i64,
    /// `None` keeps it for ever.
    pub lifecycle: Option<Lifecycle>,
    /// The key; databases keep their own, not the vault's `[D]`.
    pub encryption_key_arn: Option<String>,
    /// The plan and rule that made it.
    pub creator: Option<Creator>,
    /// The jobs that make, copy or restore it just now; it can't be deleted meanwhile.
    pub users: BTreeSet<String>,
    /// The last restore from it.
    pub last_restore_at: Option<Timestamp>,
    /// What a restore starts from; see section 10.
    pub restore_metadata: BTreeMap<String, String>,
    /// The tags the resource had, for CopySourceTagsToRestoredResource.
    pub resource_tags: BTreeMap<String, String>,
}

/// What a recovery point is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An RDS snapshot of an instance, by snapshot identifier.
    DbSnapshot(String),
    /// A snapshot of a cluster, by snapshot identifier.
    DbClusterSnapshot(String),
    /// RDS's automated backups of a database, managed by AWS Backup, by the database's ARN.
    Continuous(String),
    /// A backup of a resource the sandbox does not imitate.
    Other,
}

/// `Status` of a recovery point: docs/aws-backup-semantics.md, section 5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its job is running.
    Creating,
    /// A usable snapshot.
    Completed,
    /// A usable continuous point.
    Available,
    /// Its time is over, but it could not be deleted.
    Expired,
    /// A continuous point that no longer follows its database.
    Stopped,
    /// Being deleted.
    Deleting,
}

impl Status {
    /// As on the wire.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Completed => "COMPLETED",
            Self::Available => "AVAILABLE",
            Self::Expired => "EXPIRED",
            Self::Stopped => "STOPPED",
            Self::Deleting => "DELETING",
        }
    }
}

impl RecoveryPoint {
    /// Whether it follows its database (point-in-time restore).
    #[must_use]
    pub fn is_continuous(&self) -> bool {
        matches!(self.content, Content::Continuous(_))
    }

    /// The end of its life; a continuous point has none, its retention moves with time.
    #[must_use]
    pub fn delete_at(&self) -> Option<Timestamp> {
        if self.is_continuous() && self.status != Status::Stopped {
            return None;
        }
        self.lifecycle.as_ref()?.delete_at(self.stopped_at.unwrap_or(self.created_at))
    }

    /// Whether a restore or copy can start from it.
    #[must_use]
    pub fn usable(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Available | Status::Expired | Status::Stopped)
    }
}

type Order = BTreeSet<(Timestamp, String)>;

/// The recovery points of a region. ARNs are unique in it.
#[derive(Debug, Default)]
pub struct RecoveryPoints {
    by_arn: BTreeMap<String, RecoveryPoint>,
    by_vault: BTreeMap<String, Order>,
    by_resource: BTreeMap<String, Order>,
    /// The last restore of each resource, while it has points.
    pub last_restores: BTreeMap<String, LastRestore>,
}

impl RecoveryPoints {
    /// Keeps a point.
    pub fn insert(&mut self, point: RecoveryPoint) {
        self.remove(&point.arn);
        let key = (point.created_at, point.arn.clone());
        self.by_vault.entry(point.vault_name.clone()).or_default().insert(key.clone());
        self.by_resource.entry(point.resource_arn.clone()).or_default().insert(key);
        self.by_arn.insert(point.arn.clone(), point);
    }

    /// Takes a point out.
    pub fn remove(&mut self, arn: &str) -> Option<RecoveryPoint> {
        let point = self.by_arn.remove(arn)?;
        let key = (point.created_at, point.arn.clone());
        take_out(&mut self.by_vault, &point.vault_name, &key);
        if take_out(&mut self.by_resource, &point.resource_arn, &key) {
            self.last_restores.remove(&point.resource_arn);
        }
        Some(point)
    }

    /// By ARN.
    #[must_use]
    pub fn get(&self, arn: &str) -> Option<&RecoveryPoint> {
        self.by_arn.get(arn)
    }

    /// By ARN, to change it. The vault, the resource and the creation time must stay.
    pub fn get_mut(&mut self, arn: &str) -> Option<&mut RecoveryPoint> {
        self.by_arn.get_mut(arn)
    }

    /// By ARN, when it lies in that vault.
    #[must_use]
    pub fn in_vault(&self, vault: &str, arn: &str) -> Option<&RecoveryPoint> {
        self.get(arn).filter(|point| point.vault_name == vault)
    }

    /// How many points a vault holds: `NumberOfRecoveryPoints`, and whether the vault can be deleted.
    #[must_use]
    pub fn count_in_vault(&self, vault: &str) -> usize {
        self.by_vault.get(vault).map_or(0, BTreeSet::len)
    }

    /// All points of the region, in no order that means anything.
    pub fn all(&self) -> impl Iterator<Item = &RecoveryPoint> {
        self.by_arn.values()
    }

    /// The points of a vault, newest first.
    pub fn of_vault(&self, vault: &str) -> impl Iterator<Item = &RecoveryPoint> {
        self.newest_first(self.by_vault.get(vault))
    }

    /// The points of a resource, newest first.
    pub fn of_resource(&self, resource_arn: &str) -> impl Iterator<Item = &RecoveryPoint> {
        self.newest_first(self.by_resource.get(resource_arn))
    }

    /// The resources that have points.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.by_resource.keys().map(String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_arn.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_arn.is_empty()
    }

    fn newest_first(&self, order: Option<&Order>) -> impl Iterator<Item = &RecoveryPoint> {
        order.into_iter().flatten().rev().filter_map(|(_, arn)| self.by_arn.get(arn))
    }
}

/// Removes the key; true when that left nothing under `name`.
fn take_out(index: &mut BTreeMap<String, Order>, name: &str, key: &(Timestamp, String)) -> bool {
    let Some(order) = index.get_mut(name) else { return true };
    order.remove(key);
    let empty = order.is_empty();
    if empty {
        index.remove(name);
    }
    empty
}
