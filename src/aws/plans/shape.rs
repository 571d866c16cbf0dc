//! Plans in AWS's shape.

use aws_sdk_backup::{operation::get_backup_plan::GetBackupPlanOutput, types};
use aws_smithy_types::error::operation::BuildError;

use super::super::{Error, Kind, Noun, call::Operation, lifecycle, time};
use crate::domain::{AdvancedSetting, CopyAction, Lifecycle, Plan, PlanContent, Retention, Rule, Scope, Windows};

/// A plan as AWS takes it. What `current` has and Strongroom has no word for (indexes, scans, air-gapped vaults, the
/// archive of EBS snapshots) stays with the rules that keep their name: AWS replaces the whole plan.
pub(super) fn input(
    operation: Operation,
    content: &PlanContent,
    current: Option<&types::BackupPlan>,
) -> Result<types::BackupPlanInput, Error> {
    let built = || -> Result<_, BuildError> {
        let old = |name: &str| current.and_then(|plan| plan.rules().iter().find(|rule| rule.rule_name() == name));
        let rules: Result<Vec<_>, _> = content.rules.iter().map(|rule| rule_input(rule, old(&rule.name))).collect();
        types::BackupPlanInput::builder()
            .backup_plan_name(&content.name)
            .set_rules(Some(rules?))
            .set_advanced_backup_settings((!content.settings.is_empty()).then(|| settings_input(&content.settings)))
            .set_scan_settings(current.and_then(|plan| plan.scan_settings.clone()))
            .build()
    };
    // Every required member is set above, so this does not happen.
    built().map_err(|error| Error::found(operation.name, Kind::Rejected, Noun::Plan, &content.name, error.to_string()))
}

fn rule_input(rule: &Rule, old: Option<&types::BackupRule>) -> Result<types::BackupRuleInput, BuildError> {
    let copies: Result<Vec<_>, _> = rule.copies.iter().map(copy_input).collect();
    let tags = &rule.recovery_point_tags;
    types::BackupRuleInput::builder()
        .rule_name(&rule.name)
        .target_backup_vault_name(&rule.target_vault)
        .schedule_expression(&rule.schedule)
        .schedule_expression_timezone(&rule.zone)
        .start_window_minutes(rule.windows.start_minutes)
        .completion_window_minutes(rule.windows.completion_minutes)
        .lifecycle(lifecycle_input(rule.lifecycle, old.and_then(types::BackupRule::lifecycle)))
        .set_recovery_point_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect()))
        .set_copy_actions(Some(copies?).filter(|copies| !copies.is_empty()))
        .enable_continuous_backup(rule.continuous)
        .set_target_logically_air_gapped_backup_vault_arn(
            old.and_then(|old| old.target_logically_air_gapped_backup_vault_arn.clone()),
        )
        .set_index_actions(old.and_then(|old| old.index_actions.clone()))
        .set_scan_actions(old.and_then(|old| old.scan_actions.clone()))
        .build()
}

fn lifecycle_input(wanted: Lifecycle, old: Option<&types::Lifecycle>) -> types::Lifecycle {
    let mut input = lifecycle::to_aws(wanted);
    if wanted.cold_after_days.is_some() {
        input.opt_in_to_archive_for_supported_resources =
            old.and_then(|old| old.opt_in_to_archive_for_supported_resources);
    }
    input
}

fn copy_input(copy: &CopyAction) -> Result<types::CopyAction, BuildError> {
    types::CopyAction::builder()
        .destination_backup_vault_arn(&copy.vault_arn)
        .set_lifecycle(copy.lifecycle.map(lifecycle::to_aws))
        .build()
}

fn settings_input(settings: &[AdvancedSetting]) -> Vec<types::AdvancedBackupSetting> {
    let setting = |setting: &AdvancedSetting| {
        types::AdvancedBackupSetting::builder()
            .resource_type(&setting.resource_type)
            .set_backup_options(Some(setting.options.clone().into_iter().collect()))
            .build()
    };
    settings.iter().map(setting).collect()
}

/// A plan as AWS tells it.
pub(super) fn plan(answer: &GetBackupPlanOutput, scope: &Scope) -> Plan {
    let document = answer.backup_plan.as_ref();
    let rules = document.map(types::BackupPlan::rules).unwrap_or_default();
    // AWS tells the settings beside the plan; the ones within are always empty [T].
    let settings = match answer.advanced_backup_settings() {
        [] => document.map(types::BackupPlan::advanced_backup_settings).unwrap_or_default(),
        settings => settings,
    };
    Plan {
        id: answer.backup_plan_id.clone().unwrap_or_default(),
        arn: answer.backup_plan_arn.clone().unwrap_or_default(),
        scope: scope.clone(),
        etag: answer.version_id.clone().unwrap_or_default(),
        content: PlanContent {
            name: document.map(|plan| plan.backup_plan_name.clone()).unwrap_or_default(),
            rules: rules.iter().map(rule).collect(),
            settings: settings.iter().map(setting).collect(),
        },
        created_at: time(answer.creation_date.as_ref()),
        last_run_at: time(answer.last_execution_date.as_ref()),
        deleted_at: time(answer.deletion_date.as_ref()),
        tags: std::collections::BTreeMap::new(),
        request_id: answer.creator_request_id.clone().unwrap_or_default(),
    }
}

/// A plan as AWS lists it: without rules.
pub(super) fn listed(plan: types::BackupPlansListMember, scope: &Scope) -> Plan {
    let settings = plan.advanced_backup_settings.unwrap_or_default();
    Plan {
        id: plan.backup_plan_id.unwrap_or_default(),
        arn: plan.backup_plan_arn.unwrap_or_default(),
        scope: scope.clone(),
        etag: plan.version_id.unwrap_or_default(),
        content: PlanContent {
            name: plan.backup_plan_name.unwrap_or_default(),
            rules: Vec::new(),
            settings: settings.iter().map(setting).collect(),
        },
        created_at: time(plan.creation_date.as_ref()),
        last_run_at: time(plan.last_execution_date.as_ref()),
        deleted_at: time(plan.deletion_date.as_ref()),
        tags: std::collections::BTreeMap::new(),
        request_id: plan.creator_request_id.unwrap_or_default(),
    }
}

fn rule(rule: &types::BackupRule) -> Rule {
    const FOR_EVER: Lifecycle = Lifecycle { retention: Retention::Forever, cold_after_days: None };
    Rule {
        id: rule.rule_id.clone().unwrap_or_default(),
        name: rule.rule_name.clone(),
        target_vault: rule.target_backup_vault_name.clone(),
        schedule: rule.schedule_expression.clone().unwrap_or_default(),
        zone: rule.schedule_expression_timezone.clone().unwrap_or_else(|| crate::domain::TimeZone::DEFAULT.to_owned()),
        windows: Windows {
            start_minutes: rule.start_window_minutes.unwrap_or(Windows::DEFAULT.start_minutes),
            completion_minutes: rule.completion_window_minutes.unwrap_or(Windows::DEFAULT.completion_minutes),
        },
        lifecycle: rule.lifecycle.as_ref().map_or(FOR_EVER, lifecycle::from_aws),
        recovery_point_tags: rule.recovery_point_tags.clone().unwrap_or_default().into_iter().collect(),
        copies: rule.copy_actions().iter().map(copy).collect(),
        continuous: rule.enable_continuous_backup.unwrap_or_default(),
    }
}

fn copy(copy: &types::CopyAction) -> CopyAction {
    CopyAction {
        vault_arn: copy.destination_backup_vault_arn.clone(),
        lifecycle: copy.lifecycle.as_ref().map(lifecycle::from_aws),
    }
}

fn setting(setting: &types::AdvancedBackupSetting) -> AdvancedSetting {
    AdvancedSetting {
        resource_type: setting.resource_type.clone().unwrap_or_default(),
        options: setting.backup_options.clone().unwrap_or_default().into_iter().collect(),
    }
}
