//! What is wrong with the vaults that a plan's rules name, wherever these are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        Finding, Lifecycle, Plan, Scope, StartCopy, Unseen, Vault, VaultLock, VaultName, VaultRef,
        restore_checks::not_checked,
    },
    Rule,
    findings::label,
};

/// A vault that rules name, as far as it could be seen.
#[derive(Debug, Clone)]
pub enum SeenVault {
    /// It is there, with its lock, and of this type, in AWS's word.
    There(Option<VaultLock>, Box<str>),
    /// It is not there; with the question which one was meant, or blank.
    Missing(Box<str>),
    /// Nobody knows; with the reason.
    NotSeen(Unseen),
}

impl SeenVault {
    /// A vault that is there.
    pub fn there(vault: &Vault) -> Self {
        Self::There(vault.lock.clone(), vault.vault_type.as_str().into())
    }
}

/// Whose the key of a vault is, as far as KMS told.
#[derive(Debug, Clone)]
pub enum SeenKey {
    /// A customer's; or the vault has none of its own.
    Own,
    /// AWS's: this one.
    OfAws(String),
    /// This one is not there.
    Missing(String),
    /// Nobody knows; with the reason.
    NotSeen(Unseen),
}

/// What was seen of the vaults that rules name, each by its ARN.
#[derive(Debug, Clone, Default)]
pub struct SeenVaults {
    /// The vaults.
    pub vaults: BTreeMap<String, SeenVault>,
    /// Whose the key of a vault is; of those vaults alone whose keys count.
    pub keys: BTreeMap<String, SeenKey>,
}

/// What a rule puts into a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) enum Puts {
    /// The backups.
    Backups,
    /// Copies of them.
    Copies,
    /// The backups, in the air-gapped vault that it names besides.
    Gapped,
}

/// A place of a rule that names a vault.
#[derive(Debug)]
pub(in crate::domain) struct Use<'r> {
    /// The vault's ARN.
    pub(in crate::domain) arn: String,
    /// What a message calls the vault: its name where it is one of the plan's own account and region.
    shown: String,
    /// Where in the request the vault is named, and how long what goes there is kept.
    at: String,
    lifecycle_at: String,
    pub(in crate::domain) lifecycle: &'r Lifecycle,
    pub(in crate::domain) rule: &'r Rule,
    place: usize,
    pub(in crate::domain) puts: Puts,
    /// Whether what goes there leaves the plan's account.
    leaves_account: bool,
}

impl Puts {
    fn verb(self) -> &'static str {
        match self {
            Self::Backups | Self::Gapped => "backs up",
            Self::Copies => "copies",
        }
    }

    /// What there is then, in the plural.
    pub(in crate::domain) fn noun(self) -> &'static str {
        match self {
            Self::Backups | Self::Gapped => "the backups",
            Self::Copies => "the copies",
        }
    }
}

impl Rule {
    /// ARNs of the vaults that rules of a plan of that account and region name.
    pub fn vaults_named(rules: &[Self], scope: &Scope) -> BTreeSet<String> {
        uses(rules, scope).into_iter().map(|place| place.arn).collect()
    }

    /// ARNs of the vaults whose keys count: both ends of the copies that leave the account.
    pub fn vaults_whose_keys_count(rules: &[Self], scope: &Scope) -> BTreeSet<String> {
        let uses = uses(rules, scope);
        let leaving: Vec<&Use<'_>> = uses.iter().filter(|place| place.leaves_account).collect();
        let source = |copy: &&Use<'_>| source_of(&uses, copy).map(|own| own.arn.clone());
        leaving.iter().map(|copy| copy.arn.clone()).chain(leaving.iter().filter_map(source)).collect()
    }

    /// What lets jobs of the rules fail because of their vaults, as far as these were seen: a warning where it is about
    /// copies alone. A vault that was not seen is told once. `plan` is the plan's name, where a message has to tell it.
    pub fn vault_findings(rules: &[Self], scope: &Scope, seen: &SeenVaults, plan: Option<&str>) -> Vec<Finding> {
        let uses = uses(rules, scope);
        let mut told = BTreeSet::new();
        let mut findings = Vec::new();
        for (index, place) in uses.iter().enumerate() {
            let named = place.named(rules, plan);
            let repeats = place.repeats(&uses, index, &named);
            // Of the vault that holds the originals all is told of these.
            let is_source = repeats.as_ref().is_some_and(|found| found.code == "DESTINATION_IS_SOURCE");
            let of_vault = if is_source { Vec::new() } else { place.findings(&named, seen, &mut told) };
            let found = repeats.into_iter().chain(of_vault);
            let copies = place.puts != Puts::Backups;
            let about = found.map(|found| found.about(&place.arn));
            findings.extend(about.map(|found| if copies { found.as_warning() } else { found }));
            if place.leaves_account {
                findings.extend(place.findings_of_keys(source_of(&uses, place), seen, &mut told));
            }
        }
        findings
    }

    /// The rules and copy actions of these plans, all of one account and region, that put something into the vault.
    pub fn needing(plans: &[Plan], vault_arn: &str) -> Vec<Finding> {
        const MOST: usize = 20;
        let mut found = Vec::new();
        for plan in plans {
            let rules = &plan.content.rules;
            for place in uses(rules, &plan.scope).into_iter().filter(|place| place.arn == vault_arn) {
                let who = format!("{} {}", place.named(rules, Some(&plan.content.name)), place.puts.verb());
                found.push(Finding::vault_needed(&place.shown, &who).about(&plan.arn));
            }
        }
        let more = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        if let (Some(last), 1..) = (found.last_mut(), more) {
            last.message.push_str(&format!("; so do those of {more} more rules and copy actions"));
        }
        found
    }

    /// That nobody knows whether plans need the vault.
    pub fn needing_not_checked(vault: &VaultName, unseen: &Unseen) -> Finding {
        let action =
            unseen.action("backup:ListBackupPlans and backup:GetBackupPlan", "look at the plans with ListPlans");
        let unknown = "jobs of a plan whose rules name it fail once it is deleted";
        unseen.not_checked(&format!("whether any plan needs vault {vault}"), unknown, action)
    }
}

impl Use<'_> {
    /// `rule daily of plan databases`.
    fn named(&self, rules: &[Rule], plan: Option<&str>) -> String {
        let rule = label(self.place, rules);
        plan.map_or_else(|| rule.clone(), |plan| format!("{rule} of plan {plan}"))
    }

    /// That the copies go where the backups, or other copies of the rule, are; or the backups where they are already.
    fn repeats(&self, uses: &[Self], index: usize, rule: &str) -> Option<Finding> {
        let same = |other: &Self| other.place == self.place && other.arn == self.arn;
        let (before, after) = uses.split_at(index);
        let holds_originals = |other: &&Self| same(other) && other.puts != Puts::Copies;
        let other = match self.puts {
            Puts::Backups => None,
            Puts::Gapped => before.iter().find(holds_originals),
            Puts::Copies => {
                let gapped = after.iter().find(|other| same(other) && other.puts == Puts::Gapped);
                before.iter().find(holds_originals).or(gapped).or_else(|| before.iter().find(|other| same(other)))
            }
        }?;
        let found = match other.puts {
            Puts::Copies => Finding::destination_repeated(&self.shown, rule),
            Puts::Backups | Puts::Gapped => {
                Finding::destination_is_source(&self.shown, &format!("{} of {rule} are", other.puts.noun()))
            }
        };
        Some(found.at(&self.at))
    }

    fn findings(&self, rule: &str, seen: &SeenVaults, told: &mut BTreeSet<String>) -> Vec<Finding> {
        let Self { arn, shown, puts, .. } = self;
        let found = match seen.vaults.get(arn) {
            Some(SeenVault::There(lock, of_type)) => {
                let whose = format!("{} of {rule} are", puts.noun());
                let outside = lock
                    .as_ref()
                    .and_then(|lock| Finding::outside_lock(shown, lock, &whose, self.lifecycle.retention))
                    .map(|finding| finding.at(&self.lifecycle_at));
                let ordinary = (*puts == Puts::Gapped)
                    .then(|| Finding::vault_not_air_gapped(shown, of_type, rule))
                    .flatten()
                    .map(|finding| finding.at(&self.at));
                return ordinary.into_iter().chain(outside).collect();
            }
            Some(SeenVault::Missing(meant)) => {
                let mut missing = Finding::vault_missing(shown, &format!("{rule} {}", puts.verb())).at(&self.at);
                missing.message.push_str(meant);
                Some(missing)
            }
            Some(SeenVault::NotSeen(unseen)) if told.insert(arn.clone()) => Some(match puts {
                Puts::Copies => StartCopy::destination_not_checked(shown, unseen).at(&self.at),
                Puts::Backups | Puts::Gapped => {
                    let permissions = "backup:DescribeBackupVault and backup:ListBackupVaults";
                    not_checked(&format!("vault {shown}"), permissions, unseen).at(&self.at)
                }
            }),
            Some(SeenVault::NotSeen(_)) | None => None,
        };
        found.into_iter().collect()
    }

    /// Which of the keys of a copy that leaves the account AWS manages. Each is told once.
    fn findings_of_keys(&self, source: Option<&Self>, seen: &SeenVaults, told: &mut BTreeSet<String>) -> Vec<Finding> {
        let ends = source.into_iter().map(|own| ("source", own)).chain([("destination", self)]);
        let of_key = ends.filter_map(|(end, vault)| {
            let what = format!("the {end} vault {}", vault.shown);
            let found = match seen.keys.get(&vault.arn)? {
                SeenKey::Own => return None,
                SeenKey::OfAws(key) => StartCopy::aws_managed_key(&what, key).as_warning(),
                SeenKey::Missing(key) => StartCopy::key_missing(&what, key),
                SeenKey::NotSeen(unseen) => StartCopy::key_not_checked(&what, &vault.arn, "kms:DescribeKey", unseen),
            };
            told.insert(format!("key of {}", vault.arn)).then(|| found.at(&self.at).about(&vault.arn))
        });
        of_key.collect()
    }
}

/// Where the rule puts the originals of what the copy action copies.
fn source_of<'u, 'r>(uses: &'u [Use<'r>], copy: &Use<'r>) -> Option<&'u Use<'r>> {
    uses.iter().find(|own| own.place == copy.place && own.puts == Puts::Backups)
}

/// Every place of the rules that names a vault, in the order of the rules: the rule's own vault first. What other tools have
/// put in the place of a vault and is none is left out.
pub(in crate::domain) fn uses<'r>(rules: &'r [Rule], scope: &Scope) -> Vec<Use<'r>> {
    let mut uses = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let (of_rule, of_lifecycle) = (format!("rules[{place}]"), format!("rules[{place}].lifecycle"));
        let mut add = |arn: String, at: String, lifecycle_at: &str, lifecycle: &'r Lifecycle, puts| {
            let Ok((name, there)) = VaultName::parse_reference(&arn) else { return };
            let Some((account, region)) = there.account.zip(there.region) else { return };
            let own = account == scope.account && region == scope.region;
            let shown = if own { name.as_str().to_owned() } else { arn.clone() };
            let leaves_account = puts == Puts::Copies && account != scope.account;
            let lifecycle_at = lifecycle_at.to_owned();
            uses.push(Use { arn, shown, at, lifecycle_at, lifecycle, rule, place, puts, leaves_account });
        };
        let own = VaultRef::arn_of(&rule.vault, scope);
        add(own, format!("{of_rule}.vault"), &of_lifecycle, &rule.lifecycle, Puts::Backups);
        for (index, copy) in rule.copies.iter().enumerate() {
            let action = format!("{of_rule}.copy_actions[{index}]");
            // One that is kept like the original is so because the rule says so.
            let kept_at = if *copy.kept() == rule.lifecycle { &of_lifecycle } else { &format!("{action}.lifecycle") };
            add(copy.vault.arn_in(scope), format!("{action}.destination_vault"), kept_at, copy.kept(), Puts::Copies);
        }
        if let Some(gapped) = &rule.air_gapped_vault {
            let at = format!("{of_rule}.air_gapped_vault");
            add(gapped.arn_in(scope), at, &of_lifecycle, &rule.lifecycle, Puts::Gapped);
        }
    }
    uses
}
