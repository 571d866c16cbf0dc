//! How far a deletion of a vault with its recovery points came.

use super::{Deletion, Scope};

/// How far the deletion of a vault came.
#[derive(Debug)]
pub struct VaultDeletion {
    /// Where the vault is, or was.
    pub scope: Scope,
    /// What became of the vault itself.
    pub of_vault: Deletion,
    /// Recovery points that this call deleted.
    pub points_deleted: usize,
    /// Recovery points that are still in the vault, those being deleted included; of one that is only checked, those that
    /// would be deleted.
    pub points_remaining: i64,
    /// What AWS would not delete.
    pub undeleted: Vec<Undeleted>,
}

impl VaultDeletion {
    /// No recovery point was touched, and none is left.
    pub fn of(of_vault: Deletion, scope: &Scope) -> Self {
        Self { scope: scope.clone(), of_vault, points_deleted: 0, points_remaining: 0, undeleted: Vec::new() }
    }
}

/// A recovery point that was not deleted.
#[derive(Debug)]
pub struct Undeleted {
    /// Its ARN.
    pub arn: String,
    /// Why, and what to do.
    pub message: String,
}
