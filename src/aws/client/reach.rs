//! Whether AWS can be reached in each account and region whose clients are kept, as of the last call there: for the metrics
//! alone. Nothing is asked of AWS to find out.

use std::sync::{
    Weak,
    atomic::{AtomicU8, Ordering},
};

use opentelemetry::global;

use super::{Clients, Inner};
use crate::aws::{
    call::of_scope,
    error::{Failure, FailureKind},
};

const UNKNOWN: u8 = 0;
const NOT: u8 = 1;
const REACHED: u8 = 2;

/// As of the last call.
#[derive(Debug, Default)]
pub(super) struct Reach(AtomicU8);

impl Reach {
    /// A call ended so.
    pub(super) fn hear(&self, failure: Option<&Failure>) {
        let reach = match failure.map(|failure| failure.kind) {
            Some(FailureKind::Unavailable | FailureKind::Credentials | FailureKind::AccountNotReachable) => NOT,
            // It was not sent, or not waited for.
            Some(FailureKind::OverBudget | FailureKind::OutOfTime) => return,
            // Whatever AWS said, it has answered.
            Some(_) | None => REACHED,
        };
        self.0.store(reach, Ordering::Relaxed);
    }
}

impl Clients {
    /// AWS has done what was asked for with them, or has not.
    pub(in crate::aws) fn hear<T>(&self, outcome: &Result<T, Failure>) {
        self.reach.hear(outcome.as_ref().err());
        if outcome.is_ok() {
            self.prove();
        }
    }
}

/// Tells of it from now on, as long as there is somebody who asks AWS.
pub(super) fn observe(aws: Weak<Inner>) {
    let meter = global::meter("strongroom");
    let kept = aws.clone();
    meter
        .u64_observable_gauge("strongroom.aws.scopes")
        .with_description("Accounts and regions whose clients are kept.")
        .with_callback(move |seen| {
            if let Some(aws) = kept.upgrade() {
                seen.observe(aws.clients.all().len() as u64, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("strongroom.aws.scope.reachable")
        .with_description(
            "Whether AWS answered the last call in an account and region: 1, or 0 where it did not or let nobody in.",
        )
        .with_callback(move |seen| {
            for clients in aws.upgrade().iter().flat_map(|aws| aws.clients.all()) {
                let reach = clients.reach.0.load(Ordering::Relaxed);
                if reach != UNKNOWN {
                    seen.observe(u64::from(reach == REACHED), &of_scope(&clients.scope));
                }
            }
        })
        .build();
}
