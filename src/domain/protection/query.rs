//! Which databases a list of their protection means, and in which order.

use std::collections::BTreeMap;

use super::ProtectionVerdict;
use crate::domain::{Engine, ResourceKind, ResourceRef, Scope, VaultName};

/// Which databases are meant, as a request asks. Members combine; of a list, one value is enough, and an empty one lets
/// everything pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProtectionFilter {
    /// With one of these verdicts.
    pub verdicts: Vec<ProtectionVerdict>,
    /// Of one of these kinds.
    pub kinds: Vec<ResourceKind>,
    /// Of this engine.
    pub engine: Option<Engine>,
    /// Covered by this plan, by id or name.
    pub plan: Option<String>,
    /// Covered by this rule, by id or name.
    pub rule: Option<String>,
    /// Covered by a rule that backs up into this vault.
    pub vault: Option<VaultName>,
    /// Owned so.
    pub owner: Option<String>,
    /// With all of these tags.
    pub tags: BTreeMap<String, String>,
    /// With one of these findings, by code.
    pub finding_codes: Vec<String>,
    /// Those alone that no rule ever made a job of.
    pub never_ran: bool,
    /// With such an RPO ratio, or a greater one, in thousandths.
    pub least_rpo_thousandths: Option<i64>,
    /// So often without success in a row, or more often.
    pub least_failures: u32,
    /// This one.
    pub resource: Option<ResourceRef>,
}

/// The same, in terms of what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProtectionQuery {
    /// In one of these accounts and regions.
    pub scopes: Vec<Scope>,
    /// As in [`ProtectionFilter`].
    pub verdicts: Vec<ProtectionVerdict>,
    /// As in [`ProtectionFilter`].
    pub kinds: Vec<ResourceKind>,
    /// As in [`ProtectionFilter`].
    pub engine: Option<String>,
    /// As in [`ProtectionFilter`].
    pub owner: Option<String>,
    /// Of each of these one must be a word of it.
    pub words: Vec<Vec<ProtectionWord>>,
    /// As in [`ProtectionFilter`].
    pub never_ran: bool,
    /// As in [`ProtectionFilter`].
    pub least_rpo_thousandths: Option<i64>,
    /// As in [`ProtectionFilter`].
    pub least_failures: u32,
    /// One of these, by ARN.
    pub resources: Option<Vec<String>>,
}

/// What a database is found by that it can have several of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtectionWord {
    /// Id or name of a plan that covers it.
    Plan(String),
    /// Id or name of a rule that does.
    Rule(String),
    /// Name of the vault of such a rule.
    Vault(String),
    /// Code of a finding.
    Finding(String),
    /// A tag: key and value.
    Tag(String, String),
}

/// In which order databases are told. Of equals the ARN decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProtectionOrder {
    /// The worst first.
    #[default]
    WorstFirst,
    /// The greatest RPO ratio first; those without one last.
    RpoRatio,
    /// Those first that were never backed up, then those whose last backup is the oldest.
    LastSuccess,
    /// Those first whose next run is the soonest; those without one last.
    NextRun,
    /// By ARN.
    Arn,
}

impl ProtectionFilter {
    /// What it means in these accounts and regions.
    pub fn query(&self, scopes: Vec<Scope>) -> ProtectionQuery {
        let words = [
            self.plan.clone().map(ProtectionWord::Plan),
            self.rule.clone().map(ProtectionWord::Rule),
            self.vault.as_ref().map(|vault| ProtectionWord::Vault(vault.as_str().to_owned())),
        ];
        let tags = self.tags.iter().map(|(key, value)| ProtectionWord::Tag(key.clone(), value.clone()));
        let mut words: Vec<Vec<ProtectionWord>> =
            words.into_iter().flatten().chain(tags).map(|word| vec![word]).collect();
        if !self.finding_codes.is_empty() {
            words.push(self.finding_codes.iter().cloned().map(ProtectionWord::Finding).collect());
        }
        let arns = |named: &ResourceRef| {
            scopes.iter().flat_map(|scope| named.arns_in(scope)).map(|arn| arn.as_str().to_owned()).collect()
        };
        ProtectionQuery {
            verdicts: self.verdicts.clone(),
            kinds: self.kinds.clone(),
            engine: self.engine.as_ref().map(|engine| engine.as_str().to_owned()),
            owner: self.owner.clone(),
            words,
            never_ran: self.never_ran,
            least_rpo_thousandths: self.least_rpo_thousandths,
            least_failures: self.least_failures,
            resources: self.resource.as_ref().map(arns),
            scopes,
        }
    }
}

impl ProtectionOrder {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::WorstFirst, Self::RpoRatio, Self::LastSuccess, Self::NextRun, Self::Arn];
}
