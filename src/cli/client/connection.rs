//! The way to the server: one channel, and calls whose messages are known by their descriptors alone.

use std::{fmt::Write as _, time::Duration};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tokio::time::Instant;
use tonic::{
    Code, Request, Status, TimeoutExpired,
    client::Grpc,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};
use tower::{ServiceExt as _, retry::Retry, service_fn};
use uuid::Uuid;

use super::retry::{Attempt, Retries};
use crate::proto::dynamic_codec::{DynamicCodec, path};

/// Longer than the server's own default deadline: it is the server that should say what took too long. For all attempts
/// together, as the published service config has it.
pub(in crate::cli) const DEADLINE: Duration = Duration::from_secs(240);

/// A server that is there answers a connection at once.
const CONNECT: Duration = Duration::from_secs(5);

/// A page of a thousand things with all their tags is larger than gRPC's usual 4 MiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A server to speak with.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    channel: Channel,
    deadline: Duration,
    retries: Retries,
    /// All calls of a command are one trace, by which the server's log and a collector have them together.
    trace: Uuid,
}

impl Connection {
    /// `endpoint` must be one of [`endpoint`]. The error says why nobody answers.
    pub(super) async fn open(endpoint: Endpoint, deadline: Option<Duration>) -> Result<Self, String> {
        let channel = endpoint.connect_timeout(CONNECT).connect().await.map_err(|error| causes(&error))?;
        Ok(Self { channel, deadline: deadline.unwrap_or(DEADLINE), retries: Retries::new(), trace: Uuid::new_v4() })
    }

    pub(super) async fn call(
        &self,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let until = Instant::now() + self.deadline;
        let attempt = Attempt { method: method.clone(), message: request, until, before: 0 };
        let send = service_fn(|attempt| send(self.channel.clone(), self.trace, attempt));
        Retry::new(self.retries.clone(), send).oneshot(attempt).await
    }
}

/// Sends a call once.
async fn send(channel: Channel, trace: Uuid, attempt: Attempt) -> Result<DynamicMessage, Status> {
    let path = path(&attempt.method)?;
    let codec = DynamicCodec::of_caller(&attempt.method);
    let mut request = Request::new(attempt.message);
    request.set_timeout(attempt.until.saturating_duration_since(Instant::now()));
    if let Ok(traceparent) = traceparent(trace).parse() {
        request.metadata_mut().insert("traceparent", traceparent);
    }
    if attempt.before > 0 {
        request.metadata_mut().insert("grpc-previous-rpc-attempts", MetadataValue::from(attempt.before));
    }
    let mut client = Grpc::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    client.ready().await.map_err(|error| Status::unavailable(causes(&error)))?;
    Ok(client.unary(request, path, codec).await.map_err(as_libraries_tell)?.into_inner())
}

/// W3C's name for the trace and the attempt in it. A person's command is always recorded, where anything is.
fn traceparent(trace: Uuid) -> String {
    format!("00-{}-{:016x}-01", trace.simple(), fastrand::u64(1..))
}

/// A connection that broke is UNAVAILABLE by gRPC's rules; tonic calls it UNKNOWN, CANCELLED or INTERNAL, by how it broke.
fn as_libraries_tell(status: Status) -> Status {
    let (mut cause, mut expired) = (std::error::Error::source(&status), false);
    // Only what was not the server's word has a cause.
    let broke = cause.is_some() && matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Internal);
    while let Some(error) = cause {
        expired |= error.is::<TimeoutExpired>();
        cause = error.source();
    }
    if broke && !expired { Status::unavailable(format!("the connection broke: {}", causes(&status))) } else { status }
}

/// Where `--server` leads. The error says what is wrong with it.
pub(in crate::cli) fn endpoint(server: &str) -> Result<Endpoint, String> {
    let wrong = |why: &str| format!("--server {server}: {why}");
    let endpoint = Endpoint::from_shared(server.to_owned()).map_err(|error| wrong(&error.to_string()))?;
    match endpoint.uri().scheme_str() {
        Some("http") => Ok(endpoint),
        Some(_) | None => Err(wrong("write http://HOST:PORT; for a server behind TLS, forward a port to it")),
    }
}

/// An error with everything beneath it.
pub(in crate::cli) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors show their cause as their own text.
        let words = error.to_string();
        if !text.ends_with(&words) {
            _ = write!(text, ": {words}");
        }
        cause = error.source();
    }
    text
}
