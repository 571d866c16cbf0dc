//! The admin port: metrics, health, what is built, and the log level, over HTTP/1.1 for those who run the server.
//!
//! It goes on while calls end, so that what a shutdown does can be watched, and stops with the process. Each connection is
//! asked one thing, within bounds: whoever reaches this port must not be able to fill the process.

mod answers;
mod browsers;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AtWork, Standing};
use answers::Caller;

/// Connections at once; who comes after that waits in the kernel's queue, and not for long.
const MOST_CONNECTIONS: usize = 16;

/// From the accept to the last header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// From the accept to the last byte of the answer, whatever its reader does.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a connection may have sent unread: more than any header that is of use here.
const BUFFER: usize = 16 * 1024;

/// After an accept that failed for want of something: file descriptors, memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// What the admin port tells.
#[derive(Debug)]
pub(crate) struct Admin {
    /// Whether calls are taken.
    pub(crate) standing: Standing,
    /// What this build and configuration have.
    pub(crate) features: Vec<String>,
}

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, admin: Admin, stop: CancellationToken) {
    let desk = Arc::new(answers::Desk::new(admin, AtWork::here()));
    let (places, connections) = (Arc::new(Semaphore::new(MOST_CONNECTIONS)), TaskTracker::new());
    loop {
        let come = async {
            // Never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            come = come => come,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a connection to the admin port cannot be accepted");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => continue,
                }
            }
        };
        let (desk, stop) = (Arc::clone(&desk), stop.clone());
        connections.spawn(async move {
            let served = timeout(WHOLE_TIMEOUT, one(stream, peer, desk));
            if let Some(Ok(Err(error))) = stop.run_until_cancelled_owned(served).await {
                tracing::debug!(%peer, %error, "a connection to the admin port broke");
            }
            drop(place);
        });
    }
}

/// One connection, and what it asks.
async fn one(stream: TcpStream, peer: SocketAddr, desk: Arc<answers::Desk>) -> io::Result<()> {
    let local = stream.local_addr()?;
    let caller = Caller { peer, on_loopback: local.ip().to_canonical().is_loopback() };
    let answer = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request, caller).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .map_err(io::Error::other)
}
