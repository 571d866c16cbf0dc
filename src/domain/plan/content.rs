//! What a plan says.

use std::collections::BTreeMap;

use super::{
    super::{Fault, Lifecycle, Scope, Timetable},
    AdvancedSetting, CopyAction, NewRule, RuleVault, ScanAction, ScanSetting, Windows,
};

/// What a plan says, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanContent {
    /// Name.
    pub name: String,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Settings by resource type.
    pub settings: Vec<AdvancedSetting>,
    /// Malware scans.
    pub scans: Vec<ScanSetting>,
}

impl PlanContent {
    /// Whether both say the same. The order of rules and of what is in them says nothing, nor does what AWS alone gives: ids
    /// and events.
    pub fn same_as(&self, other: &Self) -> bool {
        self.clone().sorted() == other.clone().sorted()
    }

    fn sorted(mut self) -> Self {
        for rule in &mut self.rules {
            rule.id.clear();
            rule.lifecycle.delete_after_event = None;
            for copy in &mut rule.copies {
                // What is left out and what it means are the same.
                copy.lifecycle = Some(Lifecycle { delete_after_event: None, ..copy.kept().clone() });
            }
            rule.copies.sort_by_cached_key(|copy| (copy.vault.to_string(), copy.lifecycle.clone()));
            rule.index_types.sort();
            rule.scan_actions.sort();
        }
        for scan in &mut self.scans {
            scan.resource_types.sort();
        }
        self.rules.sort_by(|a, b| a.name.cmp(&b.name));
        self.settings.sort();
        self.scans.sort();
        self
    }
}

/// A rule as AWS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// AWS's id; blank for one that AWS has not seen.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name of the vault.
    pub vault: String,
    /// AWS's expression; blank where AWS does not say.
    pub schedule: String,
    /// IANA name.
    pub zone: String,
    /// Start and completion.
    pub windows: Windows,
    /// How long recovery points are kept.
    pub lifecycle: Lifecycle,
    /// Tags put on recovery points.
    pub recovery_point_tags: BTreeMap<String, String>,
    /// Copies.
    pub copies: Vec<CopyAction>,
    /// Point-in-time restore.
    pub continuous: bool,
    /// The air-gapped vault that recovery points go to besides, or from there on.
    pub air_gapped_vault: Option<RuleVault>,
    /// Resource types whose recovery points are indexed for search.
    pub index_types: Vec<String>,
    /// Malware scans of recovery points.
    pub scan_actions: Vec<ScanAction>,
}

impl Rule {
    /// When it runs; a fault for what Strongroom cannot read.
    pub fn timetable(&self) -> Result<Timetable, Fault> {
        Timetable::parse(&self.schedule, &self.zone)
    }

    /// As a rule of a plan of that account and region: what it names by name alone is there. Copies of which the request
    /// does not say how long they are kept are kept like the original, and that is sent: AWS would keep them for ever.
    #[must_use]
    pub fn within(self, scope: &Scope) -> Self {
        let own = || Lifecycle { delete_after_event: None, ..self.lifecycle.clone() };
        let copy = |copy: CopyAction| CopyAction {
            vault: copy.vault.within(scope),
            lifecycle: Some(copy.lifecycle.unwrap_or_else(own)),
        };
        Self {
            copies: self.copies.into_iter().map(copy).collect(),
            air_gapped_vault: self.air_gapped_vault.map(|vault| vault.within(scope)),
            ..self
        }
    }
}

impl From<&NewRule> for Rule {
    fn from(new: &NewRule) -> Self {
        Self {
            id: String::new(),
            name: new.name.as_str().to_owned(),
            vault: new.vault.as_str().to_owned(),
            schedule: new.schedule.as_str().to_owned(),
            zone: new.zone.as_str().to_owned(),
            windows: new.windows,
            lifecycle: new.lifecycle.clone(),
            recovery_point_tags: new.recovery_point_tags.0.clone(),
            copies: new.copies.clone(),
            continuous: new.continuous,
            air_gapped_vault: new.air_gapped_vault.clone().map(Into::into),
            index_types: new.index_types.clone(),
            scan_actions: new.scan_actions.clone(),
        }
    }
}
