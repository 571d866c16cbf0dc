use jiff::SignedDuration;
use serde_json::json;

use super::harness::{DB, FILES, ROLE, Story, segment};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[test]
fn a_backup_goes_from_created_to_completed_with_progress() {
    let mut story = Story::new();
    let tags = json!({"RecoveryPointTags": {"made-by": "test"}, "Lifecycle": {"DeleteAfterDays": 2}});
    let id = story.start(DB, &tags);
    let job = story.job(&id);
    assert_eq!(
        (&job["State"], &job["PercentDone"], &job["IsParent"]),
        (&json!("CREATED"), &json!("0.0"), &json!(false))
    );
    assert!(
        job.get("RecoveryPointArn").is_none() && job.get("CompletionDate").is_none() && job.get("CreatedBy").is_none()
    );
    assert_eq!(job["StartBy"].as_i64().unwrap() - job["CreationDate"].as_i64().unwrap(), 480 * 60);

    story.pass(SignedDuration::from_secs(5 + 15));
    let job = story.job(&id);
    assert_eq!((&job["State"], &job["PercentDone"]), (&json!("RUNNING"), &json!("50.0")));
    let arn = format!("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-{id}");
    assert_eq!(job["RecoveryPointArn"], arn);
    let now = story.call.now;
    assert_eq!(story.region().rds.snapshot_by_arn(&arn).unwrap().percent_progress(now), 50);
    let point = story.get(&format!("/backup-vaults/vault/recovery-points/{}", segment(&arn)));
    assert_eq!(point["Status"], "CREATING");

    story.pass(MINUTE);
    let job = story.job(&id);
    assert_eq!((&job["State"], &job["PercentDone"]), (&json!("COMPLETED"), &json!("100.0")));
    assert_eq!((&job["MessageCategory"], &job["BackupSizeInBytes"]), (&json!("SUCCESS"), &json!(0)));
    assert!(job.get("StatusMessage").is_none());
    let point = story.get(&format!("/backup-vaults/vault/recovery-points/{}", segment(&arn)));
    assert_eq!(point["Status"], "COMPLETED");
    let life = point["CalculatedLifecycle"]["DeleteAt"].as_i64().unwrap() - point["CreationDate"].as_i64().unwrap();
    assert_eq!(life, 2 * 86_400);
    let tags = &story.region().tags.0[&arn];
    assert_eq!((tags["Environment"].as_str(), tags["made-by"].as_str()), ("production", "test"));
}

#[test]
fn one_job_at_a_time_for_a_resource_and_the_oldest_waits_least() {
    let mut story = Story::new();
    let ids: Vec<String> = (0..3)
        .map(|_| {
            story.pass(SignedDuration::from_secs(1));
            story.start(DB, &json!({}))
        })
        .collect();
    let states = |story: &mut Story| {
        ids.iter().map(|id| story.job(id)["State"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    story.pass(SignedDuration::from_secs(20));
    assert_eq!(states(&mut story), ["RUNNING", "CREATED", "CREATED"]);
    story.pass(SignedDuration::from_secs(30));
    assert_eq!(states(&mut story), ["COMPLETED", "RUNNING", "CREATED"]);
    story.pass(MINUTE);
    assert_eq!(states(&mut story), ["COMPLETED", "COMPLETED", "COMPLETED"]);
}

#[test]
fn a_job_that_stays_blocked_expires_at_the_end_of_its_start_window() {
    let mut story = Story::new();
    story.behaviour().jobs.run_time = SignedDuration::from_hours(3);
    story.start(DB, &json!({}));
    let blocked = story.start(DB, &json!({"StartWindowMinutes": 60}));
    story.pass(SignedDuration::from_mins(59));
    assert_eq!(story.job(&blocked)["State"], "CREATED");
    story.pass(SignedDuration::from_mins(2));
    let job = story.job(&blocked);
    assert_eq!(job["State"], "EXPIRED");
    assert_eq!(job["StatusMessage"], "Backup job failed because there was a running job for the same resource.");
    story.pass(SignedDuration::from_hours(9));
    assert_eq!(story.job(&blocked)["State"], "EXPIRED", "what is over stays as it is");
}

#[test]
fn a_resource_that_becomes_free_at_the_last_moment_to_start_is_taken_and_the_queue_goes_on() {
    let mut story = Story::new();
    let hour = SignedDuration::from_hours(1);
    story.behaviour().jobs.run_time = hour - story.behaviour().jobs.start_delay;
    let holder = story.start(DB, &json!({}));
    let last_moment = story.start(DB, &json!({"StartWindowMinutes": 60}));
    let next = story.start(DB, &json!({"StartWindowMinutes": 600}));
    story.pass(hour);
    assert_eq!(story.job(&holder)["State"], "COMPLETED");
    assert_eq!(story.job(&last_moment)["State"], "RUNNING");
    story.pass(hour);
    assert_eq!(
        (&story.job(&last_moment)["State"], &story.job(&next)["State"]),
        (&json!("COMPLETED"), &json!("RUNNING"))
    );
    story.pass(hour);
    assert_eq!(story.job(&next)["State"], "COMPLETED");
}

#[test]
fn a_job_that_outlasts_its_completion_window_expires_and_leaves_nothing() {
    let mut story = Story::new();
    story.behaviour().jobs.run_time = SignedDuration::from_hours(3);
    let id = story.start(DB, &json!({"StartWindowMinutes": 60, "CompleteWindowMinutes": 120}));
    story.pass(SignedDuration::from_mins(121));
    let job = story.job(&id);
    assert_eq!(
        (&job["State"], &job["StatusMessage"]),
        (&json!("EXPIRED"), &json!("Backup job expired before completion."))
    );
    assert_eq!(job["PercentDone"], "0.0");
    assert!(story.region().backup.recovery_points.is_empty());
    let arn = format!("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-{id}");
    assert!(story.region().rds.snapshot_by_arn(&arn).is_none() && !story.region().tags.0.contains_key(&arn));
}

#[test]
fn an_idempotency_token_stands_for_one_job_for_a_day() {
    let mut story = Story::new();
    let body = json!({"BackupVaultName": "vault", "ResourceArn": DB, "IamRoleArn": ROLE, "IdempotencyToken": "token"});
    let first = story.ok("PUT", "/backup-jobs", body.clone());
    story.pass(SignedDuration::from_hours(23));
    assert_eq!(story.ok("PUT", "/backup-jobs", body.clone()), first);
    let mut other = body.clone();
    other["StartWindowMinutes"] = json!(90);
    assert!(story.refusal("PUT", "/backup-jobs", other).starts_with("InvalidParameterValueException"));
    story.pass(SignedDuration::from_hours(2));
    assert_ne!(story.ok("PUT", "/backup-jobs", body)["BackupJobId"], first["BackupJobId"]);
}

#[test]
fn bad_requests_are_refused_in_words() {
    let mut story = Story::new();
    let good = json!({"BackupVaultName": "vault", "ResourceArn": DB, "IamRoleArn": ROLE});
    for (member, value, refusal) in [
        ("BackupVaultName", json!(null), "MissingParameterValueException"),
        ("ResourceArn", json!(""), "MissingParameterValueException"),
        ("IamRoleArn", json!(null), "MissingParameterValueException"),
        ("BackupVaultName", json!("nowhere"), "ResourceNotFoundException: Backup vault nowhere does not exist"),
        ("BackupVaultName", json!("a.b"), "InvalidParameterValueException"),
        ("ResourceArn", json!("orders"), "InvalidParameterValueException"),
        ("ResourceArn", json!("arn:aws:sqs:us-east-1:123456789012:q"), "InvalidParameterValueException"),
        ("ResourceArn", json!("arn:aws:rds:eu-west-1:123456789012:db:a"), "InvalidParameterValueException"),
        ("ResourceArn", json!("arn:aws:rds:us-east-1:999999999999:db:a"), "InvalidParameterValueException"),
        (
            "IamRoleArn",
            json!("backup"),
            "InvalidParameterValueException: IAM Role backup cannot be assumed by AWS Backup",
        ),
        ("IamRoleArn", json!("arn:aws:iam::123456789012:role/none"), "InvalidParameterValueException: IAM Role"),
        ("StartWindowMinutes", json!(59), "InvalidParameterValueException"),
        ("StartWindowMinutes", json!(-1), "InvalidParameterValueException"),
        ("CompleteWindowMinutes", json!(60), "InvalidParameterValueException"),
        ("CompleteWindowMinutes", json!(i64::MAX), "InvalidParameterValueException"),
        ("Lifecycle", json!({"DeleteAfterDays": 0}), "InvalidParameterValueException: Invalid lifecycle."),
        ("RecoveryPointTags", json!({"aws:x": "y"}), "InvalidParameterValueException"),
        ("BackupOptions", json!({"": "y"}), "InvalidParameterValueException"),
        ("IdempotencyToken", json!("x".repeat(1 << 20)), "InvalidParameterValueException"),
        ("StartWindowMinutes", json!("soon"), "SerializationException"),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let found = story.refusal("PUT", "/backup-jobs", body);
        assert!(found.starts_with(refusal) && found.len() < 600, "{member}: {found}");
    }
    assert!(story.region().backup.jobs.is_empty(), "nothing half-done");
}

#[test]
fn databases_cannot_be_stopped_and_files_can() {
    let mut story = Story::new();
    let (db, files) = (story.start(DB, &json!({})), story.start(FILES, &json!({})));
    let refused = story.refusal("POST", &format!("/backup-jobs/{db}"), json!({}));
    assert!(refused.starts_with("InvalidRequestException") && refused.contains("RDS"), "{refused}");
    story.pass(SignedDuration::from_secs(10));
    assert_eq!(story.job(&files)["State"], "RUNNING");
    story.ok("POST", &format!("/backup-jobs/{files}"), json!({}));
    assert_eq!(story.job(&files)["State"], "ABORTING");
    story.pass(MINUTE);
    let job = story.job(&files);
    assert_eq!((&job["State"], &job["StatusMessage"]), (&json!("ABORTED"), &json!("Backup job was stopped by user.")));
    assert!(story.refusal("POST", &format!("/backup-jobs/{files}"), json!({})).starts_with("InvalidRequestException"));
    assert_eq!(story.region().backup.recovery_points.len(), 1, "only the database's");
    assert!(story.refusal("POST", "/backup-jobs/none", json!({})).starts_with("ResourceNotFoundException"));
    story.backed_up(FILES, &json!({}));
}

#[test]
fn lists_filter_and_page_newest_first() {
    let mut story = Story::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(story.start(if n % 2 == 0 { DB } else { FILES }, &json!({})));
        story.pass(SignedDuration::from_hours(1));
    }
    ids.reverse();
    let listed = |story: &mut Story, query: &str| {
        let reply = story.get(&format!("/backup-jobs?{query}"));
        let jobs = reply["BackupJobs"].as_array().unwrap().iter();
        let found: Vec<String> = jobs.map(|job| job["BackupJobId"].as_str().unwrap().to_owned()).collect();
        (found, reply.get("NextToken").map(|token| token.as_str().unwrap().to_owned()))
    };
    let (mut all, mut next) = listed(&mut story, "maxResults=2");
    while let Some(token) = next {
        let (more, following) = listed(&mut story, &format!("maxResults=2&nextToken={token}"));
        all.extend(more);
        next = following;
    }
    assert_eq!(all, ids);
    for (query, count) in [
        ("resourceType=RDS", 3),
        ("resourceType=RDS&state=COMPLETED", 3),
        ("state=RUNNING", 0),
        ("backupVaultName=other", 0),
        ("messageCategory=success", 5),
        ("parentJobId=x", 0),
        ("createdAfter=2026-03-02T13:30:00Z", 3),
        ("createdBefore=2026-03-02T13:30:00Z", 2),
        ("completeAfter=2026-03-02T16:00:00Z", 1),
        ("accountId=123456789012", 5),
    ] {
        assert_eq!(listed(&mut story, query).0.len(), count, "{query}");
    }
    let by_arn = listed(&mut story, &format!("resourceArn={}", segment(FILES))).0;
    assert_eq!(by_arn.len(), 2);
    for query in ["state=NO", "accountId=*", "createdAfter=soon", "maxResults=0", "nextToken=x"] {
        let refused = story.refusal("GET", &format!("/backup-jobs?{query}"), json!({}));
        assert!(refused.starts_with("InvalidParameterValueException"), "{query}: {refused}");
    }
    story.pass(SignedDuration::from_hours(31 * 24));
    assert!(listed(&mut story, "").0.is_empty(), "jobs are history for 30 days");
    assert!(story.region().backup.jobs.is_empty());
}

#[test]
fn a_rule_backs_up_what_is_tagged_when_it_fires() {
    let mut story = Story::new();
    story.plan(
        json!([{"RuleName": "daily", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 5 ? * * *)",
        "Lifecycle": {"DeleteAfterDays": 1}, "RecoveryPointTags": {"rule": "daily"}}]),
    );
    story.database("later", 7);
    story.pass_to("2026-03-03T05:00:00Z");
    let jobs = story.get("/backup-jobs?state=CREATED")["BackupJobs"].clone();
    assert_eq!(jobs.as_array().unwrap().len(), 2, "{jobs}");
    assert_eq!(jobs[0]["CreatedBy"]["BackupRuleName"], "daily");
    assert_eq!(jobs[0]["CreatedBy"]["BackupRuleTimezone"], "Etc/UTC");
    assert_eq!(jobs[0]["StartBy"].as_i64().unwrap() - jobs[0]["CreationDate"].as_i64().unwrap(), 480 * 60);
    story.pass_to("2026-03-03T05:02:00Z");
    let points = story.get("/backup-vaults/vault/recovery-points")["RecoveryPoints"].clone();
    assert_eq!(points.as_array().unwrap().len(), 2);
    assert!(points[0]["CreatedBy"]["BackupPlanId"].is_string());
    story.pass_to("2026-03-10T12:00:00Z");
    assert_eq!(story.region().backup.recovery_points.len(), 2, "a day's retention keeps a day's points");
    assert_eq!(story.get("/backup-jobs?resourceType=RDS")["BackupJobs"].as_array().unwrap().len(), 2 * 8);
}

#[test]
fn ninety_days_of_hourly_backups_stay_bounded() {
    let mut story = Story::new();
    story.plan(
        json!([{"RuleName": "hourly", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 * ? * * *)",
        "StartWindowMinutes": 60, "CompletionWindowMinutes": 120, "Lifecycle": {"DeleteAfterDays": 1},
        "CopyActions": [{"DestinationBackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:other",
        "Lifecycle": {"DeleteAfterDays": 1}}]}]),
    );
    story.pass(SignedDuration::from_hours(90 * 24));
    let jobs = story.region().backup.jobs.len();
    assert!((30 * 24..=31 * 24 + 1).contains(&jobs), "{jobs} jobs");
    let region = story.region();
    assert!(region.backup.copies.len() <= 31 * 24, "{} copies", region.backup.copies.len());
    let points = region.backup.recovery_points.len();
    assert!((30..=50).contains(&points), "{points} points");
    assert!(region.tags.0.len() < points + 10, "{} tagged resources", region.tags.0.len());
    assert!(story.world.agenda.len() < 60, "{} things planned", story.world.agenda.len());
}

#[test]
fn summaries_count_by_state() {
    let mut story = Story::new();
    story.backed_up(DB, &json!({}));
    story.pass_to("2026-03-03T01:00:00Z");
    let rows = story.get("/audit/backup-job-summaries?State=ANY&ResourceType=RDS")["BackupJobSummaries"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(
        (&rows[0]["State"], &rows[0]["Count"], &rows[0]["ResourceType"]),
        (&json!("COMPLETED"), &json!(1), &json!("RDS"))
    );
    assert_eq!(rows[0]["MessageCategory"], "AGGREGATE_ALL");
}
