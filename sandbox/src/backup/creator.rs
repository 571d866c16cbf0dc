//! The plan and rule behind a job or recovery point: the wire shape `RecoveryPointCreator`.

use serde::Serialize;

/// Present on jobs and points that a plan made, absent on those on demand `[M]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Creator {
    /// The plan.
    pub backup_plan_id: String,
    /// The plan's ARN.
    pub backup_plan_arn: String,
    /// The plan's name when the rule fired.
    pub backup_plan_name: String,
    /// The version that fired.
    pub backup_plan_version: String,
    /// The rule.
    pub backup_rule_id: String,
    /// The rule's name.
    pub backup_rule_name: String,
    /// The rule's schedule, verbatim.
    pub backup_rule_cron: String,
    /// The zone of the schedule.
    pub backup_rule_timezone: String,
}
