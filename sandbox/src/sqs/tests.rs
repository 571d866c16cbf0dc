//! Queues as their consumers see them, on a clock that is moved by hand.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

struct Story {
    world: World,
    call: Call,
}

impl Story {
    fn new() -> Self {
        Self { world: World::default(), call: Call::at("2026-03-02T12:00:00Z".parse().unwrap()) }
    }

    fn try_to(&mut self, operation: &str, body: &Value) -> Result<Value, AwsError> {
        let (_, handler) = OPERATIONS.iter().find(|(name, _)| *name == operation).unwrap();
        handler(&mut self.world, &self.call, body)
    }

    fn ok(&mut self, operation: &str, body: &Value) -> Value {
        self.try_to(operation, body).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    fn code(&mut self, operation: &str, body: &Value) -> String {
        self.try_to(operation, body).unwrap_err().code.into_owned()
    }

    fn pass(&mut self, seconds: i64) {
        self.call.now = self.call.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    fn queue(&mut self, name: &str, attributes: &Value) -> String {
        let made = self.ok("CreateQueue", &json!({"QueueName": name, "Attributes": attributes}));
        made["QueueUrl"].as_str().unwrap().to_owned()
    }

    fn send(&mut self, url: &str, text: &str) {
        self.ok("SendMessage", &json!({"QueueUrl": url, "MessageBody": text}));
    }

    /// Bodies, receive counts and receipts.
    fn receive(&mut self, url: &str) -> Vec<(String, String, String)> {
        let asked = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"]});
        let received = self.ok("ReceiveMessage", &asked);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        messages
            .iter()
            .map(|message| {
                let count = text(&message["Attributes"]["ApproximateReceiveCount"]);
                (text(&message["Body"]), count, text(&message["ReceiptHandle"]))
            })
            .collect()
    }

    fn bodies(&mut self, url: &str) -> Vec<String> {
        self.receive(url).into_iter().map(|(body, ..)| body).collect()
    }

    fn attribute(&mut self, url: &str, name: &str) -> Value {
        self.ok("GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]}))["Attributes"][name].clone()
    }
}

#[test]
fn a_message_that_is_not_deleted_comes_again_when_its_visibility_runs_out() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({"VisibilityTimeout": "10"}));
    assert_eq!(url, "http://127.0.0.1:4566/123456789012/q");
    story.send(&url, "one");
    let first = story.receive(&url);
    assert_eq!((first[0].0.as_str(), first[0].1.as_str()), ("one", "1"));
    assert_eq!(story.bodies(&url), [""; 0]);
    assert_eq!(story.attribute(&url, "ApproximateNumberOfMessagesNotVisible"), "1");
    story.pass(10);
    let again = story.receive(&url);
    assert_eq!(again[0].1, "2");
    let receipt = |receipt: &str| json!({"QueueUrl": url, "ReceiptHandle": receipt});
    story.ok("DeleteMessage", &receipt(&first[0].2));
    story.pass(10);
    let third = story.receive(&url);
    assert_eq!(third.len(), 1, "a receipt that another has followed deletes nothing");
    story.ok("DeleteMessage", &receipt(&third[0].2));
    story.ok("DeleteMessage", &receipt(&third[0].2));
    assert_eq!(story.code("DeleteMessage", &receipt("nonsense")), "ReceiptHandleIsInvalid");
    story.pass(10);
    assert_eq!(story.bodies(&url), [""; 0]);
}

#[test]
fn visibility_is_changed_only_of_what_is_out() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({}));
    story.send(&url, "one");
    let receipt = story.receive(&url)[0].2.clone();
    let change = |seconds: i64| json!({"QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": seconds});
    story.ok("ChangeMessageVisibility", &change(100));
    story.pass(99);
    assert_eq!(story.bodies(&url), [""; 0]);
    story.ok("ChangeMessageVisibility", &change(0));
    assert_eq!(story.code("ChangeMessageVisibility", &change(5)), "MessageNotInflight");
    assert_eq!(story.code("ChangeMessageVisibility", &change(43_201)), "InvalidParameterValue");
    assert_eq!(story.bodies(&url), ["one"]);
}

#[test]
fn delays_and_retention_go_by_the_clock() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({"DelaySeconds": "5", "MessageRetentionPeriod": "60"}));
    story.send(&url, "slow");
    story.ok("SendMessage", &json!({"QueueUrl": url, "MessageBody": "quick", "DelaySeconds": 0}));
    assert_eq!(story.attribute(&url, "ApproximateNumberOfMessagesDelayed"), "1");
    assert_eq!(story.bodies(&url), ["quick"]);
    story.pass(5);
    assert_eq!(story.bodies(&url), ["slow"]);
    story.pass(55);
    assert_eq!(story.attribute(&url, "ApproximateNumberOfMessages"), "0");
    assert_eq!(story.world.account("123456789012").region("us-east-1").sqs.queues["q"].bytes(), 0);
}

#[test]
fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
    let mut story = Story::new();
    let dead = story.queue("dead", &json!({}));
    let arn = story.attribute(&dead, "QueueArn");
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let url = story.queue("q", &json!({"RedrivePolicy": policy, "VisibilityTimeout": "0"}));
    story.send(&url, "poison");
    assert_eq!(story.bodies(&url), ["poison"]);
    assert_eq!(story.bodies(&url), ["poison"]);
    let before = story.world.account("123456789012").region("us-east-1").sqs.arrivals();
    assert_eq!(story.bodies(&url), [""; 0]);
    assert!(story.world.account("123456789012").region("us-east-1").sqs.arrivals() > before);
    assert_eq!(story.receive(&dead)[0].1, "3", "a dead letter keeps its count");
    let sources = story.ok("ListDeadLetterSourceQueues", &json!({"QueueUrl": dead}));
    assert_eq!(sources["queueUrls"], json!([url]));
    story.ok("DeleteQueue", &json!({"QueueUrl": dead}));
    story.send(&url, "poison");
    for _ in 0..3 {
        assert_eq!(story.bodies(&url), ["poison"], "without a dead-letter queue nothing is dead");
    }
    let nowhere = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:no", "maxReceiveCount": 2});
    let set = json!({"QueueUrl": url, "Attributes": {"RedrivePolicy": nowhere.to_string()}});
    assert_eq!(story.code("SetQueueAttributes", &set), "InvalidParameterValue");
}

#[test]
fn a_queue_is_made_once_and_its_name_rests_after_it() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({"DelaySeconds": "1"}));
    assert_eq!(story.queue("q", &json!({"DelaySeconds": "1", "VisibilityTimeout": "30"})), url);
    let other = json!({"QueueName": "q", "Attributes": {"DelaySeconds": "2"}});
    assert_eq!(story.code("CreateQueue", &other), "QueueNameExists");
    assert_eq!(story.code("CreateQueue", &json!({"QueueName": "q.fifo"})), "UnsupportedOperation");
    assert_eq!(story.code("CreateQueue", &json!({"QueueName": "q q"})), "InvalidParameterValue");
    story.ok("DeleteQueue", &json!({"QueueUrl": url}));
    assert_eq!(story.code("GetQueueUrl", &json!({"QueueName": "q"})), "QueueDoesNotExist");
    assert_eq!(story.code("CreateQueue", &json!({"QueueName": "q"})), "QueueDeletedRecently");
    story.pass(60);
    story.queue("q", &json!({}));
    story.ok("PurgeQueue", &json!({"QueueUrl": url}));
    assert_eq!(story.code("PurgeQueue", &json!({"QueueUrl": url})), "PurgeQueueInProgress");
}

#[test]
fn queues_are_listed_in_pages_for_who_asks_for_them() {
    let mut story = Story::new();
    for name in ["a-1", "a-2", "a-3", "b"] {
        story.queue(name, &json!({}));
    }
    let all = story.ok("ListQueues", &json!({}));
    assert_eq!((all["QueueUrls"].as_array().map(Vec::len), all.get("NextToken")), (Some(4), None));
    let first = story.ok("ListQueues", &json!({"QueueNamePrefix": "a-", "MaxResults": 2}));
    let rest =
        story.ok("ListQueues", &json!({"QueueNamePrefix": "a-", "MaxResults": 2, "NextToken": first["NextToken"]}));
    assert_eq!(rest["QueueUrls"], json!(["http://127.0.0.1:4566/123456789012/a-3"]));
}

#[test]
fn each_entry_of_a_batch_is_done_or_refused_for_itself() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({"MaximumMessageSize": "1024"}));
    let entry = |id: &str, text: &str| json!({"Id": id, "MessageBody": text});
    let batch = |entries: Value| json!({"QueueUrl": url, "Entries": entries});
    let long = "x".repeat(1025);
    let done = story.ok("SendMessageBatch", &batch(json!([entry("1", "a"), entry("2", &long), entry("3", "c")])));
    assert_eq!(done["Successful"].as_array().map(Vec::len), Some(2));
    assert_eq!((&done["Failed"][0]["Id"], &done["Failed"][0]["SenderFault"]), (&json!("2"), &json!(true)));
    for (entries, code) in [
        (json!([]), "EmptyBatchRequest"),
        (json!([entry("1", "a"), entry("1", "b")]), "BatchEntryIdsNotDistinct"),
        (json!([entry("a b", "a")]), "InvalidBatchEntryId"),
        ((0..11).map(|n| entry(&n.to_string(), "a")).collect(), "TooManyEntriesInBatchRequest"),
    ] {
        assert_eq!(story.code("SendMessageBatch", &batch(entries)), code);
    }
    let received = story.receive(&url);
    let receipts: Value =
        received.iter().map(|(body, _, receipt)| json!({"Id": body, "ReceiptHandle": receipt})).collect();
    let done = story.ok("DeleteMessageBatch", &batch(receipts));
    assert_eq!((done["Successful"].as_array().map(Vec::len), &done["Failed"]), (Some(2), &json!([])));
}

#[test]
fn the_request_or_the_queue_says_how_long_to_wait() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({"ReceiveMessageWaitTimeSeconds": "7"}));
    let (world, call) = (&mut story.world, &story.call);
    assert_eq!(patience(world, call, &json!({"QueueUrl": url})), Duration::from_secs(7));
    assert_eq!(patience(world, call, &json!({"QueueUrl": url, "WaitTimeSeconds": 0})), Duration::ZERO);
    assert_eq!(patience(world, call, &json!({"QueueUrl": "nonsense"})), Duration::ZERO);
}

#[test]
fn what_a_request_lacks_or_overdoes_is_refused() {
    let mut story = Story::new();
    let url = story.queue("q", &json!({}));
    for (operation, body, code) in [
        ("SendMessage", json!({"MessageBody": "x"}), "MissingParameter"),
        ("SendMessage", json!({"QueueUrl": url}), "MissingParameter"),
        ("SendMessage", json!({"QueueUrl": url, "MessageBody": "x", "DelaySeconds": 901}), "InvalidParameterValue"),
        ("ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": 11}), "InvalidParameterValue"),
        ("ReceiveMessage", json!({"QueueUrl": url, "WaitTimeSeconds": 21}), "InvalidParameterValue"),
        ("ReceiveMessage", json!({"QueueUrl": "http://h/123456789012/other"}), "QueueDoesNotExist"),
        ("ReceiveMessage", json!({"QueueUrl": "q"}), "InvalidAddress"),
        ("GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["Colour"]}), "InvalidAttributeName"),
    ] {
        assert_eq!(story.code(operation, &body), code, "{operation} {body}");
    }
}
