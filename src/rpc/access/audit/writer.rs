//! The thread that writes the record: what has gathered while it waited for the disk goes there together.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    file::{Entry, Files},
    record::{Begin, Came, Record},
    thread::Thread,
};

/// Most lines that share one wait for the disk, so that the first of them does not wait for ever more.
const MOST_AT_ONCE: usize = 256;

/// How long the disk may take for what is written. After that it counts as one that cannot be written to, until it has answered.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Between looks whether the file is still as it was left, and whether writing works again: who waits for a change to find out
/// may meanwhile lose the only handle of a file that somebody removed.
const PROBE: Duration = Duration::from_secs(1);

/// How the record stands, for those who ask.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Why nothing can be written; absent: it can.
    closed: AtomicBool,
    why: Mutex<String>,
    /// Since when the disk owes an answer.
    waits: Mutex<Option<Instant>>,
    /// That it owes one for too long was told.
    hangs: AtomicBool,
    shown: Mutex<Shown>,
    counts: Counts,
}

/// What was done since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) begins: AtomicU64,
    pub(super) ends: AtomicU64,
    /// Writes that failed.
    pub(super) failures: AtomicU64,
}

/// What of the record can be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) segment: u64,
    pub(super) length: u64,
    /// Ids of calls that have begun and not ended.
    pub(super) under_way: BTreeSet<String>,
}

impl State {
    /// Why nothing can be written.
    pub(super) fn closed(&self) -> Option<String> {
        if self.closed.load(Ordering::Acquire) {
            return Some(lock(&self.why).clone());
        }
        let hangs = lock(&self.waits).is_some_and(|since| since.elapsed() >= PATIENCE);
        hangs.then(|| {
            if !self.hangs.swap(true, Ordering::AcqRel) {
                tracing::error!("the disk of the audit record does not answer: changes are refused until it does");
            }
            format!("its disk has not answered for more than {} s", PATIENCE.as_secs())
        })
    }

    pub(super) fn shown(&self) -> Shown {
        lock(&self.shown).clone()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn close(&self, why: &io::Error) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
        *lock(&self.why) = why.to_string();
        if !self.closed.swap(true, Ordering::AcqRel) {
            tracing::error!(error = %why, "the audit record cannot be written: changes are refused until it can");
        }
    }

    fn open(&self) {
        self.closed.store(false, Ordering::Release);
        tracing::info!("the audit record is written again");
    }

    /// While the disk is waited for. It does not matter how that ends: what failed is told by [`Self::close`].
    fn waiting<R>(&self, write: impl FnOnce() -> R) -> R {
        *lock(&self.waits) = Some(Instant::now());
        let written = write();
        *lock(&self.waits) = None;
        if self.hangs.swap(false, Ordering::AcqRel) {
            tracing::info!("the disk of the audit record answers again");
        }
        written
    }

    /// How far the file counts by now, and what has begun and ended with that.
    fn show(&self, files: &Files, begun: &[(Box<Begin>, Taken)], ended: &[Ended]) {
        let mut shown = lock(&self.shown);
        (shown.segment, shown.length) = files.position();
        shown.under_way.extend(begun.iter().map(|(begin, _)| begin.id.clone()));
        for ended in ended {
            shown.under_way.remove(&ended.id);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Told once a begin is on disk, or why it is not.
type Taken = oneshot::Sender<Result<(), String>>;

/// What the thread is told.
enum Told {
    Begin(Box<Begin>, Taken),
    End(Box<Ended>),
}

/// An end that is to be written.
struct Ended {
    id: String,
    came: Came,
    written: oneshot::Sender<()>,
    /// The place among the calls under way, until then.
    _place: OwnedSemaphorePermit,
}

/// The thread, which ends with its last hand-over. Dropped, it waits for that, but for no disk that does not answer.
#[derive(Debug)]
pub(super) struct Writer {
    told: Option<Sender<Told>>,
    thread: Thread,
}

impl Writer {
    pub(super) fn new(files: Files, state: &Arc<State>) -> io::Result<Self> {
        let (told, received) = channel();
        // A start has ended what was under way.
        state.show(&files, &[], &[]);
        let state = Arc::clone(state);
        let work = move || Work { files, state, ends: Vec::new(), since: None }.run(&received);
        Ok(Self { told: Some(told), thread: Thread::spawn("audit", work)? })
    }

    /// Told once the begin is on disk, or why it is not.
    pub(super) fn begin(&self, begin: Begin) -> oneshot::Receiver<Result<(), String>> {
        let (tell, told) = oneshot::channel();
        self.tell(Told::Begin(Box::new(begin), tell));
        told
    }

    /// Told once the end is on disk. It holds the place that its begin took until then.
    pub(super) fn end(&self, id: String, came: Came, place: OwnedSemaphorePermit) -> oneshot::Receiver<()> {
        let (written, told) = oneshot::channel();
        self.tell(Told::End(Box::new(Ended { id, came, written, _place: place })));
        told
    }

    fn tell(&self, what: Told) {
        // Where the thread is gone, whoever waits is told by the channel that is.
        _ = self.told.as_ref().map(|told| told.send(what));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.told = None;
        if !self.thread.ends_within(PATIENCE) {
            tracing::error!("the audit record was not written to its end, for its disk does not answer");
        }
    }
}

struct Work {
    files: Files,
    state: Arc<State>,
    /// Ends that are not on disk yet: what cannot be written waits until it can.
    ends: Vec<Ended>,
    /// Since when nothing can be written, and why.
    since: Option<(Timestamp, String)>,
}

impl Work {
    fn run(mut self, received: &Receiver<Told>) {
        loop {
            let first = match received.recv_timeout(PROBE) {
                Ok(told) => Some(told),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let more = received.try_iter().take(MOST_AT_ONCE);
            let batch: Vec<Told> = first.into_iter().chain(more).collect();
            self.write(batch);
        }
        // Nobody tries again after this process.
        if self.since.is_some() {
            self.write(Vec::new());
        }
    }

    fn write(&mut self, batch: Vec<Told>) {
        let mut begins = Vec::new();
        for told in batch {
            match told {
                Told::Begin(begin, tell) => begins.push((begin, tell)),
                Told::End(ended) => self.ends.push(*ended),
            }
        }
        let gap = self.since.clone().map(|(since, why)| Record::Gap { time: Timestamp::now(), since, why });
        let begun = begins.iter().map(|(begin, _)| Record::Begin(begin.clone()));
        let ends = self.ends.iter().map(|ended| Entry::End { id: ended.id.clone(), came: ended.came.clone() });
        let entries: Vec<Entry> = gap.into_iter().chain(begun).map(Entry::Line).chain(ends).collect();
        let written = self.state.waiting(|| self.files.append(entries));
        match &written {
            Ok(()) => {
                if self.since.take().is_some() {
                    self.state.open();
                }
                self.state.show(&self.files, &begins, &self.ends);
                let counts = self.state.counts();
                counts.begins.fetch_add(begins.len() as u64, Ordering::Relaxed);
                counts.ends.fetch_add(self.ends.len() as u64, Ordering::Relaxed);
                for ended in self.ends.drain(..) {
                    _ = ended.written.send(());
                }
            }
            Err(why) => self.close(why),
        }
        for (_, tell) in begins {
            _ = tell.send(written.as_ref().copied().map_err(ToString::to_string));
        }
        if written.is_ok() {
            match self.state.waiting(|| self.files.turn_over()) {
                Ok(()) => self.state.show(&self.files, &[], &[]),
                Err(why) => self.close(&why),
            }
        }
    }

    fn close(&mut self, why: &io::Error) {
        self.since.get_or_insert_with(|| (Timestamp::now(), why.to_string()));
        self.state.close(why);
    }
}
