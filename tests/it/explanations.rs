//! GetJob explains: what a waiting job waits for, and what the end of a job means.

use std::collections::BTreeSet;

use serde_json::json;
use strongroom::proto::{
    CancelJobRequest, GetJobRequest, GetJobResponse, JobFilter, JobKind, JobState, ListJobsRequest, Severity,
    StartBackupRequest, StartCopyRequest, TimeInterval,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, VOLUME, aws_backup, aws_iam, back_up, backup_of, prepared, read, start},
    harness::{LABS, World, reason},
    restores::restore_as,
};

const CLUSTER: &str = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing";
const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";

async fn explain(world: &World, id: &str) -> GetJobResponse {
    let request = GetJobRequest { job: id.into(), ..Default::default() };
    world.jobs().get_job(request).await.unwrap().into_inner()
}

fn codes(explained: &GetJobResponse) -> Vec<&str> {
    explained.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn filtered(filter: JobFilter) -> ListJobsRequest {
    ListJobsRequest { filter: Some(filter), ..Default::default() }
}

/// The sandbox's jobs take hours.
async fn slowly(world: &World) {
    world.behave(json!({"jobs": {"start_delay": "PT20M", "run_time": "PT3H"}})).await;
}

#[tokio::test]
async fn a_waiting_backup_tells_its_window_by_aws_s_clock() {
    let world = prepared().await;
    slowly(&world).await;
    let job = start(&world, backup_of(LABS)).await;
    world.advance("PT10M").await;
    let explained = explain(&world, &job.id).await;
    let wait = explained.wait.clone().unwrap();
    assert_eq!(wait.start_by_time, job.start_by_time);
    let left = wait.window_left_seconds.unwrap();
    assert!((49 * 60..=50 * 60).contains(&left), "{left}");
    assert_eq!((wait.blocking_job_id.as_str(), wait.blocking_job_kind()), ("", JobKind::Unspecified));
    assert!(wait.message.contains("at any moment until 2026-03-02T01:00:00Z"), "{}", wait.message);
    assert_eq!(codes(&explained), ["WAITS_IN_START_WINDOW"]);
    assert_eq!(explained.findings[0].severity(), Severity::Info);

    world.advance("PT20M").await;
    let running = explain(&world, &job.id).await;
    assert_eq!((running.job.unwrap().state(), running.wait), (JobState::Running, None));
}

#[tokio::test]
async fn a_job_behind_another_of_its_resource_names_it_and_expires_behind_it() {
    let world = prepared().await;
    let point = back_up(&world, LABS).await.recovery_point_arn;
    slowly(&world).await;
    let first = start(&world, backup_of(LABS)).await;
    let second = start(&world, StartBackupRequest { request_id: String::new(), ..backup_of(LABS) }).await;
    let waiting = explain(&world, &second.id).await;
    assert_eq!(waiting.wait.unwrap().blocking_job_id, "", "both wait, and nobody came earlier");
    world.advance("PT30M").await;
    let waiting = explain(&world, &second.id).await;
    let wait = waiting.wait.clone().unwrap();
    assert_eq!((wait.blocking_job_id.as_str(), wait.blocking_job_kind()), (first.id.as_str(), JobKind::Backup));
    assert!(wait.message.contains(&first.id), "{}", wait.message);
    assert_eq!(codes(&waiting), ["BLOCKED_BY_JOB"]);

    let _ = aws_backup(&world).create_backup_vault().backup_vault_name("second").send().await;
    let copy = StartCopyRequest {
        recovery_point: point,
        vault: VAULT.into(),
        destination_vault: "second".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    };
    let copy = world.jobs().start_copy(copy).await.unwrap().into_inner().job.unwrap();
    let wait = explain(&world, &copy.id).await.wait.unwrap();
    assert_eq!((wait.blocking_job_id, wait.start_by_time), (first.id, None));

    world.advance("PT1H").await;
    let expired = explain(&world, &second.id).await;
    assert_eq!((codes(&expired), expired.wait.as_ref()), (vec!["EXPIRED_BEFORE_START"], None));
    assert!(expired.findings[0].message.contains("running job for the same resource"), "{:?}", expired.findings);
}

#[tokio::test]
async fn what_hinders_the_database_is_told_while_the_job_waits_and_so_is_what_cannot_be_read() {
    let world = prepared().await;
    let paused = start(&world, backup_of("arn:aws:rds:us-east-1:123456789012:db:rdspg-paused")).await;
    assert_eq!(codes(&explain(&world, &paused.id).await), ["DATABASE_NOT_AVAILABLE"]);
    world.advance("PT1M").await;
    let failed = explain(&world, &paused.id).await;
    assert_eq!(codes(&failed), ["JOB_FAILED"]);
    assert_eq!(failed.findings[0].severity(), Severity::Error);
    assert!(failed.findings[0].message.contains("not in the available state"), "{:?}", failed.findings);
    assert!(failed.findings[0].action.contains("GetResource"), "{:?}", failed.findings);

    // Its own backup is at 05:10.
    world.advance("PT4H30M").await;
    let legacy = start(&world, backup_of(LEGACY)).await;
    assert_eq!(codes(&explain(&world, &legacy.id).await), ["NEAR_BACKUP_WINDOW"]);
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "*", "rate": 1.0, "effect": denied})).await;
    world.arm(json!({"service": "backup", "operation": "ListBackupJobs", "rate": 1.0, "effect": denied})).await;
    let unread = explain(&world, &legacy.id).await;
    assert_eq!(codes(&unread), ["NOT_CHECKED", "NOT_CHECKED"], "nobody knows that nothing hinders it");
    for (finding, permission) in unread.findings.iter().zip(["backup:ListBackupJobs", "rds:DescribeDBInstances"]) {
        assert!(finding.action.contains(permission), "{finding:?}");
    }
    assert!(unread.wait.is_some() && unread.job.is_some());
}

#[tokio::test]
async fn a_job_out_of_its_completion_window_is_told_apart() {
    let world = prepared().await;
    world.behave(json!({"jobs": {"start_delay": "PT5S", "run_time": "PT9H"}})).await;
    let request = StartBackupRequest { completion_window_minutes: Some(120), ..backup_of(LABS) };
    let job = start(&world, request).await;
    world.advance("PT3H").await;
    let expired = explain(&world, &job.id).await;
    assert_eq!(codes(&expired), ["EXPIRED_BEFORE_COMPLETION"]);
    assert!(expired.findings[0].action.contains("completion window"), "{:?}", expired.findings);
}

#[tokio::test]
async fn a_role_without_its_policy_is_named_as_what_to_repair() {
    let world = prepared().await;
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    let detach = aws_iam(&world).detach_role_policy().role_name("AWSBackupDefaultServiceRole").policy_arn(policy);
    detach.send().await.unwrap();
    let job = start(&world, backup_of(LABS)).await;
    world.advance("PT10M").await;
    let failed = explain(&world, &job.id).await;
    assert_eq!(codes(&failed), ["JOB_FAILED"]);
    assert!(failed.findings[0].action.contains("EnsureServiceRole"), "{:?}", failed.findings);
}

#[tokio::test]
async fn completed_with_issues_is_quoted_with_what_to_do() {
    let world = prepared().await;
    let other = aws_backup(&world).create_backup_vault().backup_vault_name("other");
    other.send().await.unwrap();
    let rule = |name: &str, vault: &str, minute: u32| strongroom::proto::Rule {
        name: name.into(),
        vault: vault.into(),
        schedule: format!("cron({minute} 1 * * ? *)"),
        enable_continuous_backup: true,
        start_window_minutes: Some(60),
        completion_window_minutes: Some(180),
        ..Default::default()
    };
    for (plan, vault, minute) in [("one", VAULT, 0), ("two", "other", 30)] {
        let request = strongroom::proto::CreatePlanRequest {
            name: plan.into(),
            rules: vec![rule("rule", vault, minute)],
            ..Default::default()
        };
        world.plans().create_plan(request).await.unwrap();
        let selection = strongroom::proto::CreateSelectionRequest {
            plan: plan.into(),
            name: "s".into(),
            role: "AWSBackupDefaultServiceRole".into(),
            resources: vec![LABS.into()],
            ..Default::default()
        };
        world.plans().create_selection(selection).await.unwrap();
    }
    world.advance("P3D").await;
    let filter = JobFilter {
        kinds: vec![JobKind::Backup.into()],
        states: vec![JobState::Completed.into()],
        ..Default::default()
    };
    let jobs = world.jobs().list_jobs(filtered(filter)).await.unwrap().into_inner().jobs;
    let issue = jobs.iter().find(|job| job.completed_with_issues).unwrap();
    let explained = explain(&world, &issue.id).await;
    assert_eq!(codes(&explained), ["COMPLETED_WITH_ISSUES"]);
    assert!(explained.findings[0].message.contains(&issue.status_message), "{:?}", explained.findings);
    assert!(explained.findings[0].action.contains("one rule alone"), "{:?}", explained.findings);
}

#[tokio::test]
async fn a_job_that_aws_does_not_stop_is_told_with_its_reason() {
    let world = prepared().await;
    let point = back_up(&world, LABS).await.recovery_point_arn;
    slowly(&world).await;
    let cluster = start(&world, backup_of(CLUSTER)).await;
    let restore = restore_as(&world, &point, "orders-2").await;
    let ended = JobFilter { states: vec![JobState::Completed.into()], ..Default::default() };
    let ended = world.jobs().list_jobs(filtered(ended)).await.unwrap().into_inner().jobs.remove(0);
    for (id, why) in [
        (&cluster.id, "resource of type Aurora: AWS cannot stop such backups"),
        (&restore.id, "is a restore job: AWS stops only backup jobs"),
        (&ended.id, "has ended: it is COMPLETED"),
    ] {
        let cancel = CancelJobRequest { job: id.clone(), ..Default::default() };
        let refused = world.jobs().cancel_job(cancel).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "JOB_NOT_CANCELLABLE".into()));
        assert!(refused.message().contains(why), "{refused}");
        let violation = refused.get_details_precondition_failure().unwrap().violations.remove(0);
        assert_eq!((violation.r#type.as_str(), &violation.subject), ("JOB_NOT_CANCELLABLE", id));
    }
}

#[tokio::test]
async fn jobs_are_listed_by_their_end_their_category_and_their_source() {
    let world = prepared().await;
    let done = back_up(&world, LABS).await;
    let failed = start(&world, backup_of("arn:aws:rds:us-east-1:123456789012:db:rdspg-paused")).await;
    world.advance("PT10M").await;
    let failed = read(&world, &failed.id).await;
    start(&world, backup_of(VOLUME)).await;
    let _ = aws_backup(&world).create_backup_vault().backup_vault_name("second").send().await;
    let copy = StartCopyRequest {
        recovery_point: done.recovery_point_arn.clone(),
        vault: VAULT.into(),
        destination_vault: "second".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    };
    let copy = world.jobs().start_copy(copy).await.unwrap().into_inner().job.unwrap();
    let ids = |filter: JobFilter| async {
        let jobs = world.jobs().list_jobs(filtered(filter)).await.unwrap().into_inner().jobs;
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let (backups, copies) = (vec![JobKind::Backup.into()], vec![JobKind::Copy.into()]);
    let all = JobFilter::default();
    // From the very end of the one, up to the end of the other.
    let between = Some(TimeInterval { start_time: done.completion_time, end_time: failed.completion_time });
    let after = Some(TimeInterval { start_time: failed.completion_time, end_time: None });
    let source = done.recovery_point_arn.clone();
    for (filter, expected) in [
        (JobFilter { completion_time: between, ..all.clone() }, vec![&done.id]),
        (JobFilter { completion_time: after, ..all.clone() }, vec![&failed.id]),
        (
            JobFilter { kinds: backups, message_category: failed.message_category.clone(), ..all.clone() },
            vec![&failed.id],
        ),
        (JobFilter { parent_job: done.id.clone(), ..all.clone() }, vec![]),
        (JobFilter { kinds: copies, source_recovery_point: source.clone(), ..all.clone() }, vec![&copy.id]),
    ] {
        assert_eq!(ids(filter.clone()).await.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let unfit = JobFilter {
        message_category: "AccessDenied".into(),
        source_recovery_point: source,
        resource: LABS.into(),
        completion_time: after,
        parent_job: done.id,
        ..all
    };
    let faults = crate::harness::told(&world.jobs().list_jobs(filtered(unfit)).await.unwrap_err());
    let members = ["message_category", "source_recovery_point", "completion_time", "parent_job"];
    assert_eq!(faults.fields, members.map(|member| format!("filter.{member}")));
}

#[tokio::test]
async fn of_a_filter_s_list_one_value_is_enough_and_each_job_is_listed_once() {
    let world = prepared().await;
    let labs = back_up(&world, LABS).await;
    let volume = back_up(&world, VOLUME).await;
    let failed = start(&world, backup_of("arn:aws:rds:us-east-1:123456789012:db:rdspg-paused")).await;
    world.advance("PT10M").await;
    let restore = restore_as(&world, &labs.recovery_point_arn, "orders-2").await;
    let (completed, failure, pending) = (JobState::Completed.into(), JobState::Failed.into(), JobState::Pending.into());
    let several = JobFilter {
        kinds: vec![JobKind::Restore.into(), JobKind::Backup.into()],
        states: vec![failure, completed, pending, failure],
        resource_types: vec!["RDS".into(), "EBS".into()],
        ..Default::default()
    };
    let expected: BTreeSet<_> = [&labs.id, &volume.id, &failed.id, &restore.id].into_iter().cloned().collect();
    for size in [1, 2, 3, 100] {
        let mut request = ListJobsRequest { page_size: size, ..filtered(several.clone()) };
        let mut listed = Vec::new();
        loop {
            let page = world.jobs().list_jobs(request.clone()).await.unwrap().into_inner();
            listed.extend(page.jobs.into_iter().map(|job| job.id));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(listed.len(), expected.len(), "each once, by {size}");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected, "by {size}");
    }
    let first = ListJobsRequest { page_size: 1, ..filtered(several.clone()) };
    let token = world.jobs().list_jobs(first).await.unwrap().into_inner().next_page_token;
    let other = ListJobsRequest { page_token: token, ..filtered(JobFilter { states: vec![completed], ..several }) };
    let refused = crate::harness::told(&world.jobs().list_jobs(other).await.unwrap_err());
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["page_token".into()]));
}
