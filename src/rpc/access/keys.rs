//! The keys of an issuer of tokens: read at the start, kept fresh in the background, and read again when a token names one
//! that is not known. What cannot be read leaves the keys that there are.

mod jwks;
mod source;

use std::{sync::Arc, time::Duration};

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
    readings: watch::Sender<Readings>,
}

/// How far the readings of the keys have come. In one place, so that nobody who finds one under way misses its end.
#[derive(Debug, Clone, Copy)]
struct Readings {
    /// Whether one is under way, or rung for.
    under_way: bool,
    ended: u64,
    /// Whether the last one came to nothing.
    failed: bool,
    /// When one was last rung for.
    rung: Option<Instant>,
}

impl Readings {
    /// Which reading to wait for, if one may tell of a key that is not known; it is to be rung for where that is said too.
    fn asked(&mut self, lack: Lack, now: Instant) -> Option<(u64, bool)> {
        let idle = !self.under_way;
        if idle {
            // While there are none, they are read as often as may be.
            if lack == Lack::Issuer || self.rung.is_some_and(|at| now.duration_since(at) < BETWEEN) {
                return None;
            }
            (self.rung, self.under_way) = (Some(now), true);
        }
        Some((self.ended + 1, idle))
    }

    fn end(&mut self, done: bool) {
        (self.under_way, self.failed) = (false, !done);
        self.ended += 1;
    }
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
            readings: watch::Sender::new(Readings { under_way: true, ended: 0, failed: false, rung: None }),
        })
    }

    /// Reads the keys, and goes on to.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut failures = 0_u32;
        loop {
            self.readings.send_modify(|readings| readings.under_way = true);
            let done = self.read().await;
            failures = if done { 0 } else { failures.saturating_add(1) };
            self.readings.send_modify(|readings| readings.end(done));
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
        let read = self.have_read(lack).await;
        match known(&self.keys) {
            // It may have become one of the issuer's since its keys were last read: that is no word of the issuer's.
            Err(Lack::Key) if !read => Err(Lack::Issuer),
            found => found,
        }
    }

    /// Whether the issuer still has a key.
    pub(super) fn has(&self, print: &[u8; 32]) -> bool {
        self.keys.load().as_ref().is_some_and(|keys| keys.has(print))
    }

    /// Has the keys read, unless they just were. Whoever comes meanwhile waits for the same reading; and so does whoever comes
    /// while there are none. Whether what is known afterwards is what the issuer has, as far as it can be asked that often.
    async fn have_read(&self, lack: Lack) -> bool {
        let mut readings = self.readings.subscribe();
        let mut awaited = None;
        self.readings.send_if_modified(|readings| {
            awaited = readings.asked(lack, Instant::now());
            false
        });
        let Some((awaited, ring)) = awaited else { return !self.readings.borrow().failed };
        if ring {
            self.bell.notify_one();
        }
        let ended = timeout(PATIENCE, readings.wait_for(|readings| readings.ended >= awaited)).await;
        ended.is_ok_and(|ended| ended.is_ok_and(|readings| !readings.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_rung_for_once_in_a_while_and_joined_by_all_who_come_meanwhile() {
        let begin = Instant::now();
        let mut readings = Readings { under_way: true, ended: 0, failed: false, rung: None };
        assert_eq!(readings.asked(Lack::Issuer, begin), Some((1, false)), "the first one is under way");
        readings.end(false);
        assert_eq!(readings.asked(Lack::Issuer, begin), None, "another one comes by itself");
        assert_eq!(readings.asked(Lack::Key, begin), Some((2, true)));
        assert_eq!(readings.asked(Lack::Key, begin), Some((2, false)));
        readings.end(true);
        assert_eq!(readings.asked(Lack::Key, begin + BETWEEN / 2), None);
        assert_eq!(readings.asked(Lack::Key, begin + BETWEEN), Some((3, true)));
    }
}
