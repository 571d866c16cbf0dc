//! What holds for every call: its place among those worked on, its deadline, and that a change runs to its end.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};
use tracing::Instrument as _;

use super::status::Failure;
use crate::{aws::Effect, config::ServerConfig, lifecycle::Lifecycle};

/// Runs the calls of all services.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    slots: Arc<Semaphore>,
    places: u32,
    longest: Duration,
    lifecycle: Lifecycle,
}

impl Calls {
    pub(super) fn new(config: &ServerConfig, lifecycle: Lifecycle) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(config.max_concurrent_requests)),
            // The configuration's bound is far below.
            places: u32::try_from(config.max_concurrent_requests).unwrap_or(u32::MAX),
            longest: config.request_timeout,
            lifecycle,
        }
    }

    /// Answers a call that changes nothing. It ends with its caller's interest.
    pub(super) async fn read<M, R, F>(
        &self,
        request: Request<M>,
        work: impl FnOnce(M) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Failure>>,
    {
        let _slot = self.slot()?;
        let deadline = self.deadline(request.metadata());
        match tokio::time::timeout(deadline, work(request.into_inner())).await {
            Ok(answer) => Ok(Response::new(answer?)),
            Err(_) => Err(Failure::Deadline(Effect::None).into()),
        }
    }

    /// Answers a call that changes something. tonic drops a handler when its client hangs up, so the work is done in a
    /// task of its own: a change runs to its end, and shutdown waits for it.
    pub(super) async fn change<M, R, F>(
        &self,
        request: Request<M>,
        work: impl FnOnce(M) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Failure>> + Send + 'static,
        R: Send + 'static,
    {
        let slot = self.slot()?;
        let deadline = self.deadline(request.metadata());
        let work = work(request.into_inner());
        let (tell, told) = oneshot::channel();
        let task = async move {
            let _slot = slot;
            // Nobody may be listening any more; the work is done all the same.
            let _ = tell.send(work.await);
        };
        self.lifecycle.spawn(task.in_current_span());
        match tokio::time::timeout(deadline, told).await {
            Ok(Ok(answer)) => Ok(Response::new(answer?)),
            // The task ended without a word: it panicked, or the second stage of shutdown dropped it.
            Ok(Err(_)) if self.lifecycle.hard().is_cancelled() => Err(Failure::CutOff.into()),
            Ok(Err(_)) => Err(Failure::Bug("the work of the call ended without an answer".to_owned()).into()),
            Err(_) => Err(Failure::Deadline(Effect::Unknown).into()),
        }
    }

    /// Answers a call that changes something unless it is a dry run, which ends like a read: nothing goes on after it.
    pub(super) async fn change_unless<M, R, F>(
        &self,
        dry_run: bool,
        request: Request<M>,
        work: impl FnOnce(M) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Failure>> + Send + 'static,
        R: Send + 'static,
    {
        if dry_run {
            // Boxed: the other branch holds its work in a task.
            Box::pin(self.read(request, work)).await
        } else {
            self.change(request, work).await
        }
    }

    /// When a change that goes in steps says how far it came: at three quarters of its time, so that the steps under way
    /// can end.
    pub(super) fn stop_by(&self, metadata: &MetadataMap) -> Instant {
        Instant::now() + self.deadline(metadata) * 3 / 4
    }

    /// Waits until no call is under way. New ones wait meanwhile: for the end of a server.
    pub(super) async fn idle(&self) {
        // Fails only when closed, and nobody closes it.
        let _all = self.slots.acquire_many(self.places).await;
    }

    /// One of the places among the calls worked on at once; refused, not queued, when there is none.
    fn slot(&self) -> Result<OwnedSemaphorePermit, Status> {
        if self.lifecycle.soft().is_cancelled() {
            return Err(Failure::ShuttingDown.into());
        }
        Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Failure::Overloaded.into())
    }

    /// The smaller of ours and the caller's. tonic cancels a call at the caller's deadline without saying why, so ours
    /// comes a little earlier.
    fn deadline(&self, metadata: &MetadataMap) -> Duration {
        let asked = metadata.get("grpc-timeout").and_then(|value| grpc_timeout(value.to_str().ok()?));
        asked.map_or(self.longest, |asked| (asked - asked / 20).min(self.longest))
    }
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
}
