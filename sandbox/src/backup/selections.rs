//! Backup selections: which resources a plan backs up, and under which role (docs/aws-backup-semantics.md, section 1.8).
//!
//! There is no update: a selection is replaced by a new one.

mod operations;
#[cfg(test)]
pub(in crate::backup) mod tests;
mod validate;

use jiff::Timestamp;

use super::matcher::Criteria;
use super::routes::{Route, route};
pub(in crate::backup) use operations::shown;

/// What this noun serves.
pub const ROUTES: &[Route] = &[
    route("PUT", "backup/plans/{backupPlanId}/selections", "CreateBackupSelection", operations::create),
    route("GET", "backup/plans/{backupPlanId}/selections", "ListBackupSelections", operations::list),
    route("GET", "backup/plans/{backupPlanId}/selections/{selectionId}", "GetBackupSelection", operations::get),
    route(
        "DELETE",
        "backup/plans/{backupPlanId}/selections/{selectionId}",
        "DeleteBackupSelection",
        operations::delete,
    ),
];

/// The permission that a role needs, so that AWS Backup can find tagged resources `[T]`.
pub const TAG_PERMISSION: &str = "tag:GetResources";

/// A selection of a plan.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Lower-case UUID.
    pub id: String,
    /// Unique in the plan.
    pub name: String,
    /// The role under which its resources are backed up.
    pub role_arn: String,
    /// Which resources.
    pub criteria: Criteria,
    /// When it was made.
    pub created: Timestamp,
    /// What it was made with.
    pub creator_request_id: Option<String>,
}
