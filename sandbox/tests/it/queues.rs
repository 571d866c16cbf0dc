//! Queues over HTTP: waiting for a message, and how SQS says that something is wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Answer, Neighbour, start};

async fn sqs(aws: &Neighbour, operation: &str, body: Value) -> Answer {
    aws.target("sqs", &format!("AmazonSQS.{operation}"), body).await
}

async fn queue(aws: &Neighbour) -> String {
    sqs(aws, "CreateQueue", json!({"QueueName": "q"})).await.json()["QueueUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_url_of_a_queue_is_under_the_name_that_the_client_came_by() {
    let aws = start().await;
    assert_eq!(queue(&aws).await, format!("{}/123456789012/q", aws.url));
}

#[tokio::test]
async fn who_waits_is_woken_by_a_message_and_holds_nobody_up() {
    let aws = start().await;
    let url = queue(&aws).await;
    let begun = Instant::now();
    let waiting = sqs(&aws, "ReceiveMessage", json!({"QueueUrl": url, "WaitTimeSeconds": 20}));
    let sending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqs(&aws, "SendMessage", json!({"QueueUrl": url, "MessageBody": "hello"})).await
    };
    let (received, sent) = tokio::join!(waiting, sending);
    assert_eq!(sent.status, 200, "{}", sent.text);
    assert_eq!(received.json()["Messages"][0]["Body"], "hello");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn who_waits_in_vain_is_answered_when_the_time_is_over() {
    let aws = start().await;
    let url = queue(&aws).await;
    let begun = Instant::now();
    let received = sqs(&aws, "ReceiveMessage", json!({"QueueUrl": url, "WaitTimeSeconds": 1})).await;
    assert_eq!((received.status, received.text.as_str()), (200, "{}"));
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_movement_of_the_clock_wakes_who_waits_for_an_event() {
    let aws = start().await;
    let url = queue(&aws).await;
    let arn = "arn:aws:sqs:us-east-1:123456789012:q";
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn}]});
    let set = json!({"QueueUrl": url, "Attributes": {"Policy": policy.to_string()}});
    sqs(&aws, "SetQueueAttributes", set).await.is_empty();
    let rule = json!({"Name": "r", "EventPattern": "{\"source\":[\"aws.backup\"]}"});
    assert_eq!(aws.target("events", "AWSEvents.PutRule", rule).await.status, 200);
    let targets = json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": arn}]});
    assert_eq!(aws.target("events", "AWSEvents.PutTargets", targets).await.status, 200);
    let (status, shown) = aws.control("PUT", "/events", json!({"delay": "PT5M"})).await;
    assert_eq!((status.as_u16(), &shown["delivery"]["delay"]), (200, &json!("PT5M")));
    aws.vault("gold").await;
    let waiting = sqs(&aws, "ReceiveMessage", json!({"QueueUrl": url, "WaitTimeSeconds": 20}));
    let moving = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        aws.advance("5m").await;
    };
    let (received, ()) = tokio::join!(waiting, moving);
    let event: Value = serde_json::from_str(received.json()["Messages"][0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&event["detail-type"], &event["time"]),
        (&json!("Backup Vault State Change"), &json!("2026-03-01T04:05:00Z"))
    );
    let (_, shown) = aws.control("GET", "/events", Value::Null).await;
    let rule = &shown["accounts"]["123456789012"]["us-east-1"]["rules"]["r"];
    assert_eq!((&rule["matched"], &rule["targets"]["1"]["failed_invocations"]), (&json!(1), &json!(0)));
    assert_eq!(shown["counts"]["arrived"], 1);
}

#[tokio::test]
async fn faults_of_the_delivery_are_all_named() {
    let aws = start().await;
    let wrong = json!({"delay": "-PT1S", "lost": 2, "duplicates": -1});
    let (status, answer) = aws.control("PUT", "/events", wrong).await;
    let error = answer["error"].as_str().unwrap();
    assert!(
        status.as_u16() == 400 && ["delay", "lost", "duplicates"].iter().all(|name| error.contains(name)),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_has_both_its_codes() {
    let aws = start().await;
    let answer = sqs(&aws, "GetQueueUrl", json!({"QueueName": "none"})).await;
    assert_eq!((answer.status, answer.error.as_str()), (400, "QueueDoesNotExist"));
    assert_eq!(answer.json()["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
    let unknown = sqs(&aws, "StartMessageMoveTask", json!({})).await;
    assert_eq!((unknown.status, unknown.error.as_str()), (400, "UnknownOperationException"));
    let elsewhere = aws.target("dynamodb", "DynamoDB_20120810.ListTables", json!({})).await;
    assert!(elsewhere.text.contains("sns, sqs, sts"), "{}", elsewhere.text);
}
