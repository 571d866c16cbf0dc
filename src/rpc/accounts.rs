//! AccountService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::accounts as convert};
use crate::{
    aws::Aws,
    domain::AskedScope,
    proto::{self, account_service_server::AccountService},
};

#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl AccountService for Accounts {
    async fn get_account(
        &self,
        request: Request<proto::GetAccountRequest>,
    ) -> Result<Response<proto::GetAccountResponse>, Status> {
        let work = |request| async {
            let scope = convert::get(request)?;
            let account = self.aws.get_account(&scope).await?;
            let default =
                self.aws.scope(&AskedScope::default()).await.is_ok_and(|default| default == account.settings.scope);
            Ok(proto::GetAccountResponse { account: Some(convert::account(account, default)) })
        };
        self.calls.read(request, work).await
    }

    async fn get_region_settings(
        &self,
        request: Request<proto::GetRegionSettingsRequest>,
    ) -> Result<Response<proto::GetRegionSettingsResponse>, Status> {
        let work = |request| async {
            let scope = convert::get_settings(request)?;
            let settings = self.aws.get_region_settings(&scope).await?;
            Ok(proto::GetRegionSettingsResponse { settings: Some(settings.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn update_region_settings(
        &self,
        request: Request<proto::UpdateRegionSettingsRequest>,
    ) -> Result<Response<proto::UpdateRegionSettingsResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = move |request| async move {
            let (scope, update) = convert::update_settings(request)?;
            // Which types there are only the region knows, so faults of the request show only now.
            let planned = update.over(&aws.get_region_settings(&scope).await?)?;
            let settings = if dry_run { planned } else { aws.update_region_settings(&scope, &update).await? };
            Ok(proto::UpdateRegionSettingsResponse {
                settings: Some(settings.into()),
                warnings: update.warnings().into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn ensure_service_role(
        &self,
        request: Request<proto::EnsureServiceRoleRequest>,
    ) -> Result<Response<proto::EnsureServiceRoleResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, ensure) = convert::ensure_role(request)?;
            let (role, changes) = aws.ensure_service_role(&scope, &ensure).await?;
            let changed = !changes.is_empty() && !ensure.validate_only;
            Ok(proto::EnsureServiceRoleResponse {
                role: Some(convert::role(role, &ensure.served, changed, aws.now())),
                changes: changes.into_iter().map(Into::into).collect(),
                warnings: Vec::new(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn get_service_role(
        &self,
        request: Request<proto::GetServiceRoleRequest>,
    ) -> Result<Response<proto::GetServiceRoleResponse>, Status> {
        let work = |request| async {
            let (scope, role, served) = convert::get_role(request)?;
            let role = self.aws.get_service_role(&scope, &role).await?;
            Ok(proto::GetServiceRoleResponse { role: Some(convert::role(role, &served, false, self.aws.now())) })
        };
        self.calls.read(request, work).await
    }
}
