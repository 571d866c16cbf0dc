//! What the checks of a restore come to.

use super::{Restore, RestoreWindow};
use crate::domain::{Finding, Noun, Refusal, RefusalKind};

/// What the checks of a restore found.
#[derive(Debug, Clone)]
pub struct RestoreChecks {
    /// The role that AWS Backup would assume.
    pub role_arn: String,
    /// All that was found, the most serious first: what stands in the way, what will surprise, and what is as it should be.
    pub findings: Vec<Finding>,
    /// Between which times a continuous recovery point can be restored.
    pub window: Option<RestoreWindow>,
}

impl RestoreChecks {
    /// Why the restore must not be started, if it must not. A taken name alone is told as such.
    pub fn refusal(&self, restore: &Restore) -> Option<Refusal> {
        let mut obstacles = self.findings.iter().filter(|finding| finding.is_obstacle());
        match (obstacles.next(), obstacles.next()) {
            (Some(only), None) if only.code == "NAME_TAKEN" => {
                let (name, message) = (restore.target.identifier(), format!("{}: {}", only.message, only.action));
                Some(Refusal::of(RefusalKind::AlreadyExists, Noun::Resource, name, message))
            }
            _ => Refusal::preflight(Noun::RecoveryPoint, restore.recovery_point.as_str(), &self.findings),
        }
    }
}
