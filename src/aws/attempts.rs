//! What the SDK did inside a call: how often it tried, and whether an attempt's outcome was never seen. Every attempt but the
//! first, which waits for its turn at the door, is paid for here.

mod retries;

use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

use super::{
    budget::Budget,
    clock::AwsClock,
    error::{Effect, chain},
};
use retries::is_throttled;
pub(super) use retries::{QuotaIsFinal, ThrottledWaits, retry_after};

tokio::task_local! {
    /// The attempts of the call under way. The SDK runs its interceptors in the task that sends.
    static CURRENT: Arc<Attempts>;
}

/// The attempts of one call.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// None begins after that.
    until: Option<Instant>,
    /// What they are paid for out of.
    budget: Option<Arc<Budget>>,
    count: AtomicU32,
    /// How many of them AWS throttled.
    throttles: AtomicU32,
    /// The HTTP status of the last answer; 0: there was none.
    status: AtomicU16,
    /// The last answer was that AWS is asked too much.
    throttled: AtomicBool,
    /// The next attempt has had its turn.
    paid: AtomicBool,
    /// Milliseconds after which the next attempt would have had its turn, where that was too late.
    too_late_by: AtomicU64,
    /// Sent, and no outcome seen yet. Stays set when a time-out cuts the whole call.
    in_flight: AtomicBool,
    /// At least one attempt was sent and ended without an answer that tells its outcome.
    outcome_unseen: AtomicBool,
}

/// An attempt was not begun, because its caller's patience had ended.
#[derive(Debug, thiserror::Error)]
#[error("the deadline of the call had passed")]
pub(super) struct TooLate;

impl Attempts {
    /// Of a call whose caller waits until then, if that is said.
    pub(super) fn until(until: Option<Instant>) -> Self {
        Self { until, ..Self::default() }
    }

    /// Paid for out of this.
    pub(super) fn out_of(self, budget: Arc<Budget>) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// Counts an attempt that is about to begin, unless it is too late for it.
    fn begin(&self) -> Result<(), TooLate> {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            return Err(TooLate);
        }
        let repeats = self.count.fetch_add(1, Ordering::Relaxed) > 0;
        if repeats && !self.paid.swap(false, Ordering::Relaxed) {
            // What failed otherwise is sent again when the SDK wants it; then others wait for it.
            self.budget.as_ref().map(|budget| budget.again(Duration::from_secs(1)));
        }
        Ok(())
    }

    /// AWS has answered an attempt.
    fn answered(&self, status: u16, throttled: bool) {
        self.status.store(status, Ordering::Relaxed);
        self.throttles.fetch_add(u32::from(throttled), Ordering::Relaxed);
        self.throttled.store(throttled, Ordering::Relaxed);
        if let Some(budget) = &self.budget {
            budget.answered(throttled);
        }
    }

    /// Whether an attempt that was throttled is repeated, and when; absent where it was not, or was the last one. The pause
    /// is at least the `backoff` after so many attempts.
    fn retry_throttled(&self, most: u32, longest: Duration, backoff: impl FnOnce(u32) -> Duration) -> Option<Retry> {
        let before = self.count();
        let budget = self.budget.as_ref().filter(|_| self.throttled.load(Ordering::Relaxed) && before < most)?;
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        match budget.again(left.map_or(longest, |left| left.min(longest))) {
            Ok(turn) => {
                self.paid.store(true, Ordering::Relaxed);
                Some(Retry::After(turn.max(backoff(before))))
            }
            Err(wait) => {
                let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                self.too_late_by.store(wait, Ordering::Relaxed);
                Some(Retry::TooLate)
            }
        }
    }

    /// After how long a further attempt would have had its turn, where it was not made for that.
    pub(super) fn too_late_by(&self) -> Option<Duration> {
        Some(self.too_late_by.load(Ordering::Relaxed)).filter(|wait| *wait > 0).map(Duration::from_millis)
    }

    /// Runs a call so that its attempts are counted here.
    pub(super) async fn watch<F: Future>(self: &Arc<Self>, call: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), call).await
    }

    /// How many there were.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// How many of them AWS throttled.
    pub(super) fn throttles(&self) -> u32 {
        self.throttles.load(Ordering::Relaxed)
    }

    /// The HTTP status of the last answer.
    pub(super) fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|status| *status > 0)
    }

    /// The worst over all attempts: a throttle answered to the second says nothing of the first, which timed out.
    pub(super) fn effect(&self) -> Effect {
        let unseen = self.in_flight.load(Ordering::Relaxed) || self.outcome_unseen.load(Ordering::Relaxed);
        if unseen { Effect::Unknown } else { Effect::None }
    }
}

/// What becomes of an attempt that AWS has throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    After(Duration),
    TooLate,
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
        // Without a call there is nobody who waits.
        CURRENT.try_with(|attempts| attempts.begin()).unwrap_or(Ok(()))?;
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
        let throttled = context.response().map(is_throttled);
        let _ = CURRENT.try_with(|attempts| {
            if let (Some(status), Some(throttled)) = (status, throttled) {
                attempts.answered(status, throttled);
            }
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
