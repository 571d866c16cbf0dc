//! The rules of plans, saved or to be.

use super::reader::Reader;
use crate::{
    domain::{
        Arn, Bond, CopyAction, Fault, MOST_COPIES, MOST_ENTRIES, MOST_RECOVERY_POINT_TAGS, MOST_RULES, NewRule, Noted,
        ResourceType, Rule, RuleName, ScanAction, ScheduleText, TimeZone, VaultName, VaultRef, Windows,
        check_rule_names, check_setting_word,
    },
    proto,
};

impl Reader {
    /// 1–10 rules with different names.
    pub(in crate::rpc) fn rules(&mut self, field: &str, rules: Vec<proto::Rule>) -> Result<Vec<NewRule>, Noted> {
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let named = self.note_all(field, check_rule_names(&names));
        // Of rules too many, the first ones are told their faults; the rest would drown them.
        // Where some are given by their names, the ARN of another does not decide of which account and region they are.
        let beside = rules.iter().any(|rule| !rule.vault.is_empty() && !Arn::looks_like(&rule.vault));
        let read = rules.into_iter().take(MOST_RULES).enumerate();
        let rules: Vec<_> = read.map(|(index, rule)| self.rule(&format!("{field}[{index}]"), rule, beside)).collect();
        named?;
        rules.into_iter().collect()
    }

    /// `beside`: its vault does not decide where the plan is.
    fn rule(&mut self, field: &str, rule: proto::Rule, beside: bool) -> Result<NewRule, Noted> {
        let proto::Rule {
            name,
            id: _,
            vault,
            schedule,
            schedule_timezone,
            start_window_minutes,
            completion_window_minutes,
            lifecycle,
            recovery_point_tags,
            copy_actions,
            enable_continuous_backup,
            air_gapped_vault,
            index_resource_types,
            scan_actions,
        } = rule;
        let at = |member: &str| format!("{field}.{member}");
        let name = self.note(&at("name"), RuleName::parse(&name));
        let vault = match beside {
            true => self.vault_beside(&at("vault"), &vault, VaultName::parse_reference).map(|(name, _)| name),
            false => self.vault(&at("vault"), &vault),
        };
        let schedule = self.note(&at("schedule"), ScheduleText::parse(&schedule));
        let zone = self.note(&at("schedule_timezone"), TimeZone::parse(&schedule_timezone));
        let windows = self.windows(field, start_window_minutes, completion_window_minutes);
        let lifecycle = self.lifecycle(&at("lifecycle"), lifecycle);
        let tags = self.tags(&at("recovery_point_tags"), recovery_point_tags, MOST_RECOVERY_POINT_TAGS);
        let copies = self.copies(&at("copy_actions"), copy_actions);
        let continuous = match &lifecycle {
            Ok(lifecycle) => {
                let checked = NewRule::check_continuous(enable_continuous_backup, lifecycle);
                self.note(&at("enable_continuous_backup"), checked)
            }
            Err(noted) => Err(*noted),
        };
        let air_gapped_vault = self.optional(&air_gapped_vault, |read, text| {
            read.vault_beside(&at("air_gapped_vault"), text, VaultRef::parse)
        });
        let index_types = self.type_words(&at("index_resource_types"), index_resource_types);
        let scan_actions = self.scan_actions(&at("scan_actions"), scan_actions);
        Ok(NewRule {
            name: name?,
            vault: vault?,
            schedule: schedule?,
            zone: zone?,
            windows: windows?,
            lifecycle: lifecycle?,
            recovery_point_tags: tags?,
            copies: copies?,
            continuous: continuous?,
            air_gapped_vault: air_gapped_vault?,
            index_types: index_types?,
            scan_actions: scan_actions?,
        })
    }

    fn windows(&mut self, field: &str, start: Option<i32>, completion: Option<i32>) -> Result<Windows, Noted> {
        let start = start.map_or(Ok(Windows::DEFAULT.start_minutes), |minutes| {
            self.note(&format!("{field}.start_window_minutes"), Windows::parse_start(minutes))
        });
        // Of a start window with a fault the default stands in, so that the other's fault is told too.
        let after = start.unwrap_or(60);
        let completion = completion.map_or(Windows::DEFAULT.completion_minutes, i64::from);
        let completion =
            self.note(&format!("{field}.completion_window_minutes"), Windows::check_completion(completion, after));
        Ok(Windows { start_minutes: start?, completion_minutes: completion? })
    }

    fn copies(&mut self, field: &str, copies: Vec<proto::CopyAction>) -> Result<Vec<CopyAction>, Noted> {
        if copies.len() > MOST_COPIES {
            return Err(self.fault(field, format!("has {} copies: at most {MOST_COPIES} are possible", copies.len())));
        }
        let copies: Vec<_> = copies
            .into_iter()
            .enumerate()
            .map(|(index, proto::CopyAction { destination_vault, lifecycle })| {
                // Another region and account is the point of it, so its scope is not the plan's.
                let at = |member: &str| format!("{field}[{index}].{member}");
                let vault = self.destination(&at("destination_vault"), &destination_vault);
                let lifecycle =
                    lifecycle.map(|lifecycle| self.lifecycle(&at("lifecycle"), Some(lifecycle))).transpose();
                Ok(CopyAction { vault: vault?.into(), lifecycle: lifecycle? })
            })
            .collect();
        copies.into_iter().collect()
    }

    /// Rules of which nothing is made yet: their names and vaults may be blank.
    pub(in crate::rpc) fn drafts(&mut self, field: &str, rules: Vec<proto::Rule>) -> Result<Vec<Rule>, Noted> {
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        let named = self.note_all(field, check_rule_names(&names));
        // Where some are given by their names, the ARN of another does not decide of which account and region they are.
        let beside = rules.iter().any(|rule| !rule.vault.is_empty() && !Arn::looks_like(&rule.vault));
        let read = rules.into_iter().take(MOST_RULES).enumerate();
        let drafts: Vec<_> = read.map(|(index, rule)| self.draft(&format!("{field}[{index}]"), rule, beside)).collect();
        named?;
        drafts.into_iter().collect()
    }

    /// What is blank is read as something valid and left blank again.
    fn draft(&mut self, field: &str, rule: proto::Rule, beside: bool) -> Result<Rule, Noted> {
        let or = |text: &str, stand_in: &str| if text.is_empty() { stand_in } else { text }.to_owned();
        let (name, vault) = (or(&rule.name, "draft"), or(&rule.vault, "draft"));
        let (nameless, vaultless) = (rule.name.is_empty(), rule.vault.is_empty());
        let id = rule.id.clone();
        let mut draft = Rule::from(&self.rule(field, proto::Rule { name, vault, ..rule }, beside)?);
        draft.id = id;
        if nameless {
            draft.name.clear();
        }
        if vaultless {
            draft.vault.clear();
        }
        Ok(draft)
    }

    /// A vault that copies go to, wherever it is: it says nothing of where the request goes.
    pub(in crate::rpc) fn destination(&mut self, field: &str, text: &str) -> Result<VaultRef, Noted> {
        let vault = self.note_of(field, text, VaultRef::parse(text), Bond::CopiedTo)?;
        self.place(field, &vault.scope(), Bond::CopiedTo);
        Ok(vault)
    }

    /// A vault that must be in the plan's account and region, and does not decide where the plan is: the vaults beside it
    /// that are given by their names would be moved along.
    fn vault_beside<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, Noted> {
        let vault = self.note_of(field, text, parse(text), Bond::Beside)?;
        let scope = VaultName::parse_reference(text).map(|(_, scope)| scope);
        self.place(field, &scope.unwrap_or_default(), Bond::Beside);
        Ok(vault)
    }

    /// Words of AWS's, such as types of resources.
    pub(in crate::rpc) fn words(&mut self, field: &str, words: Vec<String>) -> Result<Vec<String>, Noted> {
        self.few(field, words.len())?;
        for (index, word) in words.iter().enumerate() {
            self.note(&format!("{field}[{index}]"), check_setting_word(word))?;
        }
        Ok(words)
    }

    /// As [`Self::words`], of types of resources: what AWS knows in other letters is none.
    pub(in crate::rpc) fn type_words(&mut self, field: &str, words: Vec<String>) -> Result<Vec<String>, Noted> {
        let words = self.words(field, words)?;
        for (index, word) in words.iter().enumerate() {
            self.note(&format!("{field}[{index}]"), ResourceType::check_letters(word))?;
        }
        Ok(words)
    }

    /// No more entries than anybody needs.
    pub(in crate::rpc) fn few(&mut self, field: &str, entries: usize) -> Result<(), Noted> {
        if entries <= MOST_ENTRIES {
            return Ok(());
        }
        Err(self.fault(field, format!("has {entries} entries: at most {MOST_ENTRIES} are possible")))
    }

    /// A word of AWS's, or blank.
    pub(in crate::rpc) fn word_or_blank(&mut self, field: &str, word: &str) -> Result<(), Noted> {
        if word.is_empty() { Ok(()) } else { self.note(field, check_setting_word(word)) }
    }

    fn scan_actions(&mut self, field: &str, scans: Vec<proto::ScanAction>) -> Result<Vec<ScanAction>, Noted> {
        self.few(field, scans.len())?;
        let mut noted = Ok(());
        for (index, scan) in scans.iter().enumerate() {
            noted = noted.and(self.word_or_blank(&format!("{field}[{index}].malware_scanner"), &scan.malware_scanner));
            noted = noted.and(self.word_or_blank(&format!("{field}[{index}].scan_mode"), &scan.scan_mode));
        }
        noted?;
        Ok(scans.into_iter().map(|scan| ScanAction { scanner: scan.malware_scanner, mode: scan.scan_mode }).collect())
    }
}

impl From<Rule> for proto::Rule {
    fn from(rule: Rule) -> Self {
        // AWS keeps windows as 64 bits and refuses what is longer than 100 years.
        let minutes = |minutes: i64| Some(i32::try_from(minutes).unwrap_or(i32::MAX));
        Self {
            name: rule.name,
            id: rule.id,
            vault: rule.vault,
            schedule: rule.schedule,
            schedule_timezone: rule.zone,
            start_window_minutes: minutes(rule.windows.start_minutes),
            completion_window_minutes: minutes(rule.windows.completion_minutes),
            lifecycle: Some(rule.lifecycle.into()),
            recovery_point_tags: rule.recovery_point_tags,
            copy_actions: rule.copies.into_iter().map(Into::into).collect(),
            enable_continuous_backup: rule.continuous,
            air_gapped_vault: rule.air_gapped_vault.map(|vault| vault.to_string()).unwrap_or_default(),
            index_resource_types: rule.index_types,
            scan_actions: rule.scan_actions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CopyAction> for proto::CopyAction {
    fn from(copy: CopyAction) -> Self {
        // What is left out means something, and stays the same when the answer is sent back.
        Self { destination_vault: copy.vault.to_string(), lifecycle: Some(copy.kept().clone().into()) }
    }
}

impl From<ScanAction> for proto::ScanAction {
    fn from(scan: ScanAction) -> Self {
        Self { malware_scanner: scan.scanner, scan_mode: scan.mode }
    }
}
