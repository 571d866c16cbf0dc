//! What is told of a call that policies do not permit.

use tonic_types::ErrorDetails;

use super::Telling;
use crate::{
    proto::{self, ErrorReason},
    rpc::access::{Forbidden, TwoPersons},
};

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

/// What is told of a call that takes two persons, or of an approval with which nothing can be done.
pub(super) fn told_of_two(why: TwoPersons) -> Telling {
    let TwoPersons { reason, text, action, approval } = why;
    let mut telling = Telling::new(reason, text, ErrorDetails::new());
    telling.metadata.insert("action", action);
    if let Some((id, state)) = approval {
        let state = proto::ApprovalState::from(state).as_str_name().trim_start_matches("APPROVAL_STATE_");
        telling.metadata.insert("approval", id);
        telling.metadata.insert("approval_state", state.to_owned());
    }
    telling
}
