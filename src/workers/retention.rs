//! Forgetting what is old.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{MissedTickBehavior, interval};

use super::Workers;
use crate::ledger::{Error, Ledger};

/// How often something is forgotten.
const EVERY: Duration = Duration::from_secs(600);

/// How long watchers may be away and go on.
const EVENTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Forgets jobs and missed runs that are older than they are kept, what requests made then, and events that nobody goes on from any more. It never ends.
pub(super) async fn forget_the_old(workers: Workers) {
    let keep = SignedDuration::from_hours(24 * i64::from(workers.config.keep.0));
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = forget(&workers.ledger, keep).await {
            tracing::debug!(%error, "nothing was forgotten");
        }
    }
}

/// By AWS's clock, as far as it was heard: what nobody read for a while is not forgotten meanwhile.
async fn forget(ledger: &Ledger, keep: SignedDuration) -> Result<(), Error> {
    let readings = ledger.readings().await?;
    let Some(now) = readings.iter().filter_map(|reading| reading.as_of).min() else { return Ok(()) };
    let before = |age| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
    while ledger.forget_events(before(EVENTS)).await? {}
    // Before the jobs: a day whose jobs are forgotten must not look like one on which nothing was due.
    while ledger.forget_missed(before(keep)).await? {}
    while ledger.forget_jobs(before(keep)).await? {}
    while ledger.forget_requests(before(keep)).await? {}
    while ledger.forget_incidents(before(keep)).await? {}
    while ledger.forget_approvals(before(keep)).await? {}
    Ok(())
}
