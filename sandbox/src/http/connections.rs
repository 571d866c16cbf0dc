//! Accepting connections, and letting go of them on shutdown.

use std::{sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::answer;
use crate::shared::Shared;

/// For a client to send its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// For the requests in flight to end after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves connections until `stop`, then waits up to [`GRACE`] for the requests in flight and drops what is left.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let tracker = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(shared.config.max_connections.max(1)));
    // Ends every connection at the latest when `serve` returns, also when its future is dropped.
    let cut = CancellationToken::new();
    let _cut_on_drop = cut.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async {
                let slot = Arc::clone(&slots).acquire_owned().await;
                (slot, listener.accept().await)
            } => accepted,
        };
        let (Ok(slot), accepted) = accepted else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(fault) => {
                // Out of file descriptors, as a rule: waiting lets connections end.
                tracing::warn!(%fault, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are written in one piece; waiting to fill a packet would only slow them.
        let _ = stream.set_nodelay(true);
        let loopback = stream.local_addr().is_ok_and(|local| local.ip().to_canonical().is_loopback());
        let shared = Arc::clone(&shared);
        let stop = stop.clone();
        let service = service_fn(move |request| answer(Arc::clone(&shared), loopback, stop.clone(), request));
        let connection = http1::Builder::new()
            // The machine's time; an answer has the sandbox's.
            .auto_date_header(false)
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let cut = cut.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                ended = connection => if let Err(fault) = ended {
                    tracing::debug!(%fault, "a connection broke");
                }
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight after {GRACE:?}; their connections are dropped");
    }
    cut.cancel();
    tracker.close();
    tracker.wait().await;
}
