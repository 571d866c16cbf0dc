//! VaultService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::vaults as convert};
use crate::{
    aws::{Aws, Kind},
    proto::{self, vault_service_server::VaultService},
};

#[derive(Debug)]
pub(super) struct Vaults {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl VaultService for Vaults {
    async fn create_vault(
        &self,
        request: Request<proto::CreateVaultRequest>,
    ) -> Result<Response<proto::CreateVaultResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, new, validate_only) = convert::create(request)?;
            let vault = if validate_only {
                match aws.vault_in_place_of(&scope, &new).await? {
                    Some(vault) => vault.into(),
                    None => convert::planned(new, aws.scope(&scope).await?),
                }
            } else {
                aws.create_vault(&scope, &new).await?.into()
            };
            Ok(proto::CreateVaultResponse { vault: Some(vault), warnings: Vec::new() })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn get_vault(
        &self,
        request: Request<proto::GetVaultRequest>,
    ) -> Result<Response<proto::GetVaultResponse>, Status> {
        let work = |request| async {
            let (scope, name) = convert::get(request)?;
            let vault = self.aws.get_vault(&scope, &name).await?;
            Ok(proto::GetVaultResponse { vault: Some(vault.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn list_vaults(
        &self,
        request: Request<proto::ListVaultsRequest>,
    ) -> Result<Response<proto::ListVaultsResponse>, Status> {
        let work = |request| async {
            let (scope, page, query) = convert::list(request)?;
            let vaults = self.aws.list_vaults(&scope, &page).await?;
            Ok(proto::ListVaultsResponse {
                next_page_token: vaults.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                vaults: vaults.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn delete_vault(
        &self,
        request: Request<proto::DeleteVaultRequest>,
    ) -> Result<Response<proto::DeleteVaultResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name, allow_missing) = convert::delete(request)?;
            match aws.delete_vault(&scope, &name).await {
                Err(error) if allow_missing && error.kind == Kind::NotFound => {}
                deleted => deleted?,
            }
            Ok(proto::DeleteVaultResponse {})
        };
        self.calls.change(request, work).await
    }
}
