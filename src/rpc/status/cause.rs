//! What the log is told of a failure and its client is not: its chain of causes, AWS's own words, and who has to act. It goes
//! with the `Status`, for the one line of the call.

use std::{error::Error, fmt};

use tracing::Level;

use super::reasons::reason_name;
use crate::{
    aws::{self, Effect, FailureKind},
    domain::{Refusal, RefusalKind},
    proto::ErrorReason,
};

/// Carried within a `Status`, as its source.
#[derive(Debug)]
pub(in crate::rpc) struct Cause {
    /// By who has to act: somebody on this program, the operator, or the caller.
    pub(in crate::rpc) level: Level,
    pub(in crate::rpc) reason: &'static str,
    /// The operation of AWS that failed.
    pub(in crate::rpc) operation: Option<&'static str>,
    pub(in crate::rpc) aws_code: Option<Box<str>>,
    pub(in crate::rpc) aws_request_id: Option<Box<str>>,
    /// Whether a change may have happened all the same, where AWS was asked for one.
    pub(in crate::rpc) effect: Option<&'static str>,
    /// By what the client was told to ask for this line.
    pub(in crate::rpc) correlation_id: Option<String>,
    /// In whole what the client was told shortened; blank: that.
    pub(in crate::rpc) said: String,
    /// What lies below; blank: nothing.
    pub(in crate::rpc) chain: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for Cause {}

impl Cause {
    /// Of what has nothing to tell but its reason.
    pub(super) fn of(reason: ErrorReason) -> Self {
        let level = match reason {
            ErrorReason::Internal => Level::ERROR,
            // The server has less than its callers ask of it, or nobody saw what became of a change.
            ErrorReason::Overloaded
            | ErrorReason::OutcomeUnknown
            | ErrorReason::IssuerUnavailable
            | ErrorReason::AuditUnavailable
            | ErrorReason::LedgerUnavailable => Level::WARN,
            _ => Level::INFO,
        };
        Self {
            level,
            reason: reason_name(reason),
            operation: None,
            aws_code: None,
            aws_request_id: None,
            effect: None,
            correlation_id: None,
            said: String::new(),
            chain: String::new(),
        }
    }

    pub(super) fn of_refusal(refusal: &Refusal, reason: ErrorReason) -> Self {
        let level = match refusal.kind {
            // The configuration does not let it.
            RefusalKind::AccountNotReachable | RefusalKind::NoRegion => Level::WARN,
            RefusalKind::AlreadyExists
            | RefusalKind::State
            | RefusalKind::RequestIdReused
            | RefusalKind::EtagMismatch
            | RefusalKind::Conflict
            | RefusalKind::RoleNotAssumable
            | RefusalKind::NotDeleted
            | RefusalKind::NotChanged
            | RefusalKind::NotFound
            | RefusalKind::Ambiguous
            | RefusalKind::Preflight
            | RefusalKind::NotEmpty
            | RefusalKind::Locked
            | RefusalKind::Held
            | RefusalKind::NotCancellable
            | RefusalKind::Unsupported
            | RefusalKind::ScopeNotAllowed
            | RefusalKind::PageToken => Level::INFO,
        };
        Self { level, said: refusal.message.clone(), ..Self::of(reason) }
    }

    pub(super) fn of_failure(failure: &aws::Failure, reason: ErrorReason) -> Self {
        let level = match failure.kind {
            // AWS answered what cannot be.
            FailureKind::Malformed => Level::ERROR,
            // It is remembered, and was logged when it was seen.
            FailureKind::AccountNotReachable if failure.source.is_none() => Level::INFO,
            FailureKind::Denied
            | FailureKind::MissingOrDenied
            | FailureKind::Credentials
            | FailureKind::AccountNotReachable
            | FailureKind::Throttled
            | FailureKind::OverBudget
            | FailureKind::Quota
            | FailureKind::Unavailable => Level::WARN,
            FailureKind::Rejected
            | FailureKind::State
            | FailureKind::AlreadyExists
            | FailureKind::Conflict
            | FailureKind::RequestIdReused
            | FailureKind::RoleNotAssumable
            | FailureKind::NotFound
            | FailureKind::NotEmpty
            | FailureKind::Locked
            | FailureKind::Held
            | FailureKind::HasSelections
            | FailureKind::NotCancellable
            | FailureKind::Busy
            | FailureKind::OutOfTime
            | FailureKind::Unsupported => Level::INFO,
        };
        let effect = match failure.effect {
            Effect::None => "none",
            Effect::Partly => "partly",
            Effect::Unknown => "unknown",
        };
        Self {
            level,
            operation: Some(failure.operation),
            aws_code: failure.aws_code.clone(),
            aws_request_id: failure.aws_request_id.clone(),
            effect: Some(effect),
            said: failure.message.clone(),
            chain: aws::chain(failure).skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": "),
            ..Self::of(reason)
        }
    }
}
