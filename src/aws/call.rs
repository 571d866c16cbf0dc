//! The one door to AWS: every operation is sent here, with its span, its metrics and its error understood.

use std::{
    error::Error as StdError,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError},
};
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::{
    client::{
        orchestrator::HttpResponse,
        result::{ConnectorError, SdkError},
    },
    http::Headers,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use tracing::{Instrument, Span, field};

use super::{
    Scoped,
    attempts::Attempts,
    error::{Effect, Failure, FailureKind, chain, classify},
    whole::Whole,
};
use crate::domain::{Noun, Scope};

/// An operation of AWS, in AWS's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// `backup`, `iam`, `kms`, `rds`, `sts` or `tagging`.
    pub(super) service: &'static str,
    /// Such as `CreateBackupVault`.
    pub(super) name: &'static str,
    /// Whether it changes anything: only then can an outcome be unknown.
    pub(super) nature: Nature,
}

/// Whether an operation changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Read,
    Write,
}

impl Operation {
    pub(super) const fn read(service: &'static str, name: &'static str) -> Self {
        Self { service, name, nature: Nature::Read }
    }

    pub(super) const fn write(service: &'static str, name: &'static str) -> Self {
        Self { service, name, nature: Nature::Write }
    }
}

impl Scoped {
    /// The door: sends an operation in this scope. The SDK retries inside, as configured; nobody else does.
    pub(super) fn call<T, E>(
        &self,
        operation: Operation,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> impl Future<Output = Result<T, Failure>> + Send
    where
        T: RequestId + Whole + Send,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        pass(operation, Some(self.scope()), Box::pin(send), SdkError::request_id, understand)
    }
}

/// The door for what comes before any scope: who Strongroom is.
pub(super) fn call_unscoped<T, E>(
    operation: Operation,
    send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
) -> impl Future<Output = Result<T, Failure>> + Send
where
    T: RequestId + Whole + Send,
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    pass(operation, None, Box::pin(send), SdkError::request_id, understand)
}

const ASSUME_ROLE: Operation = Operation::read("sts", "AssumeRole");

/// The door into another account. The SDK's provider sends, so its attempts are not seen.
pub(super) async fn assume_role(provider: &AssumeRoleProvider, scope: &Scope, role: &str) -> Result<(), Failure> {
    let understand = |operation: Operation, error: CredentialsError, _: &Attempts| {
        let Some(NoCredentials { kind, aws_code, said }) = no_credentials(&error) else {
            let failure = Failure::told(operation.name, FailureKind::Credentials, error.to_string());
            return Failure { source: Some(Box::new(error)), ..failure };
        };
        let (kind, message) = match kind {
            FailureKind::Throttled | FailureKind::Unavailable | FailureKind::Credentials => {
                (kind, format!("role {role}: {said}"))
            }
            // STS has said no to this role, whatever its word for it.
            _ => (
                FailureKind::AccountNotReachable,
                format!(
                    "role {role} cannot be assumed: check that it exists and trusts Strongroom's identity \
                     (AWS says: {said})"
                ),
            ),
        };
        let failure = Failure::told(operation.name, kind, message).about(Noun::Account, &scope.account);
        Failure { aws_code, source: Some(Box::new(error)), ..failure }
    };
    let send = async { provider.provide_credentials().await.map(Assumed) };
    pass(ASSUME_ROLE, Some(scope), Box::pin(send), |_| None, understand).await.map(drop)
}

/// Credentials do not tell the request that brought them.
struct Assumed(#[expect(dead_code, reason = "the provider keeps them itself")] Credentials);

impl Whole for Assumed {
    fn lacks(&self) -> Option<&'static str> {
        None
    }
}

impl RequestId for Assumed {
    fn request_id(&self) -> Option<&str> {
        None
    }
}

/// What all doors lead through: the span, the metrics, and an error that is understood.
///
/// `send` comes boxed: an SDK call is a future of several kilobytes, and every caller up to the handler would carry it.
async fn pass<T: RequestId + Whole, X>(
    operation: Operation,
    scope: Option<&Scope>,
    send: Pin<Box<impl Future<Output = Result<T, X>> + Send>>,
    id_of: impl FnOnce(&X) -> Option<&str>,
    understand: impl FnOnce(Operation, X, &Attempts) -> Failure,
) -> Result<T, Failure> {
    let span = tracing::info_span!(
        "aws",
        otel.name = operation.name,
        aws.service = operation.service,
        aws.operation = operation.name,
        aws.account_id = scope.map(|scope| scope.account.as_str()),
        aws.region = scope.map(|scope| scope.region.as_str()),
        aws.request_id = field::Empty,
        aws.attempts = field::Empty,
        aws.error_code = field::Empty,
    );
    let attempts = Arc::new(Attempts::default());
    let began = Instant::now();
    let answer = attempts.watch(send).instrument(span.clone()).await;
    span.record("aws.attempts", attempts.count());
    let id = match &answer {
        Ok(answer) => answer.request_id(),
        Err(error) => id_of(error),
    };
    let id: Option<Box<str>> = id.map(Into::into);
    if let Some(id) = &id {
        span.record("aws.request_id", &**id);
    }
    let answer = match answer {
        Ok(answer) => match answer.lacks() {
            None => Ok(answer),
            Some(member) => Err(Failure { aws_request_id: id, ..Failure::malformed(operation, member) }),
        },
        Err(error) => {
            let scope = scope.cloned().map(Box::new);
            Err(Failure { scope, ..understand(operation, error, &attempts) })
        }
    };
    record(operation, scope, &span, began.elapsed(), &attempts, answer.as_ref().err());
    answer
}

fn understand<E>(operation: Operation, error: SdkError<E, HttpResponse>, attempts: &Attempts) -> Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let aws_request_id = error.request_id().map(Into::into);
    let (kind, aws_code, message, retry_after) = match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().map_or_else(|| format!("HTTP status {status}"), str::to_owned);
            (classify(code, status), Some(code.into()), message, retry_after(service.raw().headers()))
        }
        SdkError::ResponseError(_) => (FailureKind::Unavailable, None, "the answer could not be read".to_owned(), None),
        SdkError::TimeoutError(_) => (FailureKind::Unavailable, None, "no answer in time".to_owned(), None),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => match (no_credentials(&error), &error) {
            // Credentials are looked for before anything is sent, and their absence arrives as one of these.
            (Some(none), _) => match none.kind {
                FailureKind::Throttled | FailureKind::Unavailable => {
                    let message = format!("credentials could not be had at the moment: {}", none.said);
                    (none.kind, none.aws_code, message, None)
                }
                _ => {
                    let message = format!("there are no usable credentials: {}", none.said);
                    (FailureKind::Credentials, none.aws_code, message, None)
                }
            },
            (None, SdkError::ConstructionFailure(_)) => {
                (FailureKind::Rejected, None, "the request could not be built".to_owned(), None)
            }
            (None, _) => (FailureKind::Unavailable, None, "the service could not be reached".to_owned(), None),
        },
        _ => (FailureKind::Unavailable, None, "the service could not be reached".to_owned(), None),
    };
    let effect = match operation.nature {
        Nature::Read => Effect::None,
        Nature::Write => attempts.effect(),
    };
    Failure {
        operation: operation.name,
        kind,
        effect,
        subject: None,
        retry_after,
        aws_code,
        message,
        scope: None,
        meant: Box::default(),
        done: Box::default(),
        aws_request_id,
        source: Some(Box::new(error)),
    }
}

/// Milliseconds in `x-amz-retry-after`, which the SDK's retries honour too.
fn retry_after(headers: &Headers) -> Option<Duration> {
    headers.get("x-amz-retry-after")?.parse().ok().map(Duration::from_millis)
}

/// Why there are no credentials.
struct NoCredentials {
    /// As [`classify`] takes what STS answers; [`FailureKind::Unavailable`] when who gives them out did not answer;
    /// [`FailureKind::Credentials`] when there are none to be had.
    kind: FailureKind,
    aws_code: Option<Box<str>>,
    said: String,
}

/// Why there are no credentials, if that is the matter.
fn no_credentials(error: &(dyn StdError + 'static)) -> Option<NoCredentials> {
    // The innermost: a role is assumed with credentials, which may be what is wanting.
    let fault = chain(error).filter_map(|cause| cause.downcast_ref::<CredentialsError>()).last()?;
    let answered = chain(fault).find_map(|cause| {
        refusal_of::<AssumeRoleError>(cause).or_else(|| refusal_of::<AssumeRoleWithWebIdentityError>(cause))
    });
    let passing = matches!(fault, CredentialsError::ProviderTimedOut(_))
        || chain(fault).any(|cause| {
            let unanswered = |cause| is_unanswered::<AssumeRoleError>(cause);
            cause.is::<std::io::Error>() || cause.is::<ConnectorError>() || unanswered(cause)
        });
    let unanswered = || NoCredentials {
        kind: if passing { FailureKind::Unavailable } else { FailureKind::Credentials },
        aws_code: None,
        said: if passing { "who gives them out did not answer" } else { "none are to be had" }.to_owned(),
    };
    Some(answered.unwrap_or_else(unanswered))
}

/// What STS answered, if this is such an answer.
fn refusal_of<E>(cause: &(dyn StdError + 'static)) -> Option<NoCredentials>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let SdkError::ServiceError(answer) = cause.downcast_ref::<SdkError<E, HttpResponse>>()? else { return None };
    let (status, code) = (answer.raw().status().as_u16(), answer.err().code());
    Some(NoCredentials {
        kind: classify(code.unwrap_or_default(), status),
        aws_code: code.map(Into::into),
        said: answer.err().message().map_or_else(|| format!("HTTP status {status}"), str::to_owned),
    })
}

/// Whether no answer of STS could be read.
fn is_unanswered<E: StdError + 'static>(cause: &(dyn StdError + 'static)) -> bool {
    let told = cause.downcast_ref::<SdkError<E, HttpResponse>>();
    matches!(told, Some(SdkError::ResponseError(_) | SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)))
}

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_histogram("strongroom.aws.call.duration")
        .with_unit("s")
        .with_description("Time of a call to AWS with all its attempts.")
        .build()
});

static ATTEMPTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.aws.attempts")
        .with_description("Requests sent to AWS, retries included.")
        .build()
});

fn record(
    operation: Operation,
    scope: Option<&Scope>,
    span: &Span,
    took: Duration,
    attempts: &Attempts,
    error: Option<&Failure>,
) {
    let outcome = error.map_or("ok".to_owned(), |error| {
        error.aws_code.as_deref().map_or_else(|| format!("{:?}", error.kind), str::to_owned)
    });
    if error.is_some() {
        span.record("aws.error_code", &outcome);
    }
    tracing::debug!(parent: span, aws.attempts = attempts.count(), elapsed_ms = took.as_millis(), outcome, "called AWS");
    let mut labels =
        vec![KeyValue::new("aws.service", operation.service), KeyValue::new("aws.operation", operation.name)];
    if let Some(Scope { account, region }) = scope {
        labels.push(KeyValue::new("aws.account_id", account.as_str().to_owned()));
        labels.push(KeyValue::new("aws.region", region.as_str().to_owned()));
    }
    ATTEMPTS.add(u64::from(attempts.count()), &labels);
    labels.push(KeyValue::new("outcome", outcome));
    DURATION.record(took.as_secs_f64(), &labels);
}
