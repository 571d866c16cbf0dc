//! VaultService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{vault_lock, vault_settings, vaults as convert},
};
use crate::{
    aws::{Aws, Kind, VaultDeletion},
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
        let until = self.calls.stop_by(request.metadata());
        let work = |request| async move {
            let asked = convert::delete(request)?;
            let deletion = if asked.force {
                aws.delete_vault_with_points(&asked.scope, &asked.vault, until).await
            } else {
                aws.delete_vault(&asked.scope, &asked.vault).await.map(|()| VaultDeletion::done())
            };
            match deletion {
                Err(error) if asked.allow_missing && error.kind == Kind::NotFound => Ok(VaultDeletion::done().into()),
                deletion => Ok(deletion?.into()),
            }
        };
        self.calls.change(request, work).await
    }

    async fn lock_vault(
        &self,
        request: Request<proto::LockVaultRequest>,
    ) -> Result<Response<proto::LockVaultResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, lock, validate_only) = vault_lock::lock(request)?;
            Ok(aws.lock_vault(&scope, &lock, validate_only).await?.into())
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn unlock_vault(
        &self,
        request: Request<proto::UnlockVaultRequest>,
    ) -> Result<Response<proto::UnlockVaultResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name) = vault_lock::unlock(request)?;
            let vault = aws.unlock_vault(&scope, &name).await?;
            Ok(proto::UnlockVaultResponse { vault: Some(vault.into()) })
        };
        self.calls.change(request, work).await
    }

    async fn get_vault_access_policy(
        &self,
        request: Request<proto::GetVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::GetVaultAccessPolicyResponse>, Status> {
        let work = |request| async {
            let (scope, name) = vault_settings::get_policy(request)?;
            Ok(self.aws.get_vault_access_policy(&scope, &name).await?.into())
        };
        self.calls.read(request, work).await
    }

    async fn set_vault_access_policy(
        &self,
        request: Request<proto::SetVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::SetVaultAccessPolicyResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name, policy, validate_only) = vault_settings::set_policy(request)?;
            let text = if validate_only {
                aws.vault_is_there(&scope, &name).await?;
                policy.as_str().to_owned()
            } else {
                aws.set_vault_access_policy(&scope, &name, &policy).await?
            };
            let warnings = policy.warnings().into_iter().map(Into::into).collect();
            Ok(proto::SetVaultAccessPolicyResponse { policy: text, warnings })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn delete_vault_access_policy(
        &self,
        request: Request<proto::DeleteVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::DeleteVaultAccessPolicyResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name) = vault_settings::delete_policy(request)?;
            aws.delete_vault_access_policy(&scope, &name).await?;
            Ok(proto::DeleteVaultAccessPolicyResponse {})
        };
        self.calls.change(request, work).await
    }

    async fn get_vault_notifications(
        &self,
        request: Request<proto::GetVaultNotificationsRequest>,
    ) -> Result<Response<proto::GetVaultNotificationsResponse>, Status> {
        let work = |request| async {
            let (scope, name) = vault_settings::get_notifications(request)?;
            Ok(self.aws.get_vault_notifications(&scope, &name).await?.into())
        };
        self.calls.read(request, work).await
    }

    async fn set_vault_notifications(
        &self,
        request: Request<proto::SetVaultNotificationsRequest>,
    ) -> Result<Response<proto::SetVaultNotificationsResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name, notifications, validate_only) = vault_settings::set_notifications(request)?;
            if validate_only {
                aws.vault_is_there(&scope, &name).await?;
            } else {
                aws.set_vault_notifications(&scope, &name, &notifications).await?;
            }
            let notifications = Some(notifications.into());
            Ok(proto::SetVaultNotificationsResponse { notifications, warnings: Vec::new() })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn delete_vault_notifications(
        &self,
        request: Request<proto::DeleteVaultNotificationsRequest>,
    ) -> Result<Response<proto::DeleteVaultNotificationsResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, name) = vault_settings::delete_notifications(request)?;
            aws.delete_vault_notifications(&scope, &name).await?;
            Ok(proto::DeleteVaultNotificationsResponse {})
        };
        self.calls.change(request, work).await
    }
}
