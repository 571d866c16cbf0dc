//! The examples of docs/aws-backup-semantics.md, section 12.2, and each oddity of section 12.1.

use serde_json::{Value, json};

use super::*;
use crate::domain::{JobOrigin, JobState, Lifecycle, RecoveryPointState, Retention};

const SNAPSHOT: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-0c1d2e3f";
const VAULT: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";
const DATABASE: &str = "arn:aws:rds:us-east-1:123456789012:db:db1";
const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";
const ID: &str = "0c1d2e3f-0000-4000-8000-000000000001";

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

pub(in crate::aws) fn event(kind: &str, resources: &Value, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "11111111-2222-3333-4444-555555555555", "detail-type": kind, "source": "aws.backup",
        "account": "123456789012", "time": "2025-03-01T05:12:00Z", "region": "us-east-1", "resources": resources,
        "detail": detail,
    })
}

fn told(kind: &str, resources: &Value, detail: &Value) -> News {
    let told = Event::parse(&event(kind, resources, detail).to_string()).unwrap();
    assert_eq!(told.id, "11111111-2222-3333-4444-555555555555");
    assert_eq!((Some(told.at), told.scope.region.as_str()), (at("2025-03-01T05:12:00Z"), "us-east-1"));
    told.news
}

fn job(kind: &str, resources: &Value, detail: &Value) -> Job {
    match told(kind, resources, detail) {
        News::Job(job) => *job,
        other => panic!("{other:?}"),
    }
}

fn point(kind: &str, detail: &Value) -> PointNews {
    match told(kind, &json!([SNAPSHOT]), detail) {
        News::Point(news) => *news,
        other => panic!("{other:?}"),
    }
}

fn fault(body: &str) -> EventFault {
    Event::parse(body).unwrap_err()
}

#[test]
fn a_backup_that_is_completed_names_its_recovery_point_and_its_rule() {
    let created_by = json!({
        "backupPlanId": "14c4daac", "backupPlanArn": "arn:aws:backup:us-east-1:123456789012:backup-plan:14c4daac",
        "backupPlanVersion": "NTNl", "backupPlanRuleId": "1d5ef03b",
    });
    let detail = json!({
        "backupJobId": ID, "backupSizeInBytes": "0", "backupVaultArn": VAULT, "backupVaultName": "prod",
        "bytesTransferred": "36048", "creationDate": "2025-03-01T05:00:00.000Z",
        "completionDate": "2025-03-01T05:11:48.120Z", "startBy": "2025-03-01T13:00:00.000Z", "percentDone": 100,
        "retryCount": 0, "iamRoleArn": ROLE, "resourceArn": DATABASE, "resourceType": "RDS", "state": "COMPLETED",
        "createdBy": created_by,
    });
    let job = job("Backup Job State Change", &json!([SNAPSHOT]), &detail);
    assert_eq!((job.id.as_str(), job.kind, &job.state), (ID, JobKind::Backup, &JobState::Completed));
    assert_eq!((job.backup_size_bytes, job.bytes_transferred, job.percent_done), (Some(0), Some(36_048), Some(100.0)));
    assert_eq!((job.created_at, job.start_by), (at("2025-03-01T05:00:00Z"), at("2025-03-01T13:00:00Z")));
    assert_eq!(job.completed_at, at("2025-03-01T05:11:48.120Z"));
    assert_eq!((job.vault_arn.as_deref(), job.recovery_point_arn.as_deref()), (Some(VAULT), Some(SNAPSHOT)));
    assert_eq!((job.resource_arn.as_deref(), job.role_arn.as_deref()), (Some(DATABASE), Some(ROLE)));
    let origin = job.plan_origin().unwrap();
    assert_eq!((origin.plan_id.as_str(), origin.rule_id.as_str()), ("14c4daac", "1d5ef03b"));
    assert_eq!((origin.plan_version.as_str(), origin.plan_name.as_str()), ("NTNl", ""));
    assert_eq!((job.status_message, job.lifecycle, job.resource_name), (None, None, None));
}

#[test]
fn a_backup_that_came_to_nothing_is_explained_without_the_quotation_marks() {
    for (sent, said) in [
        (json!("\"Backup job was stopped by user.\""), Some("Backup job was stopped by user.")),
        (json!("Access denied"), Some("Access denied")),
        (json!("\"a \\\"vault\\\"\""), Some("a \"vault\"")),
        (json!("one\nline\u{0}"), Some("one line ")),
        (json!("\"\""), None),
        (json!(""), None),
        (json!({}), None),
    ] {
        let detail = json!({"backupJobId": ID, "state": "EXPIRED", "statusMessage": sent, "createdBy": {}});
        let job = job("Backup Job State Change", &json!([]), &detail);
        assert_eq!((job.state, job.status_message.as_deref()), (JobState::Expired, said), "{sent}");
        assert_eq!((job.recovery_point_arn, job.created_by), (None, None));
    }
    let long = json!({"backupJobId": ID, "state": "FAILED", "statusMessage": "ä".repeat(100_000)});
    let kept = job("Backup Job State Change", &json!([]), &long).status_message.unwrap();
    assert!(kept.len() < 4_200 && kept.ends_with("ä…"), "{} bytes", kept.len());
}

#[test]
fn a_date_is_read_as_iso_and_as_java_show_it() {
    for (sent, read) in [
        (json!("2020-07-16T05:00:00Z"), at("2020-07-16T05:00:00Z")),
        (json!("2020-07-15T21:38:31.152Z"), at("2020-07-15T21:38:31.152Z")),
        (json!("Jul 15, 2020 9:39:07 PM"), at("2020-07-15T21:39:07Z")),
        (json!("Jul 15, 2020 9:39:07\u{202f}PM"), at("2020-07-15T21:39:07Z")),
        (json!("Jan 1, 2021 12:00:00 AM"), at("2021-01-01T00:00:00Z")),
        (json!(1_594_849_111.152), at("2020-07-15T21:38:31.152Z")),
        (json!(1e300), None),
        (json!("soon"), None),
        (json!("Jul 32, 2020 9:39:07 PM"), None),
        (json!(" ".repeat(1_000_000)), None),
        (json!({}), None),
    ] {
        let detail = json!({"backupJobId": ID, "state": "RUNNING", "expectedCompletionDate": sent});
        assert_eq!(job("Backup Job State Change", &json!([]), &detail).expected_completion_at, read, "{sent}");
    }
}

#[test]
fn a_new_job_says_little_and_a_new_copy_not_even_which_it_is() {
    let created = json!({"backupJobId": ID, "state": "CREATED", "creationDate": "2020-06-22T20:32:47.466Z"});
    let backup = job("Backup Job State Change", &json!([]), &created);
    let blank = Job::blank(backup.id.clone(), JobKind::Backup, backup.scope.clone());
    let created_at = at("2020-06-22T20:32:47.466Z");
    assert_eq!(backup, Job { state: JobState::Created, created_at, ..blank });

    let created = json!({"restoreJobId": ID, "creationDate": "2020-06-22T18:50:46.407Z", "state": "CREATED"});
    let restore = job("Restore Job State Change", &json!([SNAPSHOT]), &created);
    assert_eq!((restore.state, restore.recovery_point_arn.as_deref()), (JobState::Created, Some(SNAPSHOT)));

    let created =
        json!({"creationDate": "2020-06-22T21:06:25.754Z", "state": "CREATED", "sourceBackupVaultArn": VAULT});
    assert_eq!(told("Copy Job State Change", &json!([SNAPSHOT]), &created), News::UnnamedJob(JobKind::Copy));
}

#[test]
fn a_restore_has_a_status_and_no_progress_when_it_is_completed() {
    let made = "arn:aws:rds:us-east-1:123456789012:db:db1-restored";
    let detail = json!({
        "restoreJobId": "AB123456-78C9-0123-456D-789012E34567", "backupVaultArn": VAULT, "recoveryPointArn": SNAPSHOT,
        "sourceResourceArn": DATABASE, "backupSizeInBytes": "22548578304", "creationDate": "2025-03-01T05:50:00.000Z",
        "completionDate": "2025-03-01T05:59:53.128Z", "iamRoleArn": ROLE, "percentDone": 0, "resourceType": "RDS",
        "status": "COMPLETED", "createdResourceArn": made, "restoreTestingPlanArn": "arn:aws:backup:plan",
    });
    let job = job("Restore Job State Change", &json!(["arn:aws:other"]), &detail);
    assert_eq!((job.kind, &job.state, job.percent_done), (JobKind::Restore, &JobState::Completed, None));
    assert_eq!((job.resource_arn.as_deref(), job.recovery_point_arn.as_deref()), (Some(DATABASE), Some(SNAPSHOT)));
    assert_eq!((job.created_resource_arn.as_deref(), job.backup_size_bytes), (Some(made), Some(22_548_578_304)));
    assert_eq!(job.created_by, Some(JobOrigin::RestoreTesting { plan_arn: "arn:aws:backup:plan".into() }));
}

#[test]
fn a_copy_has_its_size_as_a_number_and_an_empty_object_for_what_it_did_not_make() {
    let mut detail = json!({
        "copyJobId": "0175DE71-5784-589F-D8AC-541ACCB4CAC8", "backupSizeInBytes": 3_221_225_472_i64,
        "creationDate": "2025-03-01T07:00:00Z", "iamRoleArn": ROLE, "resourceArn": DATABASE, "resourceType": "RDS",
        "state": "RUNNING", "sourceBackupVaultArn": VAULT, "destinationBackupVaultArn": "arn:aws:backup:there",
        "destinationRecoveryPointArn": {}, "createdBy": {"backupPlanId": "p", "backupRuleId": "r"},
    });
    let running = job("Copy Job State Change", &json!([SNAPSHOT]), &detail);
    assert_eq!((running.kind, running.backup_size_bytes), (JobKind::Copy, Some(3_221_225_472)));
    assert_eq!((running.vault_arn.as_deref(), running.recovery_point_arn.as_deref()), (Some(VAULT), Some(SNAPSHOT)));
    assert_eq!(running.destination_recovery_point_arn, None);
    assert_eq!(running.plan_origin().unwrap().rule_id, "r", "by the API's own name");
    detail["destinationRecoveryPointArn"] = json!("arn:aws:rds:copy");
    detail["state"] = json!("COMPLETING");
    let later = job("Copy Job State Change", &json!([SNAPSHOT]), &detail);
    assert_eq!(later.destination_recovery_point_arn.as_deref(), Some("arn:aws:rds:copy"));
    assert_eq!(later.state, JobState::Unknown("COMPLETING".into()));
}

#[test]
fn a_recovery_point_is_told_with_its_lifecycle_and_what_became_of_it() {
    let mut detail = json!({
        "backupVaultName": "prod", "backupVaultArn": VAULT, "creationDate": "2025-03-01T05:00:00.000Z",
        "completionDate": "2025-03-01T05:11:48.120Z", "iamRoleArn": ROLE, "resourceType": "RDS",
        "resourceArn": DATABASE, "status": "COMPLETED", "isEncrypted": "false", "storageClass": "WARM",
        "lifecycle": {"deleteAfterDays": 35}, "calculatedLifeCycle": {"deleteAt": "2025-04-05T05:00:00.000Z"},
        "createdBy": {"backupPlanId": "p", "backupPlanRuleId": "r"},
    });
    let PointNews { point: made, change } = point("Recovery Point State Change", &detail);
    assert_eq!(
        (made.arn.as_str(), &made.state, change),
        (SNAPSHOT, &RecoveryPointState::Completed, PointChange::State)
    );
    assert_eq!((made.vault_name.as_deref(), made.vault_arn.as_deref()), (Some("prod"), Some(VAULT)));
    assert_eq!(made.lifecycle, Some(Lifecycle::kept(Retention::Days(35))));
    assert_eq!((made.delete_at, made.cold_at), (at("2025-04-05T05:00:00Z"), None));
    assert_eq!((made.role_arn.as_deref(), made.storage_class.as_deref()), (Some(ROLE), Some("WARM")));
    assert_eq!(made.plan_origin().unwrap().rule_id, "r");

    detail["status"] = json!("EXPIRED");
    detail["statusMessage"] = json!("\"The role is gone.\"");
    let expired = point("Recovery Point State Change", &detail).point;
    assert_eq!((expired.state.word(), expired.status_message.as_deref()), ("EXPIRED", Some("The role is gone.")));

    for (word, kind, becomes) in [
        ("DELETED", "Recovery Point State Change", PointChange::Deleted),
        ("MODIFIED", "Recovery Point Change", PointChange::Modified),
        ("", "Recovery Point Change", PointChange::Modified),
    ] {
        let told = point(kind, &json!({"status": word, "backupVaultArn": VAULT, "lifecycle": {}}));
        assert_eq!((told.change, told.point.state.word()), (becomes, ""), "{word}");
        assert_eq!((told.point.vault_name.as_deref(), told.point.lifecycle), (Some("prod"), None), "{word}");
    }
}

#[test]
fn vaults_plans_and_settings_say_what_became_of_them() {
    let (vault, plan) = (json!([VAULT]), json!(["arn:aws:backup:us-east-1:123456789012:backup-plan:14c4"]));
    for (word, change) in [
        ("CREATED", Change::Created),
        ("MODIFIED", Change::Modified),
        ("DELETED", Change::Deleted),
        ("MOVED", Change::Unknown("MOVED".into())),
    ] {
        for (sent, locked) in [(json!("true"), Some(true)), (json!(false), Some(false)), (json!({}), None)] {
            let detail = json!({"backupVaultName": "prod", "state": word, "isLocked": sent});
            let news = News::Vault { name: "prod".into(), change: change.clone(), locked };
            assert_eq!(told("Backup Vault State Change", &vault, &detail), news);
        }
        let detail = json!({"versionId": "Nj", "modifiedAt": "2025-03-01T00:00:00.168Z", "state": word});
        let news = News::Plan { id: "14c4".into(), version: Some("Nj".into()), change };
        assert_eq!(told("Backup Plan State Change", &plan, &detail), news);
    }
    let detail = json!({"ResourceTypeOptInPreference": {"RDS": true}, "state": "MODIFIED"});
    assert_eq!(told("Region Setting State Change", &json!([]), &detail), News::RegionSettings);
    for kind in ["Scan Job State Change", "Recovery Point Index State Change", "Tomorrow"] {
        assert_eq!(told(kind, &json!([]), &json!({"state": "CREATED"})), News::Other(kind.into()));
    }
}

#[test]
fn cloudtrail_tells_who_had_a_recovery_point_deleted_and_when() {
    let who = "arn:aws:sts::123456789012:assumed-role/Admin/ann";
    let mut detail = json!({
        "eventVersion": "1.08", "userIdentity": {"type": "AssumedRole", "arn": who, "accessKeyId": "ASIA"},
        "eventTime": "2025-03-01T05:10:02Z", "eventSource": "backup.amazonaws.com", "eventName": "DeleteRecoveryPoint",
        "requestParameters": {"backupVaultName": "prod", "recoveryPointArn": SNAPSHOT}, "responseElements": null,
    });
    let call = |detail: &Value| match told("AWS API Call via CloudTrail", &json!([]), detail) {
        News::Call(call) => *call,
        other => panic!("{other:?}"),
    };
    let deletion = Call {
        operation: "DeleteRecoveryPoint".into(),
        caller: Some(who.into()),
        at: "2025-03-01T05:10:02Z".parse().unwrap(),
        refused: None,
        vault_name: Some("prod".into()),
        recovery_point_arn: Some(SNAPSHOT.into()),
    };
    assert_eq!(call(&detail), deletion);
    detail["errorCode"] = json!("AccessDenied");
    assert_eq!(call(&detail), Call { refused: Some("AccessDenied".into()), ..deletion });
    let blank = told("AWS API Call via CloudTrail", &json!([]), &json!({}));
    assert_eq!(blank, News::Other("AWS API Call via CloudTrail".into()));
}

/// A notification of SNS.
fn notification(message: &str, attributes: &Value) -> String {
    json!({
        "Type": "Notification", "MessageId": "12345678", "TopicArn": "arn:aws:sns:us-west-1:123456789012:backups",
        "Subject": "Notification from AWS Backup", "Message": message, "Timestamp": "2019-08-02T18:46:02.788Z",
        "MessageAttributes": attributes,
    })
    .to_string()
}

#[test]
fn an_event_is_read_out_of_the_envelope_of_a_topic() {
    let event = event("Backup Job State Change", &json!([]), &json!({"backupJobId": ID, "state": "ABORTED"}));
    let told = Event::parse(&notification(&event.to_string(), &json!({}))).unwrap();
    assert_eq!(told, Event::parse(&event.to_string()).unwrap());
    let twice = notification(&notification(&event.to_string(), &json!({})), &json!({}));
    assert_eq!(Event::parse(&twice).unwrap().news, News::Other("Notification".into()));
}

#[test]
fn a_vaults_notification_says_which_job_and_where_it_stands() {
    let attributes = |kind: &str, state: &str| {
        let value = |value: &str| json!({"Type": "String", "Value": value});
        json!({"EventType": value(kind), "State": value(state), "AccountId": value("123456789012"), "Id": value(ID)})
    };
    for (kind, word, of, state) in [
        ("BACKUP_JOB", "COMPLETED", JobKind::Backup, JobState::Completed),
        ("BACKUP_JOB", "EXPIRED", JobKind::Backup, JobState::Expired),
        ("RESTORE_JOB", "FAILED", JobKind::Restore, JobState::Failed),
        ("COPY_JOB", "STARTED", JobKind::Copy, JobState::Unknown(String::new())),
    ] {
        let told = Event::parse(&notification("A job.", &attributes(kind, word))).unwrap();
        assert_eq!((told.id.as_str(), told.scope.region.as_str()), ("12345678", "us-west-1"));
        assert_eq!(Some(told.at), at("2019-08-02T18:46:02.788Z"));
        let News::Job(job) = told.news else { panic!("{told:?}") };
        assert_eq!((job.id.as_str(), job.kind, &job.state), (ID, of, &state));
    }
    let other = Event::parse(&notification("A point.", &attributes("RECOVERY_POINT", "MODIFIED"))).unwrap();
    assert_eq!(other.news, News::Other("RECOVERY_POINT".into()));
    let nameless = Event::parse(&notification("", &json!({"EventType": {"Value": "COPY_JOB"}}))).unwrap();
    assert_eq!(nameless.news, News::UnnamedJob(JobKind::Copy));
}

#[test]
fn what_is_no_event_is_told_shortly_and_never_quoted() {
    let password = "hunter2 ".repeat(10_000);
    for body in [password.as_str(), "", "[1]", "7", "{\"a\":", &format!("{{\"password\":\"{password}\"}}")] {
        let told = fault(body).to_string();
        assert!(told.len() < 200 && !told.contains("hunter2"), "{told}");
    }
    assert_eq!(fault(&" ".repeat(LARGEST + 1)), EventFault::TooLarge(LARGEST + 1));
    assert!(matches!(fault(&"[".repeat(10_000)), EventFault::NotJson(..)), "however deep");
}

#[test]
fn a_frame_that_cannot_be_read_is_a_fault_that_says_which_member() {
    for (member, value, told) in [
        (
            "source",
            json!("aws.s3"),
            "is an event of \"aws.s3\", not of aws.backup: a rule sends it here that should not",
        ),
        ("account", json!("1112233445566"), "says \"1112233445566\" for account, which cannot be read"),
        ("region", json!("US"), "says \"US\" for region, which cannot be read"),
        ("time", json!("now"), "says \"now\" for time, which cannot be read"),
        ("id", json!({}), "is no event of EventBridge and no notification of SNS: it has no id"),
        ("detail-type", json!(7), "is no event of EventBridge and no notification of SNS: it has no detail-type"),
    ] {
        let mut event = event("Backup Job State Change", &json!([]), &json!({"backupJobId": ID}));
        event[member] = value;
        assert_eq!(fault(&event.to_string()).to_string(), told);
    }
    let nameless = event("Recovery Point State Change", &json!([]), &json!({"status": "DELETED"}));
    assert_eq!(
        fault(&nameless.to_string()).to_string(),
        "is a \"Recovery Point State Change\" without the ARN of a recovery point"
    );
    let vault = event("Backup Vault State Change", &json!([]), &json!({"state": "DELETED"}));
    assert!(fault(&vault.to_string()).to_string().ends_with("without the name of a vault"));
    let strange = event("Backup Job State Change", &json!([]), &json!({"backupJobId": "a b"}));
    assert_eq!(fault(&strange.to_string()).to_string(), "says \"a b\" for the id of a job, which cannot be read");
}
