//! The requests of one connection: counted from their header to the last byte of their answer, and given up when their
//! client does not read it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use hyper::{body::Incoming, rt::Executor, service::Service};
use tokio::time::Sleep;
use tokio_util::task::TaskTracker;
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderValue, Request, Response, StatusCode, Version, header},
};
use tower::ServiceExt as _;

use super::{connection::Connection, metrics};

/// An answer leaves in pieces of one HTTP/2 frame. hyper takes a piece when there is room for the first byte of it, so
/// this and the send buffer bound what waits for a reader where its time is not measured.
const PIECE: usize = 16 * 1024;

/// For whoever speaks HTTP/1: a person with curl, a probe or a load balancer that is set up for it.
pub(super) const NOT_HERE: &str = "This port speaks gRPC, over HTTP/2 without TLS. Call it with a gRPC client, such as \
                                   grpcurl -plaintext; a load balancer or probe in front must speak gRPC or HTTP/2 (h2c).\n";

tokio::task_local! {
    /// How far the answer of the request has come whose task this is.
    static PROGRESS: Arc<Progress>;
}

/// What hyper hands requests to.
#[derive(Debug, Clone)]
pub(super) struct Requests<S> {
    pub(super) service: S,
    pub(super) connection: Arc<Connection>,
}

impl<S, B> Service<Request<Incoming>> for Requests<S>
where
    S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let open = Open::new(&self.connection);
        let mut request = request.map(Body::new);
        if request.version() < Version::HTTP_2 {
            return Box::pin(async {
                // 505 rather than 426: there is no upgrade, h2c is spoken from the first byte.
                let answer = plain_text(StatusCode::HTTP_VERSION_NOT_SUPPORTED, NOT_HERE);
                Ok(answer.map(|body| Answer { body, rest: Bytes::new(), progress: None, _open: open }))
            });
        }
        request.extensions_mut().insert(Arc::clone(&self.connection));
        let answer = self.service.clone().oneshot(request);
        Box::pin(async move {
            let progress = PROGRESS.try_with(Arc::clone).ok();
            let answer = answer.await?;
            Ok(answer.map(|body| Answer { body: Body::new(body), rest: Bytes::new(), progress, _open: open }))
        })
    }
}

/// An answer to whoever does not speak gRPC.
pub(in crate::rpc) fn plain_text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::new(Full::new(Bytes::from_static(text.as_bytes()))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// Counts a request while it lives.
#[derive(Debug)]
struct Open(Arc<Connection>);

impl Open {
    fn new(connection: &Arc<Connection>) -> Self {
        connection.begin_request();
        Self(Arc::clone(connection))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

/// How far an answer has come. Odd while the reader is waited for, even while the answer is made: each piece handed over
/// and each one asked for adds one.
#[derive(Debug, Default)]
struct Progress(AtomicU64);

/// The body of an answer, in pieces.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    /// What is left of the piece that the body made.
    rest: Bytes,
    progress: Option<Arc<Progress>>,
    _open: Open,
}

impl Answer {
    fn step(&self, waiting_for_reader: bool) {
        if let Some(Progress(steps)) = self.progress.as_deref() {
            let now = steps.load(Ordering::Relaxed);
            if (now % 2 == 1) != waiting_for_reader {
                steps.store(now + 1, Ordering::Relaxed);
            }
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.step(false);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        self.step(true);
        let piece = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

/// Runs the requests of one connection, each in a task, and gives up an answer that its client leaves unread.
#[derive(Debug, Clone)]
pub(super) struct Tasks {
    pub(super) tracker: TaskTracker,
    pub(super) unread: Duration,
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let progress = Arc::<Progress>::default();
        let request = PROGRESS.scope(Arc::clone(&progress), request);
        self.tracker.spawn(Attended { request: Box::pin(request), progress, unread: self.unread, waits: None });
    }
}

/// A request whose reader is waited for only so long. Ending it resets its stream, and frees what it holds.
struct Attended<F> {
    request: Pin<Box<F>>,
    progress: Arc<Progress>,
    unread: Duration,
    /// The step at which the reader is waited for, and how long yet. There is none as long as readers read.
    waits: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<F: Future<Output = ()>> Future for Attended<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.request.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let step = this.progress.0.load(Ordering::Relaxed);
        if step.is_multiple_of(2) {
            this.waits = None;
            return Poll::Pending;
        }
        let (unread, waits) = (this.unread, &mut this.waits);
        if waits.as_ref().is_none_or(|(waiting, _)| *waiting != step) {
            *waits = Some((step, Box::pin(tokio::time::sleep(unread))));
        }
        match waits {
            Some((_, sleep)) => {
                ready!(sleep.as_mut().poll(cx));
                metrics::ended("unread");
                tracing::debug!("a client left its answer unread for too long; its stream is reset");
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }
}
