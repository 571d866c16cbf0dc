//! What the ledger answers, and when AWS is asked instead.

mod covering;
mod incidents;
mod repeated;
mod summary;
mod upcoming;
mod watching;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    convert::{
        findings,
        job_filter::{self, Listing},
        jobs as convert, timestamp,
    },
    page_token::{ListOf, Paged},
    resume_token::Watched,
    status::Failure,
};
use crate::{
    aws::Scoped,
    config::{FeedConfig, FollowedScope},
    domain::{Cursor, ExplainedJob, GetJob, Job, JobOrder, ListJobs, ReadFrom, Scope},
    ledger::{self, Feed, JobPosition, Ledger, Reading},
    proto,
};

pub(super) use self::repeated::{Starting, starting};

/// The part of a page token that is the ledger's: AWS's lists have numbers.
pub(super) const LEDGER: &str = "ledger";

/// How long a call waits for the ledger to take in what AWS has told, which the feed tells it again.
const PROMPT: Duration = Duration::from_secs(2);

/// So many times the interval of the feed may pass before what is remembered is called stale.
const LATE: i32 = 5;

/// The ledger, and which accounts and regions it follows.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Where it is remembered.
    pub ledger: Ledger,
    /// What tells watchers of what is new there.
    pub tail: Feed,
    /// How it is kept up to date.
    pub feed: FeedConfig,
    /// The accounts and regions that are followed; of none, the one that requests mean by default.
    pub scopes: Vec<FollowedScope>,
}

/// What is remembered of the accounts and regions that are meant.
pub(super) struct Memory {
    pub(super) scopes: Vec<Scope>,
    pub(super) status: Vec<proto::ScopeStatus>,
    /// For which all of them are known; none where one was never read.
    pub(super) as_of: Option<Timestamp>,
}

impl Remembered {
    /// The accounts and regions that are followed.
    async fn followed(&self, aws: &Scoped) -> Result<Vec<Scope>, Failure> {
        if self.feed.enabled { Ok(aws.aws().followed(&self.scopes).await?) } else { Ok(Vec::new()) }
    }

    /// What is remembered of the request's account and region, or of all that are followed; none where it is not followed.
    pub(super) async fn memory(&self, aws: &Scoped, all: bool) -> Result<Option<Memory>, Failure> {
        let followed = self.followed(aws).await?;
        let scopes = match all {
            true => followed,
            false => followed.into_iter().filter(|scope| scope == aws.scope()).collect(),
        };
        if scopes.is_empty() {
            return Ok(None);
        }
        let readings = self.ledger.readings().await?;
        let reading = |scope: &Scope| readings.iter().find(|reading| reading.scope == *scope);
        let as_of = scopes.iter().map(|scope| reading(scope)?.as_of).min().flatten();
        let now = aws.now();
        let status = scopes.iter().map(|scope| self.status(scope, reading(scope), now)).collect();
        Ok(Some(Memory { scopes, status, as_of }))
    }

    fn status(&self, scope: &Scope, reading: Option<&Reading>, now: Timestamp) -> proto::ScopeStatus {
        let as_of = reading.and_then(|reading| reading.as_of);
        let late = jiff::SignedDuration::try_from(self.feed.interval).unwrap_or_default().saturating_mul(LATE);
        let is_late = as_of.is_some_and(|as_of| now.duration_since(as_of) > late);
        let state = match reading {
            _ if is_late => proto::ScopeState::Stale,
            Some(reading) if reading.filled => proto::ScopeState::Current,
            Some(_) | None => proto::ScopeState::Filling,
        };
        proto::ScopeStatus {
            scope: Some(scope.clone().into()),
            state: state.into(),
            as_of: as_of.map(timestamp),
            history_start_time: reading.and_then(|reading| reading.history_start).map(timestamp),
            ..proto::ScopeStatus::default()
        }
    }

    pub(super) async fn list_jobs(&self, aws: Scoped, listing: Listing) -> Result<proto::ListJobsResponse, Failure> {
        let Listing { list: ListOf { filter: asked, paged }, watch } = listing;
        // A list goes on where it began: the two have orders of their own.
        let read = match &paged.page.cursor {
            Some(cursor) if cursor.part == LEDGER => ReadFrom::Ledger,
            Some(_) => ReadFrom::Live,
            None => asked.read,
        };
        let memory = match read {
            ReadFrom::Live => None,
            ReadFrom::Either | ReadFrom::Ledger => self.memory(&aws, asked.all_scopes).await?,
        };
        match memory {
            Some(memory) if memory.as_of.is_some() => {
                let watched = Watched::of(&watch, &memory.scopes);
                self.list_remembered(&aws, (asked, paged), watched, memory).await
            }
            Some(_) | None if read == ReadFrom::Ledger || asked.all_scopes => Err(not_read(&aws, memory.as_ref())),
            Some(_) | None => list_live(&aws, asked, paged).await,
        }
    }

    async fn list_remembered(
        &self,
        aws: &Scoped,
        (asked, paged): (ListJobs, Paged),
        watched: Watched,
        memory: Memory,
    ) -> Result<proto::ListJobsResponse, Failure> {
        let first = paged.page.cursor.is_none();
        let checked = if first { aws.check_job_types(&asked.filter, "filter").await? } else { Vec::new() };
        let head = self.ledger.head().await?;
        let query = asked.filter.query(memory.scopes.clone());
        let order = asked.order.unwrap_or(JobOrder::Newest);
        let page = async |page: crate::domain::PageRequest| {
            let after = page.position(JobPosition::parse)?;
            let found = self.ledger.list_jobs(&query, order, usize::from(page.size), after).await?;
            let next = found.next.map(|next| Cursor { token: Some(next.to_string()), ..Cursor::of_part(LEDGER) });
            let mut told = checked.clone();
            if first && found.jobs.is_empty() && next.is_none() {
                told.extend(aws.why_no_jobs(&asked.filter, "filter").await);
            }
            Ok(proto::ListJobsResponse {
                next_page_token: paged.token(next.as_ref()),
                jobs: found.jobs.into_iter().map(Into::into).collect(),
                findings: findings(told),
                as_of: memory.as_of.map(timestamp),
                read: proto::Read::Ledger.into(),
                scopes: memory.status.clone(),
                resume_token: watched.token(&head.epoch, head.seq),
            })
        };
        paged.answer(page).await
    }

    /// A job: from the ledger when it has ended; else from AWS, for who asks for one wants to know how it is now, and the ledger
    /// learns it.
    pub(super) async fn get_job(&self, aws: Scoped, asked: GetJob) -> Result<proto::GetJobResponse, Failure> {
        let GetJob { id, kind, read } = asked;
        let memory = match read {
            ReadFrom::Live => None,
            ReadFrom::Either | ReadFrom::Ledger => self.memory(&aws, false).await?,
        };
        if read == ReadFrom::Ledger && memory.as_ref().and_then(|memory| memory.as_of).is_none() {
            return Err(not_read(&aws, memory.as_ref()));
        }
        if let Some(memory) = &memory {
            let known = self.ledger.job(&id).await?.filter(|job| job.scope == *aws.scope());
            let fits = |job: &Job| kind.is_none_or(|kind| kind == job.kind);
            let answers = |job: &Job| job.state.is_final() || read == ReadFrom::Ledger;
            if let Some(job) = known.filter(|job| fits(job) && answers(job)) {
                let findings = job.findings_of_end();
                let explained = ExplainedJob { job, wait: None, findings };
                return Ok(convert::explained(explained, memory.as_of.unwrap_or(aws.now()), proto::Read::Ledger));
            }
        }
        let explained = aws.explain_job(&id, kind).await?;
        if memory.is_some() {
            self.learn(vec![(explained.job.clone(), aws.now())]).await;
        }
        Ok(convert::explained(explained, aws.now(), proto::Read::Live))
    }

    /// Takes in a job that was started here, before its caller hears of it.
    pub(super) async fn learn_started(&self, job: Option<&Job>, at: Timestamp) {
        if let Some(job) = job {
            self.learn(vec![(job.clone(), at)]).await;
        }
    }

    /// Takes in what AWS told. It is told again by the feed: whoever asked for it is not to wait for a ledger that is down.
    pub(super) async fn learn(&self, tellings: Vec<(Job, Timestamp)>) {
        if let Err(error) = promptly(self.ledger.learn(tellings)).await {
            tracing::warn!(%error, "a job is not remembered yet");
        }
    }

    /// What is remembered of the accounts and regions that are meant, of which all were read: else nobody knows what is asked.
    async fn read_memory(&self, aws: &Scoped, all: bool) -> Result<Memory, Failure> {
        match self.memory(aws, all).await? {
            Some(memory) if memory.as_of.is_some() => Ok(memory),
            memory => Err(nobody_knows(aws, memory.as_ref())),
        }
    }
}

/// What the ledger says soon, or that it does not.
async fn promptly<T>(said: impl Future<Output = Result<T, ledger::Error>>) -> Result<T, ledger::Error> {
    let late = |_| Err(ledger::Error::Down(format!("it has not answered within {PROMPT:?}")));
    timeout(PROMPT, said).await.unwrap_or_else(late)
}

async fn list_live(aws: &Scoped, asked: ListJobs, paged: Paged) -> Result<proto::ListJobsResponse, Failure> {
    job_filter::beyond_aws(&asked)?;
    let page = async |page| {
        let (found, told) = aws.list_jobs_explained(&asked.filter, "filter", &page).await?;
        Ok(proto::ListJobsResponse {
            next_page_token: paged.token(found.next.as_ref()),
            jobs: found.items.into_iter().map(Into::into).collect(),
            findings: findings(told),
            as_of: Some(timestamp(aws.now())),
            read: proto::Read::Live.into(),
            ..proto::ListJobsResponse::default()
        })
    };
    paged.answer(page).await
}

/// That the ledger cannot say what AWS could.
pub(super) fn not_read(aws: &Scoped, memory: Option<&Memory>) -> Failure {
    Failure::ScopeNotFollowed(match memory {
        Some(_) => format!("{}, or with read LIVE", unread(aws, memory)),
        None => format!("{}: ask with read LIVE", unread(aws, memory)),
    })
}

/// That the ledger cannot say what it alone knows.
pub(super) fn nobody_knows(aws: &Scoped, memory: Option<&Memory>) -> Failure {
    Failure::ScopeNotFollowed(unread(aws, memory))
}

fn unread(aws: &Scoped, memory: Option<&Memory>) -> String {
    let Scope { account, region } = aws.scope();
    match memory {
        Some(_) => "the accounts and regions that the server follows have not all been read yet: ask again".to_owned(),
        None => format!("the server does not follow account {account} in {region} (ledger.scopes)"),
    }
}
