//! Plans in AWS's shape.

use aws_sdk_backup::{operation::get_backup_plan::GetBackupPlanOutput, types};
use aws_smithy_types::error::operation::BuildError;

use super::super::{Failure, call::Operation, lifecycle, time};
use crate::domain::{
    AdvancedSetting, CopyAction, Lifecycle, Noun, Plan, PlanContent, Rule, RuleVault, ScanAction, ScanSetting, Scope,
    Windows,
};

/// A plan as AWS takes it: the whole of it, for AWS replaces all of a plan.
pub(super) fn input(operation: Operation, content: &PlanContent) -> Result<types::BackupPlanInput, Failure> {
    let built = || -> Result<_, BuildError> {
        let rules: Result<Vec<_>, _> = content.rules.iter().map(rule_input).collect();
        types::BackupPlanInput::builder()
            .backup_plan_name(&content.name)
            .set_rules(Some(rules?))
            .set_advanced_backup_settings(some(content.settings.iter().map(setting_input)))
            .set_scan_settings(some(content.scans.iter().map(scan_input)))
            .build()
    };
    // Every required member is set above, so this does not happen.
    built().map_err(|error| Failure::not_built(operation, error).about(Noun::Plan, &content.name))
}

/// AWS and its clients leave out what is empty.
fn some<T>(entries: impl Iterator<Item = T>) -> Option<Vec<T>> {
    Some(entries.collect::<Vec<_>>()).filter(|entries| !entries.is_empty())
}

fn said(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn rule_input(rule: &Rule) -> Result<types::BackupRuleInput, BuildError> {
    let copies: Result<Vec<_>, _> = rule.copies.iter().map(copy_input).collect();
    let tags = &rule.recovery_point_tags;
    // A rule has at most one [M].
    let index = types::IndexAction::builder().set_resource_types(Some(rule.index_types.clone())).build();
    types::BackupRuleInput::builder()
        .rule_name(&rule.name)
        .target_backup_vault_name(&rule.vault)
        .set_target_logically_air_gapped_backup_vault_arn(rule.air_gapped_vault.as_ref().map(ToString::to_string))
        .set_schedule_expression(said(&rule.schedule))
        .schedule_expression_timezone(&rule.zone)
        .start_window_minutes(rule.windows.start_minutes)
        .completion_window_minutes(rule.windows.completion_minutes)
        .lifecycle(lifecycle::to_aws(&rule.lifecycle))
        .set_recovery_point_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect()))
        .set_copy_actions(some(copies?.into_iter()))
        .enable_continuous_backup(rule.continuous)
        .set_index_actions((!rule.index_types.is_empty()).then(|| vec![index]))
        .set_scan_actions(some(rule.scan_actions.iter().map(|scan| {
            types::ScanAction::builder()
                .set_malware_scanner(said(&scan.scanner).map(|scanner| scanner.as_str().into()))
                .set_scan_mode(said(&scan.mode).map(|mode| mode.as_str().into()))
                .build()
        })))
        .build()
}

fn copy_input(copy: &CopyAction) -> Result<types::CopyAction, BuildError> {
    types::CopyAction::builder()
        .destination_backup_vault_arn(copy.vault.to_string())
        .set_lifecycle(copy.lifecycle.as_ref().map(|kept| lifecycle::in_full(kept, None)))
        .build()
}

fn setting_input(setting: &AdvancedSetting) -> types::AdvancedBackupSetting {
    types::AdvancedBackupSetting::builder()
        .resource_type(&setting.resource_type)
        .set_backup_options(Some(setting.options.clone().into_iter().collect()))
        .build()
}

fn scan_input(scan: &ScanSetting) -> types::ScanSetting {
    types::ScanSetting::builder()
        .set_malware_scanner(said(&scan.scanner).map(|scanner| scanner.as_str().into()))
        .set_resource_types(some(scan.resource_types.iter().cloned()))
        .set_scanner_role_arn(said(&scan.role_arn))
        .build()
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
            scans: document.map(types::BackupPlan::scan_settings).unwrap_or_default().iter().map(scan).collect(),
        },
        created_at: time(answer.creation_date.as_ref()),
        last_run_at: time(answer.last_execution_date.as_ref()),
        deleted_at: time(answer.deletion_date.as_ref()),
        tags: std::collections::BTreeMap::new(),
        selections: Vec::new(),
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
            scans: Vec::new(),
        },
        created_at: time(plan.creation_date.as_ref()),
        last_run_at: time(plan.last_execution_date.as_ref()),
        deleted_at: time(plan.deletion_date.as_ref()),
        tags: std::collections::BTreeMap::new(),
        selections: Vec::new(),
        request_id: plan.creator_request_id.unwrap_or_default(),
    }
}

fn rule(rule: &types::BackupRule) -> Rule {
    Rule {
        id: rule.rule_id.clone().unwrap_or_default(),
        name: rule.rule_name.clone(),
        vault: rule.target_backup_vault_name.clone(),
        schedule: rule.schedule_expression.clone().unwrap_or_default(),
        zone: rule.schedule_expression_timezone.clone().unwrap_or_else(|| crate::domain::TimeZone::DEFAULT.to_owned()),
        windows: Windows {
            start_minutes: rule.start_window_minutes.unwrap_or(Windows::DEFAULT.start_minutes),
            completion_minutes: rule.completion_window_minutes.unwrap_or(Windows::DEFAULT.completion_minutes),
        },
        lifecycle: rule.lifecycle.as_ref().map_or(Lifecycle::FOREVER, lifecycle::from_aws),
        recovery_point_tags: rule.recovery_point_tags.clone().unwrap_or_default().into_iter().collect(),
        copies: rule.copy_actions().iter().map(copy).collect(),
        continuous: rule.enable_continuous_backup.unwrap_or_default(),
        air_gapped_vault: rule.target_logically_air_gapped_backup_vault_arn().map(RuleVault::told),
        index_types: rule.index_actions().iter().flat_map(|index| index.resource_types().to_vec()).collect(),
        scan_actions: rule.scan_actions().iter().map(scan_action).collect(),
    }
}

fn scan_action(scan: &types::ScanAction) -> ScanAction {
    ScanAction {
        scanner: scan.malware_scanner().map(types::MalwareScanner::as_str).unwrap_or_default().to_owned(),
        mode: scan.scan_mode().map(types::ScanMode::as_str).unwrap_or_default().to_owned(),
    }
}

fn scan(scan: &types::ScanSetting) -> ScanSetting {
    ScanSetting {
        scanner: scan.malware_scanner().map(types::MalwareScanner::as_str).unwrap_or_default().to_owned(),
        resource_types: scan.resource_types().to_vec(),
        role_arn: scan.scanner_role_arn().unwrap_or_default().to_owned(),
    }
}

fn copy(copy: &types::CopyAction) -> CopyAction {
    CopyAction {
        vault: RuleVault::told(&copy.destination_backup_vault_arn),
        lifecycle: copy.lifecycle.as_ref().map(lifecycle::from_aws),
    }
}

fn setting(setting: &types::AdvancedBackupSetting) -> AdvancedSetting {
    AdvancedSetting {
        resource_type: setting.resource_type.clone().unwrap_or_default(),
        options: setting.backup_options.clone().unwrap_or_default().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RegionName};

    #[test]
    fn vaults_that_are_none_are_told_and_sent_as_they_are() {
        let scope = Scope { account: AccountId::example(), region: RegionName::example() };
        for text in ["", "prod", "arn:aws:s3:::bucket", "arn:aws:backup:::backup-vault:x", "something \u{fc} else"] {
            let copy = types::CopyAction::builder().destination_backup_vault_arn(text).build().unwrap();
            let rule = types::BackupRule::builder().rule_name("r").target_backup_vault_name("v").copy_actions(copy);
            let rule = rule.target_logically_air_gapped_backup_vault_arn(text).build().unwrap();
            let document = types::BackupPlan::builder().backup_plan_name("p").rules(rule).build().unwrap();
            let told = plan(&GetBackupPlanOutput::builder().backup_plan(document).build(), &scope);
            let rule = &told.content.rules[0];
            assert_eq!(rule.copies[0].vault.to_string(), text);
            assert_eq!(rule.copies[0].vault.arn_in(&scope), text);
            let sent = rule_input(rule).unwrap();
            assert_eq!(sent.copy_actions()[0].destination_backup_vault_arn, text);
            assert_eq!(sent.target_logically_air_gapped_backup_vault_arn(), Some(text));
        }
    }
}
