//! Amazon SQS: standard queues, over the JSON protocol that the SDKs, boto3 and Terraform speak.
//!
//! Visibility, delay and retention go by the sandbox's clock; only the wait of a long poll is real time, for it is the
//! client's connection that waits. There are no FIFO queues.

mod attributes;
mod batches;
mod message;
mod messages;
mod overview;
mod queue;
mod queues;
mod redrive;
mod tags;

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    call::{AwsError, Call, JsonHandler, shorten},
    world::{Region, World},
};
pub use message::{Attribute, Message, NewMessage};
pub use queue::Queue;

/// Every served operation; a request's target is `AmazonSQS.NAME`.
pub const OPERATIONS: &[(&str, JsonHandler)] = &[
    ("ChangeMessageVisibility", messages::change_visibility),
    ("ChangeMessageVisibilityBatch", batches::change_visibility),
    ("CreateQueue", queues::create),
    ("DeleteMessage", messages::delete),
    ("DeleteMessageBatch", batches::delete),
    ("DeleteQueue", queues::delete),
    ("GetQueueAttributes", queues::get_attributes),
    ("GetQueueUrl", queues::get_url),
    ("ListDeadLetterSourceQueues", queues::list_sources),
    ("ListQueueTags", tags::list),
    ("ListQueues", queues::list),
    ("PurgeQueue", queues::purge),
    (RECEIVE, messages::receive),
    ("SendMessage", messages::send),
    ("SendMessageBatch", batches::send),
    ("SetQueueAttributes", queues::set_attributes),
    ("TagQueue", tags::tag),
    ("UntagQueue", tags::untag),
];

/// What stands before the operation's name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AmazonSQS.";

/// The one operation that may wait.
pub const RECEIVE: &str = "ReceiveMessage";

/// Bytes that the queues of a region hold at most. AWS has no such bound; a sandbox holds them in memory.
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// Queues of a region at most, for the same reason.
const MOST_QUEUES: usize = 1_000;

/// How long the name of a deleted queue is not to be had `[D]`.
const NAME_RESTS: SignedDuration = SignedDuration::from_secs(60);

/// The queues of a region.
#[derive(Debug, Default)]
pub struct State {
    queues: BTreeMap<String, Queue>,
    deleted: BTreeMap<String, Timestamp>,
    arrivals: u64,
}

impl State {
    /// Counts what came to be receivable: who waits for a message looks again when this has changed.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Whether there is a queue with this ARN.
    #[must_use]
    pub fn has(&self, arn: &str) -> bool {
        self.by_arn(arn).is_some()
    }

    /// The queue with this ARN, which ends in the queue's name.
    fn by_arn(&self, arn: &str) -> Option<&Queue> {
        self.queues.get(arn.rsplit(':').next()?).filter(|queue| queue.arn == arn)
    }

    fn by_arn_mut(&mut self, arn: &str) -> Option<&mut Queue> {
        self.queues.get_mut(arn.rsplit(':').next()?).filter(|queue| queue.arn == arn)
    }

    /// A queue's policy, for who may send to it.
    ///
    /// # Errors
    /// In words, when there is no such queue.
    pub fn policy(&self, arn: &str) -> Result<Option<&str>, String> {
        self.by_arn(arn).map(|queue| queue.attributes.policy()).ok_or_else(|| format!("there is no queue {arn}"))
    }

    /// A message of another service's for a queue that may have it.
    ///
    /// # Errors
    /// In words, when there is no such queue, or no room.
    pub fn deliver(&mut self, arn: &str, new: NewMessage, now: Timestamp) -> Result<(), String> {
        let queue = self.by_arn(arn).ok_or_else(|| format!("there is no queue {arn}"))?;
        let (name, most) = (queue.name.clone(), queue.attributes.maximum_message_size());
        if new.size() > most {
            return Err(format!("the message is longer than the {most} bytes that {arn} takes"));
        }
        self.send(&name, new, None, now).map(|_| ()).map_err(|error| error.message)
    }

    /// Puts a message into a queue that there is.
    fn send(
        &mut self,
        name: &str,
        new: NewMessage,
        delay: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<String, AwsError> {
        let held: usize = self.queues.values().map(Queue::bytes).sum();
        if held.saturating_add(new.size()) > MOST_BYTES {
            let message = format!("The sandbox holds at most {MOST_BYTES} bytes of messages in a region.");
            return Err(AwsError::new(400, "OverLimit", message));
        }
        let queue = self.queues.get_mut(name).ok_or_else(no_such_queue)?;
        self.arrivals += 1;
        Ok(queue.send(new, delay, now))
    }

    /// Forgets messages whose retention is over, and names that have rested.
    pub fn prune(&mut self, now: Timestamp) {
        for queue in self.queues.values_mut() {
            queue.prune(now);
        }
        self.deleted.retain(|_, at| now.duration_since(*at) < NAME_RESTS);
    }
}

/// For how long a ReceiveMessage that found nothing may be asked again: the request's `WaitTimeSeconds`, or else the
/// queue's.
#[must_use]
pub fn patience(world: &mut World, call: &Call, body: &Value) -> Duration {
    let own = body["WaitTimeSeconds"].as_u64();
    let of_queue = || {
        let (region, name) = region_of(world, call, body).ok()?;
        Some(region.sqs.queues.get(&name)?.attributes.wait_seconds())
    };
    Duration::from_secs(own.or_else(of_queue).unwrap_or(0).min(20))
}

/// The code that clients of the older query protocol know an error by; they find it in a header of the answer `[M]`.
#[must_use]
pub fn query_code(code: &str) -> String {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue".to_owned(),
        "QueueNameExists" => "QueueAlreadyExists".to_owned(),
        "QueueDeletedRecently"
        | "PurgeQueueInProgress"
        | "UnsupportedOperation"
        | "MessageNotInflight"
        | "EmptyBatchRequest"
        | "TooManyEntriesInBatchRequest"
        | "BatchEntryIdsNotDistinct"
        | "InvalidBatchEntryId"
        | "BatchRequestTooLong" => format!("AWS.SimpleQueueService.{code}"),
        other => other.to_owned(),
    }
}

/// The region and the name of the queue that a request's `QueueUrl` names. The host of the URL says nothing: the sandbox
/// may have many names.
fn region_of<'w>(world: &'w mut World, call: &Call, body: &Value) -> Result<(&'w mut Region, String), AwsError> {
    let url = body["QueueUrl"].as_str().filter(|url| !url.is_empty()).ok_or_else(|| missing("QueueUrl"))?;
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("The address {} is not valid for this endpoint.", shorten(url));
        return Err(AwsError::new(400, "InvalidAddress", message));
    }
    let region = world.existing_mut(account, &call.region);
    let region = region.filter(|region| region.sqs.queues.contains_key(name)).ok_or_else(no_such_queue)?;
    Ok((region, name.to_owned()))
}

/// The queue that a request's `QueueUrl` names.
fn queue_of<'w>(world: &'w mut World, call: &Call, body: &Value) -> Result<&'w mut Queue, AwsError> {
    let (region, name) = region_of(world, call, body)?;
    region.sqs.queues.get_mut(&name).ok_or_else(no_such_queue)
}

fn no_such_queue() -> AwsError {
    AwsError::new(400, "QueueDoesNotExist", "The specified queue does not exist.")
}

fn missing(member: &str) -> AwsError {
    AwsError::new(400, "MissingParameter", format!("The request must contain the parameter {member}."))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterValue", message)
}

#[cfg(test)]
mod tests;
