//! Calls of AWS Backup's API, as CloudTrail tells them where the account has a trail: the only word of AWS's of who had a
//! recovery point deleted or its retention shortened outside this server. EventBridge is given those that change something
//! `[D]`.

use super::{Call, News, Told};

impl Told<'_> {
    pub(super) fn call(self) -> News {
        let it = self.detail;
        let Some(operation) = it.owned("eventName") else { return News::Other(self.kind.to_owned()) };
        let asked = it.within("requestParameters");
        let vault_arn = asked.text("backupVaultArn").and_then(|arn| arn.split_once(":backup-vault:"));
        let vault_name = asked.text("backupVaultName").or(vault_arn.map(|(_, name)| name));
        News::Call(Box::new(Call {
            operation,
            caller: it.within("userIdentity").owned("arn"),
            at: it.time("eventTime").unwrap_or(self.at),
            refused: it.owned("errorCode"),
            vault_name: vault_name.map(str::to_owned),
            recovery_point_arn: asked.owned("recoveryPointArn"),
        }))
    }
}
