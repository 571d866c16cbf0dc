//! AccountService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{accounts as convert, findings},
};
use crate::{
    aws::Scoped,
    domain::{Asked, EnsureRole, GetRole},
    proto::{self, account_service_server::AccountService},
};

#[derive(Debug)]
pub(super) struct Accounts(pub(super) Calls);

#[async_trait]
impl AccountService for Accounts {
    async fn get_account(
        &self,
        request: Request<proto::GetAccountRequest>,
    ) -> Result<Response<proto::GetAccountResponse>, Status> {
        let work = |aws: Scoped, ()| async move {
            let account = aws.get_account().await?;
            Ok(proto::GetAccountResponse { account: Some(account.into()) })
        };
        self.0.read(request, convert::get, work).await
    }

    async fn get_region_settings(
        &self,
        request: Request<proto::GetRegionSettingsRequest>,
    ) -> Result<Response<proto::GetRegionSettingsResponse>, Status> {
        let work = |aws: Scoped, ()| async move {
            let settings = aws.get_region_settings().await?;
            Ok(proto::GetRegionSettingsResponse { settings: Some(settings.into()) })
        };
        self.0.read(request, convert::get_settings, work).await
    }

    async fn update_region_settings(
        &self,
        request: Request<proto::UpdateRegionSettingsRequest>,
    ) -> Result<Response<proto::UpdateRegionSettingsResponse>, Status> {
        let work = |aws: Scoped, asked| async move {
            let (settings, found) = aws.update_region_settings(&asked).await??;
            let settings = Some(settings.into());
            Ok(proto::UpdateRegionSettingsResponse { settings, findings: findings(found), ..Default::default() })
        };
        self.0.change(request, convert::update_settings, work).await
    }

    async fn get_global_settings(
        &self,
        request: Request<proto::GetGlobalSettingsRequest>,
    ) -> Result<Response<proto::GetGlobalSettingsResponse>, Status> {
        let work = |aws: Scoped, ()| async move {
            let settings = aws.get_global_settings().await?;
            Ok(proto::GetGlobalSettingsResponse { global_settings: Some(settings.into()) })
        };
        self.0.read(request, convert::get_global_settings, work).await
    }

    async fn update_global_settings(
        &self,
        request: Request<proto::UpdateGlobalSettingsRequest>,
    ) -> Result<Response<proto::UpdateGlobalSettingsResponse>, Status> {
        let work = |aws: Scoped, asked| async move {
            let (settings, found) = aws.update_global_settings(&asked).await??;
            Ok(proto::UpdateGlobalSettingsResponse {
                global_settings: Some(settings.into()),
                findings: findings(found),
                ..Default::default()
            })
        };
        self.0.change(request, convert::update_global_settings, work).await
    }

    async fn ensure_service_role(
        &self,
        request: Request<proto::EnsureServiceRoleRequest>,
    ) -> Result<Response<proto::EnsureServiceRoleResponse>, Status> {
        let work = |aws: Scoped, asked: Asked<EnsureRole>| async move {
            let mut besides = aws.check_types(&asked.what.served.named("resource_types")).await?;
            let (role, changes) = aws.ensure_service_role(&asked).await?;
            besides.extend(role.tags_kept(&asked.what.tags));
            let changed = !changes.is_empty() && !asked.is_check();
            let (role, findings) = convert::role(aws.scope(), aws.now(), role, &asked.what.served, changed, besides);
            Ok(proto::EnsureServiceRoleResponse {
                role: Some(role),
                changes: changes.into_iter().map(Into::into).collect(),
                findings,
                ..Default::default()
            })
        };
        self.0.change(request, convert::ensure_role, work).await
    }

    async fn get_service_role(
        &self,
        request: Request<proto::GetServiceRoleRequest>,
    ) -> Result<Response<proto::GetServiceRoleResponse>, Status> {
        let work = |aws: Scoped, GetRole { role, served }| async move {
            let unknown = aws.check_types(&served.named("resource_types")).await?;
            let role = aws.get_service_role(&role).await?;
            let (role, findings) = convert::role(aws.scope(), aws.now(), role, &served, false, unknown);
            Ok(proto::GetServiceRoleResponse { role: Some(role), findings })
        };
        self.0.read(request, convert::get_role, work).await
    }
}
