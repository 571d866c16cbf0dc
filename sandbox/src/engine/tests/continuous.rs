use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{ROLE, Story, segment};

fn rule(name: &str, vault: &str, hour: u8, days: i64) -> Value {
    json!({"RuleName": name, "TargetBackupVaultName": vault, "ScheduleExpression": format!("cron(0 {hour} ? * * *)"),
        "StartWindowMinutes": 60, "CompletionWindowMinutes": 180,
        "EnableContinuousBackup": true, "Lifecycle": {"DeleteAfterDays": days}})
}

fn points(story: &mut Story, vault: &str) -> Vec<Value> {
    story.get(&format!("/backup-vaults/{vault}/recovery-points"))["RecoveryPoints"].as_array().unwrap().clone()
}

#[test]
fn one_point_follows_the_database_and_its_retention_is_taken_over() {
    let mut story = Story::new();
    story.plan(json!([rule("pitr", "vault", 5, 14)]));
    story.pass_to("2026-03-06T06:00:00Z");
    let found = points(&mut story, "vault");
    assert_eq!(found.len(), 1);
    let arn = found[0]["RecoveryPointArn"].as_str().unwrap().to_owned();
    assert!(arn.starts_with("arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-"), "{arn}");
    assert_eq!(found[0]["Status"], "AVAILABLE");
    assert!(found[0].get("CalculatedLifecycle").is_none());
    let instance = story.region().rds.instance("orders").unwrap();
    assert_eq!((instance.settings.backup_retention, instance.backup_recovery_point.as_ref()), (14, Some(&arn)));

    let metadata =
        json!({"DBInstanceIdentifier": "rewound", "Engine": "postgres", "RestoreTime": "2026-03-05T00:00:00Z"});
    let body = json!({"RecoveryPointArn": arn, "IamRoleArn": ROLE, "Metadata": metadata});
    let id = story.ok("PUT", "/restore-jobs", body)["RestoreJobId"].as_str().unwrap().to_owned();
    story.pass(SignedDuration::from_mins(1));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert_eq!(job["Status"], "COMPLETED", "{job}");

    let path = format!("/backup-vaults/vault/recovery-points/{}", segment(&arn));
    assert!(
        story
            .refusal("POST", &path, json!({"Lifecycle": {"DeleteAfterDays": 3}}))
            .starts_with("InvalidRequestException")
    );
    story.ok("POST", &format!("{path}/disassociate"), json!({}));
    assert!(points(&mut story, "vault").is_empty());
    assert_eq!(story.region().rds.instance("orders").unwrap().backup_recovery_point, None);
}

#[test]
fn without_automated_backups_there_are_snapshots_until_the_maintenance_window() {
    let mut story = Story::new();
    story.rds(
        "ModifyDBInstance",
        &[("DBInstanceIdentifier", "orders"), ("BackupRetentionPeriod", "0"), ("ApplyImmediately", "true")],
    );
    story.pass(SignedDuration::from_mins(1));
    story.plan(json!([rule("pitr", "vault", 5, 35)]));
    story.pass_to("2026-03-07T06:00:00Z");
    let found = points(&mut story, "vault");
    assert!(
        found.len() == 5
            && found.iter().all(|it| it["RecoveryPointArn"].as_str().unwrap().contains("snapshot:awsbackup"))
    );
    story.pass_to("2026-03-08T03:00:00Z");
    assert_eq!(points(&mut story, "vault").iter().filter(|it| it["Status"] == "AVAILABLE").count(), 1);
    assert_eq!(story.region().rds.instance("orders").unwrap().settings.backup_retention, 35);
    story.pass_to("2026-03-09T06:00:00Z");
    assert_eq!(points(&mut story, "vault").len(), 6, "no snapshots any more");
}

#[test]
fn a_second_vault_gets_snapshots_with_a_remark() {
    let mut story = Story::new();
    story.plan(json!([rule("first", "vault", 5, 14), rule("second", "other", 9, 14)]));
    story.pass_to("2026-03-03T10:00:00Z");
    let jobs = story.get("/backup-jobs?backupVaultName=other")["BackupJobs"].clone();
    assert_eq!(jobs[0]["State"], "COMPLETED");
    let remark = jobs[0]["StatusMessage"].as_str().unwrap();
    assert!(remark.starts_with("Enabling continuous backup failed, because of the following error: PITR already configured in backup plan: [arn:"), "{remark}");
    assert_ne!(jobs[0]["MessageCategory"], "SUCCESS");
    assert!(points(&mut story, "other")[0]["RecoveryPointArn"].as_str().unwrap().contains("snapshot"));
}

#[test]
fn a_changed_retention_stops_the_point_and_makes_a_new_one() {
    let mut story = Story::new();
    let plan = story.plan(json!([rule("pitr", "vault", 5, 14)]));
    story.pass_to("2026-03-03T06:00:00Z");
    story.ok(
        "POST",
        &format!("/backup/plans/{plan}"),
        json!({"BackupPlan": {"BackupPlanName": "plan", "Rules": [rule("pitr", "vault", 5, 7)]}}),
    );
    story.pass_to("2026-03-04T06:00:00Z");
    let statuses: Vec<Value> = points(&mut story, "vault").iter().map(|it| it["Status"].clone()).collect();
    assert_eq!(statuses, ["AVAILABLE", "STOPPED"]);
    assert_eq!(story.region().rds.instance("orders").unwrap().settings.backup_retention, 7);
    story.pass_to("2026-03-18T06:00:00Z");
    assert_eq!(points(&mut story, "vault").len(), 1, "the stopped point's 14 days are over");
}

#[test]
fn a_point_that_a_run_brings_up_to_date_is_in_use_until_the_run_ends() {
    let mut story = Story::new();
    story.behaviour().jobs.run_time = SignedDuration::from_mins(10);
    story.plan(json!([rule("pitr", "vault", 5, 14)]));
    let busy = |story: &mut Story, disassociate: bool| {
        let arn = points(story, "vault")[0]["RecoveryPointArn"].as_str().unwrap().to_owned();
        let path = format!("/backup-vaults/vault/recovery-points/{}", segment(&arn));
        let (method, path) = if disassociate { ("POST", format!("{path}/disassociate")) } else { ("DELETE", path) };
        let refused = story.refusal(method, &path, json!({}));
        assert!(refused.starts_with("InvalidResourceStateException"), "{refused}");
    };
    // The first run makes the point, the second finds it.
    for (running, status) in [("2026-03-03T05:05:00Z", "CREATING"), ("2026-03-04T05:05:00Z", "AVAILABLE")] {
        story.pass_to(running);
        assert_eq!(points(&mut story, "vault")[0]["Status"], status);
        busy(&mut story, true);
        busy(&mut story, false);
    }
    story.pass_to("2026-03-04T05:20:00Z");
    let arn = points(&mut story, "vault")[0]["RecoveryPointArn"].as_str().unwrap().to_owned();
    let path = format!("/backup-vaults/vault/recovery-points/{}", segment(&arn));
    story.ok("POST", &format!("{path}/disassociate"), json!({}));
    assert!(points(&mut story, "vault").is_empty());
}

#[test]
fn a_run_that_outlasts_its_completion_window_lets_an_older_point_go() {
    let mut story = Story::new();
    story.plan(json!([rule("pitr", "vault", 5, 14)]));
    story.pass_to("2026-03-03T06:00:00Z");
    story.behaviour().jobs.run_time = SignedDuration::from_hours(4);
    story.pass_to("2026-03-04T09:00:00Z");
    assert_eq!(story.get("/backup-jobs?state=EXPIRED")["BackupJobs"].as_array().unwrap().len(), 1);
    let found = points(&mut story, "vault");
    assert_eq!(found[0]["Status"], "AVAILABLE");
    let path = segment(found[0]["RecoveryPointArn"].as_str().unwrap());
    story.ok("DELETE", &format!("/backup-vaults/vault/recovery-points/{path}"), json!({}));
}

#[test]
fn a_new_database_of_the_same_name_gets_its_own_point() {
    let mut story = Story::new();
    story.plan(json!([rule("pitr", "vault", 5, 14)]));
    story.pass_to("2026-03-03T06:00:00Z");
    let first = points(&mut story, "vault")[0]["RecoveryPointArn"].clone();
    story.rds("DeleteDBInstance", &[("DBInstanceIdentifier", "orders"), ("SkipFinalSnapshot", "true")]);
    story.pass(SignedDuration::from_mins(1));
    story.database("orders", 7);
    story.pass_to("2026-03-04T06:00:00Z");
    let found = points(&mut story, "vault");
    let statuses: Vec<&Value> = found.iter().map(|it| &it["Status"]).collect();
    assert_eq!(statuses, ["AVAILABLE", "STOPPED"]);
    assert_eq!(found[1]["RecoveryPointArn"], first);
    let own = found[0]["RecoveryPointArn"].as_str().map(str::to_owned);
    assert_eq!(story.region().rds.instance("orders").unwrap().backup_recovery_point, own);
    story.pass_to("2026-03-19T06:00:00Z");
    let left = points(&mut story, "vault");
    assert_eq!((left.len(), left[0]["RecoveryPointArn"].as_str()), (1, own.as_deref()), "its 14 days are over");
}

#[test]
fn deleting_the_point_gives_the_database_back_and_ends_its_automated_backups_in_the_maintenance_window() {
    let mut story = Story::new();
    let plan = story.plan(json!([rule("pitr", "vault", 5, 14)]));
    story.pass_to("2026-03-03T06:00:00Z");
    let selections = story.get(&format!("/backup/plans/{plan}/selections"))["BackupSelectionsList"].clone();
    let id = selections[0]["SelectionId"].as_str().unwrap().to_owned();
    story.ok("DELETE", &format!("/backup/plans/{plan}/selections/{id}"), json!({}));
    let arn = points(&mut story, "vault")[0]["RecoveryPointArn"].as_str().unwrap().to_owned();
    story.ok("DELETE", &format!("/backup-vaults/vault/recovery-points/{}", segment(&arn)), json!({}));
    story.pass(SignedDuration::from_mins(1));
    let kept = |story: &mut Story| {
        let instance = story.region().rds.instance("orders").unwrap();
        (instance.backup_recovery_point.clone(), instance.settings.backup_retention)
    };
    assert_eq!(kept(&mut story), (None, 14), "until the maintenance window");
    story.pass(SignedDuration::from_hours(7 * 24));
    assert_eq!(kept(&mut story), (None, 0));
}
