//! Protection.

use super::{findings, reader::Reader, timestamp};
use crate::{
    domain::{Asked, DatabaseRef, Explanation, Invalid, NearMiss, ProtectionVerdict, RuleCoverage, VaultRef},
    proto,
};

pub(in crate::rpc) fn explain(request: proto::ExplainProtectionRequest) -> Result<Asked<DatabaseRef>, Invalid> {
    let proto::ExplainProtectionRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let named = read.database("resource", &resource);
    read.conclude(|| named)
}

impl From<Explanation> for proto::ExplainProtectionResponse {
    fn from(explanation: Explanation) -> Self {
        let verdict = match explanation.verdict {
            ProtectionVerdict::Protected => proto::ProtectionVerdict::Protected,
            ProtectionVerdict::AtRisk => proto::ProtectionVerdict::AtRisk,
            ProtectionVerdict::NotProtected => proto::ProtectionVerdict::NotProtected,
            ProtectionVerdict::Unknown => proto::ProtectionVerdict::Unknown,
        };
        Self {
            resource: Some(explanation.database.into()),
            verdict: verdict.into(),
            summary: explanation.summary,
            coverage: explanation.coverage.into_iter().map(Into::into).collect(),
            near_misses: explanation.near_misses.into_iter().map(Into::into).collect(),
            last_recovery_point: explanation.last_point.map(Into::into),
            last_job: explanation.last_job.map(Into::into),
            last_successful_job: explanation.last_successful_job.map(Into::into),
            findings: findings(explanation.findings),
            as_of: Some(timestamp(explanation.observed_at)),
        }
    }
}

impl From<RuleCoverage> for proto::RuleCoverage {
    fn from(coverage: RuleCoverage) -> Self {
        let rule = coverage.rule;
        Self {
            vault_arn: VaultRef::arn_of(&rule.vault, &coverage.scope),
            scope: Some(coverage.scope.into()),
            plan_id: coverage.plan_id,
            plan_arn: coverage.plan_arn,
            plan_name: coverage.plan_name,
            rule_id: rule.id,
            rule_name: rule.name,
            selection_id: coverage.selection_id,
            selection_name: coverage.selection_name,
            vault_name: rule.vault,
            schedule: rule.schedule,
            schedule_timezone: rule.zone,
            next_run_time: coverage.next_run_at.map(timestamp),
            last_run_time: coverage.last_run_at.map(timestamp),
            lifecycle: Some(rule.lifecycle.into()),
            continuous: rule.continuous,
            role_arn: coverage.role_arn,
            overruled: coverage.overruled,
            selected_by: coverage.selected_by,
        }
    }
}

impl From<NearMiss> for proto::NearMiss {
    fn from(near: NearMiss) -> Self {
        Self {
            scope: Some(near.scope.into()),
            plan_arn: near.plan_arn,
            plan_id: near.plan_id,
            plan_name: near.plan_name,
            selection_id: near.selection_id,
            selection_name: near.selection_name,
            mismatches: near.mismatches.into_iter().map(Into::into).collect(),
        }
    }
}
