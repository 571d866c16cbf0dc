//! What a topic makes of a message: who may send it, who is to have it, and in which envelope.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{State, Subscription, subscriptions::dead_letter, topics::default_policy};
use crate::{
    iam::resource_policy::{self, ServiceRequest},
    outbox::{Letter, Notice},
};

/// A message for one queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The subscription that it is for.
    pub subscription: String,
    /// The queue.
    pub queue: String,
    /// Where it goes if the queue may not have it.
    pub dead_letter_arn: Option<String>,
    /// The text: the envelope, or of a raw subscription the message itself.
    pub body: String,
    /// Of a raw subscription, the attributes of the message: type and value by name.
    pub attributes: BTreeMap<String, (String, String)>,
}

impl State {
    /// What a message for a topic sets off. Which account's topic it is, the topic's ARN says.
    ///
    /// # Errors
    /// In words, when there is no such topic, or when its policy does not let the service send to it.
    pub fn publish(&mut self, letter: &Letter, notice: &Notice, at: Timestamp) -> Result<Vec<Parcel>, String> {
        let arn = notice.topic_arn.as_str();
        let topic = self.topics.get_mut(arn).ok_or_else(|| format!("there is no topic {arn}"))?;
        if let Some(service) = notice.service {
            let own = || default_policy(arn, arn.split(':').nth(4).unwrap_or_default()).into();
            let policy: Cow<'_, str> = topic.attributes.get("Policy").map_or_else(own, Cow::from);
            let request = ServiceRequest {
                service,
                action: "sns:Publish",
                resource: arn,
                source_arn: &notice.source_arn,
                source_account: notice.source_arn.split(':').nth(4).unwrap_or_default(),
            };
            if let Err(why) = resource_policy::lets(Some(&policy), &request) {
                topic.refused += 1;
                topic.last_refusal = Some((at, why.clone()));
                return Err(why);
            }
        }
        topic.published += 1;
        let subscribed = self.subscriptions.iter().filter(|(_, it)| it.topic_arn == arn && it.wants(notice));
        Ok(subscribed.map(|(id, subscription)| subscription.parcel(id, letter, notice)).collect())
    }

    /// Notes how the delivery of a parcel ended.
    pub fn note(&mut self, parcel: &Parcel, at: Timestamp, done: &Result<(), String>) {
        let Some(subscription) = self.subscriptions.get_mut(&parcel.subscription) else { return };
        match done {
            Ok(()) => subscription.delivered += 1,
            Err(why) => {
                subscription.failed += 1;
                subscription.last_failure = Some((at, why.clone()));
            }
        }
    }
}

impl Subscription {
    /// Whether its filter policy lets the message through.
    fn wants(&self, notice: &Notice) -> bool {
        let Some(filter) = &self.filter else { return true };
        if self.attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody") {
            return serde_json::from_str(&notice.message).is_ok_and(|body: Value| filter.matches(&body));
        }
        let value = |(kind, text): &(String, String)| match kind.as_str() {
            "Number" | "String.Array" => serde_json::from_str(text).unwrap_or_default(),
            _ => Value::String(text.clone()),
        };
        let attributes: Map<String, Value> =
            notice.attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect();
        filter.matches(&attributes.into())
    }

    fn parcel(&self, id: &str, letter: &Letter, notice: &Notice) -> Parcel {
        let raw = self.attributes.get("RawMessageDelivery").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Parcel {
            subscription: id.to_owned(),
            queue: self.endpoint.clone(),
            dead_letter_arn: self.attributes.get("RedrivePolicy").and_then(|policy| dead_letter(policy)),
            body: if raw { notice.message.clone() } else { envelope(id, letter, notice) },
            attributes: if raw { notice.attributes.clone() } else { BTreeMap::new() },
        }
    }
}

fn envelope(subscription: &str, letter: &Letter, notice: &Notice) -> String {
    let region = notice.topic_arn.split(':').nth(3).unwrap_or_default();
    let host = format!("https://sns.{region}.amazonaws.com");
    let mut envelope = json!({
        "Type": "Notification",
        "MessageId": letter.id,
        "TopicArn": notice.topic_arn,
        "Message": notice.message,
        "Timestamp": letter.told_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "SignatureVersion": "1",
        // Who checks it is right to refuse it.
        "Signature": BASE64_STANDARD.encode("The sandbox has no key of AWS to sign with."),
        "SigningCertURL": format!("{host}/SimpleNotificationService-sandbox.pem"),
        "UnsubscribeURL": format!("{host}/?Action=Unsubscribe&SubscriptionArn={subscription}"),
    });
    if let Some(subject) = &notice.subject {
        envelope["Subject"] = subject.as_str().into();
    }
    if !notice.attributes.is_empty() {
        let attribute = |(name, (kind, value)): (&String, &(String, String))| {
            (name.clone(), json!({ "Type": kind, "Value": value }))
        };
        envelope["MessageAttributes"] = notice.attributes.iter().map(attribute).collect::<Map<_, _>>().into();
    }
    envelope.to_string()
}
