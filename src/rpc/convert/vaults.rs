//! Vaults.

use super::{reader::Reader, timestamp};
use crate::{
    aws::VaultDeletion,
    domain::{Arn, AskedScope, Fault, Invalid, NewVault, PageRequest, Tags, Vault, VaultName},
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn create(request: proto::CreateVaultRequest) -> Result<(AskedScope, NewVault, bool), Invalid> {
    let proto::CreateVaultRequest { scope, name, encryption_key_arn, tags, request_id, validate_only } = request;
    let mut read = Reader::new(scope);
    let name = read.note("name", VaultName::parse(&name));
    let encryption_key_arn = match encryption_key_arn.as_str() {
        "" => Ok(None),
        // The key may live in another account, so its scope says nothing of the vault's.
        text => read.note("encryption_key_arn", kms_key(text)).map(Some),
    };
    let tags = read.tags("tags", tags, Tags::most());
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let new =
            NewVault { name: name?, encryption_key_arn: encryption_key_arn?, tags: tags?, request_id: request_id? };
        Ok((scope, new, validate_only))
    })
}

fn kms_key(text: &str) -> Result<String, Fault> {
    let arn = Arn::parse(text)?;
    if arn.service() == "kms" && arn.resource_of_kind("key").is_some() {
        Ok(text.to_owned())
    } else {
        Err(format!("{arn} is not a KMS key: its ARN has the form arn:aws:kms:REGION:ACCOUNT:key/ID").into())
    }
}

pub(in crate::rpc) fn get(request: proto::GetVaultRequest) -> Result<(AskedScope, VaultName), Invalid> {
    let proto::GetVaultRequest { scope, vault } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    read.conclude(|scope| Ok((scope, vault?)))
}

pub(in crate::rpc) fn list(mut request: proto::ListVaultsRequest) -> Result<(AskedScope, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListVaults", &request, size, &token);
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, page, query))
    })
}

pub(in crate::rpc) fn delete(request: proto::DeleteVaultRequest) -> Result<DeleteVault, Invalid> {
    let proto::DeleteVaultRequest { scope, vault, request_id, allow_missing, force } = request;
    let mut read = Reader::new(scope);
    let vault = read.vault("vault", &vault);
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok(DeleteVault { scope, vault: vault?, allow_missing, force })
    })
}

/// What DeleteVault asks for.
pub(in crate::rpc) struct DeleteVault {
    pub(in crate::rpc) scope: AskedScope,
    pub(in crate::rpc) vault: VaultName,
    pub(in crate::rpc) allow_missing: bool,
    pub(in crate::rpc) force: bool,
}

/// The vault that a CreateVault with validate_only would make.
pub(in crate::rpc) fn planned(new: NewVault, scope: crate::domain::Scope) -> proto::Vault {
    proto::Vault {
        arn: format!(
            "arn:{}:backup:{}:{}:backup-vault:{}",
            scope.region.partition(),
            scope.region,
            scope.account,
            new.name
        ),
        name: new.name.as_str().to_owned(),
        scope: Some(scope.into()),
        encryption_key_arn: new.encryption_key_arn.unwrap_or_default(),
        tags: new.tags.0,
        request_id: new.request_id.as_str().to_owned(),
        ..proto::Vault::default()
    }
}

impl From<Vault> for proto::Vault {
    fn from(vault: Vault) -> Self {
        Self {
            name: vault.name,
            arn: vault.arn,
            scope: Some(vault.scope.into()),
            encryption_key_arn: vault.encryption_key_arn,
            create_time: vault.created_at.map(timestamp),
            recovery_point_count: vault.recovery_points,
            lock: vault.lock.map(Into::into),
            r#type: vault.vault_type,
            state: vault.state,
            tags: vault.tags,
            request_id: vault.request_id,
        }
    }
}

impl From<VaultDeletion> for proto::DeleteVaultResponse {
    fn from(deletion: VaultDeletion) -> Self {
        const MOST_UNDELETED: usize = 100;
        let undeleted = deletion.undeleted.into_iter().take(MOST_UNDELETED);
        Self {
            deleted: deletion.deleted,
            recovery_points_deleted: i64::try_from(deletion.points_deleted).unwrap_or(i64::MAX),
            recovery_points_remaining: deletion.points_remaining,
            undeleted: undeleted
                .map(|it| proto::UndeletedRecoveryPoint { recovery_point_arn: it.arn, message: it.message })
                .collect(),
        }
    }
}
