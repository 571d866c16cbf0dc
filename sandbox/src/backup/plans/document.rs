//! The wire shapes of a plan: what comes in, and what is stored and echoed.
//!
//! Members that were not sent are not echoed, apart from the defaults that AWS fills in: Terraform takes any other
//! addition for a change. `AdvancedBackupSettings` stands beside the plan in answers, never inside it `[T]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backup::lifecycle::Lifecycle;

/// Minutes that the API fills in when a rule names no start window `[D][P]`.
pub const DEFAULT_START_WINDOW: i64 = 480;
/// Minutes that the API fills in when a rule names no completion window `[D][P]`.
pub const DEFAULT_COMPLETION_WINDOW: i64 = 10_080;

/// `BackupPlanInput`. Everything is optional here, so that `validate` can name what is missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlanInput {
    pub(super) backup_plan_name: Option<String>,
    pub(super) rules: Option<Vec<RuleInput>>,
    pub(super) advanced_backup_settings: Option<Vec<AdvancedBackupSetting>>,
    pub(super) scan_settings: Option<Vec<ScanSetting>>,
}

/// `BackupRuleInput`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RuleInput {
    pub(super) rule_name: Option<String>,
    pub(super) target_backup_vault_name: Option<String>,
    pub(super) target_logically_air_gapped_backup_vault_arn: Option<String>,
    pub(super) schedule_expression: Option<String>,
    pub(super) schedule_expression_timezone: Option<String>,
    pub(super) start_window_minutes: Option<i64>,
    pub(super) completion_window_minutes: Option<i64>,
    pub(super) lifecycle: Option<Lifecycle>,
    pub(super) recovery_point_tags: Option<BTreeMap<String, String>>,
    pub(super) copy_actions: Option<Vec<CopyAction>>,
    pub(super) enable_continuous_backup: Option<bool>,
    pub(super) index_actions: Option<Vec<IndexAction>>,
    pub(super) scan_actions: Option<Vec<ScanAction>>,
}

/// `BackupPlan`, as stored and echoed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    /// The plan's name.
    #[serde(rename = "BackupPlanName")]
    pub name: String,
    /// In the order they were sent.
    pub rules: Vec<Rule>,
    /// Kept apart by AWS and answered beside the plan.
    #[serde(skip)]
    pub advanced_backup_settings: Vec<AdvancedBackupSetting>,
    /// Echoed; the sandbox scans nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scan_settings: Vec<ScanSetting>,
}

/// `BackupRule`, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    /// Lower-case UUID; blank in templates, which have none.
    #[serde(rename = "RuleId", skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Unique in the plan.
    #[serde(rename = "RuleName")]
    pub name: String,
    /// Where the recovery points go. It need not exist before the rule fires.
    #[serde(rename = "TargetBackupVaultName")]
    pub vault_name: String,
    /// Echoed; the sandbox has no air-gapped vaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_logically_air_gapped_backup_vault_arn: Option<String>,
    /// Verbatim.
    pub schedule_expression: String,
    /// IANA name, verbatim.
    pub schedule_expression_timezone: String,
    /// Minutes in which a job must start.
    pub start_window_minutes: i64,
    /// Minutes in which a started job must end.
    pub completion_window_minutes: i64,
    /// Absent keeps recovery points for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    /// Put on recovery points beside the resource's own tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_point_tags: Option<BTreeMap<String, String>>,
    /// Copies to make of each recovery point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_actions: Option<Vec<CopyAction>>,
    /// Continuous backup for the types that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_continuous_backup: Option<bool>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_actions: Option<Vec<IndexAction>>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_actions: Option<Vec<ScanAction>>,
}

impl Rule {
    /// Whether the rule asks for continuous backup.
    pub fn continuous(&self) -> bool {
        self.enable_continuous_backup == Some(true)
    }
}

/// A copy that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CopyAction {
    /// Where to.
    #[serde(default)]
    pub destination_backup_vault_arn: String,
    /// Of the copy; absent takes the source's `[D]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
}

/// Options of a resource type, such as `WindowsVSS` of `EC2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AdvancedBackupSetting {
    /// `EC2` or `S3`.
    #[serde(default)]
    pub resource_type: String,
    /// Option to `enabled` or `disabled`.
    #[serde(default)]
    pub backup_options: BTreeMap<String, String>,
}

/// Types whose recovery points are indexed for search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexAction {
    /// Such as `EBS`, `S3`.
    #[serde(default)]
    pub resource_types: Vec<String>,
}

/// A malware scan that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScanAction {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    malware_scanner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan_mode: Option<String>,
}

/// The malware scans of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScanSetting {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    malware_scanner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scanner_role_arn: Option<String>,
}
