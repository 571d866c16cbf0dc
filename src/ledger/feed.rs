//! Watching: what happens, told to whoever asked for it, in order and without a gap.
//!
//! A watcher is a position and a query. One reader at the tail of the events, for all watchers of this process, keeps the last
//! ones in memory and rings for the watchers whose query may fit, which it finds by what their queries are about. So a watcher
//! that nothing happens to costs nothing, however many there are; and one that is slow, or comes back after a day, reads what it
//! missed from the database at its own pace: nobody waits for it, and nothing is kept for it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use super::{Error, Event, Happened, Head, Ledger, Reading};
use crate::domain::{Job, JobQuery, MissedRun};

/// Events that are kept in memory: whoever is no further behind needs no database.
const RECENT: usize = 2_048;

/// Events that are read, or told, at once.
const AT_ONCE: usize = 256;

/// How often the tail is looked at though nothing rang.
const TICK: Duration = Duration::from_secs(1);

/// The tail of the events, and who watches it. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Feed {
    ledger: Ledger,
    tail: Arc<Mutex<Tail>>,
}

#[derive(Debug, Default)]
struct Tail {
    /// The last events, without gaps.
    recent: VecDeque<Arc<Event>>,
    /// The position of the last event that watchers were told of; none before the first look.
    last: Option<i64>,
    /// How far every place was read, as of that position.
    readings: Arc<[Reading]>,
    watchers: Watchers,
}

/// Who watches, by what.
#[derive(Debug, Default)]
struct Watchers {
    next: u64,
    by: BTreeMap<About, BTreeMap<u64, Arc<Slot>>>,
}

/// What a query is about: the first of these that it names, for that leaves the fewest events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Resource(String),
    Rule(String),
    Plan(String),
    Vault(String),
    Everything,
}

/// Where the tail leaves word for a watcher.
#[derive(Debug)]
struct Slot {
    bell: Notify,
    /// The first event since the watcher looked last that may be for it; 0: none.
    first: AtomicI64,
}

/// Why a watch cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The ledger does not answer: the watch may go on from where it is.
    #[error(transparent)]
    Ledger(#[from] Error),
    /// What happened since its position is not known any more.
    #[error("{0}")]
    Expired(&'static str),
}

/// What a watcher is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Something happened that it watches.
    Event(Arc<Event>),
    /// Nothing did, up to this position; and how far every place was read as of it.
    Bookmark(i64, Arc<[Reading]>),
}

impl Feed {
    /// The tail of a ledger's events, which somebody must run.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, tail: Arc::default() }
    }

    /// Reads the tail for all watchers. It never ends.
    pub async fn run(self) {
        let mut bell = self.ledger.bell();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                // The ledger lives as long as this.
                _ = bell.changed() => {}
            }
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the tail of the events was not read");
            }
        }
    }

    /// Tells watchers of what is new.
    async fn look(&self) -> Result<(), Error> {
        // In this order: all that had been read of a place when its reading was noted is before the head.
        let readings: Arc<[Reading]> = self.ledger.readings().await?.into();
        let Head { seq: head, .. } = self.ledger.head().await?;
        let mut last = match self.tail().last {
            Some(last) => last,
            None => head,
        };
        while last < head {
            let events = self.ledger.events(last, AT_ONCE).await?;
            let Some(end) = events.last().map(|event| event.seq) else { break };
            self.tail().tell(events);
            last = end;
        }
        let mut tail = self.tail();
        tail.last = Some(last);
        tail.readings = readings;
        Ok(())
    }

    /// Begins to watch after a position.
    ///
    /// # Errors
    /// When the ledger does not answer, or does not know any more what happened since.
    pub async fn watch(&self, query: JobQuery, after: i64) -> Result<Watch, WatchError> {
        let head = self.ledger.head().await?;
        if after < head.compacted {
            return Err(WatchError::Expired(TOO_OLD));
        }
        if after > head.seq {
            return Err(WatchError::Expired("the ledger ends before it, for it was put back to an earlier state"));
        }
        let slot = Arc::new(Slot { bell: Notify::new(), first: AtomicI64::new(0) });
        let about = About::of(&query);
        let id = self.tail().watchers.add(&about, &slot);
        Ok(Watch { feed: self.clone(), about, id, slot, query, after, pending: VecDeque::new(), behind: true })
    }

    /// How many watch.
    pub fn watchers(&self) -> usize {
        self.tail().watchers.by.values().map(BTreeMap::len).sum()
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TOO_OLD: &str = "what happened since is forgotten";

impl Tail {
    /// Keeps events, and rings for those who may watch for them.
    fn tell(&mut self, events: Vec<Event>) {
        for event in events {
            self.watchers.ring(&event);
            self.last = Some(event.seq);
            self.recent.push_back(Arc::new(event));
        }
        let surplus = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..surplus);
    }

    /// The events after a position, if they are all in memory.
    fn after(&self, position: i64) -> Option<impl Iterator<Item = &Arc<Event>>> {
        let first = self.recent.front()?.seq;
        let skip = usize::try_from(position + 1 - first).ok()?;
        Some(self.recent.iter().skip(skip))
    }
}

impl About {
    fn of(query: &JobQuery) -> Self {
        // With several of them it would stand in several places: it is told of everything then.
        let only = |values: &[String]| match values {
            [one] => Some(one.clone()),
            _ => None,
        };
        if let Some(resource) = only(&query.resources) {
            Self::Resource(resource)
        } else if let Some(rule) = &query.rule {
            Self::Rule(rule.clone())
        } else if let Some(plan) = &query.plan {
            Self::Plan(plan.clone())
        } else if let Some(vault) = only(&query.vaults) {
            Self::Vault(vault)
        } else {
            Self::Everything
        }
    }

    fn all_of(job: &Job) -> impl Iterator<Item = Self> {
        let plan = job.plan_origin();
        let about = [
            job.resource_arn.clone().map(Self::Resource),
            plan.map(|plan| Self::Rule(plan.rule_id.clone())),
            plan.map(|plan| Self::Plan(plan.plan_id.clone())),
            job.vault_arn.clone().map(Self::Vault),
            Some(Self::Everything),
        ];
        about.into_iter().flatten()
    }

    fn all_of_missed(run: &MissedRun) -> [Self; 5] {
        [
            Self::Resource(run.database.arn.clone()),
            Self::Rule(run.rule_id.clone()),
            Self::Plan(run.plan_id.clone()),
            Self::Vault(run.vault_arn.clone()),
            Self::Everything,
        ]
    }
}

impl Happened {
    fn fits(&self, query: &JobQuery) -> bool {
        match self {
            Self::Job(job) => query.fits(job),
            Self::MissedRun(run) => query.fits_missed(run),
        }
    }
}

impl Watchers {
    fn add(&mut self, about: &About, slot: &Arc<Slot>) -> u64 {
        self.next += 1;
        self.by.entry(about.clone()).or_default().insert(self.next, Arc::clone(slot));
        self.next
    }

    fn remove(&mut self, about: &About, id: u64) {
        if let Some(watchers) = self.by.get_mut(about) {
            watchers.remove(&id);
            if watchers.is_empty() {
                self.by.remove(about);
            }
        }
    }

    fn ring(&self, event: &Event) {
        let about: Vec<About> = match &event.what {
            Happened::Job(job) => About::all_of(job).collect(),
            Happened::MissedRun(run) => About::all_of_missed(run).into(),
        };
        for slot in about.iter().filter_map(|about| self.by.get(about)).flat_map(BTreeMap::values) {
            // The earliest stands.
            _ = slot.first.compare_exchange(0, event.seq, Ordering::AcqRel, Ordering::Acquire);
            slot.bell.notify_one();
        }
    }
}

/// A watcher.
#[derive(Debug)]
pub struct Watch {
    feed: Feed,
    about: About,
    id: u64,
    slot: Arc<Slot>,
    query: JobQuery,
    /// It was told of everything up to here.
    after: i64,
    /// What is to be told next.
    pending: VecDeque<Arc<Event>>,
    /// Its position is before what the tail has told: word that is left for it is not all.
    behind: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.feed.tail().watchers.remove(&self.about, self.id);
    }
}

/// Where a watcher stands.
enum Step {
    /// It has something to tell.
    Ready,
    /// It has been told everything there is, up to this position.
    AtTail(i64, Arc<[Reading]>),
    /// What comes next is in the database alone.
    Behind,
}

impl Watch {
    /// What happens next that fits; or, when nothing did by then, a bookmark.
    ///
    /// # Errors
    /// When the watch cannot go on.
    pub async fn next(&mut self, until: Instant) -> Result<Told, WatchError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Told::Event(event));
            }
            match self.step() {
                Step::Ready => {}
                Step::Behind => self.catch_up().await?,
                Step::AtTail(position, readings) => {
                    // A permit is kept where the bell rang since the step.
                    if timeout_at(until, self.slot.bell.notified()).await.is_err() {
                        return Ok(Told::Bookmark(position, readings));
                    }
                }
            }
        }
    }

    /// Looks at what the tail has in memory.
    fn step(&mut self) -> Step {
        let Self { feed, slot, query, after, pending, behind, .. } = self;
        let tail = feed.tail();
        let Some(last) = tail.last else { return Step::Behind };
        let word = slot.first.swap(0, Ordering::AcqRel);
        if !*behind {
            // Nothing before what word was left of can be for this watcher.
            *after = (*after).max(if word == 0 { last } else { word - 1 });
        }
        if *after >= last {
            *behind = false;
            return Step::AtTail(*after, Arc::clone(&tail.readings));
        }
        let Some(events) = tail.after(*after) else { return Step::Behind };
        for event in events {
            *after = event.seq;
            if event.what.fits(query) {
                pending.push_back(Arc::clone(event));
                if pending.len() >= AT_ONCE {
                    break;
                }
            }
        }
        *behind = *after < last;
        Step::Ready
    }

    /// Reads on from the database.
    async fn catch_up(&mut self) -> Result<(), WatchError> {
        self.behind = true;
        let events = self.feed.ledger.events(self.after, AT_ONCE).await?;
        if events.is_empty() {
            if self.after < self.feed.ledger.head().await?.compacted {
                return Err(WatchError::Expired(TOO_OLD));
            }
            // The tail was not looked at yet.
            self.feed.look().await?;
            return Ok(());
        }
        for event in events {
            if event.seq != self.after + 1 {
                return Err(WatchError::Expired(TOO_OLD));
            }
            self.after = event.seq;
            if event.what.fits(&self.query) {
                self.pending.push_back(Arc::new(event));
            }
        }
        Ok(())
    }
}
