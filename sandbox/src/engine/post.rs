//! Carries what services have told: from a region's outbox to the rules of its bus and the topics of SNS, and on to queues.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Instant;
use crate::{
    due::{Due, Kind},
    events::Invocation,
    iam::resource_policy::{self, ServiceRequest},
    outbox::{Content, Letter, Notice},
    sns::{self, Parcel},
    sqs::{Attribute, NewMessage},
    world::World,
};

/// `SenderId` of what services send.
const SENDER: &str = "AIDASANDBOXOFSERVICES";

/// Puts on the agenda when what has been told since arrives.
pub(super) fn collect(world: &mut World) {
    let World { agenda, accounts, office, .. } = world;
    for (account, state) in accounts.iter_mut() {
        for (name, region) in state.regions.iter_mut().filter(|(_, region)| region.outbox.has_fresh()) {
            for at in region.outbox.post(office) {
                // One entry for whatever arrives here at that instant.
                let due = Due {
                    kind: Kind::LettersArrive,
                    account: account.clone(),
                    region: name.clone(),
                    id: at.to_string(),
                };
                agenda.set(due, at);
            }
        }
    }
}

/// Delivers what arrives in a region now.
pub(super) fn arrive(world: &mut World, now: &Instant<'_>) {
    let mut office = std::mem::take(&mut world.office);
    let letters = now.region(world).outbox.arrived(now.at, &mut office);
    world.office = office;
    for letter in letters {
        match &letter.content {
            Content::Event { source, detail_type, resources, detail } => {
                let event = json!({
                    "version": "0",
                    "id": letter.id,
                    "detail-type": detail_type,
                    "source": source,
                    "account": now.account,
                    "time": letter.told_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                    "region": now.region,
                    "resources": resources,
                    "detail": detail,
                });
                event_arrives(world, now, &event);
            }
            Content::Notice(notice) => notice_arrives(world, now, &letter, notice),
        }
    }
}

fn event_arrives(world: &mut World, now: &Instant<'_>, event: &Value) {
    for invocation in now.region(world).events.matching(event) {
        let done = invoke(world, now, &invocation, &invocation.target_arn);
        if let (Err(why), Some(arn)) = (&done, &invocation.dead_letter_arn) {
            // What even the dead-letter queue may not have is lost, as in AWS.
            let buried = invoke(world, now, &invocation, arn);
            tracing::debug!(rule = invocation.rule, why, buried = buried.is_ok(), "an event goes to the dead letters");
        }
        if let Err(why) = &done {
            tracing::info!(
                rule = invocation.rule,
                target = invocation.target_arn,
                why,
                "a target does not get an event"
            );
        }
        now.region(world).events.note(&invocation, now.at, &done);
    }
}

fn invoke(world: &mut World, now: &Instant<'_>, invocation: &Invocation, queue: &str) -> Result<(), String> {
    let request = ServiceRequest {
        service: "events.amazonaws.com",
        action: "sqs:SendMessage",
        resource: queue,
        source_arn: &invocation.rule_arn,
        source_account: now.account,
    };
    into_queue(world, &request, NewMessage::text(invocation.body.clone(), SENDER), now.at)
}

/// Puts a message into a queue whose policy lets the service do it.
fn into_queue(
    world: &mut World,
    request: &ServiceRequest<'_>,
    message: NewMessage,
    at: Timestamp,
) -> Result<(), String> {
    let queue = request.resource;
    let parts: Vec<&str> = queue.split(':').collect();
    let [_, _, "sqs", region, account, _] = parts[..] else { return Err(format!("{queue} is no queue")) };
    let region = world.existing_mut(account, region).ok_or_else(|| format!("there is no queue {queue}"))?;
    let sqs = &mut region.sqs;
    resource_policy::lets(sqs.policy(queue)?, request)?;
    sqs.deliver(queue, message, at)
}

/// A message for a topic: to the queues that are subscribed.
fn notice_arrives(world: &mut World, now: &Instant<'_>, letter: &Letter, notice: &Notice) {
    let parcels = sns_of(world, &notice.topic_arn).and_then(|sns| sns.publish(letter, notice, now.at));
    let parcels = match parcels {
        Ok(parcels) => parcels,
        Err(why) => return tracing::info!(topic = notice.topic_arn, why, "a topic does not take a message"),
    };
    for parcel in parcels {
        let done = hand_over(world, now, notice, &parcel, &parcel.queue);
        if let (Err(why), Some(arn)) = (&done, &parcel.dead_letter_arn) {
            let buried = hand_over(world, now, notice, &parcel, arn);
            tracing::debug!(
                topic = notice.topic_arn,
                why,
                buried = buried.is_ok(),
                "a message goes to the dead letters"
            );
        }
        if let Err(why) = &done {
            tracing::info!(topic = notice.topic_arn, queue = parcel.queue, why, "a queue does not get a message");
        }
        if let Ok(sns) = sns_of(world, &notice.topic_arn) {
            sns.note(&parcel, now.at, &done);
        }
    }
}

/// The topics of the region and account that a topic's ARN names.
fn sns_of<'w>(world: &'w mut World, topic: &str) -> Result<&'w mut sns::State, String> {
    let parts: Vec<&str> = topic.split(':').collect();
    let [_, _, "sns", region, account, _] = parts[..] else { return Err(format!("{topic} is no topic")) };
    let region = world.existing_mut(account, region);
    region.map(|region| &mut region.sns).ok_or_else(|| format!("there is no topic {topic}"))
}

fn hand_over(
    world: &mut World,
    now: &Instant<'_>,
    notice: &Notice,
    parcel: &Parcel,
    queue: &str,
) -> Result<(), String> {
    let request = ServiceRequest {
        service: "sns.amazonaws.com",
        action: "sqs:SendMessage",
        resource: queue,
        source_arn: &notice.topic_arn,
        source_account: notice.topic_arn.split(':').nth(4).unwrap_or_default(),
    };
    let attribute = |(kind, value): &(String, String)| {
        let text = Attribute { data_type: kind.clone(), ..Attribute::string(value) };
        if kind.starts_with("Binary") {
            return Attribute { string_value: None, binary_value: Some(value.clone()), ..text };
        }
        text
    };
    let attributes = parcel.attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    let message = NewMessage { attributes, ..NewMessage::text(parcel.body.clone(), SENDER) };
    into_queue(world, &request, message, now.at)
}
