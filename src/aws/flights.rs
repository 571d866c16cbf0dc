//! Equal reads in flight are sent once, and what is told of plans is kept for a few seconds.
//!
//! Whoever waits for a flight drives it, so that it needs no task of its own: when the one who began it hangs up, the others go
//! on with it; when the last one does, it is dropped, and the request with it.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{Shared, WeakShared},
};
use tokio::time::Instant;
use tracing::Span;

use super::Failure;
use crate::domain::{AccountId, Scope};

/// Most flights and kept answers at once; whoever comes on top is sent alone. The places of calls bound those in flight far
/// below, so this bounds what is kept: what a thousand plans say.
const MOST: usize = 4_096;

/// How old an answer a read may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It joins no flight that began before it. For what a change, an etag or a check decides on.
    Fresh,
    /// It joins an equal read in flight.
    InFlight,
    /// It takes an answer too that is a few seconds old. For what is only told, and costs many requests.
    Recent,
}

/// Everything that makes two reads ask the same. A part that were left out would hand one caller another's answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) scope: Scope,
    /// Whose credentials it is sent with.
    pub(super) way_in: WayIn,
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    /// The input as `Debug` writes it. That hides what is sensitive, so the values are compared too before anybody joins.
    pub(super) input: String,
}

/// The identity of clients' credentials: clients that are made anew are others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WayIn(u64);

impl WayIn {
    /// One that nobody has.
    pub(super) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self(MADE.fetch_add(1, Ordering::Relaxed))
    }
}

/// What came of a read; a panic on the way is everybody's who waited.
type Outcome<T> = Result<Result<T, Failure>, Panicked>;

/// A read in flight.
pub(super) type Flight<T> = Shared<Pin<Box<dyn Future<Output = Outcome<T>> + Send>>>;

/// What a panic said.
#[derive(Debug, Clone)]
pub(super) struct Panicked(Box<str>);

impl Panicked {
    /// Goes on with it in the task of somebody who waited, as if it had happened there. Where it did happen it was logged.
    pub(super) fn resume(self) -> ! {
        std::panic::resume_unwind(Box::new(String::from(self.0)))
    }
}

/// How a read is answered.
#[derive(Debug)]
pub(super) enum Boarded<T> {
    /// By a flight of its own, which others may join.
    Sent(Flight<T>),
    /// By a flight that was under way; with its span.
    Joined(Flight<T>, Span),
    /// By an answer that was kept.
    Kept(Arc<T>),
}

/// The reads in flight, and what came of some.
pub(super) struct Flights {
    /// How old an answer may become that is kept.
    keep: Duration,
    board: Mutex<Board>,
}

#[derive(Default)]
struct Board {
    entries: BTreeMap<Arc<Key>, Entry>,
    /// Counts the flights, so that one which lands finds its own entry and not that of a fresher one.
    begun: u64,
    /// What is kept, the oldest first.
    kept: VecDeque<(Instant, Arc<Key>, u64)>,
}

struct Entry {
    number: u64,
    /// Whether the answer is to be kept.
    keep: bool,
    is_kept: bool,
    /// A `Read<I, T>`.
    read: Box<dyn Any + Send>,
}

struct Read<I, T> {
    input: I,
    began: Instant,
    stage: Stage<T>,
}

enum Stage<T> {
    Aloft(WeakShared<Pin<Box<dyn Future<Output = Outcome<T>> + Send>>>, Span),
    Landed(Arc<T>),
}

impl Flights {
    /// Keeps what is to be kept for so long.
    pub(super) fn new(keep: Duration) -> Arc<Self> {
        Arc::new(Self { keep, board: Mutex::default() })
    }

    /// The flight that answers a read: one that is under way, if one is that is fresh enough, or the one that `begin` begins,
    /// with its span. `begin` runs under the lock, so it must only make the future.
    pub(super) fn board<I, T, F>(
        self: &Arc<Self>,
        now: Instant,
        key: Key,
        input: I,
        freshness: Freshness,
        begin: impl FnOnce() -> (F, Span),
    ) -> Boarded<T>
    where
        I: PartialEq + Send + 'static,
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let mut board = self.lock();
        board.forget_older(now, self.keep);
        if freshness != Freshness::Fresh
            && let Some(found) = board.join(&key, &input, (freshness == Freshness::Recent).then_some((now, self.keep)))
        {
            return found;
        }
        let (flight, span) = begin();
        if !board.has_room(&key) {
            drop(board);
            return Boarded::Sent(caught(flight).boxed().shared());
        }
        board.begun += 1;
        let leg = Leg { flights: Arc::clone(self), key: Arc::new(key), number: board.begun };
        let (key, number) = (Arc::clone(&leg.key), leg.number);
        let flight = async move {
            let outcome = caught(flight).await;
            if let Ok(Ok(answer)) = &outcome
                && leg.is_to_be_kept()
            {
                leg.land::<I, T>(Arc::new(answer.clone()));
            }
            outcome
        };
        let flight = flight.boxed().shared();
        // It can't have ended: nobody has waited for it yet.
        if let Some(aloft) = flight.downgrade() {
            let read = Read::<I, T> { input, began: now, stage: Stage::Aloft(aloft, span) };
            let keep = freshness == Freshness::Recent;
            board.entries.insert(key, Entry { number, keep, is_kept: false, read: Box::new(read) });
        }
        Boarded::Sent(flight)
    }

    /// From now on nothing joins what was read of the account before: one of our own changes has ended. By account, since
    /// what is changed in one region may be read in another, such as a role.
    pub(super) fn close(&self, account: &AccountId) {
        self.lock().entries.retain(|key, _| key.scope.account != *account);
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl Board {
    /// An equal read in flight, or with `recent`, the time and how old an answer may be, what came of one.
    fn join<I, T>(&mut self, key: &Key, input: &I, recent: Option<(Instant, Duration)>) -> Option<Boarded<T>>
    where
        I: PartialEq + 'static,
        T: Clone + 'static,
    {
        let entry = self.entries.get_mut(key)?;
        let read = entry.read.downcast_ref::<Read<I, T>>().filter(|read| read.input == *input)?;
        match &read.stage {
            Stage::Landed(answer) => {
                let (now, keep) = recent?;
                (now.saturating_duration_since(read.began) < keep).then(|| Boarded::Kept(Arc::clone(answer)))
            }
            Stage::Aloft(aloft, span) => {
                entry.keep |= recent.is_some();
                Some(Boarded::Joined(aloft.upgrade()?, span.clone()))
            }
        }
    }

    fn forget_older(&mut self, now: Instant, keep: Duration) {
        while self.kept.front().is_some_and(|(began, ..)| now.saturating_duration_since(*began) >= keep) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key, number)) = self.kept.pop_front()
            && self.entries.get(&key).is_some_and(|entry| entry.number == number)
        {
            self.entries.remove(&key);
        }
    }

    /// Whether there is room for one more; what is kept makes room.
    fn has_room(&mut self, key: &Key) -> bool {
        while self.entries.len() >= MOST && !self.kept.is_empty() {
            self.forget_oldest();
        }
        self.entries.len() < MOST || self.entries.contains_key(key)
    }
}

/// What a flight has on the board until it ends, however it ends.
struct Leg {
    flights: Arc<Flights>,
    key: Arc<Key>,
    number: u64,
}

impl Leg {
    fn is_to_be_kept(&self) -> bool {
        let board = self.flights.lock();
        board.entries.get(&self.key).is_some_and(|entry| entry.number == self.number && entry.keep)
    }

    fn land<I: 'static, T: Send + Sync + 'static>(&self, answer: Arc<T>) {
        let board = &mut *self.flights.lock();
        let Some(entry) = board.entries.get_mut(&self.key).filter(|entry| entry.number == self.number) else { return };
        let Some(read) = entry.read.downcast_mut::<Read<I, T>>() else { return };
        read.stage = Stage::Landed(answer);
        entry.is_kept = true;
        board.kept.push_back((read.began, Arc::clone(&self.key), self.number));
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        let mut board = self.flights.lock();
        if board.entries.get(&self.key).is_some_and(|entry| entry.number == self.number && !entry.is_kept) {
            board.entries.remove(&self.key);
        }
    }
}

/// A panic would leave those who wait without a word: a shared future that panics wakes nobody.
async fn caught<T>(flight: impl Future<Output = Result<T, Failure>>) -> Outcome<T> {
    let said = |panic: Box<dyn Any + Send>| {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Panicked(said.unwrap_or("a panic without words").into())
    };
    AssertUnwindSafe(flight).catch_unwind().await.map_err(said)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "callers of their own, which end with the test")]
mod tests;
