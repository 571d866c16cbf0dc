//! The way to the server: one channel, and calls whose messages are known by their descriptors alone.

use std::{fmt::Write as _, time::Duration};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::{
    Request, Status,
    client::Grpc,
    transport::{Channel, Endpoint},
};

use crate::proto::dynamic_codec::{DynamicCodec, path};

/// Longer than the server's own default deadline: it is the server that should say what took too long.
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
}

impl Connection {
    /// `endpoint` must be one of [`endpoint`]. The error says why nobody answers.
    pub(super) async fn open(endpoint: Endpoint, deadline: Option<Duration>) -> Result<Self, String> {
        let channel = endpoint.connect_timeout(CONNECT).connect().await.map_err(|error| causes(&error))?;
        Ok(Self { channel, deadline: deadline.unwrap_or(DEADLINE) })
    }

    pub(super) async fn call(
        &self,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let path = path(method)?;
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
        client.ready().await.map_err(|error| Status::unavailable(causes(&error)))?;
        let mut request = Request::new(request);
        request.set_timeout(self.deadline);
        Ok(client.unary(request, path, DynamicCodec::of_caller(method)).await?.into_inner())
    }
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
