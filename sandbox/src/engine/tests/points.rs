use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, FILES, Story, segment};

fn path(arn: &str) -> String {
    format!("/backup-vaults/vault/recovery-points/{}", segment(arn))
}

#[test]
fn points_are_listed_by_vault_and_by_resource() {
    let mut story = Story::new();
    let first = story.backed_up(DB, &json!({}));
    let second = story.backed_up(DB, &json!({"RecoveryPointTags": {"a": "b"}}));
    story.backed_up(FILES, &json!({}));
    let arns = |list: Value| -> Vec<String> {
        list["RecoveryPoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["RecoveryPointArn"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = story.get("/backup-vaults/vault/recovery-points?resourceType=RDS");
    assert_eq!(list["RecoveryPoints"][0]["BackupSizeInBytes"], 0);
    assert_eq!(arns(list), [second.clone(), first.clone()]);
    let list = story.get(&format!("/resources/{}/recovery-points?maxResults=20", segment(DB)));
    assert_eq!(list["RecoveryPoints"][0]["BackupSizeBytes"], 0);
    assert!(list["RecoveryPoints"][0].get("BackupSizeInBytes").is_none());
    assert_eq!(arns(list), [second, first]);
    let refused = story.refusal("GET", &format!("/resources/{}/recovery-points?maxResults=19", segment(DB)), json!({}));
    assert!(refused.starts_with("InvalidParameterValueException"), "{refused}");
    assert!(
        arns(story.get("/resources/arn%3Aaws%3Ards%3Aus-east-1%3A123456789012%3Adb%3Anone/recovery-points")).is_empty()
    );
    let snapshot = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
    let of_a_point = story.refusal("GET", &format!("/resources/{}/recovery-points", segment(snapshot)), json!({}));
    assert!(of_a_point.contains("Unsupported resource type"), "{of_a_point}");
    assert!(
        story.refusal("GET", "/backup-vaults/none/recovery-points", json!({})).starts_with("ResourceNotFoundException")
    );
    assert!(arns(story.get("/backup-vaults/vault/recovery-points?createdBefore=2026-03-02T12:00:00Z")).is_empty());
    assert_eq!(story.get("/backup-vaults/vault")["NumberOfRecoveryPoints"], 3);

    let rows = story.get("/resources")["Results"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!(story.get("/backup-vaults/other/resources")["Results"], json!([]));
    let row = story.get(&format!("/resources/{}", segment(DB)));
    assert_eq!((&row["ResourceType"], &row["ResourceName"]), (&json!("RDS"), &json!("orders")));
    assert!(story.refusal("GET", "/resources/none", json!({})).starts_with("ResourceNotFoundException"));
}

#[test]
fn a_deleted_point_goes_with_its_snapshot_and_tags() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    assert_eq!(story.backup("DELETE", "/backup-vaults/vault", &json!({})).unwrap_err().code, "InvalidRequestException");
    story.ok("DELETE", &path(&arn), json!({}));
    assert_eq!(story.get(&path(&arn))["Status"], "DELETING");
    story.pass(SignedDuration::from_mins(1));
    assert!(story.refusal("GET", &path(&arn), json!({})).starts_with("ResourceNotFoundException"));
    assert!(story.region().rds.snapshot_by_arn(&arn).is_none() && !story.region().tags.0.contains_key(&arn));
    story.ok("DELETE", "/backup-vaults/vault", json!({}));
}

#[test]
fn a_lifecycle_ends_at_its_second_and_can_be_changed() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    let other = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    let kept = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    let reply = story.ok("POST", &path(&other), json!({"Lifecycle": {"DeleteAfterDays": 3}}));
    let point = story.get(&path(&other));
    assert_eq!(point["CalculatedLifecycle"], reply["CalculatedLifecycle"]);
    let never = json!({"Lifecycle": {"DeleteAfterDays": -1, "MoveToColdStorageAfterDays": -1}});
    let reply = story.ok("POST", &path(&kept), never);
    assert_eq!((&reply["Lifecycle"], &reply["CalculatedLifecycle"]), (&json!({}), &json!(null)));
    let refused = story.refusal("POST", &path(&other), json!({"Lifecycle": {"DeleteAfterDays": 36_501}}));
    assert!(refused.starts_with("InvalidParameterValueException: Invalid lifecycle."), "{refused}");
    story.pass(SignedDuration::from_hours(24));
    let left =
        |story: &mut Story| [&arn, &other, &kept].map(|arn| story.region().backup.recovery_points.get(arn).is_some());
    assert_eq!(left(&mut story), [false, true, true]);
    assert!(story.region().rds.snapshot_by_arn(&arn).is_none());
    story.pass(SignedDuration::from_hours(48));
    assert_eq!(left(&mut story), [false, false, true]);
    story.pass(SignedDuration::from_hours(24 * 365));
    assert_eq!(left(&mut story), [false, false, true]);
}

#[test]
fn an_empty_lifecycle_is_passed_over_or_removes_the_old_one() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    for passed_over in [true, false] {
        story.behaviour().switches.empty_lifecycle_is_passed_over = passed_over;
        for empty in [json!({"Lifecycle": {}}), json!({})] {
            let reply = story.ok("POST", &path(&arn), empty);
            let stays = if passed_over { json!({"DeleteAfterDays": 1}) } else { json!({}) };
            assert_eq!(reply["Lifecycle"], stays);
        }
    }
}

#[test]
fn without_its_role_a_point_stays_expired() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    for policy in ["Backup", "Restores"] {
        let policy = format!("arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor{policy}");
        story.iam("DetachRolePolicy", &[("RoleName", "backup"), ("PolicyArn", &policy)]);
    }
    story.ok("DELETE", &path(&arn), json!({}));
    let point = story.get(&path(&arn));
    assert_eq!(point["Status"], "EXPIRED", "200, and nothing deleted");
    assert!(point["StatusMessage"].is_string());
    story.pass(SignedDuration::from_hours(48));
    assert_eq!(story.get(&path(&arn))["Status"], "EXPIRED");
    story.iam(
        "AttachRolePolicy",
        &[
            ("RoleName", "backup"),
            ("PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"),
        ],
    );
    story.ok("DELETE", &path(&arn), json!({}));
    story.pass(SignedDuration::from_mins(1));
    assert!(story.region().backup.recovery_points.is_empty());
}

#[test]
fn a_locked_vault_holds_its_points_until_their_time() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 1}}));
    story.ok("PUT", "/backup-vaults/vault/vault-lock", json!({"MinRetentionDays": 1}));
    for (method, body) in [("DELETE", json!({})), ("POST", json!({"Lifecycle": {"DeleteAfterDays": 5}}))] {
        let refused = story.refusal(method, &path(&arn), body);
        assert!(refused.starts_with("InvalidRequestException") && refused.contains("locked"), "{refused}");
    }
    story.pass(SignedDuration::from_hours(25));
    assert!(story.region().backup.recovery_points.is_empty(), "the lifecycle works in a locked vault too");
}

#[test]
fn a_point_in_the_making_or_in_use_is_busy() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let restore = json!({"RecoveryPointArn": arn, "IamRoleArn": super::harness::ROLE, "Metadata": {"DBInstanceIdentifier": "new"}});
    story.ok("PUT", "/restore-jobs", restore);
    assert!(story.refusal("DELETE", &path(&arn), json!({})).starts_with("InvalidResourceStateException"));
    story.pass(SignedDuration::from_mins(1));
    let id = story.start(DB, &json!({}));
    story.pass(SignedDuration::from_secs(10));
    let making = story.job(&id)["RecoveryPointArn"].as_str().unwrap().to_owned();
    assert!(story.refusal("DELETE", &path(&making), json!({})).starts_with("InvalidResourceStateException"));
    story.ok("DELETE", &path(&arn), json!({}));
}

#[test]
fn only_continuous_points_can_be_disassociated() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    assert!(
        story
            .refusal("POST", &format!("{}/disassociate", path(&arn)), json!({}))
            .starts_with("InvalidRequestException")
    );
    assert!(
        story
            .refusal("DELETE", &format!("{}/parentAssociation", path(&arn)), json!({}))
            .starts_with("InvalidRequestException")
    );
    assert!(
        story
            .refusal("POST", &format!("{}/disassociate", path("none")), json!({}))
            .starts_with("ResourceNotFoundException")
    );
}
