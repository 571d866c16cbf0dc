//! Reading all there is of a kind, for the workers that keep the ledger: page by page, so that memory is bounded, and behind
//! everybody who waits for an answer.
//!
//! Each batch is a telling: it says by when, by AWS's clock, it was true. That is before its request was sent, so that nothing
//! that was told later is overwritten by it. An error is told as it is, and ends the sweep: what came before it holds good.

use futures_util::{Stream, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{Error, Failure, Scoped, budget::Class, flights::Freshness, jobs::lists::Resolved, pages::pages};
use crate::domain::{
    Cursor, Job, JobAsk, JobFilter, JobId, JobKind, JobState, MAX_PAGE_SIZE, PageRequest, Period, PointInVault,
    RecoveryPoint, VaultName, VaultPicture,
};

/// What one answer of AWS told.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<T> {
    /// When it was so, by AWS's clock: before it was asked for.
    pub at: Timestamp,
    /// What there was.
    pub items: Vec<T>,
}

/// Which jobs a sweep reads. AWS tells those of the last 30 days `[M]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobSweep {
    /// Those created within that time.
    Created(Period),
    /// Those that ended since.
    CompletedSince(Timestamp),
    /// Those that have not ended. One that goes on meanwhile is not missed, for their states are read in the order in which a
    /// job has them; one that ends meanwhile may be.
    Open,
}

impl JobSweep {
    /// The states by which AWS is asked, one after the other; `None`: any.
    fn states(self, kind: JobKind) -> Vec<Option<JobState>> {
        const OPEN: [JobState; 4] = [JobState::Created, JobState::Pending, JobState::Running, JobState::Aborting];
        match self {
            Self::Created(_) | Self::CompletedSince(_) => vec![None],
            Self::Open => OPEN.into_iter().filter(|state| kind.has_state(state)).map(Some).collect(),
        }
    }

    fn filter(self) -> JobFilter {
        let since = |after| Period { after: Some(after), before: None };
        match self {
            Self::Created(created) => JobFilter { created, ..JobFilter::default() },
            Self::CompletedSince(after) => JobFilter { completed: since(after), ..JobFilter::default() },
            Self::Open => JobFilter::default(),
        }
    }
}

impl Scoped {
    /// The same, for a worker: its calls wait until callers' were let go, as long as it takes, and what it reads is read for
    /// it alone, after it asked.
    #[must_use]
    pub fn for_worker(self) -> Self {
        Self { class: Class::Background, freshness: Freshness::Fresh, ..self }
    }

    /// All jobs of a kind that the sweep is of, page by page. After an error there is no more to be had of it.
    pub fn sweep_jobs(
        &self,
        kind: JobKind,
        sweep: JobSweep,
    ) -> impl Stream<Item = Result<Batch<Job>, Failure>> + Send + '_ {
        stream::iter(sweep.states(kind)).flat_map(move |state| {
            pages(move |cursor: Option<Cursor>| {
                let state = state.clone();
                Box::pin(async move {
                    let filter = sweep.filter();
                    let named = Resolved { filter: &filter, resource: None, destination_vault: None };
                    let ask = JobAsk { kind, state: state.as_ref(), resource_type: None };
                    let asked = Instant::now();
                    let token = cursor.and_then(|cursor| cursor.token);
                    let page = self.list(ask, token, &named, MAX_PAGE_SIZE.into()).await?;
                    Ok((Batch { at: self.told_at(asked), items: page.items }, page.next))
                })
            })
        })
    }

    /// One job, and when it was so.
    pub async fn sweep_job(&self, id: &JobId, kind: JobKind) -> Result<(Job, Timestamp), Failure> {
        let asked = Instant::now();
        let job = self.describe_job(id, kind).await?;
        Ok((job, self.told_at(asked)))
    }

    /// One recovery point, or that it is not to be had, and when it was so.
    pub async fn sweep_point(&self, point: &PointInVault) -> (Result<RecoveryPoint, Error>, Timestamp) {
        let asked = Instant::now();
        let found = self.get_recovery_point(point).await;
        (found, self.told_at(asked))
    }

    /// The names of all vaults.
    pub async fn sweep_vaults(&self) -> Result<Batch<VaultName>, Error> {
        let asked = Instant::now();
        let names = self.vault_names().await?;
        Ok(Batch { at: self.told_at(asked), items: names.into_iter().collect() })
    }

    /// What guards a vault, and when it was so. What could not be read is not known.
    pub async fn sweep_vault(&self, name: &VaultName) -> Result<(VaultPicture, Timestamp), Error> {
        let asked = Instant::now();
        let vault = self.describe_vault(name).await?;
        let at = self.told_at(asked);
        let policy = self.get_vault_access_policy(name).await;
        let notifications = self.get_vault_notifications(name).await;
        let policy = policy.ok().map(|told| told.setting);
        let picture = VaultPicture { lock: Some(vault.lock), policy, notifications: None };
        Ok(match notifications {
            Ok(told) => (picture.with_notifications(told.setting.as_ref(), self.scope()), at),
            Err(_) => (picture, at),
        })
    }

    /// All recovery points of a vault, page by page; one that is in no batch of a sweep that came to its end, and was known
    /// before the first of them, is no more. That the vault is gone is an error.
    pub fn sweep_points<'s>(
        &'s self,
        vault: &'s VaultName,
    ) -> impl Stream<Item = Result<Batch<RecoveryPoint>, Failure>> + Send + 's {
        pages(move |cursor| {
            Box::pin(async move {
                let asked = Instant::now();
                let page = self.recovery_points_in(vault, |sent| sent, &PageRequest::largest(cursor)).await?;
                Ok((Batch { at: self.told_at(asked), items: page.items }, page.next))
            })
        })
    }

    /// AWS's time at that instant, as of its last answer: where a clock is moved by hand, what it was thought to be before the
    /// answer may be far off.
    fn told_at(&self, asked: Instant) -> Timestamp {
        let (now, ago) = (self.now(), SignedDuration::try_from(asked.elapsed()).unwrap_or(SignedDuration::MAX));
        now.saturating_sub(ago).unwrap_or(now)
    }
}

#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests;
