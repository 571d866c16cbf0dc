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
            let default = self.aws.scope(&AskedScope::default()).await.is_ok_and(|default| default == account.scope);
            Ok(proto::GetAccountResponse { account: Some(convert::account(account, default)) })
        };
        self.calls.read(request, work).await
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
            Ok(proto::EnsureServiceRoleResponse {
                role: Some(role.into()),
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
            let (scope, role) = convert::get_role(request)?;
            let role = self.aws.get_service_role(&scope, &role).await?;
            Ok(proto::GetServiceRoleResponse { role: Some(role.into()) })
        };
        self.calls.read(request, work).await
    }
}
