//! Topics, their subscriptions, and what these get.

use serde_json::{Value, json};

use super::*;
use crate::{
    outbox::{Letter, Notice},
    query::{Form, Xml},
    world::World,
};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";

struct Story {
    world: World,
    call: Call,
}

impl Story {
    fn new() -> Self {
        Self { world: World::default(), call: Call::at("2026-03-02T12:00:00Z".parse().unwrap()) }
    }

    fn try_to(&mut self, action: &str, pairs: &[(&str, &str)]) -> Result<Xml, AwsError> {
        let (_, handler) = ACTIONS.iter().find(|(name, _)| *name == action).unwrap();
        let form = Form::of_pairs(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        handler(&mut self.world, &self.call, &form)
    }

    fn ok(&mut self, action: &str, pairs: &[(&str, &str)]) -> String {
        self.try_to(action, pairs).unwrap_or_else(|error| panic!("{action}: {error:?}")).as_str().to_owned()
    }

    fn code(&mut self, action: &str, pairs: &[(&str, &str)]) -> String {
        self.try_to(action, pairs).unwrap_err().code.into_owned()
    }

    /// A topic with the queue as its subscriber; the subscription's ARN.
    fn subscribed(&mut self) -> String {
        self.ok("CreateTopic", &[("Name", "t")]);
        let answer = self.ok("Subscribe", &[("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", QUEUE)]);
        answer.split(['<', '>']).nth(2).unwrap().to_owned()
    }

    fn publish(&mut self, notice: &Notice) -> Result<Vec<Parcel>, String> {
        let letter = Letter::notice(self.call.now, notice.clone());
        let at = self.call.now;
        self.call.region(&mut self.world).sns.publish(&letter, notice, at)
    }
}

fn notice(service: Option<&'static str>) -> Notice {
    let attributes = [("State".to_owned(), ("String".to_owned(), "COMPLETED".to_owned()))].into();
    Notice {
        topic_arn: TOPIC.to_owned(),
        service,
        source_arn: "arn:aws:backup:us-east-1:123456789012:backup-vault:v".to_owned(),
        subject: Some("news".to_owned()),
        message: "done".to_owned(),
        attributes,
    }
}

#[test]
fn a_message_goes_to_the_queue_in_an_envelope_or_raw() {
    let mut story = Story::new();
    let subscription = story.subscribed();
    let parcels = story.publish(&notice(None)).unwrap();
    let envelope: Value = serde_json::from_str(&parcels[0].body).unwrap();
    assert_eq!(
        (&envelope["Type"], &envelope["Message"], &envelope["Subject"], &envelope["Timestamp"]),
        (&json!("Notification"), &json!("done"), &json!("news"), &json!("2026-03-02T12:00:00.000Z"))
    );
    assert_eq!(envelope["MessageAttributes"]["State"], json!({"Type": "String", "Value": "COMPLETED"}));
    let set =
        |name, value| [("SubscriptionArn", subscription.as_str()), ("AttributeName", name), ("AttributeValue", value)];
    story.ok("SetSubscriptionAttributes", &set("RawMessageDelivery", "true"));
    let raw = story.publish(&notice(None)).unwrap();
    assert_eq!((raw[0].body.as_str(), raw[0].attributes.len()), ("done", 1));
    story.ok("SetSubscriptionAttributes", &set("FilterPolicy", r#"{"State":["FAILED"]}"#));
    assert_eq!(story.publish(&notice(None)).unwrap(), []);
    story.ok("SetSubscriptionAttributes", &set("FilterPolicy", r#"{"State":["COMPLETED"]}"#));
    assert_eq!(story.publish(&notice(None)).unwrap().len(), 1);
    let told = story.ok("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]);
    assert!(told.contains("<key>FilterPolicyScope</key><value>MessageAttributes</value>"), "{told}");
    assert_eq!(story.code("SetSubscriptionAttributes", &set("FilterPolicy", "[]")), "InvalidParameter");
}

#[test]
fn a_service_sends_only_where_the_topics_policy_lets_it() {
    let mut story = Story::new();
    story.subscribed();
    let backup = Some("backup.amazonaws.com");
    assert!(story.publish(&notice(backup)).unwrap_err().contains("policy"));
    let policy = json!({"Statement": [{
        "Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "SNS:Publish", "Resource": TOPIC}]});
    let set = [("TopicArn", TOPIC), ("AttributeName", "Policy"), ("AttributeValue", &policy.to_string())];
    story.ok("SetTopicAttributes", &set);
    assert_eq!(story.publish(&notice(backup)).unwrap().len(), 1);
    let shown = story.call.region(&mut story.world).sns.overview();
    assert_eq!((&shown[TOPIC]["published"], &shown[TOPIC]["refused"]), (&json!(1), &json!(1)));
}

#[test]
fn topics_and_subscriptions_are_made_once_listed_and_deleted() {
    let mut story = Story::new();
    let subscription = story.subscribed();
    assert_eq!(story.subscribed(), subscription);
    assert!(story.ok("ListTopics", &[]).contains(TOPIC));
    assert!(story.ok("ListSubscriptionsByTopic", &[("TopicArn", TOPIC)]).contains(QUEUE));
    let told = story.ok("GetTopicAttributes", &[("TopicArn", TOPIC)]);
    assert!(told.contains("<key>SubscriptionsConfirmed</key><value>1</value>"), "{told}");
    story.ok("TagResource", &[("ResourceArn", TOPIC), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]);
    assert!(story.ok("ListTagsForResource", &[("ResourceArn", TOPIC)]).contains("<Key>a</Key><Value>b</Value>"));
    story.ok("UntagResource", &[("ResourceArn", TOPIC), ("TagKeys.member.1", "a")]);
    let other = [("Name", "t"), ("Attributes.entry.1.key", "DisplayName"), ("Attributes.entry.1.value", "x")];
    assert_eq!(story.code("CreateTopic", &other), "InvalidParameter");
    story.ok("DeleteTopic", &[("TopicArn", TOPIC)]);
    assert_eq!(story.code("GetTopicAttributes", &[("TopicArn", TOPIC)]), "NotFound");
    assert_eq!(story.code("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]), "NotFound");
}

#[test]
fn what_the_sandbox_does_not_do_is_refused_by_name() {
    let mut story = Story::new();
    story.ok("CreateTopic", &[("Name", "t")]);
    let to = |protocol, endpoint| [("TopicArn", TOPIC), ("Protocol", protocol), ("Endpoint", endpoint)];
    for (action, pairs) in [
        ("CreateTopic", vec![("Name", "t.fifo")]),
        ("CreateTopic", vec![("Name", "t t")]),
        ("Subscribe", to("email", "a@example.com").to_vec()),
        ("Subscribe", to("sqs", "http://queue").to_vec()),
        ("Publish", vec![("TopicArn", TOPIC), ("Message", "")]),
        ("Publish", vec![("TopicArn", "t"), ("Message", "m")]),
    ] {
        assert_eq!(story.code(action, &pairs), "InvalidParameter", "{action} {pairs:?}");
    }
    let nowhere = "arn:aws:sns:us-east-1:123456789012:no";
    assert_eq!(story.code("Publish", &[("TopicArn", nowhere), ("Message", "m")]), "NotFound");
    assert!(story.ok("Publish", &[("TopicArn", TOPIC), ("Message", "m")]).contains("MessageId"));
}
