//! Rules, their targets, and what patterns mean.

use serde_json::{Value, json};

use super::{pattern::Pattern, *};
use crate::world::World;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";

fn event() -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "Backup Job State Change", "source": "aws.backup",
        "account": "123456789012", "time": "2026-03-01T05:12:00Z", "region": "us-east-1", "resources": ["arn:aws:rds:a", "b"],
        "detail": {
            "state": "COMPLETED", "percentDone": 100, "createdBy": {"backupPlanId": "p"}, "isEncrypted": "false", "none": null,
            "address": "10.0.3.7", "list": [{"a": 1, "b": 1}, {"a": 2, "b": 2}],
        },
    })
}

#[test]
fn patterns_mean_what_aws_says_they_mean() {
    for (pattern, meant) in [
        (json!({"source": ["aws.backup"]}), true),
        (json!({"source": ["aws.ec2", "aws.backup"], "detail": {"state": ["COMPLETED", "FAILED"]}}), true),
        (json!({"source": ["aws.backup"], "detail": {"state": ["FAILED"]}}), false),
        (json!({"detail": {"status": ["COMPLETED"]}}), false),
        (json!({"resources": ["b"]}), true),
        (json!({"resources": [{"prefix": "arn:aws:rds"}]}), true),
        (json!({"detail": {"state": [{"prefix": "COMP"}]}}), true),
        (json!({"detail": {"state": [{"prefix": {"equals-ignore-case": "comp"}}]}}), true),
        (json!({"detail": {"state": [{"suffix": "LETED"}]}}), true),
        (json!({"detail": {"state": [{"suffix": "comp"}]}}), false),
        (json!({"detail": {"state": [{"equals-ignore-case": "completed"}]}}), true),
        (json!({"detail": {"state": [{"anything-but": "FAILED"}]}}), true),
        (json!({"detail": {"state": [{"anything-but": ["FAILED", "COMPLETED"]}]}}), false),
        (json!({"detail": {"state": [{"anything-but": {"prefix": "COMP"}}]}}), false),
        (json!({"detail": {"state": [{"anything-but": {"suffix": ["X", "Y"]}}]}}), true),
        (json!({"detail": {"missing": [{"anything-but": "x"}]}}), false),
        (json!({"detail": {"percentDone": [{"numeric": [">", 0, "<=", 100]}]}}), true),
        (json!({"detail": {"percentDone": [{"numeric": ["=", 99]}]}}), false),
        (json!({"detail": {"percentDone": [100.0]}}), true),
        (json!({"detail": {"percentDone": ["100"]}}), false),
        (json!({"detail": {"createdBy": {"backupPlanId": [{"exists": true}]}}}), true),
        (json!({"detail": {"createdBy": [{"exists": true}]}}), false),
        (json!({"detail": {"copy": [{"exists": false}]}}), true),
        (json!({"detail": {"copy": {"id": [{"exists": false}]}}}), true),
        (json!({"detail": {"none": [null]}}), true),
        (json!({"detail": {"state": [{"wildcard": "C*L*D"}]}}), true),
        (json!({"detail": {"state": [{"wildcard": "C*X*D"}]}}), false),
        (json!({"detail": {"state": [{"wildcard": "COMPLETED"}]}}), true),
        (json!({"detail": {"address": [{"cidr": "10.0.0.0/16"}]}}), true),
        (json!({"detail": {"address": [{"cidr": "10.1.0.0/16"}]}}), false),
        (json!({"detail": {"list": {"a": [1], "b": [1]}}}), true),
        (json!({"detail": {"list": {"a": [1], "b": [2]}}}), false),
        (json!({"detail": {"$or": [{"status": ["COMPLETED"]}, {"state": ["COMPLETED"]}]}}), true),
        (json!({"source": ["other"], "$or": [{"source": ["aws.backup"]}, {"region": ["us-east-1"]}]}), false),
    ] {
        let read = Pattern::read(&pattern.to_string()).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        assert_eq!(read.matches(&event()), meant, "{pattern}");
    }
}

#[test]
fn what_is_no_pattern_is_told_so() {
    for pattern in [
        "",
        "[]",
        "{}",
        r#"{"source": "aws.backup"}"#,
        r#"{"source": []}"#,
        r#"{"detail": {}}"#,
        r#"{"source": [["x"]]}"#,
        r#"{"source": [{"begins": "x"}]}"#,
        r#"{"source": [{"prefix": 1}]}"#,
        r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#,
        r#"{"source": [{"exists": "yes"}]}"#,
        r#"{"source": [{"numeric": ["~", 1]}]}"#,
        r#"{"source": [{"numeric": [">", 5, "<", 1]}]}"#,
        r#"{"source": [{"numeric": [">"]}]}"#,
        r#"{"source": [{"anything-but": [1, "a"]}]}"#,
        r#"{"source": [{"anything-but": []}]}"#,
        r#"{"source": [{"wildcard": "a**b"}]}"#,
        r#"{"source": [{"cidr": "10.0.0.0/64"}]}"#,
    ] {
        assert!(Pattern::read(pattern).is_err(), "{pattern}");
    }
}

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

    fn events(&mut self) -> &mut State {
        &mut self.world.account("123456789012").region("us-east-1").events
    }
}

#[test]
fn a_rule_is_put_described_switched_and_deleted() {
    let mut story = Story::new();
    let pattern = r#"{"source":["aws.backup"]}"#;
    let put = json!({"Name": "r", "EventPattern": pattern, "Description": "d", "Tags": [{"Key": "a", "Value": "b"}]});
    let arn = story.ok("PutRule", &put)["RuleArn"].clone();
    assert_eq!(arn, "arn:aws:events:us-east-1:123456789012:rule/r");
    let described = story.ok("DescribeRule", &json!({"Name": "r", "EventBusName": "default"}));
    assert_eq!((&described["EventPattern"], &described["State"]), (&json!(pattern), &json!("ENABLED")));
    story.ok("DisableRule", &json!({"Name": "r"}));
    assert!(story.events().matching(&event()).is_empty());
    story.ok("PutRule", &json!({"Name": "r", "EventPattern": pattern}));
    let listed = story.ok("ListRules", &json!({"NamePrefix": "r"}));
    assert_eq!((&listed["Rules"][0]["State"], &listed["Rules"][0]["Description"]), (&json!("ENABLED"), &Value::Null));
    assert_eq!(story.ok("ListTagsForResource", &json!({"ResourceARN": arn}))["Tags"][0]["Key"], "a");
    story.ok("PutTargets", &json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": QUEUE}]}));
    assert_eq!(story.code("DeleteRule", &json!({"Name": "r"})), "ValidationException");
    let removed = story.ok("RemoveTargets", &json!({"Rule": "r", "Ids": ["1", "2"]}));
    assert_eq!(removed["FailedEntryCount"], 1);
    story.ok("DeleteRule", &json!({"Name": "r"}));
    story.ok("DeleteRule", &json!({"Name": "r"}));
    assert_eq!(story.code("DescribeRule", &json!({"Name": "r"})), "ResourceNotFoundException");
}

#[test]
fn a_target_gets_the_event_a_part_of_it_or_a_constant() {
    let mut story = Story::new();
    story.ok("PutRule", &json!({"Name": "r", "EventPattern": r#"{"source":["aws.backup"]}"#}));
    let targets = json!([
        {"Id": "all", "Arn": QUEUE},
        {"Id": "constant", "Arn": QUEUE, "Input": "{\"a\":1}", "DeadLetterConfig": {"Arn": QUEUE}},
        {"Id": "part", "Arn": QUEUE, "InputPath": "$.detail.state"},
    ]);
    story.ok("PutTargets", &json!({"Rule": "r", "Targets": targets}));
    let sent = story.events().matching(&event());
    let bodies: Vec<_> = sent.iter().map(|sent| sent.body.clone()).collect();
    assert_eq!(bodies, [event().to_string(), "{\"a\":1}".to_owned(), "\"COMPLETED\"".to_owned()]);
    assert_eq!(sent[1].dead_letter_arn.as_deref(), Some(QUEUE));
    let now = story.call.now;
    story.events().note(&sent[0], now, &Err("it may not".to_owned()));
    let shown = story.events().overview();
    assert_eq!(shown["r"]["targets"]["all"]["failed_invocations"], 1);
    assert_eq!(story.ok("ListRuleNamesByTarget", &json!({"TargetArn": QUEUE}))["RuleNames"], json!(["r"]));
}

#[test]
fn what_aws_or_the_sandbox_does_not_have_is_refused() {
    let mut story = Story::new();
    let pattern = r#"{"source":["aws.backup"]}"#;
    story.ok("PutRule", &json!({"Name": "r", "EventPattern": pattern}));
    let target = |target: Value| json!({"Rule": "r", "Targets": [target]});
    let many: Value = (0..6).map(|n| json!({"Id": n.to_string(), "Arn": QUEUE})).collect();
    for (operation, body, code) in [
        ("PutRule", json!({"Name": "r", "EventPattern": "{}"}), "InvalidEventPatternException"),
        ("PutRule", json!({"Name": "r"}), "ValidationException"),
        ("PutRule", json!({"Name": "r", "ScheduleExpression": "rate(1 day)"}), "ValidationException"),
        ("PutRule", json!({"Name": "r", "EventPattern": pattern, "EventBusName": "b"}), "ResourceNotFoundException"),
        ("PutRule", json!({"Name": "r r", "EventPattern": pattern}), "ValidationException"),
        (
            "PutTargets",
            target(json!({"Id": "1", "Arn": "arn:aws:lambda:us-east-1:1:function:f"})),
            "ValidationException",
        ),
        ("PutTargets", target(json!({"Id": "1", "Arn": QUEUE, "Input": "no JSON"})), "ValidationException"),
        ("PutTargets", json!({"Rule": "r", "Targets": many}), "LimitExceededException"),
        ("PutTargets", json!({"Rule": "no", "Targets": [{"Id": "1", "Arn": QUEUE}]}), "ResourceNotFoundException"),
        ("PutEvents", json!({"Entries": []}), "ValidationException"),
    ] {
        assert_eq!(story.code(operation, &body), code, "{operation} {body}");
    }
    let own = json!({"Source": "my.app", "DetailType": "t", "Detail": "{}"});
    let put = json!({"Entries": [own, {"Source": "aws.backup", "DetailType": "t", "Detail": "{}"}, {"Source": "s"}]});
    let answer = story.ok("PutEvents", &put);
    assert_eq!((&answer["FailedEntryCount"], &answer["Entries"][0]["ErrorCode"]), (&json!(2), &Value::Null));
    assert_eq!(story.world.account("123456789012").region("us-east-1").outbox.len(), 1);
}
