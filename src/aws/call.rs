//! The one door to AWS: every operation is sent here, with its span, its metrics and its error understood.

mod metrics;
mod understood;

use std::{
    error::Error as StdError,
    fmt::Debug,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
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
pub(super) use metrics::{labels, of_scope};
use understood::understand;

/// An operation of AWS, in AWS's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// `backup`, `iam`, `kms`, `rds`, `sqs`, `sts` or `tagging`.
    pub(super) service: &'static str,
    /// Such as `CreateBackupVault`.
    pub(super) name: &'static str,
    /// Whether it changes anything: only then can an outcome be unknown.
    pub(super) nature: Nature,
    /// Whether AWS waits with its answer until there is something to tell: how long that takes says nothing.
    pub(super) waits: bool,
}

/// Whether an operation changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Read,
    Write,
}

impl Operation {
    pub(super) const fn read(service: &'static str, name: &'static str) -> Self {
        Self { service, name, nature: Nature::Read, waits: false }
    }

    pub(super) const fn wait(service: &'static str, name: &'static str) -> Self {
        Self { service, name, nature: Nature::Read, waits: true }
    }

    pub(super) const fn write(service: &'static str, name: &'static str) -> Self {
        Self { service, name, nature: Nature::Write, waits: false }
    }
}

/// A read, as its builder has it: what it asks for, and its sending. The SDK's builders have the two in common by shape
/// alone. The sending is begun when its turn comes: until then it would be a future of ten kilobytes for each who waits.
macro_rules! ask {
    ($read:expr) => {{
        let read = $read;
        (read.as_input().clone(), move || read.send())
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
            let _lane = turn(budget, operation, self.asker()).await?;
            let attempts = Attempts::until(self.patience.bound()).out_of(Arc::clone(budget));
            let _closes = Closes(self);
            self.patience.sends();
            let (span, scope) = (span(operation, Some(self.scope())), Some(self.scope()));
            let outcome = pass(operation, scope, span, attempts, send, SdkError::request_id, understand).await;
            self.patience.sent(&outcome);
            self.clients.hear(&outcome);
            self.note(operation, &outcome);
            outcome
        }
    }

    /// The door for reads, of what [`ask`] makes of one: an equal one in flight answers it too, if this call may be told
    /// what another asked for.
    pub(super) fn read<'s, I, F, T, E>(
        &'s self,
        operation: Operation,
        (input, send): (I, impl FnOnce() -> F + Send + 'static),
    ) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 's>>
    where
        I: Debug + PartialEq + Send + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
        T: RequestId + Whole + Clone + Send + Sync + 'static,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        debug_assert_eq!(operation.nature, Nature::Read, "{}: changes are never joined", operation.name);
        Box::pin(async move {
            let key = Key {
                scope: self.scope().clone(),
                way_in: self.clients.way_in,
                service: operation.service,
                operation: operation.name,
                input: format!("{input:?}"),
            };
            let budget = self.clients.budgets.of(operation.service);
            let asker = self.asker();
            let begin = || {
                let (clients, budget) = (Arc::clone(&self.clients), Arc::clone(budget));
                let span = span(operation, Some(&clients.scope));
                let of_flight = span.clone();
                let flight = async move {
                    // Who joins may wait longer than who began it.
                    let _lane = turn(&budget, operation, asker.without_end()).await?;
                    let (scope, attempts) = (Some(&clients.scope), Attempts::default().out_of(budget));
                    let answer =
                        pass(operation, scope, of_flight, attempts, Box::pin(send()), SdkError::request_id, understand)
                            .await;
                    clients.hear(&answer);
                    answer
                };
                (flight, span)
            };
            let boarded = self.aws.flights().board(Moment::now(), key, input, self.freshness, begin);
            metrics::boarded(&boarded, operation);
            let (flight, waiting) = match boarded {
                Boarded::Kept(answer) => {
                    self.patience.note(operation.nature, answer.request_id());
                    return Ok(Arc::unwrap_or_clone(answer));
                }
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
            let answer = landed.instrument(waiting).await?.unwrap_or_else(|panicked| panicked.resume());
            self.note(operation, &answer);
            answer
        })
    }

    /// For the line of the call on whose behalf it was sent.
    fn note<T: RequestId>(&self, operation: Operation, outcome: &Result<T, Failure>) {
        let id = match outcome {
            Ok(answer) => answer.request_id(),
            Err(failure) => failure.aws_request_id.as_deref(),
        };
        self.patience.note(operation.nature, id);
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

/// The door for what is outside any scope: who Strongroom is, and the way into another account. Without a type of its own:
/// every call may come to it, and would carry that.
pub(super) fn call_outside<'s, T, E>(
    operation: Operation,
    scope: Option<&'s Scope>,
    paid: Option<(&'s Arc<Budget>, Asker)>,
    send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 's,
) -> Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 's>>
where
    T: RequestId + Whole + Send + 's,
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let send = Box::pin(send);
    Box::pin(async move {
        let mut attempts = Attempts::default();
        let mut _lane = None;
        if let Some((budget, asker)) = paid {
            _lane = Some(turn(budget, operation, asker).await?);
            attempts = attempts.out_of(Arc::clone(budget));
        }
        let span = span(operation, scope);
        pass(operation, scope, span, attempts, send, SdkError::request_id, understand).await
    })
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
        otel.kind = "client",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        rpc.system.name = "aws-api",
        aws.service = operation.service,
        aws.operation = operation.name,
        aws.account_id = scope.map(|scope| scope.account.as_str()),
        aws.region = scope.map(|scope| scope.region.as_str()),
        aws.joined = field::Empty,
        aws.request_id = field::Empty,
        aws.attempts = field::Empty,
        aws.error_code = field::Empty,
        http.response.status_code = field::Empty,
        "error.type" = field::Empty,
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
    span.record("aws.attempts", i64::from(attempts.count()));
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

fn record(
    operation: Operation,
    scope: Option<&Scope>,
    span: &Span,
    took: Duration,
    attempts: &Attempts,
    error: Option<&Failure>,
) {
    let outcome = metrics::outcome(error);
    // Signed: what has no sign would become text in a trace.
    span.record("http.response.status_code", attempts.status().map(i64::from));
    if let Some(error) = error {
        span.record("error.type", outcome);
        span.record("aws.error_code", error.aws_code.as_deref());
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", outcome);
    }
    let code = error.and_then(|error| error.aws_code.as_deref());
    span.in_scope(|| {
        let (attempts, elapsed_ms) = (attempts.count(), took.as_millis());
        tracing::debug!(aws.attempts = attempts, aws.error_code = code, elapsed_ms, outcome, "called AWS");
    });
    metrics::ended(operation, scope, took, attempts, outcome);
}
