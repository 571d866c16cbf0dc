//! What goes on without being asked: AWS is read for the ledger, databases are judged, and what is old is forgotten. Each is a loop that is activated by
//! a tick, takes no input and never tries again: the next tick is the next try. Of several servers on one ledger one does it for
//! all, by role: [`Workers::lead`].

mod coverage;
mod leading;
mod metrics;
mod points;
mod poller;
mod queue;
mod retention;
mod touched;

use std::time::Duration;

use futures_util::{StreamExt as _, pin_mut};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::broadcast, time::sleep};

use crate::{
    aws::{
        self, Aws, Scoped,
        sweeps::{Batch, JobSweep},
    },
    config::{FeedConfig, LedgerConfig},
    domain::{Job, JobKind, Scope, Touched},
    ledger::{self, Feed, Ledger, WatchError},
    lifecycle::Lifecycle,
};

/// How long a worker waits that could not do what it is for.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a worker was broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Aws(#[from] aws::Error),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("{0}")]
    Unread(String),
}

/// What the workers work on.
#[derive(Debug, Clone)]
pub struct Workers {
    /// Where AWS is read.
    pub aws: Aws,
    /// What remembers it.
    pub ledger: Ledger,
    /// What tells of what is new there.
    pub tail: Feed,
    /// What tells of what was changed.
    pub touched: broadcast::Sender<Touched>,
    /// How often.
    pub feed: FeedConfig,
    /// Where, and for how long it is remembered.
    pub config: LedgerConfig,
    /// What this server is called among those on one ledger: no other, nor itself after a restart, has the same name.
    pub name: String,
    /// How many databases have metrics of their own.
    pub max_databases: usize,
}

impl Workers {
    /// Begins the work, which ends with the first stage of shutdown: nothing is lost that the next start does not read again.
    pub fn begin(self, life: &Lifecycle) {
        if self.ledger.is_shared() {
            life.spawn_until_stop(hear_others(self.ledger.clone()));
        }
        life.spawn_until_stop(metrics::look_on(self.clone()));
        // Shutdown waits for these, so that another server leads at once.
        life.spawn(self.clone().lead("retention", life.soft(), retention::forget_the_old));
        if self.feed.enabled {
            life.spawn_until_stop(metrics::protection::look_on(self.clone()));
            if self.ledger.is_shared() {
                life.spawn_until_stop(touched::hand_over(self.ledger.clone(), self.touched.subscribe()));
            }
            self.clone().begin_events(life);
            life.spawn(self.clone().lead("points", life.soft(), points::look_after));
            life.spawn(self.clone().lead("coverage", life.soft(), coverage::cover));
            life.spawn(self.lead("feed", life.soft(), poller::follow));
        }
    }

    /// What the queue of AWS's events brings, where there is one.
    fn begin_events(self, life: &Lifecycle) {
        let Some(url) = &self.feed.queue_url else { return };
        match self.aws.queue(url.as_str()) {
            Ok(queue) => {
                let hear = move |workers| queue::hear(workers, queue.clone());
                life.spawn(self.lead("events", life.soft(), hear));
            }
            Err(fault) => tracing::error!(%fault, "AWS's events are not taken in: feed.queue_url cannot be used"),
        }
    }

    /// The accounts and regions that are followed, once it can be told which.
    async fn followed(&self) -> Vec<Scope> {
        loop {
            match self.aws.followed(&self.config.scopes).await {
                Ok(scopes) => return scopes,
                Err(error) => tracing::warn!(%error, "which accounts and regions are followed cannot be told yet"),
            }
            sleep(self.feed.interval.max(PAUSE)).await;
        }
    }
}

/// Has the ledger take in all jobs that a sweep tells of; `seen` sees each batch first.
async fn take_in(
    aws: &Scoped,
    ledger: &Ledger,
    (kind, sweep): (JobKind, JobSweep),
    mut seen: impl FnMut(&Batch<Job>),
) -> Result<(), Broken> {
    let batches = aws.sweep_jobs(kind, sweep);
    pin_mut!(batches);
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(aws::Error::from)?;
        seen(&batch);
        ledger.learn(batch.items.into_iter().map(|job| (job, batch.at)).collect()).await?;
    }
    Ok(())
}

fn before(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// Hears what other replicas write, so that watchers here are told at once.
async fn hear_others(ledger: Ledger) {
    loop {
        if let Err(error) = ledger.hear_others().await {
            tracing::debug!(%error, "what other replicas write is heard of a second later");
        }
        sleep(PAUSE).await;
    }
}
