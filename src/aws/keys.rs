//! KMS keys: whose they are. AWS's own, such as `aws/backup`, take no part in copies to another account.

use aws_sdk_kms::types::KeyManagerType;

use super::{
    Failure, Scoped,
    call::{Operation, ask},
};

const DESCRIBE: Operation = Operation::read("kms", "DescribeKey");

impl Scoped {
    /// Whether the key is enabled, and AWS's word for its state.
    pub(super) async fn key_state(&self, key_arn: &str) -> Result<(bool, String), Failure> {
        let answer = self.read(DESCRIBE, ask!(self.clients.kms.describe_key().key_id(key_arn))).await?;
        let metadata = answer.key_metadata.ok_or_else(|| Failure::malformed(DESCRIBE, "KeyMetadata"))?;
        let word = metadata.key_state.as_ref().map_or("not enabled", |state| state.as_str()).to_owned();
        Ok((metadata.enabled, word))
    }

    /// Whether AWS manages the key, so that nobody else's account can be let use it.
    pub(super) async fn is_aws_managed(&self, key_arn: &str) -> Result<bool, Failure> {
        let answer = self.read(DESCRIBE, ask!(self.clients.kms.describe_key().key_id(key_arn))).await?;
        let metadata = answer.key_metadata.ok_or_else(|| Failure::malformed(DESCRIBE, "KeyMetadata"))?;
        Ok(metadata.key_manager == Some(KeyManagerType::Aws))
    }
}
