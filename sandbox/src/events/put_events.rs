//! Events of one's own, and whether a pattern means an event.

use serde_json::{Value, json};

use super::{check_bus, pattern::Pattern, required, rules::invalid_pattern, validation};
use crate::{
    call::{AwsError, Call},
    outbox::Letter,
    world::World,
};

/// Entries at most `[D]`.
const MOST_ENTRIES: usize = 10;

/// PutEvents: each entry is taken or refused for itself.
pub(super) fn put_events(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let given = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=MOST_ENTRIES).contains(&given.len()) {
        return Err(validation(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: 1 to 10 entries",
        ));
    }
    let (mut failed, mut entries) = (0, Vec::new());
    for entry in given {
        match letter(call, entry) {
            Ok(letter) => {
                entries.push(json!({ "EventId": letter.id }));
                call.region(world).outbox.put(letter);
            }
            Err((code, why)) => {
                failed += 1;
                entries.push(json!({ "ErrorCode": code, "ErrorMessage": why }));
            }
        }
    }
    Ok(json!({ "FailedEntryCount": failed, "Entries": entries }))
}

fn letter(call: &Call, entry: &Value) -> Result<Letter, (&'static str, String)> {
    let invalid = |why: &str| ("InvalidArgument", why.to_owned());
    check_bus(call, entry).map_err(|error| ("InvalidArgument", error.message))?;
    let text = |member: &str| {
        let text = entry[member].as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| {
            invalid(&format!("Parameter {member} is not valid. Reason: {member} is a required argument."))
        })
    };
    let (source, detail_type) = (text("Source")?, text("DetailType")?);
    if source.starts_with("aws.") {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    let detail = serde_json::from_str::<Value>(text("Detail")?).ok().filter(Value::is_object);
    let detail = detail.ok_or(("MalformedDetail", "Detail is malformed.".to_owned()))?;
    let resources = entry["Resources"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    Ok(Letter::event(call.now, source, detail_type, resources.collect(), detail))
}

/// TestEventPattern.
pub(super) fn test_pattern(_: &mut World, _: &Call, body: &Value) -> Result<Value, AwsError> {
    let pattern = Pattern::read(required(body, "EventPattern")?).map_err(invalid_pattern)?;
    let event = serde_json::from_str::<Value>(required(body, "Event")?).ok();
    let needed = ["id", "account", "source", "time", "region", "resources", "detail-type"];
    let event = event.filter(|event| needed.iter().all(|member| event.get(member).is_some()));
    let event = event.ok_or_else(|| {
        validation(format!("Parameter Event is not valid. Reason: it is a JSON object with {}.", needed.join(", ")))
    })?;
    Ok(json!({ "Result": pattern.matches(&event) }))
}
