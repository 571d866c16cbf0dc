//! Publish: a message of the caller's own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{invalid, topic_arn};
use crate::{
    call::{AwsError, Call},
    outbox::{Letter, Notice},
    query::{Form, Xml},
    world::World,
};

/// The longest message, in bytes `[D]`.
const LONGEST: usize = 262_144;

/// Publish to a topic; phones and endpoints are refused.
pub(super) fn publish(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let name = if form.get("TargetArn").is_some() { "TargetArn" } else { "TopicArn" };
    let arn = topic_arn(form, name, call)?;
    let message = form.get("Message").filter(|text| !text.is_empty()).ok_or_else(|| invalid("Empty message"))?;
    if message.len() > LONGEST {
        return Err(invalid("Message too long"));
    }
    let subject = form.get("Subject").filter(|text| !text.is_empty());
    if subject.is_some_and(|text| text.chars().count() > 100 || text.contains(['\n', '\r'])) {
        return Err(invalid("Subject"));
    }
    let message = match form.get("MessageStructure") {
        None | Some("") => message.to_owned(),
        Some("json") => of_structure(message)?,
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let attribute = |entry: &Form| {
        let kind = entry.get("Value.DataType")?;
        let value = entry.get("Value.StringValue").or_else(|| entry.get("Value.BinaryValue"))?;
        Some((entry.get("Name")?.to_owned(), (kind.to_owned(), value.to_owned())))
    };
    let attributes: BTreeMap<String, (String, String)> =
        form.items("MessageAttributes").iter().filter_map(attribute).collect();
    let region = call.region(world);
    region.sns.topic(arn)?;
    let letter = Letter::notice(
        call.now,
        Notice {
            topic_arn: arn.to_owned(),
            subject: subject.map(str::to_owned),
            message,
            attributes,
            ..Notice::default()
        },
    );
    let id = letter.id.clone();
    region.outbox.put(letter);
    Ok(Xml::new().text("MessageId", id))
}

/// What queues get of a message that says something else to each protocol.
fn of_structure(text: &str) -> Result<String, AwsError> {
    let fault = "Message Structure - No default entry in JSON message body";
    let Ok(Value::Object(by_protocol)) = serde_json::from_str::<Value>(text) else {
        return Err(invalid("Message Structure - JSON message body failed to parse"));
    };
    let default = by_protocol.get("default").and_then(Value::as_str).ok_or_else(|| invalid(fault))?;
    Ok(by_protocol.get("sqs").and_then(Value::as_str).unwrap_or(default).to_owned())
}
