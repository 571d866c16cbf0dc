//! What the log keeps of a failure: once, with its chain, at the level of who has to act.

use super::reasons::reason_name;
use crate::{
    aws::{self, FailureKind},
    domain::{Refusal, RefusalKind},
    proto::ErrorReason,
};

pub(super) fn refusal(refusal: &Refusal, reason: ErrorReason) {
    let (reason, said) = (reason_name(reason), &refusal.message);
    match refusal.kind {
        RefusalKind::AccountNotReachable | RefusalKind::NoRegion => {
            tracing::warn!(reason, said, "the configuration does not let it");
        }
        RefusalKind::AlreadyExists
        | RefusalKind::State
        | RefusalKind::RequestIdReused
        | RefusalKind::EtagMismatch
        | RefusalKind::Conflict
        | RefusalKind::RoleNotAssumable
        | RefusalKind::NotDeleted
        | RefusalKind::NotChanged => tracing::info!(reason, said, "refused"),
        RefusalKind::NotFound
        | RefusalKind::Ambiguous
        | RefusalKind::Preflight
        | RefusalKind::NotEmpty
        | RefusalKind::Locked
        | RefusalKind::Held
        | RefusalKind::NotCancellable
        | RefusalKind::Unsupported
        | RefusalKind::ScopeNotAllowed
        | RefusalKind::PageToken => tracing::debug!(reason, said, "refused"),
    }
}

pub(super) fn failure(error: &aws::Failure, reason: ErrorReason) {
    let chain = aws::chain(error).skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let (reason, operation, aws_code) = (reason_name(reason), error.operation, error.aws_code.as_deref());
    let (aws_request_id, said) = (error.aws_request_id.as_deref(), &error.message);
    match error.kind {
        FailureKind::Malformed => {
            tracing::error!(reason, operation, aws_code, aws_request_id, said, chain, "AWS answered what cannot be");
        }
        // It is remembered, and was logged when it was seen.
        FailureKind::AccountNotReachable if error.source.is_none() => {
            tracing::debug!(reason, operation, aws_code, said, "refused");
        }
        FailureKind::Denied
        | FailureKind::MissingOrDenied
        | FailureKind::Credentials
        | FailureKind::AccountNotReachable
        | FailureKind::Throttled
        | FailureKind::OverBudget
        | FailureKind::Quota
        | FailureKind::Unavailable => {
            tracing::warn!(reason, operation, aws_code, aws_request_id, said, chain, "AWS did not do it");
        }
        FailureKind::Rejected
        | FailureKind::State
        | FailureKind::AlreadyExists
        | FailureKind::Conflict
        | FailureKind::RequestIdReused
        | FailureKind::RoleNotAssumable => {
            tracing::info!(reason, operation, aws_code, aws_request_id, said, chain, "AWS refused");
        }
        FailureKind::NotFound
        | FailureKind::NotEmpty
        | FailureKind::Locked
        | FailureKind::Held
        | FailureKind::HasSelections
        | FailureKind::NotCancellable
        | FailureKind::Busy
        | FailureKind::OutOfTime
        | FailureKind::Unsupported => {
            tracing::debug!(reason, operation, aws_code, aws_request_id, said, chain, "refused");
        }
    }
}
