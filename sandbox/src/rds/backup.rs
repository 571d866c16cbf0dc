//! What AWS Backup finds and does in RDS: the databases it can protect, its snapshots of them, and taking over their
//! continuous backups. Identifiers are lower-case, ARNs whole.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::instance::Pending;
use super::snapshot::percent;
use super::{Cluster, ClusterSnapshot, Instance, Settings, Snapshot, SnapshotKind, State, Status, Thing, place_of};
use crate::world::Tags;

/// Why a backup must not start now `[D]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowConflict {
    /// Inside the weekly maintenance window, or in the hour before it.
    Maintenance,
    /// Inside RDS's own daily backup window, or in the hour before it.
    AutomatedBackup,
}

impl State {
    /// The instance with this identifier.
    #[must_use]
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id)
    }

    /// The cluster with this identifier.
    #[must_use]
    pub fn cluster(&self, id: &str) -> Option<&Cluster> {
        self.clusters.get(id)
    }

    /// The engine of a cluster.
    #[must_use]
    pub fn cluster_engine(&self, id: &str) -> Option<&str> {
        self.clusters.get(id).map(|cluster| cluster.settings.engine.as_str())
    }

    /// The ARNs of what AWS Backup can protect: clusters, and instances that belong to none (a cluster's instances
    /// are backed up with it `[I]`). A database on its way out is not among them.
    pub fn protectable(&self) -> impl Iterator<Item = &str> {
        let instances = self.instances.values().filter(|it| it.cluster.is_none() && it.status != Status::Deleting);
        let clusters = self.clusters.values().filter(|it| it.status != Status::Deleting);
        instances.map(|it| it.arn.as_str()).chain(clusters.map(|it| it.arn.as_str()))
    }

    /// The snapshot with this ARN.
    #[must_use]
    pub fn snapshot_by_arn(&self, arn: &str) -> Option<&Snapshot> {
        let (_, id) = super::kind_and_id(arn)?;
        self.snapshots.get(id).filter(|it| it.arn == arn)
    }

    /// The cluster snapshot with this ARN.
    #[must_use]
    pub fn cluster_snapshot_by_arn(&self, arn: &str) -> Option<&ClusterSnapshot> {
        let (_, id) = super::kind_and_id(arn)?;
        self.cluster_snapshots.get(id).filter(|it| it.arn == arn)
    }

    /// Begins a snapshot `awsbackup:job-…` of the instance or cluster with this ARN, with these tags on it. It shows
    /// progress towards `until` and stays `creating` until [`Self::finish_backup`]. `None`: there is no such database.
    /// Its state and windows are for the caller to have checked.
    pub fn begin_backup(
        &mut self,
        tags: &mut Tags,
        source_arn: &str,
        job_id: &str,
        snapshot_tags: &BTreeMap<String, String>,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<String> {
        let (kind, source) = super::kind_and_id(source_arn)?;
        let id = format!("awsbackup:job-{}", job_id.to_lowercase());
        let arn = if kind == "cluster" {
            let mut snapshot =
                ClusterSnapshot::of(self.clusters.get(source)?, id.clone(), SnapshotKind::AwsBackup, now);
            snapshot.until = Some(until);
            let arn = snapshot.arn.clone();
            self.cluster_snapshots.insert(id, snapshot);
            arn
        } else {
            let mut snapshot = Snapshot::of(self.instances.get(source)?, id.clone(), SnapshotKind::AwsBackup, now);
            snapshot.until = Some(until);
            let arn = snapshot.arn.clone();
            self.snapshots.insert(id, snapshot);
            arn
        };
        if !snapshot_tags.is_empty() {
            tags.0.insert(arn.clone(), snapshot_tags.clone());
        }
        Some(arn)
    }

    /// Makes a begun snapshot available. Nothing happens when it is gone.
    pub fn finish_backup(&mut self, snapshot_arn: &str) {
        if let Some((kind, id)) = super::kind_and_id(snapshot_arn) {
            match kind {
                "cluster-snapshot" => self.cluster_snapshots.get_mut(id).into_iter().for_each(|it| it.until = None),
                _ => self.snapshots.get_mut(id).into_iter().for_each(|it| it.until = None),
            }
        }
    }

    /// Deletes a snapshot of AWS Backup, finished or not, with its tags. `false`: there was none.
    pub fn delete_backup(&mut self, tags: &mut Tags, snapshot_arn: &str) -> bool {
        let Some((kind, id)) = super::kind_and_id(snapshot_arn) else { return false };
        tags.0.remove(snapshot_arn);
        match kind {
            "cluster-snapshot" => self.cluster_snapshots.remove(id).is_some(),
            _ => self.snapshots.remove(id).is_some(),
        }
    }

    /// Puts a copy of a snapshot of another region, account or vault here: the snapshot as a copy job `job_id` makes
    /// it, available at once. `place_arn` is any ARN of the destination's region and account. Gives the copy's ARN.
    pub fn copy_in(&mut self, mut snapshot: Snapshot, place_arn: &str, job_id: &str, now: Timestamp) -> String {
        snapshot.id = format!("awsbackup:copyjob-{}", job_id.to_lowercase());
        snapshot.arn = place_of(place_arn).arn("snapshot", &snapshot.id);
        snapshot.created = now;
        snapshot.until = None;
        let arn = snapshot.arn.clone();
        self.snapshots.insert(snapshot.id.clone(), snapshot);
        arn
    }

    /// [`Self::copy_in`] of a cluster's snapshot.
    pub fn copy_cluster_in(
        &mut self,
        mut snapshot: ClusterSnapshot,
        place_arn: &str,
        job_id: &str,
        now: Timestamp,
    ) -> String {
        snapshot.id = format!("awsbackup:copyjob-{}", job_id.to_lowercase());
        snapshot.arn = place_of(place_arn).arn("cluster-snapshot", &snapshot.id);
        snapshot.created = now;
        snapshot.until = None;
        let arn = snapshot.arn.clone();
        self.cluster_snapshots.insert(snapshot.id.clone(), snapshot);
        arn
    }

    /// Gives the automated backups of an instance or cluster into AWS Backup's hands: `AwsBackupRecoveryPointArn` shows
    /// and the retention is `days`. `false`: there is no such database.
    pub fn take_over_continuous(&mut self, source_arn: &str, recovery_point_arn: &str, days: u32) -> bool {
        match self.continuous_mut(source_arn) {
            Some((point, settings)) => {
                *point = Some(recovery_point_arn.to_owned());
                settings.backup_retention = days;
                true
            }
            None => false,
        }
    }

    /// Gives them back to RDS, with the retention they have. Nothing happens when another point manages them by now.
    pub fn release_continuous(&mut self, source_arn: &str, recovery_point_arn: &str) {
        if let Some((point, _)) = self.continuous_mut(source_arn)
            && point.as_deref() == Some(recovery_point_arn)
        {
            *point = None;
        }
    }

    /// The same, as the point is deleted: automated backups of an instance are off from its maintenance window on, in
    /// which it restarts, and a cluster, which cannot be without, keeps its own for a day `[D]`.
    pub fn end_continuous(&mut self, source_arn: &str, recovery_point_arn: &str, now: Timestamp) {
        if self.continuous_point(source_arn) != Some(recovery_point_arn) {
            return;
        }
        self.release_continuous(source_arn, recovery_point_arn);
        let Some((kind, id)) = super::kind_and_id(source_arn) else { return };
        if let Some(cluster) = self.clusters.get_mut(id).filter(|_| kind == "cluster") {
            cluster.settings.backup_retention = 1;
        }
        let Some(instance) = self.instances.get_mut(id).filter(|_| kind == "db") else { return };
        let at = instance.settings.maintenance_window.next_start(now);
        let waiting = || Pending { settings: Box::new(instance.settings.clone()), at };
        let mut pending = instance.pending.take().unwrap_or_else(waiting);
        pending.settings.backup_retention = 0;
        let at = pending.at;
        instance.pending = Some(pending);
        if instance.until.is_none() {
            instance.until = Some(at);
            self.due.insert((at, Thing::Instance(id.to_owned())));
        }
    }

    /// Gives an encrypted snapshot that was copied the key of where it went.
    pub fn encrypt_copy(&mut self, snapshot_arn: &str, key: &str) {
        let Some((kind, id)) = super::kind_and_id(snapshot_arn) else { return };
        let settings = match kind {
            "snapshot" => self.snapshots.get_mut(id).map(|it| &mut it.settings),
            _ => self.cluster_snapshots.get_mut(id).map(|it| &mut it.settings),
        };
        if let Some(settings) = settings.filter(|settings| settings.encrypted) {
            settings.kms_key = Some(key.to_owned());
        }
    }

    /// The continuous point that manages the automated backups of an instance or cluster.
    #[must_use]
    pub fn continuous_point(&self, source_arn: &str) -> Option<&str> {
        let (kind, id) = super::kind_and_id(source_arn)?;
        match kind {
            "db" => self.instances.get(id)?.backup_recovery_point.as_deref(),
            "cluster" => self.clusters.get(id)?.backup_recovery_point.as_deref(),
            _ => None,
        }
    }

    fn continuous_mut(&mut self, source_arn: &str) -> Option<(&mut Option<String>, &mut Settings)> {
        let (kind, id) = super::kind_and_id(source_arn)?;
        match kind {
            "db" => self.instances.get_mut(id).map(|it| (&mut it.backup_recovery_point, &mut it.settings)),
            "cluster" => self.clusters.get_mut(id).map(|it| (&mut it.backup_recovery_point, &mut it.settings)),
            _ => None,
        }
    }
}

impl Instance {
    /// Whether a snapshot by AWS Backup must not start at `at`. Under continuous backup AWS Backup manages the windows
    /// itself and nothing conflicts `[D]`; without automated backups there is no backup window to meet.
    #[must_use]
    pub fn window_conflict(&self, at: Timestamp) -> Option<WindowConflict> {
        if self.backup_recovery_point.is_some() {
            return None;
        }
        self.settings.window_conflict(at)
    }
}

impl Settings {
    pub(super) fn window_conflict(&self, at: Timestamp) -> Option<WindowConflict> {
        if self.maintenance_window.blocks(at) {
            Some(WindowConflict::Maintenance)
        } else if self.backup_retention > 0 && self.backup_window.blocks(at) {
            Some(WindowConflict::AutomatedBackup)
        } else {
            None
        }
    }
}

impl Snapshot {
    /// 0 to 99 while it is being made, then 100.
    #[must_use]
    pub fn percent_progress(&self, now: Timestamp) -> i64 {
        percent(self.created, self.until, now)
    }
}
