//! What the SDK did inside a call: how often it tried, and whether an attempt's outcome was never seen.

use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext},
            dyn_dispatch_hint,
        },
        retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use super::{
    clock::AwsClock,
    error::{Effect, chain},
};

tokio::task_local! {
    /// The attempts of the call under way. The SDK runs its interceptors in the task that sends.
    static CURRENT: Arc<Attempts>;
}

/// The attempts of one call.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    count: AtomicU32,
    /// Sent, and no outcome seen yet. Stays set when a time-out cuts the whole call.
    in_flight: AtomicBool,
    /// At least one attempt was sent and ended without an answer that tells its outcome.
    outcome_unseen: AtomicBool,
}

impl Attempts {
    /// Runs a call so that its attempts are counted here.
    pub(super) async fn watch<F: Future>(self: &Arc<Self>, call: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), call).await
    }

    /// How many there were.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// The worst over all attempts: a throttle answered to the second says nothing of the first, which timed out.
    pub(super) fn effect(&self) -> Effect {
        let unseen = self.in_flight.load(Ordering::Relaxed) || self.outcome_unseen.load(Ordering::Relaxed);
        if unseen { Effect::Unknown } else { Effect::None }
    }
}

/// Writes down every attempt of every client, and what time AWS says it is.
#[derive(Debug, Clone)]
pub(super) struct AttemptLog {
    pub(super) clock: Arc<AwsClock>,
}

#[dyn_dispatch_hint]
impl Intercept for AttemptLog {
    fn name(&self) -> &'static str {
        "AttemptLog"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = CURRENT.try_with(|attempts| attempts.count.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = CURRENT.try_with(|attempts| attempts.in_flight.store(true, Ordering::Relaxed));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().map(|response| response.status().as_u16());
        self.clock.hear(context.response().and_then(|response| response.headers().get("date")));
        let failed = context.output_or_error().and_then(Result::err);
        let never_arrived = failed.is_some_and(|error| connection_refused(error));
        // An answer of the service tells the outcome, unless it is a 5xx or its body cannot be read.
        let seen = match (status, failed) {
            (Some(status), Some(error)) => status < 500 && error.is_operation_error(),
            (Some(_), None) => true,
            (None, _) => never_arrived,
        };
        let _ = CURRENT.try_with(|attempts| {
            let sent = attempts.in_flight.swap(false, Ordering::Relaxed);
            if sent && !seen {
                attempts.outcome_unseen.store(true, Ordering::Relaxed);
            }
        });
        Ok(())
    }
}

/// Nobody listened: the request cannot have had an effect.
fn connection_refused(error: &(dyn StdError + 'static)) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Forbids the retry of `LimitExceededException`. The SDK takes it for throttling; for AWS Backup it is a quota, and
/// three attempts at a quota cost three calls of everybody's rate.
#[derive(Debug)]
pub(super) struct QuotaIsFinal;

impl ClassifyRetry for QuotaIsFinal {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context.response().and_then(|response| response.headers().get("x-amzn-errortype"));
        match code {
            Some(code) if code.starts_with("LimitExceededException") => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "QuotaIsFinal"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::modeled_as_retryable_classifier())
    }
}
