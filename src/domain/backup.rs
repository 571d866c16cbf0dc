//! Backups on demand, and what will surprise about them.

use jiff::Timestamp;

use super::{
    Arn, Finding, Lifecycle, Resource, ResourceKind, ResourceRef, ResourceType, RoleRef, Tags, VaultLock, VaultName,
    Windows,
    rds_window::{BackupWindow, MaintenanceWindow},
};

/// A backup to be made now.
#[derive(Debug, Clone)]
pub struct StartBackup {
    /// What to back up.
    pub resource: ResourceRef,
    /// Where the recovery point goes.
    pub vault: VaultName,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// How long the recovery point is kept.
    pub lifecycle: Lifecycle,
    /// When it must start and finish.
    pub windows: Windows,
    /// Tags of the recovery point, besides the resource's.
    pub tags: Tags,
}

impl StartBackup {
    /// An hour to start in, as the console's backups on demand have it `[M][D]`, and seven days to finish in.
    pub const DEFAULT_WINDOWS: Windows = Windows { start_minutes: 60, completion_minutes: 10_080 };

    /// The default completion window for a start window. Where the default to finish in would be too short for a long start window, it is
    /// the shortest that AWS takes.
    pub fn completion_for(start_minutes: i64) -> i64 {
        Self::DEFAULT_WINDOWS.completion_minutes.max(start_minutes + 60)
    }

    /// What the lifecycle will not do: cold storage that databases do not have `[M][D]`, and a retention that the vault's
    /// lock turns into a failed job `[D]`. `resource` is the ARN of what is backed up.
    pub fn findings(&self, resource: &Arn, lock: Option<&VaultLock>) -> Vec<Finding> {
        let of = ResourceType::of_arn(resource);
        let mut findings: Vec<Finding> = self.lifecycle.cold_storage_ignored(of.as_ref()).into_iter().collect();
        let outside = lock.and_then(|lock| {
            Finding::outside_lock(self.vault.as_str(), lock, "this backup is", self.lifecycle.retention)
        });
        findings.extend(outside.map(|finding| finding.as_warning().at("lifecycle")));
        findings
    }
}

/// That the database is in no state to be backed up in.
pub(super) fn database_unavailable(database: &Resource) -> Option<Finding> {
    // Storage optimisation goes on for hours and does not hinder snapshots [D].
    if matches!(database.status.as_str(), "available" | "storage-optimization") {
        return None;
    }
    let noun = match database.kind {
        ResourceKind::DbInstance => "instance",
        ResourceKind::DbCluster => "cluster",
    };
    let Resource { id, status, .. } = database;
    let message = format!("{noun} {id} is {status}: the job fails unless it is available when the backup begins");
    Some(Finding::warning("DATABASE_NOT_AVAILABLE", message, format!("make {id} available")))
}

/// The windows of RDS in which, and in the hour before which, AWS lets backups of a database fail `[D]`.
pub(super) struct NearWindows {
    backup: Option<BackupWindow>,
    maintenance: Option<MaintenanceWindow>,
}

impl NearWindows {
    /// Those of a database. With a continuous backup AWS Backup owns the windows and they do not conflict `[D]`. Clusters
    /// have no such rule.
    pub(super) fn of(database: &Resource) -> Self {
        if database.kind == ResourceKind::DbCluster || !database.continuous_recovery_point_arn.is_empty() {
            return Self { backup: None, maintenance: None };
        }
        let makes_its_own = database.automated_backup_retention_days > 0;
        let backup = makes_its_own.then(|| BackupWindow::parse(&database.automated_backup_window)).flatten();
        Self { backup, maintenance: MaintenanceWindow::parse(&database.maintenance_window) }
    }

    /// Whether a backup that begins then fails for the backup window, and for the maintenance window.
    pub(super) fn block(&self, at: Timestamp) -> [bool; 2] {
        [self.backup.is_some_and(|it| it.blocks(at)), self.maintenance.is_some_and(|it| it.blocks(at))]
    }
}

/// What of the database's state lets a backup that begins about `at` fail (docs/aws-backup-semantics.md, section 3.3).
pub fn database_findings(database: &Resource, at: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> = database_unavailable(database).into_iter().collect();
    let id = &database.id;
    let mut near = |code, name: &str, window: &str| {
        findings.push(Finding::warning(
            code,
            format!(
                "now is inside or less than an hour before the {name} window ({window} UTC) of instance {id}: the job may fail"
            ),
            "start it after the window",
        ));
    };
    let [in_backup, in_maintenance] = NearWindows::of(database).block(at);
    if in_backup {
        near("NEAR_BACKUP_WINDOW", "automated backup", &database.automated_backup_window);
    }
    if in_maintenance {
        near("NEAR_MAINTENANCE_WINDOW", "maintenance", &database.maintenance_window);
    }
    findings
}

#[cfg(test)]
mod tests;
