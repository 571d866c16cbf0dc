use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, FILES, ROLE, Story};

/// Starts a backup of the database in the story as `prepare` left it, and gives how it ended.
fn outcome(prepare: impl FnOnce(&mut Story), more: Value) -> (String, String, String) {
    let mut story = Story::new();
    prepare(&mut story);
    let id = story.start(DB, &more);
    story.pass(SignedDuration::from_secs(10));
    let job = story.job(&id);
    assert!(job.get("RecoveryPointArn").is_none() && job["CompletionDate"].is_number(), "{job}");
    let text = |member: &str| job[member].as_str().unwrap_or_default().to_owned();
    (text("State"), text("StatusMessage"), text("MessageCategory"))
}

fn fails(prepare: impl FnOnce(&mut Story), more: Value, words: &str, category: &str) {
    let (state, message, found) = outcome(prepare, more);
    assert!(message.contains(words), "{words}: {message}");
    assert_eq!((state.as_str(), found.as_str()), ("FAILED", category), "{message}");
}

#[test]
fn a_database_that_is_not_available_fails_the_job() {
    let stop = |story: &mut Story| {
        story.rds("StopDBInstance", &[("DBInstanceIdentifier", "orders")]);
        story.pass(SignedDuration::from_mins(1));
    };
    fails(stop, json!({}), "not in the available state", "Conflict");
}

#[test]
fn windows_fail_the_job_from_an_hour_before() {
    for at in ["2026-03-03T00:00:00Z", "2026-03-03T01:15:00Z"] {
        fails(|story| story.pass_to(at), json!({}), "too close to the automated backup window", "Conflict");
    }
    fails(
        |story| story.pass_to("2026-03-08T02:30:00Z"),
        json!({}),
        "too close to the weekly maintenance window",
        "Conflict",
    );
}

#[test]
fn a_role_without_permission_fails_the_job() {
    let bare = |story: &mut Story| story.role("bare", &[]);
    let more = json!({"IamRoleArn": "arn:aws:iam::123456789012:role/bare"});
    fails(bare, more, "is not authorized to perform: rds:CreateDBSnapshot", "AccessDenied");
}

#[test]
fn a_role_that_goes_away_fails_the_job() {
    let mut story = Story::new();
    story.role("gone", &[]);
    let id = story.start(DB, &json!({"IamRoleArn": "arn:aws:iam::123456789012:role/gone"}));
    story.iam("DeleteRole", &[("RoleName", "gone")]);
    story.pass(SignedDuration::from_secs(10));
    let job = story.job(&id);
    assert!(job["StatusMessage"].as_str().unwrap().contains("cannot be assumed by AWS Backup"), "{job}");
}

#[test]
fn a_vault_that_goes_away_fails_the_job() {
    let mut story = Story::new();
    let id = story.start(DB, &json!({"BackupVaultName": "other"}));
    story.ok("DELETE", "/backup-vaults/other", json!({}));
    story.pass(SignedDuration::from_secs(10));
    let job = story.job(&id);
    assert_eq!(job["StatusMessage"], "Backup job failed because backup vault ARN does not exist.");
    assert_eq!((&job["State"], &job["MessageCategory"]), (&json!("FAILED"), &json!("ResourceNotFound")));
}

#[test]
fn a_retention_outside_the_lock_fails_the_job_and_not_the_call() {
    let lock = |story: &mut Story| {
        story.ok("PUT", "/backup-vaults/vault/vault-lock", json!({"MinRetentionDays": 7, "MaxRetentionDays": 30}));
    };
    for lifecycle in
        [json!({}), json!({"Lifecycle": {"DeleteAfterDays": 6}}), json!({"Lifecycle": {"DeleteAfterDays": 31}})]
    {
        fails(lock, lifecycle, "retention specified in the job is not within the range", "InvalidParameters");
    }
    let mut story = Story::new();
    lock(&mut story);
    story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 7}}));
}

#[test]
fn a_full_vault_fails_the_job() {
    let mut story = Story::new();
    story.behaviour().quotas.recovery_points_per_vault = 1;
    story.backed_up(FILES, &json!({}));
    let id = story.start(DB, &json!({}));
    story.pass(SignedDuration::from_secs(10));
    assert_eq!(story.job(&id)["MessageCategory"], "LimitExceeded");
}

#[test]
fn a_database_that_is_not_there_fails_the_job() {
    let mut story = Story::new();
    let id = story.start("arn:aws:rds:us-east-1:123456789012:db:nothing", &json!({}));
    story.pass(SignedDuration::from_secs(10));
    assert!(story.job(&id)["StatusMessage"].as_str().unwrap().contains("Could not find resource"));
}

#[test]
fn too_many_tags_together_fail_the_job() {
    let tags: serde_json::Map<String, Value> = (0..50).map(|n| (format!("key-{n}"), json!("v"))).collect();
    fails(|_| {}, json!({"RecoveryPointTags": tags}), "must not have more than 50 user tags", "LimitExceeded");
}

#[test]
fn a_failed_job_frees_its_resource() {
    let mut story = Story::new();
    story.role("bare", &[]);
    let failed = story.start(DB, &json!({"IamRoleArn": "arn:aws:iam::123456789012:role/bare"}));
    let next = story.start(DB, &json!({"IamRoleArn": ROLE}));
    story.pass(SignedDuration::from_mins(1));
    assert_eq!((&story.job(&failed)["State"], &story.job(&next)["State"]), (&json!("FAILED"), &json!("COMPLETED")));
}
