//! What Strongroom allows itself to ask of AWS: a bucket for each account, region and family of APIs, at the door.
//!
//! A call waits for its turn before it is sent, callers' before what is only told besides, and one that cannot have it
//! before its caller's deadline is refused at once. The SDK's retries are paid for out of the same bucket (`attempts.rs`).
//! So many are under way at once and no more: each costs a connection and its buffers, and AWS that is slow would else
//! have as many of both as there are callers.

mod bucket;
mod pace;

use std::{
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout_at},
};

use self::{
    bucket::{Bucket, Ticket, Turn},
    pace::Pace,
};
use super::call::labels;
use crate::{config::BudgetConfig, domain::Scope};

pub(super) use bucket::Class;

/// So long a role that was never assumed before waits for its turn: who names many accounts must not keep places for it.
const UNPROVEN: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Set around what is only told besides: until when it may take.
    static BESIDES: Instant;
}

/// Runs a look that its caller's answer can do without, so that it waits until callers' own calls were let go.
pub(super) async fn besides<F: Future>(until: Instant, look: F) -> F::Output {
    BESIDES.scope(until, look).await
}

/// Who asks, and until when they can wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    class: Class,
    until: Option<Instant>,
}

impl Asker {
    /// A call whose caller waits until then, in the class of what is under way.
    pub(super) fn until(deadline: Option<Instant>) -> Self {
        Self::of(Class::Interactive, deadline)
    }

    /// A call of that class, or of the class of what is under way if that is behind it, for who waits until then.
    pub(super) fn of(class: Class, deadline: Option<Instant>) -> Self {
        match BESIDES.try_with(|until| *until) {
            Ok(until) => {
                Self { class: Class::Background, until: deadline.map_or(Some(until), |other| Some(until.min(other))) }
            }
            Err(_) => Self { class, until: deadline },
        }
    }

    /// What nobody has proven to be of use.
    pub(super) fn unproven() -> Self {
        Self { class: Class::Background, until: Some(Instant::now() + UNPROVEN) }
    }

    /// Who waits as long as it takes.
    pub(super) fn without_end(self) -> Self {
        Self { until: None, ..self }
    }

    /// How long it can wait, if that has an end.
    fn patience(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now))
    }
}

/// The calls of one account, region and family.
#[derive(Debug)]
pub(super) struct Budget {
    scope: Scope,
    /// Of everything that is counted and measured of it.
    labels: Vec<KeyValue>,
    bucket: Mutex<Bucket>,
    /// Rung when those who wait had better ask again.
    moved: Notify,
    /// Calls under way.
    lanes: Arc<Semaphore>,
    /// Half of them are open to what nobody waits for.
    background: Arc<Semaphore>,
}

/// A call under way; another may begin when it is dropped.
#[derive(Debug)]
#[must_use = "the call is under way as long as it is held"]
pub(super) struct Lane {
    _lane: OwnedSemaphorePermit,
    _background: Option<OwnedSemaphorePermit>,
}

/// The budgets of one account and region, by family.
#[derive(Debug)]
pub(super) struct Budgets {
    backup: Arc<Budget>,
    iam: Arc<Budget>,
    kms: Arc<Budget>,
    rds: Arc<Budget>,
    sts: Arc<Budget>,
    tagging: Arc<Budget>,
}

impl Budgets {
    /// With the account's of IAM.
    pub(super) fn new(config: &BudgetConfig, scope: &Scope, iam: Arc<Budget>) -> Self {
        let of = |family, rate| Arc::new(Budget::new(family, scope.clone(), rate, config));
        Self {
            backup: of("backup", config.backup),
            iam,
            kms: of("kms", config.kms),
            rds: of("rds", config.rds),
            sts: of("sts", config.sts),
            tagging: of("tagging", config.tagging),
        }
    }

    /// The budget of a service's calls, by [`Operation::service`](super::call::Operation).
    pub(super) fn of(&self, service: &str) -> &Arc<Budget> {
        match service {
            "iam" => &self.iam,
            "kms" => &self.kms,
            "rds" => &self.rds,
            "sts" => &self.sts,
            "tagging" => &self.tagging,
            _ => &self.backup,
        }
    }
}

impl Budget {
    /// With that many calls a second at most; 0: as many as AWS takes.
    pub(super) fn new(family: &'static str, scope: Scope, rate: u32, config: &BudgetConfig) -> Self {
        let now = Instant::now();
        let pace = Pace::new(now, Some(rate).filter(|rate| *rate > 0), config.floor);
        let lanes = |most: usize| Arc::new(Semaphore::new(most));
        Self {
            labels: labels(family, Some(&scope)),
            scope,
            bucket: Mutex::new(Bucket::new(now, pace)),
            moved: Notify::new(),
            lanes: lanes(config.in_flight),
            background: lanes(config.in_flight.div_ceil(2)),
        }
    }

    /// Where they go.
    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What [`Self::turn`] would say at once; takes nothing.
    pub(super) fn look(&self, asker: Asker) -> Result<(), Duration> {
        let now = Instant::now();
        let wait = self.lock().look(now, asker.class);
        if asker.patience(now).is_some_and(|patience| patience < wait) {
            REFUSALS.add(1, &self.labels);
            return Err(wait);
        }
        Ok(())
    }

    /// Waits until a call may be sent. When that would be too late for who asks they are told at once how long it takes.
    pub(super) async fn turn(&self, asker: Asker) -> Result<(), Duration> {
        let began = Instant::now();
        let mut place = Place { budget: self, ticket: None };
        loop {
            // Before asking: what moves between asking and sleeping must wake it.
            let moved = self.moved.notified();
            let now = Instant::now();
            let turn = self.lock().ask(now, asker.class, &mut place.ticket);
            match turn {
                Turn::Go => break,
                Turn::Wait(wait) if asker.patience(now).is_some_and(|patience| patience < wait) => {
                    REFUSALS.add(1, &self.labels);
                    return Err(wait);
                }
                Turn::Wait(wait) => tokio::select! {
                    () = sleep(wait) => {}
                    () = moved => {}
                },
            }
        }
        let waited = began.elapsed();
        if !waited.is_zero() {
            WAITS.record(waited.as_secs_f64(), &self.labels);
        }
        Ok(())
    }

    /// Waits until fewer calls are under way than there may be, if that comes before it is too late for who asks.
    pub(super) async fn lane(&self, asker: Asker) -> Option<Lane> {
        let lane = async {
            let background = match asker.class {
                Class::Interactive => None,
                Class::Background => Some(Arc::clone(&self.background).acquire_owned().await.ok()?),
            };
            // Never closed.
            let lane = Arc::clone(&self.lanes).acquire_owned().await.ok()?;
            Some(Lane { _lane: lane, _background: background })
        };
        match asker.until {
            Some(until) => timeout_at(until, lane).await.ok().flatten(),
            None => lane.await,
        }
    }

    /// Pays for another attempt of a call that had its turn, and tells after how long it may be sent; when that is longer
    /// than it can wait, how long it would be.
    pub(super) fn again(&self, longest: Duration) -> Result<Duration, Duration> {
        self.lock().again(Instant::now(), longest)
    }

    /// Hears of an answer of AWS.
    pub(super) fn answered(&self, throttled: bool) {
        let now = Instant::now();
        let (observed, before, after) = {
            let mut bucket = self.lock();
            let before = bucket.rate(now);
            (bucket.answered(now, throttled), before, bucket.rate(now))
        };
        if observed && (before.is_some() || after.is_some()) {
            self.moved.notify_waiters();
            RATE.record(after.unwrap_or_default(), &self.labels);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of somebody who waits, given up when they are gone.
struct Place<'b> {
    budget: &'b Budget,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() && self.budget.lock().leave(&mut self.ticket) {
            self.budget.moved.notify_waiters();
        }
    }
}

static WAITS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_histogram("strongroom.aws.budget.wait")
        .with_unit("s")
        .with_description("Time that calls to AWS waited for their turn, of those that had to.")
        .build()
});

static REFUSALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.aws.budget.refusals")
        .with_description("Calls to AWS that were not sent because their turn would have come after their deadline.")
        .build()
});

static RATE: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_gauge("strongroom.aws.budget.rate")
        .with_description("Calls a second that are let go, where AWS has throttled; 0: as many as there are.")
        .build()
});

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "callers of their own, which end with the test")]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn asker(class: Class, patience: Option<Duration>) -> Asker {
        Asker { class, until: patience.map(|patience| Instant::now() + patience) }
    }

    fn budget(rate: u32, floor: u32) -> Budget {
        let account = AccountId::parse("123456789012").unwrap();
        let scope = Scope { account, region: RegionName::parse("us-east-1").unwrap() };
        Budget::new("backup", scope, rate, &BudgetConfig { floor, in_flight: 4, ..BudgetConfig::default() })
    }

    const CALLER: Class = Class::Interactive;

    #[tokio::test]
    async fn calls_wait_for_their_turn() {
        let (budget, began) = (budget(100, 1), Instant::now());
        join_all((0..120).map(|_| budget.turn(asker(CALLER, None)))).await.into_iter().for_each(|turn| turn.unwrap());
        assert!(began.elapsed() >= Duration::from_millis(200), "the hundred that were saved up go at once, no others");
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_at_once_how_long() {
        let budget = budget(1, 1);
        budget.turn(asker(CALLER, None)).await.unwrap();
        let refused = budget.turn(asker(CALLER, Some(Duration::from_millis(50)))).await.unwrap_err();
        assert!(refused > Duration::from_millis(50) && refused <= Duration::from_secs(1), "{refused:?}");
        assert!(budget.look(asker(CALLER, Some(Duration::from_millis(50)))).is_err());
        assert_eq!(budget.look(asker(CALLER, Some(Duration::from_secs(2)))), Ok(()));
        assert_eq!(budget.lock().waiting(), 0, "nobody holds a place who was refused");
    }

    #[tokio::test]
    async fn who_gives_up_leaves_no_place_behind() {
        let budget = Arc::new(budget(1, 1));
        budget.turn(asker(CALLER, None)).await.unwrap();
        let turns = [0; 4].map(|_| {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move { budget.turn(asker(CALLER, None)).await })
        });
        while budget.lock().waiting() < 4 {
            tokio::task::yield_now().await;
        }
        let [first, second, third, last] = turns;
        for turn in [first, second, third] {
            turn.abort();
            assert!(turn.await.unwrap_err().is_cancelled());
        }
        assert_eq!(budget.lock().waiting(), 1);
        last.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn so_many_are_under_way_and_no_more_and_half_of_them_at_most_are_nobodys() {
        let budget = budget(0, 1);
        let soon = || Some(Duration::from_millis(20));
        let nobodys = [
            budget.lane(asker(Class::Background, None)).await.unwrap(),
            budget.lane(asker(Class::Background, None)).await.unwrap(),
        ];
        assert!(budget.lane(asker(Class::Background, soon())).await.is_none(), "the other half is for callers");
        let first = budget.lane(asker(CALLER, None)).await.unwrap();
        let _second = budget.lane(asker(CALLER, None)).await.unwrap();
        assert!(budget.lane(asker(CALLER, soon())).await.is_none(), "four are under way");
        drop(first);
        let _third = budget.lane(asker(CALLER, None)).await.unwrap();
        drop(nobodys);
        assert!(budget.lane(asker(Class::Background, None)).await.is_some());
    }

    #[tokio::test]
    async fn what_is_told_besides_waits_in_the_background_and_not_beyond_its_own_end() {
        let until = Instant::now() + Duration::from_secs(3);
        let of = |asker: Asker| (asker.class, asker.until);
        assert_eq!(of(besides(until, async { Asker::until(None) }).await), (Class::Background, Some(until)));
        let sooner = until - Duration::from_secs(1);
        assert_eq!(of(besides(until, async { Asker::until(Some(sooner)) }).await), (Class::Background, Some(sooner)));
        assert_eq!(of(Asker::until(Some(until))), (Class::Interactive, Some(until)));
        assert_eq!(of(Asker::of(Class::Background, None)), (Class::Background, None), "nor has a worker's");
    }
}
