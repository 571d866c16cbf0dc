//! The protection of a fleet, and the runs that left no job.

use jiff::Timestamp;

use super::{
    job_filter::{all, each},
    protection::{minutes, verdict},
    reader::Reader,
    timestamp,
};
use crate::{
    domain::{
        Asked, CoveringRule, DatabaseProtection, Engine, FailedBackup, Fault, Invalid, JobId, MissedRun, Noted,
        PlanRef, ProtectionFilter, ProtectionOrder, ProtectionVerdict, ResourceKind, Scope, Tags,
    },
    proto,
    rpc::page_token::ListOf,
};

/// Whose coverage is asked for.
pub(in crate::rpc) struct GetCoverage {
    pub(in crate::rpc) filter: ProtectionFilter,
    pub(in crate::rpc) all_scopes: bool,
}

/// Which databases are listed.
pub(in crate::rpc) struct ListProtection {
    pub(in crate::rpc) coverage: GetCoverage,
    pub(in crate::rpc) order: ProtectionOrder,
}

/// Most codes of findings that a filter has.
const MOST_CODES: usize = 50;

pub(in crate::rpc) fn get(request: proto::GetCoverageRequest) -> Result<Asked<GetCoverage>, Invalid> {
    let proto::GetCoverageRequest { scope, all_scopes, filter } = request;
    let mut read = Reader::new(scope.clone());
    read.all_scopes(all_scopes, scope.as_ref());
    let filter = read.protection_filter("filter", filter.unwrap_or_default());
    read.conclude(|| Ok(GetCoverage { filter: filter?, all_scopes }))
}

pub(in crate::rpc) fn list(
    mut request: proto::ListProtectionRequest,
) -> Result<Asked<ListOf<ListProtection>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListProtection", &request, size, &token);
    let proto::ListProtectionRequest { scope, all_scopes, filter, order, page_size: _, page_token: _ } = request;
    read.all_scopes(all_scopes, scope.as_ref());
    let order = match proto::ProtectionOrder::try_from(order) {
        Ok(proto::ProtectionOrder::Unspecified | proto::ProtectionOrder::WorstFirst) => Ok(ProtectionOrder::WorstFirst),
        Ok(proto::ProtectionOrder::RpoRatio) => Ok(ProtectionOrder::RpoRatio),
        Ok(proto::ProtectionOrder::LastSuccess) => Ok(ProtectionOrder::LastSuccess),
        Ok(proto::ProtectionOrder::NextRun) => Ok(ProtectionOrder::NextRun),
        Ok(proto::ProtectionOrder::Arn) => Ok(ProtectionOrder::Arn),
        Err(_) => Err(read.fault("order", format!("{order} is not an order of databases"))),
    };
    let filter = read.protection_filter("filter", filter.unwrap_or_default());
    read.conclude(|| {
        let filter = ListProtection { coverage: GetCoverage { filter: filter?, all_scopes }, order: order? };
        Ok(ListOf { filter, paged: paged? })
    })
}

impl Reader {
    fn protection_filter(&mut self, field: &str, filter: proto::ProtectionFilter) -> Result<ProtectionFilter, Noted> {
        let proto::ProtectionFilter {
            verdicts,
            kinds,
            engine,
            plan,
            rule,
            vault,
            owner,
            tags,
            finding_codes,
            never_ran,
            least_rpo_ratio,
            least_consecutive_failures,
            resource,
        } = filter;
        let at = |member: &str| format!("{field}.{member}");
        let verdicts = all(each(verdicts, |index, verdict| {
            let field = format!("{field}.verdicts[{index}]");
            let verdict = self.protection_verdict(&field, verdict);
            self.in_list(&field, verdict)
        }));
        let kinds: Result<Vec<ResourceKind>, Noted> = all(each(kinds, |index, kind| {
            let field = format!("{field}.kinds[{index}]");
            let kind = self.resource_kind(&field, kind);
            self.in_list(&field, kind)
        }));
        let engine = self.optional(&engine, |read, text| read.note(&at("engine"), Engine::parse(text)));
        let plan = self.optional(&plan, |read, text| {
            let (plan, scope) = read.note(&at("plan"), PlanRef::parse(text))?;
            read.hint(&at("plan"), scope);
            Ok(plan.word().to_owned())
        });
        let rule = self.optional(&rule, |read, text| read.note(&at("rule"), short(text, 100)));
        let vault = self.optional(&vault, |read, text| read.vault(&at("vault"), text));
        let owner = self.owner(&at("owner"), &owner);
        let tags = self.tags(&at("tags"), tags, Tags::most());
        if finding_codes.len() > MOST_CODES {
            self.fault(&at("finding_codes"), format!("has {} codes: give at most {MOST_CODES}", finding_codes.len()));
        }
        let finding_codes = all(each(finding_codes, |index, code| {
            let field = format!("{field}.finding_codes[{index}]");
            let code = self.optional(&code, |read, text| read.note(&field, code_of_finding(text)));
            self.in_list(&field, code)
        }));
        let ratio = self.note(&at("least_rpo_ratio"), thousandths(least_rpo_ratio));
        let failures = u32::try_from(least_consecutive_failures)
            .map_err(|_| Fault::from(format!("is {least_consecutive_failures}: give a number from 1 on")));
        let failures = self.note(&at("least_consecutive_failures"), failures);
        let resource = self.optional(&resource, |read, text| read.hinted_resource(&at("resource"), text));
        Ok(ProtectionFilter {
            verdicts: verdicts?,
            kinds: kinds?,
            engine: engine?,
            plan: plan?,
            rule: rule?,
            vault: vault?,
            owner: owner?,
            tags: tags?.0,
            finding_codes: finding_codes?,
            never_ran,
            least_rpo_thousandths: ratio?,
            least_failures: failures?,
            resource: resource?,
        })
    }

    /// Whose databases are meant; blank: anybody's.
    pub(super) fn owner(&mut self, field: &str, owner: &str) -> Result<Option<String>, Noted> {
        self.optional(owner, |read, text| read.note(field, short(text, 256)))
    }

    fn protection_verdict(&mut self, field: &str, verdict: i32) -> Result<Option<ProtectionVerdict>, Noted> {
        match proto::ProtectionVerdict::try_from(verdict) {
            Ok(proto::ProtectionVerdict::Unspecified) => Ok(None),
            Ok(proto::ProtectionVerdict::Protected) => Ok(Some(ProtectionVerdict::Protected)),
            Ok(proto::ProtectionVerdict::AtRisk) => Ok(Some(ProtectionVerdict::AtRisk)),
            Ok(proto::ProtectionVerdict::NotProtected) => Ok(Some(ProtectionVerdict::NotProtected)),
            Ok(proto::ProtectionVerdict::Unknown) => Ok(Some(ProtectionVerdict::Unknown)),
            Err(_) => Err(self.fault(field, format!("{verdict} is not a verdict"))),
        }
    }
}

fn short(text: &str, most: usize) -> Result<String, Fault> {
    match text.chars().count() {
        count if count <= most => Ok(text.to_owned()),
        count => Err(format!("has {count} characters: give at most {most}").into()),
    }
}

fn code_of_finding(text: &str) -> Result<String, Fault> {
    let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match text {
        text if text.len() <= 64 && text.bytes().all(is_word) => Ok(text.to_owned()),
        _ => Err("is not the code of a finding: one is a word such as RUN_MISSED".into()),
    }
}

/// Of a ratio; blank: none.
fn thousandths(ratio: f64) -> Result<Option<i64>, Fault> {
    if ratio == 0.0 {
        return Ok(None);
    }
    if !(0.0..=100_000.0).contains(&ratio) {
        return Err(format!("is {ratio}: give a number from 0 to 100000").into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is bounded just before")]
    Ok(Some((ratio * 1000.0).ceil() as i64))
}

/// A database as it is told at that instant.
pub(in crate::rpc) fn database(kept: DatabaseProtection, now: Timestamp) -> proto::DatabaseProtection {
    let (age, ratio) = (kept.age_at(now).map(minutes), kept.rpo_ratio_at(now));
    let scope = kept.scope;
    proto::DatabaseProtection {
        arn: kept.arn,
        resource_name: kept.name,
        kind: match kept.kind {
            ResourceKind::DbInstance => proto::ResourceKind::DbInstance,
            ResourceKind::DbCluster => proto::ResourceKind::DbCluster,
        }
        .into(),
        engine: kept.engine,
        resource_type: kept.resource_type.into(),
        backed_up_arn: kept.subject.arn,
        owner: kept.owner,
        verdict: verdict(kept.verdict).into(),
        summary: kept.summary,
        coverage: kept.coverage.into_iter().map(|rule| covering(rule, &scope)).collect(),
        last_success_time: kept.last_success_at.map(timestamp),
        last_success_age_minutes: age,
        next_run_time: kept.next_run_at.map(timestamp),
        last_failure: kept.last_failure.map(Into::into),
        expected_interval_minutes: kept.interval_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX)),
        rpo_ratio: ratio,
        never_ran: kept.never_ran,
        consecutive_failures: i32::try_from(kept.consecutive_failures).unwrap_or(i32::MAX),
        findings: kept.findings.into_iter().map(Into::into).collect(),
        last_missed_run_time: kept.last_missed_at.map(timestamp),
        tags: kept.tags,
        scope: Some(scope.into()),
    }
}

fn covering(rule: CoveringRule, scope: &Scope) -> proto::CoveringRule {
    let vault_arn = rule.vault_arn(scope);
    let CoveringRule { plan_id, plan_arn, plan_name, rule_id, rule_name, vault } = rule;
    proto::CoveringRule { plan_id, plan_arn, plan_name, rule_id, rule_name, vault_name: vault, vault_arn }
}

impl From<FailedBackup> for proto::FailedBackup {
    fn from(failed: FailedBackup) -> Self {
        Self {
            job_id: failed.job.as_str().to_owned(),
            time: failed.at.map(timestamp),
            message: failed.message,
            finding: failed.finding.map(Into::into),
        }
    }
}

impl From<MissedRun> for proto::MissedRun {
    fn from(run: MissedRun) -> Self {
        Self {
            scope: Some(run.scope.into()),
            resource_arn: run.database.arn,
            resource_type: run.resource_type.into(),
            plan_id: run.plan_id,
            plan_arn: run.plan_arn,
            plan_name: run.plan_name,
            rule_id: run.rule_id,
            rule_name: run.rule_name,
            vault_arn: run.vault_arn,
            due_time: Some(timestamp(run.due_at)),
            start_by_time: Some(timestamp(run.window_until)),
            finding: Some(run.finding.into()),
            job_id: run.made.as_ref().map(JobId::as_str).unwrap_or_default().to_owned(),
        }
    }
}
