//! What AWS Backup tells, from what happens to the queue of a consumer.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, ROLE, Story};
use crate::{call::JsonHandler, events, outbox::Delivery, sqs};

const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/all";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";

impl Story {
    fn json(&mut self, operations: &[(&str, JsonHandler)], name: &str, body: &Value) -> Value {
        let (_, handler) = operations.iter().find(|(operation, _)| *operation == name).unwrap();
        handler(&mut self.world, &self.call, body).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    /// A queue that may have the events of a rule that means all of AWS Backup's.
    fn listens(&mut self, policy: Option<Value>) {
        // What was heard is out for half a day: no story here is so long.
        let mut attributes = json!({"VisibilityTimeout": "43200"});
        if let Some(policy) = policy {
            attributes["Policy"] = policy.to_string().into();
        }
        self.json(sqs::OPERATIONS, "CreateQueue", &json!({"QueueName": "q", "Attributes": attributes}));
        let pattern = json!({"source": ["aws.backup"]}).to_string();
        self.json(events::OPERATIONS, "PutRule", &json!({"Name": "all", "EventPattern": pattern}));
        self.json(events::OPERATIONS, "PutTargets", &json!({"Rule": "all", "Targets": [{"Id": "1", "Arn": QUEUE}]}));
    }

    /// What has come, and is taken.
    fn heard(&mut self) -> Vec<Value> {
        self.pass(SignedDuration::ZERO);
        let mut heard = Vec::new();
        loop {
            let asked = json!({"QueueUrl": "http://h/123456789012/q", "MaxNumberOfMessages": 10});
            let answer = self.json(sqs::OPERATIONS, "ReceiveMessage", &asked);
            let Some(messages) = answer["Messages"].as_array() else { return heard };
            heard
                .extend(messages.iter().map(|it| serde_json::from_str::<Value>(it["Body"].as_str().unwrap()).unwrap()));
        }
    }
}

fn policy() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
    }]})
}

/// Kind and state of each event.
fn states(events: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let kind = |event: &Value| text(&event["detail-type"]).replace(" State Change", "");
    let state = |event: &Value| {
        event["detail"].get("state").or_else(|| event["detail"].get("status")).map_or_else(String::new, text)
    };
    events.iter().map(|event| format!("{} {}", kind(event), state(event))).collect()
}

#[test]
fn a_backup_is_told_from_its_creation_to_its_end_with_all_that_is_odd() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    let id = story.start(DB, &json!({"Lifecycle": {"DeleteAfterDays": 35}}));
    let created = story.heard();
    assert_eq!(states(&created), ["Backup Job CREATED"]);
    let sparse = json!({"backupJobId": id, "state": "CREATED", "creationDate": "2026-03-02T12:01:00.000Z"});
    assert_eq!((&created[0]["detail"], &created[0]["resources"]), (&sparse, &json!([])));

    story.pass(SignedDuration::from_secs(5));
    let running = story.heard();
    assert_eq!(states(&running), ["Recovery Point CREATING", "Backup Job RUNNING"]);
    assert_eq!(running[1]["detail"]["expectedCompletionDate"], "Mar 2, 2026 12:01:35 PM");
    assert_eq!((&running[1]["detail"]["bytesTransferred"], &running[1]["resources"]), (&json!("0"), &json!([])));

    story.pass(SignedDuration::from_secs(30));
    let ended = story.heard();
    assert_eq!(states(&ended), ["Recovery Point COMPLETED", "Backup Job COMPLETED"]);
    let point = format!("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-{id}");
    let expected = json!({
        "backupJobId": id,
        "backupSizeInBytes": "0",
        "backupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:vault",
        "backupVaultName": "vault",
        "bytesTransferred": "0",
        "creationDate": "2026-03-02T12:01:00.000Z",
        "completionDate": "2026-03-02T12:01:35.000Z",
        "startBy": "2026-03-02T20:01:00.000Z",
        "percentDone": 100,
        "retryCount": 0,
        "iamRoleArn": ROLE,
        "resourceArn": DB,
        "resourceType": "RDS",
        "state": "COMPLETED",
    });
    let job = &ended[1];
    assert_eq!((&job["detail"], &job["resources"]), (&expected, &json!([point])));
    assert_eq!(
        (&job["version"], &job["source"], &job["time"]),
        (&json!("0"), &json!("aws.backup"), &json!("2026-03-02T12:01:35Z"))
    );
    let detail = &ended[0]["detail"];
    assert_eq!((&detail["isEncrypted"], &detail["storageClass"]), (&json!("false"), &json!("WARM")));
    assert_eq!(detail["lifecycle"], json!({"deleteAfterDays": 35}));
    assert_eq!(detail["calculatedLifeCycle"], json!({"deleteAt": "2026-04-06T12:01:05.000Z"}));
}

#[test]
fn a_failure_is_told_in_quotes_and_a_restore_by_its_status() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    let point = story.backed_up(DB, &json!({}));
    story.heard();
    let metadata = json!({"DBInstanceIdentifier": "restored", "DBInstanceClass": "db.t3.micro"});
    let restore = json!({"RecoveryPointArn": point, "Metadata": metadata, "IamRoleArn": ROLE});
    let id = story.ok("PUT", "/restore-jobs", restore)["RestoreJobId"].clone();
    story.pass(SignedDuration::from_hours(1));
    let told = story.heard();
    assert_eq!(states(&told), ["Restore Job CREATED", "Restore Job RUNNING", "Restore Job COMPLETED"]);
    assert_eq!(
        told[0]["detail"],
        json!({"restoreJobId": id, "state": "CREATED", "creationDate": "2026-03-02T12:03:00.000Z"})
    );
    let detail = &told[2]["detail"];
    assert_eq!(
        (detail.get("state"), &detail["status"], &detail["percentDone"]),
        (None, &json!("COMPLETED"), &json!(0))
    );
    assert_eq!((&detail["backupSizeInBytes"], &told[2]["resources"]), (&json!("0"), &json!([point])));
    assert_eq!(detail["createdResourceArn"], "arn:aws:rds:us-east-1:123456789012:db:restored");

    story.rds("DeleteDBInstance", &[("DBInstanceIdentifier", "orders"), ("SkipFinalSnapshot", "true")]);
    story.pass(SignedDuration::from_mins(10));
    story.start(DB, &json!({}));
    story.pass(SignedDuration::from_mins(1));
    let failed = story.heard().pop().unwrap();
    let message = failed["detail"]["statusMessage"].as_str().unwrap();
    assert_eq!(failed["detail"]["state"], "FAILED");
    assert!(message.starts_with('"') && message.ends_with('"'), "{message}");
}

#[test]
fn a_copy_has_a_size_in_numbers_and_an_object_for_a_result_that_is_not_there() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    let point = story.backed_up(DB, &json!({}));
    story.heard();
    let copy = json!({
        "RecoveryPointArn": point, "SourceBackupVaultName": "vault", "IamRoleArn": ROLE,
        "DestinationBackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:other",
    });
    let id = story.ok("PUT", "/copy-jobs", copy)["CopyJobId"].clone();
    story.pass(SignedDuration::from_hours(1));
    let told = story.heard();
    assert_eq!(
        states(&told),
        [
            "Copy Job CREATED",
            "Recovery Point CREATING",
            "Copy Job RUNNING",
            "Recovery Point COMPLETED",
            "Copy Job COMPLETED"
        ]
    );
    assert_eq!(told[0]["detail"], json!({"state": "CREATED", "creationDate": "2026-03-02T12:03:00.000Z"}));
    let running = &told[2]["detail"];
    assert_eq!((&running["copyJobId"], &running["backupSizeInBytes"]), (&id, &json!(0)));
    assert_eq!((&running["destinationRecoveryPointArn"], &told[2]["resources"]), (&json!({}), &json!([point])));
    assert!(told[4]["detail"]["destinationRecoveryPointArn"].is_string());
}

#[test]
fn vaults_plans_and_settings_are_told_too() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    story.heard();
    story.ok("PUT", "/backup-vaults/more", json!({}));
    story.ok("PUT", "/backup-vaults/more/vault-lock", json!({"MinRetentionDays": 1}));
    story.ok("DELETE", "/backup-vaults/more/vault-lock", json!({}));
    story.ok("DELETE", "/backup-vaults/more", json!({}));
    let plan = json!({"BackupPlanName": "p", "Rules": [{"RuleName": "r", "TargetBackupVaultName": "vault"}]});
    let made = story.ok("PUT", "/backup/plans", json!({ "BackupPlan": plan }));
    let id = made["BackupPlanId"].as_str().unwrap().to_owned();
    story.ok("POST", &format!("/backup/plans/{id}"), json!({ "BackupPlan": plan }));
    story.ok("DELETE", &format!("/backup/plans/{id}"), json!({}));
    story.ok("PUT", "/account-settings", json!({"ResourceTypeOptInPreference": {"RDS": true}}));
    let told = story.heard();
    let expected = [
        "Backup Vault CREATED",
        "Backup Vault MODIFIED",
        "Backup Vault MODIFIED",
        "Backup Vault DELETED",
        "Backup Plan CREATED",
        "Backup Plan MODIFIED",
        "Backup Plan DELETED",
        "Region Setting MODIFIED",
    ];
    assert_eq!(states(&told), expected);
    assert_eq!(told[1]["detail"], json!({"backupVaultName": "more", "state": "MODIFIED", "isLocked": "true"}));
    let dated =
        |event: &Value, name: &str| event["detail"][name].is_string() && event["detail"]["versionId"].is_string();
    assert!(dated(&told[4], "creationDate") && dated(&told[5], "modifiedAt") && dated(&told[6], "deletionDate"));
    assert_eq!(
        (&told[7]["detail"]["ResourceTypeOptInPreference"], &told[7]["resources"]),
        (&json!({"RDS": true}), &json!([]))
    );
}

#[test]
fn a_job_of_a_plan_names_its_rule_by_another_name() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    let rules =
        json!([{"RuleName": "r", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 13 * * ? *)"}]);
    let id = story.plan(rules);
    story.pass(SignedDuration::from_hours(2));
    let told = story.heard();
    let ended = told.iter().find(|event| event["detail"]["state"] == "COMPLETED").unwrap();
    let creator = &ended["detail"]["createdBy"];
    assert_eq!((&creator["backupPlanId"], creator.get("backupRuleId")), (&json!(id), None));
    assert!(creator["backupPlanRuleId"].is_string() && creator["backupPlanVersion"].is_string());
    assert!(told.iter().any(|event| states(std::slice::from_ref(event)) == ["Backup Job CREATED"]));
}

#[test]
fn a_queue_whose_policy_does_not_let_the_rule_in_gets_nothing_and_that_can_be_found_out() {
    for policy in [
        None,
        Some(json!({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/other"}},
        }]})),
    ] {
        let mut story = Story::new();
        story.listens(policy);
        story.start(DB, &json!({}));
        assert_eq!(story.heard(), Vec::<Value>::new());
        let target = story.region().events.overview()["all"]["targets"]["1"].clone();
        assert_eq!((&target["invocations"], &target["failed_invocations"]), (&json!(1), &json!(1)));
        assert!(target["last_failure"]["why"].as_str().unwrap().contains("policy"), "{target}");
    }
}

#[test]
fn a_vault_tells_its_topic_what_it_was_asked_to() {
    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:news";
    let allow = |service: &str, action: &str, resource: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource}]})
    };
    let mut story = Story::new();
    let to_queue = allow("sns.amazonaws.com", "sqs:SendMessage", QUEUE).to_string();
    let made = json!({"QueueName": "q", "Attributes": {"Policy": to_queue, "VisibilityTimeout": "43200"}});
    story.json(sqs::OPERATIONS, "CreateQueue", &made);
    let to_topic = allow("backup.amazonaws.com", "SNS:Publish", TOPIC).to_string();
    let policy = [("Attributes.entry.1.key", "Policy"), ("Attributes.entry.1.value", to_topic.as_str())];
    story.action(crate::sns::ACTIONS, "CreateTopic", &[&[("Name", "news")], &policy[..]].concat());
    let subscribe = [("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", QUEUE)];
    story.action(crate::sns::ACTIONS, "Subscribe", &subscribe);
    story.behaviour().switches.deprecated_events = true;
    let wanted = json!({"SNSTopicArn": TOPIC, "BackupVaultEvents": ["BACKUP_JOB_SUCCESSFUL", "BACKUP_JOB_COMPLETED", "COPY_JOB_FAILED"]});
    story.ok("PUT", "/backup-vaults/vault/notification-configuration", wanted);
    let id = story.start(DB, &json!({}));
    story.pass(SignedDuration::from_mins(2));
    let heard = story.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!((&heard[0]["TopicArn"], &heard[0]["Subject"]), (&json!(TOPIC), &json!("Notification from AWS Backup")));
    let attribute = |name: &str| heard[0]["MessageAttributes"][name]["Value"].clone();
    assert_eq!(
        (attribute("EventType"), attribute("State"), attribute("Id")),
        (json!("BACKUP_JOB"), json!("COMPLETED"), json!(id))
    );
    assert!(heard[0]["Message"].as_str().unwrap().contains(&id));
}

#[test]
fn events_come_late_twice_and_in_another_order_where_that_is_switched_on() {
    let mut story = Story::new();
    story.listens(Some(policy()));
    story.heard();
    let every = SignedDuration::from_mins(5);
    story.world.office.set(Delivery { every, duplicates: 1.0, shuffle: true, seed: 1, ..Delivery::default() }).unwrap();
    story.start(DB, &json!({}));
    story.pass(SignedDuration::from_mins(3));
    assert_eq!(story.heard(), Vec::<Value>::new());
    story.pass(SignedDuration::from_mins(1));
    let told = states(&story.heard());
    assert_eq!(told.len(), 10);
    let mut sorted = told.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 5);
    assert_ne!(told.first().map(String::as_str), Some("Backup Job CREATED"), "{told:?}");
}
