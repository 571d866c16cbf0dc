//! The doorway: what each request passes before a service sees it, from its headers on.
//!
//! In this order: that it is gRPC, the size of its headers, that there is such a method, its deadline, who calls and may call,
//! that the server is not about to stop, a place, and its message, whole and within bounds. Whoever is turned away is told why by the same
//! details as by any other error. What a call has taken it holds until its answer has left or, of a change, its work has
//! ended.

mod answer;
mod deadline;
mod elements;
mod message;
mod methods;
mod metrics;
mod places;

use std::{convert::Infallible, net::IpAddr, pin::Pin, sync::Arc, task, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full as OnePiece, Limited};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    body::Body,
    codegen::http::{Extensions, HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode, header},
};

use self::{
    message::Encoding,
    places::{Bound, Caller, Grant, Percent},
};
pub(super) use self::{
    methods::{Kind, Method},
    places::Full,
};
use super::{
    access::{Gate, principal::Principal},
    listener::{Connection, plain_text},
    status::Failure,
    telling::Facts,
};
use crate::{
    config::{AccessConfig, ServerConfig},
    domain::Invalid,
    lifecycle::Lifecycle,
};

/// The longest watch that a caller may set a deadline for.
const LONGEST_WATCH: Duration = Duration::from_secs(24 * 60 * 60);

/// What a call has taken.
#[derive(Debug)]
struct Held {
    place: Grant,
    bytes: Grant,
}

/// What a call that was let in brings to its handler: in the extensions of its request.
#[derive(Debug, Clone)]
pub(super) struct LetIn {
    /// When it must have been answered.
    pub(super) deadline: Instant,
    /// Who calls.
    pub(super) principal: Principal,
    /// What is told of it when it ends.
    pub(super) facts: Arc<Facts>,
    held: Arc<Held>,
}

impl LetIn {
    /// Gives the place of the call to others: somebody else's is held for its work.
    pub(super) fn leave_place(&self) {
        self.held.place.give_back();
    }

    /// A place again, after all.
    pub(super) fn take_place(&self) -> Result<(), Failure> {
        self.held.place.more(1).map_err(Failure::Overloaded)
    }
}

/// The bounds, and what is taken of them.
#[derive(Debug)]
pub(super) struct Doorway {
    gate: Gate,
    /// Whether the server explains its API.
    reflection: bool,
    calls: Arc<Bound>,
    checks: Arc<Bound>,
    waits: Arc<Bound>,
    watches: Arc<Bound>,
    reflections: Arc<Bound>,
    bytes: Arc<Bound>,
    message: message::Bounds,
    message_timeout: Duration,
    longest: Duration,
    headers: usize,
    header_bytes: usize,
    stopping: CancellationToken,
}

impl Doorway {
    pub(super) fn new(config: &ServerConfig, access: &AccessConfig, lifecycle: &Lifecycle) -> Arc<Self> {
        let percent = Percent {
            connection: config.max_share_per_connection,
            address: config.max_share_per_address,
            principal: access.max_share_per_principal,
        };
        let bound = |what, key, most| Bound::new(what, key, most, percent);
        let most_calls = config.max_concurrent_requests;
        let gate = Gate::new(access, config);
        gate.open(lifecycle);
        let doorway = Arc::new(Self {
            gate,
            reflection: config.reflection,
            calls: bound("calls under way", "server.max_concurrent_requests", most_calls),
            // Whether the server lives must be told also while it has no place for a call.
            checks: bound("health checks under way", "server.max_concurrent_requests", most_calls),
            waits: bound("watches and waits", "server.max_waits", config.max_waits),
            watches: bound("health watches", "server.max_watches", config.max_watches),
            reflections: bound("reflection streams", "server.max_reflections", config.max_reflections),
            bytes: bound("bytes of requests and answers", "server.max_buffered_bytes", config.max_buffered_bytes),
            message: message::Bounds { bytes: config.max_request_bytes, elements: config.max_request_elements },
            message_timeout: config.message_timeout,
            longest: config.request_timeout,
            headers: config.max_headers,
            header_bytes: config.connections.max_header_bytes.try_into().unwrap_or(usize::MAX),
            stopping: lifecycle.soft(),
        });
        metrics::observe(&doorway);
        doorway
    }

    /// Waits until no call is under way, nor the work of one whose client has gone.
    pub(super) async fn idle(&self) {
        self.calls.empty().await;
    }

    /// A service with the doorway before it.
    pub(super) fn before<S>(self: &Arc<Self>, service: S) -> Guarded<S> {
        Guarded { service, doorway: Arc::clone(self) }
    }

    async fn pass<S>(&self, service: &mut S, request: Request<Body>) -> Result<Response<Body>, Refused>
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let arrived = Instant::now();
        if let Some(answer) = no_grpc(&request) {
            return Err(Refused::NoGrpc(answer));
        }
        self.check_headers(request.headers())?;
        // Whoever comes by another way than the server's own is not told of.
        let facts = request.extensions().get::<Arc<Facts>>().cloned().unwrap_or_default();
        let method = facts.method().filter(|method| self.reflection || method.kind != Kind::Reflection);
        let method = method.ok_or_else(|| Failure::UnknownMethod(request.uri().path().to_owned()))?;
        // Who watches does so until they go, or as long as they say.
        let longest = if method.kind == Kind::Wait && method.streams { LONGEST_WATCH } else { self.longest };
        let deadline = deadline::deadline(request.headers(), arrived, longest).map_err(Failure::from)?;
        if deadline <= arrived {
            return Err(Failure::NotBegun("the deadline of the call was over before it began").into());
        }
        let known_by = (request.headers(), request.extensions());
        let principal = self.identified(known_by, method, &facts, deadline, arrived).await?;
        let held = self.admit(method.kind, &caller(request.extensions(), &principal))?;
        match method.kind {
            Kind::Call | Kind::Wait | Kind::Check | Kind::Watch => {
                let (mut parts, body) = request.into_parts();
                let (parts_bounds, encoding) = (self.message, Encoding::of(&parts.headers)?);
                let receive = message::receive(body, encoding, method.input.as_ref(), parts_bounds, &held.bytes);
                let message = within(receive, deadline, arrived + self.message_timeout).await?;
                parts.headers.remove("grpc-encoding");
                facts.let_in(message.len().saturating_sub(message::PREFIX));
                parts.extensions.insert(LetIn { deadline, principal, facts, held: Arc::clone(&held) });
                let asks_deadline = parts.headers.contains_key("grpc-timeout");
                let request = Request::from_parts(parts, Body::new(OnePiece::new(message)));
                let Ok(answer) = service.call(request).await;
                explained(method, &answer)?;
                if method.streams {
                    return Ok(answer::of_many(answer, held, asks_deadline.then_some(deadline)));
                }
                Ok(answer::of_one(answer, &held, method.changes).await?)
            }
            Kind::Reflection => {
                let most = self.message.bytes;
                let request = request.map(|body| Body::new(Limited::new(body, most).map_err(too_much)));
                let Ok(answer) = service.call(request).await;
                Ok(answer::of_many(answer, held, Some(deadline)))
            }
        }
    }

    /// Who calls, where that is let do so. Whether the server lives is told to everybody.
    async fn identified(
        &self,
        (headers, extensions): (&HeaderMap, &Extensions),
        method: &Method,
        facts: &Facts,
        deadline: Instant,
        now: Instant,
    ) -> Result<Principal, Failure> {
        if matches!(method.kind, Kind::Check | Kind::Watch) {
            return Ok(Principal::anonymous());
        }
        let connection = extensions.get::<Arc<Connection>>().map(|connection| &**connection);
        let principal = self.gate.identify(headers, connection, deadline).await?;
        facts.set_principal(&principal);
        // In this order, so that calls which are denied are counted too.
        self.gate.pace(&principal, connection.map(Connection::party), method, now)?;
        self.gate.admit(&principal, method)?;
        Ok(principal)
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let (count, most) = (headers.len(), self.headers);
        if count > most {
            let text = format!("the request has {count} headers, and the server takes {most} (server.max_headers)");
            return Err(Failure::TooLarge(text));
        }
        // As HTTP/2 counts them.
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        let most = self.header_bytes;
        if size > most {
            let text = format!(
                "the headers of the request have {size} bytes, and the server takes {most} (server.max_header_bytes)"
            );
            return Err(Failure::TooLarge(text));
        }
        Ok(())
    }

    /// A place among its kind.
    fn admit(&self, kind: Kind, caller: &Caller) -> Result<Arc<Held>, Failure> {
        let places = match kind {
            // Calls alone are refused by a server that is about to stop: whether it is will still be asked.
            Kind::Call | Kind::Wait if self.stopping.is_cancelled() => return Err(Failure::ShuttingDown),
            Kind::Call => &self.calls,
            Kind::Wait => &self.waits,
            Kind::Check => &self.checks,
            Kind::Watch => &self.watches,
            Kind::Reflection => &self.reflections,
        };
        let place = places.take(caller, 1).map_err(Failure::Overloaded)?;
        let bytes = self.bytes.take(caller, 0).map_err(Failure::Overloaded)?;
        Ok(Arc::new(Held { place, bytes }))
    }
}

/// A service, and the doorway before it.
#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    service: S,
    doorway: Arc<Doorway>,
}

impl<S> tower::Service<Request<Body>> for Guarded<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that was asked whether it is ready; the clone takes its place.
        let clone = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, clone);
        let doorway = Arc::clone(&self.doorway);
        Box::pin(async move {
            Ok(doorway.pass(&mut service, request).await.unwrap_or_else(|refused| match refused {
                Refused::NoGrpc(answer) => *answer,
                Refused::Told(failure) => Status::from(*failure).into_http(),
            }))
        })
    }
}

/// Why a request comes no further.
enum Refused {
    /// It is no gRPC, and is not answered by gRPC.
    NoGrpc(Box<Response<Body>>),
    Told(Box<Failure>),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Told(Box::new(failure))
    }
}

/// The answer to what only looks like a call: gRPC is posted, and says what it is.
fn no_grpc(request: &Request<Body>) -> Option<Box<Response<Body>>> {
    if request.method() != Verb::POST {
        let mut answer = plain_text(StatusCode::METHOD_NOT_ALLOWED, "gRPC calls are posted\n");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(Box::new(answer));
    }
    // Parameters may follow: `application/grpc;charset=utf-8`.
    let content_type = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    match essence {
        b"application/grpc" | b"application/grpc+proto" => None,
        _ => Some(Box::new(plain_text(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this port speaks gRPC: content-type application/grpc or application/grpc+proto\n",
        ))),
    }
}

fn caller(extensions: &Extensions, principal: &Principal) -> Caller {
    let connection = extensions.get::<Arc<Connection>>();
    let address: Option<IpAddr> = connection.map(|connection| connection.party());
    let principal = (!principal.is_anonymous()).then(|| principal.clone());
    Caller { connection: connection.map_or(0, |connection| connection.id), address, principal }
}

/// The message, unless the deadline of the call or the time for the message is over first.
async fn within(
    receive: impl Future<Output = Result<Bytes, Failure>>,
    deadline: Instant,
    patience: Instant,
) -> Result<Bytes, Failure> {
    let late = match tokio::time::timeout_at(deadline.min(patience), receive).await {
        Ok(Err(failure)) => return Err(failure),
        Ok(Ok(message)) if Instant::now() < deadline => return Ok(message),
        Ok(Ok(_)) => "the deadline of the call passed before its work began",
        Err(_) if deadline <= patience => "the deadline of the call passed before its message had come",
        Err(_) => "the message of the call did not come within server.message_timeout",
    };
    Err(Failure::NotBegun(late))
}

/// tonic's own words for a message that it cannot decode, as an answer of ours. Handlers answer with details.
fn explained(method: &Method, answer: &Response<Body>) -> Result<(), Failure> {
    if !matches!(method.kind, Kind::Call | Kind::Wait) {
        return Ok(());
    }
    match answer.extensions().get::<Status>() {
        Some(status) if status.details().is_empty() => Err(Failure::Invalid(Invalid::of("", status.message()))),
        Some(_) | None => Ok(()),
    }
}

/// The stream of a client that asks reflection without end.
fn too_much(_: Box<dyn std::error::Error + Send + Sync>) -> Status {
    Failure::TooLarge("the stream has more bytes than the server takes (server.max_request_bytes)".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_about_to_stop_sends_calls_elsewhere_and_still_tells_how_it_is() {
        let life = Lifecycle::new();
        let doorway = Doorway::new(&ServerConfig::default(), &AccessConfig::default(), &life);
        let somebody = &Caller { connection: 1, address: None, principal: None };
        let under_way = doorway.admit(Kind::Call, somebody).unwrap();
        life.stop();
        assert!(matches!(doorway.admit(Kind::Call, somebody), Err(Failure::ShuttingDown)));
        for kind in [Kind::Check, Kind::Watch, Kind::Reflection] {
            assert!(doorway.admit(kind, somebody).is_ok(), "{kind:?}");
        }
        drop(under_way);
    }
}
