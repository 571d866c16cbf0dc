//! Subscriptions: queues that hear of a topic.

use std::collections::BTreeMap;

use super::{
    Subscription, invalid, map_of, no_such_subscription, required, topic_arn,
    topics::{LONGEST, entries},
};
use crate::{
    call::{AwsError, Call},
    events::pattern::Pattern,
    query::{Form, Xml, page},
    world::World,
};

/// Subscriptions of a region at most, for the sandbox's memory.
const MOST_SUBSCRIPTIONS: usize = 10_000;

/// Subscriptions on a page `[M]`.
const PER_PAGE: usize = 100;

/// Subscribe. A queue needs no confirmation when its owner subscribes it; that there is one is not asked.
pub(super) fn subscribe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let topic_arn = topic_arn(form, "TopicArn", call)?;
    match required(form, "Protocol")? {
        "sqs" => {}
        other @ ("http" | "https" | "email" | "email-json" | "sms" | "application" | "lambda" | "firehose") => {
            return Err(invalid(format!("Protocol Reason: the sandbox delivers to sqs alone, and not by {other}")));
        }
        _ => return Err(invalid("Amazon SNS does not support this protocol string")),
    }
    let endpoint = required(form, "Endpoint")?;
    let parts: Vec<&str> = endpoint.split(':').collect();
    if !matches!(parts[..], ["arn", _, "sqs", region, account, name] if !region.is_empty() && account.len() == 12 && !name.is_empty())
    {
        return Err(invalid("SQS endpoint ARN"));
    }
    let given = map_of(form, "Attributes");
    let state = &mut call.region(world).sns;
    state.topic(topic_arn)?;
    let mut wanted = Subscription {
        topic_arn: topic_arn.to_owned(),
        endpoint: endpoint.to_owned(),
        attributes: BTreeMap::new(),
        filter: None,
        delivered: 0,
        failed: 0,
        last_failure: None,
    };
    for (name, value) in &given {
        set(&mut wanted, name, value)?;
    }
    let twin = state.subscriptions.iter().find(|(_, it)| it.topic_arn == topic_arn && it.endpoint == endpoint);
    if let Some((arn, twin)) = twin {
        if wanted.attributes.iter().any(|(name, value)| twin.attributes.get(name) != Some(value)) {
            return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
        }
        return Ok(Xml::new().text("SubscriptionArn", arn));
    }
    if state.subscriptions.len() >= MOST_SUBSCRIPTIONS {
        let message = format!("The sandbox holds at most {MOST_SUBSCRIPTIONS} subscriptions in a region");
        return Err(AwsError::new(403, "SubscriptionLimitExceeded", message));
    }
    let arn = format!("{topic_arn}:{}", uuid::Uuid::new_v4());
    state.subscriptions.insert(arn.clone(), wanted);
    Ok(Xml::new().text("SubscriptionArn", arn))
}

/// Sets an attribute; an empty value takes it away.
fn set(subscription: &mut Subscription, name: &str, value: &str) -> Result<(), AwsError> {
    let empty = value.is_empty() || (name == "FilterPolicy" && value.trim() == "{}");
    if value.len() > LONGEST {
        return Err(invalid(format!("Attributes Reason: {name} is longer than {LONGEST} bytes")));
    }
    match name {
        "RawMessageDelivery" if !empty && !["true", "false"].contains(&value.to_lowercase().as_str()) => {
            return Err(invalid("RawMessageDelivery: must be true or false"));
        }
        "FilterPolicyScope" if !empty && !["MessageAttributes", "MessageBody"].contains(&value) => {
            return Err(invalid("FilterPolicyScope: must be MessageAttributes or MessageBody"));
        }
        "FilterPolicy" => {
            let read = |text| Pattern::read(text).map_err(|why| invalid(format!("FilterPolicy: {why}")));
            subscription.filter = if empty { None } else { Some(read(value)?) };
        }
        "RedrivePolicy" if !empty && dead_letter(value).is_none() => {
            return Err(invalid("RedrivePolicy: must be a JSON object with deadLetterTargetArn"));
        }
        "DeliveryPolicy" | "FilterPolicyScope" | "RawMessageDelivery" | "RedrivePolicy" => {}
        _ => return Err(invalid("AttributeName")),
    }
    if empty {
        subscription.attributes.remove(name);
    } else {
        subscription.attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(())
}

/// The queue that a RedrivePolicy names.
pub(super) fn dead_letter(policy: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(policy).ok()?["deadLetterTargetArn"].as_str().map(str::to_owned)
}

/// SetSubscriptionAttributes.
pub(super) fn set_attributes(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = required(form, "SubscriptionArn")?;
    let (name, value) = (required(form, "AttributeName")?, form.get("AttributeValue").unwrap_or_default());
    let subscription = call.region(world).sns.subscriptions.get_mut(arn).ok_or_else(no_such_subscription)?;
    set(subscription, name, value)?;
    Ok(Xml::none())
}

/// GetSubscriptionAttributes.
pub(super) fn get_attributes(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = required(form, "SubscriptionArn")?;
    let subscription = call.region(world).sns.subscriptions.get(arn).ok_or_else(no_such_subscription)?;
    let mut told: BTreeMap<String, String> = [
        ("ConfirmationWasAuthenticated", "true".to_owned()),
        ("Endpoint", subscription.endpoint.clone()),
        ("Owner", call.account.clone()),
        ("PendingConfirmation", "false".to_owned()),
        ("Protocol", "sqs".to_owned()),
        ("RawMessageDelivery", "false".to_owned()),
        ("SubscriptionArn", arn.to_owned()),
        ("SubscriptionPrincipal", call.own_user()),
        ("TopicArn", subscription.topic_arn.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if subscription.filter.is_some() {
        told.insert("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned());
    }
    told.extend(subscription.attributes.clone());
    Ok(Xml::new().list("Attributes", "entry", entries(&told)))
}

/// Unsubscribe: of one that is not there too.
pub(super) fn unsubscribe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = required(form, "SubscriptionArn")?;
    call.region(world).sns.subscriptions.remove(arn);
    Ok(Xml::none())
}

/// ListSubscriptions.
pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    listed(world, call, form, |_| true)
}

/// ListSubscriptionsByTopic.
pub(super) fn list_by_topic(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic_arn(form, "TopicArn", call)?;
    call.region(world).sns.topic(arn)?;
    listed(world, call, form, |subscription| subscription.topic_arn == arn)
}

fn listed(
    world: &mut World,
    call: &Call,
    form: &Form,
    wanted: impl Fn(&Subscription) -> bool,
) -> Result<Xml, AwsError> {
    let all = call.region(world).sns.subscriptions.iter().filter(|(_, subscription)| wanted(subscription));
    let page = page(all, |(arn, _)| arn.as_str(), form.get("NextToken"), PER_PAGE);
    let page = page.ok_or_else(|| invalid("NextToken"))?;
    let shapes = page.items.into_iter().map(|(arn, subscription)| {
        Xml::new()
            .text("SubscriptionArn", arn)
            .text("Owner", &call.account)
            .text("Protocol", "sqs")
            .text("Endpoint", &subscription.endpoint)
            .text("TopicArn", &subscription.topic_arn)
    });
    Ok(Xml::new().list("Subscriptions", "member", shapes).optional("NextToken", page.marker))
}
