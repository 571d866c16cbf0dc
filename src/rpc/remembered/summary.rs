//! SummarizeJobs: what the ledger has counted.

use super::{Remembered, covering::with_runs_judged};
use crate::{
    aws::Scoped,
    domain::{Cursor, Invalid, PageRequest, SummarizeJobs},
    ledger::{GroupPosition, Seen, SummaryError},
    proto,
    rpc::{
        access::Sight,
        convert::{job_summary, timestamp},
        page_token::ListOf,
        status::Failure,
    },
};

impl From<SummaryError> for Failure {
    fn from(error: SummaryError) -> Self {
        match error {
            SummaryError::Ledger(error) => Self::LedgerUnavailable(error),
            SummaryError::TooBroad(numbers) => {
                let fault = format!(
                    "needs {numbers} numbers to be added up for one group, more than a call may: count by day too, or \
                     filter by less at once"
                );
                Self::Invalid(Invalid::of("group_by", fault))
            }
        }
    }
}

impl Remembered {
    pub(in crate::rpc) async fn summarize_jobs(
        &self,
        aws: Scoped,
        asked: ListOf<SummarizeJobs>,
        sight: Sight,
    ) -> Result<proto::SummarizeJobsResponse, Failure> {
        let ListOf { filter: SummarizeJobs { filter, owner, all_scopes, group_by }, paged } = asked;
        let memory = self.read_memory(&aws, all_scopes).await?;
        let looks = self.ledger.looks().await?;
        let status =
            memory.scopes.iter().zip(&memory.status).map(|(scope, status)| {
                with_runs_judged(status.clone(), looks.iter().find(|look| look.scope == *scope))
            });
        let status: Vec<proto::ScopeStatus> = status.collect();
        let query = filter.query(memory.scopes.clone());
        let sees = sight.sees_jobs();
        let page = async |page: PageRequest| {
            let after = page.position(GroupPosition::parse)?;
            let (owner, size) = (owner.as_deref(), usize::from(page.size));
            let seen = sees.as_ref().map(|sees| sees as Seen<'_>);
            let found = self.ledger.summarize_seen(&query, (owner, seen), &group_by, size, after).await?;
            let next = found.next.map(|next| Cursor::at(next.to_string()));
            let by_state = !query.states.is_empty();
            let told = found.groups.into_iter().map(|group| job_summary::told(group, &memory.scopes, by_state));
            Ok(proto::SummarizeJobsResponse {
                groups: told.collect(),
                next_page_token: paged.token(next.as_ref()),
                as_of: memory.as_of.map(timestamp),
                scopes: status.clone(),
            })
        };
        paged.answer(page).await
    }
}
