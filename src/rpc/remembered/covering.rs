//! GetCoverage and ListProtection: told from the last look at the accounts and regions, and never from AWS.

use jiff::{SignedDuration, Timestamp};

use super::{LATE, Memory, Remembered, unread};
use crate::{
    aws::Scoped,
    domain::{Cursor, KeptFinding, PageRequest, ProtectionQuery, Scope, done_with},
    ledger::{Look, ProtectionPosition},
    proto,
    rpc::{
        access::Sight,
        convert::{
            coverage::{self as convert, GetCoverage, ListProtection},
            timestamp,
        },
        page_token::ListOf,
        status::Failure,
    },
};

/// How long missed runs are counted.
const MISSED: SignedDuration = SignedDuration::from_hours(24);

/// The looks at the accounts and regions that are meant.
pub(super) struct Looked {
    pub(super) scopes: Vec<Scope>,
    pub(super) looks: Vec<Look>,
    pub(super) status: Vec<proto::ScopeStatus>,
    pub(super) as_of: Timestamp,
    pub(super) findings: Vec<proto::Finding>,
}

impl Remembered {
    pub(in crate::rpc) async fn get_coverage(
        &self,
        aws: Scoped,
        asked: GetCoverage,
        sight: Sight,
    ) -> Result<proto::GetCoverageResponse, Failure> {
        let looked = self.looked(&aws, asked.all_scopes).await?;
        let since = looked.as_of.saturating_sub(MISSED).unwrap_or(Timestamp::MIN);
        let mut everything = ProtectionQuery { scopes: looked.scopes.clone(), ..ProtectionQuery::default() };
        let mut query = asked.filter.query(looked.scopes);
        if !sight.sees_everything() {
            for query in [&mut everything, &mut query] {
                let arns = self.ledger.databases_meant(query).await?;
                query.resources = Some(sight.databases_seen(aws.scope(), arns).await?);
            }
        }
        let counts = self.ledger.count_protection(&query, since).await?;
        let all = match query == everything {
            true => counts.matching,
            false => self.ledger.count_protection(&everything, since).await?.matching,
        };
        let number = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        let of_code = |(code, count): (String, i64)| proto::FindingCount { code, count: number(count) };
        Ok(proto::GetCoverageResponse {
            database_count: number(all),
            matching_count: number(counts.matching),
            protected_count: number(counts.protected),
            at_risk_count: number(counts.at_risk),
            not_protected_count: number(counts.not_protected),
            unknown_count: number(counts.unknown),
            never_ran_count: number(counts.never_ran),
            missed_run_count: number(counts.missed_runs),
            finding_counts: counts.findings.into_iter().map(of_code).collect(),
            findings: looked.findings,
            as_of: Some(timestamp(looked.as_of)),
            scopes: looked.status,
        })
    }

    pub(in crate::rpc) async fn list_protection(
        &self,
        aws: Scoped,
        asked: ListOf<ListProtection>,
    ) -> Result<proto::ListProtectionResponse, Failure> {
        let ListOf { filter: ListProtection { coverage, order }, paged } = asked;
        let looked = self.looked(&aws, coverage.all_scopes).await?;
        let query = coverage.filter.query(looked.scopes.clone());
        let page = async |page: PageRequest| {
            let after = page.position(ProtectionPosition::parse)?;
            let found = self.ledger.list_protection(&query, order, usize::from(page.size), after).await?;
            let next = found.next.map(|next| Cursor::at(next.to_string()));
            Ok(proto::ListProtectionResponse {
                databases: found.databases.into_iter().map(|it| convert::database(it, looked.as_of)).collect(),
                next_page_token: paged.token(next.as_ref()),
                findings: looked.findings.clone(),
                as_of: Some(timestamp(looked.as_of)),
                scopes: looked.status.clone(),
            })
        };
        paged.answer(page).await
    }

    /// How the accounts and regions that are meant were looked at; a refusal where one of them was not.
    pub(super) async fn looked(&self, aws: &Scoped, all: bool) -> Result<Looked, Failure> {
        let Some(Memory { scopes, status: read, .. }) = self.memory(aws, all).await? else {
            let why = unread(aws, None);
            return Err(Failure::ScopeNotFollowed(format!("{why}: ExplainProtection tells of one database there")));
        };
        let all = self.ledger.looks().await?;
        let (mut looks, mut status, mut findings, mut as_of) = (Vec::new(), Vec::new(), Vec::new(), Timestamp::MAX);
        for (scope, read) in scopes.iter().zip(read) {
            let look = all.iter().find(|look| look.scope == *scope);
            let Some((look, at)) = look.and_then(|look| Some((look, look.as_of?))) else {
                return Err(not_looked_at(scope, look));
            };
            as_of = as_of.min(at);
            findings.extend(look.trouble.iter().chain(&look.findings).map(|finding| about(scope, finding)));
            status.push(self.status_of_look(look, at, read, aws.now()));
            looks.push(look.clone());
        }
        Ok(Looked { scopes, looks, status, as_of, findings })
    }

    fn status_of_look(
        &self,
        look: &Look,
        at: Timestamp,
        read: proto::ScopeStatus,
        now: Timestamp,
    ) -> proto::ScopeStatus {
        let interval = SignedDuration::try_from(self.feed.coverage_interval).unwrap_or_default();
        let is_late = now.duration_since(at) > interval.saturating_mul(LATE);
        let state = match !look.trouble.is_empty() || is_late {
            true => proto::ScopeState::Stale,
            false => read.state(),
        };
        proto::ScopeStatus { state: state.into(), as_of: Some(timestamp(at)), ..with_runs_judged(read, Some(look)) }
    }
}

/// A finding as one about an account and region.
pub(super) fn about(scope: &Scope, finding: &KeptFinding) -> proto::Finding {
    let subject = format!("{} {}", scope.account, scope.region);
    proto::Finding { subject, ..finding.clone().into() }
}

/// The status of an account and region, with since when and until when it is known which runs were missed.
pub(super) fn with_runs_judged(status: proto::ScopeStatus, look: Option<&Look>) -> proto::ScopeStatus {
    proto::ScopeStatus {
        runs_judged_since_time: look.and_then(|look| look.judged_since).map(timestamp),
        runs_judged_until_time: look.and_then(|look| look.judged).map(done_with).map(timestamp),
        ..status
    }
}

/// That there is nothing to be told yet, and why, as far as it is known.
fn not_looked_at(scope: &Scope, look: Option<&Look>) -> Failure {
    let Scope { account, region } = scope;
    let trouble = look.and_then(|look| look.trouble.first());
    let why = match trouble {
        Some(finding) => format!(": {}", finding.message),
        None => ", for its jobs are still being read: ask again".to_owned(),
    };
    Failure::ScopeNotFollowed(format!("the databases of account {account} in {region} were not looked at yet{why}"))
}
