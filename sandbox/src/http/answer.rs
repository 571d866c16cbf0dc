//! One request: who it is for, what the faults make of it, what the operation answers.

use std::{error::Error, fmt, sync::Arc};

use hyper::{
    HeaderMap, Request, Response, Uri,
    body::{Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
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
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

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
pub(crate) struct Written {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// Of an error, the wire code, for the clients that read the header first.
    pub(crate) error_type: Option<String>,
    pub(crate) body: String,
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
/// alone.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    loopback: bool,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let (parts, body) = request.into_parts();
    let body = intake::read(body, shared.config.max_body_bytes).await.ok_or(Refused)?;
    if control::serves(parts.uri.path()) {
        return apart(move || control::answer(&shared, loopback, &parts, body)).await.ok_or(Refused);
    }
    let request_id = uuid::Uuid::new_v4().to_string();
    let span = tracing::debug_span!("aws_request", method = %parts.method, path = parts.uri.path(), request_id);
    aws(shared, parts, body, request_id).instrument(span).await
}

async fn aws(
    shared: Arc<Shared>,
    parts: Parts,
    body: Result<Bytes, AwsError>,
    request_id: String,
) -> Result<Response<Body>, Refused> {
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
            let id = request_id.clone();
            apart(move || perform(&shared, &scope, &operation, &id)).await.ok_or(Refused)?
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

/// Lets the world catch up with the clock and runs the operation in it; with the time at which that was.
fn perform(
    shared: &Shared,
    scope: &Scope,
    operation: &Operation,
    request_id: &str,
) -> (Result<Written, AwsError>, Option<Timestamp>) {
    let region = if scope.region.is_empty() { &shared.config.region } else { &scope.region };
    let mut inner = shared.lock();
    let behaviour = Arc::clone(&inner.behaviour);
    let done = guarded(operation.name(), || {
        let now = inner.catch_up();
        let call = Call {
            account: credentials::account_of(&scope.access_key, &shared.config.account),
            region: region.clone(),
            access_key: scope.access_key.clone(),
            now,
            request_id: request_id.to_owned(),
            behaviour,
        };
        (operation.run(&mut inner.world, &call), Some(now))
    });
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
    if let Some(value) = written.error_type.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert(ERROR_TYPE, value);
    }
    response
}
