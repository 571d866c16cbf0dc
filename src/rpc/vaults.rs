//! VaultService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, vault_lock, vault_settings, vaults as convert},
    page_token::ListOf,
    remembered::Remembered,
};
use crate::{
    aws::Scoped,
    domain::{AccessPolicy, Asked, DeleteVault, LockVault, NewVault, OfVault, VaultNotifications, VaultPicture},
    proto::{self, vault_service_server::VaultService},
};

#[derive(Debug)]
pub(super) struct Vaults {
    pub(super) calls: Calls,
    pub(super) remembered: Remembered,
}

#[async_trait]
impl VaultService for Vaults {
    async fn create_vault(
        &self,
        request: Request<proto::CreateVaultRequest>,
    ) -> Result<Response<proto::CreateVaultResponse>, Status> {
        let work = |aws: Scoped, asked: Asked<NewVault>| async move {
            let mut found = asked.what.findings(aws.scope());
            let (vault, unchecked) = aws.create_vault(&asked).await?;
            found.extend(unchecked);
            let findings = findings(found);
            Ok(proto::CreateVaultResponse { vault: Some(vault.into()), findings, ..Default::default() })
        };
        self.calls.change(request, convert::create, work).await
    }

    async fn get_vault(
        &self,
        request: Request<proto::GetVaultRequest>,
    ) -> Result<Response<proto::GetVaultResponse>, Status> {
        let work = |aws: Scoped, vault| async move {
            let vault = aws.get_vault(&vault).await?;
            Ok(proto::GetVaultResponse { vault: Some(vault.into()) })
        };
        self.calls.read(request, convert::get, work).await
    }

    async fn list_vaults(
        &self,
        request: Request<proto::ListVaultsRequest>,
    ) -> Result<Response<proto::ListVaultsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<()>| async move {
            let page = async |page| {
                let vaults = aws.list_vaults(&page).await?;
                Ok(proto::ListVaultsResponse {
                    next_page_token: list.paged.token(vaults.next.as_ref()),
                    vaults: vaults.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.calls.read(request, convert::list, work).await
    }

    async fn delete_vault(
        &self,
        request: Request<proto::DeleteVaultRequest>,
    ) -> Result<Response<proto::DeleteVaultResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<DeleteVault>| async move {
            let deleted = aws.delete_vault(&asked).await?;
            if deleted.of_vault.is_of_something() {
                remembered.vault_deleted(&aws, &asked, deleted.of_vault.deleted).await;
            }
            Ok(deleted.into())
        };
        self.calls.change(request, convert::delete, work).await
    }

    async fn lock_vault(
        &self,
        request: Request<proto::LockVaultRequest>,
    ) -> Result<Response<proto::LockVaultResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<LockVault>| async move {
            let locked = aws.lock_vault(&asked).await?;
            let picture = VaultPicture { lock: Some(locked.vault.lock.clone()), ..VaultPicture::default() };
            remembered.vault_changed(&aws, &asked, &asked.what.vault, picture).await;
            Ok(locked.into())
        };
        self.calls.change(request, vault_lock::lock, work).await
    }

    async fn unlock_vault(
        &self,
        request: Request<proto::UnlockVaultRequest>,
    ) -> Result<Response<proto::UnlockVaultResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<OfVault<()>>| async move {
            let vault = aws.unlock_vault(&asked).await?;
            let picture = VaultPicture { lock: Some(vault.lock.clone()), ..VaultPicture::default() };
            remembered.vault_changed(&aws, &asked, &asked.what.vault, picture).await;
            Ok(proto::UnlockVaultResponse { vault: Some(vault.into()), ..Default::default() })
        };
        self.calls.change(request, vault_lock::unlock, work).await
    }

    async fn get_vault_access_policy(
        &self,
        request: Request<proto::GetVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::GetVaultAccessPolicyResponse>, Status> {
        let work = |aws: Scoped, vault| async move { Ok(aws.get_vault_access_policy(&vault).await?.into()) };
        self.calls.read(request, vault_settings::get_policy, work).await
    }

    async fn set_vault_access_policy(
        &self,
        request: Request<proto::SetVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::SetVaultAccessPolicyResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<OfVault<AccessPolicy>>| async move {
            let (now, found) = aws.set_vault_access_policy(&asked).await?;
            let picture = VaultPicture { policy: Some(now.setting.clone()), ..VaultPicture::default() };
            remembered.vault_changed(&aws, &asked, &asked.what.vault, picture).await;
            Ok(vault_settings::policy_set(now, found))
        };
        self.calls.change(request, vault_settings::set_policy, work).await
    }

    async fn delete_vault_access_policy(
        &self,
        request: Request<proto::DeleteVaultAccessPolicyRequest>,
    ) -> Result<Response<proto::DeleteVaultAccessPolicyResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<OfVault<()>>| async move {
            let deleted = aws.delete_vault_access_policy(&asked).await?;
            let picture = VaultPicture { policy: Some(None), ..VaultPicture::default() };
            remembered.vault_changed(&aws, &asked, &asked.what.vault, picture).await;
            Ok(deleted.into())
        };
        self.calls.change(request, vault_settings::delete_policy, work).await
    }

    async fn get_vault_notifications(
        &self,
        request: Request<proto::GetVaultNotificationsRequest>,
    ) -> Result<Response<proto::GetVaultNotificationsResponse>, Status> {
        let work = |aws: Scoped, vault| async move { Ok(aws.get_vault_notifications(&vault).await?.into()) };
        self.calls.read(request, vault_settings::get_notifications, work).await
    }

    async fn set_vault_notifications(
        &self,
        request: Request<proto::SetVaultNotificationsRequest>,
    ) -> Result<Response<proto::SetVaultNotificationsResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<OfVault<VaultNotifications>>| async move {
            let OfVault { vault, setting, .. } = &asked.what;
            let found = [setting.findings(), setting.topic.findings(aws.scope())].concat();
            let now = aws.set_vault_notifications(&asked).await?;
            let picture = VaultPicture::default().with_notifications(now.setting.as_ref(), aws.scope());
            remembered.vault_changed(&aws, &asked, vault, picture).await;
            Ok(vault_settings::notifications_set(now, found))
        };
        self.calls.change(request, vault_settings::set_notifications, work).await
    }

    async fn delete_vault_notifications(
        &self,
        request: Request<proto::DeleteVaultNotificationsRequest>,
    ) -> Result<Response<proto::DeleteVaultNotificationsResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<OfVault<()>>| async move {
            let deleted = aws.delete_vault_notifications(&asked).await?;
            let picture = VaultPicture::default().with_notifications(None, aws.scope());
            remembered.vault_changed(&aws, &asked, &asked.what.vault, picture).await;
            Ok(deleted.into())
        };
        self.calls.change(request, vault_settings::delete_notifications, work).await
    }
}
