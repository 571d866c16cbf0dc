//! Which reason a refusal or a failure has, and which code a reason.

use tonic::Code;

use crate::{
    aws::{self, Effect, FailureKind},
    domain::{Noun, Refusal, RefusalKind, Subject},
    proto::ErrorReason,
};

/// The code of a reason: one, so that a caller who knows the reason knows the code. `docs/errors.md` has the same table.
pub fn code_of(reason: ErrorReason) -> Code {
    use ErrorReason as R;
    match reason {
        R::Unspecified | R::Internal => Code::Internal,
        R::InvalidRequest | R::AwsRejectedArgument => Code::InvalidArgument,
        R::VaultNotFound
        | R::PlanNotFound
        | R::SelectionNotFound
        | R::JobNotFound
        | R::RecoveryPointNotFound
        | R::ResourceNotFound
        | R::RoleNotFound
        | R::LegalHoldNotFound
        | R::IncidentNotFound
        | R::ApprovalNotFound => Code::NotFound,
        R::VaultAlreadyExists
        | R::PlanAlreadyExists
        | R::SelectionAlreadyExists
        | R::ResourceAlreadyExists
        | R::RoleAlreadyExists => Code::AlreadyExists,
        R::AwsRejectedState
        | R::VaultNotEmpty
        | R::VaultLocked
        | R::RecoveryPointsHeld
        | R::PlanHasSelections
        | R::NameAmbiguous
        | R::RequestIdReused
        | R::RetryWithoutRequestId
        | R::RegionNotSet
        | R::JobNotCancellable
        | R::RecoveryPointBusy
        | R::RecoveryPointNotDeleted
        | R::RecoveryPointNotChanged
        | R::ResourceTypeNotSupported
        | R::RoleNotAssumable
        | R::PreflightFailed
        | R::AwsCredentials
        | R::AuditNotKept
        | R::PoliciesNotKept
        | R::ApprovalRequired
        | R::ApprovalNotNeeded
        | R::ApprovalClosed
        | R::ApprovalStale
        | R::ScopeNotFollowed
        | R::ResumeTokenExpired
        | R::AccountNotReachable => Code::FailedPrecondition,
        R::EtagMismatch | R::AwsConflict | R::RestorePlanStale => Code::Aborted,
        R::VaultMissingOrDenied
        | R::AwsAccessDenied
        | R::ScopeNotAllowed
        | R::AccessDenied
        | R::SecondPersonRequired => Code::PermissionDenied,
        R::AwsThrottled | R::AwsBudgetSpent | R::AwsQuotaExceeded | R::Overloaded | R::RateLimited => {
            Code::ResourceExhausted
        }
        R::AwsUnavailable
        | R::OutcomeUnknown
        | R::ShuttingDown
        | R::IssuerUnavailable
        | R::AuditUnavailable
        | R::LedgerUnavailable => Code::Unavailable,
        R::CredentialsMissing | R::CredentialsRefused => Code::Unauthenticated,
        R::DeadlineExceeded => Code::DeadlineExceeded,
        R::RequestTooLarge => Code::OutOfRange,
        R::Unimplemented => Code::Unimplemented,
    }
}

/// As it stands in `ErrorInfo.reason`.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

pub(super) fn of_refusal(refusal: &Refusal) -> ErrorReason {
    use ErrorReason as R;
    match refusal.kind {
        RefusalKind::NotFound => missing(refusal.subject.as_ref()),
        RefusalKind::AlreadyExists => there(refusal.subject.as_ref()),
        RefusalKind::Ambiguous => R::NameAmbiguous,
        RefusalKind::RequestIdReused => R::RequestIdReused,
        RefusalKind::EtagMismatch => R::EtagMismatch,
        RefusalKind::Preflight => R::PreflightFailed,
        RefusalKind::State => R::AwsRejectedState,
        RefusalKind::NotEmpty => R::VaultNotEmpty,
        RefusalKind::Locked => R::VaultLocked,
        RefusalKind::Held => R::RecoveryPointsHeld,
        RefusalKind::NotCancellable => R::JobNotCancellable,
        RefusalKind::RoleNotAssumable => R::RoleNotAssumable,
        RefusalKind::NotDeleted => R::RecoveryPointNotDeleted,
        RefusalKind::NotChanged => R::RecoveryPointNotChanged,
        RefusalKind::Conflict => R::AwsConflict,
        RefusalKind::Unsupported => R::ResourceTypeNotSupported,
        RefusalKind::AccountNotReachable => R::AccountNotReachable,
        RefusalKind::ScopeNotAllowed => R::ScopeNotAllowed,
        RefusalKind::NoRegion => R::RegionNotSet,
        RefusalKind::PageToken => R::InvalidRequest,
    }
}

pub(super) fn of_failure(failure: &aws::Failure) -> ErrorReason {
    use ErrorReason as R;
    match failure.kind {
        // AWS compares a token with the request that it stands for: nothing of this one was done, by no attempt.
        FailureKind::RequestIdReused => R::RequestIdReused,
        // Whatever AWS says of the last attempt, nobody saw what came of an earlier one.
        _ if failure.effect == Effect::Unknown => R::OutcomeUnknown,
        FailureKind::Rejected => R::AwsRejectedArgument,
        FailureKind::NotFound => missing(failure.subject.as_ref()),
        FailureKind::MissingOrDenied => R::VaultMissingOrDenied,
        FailureKind::AlreadyExists => there(failure.subject.as_ref()),
        FailureKind::State => R::AwsRejectedState,
        FailureKind::NotEmpty => R::VaultNotEmpty,
        FailureKind::Locked => R::VaultLocked,
        FailureKind::Held => R::RecoveryPointsHeld,
        FailureKind::HasSelections => R::PlanHasSelections,
        FailureKind::NotCancellable => R::JobNotCancellable,
        FailureKind::Busy => R::RecoveryPointBusy,
        FailureKind::Unsupported => R::ResourceTypeNotSupported,
        FailureKind::RoleNotAssumable => R::RoleNotAssumable,
        FailureKind::Conflict => R::AwsConflict,
        FailureKind::Denied => R::AwsAccessDenied,
        FailureKind::Credentials => R::AwsCredentials,
        FailureKind::AccountNotReachable => R::AccountNotReachable,
        FailureKind::Quota => R::AwsQuotaExceeded,
        FailureKind::Throttled
        | FailureKind::OverBudget
        | FailureKind::Unavailable
        | FailureKind::OutOfTime
        | FailureKind::Malformed
            if failure.effect != Effect::None =>
        {
            R::OutcomeUnknown
        }
        FailureKind::Throttled => R::AwsThrottled,
        FailureKind::OverBudget => R::AwsBudgetSpent,
        FailureKind::OutOfTime => R::DeadlineExceeded,
        FailureKind::Unavailable | FailureKind::Malformed => R::AwsUnavailable,
    }
}

fn missing(subject: Option<&Subject>) -> ErrorReason {
    use ErrorReason as R;
    match subject.map(|subject| subject.noun) {
        Some(Noun::Vault) => R::VaultNotFound,
        Some(Noun::Plan) => R::PlanNotFound,
        Some(Noun::Selection) => R::SelectionNotFound,
        Some(Noun::Job) => R::JobNotFound,
        Some(Noun::RecoveryPoint) => R::RecoveryPointNotFound,
        Some(Noun::Role) => R::RoleNotFound,
        Some(Noun::LegalHold) => R::LegalHoldNotFound,
        Some(Noun::Incident) => R::IncidentNotFound,
        Some(Noun::Approval) => R::ApprovalNotFound,
        Some(Noun::Resource | Noun::Policy | Noun::Key | Noun::Topic | Noun::Account) | None => R::ResourceNotFound,
    }
}

fn there(subject: Option<&Subject>) -> ErrorReason {
    use ErrorReason as R;
    match subject.map(|subject| subject.noun) {
        Some(Noun::Vault) => R::VaultAlreadyExists,
        Some(Noun::Plan) => R::PlanAlreadyExists,
        Some(Noun::Selection) => R::SelectionAlreadyExists,
        Some(Noun::Role) => R::RoleAlreadyExists,
        Some(Noun::Resource) => R::ResourceAlreadyExists,
        Some(
            Noun::Job
            | Noun::RecoveryPoint
            | Noun::Policy
            | Noun::Key
            | Noun::Topic
            | Noun::LegalHold
            | Noun::Account
            | Noun::Incident
            | Noun::Approval,
        )
        | None => R::AwsRejectedState,
    }
}
