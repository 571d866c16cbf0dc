//! StartRestore over the wire.

use serde_json::json;
use strongroom::proto::{
    Database, Finding, GetResourceRequest, Job, JobFilter, JobKind, JobState, ListJobsRequest, RdsInstanceRestore,
    Resource, Restore, StartRestoreRequest, resource::Detail, restore::Target, start_restore_request::What,
};
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, back_up, prepare, prepared, read, recovery_point},
    harness::{LABS, World, reason, request_id, told},
};

/// A restore into a new instance, everything else from the recovery point.
pub(crate) fn into_instance(point: &str, name: &str) -> Restore {
    into(point, RdsInstanceRestore { db_instance_identifier: name.into(), ..Default::default() })
}

/// A restore into an instance with these settings.
pub(crate) fn into(point: &str, instance: RdsInstanceRestore) -> Restore {
    Restore {
        recovery_point: point.into(),
        vault: VAULT.into(),
        role: "AWSBackupDefaultServiceRole".into(),
        target: Some(Target::RdsInstance(instance)),
        ..Default::default()
    }
}

/// A start of the restore.
pub(crate) fn starting(restore: Restore) -> StartRestoreRequest {
    StartRestoreRequest { what: Some(What::Restore(restore)), ..Default::default() }
}

/// A start of a restore into a new instance.
pub(crate) fn restore(point: &str, name: &str) -> StartRestoreRequest {
    starting(into_instance(point, name))
}

/// The codes of findings, in their order.
pub(crate) fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// What only a database has.
pub(crate) fn database(resource: Resource) -> Database {
    let Some(Detail::Database(database)) = resource.detail else { panic!("{resource:?}") };
    database
}

/// Starts a restore.
pub(crate) async fn restore_as(world: &World, point: &str, name: &str) -> Job {
    world.jobs().start_restore(restore(point, name)).await.unwrap().into_inner().job.unwrap()
}

pub(crate) async fn restores(world: &World) -> Vec<Job> {
    let filter = Some(JobFilter { kinds: vec![JobKind::Restore.into()], ..Default::default() });
    let request = ListJobsRequest { filter, ..Default::default() };
    world.jobs().list_jobs(request).await.unwrap().into_inner().jobs
}

#[tokio::test]
async fn a_restore_makes_an_instance_with_the_settings_asked_for() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let instance = RdsInstanceRestore {
        db_instance_identifier: "Orders-2".into(),
        db_instance_class: "db.m6g.large".into(),
        ..Default::default()
    };
    let request = starting(into(&point, instance));
    let shown = StartRestoreRequest { validate_only: true, ..request.clone() };
    let shown = world.jobs().start_restore(shown).await.unwrap().into_inner();
    assert_eq!((shown.job, restores(&world).await.len()), (None, 0), "nothing is done");
    assert_eq!(shown.metadata["DBInstanceIdentifier"], "orders-2");
    assert_eq!(shown.metadata["DBInstanceClass"], "db.m6g.large");
    assert_eq!(shown.metadata["Engine"], "postgres", "the rest is the recovery point's");
    assert!(!shown.metadata.contains_key("DBSnapshotIdentifier"));

    let started = world.jobs().start_restore(request).await.unwrap().into_inner();
    assert_eq!((started.metadata, &started.findings), (shown.metadata, &shown.findings));
    assert_eq!(started.resource_type, "RDS");
    assert_eq!(
        codes(&started.findings),
        [
            "NOT_CHECKED",
            "POINT_RESTORABLE",
            "ROLE_READY",
            "NAME_FREE",
            "SUBNET_GROUP_EXISTS",
            "PARAMETER_GROUP_FITS",
            "OPTION_GROUP_FITS",
            "CLASS_ORDERABLE"
        ]
    );
    let job = started.job.unwrap();
    assert_eq!((job.kind(), job.state()), (JobKind::Restore, JobState::Pending));
    assert_eq!((job.resource_arn.as_str(), job.recovery_point_arn.as_str()), (LABS, point.as_str()));
    world.advance("PT20M").await;
    let done = read(&world, &job.id).await;
    assert_eq!((done.state(), done.percent_done), (JobState::Completed, Some(100.0)), "{done:?}");
    let made = GetResourceRequest { resource: done.created_resource_arn, ..Default::default() };
    let made = world.resources().get_resource(made).await.unwrap().into_inner().resource.unwrap();
    assert_eq!((made.id.as_str(), database(made.clone()).instance_class.as_str()), ("orders-2", "db.m6g.large"));
}

#[tokio::test]
async fn a_repeated_restore_is_the_same_job_also_when_its_instance_is_there() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let request = StartRestoreRequest { request_id: request_id(1), ..restore(&point, "orders-2") };
    world.arm(json!({"operation": "StartRestoreJob", "next": 1, "effect": "drop_after"})).await;
    let lost = world.jobs().start_restore(request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let mut ids = Vec::new();
    for pause in ["PT1S", "PT10S", "PT30M"] {
        world.advance(pause).await;
        ids.push(world.jobs().start_restore(request.clone()).await.unwrap().into_inner().job.unwrap().id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(restores(&world).await.len(), 1);

    let other = restore(&point, "orders-3");
    let reused = world.jobs().start_restore(StartRestoreRequest { request_id: request_id(1), ..other }).await;
    assert_eq!(reason(&reused.unwrap_err()), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    assert_eq!(restores(&world).await.len(), 1);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let taken = (Code::AlreadyExists, "RESOURCE_ALREADY_EXISTS".to_owned());
    for validate_only in [true, false] {
        for request_id in [String::new(), request_id(7)] {
            let request = StartRestoreRequest { validate_only, request_id, ..restore(&point, "rdspg-fcj-labs") };
            assert_eq!(reason(&world.jobs().start_restore(request).await.unwrap_err()), taken);
        }
    }
    assert!(restores(&world).await.is_empty(), "no job is made");

    restore_as(&world, &point, "orders-2").await;
    world.advance("PT30M").await;
    let again = world.jobs().start_restore(restore(&point, "orders-2")).await.unwrap_err();
    assert_eq!(reason(&again), taken);
    assert_eq!(restores(&world).await.len(), 1);
    // Only AWS's token can tell this from a repetition, and asking costs a job, which fails and makes nothing.
    let fresh = StartRestoreRequest { request_id: request_id(8), ..restore(&point, "orders-2") };
    let refused = world.jobs().start_restore(fresh).await.unwrap_err();
    assert_eq!(reason(&refused), taken);
    assert!(refused.message().contains("which will fail"), "{refused}");
    world.advance("PT30M").await;
    let states: Vec<_> = restores(&world).await.iter().map(Job::state).collect();
    assert_eq!(states, [JobState::Failed, JobState::Completed]);
}

#[tokio::test]
async fn a_name_that_rds_does_not_tell_of_is_warned_of() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "DescribeDBInstances", "rate": 1.0, "effect": denied})).await;
    let started = world.jobs().start_restore(restore(&point, "orders-2")).await.unwrap().into_inner();
    let unread = &started.findings[0];
    let told = (unread.code.as_str(), unread.field.as_str());
    assert_eq!(told, ("NAME_NOT_CHECKED", "restore.rds_instance.db_instance_identifier"));
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_restored_is_told() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let volume = back_up(&world, VOLUME).await.recovery_point_arn;
    let cluster = back_up(&world, "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing").await.recovery_point_arn;
    let nowhere = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-nowhere";
    let point_a = into_instance(&point, "a");
    for (request, why) in [
        (restore(nowhere, "a"), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND")),
        (starting(Restore { vault: "nowhere".into(), ..point_a.clone() }), (Code::NotFound, "VAULT_NOT_FOUND")),
        (starting(Restore { role: "nowhere".into(), ..point_a }), (Code::NotFound, "ROLE_NOT_FOUND")),
        (restore(&volume, "a"), (Code::FailedPrecondition, "RESOURCE_TYPE_NOT_SUPPORTED")),
        (restore(&cluster, "a"), (Code::InvalidArgument, "INVALID_REQUEST")),
    ] {
        for validate_only in [true, false] {
            let refused = world.jobs().start_restore(StartRestoreRequest { validate_only, ..request.clone() }).await;
            assert_eq!(reason(&refused.unwrap_err()), (why.0, why.1.to_owned()));
        }
    }
    assert!(restores(&world).await.is_empty());
}

#[tokio::test]
async fn faults_of_a_restore_are_told_those_that_the_recovery_point_shows_too() {
    let world = prepared().await;
    let faults = told(&world.jobs().start_restore(StartRestoreRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["restore"]);
    let faults = told(&world.jobs().start_restore(starting(Restore::default())).await.unwrap_err());
    let all = ["vault", "recovery_point", "role", "rds_instance"].map(|member| format!("restore.{member}"));
    assert_eq!(faults.fields, all);
    let point = recovery_point(&world).await;
    let instance = RdsInstanceRestore {
        db_instance_identifier: "orders-2".into(),
        storage_type: "io1".into(),
        ..Default::default()
    };
    let faults = told(&world.jobs().start_restore(starting(into(&point, instance))).await.unwrap_err());
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, vec!["restore.rds_instance.iops".into()]));
}
