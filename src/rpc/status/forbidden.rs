//! What is told of a call that policies do not permit.

use tonic_types::ErrorDetails;

use super::Telling;
use crate::{proto::ErrorReason, rpc::access::Forbidden};

/// Which policies decided, for those who write them.
pub(super) fn told(forbidden: &Forbidden) -> Telling {
    let Forbidden { caller, action, thing, policies, broken } = forbidden;
    let why = match (policies.as_slice(), broken) {
        ([], false) => "no policy permits it".to_owned(),
        ([], true) => "the policies could not be asked".to_owned(),
        (by, false) => format!("forbidden by {}", by.join(", ")),
        (by, true) => format!("{} could not be evaluated, for something that it reads is not known", by.join(", ")),
    };
    let text = format!("{caller} may not {action} on {thing}: {why}");
    let mut telling = Telling::new(ErrorReason::AccessDenied, text, ErrorDetails::new());
    telling.metadata.insert("action", action.clone());
    telling.metadata.insert("policies", policies.join(","));
    telling
}
