//! What policies say of a second person.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema};

use crate::{
    proto::descriptors,
    rpc::{access::cases::method, convert::approvals::ACTIONS},
};

/// What policies that permit say of a second person: by the annotation `@approval`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::rpc) struct Marks {
    /// One of them says that it takes one (`required`).
    pub(in crate::rpc) required: bool,
    /// The ids of those by which one person may alone (`break-glass`).
    pub(in crate::rpc) break_glass: Vec<String>,
}

/// The annotation, and what it can say.
const APPROVAL: &str = "approval";
const REQUIRED: &str = "required";
const BREAK_GLASS: &str = "break-glass";

impl Marks {
    pub(super) fn of(asked: &PolicySet, by: &[String]) -> Self {
        let mut marks = Self::default();
        for id in by {
            match asked.policy(&PolicyId::new(id)).and_then(|policy| policy.annotation(APPROVAL)) {
                Some(REQUIRED) => marks.required = true,
                Some(BREAK_GLASS) => marks.break_glass.push(id.clone()),
                Some(_) | None => {}
            }
        }
        marks
    }
}

/// What is wrong with the annotations of policies: a mark that is none, or that asks for what cannot be had.
pub(super) fn faults(set: &PolicySet, schema: &Schema) -> Vec<String> {
    set.policies().filter_map(|policy| fault(policy, schema).map(|fault| format!("{}: {fault}", policy.id()))).collect()
}

fn fault(policy: &Policy, schema: &Schema) -> Option<String> {
    let mark = policy.annotation(APPROVAL)?;
    if policy.effect() == Effect::Forbid {
        return Some("@approval stands on a forbid: it says who must agree with what is permitted".to_owned());
    }
    match mark {
        BREAK_GLASS => None,
        REQUIRED => {
            let actions: BTreeSet<String> =
                policy.get_valid_request_envs(schema).map(|it| it.action().id().unescaped().to_owned()).collect();
            let cannot = |action: &&String| {
                let changes = method(action).is_some_and(|method| !descriptors::is_read(&method));
                changes && !ACTIONS.contains(&action.as_str()) && !OF_APPROVALS.contains(&action.as_str())
            };
            let cannot: Vec<&str> = actions.iter().filter(cannot).map(String::as_str).collect();
            (!cannot.is_empty()).then(|| {
                format!(
                    "@approval(\"required\") is about {}, which no approval can be asked for: name the actions, of {}",
                    cannot.join(", "),
                    ACTIONS.join(", ")
                )
            })
        }
        other => Some(format!("@approval({other:?}) says neither \"{REQUIRED}\" nor \"{BREAK_GLASS}\"")),
    }
}

/// The actions by which two come together.
const OF_APPROVALS: [&str; 3] = ["Approve", "Reject", "RequestApproval"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ActionGroup;

    #[test]
    fn an_approval_can_be_asked_for_of_everything_that_destroys() {
        let all = descriptors::methods().into_iter().filter_map(|path| descriptors::method(&path));
        let destroys = all.filter(|method| descriptors::action_group(method) == Some(ActionGroup::Destroy));
        let left: Vec<String> = destroys
            .map(|method| method.name().to_owned())
            .filter(|name| !ACTIONS.contains(&name.as_str()) && !OF_APPROVALS.contains(&name.as_str()))
            .collect();
        assert_eq!(left, [""; 0]);
        let of_the_proto = descriptors::message("ApprovableRequest").unwrap();
        assert_eq!(of_the_proto.fields().count(), ACTIONS.len());
        assert!(ACTIONS.iter().all(|action| method(action).is_some()));
    }
}
