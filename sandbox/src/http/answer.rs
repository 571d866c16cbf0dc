//! One request: who it is for, what the faults make of it, what the operation answers.

use std::{
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{
    HeaderMap, Request, Response, Uri,
    body::{Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::{request::Parts, uri::Authority},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    intake,
    service::{Operation, Scope},
};
use crate::{
    body::Body,
    call::{AwsError, Call},
    control, credentials,
    faults::Spoil,
    service::Service,
    shared::{Shared, apart, guarded},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Real time between two looks of a long poll, where nothing else has it look.
const LOOK: Duration = Duration::from_millis(200);

/// No answer at all: the connection is to be broken.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is dropped without an answer")
    }
}

impl Error for Refused {}

/// What an operation wrote, before HTTP.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Of an error, the wire code, for the clients that read the header first.
    pub(crate) error_type: Option<String>,
    /// Of an error of SQS, the code of its older protocol.
    pub(crate) query_error: Option<String>,
    pub(crate) body: String,
    /// It found nothing yet, and may be asked again for so long: a long poll.
    pub(crate) patience: Duration,
}

impl Written {
    /// The same, with members of these names left out.
    fn without(self, members: &[String]) -> Self {
        let body = match serde_json::from_str(&self.body) {
            Ok(json) => strip(json, members).to_string(),
            Err(_) => members.iter().fold(self.body, |xml, name| without_elements(&xml, name)),
        };
        Self { body, ..self }
    }
}

fn strip(json: serde_json::Value, members: &[String]) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::Object(told) => {
            let kept = told.into_iter().filter(|(name, _)| !members.contains(name));
            Value::Object(kept.map(|(name, value)| (name, strip(value, members))).collect())
        }
        Value::Array(entries) => Value::Array(entries.into_iter().map(|entry| strip(entry, members)).collect()),
        other => other,
    }
}

/// No element of the services' answers holds one of its own name.
fn without_elements(xml: &str, name: &str) -> String {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let (mut kept, mut rest) = (String::new(), xml);
    while let Some((before, from)) = rest.split_once(&begin) {
        let Some((_, after)) = from.split_once(&end) else { break };
        kept.push_str(before);
        rest = after;
    }
    kept + rest
}

/// Answers a request of any service, or of the control endpoints. `loopback`: it came to an address that is this machine's
/// alone. `stop`: the sandbox ends, and nobody waits any longer.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    loopback: bool,
    stop: CancellationToken,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let (parts, body) = request.into_parts();
    let body = intake::read(body, shared.config.max_body_bytes).await.ok_or(Refused)?;
    if control::serves(parts.uri.path()) {
        return apart(move || {
            let before = shared.lock().world.arrivals();
            let answer = control::answer(&shared, loopback, &parts, body);
            shared.wake_if(shared.lock().world.arrivals() != before);
            answer
        })
        .await
        .ok_or(Refused);
    }
    let request_id = uuid::Uuid::new_v4().to_string();
    let span = tracing::debug_span!("aws_request", method = %parts.method, path = parts.uri.path(), request_id);
    aws(shared, parts, body, request_id, stop).instrument(span).await
}

async fn aws(
    shared: Arc<Shared>,
    parts: Parts,
    body: Result<Bytes, AwsError>,
    request_id: String,
    stop: CancellationToken,
) -> Result<Response<Body>, Refused> {
    let host = host_of(&parts);
    let scope = Scope::of(&parts.headers).unwrap_or_default();
    let (service, found) = find(&scope, &parts.uri, parts.method.as_str(), &parts.headers, body);
    let operation = match found {
        Ok(operation) => operation,
        Err(error) => {
            tracing::debug!(service = service.name(), code = %error.code, "no operation");
            shared.calls().note_unknown(service);
            let written = service.write_error(&request_id, &error);
            return Ok(respond(written, &request_id, None, Body::whole));
        }
    };
    let name = operation.name();
    shared.calls().note(service, name);
    let verdict = shared.faults().judge(service, name);
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    let (done, at) = match verdict.spoil {
        Some(Spoil::DropBefore) => return Err(Refused),
        Some(Spoil::Error(ref error)) => (Err(error.clone()), None),
        Some(Spoil::DropAfter | Spoil::Truncate | Spoil::Without(_)) | None => {
            let asked = Arc::new(Asked { scope, operation, request_id: request_id.clone(), host });
            until_something(&shared, &asked, &stop).await?
        }
    };
    let written = done.unwrap_or_else(|error| {
        tracing::debug!(code = %error.code, message = error.message, "an error is answered");
        service.write_error(&request_id, &error)
    });
    tracing::debug!(service = service.name(), operation = name, status = written.status, "answered");
    match verdict.spoil {
        Some(Spoil::DropAfter) => Err(Refused),
        Some(Spoil::Truncate) => Ok(respond(written, &request_id, at, Body::truncated)),
        Some(Spoil::Without(members)) => Ok(respond(written.without(&members), &request_id, at, Body::whole)),
        Some(Spoil::Error(_) | Spoil::DropBefore) | None => Ok(respond(written, &request_id, at, Body::whole)),
    }
}

/// The service, and the operation or why there is none. Errors need the service too: each has its own envelope.
fn find(
    scope: &Scope,
    uri: &Uri,
    method: &str,
    headers: &HeaderMap,
    body: Result<Bytes, AwsError>,
) -> (Service, Result<Operation, AwsError>) {
    let body = match body {
        Ok(body) => body,
        Err(error) => return (Service::of(scope, headers, &[]).unwrap_or(Service::Backup), Err(error)),
    };
    match Service::of(scope, headers, &body) {
        Ok(service) => (service, service.operation(method, uri, headers, body)),
        Err(error) => (Service::speaking(headers), Err(error)),
    }
}

/// A request that found its operation.
struct Asked {
    scope: Scope,
    operation: Operation,
    request_id: String,
    host: String,
}

/// The name and port under which a client came.
fn host_of(parts: &Parts) -> String {
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| parts.uri.authority().map(Authority::as_str)).unwrap_or("localhost").to_owned()
}

type Done = (Result<Written, AwsError>, Option<Timestamp>);

/// Does what was asked, again and again while it finds nothing and the client is to wait for something: when a message has
/// come, and each [`LOOK`], because an automatic clock alone makes messages visible. The world is free in between.
async fn until_something(shared: &Arc<Shared>, asked: &Arc<Asked>, stop: &CancellationToken) -> Result<Done, Refused> {
    let begun = Instant::now();
    loop {
        // Before the look: what comes after it must not be missed.
        let came = shared.arrivals.notified();
        tokio::pin!(came);
        came.as_mut().enable();
        let done = {
            let (shared, asked) = (Arc::clone(shared), Arc::clone(asked));
            apart(move || perform(&shared, &asked)).await.ok_or(Refused)?
        };
        let left = done.0.as_ref().map_or(Duration::ZERO, |written| written.patience).saturating_sub(begun.elapsed());
        if left.is_zero() || stop.is_cancelled() {
            return Ok(done);
        }
        tokio::select! {
            () = came => {}
            () = tokio::time::sleep(left.min(LOOK)) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Lets the world catch up with the clock and runs the operation in it; with the time at which that was.
fn perform(shared: &Shared, asked: &Asked) -> Done {
    let Asked { scope, operation, request_id, host } = asked;
    let region = if scope.region.is_empty() { &shared.config.region } else { &scope.region };
    let mut inner = shared.lock();
    let before = inner.world.arrivals();
    let behaviour = Arc::clone(&inner.behaviour);
    let done = guarded(operation.name(), || {
        let now = inner.catch_up();
        let call = Call {
            account: credentials::account_of(&scope.access_key, &shared.config.account),
            region: region.clone(),
            access_key: scope.access_key.clone(),
            now,
            host: host.clone(),
            request_id: request_id.clone(),
            behaviour,
        };
        let done = operation.run(&mut inner.world, &call);
        // What the operation told arrives now, if it is to arrive at once, and not with the next request.
        if inner.world.has_letters() {
            inner.catch_up();
        }
        (done, Some(now))
    });
    shared.wake_if(inner.world.arrivals() != before);
    done.unwrap_or_else(|| {
        let message = "The sandbox failed. This is a fault of the sandbox, not of the request.";
        (Err(AwsError::new(500, "InternalFailure", message)), None)
    })
}

/// `at` is the time by the sandbox's clock, which clients may take from `Date`. What never came to the world has none:
/// no date is better than the machine's, which may be years off.
fn respond(written: Written, request_id: &str, at: Option<Timestamp>, body: fn(String) -> Body) -> Response<Body> {
    let mut response = Response::new(body(written.body));
    *response.status_mut() =
        hyper::StatusCode::from_u16(written.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(written.content_type));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    let date = at.and_then(|at| DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok());
    if let Some(value) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, value);
    }
    if let Some(value) = written.query_error.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert(QUERY_ERROR, value);
    }
    if let Some(value) = written.error_type.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert(ERROR_TYPE, value);
    }
    response
}
