//! How long callers are told to wait.

use std::time::Duration;

use tonic::{Status, metadata::MetadataValue};

/// From what is meant up to twice that, never less: AWS or the budget toward it may have told exactly that.
pub(super) fn spread(wait: Duration, roll: f64) -> Duration {
    let wait = wait.min(LONGEST_WAIT);
    wait + wait.mul_f64(roll.clamp(0.0, 1.0))
}

/// Whoever is told to wait longer looks again all the same.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// By what a server tells a client's library when to retry: after so many milliseconds, or with -1 never.
pub(super) const RETRY_PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The same status, for the caller itself: no library is to send the call again.
pub(in crate::rpc) fn of_no_library(mut status: Status) -> Status {
    if status.metadata().contains_key(RETRY_PUSHBACK) {
        status.metadata_mut().insert(RETRY_PUSHBACK, MetadataValue::from_static("-1"));
    }
    status
}
