//! The one door to AWS: every operation is sent here, with its span, its metrics and its error understood.

mod understood;

use std::{
    error::Error as StdError,
    fmt::Debug,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use tokio::time::{Instant as Moment, timeout_at};
use tracing::{Instrument, Span, field};

use super::{
    Scoped,
    attempts::Attempts,
    budget::{Asker, Budget, Lane},
    error::Failure,
    flights::{Boarded, Key},
    whole::Whole,
};
use crate::domain::Scope;
use understood::understand;

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

/// A read, as its builder has it: what it asks for, and its sending. The SDK's builders have the two in common by shape
/// alone.
macro_rules! ask {
    ($read:expr) => {{
        let read = $read;
        (read.as_input().clone(), read.send())
    }};
}
pub(super) use ask;

impl Scoped {
    /// The door for what changes something: sends an operation in this scope. The SDK retries inside, as configured; nobody
    /// else does. Nothing that was read before it is told afterwards.
    pub(super) fn call<T, E>(
        &self,
        operation: Operation,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> impl Future<Output = Result<T, Failure>> + Send
    where
        T: RequestId + Whole + Send,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        debug_assert_eq!(operation.nature, Nature::Write, "{}: reads have a door of their own", operation.name);
        let send = Box::pin(send);
        async move {
            let budget = self.clients.budgets.of(operation.service);
            let _lane = turn(budget, operation, Asker::until(self.patience.bound())).await?;
            let attempts = Attempts::until(self.patience.bound()).out_of(Arc::clone(budget));
            let _closes = Closes(self);
            self.patience.sends();
            let (span, scope) = (span(operation, Some(self.scope())), Some(self.scope()));
            let outcome = pass(operation, scope, span, attempts, send, SdkError::request_id, understand).await;
            self.patience.sent(&outcome);
            if outcome.is_ok() {
                self.clients.prove();
            }
            outcome
        }
    }

    /// The door for reads, of what [`ask`] makes of one: an equal one in flight answers it too, if this call may be told
    /// what another asked for.
    pub(super) fn read<'s, I, T, E>(
        &'s self,
        operation: Operation,
        (input, send): (I, impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static),
    ) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 's>>
    where
        I: Debug + PartialEq + Send + 'static,
        T: RequestId + Whole + Clone + Send + Sync + 'static,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        debug_assert_eq!(operation.nature, Nature::Read, "{}: changes are never joined", operation.name);
        let send = Box::pin(send);
        Box::pin(async move {
            let key = Key {
                scope: self.scope().clone(),
                way_in: self.clients.way_in,
                service: operation.service,
                operation: operation.name,
                input: format!("{input:?}"),
            };
            let budget = self.clients.budgets.of(operation.service);
            let asker = Asker::until(self.patience.bound());
            let begin = || {
                let (clients, budget) = (Arc::clone(&self.clients), Arc::clone(budget));
                let span = span(operation, Some(&clients.scope));
                let of_flight = span.clone();
                let flight = async move {
                    // Who joins may wait longer than who began it.
                    let _lane = turn(&budget, operation, asker.without_end()).await?;
                    let (scope, attempts) = (Some(&clients.scope), Attempts::default().out_of(budget));
                    let answer =
                        pass(operation, scope, of_flight, attempts, send, SdkError::request_id, understand).await;
                    if answer.is_ok() {
                        clients.prove();
                    }
                    answer
                };
                (flight, span)
            };
            let boarded = self.aws.flights().board(Moment::now(), key, input, self.freshness, begin);
            boarded.count(operation);
            let (flight, waiting) = match boarded {
                Boarded::Kept(answer) => return Ok(Arc::unwrap_or_clone(answer)),
                Boarded::Sent(flight) => {
                    budget.look(asker).map_err(|wait| Failure::over_budget(operation, self.scope(), wait))?;
                    (flight, Span::current())
                }
                Boarded::Joined(flight, of_flight) => {
                    let span = span(operation, Some(self.scope()));
                    span.record("aws.joined", true);
                    span.follows_from(of_flight.id());
                    (flight, span)
                }
            };
            let landed = async {
                match self.patience.bound() {
                    Some(ends) => timeout_at(ends, flight).await.map_err(|_| Failure::out_of_time(operation)),
                    None => Ok(flight.await),
                }
            };
            landed.instrument(waiting).await?.unwrap_or_else(|panicked| panicked.resume())
        })
    }
}

/// What was read before a change ended is told to nobody who asks after it: its caller would miss what they have just done.
/// Also when nobody sees the end.
struct Closes<'s>(&'s Scoped);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.aws.flights().close(&self.0.scope().account);
    }
}

impl<T> Boarded<T> {
    fn count(&self, operation: Operation) {
        let how = match self {
            Self::Sent(_) => "sent",
            Self::Joined(..) => "joined",
            Self::Kept(_) => "kept",
        };
        let service = KeyValue::new("aws.service", operation.service);
        FLIGHTS.add(1, &[service, KeyValue::new("aws.operation", operation.name), KeyValue::new("how", how)]);
    }
}

/// The door for what is outside any scope: who Strongroom is, and the way into another account.
pub(super) async fn call_outside<T, E>(
    operation: Operation,
    scope: Option<&Scope>,
    paid: Option<(&Arc<Budget>, Asker)>,
    send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
) -> Result<T, Failure>
where
    T: RequestId + Whole + Send,
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let mut attempts = Attempts::default();
    let mut _lane = None;
    if let Some((budget, asker)) = paid {
        _lane = Some(turn(budget, operation, asker).await?);
        attempts = attempts.out_of(Arc::clone(budget));
    }
    let span = span(operation, scope);
    pass(operation, scope, span, attempts, Box::pin(send), SdkError::request_id, understand).await
}

/// Waits for the turn of a call, and until it may be under way.
async fn turn(budget: &Budget, operation: Operation, asker: Asker) -> Result<Lane, Failure> {
    budget.turn(asker).await.map_err(|wait| Failure::over_budget(operation, budget.scope(), wait))?;
    budget.lane(asker).await.ok_or_else(|| Failure::out_of_time(operation))
}

/// The span of a call, or of the wait for another's.
fn span(operation: Operation, scope: Option<&Scope>) -> Span {
    tracing::info_span!(
        "aws",
        otel.name = operation.name,
        aws.service = operation.service,
        aws.operation = operation.name,
        aws.account_id = scope.map(|scope| scope.account.as_str()),
        aws.region = scope.map(|scope| scope.region.as_str()),
        aws.joined = field::Empty,
        aws.request_id = field::Empty,
        aws.attempts = field::Empty,
        aws.error_code = field::Empty,
    )
}

/// What all doors lead through: the span, the metrics, and an error that is understood.
///
/// `send` comes boxed: an SDK call is a future of several kilobytes, and every caller up to the handler would carry it.
async fn pass<T: RequestId + Whole, X>(
    operation: Operation,
    scope: Option<&Scope>,
    span: Span,
    attempts: Attempts,
    send: Pin<Box<impl Future<Output = Result<T, X>> + Send>>,
    id_of: impl FnOnce(&X) -> Option<&str>,
    understand: impl FnOnce(Operation, X, &Attempts) -> Failure,
) -> Result<T, Failure> {
    let attempts = Arc::new(attempts);
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
            let failure = understand(operation, error, &attempts);
            Err(Failure { scope, retry_after: failure.retry_after.or(attempts.too_late_by()), ..failure })
        }
    };
    record(operation, scope, &span, began.elapsed(), &attempts, answer.as_ref().err());
    answer
}

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_histogram("strongroom.aws.call.duration")
        .with_unit("s")
        .with_description("Time of a call to AWS with all its attempts.")
        .build()
});

static FLIGHTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.aws.flights")
        .with_description("Reads of AWS: sent, joined to an equal one in flight, or answered by what was kept of one.")
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
