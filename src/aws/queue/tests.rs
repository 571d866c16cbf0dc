use super::*;
use crate::aws::FailureKind;

fn address(url: &str) -> Result<(String, String, Option<String>), String> {
    let default = RegionName::example();
    match Address::of(url, Some(&default)) {
        Ok(Address { scope, endpoint }) => {
            Ok((scope.account.as_str().to_owned(), scope.region.as_str().to_owned(), endpoint))
        }
        Err(fault) => Err(fault.0),
    }
}

#[test]
fn a_url_says_whose_the_queue_is_and_where() {
    for (url, region, endpoint) in [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/backup-events", "eu-west-1", None),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", "cn-north-1", None),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/q", "us-gov-west-1", None),
        ("https://sqs.xx-new-7.amazonaws.com/123456789012/q", "xx-new-7", None),
        ("https://eu-west-1.queue.amazonaws.com/123456789012/q", "eu-west-1", None),
        (
            "https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com/123456789012/q",
            "eu-west-1",
            Some("https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com"),
        ),
        ("http://127.0.0.1:4566/123456789012/q", "us-east-1", Some("http://127.0.0.1:4566")),
        (
            "http://sqs.eu-west-1.localhost.localstack.cloud:4566/123456789012/q",
            "eu-west-1",
            Some("http://sqs.eu-west-1.localhost.localstack.cloud:4566"),
        ),
    ] {
        assert_eq!(address(url), Ok(("123456789012".into(), region.into(), endpoint.map(str::to_owned))), "{url}");
    }
}

#[test]
fn what_is_no_url_of_a_queue_is_a_fault_that_says_what_one_looks_like() {
    for url in [
        "",
        "backup-events",
        "arn:aws:sqs:eu-west-1:123456789012:backup-events",
        "https://sqs.eu-west-1.amazonaws.com/backup-events",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/q?x=1",
        "https://ann:secret@sqs.eu-west-1.amazonaws.com/123456789012/q",
        "ftp://sqs.eu-west-1.amazonaws.com/123456789012/q",
    ] {
        let fault = address(url).unwrap_err();
        assert!(fault.ends_with("it has the form https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"), "{fault}");
    }
    let nowhere = Address::of("http://127.0.0.1:4566/123456789012/q", None).unwrap_err();
    assert!(nowhere.0.ends_with("does not say in which region: set aws.region"), "{nowhere}");
}

#[cfg(feature = "sandbox")]
mod over_the_wire {
    use std::time::Instant;

    use super::*;
    use crate::aws::tests::Sandboxed;

    const HIDDEN: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn what_was_sent_is_received_until_it_is_deleted() {
        let aws = Sandboxed::start().await;
        let queue = aws.queue("events").await;
        for number in 0..12 {
            aws.send("events", &format!("event {number}")).await;
        }
        let mut bodies = Vec::new();
        let mut receipts = Vec::new();
        while bodies.len() < 12 {
            let messages = queue.receive(Duration::ZERO, HIDDEN).await.unwrap();
            assert!((1..=10).contains(&messages.len()), "{messages:?}");
            assert!(messages.iter().all(|message| message.received == 1 && message.sent_at.is_some()));
            receipts.extend(messages.iter().map(|message| message.receipt.clone()));
            bodies.extend(messages.into_iter().map(|message| message.body));
        }
        bodies.sort();
        bodies.dedup();
        assert_eq!(bodies.len(), 12, "each once");
        let kept = receipts.pop().unwrap();
        assert_eq!(queue.delete(&receipts).await.unwrap(), 0, "eleven, in two requests");
        aws.advance("PT31S").await;
        let again = queue.receive(Duration::ZERO, HIDDEN).await.unwrap();
        assert_eq!((again.len(), again[0].received), (1, 2));
        assert_ne!(again[0].receipt, kept);
        assert_eq!(queue.delete(&[Receipt("nonsense".into())]).await.unwrap(), 1, "it says so");
    }

    #[tokio::test]
    async fn waiting_ends_when_a_message_comes() {
        let aws = Sandboxed::start().await;
        let queue = aws.queue("events").await;
        let began = Instant::now();
        let (messages, ()) = tokio::join!(queue.receive(LONGEST_WAIT, HIDDEN), async {
            // It is the client's connection that waits, in real time.
            tokio::time::sleep(Duration::from_millis(200)).await;
            aws.send("events", "late").await;
        });
        assert_eq!(messages.unwrap()[0].body, "late");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_wait_may_be_longer_than_any_other_answer() {
        let aws = Sandboxed::start_with(|config| {
            config.read_timeout = Duration::from_millis(300);
            config.attempt_timeout = Duration::from_millis(300);
            config.operation_timeout = Duration::from_millis(300);
        })
        .await;
        let queue = aws.queue("events").await;
        let began = Instant::now();
        assert_eq!(queue.receive(Duration::from_secs(1), HIDDEN).await.unwrap(), []);
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_queue_that_is_not_there_and_a_fault_that_passes_are_told_apart() {
        let aws = Sandboxed::start().await;
        let missing = aws.aws.queue(&aws.url_of("nothing")).unwrap();
        let gone = missing.receive(Duration::ZERO, HIDDEN).await.unwrap_err();
        assert_eq!(gone.kind, FailureKind::NotFound, "{gone}");
        let queue = aws.queue("events").await;
        aws.arm(serde_json::json!({"operation": "ReceiveMessage", "next": 20, "effect": {"error": {"status": 503, "code": "ServiceUnavailable"}}})).await;
        let passing = queue.receive(Duration::ZERO, HIDDEN).await.unwrap_err();
        assert_eq!(passing.kind, FailureKind::Unavailable, "{passing}");
    }
}
