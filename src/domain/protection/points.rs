//! What there is to restore from.

use jiff::Timestamp;

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, RecoveryPoint, RecoveryPointState, Resource, Severity};

/// The newest point that can be restored from: the continuous one while AWS Backup keeps it up to date, whenever it began.
pub fn newest_usable<'p>(points: &'p [RecoveryPoint], database: &Resource) -> Option<&'p RecoveryPoint> {
    let usable = |point: &&RecoveryPoint| {
        matches!(
            point.state,
            RecoveryPointState::Completed | RecoveryPointState::Available | RecoveryPointState::Stopped
        )
    };
    let until = |point: &&RecoveryPoint| {
        let followed = !point.arn.is_empty() && point.arn == database.continuous_recovery_point_arn;
        let ongoing = followed && point.state != RecoveryPointState::Stopped;
        let latest = database.latest_restorable_at.filter(|_| ongoing);
        latest.max(point.created_at)
    };
    points.iter().filter(usable).max_by_key(until)
}

impl Evidence {
    /// Whether there is something to restore from.
    pub(super) fn point_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        let Some(points) = &self.points else { return Vec::new() };
        let mut findings = Vec::new();
        if newest_usable(points, &self.database).is_none() {
            let next: Option<Timestamp> = covering.iter().filter_map(|rule| rule.runs.next).min();
            let action = next.map_or("StartBackup backs it up now".to_owned(), |next| {
                format!("StartBackup backs it up now; the next run is at {next}")
            });
            let message = format!("{} has no recovery point: there is nothing to restore from", self.database.id);
            findings.push(Finding::error("NO_RECOVERY_POINT", message, action));
        }
        let stuck = points.iter().filter(|point| point.state == RecoveryPointState::Expired).count();
        if stuck > 0 {
            let message =
                format!("AWS Backup could not delete {stuck} recovery points whose time is over: they cost on");
            let action = "see that the role that made them exists and may delete them, then DeleteRecoveryPoint";
            let expired = Finding::warning("RECOVERY_POINTS_EXPIRED", message, action);
            findings.push(Finding { severity: Severity::Info, ..expired });
        }
        findings
    }
}
