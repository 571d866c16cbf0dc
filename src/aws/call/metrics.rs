//! What is counted and measured of calls to AWS. No label has words of AWS or of a caller, so that there are so many and no
//! more: operations and outcomes are a closed set, accounts and regions as many as `aws.max_scopes` keeps at a time.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};

use super::Operation;
use crate::{
    aws::{
        attempts::Attempts,
        error::{Failure, FailureKind},
        flights::Boarded,
    },
    domain::Scope,
};

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_histogram("strongroom.aws.call.duration")
        .with_unit("s")
        .with_description("Time of a call to AWS with all its attempts.")
        .build()
});

static CALLS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.aws.calls")
        .with_description("Calls to AWS, by how they ended.")
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

static THROTTLES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.aws.throttles")
        .with_description("Requests that AWS throttled, those included that a retry mended.")
        .build()
});

const SERVICE: &str = "aws.service";
const OPERATION: &str = "aws.operation";
const OUTCOME: &str = "outcome";

/// The labels of a service's calls in a scope; outside any scope the service alone.
pub(in crate::aws) fn labels(service: &'static str, scope: Option<&Scope>) -> Vec<KeyValue> {
    let mut labels = Vec::with_capacity(4);
    labels.push(KeyValue::new(SERVICE, service));
    if let Some(scope) = scope {
        labels.extend(of_scope(scope));
    }
    labels
}

/// The labels of a scope, which cost nothing to copy.
pub(in crate::aws) fn of_scope(Scope { account, region }: &Scope) -> [KeyValue; 2] {
    let shared = |text: &str| Arc::<str>::from(text);
    [KeyValue::new("aws.account_id", shared(account.as_str())), KeyValue::new("aws.region", shared(region.as_str()))]
}

/// A call has ended.
pub(super) fn ended(
    operation: Operation,
    scope: Option<&Scope>,
    took: Duration,
    attempts: &Attempts,
    outcome: &'static str,
) {
    let Operation { service, name, nature: _, waits } = operation;
    if !waits {
        let of_operation =
            [KeyValue::new(SERVICE, service), KeyValue::new(OPERATION, name), KeyValue::new(OUTCOME, outcome)];
        DURATION.record(took.as_secs_f64(), &of_operation);
    }
    let mut labels = labels(service, scope);
    ATTEMPTS.add(u64::from(attempts.count()), &labels);
    // At zero too: what an alert counts the growth of must be there before it grows.
    THROTTLES.add(u64::from(attempts.throttles()), &labels);
    labels.push(KeyValue::new(OUTCOME, outcome));
    CALLS.add(1, &labels);
}

/// How a read is answered.
pub(super) fn boarded<T>(boarded: &Boarded<T>, operation: Operation) {
    let how = match boarded {
        Boarded::Sent(_) => "sent",
        Boarded::Joined(..) => "joined",
        Boarded::Kept(_) => "kept",
    };
    let service = KeyValue::new(SERVICE, operation.service);
    FLIGHTS.add(1, &[service, KeyValue::new(OPERATION, operation.name), KeyValue::new("how", how)]);
}

/// The word for how a call ended. Closed: no code of AWS's own, of which there are hundreds, and more to come.
pub(super) fn outcome(error: Option<&Failure>) -> &'static str {
    let Some(error) = error else { return "ok" };
    match error.kind {
        FailureKind::Rejected => "rejected",
        FailureKind::NotFound => "not_found",
        FailureKind::MissingOrDenied => "missing_or_denied",
        FailureKind::AlreadyExists => "already_exists",
        FailureKind::State => "state",
        FailureKind::NotEmpty => "not_empty",
        FailureKind::Locked => "locked",
        FailureKind::Held => "held",
        FailureKind::HasSelections => "has_selections",
        FailureKind::NotCancellable => "not_cancellable",
        FailureKind::Busy => "busy",
        FailureKind::Unsupported => "unsupported",
        FailureKind::RoleNotAssumable => "role_not_assumable",
        FailureKind::RequestIdReused => "request_id_reused",
        FailureKind::Conflict => "conflict",
        FailureKind::Denied => "denied",
        FailureKind::Credentials => "credentials",
        FailureKind::AccountNotReachable => "account_not_reachable",
        FailureKind::Throttled => "throttled",
        FailureKind::OverBudget => "over_budget",
        FailureKind::Quota => "quota",
        FailureKind::Unavailable => "unavailable",
        FailureKind::OutOfTime => "out_of_time",
        FailureKind::Malformed => "malformed",
    }
}
