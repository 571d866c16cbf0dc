//! Why a command did not do what it was told: what people read, and the exit code that scripts read.

use std::fmt::Write as _;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::way::Way;
use crate::{
    cli::{FAILED, UNREACHABLE},
    proto::descriptors::constant,
};

/// The command line is wrong. The same as clap's own.
pub(in crate::cli) const USAGE: u8 = 2;
/// What the command names is not there.
pub(super) const NOT_FOUND: u8 = 5;
/// The job has ended, and not with COMPLETED.
pub(super) const JOB_NOT_COMPLETED: u8 = 6;
/// Waited as long as allowed; the job goes on.
pub(super) const WAITED_LONG_ENOUGH: u8 = 7;
/// Not now: busy, throttled, out of time. The same command may well work later.
pub(super) const NOT_NOW: u8 = 8;
/// Not all is well, says `status`.
pub(super) const NOT_WELL: u8 = 9;
/// It cannot be told whether all is well, says `status`.
pub(super) const NOT_TOLD: u8 = 10;
/// Ctrl-C, as shells count it.
pub(super) const INTERRUPTED: u8 = 130;

/// The end of a command that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(in crate::cli) struct Failure {
    pub(in crate::cli) code: u8,
    /// The first line says what is wrong, those after it what helps.
    pub(in crate::cli) text: String,
}

impl Failure {
    /// What this end itself had to say of a call, which the server never saw.
    pub(in crate::cli) fn of_this_end(status: &Status) -> Option<&Self> {
        std::error::Error::source(status)?.downcast_ref()
    }

    pub(super) fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// An end of which nothing is to be said.
    pub(super) fn quiet(code: u8) -> Self {
        Self::new(code, "")
    }

    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self::new(USAGE, text)
    }

    /// Nobody answers.
    pub(super) fn unreachable(server: &str, why: &str) -> Self {
        let text = format!(
            "no Strongroom server answers at {server}: {why}\nSay where it is with --server, or start one that needs no \
             AWS with: strongroom serve --sandbox"
        );
        Self::new(UNREACHABLE, text)
    }

    /// Says how to repeat a change of which nobody knows whether it was made.
    pub(super) fn repeatable(mut self, request_id: Option<&str>) -> Self {
        if let Some(id) = request_id {
            _ = write!(
                self.text,
                "\nThe change may have been made or not. To be safe, repeat the command with --request-id {id}"
            );
        }
        self
    }
}

/// What the server said to a call. `flag` tells by which flag a field of the request is given.
pub(super) fn refusal(
    way: &Way,
    status: &Status,
    request_id: Option<&str>,
    flag: impl Fn(&str) -> Option<String>,
) -> Failure {
    if let Some(failure) = Failure::of_this_end(status) {
        return failure.clone();
    }
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    let may_have_happened = match (status.code(), reason.as_deref()) {
        (_, Some(reason)) => reason == "OUTCOME_UNKNOWN",
        // Not the server's own words: the connection broke, or our own patience ended.
        (Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Unknown, None) => true,
        (_, None) => false,
    };
    let failure = match (status.code(), &reason) {
        (Code::Unavailable, None) => Failure::unreachable(&way.to_string(), status.message()),
        (Code::Cancelled | Code::DeadlineExceeded, None) => {
            Failure::new(NOT_NOW, "no answer in time; --timeout says how long to wait for one")
        }
        (Code::Unimplemented, None) => Failure::new(
            FAILED,
            format!("the server at {way} does not know this call: it is older than this program, or no Strongroom"),
        ),
        (Code::Unauthenticated, _) => Failure::new(FAILED, format!("{}\n{}", told(status, flag), way.advice())),
        // What the server gives a time for can be repeated as it is.
        (_, _) if details.retry_info().is_some() => Failure::new(NOT_NOW, told(status, flag)),
        (code, _) => Failure::new(exit_code(code), told(status, flag)),
    };
    // The server tells the id that it knows the call by, also one that it made.
    let told = details.error_info().and_then(|info| info.metadata.get("request_id").map(String::as_str));
    failure.repeatable(told.or(request_id).filter(|_| may_have_happened))
}

fn exit_code(code: Code) -> u8 {
    match code {
        Code::NotFound => NOT_FOUND,
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => NOT_NOW,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => FAILED,
    }
}

/// Everything a status carries, for people.
pub(in crate::cli) fn told(status: &Status, flag: impl Fn(&str) -> Option<String>) -> String {
    let mut lines = vec![status.message().to_owned()];
    let details = status.get_error_details();
    let faults = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let broken = details.precondition_failure().map(|failed| failed.violations.as_slice()).unwrap_or_default();
    let quotas = details.quota_failure().map(|failed| failed.violations.as_slice()).unwrap_or_default();
    let several = faults.len() + broken.len() + quotas.len() > 1;
    let mut violation = |about: String, description: &str| {
        // The only one is what the message says already.
        if several || !status.message().contains(description) {
            lines.push(format!("  {about}: {description}"));
        } else {
            lines.push(format!("  about: {about}"));
        }
    };
    for fault in faults {
        let flag = flag(&fault.field).map(|flag| format!(" ({flag})")).unwrap_or_default();
        violation(format!("{}{flag}", fault.field), &fault.description);
    }
    for broken in broken {
        violation(format!("{} {}", broken.r#type, broken.subject), &broken.description);
    }
    for quota in quotas {
        violation(format!("quota {}", quota.subject), &quota.description);
    }
    let mut text = lines.join("\n");
    if let Some(resource) = details.resource_info() {
        _ = write!(text, "\n  about: {} {}", resource.resource_type, resource.resource_name);
    }
    _ = write!(text, "\n  code: {}", constant(&format!("{:?}", status.code())));
    if let Some(info) = details.error_info() {
        _ = write!(text, "\n  reason: {}", info.reason);
        let mut metadata: Vec<_> = info.metadata.iter().collect();
        metadata.sort();
        for (key, value) in metadata {
            _ = write!(text, "\n  {key}: {value}");
        }
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        _ = write!(text, "\n  try again after: {delay:?}");
    }
    for link in details.help().map(|help| help.links.as_slice()).unwrap_or_default() {
        _ = write!(text, "\n  see: {}", link.url);
    }
    text
}
