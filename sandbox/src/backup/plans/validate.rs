//! From `BackupPlanInput` to a stored plan: the checks, in AWS's words where they are known, and the defaults.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::document::{
    AdvancedBackupSetting, CopyAction, DEFAULT_COMPLETION_WINDOW, DEFAULT_START_WINDOW, Document, PlanInput, Rule,
    RuleInput,
};
use crate::backup::checks::shorten;
use crate::backup::error;
use crate::backup::lifecycle::Lifecycle;
use crate::backup::schedule::{DEFAULT_EXPRESSION, DEFAULT_TIMEZONE, Schedule};
use crate::call::AwsError;
use crate::config::Behaviour;

/// Minutes: one hour `[M]`.
const LEAST_START_WINDOW: i64 = 60;
/// Minutes: a hundred years `[M]`.
const LONGEST_WINDOW: i64 = 52_560_000;
/// The longest retention of a continuous backup, in days `[D]`.
const LONGEST_CONTINUOUS: i64 = 35;

/// A plan that may be stored, and its rules' schedules in the same order.
#[derive(Debug)]
pub(super) struct Valid {
    pub(super) document: Document,
    pub(super) schedules: Vec<Schedule>,
}

/// Checks a plan and fills in the defaults. The rules have no ids yet.
///
/// # Errors
///
/// MPV without a name or rules; IPV with every other fault of the plan at once.
pub(super) fn validate(input: PlanInput, behaviour: &Behaviour, now: Timestamp) -> Result<Valid, AwsError> {
    let name = input.backup_plan_name.ok_or_else(|| error::missing_parameter("BackupPlan.BackupPlanName"))?;
    let rules = input.rules.ok_or_else(|| error::missing_parameter("BackupPlan.Rules"))?;
    if !is_word(&name, 200) {
        return Err(error::invalid_parameter(format!(
            "Invalid backup plan name {:?}. It must consist of 1 to 200 letters, digits, '-', '_' and '.'",
            shorten(&name)
        )));
    }
    let advanced_backup_settings = input.advanced_backup_settings.unwrap_or_default();
    advanced_backup_settings.iter().try_for_each(advanced)?;
    if rules.is_empty() {
        return Err(error::invalid_parameter("A backup plan must have at least one rule"));
    }
    let most = behaviour.quotas.rules_per_plan;
    if rules.len() > most {
        return Err(error::limit_exceeded(format!("A backup plan can have at most {most} rules")));
    }
    let mut faults = Faults::default();
    let mut names = BTreeSet::new();
    let (mut valid, mut schedules) = (Vec::new(), Vec::new());
    for input in rules {
        if let Some(name) = input.rule_name.as_ref().filter(|name| !names.insert((*name).clone())) {
            faults.add(format!("Rule name {:?} is used twice", shorten(name)));
        }
        let (rule, schedule) = rule(input, behaviour, now, &mut faults);
        valid.push(rule);
        schedules.extend(schedule);
    }
    faults.into_result()?;
    let scan_settings = input.scan_settings.unwrap_or_default();
    Ok(Valid { document: Document { name, rules: valid, advanced_backup_settings, scan_settings }, schedules })
}

/// Collects what is wrong with the rules; AWS reports them under one heading `[Q]`.
#[derive(Debug, Default)]
struct Faults {
    general: Vec<String>,
    lifecycle: Vec<&'static str>,
}

impl Faults {
    fn add(&mut self, fault: String) {
        self.general.push(fault);
    }

    fn lifecycle(&mut self, lifecycle: Option<&Lifecycle>) {
        if let Some(fault) = lifecycle.and_then(Lifecycle::fault).filter(|fault| !self.lifecycle.contains(fault)) {
            self.lifecycle.push(fault);
        }
    }

    /// AWS writes a space before the colon where the lifecycle is at fault and none elsewhere `[Q]`.
    fn into_result(self) -> Result<(), AwsError> {
        let colon = match (self.general.as_slice(), self.lifecycle.as_slice()) {
            ([], []) => return Ok(()),
            ([], _) => " : ",
            _ => ": ",
        };
        let all: Vec<&str> = self.general.iter().map(String::as_str).chain(self.lifecycle).collect();
        Err(error::invalid_parameter(format!("Error in some rules due to{colon}{}", all.join("; "))))
    }
}

fn rule(input: RuleInput, behaviour: &Behaviour, now: Timestamp, faults: &mut Faults) -> (Rule, Option<Schedule>) {
    let name = input.rule_name.unwrap_or_default();
    if name.is_empty() {
        faults.add("Rule name is null".to_owned());
    } else if !is_word(&name, 50) {
        let name = shorten(&name);
        faults.add(format!("Invalid rule name {name:?}. It must consist of 1 to 50 letters, digits, '-', '_' and '.'"));
    }
    let vault_name = input.target_backup_vault_name.unwrap_or_default();
    if vault_name.is_empty() {
        faults.add("Backup vault name is null".to_owned());
    } else if !is_vault_name(&vault_name) {
        let vault = shorten(&vault_name);
        faults.add(format!(
            "Invalid backup vault name {vault:?}. It must consist of 2 to 50 letters, digits, '-' and '_'"
        ));
    }
    let schedule_expression = input.schedule_expression.unwrap_or_else(|| DEFAULT_EXPRESSION.to_owned());
    let schedule_expression_timezone =
        input.schedule_expression_timezone.unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned());
    let rate_from = behaviour.switches.rate_expressions.then_some(now);
    let schedule = Schedule::parse(&schedule_expression, &schedule_expression_timezone, rate_from)
        .map_err(|fault| faults.add(fault))
        .ok();
    let start_window_minutes = input.start_window_minutes.unwrap_or(DEFAULT_START_WINDOW);
    let completion_window_minutes = input.completion_window_minutes.unwrap_or(DEFAULT_COMPLETION_WINDOW);
    windows(start_window_minutes, completion_window_minutes, faults);
    let lifecycle = input.lifecycle.map(Lifecycle::normalised);
    faults.lifecycle(lifecycle.as_ref());
    if input.enable_continuous_backup == Some(true) {
        continuous(lifecycle.as_ref(), faults);
    }
    if let Some(tags) = &input.recovery_point_tags {
        recovery_point_tags(tags, behaviour.quotas.tags_per_recovery_point, faults);
    }
    let copy_actions = input.copy_actions.map(|copies| copy_actions(copies, behaviour, faults));
    let rule = Rule {
        id: String::new(),
        name,
        vault_name,
        target_logically_air_gapped_backup_vault_arn: input.target_logically_air_gapped_backup_vault_arn,
        schedule_expression,
        schedule_expression_timezone,
        start_window_minutes,
        completion_window_minutes,
        lifecycle,
        recovery_point_tags: input.recovery_point_tags,
        copy_actions,
        enable_continuous_backup: input.enable_continuous_backup,
        index_actions: input.index_actions,
        scan_actions: input.scan_actions,
    };
    (rule, schedule)
}

/// The bounds are AWS's `[M]`; that the completion window is an hour longer is what module authors enforce `[I]`.
fn windows(start: i64, completion: i64, faults: &mut Faults) {
    if !(LEAST_START_WINDOW..=LONGEST_WINDOW).contains(&start) {
        faults.add(format!(
            "StartWindowMinutes {start} must be at least {LEAST_START_WINDOW} and at most {LONGEST_WINDOW} minutes"
        ));
    } else if completion < start + 60 || completion > LONGEST_WINDOW {
        faults.add(format!(
            "CompletionWindowMinutes {completion} must be at least 60 minutes longer than StartWindowMinutes {start} \
             and at most {LONGEST_WINDOW}"
        ));
    }
}

fn continuous(lifecycle: Option<&Lifecycle>, faults: &mut Faults) {
    // In AWS's words `[Q]`.
    let Some(lifecycle) = lifecycle.filter(|lifecycle| !lifecycle.is_silent()) else {
        faults.add("Lifecycle must be specified for backup rule enabled continuous backup".to_owned());
        return;
    };
    if lifecycle.move_to_cold_storage_after_days.is_some() {
        faults.add("Invalid lifecycle. MoveToColdStorageAfterDays is unavailable".to_owned());
    }
    if let Some(days) = lifecycle.delete_after_days.filter(|days| *days > LONGEST_CONTINUOUS) {
        faults.add(format!(
            "DeleteAfterDays {days} of a continuous backup must be between 1 and {LONGEST_CONTINUOUS} days"
        ));
    }
}

fn recovery_point_tags(tags: &BTreeMap<String, String>, most: usize, faults: &mut Faults) {
    if tags.len() > most {
        faults.add(format!("A rule can add at most {most} tags to a recovery point"));
    }
    for (key, value) in tags {
        let reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || reserved {
            faults.add(format!(
                "Invalid recovery point tag {:?}. Keys have 1 to 128 characters and do not begin with aws:, values \
                 have at most 256",
                shorten(key)
            ));
        }
    }
}

fn copy_actions(copies: Vec<CopyAction>, behaviour: &Behaviour, faults: &mut Faults) -> Vec<CopyAction> {
    let most = behaviour.quotas.copy_actions_per_rule;
    if copies.len() > most {
        faults.add(format!("A rule can have at most {most} copy actions"));
    }
    let normalised = |copy: CopyAction| CopyAction { lifecycle: copy.lifecycle.map(Lifecycle::normalised), ..copy };
    let copies: Vec<CopyAction> = copies.into_iter().map(normalised).collect();
    for copy in &copies {
        if !is_vault_arn(&copy.destination_backup_vault_arn) {
            faults
                .add(format!("Invalid destination backup vault ARN {:?}", shorten(&copy.destination_backup_vault_arn)));
        }
        faults.lifecycle(copy.lifecycle.as_ref());
    }
    copies
}

/// `WindowsVSS` of EC2 and the two options of S3 are all there is `[M]`.
fn advanced(setting: &AdvancedBackupSetting) -> Result<(), AwsError> {
    let known: &[&str] = match setting.resource_type.as_str() {
        "EC2" => &["WindowsVSS"],
        "S3" => &["BackupACLs", "BackupObjectTags"],
        other => {
            let other = shorten(other);
            return Err(error::invalid_parameter(format!(
                "Advanced backup settings do not support the resource type {other:?}: EC2 and S3 do"
            )));
        }
    };
    for (option, value) in &setting.backup_options {
        if !known.contains(&option.as_str()) || !matches!(value.as_str(), "enabled" | "disabled") {
            return Err(error::invalid_parameter(format!(
                "Invalid backup option {:?}: {:?} of {}. Options are {} with the value enabled or disabled",
                shorten(option),
                shorten(value),
                setting.resource_type,
                known.join(", ")
            )));
        }
    }
    Ok(())
}

/// `^[a-zA-Z0-9\-_.]{1,most}$`
pub(in crate::backup) fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// `^[a-zA-Z0-9\-_]{2,50}$`
fn is_vault_name(text: &str) -> bool {
    text.len() >= 2 && is_word(text, 50) && !text.contains('.')
}

fn is_vault_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "backup", region, account, "backup-vault", name] = parts[..] else { return false };
    let numbered = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    !region.is_empty() && numbered && is_vault_name(name)
}
