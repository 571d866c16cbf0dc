//! The account: who Strongroom is there, and what AWS Backup protects.

use super::{
    Aws, Error,
    call::{Operation, call},
    client::Clients,
};
use crate::domain::{AskedScope, Eligibility, RegionSettings, SettingsUpdate};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");
const GET_SUPPORTED_RESOURCE_TYPES: Operation = Operation::read("backup", "GetSupportedResourceTypes");
const DESCRIBE_REGION_SETTINGS: Operation = Operation::read("backup", "DescribeRegionSettings");
const UPDATE_REGION_SETTINGS: Operation = Operation::write("backup", "UpdateRegionSettings");

/// An account and region as AWS Backup sees them.
#[derive(Debug, Clone)]
pub struct Account {
    /// ARN of the identity that Strongroom has there.
    pub identity_arn: String,
    /// What is protected there.
    pub settings: RegionSettings,
}

impl Aws {
    /// What AWS Backup supports in the account and region.
    pub async fn get_account(&self, asked: &AskedScope) -> Result<Account, Error> {
        let clients = self.clients(asked).await?;
        let (identity, settings) = tokio::try_join!(
            call(GET_CALLER_IDENTITY, clients.sts.get_caller_identity().send()),
            clients.region_settings(),
        )?;
        Ok(Account { identity_arn: identity.arn.unwrap_or_default(), settings })
    }

    /// What a selection may select at all in the account and region.
    pub async fn eligibility(&self, asked: &AskedScope) -> Result<Eligibility, Error> {
        self.clients(asked).await?.eligibility().await
    }

    /// Which resource types AWS Backup protects in the account and region.
    pub async fn get_region_settings(&self, asked: &AskedScope) -> Result<RegionSettings, Error> {
        self.clients(asked).await?.region_settings().await
    }

    /// Changes the settings that the update names; AWS leaves the others alone `[M][X]`. Answers all of them as they are
    /// then. Safe to repeat by what it is.
    pub async fn update_region_settings(
        &self,
        asked: &AskedScope,
        update: &SettingsUpdate,
    ) -> Result<RegionSettings, Error> {
        let clients = self.clients(asked).await?;
        let given = |map: &std::collections::BTreeMap<String, bool>| {
            (!map.is_empty()).then(|| map.iter().map(|(name, on)| (name.clone(), *on)).collect())
        };
        let sent = clients
            .backup
            .update_region_settings()
            .set_resource_type_opt_in_preference(given(&update.opt_in))
            .set_resource_type_management_preference(given(&update.management));
        call(UPDATE_REGION_SETTINGS, sent.send()).await?;
        clients.region_settings().await.map_err(|error| error.after(UPDATE_REGION_SETTINGS.name))
    }
}

impl Clients {
    /// What a selection may select at all here.
    pub(super) async fn eligibility(&self) -> Result<Eligibility, Error> {
        let RegionSettings { scope, supported, opt_in, management: _ } = self.region_settings().await?;
        Ok(Eligibility { scope, supported: supported.into_iter().collect(), opt_in })
    }

    async fn region_settings(&self) -> Result<RegionSettings, Error> {
        let (supported, settings) = tokio::try_join!(
            call(GET_SUPPORTED_RESOURCE_TYPES, self.backup.get_supported_resource_types().send()),
            call(DESCRIBE_REGION_SETTINGS, self.backup.describe_region_settings().send()),
        )?;
        Ok(RegionSettings {
            scope: self.scope.clone(),
            supported: supported.resource_types.unwrap_or_default(),
            opt_in: settings.resource_type_opt_in_preference.unwrap_or_default().into_iter().collect(),
            management: settings.resource_type_management_preference.unwrap_or_default().into_iter().collect(),
        })
    }
}
