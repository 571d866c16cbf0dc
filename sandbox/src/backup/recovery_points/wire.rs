//! What can be seen of a recovery point. Its size has another name in the list by resource `[M]`.

use super::RecoveryPoint;
use crate::backup::{json::Epoch, members::Members, resource_types::size_told};

/// The members that DescribeRecoveryPoint and the list by vault share.
pub(super) fn by_vault(point: &RecoveryPoint) -> Members {
    let usable = point.completed_at.is_some();
    Members::new()
        .with("RecoveryPointArn", &point.arn)
        .with("BackupVaultName", &point.vault_name)
        .with("BackupVaultArn", &point.vault_arn)
        .maybe("SourceBackupVaultArn", point.source_vault_arn.as_ref())
        .with("ResourceArn", &point.resource_arn)
        .with("ResourceType", &point.resource_type)
        .with("ResourceName", &point.resource_name)
        .maybe("CreatedBy", point.creator.as_ref())
        .with("IamRoleArn", &point.role_arn)
        .with("Status", point.status.text())
        .maybe("StatusMessage", point.status_message.as_ref())
        .with("CreationDate", Epoch(point.created_at))
        .with("InitiationDate", Epoch(point.initiated_at))
        .maybe("CompletionDate", point.completed_at.map(Epoch))
        .maybe("BackupSizeInBytes", usable.then(|| size_told(&point.resource_type, point.bytes)).flatten())
        .maybe("CalculatedLifecycle", calculated(point))
        .maybe("Lifecycle", point.lifecycle.as_ref())
        .maybe("EncryptionKeyArn", point.encryption_key_arn.as_ref())
        .with("IsEncrypted", point.encryption_key_arn.is_some())
        .maybe("LastRestoreTime", point.last_restore_at.map(Epoch))
        .with("IsParent", false)
        .with("VaultType", "BACKUP_VAULT")
}

/// DescribeRecoveryPoint: databases have no cold storage `[M]`.
pub(super) fn described(point: &RecoveryPoint) -> Members {
    by_vault(point).with("StorageClass", "WARM")
}

/// A row of the list by resource.
pub(super) fn by_resource(point: &RecoveryPoint) -> Members {
    let usable = point.completed_at.is_some();
    Members::new()
        .with("RecoveryPointArn", &point.arn)
        .with("CreationDate", Epoch(point.created_at))
        .with("Status", point.status.text())
        .maybe("StatusMessage", point.status_message.as_ref())
        .maybe("EncryptionKeyArn", point.encryption_key_arn.as_ref())
        .maybe("BackupSizeBytes", usable.then(|| size_told(&point.resource_type, point.bytes)).flatten())
        .with("BackupVaultName", &point.vault_name)
        .with("IsParent", false)
        .with("ResourceName", &point.resource_name)
        .with("VaultType", "BACKUP_VAULT")
}

/// Absent where nothing is calculated: no lifecycle, or a continuous point.
pub(super) fn calculated(point: &RecoveryPoint) -> Option<Members> {
    let database = matches!(point.resource_type.as_str(), "RDS" | "Aurora" | "Neptune" | "DocumentDB");
    let cold = point.lifecycle.as_ref().and_then(|lifecycle| lifecycle.cold_at(point.created_at)).filter(|_| !database);
    let calculated =
        Members::new().maybe("MoveToColdStorageAt", cold.map(Epoch)).maybe("DeleteAt", point.delete_at().map(Epoch));
    (calculated != Members::new()).then_some(calculated)
}
