//! Protection.

use jiff::SignedDuration;

use super::{findings, reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, DatabaseRef, Explanation, Invalid, ListUpcomingRuns, NearMiss, ProtectionVerdict, ReadFrom,
        RuleCoverage, UpcomingFilter, UpcomingRun, VaultRef,
    },
    proto,
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn explain(request: proto::ExplainProtectionRequest) -> Result<Asked<DatabaseRef>, Invalid> {
    let proto::ExplainProtectionRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let named = read.database("resource", &resource);
    read.conclude(|| named)
}

pub(in crate::rpc) fn upcoming(
    mut request: proto::ListUpcomingRunsRequest,
) -> Result<Asked<ListOf<ListUpcomingRuns>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListUpcomingRuns", &request, size, &token);
    let hours = read.note("hours", UpcomingFilter::hours_of(request.hours));
    let plan = read.optional(&request.plan, |read, text| read.plan("plan", text));
    let resource = read.optional(&request.resource, |read, text| read.database("resource", text));
    let (all_scopes, from) = (request.all_scopes, read.read_from("read", request.read));
    read.all_scopes(all_scopes, request.scope.as_ref());
    if all_scopes && from == Ok(ReadFrom::Live) {
        read.fault("all_scopes", "cannot go with read LIVE: AWS is asked of one account and region at a time");
    }
    let filter = || Ok(ListUpcomingRuns { hours: hours?, plan: plan?, resource: resource?, all_scopes, read: from? });
    read.conclude(|| Ok(ListOf { filter: filter()?, paged: paged? }))
}

impl From<&UpcomingRun> for proto::UpcomingRun {
    fn from(run: &UpcomingRun) -> Self {
        let (plan, rule) = (&run.plan.plan, run.rule());
        let vault = rule.map(|rule| rule.vault.clone()).unwrap_or_default();
        Self {
            scope: Some(run.scope.clone().into()),
            plan_id: plan.id.clone(),
            plan_arn: plan.arn.clone(),
            plan_name: plan.content.name.clone(),
            rule_id: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            rule_name: rule.map(|rule| rule.name.clone()).unwrap_or_default(),
            run_time: Some(timestamp(run.at)),
            start_by_time: Some(timestamp(run.start_by)),
            vault_arn: VaultRef::arn_of(&vault, &run.scope),
            vault_name: vault,
            continuous: rule.is_some_and(|rule| rule.continuous),
            lifecycle: rule.map(|rule| rule.lifecycle.clone().into()),
            resource_arns: run.resources.clone(),
            resource_count: i32::try_from(run.resource_count).unwrap_or(i32::MAX),
            overruled: run.overruled,
            findings: findings(run.findings.clone()),
        }
    }
}

impl From<Explanation> for proto::ExplainProtectionResponse {
    fn from(explanation: Explanation) -> Self {
        Self {
            resource: Some(explanation.database.into()),
            verdict: verdict(explanation.verdict).into(),
            summary: explanation.summary,
            coverage: explanation.coverage.into_iter().map(Into::into).collect(),
            near_misses: explanation.near_misses.into_iter().map(Into::into).collect(),
            last_recovery_point: explanation.last_point.map(Into::into),
            last_job: explanation.last_job.map(Into::into),
            last_successful_job: explanation.last_successful_job.map(Into::into),
            findings: findings(explanation.findings),
            as_of: Some(timestamp(explanation.observed_at)),
            expected_interval_minutes: explanation.expected_interval.map(minutes),
        }
    }
}

pub(super) fn verdict(verdict: ProtectionVerdict) -> proto::ProtectionVerdict {
    match verdict {
        ProtectionVerdict::Protected => proto::ProtectionVerdict::Protected,
        ProtectionVerdict::AtRisk => proto::ProtectionVerdict::AtRisk,
        ProtectionVerdict::NotProtected => proto::ProtectionVerdict::NotProtected,
        ProtectionVerdict::Unknown => proto::ProtectionVerdict::Unknown,
    }
}

pub(super) fn minutes(span: SignedDuration) -> i32 {
    i32::try_from(span.as_mins()).unwrap_or(i32::MAX)
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
            expected_interval_minutes: coverage.expected_interval.map(minutes),
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
