//! The one place where a failure becomes a `Status`: code, reason, details, and what the log is told besides.

mod cause;
mod forbidden;
mod reasons;
mod text;
mod wait;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, StatusExt};
use uuid::Uuid;

use super::{
    access::{Forbidden, TwoPersons},
    doorway::Full,
};
use crate::{
    aws::{self, Effect},
    domain::{Arn, Finding, Invalid, Refusal, RefusalKind, Subject},
    ledger,
    proto::ErrorReason,
};

pub(super) use cause::Cause;
pub use reasons::{code_of, reason_name};
use wait::RETRY_PUSHBACK;
pub(super) use wait::of_no_library;

/// `domain` of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "strongroom";

/// Where the reasons are explained.
const HELP: &str = "https://github.com/strongroom/strongroom/blob/main/docs/errors.md";

/// Most bytes of violations in one answer. Details travel in a header, twice as long by their encoding, and gRPC
/// clients refuse headers over 8 KiB.
const MOST_VIOLATION_BYTES: usize = 3_000;

/// Bytes that a violation takes beside its texts: tags and lengths. Of hundreds of short ones they are the greater part.
const VIOLATION_OVERHEAD: usize = 12;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request has faults.
    Invalid(Invalid),
    /// A rule of ours refuses it, or AWS did not do it.
    Aws(aws::Error),
    /// There is no place for the call, or no room for its bytes.
    Overloaded(Full),
    /// Shutdown has begun.
    ShuttingDown,
    /// The deadline passed; a change goes on all the same.
    Deadline(Effect),
    /// The deadline passed, or the request did not come whole, before anything was done.
    NotBegun(&'static str),
    /// The request is more than the server takes, by the bound that the text names.
    TooLarge(String),
    /// There is no such method.
    UnknownMethod(String),
    /// The request is compressed in a way that the server does not know.
    UnknownEncoding(String),
    /// The second stage of shutdown dropped the work.
    CutOff,
    /// Another request is being carried out under the request_id of this one.
    RequestIdTaken,
    /// A client's library sends a change again by itself, and no request_id tells whether it was done.
    RetryWithoutRequestId,
    /// The restore token stands for another restore than its recovery point makes by now.
    StalePlan(Arn),
    /// The call brings no credentials, or none of the kinds that are wanted, as the text says.
    NoCredentials(String),
    /// The credentials of the call are not taken, as the text says: without anything of them that is secret.
    BadCredentials(String),
    /// Whether the credentials are good cannot be told now.
    IssuerUnavailable(String),
    /// The caller is known, and may not.
    AccessDenied(String),
    /// Policies do not let the caller.
    Forbidden(Forbidden),
    /// The caller may not alone, or nothing can be done with an approval.
    TwoPersons(Box<TwoPersons>),
    /// The caller has had its share, by the bound that the text names; and when there is more.
    RateLimited(String, Duration),
    /// The record cannot be written.
    AuditUnavailable(String),
    /// No record is kept.
    AuditNotKept,
    /// There are no policies to explain.
    PoliciesNotKept,
    /// The ledger does not answer.
    LedgerUnavailable(ledger::Error),
    /// An account and region is not followed, and the ledger alone knows what is asked for.
    ScopeNotFollowed(String),
    /// What happened since a resume token is not known any more, as the text says.
    ResumeTokenExpired(&'static str),
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

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        Self::LedgerUnavailable(error)
    }
}

impl From<TwoPersons> for Failure {
    fn from(why: TwoPersons) -> Self {
        Self::TwoPersons(Box::new(why))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Aws(refusal.into())
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        tell(failure).into_status(None)
    }
}

impl Failure {
    /// The answer to a change, which names the change's `request_id`: whoever does not know what came of it can repeat it.
    pub(super) fn of_change(self, request_id: &str) -> Status {
        let of_another = matches!(self, Self::RetryWithoutRequestId);
        tell(self).into_status(Some(request_id).filter(|_| !of_another))
    }
}

/// What a status is made of.
struct Telling {
    reason: ErrorReason,
    text: String,
    metadata: BTreeMap<&'static str, String>,
    details: ErrorDetails,
    trailers: MetadataMap,
    cause: Cause,
}

impl Telling {
    fn new(reason: ErrorReason, text: impl Into<String>, details: ErrorDetails) -> Self {
        let cause = Cause::of(reason);
        Self { reason, text: text.into(), metadata: BTreeMap::new(), details, trailers: MetadataMap::new(), cause }
    }

    /// Tells waiting to the libraries of clients too; and not the same time to everybody, so that those who were turned
    /// away in one moment do not come back in one.
    fn tell_wait(&mut self, roll: f64) {
        let Some(wait) = self.details.retry_info().and_then(|info| info.retry_delay) else { return };
        let wait = wait::spread(wait, roll);
        self.details.set_retry_info(Some(wait));
        self.trailers.insert(RETRY_PUSHBACK, i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).into());
    }

    fn into_status(mut self, request_id: Option<&str>) -> Status {
        if self.reason == ErrorReason::OutcomeUnknown {
            let which = request_id.map_or("the same request_id".to_owned(), |id| format!("request_id {id}"));
            self.text = format!("{}: repeat the call with {which}", self.text);
        }
        self.tell_wait(fastrand::f64());
        if self.reason == ErrorReason::AwsQuotaExceeded {
            // Throttling has the same code and passes: by this, gRPC's own retries tell the two apart.
            self.trailers.insert(RETRY_PUSHBACK, MetadataValue::from_static("-1"));
        }
        // One that is no UUID is told back as far as one is long.
        let request_id = request_id.map(|id| id.chars().take(36).collect());
        #[expect(clippy::disallowed_types, reason = "tonic-types takes ErrorInfo's metadata as a HashMap")]
        let metadata: std::collections::HashMap<_, _> = self
            .metadata
            .into_iter()
            .chain(request_id.map(|id| ("request_id", id)))
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let name = reason_name(self.reason);
        self.details.set_error_info(name, DOMAIN, metadata);
        self.details.set_help(vec![tonic_types::HelpLink::new(name, format!("{HELP}#{}", name.to_lowercase()))]);
        let mut status =
            Status::with_error_details_and_metadata(code_of(self.reason), self.text, self.details, self.trailers);
        status.set_source(Arc::new(self.cause));
        status
    }
}

/// By what a server tells which credentials it takes.
const WWW_AUTHENTICATE: &str = "www-authenticate";

/// By what a server tells which compressions it knows.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

fn tell(failure: Failure) -> Telling {
    match failure {
        Failure::Invalid(invalid) => refuse(invalid),
        Failure::Aws(error) => explain(&error),
        Failure::Overloaded(full) => Telling::new(
            ErrorReason::Overloaded,
            format!("{full}: try again in a second"),
            ErrorDetails::with_retry_info(Some(Duration::from_secs(1))),
        ),
        Failure::ShuttingDown => Telling::new(
            ErrorReason::ShuttingDown,
            "the server is shutting down: connect again",
            // No wait for another server, and some for all clients of this one at once.
            ErrorDetails::with_retry_info(Some(Duration::from_millis(100))),
        ),
        Failure::Deadline(Effect::None) => Telling::new(
            ErrorReason::DeadlineExceeded,
            "the deadline of the call passed before AWS answered; nothing was changed",
            ErrorDetails::new(),
        ),
        Failure::Deadline(Effect::Partly | Effect::Unknown) => {
            outcome_unknown("the deadline of the call passed; the change goes on")
        }
        Failure::NotBegun(why) => {
            Telling::new(ErrorReason::DeadlineExceeded, format!("{why}; nothing was changed"), ErrorDetails::new())
        }
        Failure::TooLarge(what) => Telling::new(ErrorReason::RequestTooLarge, what, ErrorDetails::new()),
        Failure::UnknownMethod(path) => {
            let text = format!("the server has no method {}", text::shortened(&path));
            Telling::new(ErrorReason::Unimplemented, text, ErrorDetails::new())
        }
        Failure::UnknownEncoding(name) => {
            let name = text::shortened(&name);
            let text = format!("the server does not know the compression {name}: send gzip, or uncompressed");
            let mut telling = Telling::new(ErrorReason::Unimplemented, text, ErrorDetails::new());
            telling.trailers.insert(ACCEPT_ENCODING, MetadataValue::from_static("gzip,identity"));
            telling
        }
        Failure::CutOff => outcome_unknown("the server was stopped in the middle of the change"),
        Failure::RequestIdTaken => {
            let text =
                "another request is being carried out under this request_id: use a fresh one, or repeat that request";
            precondition(ErrorReason::RequestIdReused, text)
        }
        Failure::RetryWithoutRequestId => {
            let text = "the client repeats a change that has no request_id, and nobody can tell whether the first \
                        attempt was done: look, then call with a request_id of your own";
            precondition(ErrorReason::RetryWithoutRequestId, text)
        }
        Failure::StalePlan(recovery_point) => Telling::new(
            ErrorReason::RestorePlanStale,
            format!("recovery point {recovery_point} has changed since the restore was planned: plan again"),
            ErrorDetails::new(),
        ),
        Failure::NoCredentials(text) => {
            let mut telling = Telling::new(ErrorReason::CredentialsMissing, text, ErrorDetails::new());
            telling.trailers.insert(WWW_AUTHENTICATE, MetadataValue::from_static("Bearer"));
            telling
        }
        Failure::BadCredentials(text) => {
            let mut telling = Telling::new(ErrorReason::CredentialsRefused, text, ErrorDetails::new());
            telling.trailers.insert(WWW_AUTHENTICATE, MetadataValue::from_static("Bearer error=\"invalid_token\""));
            telling
        }
        Failure::IssuerUnavailable(text) => {
            let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
            Telling::new(ErrorReason::IssuerUnavailable, text, details)
        }
        Failure::Forbidden(forbidden) => forbidden::told(&forbidden),
        Failure::TwoPersons(why) => forbidden::told_of_two(*why),
        Failure::AccessDenied(text) => Telling::new(ErrorReason::AccessDenied, text, ErrorDetails::new()),
        Failure::RateLimited(text, wait) => {
            Telling::new(ErrorReason::RateLimited, text, ErrorDetails::with_retry_info(Some(wait)))
        }
        Failure::AuditUnavailable(text) => {
            let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(5)));
            Telling::new(ErrorReason::AuditUnavailable, text, details)
        }
        Failure::PoliciesNotKept => {
            precondition(ErrorReason::PoliciesNotKept, "this server decides by no policies: set access.policies")
        }
        Failure::AuditNotKept => {
            precondition(ErrorReason::AuditNotKept, "this server keeps no audit record: set audit.path")
        }
        Failure::LedgerUnavailable(error) => {
            let text = format!("{error}; where AWS can say it, ask with read LIVE");
            let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
            Telling::new(ErrorReason::LedgerUnavailable, text, details)
        }
        Failure::ScopeNotFollowed(text) => precondition(ErrorReason::ScopeNotFollowed, &text),
        Failure::ResumeTokenExpired(text) => precondition(ErrorReason::ResumeTokenExpired, text),
        Failure::Bug(what) => {
            let correlation = Uuid::new_v4().to_string();
            let text = format!("a fault of Strongroom; its log tells more under correlation id {correlation}");
            let telling = Telling::new(ErrorReason::Internal, text, ErrorDetails::new());
            let cause = Cause { said: what, correlation_id: Some(correlation.clone()), ..telling.cause };
            Telling { metadata: BTreeMap::from([("correlation_id", correlation)]), cause, ..telling }
        }
    }
}

/// What has to be otherwise before the call can be done.
fn precondition(reason: ErrorReason, text: &str) -> Telling {
    let violation = PreconditionViolation::new(reason_name(reason), "", text);
    Telling::new(reason, text, ErrorDetails::with_precondition_failure(vec![violation]))
}

fn refuse(invalid: Invalid) -> Telling {
    let count = invalid.violations.len();
    let mut room = MOST_VIOLATION_BYTES;
    let mut told: Vec<FieldViolation> = Vec::new();
    for violation in invalid.violations {
        let (field, description) = (cut(violation.field, 300), cut(violation.description, 2_000));
        let size = field.len() + description.len() + VIOLATION_OVERHEAD;
        if size > room {
            break;
        }
        room -= size;
        told.push(FieldViolation::new(field, description));
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
    // It stands in two headers: by itself, and in the details.
    let text = cut(text, 1_200);
    Telling::new(ErrorReason::InvalidRequest, text, ErrorDetails::with_bad_request(told))
}

fn explain(error: &aws::Error) -> Telling {
    match error {
        aws::Error::Refused(refusal) => explain_refusal(refusal),
        aws::Error::Failed(failure) => explain_failure(failure),
        aws::Error::Invalid(invalid) => refuse(invalid.clone()),
    }
}

fn explain_refusal(refusal: &Refusal) -> Telling {
    if refusal.kind == RefusalKind::PageToken {
        return refuse(Invalid::of("page_token", refusal.message.as_str()));
    }
    let reason = reasons::of_refusal(refusal);
    let text = text::shortened(&refusal.message);
    let details = details(reason, refusal.subject.as_ref(), &refusal.obstacles, None, &text);
    Telling { cause: Cause::of_refusal(refusal, reason), ..Telling::new(reason, text, details) }
}

fn explain_failure(failure: &aws::Failure) -> Telling {
    let reason = reasons::of_failure(failure);
    let mut metadata = BTreeMap::from([("aws_operation", failure.operation.to_owned())]);
    if let Some(code) = &failure.aws_code {
        metadata.insert("aws_code", code.to_string());
    }
    if let Some(id) = &failure.aws_request_id {
        metadata.insert("aws_request_id", id.to_string());
    }
    let text = text::of_failure(failure, reason);
    let details = details(reason, failure.subject.as_ref(), &[], failure.retry_after, &text);
    Telling { metadata, cause: Cause::of_failure(failure, reason), ..Telling::new(reason, text, details) }
}

/// The details that a reason's code goes with.
fn details(
    reason: ErrorReason,
    subject: Option<&Subject>,
    obstacles: &[Finding],
    retry_after: Option<Duration>,
    text: &str,
) -> ErrorDetails {
    let (kind, name) = match subject {
        Some(subject) => (text::resource_type(subject.noun), subject.name.as_str()),
        None => ("", ""),
    };
    let mut details = ErrorDetails::new();
    match code_of(reason) {
        Code::FailedPrecondition if !obstacles.is_empty() => {
            details.set_precondition_failure(in_the_way(obstacles, name));
        }
        Code::FailedPrecondition => {
            let violation = PreconditionViolation::new(reason_name(reason), name, text);
            details.set_precondition_failure(vec![violation]);
        }
        Code::NotFound | Code::AlreadyExists | Code::PermissionDenied if subject.is_some() => {
            details.set_resource_info(kind, name, "", text);
        }
        Code::ResourceExhausted if reason == ErrorReason::AwsQuotaExceeded => {
            details.set_quota_failure(vec![QuotaViolation::new(name, text)]);
        }
        Code::ResourceExhausted | Code::Unavailable => {
            details.set_retry_info(Some(retry_after.unwrap_or(Duration::from_secs(2))));
        }
        _ => {}
    }
    details
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
        let size = obstacle.code.len() + name.len() + what.len() + VIOLATION_OVERHEAD;
        if size > room {
            told.push(PreconditionViolation::new("", name, format!("and {} more", obstacles.len() - told.len())));
            break;
        }
        room -= size;
        told.push(PreconditionViolation::new(obstacle.code, name, what));
    }
    told
}

/// The beginning that takes at most so many bytes in a header, where a byte of what is quoted can take three.
fn cut(text: String, most: usize) -> String {
    let plain = |byte: u8| matches!(byte, b'!' | b'$' | b'&'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'z' | b'|' | b'~');
    let sizes = text.bytes().scan(0, |size, byte| {
        *size += if plain(byte) { 1 } else { 3 };
        Some(*size)
    });
    match sizes.into_iter().position(|size| size > most) {
        None => text,
        Some(end) => format!("{}…", &text[..text.floor_char_boundary(end)]),
    }
}

fn outcome_unknown(why: &str) -> Telling {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(2)));
    Telling::new(ErrorReason::OutcomeUnknown, format!("{why}; it may or may not happen"), details)
}

#[cfg(test)]
mod tests;
