//! What Strongroom remembers: jobs longer than AWS does, and the order in which things happened. It is an index and a history of
//! what AWS has: it can be deleted at any time, and what AWS still knows is read again.
//!
//! `changes` is the one path by which a job changes; `jobs` finds them; `places` says how far each account and region was read;
//! `coverage` how far its databases and plans were, whether they are protected, and which runs were missed; `requests` what came of whose request; `leases` which of several servers does what one does for all; `points` what recovery
//! points there are; `incidents` what goes wrong; `approvals` what takes two persons. `check`, `export` and `rebuild` are for people, beside a server or without one. Two databases keep it, `sqlite` and `postgres`: the SQL is theirs, the rules are here, and
//! `suite` holds the two together.

mod approvals;
mod changes;
mod check;
mod coverage;
mod error;
mod export;
mod feed;
mod incidents;
mod jobs;
mod leases;
mod owners;
mod places;
mod points;
mod postgres;
mod rebuild;
mod requests;
mod retention;
mod rollups;
mod sqlite;
mod statements;
mod store;
#[cfg(test)]
mod suite;
mod summary;
mod tagged;
mod touched;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    sync::{OnceCell, watch},
    time::Instant,
};

use self::store::{Purpose, Store};
pub use self::{
    approvals::ApprovalPosition,
    changes::{Event, Happened},
    check::Checked,
    coverage::{CoverageCounts, Look, Members, NewLook, ProtectionPage, ProtectionPosition},
    error::Error,
    export::Exported,
    feed::{Feed, Told, Watch, WatchError},
    incidents::{IncidentPage, IncidentPosition},
    jobs::{JobPage, JobPosition},
    leases::Lease,
    places::Reading,
    points::{Called, Doer, KnownPoint},
    rebuild::{Leader, Rebuilt},
    requests::{Made, Repeatable},
    store::Keeping,
    summary::{GroupPage, GroupPosition, Seen, SummaryError},
    tagged::{KnownDatabase, Tagged},
};

/// How long it is remembered that the database cannot be opened, so that not every call tries.
const SHUT_FOR: Duration = Duration::from_secs(1);

/// The ledger. Clones are handles to the same one.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
    /// The lease that what is written is checked by, if any.
    under: Option<Arc<leases::Fence>>,
}

struct Shared {
    keeping: Keeping,
    purpose: Purpose,
    store: OnceCell<Store>,
    shut: Mutex<Option<(Instant, Error)>>,
    /// Leases of processes that are dead were ended, where that can be known.
    others_ended: AtomicBool,
    /// The last position that this process knows of.
    head: watch::Sender<i64>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("keeping", &self.shared.keeping).finish_non_exhaustive()
    }
}

/// Which ledger it is, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The name of this very ledger: another one, be it in the same file, has another. Positions belong to it.
    pub epoch: String,
    /// The position of the last event.
    pub seq: i64,
    /// Events up to this position are forgotten.
    pub compacted: i64,
}

impl Ledger {
    /// A ledger that is kept there. It is opened when it is first asked for, and again and again until that succeeds: a server
    /// whose ledger is down serves what needs none.
    pub fn new(keeping: Keeping) -> Self {
        Self::opened_for(keeping, Purpose::Serve)
    }

    /// The ledger that is kept there, as it was at one instant, beside a server that may have it: nothing is written. One of another
    /// version is an error.
    pub fn to_look_at(keeping: Keeping) -> Self {
        Self::opened_for(keeping, Purpose::Look)
    }

    /// The ledger that is kept there, to be [rebuilt](Self::rebuild).
    pub fn to_rebuild(keeping: Keeping) -> Self {
        Self::opened_for(keeping, Purpose::Rebuild)
    }

    fn opened_for(keeping: Keeping, purpose: Purpose) -> Self {
        let shared = Shared {
            keeping,
            purpose,
            store: OnceCell::new(),
            shut: Mutex::new(None),
            others_ended: AtomicBool::new(false),
            head: watch::Sender::new(0),
        };
        Self { shared: Arc::new(shared), under: None }
    }

    /// Which ledger it is, and how far it goes.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn head(&self) -> Result<Head, Error> {
        let store = self.store().await?;
        let mut rows = store.rows(store.statements().head, Vec::new()).await?;
        let row = rows.first_mut().ok_or_else(|| Error::unreadable("it has no head"))?;
        let head = Head { epoch: row.text(0)?, seq: row.int(1)?, compacted: row.int(2)? };
        self.ring(head.seq);
        Ok(head)
    }

    /// The position of the last event that this process knows of, and what tells when there are more.
    pub fn bell(&self) -> watch::Receiver<i64> {
        self.shared.head.subscribe()
    }

    /// Hears of what other replicas write, until the connection is lost. At once where there is nobody else.
    ///
    /// # Errors
    /// When the ledger does not answer any more.
    pub async fn hear_others(&self) -> Result<(), Error> {
        let Store::Postgres(database) = self.store().await? else { return Ok(()) };
        let mut bell = database.listen().await?;
        // What was written before the bell was heard.
        self.head().await?;
        loop {
            if let Some(head) = bell.next().await? {
                self.ring(head);
            }
        }
    }

    /// Whether others write to it too.
    pub fn is_shared(&self) -> bool {
        matches!(self.shared.keeping, Keeping::Postgres { .. })
    }

    /// Closes the database: what was answered is on disk already.
    pub async fn close(&self) {
        match self.shared.store.get() {
            Some(Store::Sqlite(database)) => database.close().await,
            Some(Store::Postgres(database)) => database.close().await,
            None => {}
        }
    }

    /// What is wrong with the database, by its own look at all of it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn damage(&self) -> Result<Vec<String>, Error> {
        match self.store().await? {
            Store::Sqlite(database) => match database.integrity().await {
                // So damaged that it cannot even be looked at.
                Err(Error::Unreadable(why)) => Ok(vec![why]),
                told => told,
            },
            Store::Postgres(_) => Ok(Vec::new()),
        }
    }

    fn ring(&self, head: i64) {
        self.shared.head.send_if_modified(|known| {
            let news = head > *known;
            if news {
                *known = head;
            }
            news
        });
    }

    async fn store(&self) -> Result<Store, Error> {
        if let Some(store) = self.shared.store.get() {
            return Ok(store.clone());
        }
        let lock = || self.shared.shut.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || async {
            let shut = lock().clone();
            if let Some((since, error)) = shut
                && since.elapsed() < SHUT_FOR
            {
                return Err(error);
            }
            // It is done once, and not to be carried along by every call.
            let opened = Box::pin(Store::open(&self.shared.keeping, self.shared.purpose)).await;
            *lock() = opened.as_ref().err().map(|error| (Instant::now(), error.clone()));
            opened
        };
        self.shared.store.get_or_try_init(open).await.cloned()
    }
}
