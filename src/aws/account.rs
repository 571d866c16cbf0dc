//! The account: who Strongroom is there, and what AWS Backup protects.

use std::collections::BTreeMap;

use futures_util::TryFutureExt;

use super::{
    Error, Scoped,
    call::{Operation, ask},
};
use crate::domain::{
    Account, Asked, Eligibility, Finding, Invalid, Noun, RegionSettings, ResourceType, Scope, SettingsUpdate, Unseen,
    check_etag,
};

const GET_CALLER_IDENTITY: Operation = Operation::read("sts", "GetCallerIdentity");
const GET_SUPPORTED_RESOURCE_TYPES: Operation = Operation::read("backup", "GetSupportedResourceTypes");
const DESCRIBE_REGION_SETTINGS: Operation = Operation::read("backup", "DescribeRegionSettings");
const UPDATE_REGION_SETTINGS: Operation = Operation::write("backup", "UpdateRegionSettings");

impl Scoped {
    /// What AWS Backup supports in the account and region.
    pub async fn get_account(&self) -> Result<Account, Error> {
        let scope = self.scope();
        let (identity, settings, home) = tokio::try_join!(
            self.read(GET_CALLER_IDENTITY, ask!(self.clients.sts.get_caller_identity())).err_into(),
            self.get_region_settings(),
            self.aws.home(&scope.region),
        )?;
        let is_default = scope.account == *home && self.aws.default_region() == Some(&scope.region);
        Ok(Account { identity_arn: identity.arn.unwrap_or_default(), is_default, settings })
    }

    /// Changes the settings that the update names; AWS leaves the others alone `[M][X]`. Answers all of them as they are
    /// then, and what will surprise; or the types that the region does not know, which only it can tell. What is there
    /// already is not written again.
    pub async fn update_region_settings(
        &self,
        asked: &Asked<SettingsUpdate>,
    ) -> Result<Result<(RegionSettings, Vec<Finding>), Invalid>, Error> {
        let update = &asked.what;
        let current = self.get_region_settings().await?;
        let then = match update.over(&current) {
            Ok(then) => then,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let mut findings = update.findings();
        if then == current {
            return Ok(Ok((current, findings)));
        }
        // Looked at before anything is changed: afterwards nobody could tell any more.
        findings.extend(self.besides(asked).left_out_by(update, &current, &then).await);
        let Scope { account, region } = self.scope();
        let what = format!("what AWS Backup protects in region {region} of account {account}");
        check_etag(update.etag.as_deref(), &current.etag(), &what, (Noun::Account, account.as_str()))?;
        if asked.is_check() {
            return Ok(Ok((then, findings)));
        }
        let given = |map: &BTreeMap<String, bool>| {
            (!map.is_empty()).then(|| map.iter().map(|(name, on)| (name.clone(), *on)).collect())
        };
        let sent = self
            .clients
            .backup
            .update_region_settings()
            .set_resource_type_opt_in_preference(given(&update.opt_in))
            .set_resource_type_management_preference(given(&update.management));
        self.call(UPDATE_REGION_SETTINGS, sent.send()).await?;
        let now = self.get_region_settings().await.map_err(|error| error.after(UPDATE_REGION_SETTINGS.name))?;
        Ok(Ok((now, findings)))
    }

    /// What a selection may select at all in the account and region.
    pub(super) async fn eligibility(&self) -> Result<Eligibility, Error> {
        Ok(self.get_region_settings().await?.eligibility())
    }

    /// Looks whether there are the resource types that a request names, each with its field. Only names that this version
    /// does not know cost a call: the region's own list judges them.
    pub async fn check_types(&self, named: &[(String, &ResourceType)]) -> Result<Vec<Finding>, Error> {
        if named.iter().all(|(_, of_type)| of_type.is_known()) {
            return Ok(Vec::new());
        }
        let sent = self.clients.backup.get_supported_resource_types();
        let judged = match self.read(GET_SUPPORTED_RESOURCE_TYPES, ask!(sent)).await {
            Ok(answer) => ResourceType::judged(named, Ok(answer.resource_types())),
            Err(error) => ResourceType::judged(named, Err(&Unseen::from(&error))),
        };
        judged.map_err(|violations| Invalid { violations }.into())
    }

    /// Which resource types AWS Backup protects in the account and region.
    pub async fn get_region_settings(&self) -> Result<RegionSettings, Error> {
        let (supported, settings) = tokio::try_join!(
            self.read(GET_SUPPORTED_RESOURCE_TYPES, ask!(self.clients.backup.get_supported_resource_types())),
            self.read(DESCRIBE_REGION_SETTINGS, ask!(self.clients.backup.describe_region_settings())),
        )?;
        Ok(RegionSettings {
            scope: self.scope().clone(),
            supported: supported.resource_types.unwrap_or_default(),
            opt_in: settings.resource_type_opt_in_preference.unwrap_or_default().into_iter().collect(),
            management: settings.resource_type_management_preference.unwrap_or_default().into_iter().collect(),
        })
    }
}
