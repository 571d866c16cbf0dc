//! A look at the vaults that a plan's rules name, for findings: it fails nothing, and takes no longer than it may.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{
    super::{FailureKind, Scoped},
    selected::LONGEST,
};
use crate::domain::{Finding, Rule, SeenVault, Unseen, VaultName};

/// Most vaults that are looked at at a time.
const MOST_AT_ONCE: usize = 10;

impl Scoped {
    /// What lets jobs of the rules fail because of their vaults in the plan's own account and region.
    pub(super) async fn vault_findings(&self, rules: &[Rule]) -> Vec<Finding> {
        let looks = Rule::vaults_named(rules, self.scope()).into_iter().map(|name| self.seen_vault(name));
        let seen: BTreeMap<_, _> = stream::iter(looks).buffer_unordered(MOST_AT_ONCE).collect().await;
        Rule::vault_findings(rules, self.scope(), &seen)
    }

    async fn seen_vault(&self, name: VaultName) -> (VaultName, SeenVault) {
        let seen = match tokio::time::timeout(LONGEST, self.describe_vault(&name)).await {
            Ok(Ok(vault)) => SeenVault::There(vault.lock),
            Ok(Err(error)) if error.kind == FailureKind::NotFound => SeenVault::Missing,
            Ok(Err(error)) => SeenVault::NotSeen(Unseen::from(&error)),
            Err(_) => SeenVault::NotSeen(Unseen::in_time()),
        };
        (name, seen)
    }
}
