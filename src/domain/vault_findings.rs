//! What is wrong with a vault that backups or copies go to, in one place for all that look at one.

use super::{Finding, Retention, VaultLock};

impl Finding {
    /// The vault is not there. `who` puts something there: `rule daily backs up`.
    pub fn vault_missing(vault: &str, who: &str) -> Self {
        Self::error(
            "VAULT_MISSING",
            format!("there is no vault {vault}, into which {who}: its jobs fail"),
            "create the vault, or have the rule name another with UpdatePlan",
        )
    }

    /// The lock does not allow what is kept there so long: `whose`, with its verb, is `this backup is`.
    pub fn outside_lock(vault: &str, lock: &VaultLock, whose: &str, retention: Retention) -> Option<Self> {
        if lock.allows(retention) {
            return None;
        }
        let message = format!(
            "the lock of vault {vault} allows {} of retention and {whose} kept {retention}: such a job fails",
            lock.range()
        );
        let action = "set a lifecycle within the lock, or name another vault";
        Some(Self::error("RETENTION_OUTSIDE_VAULT_LOCK", message, action))
    }
}
