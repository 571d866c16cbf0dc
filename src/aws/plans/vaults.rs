//! A look at the vaults that a plan's rules name, for findings: it fails nothing, and takes no longer than it may.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::super::{Error, FailureKind, Scoped, copies::Destination, looks::in_time};
use crate::domain::{Finding, Rule, SeenKey, SeenVault, SeenVaults, Unseen, Vault, VaultName, VaultRef};

/// Most vaults that are looked at at a time.
const MOST_AT_ONCE: usize = 10;

/// A vault, with what came of the look at it and at its key.
type Look = (String, SeenVault, Option<SeenKey>);

impl Scoped {
    /// What lets jobs of the rules fail because of their vaults, wherever Strongroom can look. AWS accepts the plan all the
    /// same. `plan` is its name, where a message has to tell it.
    pub(in crate::aws) async fn vault_findings(&self, rules: &[Rule], plan: Option<&str>) -> Vec<Finding> {
        let seen = self.seen_vaults(rules, Rule::vaults_named(rules, self.scope())).await;
        let found = Rule::vault_findings(rules, self.scope(), &seen, plan);
        found.into_iter().map(Finding::as_warning).collect()
    }

    /// Those of the vaults that rules name, as far as they can be seen in time.
    pub(in crate::aws) async fn seen_vaults(&self, rules: &[Rule], arns: BTreeSet<String>) -> SeenVaults {
        let with_key = &Rule::vaults_whose_keys_count(rules, self.scope());
        let looks = arns.into_iter().map(|arn| async move {
            let key = with_key.contains(&arn);
            let looked = in_time(async { Ok::<_, Error>(self.look_at_vault(&arn, key).await) }).await;
            let (seen, key) = looked.unwrap_or_else(|unseen| (SeenVault::NotSeen(unseen), None));
            (arn, seen, key)
        });
        let looked: Vec<Look> = stream::iter(looks).buffer_unordered(MOST_AT_ONCE).collect().await;
        let mut all = SeenVaults::default();
        for (arn, seen, key) in looked {
            all.keys.extend(key.map(|key| (arn.clone(), key)));
            all.vaults.insert(arn, seen);
        }
        all
    }

    async fn look_at_vault(&self, arn: &str, key: bool) -> (SeenVault, Option<SeenKey>) {
        match self.destination(arn).await {
            Destination::There(vault, there) => {
                let key = if key { Some(there.key_of_aws(&vault).await) } else { None };
                (SeenVault::there(&vault), key)
            }
            Destination::Missing(meant) => (SeenVault::Missing(meant), None),
            Destination::NotChecked(unseen) => (SeenVault::NotSeen(unseen), None),
        }
    }

    /// Whose the key of the vault is.
    async fn key_of_aws(&self, vault: &Vault) -> SeenKey {
        let key = &vault.encryption_key_arn;
        if key.is_empty() {
            return SeenKey::Own;
        }
        match self.is_aws_managed(key).await {
            Ok(true) => SeenKey::OfAws(key.clone()),
            Ok(false) => SeenKey::Own,
            Err(error) if error.kind == FailureKind::NotFound => SeenKey::Missing(key.clone()),
            Err(error) => SeenKey::NotSeen(Unseen::from(&error)),
        }
    }

    /// Which plans of the account and region need a vault that is to be deleted, as far as they can be read in time.
    pub(in crate::aws) async fn plans_needing(&self, vault: &VaultName) -> Vec<Finding> {
        let arn = VaultRef::arn_of(vault.as_str(), self.scope());
        match in_time(self.every_plan()).await {
            Ok(plans) => {
                let elsewhere =
                    Finding::plans_elsewhere_not_checked(vault.as_str(), "; such copies fail once it is deleted");
                Rule::needing(&plans, &arn).into_iter().chain([elsewhere]).collect()
            }
            Err(unseen) => vec![Rule::needing_not_checked(vault, &unseen)],
        }
    }
}
