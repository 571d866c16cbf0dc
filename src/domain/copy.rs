//! Copies of recovery points, and what makes them fail (docs/aws-backup-semantics.md, sections 1.12, 11 and 15).

use super::{
    Arn, Finding, Lifecycle, RecoveryPoint, RecoveryPointState, ResourceType, RoleRef, Unseen, Vault, VaultName,
    VaultRef,
};

/// A recovery point to be copied.
#[derive(Debug, Clone)]
pub struct StartCopy {
    /// What is copied.
    pub recovery_point: Arn,
    /// The vault that holds it.
    pub vault: VaultName,
    /// The vault that the copy goes to, in whatever account and region.
    pub destination: VaultRef,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// How long the copy is kept; absent: as long as the original.
    pub lifecycle: Option<Lifecycle>,
}

/// A copy that nothing is known to stand in the way of.
#[derive(Debug)]
pub struct CheckedCopy {
    /// How long the copy is kept.
    pub lifecycle: Lifecycle,
    /// AWS Backup's name for the type of what is copied, where it is known.
    pub resource_type: Option<ResourceType>,
    /// What will surprise.
    pub findings: Vec<Finding>,
}

/// The field of the request that says where the copy goes.
const DESTINATION_FIELD: &str = "destination_vault";

impl StartCopy {
    /// The lifecycle of the copy. One that the original does not have keeps it for ever `[M]`.
    pub fn lifecycle_of_copy(&self, original: &RecoveryPoint) -> Lifecycle {
        self.lifecycle.as_ref().or(original.lifecycle.as_ref()).cloned().unwrap_or(Lifecycle::FOREVER)
    }

    /// Whether the copy leaves the account.
    pub fn leaves_account(&self, original: &RecoveryPoint) -> bool {
        self.destination.scope().account.is_some_and(|account| account != original.scope.account)
    }

    /// What would make the job fail, as far as the recovery point and the vault that it goes to tell: its ARN, and the
    /// vault itself where it can be seen.
    pub fn obstacles(&self, point: &RecoveryPoint, destination: &str, there: Option<&Vault>) -> Vec<Finding> {
        let mut obstacles = Vec::new();
        if point.vault_arn.as_deref() == Some(destination) {
            let home = Finding::destination_is_source(destination, "the recovery point is");
            obstacles.push(home.at(DESTINATION_FIELD));
        }
        if point.is_continuous() {
            let action = "make a snapshot with StartBackup and copy that, or copy by an action of the plan's rule";
            obstacles.push(Finding::continuous_not_copyable("", action));
        }
        // AWS Backup counts a cluster as RDS only when it is a Multi-AZ one (docs/aws-backup-semantics.md, section 8.2).
        if point.resource_type == Some(ResourceType::RDS) && point.arn.contains(":cluster-snapshot:") {
            obstacles.push(Finding::multi_az_cluster_not_copyable(""));
        }
        obstacles.extend(not_copyable(&point.state));
        let lifecycle = self.lifecycle_of_copy(point);
        let lock = there.and_then(|vault| vault.lock.as_ref());
        let outside =
            lock.and_then(|lock| Finding::outside_lock(destination, lock, "the copy would be", lifecycle.retention));
        obstacles.extend(outside.map(|finding| finding.at("lifecycle")));
        obstacles
    }

    /// The vault that the copy goes to is not there.
    pub fn destination_missing(destination: &str, meant: &str) -> Finding {
        let message = format!("vault {destination} does not exist{meant}");
        Finding::error("DESTINATION_NOT_FOUND", message, "create it, or correct the ARN").at(DESTINATION_FIELD)
    }

    /// The vault that the copy goes to could not be seen.
    pub fn destination_not_checked(destination: &str, unseen: &Unseen) -> Finding {
        let message = format!(
            "Strongroom could not look at vault {destination} ({}): if it is missing, its lock does not allow the \
             retention or its key does not allow the copy, the job fails",
            unseen.why
        );
        let action = unseen.action_at(
            destination,
            "backup:DescribeBackupVault and backup:ListBackupVaults",
            "watch the job, or have it checked again",
        );
        Finding::warning("DESTINATION_NOT_CHECKED", message, action).at(DESTINATION_FIELD)
    }

    /// A key that takes part could not be looked at. `at`: its ARN or its vault's, by which it is known where to ask.
    pub fn key_not_checked(what: &str, at: &str, permissions: &str, why: impl Into<Unseen>) -> Finding {
        let unseen = why.into();
        let message = format!("whose key {what} has is not known ({}): if AWS manages it, the job fails", unseen.why);
        let action = unseen.action_at(at, permissions, "watch the job, or have it checked again");
        Finding::warning("KEY_NOT_CHECKED", message, action).at(DESTINATION_FIELD)
    }

    /// A key that takes part is not there: it was deleted, or never was.
    pub fn key_missing(what: &str, key: &str) -> Finding {
        let message = format!("{what} has key {key}, which does not exist: a job that needs it fails");
        Finding::warning("KEY_MISSING", message, "use a vault with another key").at(DESTINATION_FIELD)
    }

    /// A key of AWS's own takes no part in a copy to another account `[D]`.
    pub fn aws_managed_key(what: &str, key: &str) -> Finding {
        Finding::error(
            "AWS_MANAGED_KEY",
            format!("{what} is encrypted with {key}, a key that AWS manages: no other account can be let use it"),
            "use a vault and a database with a KMS key of your own for copies to another account",
        )
    }

    /// What of the copy will surprise.
    pub fn findings(&self, point: &RecoveryPoint) -> Vec<Finding> {
        self.lifecycle_of_copy(point).cold_storage_ignored(point.type_of_resource().as_ref()).into_iter().collect()
    }
}

fn not_copyable(state: &RecoveryPointState) -> Option<Finding> {
    use RecoveryPointState as S;
    let (why, action) = match state {
        S::Completed | S::Available | S::Unknown(_) => return None,
        S::Creating => ("its backup is still running", "wait for the backup job"),
        S::Deleting => ("it is being deleted", "copy another recovery point"),
        S::Partial => ("some of its parts are missing", "copy another recovery point"),
        S::Expired => ("its retention has passed", "copy another recovery point"),
        S::Stopped => ("it is no longer continued", "copy another recovery point"),
    };
    let message = format!("the recovery point is {}: {why}", state.word());
    Some(Finding::error("POINT_NOT_COPYABLE", message, action))
}

#[cfg(test)]
mod tests;
