//! Amazon SNS: standard topics with queues as their subscribers, over the Query protocol.
//!
//! Other protocols than `sqs` and FIFO topics are refused by name. Nothing is signed: there is no key of AWS here.

mod delivery;
mod publish;
mod subscriptions;
mod tags;
mod topics;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    call::{AwsError, Call},
    events::pattern::Pattern,
    query::{Form, QueryHandler},
};
pub use delivery::Parcel;

/// Every served action.
pub const ACTIONS: &[(&str, QueryHandler)] = &[
    ("CreateTopic", topics::create),
    ("DeleteTopic", topics::delete),
    ("GetSubscriptionAttributes", subscriptions::get_attributes),
    ("GetTopicAttributes", topics::get_attributes),
    ("ListSubscriptions", subscriptions::list),
    ("ListSubscriptionsByTopic", subscriptions::list_by_topic),
    ("ListTagsForResource", tags::list),
    ("ListTopics", topics::list),
    ("Publish", publish::publish),
    ("SetSubscriptionAttributes", subscriptions::set_attributes),
    ("SetTopicAttributes", topics::set_attributes),
    ("Subscribe", subscriptions::subscribe),
    ("TagResource", tags::tag),
    ("Unsubscribe", subscriptions::unsubscribe),
    ("UntagResource", tags::untag),
];

/// The topics of a region.
#[derive(Debug, Default)]
pub struct State {
    /// By ARN.
    topics: BTreeMap<String, Topic>,
    /// By ARN.
    subscriptions: BTreeMap<String, Subscription>,
}

#[derive(Debug, Default)]
struct Topic {
    /// Those that were set.
    attributes: BTreeMap<String, String>,
    published: u64,
    refused: u64,
    last_refusal: Option<(Timestamp, String)>,
}

#[derive(Debug)]
struct Subscription {
    topic_arn: String,
    /// The queue's ARN.
    endpoint: String,
    /// Those that were set.
    attributes: BTreeMap<String, String>,
    filter: Option<Pattern>,
    delivered: u64,
    failed: u64,
    last_failure: Option<(Timestamp, String)>,
}

impl State {
    /// The topics and what became of what was sent to them, as `/_sandbox/events` shows it.
    pub fn overview(&self) -> Value {
        let told = |last: &Option<(Timestamp, String)>| {
            last.as_ref().map(|(at, why)| json!({ "at": at.to_string(), "why": why }))
        };
        let shown = self.topics.iter().map(|(arn, topic)| {
            let subscriptions: Map<String, Value> = self
                .subscriptions
                .values()
                .filter(|subscription| subscription.topic_arn == *arn)
                .map(|it| {
                    let shown =
                        json!({ "delivered": it.delivered, "failed": it.failed, "last_failure": told(&it.last_failure) });
                    (it.endpoint.clone(), shown)
                })
                .collect();
            let shown = json!({
                "published": topic.published,
                "refused": topic.refused,
                "last_refusal": told(&topic.last_refusal),
                "subscriptions": subscriptions,
            });
            (arn.clone(), shown)
        });
        shown.collect::<Map<_, _>>().into()
    }

    /// Whether there is a topic with this ARN.
    #[must_use]
    pub fn has(&self, arn: &str) -> bool {
        self.topics.contains_key(arn)
    }

    fn topic(&self, arn: &str) -> Result<&Topic, AwsError> {
        self.topics.get(arn).ok_or_else(no_such_topic)
    }

    fn topic_mut(&mut self, arn: &str) -> Result<&mut Topic, AwsError> {
        self.topics.get_mut(arn).ok_or_else(no_such_topic)
    }
}

fn no_such_topic() -> AwsError {
    AwsError::new(404, "NotFound", "Topic does not exist")
}

fn no_such_subscription() -> AwsError {
    AwsError::new(404, "NotFound", "Subscription does not exist")
}

fn invalid(what: impl std::fmt::Display) -> AwsError {
    AwsError::new(400, "InvalidParameter", format!("Invalid parameter: {what}"))
}

/// A parameter that must be there.
fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, AwsError> {
    form.get(name).filter(|text| !text.is_empty()).ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        );
        AwsError::new(400, "ValidationError", message)
    })
}

/// The ARN of a topic of the caller's own region and account.
fn topic_arn<'f>(form: &'f Form, name: &str, call: &Call) -> Result<&'f str, AwsError> {
    let arn = required(form, name)?;
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", partition, "sns", region, _, _] if partition == call.partition() && region == call.region => Ok(arn),
        ["arn", _, "sns", _, _, _] => Err(invalid("TopicArn")),
        _ => Err(invalid(format!("TopicArn Reason: An ARN must have at least 6 elements, not {}", parts.len()))),
    }
}

/// A map of a request: `Attributes.entry.1.key`, `Attributes.entry.1.value`.
fn map_of(form: &Form, name: &str) -> BTreeMap<String, String> {
    let pair = |entry: &Form| Some((entry.get("key")?.to_owned(), entry.get("value").unwrap_or_default().to_owned()));
    form.items(name).iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests;
