//! What is wrong with the vaults that a plan's rules name.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{Finding, Lifecycle, Scope, Unseen, VaultLock, VaultName, VaultRef, restore_checks::not_checked},
    Rule, RuleVault,
    findings::label,
};

/// A vault that rules name, as far as it could be seen.
#[derive(Debug, Clone)]
pub enum SeenVault {
    /// It is there, with this lock.
    There(Option<VaultLock>),
    /// It is not there.
    Missing,
    /// Nobody knows; with the reason.
    NotSeen(Unseen),
}

/// A place of a rule that names a vault of the plan's own account and region.
struct Use<'r> {
    vault: VaultName,
    /// Where in the request the vault is named, and the lifecycle of what goes there.
    fields: (String, String),
    lifecycle: &'r Lifecycle,
    /// The rule, and what it does with the vault.
    rule: String,
    verb: &'static str,
    kept: &'static str,
}

impl Rule {
    /// The vaults of that account and region that rules of a plan there name.
    pub fn vaults_named(rules: &[Self], scope: &Scope) -> BTreeSet<VaultName> {
        uses(rules, scope).into_iter().map(|place| place.vault).collect()
    }

    /// What lets jobs of the rules fail, as far as the vaults tell that were seen. A vault that was not is told once.
    pub fn vault_findings(rules: &[Self], scope: &Scope, seen: &BTreeMap<VaultName, SeenVault>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut told = BTreeSet::new();
        for Use { vault, fields: (at, lifecycle_at), lifecycle, rule, verb, kept } in uses(rules, scope) {
            let name = vault.as_str();
            let found = match seen.get(&vault) {
                Some(SeenVault::There(Some(lock))) => {
                    let found =
                        Finding::outside_lock(name, lock, &format!("{kept} of {rule} are"), lifecycle.retention);
                    found.map(|finding| finding.at(lifecycle_at))
                }
                Some(SeenVault::Missing) => Some(Finding::vault_missing(name, &format!("{rule} {verb}")).at(at)),
                Some(SeenVault::NotSeen(why)) if told.insert(vault.clone()) => {
                    let permissions = "backup:DescribeBackupVault and backup:ListBackupVaults";
                    Some(not_checked(&format!("vault {name}"), permissions, why).at(at))
                }
                Some(SeenVault::There(None) | SeenVault::NotSeen(_)) | None => None,
            };
            findings.extend(found.map(Finding::as_warning));
        }
        findings
    }
}

fn uses<'r>(rules: &'r [Rule], scope: &Scope) -> Vec<Use<'r>> {
    let mut uses = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let mut add = |vault: Option<VaultName>, fields, lifecycle, verb, kept| {
            let rule = label(at, rules);
            uses.extend(vault.map(|vault| Use { vault, fields, lifecycle, rule, verb, kept }));
        };
        let (of_rule, of_lifecycle) = (format!("rules[{at}]"), format!("rules[{at}].lifecycle"));
        let own = VaultName::parse_reference(&rule.vault).ok().map(|(name, _)| name);
        add(own, (format!("{of_rule}.vault"), of_lifecycle.clone()), &rule.lifecycle, "backs up", "the backups");
        for (place, copy) in rule.copies.iter().enumerate() {
            let action = format!("{of_rule}.copy_actions[{place}]");
            // A copy without a lifecycle has the original's [D].
            let (lifecycle, kept_at) = match &copy.lifecycle {
                Some(lifecycle) => (lifecycle, format!("{action}.lifecycle")),
                None => (&rule.lifecycle, of_lifecycle.clone()),
            };
            let fields = (format!("{action}.destination_vault"), kept_at);
            add(here(&copy.vault, scope), fields, lifecycle, "copies", "the copies");
        }
        let gapped = rule.air_gapped_vault.as_ref().and_then(|vault| here(vault, scope));
        let fields = (format!("{of_rule}.air_gapped_vault"), of_lifecycle);
        add(gapped, fields, &rule.lifecycle, "backs up", "the backups");
    }
    uses
}

/// The vault's name, if it is one of that account and region.
fn here(vault: &RuleVault, scope: &Scope) -> Option<VaultName> {
    let (name, _) = VaultName::parse_reference(&vault.arn_in(scope)).ok()?;
    (VaultRef::arn_of(name.as_str(), scope) == vault.arn_in(scope)).then_some(name)
}
