//! ListUpcomingRuns: told from the last look at the accounts and regions, or by AWS where there was none.

use std::collections::BTreeSet;

use super::{
    LEDGER, Remembered,
    covering::{Looked, about},
};
use crate::{
    aws::{self, Scoped},
    domain::{
        Arn, Cursor, DatabaseRef, ListUpcomingRuns, Noun, Outlook, PageRequest, ProtectionOrder, ProtectionQuery,
        ReadFrom, Refusal, RefusalKind, ResourceRef, Scope, Upcoming, UpcomingFilter,
    },
    proto,
    rpc::{
        convert::timestamp,
        page_token::{ListOf, Paged},
        status::Failure,
    },
};

/// Most databases that one name can mean: an instance and a cluster in each account and region.
const MOST_OF_A_NAME: usize = 1_000;

/// What the last look shows of the runs ahead.
struct Ahead {
    looked: Looked,
    outlooks: Vec<Outlook>,
    filter: UpcomingFilter,
}

impl Remembered {
    pub(in crate::rpc) async fn list_upcoming_runs(
        &self,
        aws: Scoped,
        list: ListOf<ListUpcomingRuns>,
    ) -> Result<proto::ListUpcomingRunsResponse, Failure> {
        let ListOf { filter: asked, paged } = list;
        // A list goes on where it began: of what AWS was not asked for, it is not asked for later.
        let read = match &paged.page.cursor {
            Some(cursor) if cursor.part == LEDGER => ReadFrom::Ledger,
            Some(_) => ReadFrom::Live,
            None => asked.read,
        };
        let ahead = match read {
            ReadFrom::Live => None,
            ReadFrom::Either | ReadFrom::Ledger => Some(self.ahead(&aws, &asked).await),
        };
        let aws_can_tell = !asked.all_scopes;
        match ahead {
            None => live(&aws, asked, paged).await,
            Some(Ok(ahead)) => ahead.page(&aws, paged).await,
            // What was not looked at, or was not there then, AWS knows.
            Some(Err(Failure::ScopeNotFollowed(_) | Failure::Aws(aws::Error::Refused(_))))
                if aws_can_tell && read == ReadFrom::Either =>
            {
                live(&aws, asked, paged).await
            }
            Some(Err(Failure::ScopeNotFollowed(why))) if aws_can_tell => {
                Err(Failure::ScopeNotFollowed(format!("{why}; with read LIVE AWS is asked")))
            }
            Some(Err(failure)) => Err(failure),
        }
    }

    async fn ahead(&self, aws: &Scoped, asked: &ListUpcomingRuns) -> Result<Ahead, Failure> {
        let looked = self.looked(aws, asked.all_scopes).await?;
        let mut outlooks = Vec::new();
        for look in &looked.looks {
            let outlook = self.ledger.outlook(look, aws.now()).await?;
            outlooks.push(outlook.ok_or_else(|| {
                let why = "the runs ahead are known from the next look at the databases on: ask again";
                Failure::ScopeNotFollowed(why.to_owned())
            })?);
        }
        let mut filter = UpcomingFilter { hours: asked.hours, plan_ids: None, resource_arns: None };
        if let Some(plan) = &asked.plan {
            let ids: BTreeSet<String> = outlooks.iter().flat_map(|outlook| outlook.plans_of(plan)).collect();
            if ids.is_empty() {
                return Err(not_seen(Noun::Plan, plan.word()));
            }
            filter.plan_ids = Some(ids);
        }
        if let Some(named) = &asked.resource {
            // An ARN is of one account and region, which the request means then.
            let is_meant = |scope: &&Scope| named.kind.is_none() || *scope == aws.scope();
            let by_id = ResourceRef::Database(named.id.clone());
            let arns = looked.scopes.iter().filter(is_meant).flat_map(|scope| by_id.arns_in(scope));
            let is_of_kind = |arn: &Arn| {
                named.kind.is_none() || DatabaseRef::of_arn(arn).is_some_and(|database| database.kind == named.kind)
            };
            let arns = arns.filter(is_of_kind).map(|arn| arn.as_str().to_owned());
            let query = ProtectionQuery {
                scopes: looked.scopes.clone(),
                resources: Some(arns.collect()),
                ..ProtectionQuery::default()
            };
            let found = self.ledger.list_protection(&query, ProtectionOrder::Arn, MOST_OF_A_NAME, None).await?;
            let arns: BTreeSet<String> = found.databases.into_iter().map(|database| database.subject.arn).collect();
            if arns.is_empty() {
                return Err(not_seen(Noun::Resource, &named.id));
            }
            filter.resource_arns = Some(arns);
        }
        Ok(Ahead { looked, outlooks, filter })
    }
}

impl Ahead {
    async fn page(self, aws: &Scoped, paged: Paged) -> Result<proto::ListUpcomingRunsResponse, Failure> {
        let Self { looked, outlooks, filter } = self;
        let upcoming = Upcoming::of(&outlooks, &filter, paged.page.cursor.as_ref(), aws.now())?;
        let page = async |page: PageRequest| {
            let (runs, next) = upcoming.page(page.size);
            let next = next.map(|next| Cursor { part: LEDGER.into(), ..next });
            // What the look could not read, the outlook says too, as far as it is about runs.
            let trouble = looked.looks.iter().flat_map(|look| look.trouble.iter().map(|it| about(&look.scope, it)));
            let findings = upcoming.findings.iter().cloned().map(Into::into);
            Ok(proto::ListUpcomingRunsResponse {
                runs: runs.iter().map(Into::into).collect(),
                next_page_token: paged.token(next.as_ref()),
                findings: trouble.chain(findings).collect(),
                as_of: Some(timestamp(looked.as_of)),
                read: proto::Read::Ledger.into(),
                scopes: looked.status.clone(),
            })
        };
        paged.answer(page).await
    }
}

async fn live(aws: &Scoped, asked: ListUpcomingRuns, paged: Paged) -> Result<proto::ListUpcomingRunsResponse, Failure> {
    let upcoming = aws.upcoming_runs(&asked, paged.page.cursor.as_ref()).await?;
    let page = async |page: PageRequest| {
        let (runs, next) = upcoming.page(page.size);
        Ok(proto::ListUpcomingRunsResponse {
            runs: runs.iter().map(Into::into).collect(),
            next_page_token: paged.token(next.as_ref()),
            findings: upcoming.findings.iter().cloned().map(Into::into).collect(),
            as_of: Some(timestamp(aws.now())),
            read: proto::Read::Live.into(),
            scopes: Vec::new(),
        })
    };
    paged.answer(page).await
}

fn not_seen(noun: Noun, name: &str) -> Failure {
    let message = "was not there when the server last looked: read LIVE asks AWS";
    Refusal::of(RefusalKind::NotFound, noun, name, format!("{name} {message}")).into()
}
