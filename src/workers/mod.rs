//! What goes on without being asked: AWS is read for the ledger, and what is old is forgotten. Each is a loop that is activated by
//! a tick, takes no input and never tries again: the next tick is the next try. Of several servers on one ledger one does it for
//! all, by role: [`Workers::lead`].

mod leading;
mod metrics;
mod poller;
mod retention;

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    aws::Aws,
    config::{FeedConfig, LedgerConfig},
    ledger::Ledger,
    lifecycle::Lifecycle,
};

/// How long a worker waits that could not do what it is for.
const PAUSE: Duration = Duration::from_secs(1);

/// What the workers work on.
#[derive(Debug, Clone)]
pub struct Workers {
    /// Where AWS is read.
    pub aws: Aws,
    /// What remembers it.
    pub ledger: Ledger,
    /// How often.
    pub feed: FeedConfig,
    /// Where, and for how long it is remembered.
    pub config: LedgerConfig,
    /// What this server is called among those on one ledger: no other, nor itself after a restart, has the same name.
    pub name: String,
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
            life.spawn(self.lead("feed", life.soft(), poller::follow));
        }
    }
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
