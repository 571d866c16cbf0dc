//! Whether the server takes calls: what `/readyz` and `strongroom.serving` say.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

use super::metrics::METER;

/// Where the server stands in its life. Clones are of the same one.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    began: Arc<AtomicBool>,
    /// What is amiss, by the key of the configuration that it is about.
    amiss: Arc<Mutex<BTreeMap<&'static str, String>>>,
    stop: CancellationToken,
}

/// What it takes of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Starting,
    Serving,
    Draining,
}

impl Standing {
    /// One that is about to serve, until `stop`. Measured from now on.
    pub(crate) fn starting(stop: CancellationToken) -> Self {
        let standing = Self { began: Arc::default(), amiss: Arc::default(), stop };
        let measured = standing.clone();
        METER
            .u64_observable_gauge("strongroom.serving")
            .with_description("1 while calls are taken; 0 before that, and once a shutdown has begun.")
            .with_callback(move |seen| seen.observe(u64::from(measured.now() == Stands::Serving), &[]))
            .build();
        standing
    }

    /// Notes what is amiss with something though calls are taken, or that nothing is any more.
    pub(crate) fn note(&self, what: &'static str, amiss: Option<String>) {
        let mut all = self.amiss.lock().unwrap_or_else(PoisonError::into_inner);
        match amiss {
            Some(why) => drop(all.insert(what, why)),
            None => drop(all.remove(what)),
        }
    }

    /// What is amiss, one line each.
    pub(super) fn amiss(&self) -> Vec<String> {
        let all = self.amiss.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(what, why)| format!("{what}: {why}")).collect()
    }

    /// Calls are taken from now on.
    pub(crate) fn serves(&self) {
        self.began.store(true, Ordering::Release);
    }

    pub(super) fn now(&self) -> Stands {
        if self.stop.is_cancelled() {
            Stands::Draining
        } else if self.began.load(Ordering::Acquire) {
            Stands::Serving
        } else {
            Stands::Starting
        }
    }
}
