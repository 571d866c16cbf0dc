//! What an organization lets AWS Backup do across its accounts (docs/aws-backup-semantics.md, section 1.13).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Finding, Invalid, Scope, Violation, etag::etag, invalid::quoted, nearest::did_you_mean};

/// Copies may go to other accounts of the organization.
const CROSS_ACCOUNT_BACKUP: &str = "isCrossAccountBackupEnabled";
/// Delegated administrators may manage backup policies.
const DELEGATED_ADMINISTRATOR: &str = "isDelegatedAdministratorEnabled";
/// Approval teams may let others into logically air-gapped vaults.
const MULTI_PARTY_APPROVAL: &str = "isMpaEnabled";
/// AWS's names of the settings `[M]`; AWS may have newer ones, which it tells.
const KNOWN: [&str; 3] = [CROSS_ACCOUNT_BACKUP, DELEGATED_ADMINISTRATOR, MULTI_PARTY_APPROVAL];

/// The settings of an organization, as one of its accounts is told them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalSettings {
    /// Which account and region were asked.
    pub scope: Scope,
    /// By AWS's name.
    pub settings: BTreeMap<String, bool>,
    /// By AWS's name: words that are neither `true` nor `false`.
    pub other: BTreeMap<String, String>,
    /// When they were last changed.
    pub updated_at: Option<Timestamp>,
}

impl GlobalSettings {
    /// Reads AWS's words.
    pub fn told(
        scope: Scope,
        words: impl IntoIterator<Item = (String, String)>,
        updated_at: Option<Timestamp>,
    ) -> Self {
        let (mut settings, mut other) = (BTreeMap::new(), BTreeMap::new());
        for (name, word) in words {
            match word.to_ascii_lowercase().as_str() {
                "true" => drop(settings.insert(name, true)),
                "false" => drop(settings.insert(name, false)),
                _ => drop(other.insert(name, word)),
            }
        }
        Self { scope, settings, other, updated_at }
    }

    /// Changes with the settings.
    pub fn etag(&self) -> String {
        let switches = self.settings.iter().flat_map(|(name, on)| [name.as_str(), if *on { "on" } else { "off" }]);
        let words = self.other.iter().flat_map(|(name, word)| [name.as_str(), word.as_str()]);
        // A blank, which no setting is called, stands between the two.
        etag([self.scope.account.as_str()].into_iter().chain(switches).chain([""]).chain(words))
    }
}

/// A change of some of the settings; the others stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalSettingsUpdate {
    /// By AWS's name; at least one.
    pub settings: BTreeMap<String, bool>,
    /// The etag of the settings that were read; absent: it does not matter.
    pub etag: Option<String>,
}

impl GlobalSettingsUpdate {
    /// The settings after the change, or every one that nobody knows.
    pub fn over(&self, current: &GlobalSettings) -> Result<GlobalSettings, Invalid> {
        let told = current.settings.keys().chain(current.other.keys()).map(String::as_str);
        let mut known: Vec<&str> = KNOWN.into_iter().chain(told).collect();
        known.sort_unstable();
        known.dedup();
        let unknown = self.settings.keys().filter(|name| !known.contains(&name.as_str()));
        let violations: Vec<Violation> = unknown
            .map(|name| Violation {
                field: format!("settings[{}]", quoted(name)),
                description: format!(
                    "{} is no global setting of AWS Backup: they are {}{}",
                    quoted(name),
                    known.join(", "),
                    did_you_mean(name, known.iter().copied())
                ),
            })
            .collect();
        if !violations.is_empty() {
            return Err(Invalid { violations });
        }
        let mut after = current.clone();
        after.settings.extend(self.settings.clone());
        after.other.retain(|name, _| !self.settings.contains_key(name));
        Ok(after)
    }

    /// What those that it switches off, and that are on, are needed for.
    pub fn findings(&self, current: &GlobalSettings) -> Vec<Finding> {
        let is_on = |name: &str| current.settings.get(name).copied().unwrap_or_default();
        let off = self.settings.iter().filter(|(name, on)| !**on && is_on(name));
        let finding = |(name, _): (&String, &bool)| {
            let field = format!("settings[{}]", quoted(name));
            let (code, message) = match name.as_str() {
                CROSS_ACCOUNT_BACKUP => (
                    "CROSS_ACCOUNT_BACKUP_OFF",
                    "copies to other accounts fail from now on, in every account of the organization: those of plans, and \
                     those that are asked for",
                ),
                DELEGATED_ADMINISTRATOR => (
                    "DELEGATED_ADMINISTRATOR_OFF",
                    "delegated administrators can no longer manage the organization's backup policies",
                ),
                // What becomes of teams that vaults have already AWS does not document [U].
                MULTI_PARTY_APPROVAL => (
                    "MULTI_PARTY_APPROVAL_OFF",
                    "approval teams can no longer be given to logically air-gapped vaults, in every account of the \
                     organization, and through none is access to such a vault asked for when its own account is lost; \
                     what becomes of vaults that have a team AWS does not document",
                ),
                _ => return None,
            };
            Some(Finding::warning(code, message, "").at(field))
        };
        off.filter_map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn told(words: &[(&str, &str)]) -> GlobalSettings {
        let scope = Scope { account: AccountId::example(), region: RegionName::example() };
        GlobalSettings::told(scope, words.iter().map(|(name, word)| ((*name).into(), (*word).into())), None)
    }

    fn update(settings: &[(&str, bool)]) -> GlobalSettingsUpdate {
        let settings = settings.iter().map(|(name, on)| ((*name).to_owned(), *on)).collect();
        GlobalSettingsUpdate { settings, etag: None }
    }

    #[test]
    fn what_is_not_named_stays_and_what_is_switched_off_is_told() {
        let current = told(&[(CROSS_ACCOUNT_BACKUP, "true"), ("isNew", "TRUE"), ("level", "3")]);
        let off = update(&[(CROSS_ACCOUNT_BACKUP, false), ("isMpaEnabled", true), ("level", false)]);
        let after = off.over(&current).unwrap();
        let read: Vec<_> = after.settings.iter().map(|(name, on)| (name.as_str(), *on)).collect();
        assert_eq!(read, [(CROSS_ACCOUNT_BACKUP, false), ("isMpaEnabled", true), ("isNew", true), ("level", false)]);
        assert!(after.other.is_empty() && current.other["level"] == "3");
        assert_ne!(after.etag(), current.etag());
        let codes = |of: &GlobalSettings| off.findings(of).iter().map(|found| found.code).collect::<Vec<_>>();
        assert_eq!(codes(&current), ["CROSS_ACCOUNT_BACKUP_OFF"]);
        assert!(codes(&after).is_empty(), "it is off already");
        let all = KNOWN.map(|name| (name, "true"));
        let found = update(&KNOWN.map(|name| (name, false))).findings(&told(&all));
        assert_eq!(found.len(), KNOWN.len(), "every setting that is known is needed for something: {found:?}");
    }

    #[test]
    fn a_setting_that_nobody_knows_is_told_with_the_known_ones() {
        let fault = update(&[("isMpaEnable", true)]).over(&told(&[("isNew", "false")])).unwrap_err();
        assert_eq!(fault.violations[0].field, "settings[\"isMpaEnable\"]");
        let said = &fault.violations[0].description;
        assert!(said.ends_with("isMpaEnabled, isNew; did you mean isMpaEnabled?"), "{said}");
    }
}
