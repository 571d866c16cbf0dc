//! What jobs are counted by, and the counts.

use super::{job_answers, reader::Reader};
use crate::{
    domain::{Asked, Invalid, JobCounts, JobDimension, JobGroup, Noted, Scope, SummarizeJobs},
    proto,
    rpc::page_token::ListOf,
};

/// By so many dimensions jobs are counted at once.
const MOST_DIMENSIONS: usize = 2;

pub(in crate::rpc) fn summarize(
    mut request: proto::SummarizeJobsRequest,
) -> Result<Asked<ListOf<SummarizeJobs>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("SummarizeJobs", &request, size, &token);
    let proto::SummarizeJobsRequest { scope, all_scopes, filter, owner, group_by, .. } = request;
    read.all_scopes(all_scopes, scope.as_ref());
    let filter = read.job_filter("filter", filter.unwrap_or_default(), false).and_then(|filter| {
        let faults = filter.uncountable().into_iter();
        match faults.map(|(member, fault)| read.fault(&format!("filter.{member}"), fault)).last() {
            Some(noted) => Err(noted),
            None => Ok(filter),
        }
    });
    let owner = read.owner("owner", &owner);
    let group_by = read.dimensions("group_by", &group_by);
    let filter = || Ok(SummarizeJobs { filter: filter?, owner: owner?, all_scopes, group_by: group_by? });
    read.conclude(|| Ok(ListOf { filter: filter()?, paged: paged? }))
}

impl Reader {
    fn dimensions(&mut self, field: &str, group_by: &[i32]) -> Result<Vec<JobDimension>, Noted> {
        let read = group_by.iter().enumerate().map(|(index, number)| {
            let field = format!("{field}[{index}]");
            match dimension(*number) {
                Some(_) if group_by.iter().take(index).any(|before| before == number) => {
                    Err(self.fault(&field, "stands there already: leave it out"))
                }
                Some(dimension) => Ok(dimension),
                None => Err(self.fault(&field, format!("{number} is nothing that jobs are counted by"))),
            }
        });
        let read: Vec<Result<JobDimension, Noted>> = read.collect();
        if group_by.len() > MOST_DIMENSIONS {
            return Err(self.fault(field, format!("has {} dimensions: give two at most", group_by.len())));
        }
        let mut dimensions = read.into_iter().collect::<Result<Vec<JobDimension>, Noted>>()?;
        dimensions.sort_unstable();
        Ok(dimensions)
    }
}

fn dimension(number: i32) -> Option<JobDimension> {
    use proto::JobDimension as P;
    Some(match P::try_from(number).ok()? {
        P::Unspecified => return None,
        P::Day => JobDimension::Day,
        P::Plan => JobDimension::Plan,
        P::Rule => JobDimension::Rule,
        P::Vault => JobDimension::Vault,
        P::Resource => JobDimension::Resource,
        P::ResourceType => JobDimension::ResourceType,
        P::Account => JobDimension::Account,
        P::Region => JobDimension::Region,
        P::Kind => JobDimension::Kind,
        P::State => JobDimension::State,
        P::Owner => JobDimension::Owner,
    })
}

/// `by_state`: jobs are filtered by state, so that nothing is to be said of how many succeed.
pub(in crate::rpc) fn told(group: JobGroup, meant: &[Scope], by_state: bool) -> proto::JobSummary {
    let JobGroup { values, kind, day, state, counts, consecutive_successes, none_due_days } = group;
    let JobCounts {
        under_way, completed, with_issues, partial, failed, expired, aborted, bytes, timed, missed, ..
    } = counts;
    let mut told = proto::JobSummary {
        day: day.map(|day| day.to_string()).unwrap_or_default(),
        kind: kind.map(job_answers::kind).unwrap_or_default().into(),
        state: state.as_ref().map(job_answers::state).unwrap_or_default().into(),
        job_count: counts.jobs(),
        under_way_count: under_way,
        completed_count: completed,
        completed_with_issues_count: with_issues,
        partial_count: partial,
        failed_count: failed,
        expired_count: expired,
        aborted_count: aborted,
        percent_succeeded: counts.success_rate().map(|rate| rate * 100.0).filter(|_| state.is_none() && !by_state),
        consecutive_success_count: consecutive_successes,
        bytes_transferred: bytes,
        timed_count: timed,
        average_duration_seconds: counts.average_seconds().map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
        missed_run_count: missed,
        none_due_day_count: none_due_days,
        ..proto::JobSummary::default()
    };
    for (dimension, value) in values {
        match dimension {
            JobDimension::Resource => told.resource_arn = value,
            JobDimension::Vault => {
                told.vault_name =
                    job_answers::vault_name(Some(&value).filter(|arn| !arn.is_empty()).map(String::as_str));
                told.vault_arn = value;
            }
            JobDimension::Plan => told.plan_id = value,
            JobDimension::Rule => told.rule_id = value,
            JobDimension::ResourceType => told.resource_type = value,
            JobDimension::Account => told.account = value,
            JobDimension::Region => told.region = value,
            JobDimension::Owner => told.owner = value,
            // These are no texts.
            JobDimension::Kind | JobDimension::Day | JobDimension::State => {}
        }
    }
    let fits = |scope: &&Scope| {
        let same = |told: &str, one: &str| told.is_empty() || told == one;
        same(&told.account, scope.account.as_str()) && same(&told.region, scope.region.as_str())
    };
    let mut scopes = meant.iter().filter(fits);
    told.scope = scopes.next().filter(|_| scopes.next().is_none()).cloned().map(Into::into);
    told
}
