//! The sandbox as a whole: its life from bind to shutdown.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Mode,
    config::SandboxConfig,
    http,
    shared::{Shared, apart, guarded},
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
            let before = inner.world.arrivals();
            if matches!(inner.clock.mode(), Mode::Auto { .. }) {
                guarded("letting time pass", || inner.catch_up());
            }
            shared.wake_if(inner.world.arrivals() != before);
        });
        passing.await;
    }
}
