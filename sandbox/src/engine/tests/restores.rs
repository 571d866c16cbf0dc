use jiff::SignedDuration;
use serde_json::{Value, json};

use super::harness::{DB, FILES, ROLE, Story, segment};

fn restore(story: &mut Story, arn: &str, metadata: Value) -> String {
    let body = json!({"RecoveryPointArn": arn, "IamRoleArn": ROLE, "Metadata": metadata, "CopySourceTagsToRestoredResource": true});
    story.ok("PUT", "/restore-jobs", body)["RestoreJobId"].as_str().unwrap().to_owned()
}

#[test]
fn a_restore_makes_an_instance_that_becomes_available() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let mut metadata = story.get(&format!("/backup-vaults/vault/recovery-points/{}/restore-metadata", segment(&arn)));
    assert_eq!(
        (&metadata["ResourceType"], &metadata["RestoreMetadata"]["Engine"]),
        (&json!("RDS"), &json!("postgres"))
    );
    let mut metadata = metadata["RestoreMetadata"].take();
    metadata["DBInstanceIdentifier"] = json!("Orders-Restored");
    metadata["DBInstanceClass"] = json!("db.r6g.large");
    let id = restore(&mut story, &arn, metadata.clone());
    assert_eq!(story.get(&format!("/restore-jobs/{id}"))["Status"], "PENDING");
    assert_eq!(story.get(&format!("/restore-jobs/{id}/metadata"))["Metadata"], metadata);
    story.pass(SignedDuration::from_secs(20));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert_eq!((&job["Status"], &job["PercentDone"]), (&json!("RUNNING"), &json!("50.00%")));
    assert_eq!(job["CreatedResourceArn"], "arn:aws:rds:us-east-1:123456789012:db:orders-restored");
    assert_eq!((&job["BackupSizeInBytes"], &job["ResourceType"]), (&json!(0), &json!("RDS")));
    story.pass(SignedDuration::from_secs(20));
    assert_eq!(story.get(&format!("/restore-jobs/{id}"))["Status"], "COMPLETED");
    let instance = story.region().rds.instance("orders-restored").unwrap();
    assert_eq!((instance.status.as_str(), instance.settings.class.as_str()), ("available", "db.r6g.large"));
    assert_eq!(
        story.region().tags.0["arn:aws:rds:us-east-1:123456789012:db:orders-restored"]["Environment"],
        "production"
    );

    let listed = story.get(&format!("/resources/{}/restore-jobs", segment(DB)));
    assert_eq!(listed["RestoreJobs"][0]["RestoreJobId"], id);
    assert_eq!(
        story.get("/restore-jobs?status=COMPLETED&resourceType=RDS")["RestoreJobs"].as_array().unwrap().len(),
        1
    );
    assert_eq!(story.get("/restore-jobs?status=FAILED")["RestoreJobs"], json!([]));
    assert_eq!(story.get(&format!("/resources/{}", segment(DB)))["LatestRestoreExecutionTimeMinutes"], 1);
    let validation = json!({"ValidationStatus": "SUCCESSFUL", "ValidationStatusMessage": "counted rows"});
    story.ok("PUT", &format!("/restore-jobs/{id}/validations"), validation);
    assert_eq!(story.get(&format!("/restore-jobs/{id}"))["ValidationStatus"], "SUCCESSFUL");
}

#[test]
fn a_restore_is_not_over_before_its_database_is_there() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    story.behaviour().jobs.run_time = SignedDuration::from_secs(1);
    let id = restore(&mut story, &arn, json!({"DBInstanceIdentifier": "quick"}));
    let mut seen = Vec::new();
    for _ in 0..20 {
        story.pass(SignedDuration::from_secs(1));
        let job = story.get(&format!("/restore-jobs/{id}"))["Status"].as_str().unwrap().to_owned();
        let database = story.region().rds.instance("quick").map(|it| it.status.as_str());
        seen.push((job, database));
    }
    assert_eq!(seen.last().unwrap(), &("COMPLETED".to_owned(), Some("available")));
    assert!(!seen.iter().any(|(job, database)| job == "COMPLETED" && *database != Some("available")), "{seen:?}");
}

#[test]
fn a_name_that_is_taken_fails_the_job() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let id = restore(&mut story, &arn, json!({"DBInstanceIdentifier": "ORDERS"}));
    story.pass(SignedDuration::from_secs(10));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert_eq!(job["Status"], "FAILED");
    assert!(job["StatusMessage"].as_str().unwrap().contains("DBInstanceAlreadyExists"), "{job}");
    assert!(job.get("CreatedResourceArn").is_none());
}

#[test]
fn a_role_without_the_restore_policy_fails_the_job() {
    let mut story = Story::new();
    story.role("backup-only", &["arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"]);
    let arn = story.backed_up(DB, &json!({}));
    let body = json!({"RecoveryPointArn": arn, "IamRoleArn": "arn:aws:iam::123456789012:role/backup-only",
        "Metadata": {"DBInstanceIdentifier": "new"}});
    let id = story.ok("PUT", "/restore-jobs", body)["RestoreJobId"].as_str().unwrap().to_owned();
    story.pass(SignedDuration::from_secs(10));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert!(job["StatusMessage"].as_str().unwrap().contains("rds:RestoreDBInstanceFromDBSnapshot"), "{job}");
}

#[test]
fn bad_restores_are_refused_in_words() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let good = json!({"RecoveryPointArn": arn, "IamRoleArn": ROLE, "Metadata": {"DBInstanceIdentifier": "new"}});
    for (member, value, refusal) in [
        ("RecoveryPointArn", json!(null), "MissingParameterValueException"),
        ("RecoveryPointArn", json!("none"), "ResourceNotFoundException"),
        ("Metadata", json!(null), "MissingParameterValueException"),
        (
            "Metadata",
            json!({}),
            "InvalidParameterValueException: Invalid restore metadata: DBInstanceIdentifier is required",
        ),
        ("Metadata", json!({"DBInstanceIdentifier": "1--x-"}), "InvalidParameterValueException"),
        ("Metadata", json!({"DBInstanceIdentifier": "a", "Colour": "red"}), "InvalidParameterValueException"),
        ("Metadata", json!({"DBInstanceIdentifier": 1}), "SerializationException"),
        ("IamRoleArn", json!(null), "InvalidParameterValueException"),
        ("IamRoleArn", json!("arn:aws:iam::123456789012:role/none"), "InvalidParameterValueException"),
        ("ResourceType", json!("EFS"), "InvalidParameterValueException"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let found = story.refusal("PUT", "/restore-jobs", body);
        assert!(found.starts_with(refusal), "{member}: {found}");
    }
    assert!(story.region().backup.restores.is_empty());
    let mut body = good;
    body["IdempotencyToken"] = json!("token");
    let first = story.ok("PUT", "/restore-jobs", body.clone());
    assert_eq!(story.ok("PUT", "/restore-jobs", body), first);
}

#[test]
fn what_the_sandbox_does_not_imitate_is_not_restored() {
    let mut story = Story::new();
    let arn = story.backed_up(FILES, &json!({}));
    let id = restore(&mut story, &arn, json!({"newFileSystem": "true"}));
    story.pass(SignedDuration::from_secs(10));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert_eq!(job["StatusMessage"], "Feature is not supported for provided resource type.");
    assert!(
        story
            .refusal("PUT", &format!("/restore-jobs/{id}/validations"), json!({"ValidationStatus": "FAILED"}))
            .starts_with("InvalidRequestException")
    );
}

#[test]
fn an_aurora_cluster_comes_back_without_instances() {
    let mut story = Story::new();
    story.rds(
        "CreateDBCluster",
        &[
            ("DBClusterIdentifier", "ledger"),
            ("Engine", "aurora-postgresql"),
            ("MasterUsername", "app"),
            ("MasterUserPassword", "not-a-secret"),
            ("PreferredBackupWindow", "01:00-01:30"),
            ("PreferredMaintenanceWindow", "sun:03:00-sun:03:30"),
        ],
    );
    story.pass(SignedDuration::from_mins(1));
    let arn = story.backed_up("arn:aws:rds:us-east-1:123456789012:cluster:ledger", &json!({}));
    assert!(arn.contains(":cluster-snapshot:awsbackup:job-"), "{arn}");
    let point = story.get(&format!("/backup-vaults/vault/recovery-points/{}", segment(&arn)));
    assert_eq!(point["ResourceType"], "Aurora");
    assert!(point.get("BackupSizeInBytes").is_none());
    let id = restore(&mut story, &arn, json!({"DBClusterIdentifier": "ledger-2", "Engine": "aurora-postgresql"}));
    story.pass(SignedDuration::from_mins(1));
    let job = story.get(&format!("/restore-jobs/{id}"));
    assert_eq!((&job["Status"], &job["ResourceType"]), (&json!("COMPLETED"), &json!("Aurora")), "{job}");
    assert!(story.region().rds.cluster("ledger-2").unwrap().members.is_empty());
}

#[test]
fn groups_zones_and_keys_must_be_there_and_fit() {
    let mut story = Story::new();
    let arn = story.backed_up(DB, &json!({}));
    let family =
        |name, family| [("DBParameterGroupName", name), ("DBParameterGroupFamily", family), ("Description", "d")];
    story.rds("CreateDBParameterGroup", &family("fits", "postgres16"));
    story.rds("CreateDBParameterGroup", &family("older", "postgres15"));
    let options = [("EngineName", "mysql"), ("MajorEngineVersion", "8.0"), ("OptionGroupDescription", "d")];
    story.rds("CreateOptionGroup", &[&[("OptionGroupName", "of-mysql")], &options[..]].concat());
    for (key, value, said) in [
        ("DBParameterGroupName", "fits", None),
        ("DBParameterGroupName", "default.postgres16", None),
        ("DBParameterGroupName", "nowhere", Some("DBParameterGroupNotFound")),
        ("DBParameterGroupName", "older", Some("InvalidParameterCombination")),
        ("OptionGroupName", "default:postgres-16", None),
        ("OptionGroupName", "nowhere", Some("OptionGroupNotFoundFault")),
        ("OptionGroupName", "of-mysql", Some("InvalidParameterCombination")),
        ("DBSubnetGroupName", "nowhere", Some("DBSubnetGroupNotFoundFault")),
        ("AvailabilityZone", "eu-west-1a", Some("InvalidParameterValue")),
    ] {
        let name = format!("new-{}", value.replace(['.', ':'], "-"));
        let mut metadata = json!({"DBInstanceIdentifier": name});
        metadata[key] = json!(value);
        let id = restore(&mut story, &arn, metadata);
        story.pass(SignedDuration::from_mins(1));
        let job = story.get(&format!("/restore-jobs/{id}"));
        let message = job["StatusMessage"].as_str().unwrap_or_default();
        assert_eq!(job["Status"], if said.is_some() { "FAILED" } else { "COMPLETED" }, "{key} {value}: {job}");
        assert!(said.is_none_or(|said| message.contains(said)), "{key} {value}: {message}");
    }
}
