use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, ROLE, Story, segment};

fn copy(story: &mut Story, arn: &str, destination: &str, more: &Value) -> Value {
    let mut body = json!({"RecoveryPointArn": arn, "SourceBackupVaultName": "vault", "IamRoleArn": ROLE, "DestinationBackupVaultArn": destination});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let id = story.ok("PUT", "/copy-jobs", body)["CopyJobId"].as_str().unwrap().to_owned();
    story.pass(SignedDuration::from_mins(1));
    story.get(&format!("/copy-jobs/{id}"))["CopyJob"].clone()
}

fn vault_arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:backup:{region}:{account}:backup-vault:{name}")
}

#[test]
fn a_copy_goes_to_another_vault_and_another_region() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({"Lifecycle": {"DeleteAfterDays": 5}}));
    let near = copy(&mut story, &arn, &vault_arn("us-east-1", "123456789012", "other"), &json!({}));
    assert_eq!((&near["State"], &near["MessageCategory"]), (&json!("COMPLETED"), &json!("SUCCESS")));
    let copied = near["DestinationRecoveryPointArn"].as_str().unwrap().to_owned();
    assert!(copied.starts_with("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:copyjob-"), "{copied}");
    let point = story.get(&format!("/backup-vaults/other/recovery-points/{}", segment(&copied)));
    assert_eq!((&point["Status"], &point["Lifecycle"]["DeleteAfterDays"]), (&json!("COMPLETED"), &json!(5)));
    assert_eq!(point["SourceBackupVaultArn"], vault_arn("us-east-1", "123456789012", "vault"));
    assert!(story.region().rds.snapshot_by_arn(&copied).is_some());

    story.call.region = "eu-west-1".into();
    story.ok("PUT", "/backup-vaults/far", json!({}));
    story.call.region = "us-east-1".into();
    let far = copy(
        &mut story,
        &arn,
        &vault_arn("eu-west-1", "123456789012", "far"),
        &json!({"Lifecycle": {"DeleteAfterDays": 9}}),
    );
    assert!(far["DestinationRecoveryPointArn"].as_str().unwrap().starts_with("arn:aws:rds:eu-west-1:"), "{far}");
    assert_eq!(story.get("/copy-jobs?state=COMPLETED")["CopyJobs"].as_array().unwrap().len(), 2);
    story.call.region = "eu-west-1".into();
    assert_eq!(story.get("/backup-vaults/far/recovery-points")["RecoveryPoints"][0]["Lifecycle"]["DeleteAfterDays"], 9);
    assert_eq!(story.get("/copy-jobs")["CopyJobs"], json!([]));
    story.pass(SignedDuration::from_hours(9 * 24));
    assert_eq!(story.get("/backup-vaults/far/recovery-points")["RecoveryPoints"], json!([]));
}

#[test]
fn what_is_wrong_at_the_destination_fails_the_copy() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let gone = copy(&mut story, &arn, &vault_arn("eu-west-1", "123456789012", "nowhere"), &json!({}));
    assert!(gone["StatusMessage"].as_str().unwrap().contains("does not exist"), "{gone}");
    story.ok("PUT", "/backup-vaults/other/vault-lock", json!({"MaxRetentionDays": 10}));
    let locked = copy(&mut story, &arn, &vault_arn("us-east-1", "123456789012", "other"), &json!({}));
    assert_eq!(
        (&locked["State"], &locked["StatusMessage"]),
        (
            &json!("FAILED"),
            &json!(
                "Copy job failed. The retention specified in the job is not within the range specified for the target Backup Vault."
            )
        )
    );
    let foreign = copy(&mut story, &arn, &vault_arn("us-east-1", "999999999999", "theirs"), &json!({}));
    assert!(
        foreign["StatusMessage"].as_str().unwrap().contains("must be a member of the same organization"),
        "{foreign}"
    );
    assert!(!story.world.accounts.contains_key("999999999999"), "a mistyped account does not come to life");
}

#[test]
fn another_account_needs_an_organization_own_keys_and_consent() {
    let mut story = Story::new();
    let key = json!({"EncryptionKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0"});
    story.behaviour().switches.organization = true;
    story.ok("PUT", "/global-settings", json!({"GlobalSettings": {"isCrossAccountBackupEnabled": "true"}}));
    story.ok("PUT", "/backup-vaults/keyed", key.clone());
    let managed = story.backed_up(DB, &json!({}));
    let arn = story.backed_up(DB, &json!({"BackupVaultName": "keyed"}));
    let theirs = vault_arn("us-east-1", "999999999999", "theirs");
    story.call.account = "999999999999".into();
    story.ok("PUT", "/backup-vaults/theirs", key);
    story.call.account = "123456789012".into();
    let refused = copy(&mut story, &managed, &theirs, &json!({}));
    assert!(refused["StatusMessage"].as_str().unwrap().contains("default Backup service managed key"), "{refused}");
    let keyed = json!({"SourceBackupVaultName": "keyed"});
    let refused = copy(&mut story, &arn, &theirs, &keyed);
    assert!(refused["StatusMessage"].as_str().unwrap().contains("CopyIntoBackupVault"), "{refused}");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "backup:CopyIntoBackupVault",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Resource": "*"}]});
    story.call.account = "999999999999".into();
    story.ok("PUT", "/backup-vaults/theirs/access-policy", json!({"Policy": policy.to_string()}));
    story.call.account = "123456789012".into();
    let copied = copy(&mut story, &arn, &theirs, &keyed);
    assert_eq!(copied["State"], "COMPLETED", "{copied}");
    assert!(
        copied["DestinationRecoveryPointArn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:rds:us-east-1:999999999999:snapshot:")
    );
}

#[test]
fn a_rule_copies_what_it_backs_up() {
    let mut story = Story::new();
    let destination = vault_arn("us-east-1", "123456789012", "other");
    story.plan(
        json!([{"RuleName": "daily", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
        "Lifecycle": {"DeleteAfterDays": 2}, "CopyActions": [{"DestinationBackupVaultArn": destination}]}]),
    );
    story.pass_to("2026-03-03T05:10:00Z");
    let job = story.get("/copy-jobs")["CopyJobs"][0].clone();
    assert_eq!(job["State"], "COMPLETED", "{job}");
    assert!(job["CreatedByBackupJobId"].is_string() && job["CreatedBy"]["BackupRuleName"] == "daily");
    assert_eq!(story.get("/backup-vaults/other")["NumberOfRecoveryPoints"], 1);
}

#[test]
fn bad_copies_are_refused_in_words() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let good = json!({"RecoveryPointArn": arn, "SourceBackupVaultName": "vault", "IamRoleArn": ROLE,
        "DestinationBackupVaultArn": vault_arn("us-east-1", "123456789012", "other")});
    for (member, value, refusal) in [
        ("RecoveryPointArn", json!("none"), "ResourceNotFoundException"),
        ("SourceBackupVaultName", json!("other"), "InvalidParameterValueException"),
        ("SourceBackupVaultName", json!("nowhere"), "ResourceNotFoundException"),
        ("DestinationBackupVaultArn", json!("other"), "InvalidParameterValueException"),
        (
            "DestinationBackupVaultArn",
            json!(vault_arn("us-east-1", "123456789012", "vault")),
            "InvalidParameterValueException",
        ),
        ("DestinationBackupVaultArn", json!(null), "MissingParameterValueException"),
        ("Lifecycle", json!({"DeleteAfterDays": -2}), "InvalidParameterValueException"),
        ("IamRoleArn", json!("x"), "InvalidParameterValueException"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let found = story.refusal("PUT", "/copy-jobs", body);
        assert!(found.starts_with(refusal), "{member}: {found}");
    }
    assert!(story.refusal("GET", "/copy-jobs/none", json!({})).starts_with("ResourceNotFoundException"));
}

#[test]
fn a_copy_action_without_a_lifecycle_keeps_its_copies_for_ever() {
    let mut story = Story::new();
    let to = vault_arn("us-east-1", "123456789012", "other");
    story.plan(
        json!([{"RuleName": "daily", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
        "Lifecycle": {"DeleteAfterDays": 1}, "CopyActions": [{"DestinationBackupVaultArn": to}]}]),
    );
    story.pass_to("2026-03-10T06:00:00Z");
    let points = |story: &mut Story, vault: &str| {
        story.get(&format!("/backup-vaults/{vault}/recovery-points"))["RecoveryPoints"].as_array().unwrap().len()
    };
    assert!(points(&mut story, "vault") <= 2 && points(&mut story, "other") >= 7);
}

#[test]
fn into_another_region_an_encrypted_snapshot_goes_with_the_key_of_the_vault_there() {
    let mut story = Story::new();
    let key = "arn:aws:kms:us-east-1:123456789012:key/mine";
    story.rds(
        "CreateDBInstance",
        &[
            ("DBInstanceIdentifier", "secret"),
            ("DBInstanceClass", "db.t3.micro"),
            ("Engine", "postgres"),
            ("MasterUsername", "root"),
            ("MasterUserPassword", "password1"),
            ("StorageEncrypted", "true"),
            ("KmsKeyId", key),
        ],
    );
    story.pass(SignedDuration::from_mins(1));
    let arn = story.backed_up("arn:aws:rds:us-east-1:123456789012:db:secret", &json!({}));
    story.call.region = "eu-west-1".into();
    story.ok("PUT", "/backup-vaults/far", json!({}));
    let there = story.get("/backup-vaults/far")["EncryptionKeyArn"].clone();
    story.call.region = "us-east-1".into();
    for (destination, region, vault, owner) in [
        (vault_arn("us-east-1", "123456789012", "other"), "us-east-1", "other", &json!(key)),
        (vault_arn("eu-west-1", "123456789012", "far"), "eu-west-1", "far", &there),
    ] {
        let copied = copy(&mut story, &arn, &destination, &json!({}))["DestinationRecoveryPointArn"].clone();
        let path = format!("/backup-vaults/{vault}/recovery-points/{}", segment(copied.as_str().unwrap()));
        story.call.region = region.into();
        assert_eq!(story.get(&path)["EncryptionKeyArn"], *owner);
        let metadata = story.get(&format!("{path}/restore-metadata"))["RestoreMetadata"].clone();
        assert_eq!(metadata["KmsKeyId"], *owner);
        story.call.region = "us-east-1".into();
    }
}
