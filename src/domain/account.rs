//! Accounts as AWS Backup sees them.

use super::RegionSettings;

/// An account and region as AWS Backup sees them.
#[derive(Debug, Clone)]
pub struct Account {
    /// ARN of the identity that Strongroom has there.
    pub identity_arn: String,
    /// Whether requests that name neither account nor region go there.
    pub is_default: bool,
    /// What is protected there.
    pub settings: RegionSettings,
}
