//! The one door to AWS: every operation is sent here, with its span, its metrics and its error understood.

use std::{
    error::Error as StdError,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
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
    attempts::Attempts,
    error::{Effect, Error, Kind, chain, classify},
};

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

/// Sends an operation. The SDK retries inside, as configured; nobody else does.
pub(super) async fn call<T, E>(
    operation: Operation,
    send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
) -> Result<T, Error>
where
    T: RequestId,
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let span = tracing::info_span!(
        "aws",
        otel.name = operation.name,
        aws.service = operation.service,
        aws.operation = operation.name,
        aws.request_id = field::Empty,
        aws.attempts = field::Empty,
        aws.error_code = field::Empty,
    );
    let attempts = Arc::new(Attempts::default());
    let began = Instant::now();
    // Boxed: an SDK call is a future of several kilobytes, and every caller up to the handler would carry it.
    let answer = attempts.watch(Box::pin(send)).instrument(span.clone()).await;
    span.record("aws.attempts", attempts.count());
    if let Some(id) = answer.request_id() {
        span.record("aws.request_id", id);
    }
    let answer = answer.map_err(|error| understand(operation, error, &attempts));
    record(operation, &span, began.elapsed(), &attempts, answer.as_ref().err());
    answer
}

fn understand<E>(operation: Operation, error: SdkError<E, HttpResponse>, attempts: &Attempts) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let aws_request_id = error.request_id().map(str::to_owned);
    let (kind, aws_code, message, retry_after) = match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().map_or_else(|| format!("HTTP status {status}"), str::to_owned);
            (classify(code, status), Some(code.to_owned()), message, retry_after(service.raw().headers()))
        }
        SdkError::ResponseError(_) => (Kind::Unavailable, None, "the answer could not be read".to_owned(), None),
        SdkError::TimeoutError(_) => (Kind::Unavailable, None, "no answer in time".to_owned(), None),
        // Credentials are looked for before anything is sent, and their absence arrives as one of these.
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_)
            if credentials_fault(&error) == Some(Kind::Credentials) =>
        {
            (Kind::Credentials, None, "there are no usable credentials".to_owned(), None)
        }
        SdkError::ConstructionFailure(_) if credentials_fault(&error).is_some() => {
            (Kind::Unavailable, None, "credentials could not be had at the moment".to_owned(), None)
        }
        SdkError::ConstructionFailure(_) => (Kind::Rejected, None, "the request could not be built".to_owned(), None),
        _ => (Kind::Unavailable, None, "the service could not be reached".to_owned(), None),
    };
    let effect = match operation.nature {
        Nature::Read => Effect::None,
        Nature::Write => attempts.effect(),
    };
    Error {
        operation: operation.name,
        kind,
        effect,
        subject: None,
        retry_after,
        aws_code,
        message,
        aws_request_id,
        obstacles: Vec::new(),
        source: Some(Box::new(error)),
    }
}

/// Milliseconds in `x-amz-retry-after`, which the SDK's retries honour too.
fn retry_after(headers: &Headers) -> Option<Duration> {
    headers.get("x-amz-retry-after")?.parse().ok().map(Duration::from_millis)
}

/// Why there are no credentials, if that is the matter: [`Kind::Credentials`] when a person has to act,
/// [`Kind::Unavailable`] when who gives them out (STS, the instance) did not answer, or throttles.
pub(super) fn credentials_fault(error: &(dyn StdError + 'static)) -> Option<Kind> {
    let fault = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let passing = matches!(fault, CredentialsError::ProviderTimedOut(_))
        || chain(fault).any(|cause| {
            let refused = cause.downcast_ref::<AssumeRoleError>().and_then(|refused| refused.code());
            let throttles = |code| matches!(classify(code, 400), Kind::Throttled | Kind::Unavailable);
            cause.is::<std::io::Error>() || cause.is::<ConnectorError>() || refused.is_some_and(throttles)
        });
    Some(if passing { Kind::Unavailable } else { Kind::Credentials })
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

fn record(operation: Operation, span: &Span, took: Duration, attempts: &Attempts, error: Option<&Error>) {
    let outcome =
        error.map_or("ok".to_owned(), |error| error.aws_code.clone().unwrap_or_else(|| format!("{:?}", error.kind)));
    if error.is_some() {
        span.record("aws.error_code", &outcome);
    }
    tracing::debug!(parent: span, aws.attempts = attempts.count(), elapsed_ms = took.as_millis(), outcome, "called AWS");
    let labels = [
        KeyValue::new("aws.service", operation.service),
        KeyValue::new("aws.operation", operation.name),
        KeyValue::new("outcome", outcome),
    ];
    DURATION.record(took.as_secs_f64(), &labels);
    ATTEMPTS.add(u64::from(attempts.count()), &labels[..2]);
}
