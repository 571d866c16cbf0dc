//! The way to the server: one channel, and calls whose messages are known by their descriptors alone.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::TlsConnector;
use tonic::{
    Code, Request, Status, Streaming, TimeoutExpired,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tower::{ServiceExt as _, retry::Retry, service_fn};
use uuid::Uuid;

use super::{
    address::Address,
    failure::{Failure, USAGE},
    retry::{Attempt, Retries},
    way::Way,
};
use crate::{
    cli::UNREACHABLE,
    config::Secret,
    proto::dynamic_codec::{DynamicCodec, path},
};

/// Longer than the server's own default deadline: it is the server that should say what took too long. For all attempts
/// together, as the published service config has it.
pub(in crate::cli) const DEADLINE: Duration = Duration::from_secs(240);

/// A server that is there answers a connection at once.
const CONNECT: Duration = Duration::from_secs(5);

/// What speaks TLS answers its greeting at once.
const GREETING: Duration = Duration::from_secs(2);

/// A page of a thousand things with all their tags is larger than gRPC's usual 4 MiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A server to speak with.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    channel: Channel,
    way: Arc<Way>,
    deadline: Duration,
    /// Until when a stream goes on; none: until somebody ends it.
    patience: Option<Duration>,
    retries: Retries,
    /// All calls of a command are one trace, by which the server's log and a collector have them together.
    trace: Uuid,
}

impl Connection {
    pub(super) async fn open(way: Arc<Way>, deadline: Option<Duration>) -> Result<Self, Failure> {
        let channel = channel(&way).await?;
        Ok(Self {
            channel,
            way,
            deadline: deadline.unwrap_or(DEADLINE),
            patience: deadline,
            retries: Retries::new(),
            trace: Uuid::new_v4(),
        })
    }

    pub(super) async fn call(
        &self,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        with_token(&self.way, |token| {
            let (method, message) = (method.clone(), request.clone());
            async move {
                let attempt = Attempt { method, message, until: Instant::now() + self.deadline, before: 0 };
                let send = service_fn(|attempt| self.send(token.clone(), attempt));
                Retry::new(self.retries.clone(), send).oneshot(attempt).await
            }
        })
        .await
    }

    /// Begins a call whose answer is a stream. It is not begun again by itself: who reads it knows where it was.
    pub(super) async fn stream(
        &self,
        method: &MethodDescriptor,
        message: DynamicMessage,
    ) -> Result<Streaming<DynamicMessage>, Status> {
        with_token(&self.way, |token| {
            let message = message.clone();
            async move {
                let mut request = self.request(message, token);
                if let Some(patience) = self.patience {
                    request.set_timeout(patience);
                }
                let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
                client.ready().await.map_err(|error| Status::unavailable(causes(&error)))?;
                let codec = DynamicCodec::of_caller(method);
                let sent = client.server_streaming(request, path(method)?, codec).await;
                sent.map(tonic::Response::into_inner).map_err(as_libraries_tell)
            }
        })
        .await
    }

    fn request(&self, message: DynamicMessage, token: Option<Authorization>) -> Request<DynamicMessage> {
        let mut request = Request::new(message);
        if let Ok(traceparent) = traceparent(self.trace).parse() {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", token);
        }
        request
    }

    /// Sends a call once.
    async fn send(&self, token: Option<Authorization>, attempt: Attempt) -> Result<DynamicMessage, Status> {
        let path = path(&attempt.method)?;
        let codec = DynamicCodec::of_caller(&attempt.method);
        let first = attempt.before == 0;
        let mut request = self.request(attempt.message, token);
        request.set_timeout(attempt.until.saturating_duration_since(Instant::now()));
        if attempt.before > 0 {
            request.metadata_mut().insert("grpc-previous-rpc-attempts", MetadataValue::from(attempt.before));
        }
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
        let sent = match client.ready().await {
            Ok(()) => client.unary(request, path, codec).await.map_err(as_libraries_tell),
            Err(error) => Err(Status::unavailable(causes(&error))),
        };
        match sent {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(explained(&self.way, status, first).await),
        }
    }
}

/// The header that says who calls.
type Authorization = MetadataValue<Ascii>;

/// A connection to where the way leads.
pub(in crate::cli) async fn channel(way: &Way) -> Result<Channel, Failure> {
    let endpoint = way.endpoint().map_err(Failure::usage)?;
    endpoint.connect_timeout(CONNECT).connect().await.map_err(|error| {
        let why = causes(&error);
        match way.explained(&why) {
            Some(why) => Failure::new(UNREACHABLE, unfit(way, &why)),
            None => Failure::unreachable(&way.to_string(), &way.hung_up(&why).unwrap_or(why)),
        }
    })
}

/// Makes a call with the token that there is; where the server does not take it, once more with a newer one. A call that
/// was refused for that has done nothing.
pub(in crate::cli) async fn with_token<T, F>(
    way: &Way,
    call: impl Fn(Option<Authorization>) -> F + Send + Sync,
) -> Result<T, Status>
where
    T: Send,
    F: Future<Output = Result<T, Status>> + Send,
{
    let no_token = |why: String| in_our_words(Failure::new(USAGE, why));
    let header = |token: Secret| {
        // What is no header was refused when it was read.
        let mut value = Authorization::try_from(format!("Bearer {}", token.reveal())).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    let token = way.tokens.get().await.map_err(no_token)?;
    match call(token.and_then(header)).await {
        Err(status) if status.code() == Code::Unauthenticated => match way.tokens.renewed().await.map_err(no_token)? {
            Some(token) => call(header(token)).await,
            None => Err(status),
        },
        done => done,
    }
}

/// A failure of this end, which goes where the failures of calls go.
fn in_our_words(failure: Failure) -> Status {
    let mut status = Status::failed_precondition(failure.text.clone());
    status.set_source(Arc::new(failure));
    status
}

/// What a connection that broke means, where trying again does not help.
pub(in crate::cli) async fn explained(way: &Way, status: Status, first: bool) -> Status {
    if status.code() != Code::Unavailable || !status.details().is_empty() {
        return status;
    }
    let why = match &way.address {
        Address::Tls(_) => way.explained(status.message()),
        Address::Plain(authority) if first && speaks_tls(authority.host(), authority.port_u16()).await => {
            Some(format!("it speaks TLS: write https://{authority}"))
        }
        Address::Plain(_) | Address::Unix(_) => None,
    };
    match why {
        Some(why) => in_our_words(Failure::new(UNREACHABLE, unfit(way, &why))),
        // It can be the network as well, and then it helps to try again.
        None => way.hung_up(status.message()).map_or(status, Status::unavailable),
    }
}

fn unfit(way: &Way, why: &str) -> String {
    format!("the server at {way} cannot be spoken with: {why}")
}

/// Whether what listens there answers the greeting of TLS. Nobody is believed by it, and nothing is sent.
async fn speaks_tls(host: &str, port: Option<u16>) -> bool {
    let asked = async {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = TcpStream::connect((host.as_str(), port.unwrap_or(80))).await.ok()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let name = ServerName::try_from(host).ok()?;
        Some(match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(_) => true,
            Err(error) => error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                .is_some_and(|error| !matches!(error, rustls::Error::InvalidMessage(_))),
        })
    };
    tokio::time::timeout(GREETING, asked).await.ok().flatten().unwrap_or(false)
}

/// W3C's name for the trace and the attempt in it. A person's command is always recorded, where anything is.
fn traceparent(trace: Uuid) -> String {
    format!("00-{}-{:016x}-01", trace.simple(), fastrand::u64(1..))
}

/// A connection that broke is UNAVAILABLE by gRPC's rules; tonic calls it UNKNOWN, CANCELLED or INTERNAL, by how it broke.
pub(in crate::cli) fn as_libraries_tell(status: Status) -> Status {
    let (mut cause, mut expired) = (std::error::Error::source(&status), false);
    // Only what was not the server's word has a cause.
    let broke = cause.is_some() && matches!(status.code(), Code::Unknown | Code::Cancelled | Code::Internal);
    while let Some(error) = cause {
        expired |= error.is::<TimeoutExpired>();
        cause = error.source();
    }
    if broke && !expired { Status::unavailable(format!("the connection broke: {}", causes(&status))) } else { status }
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
