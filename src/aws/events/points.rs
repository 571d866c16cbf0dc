//! Recovery points.

use super::{EventFault, News, PointChange, PointNews, Told};
use crate::domain::{JobOrigin, RecoveryPoint, RecoveryPointState, ResourceType};

impl Told<'_> {
    /// AWS documents one example, of a point that is completed. The names of all others are the API's words for its states,
    /// and what rules in the wild look for: `DELETED` and `MODIFIED` `[Q]`.
    pub(super) fn point(self) -> Result<News, EventFault> {
        let it = self.detail;
        let arn =
            it.text("recoveryPointArn").or(self.resource).ok_or_else(|| self.lacks("the ARN of a recovery point"))?;
        let word = it.text("status").or_else(|| it.text("state")).unwrap_or_default();
        let (change, state) = match word {
            "DELETED" => (PointChange::Deleted, ""),
            "MODIFIED" | "" => (PointChange::Modified, ""),
            state => (PointChange::State, state),
        };
        let vault_arn = it.text("backupVaultArn");
        let by_arn = || vault_arn.and_then(|arn| arn.split_once(":backup-vault:")).map(|(_, name)| name);
        // AWS writes this name in two ways.
        let calculated = ["calculatedLifeCycle", "calculatedLifecycle"].map(|name| it.within(name));
        let time = |name: &str| calculated.iter().find_map(|told| told.time(name));
        let point = RecoveryPoint {
            vault_name: it.text("backupVaultName").or_else(by_arn).map(str::to_owned),
            vault_arn: vault_arn.map(str::to_owned),
            resource_arn: it.owned("resourceArn"),
            resource_type: it.text("resourceType").and_then(ResourceType::told),
            resource_name: it.owned("resourceName"),
            state: RecoveryPointState::of_word(state),
            status_message: it.message("statusMessage"),
            created_at: it.time("creationDate"),
            completed_at: it.time("completionDate"),
            delete_at: time("deleteAt"),
            cold_at: time("moveToColdStorageAt"),
            lifecycle: it.lifecycle("lifecycle"),
            backup_size_bytes: it.number("backupSizeInBytes"),
            encryption_key_arn: it.owned("encryptionKeyArn"),
            role_arn: it.owned("iamRoleArn"),
            storage_class: it.owned("storageClass"),
            last_restore_at: it.time("lastRestoreTime"),
            created_by: it.origin().map(JobOrigin::Plan),
            source_vault_arn: it.owned("sourceBackupVaultArn"),
            ..RecoveryPoint::blank(arn.to_owned(), self.scope.clone())
        };
        Ok(News::Point(Box::new(PointNews { point, change })))
    }
}
