//! What holds for every call: its place among those worked on, its deadline, that a change runs to its end, and that its
//! `request_id` is told whatever becomes of it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};
use tracing::Instrument as _;

use super::{
    convert::{Change, Changed},
    status::Failure,
};
use crate::{
    aws::{Aws, Effect, Scoped},
    config::ServerConfig,
    domain::{Asked, Invalid, Mode, RequestId},
    lifecycle::Lifecycle,
};

/// Runs the calls of all services.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    aws: Aws,
    slots: Arc<Semaphore>,
    places: u32,
    longest: Duration,
    lifecycle: Lifecycle,
}

impl Calls {
    pub(super) fn new(aws: Aws, config: &ServerConfig, lifecycle: Lifecycle) -> Self {
        Self {
            aws,
            slots: Arc::new(Semaphore::new(config.max_concurrent_requests)),
            // The configuration's bound is far below.
            places: u32::try_from(config.max_concurrent_requests).unwrap_or(u32::MAX),
            longest: config.request_timeout,
            lifecycle,
        }
    }

    /// Answers a call that changes nothing: reads the request, finds its account and region, works. It ends with its
    /// caller's interest.
    pub(super) async fn read<M, T, R, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, T) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Failure>>,
    {
        let answer = |message| async {
            let Asked { scope, places, what, .. } = convert(message)?;
            let aws = self.aws.within_all(scope, places).await?;
            // Boxed, as all work is: several reads side by side make a future of tens of kilobytes.
            Box::pin(work(aws, what)).await
        };
        self.answer(request, answer).await
    }

    /// Answers a call about the server itself, which has no account and region.
    pub(super) async fn answer<M, R, F>(
        &self,
        request: Request<M>,
        work: impl FnOnce(M) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Failure>>,
    {
        let _slot = self.slot()?;
        let deadline = self.deadline(request.metadata());
        Ok(Response::new(cancellable(deadline, work(request.into_inner())).await?))
    }

    /// Answers a call that changes something, or with `validate_only` only checks it. Whatever the answer, it names the
    /// call's `request_id`.
    pub(super) async fn change<M, T, R, F>(
        &self,
        request: Request<M>,
        convert: impl FnOnce(M) -> Result<Asked<T>, Invalid>,
        work: impl FnOnce(Scoped, Asked<T>) -> F,
    ) -> Result<Response<R>, Status>
    where
        M: Change,
        T: Send + 'static,
        R: Changed + Send + 'static,
        F: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let (metadata, _, mut message) = request.into_parts();
        let given = !message.request_id().is_empty();
        if !given {
            message.set_request_id(RequestId::fresh().as_str());
        }
        let request_id = message.request_id().to_owned();
        let asked = || {
            let mut asked = convert(message)?;
            if !given {
                asked.request_id = asked.request_id.of_this_call();
                // Nobody can tell whether what the library tried before was done.
                if asked.mode == Mode::Do && is_retry(&metadata) {
                    return Err(Failure::RetryWithoutRequestId);
                }
            }
            Ok(asked)
        };
        let answer = match asked() {
            Ok(asked) => self.carry_out(&metadata, asked, work).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(mut answer) => {
                answer.tell_request_id(request_id);
                Ok(Response::new(answer))
            }
            Err(failure) => Err(failure.of_change(&request_id)),
        }
    }

    /// tonic drops a handler when its client hangs up, so a change is worked on in a task of its own: it runs to its end,
    /// and shutdown waits for it. A check ends like a read: nothing goes on after it.
    async fn carry_out<T, R, F>(
        &self,
        metadata: &MetadataMap,
        asked: Asked<T>,
        work: impl FnOnce(Scoped, Asked<T>) -> F,
    ) -> Result<R, Failure>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let slot = self.slot()?;
        let deadline = self.deadline(metadata);
        let (began, aws, mode) = (Instant::now(), self.aws.clone(), asked.mode);
        let scoped = async move {
            let aws = aws.within_all(asked.scope.clone(), asked.places.clone()).await?;
            Ok::<_, Failure>((aws.until(began + deadline), asked))
        };
        if mode == Mode::Check {
            let check = async {
                let (aws, asked) = scoped.await?;
                Box::pin(work(aws, asked)).await
            };
            return cancellable(deadline, check).await;
        }
        // The scope is found here and not in the task: until then nothing is changed, so the call may still be given up.
        let Ok(scoped) = tokio::time::timeout(deadline, scoped).await else {
            return Err(Failure::Deadline(Effect::None));
        };
        let (aws, asked) = scoped?;
        let work = Box::pin(work(aws, asked));
        let (tell, told) = oneshot::channel();
        let task = async move {
            let _slot = slot;
            // Nobody may be listening any more; the work is done all the same.
            let _ = tell.send(work.await);
        };
        self.lifecycle.spawn(task.in_current_span());
        match tokio::time::timeout_at(began + deadline, told).await {
            Ok(Ok(answer)) => answer,
            // The task ended without a word: it panicked, or the second stage of shutdown dropped it.
            Ok(Err(_)) if self.lifecycle.hard().is_cancelled() => Err(Failure::CutOff),
            Ok(Err(_)) => Err(Failure::Bug("the work of the call ended without an answer".to_owned())),
            Err(_) => Err(Failure::Deadline(Effect::Unknown)),
        }
    }

    /// Waits until no call is under way. New ones wait meanwhile: for the end of a server.
    pub(super) async fn idle(&self) {
        // Fails only when closed, and nobody closes it.
        let _all = self.slots.acquire_many(self.places).await;
    }

    /// One of the places among the calls worked on at once; refused, not queued, when there is none.
    fn slot(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if self.lifecycle.soft().is_cancelled() {
            return Err(Failure::ShuttingDown);
        }
        Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Failure::Overloaded)
    }

    /// The smaller of ours and the caller's. tonic cancels a call at the caller's deadline without saying why, so ours
    /// comes a little earlier.
    fn deadline(&self, metadata: &MetadataMap) -> Duration {
        let asked = metadata.get("grpc-timeout").and_then(|value| grpc_timeout(value.to_str().ok()?));
        asked.map_or(self.longest, |asked| (asked - asked / 20).min(self.longest))
    }
}

/// Work that may be given up at any time: it changes nothing.
async fn cancellable<R>(deadline: Duration, work: impl Future<Output = Result<R, Failure>>) -> Result<R, Failure> {
    match tokio::time::timeout(deadline, work).await {
        Ok(answer) => answer,
        Err(_) => Err(Failure::Deadline(Effect::None)),
    }
}

/// Whether a client's library sends the call again by itself: gRPC's libraries count that in a header.
fn is_retry(metadata: &MetadataMap) -> bool {
    let before = metadata.get("grpc-previous-rpc-attempts").and_then(|value| value.to_str().ok());
    before.is_some_and(|before| before.parse::<u32>() != Ok(0))
}

/// `grpc-timeout`: at most eight digits and a unit.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        assert_eq!(grpc_timeout("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(grpc_timeout("1500m"), Some(Duration::from_millis(1500)));
        for nonsense in ["", "S", "5", "123456789S", "-1S", "5x", "ß"] {
            assert_eq!(grpc_timeout(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_retry_of_a_library_is_told_by_its_count() {
        let of = |count: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-previous-rpc-attempts", count.parse().unwrap());
            is_retry(&metadata)
        };
        assert!(of("1") && of("3") && of("many"));
        assert!(!of("0") && !is_retry(&MetadataMap::new()));
    }
}
