//! What all connections share: the world with its clock, and the faults in force.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    calls::Calls,
    clock::Clock,
    config::{Behaviour, SandboxConfig},
    engine,
    faults::Faults,
    start_world,
    world::World,
};

/// Does what may take long on a thread where that holds nobody up. `None` when it was cut off by the end of the runtime.
pub(crate) async fn apart<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(act)).await.ok()
}

/// Does it; a panic in it is logged, and the sandbox lives on.
pub(crate) fn guarded<T>(what: &str, act: impl FnOnce() -> T) -> Option<T> {
    // What a panic may leave half-changed is the world, and half a world is better than none at all.
    let done = catch_unwind(AssertUnwindSafe(act));
    done.inspect_err(|_| tracing::error!("{what} panicked: this is a fault of the sandbox")).ok()
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SandboxConfig,
    inner: Mutex<Inner>,
    /// Under a lock of their own: they are asked on the runtime's workers, which must not wait for the world.
    faults: Mutex<Faults>,
    /// Likewise.
    calls: Mutex<Calls>,
    /// Wakes the long polls: a message has come.
    pub(crate) arrivals: Notify,
}

impl Shared {
    pub(crate) fn new(config: SandboxConfig) -> Self {
        let inner = Mutex::new(Inner::new(&config));
        Self { config, inner, faults: Mutex::default(), calls: Mutex::default(), arrivals: Notify::new() }
    }

    /// Wakes who waits for a message, if some have come.
    pub(crate) fn wake_if(&self, some_came: bool) {
        if some_came {
            self.arrivals.notify_waiters();
        }
    }

    /// The faults in force.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operations that were asked for.
    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock on the world; poison is ignored for the reason in [`guarded`]. Held for as long as time takes to pass,
    /// which a jump of years makes seconds: take it off the runtime's workers only, see [`apart`].
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What changes, behind one lock.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) world: World,
    pub(crate) clock: Clock,
    pub(crate) behaviour: Arc<Behaviour>,
}

impl Inner {
    /// The starting state; `POST /_sandbox/reset` comes back to it.
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let clock = Clock::new(config.clock);
        let behaviour = Arc::new(config.behaviour.clone());
        let mut world = World::default();
        start_world::build(&mut world, &config.account, &config.region, clock.now());
        let mut inner = Self { world, clock, behaviour };
        inner.catch_up();
        inner
    }

    /// Lets everything happen that is due by the clock, in order, and gives its reading.
    pub(crate) fn catch_up(&mut self) -> Timestamp {
        let now = self.clock.now();
        engine::advance(&mut self.world, &self.behaviour, now);
        now
    }
}
