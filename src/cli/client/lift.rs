//! A thing as `get -o json` shows it, made into the request that creates or replaces it: read, edit, write back.

use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value};

use super::request::normal;
use crate::proto::descriptors::short;

/// How a thing becomes a request.
struct Lift {
    request: &'static str,
    /// The field of the answer that holds the thing.
    thing: &'static str,
    /// Fields of the thing that the request calls otherwise.
    renamed: &'static [(&'static str, &'static str)],
    /// Fields that this request cannot change, and what to say about them.
    left: &'static [(&'static str, &'static str)],
}

const LIFTS: &[Lift] = &[
    Lift { request: "CreatePlanRequest", thing: "plan", renamed: &[], left: &[] },
    Lift {
        request: "UpdatePlanRequest",
        thing: "plan",
        renamed: &[("id", "plan")],
        left: &[("tags", "the tags of a plan are changed with strongroom tag add and tag remove, not here")],
    },
    Lift {
        request: "CreateSelectionRequest",
        thing: "selection",
        renamed: &[("plan_id", "plan"), ("role_arn", "role")],
        left: &[],
    },
    Lift {
        request: "ReplaceSelectionRequest",
        thing: "selection",
        renamed: &[("plan_id", "plan"), ("id", "selection"), ("role_arn", "role")],
        // The name stays.
        left: &[],
    },
];

/// What AWS says of a thing and nobody gives it.
const TOLD: &[&str] = &[
    "id",
    "name",
    "arn",
    "etag",
    "create_time",
    "last_run_time",
    "delete_time",
    "creator_request_id",
    "plan_id",
    "plan_arn",
];

/// A request that a thing has become.
pub(super) struct Lifted {
    pub(super) request: Value,
    pub(super) notes: Vec<String>,
}

/// The request that a document of a thing stands for; none when it is not such a document. The error says what of the
/// thing no request can say.
pub(super) fn of(document: &Value, request: &MessageDescriptor) -> Option<Result<Lifted, String>> {
    let lift = LIFTS.iter().find(|lift| lift.request == short(request.full_name()))?;
    let thing = document.get(lift.thing).filter(|thing| thing.is_object())?;
    // The thing's message is that of the answer which shows it: its name with a capital.
    let name = lift.thing[..1].to_ascii_uppercase() + &lift.thing[1..];
    let message = request.parent_pool().get_message_by_name(&format!("{}.{name}", request.package_name()))?;
    Some(normal(&message, thing.clone()).map_err(|error| format!("is no {name}: {error}")).and_then(|thing| {
        let mut lifted = Lifted { request: Value::Null, notes: Vec::new() };
        let mut fields = Map::new();
        for (field, value) in thing.as_object().cloned().unwrap_or_default() {
            let renamed = lift.renamed.iter().find(|(from, _)| *from == field).map(|(_, to)| (*to).to_owned());
            let of_request = |name: &String| request.get_field_by_name(name).is_some();
            if let Some(name) = renamed.or_else(|| Some(field.clone()).filter(of_request)) {
                fields.insert(name, value);
            } else if let Some((_, note)) = lift.left.iter().find(|(name, _)| *name == field) {
                lifted.notes.push((*note).to_owned());
            } else if !TOLD.contains(&field.as_str()) {
                return Err(format!("{field} cannot be given to {}; take it out", lift.request));
            }
        }
        lifted.request = Value::Object(fields);
        Ok(lifted)
    }))
}
