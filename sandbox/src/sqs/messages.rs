//! Messages, one by one: sending, receiving, deleting them, and holding them longer.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    State,
    attributes::in_range,
    invalid,
    message::{Attribute, NewMessage, md5, md5_of},
    missing, no_such_queue,
    queue::Queue,
    queue_of, region_of,
};
use crate::{
    call::{AwsError, Call, read, shorten},
    world::World,
};

/// `SenderId` of whoever comes without a role.
const SENDER: &str = "AIDASANDBOXSANDBOXSAN";

/// The longest that a message may be out: twelve hours `[D]`.
const LONGEST_VISIBILITY: i64 = 43_200;

/// What SendMessage and an entry of its batch have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Send {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    message_attributes: Option<BTreeMap<String, Attribute>>,
    message_system_attributes: Option<BTreeMap<String, Attribute>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

impl Send {
    /// The message and its delay.
    pub(super) fn checked(self) -> Result<(NewMessage, Option<SignedDuration>), AwsError> {
        let body = self.message_body.filter(|body| !body.is_empty()).ok_or_else(|| missing("MessageBody"))?;
        if self.message_deduplication_id.is_some() {
            return Err(invalid(
                "The request includes a parameter that is not valid for this queue type: MessageDeduplicationId.",
            ));
        }
        // Standard queues take a group for their fair queues [D]; here nobody is served more fairly by it.
        drop(self.message_group_id);
        if let Some(delay) = self.delay_seconds {
            in_range("DelaySeconds", delay, 0, 900)?;
        }
        let mut system = self.message_system_attributes.unwrap_or_default();
        let trace = system.remove("AWSTraceHeader").and_then(|attribute| attribute.string_value);
        if let Some(other) = system.keys().next() {
            return Err(invalid(format!("Message system attribute name '{}' is invalid.", shorten(other))));
        }
        let new = NewMessage {
            body,
            attributes: self.message_attributes.unwrap_or_default(),
            sender: SENDER.to_owned(),
            trace,
        };
        new.check()?;
        Ok((new, self.delay_seconds.map(SignedDuration::from_secs)))
    }
}

/// Puts a message into the queue, and tells its id and digests.
pub(super) fn put(state: &mut State, name: &str, call: &Call, send: Send) -> Result<Value, AwsError> {
    let (new, delay) = send.checked()?;
    let most = state.queues.get(name).ok_or_else(no_such_queue)?.attributes.maximum_message_size();
    if new.size() > most {
        let message = format!("One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.");
        return Err(invalid(message));
    }
    let mut answer = json!({ "MD5OfMessageBody": md5(new.body.as_bytes()) });
    if !new.attributes.is_empty() {
        let named = new.attributes.iter().map(|(name, value)| (name.as_str(), value));
        answer["MD5OfMessageAttributes"] = md5_of(named).into();
    }
    if let Some(trace) = &new.trace {
        let attribute = Attribute::string(trace);
        answer["MD5OfMessageSystemAttributes"] = md5_of([("AWSTraceHeader", &attribute)].into_iter()).into();
    }
    answer["MessageId"] = state.send(name, new, delay, call.now)?.into();
    Ok(answer)
}

/// SendMessage.
pub(super) fn send(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Send = read(body)?;
    let (region, name) = region_of(world, call, body)?;
    put(&mut region.sqs, &name, call, input)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Receive {
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    attribute_names: Vec<String>,
    message_system_attribute_names: Vec<String>,
    message_attribute_names: Vec<String>,
}

/// ReceiveMessage: one look. Who waits is looked for again by whoever holds the connection.
pub(super) fn receive(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Receive = read(body)?;
    let most = input.max_number_of_messages.unwrap_or(1);
    in_range("MaxNumberOfMessages", most, 1, 10)?;
    if let Some(wait) = input.wait_time_seconds {
        in_range("WaitTimeSeconds", wait, 0, 20)?;
    }
    if let Some(visibility) = input.visibility_timeout {
        in_range("VisibilityTimeout", visibility, 0, LONGEST_VISIBILITY)?;
    }
    let (region, name) = region_of(world, call, body)?;
    let state = &mut region.sqs;
    let redrive = state.queues.get(&name).and_then(|queue| queue.attributes.redrive().cloned());
    // Without its dead-letter queue nothing is called dead [U].
    let redrive = redrive.filter(|redrive| state.has(&redrive.target));
    let queue = state.queues.get_mut(&name).ok_or_else(no_such_queue)?;
    let visibility = input.visibility_timeout.map_or_else(|| queue.attributes.visibility(), SignedDuration::from_secs);
    let most = usize::try_from(most).unwrap_or(1);
    let received = queue.receive(most, visibility, redrive.as_ref(), call.now).ok_or_else(|| {
        AwsError::new(400, "OverLimit", "Too many messages are in flight: delete them, or let them become visible.")
    })?;
    let target = redrive.and_then(|redrive| state.by_arn_mut(&redrive.target));
    if let Some(target) = target.filter(|_| !received.dead.is_empty()) {
        received.dead.into_iter().for_each(|message| target.bury(message, call.now));
        state.arrivals += 1;
    }
    let system = [input.attribute_names, input.message_system_attribute_names].concat();
    let shapes: Vec<Value> =
        received.messages.iter().map(|message| message.shape(&system, &input.message_attribute_names)).collect();
    Ok(if shapes.is_empty() { json!({}) } else { json!({ "Messages": shapes }) })
}

/// DeleteMessage.
pub(super) fn delete(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let receipt = body["ReceiptHandle"].as_str().ok_or_else(|| missing("ReceiptHandle"))?;
    queue_of(world, call, body)?.delete(receipt).map(|()| Value::Null)
}

/// ChangeMessageVisibility.
pub(super) fn change_visibility(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let receipt = body["ReceiptHandle"].as_str().ok_or_else(|| missing("ReceiptHandle"))?;
    let seconds = body["VisibilityTimeout"].as_i64().ok_or_else(|| missing("VisibilityTimeout"))?;
    let (region, name) = region_of(world, call, body)?;
    hold(&mut region.sqs, &name, call, receipt, seconds).map(|()| Value::Null)
}

/// Has a message be out for so many seconds more; none gives it back at once.
pub(super) fn hold(state: &mut State, name: &str, call: &Call, receipt: &str, seconds: i64) -> Result<(), AwsError> {
    in_range("VisibilityTimeout", seconds, 0, LONGEST_VISIBILITY)?;
    let queue: &mut Queue = state.queues.get_mut(name).ok_or_else(no_such_queue)?;
    queue.change_visibility(receipt, SignedDuration::from_secs(seconds), call.now)?;
    state.arrivals += u64::from(seconds == 0);
    Ok(())
}
