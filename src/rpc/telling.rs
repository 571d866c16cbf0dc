//! What is told of each RPC, once, when it has ended: a line in the log, its metrics, and the state of its span.
//!
//! It stands before everything else that may answer, so that who is turned away at the door, and whose handler panics, is told
//! of like everybody. What only the handler knows it writes into [`Facts`]; what a failure has for the log alone travels
//! within its `Status` ([`Cause`]).

mod answer;
mod facts;
mod flood;
mod line;
mod metrics;

use std::{
    any::Any,
    convert::Infallible,
    error::Error as _,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    body::Body,
    codegen::http::{HeaderMap, HeaderValue, Request, Response, header},
};
use tracing::{Instrument as _, Level, Span, field};

pub(super) use self::facts::{Facts, Work};
use self::{
    answer::Answer,
    flood::{Flood, Sort},
    line::Line,
};
use super::{
    doorway::{Kind, Method},
    listener::Connection,
    status::{Cause, Failure},
};
use crate::{lifecycle::Lifecycle, telemetry};

/// The name of a method that there is not. What callers send must not become names of metrics.
const OTHER: &str = "_OTHER";

/// By what the trailers say how a call ended.
const GRPC_STATUS: &str = "grpc-status";

/// What all calls share.
#[derive(Debug)]
struct Teller {
    flood: Flood,
    /// Set when the server cuts off what still runs.
    cut_off: CancellationToken,
}

/// A service whose calls are told of.
#[derive(Debug, Clone)]
pub(super) struct Told<S> {
    service: S,
    teller: Arc<Teller>,
}

/// All calls of the service are told of from now on.
pub(super) fn of<S>(service: S, lifecycle: &Lifecycle) -> Told<S> {
    Told { service, teller: Arc::new(Teller { flood: Flood::default(), cut_off: lifecycle.hard() }) }
}

impl<S> tower::Service<Request<Body>> for Told<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that was asked whether it is ready; the clone takes its place.
        let clone = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, clone);
        let record = Record::begin(Arc::clone(&self.teller), &request);
        request.extensions_mut().insert(Arc::clone(&record.facts));
        let span = record.span.clone();
        let answer = async move {
            // A bug costs one call, not the connection.
            let answered = AssertUnwindSafe(async { service.call(request).await }).catch_unwind().await;
            Ok(record.answered(match answered {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(panic) => Status::from(Failure::Bug(said(&*panic))).into_http(),
            }))
        };
        Box::pin(answer.instrument(span))
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic").to_owned()
}

/// A call that has not ended.
#[derive(Debug)]
struct Record {
    teller: Arc<Teller>,
    method: Option<&'static Method>,
    facts: Arc<Facts>,
    began: Instant,
    connection: Option<Arc<Connection>>,
    user_agent: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    span: Span,
    /// Bytes of the answer that have left.
    sent: u64,
    over: bool,
}

/// How a call ended.
struct End<'e> {
    code: Code,
    reason: Option<&'static str>,
    cause: Option<&'e Cause>,
    said: Option<&'e str>,
}

impl Record {
    fn begin(teller: Arc<Teller>, request: &Request<Body>) -> Self {
        let method = Method::of(request.uri().path());
        let headers = request.headers();
        let connection = request.extensions().get::<Arc<Connection>>().cloned();
        let user_agent = headers.get(header::USER_AGENT).cloned();
        let span = match method.map(|method| method.kind) {
            // Probes ask every few seconds, and nobody wants to know how they fared.
            Some(Kind::Check | Kind::Watch | Kind::Reflection) => Span::none(),
            Some(Kind::Call | Kind::Wait) | None => {
                span(method, headers, connection.as_deref(), agent(user_agent.as_ref()))
            }
        };
        metrics::begun(name(method));
        Self {
            teller,
            method,
            facts: Arc::new(Facts::of(method)),
            began: Instant::now(),
            connection,
            user_agent,
            traceparent: headers.get(telemetry::TRACEPARENT).cloned(),
            span,
            sent: 0,
            over: false,
        }
    }

    /// The answer, of which the rest is watched, if there is any.
    fn answered(mut self, answer: Response<Body>) -> Response<Body> {
        if let Some(code) = answer.headers().get(GRPC_STATUS) {
            let status = answer.extensions().get::<Status>();
            let cause = status.and_then(|status| status.source()).and_then(|source| source.downcast_ref::<Cause>());
            let said = status.map(Status::message);
            let (code, reason) = (Code::from_bytes(code.as_bytes()), cause.map(|cause| cause.reason));
            self.end(&End { code, reason, cause, said });
            return answer;
        }
        let is_grpc =
            answer.headers().get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
        if !is_grpc {
            // Who speaks something else has called nothing that there is.
            let said = format!("no gRPC; answered with HTTP status {}", answer.status().as_u16());
            self.end(&End { code: Code::Unimplemented, reason: Some("NOT_GRPC"), cause: None, said: Some(&said) });
            return answer;
        }
        answer.map(|body| Body::new(Answer::new(body, self)))
    }

    /// What the trailers say.
    fn ended_by(&mut self, trailers: &HeaderMap) {
        let code = trailers.get(GRPC_STATUS).map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes()));
        self.end(&End { code, reason: None, cause: None, said: None });
    }

    fn end(&mut self, end: &End<'_>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let took = self.began.elapsed();
        let (method, code) = (name(self.method), code_name(end.code));
        let failed = end.code != Code::Ok;
        // What has no reason of ours is called by its code.
        let reason = failed.then(|| end.reason.unwrap_or(code));
        metrics::ended(method, code, reason, took, self.facts.received(), self.sent);
        self.span.record("rpc.response.status_code", code);
        self.span.record("rpc.grpc.status_code", end.code as i64);
        if let Some(reason) = reason {
            self.span.record("error.type", code);
            self.span.record("strongroom.reason", reason);
            if is_fault(end.code) {
                self.span.record("otel.status_code", "ERROR");
                self.span.record("otel.status_description", reason);
            }
        }
        if let Some(request_id) = self.facts.request_id() {
            self.span.record("strongroom.request_id", request_id);
        }
        // In any case, so that work which goes on tells of itself.
        let work = self.facts.over(end.code);
        let Some(unlogged) = self.unlogged(reason) else { return };
        let line = Line {
            what: "rpc",
            level: match end.cause {
                _ if !self.is_of_interest() => Level::DEBUG,
                Some(cause) => cause.level,
                None => Level::INFO,
            },
            method,
            code,
            reason,
            took,
            facts: &self.facts,
            cause: end.cause,
            said: end.said,
            work,
            peer: self.connection.as_ref().map(|connection| connection.peer),
            user_agent: agent(self.user_agent.as_ref()),
            trace_id: self.traceparent.as_ref().and_then(telemetry::trace_id),
            unlogged,
        };
        self.span.in_scope(|| line.write());
    }

    /// How many like this one were not written before it, if it is to be written.
    fn unlogged(&self, reason: Option<&'static str>) -> Option<u64> {
        let changes = self.method.is_some_and(|method| method.changes);
        let sort = match reason {
            _ if !self.is_of_interest() => return Some(0),
            Some(reason) if !self.facts.was_let_in() => Sort::TurnedAway(reason),
            _ if changes => return Some(0),
            Some(reason) => Sort::Failed(reason),
            None => Sort::Read,
        };
        self.teller.flood.tell(sort, Instant::now())
    }

    /// Whether its line is for everybody.
    fn is_of_interest(&self) -> bool {
        self.method.is_none_or(|method| matches!(method.kind, Kind::Call | Kind::Wait))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (reason, said) = if self.teller.cut_off.is_cancelled() {
            ("SHUTTING_DOWN", "the server stopped before its answer had left")
        } else {
            ("CLIENT_GONE", "the client hung up, or left its answer unread")
        };
        self.end(&End { code: Code::Cancelled, reason: Some(reason), cause: None, said: Some(said) });
    }
}

fn name(method: Option<&'static Method>) -> &'static str {
    method.map_or(OTHER, |method| method.name)
}

/// The span of a call, as a child of the caller's.
fn span(
    method: Option<&'static Method>,
    headers: &HeaderMap,
    connection: Option<&Connection>,
    user_agent: Option<&str>,
) -> Span {
    let method = name(method);
    let span = tracing::info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        rpc.system = "grpc",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = field::Empty,
        rpc.grpc.status_code = field::Empty,
        "error.type" = field::Empty,
        client.address = connection.map(|connection| field::display(connection.peer.ip())),
        client.port = connection.map(|connection| i64::from(connection.peer.port())),
        user_agent.original = user_agent,
        strongroom.reason = field::Empty,
        strongroom.request_id = field::Empty,
    );
    if !span.is_disabled() {
        telemetry::continue_trace(&span, headers);
    }
    span
}

/// As much of what a client says of itself as is told; what it has beyond ASCII is no name.
fn agent(value: Option<&HeaderValue>) -> Option<&str> {
    const LONGEST: usize = 120;
    let agent = value?.to_str().ok()?;
    Some(agent.get(..LONGEST).unwrap_or(agent))
}

/// What OpenTelemetry's conventions take for a fault of the server; all else is the caller's.
fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// As gRPC writes it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
