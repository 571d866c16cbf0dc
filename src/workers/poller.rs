//! Reading AWS for the ledger, one loop for each account and region.
//!
//! A look reads what was created since the look before, and where jobs are under way how they go on; so it costs three calls
//! while nothing runs. AWS's lists may be late, so each look goes back a little further than it must: what is known already is no
//! news. At the first start what AWS still knows is read step by step, the last day first, and where that was broken off it goes on.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, time::sleep};

use super::{Broken, Workers, before, take_in};
use crate::{
    aws::{
        Error, FailureKind, Scoped,
        sweeps::{Batch, JobSweep},
    },
    domain::{Job, JobId, JobKind, Period, Scope},
    ledger::{Ledger, Reading},
};

/// How far a look goes back before the one before it.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);

/// The same for restores, of which AWS tells for a while after their end what came of what they made.
const OVERLAP_OF_RESTORES: SignedDuration = SignedDuration::from_hours(24);

/// How much is read at first of what was before the first look; then as much again as was read so far, again and again.
const STEP: SignedDuration = SignedDuration::from_hours(24);

/// How long AWS remembers jobs `[D]`.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Most jobs under way of a kind that a look goes after one by one, where lists do not tell what became of them.
const MOST_ASKED_FOR: usize = 100;

/// Follows every account and region that is meant. It never ends.
pub(super) async fn follow(workers: Workers) {
    let scopes = workers.followed().await;
    join_all(scopes.into_iter().map(|scope| follow_one(&workers, scope))).await;
}

async fn follow_one(workers: &Workers, scope: Scope) {
    let mut is_well = true;
    let mut bell = workers.ledger.bell();
    loop {
        let next = match look(workers, &scope).await {
            Ok(next) => {
                if !is_well {
                    tracing::info!(%scope.account, %scope.region, "AWS is read for the ledger again");
                }
                is_well = true;
                next
            }
            Err(error) => {
                // Once, not at every tick.
                if is_well {
                    tracing::warn!(%scope.account, %scope.region, %error, "AWS is not read for the ledger");
                }
                is_well = false;
                Next::Idle
            }
        };
        // What the look itself has told is no reason for the next.
        bell.mark_unchanged();
        tokio::select! {
            () = sleep(next.pause(workers)) => {}
            // A job was started here, or by another replica: that is not waited for as long as for what nobody knows of.
            () = begun(workers, &scope, bell.clone()), if next == Next::Idle => sleep(Next::Busy.pause(workers)).await,
        }
    }
}

/// Until a job is under way in the account and region that was not when nothing was.
async fn begun(workers: &Workers, scope: &Scope, mut bell: watch::Receiver<i64>) {
    // The ledger, which rings, lives as long as this.
    while bell.changed().await.is_ok() {
        for kind in JobKind::ALL {
            if workers.ledger.unended_jobs(scope, kind, 1).await.is_ok_and(|jobs| !jobs.is_empty()) {
                return;
            }
        }
    }
    std::future::pending::<()>().await;
}

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// At once: there is more to be read of what was.
    More,
    /// Soon: jobs run.
    Busy,
    /// Later.
    Idle,
}

impl Next {
    /// A little earlier or later each time, so that replicas and places do not ask in one moment.
    fn pause(self, workers: &Workers) -> Duration {
        let interval = match self {
            Self::More => Duration::ZERO,
            Self::Busy => workers.feed.busy_interval,
            Self::Idle => workers.feed.interval,
        };
        interval.mul_f64(0.9 + 0.2 * fastrand::f64())
    }
}

async fn look(workers: &Workers, scope: &Scope) -> Result<Next, Broken> {
    let aws = workers.aws.within(&scope.into()).await?.for_worker();
    let known = workers.ledger.reading(scope).await?;
    let blank = Reading { scope: scope.clone(), history_start: None, as_of: None, filled: false };
    let mut reading = known.unwrap_or(blank);
    let look = Look { aws, ledger: &workers.ledger };
    let Some(as_of) = reading.as_of else {
        let now = look.aws.ask_time().await?;
        let start = before(now, STEP);
        for kind in JobKind::ALL {
            look.read(kind, JobSweep::Created(Period { after: Some(start), before: None })).await?;
        }
        workers.ledger.note_reading(&Reading { history_start: Some(start), as_of: Some(now), ..reading }).await?;
        return Ok(Next::More);
    };
    let (at, busy) = look.on_from(as_of).await?;
    reading.as_of = Some(at);
    let next = match reading.history_start {
        Some(start) if !reading.filled => {
            let step = at.duration_since(start).max(STEP);
            let (from, horizon) = (before(start, step), before(at, REMEMBERED));
            for kind in JobKind::ALL {
                look.read(kind, JobSweep::Created(Period { after: Some(from), before: Some(start) })).await?;
            }
            reading.history_start = Some(from.max(horizon));
            reading.filled = from <= horizon;
            Next::More
        }
        Some(_) | None if busy => Next::Busy,
        Some(_) | None => Next::Idle,
    };
    workers.ledger.note_reading(&reading).await?;
    Ok(next)
}

struct Look<'l> {
    aws: Scoped,
    ledger: &'l Ledger,
}

/// What a sweep told.
struct Swept {
    /// When it began, by AWS's clock.
    at: Option<Timestamp>,
    jobs: BTreeSet<JobId>,
    /// Whether some have not ended.
    open: bool,
}

impl Look<'_> {
    /// What is new since then, and how what was under way goes on. The instant for which the ledger is true now, and whether
    /// jobs are under way.
    async fn on_from(&self, as_of: Timestamp) -> Result<(Timestamp, bool), Broken> {
        let (mut at, mut busy) = (None, false);
        for kind in JobKind::ALL {
            let overlap = if kind == JobKind::Restore { OVERLAP_OF_RESTORES } else { OVERLAP };
            let since = before(as_of, overlap);
            let created = self.read(kind, JobSweep::Created(Period { after: Some(since), before: None })).await?;
            at = at.or(created.at);
            busy |= created.open;
            let unended = self.ledger.unended_jobs(self.aws.scope(), kind, MOST_ASKED_FOR).await?;
            // How a job ended that AWS has forgotten nobody will ever know.
            let forgotten = before(as_of, REMEMBERED);
            let is_known = |job: &&Job| job.created_at.is_none_or(|created| created > forgotten);
            let others = unended.iter().filter(|job| !created.jobs.contains(&job.id)).filter(is_known);
            let others: Vec<&Job> = others.collect();
            if !others.is_empty() {
                busy |= self.go_after(kind, &others, since).await?;
            }
        }
        Ok((at.unwrap_or(as_of), busy))
    }

    /// How jobs go on that no list of new ones has: by the lists of those that ended, of those that have not, and where both are
    /// silent one by one. Whether some have not ended.
    async fn go_after(&self, kind: JobKind, unended: &[&Job], since: Timestamp) -> Result<bool, Broken> {
        let open = self.read(kind, JobSweep::Open).await?;
        let ended = self.read(kind, JobSweep::CompletedSince(since)).await?;
        let mut busy = open.open;
        for job in unended.iter().filter(|job| !open.jobs.contains(&job.id) && !ended.jobs.contains(&job.id)) {
            match self.aws.sweep_job(&job.id, kind).await {
                Ok((job, at)) => {
                    busy |= !job.state.is_final();
                    self.ledger.learn(vec![(job, at)]).await?;
                }
                // AWS forgets it just now.
                Err(failure) if failure.kind == FailureKind::NotFound => {}
                Err(failure) => return Err(Error::from(failure).into()),
            }
        }
        Ok(busy)
    }

    /// Takes in all that a sweep tells.
    async fn read(&self, kind: JobKind, sweep: JobSweep) -> Result<Swept, Broken> {
        let mut swept = Swept { at: None, jobs: BTreeSet::new(), open: false };
        let seen = |batch: &Batch<Job>| {
            swept.at = swept.at.or(Some(batch.at));
            swept.open |= batch.items.iter().any(|job| !job.state.is_final());
            swept.jobs.extend(batch.items.iter().map(|job| job.id.clone()));
        };
        take_in(&self.aws, self.ledger, (kind, sweep), seen).await?;
        Ok(swept)
    }
}
