//! Backup vaults.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{RequestId, Scope, Tags, VaultLock, VaultName};

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
