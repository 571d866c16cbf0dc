//! Backup vaults.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{RequestId, Retention, Scope, Tags, VaultName};

/// A vault to be created.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// Its name.
    pub name: VaultName,
    /// ARN of its KMS key; absent for AWS's own.
    pub encryption_key_arn: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Makes repeating safe.
    pub request_id: RequestId,
}

/// A vault as AWS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Where it is.
    pub scope: Scope,
    /// ARN of its KMS key.
    pub encryption_key_arn: String,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// As AWS counts them.
    pub recovery_points: i64,
    /// Its lock.
    pub lock: Option<VaultLock>,
    /// AWS's word.
    pub vault_type: String,
    /// AWS's word.
    pub state: String,
    /// Only where they were read too.
    pub tags: BTreeMap<String, String>,
    /// The CreatorRequestId.
    pub request_id: String,
}

/// A vault lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultLock {
    /// Shortest retention of new jobs, in days.
    pub min_retention_days: Option<i64>,
    /// Longest retention of new jobs, in days.
    pub max_retention_days: Option<i64>,
    /// From when on the lock cannot be removed: compliance mode. Absent: governance.
    pub locked_at: Option<Timestamp>,
}

impl VaultLock {
    /// Whether a job with this retention succeeds [D].
    pub fn allows(&self, retention: Retention) -> bool {
        match retention {
            Retention::Days(days) => {
                self.min_retention_days.is_none_or(|min| i64::from(days) >= min)
                    && self.max_retention_days.is_none_or(|max| i64::from(days) <= max)
            }
            Retention::Forever => self.max_retention_days.is_none(),
        }
    }

    /// The retention that it allows, such as `1 to 30 days`.
    pub fn range(&self) -> String {
        let min = self.min_retention_days.unwrap_or(1);
        match self.max_retention_days {
            Some(max) => format!("{min} to {max} days"),
            None => format!("{min} days or more"),
        }
    }
}
