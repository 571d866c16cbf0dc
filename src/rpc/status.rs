//! The one place where a failure becomes a `Status`: code, reason, details, and what the log keeps.

use std::{collections::BTreeMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, StatusExt};
use uuid::Uuid;

use crate::{
    aws::{self, Effect, Kind, Noun},
    domain::{Arn, Finding, Invalid},
    proto::ErrorReason,
};

/// `domain` of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "strongroom";

/// Where the reasons are explained.
const HELP: &str = "https://github.com/strongroom/strongroom/blob/main/docs/errors.md";

/// Most bytes of violations in one answer. Details travel in a header, twice as long by their encoding, and gRPC
/// clients refuse headers over 8 KiB.
const MOST_VIOLATION_BYTES: usize = 3_000;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request has faults.
    Invalid(Invalid),
    /// AWS did not do it.
    Aws(aws::Error),
    /// More calls are under way than the server works on at once.
    Overloaded,
    /// Shutdown has begun.
    ShuttingDown,
    /// The deadline passed; a change goes on all the same.
    Deadline(Effect),
    /// The second stage of shutdown dropped the work.
    CutOff,
    /// The restore token stands for another restore than its recovery point makes by now.
    StalePlan(Arn),
    /// A fault of Strongroom.
    Bug(String),
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<aws::Error> for Failure {
    fn from(error: aws::Error) -> Self {
        Self::Aws(error)
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(invalid) => refuse(invalid),
            Failure::Aws(error) => explain(&error),
            Failure::Overloaded => answer(
                ErrorReason::Overloaded,
                "the server works on as many calls as it may: try again in a second",
                BTreeMap::new(),
                ErrorDetails::with_retry_info(Some(Duration::from_secs(1))),
            ),
            Failure::ShuttingDown => answer(
                ErrorReason::ShuttingDown,
                "the server is shutting down: connect again",
                BTreeMap::new(),
                ErrorDetails::with_retry_info(Some(Duration::ZERO)),
            ),
            Failure::Deadline(Effect::None) => answer(
                ErrorReason::DeadlineExceeded,
                "the deadline of the call passed before AWS answered; nothing was changed",
                BTreeMap::new(),
                ErrorDetails::new(),
            ),
            Failure::Deadline(Effect::Unknown) => {
                outcome_unknown("the deadline of the call passed; the change goes on")
            }
            Failure::CutOff => outcome_unknown("the server was stopped in the middle of the change"),
            Failure::StalePlan(recovery_point) => answer(
                ErrorReason::RestorePlanStale,
                &format!("recovery point {recovery_point} has changed since the restore was planned: plan again"),
                BTreeMap::new(),
                ErrorDetails::new(),
            ),
            Failure::Bug(what) => {
                let correlation = Uuid::new_v4().to_string();
                tracing::error!(correlation, what, "a fault of Strongroom");
                let metadata = BTreeMap::from([("correlation_id".to_owned(), correlation.clone())]);
                let text = format!("a fault of Strongroom; its log tells more under correlation id {correlation}");
                answer(ErrorReason::Internal, &text, metadata, ErrorDetails::new())
            }
        }
    }
}

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
        | R::RoleNotFound => Code::NotFound,
        R::VaultAlreadyExists
        | R::PlanAlreadyExists
        | R::SelectionAlreadyExists
        | R::RequestIdReused
        | R::ResourceAlreadyExists
        | R::RoleAlreadyExists => Code::AlreadyExists,
        R::AwsRejectedState
        | R::VaultNotEmpty
        | R::VaultLocked
        | R::RecoveryPointsHeld
        | R::PlanHasSelections
        | R::PlanNameAmbiguous
        | R::JobNotCancellable
        | R::RecoveryPointBusy
        | R::RecoveryPointNotDeleted
        | R::ResourceTypeNotSupported
        | R::RoleNotAssumable
        | R::PreflightFailed
        | R::AwsCredentials
        | R::AccountNotReachable => Code::FailedPrecondition,
        R::EtagMismatch | R::AwsConflict | R::RestorePlanStale => Code::Aborted,
        R::VaultMissingOrDenied | R::AwsAccessDenied | R::ScopeNotAllowed => Code::PermissionDenied,
        R::AwsThrottled | R::AwsQuotaExceeded | R::Overloaded => Code::ResourceExhausted,
        R::AwsUnavailable | R::OutcomeUnknown | R::ShuttingDown => Code::Unavailable,
        R::DeadlineExceeded => Code::DeadlineExceeded,
    }
}

fn reason_of(error: &aws::Error) -> ErrorReason {
    use ErrorReason as R;
    let noun = error.subject.as_ref().map(|subject| subject.noun);
    match error.kind {
        Kind::Rejected => R::AwsRejectedArgument,
        Kind::NotFound => match noun {
            Some(Noun::Vault) => R::VaultNotFound,
            Some(Noun::Plan) => R::PlanNotFound,
            Some(Noun::Selection) => R::SelectionNotFound,
            Some(Noun::Job) => R::JobNotFound,
            Some(Noun::RecoveryPoint) => R::RecoveryPointNotFound,
            Some(Noun::Role) => R::RoleNotFound,
            Some(Noun::Resource | Noun::Account) | None => R::ResourceNotFound,
        },
        Kind::MissingOrDenied => R::VaultMissingOrDenied,
        Kind::AlreadyExists => match noun {
            Some(Noun::Vault) => R::VaultAlreadyExists,
            Some(Noun::Plan) => R::PlanAlreadyExists,
            Some(Noun::Selection) => R::SelectionAlreadyExists,
            Some(Noun::Role) => R::RoleAlreadyExists,
            Some(Noun::Resource) => R::ResourceAlreadyExists,
            Some(Noun::Job | Noun::RecoveryPoint | Noun::Account) | None => R::AwsRejectedState,
        },
        Kind::State => R::AwsRejectedState,
        Kind::NotEmpty => R::VaultNotEmpty,
        Kind::Locked => R::VaultLocked,
        Kind::Held => R::RecoveryPointsHeld,
        Kind::HasSelections => R::PlanHasSelections,
        Kind::NotCancellable => R::JobNotCancellable,
        Kind::NotDeleted => R::RecoveryPointNotDeleted,
        Kind::Busy => R::RecoveryPointBusy,
        Kind::Unsupported => R::ResourceTypeNotSupported,
        Kind::Ambiguous => R::PlanNameAmbiguous,
        Kind::RoleNotAssumable => R::RoleNotAssumable,
        Kind::Preflight => R::PreflightFailed,
        Kind::RequestIdReused => R::RequestIdReused,
        Kind::EtagMismatch => R::EtagMismatch,
        Kind::Conflict => R::AwsConflict,
        Kind::Denied => R::AwsAccessDenied,
        Kind::Credentials => R::AwsCredentials,
        Kind::AccountNotReachable => R::AccountNotReachable,
        Kind::ScopeNotAllowed => R::ScopeNotAllowed,
        Kind::Quota => R::AwsQuotaExceeded,
        Kind::Throttled | Kind::Unavailable | Kind::Malformed if error.effect == Effect::Unknown => R::OutcomeUnknown,
        Kind::Throttled => R::AwsThrottled,
        Kind::Unavailable | Kind::Malformed => R::AwsUnavailable,
    }
}

fn refuse(invalid: Invalid) -> Status {
    let count = invalid.violations.len();
    let mut room = MOST_VIOLATION_BYTES;
    let mut told: Vec<FieldViolation> = Vec::new();
    for violation in invalid.violations {
        let size = violation.field.len() + violation.description.len();
        if size > room {
            break;
        }
        room -= size;
        told.push(FieldViolation::new(violation.field, violation.description));
    }
    if told.len() < count {
        told.push(FieldViolation::new("", format!("and {} more faults", count - told.len())));
    }
    let first =
        told.first().map(|violation| format!("{} {}", violation.field, violation.description)).unwrap_or_default();
    let text = match count {
        1 => first,
        _ => format!("{count} faults; the first: {first}"),
    };
    tracing::debug!(faults = count, first = text, "refused a request");
    answer(ErrorReason::InvalidRequest, &text, BTreeMap::new(), ErrorDetails::with_bad_request(told))
}

fn explain(error: &aws::Error) -> Status {
    let reason = reason_of(error);
    log(error, reason);
    let mut metadata = BTreeMap::from([("aws_operation".to_owned(), error.operation.to_owned())]);
    if let Some(code) = &error.aws_code {
        metadata.insert("aws_code".to_owned(), code.clone());
    }
    if let Some(id) = &error.aws_request_id {
        metadata.insert("aws_request_id".to_owned(), id.clone());
    }
    let text = text(error, reason);
    let (kind, name) = match &error.subject {
        Some(subject) => (resource_type(subject.noun), subject.name.as_str()),
        None => ("", ""),
    };
    let mut details = ErrorDetails::new();
    match code_of(reason) {
        Code::FailedPrecondition if !error.obstacles.is_empty() => {
            details.set_precondition_failure(in_the_way(&error.obstacles, name));
        }
        Code::FailedPrecondition => {
            let violation = PreconditionViolation::new(reason_name(reason), name, &text);
            details.set_precondition_failure(vec![violation]);
        }
        Code::NotFound | Code::AlreadyExists | Code::PermissionDenied if error.subject.is_some() => {
            details.set_resource_info(kind, name, "", &text);
        }
        Code::ResourceExhausted if reason == ErrorReason::AwsQuotaExceeded => {
            details.set_quota_failure(vec![QuotaViolation::new(name, &text)]);
        }
        Code::ResourceExhausted | Code::Unavailable => {
            details.set_retry_info(Some(error.retry_after.unwrap_or(Duration::from_secs(2))));
        }
        _ => {}
    }
    answer(reason, &text, metadata, details)
}

/// Each obstacle as a violation whose type is the finding's code, as many as fit into a header.
fn in_the_way(obstacles: &[Finding], name: &str) -> Vec<PreconditionViolation> {
    let mut room = MOST_VIOLATION_BYTES;
    let mut told: Vec<PreconditionViolation> = Vec::new();
    for obstacle in obstacles {
        let what = match obstacle.action.as_str() {
            "" => obstacle.message.clone(),
            action => format!("{}: {action}", obstacle.message),
        };
        let size = obstacle.code.len() + name.len() + what.len();
        if size > room {
            told.push(PreconditionViolation::new("", name, format!("and {} more", obstacles.len() - told.len())));
            break;
        }
        room -= size;
        told.push(PreconditionViolation::new(obstacle.code, name, what));
    }
    told
}

fn outcome_unknown(why: &str) -> Status {
    tracing::warn!(why, "the outcome of a change is unknown to its caller");
    let text = format!("{why}: it may or may not happen; repeat the call with the same request_id");
    answer(
        ErrorReason::OutcomeUnknown,
        &text,
        BTreeMap::new(),
        ErrorDetails::with_retry_info(Some(Duration::from_secs(2))),
    )
}

fn answer(reason: ErrorReason, text: &str, metadata: BTreeMap<String, String>, mut details: ErrorDetails) -> Status {
    #[expect(clippy::disallowed_types, reason = "tonic-types takes ErrorInfo's metadata as a HashMap")]
    let metadata: std::collections::HashMap<_, _> = metadata.into_iter().collect();
    details.set_error_info(reason_name(reason), DOMAIN, metadata);
    details.set_help(vec![tonic_types::HelpLink::new(
        reason_name(reason),
        format!("{HELP}#{}", reason_name(reason).to_lowercase()),
    )]);
    Status::with_error_details(code_of(reason), text, details)
}

/// As it stands in `ErrorInfo.reason`.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

/// What the client reads: what is wrong, with which name, what to do.
fn text(error: &aws::Error, reason: ErrorReason) -> String {
    let thing = error.subject.as_ref().map(|subject| format!("{} {}", noun(subject.noun), shortened(&subject.name)));
    let thing = thing.unwrap_or_else(|| "the thing".to_owned());
    let said = shortened(&error.message);
    let operation = error.operation;
    // What the adapter itself found it has put into words; what AWS says stands behind ours.
    if error.aws_code.is_none() && error.source.is_none() {
        return said;
    }
    match reason {
        ErrorReason::OutcomeUnknown => {
            format!("{operation} may or may not have happened ({said}): repeat the call with the same request_id")
        }
        ErrorReason::AwsUnavailable => format!("AWS did not do {operation} ({said}); nothing was changed: try again"),
        ErrorReason::AwsThrottled => format!("AWS throttles {operation} ({said}): try again later"),
        ErrorReason::AwsAccessDenied => {
            format!("AWS denies {operation} to Strongroom's identity ({said}): an operator has to grant the permission")
        }
        ErrorReason::AwsCredentials => {
            format!("Strongroom has no valid AWS credentials for {operation} ({said}): an operator has to give it some")
        }
        ErrorReason::AwsRejectedArgument => format!("AWS refused a value in {operation}: {said}"),
        ErrorReason::AwsRejectedState => format!("AWS refuses {operation} in the present state of {thing}: {said}"),
        ErrorReason::AwsQuotaExceeded => {
            format!("an AWS quota is used up ({operation}: {said}): have it raised, or delete what is not needed")
        }
        ErrorReason::AwsConflict => format!("another change is under way ({operation}: {said}): try again"),
        ErrorReason::VaultMissingOrDenied => {
            format!("{thing} does not exist, or AWS denies access to it: Strongroom may not list vaults to tell which")
        }
        ErrorReason::VaultLocked => {
            format!("{thing} is locked: its recovery points can be neither deleted nor changed ({said})")
        }
        ErrorReason::RequestIdReused => {
            format!(
                "this request_id was used for another request ({said}): use a fresh one, or repeat the first request"
            )
        }
        ErrorReason::PlanHasSelections => format!("{thing} still has selections: delete them first"),
        ErrorReason::RecoveryPointBusy => format!("{thing} is in use by a job: try again when it has ended ({said})"),
        ErrorReason::JobNotCancellable => format!("AWS does not stop {thing}: {said}"),
        ErrorReason::RoleNotAssumable => {
            format!(
                "AWS Backup cannot assume {thing}, also after waiting for IAM ({said}): call GetServiceRole to see what it lacks"
            )
        }
        _ => match code_of(reason) {
            Code::NotFound => format!("{thing} does not exist"),
            Code::AlreadyExists => format!("{thing} exists already ({said})"),
            _ => said,
        },
    }
}

/// At most 300 characters: AWS repeats whole policies and ARN lists in some messages.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(300) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn noun(noun: Noun) -> &'static str {
    match noun {
        Noun::Vault => "vault",
        Noun::Plan => "plan",
        Noun::Selection => "selection",
        Noun::Job => "job",
        Noun::RecoveryPoint => "recovery point",
        Noun::Resource => "resource",
        Noun::Role => "role",
        Noun::Account => "account",
    }
}

/// `resource_type` of `google.rpc.ResourceInfo`.
fn resource_type(noun: Noun) -> &'static str {
    match noun {
        Noun::Vault => "strongroom.v1.Vault",
        Noun::Plan => "strongroom.v1.Plan",
        Noun::Selection => "strongroom.v1.Selection",
        Noun::Job => "strongroom.v1.Job",
        Noun::RecoveryPoint => "strongroom.v1.RecoveryPoint",
        Noun::Resource => "strongroom.v1.Resource",
        Noun::Role => "strongroom.v1.ServiceRole",
        Noun::Account => "strongroom.v1.Account",
    }
}

/// Once, here, with its chain; at the level of who has to act.
fn log(error: &aws::Error, reason: ErrorReason) {
    let chain = aws::chain(error).skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let (reason, operation, aws_code) = (reason_name(reason), error.operation, error.aws_code.as_deref());
    let (request_id, message) = (error.aws_request_id.as_deref(), &error.message);
    match error.kind {
        Kind::Malformed => {
            tracing::error!(reason, operation, aws_code, request_id, message, chain, "AWS answered what cannot be");
        }
        Kind::Denied
        | Kind::MissingOrDenied
        | Kind::Credentials
        | Kind::AccountNotReachable
        | Kind::Throttled
        | Kind::Quota
        | Kind::Unavailable => {
            tracing::warn!(reason, operation, aws_code, request_id, message, chain, "AWS did not do it");
        }
        Kind::Rejected
        | Kind::State
        | Kind::AlreadyExists
        | Kind::Conflict
        | Kind::RequestIdReused
        | Kind::EtagMismatch
        | Kind::NotDeleted
        | Kind::RoleNotAssumable => {
            tracing::info!(reason, operation, aws_code, request_id, message, chain, "AWS refused");
        }
        Kind::NotFound
        | Kind::NotEmpty
        | Kind::Locked
        | Kind::Held
        | Kind::HasSelections
        | Kind::NotCancellable
        | Kind::Busy
        | Kind::Unsupported
        | Kind::Ambiguous
        | Kind::Preflight
        | Kind::ScopeNotAllowed => tracing::debug!(reason, operation, aws_code, request_id, message, chain, "refused"),
    }
}

#[cfg(test)]
mod tests;
