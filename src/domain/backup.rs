//! Backups on demand, and what will surprise about them.

use jiff::Timestamp;

use super::{
    Arn, Finding, Lifecycle, RequestId, Resource, ResourceKind, ResourceRef, RoleRef, Tags, VaultLock, VaultName,
    Warning, Windows,
    rds_window::{BackupWindow, MaintenanceWindow},
};

/// A backup to be made now.
#[derive(Debug, Clone)]
pub struct StartBackup {
    /// What to back up.
    pub resource: Arn,
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
    /// Makes repeating safe.
    pub request_id: RequestId,
}

impl StartBackup {
    /// An hour to start in, as the console's backups on demand have it `[M][D]`, and seven days to finish in.
    pub const DEFAULT_WINDOWS: Windows = Windows { start_minutes: 60, completion_minutes: 10_080 };

    /// The default completion window for a start window. Where the default to finish in would be too short for a long start window, it is
    /// the shortest that AWS takes.
    pub fn completion_for(start_minutes: i64) -> i64 {
        Self::DEFAULT_WINDOWS.completion_minutes.max(start_minutes + 60)
    }

    /// The RDS instance or cluster that is backed up, if it is one.
    pub fn database(&self) -> Option<ResourceRef> {
        ResourceRef::parse(self.resource.as_str()).ok().map(|(named, _)| named)
    }

    /// What the lifecycle will not do: cold storage that databases do not have `[M][D]`, and a retention that the vault's
    /// lock turns into a failed job `[D]`.
    pub fn lifecycle_warnings(&self, lock: Option<&VaultLock>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.lifecycle.cold_after_days.is_some() && self.resource.service() == "rds" {
            warnings.push(Warning {
                code: "COLD_STORAGE_IGNORED",
                message: "RDS has no cold storage: AWS ignores move_to_cold_storage_after_days".to_owned(),
                field: "lifecycle.move_to_cold_storage_after_days".to_owned(),
            });
        }
        let Some(lock) = lock else { return warnings };
        if !lock.allows(self.lifecycle.retention) {
            warnings.push(Warning {
                code: "RETENTION_OUTSIDE_VAULT_LOCK",
                message: format!(
                    "the lock of vault {} allows {} of retention and this backup is kept {}: the job will fail",
                    self.vault,
                    lock.range(),
                    self.lifecycle.retention
                ),
                field: "lifecycle".to_owned(),
            });
        }
        warnings
    }
}

/// What of the database's state lets a backup that begins about `at` fail, as a warning of the resource.
pub fn database_warnings(database: &Resource, at: Timestamp) -> Vec<Warning> {
    let warning = |finding: Finding| Warning {
        code: finding.code,
        message: format!("{}; {}", finding.message, finding.action),
        field: "resource_arn".to_owned(),
    };
    database_findings(database, at).into_iter().map(warning).collect()
}

/// What of the database's state lets a backup that begins about `at` fail (docs/aws-backup-semantics.md, section 3.3).
pub fn database_findings(database: &Resource, at: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let noun = match database.kind {
        ResourceKind::DbInstance => "instance",
        ResourceKind::DbCluster => "cluster",
    };
    let id = &database.id;
    // Storage optimisation goes on for hours and does not hinder snapshots [D].
    if !matches!(database.status.as_str(), "available" | "storage-optimization") {
        findings.push(Finding::warning(
            "DATABASE_NOT_AVAILABLE",
            format!("{noun} {id} is {}: the job fails unless it is available when the backup begins", database.status),
            format!("make {id} available"),
        ));
    }
    // With a continuous backup AWS Backup owns the windows and they do not conflict [D]. Clusters have no such rule.
    if database.kind == ResourceKind::DbCluster || !database.continuous_recovery_point_arn.is_empty() {
        return findings;
    }
    let mut near = |code, name: &str, window: &str| {
        findings.push(Finding::warning(
            code,
            format!(
                "now is inside or less than an hour before the {name} window ({window} UTC) of instance {id}: the job may fail"
            ),
            "start it after the window",
        ));
    };
    let backup = BackupWindow::parse(&database.automated_backup_window);
    if database.automated_backup_retention_days > 0 && backup.is_some_and(|window| window.blocks(at)) {
        near("NEAR_BACKUP_WINDOW", "automated backup", &database.automated_backup_window);
    }
    let maintenance = MaintenanceWindow::parse(&database.maintenance_window);
    if maintenance.is_some_and(|window| window.blocks(at)) {
        near("NEAR_MAINTENANCE_WINDOW", "maintenance", &database.maintenance_window);
    }
    findings
}

#[cfg(test)]
mod tests;
