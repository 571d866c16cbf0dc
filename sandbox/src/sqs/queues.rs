//! Queues: making, finding, setting and deleting them.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    MOST_QUEUES, NAME_RESTS, Queue,
    attributes::{self, Attributes},
    invalid, missing, no_such_queue, queue_of, redrive, region_of, tags,
};
use crate::{
    call::{AwsError, Call, read, shorten},
    query::page,
    world::World,
};

/// How long after a purge the next one is refused `[D]`.
const PURGE_RESTS: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Create {
    queue_name: Option<String>,
    attributes: Option<BTreeMap<String, Value>>,
    /// Lower case in SQS's own model `[M]`.
    #[serde(rename = "tags")]
    tags: Option<BTreeMap<String, String>>,
}

/// CreateQueue: a queue that is there already, and is set just so, is answered as if it were new.
pub(super) fn create(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Create = read(body)?;
    let name = input.queue_name.filter(|name| !name.is_empty()).ok_or_else(|| missing("QueueName"))?;
    check_name(&name)?;
    let wanted = Attributes::default().with(&input.attributes.unwrap_or_default())?;
    let given = input.tags.unwrap_or_default();
    tags::check(&given)?;
    let arn = call.arn("sqs", &name);
    let region = call.region(world);
    let state = &mut region.sqs;
    if let Some(queue) = state.queues.get(&name) {
        return match queue.attributes.differs(&wanted) {
            None => Ok(json!({ "QueueUrl": url(call, &call.account, &name) })),
            Some(attribute) => {
                let message = format!(
                    "A queue already exists with the same name and a different value for attribute {attribute}"
                );
                Err(AwsError::new(400, "QueueNameExists", message))
            }
        };
    }
    if state.deleted.get(&name).is_some_and(|at| call.now.duration_since(*at) < NAME_RESTS) {
        let message =
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
        return Err(AwsError::new(400, "QueueDeletedRecently", message));
    }
    if state.queues.len() >= MOST_QUEUES {
        let message = format!("The sandbox holds at most {MOST_QUEUES} queues in a region.");
        return Err(AwsError::new(400, "OverLimit", message));
    }
    if let (Some(policy), Some(text)) = (wanted.redrive(), wanted.get("RedrivePolicy")) {
        redrive::check_target(state, &arn, policy, text)?;
    }
    state.deleted.remove(&name);
    state.queues.insert(name.clone(), Queue::new(&name, arn.clone(), wanted, call.now));
    if !given.is_empty() {
        region.tags.0.insert(arn, given);
    }
    Ok(json!({ "QueueUrl": url(call, &call.account, &name) }))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    if name.ends_with(".fifo") {
        let message = format!("{} would be a FIFO queue, and the sandbox has standard queues alone.", shorten(name));
        return Err(AwsError::new(400, "UnsupportedOperation", message));
    }
    let fine =
        (1..=80).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fine {
        return Ok(());
    }
    Err(invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"))
}

/// By the name under which the client came: whatever leads it here once leads it here again.
fn url(call: &Call, account: &str, name: &str) -> String {
    format!("http://{}/{account}/{name}", call.host)
}

/// GetQueueUrl.
pub(super) fn get_url(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let name = body["QueueName"].as_str().filter(|name| !name.is_empty()).ok_or_else(|| missing("QueueName"))?;
    let account = body["QueueOwnerAWSAccountId"].as_str().unwrap_or(&call.account);
    if world.existing(account, &call.region).is_some_and(|region| region.sqs.queues.contains_key(name)) {
        return Ok(json!({ "QueueUrl": url(call, account, name) }));
    }
    Err(no_such_queue())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct List {
    queue_name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// ListQueues: up to a thousand, and pages only for who asks for them `[M]`.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: List = read(body)?;
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let queues = call.region(world).sqs.queues.keys().filter(|name| name.starts_with(&prefix));
    listing("QueueUrls", queues, call, input.max_results, input.next_token.as_deref())
}

/// ListDeadLetterSourceQueues: those whose dead letters come to the queue.
pub(super) fn list_sources(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: List = read(body)?;
    let (region, name) = region_of(world, call, body)?;
    let arn = region.sqs.queues.get(&name).map(|queue| queue.arn.clone()).unwrap_or_default();
    let sources = region
        .sqs
        .queues
        .values()
        .filter(|queue| queue.attributes.redrive().is_some_and(|redrive| redrive.target == arn));
    // Lower case in SQS's own model [M].
    listing("queueUrls", sources.map(|queue| &queue.name), call, input.max_results, input.next_token.as_deref())
}

fn listing<'n>(
    member: &str,
    names: impl Iterator<Item = &'n String>,
    call: &Call,
    most: Option<usize>,
    token: Option<&str>,
) -> Result<Value, AwsError> {
    if most.is_some_and(|most| !(1..=1000).contains(&most)) {
        return Err(invalid(
            "Value for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided.",
        ));
    }
    let found = page(names, |name| name.as_str(), token, most.unwrap_or(1000));
    let found = found.ok_or_else(|| invalid("Invalid or expired next token."))?;
    let urls: Vec<String> = found.items.into_iter().map(|name| url(call, &call.account, name)).collect();
    let mut answer = json!({ member: urls });
    if let Some(marker) = found.marker.filter(|_| most.is_some()) {
        answer["NextToken"] = marker.into();
    }
    Ok(answer)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GetAttributes {
    attribute_names: Vec<String>,
}

/// GetQueueAttributes: those that were asked for and that the queue has.
pub(super) fn get_attributes(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: GetAttributes = read(body)?;
    input.attribute_names.iter().try_for_each(|name| attributes::check_asked(name))?;
    let queue = queue_of(world, call, body)?;
    queue.prune(call.now);
    let (visible, out, delayed) = queue.counts(call.now);
    let told = [
        delayed.to_string(),
        visible.to_string(),
        out.to_string(),
        queue.created.as_second().to_string(),
        queue.modified.as_second().to_string(),
        queue.arn.clone(),
    ];
    let names = [
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    ];
    let told = names.into_iter().map(str::to_owned).zip(told);
    let wanted = |name: &str| input.attribute_names.iter().any(|wanted| wanted == "All" || wanted == name);
    let shown: Map<String, Value> = queue
        .attributes
        .all()
        .into_iter()
        .chain(told)
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    Ok(if shown.is_empty() { json!({}) } else { json!({ "Attributes": shown }) })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SetAttributes {
    attributes: Option<BTreeMap<String, Value>>,
}

/// SetQueueAttributes: what is not named stays.
pub(super) fn set_attributes(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: SetAttributes = read(body)?;
    let given = input.attributes.ok_or_else(|| missing("Attribute.Name"))?;
    let (region, name) = region_of(world, call, body)?;
    let queue = region.sqs.queues.get(&name).ok_or_else(no_such_queue)?;
    let wanted = queue.attributes.with(&given)?;
    if let (Some(policy), Some(text), true) =
        (wanted.redrive(), wanted.get("RedrivePolicy"), given.contains_key("RedrivePolicy"))
    {
        redrive::check_target(&region.sqs, &queue.arn, policy, text)?;
    }
    let queue = region.sqs.queues.get_mut(&name).ok_or_else(no_such_queue)?;
    queue.attributes = wanted;
    queue.modified = call.now;
    Ok(Value::Null)
}

/// DeleteQueue, with all that is in it.
pub(super) fn delete(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let (region, name) = region_of(world, call, body)?;
    if let Some(queue) = region.sqs.queues.remove(&name) {
        region.tags.0.remove(&queue.arn);
        region.sqs.deleted.insert(name, call.now);
    }
    Ok(Value::Null)
}

/// PurgeQueue.
pub(super) fn purge(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let queue = queue_of(world, call, body)?;
    if queue.purged.is_some_and(|at| call.now.duration_since(at) < PURGE_RESTS) {
        let message = format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name);
        return Err(AwsError::new(400, "PurgeQueueInProgress", message));
    }
    queue.purge();
    queue.purged = Some(call.now);
    Ok(Value::Null)
}
