//! Continuous backup (docs/aws-backup-semantics.md, section 7.4).

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, JobState, RecoveryPointState, ResourceKind, ResourceType};

impl Evidence {
    /// Whether the database has the continuous backup that a rule asks for.
    pub(super) fn continuous_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        let asking: Vec<&Covering<'_>> = covering.iter().filter(|covered| covered.rule.continuous).collect();
        let Some(first) = asking.first() else { return Vec::new() };
        let (name, database) = (first.name(), &self.database);
        let id = &database.id;
        let possible = match database.kind {
            ResourceKind::DbInstance => database.cluster_id.is_empty(),
            ResourceKind::DbCluster => database.resource_type() == ResourceType::AURORA,
        };
        let finding = if !possible {
            let message = format!(
                "{name} asks for continuous backup, which AWS Backup does not have for {id} ({}): it gets snapshots",
                database.engine
            );
            Finding::info("CONTINUOUS_BACKUP_NOT_POSSIBLE", message)
        } else if !database.continuous_recovery_point_arn.is_empty() {
            let until = database.latest_restorable_at.map_or_else(String::new, |at| format!(" up to {at}"));
            let message = format!("AWS Backup backs {id} up continuously: it can be restored to any second{until}");
            Finding::info("CONTINUOUS_BACKUP_ACTIVE", message)
        } else if !asking.iter().any(|asked| asked.jobs().any(|job| job.state == JobState::Completed)) {
            let message = format!("{name} asks for continuous backup, which begins with the rule's first run");
            Finding::info("CONTINUOUS_BACKUP_PENDING", message)
        } else if database.automated_backup_retention_days == 0 {
            let window = &database.maintenance_window;
            let message = format!(
                "{name} asks for continuous backup, which begins in the next maintenance window ({window} UTC) of {id}, for \
                 RDS makes no backups of it yet; until then it gets snapshots"
            );
            Finding::info("CONTINUOUS_BACKUP_PENDING", message)
        } else {
            let mut points = self.points.iter().flatten();
            let stopped = points.find(|point| point.is_continuous() && point.state == RecoveryPointState::Stopped);
            let why = match stopped.map(|point| point.status_message.as_deref()) {
                None => "snapshots are made instead".to_owned(),
                Some(None) => "its continuous recovery point is STOPPED".to_owned(),
                Some(Some(said)) => format!("its continuous recovery point is STOPPED: {said}"),
            };
            Finding::warning(
                "CONTINUOUS_BACKUP_NOT_ACTIVE",
                format!("{name} asks for continuous backup and {id} has none: {why}"),
                "read the message of the rule's last job: most often the role lacks rds:ModifyDBInstance, or another \
                 vault has the continuous backup already",
            )
        };
        vec![finding]
    }
}
