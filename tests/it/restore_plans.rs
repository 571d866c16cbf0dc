//! PlanRestore, and StartRestore by its token, over the wire.

use serde_json::json;
use strongroom::proto::{
    DeleteRecoveryPointRequest, JobState, PlanRestoreRequest, PlanRestoreResponse, RdsInstanceRestore, Restore, Scope,
    StartRestoreRequest, start_restore_request::What,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, aws_iam, prepare, prepared, read, recovery_point},
    harness::{World, reason, request_id, told, without_ledger},
    restores::{codes, into, into_instance, restore, restore_as, restores, starting},
};

/// What the restore would do.
pub(crate) fn planning(restore: Restore) -> PlanRestoreRequest {
    PlanRestoreRequest { restore: Some(restore), ..Default::default() }
}

/// What a restore into a new instance would do.
pub(crate) fn plan(point: &str, name: &str) -> PlanRestoreRequest {
    planning(into_instance(point, name))
}

pub(crate) async fn planned(world: &World, request: PlanRestoreRequest) -> PlanRestoreResponse {
    world.recovery_points().plan_restore(request).await.unwrap().into_inner()
}

/// A start of what was planned.
pub(crate) fn by_token(token: &str) -> StartRestoreRequest {
    StartRestoreRequest { what: Some(What::RestoreToken(token.into())), ..Default::default() }
}

/// The codes of all obstacles in an error, each with its type.
pub(crate) fn obstacles(refused: &Status) -> Vec<String> {
    assert_eq!(reason(refused), (Code::FailedPrecondition, "PREFLIGHT_FAILED".into()), "{refused:?}");
    let violations = refused.get_details_precondition_failure().unwrap().violations;
    violations.into_iter().map(|violation| violation.r#type).collect()
}

#[tokio::test]
async fn a_plan_is_started_by_its_token_exactly_as_it_was_shown() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let instance = RdsInstanceRestore {
        db_instance_identifier: "Orders-2".into(),
        db_instance_class: "db.m6g.large".into(),
        ..Default::default()
    };
    let shown = planned(&world, planning(into(&point, instance))).await;
    assert!(restores(&world).await.is_empty(), "nothing is done");
    assert_eq!(shown.metadata["DBInstanceIdentifier"], "orders-2");
    assert_eq!((shown.resource_type.as_str(), shown.restore_window), ("RDS", None));
    let passed = [
        // Security groups, about which nobody can ask.
        "NOT_CHECKED",
        "POINT_RESTORABLE",
        "ROLE_READY",
        "NAME_FREE",
        "SUBNET_GROUP_EXISTS",
        "PARAMETER_GROUP_FITS",
        "OPTION_GROUP_FITS",
        "CLASS_ORDERABLE",
    ];
    assert_eq!(codes(&shown.findings), passed);

    let token = shown.restore_token.as_str();
    let dry = StartRestoreRequest { validate_only: true, ..by_token(token) };
    let dry = world.jobs().start_restore(dry).await.unwrap().into_inner();
    assert_eq!((dry.job, &dry.metadata), (None, &shown.metadata));
    let request = StartRestoreRequest { request_id: request_id(1), ..by_token(token) };
    let started = world.jobs().start_restore(request.clone()).await.unwrap().into_inner();
    assert_eq!(started.metadata, shown.metadata);
    let job = started.job.unwrap();
    world.advance("PT20M").await;
    let again = world.jobs().start_restore(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!((again.id.as_str(), restores(&world).await.len()), (job.id.as_str(), 1), "a repetition is the same job");
    let done = read(&world, &job.id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert!(done.created_resource_arn.ends_with(":db:orders-2"));
    let sent = crate::backups::aws_backup(&world).get_restore_job_metadata().restore_job_id(&job.id).send().await;
    let sent: std::collections::BTreeMap<_, _> = sent.unwrap().metadata.unwrap().into_iter().collect();
    assert_eq!(sent, shown.metadata);
}

#[tokio::test]
async fn a_token_that_is_damaged_or_of_elsewhere_is_refused() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let token = planned(&world, plan(&point, "a")).await.restore_token;
    for damaged in [&token[..token.len() - 1], &token[1..], "AQ", "no token", &format!("{token}{token}")] {
        let refused = told(&world.jobs().start_restore(by_token(damaged)).await.unwrap_err());
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["restore_token".into()]), "{damaged}");
    }
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let refused = world.jobs().start_restore(StartRestoreRequest { scope: elsewhere, ..by_token(&token) }).await;
    assert_eq!(told(&refused.unwrap_err()).code, Code::InvalidArgument);
    assert!(restores(&world).await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_taken_is_found_when_planned_and_when_started() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let shown = planned(&world, plan(&point, "rdspg-fcj-labs")).await;
    assert_eq!((codes(&shown.findings)[0], shown.restore_token.as_str()), ("NAME_TAKEN", ""));
    assert_eq!(shown.findings[0].action, "choose another rds_instance.db_instance_identifier");
    assert_eq!(shown.findings[0].field, "restore.rds_instance.db_instance_identifier");

    let token = planned(&world, plan(&point, "orders-2")).await.restore_token;
    restore_as(&world, &point, "orders-2").await;
    world.advance("PT30M").await;
    let refused = world.jobs().start_restore(by_token(&token)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::AlreadyExists, "RESOURCE_ALREADY_EXISTS".into()));
    assert_eq!(restores(&world).await.len(), 1);
}

#[tokio::test]
async fn every_obstacle_is_told_and_nothing_is_started() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores";
    let detach = aws_iam(&world).detach_role_policy().role_name("AWSBackupDefaultServiceRole").policy_arn(policy);
    detach.send().await.unwrap();
    let instance = RdsInstanceRestore {
        db_instance_identifier: "rdspg-fcj-labs".into(),
        db_instance_class: "db.m1.small".into(),
        db_subnet_group_name: "nowhere".into(),
        ..Default::default()
    };
    let all = ["RESTORE_POLICY_MISSING", "NAME_TAKEN", "SUBNET_GROUP_MISSING", "CLASS_NOT_ORDERABLE"];
    let shown = planned(&world, planning(into(&point, instance.clone()))).await;
    let besides = ["NOT_CHECKED", "POINT_RESTORABLE", "PARAMETER_GROUP_FITS", "OPTION_GROUP_FITS"];
    assert_eq!(codes(&shown.findings), [&all[..], &besides].concat());
    assert!(shown.restore_token.is_empty() && !shown.metadata.is_empty());
    for validate_only in [true, false] {
        for request_id in [String::new(), request_id(3)] {
            let request = starting(into(&point, instance.clone()));
            let request = StartRestoreRequest { validate_only, request_id, ..request };
            assert_eq!(obstacles(&world.jobs().start_restore(request).await.unwrap_err()), all);
        }
    }
    assert!(restores(&world).await.is_empty());
}

#[tokio::test]
async fn what_aws_does_not_tell_stops_no_restore() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    for operation in [
        "DescribeRecoveryPoint",
        "ListAttachedRolePolicies",
        "DescribeDBInstances",
        "DescribeDBSubnetGroups",
        "DescribeOrderableDBInstanceOptions",
    ] {
        world.arm(json!({"operation": operation, "rate": 1.0, "effect": denied})).await;
    }
    let shown = planned(&world, plan(&point, "orders-2")).await;
    let unread = ["NOT_CHECKED", "NOT_CHECKED", "NAME_NOT_CHECKED", "NOT_CHECKED", "NOT_CHECKED", "NOT_CHECKED"];
    assert_eq!(codes(&shown.findings)[..6], unread);
    assert!(shown.findings[3].action.contains("rds:DescribeDBSubnetGroups"), "{:?}", shown.findings);
    let job = world.jobs().start_restore(by_token(&shown.restore_token)).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    assert_eq!(read(&world, &job.id).await.state(), JobState::Completed);
}

#[tokio::test]
async fn what_cannot_be_planned_is_an_error() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let nowhere = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-nowhere";
    let point_a = into_instance(&point, "a");
    for (request, why) in [
        (plan(nowhere, "a"), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND")),
        (planning(Restore { vault: "nowhere".into(), ..point_a.clone() }), (Code::NotFound, "VAULT_NOT_FOUND")),
        (planning(Restore { role: "nowhere".into(), ..point_a }), (Code::NotFound, "ROLE_NOT_FOUND")),
        (PlanRestoreRequest::default(), (Code::InvalidArgument, "INVALID_REQUEST")),
    ] {
        let refused = world.recovery_points().plan_restore(request).await.unwrap_err();
        assert_eq!(reason(&refused), (why.0, why.1.to_owned()));
    }
}

#[tokio::test]
async fn a_restore_is_repeated_though_its_recovery_point_is_gone() {
    let world = World::start_with(without_ledger).await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let token = planned(&world, plan(&point, "orders-2")).await.restore_token;
    let request = StartRestoreRequest { request_id: request_id(1), ..restore(&point, "orders-2") };
    let job = world.jobs().start_restore(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let delete =
        DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: point.clone(), ..Default::default() };
    world.recovery_points().delete_recovery_point(delete).await.unwrap();
    world.advance("PT30M").await;
    let planned = StartRestoreRequest { request_id: request_id(1), ..by_token(&token) };
    for repeated in [request, planned] {
        let again = world.jobs().start_restore(repeated).await.unwrap().into_inner();
        assert_eq!((again.job.unwrap().id, again.resource_type.as_str()), (job.id.clone(), "RDS"));
        assert_eq!(again.metadata["DBInstanceIdentifier"], "orders-2");
    }
    for other in [
        restore(&point, "orders-2"),
        StartRestoreRequest { request_id: request_id(2), ..restore(&point, "orders-2") },
        StartRestoreRequest { request_id: request_id(1), ..restore(&point, "orders-3") },
    ] {
        let refused = world.jobs().start_restore(other).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    }
    assert_eq!(restores(&world).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_restore_whose_jobs_cannot_be_read_at_the_moment_is_not_called_missing() {
    let world = World::start_with(|config| {
        config.aws.max_attempts = 1;
        without_ledger(config);
    })
    .await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let request = StartRestoreRequest { request_id: request_id(1), ..restore(&point, "orders-2") };
    let job = world.jobs().start_restore(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let delete =
        DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: point.clone(), ..Default::default() };
    world.recovery_points().delete_recovery_point(delete).await.unwrap();
    world.advance("PT30M").await;
    for operation in ["ListRestoreJobs", "GetRestoreJobMetadata"] {
        world.arm(json!({"operation": operation, "next": 1, "effect": "drop_before"})).await;
        let unread = world.jobs().start_restore(request.clone()).await.unwrap_err();
        assert_eq!(unread.code(), Code::Unavailable, "{operation}: {unread}");
    }
    let again = world.jobs().start_restore(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!((again.id, restores(&world).await.len()), (job.id, 1));
}
