//! The sandbox as a whole: what all connections share, and its life from bind to shutdown.

use std::{
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{net::TcpListener, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Mode},
    config::{Behaviour, SandboxConfig},
    engine,
    faults::Faults,
    http, start_world,
    world::World,
};

/// Real time between two looks at an automatic clock.
const TICK: Duration = Duration::from_secs(1);

/// A bound sandbox. Connections wait in the listener's queue until [`Sandbox::serve`] runs.
#[derive(Debug)]
pub struct Sandbox {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Sandbox {
    /// Takes the address and makes the starting world.
    ///
    /// # Errors
    /// When the address can't be listened on; `InvalidInput` with every fault of the configuration.
    pub async fn bind(config: SandboxConfig) -> io::Result<Self> {
        let faults = config.check();
        if !faults.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, faults.join("; ")));
        }
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self { listener, shared: Arc::new(Shared::new(config)) })
    }

    /// Where it listens, with the port that was found for port 0.
    ///
    /// # Errors
    /// As the operating system says; not expected of a bound listener.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled, then lets the requests in flight end within a few seconds.
    pub async fn serve(self, stop: CancellationToken) {
        let ticking = tick(Arc::clone(&self.shared));
        let stopped = stop.clone();
        tokio::join!(
            async move {
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = ticking => {}
                }
            },
            http::serve(self.listener, self.shared, stop),
        );
    }
}

/// Keeps an automatic world moving while nobody asks, so that days without requests don't pile up.
async fn tick(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let shared = Arc::clone(&shared);
        let passing = apart(move || {
            let mut inner = shared.lock();
            if matches!(inner.clock.mode(), Mode::Auto { .. }) {
                guarded("letting time pass", || inner.catch_up());
            }
        });
        passing.await;
    }
}

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
}

impl Shared {
    pub(crate) fn new(config: SandboxConfig) -> Self {
        let inner = Mutex::new(Inner::new(&config));
        Self { config, inner, faults: Mutex::default() }
    }

    /// The faults in force.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
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
