//! Backup plans: what is backed up, when, whereto and for how long (docs/aws-backup-semantics.md, sections 1.7 and 7).

mod changes;
mod collisions;
mod content;
mod findings;
mod preview;
mod rule_vault;
mod running;
#[cfg(test)]
mod tests;
mod vaults;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub(super) use collisions::ContinuousRuns;
pub use content::{PlanContent, Rule};
pub use preview::{PreviewedRun, RulePreview};
pub use rule_vault::RuleVault;
pub use running::RunningPlan;
pub(super) use running::{RuleRuns, gives_way};
pub(super) use vaults::{Puts, Use, uses};
pub use vaults::{SeenKey, SeenVault, SeenVaults};

use super::{
    Arn, AskedScope, Lifecycle, Noun, PlanName, Refusal, RefusalKind, Retention, RoleRef, RuleName, ScheduleText,
    Scope, Selection, Tags, TimeZone, VaultName, VaultRef,
    invalid::{Fault, quoted},
    names::is_uuid,
};

/// A plan as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanRef {
    /// By id, which is unique.
    Id(String),
    /// By name, which several plans can have.
    Name(PlanName),
    /// By a text that has the form of an id. Other tools give plans such names: where no plan has the id, the name is meant.
    IdOrName(String, PlanName),
}

impl PlanRef {
    /// ARN of the plan of that id in that scope.
    pub fn arn_of(id: &str, scope: &Scope) -> String {
        let Scope { account, region } = scope;
        format!("arn:{}:backup:{region}:{account}:backup-plan:{id}", region.partition())
    }

    /// An id, an ARN `arn:aws:backup:REGION:ACCOUNT:backup-plan:ID` or a name, and the scope that an ARN names.
    pub fn parse(text: &str) -> Result<(Self, AskedScope), Fault> {
        if text.is_empty() {
            return Err("is required: give a plan's id, ARN or name".into());
        }
        if Arn::looks_like(text) {
            let arn = Arn::parse(text)?;
            let id = (arn.service() == "backup").then(|| arn.resource_of_kind("backup-plan")).flatten();
            let form = "one has the form arn:aws:backup:REGION:ACCOUNT:backup-plan:ID";
            let id = id.ok_or_else(|| arn.is_not("a backup plan", form))?;
            let id = plan_id(id).ok_or_else(|| {
                let (arn, id) = (quoted(text), quoted(id));
                format!(
                    "{arn} names no plan: the ARN has the plan's id, a UUID or a path and a UUID, and not its name; \
                         a plan named {id} is given by that name alone"
                )
            })?;
            return Ok((Self::Id(id), arn.scope()));
        }
        let named = match plan_id(text) {
            None => Self::Name(PlanName::parse_reference(text)?),
            Some(id) => match PlanName::parse_reference(text) {
                Ok(name) => Self::IdOrName(id, name),
                Err(_) => Self::Id(id),
            },
        };
        Ok((named, AskedScope::default()))
    }
}

impl PlanRef {
    /// The id, if one was given, or a text that may be one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Id(id) | Self::IdOrName(id, _) => Some(id),
            Self::Name(_) => None,
        }
    }

    /// The id or name that was given.
    pub fn word(&self) -> &str {
        match self {
            Self::Id(id) | Self::IdOrName(id, _) => id,
            Self::Name(name) => name.as_str(),
        }
    }
}

/// A UUID; AWS's own plans and those of an organization's policies have a path before it, such as `aws/efs/` or `orgs/`.
fn plan_id(text: &str) -> Option<String> {
    let (path, uuid) = text.rsplit_once('/').map_or(("", text), |(path, uuid)| (path, uuid));
    let of_path = |byte: u8| byte.is_ascii_alphabetic() || byte == b'/';
    let uuid = is_uuid(uuid) && path.len() <= 32 && path.bytes().all(of_path);
    uuid.then(|| text.to_ascii_lowercase())
}

/// That a plan of an organization's backup policy is not changed from the account that it backs up: there it can be looked
/// at `[D]`. Its id says that it is one.
pub fn check_own_plan(id: &str) -> Result<(), Refusal> {
    if !id.starts_with("orgs/") {
        return Ok(());
    }
    let message = format!(
        "plan {id} and its selections are made by a backup policy of the organization, and cannot be changed from this \
         account: change the policy, in AWS Organizations"
    );
    Err(Refusal::of(RefusalKind::State, Noun::Plan, id, message))
}

/// A plan to be created.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Its name.
    pub name: PlanName,
    /// Its rules, 1–10 with different names.
    pub rules: Vec<NewRule>,
    /// Its own tags.
    pub tags: Tags,
    /// Settings by resource type.
    pub settings: Vec<AdvancedSetting>,
    /// Its malware scans.
    pub scans: Vec<NewScanSetting>,
}

/// A plan to be read, in its current version or another.
#[derive(Debug, Clone)]
pub struct GetPlan {
    /// Which plan.
    pub plan: PlanRef,
    /// Which version of it; absent: the current one.
    pub version: Option<String>,
}

/// What a list of plans has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Also those that are deleted.
    pub with_deleted: bool,
    /// Each with its rules and selections.
    pub whole: bool,
}

/// A plan to be deleted.
#[derive(Debug, Clone)]
pub struct DeletePlan {
    /// Which plan.
    pub plan: PlanRef,
    /// The version that was read, if that alone is to be deleted.
    pub etag: Option<String>,
    /// True: one that is not there need not be.
    pub allow_missing: bool,
}

/// What a plan is to be from now on. What is absent stays as it is.
#[derive(Debug, Clone)]
pub struct PlanUpdate {
    /// Which plan.
    pub plan: PlanRef,
    /// Its name.
    pub name: Option<PlanName>,
    /// All its rules, 1–10 with different names.
    pub rules: Option<Vec<NewRule>>,
    /// All its settings by resource type.
    pub settings: Option<Vec<AdvancedSetting>>,
    /// All its malware scans.
    pub scans: Option<Vec<NewScanSetting>>,
    /// The version that was read, if the update is for that alone.
    pub etag: Option<String>,
}

/// A rule, every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// Unique in its plan.
    pub name: RuleName,
    /// Where recovery points go.
    pub vault: VaultName,
    /// When it runs, as far as AWS can read it.
    pub schedule: ScheduleText,
    /// Where those times are local.
    pub zone: TimeZone,
    /// In which minutes after that.
    pub windows: Windows,
    /// How long recovery points are kept.
    pub lifecycle: Lifecycle,
    /// Tags put on recovery points.
    pub recovery_point_tags: Tags,
    /// Copies made of each.
    pub copies: Vec<CopyAction>,
    /// Point-in-time restore.
    pub continuous: bool,
    /// The air-gapped vault that recovery points go to besides, or from there on.
    pub air_gapped_vault: Option<VaultRef>,
    /// Resource types whose recovery points are indexed for search.
    pub index_types: Vec<String>,
    /// Malware scans of recovery points.
    pub scan_actions: Vec<ScanAction>,
}

impl NewRule {
    /// Longest retention of continuous backups, in days `[D]`.
    const LONGEST_CONTINUOUS: u16 = 35;

    /// Continuous backups are kept 1–35 days `[D]`, too short for cold storage.
    pub fn check_continuous(continuous: bool, lifecycle: &Lifecycle) -> Result<bool, Fault> {
        let kept = match lifecycle.retention {
            Retention::Days(days) if days <= Self::LONGEST_CONTINUOUS => return Ok(continuous),
            Retention::Days(days) => format!("{days} days"),
            Retention::Forever => "for ever".to_owned(),
        };
        if !continuous {
            return Ok(false);
        }
        Err(format!(
            "contradicts a retention of {kept}: continuous backups are kept 1–{} days; keep others by another rule",
            Self::LONGEST_CONTINUOUS
        )
        .into())
    }
}

/// Most rules of a plan `[D]`.
pub const MOST_RULES: usize = 10;
/// Most copies that a rule makes `[D]`.
pub const MOST_COPIES: usize = 5;
/// Most entries of a list that AWS documents no bound for: index types, scans, and settings of a plan.
pub const MOST_ENTRIES: usize = 50;
/// Most tags that a rule puts on recovery points `[D]`.
pub const MOST_RECOVERY_POINT_TAGS: usize = 10;

/// 1–10 rules with different names. Tells every fault with the place of its rule.
pub fn check_rule_names(names: &[&str]) -> Result<(), Vec<(String, Fault)>> {
    if names.is_empty() {
        return Err(vec![(String::new(), format!("is required: give 1–{MOST_RULES} rules").into())]);
    }
    if names.len() > MOST_RULES {
        return Err(vec![(
            String::new(),
            format!("has {} rules: at most {MOST_RULES} are possible", names.len()).into(),
        )]);
    }
    let mut seen = BTreeSet::new();
    let twice = names.iter().enumerate().filter(|(_, name)| !name.is_empty() && !seen.insert(**name));
    let faults: Vec<_> = twice
        .map(|(index, name)| {
            let fault = format!("is {}, the name of an earlier rule: give each rule its own", quoted(name));
            (format!("[{index}].name"), fault.into())
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// When a job of a rule must start and finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Minutes after the scheduled time within which a job must start.
    pub start_minutes: i64,
    /// Minutes after its start within which it must finish.
    pub completion_minutes: i64,
}

impl Windows {
    /// What AWS fills in `[D][P]`: 8 hours and 7 days.
    pub const DEFAULT: Self = Self { start_minutes: 480, completion_minutes: 10_080 };
    /// 100 years `[M]`.
    const LONGEST: i64 = 52_560_000;

    /// A start window `[M]`.
    pub fn parse_start(minutes: i32) -> Result<i64, Fault> {
        let minutes = i64::from(minutes);
        match minutes {
            60..=Self::LONGEST => Ok(minutes),
            _ => Err(format!("is {minutes} minutes: give 60–{}", Self::LONGEST).into()),
        }
    }

    /// A completion window: long enough for a job that starts at the last moment.
    pub fn check_completion(minutes: i64, start_minutes: i64) -> Result<i64, Fault> {
        let shortest = start_minutes + 60;
        if minutes >= shortest {
            return Ok(minutes);
        }
        Err(format!(
            "is {minutes} minutes: it must be at least 60 longer than the start window of {start_minutes}, {shortest} or more"
        )
        .into())
    }
}

/// A copy that a rule makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyAction {
    /// The vault it goes to.
    pub vault: RuleVault,
    /// How long it is kept. Absent in a request: like the original, which [`Rule::within`] fills in; in a plan of AWS,
    /// where another tool left it out: see [`Self::kept`].
    pub lifecycle: Option<Lifecycle>,
}

impl CopyAction {
    /// How long AWS keeps the copy. A saved copy action without a lifecycle AWS takes for a lifecycle of its own, which
    /// is empty, that is for ever `[Q]`; its guide says that the original's holds `[D]`.
    pub fn kept(&self) -> &Lifecycle {
        static FOREVER: Lifecycle = Lifecycle::FOREVER;
        self.lifecycle.as_ref().unwrap_or(&FOREVER)
    }
}

/// Options for one resource type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdvancedSetting {
    /// AWS's name of the type.
    pub resource_type: String,
    /// Options and their values.
    pub options: BTreeMap<String, String>,
}

/// A malware scan that a rule makes, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanAction {
    /// Such as `GUARDDUTY`; blank where AWS does not say.
    pub scanner: String,
    /// `FULL_SCAN` or `INCREMENTAL_SCAN`; blank where AWS does not say.
    pub mode: String,
}

/// What a plan's malware scans are to look at, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScanSetting {
    /// Such as `GUARDDUTY`, or blank.
    pub scanner: String,
    /// AWS's names of the types.
    pub resource_types: Vec<String>,
    /// The role that the scanner assumes.
    pub role: Option<RoleRef>,
}

impl NewScanSetting {
    /// As AWS has it. A role's name does not tell its path: who asked IAM gives the ARN; blank: there is no role.
    pub fn with_role(&self, role_arn: String) -> ScanSetting {
        ScanSetting { scanner: self.scanner.clone(), resource_types: self.resource_types.clone(), role_arn }
    }
}

/// What a plan's malware scans look at, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanSetting {
    /// Such as `GUARDDUTY`; blank where AWS does not say.
    pub scanner: String,
    /// AWS's names of the types.
    pub resource_types: Vec<String>,
    /// ARN of the role that the scanner assumes; blank where AWS does not say.
    pub role_arn: String,
}

/// A word of AWS Backup's settings `[M]`: 1–50 letters, digits, `-`, `_`, `.`.
pub fn check_setting_word(text: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=50).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("{} does not have 1–50 letters, digits, hyphens, underscores and dots", quoted(text)).into())
}

/// A plan as AWS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Where it is.
    pub scope: Scope,
    /// Version.
    pub etag: String,
    /// What it says. Without rules in lists.
    pub content: PlanContent,
    /// When this version was created.
    pub created_at: Option<Timestamp>,
    /// When a rule last ran.
    pub last_run_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Only where they were read too.
    pub tags: BTreeMap<String, String>,
    /// Only where they were read too.
    pub selections: Vec<Selection>,
    /// The CreatorRequestId.
    pub request_id: String,
}

impl NewPlan {
    /// What the plan is to say in that account and region; `scans` are its own, with the ARNs of their roles.
    pub fn content(&self, scope: &Scope, scans: Vec<ScanSetting>) -> PlanContent {
        PlanContent {
            name: self.name.as_str().to_owned(),
            rules: self.rules.iter().map(|rule| Rule::from(rule).within(scope)).collect(),
            settings: self.settings.clone(),
            scans,
        }
    }
}

impl PlanUpdate {
    /// What a plan of that account and region that says `current` is to say: rules that keep their name keep their id.
    /// `scans` are its own, with the ARNs of their roles.
    pub fn content(&self, current: &PlanContent, scope: &Scope, scans: Option<Vec<ScanSetting>>) -> PlanContent {
        let id = |rule: &Rule| current.rules.iter().find(|old| old.name == rule.name).map(|old| old.id.clone());
        let kept = |rule: Rule| Rule { id: id(&rule).unwrap_or_default(), ..rule };
        let made = |rules: &Vec<NewRule>| rules.iter().map(|rule| kept(Rule::from(rule).within(scope))).collect();
        PlanContent {
            name: self.name.as_ref().map_or_else(|| current.name.clone(), |name| name.as_str().to_owned()),
            rules: self.rules.as_ref().map_or_else(|| current.rules.clone(), made),
            settings: self.settings.as_ref().unwrap_or(&current.settings).clone(),
            scans: scans.unwrap_or_else(|| current.scans.clone()),
        }
    }
}
