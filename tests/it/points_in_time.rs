//! Restores of continuous recovery points and of clusters, over the wire.

use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, GetResourceRequest, JobState, ListRecoveryPointsRequest, PointInTime,
    RdsClusterRestore, RecoveryPoint, RecoveryPointState, Resource, Restore, Rule, StartRestoreRequest,
    point_in_time::At, restore::Target,
};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_rds, back_up, prepared, read},
    harness::{LABS, World, reason, told},
    restore_plans::{by_token, obstacles, plan, planned, planning},
    restores::{codes, database, into_instance, restore, starting},
};

pub(crate) const AURORA: &str = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing";

/// A world in which a continuous rule has run at 05:00 on March 2nd: it is 06:00, and this is the point of the database.
pub(crate) async fn continuous(database: &str) -> (World, RecoveryPoint) {
    let world = prepared().await;
    let rule = Rule {
        name: "continuous".into(),
        vault: VAULT.into(),
        enable_continuous_backup: true,
        lifecycle: Some(strongroom::proto::Lifecycle { delete_after_days: Some(14), ..Default::default() }),
        ..Default::default()
    };
    let request = CreatePlanRequest { name: "pitr".into(), rules: vec![rule], ..Default::default() };
    world.plans().create_plan(request).await.unwrap();
    let selection = CreateSelectionRequest {
        plan: "pitr".into(),
        name: "one".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        resources: vec![database.into()],
        ..Default::default()
    };
    world.plans().create_selection(selection).await.unwrap();
    world.advance("PT6H").await;
    let point = points(&world).await.remove(0);
    assert!(point.continuous == Some(true) && point.state() == RecoveryPointState::Available, "{point:?}");
    (world, point)
}

async fn points(world: &World) -> Vec<RecoveryPoint> {
    let request = ListRecoveryPointsRequest { vault: VAULT.into(), ..Default::default() };
    world.recovery_points().list_recovery_points(request).await.unwrap().into_inner().recovery_points
}

fn at(time: &str) -> Option<PointInTime> {
    let time: jiff::Timestamp = time.parse().unwrap();
    Some(PointInTime { at: Some(At::Time(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 })) })
}

fn latest() -> Option<PointInTime> {
    Some(PointInTime { at: Some(At::Latest(true)) })
}

/// A restore into an instance as of that time.
fn rewound(point: &str, name: &str, point_in_time: Option<PointInTime>) -> Restore {
    Restore { point_in_time, ..into_instance(point, name) }
}

fn text(time: Option<prost_types::Timestamp>) -> String {
    jiff::Timestamp::from_second(time.unwrap().seconds).unwrap().to_string()
}

async fn resource(world: &World, arn: &str) -> Resource {
    let request = GetResourceRequest { resource: arn.into(), ..Default::default() };
    world.resources().get_resource(request).await.unwrap().into_inner().resource.unwrap()
}

#[tokio::test]
async fn a_continuous_point_is_restored_to_a_second_of_its_window() {
    let (world, point) = continuous(LABS).await;
    let asked = rewound(&point.arn, "rewound", at("2026-03-02T05:30:07Z"));
    let shown = planned(&world, planning(asked)).await;
    let window = shown.restore_window.unwrap();
    let told = (text(window.earliest_time), text(window.latest_time));
    assert_eq!(told, ("2026-02-16T06:00:00Z".into(), "2026-03-02T05:55:00Z".into()), "14 days back, 5 minutes ago");
    assert_eq!(shown.metadata["RestoreTime"], "2026-03-02T05:30:07Z");
    assert_eq!(shown.metadata["UseLatestRestorableTime"], "false");
    assert!(codes(&shown.findings).contains(&"TIME_RESTORABLE"), "{:?}", shown.findings);
    let started = world.jobs().start_restore(by_token(&shown.restore_token)).await.unwrap().into_inner();
    assert_eq!(started.metadata, shown.metadata);
    world.advance("PT30M").await;
    let done = read(&world, &started.job.unwrap().id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert_eq!(resource(&world, &done.created_resource_arn).await.id, "rewound");
}

#[tokio::test]
async fn a_continuous_point_is_restored_to_the_latest_time_unless_another_is_said() {
    let (world, point) = continuous(LABS).await;
    for (name, point_in_time) in [("one", None), ("two", latest())] {
        let request = starting(rewound(&point.arn, name, point_in_time));
        let started = world.jobs().start_restore(request).await.unwrap().into_inner();
        assert_eq!(started.metadata["UseLatestRestorableTime"], "true");
        assert!(!started.metadata.contains_key("RestoreTime"));
        world.advance("PT30M").await;
        assert_eq!(read(&world, &started.job.unwrap().id).await.state(), JobState::Completed);
    }
}

#[tokio::test]
async fn a_time_outside_the_window_is_an_obstacle_until_the_window_has_moved() {
    let (world, point) = continuous(LABS).await;
    for outside in ["2026-03-02T05:55:01Z", "2026-02-16T05:59:59Z"] {
        let asked = rewound(&point.arn, "a", at(outside));
        let shown = planned(&world, planning(asked.clone())).await;
        assert_eq!((codes(&shown.findings)[0], shown.restore_token.as_str()), ("TIME_NOT_RESTORABLE", ""));
        assert_eq!(shown.findings[0].field, "restore.point_in_time");
        let request = starting(asked);
        assert_eq!(obstacles(&world.jobs().start_restore(request).await.unwrap_err()), ["TIME_NOT_RESTORABLE"]);
    }
    world.advance("PT1S").await;
    let request = starting(rewound(&point.arn, "a", at("2026-03-02T05:55:01Z")));
    world.jobs().start_restore(request).await.unwrap();
}

#[tokio::test]
async fn what_a_point_is_not_for_is_a_fault() {
    let (world, point) = continuous(LABS).await;
    let snapshot = back_up(&world, LABS).await.recovery_point_arn;
    let cluster = RdsClusterRestore { db_cluster_identifier: "a".into(), ..Default::default() };
    let cluster = Some(Target::RdsCluster(cluster));
    for (asked, field) in [
        (rewound(&snapshot, "a", latest()), "restore.point_in_time"),
        (Restore { target: cluster, ..into_instance(&point.arn, "a") }, "restore.rds_cluster"),
    ] {
        let refused = told(&world.recovery_points().plan_restore(planning(asked)).await.unwrap_err());
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
}

#[tokio::test]
async fn a_plan_is_stale_when_the_database_has_changed_under_its_point() {
    let (world, point) = continuous(LABS).await;
    let token = planned(&world, plan(&point.arn, "rewound")).await.restore_token;
    let modify = aws_rds(&world).modify_db_instance().db_instance_identifier("rdspg-fcj-labs");
    modify.db_instance_class("db.m6g.large").apply_immediately(true).send().await.unwrap();
    world.advance("PT25H").await;
    let same = points(&world).await;
    assert_eq!((same.len(), same[0].arn.as_str()), (1, point.arn.as_str()), "a run updates the one point");
    for validate_only in [true, false] {
        let request = StartRestoreRequest { validate_only, ..by_token(&token) };
        let stale = world.jobs().start_restore(request).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "RESTORE_PLAN_STALE".into()));
    }
    let again = planned(&world, plan(&point.arn, "rewound")).await;
    assert_eq!(again.metadata["DBInstanceClass"], "db.m6g.large");
    world.jobs().start_restore(by_token(&again.restore_token)).await.unwrap();
}

#[tokio::test]
async fn a_point_whose_database_was_replaced_restores_nothing_of_the_new_one() {
    let (world, point) = continuous(LABS).await;
    let rds = aws_rds(&world);
    let delete = rds.delete_db_instance().db_instance_identifier("rdspg-fcj-labs").skip_final_snapshot(true);
    delete.send().await.unwrap();
    world.advance("PT10M").await;
    let shown = planned(&world, plan(&point.arn, "rewound")).await;
    assert_eq!(codes(&shown.findings)[0], "NOTHING_TO_RESTORE_FROM");
    let create = rds.create_db_instance().db_instance_identifier("rdspg-fcj-labs").engine("postgres");
    let create = create.db_instance_class("db.t3.micro").allocated_storage(20).backup_retention_period(7);
    create.master_username("app").master_user_password("not-a-secret").send().await.unwrap();
    world.advance("PT1H").await;
    let shown = planned(&world, plan(&point.arn, "rewound")).await;
    assert_eq!((codes(&shown.findings)[0], shown.restore_window), ("SOURCE_REPLACED", None));
    let job = world.jobs().start_restore(restore(&point.arn, "rewound")).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let failed = read(&world, &job.id).await;
    assert_eq!(failed.state(), JobState::Failed);
    assert!(failed.status_message.contains("are gone"), "{}", failed.status_message);
}

fn into_cluster(point: &str, name: &str) -> Restore {
    let cluster =
        RdsClusterRestore { db_cluster_identifier: name.into(), deletion_protection: Some(true), ..Default::default() };
    Restore { target: Some(Target::RdsCluster(cluster)), ..into_instance(point, name) }
}

#[tokio::test]
async fn an_aurora_cluster_comes_back_without_instances_and_that_is_said() {
    let world = prepared().await;
    let point = back_up(&world, AURORA).await.recovery_point_arn;
    let shown = planned(&world, planning(into_cluster(&point, "Billing-2"))).await;
    assert_eq!((shown.resource_type.as_str(), shown.metadata["DBClusterIdentifier"].as_str()), ("Aurora", "billing-2"));
    let found = [
        "CLUSTER_WITHOUT_INSTANCES",
        "NOT_CHECKED",
        "POINT_RESTORABLE",
        "ROLE_READY",
        "NAME_FREE",
        "SUBNET_GROUP_EXISTS",
        "PARAMETER_GROUP_FITS",
    ];
    assert_eq!(codes(&shown.findings), found);
    let started = world.jobs().start_restore(by_token(&shown.restore_token)).await.unwrap().into_inner();
    assert_eq!((started.resource_type.as_str(), &started.findings), ("Aurora", &shown.findings));
    world.advance("PT30M").await;
    let done = read(&world, &started.job.unwrap().id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert_eq!(database(resource(&world, &done.created_resource_arn).await).engine, "aurora-postgresql");
    let found = aws_rds(&world).describe_db_clusters().db_cluster_identifier("billing-2").send().await.unwrap();
    assert!(found.db_clusters()[0].db_cluster_members().is_empty());
    assert_eq!(found.db_clusters()[0].deletion_protection, Some(true));
    let taken = planned(&world, planning(into_cluster(&point, "billing-2"))).await;
    assert_eq!(codes(&taken.findings)[0], "NAME_TAKEN");
}

#[tokio::test]
async fn an_aurora_cluster_is_restored_to_a_point_in_time() {
    let (world, point) = continuous(AURORA).await;
    let asked = |name: &str, time| planning(Restore { point_in_time: at(time), ..into_cluster(&point.arn, name) });
    let shown = planned(&world, asked("rewound", "2026-03-02T05:30:00Z")).await;
    assert_eq!(text(shown.restore_window.unwrap().latest_time), "2026-03-02T05:55:00Z");
    let job = world.jobs().start_restore(by_token(&shown.restore_token)).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let done = read(&world, &job.id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert!(done.created_resource_arn.ends_with(":cluster:rewound"));
    let late = planned(&world, asked("late", "2026-03-02T06:26:00Z")).await;
    assert_eq!(codes(&late.findings)[0], "TIME_NOT_RESTORABLE");
}
