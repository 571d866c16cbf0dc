//! The account: who Strongroom is there, and what AWS Backup supports.

use std::collections::BTreeMap;

use super::{
    Aws, Error,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{AskedScope, Eligibility, Scope};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");
const GET_SUPPORTED_RESOURCE_TYPES: Operation = Operation::read("backup", "GetSupportedResourceTypes");
const DESCRIBE_REGION_SETTINGS: Operation = Operation::read("backup", "DescribeRegionSettings");

/// An account and region as AWS Backup sees them.
#[derive(Debug, Clone)]
pub struct Account {
    /// Which account and region.
    pub scope: Scope,
    /// ARN of the identity that Strongroom has there.
    pub identity_arn: String,
    /// AWS's words.
    pub supported_resource_types: Vec<String>,
    /// By resource type: whether tag-based selections back it up.
    pub opt_in: BTreeMap<String, bool>,
    /// By resource type: whether AWS Backup manages its backups fully.
    pub management: BTreeMap<String, bool>,
}

impl Aws {
    /// What AWS Backup supports in the account and region.
    pub async fn get_account(&self, asked: &AskedScope) -> Result<Account, Error> {
        let clients = self.clients(asked).await?;
        let (identity, supported, settings) = tokio::try_join!(
            call(GET_CALLER_IDENTITY, clients.sts.get_caller_identity().send()),
            call(GET_SUPPORTED_RESOURCE_TYPES, clients.backup.get_supported_resource_types().send()),
            call(DESCRIBE_REGION_SETTINGS, clients.backup.describe_region_settings().send()),
        )?;
        Ok(Account {
            scope: clients.scope.clone(),
            identity_arn: identity.arn.unwrap_or_default(),
            supported_resource_types: supported.resource_types.unwrap_or_default(),
            opt_in: settings.resource_type_opt_in_preference.unwrap_or_default().into_iter().collect(),
            management: settings.resource_type_management_preference.unwrap_or_default().into_iter().collect(),
        })
    }

    /// What a selection may select at all in the account and region.
    pub async fn eligibility(&self, asked: &AskedScope) -> Result<Eligibility, Error> {
        self.clients(asked).await?.eligibility().await
    }
}

impl Clients {
    /// What a selection may select at all here.
    pub(super) async fn eligibility(&self) -> Result<Eligibility, Error> {
        let (supported, settings) = tokio::try_join!(
            call(GET_SUPPORTED_RESOURCE_TYPES, self.backup.get_supported_resource_types().send()),
            call(DESCRIBE_REGION_SETTINGS, self.backup.describe_region_settings().send()),
        )?;
        Ok(Eligibility {
            scope: self.scope.clone(),
            supported: supported.resource_types.unwrap_or_default().into_iter().collect(),
            opt_in: settings.resource_type_opt_in_preference.unwrap_or_default().into_iter().collect(),
        })
    }
}
