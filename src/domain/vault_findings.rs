//! What is wrong with a vault that backups or copies go to, in one place for all that look at one.

use super::{Finding, Retention, Vault, VaultLock};

impl Finding {
    /// The vault is not there. `who` puts something there: `rule daily backs up`.
    pub fn vault_missing(vault: &str, who: &str) -> Self {
        Self::error(
            "VAULT_MISSING",
            without_vault(vault, who),
            "create the vault, or have the rule name another with UpdatePlan",
        )
    }

    /// The vault is to be deleted, and something is put there: `rule daily of plan databases backs up`.
    pub fn vault_needed(vault: &str, who: &str) -> Self {
        Self::warning(
            "VAULT_IN_USE_BY_PLAN",
            format!("once it is deleted, {}", without_vault(vault, who)),
            "have the rule name another vault with UpdatePlan",
        )
    }

    /// That plans elsewhere may put something into the vault too: AWS tells the plans of one account and region alone.
    /// `so` is what nobody knows for that reason, of copies.
    pub fn plans_elsewhere_not_checked(vault: &str, so: &str) -> Self {
        let message = format!(
            "only plans of the vault's own account and region were looked at: whether plans of other regions and accounts \
             copy into vault {vault} is not known{so}"
        );
        Self::info("PLANS_ELSEWHERE_NOT_CHECKED", message)
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

    /// A rule names a vault as its air-gapped one that is of another type, in AWS's word. Whether AWS refuses such a rule or
    /// lets its jobs fail is not known `[U]`.
    pub fn vault_not_air_gapped(vault: &str, of_type: &str, rule: &str) -> Option<Self> {
        if of_type.is_empty() || of_type == Vault::AIR_GAPPED {
            return None;
        }
        let message = format!(
            "vault {vault}, which {rule} names as its air-gapped one, is none: it is a {of_type}. AWS may refuse the rule, or let \
             its jobs fail, and nothing is kept apart from the account"
        );
        let action = "name a vault of type LOGICALLY_AIR_GAPPED_BACKUP_VAULT, or leave air_gapped_vault out";
        Some(Self::warning("VAULT_NOT_AIR_GAPPED", message, action))
    }

    /// A copy goes where its original is: `what`, with its verb, is `the recovery point is`.
    pub fn destination_is_source(vault: &str, what: &str) -> Self {
        let message = format!("{what} in {vault} already");
        Self::error("DESTINATION_IS_SOURCE", message, "copy it into another vault")
    }

    /// A rule makes two copies into one vault.
    pub fn destination_repeated(vault: &str, rule: &str) -> Self {
        let message =
            format!("another copy action of {rule} copies into {vault} already: it costs a second copy of each");
        Self::warning("COPY_DESTINATION_REPEATED", message, "leave one of them out")
    }

    /// AWS copies no continuous recovery point `[M][D]`; `so` is what that means, blank or from its colon on.
    pub fn continuous_not_copyable(so: &str, action: &str) -> Self {
        let message = format!("AWS does not copy continuous recovery points{so}");
        Self::error("CONTINUOUS_NOT_COPYABLE", message, action)
    }

    /// AWS Backup copies nothing of Multi-AZ DB clusters `[D]`; `so` is what that means, blank or from its colon on.
    pub fn multi_az_cluster_not_copyable(so: &str) -> Self {
        let message = format!("AWS Backup does not copy recovery points of Multi-AZ DB clusters{so}");
        Self::error("MULTI_AZ_CLUSTER_NOT_COPYABLE", message, "copy the snapshot in RDS")
    }
}

fn without_vault(vault: &str, who: &str) -> String {
    format!("there is no vault {vault}, into which {who}: its jobs fail")
}
