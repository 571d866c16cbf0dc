//! Copies of recovery points, and what makes them fail (docs/aws-backup-semantics.md, sections 1.12, 11 and 15).

use super::{
    Arn, AskedScope, Finding, Lifecycle, RecoveryPoint, RecoveryPointState, RequestId, RoleRef, Vault, VaultName,
    Warning,
    invalid::{Fault, quoted},
};

/// A recovery point to be copied.
#[derive(Debug, Clone)]
pub struct StartCopy {
    /// What is copied.
    pub recovery_point: Arn,
    /// The vault that holds it.
    pub vault: VaultName,
    /// Where the copy goes.
    pub destination: Destination,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// How long the copy is kept; absent: as long as the original.
    pub lifecycle: Option<Lifecycle>,
    /// Makes repeating safe.
    pub request_id: RequestId,
}

/// The vault that a copy goes to, in whatever account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// ARN.
    pub arn: Arn,
    /// Its name.
    pub vault: VaultName,
    /// Where it is: account and region, both named.
    pub scope: AskedScope,
}

impl Destination {
    /// The ARN of a vault.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let arn = Arn::parse(text)?;
        let fault = || {
            format!(
                "{} is not a vault's ARN: one has the form arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME",
                quoted(text)
            )
        };
        let (vault, scope) = VaultName::parse_reference(text)?;
        if scope.account.is_none() || scope.region.is_none() {
            return Err(fault().into());
        }
        Ok(Self { arn, vault, scope })
    }
}

impl StartCopy {
    /// The lifecycle of the copy. One that the original does not have keeps it for ever `[M]`.
    pub fn lifecycle_of_copy(&self, original: &RecoveryPoint) -> Lifecycle {
        self.lifecycle.as_ref().or(original.lifecycle.as_ref()).cloned().unwrap_or(Lifecycle::FOREVER)
    }

    /// Whether the copy leaves the account.
    pub fn leaves_account(&self, original: &RecoveryPoint) -> bool {
        self.destination.scope.account.as_ref() != Some(&original.scope.account)
    }

    /// What would make the job fail, as far as the recovery point and the vault that it goes to tell.
    pub fn obstacles(&self, point: &RecoveryPoint, destination: Option<&Vault>) -> Vec<Finding> {
        let mut obstacles = Vec::new();
        if point.vault_arn == self.destination.arn.as_str() {
            obstacles.push(Finding::error(
                "DESTINATION_IS_SOURCE",
                format!("the recovery point is in {} already", self.destination.arn),
                "copy it into another vault",
            ));
        }
        if point.is_continuous() {
            obstacles.push(Finding::error(
                "CONTINUOUS_NOT_COPYABLE",
                "AWS does not copy continuous recovery points",
                "make a snapshot with StartBackup and copy that, or copy by an action of the plan's rule",
            ));
        }
        // AWS Backup counts a cluster as RDS only when it is a Multi-AZ one (docs/aws-backup-semantics.md, section 8.2).
        if point.resource_type == "RDS" && point.arn.contains(":cluster-snapshot:") {
            obstacles.push(Finding::error(
                "MULTI_AZ_CLUSTER_NOT_COPYABLE",
                "AWS Backup does not copy recovery points of Multi-AZ DB clusters",
                "copy the snapshot in RDS",
            ));
        }
        obstacles.extend(not_copyable(&point.state));
        let lifecycle = self.lifecycle_of_copy(point);
        if let Some(lock) = destination.and_then(|vault| vault.lock.as_ref())
            && !lock.allows(lifecycle.retention)
        {
            obstacles.push(Finding::error(
                "RETENTION_OUTSIDE_VAULT_LOCK",
                format!(
                    "the lock of vault {} allows {} of retention and the copy would be kept {}",
                    self.destination.arn,
                    lock.range(),
                    lifecycle.retention
                ),
                "set a lifecycle within the lock, or copy into another vault",
            ));
        }
        obstacles
    }

    /// The vault that the copy goes to is not there.
    pub fn destination_missing(&self) -> Finding {
        Finding::error(
            "DESTINATION_NOT_FOUND",
            format!("vault {} does not exist", self.destination.arn),
            "create it, or correct the ARN",
        )
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
    pub fn warnings(&self, point: &RecoveryPoint) -> Vec<Warning> {
        let cold = self.lifecycle_of_copy(point).cold_after_days.is_some();
        if !cold || !matches!(point.resource_type.as_str(), "RDS" | "Aurora" | "DocumentDB" | "Neptune") {
            return Vec::new();
        }
        vec![Warning {
            code: "COLD_STORAGE_IGNORED",
            message: "RDS has no cold storage: AWS ignores move_to_cold_storage_after_days".to_owned(),
            field: "lifecycle.move_to_cold_storage_after_days".to_owned(),
        }]
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
