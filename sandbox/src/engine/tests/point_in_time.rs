use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, ROLE, Story, segment};

const CLUSTER: &str = "arn:aws:rds:us-east-1:123456789012:cluster:ledger";

/// A story in which a continuous rule with a retention of 14 days has run at 05:00, and the ARN of its point. It is 06:00
/// on March 3rd.
fn followed() -> (Story, String) {
    let mut story = Story::new();
    story.plan(
        json!([{"RuleName": "pitr", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
        "StartWindowMinutes": 60, "CompletionWindowMinutes": 180,
        "EnableContinuousBackup": true, "Lifecycle": {"DeleteAfterDays": 14}}]),
    );
    story.pass_to("2026-03-03T06:00:00Z");
    let arn = story.region().rds.instance("orders").unwrap().backup_recovery_point.clone().unwrap();
    (story, arn)
}

fn cluster(story: &mut Story) {
    story.rds(
        "CreateDBCluster",
        &[
            ("DBClusterIdentifier", "ledger"),
            ("Engine", "aurora-postgresql"),
            ("MasterUsername", "app"),
            ("MasterUserPassword", "not-a-secret"),
            ("PreferredBackupWindow", "01:00-01:30"),
            ("PreferredMaintenanceWindow", "sun:03:00-sun:03:30"),
            ("Tags.Tag.1.Key", "Environment"),
            ("Tags.Tag.1.Value", "production"),
        ],
    );
}

/// A restore of the point by its own metadata with these members on top, and the job when it has ended.
fn restore(story: &mut Story, arn: &str, over: Value) -> Value {
    let path = format!("/backup-vaults/vault/recovery-points/{}/restore-metadata", segment(arn));
    let mut metadata = story.get(&path)["RestoreMetadata"].take();
    metadata.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    let body = json!({"RecoveryPointArn": arn, "IamRoleArn": ROLE, "Metadata": metadata});
    let id = story.ok("PUT", "/restore-jobs", body)["RestoreJobId"].as_str().unwrap().to_owned();
    story.pass(SignedDuration::from_mins(1));
    story.get(&format!("/restore-jobs/{id}"))
}

fn to(name: &str, time: &str) -> Value {
    json!({"DBInstanceIdentifier": name, "RestoreTime": time, "UseLatestRestorableTime": "false"})
}

#[test]
fn the_window_moves_with_the_clock_and_a_time_outside_it_fails_the_job() {
    let (mut story, arn) = followed();
    let late = restore(&mut story, &arn, to("late", "2026-03-03T05:56:00Z"));
    assert_eq!(late["Status"], "FAILED");
    let said = late["StatusMessage"].as_str().unwrap();
    assert!(said.contains("InvalidRestoreFault") && said.contains("2026-03-03T05:55"), "{said}");
    let again = restore(&mut story, &arn, to("late", "2026-03-03T05:56:00Z"));
    assert_eq!(again["Status"], "COMPLETED", "a minute later it is five minutes ago: {again}");
    let early = restore(&mut story, &arn, to("early", "2026-03-02T12:00:30Z"));
    assert_eq!(early["Status"], "COMPLETED", "since the database was made: {early}");
    let earlier = restore(&mut story, &arn, to("earlier", "2026-03-02T11:59:59Z"));
    assert_eq!(earlier["Status"], "FAILED", "before that there was none: {earlier}");
    story.pass_to("2026-03-20T06:00:00Z");
    let old = restore(&mut story, &arn, to("old", "2026-03-06T05:59:59Z"));
    assert_eq!(old["Status"], "FAILED", "14 days back: {old}");
    let latest = json!({"DBInstanceIdentifier": "latest", "UseLatestRestorableTime": "true"});
    assert_eq!(restore(&mut story, &arn, latest)["Status"], "COMPLETED");
}

#[test]
fn a_stopped_point_restores_up_to_where_it_stopped() {
    let (mut story, arn) = followed();
    let plan = story.get("/backup/plans")["BackupPlansList"][0]["BackupPlanId"].as_str().unwrap().to_owned();
    let mut document = story.get(&format!("/backup/plans/{plan}"))["BackupPlan"].take();
    document["Rules"][0]["Lifecycle"] = json!({"DeleteAfterDays": 7});
    story.ok("POST", &format!("/backup/plans/{plan}"), json!({"BackupPlan": document}));
    story.pass_to("2026-03-05T12:00:00Z");
    let path = format!("/backup-vaults/vault/recovery-points/{}", segment(&arn));
    assert_eq!(story.get(&path)["Status"], "STOPPED");
    assert_eq!(restore(&mut story, &arn, to("before", "2026-03-03T12:00:00Z"))["Status"], "COMPLETED");
    assert_eq!(restore(&mut story, &arn, to("after", "2026-03-05T11:00:00Z"))["Status"], "FAILED");
}

#[test]
fn the_point_of_a_deleted_database_restores_nothing_of_one_with_its_name() {
    let (mut story, arn) = followed();
    story.rds("DeleteDBInstance", &[("DBInstanceIdentifier", "orders"), ("SkipFinalSnapshot", "true")]);
    story.pass(SignedDuration::from_mins(10));
    let latest = json!({"DBInstanceIdentifier": "rewound", "UseLatestRestorableTime": "true"});
    let gone = restore(&mut story, &arn, latest.clone());
    assert!(gone["StatusMessage"].as_str().unwrap().contains("AutomatedBackupNotFound"), "{gone}");
    story.database("orders", 7);
    story.pass(SignedDuration::from_hours(1));
    assert_eq!(restore(&mut story, &arn, latest.clone())["Status"], "FAILED");
    // The rule's next run stops the orphan, and follows the new database with a point of its own.
    story.pass_to("2026-03-04T06:00:00Z");
    let path = format!("/backup-vaults/vault/recovery-points/{}", segment(&arn));
    assert_eq!(story.get(&path)["Status"], "STOPPED");
    assert_eq!(restore(&mut story, &arn, latest.clone())["Status"], "FAILED");
    let new = story.region().rds.instance("orders").unwrap().backup_recovery_point.clone().unwrap();
    assert_eq!(restore(&mut story, &new, latest)["Status"], "COMPLETED");
    assert_eq!(DB, story.get(&format!("/resources/{}", segment(DB)))["ResourceArn"]);
}

#[test]
fn a_cluster_is_restored_to_a_point_in_time_without_instances_where_the_role_may() {
    let mut story = Story::new();
    cluster(&mut story);
    story.plan(
        json!([{"RuleName": "pitr", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
        "StartWindowMinutes": 60, "CompletionWindowMinutes": 180,
        "EnableContinuousBackup": true, "Lifecycle": {"DeleteAfterDays": 14}}]),
    );
    story.pass_to("2026-03-03T06:00:00Z");
    let arn = story.region().rds.cluster("ledger").unwrap().backup_recovery_point.clone().unwrap();
    assert!(arn.contains(":recovery-point:continuous:cluster-"), "{arn}");
    let point = story.get(&format!("/backup-vaults/vault/recovery-points/{}", segment(&arn)));
    assert_eq!((&point["ResourceType"], &point["ResourceArn"]), (&json!("Aurora"), &json!(CLUSTER)));
    let at = |name: &str, time: &str| json!({"DBClusterIdentifier": name, "RestoreTime": time, "UseLatestRestorableTime": "false"});
    let job = restore(&mut story, &arn, at("rewound", "2026-03-03T05:30:00Z"));
    assert_eq!(job["CreatedResourceArn"], "arn:aws:rds:us-east-1:123456789012:cluster:rewound", "{job}");
    assert!(story.region().rds.cluster("rewound").unwrap().members.is_empty());
    let late = restore(&mut story, &arn, at("late", "2026-03-03T07:00:00Z"));
    assert!(late["StatusMessage"].as_str().unwrap().contains("InvalidRestoreFault"), "{late}");
}

#[test]
fn a_run_brings_what_a_restore_starts_from_up_to_date() {
    let (mut story, arn) = followed();
    let class = |story: &mut Story| {
        let path = format!("/backup-vaults/vault/recovery-points/{}/restore-metadata", segment(&arn));
        story.get(&path)["RestoreMetadata"]["DBInstanceClass"].clone()
    };
    story.rds(
        "ModifyDBInstance",
        &[("DBInstanceIdentifier", "orders"), ("DBInstanceClass", "db.m6g.large"), ("ApplyImmediately", "true")],
    );
    story.pass(SignedDuration::from_hours(1));
    assert_eq!(class(&mut story), "db.t3.micro");
    story.pass(SignedDuration::from_hours(24));
    assert_eq!(class(&mut story), "db.m6g.large");
}

#[test]
fn a_class_that_rds_does_not_offer_fails_the_job() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let job = restore(&mut story, &arn, json!({"DBInstanceIdentifier": "new", "DBInstanceClass": "db.m1.small"}));
    let said = job["StatusMessage"].as_str().unwrap();
    assert!(said.starts_with("RDS does not support creating a DB instance with the following combination"), "{said}");
}
