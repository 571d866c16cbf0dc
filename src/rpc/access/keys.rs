//! The keys of an issuer of tokens: read at the start, kept fresh in the background, and read again when a token names one
//! that is not known. What cannot be read leaves the keys that there are.

mod jwks;
mod source;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

pub(super) use self::jwks::Key;
use self::{jwks::Keys, source::Source};
use super::metrics;
use crate::config::IssuerConfig;

/// How old keys become before they are read again, whatever tokens name.
const FRESH: Duration = Duration::from_secs(300);

/// Between two readings because of tokens that name keys that are not known: anybody can make such tokens.
const BETWEEN: Duration = Duration::from_secs(30);

/// Between two readings while there are no keys at all: at first, and at most after some that failed.
const AGAIN: Duration = Duration::from_secs(1);
const MOST_AGAIN: u32 = 5;

/// How long a call waits for a reading that it brought about or found under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// An issuer, and its keys as far as they are known.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) config: IssuerConfig,
    source: Source,
    keys: ArcSwapOption<Keys>,
    /// Rung to have the keys read before their time.
    bell: Notify,
    rung: Mutex<Option<Instant>>,
    /// Whether one is under way, or rung for.
    reading: AtomicBool,
    /// How many readings have ended.
    ended: watch::Sender<u64>,
}

/// Why there is no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// The issuer has none of the kind, or several where the token says which by nothing.
    Key,
    /// Nobody knows which the issuer has.
    Issuer,
}

impl Issuer {
    pub(super) fn new(config: &IssuerConfig) -> Arc<Self> {
        Arc::new(Self {
            config: config.clone(),
            source: Source::of(config),
            keys: ArcSwapOption::empty(),
            bell: Notify::new(),
            rung: Mutex::new(None),
            reading: AtomicBool::new(true),
            ended: watch::Sender::new(0),
        })
    }

    /// Reads the keys, and goes on to.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut failures = 0_u32;
        loop {
            self.reading.store(true, Ordering::Release);
            failures = if self.read().await { 0 } else { failures.saturating_add(1) };
            self.reading.store(false, Ordering::Release);
            self.ended.send_modify(|ended| *ended += 1);
            let pause = match (failures, self.keys.load().is_some()) {
                (0, _) => FRESH,
                (_, true) => BETWEEN,
                (many, false) => AGAIN * many.min(MOST_AGAIN),
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Whether the keys were read.
    async fn read(&self) -> bool {
        let issuer = self.config.name.as_str();
        let read = self.source.read().await.and_then(|text| Keys::read(&text));
        metrics::keys_read(issuer, read.is_ok());
        match read {
            Ok(keys) => {
                tracing::debug!(issuer, keys = keys.count(), "read the keys of an issuer of tokens");
                self.keys.store(Some(Arc::new(keys)));
                true
            }
            Err(error) => {
                let kept = self.keys.load().is_some();
                tracing::warn!(issuer, %error, kept, "the keys of an issuer of tokens cannot be read");
                false
            }
        }
    }

    /// The key that a token is signed by, by what its header says.
    pub(super) async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, Lack> {
        let known = |keys: &ArcSwapOption<Keys>| {
            let keys = keys.load();
            keys.as_ref().map_or(Err(Lack::Issuer), |keys| keys.find(id, algorithm).ok_or(Lack::Key))
        };
        let lack = match known(&self.keys) {
            Ok(key) => return Ok(key),
            Err(lack) => lack,
        };
        self.have_read(lack).await;
        known(&self.keys)
    }

    /// Whether the issuer still has a key.
    pub(super) fn has(&self, print: &[u8; 32]) -> bool {
        self.keys.load().as_ref().is_some_and(|keys| keys.has(print))
    }

    /// Has the keys read, unless they just were. Whoever comes meanwhile waits for the same reading; and so does whoever comes
    /// while there are none, for they are read as often as may be then.
    async fn have_read(&self, lack: Lack) {
        let mut ended = self.ended.subscribe();
        if !self.reading.load(Ordering::Acquire) {
            let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            if lack == Lack::Issuer || rung.is_some_and(|at| at.elapsed() < BETWEEN) {
                return;
            }
            *rung = Some(Instant::now());
            self.reading.store(true, Ordering::Release);
            self.bell.notify_one();
        }
        // What there is then is looked at, whether or not a reading ended.
        let _ = timeout(PATIENCE, ended.changed()).await;
    }
}
