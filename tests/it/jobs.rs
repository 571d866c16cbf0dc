//! JobService over the wire: backups, looking up, listing, stopping. Restores are in `restores.rs`.

use std::collections::BTreeSet;

use serde_json::json;
use strongroom::proto::{
    CancelJobRequest, Finding, GetJobRequest, Job, JobFilter, JobKind, JobState, Lifecycle, ListJobsRequest, Read,
    Retention, StartBackupRequest, TimeInterval,
};
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, aws_backup, aws_rds, back_up, backup_of, prepare, prepared, read, start},
    harness::{LABS, World, reason, request_id, told, without_ledger},
    restores::restore_as,
};

/// The codes of findings, each with the field that it comes from.
fn codes(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect()
}

fn filtered(filter: JobFilter) -> ListJobsRequest {
    ListJobsRequest { filter: Some(filter), ..Default::default() }
}

async fn list(world: &World, request: ListJobsRequest) -> Vec<Job> {
    world.jobs().list_jobs(request).await.unwrap().into_inner().jobs
}

fn cancel(job: &str) -> CancelJobRequest {
    CancelJobRequest { job: job.into(), ..Default::default() }
}

#[tokio::test]
async fn a_backup_runs_to_its_end_and_shows_its_progress() {
    let world = prepared().await;
    let answer = world.jobs().start_backup(backup_of(LABS)).await.unwrap().into_inner();
    assert_eq!(answer.findings, []);
    assert_eq!((answer.start_window_minutes, answer.completion_window_minutes), (60, 10_080));
    let days = Lifecycle { retention: Retention::Days.into(), delete_after_days: Some(35), ..Default::default() };
    assert_eq!(answer.lifecycle, Some(days));
    let job = answer.job.unwrap();
    assert_eq!((job.kind(), job.state()), (JobKind::Backup, JobState::Created));
    assert_eq!((job.resource_type.as_str(), job.vault_name.as_str()), ("RDS", VAULT));
    assert_eq!(job.start_by_time.unwrap().seconds - job.create_time.unwrap().seconds, 3600);
    assert_eq!(job.created_by, None, "made on demand");

    world.advance("PT20S").await;
    let running = read(&world, &job.id).await;
    assert_eq!(running.state(), JobState::Running);
    assert!((1.0..100.0).contains(&running.percent_done.unwrap()), "{running:?}");

    world.advance("PT10M").await;
    let done = read(&world, &job.id).await;
    assert_eq!((done.state(), done.percent_done), (JobState::Completed, Some(100.0)));
    assert!(!done.completed_with_issues && done.completion_time.is_some());
    assert!(done.recovery_point_arn.starts_with("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-"));
}

#[tokio::test]
async fn the_same_request_starts_one_job_and_another_one_under_its_id_is_refused() {
    let world = prepared().await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = start(&world, request.clone()).await;
    world.advance("PT10M").await;
    assert_eq!(start(&world, request.clone()).await.id, first.id);
    assert_eq!(list(&world, ListJobsRequest::default()).await.len(), 1);
    let others = [
        StartBackupRequest { resource: VOLUME.into(), ..request.clone() },
        StartBackupRequest { start_window_minutes: Some(90), ..request },
    ];
    for other in others {
        let reused = world.jobs().start_backup(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
    assert_eq!(list(&world, ListJobsRequest::default()).await.len(), 1);
}

#[tokio::test]
async fn a_job_whose_start_or_first_look_was_lost_is_the_job_of_the_repeated_call() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let request = StartBackupRequest { request_id: request_id(2), ..backup_of(LABS) };
    world.arm(json!({"operation": "StartBackupJob", "next": 1, "effect": "drop_after"})).await;
    let lost = world.jobs().start_backup(request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    world.arm(json!({"operation": "DescribeBackupJob", "next": 1, "effect": "drop_before"})).await;
    let unseen = world.jobs().start_backup(request.clone()).await.unwrap_err();
    assert_eq!(reason(&unseen), (Code::Unavailable, "OUTCOME_UNKNOWN".into()), "the job was accepted");
    let job = start(&world, request).await;
    let listed = list(&world, ListJobsRequest::default()).await;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&job.id]);
}

#[tokio::test]
async fn a_repeated_backup_finds_its_job_though_the_database_was_deleted_since() {
    let world = World::start_with(|config| {
        config.aws.max_attempts = 1;
        without_ledger(config);
    })
    .await;
    prepare(&world).await;
    let request = StartBackupRequest { request_id: request_id(3), ..backup_of(LABS) };
    let job = start(&world, request.clone()).await;
    world.advance("PT10M").await;
    let delete = aws_rds(&world).delete_db_instance().db_instance_identifier("rdspg-fcj-labs");
    delete.skip_final_snapshot(true).send().await.unwrap();
    world.advance("PT1H").await;
    assert_eq!(start(&world, request.clone()).await.id, job.id);
    let by_name = StartBackupRequest { resource: "rdspg-fcj-labs".into(), ..request.clone() };
    assert_eq!(start(&world, by_name).await.id, job.id, "though its identifier is nobody's by now");
    world.arm(json!({"operation": "ListBackupJobs", "next": 1, "effect": "drop_before"})).await;
    let unread = world.jobs().start_backup(request.clone()).await.unwrap_err();
    assert_eq!(unread.code(), Code::Unavailable, "not called missing: {unread}");
    let fresh = StartBackupRequest { request_id: String::new(), ..request.clone() };
    let missing = world.jobs().start_backup(fresh).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    assert_eq!(list(&world, ListJobsRequest::default()).await.len(), 1, "nothing was begun");
    let another = StartBackupRequest { request_id: request_id(4), ..request };
    let missing = world.jobs().start_backup(another).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    assert!(missing.message().contains("which will fail"), "{missing}");
}

#[tokio::test]
async fn what_a_backup_names_and_is_not_there_is_told_before_a_job_is_made() {
    let world = prepared().await;
    let missing = "arn:aws:rds:us-east-1:123456789012:db:nowhere";
    for (request, why) in [
        (StartBackupRequest { vault: "nowhere".into(), ..backup_of(LABS) }, "VAULT_NOT_FOUND"),
        (StartBackupRequest { role: "nowhere".into(), ..backup_of(LABS) }, "ROLE_NOT_FOUND"),
        (backup_of(missing), "RESOURCE_NOT_FOUND"),
    ] {
        let refused = world.jobs().start_backup(request).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, why.into()));
    }
    assert!(list(&world, ListJobsRequest::default()).await.is_empty());
}

#[tokio::test]
async fn a_role_that_stays_unassumable_is_told_after_the_wait() {
    let world =
        World::start_with(|config| config.aws.role_propagation_wait = std::time::Duration::from_millis(10)).await;
    world.behave(json!({"role_propagation": "PT1H"})).await;
    prepare(&world).await;
    let refused = world.jobs().start_backup(backup_of(LABS)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE".into()));
}

#[tokio::test]
async fn what_will_surprise_about_a_backup_is_warned_of() {
    let world = prepared().await;
    let lock = aws_backup(&world).put_backup_vault_lock_configuration().backup_vault_name(VAULT).max_retention_days(30);
    lock.send().await.unwrap();
    let cold =
        Lifecycle { delete_after_days: Some(200), move_to_cold_storage_after_days: Some(30), ..Default::default() };
    let paused = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";
    let request = StartBackupRequest { lifecycle: Some(cold), ..backup_of(paused) };
    let check = StartBackupRequest { validate_only: true, ..request.clone() };
    let checked = world.jobs().start_backup(check).await.unwrap().into_inner();
    assert_eq!(checked.job, None);
    let warned = world.jobs().start_backup(request).await.unwrap().into_inner().findings;
    let expected = [
        ("COLD_STORAGE_IGNORED", "lifecycle.move_to_cold_storage_after_days"),
        ("RETENTION_OUTSIDE_VAULT_LOCK", "lifecycle"),
        ("DATABASE_NOT_AVAILABLE", "resource"),
    ];
    assert_eq!((codes(&warned), codes(&checked.findings)), (expected.to_vec(), expected.to_vec()));

    // Its own backup is at 05:10.
    world.advance("PT4H30M").await;
    let short = Lifecycle { delete_after_days: Some(7), ..Default::default() };
    let legacy = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";
    let request = StartBackupRequest { lifecycle: Some(short), ..backup_of(legacy) };
    let warned = world.jobs().start_backup(request.clone()).await.unwrap().into_inner().findings;
    assert_eq!(codes(&warned), [("NEAR_BACKUP_WINDOW", "resource")]);

    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "DescribeDBInstances", "rate": 1.0, "effect": denied})).await;
    let unread = world.jobs().start_backup(request).await.unwrap().into_inner();
    assert!(unread.job.is_some(), "what cannot be read costs its findings, not the backup");
    assert_eq!(codes(&unread.findings), [("NOT_CHECKED", "resource")]);
    assert!(unread.findings[0].action.contains("rds:DescribeDBInstances"), "{:?}", unread.findings);
}

#[tokio::test]
async fn jobs_of_every_kind_are_looked_up_by_id() {
    let world = prepared().await;
    let backup = back_up(&world, LABS).await;
    let restore = restore_as(&world, &backup.recovery_point_arn, "orders-2").await;
    let copy = copy(&world, &backup.recovery_point_arn).await;
    for (id, kind) in [(&backup.id, JobKind::Backup), (&restore.id, JobKind::Restore), (&copy, JobKind::Copy)] {
        let job = read(&world, id).await;
        assert_eq!((&job.id, job.kind()), (id, kind));
        assert_eq!(job.resource_arn, LABS);
        assert_eq!(job.vault_name, VAULT, "{kind:?}");
        let named = GetJobRequest { job: id.clone(), kind: kind.into(), ..Default::default() };
        assert_eq!(world.jobs().get_job(named).await.unwrap().into_inner().job.unwrap(), job);
    }
    for kind in [JobKind::Unspecified, JobKind::Backup, JobKind::Restore, JobKind::Copy] {
        let unknown = GetJobRequest { job: request_id(9), kind: kind.into(), ..Default::default() };
        let missing = world.jobs().get_job(unknown).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "JOB_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn a_list_goes_through_every_kind_page_by_page() {
    let world = prepared().await;
    let mut expected = BTreeSet::new();
    let mut point = String::new();
    for _ in 0..4 {
        let job = back_up(&world, LABS).await;
        point = job.recovery_point_arn;
        expected.insert(job.id);
    }
    for name in ["orders-2", "orders-3", "orders-4"] {
        expected.insert(restore_as(&world, &point, name).await.id);
    }
    for _ in 0..2 {
        expected.insert(copy(&world, &point).await);
        world.advance("PT10M").await;
    }
    for size in [1, 2, 4, 5, 9, 10] {
        let mut request = ListJobsRequest { page_size: size, ..Default::default() };
        let mut jobs = Vec::new();
        loop {
            let page = world.jobs().list_jobs(request.clone()).await.unwrap().into_inner();
            assert!(page.jobs.len() <= usize::try_from(size).unwrap());
            jobs.extend(page.jobs);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let kinds: Vec<_> = jobs.iter().map(|job| job.kind).collect();
        assert!(kinds.is_sorted(), "backups, then restores, then copies: {kinds:?}");
        assert_eq!(jobs.len(), expected.len(), "each once, by {size}");
        assert_eq!(jobs.into_iter().map(|job| job.id).collect::<BTreeSet<_>>(), expected, "by {size}");
    }
}

#[tokio::test]
async fn filters_are_combined_and_those_that_a_kind_cannot_have_are_faults() {
    let world = prepared().await;
    let labs = back_up(&world, LABS).await;
    let volume = start(&world, backup_of(VOLUME)).await;
    let restore = restore_as(&world, &labs.recovery_point_arn, "orders-2").await;
    let ids = |filter| async { list(&world, filtered(filter)).await.into_iter().map(|job| job.id).collect::<Vec<_>>() };
    let all = JobFilter::default();
    let (backups, restores) = (vec![JobKind::Backup.into()], vec![JobKind::Restore.into()]);
    let completed = vec![JobState::Completed.into()];
    let cases = [
        (JobFilter { kinds: backups.clone(), ..all.clone() }, vec![&volume.id, &labs.id]),
        (JobFilter { kinds: restores.clone(), ..all.clone() }, vec![&restore.id]),
        (JobFilter { states: completed, kinds: backups.clone(), ..all.clone() }, vec![&labs.id]),
        (JobFilter { states: vec![JobState::Expired.into()], ..all.clone() }, vec![]),
        (JobFilter { resource: LABS.into(), ..all.clone() }, vec![&labs.id, &restore.id]),
        (JobFilter { resource: "rdspg-fcj-labs".into(), ..all.clone() }, vec![&labs.id, &restore.id]),
        (JobFilter { resource: VOLUME.into(), kinds: restores.clone(), ..all.clone() }, vec![]),
        (JobFilter { resource_types: vec!["EBS".into()], ..all.clone() }, vec![&volume.id]),
        (JobFilter { kinds: backups.clone(), vault: VAULT.into(), ..all.clone() }, vec![&volume.id, &labs.id]),
        (JobFilter { kinds: backups.clone(), vault: "other".into(), ..all.clone() }, vec![]),
        (
            JobFilter {
                // From the very moment on, and up to it.
                create_time: Some(TimeInterval { start_time: labs.create_time, end_time: volume.create_time }),
                ..all.clone()
            },
            vec![&labs.id],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(filter.clone()).await.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let unfit =
        JobFilter { kinds: restores, states: vec![JobState::Created.into()], vault: VAULT.into(), ..all.clone() };
    let live = |filter| ListJobsRequest { read: Read::Live.into(), ..filtered(filter) };
    let faults = told(&world.jobs().list_jobs(live(unfit)).await.unwrap_err());
    let members = vec!["filter.states".into(), "filter.vault".into()];
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, members));
    let unread = JobFilter {
        source_recovery_point: "x".into(),
        message_category: "x y".into(),
        destination_vault: "far".into(),
        ..all.clone()
    };
    let faults = told(&world.jobs().list_jobs(live(unread)).await.unwrap_err());
    let members = ["message_category", "source_recovery_point"];
    let members = [&members[..], &["message_category", "source_recovery_point", "destination_vault"]].concat();
    let members: Vec<String> = members.iter().map(|member| format!("filter.{member}")).collect();
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, members));
    let gone = JobFilter { resource: "nowhere".into(), ..all };
    let missing = world.jobs().list_jobs(filtered(gone)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_repetition_by_a_name_that_an_instance_and_a_cluster_had_begins_nothing() {
    let world = World::start_with(without_ledger).await;
    prepare(&world).await;
    let (arn, rds) = ("arn:aws:rds:us-east-1:123456789012:cluster:rdspg-fcj-labs", aws_rds(&world));
    let twin = rds.create_db_cluster().db_cluster_identifier("rdspg-fcj-labs").engine("aurora-postgresql");
    twin.master_username("app").master_user_password("not-a-secret").send().await.unwrap();
    world.advance("PT1H").await;
    start(&world, StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) }).await;
    start(&world, StartBackupRequest { request_id: request_id(2), ..backup_of(arn) }).await;
    world.advance("PT1H").await;
    let delete = rds.delete_db_instance().db_instance_identifier("rdspg-fcj-labs");
    delete.skip_final_snapshot(true).send().await.unwrap();
    let delete = rds.delete_db_cluster().db_cluster_identifier("rdspg-fcj-labs");
    delete.skip_final_snapshot(true).send().await.unwrap();
    world.advance("PT1H").await;
    let again = StartBackupRequest { request_id: request_id(1), ..backup_of("rdspg-fcj-labs") };
    let missing = world.jobs().start_backup(again).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    assert_eq!(list(&world, ListJobsRequest::default()).await.len(), 2);
}

#[tokio::test]
async fn a_database_is_named_by_its_identifier_and_two_of_one_name_are_told_apart_by_their_arns() {
    let world = prepared().await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of("rdspg-fcj-labs") };
    let job = start(&world, request.clone()).await;
    assert_eq!(job.resource_arn, LABS);
    let by_arn = StartBackupRequest { resource: LABS.into(), ..request };
    assert_eq!(start(&world, by_arn).await.id, job.id, "the same request in other words");

    let aurora = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing";
    assert_eq!(start(&world, backup_of("aurora-billing")).await.resource_arn, aurora);
    let twin = aws_rds(&world).create_db_instance().db_instance_identifier("aurora-billing").engine("postgres");
    let twin = twin.db_instance_class("db.t3.micro").allocated_storage(20);
    twin.master_username("app").master_user_password("not-a-secret").send().await.unwrap();
    let arns = [aurora, "arn:aws:rds:us-east-1:123456789012:db:aurora-billing"];
    let list = filtered(JobFilter { resource: "aurora-billing".into(), ..Default::default() });
    let ambiguous = [
        world.jobs().start_backup(backup_of("aurora-billing")).await.unwrap_err(),
        world.jobs().list_jobs(list).await.unwrap_err(),
    ];
    for refused in ambiguous {
        assert_eq!(reason(&refused), (Code::FailedPrecondition, "NAME_AMBIGUOUS".into()));
        assert!(arns.iter().all(|arn| refused.message().contains(arn)), "{refused}");
    }
}

#[tokio::test]
async fn a_check_of_a_backup_tells_what_would_be_refused_and_starts_nothing() {
    let world = prepared().await;
    let check = |request| StartBackupRequest { validate_only: true, request_id: request_id(1), ..request };
    let checked = world.jobs().start_backup(check(backup_of("rdspg-fcj-labs"))).await.unwrap().into_inner();
    assert_eq!((checked.job, checked.findings, checked.request_id), (None, vec![], request_id(1)));
    assert_eq!((checked.start_window_minutes, checked.completion_window_minutes), (60, 10_080));
    assert_eq!(checked.lifecycle.unwrap().delete_after_days, Some(35));
    for (request, why) in [
        (StartBackupRequest { vault: "nowhere".into(), ..backup_of(LABS) }, "VAULT_NOT_FOUND"),
        (StartBackupRequest { role: "nowhere".into(), ..backup_of(LABS) }, "ROLE_NOT_FOUND"),
        (
            StartBackupRequest { role: "arn:aws:iam::123456789012:role/nowhere".into(), ..backup_of(LABS) },
            "ROLE_NOT_FOUND",
        ),
        (backup_of("arn:aws:rds:us-east-1:123456789012:db:nowhere"), "RESOURCE_NOT_FOUND"),
        (backup_of("nowhere"), "RESOURCE_NOT_FOUND"),
    ] {
        let refused = world.jobs().start_backup(check(request)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, why.into()));
    }
    assert!(list(&world, ListJobsRequest::default()).await.is_empty());
}

#[tokio::test]
async fn only_what_aws_can_stop_is_cancelled() {
    let world = prepared().await;
    let volume = start(&world, backup_of(VOLUME)).await;
    let check = CancelJobRequest { validate_only: true, ..cancel(&volume.id) };
    let shown = world.jobs().cancel_job(check).await.unwrap().into_inner().job.unwrap();
    assert_eq!((shown.id, shown.state_text), (volume.id.clone(), volume.state_text), "a check leaves it as it is");
    let stopping = world.jobs().cancel_job(cancel(&volume.id)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(stopping.state(), JobState::Aborting);
    world.jobs().cancel_job(cancel(&volume.id)).await.unwrap();
    world.advance("PT1M").await;
    let stopped = world.jobs().cancel_job(cancel(&volume.id)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(stopped.state(), JobState::Aborted);

    let database = start(&world, backup_of(LABS)).await;
    world.advance("PT20S").await;
    let refused = world.jobs().cancel_job(cancel(&database.id)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "JOB_NOT_CANCELLABLE".into()));
    assert!(refused.message().contains("type RDS"), "{refused}");
    world.advance("PT10M").await;
    let point = read(&world, &database.id).await.recovery_point_arn;
    let restore = restore_as(&world, &point, "orders-2").await;
    for (id, why) in [(&database.id, "has ended"), (&restore.id, "is a restore job")] {
        for validate_only in [true, false] {
            let request = CancelJobRequest { validate_only, ..cancel(id) };
            let refused = world.jobs().cancel_job(request).await.unwrap_err();
            assert_eq!(reason(&refused).1, "JOB_NOT_CANCELLABLE");
            assert!(refused.message().contains(why), "{refused}");
        }
    }
    let missing = world.jobs().cancel_job(cancel(&request_id(9))).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "JOB_NOT_FOUND".into()));
}

#[tokio::test]
async fn every_fault_of_a_job_request_is_told_at_once() {
    let world = World::start().await;
    let huge = "x".repeat(50_000);
    let request = StartBackupRequest {
        resource: huge.clone(),
        vault: huge.clone(),
        role: huge.clone(),
        start_window_minutes: Some(-5),
        completion_window_minutes: Some(i32::MIN),
        request_id: huge.clone(),
        ..Default::default()
    };
    let faults = told(&world.jobs().start_backup(request).await.unwrap_err());
    let fields = ["request_id", "resource", "vault", "role", "start_window_minutes", "completion_window_minutes"];
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, fields.map(str::to_owned).to_vec()));
    let faults = told(&world.jobs().cancel_job(cancel(&huge)).await.unwrap_err());
    assert_eq!(faults.fields, ["job"]);
    let faults = told(&world.jobs().get_job(GetJobRequest { kind: 77, ..Default::default() }).await.unwrap_err());
    assert_eq!(faults.fields, ["job", "kind"]);
}

/// Copies a recovery point within the region, by AWS's own API; tells the job's id.
async fn copy(world: &World, point: &str) -> String {
    let aws = aws_backup(world);
    let _ = aws.create_backup_vault().backup_vault_name("second").send().await;
    let started = aws
        .start_copy_job()
        .recovery_point_arn(point)
        .source_backup_vault_name(VAULT)
        .destination_backup_vault_arn("arn:aws:backup:us-east-1:123456789012:backup-vault:second")
        .iam_role_arn("arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole");
    started.send().await.unwrap().copy_job_id.unwrap()
}
