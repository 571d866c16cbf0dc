//! Accepts connections and serves each in a task of its own, within bounds: how many there are, what one may hold, how
//! long it may be silent, and how old it may become.
//!
//! Ours instead of tonic's, which has no bound on connections, spins when file descriptors run out, and cuts off an old
//! connection without telling it to go. Whatever is slow happens in the connection's task; the loop only accepts.

mod connection;
mod crowd;
mod life;
mod metrics;
mod seldom;
mod streams;
mod tls;
mod wire;

pub use self::tls::{Tls, TlsError};
pub(super) use self::{connection::Connection, streams::plain_text};

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::server::TlsStream;
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};
use tonic::{
    body::Body,
    codegen::http::{Request, Response},
};

use self::{
    crowd::{Admitted, Crowd},
    life::{Life, Step, Why},
    seldom::Seldom,
    streams::{NOT_HERE, Requests, Tasks},
    wire::Heard,
};
use crate::config::ListenerConfig;

/// HTTP/2's own default, and the least that it allows to announce.
const STREAM_WINDOW: u32 = 65_535;

/// The most that is taken from an answer before its client has made room for it.
const SEND_BUFFER: usize = 64 * 1024;

/// After an accept that failed for want of something: file descriptors, memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Serves until `stop`, then lets the connections end: GOAWAY is sent, and what runs may end. Dropping the future cuts
/// off what is left.
pub(super) async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    service: S,
    bounds: &ListenerConfig,
    stop: CancellationToken,
) where
    S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    metrics::limit(bounds.max_connections);
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let _cut_on_drop = cut.clone().drop_guard();
    let crowd = Arc::new(Crowd::new(bounds.max_connections, bounds.max_connections_per_peer));
    let house = Arc::new(House {
        bounds: bounds.clone(),
        requests: TaskTracker::new(),
        tls,
        mistaken: Seldom::default(),
        broken: Seldom::default(),
    });
    let (failing, refused) = (Seldom::default(), Seldom::default());
    loop {
        let accept = async {
            crowd.room().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                metrics::accept_failed();
                if let Some(untold) = failing.tell(Instant::now()) {
                    let connections = crowd.len();
                    tracing::warn!(%error, connections, untold, "connections cannot be accepted; the idle make room");
                }
                // Who is idle holds a file descriptor that a health check may need.
                crowd.make_room();
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => continue,
                }
            }
        };
        let Some(admitted) = crowd.admit(peer) else {
            metrics::ended("refused");
            if let Some(untold) = refused.tell(Instant::now()) {
                let most = bounds.max_connections_per_peer;
                tracing::warn!(%peer, most, untold, "a peer has server.max_connections_per_peer, all with requests");
            }
            continue;
        };
        // Answers are written in one piece; waiting to fill a packet would only slow them.
        let _ = stream.set_nodelay(true);
        let connection = house.clone().run(stream, admitted, service.clone(), stop.child_token());
        let cut = cut.clone();
        connections.spawn(async move { cut.run_until_cancelled_owned(connection).await });
    }
    // From here on the kernel refuses who comes, rather than let them wait for nothing.
    drop(listener);
    connections.close();
    house.requests.close();
    connections.wait().await;
    house.requests.wait().await;
}

/// Whether an accept failed because of the connection that was to be accepted, which is gone: the next one may be fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

/// What all connections share.
#[derive(Debug)]
struct House {
    bounds: ListenerConfig,
    requests: TaskTracker,
    tls: Option<Arc<Tls>>,
    /// Who speaks TLS where there is none, or plain text where there is.
    mistaken: Seldom,
    /// Handshakes that came to nothing.
    broken: Seldom,
}

impl House {
    /// The whole life of a connection.
    async fn run<S, B>(self: Arc<Self>, stream: TcpStream, admitted: Admitted, service: S, stop: CancellationToken)
    where
        S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Admitted { connection, .. } = &admitted;
        let _counted = metrics::Counted::new();
        // Neither a secret nor a lottery: a number of the connection's own spreads well enough.
        let mut life = Life::begin(Instant::now(), &self.bounds, spread(connection.id));
        let opened = tokio::select! {
            opened = tokio::time::timeout(self.bounds.handshake_timeout, self.open(stream, connection)) => opened,
            () = stop.cancelled() => return,
            () = connection.displaced.notified() => return metrics::ended(Why::Displaced.name()),
        };
        let stream = match opened {
            Ok(Some(stream)) => stream,
            Ok(None) => return,
            Err(_) => return metrics::ended(Why::Silent.name()),
        };
        let io = TokioIo::new(Heard { stream, connection: Arc::clone(connection) });
        let http = self.http();
        let requests = Requests { service, connection: Arc::clone(connection) };
        let mut served = pin!(http.serve_connection(io, requests));
        let why = loop {
            let now = Instant::now();
            let until = match life.next(now, connection.seen()) {
                Step::Wait(until) => until,
                Step::Leave(why) => {
                    tracing::debug!(connection = connection.id, peer = %connection.peer, why = why.name(), "GOAWAY");
                    metrics::ended(why.name());
                    life.leave(now);
                    served.as_mut().graceful_shutdown();
                    continue;
                }
                Step::Cut(why) => break why,
            };
            let time = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = &mut served => {
                    if let Err(error) = ended {
                        tracing::debug!(connection = connection.id, peer = %connection.peer, error, "a connection broke");
                    }
                    return;
                }
                () = time => {}
                () = stop.cancelled(), if !life.is_draining() => {
                    life.drain();
                    served.as_mut().graceful_shutdown();
                }
                () = connection.displaced.notified() => {
                    if !connection.seen().greeted {
                        break Why::Displaced;
                    }
                    metrics::ended(Why::Displaced.name());
                    life.leave(now);
                    served.as_mut().graceful_shutdown();
                }
            }
        };
        tracing::debug!(connection = connection.id, peer = %connection.peer, why = why.name(), "cut a connection off");
        metrics::ended(why.name());
    }

    /// The connection, encrypted where the port is; nothing for who does not speak as the port does.
    async fn open(
        &self,
        stream: TcpStream,
        connection: &Connection,
    ) -> Option<Either<TcpStream, Box<TlsStream<TcpStream>>>> {
        let peer = connection.peer;
        let accepted = match (&self.tls, wire::begins_with_tls(&stream).await.ok()?) {
            (None, false) => return Some(Either::Left(stream)),
            (Some(tls), true) => Ok(tls),
            (Some(_), false) => {
                Err((wire::TLS_HERE, "plain_text", "plain text on a TLS port: this client does not encrypt"))
            }
            (None, true) => Err((NOT_HERE, "tls", "TLS on a plaintext port: this server does not encrypt")),
        };
        let tls = match accepted {
            Ok(tls) => tls,
            Err((answer, reason, mistake)) => {
                if let Some(untold) = self.mistaken.tell(Instant::now()) {
                    tracing::warn!(%peer, untold, "{mistake}");
                }
                metrics::ended(reason);
                let _ = wire::refuse(stream, answer).await;
                return None;
            }
        };
        match tls.accept(stream).await {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                if let Some(certificate) = session.peer_certificates().and_then(|chain| chain.first()) {
                    connection.shows(certificate);
                }
                Some(Either::Right(Box::new(stream)))
            }
            Err(error) => {
                metrics::ended("handshake");
                if let Some(untold) = self.broken.tell(Instant::now()) {
                    tracing::warn!(%peer, %error, untold, "a TLS handshake came to nothing");
                }
                None
            }
        }
    }

    /// HTTP as it is spoken here.
    fn http(&self) -> auto::Builder<Tasks> {
        let bounds = &self.bounds;
        let tasks = Tasks { tracker: self.requests.clone(), unread: bounds.unread_timeout };
        let mut http = auto::Builder::new(tasks);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(bounds.keepalive_interval)
            .keep_alive_timeout(bounds.keepalive_timeout)
            .max_concurrent_streams(bounds.max_streams_per_connection)
            // A client may think better of all its requests at once; who goes on after that is thrown out.
            .max_pending_accept_reset_streams(Some(bounds.max_streams_per_connection as usize))
            // Twice what the doorway allows, which answers with details; what is beyond this is answered by HTTP alone.
            .max_header_list_size(bounds.max_header_bytes.saturating_mul(2))
            // What requests may have sent unread is bounded for all streams of the connection together; of answers it is
            // their number times a piece and the send buffer, and the doorway's bound on what is held.
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(bounds.connection_window)
            .max_send_buf_size(SEND_BUFFER);
        // Only to be told that it is the wrong one, and so once a connection.
        http.http1().timer(TokioTimer::new()).header_read_timeout(bounds.handshake_timeout).keep_alive(false);
        http
    }
}

/// From 0 to 1, for each number another one, and those of neighbours far from each other.
fn spread(number: u64) -> f64 {
    /// The golden ratio's fraction: its multiples fill the circle evenly, however many there are.
    const TURN: f64 = 0.618_033_988_749_894_9;
    #[expect(clippy::cast_precision_loss, reason = "more than 2^53 connections will not come")]
    let turned = number as f64 * TURN;
    turned.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_come_together_do_not_age_together() {
        let mut ages: Vec<f64> = (1..=100).map(spread).collect();
        ages.sort_by(f64::total_cmp);
        assert!(ages.windows(2).all(|two| two[1] - two[0] < 0.03), "{ages:?}");
        assert!(ages[0] < 0.03 && ages[99] > 0.97, "{ages:?}");
    }

    #[test]
    fn only_what_concerns_one_connection_is_passed_over_without_a_pause() {
        assert!(is_of_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        // EMFILE, on Linux and macOS.
        assert!(!is_of_one_connection(&io::Error::from_raw_os_error(24)));
    }
}
