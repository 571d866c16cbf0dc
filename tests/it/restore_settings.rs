//! What a restore needs beside its recovery point is looked at, in the point's own region, and what nobody looked at is
//! called so: PlanRestore and StartRestore alike.

use serde_json::json;
use strongroom::proto::{
    CreateVaultRequest, GetJobRequest, ListRecoveryPointsRequest, RdsClusterRestore, RdsInstanceRestore, Restore,
    Scope, Severity, StartCopyRequest, StartRestoreRequest, restore::Target,
};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_kms, aws_rds, back_up, prepared, read, recovery_point},
    harness::{World, reason},
    points_in_time::AURORA,
    restore_plans::{planned, planning},
    restores::{into, starting},
    silences::of_code,
};

/// A restore into an instance with one setting.
type Set = fn(&mut RdsInstanceRestore, &str);

#[tokio::test]
async fn whatever_a_restore_needs_is_looked_at_and_what_nobody_looked_at_is_called_so() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let rds = aws_rds(&world);
    for (name, family) in [("fits", "postgres16"), ("older", "postgres15")] {
        let group = rds.create_db_parameter_group().db_parameter_group_name(name).db_parameter_group_family(family);
        group.description("made").send().await.unwrap();
    }
    for (name, engine, major) in [("fits", "postgres", "16"), ("of-mysql", "mysql", "8.0")] {
        let group = rds.create_option_group().option_group_name(name).engine_name(engine).major_engine_version(major);
        group.option_group_description("made").send().await.unwrap();
    }
    let parameters: Set = |it, name| it.db_parameter_group_name = name.into();
    let options: Set = |it, name| it.option_group_name = name.into();
    let subnets: Set = |it, name| it.db_subnet_group_name = name.into();
    let zone: Set = |it, name| it.availability_zone = name.into();
    let security: Set = |it, name| it.vpc_security_group_ids = vec![name.into()];
    let none: Set = |_, _| {};
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    // The setting, its value, the operation that fails if any, the finding with its field, and whether it stands in the way.
    for (set, value, fails, code, field, refused) in [
        (parameters, "fits", "", "PARAMETER_GROUP_FITS", "db_parameter_group_name", false),
        (parameters, "default.postgres16", "", "PARAMETER_GROUP_FITS", "db_parameter_group_name", false),
        (parameters, "nowhere", "", "PARAMETER_GROUP_MISSING", "db_parameter_group_name", true),
        (parameters, "older", "", "PARAMETER_GROUP_OF_OTHER_FAMILY", "db_parameter_group_name", true),
        (parameters, "default.mysql8.0", "", "PARAMETER_GROUP_OF_OTHER_FAMILY", "db_parameter_group_name", true),
        (none, "", "DescribeDBParameterGroups", "NOT_CHECKED", "db_parameter_group_name", false),
        (none, "", "DescribeDBEngineVersions", "NOT_CHECKED", "db_parameter_group_name", false),
        (options, "fits", "", "OPTION_GROUP_FITS", "option_group_name", false),
        (options, "nowhere", "", "OPTION_GROUP_MISSING", "option_group_name", true),
        (options, "of-mysql", "", "OPTION_GROUP_OF_OTHER_ENGINE", "option_group_name", true),
        (none, "", "DescribeOptionGroups", "NOT_CHECKED", "option_group_name", false),
        (subnets, "default", "", "SUBNET_GROUP_EXISTS", "db_subnet_group_name", false),
        (subnets, "nowhere", "", "SUBNET_GROUP_MISSING", "db_subnet_group_name", true),
        (none, "", "DescribeDBSubnetGroups", "NOT_CHECKED", "db_subnet_group_name", false),
        (zone, "us-east-1b", "", "CLASS_ORDERABLE", "db_instance_class", false),
        (zone, "eu-west-1b", "", "ZONE_OF_OTHER_REGION", "availability_zone", true),
        (security, "sg-0123456789abcdef0", "", "NOT_CHECKED", "vpc_security_group_ids", false),
    ] {
        let case = format!("{value} {fails} {code}");
        if !fails.is_empty() {
            world.arm(json!({"operation": fails, "rate": 1.0, "effect": denied})).await;
        }
        let mut instance = RdsInstanceRestore { db_instance_identifier: "new-one".into(), ..Default::default() };
        set(&mut instance, value);
        let restore = into(&point, instance);
        let shown = planned(&world, planning(restore.clone())).await;
        let path = format!("restore.rds_instance.{field}");
        let found = shown.findings.iter().find(|finding| finding.code == code && finding.field == path);
        let found = found.unwrap_or_else(|| panic!("{case}: {:?}", shown.findings));
        assert_eq!(found.severity() == Severity::Error, refused, "{case}: {found:?}");
        assert_eq!(shown.restore_token.is_empty(), refused, "{case}");
        assert!(fails.is_empty() || found.action.contains(&format!("rds:{fails}")), "{case}: {found:?}");
        // StartRestore makes the same checks.
        let dry = StartRestoreRequest { validate_only: true, ..starting(restore) };
        match world.jobs().start_restore(dry).await {
            Ok(started) => assert_eq!((refused, started.into_inner().findings), (false, shown.findings), "{case}"),
            Err(status) => {
                assert_eq!(reason(&status), (Code::FailedPrecondition, "PREFLIGHT_FAILED".into()), "{case}");
                assert!(refused && status.message().contains(&found.message), "{case}: {}", status.message());
            }
        }
        world.end_faults().await;
    }
}

#[tokio::test]
async fn a_cluster_s_groups_and_zones_are_looked_at_likewise() {
    let world = prepared().await;
    let point = back_up(&world, AURORA).await.recovery_point_arn;
    let rds = aws_rds(&world);
    let group = rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name("of-mysql").description("made");
    group.db_parameter_group_family("aurora-mysql8.0").send().await.unwrap();
    let cluster = |change: fn(&mut RdsClusterRestore)| {
        let mut cluster = RdsClusterRestore { db_cluster_identifier: "ledger-2".into(), ..Default::default() };
        change(&mut cluster);
        let target = Some(Target::RdsCluster(cluster));
        planning(Restore { target, ..into(&point, RdsInstanceRestore::default()) })
    };
    let shown = planned(&world, cluster(|_| {})).await;
    assert_eq!(of_code(&shown.findings, "PARAMETER_GROUP_FITS").len(), 1, "{:?}", shown.findings);
    for (request, code, field) in [
        (
            cluster(|it| it.db_cluster_parameter_group_name = "nowhere".into()),
            "PARAMETER_GROUP_MISSING",
            "db_cluster_parameter_group_name",
        ),
        (
            cluster(|it| it.db_cluster_parameter_group_name = "of-mysql".into()),
            "PARAMETER_GROUP_OF_OTHER_FAMILY",
            "db_cluster_parameter_group_name",
        ),
        (cluster(|it| it.option_group_name = "nowhere".into()), "OPTION_GROUP_MISSING", "option_group_name"),
        (cluster(|it| it.availability_zones = vec!["eu-west-1a".into()]), "ZONE_OF_OTHER_REGION", "availability_zones"),
    ] {
        let shown = planned(&world, request).await;
        let [found] = of_code(&shown.findings, code)[..] else { panic!("{code}: {:?}", shown.findings) };
        assert_eq!(found.field, format!("restore.rds_cluster.{field}"));
        assert!(shown.restore_token.is_empty());
    }
}

#[tokio::test]
async fn a_copy_in_another_region_is_checked_in_that_region_and_names_the_fields_to_give() {
    let world = prepared().await;
    let rds = aws_rds(&world);
    let group = rds.create_db_parameter_group().db_parameter_group_name("tuned").description("made");
    group.db_parameter_group_family("postgres16").send().await.unwrap();
    let made = rds.create_db_instance().db_instance_identifier("tuned").db_instance_class("db.t3.micro");
    let made = made.engine("postgres").allocated_storage(20).master_username("root").master_user_password("password1");
    let key = "arn:aws:kms:us-east-1:123456789012:key/mine";
    let made = made.db_parameter_group_name("tuned").storage_encrypted(true).kms_key_id(key);
    made.send().await.unwrap();
    world.advance("PT10M").await;
    let point = back_up(&world, "arn:aws:rds:us-east-1:123456789012:db:tuned").await.recovery_point_arn;
    let shown = planned(&world, planning(into_new(&point))).await;
    assert!(!shown.restore_token.is_empty(), "at home nothing is in the way: {:?}", shown.findings);
    assert_eq!(of_code(&shown.findings, "KEY_USABLE").len(), 1, "{:?}", shown.findings);

    let scope = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let far = CreateVaultRequest { name: "far".into(), scope, ..Default::default() };
    let far = world.vaults().create_vault(far).await.unwrap().into_inner().vault.unwrap();
    let copy = StartCopyRequest {
        recovery_point: point.clone(),
        vault: VAULT.into(),
        destination_vault: far.arn.clone(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    };
    let job = world.jobs().start_copy(copy).await.unwrap().into_inner().job.unwrap();
    world.advance("PT10M").await;
    assert_eq!(read(&world, &job.id).await.state_text, "COMPLETED");
    let copied = far_point(&world).await;
    let there = |instance: RdsInstanceRestore| Restore { vault: far.arn.clone(), ..into(&copied, instance) };
    let shown = planned(&world, planning(Restore { vault: far.arn.clone(), ..into_new(&copied) })).await;
    for (code, field) in [
        ("PARAMETER_GROUP_MISSING", "db_parameter_group_name"),
        ("ZONE_OF_OTHER_REGION", "availability_zone"),
        ("SECURITY_GROUPS_OF_OTHER_REGION", "vpc_security_group_ids"),
    ] {
        let [found] = of_code(&shown.findings, code)[..] else { panic!("{code}: {:?}", shown.findings) };
        assert_eq!(found.field, format!("restore.rds_instance.{field}"));
        assert!(found.message.contains("from region us-east-1"), "{}", found.message);
    }
    // With what that region has, it is restored.
    let instance = RdsInstanceRestore {
        db_instance_identifier: "far-one".into(),
        db_parameter_group_name: "default.postgres16".into(),
        availability_zone: "eu-west-1a".into(),
        vpc_security_group_ids: vec!["sg-0123456789abcdef0".into()],
        ..Default::default()
    };
    let shown = planned(&world, planning(there(instance.clone()))).await;
    assert!(!shown.restore_token.is_empty(), "{:?}", shown.findings);
    let job = world.jobs().start_restore(starting(there(instance))).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let request = GetJobRequest {
        scope: Some(Scope { region: "eu-west-1".into(), ..Default::default() }),
        job: job.id,
        ..Default::default()
    };
    let done = world.jobs().get_job(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!(done.state_text, "COMPLETED", "{done:?}");

    // A key that nobody may use any more.
    aws_kms(&world).disable_key().key_id(key).send().await.unwrap();
    let shown = planned(&world, planning(into_new(&point))).await;
    assert_eq!((of_code(&shown.findings, "KEY_NOT_USABLE").len(), shown.restore_token.as_str()), (1, ""));
    let denied = json!({"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "DescribeKey", "rate": 1.0, "effect": denied})).await;
    let shown = planned(&world, planning(into_new(&point))).await;
    let unread = of_code(&shown.findings, "NOT_CHECKED");
    assert!(unread.iter().any(|found| found.action.contains("kms:DescribeKey")), "{unread:?}");
    assert!(!shown.restore_token.is_empty(), "what cannot be looked at stops nothing");
}

fn into_new(point: &str) -> Restore {
    into(point, RdsInstanceRestore { db_instance_identifier: "new-one".into(), ..Default::default() })
}

/// The one point in the other region's vault.
async fn far_point(world: &World) -> String {
    let request = ListRecoveryPointsRequest {
        scope: Some(Scope { region: "eu-west-1".into(), ..Default::default() }),
        vault: "far".into(),
        ..Default::default()
    };
    let listed = world.recovery_points().list_recovery_points(request).await.unwrap().into_inner();
    listed.recovery_points[0].arn.clone()
}
