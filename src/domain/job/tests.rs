use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, Finding, RegionName, Severity, Unseen};

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn job(kind: JobKind, state: JobState, resource_type: &str) -> Job {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: RegionName::parse("us-east-1").unwrap() };
    Job {
        state,
        resource_type: ResourceType::told(resource_type),
        ..Job::blank(JobId::parse("j1").unwrap(), kind, scope)
    }
}

#[test]
fn only_open_backups_outside_the_rds_family_can_be_stopped() {
    use JobState as S;
    assert_eq!(job(JobKind::Backup, S::Running, "EBS").reason_not_cancellable(), None);
    for (kind, state, resource_type, why) in [
        (JobKind::Backup, S::Running, "RDS", "AWS cannot stop such backups"),
        (JobKind::Backup, S::Completed, "EBS", "has ended: it is COMPLETED"),
        (JobKind::Restore, S::Running, "EBS", "is a restore job"),
        (JobKind::Copy, S::Running, "EBS", "is a copy job"),
    ] {
        let told = job(kind, state, resource_type).reason_not_cancellable().unwrap();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn completed_with_issues_is_completed_with_something_to_read() {
    let mut job = job(JobKind::Backup, JobState::Completed, "RDS");
    job.message_category = Some("Success".into());
    assert!(!job.completed_with_issues());
    job.status_message = Some("Enabling continuous backup failed".into());
    assert!(job.completed_with_issues());
    job.state = JobState::Failed;
    assert!(!job.completed_with_issues());
}

#[test]
fn jobs_of_which_aws_tells_no_resource_do_not_block_each_other() {
    let one = job(JobKind::Backup, JobState::Created, "RDS");
    let other = Job { id: JobId::parse("j2").unwrap(), ..job(JobKind::Backup, JobState::Running, "RDS") };
    assert_eq!(one.blocked_by(&[other]), None);
}

#[test]
fn a_restore_of_restore_testing_comes_from_no_plan() {
    let origin = JobOrigin::RestoreTesting { plan_arn: "arn".into() };
    let restore = Job { created_by: Some(origin), ..job(JobKind::Restore, JobState::Completed, "RDS") };
    assert_eq!(restore.plan_origin(), None);
}

#[test]
fn a_job_waits_for_one_that_runs_or_for_one_that_came_earlier() {
    let waiting = |id: &str, created: &str| Job {
        id: JobId::parse(id).unwrap(),
        resource_arn: Some("db".into()),
        created_at: at(created),
        start_by: at("2026-03-02T02:00:00Z"),
        ..job(JobKind::Backup, JobState::Created, "RDS")
    };
    let mine = waiting("mine", "2026-03-02T00:30:00Z");
    let (earlier, later) = (waiting("earlier", "2026-03-02T00:10:00Z"), waiting("later", "2026-03-02T00:40:00Z"));
    let copy = Job {
        id: JobId::parse("copy").unwrap(),
        resource_arn: Some("db".into()),
        created_at: at("2026-03-02T00:50:00Z"),
        ..job(JobKind::Copy, JobState::Running, "RDS")
    };
    let other = Job { resource_arn: Some("another".into()), ..copy.clone() };
    let id = |others: &[Job]| mine.blocked_by(others).map(|job| job.id.to_string());
    assert_eq!(id(&[earlier.clone(), copy.clone(), mine.clone()]).as_deref(), Some("copy"));
    assert_eq!(id(&[later.clone(), earlier]).as_deref(), Some("earlier"));
    assert_eq!(id(&[later, mine.clone(), other]), None);

    let now = at("2026-03-02T01:15:00Z").unwrap();
    let wait = mine.wait(Some(&copy), now);
    assert_eq!(wait.window_left, Some(SignedDuration::from_mins(45)));
    assert!(wait.message.contains("until copy job copy of the same resource has ended"), "{}", wait.message);
    let codes = |blocking, unread: &[Finding]| {
        let findings = mine.findings_of_wait(blocking, None, unread.to_vec(), now);
        findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Some(&copy), &[]), ["BLOCKED_BY_JOB"]);
    assert_eq!(codes(None, &[]), ["WAITS_IN_START_WINDOW"]);
    let unread = [JobWait::not_checked("the database", "rds:DescribeDBInstances", Unseen::in_time())];
    assert_eq!(codes(None, &unread), ["NOT_CHECKED"], "nobody knows that nothing hinders it");
    let late = mine.wait(None, at("2026-03-02T03:00:00Z").unwrap());
    assert_eq!(late.window_left, Some(SignedDuration::ZERO));
    assert!(late.message.contains("it expires"), "{}", late.message);
}

#[test]
fn an_expiry_is_told_apart_by_the_window_that_ended() {
    let expired = |ended: &str| Job {
        start_by: at("2026-03-02T02:00:00Z"),
        completed_at: at(ended),
        ..job(JobKind::Backup, JobState::Expired, "RDS")
    };
    let code = |job: Job| job.findings_of_end()[0].code;
    assert_eq!(code(expired("2026-03-02T02:00:00Z")), "EXPIRED_BEFORE_START");
    assert_eq!(code(expired("2026-03-02T03:00:00Z")), "EXPIRED_BEFORE_COMPLETION");
}

#[test]
fn every_family_of_aws_s_messages_has_its_advice() {
    for (message, advice) in [
        ("IAM Role arn:x cannot be assumed by AWS Backup", "GetServiceRole"),
        ("You are not authorized to perform this operation.", "GetServiceRole"),
        ("Access Denied trying to call AWS Backup service", "GetServiceRole"),
        (
            "Copy job failed. Both source and destination account must be a member of the same organization.",
            "organization",
        ),
        (
            "Snapshots encrypted with the AWS managed key can't be shared. Specify another snapshot.",
            "KMS key of your own",
        ),
        ("Backup job failed because there was a running job for the same resource.", "further apart"),
        ("There are too many copy jobs running for resource.", "further apart"),
        ("Backup job expired before completion.", "completion window"),
        (
            "Copy job failed. The retention specified in the job is not within the range specified for the target Backup Vault.",
            "within the lock",
        ),
        (
            "Backup job could not start because it is either inside or too close to the weekly maintenance window configured",
            "more than an hour before",
        ),
        (
            "could not start because it is either inside or too close to the automated backup window configured",
            "more than an hour before",
        ),
        ("Instance is not in state available", "when the database is available"),
        ("arn:x is not in the available state: it is stopped", "when the database is available"),
        (
            "Subscriber limit exceeded: You have reached the maximum concurrent number of backups, which is 300.",
            "quota",
        ),
        ("Cannot create more than 20 user snapshots", "quota"),
        ("The resultant tag set must not have more than 50 user tags.", "remove tags"),
        ("More than 50 tags specified", "remove tags"),
        ("KMS key is either disabled or pending deletion or access to KMS key is denied", "key policy"),
        ("Given key ID is not accessible", "key policy"),
        ("Backup job failed because backup vault ARN does not exist.", "still exist"),
        ("Cannot find recovery point", "still exist"),
        ("Feature is not supported for provided resource type.", "correct what the message names"),
        ("An internal error occurred.", "AWS support"),
        ("Copy job encountered a fatal error.", "AWS support"),
        (
            "Enabling continuous backup failed, because of the following error: PITR already configured in backup plan: [x]",
            "one rule alone",
        ),
    ] {
        let failed = Job { status_message: Some(message.into()), ..job(JobKind::Backup, JobState::Failed, "RDS") };
        let finding = failed.findings_of_end().remove(0);
        assert_eq!((finding.code, finding.severity), ("JOB_FAILED", Severity::Error));
        assert!(finding.message.contains(message) && finding.action.contains(advice), "{finding:?}");
    }
    let new = Job { message_category: Some("AccessDenied".into()), ..job(JobKind::Copy, JobState::Failed, "RDS") };
    assert!(new.findings_of_end()[0].action.contains("GetServiceRole"));
}

#[test]
fn a_job_under_way_or_well_ended_has_nothing_to_explain() {
    for state in [JobState::Running, JobState::Completed, JobState::Aborted, JobState::Unknown("NEW".into())] {
        assert_eq!(job(JobKind::Backup, state, "RDS").findings_of_end(), []);
    }
}

proptest! {
    #[test]
    fn every_word_of_aws_survives(word in "[A-Z_]{1,20}") {
        let state = JobState::of_word(&word);
        prop_assert_eq!(state.word(), word.as_str());
    }
}
