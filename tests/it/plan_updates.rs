//! UpdatePlan's mask, and that no plan loses anything on its way through the API.

use aws_sdk_backup::types::{
    AdvancedBackupSetting as AwsSetting, BackupPlanInput, BackupRuleInput, CopyAction as AwsCopy, IndexAction,
    Lifecycle as AwsLifecycle, ScanAction as AwsScan, ScanSetting as AwsScanSetting,
};
use prost_types::FieldMask;
use strongroom::proto::{
    AdvancedBackupSetting, CopyAction, CreatePlanRequest, EnsureServiceRoleRequest, GetPlanRequest, Lifecycle,
    ListPlanVersionsRequest, Plan, Retention, Rule, ScanAction, ScanSetting, UpdatePlanRequest,
};
use tonic::Code;

use crate::{
    backups::aws_backup,
    harness::{World, reason, told},
};

const AIR_GAPPED: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:air-gapped";
const ELSEWHERE: &str = "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies";
const SCANNER: &str = "arn:aws:iam::123456789012:role/scanner";

fn rule(name: &str) -> Rule {
    Rule { name: name.into(), vault: "prod".into(), ..Default::default() }
}

/// A rule that says all that a rule can say.
fn whole_rule() -> Rule {
    let cold = Lifecycle {
        retention: Retention::Days.into(),
        delete_after_days: Some(400),
        move_to_cold_storage_after_days: Some(30),
        archive_ebs_snapshots: true,
        delete_after_event: String::new(),
    };
    Rule {
        schedule: "cron(0 5 L * ? *)".into(),
        schedule_timezone: "Europe/Berlin".into(),
        start_window_minutes: Some(60),
        completion_window_minutes: Some(120),
        lifecycle: Some(cold.clone()),
        recovery_point_tags: [("kept".to_owned(), "long".to_owned())].into(),
        copy_actions: vec![
            CopyAction { destination_vault: ELSEWHERE.into(), lifecycle: Some(cold) },
            CopyAction { destination_vault: format!("{ELSEWHERE}-2"), lifecycle: None },
        ],
        air_gapped_vault: AIR_GAPPED.into(),
        index_resource_types: vec!["EBS".into(), "S3".into()],
        scan_actions: vec![ScanAction { malware_scanner: "GUARDDUTY".into(), scan_mode: "FULL_SCAN".into() }],
        ..rule("monthly")
    }
}

fn settings() -> Vec<AdvancedBackupSetting> {
    let options = [("WindowsVSS".to_owned(), "enabled".to_owned())].into();
    vec![AdvancedBackupSetting { resource_type: "EC2".into(), options }]
}

fn scans() -> Vec<ScanSetting> {
    vec![ScanSetting {
        malware_scanner: "GUARDDUTY".into(),
        resource_types: vec!["EBS".into()],
        scanner_role: SCANNER.into(),
    }]
}

fn whole_plan() -> CreatePlanRequest {
    CreatePlanRequest {
        name: "whole".into(),
        rules: vec![whole_rule(), Rule { enable_continuous_backup: true, ..rule("continuous") }],
        advanced_backup_settings: settings(),
        scan_settings: scans(),
        ..Default::default()
    }
}

/// Makes the role of the scans, which a dry run looks for.
async fn scanner(world: &World) {
    let role = EnsureServiceRoleRequest { role: SCANNER.into(), ..Default::default() };
    world.accounts().ensure_service_role(role).await.unwrap();
}

fn masked(plan: &Plan, paths: &[&str]) -> UpdatePlanRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    UpdatePlanRequest { plan: plan.id.clone(), update_mask: Some(FieldMask { paths }), ..Default::default() }
}

async fn created(world: &World, request: CreatePlanRequest) -> Plan {
    world.plans().create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

async fn updated(world: &World, request: UpdatePlanRequest) -> Plan {
    world.plans().update_plan(request).await.unwrap().into_inner().plan.unwrap()
}

#[tokio::test]
async fn everything_that_a_plan_says_comes_back_and_survives_an_update() {
    let world = World::start().await;
    let plan = created(&world, whole_plan()).await;
    let mut shown = Rule { id: plan.rules[0].id.clone(), ..whole_rule() };
    // A copy of which nothing else is said is kept like the original, and that is said to AWS.
    shown.copy_actions[1].lifecycle = shown.lifecycle.clone();
    assert_eq!((&plan.rules[0], plan.rules[1].enable_continuous_backup), (&shown, true));
    assert_eq!((&plan.advanced_backup_settings, &plan.scan_settings), (&settings(), &scans()));

    let renamed = updated(&world, UpdatePlanRequest { name: "renamed".into(), ..masked(&plan, &["name"]) }).await;
    assert_ne!(renamed.etag, plan.etag);
    assert_eq!(renamed, Plan { name: "renamed".into(), etag: renamed.etag.clone(), ..plan.clone() });
    // What was read can be sent as it is: nothing changes.
    let same = UpdatePlanRequest {
        plan: plan.id.clone(),
        name: renamed.name.clone(),
        rules: renamed.rules.clone(),
        advanced_backup_settings: renamed.advanced_backup_settings.clone(),
        scan_settings: renamed.scan_settings.clone(),
        ..Default::default()
    };
    assert_eq!(updated(&world, same).await, renamed);
}

#[tokio::test]
async fn a_plan_of_another_tool_loses_nothing_by_an_update_of_ours() {
    let world = World::start().await;
    let cold = AwsLifecycle::builder()
        .move_to_cold_storage_after_days(30)
        .delete_after_days(400)
        .opt_in_to_archive_for_supported_resources(true)
        .build();
    let rule = BackupRuleInput::builder()
        .rule_name("whole")
        .target_backup_vault_name("prod")
        .target_logically_air_gapped_backup_vault_arn(AIR_GAPPED)
        .schedule_expression("cron(15 3 ? * 2#1 *)")
        .schedule_expression_timezone("Asia/Tokyo")
        .start_window_minutes(60)
        .completion_window_minutes(180)
        .lifecycle(cold.clone())
        .recovery_point_tags("kept", "long")
        .copy_actions(AwsCopy::builder().destination_backup_vault_arn(ELSEWHERE).lifecycle(cold).build().unwrap())
        .enable_continuous_backup(false)
        .index_actions(IndexAction::builder().resource_types("EBS").resource_types("S3").build())
        .scan_actions(AwsScan::builder().malware_scanner("GUARDDUTY".into()).scan_mode("FULL_SCAN".into()).build())
        .build()
        .unwrap();
    let bare = BackupRuleInput::builder().rule_name("bare").target_backup_vault_name("prod").build().unwrap();
    let vss = AwsSetting::builder().resource_type("EC2").backup_options("WindowsVSS", "enabled").build();
    let scan = AwsScanSetting::builder()
        .malware_scanner("GUARDDUTY".into())
        .resource_types("EBS")
        .scanner_role_arn(SCANNER)
        .build();
    let plan = BackupPlanInput::builder().backup_plan_name("theirs").rules(rule).rules(bare);
    let plan = plan.advanced_backup_settings(vss).scan_settings(scan).build().unwrap();
    let aws = aws_backup(&world);
    let id = aws.create_backup_plan().backup_plan(plan).send().await.unwrap().backup_plan_id.unwrap();
    let before = aws.get_backup_plan().backup_plan_id(&id).send().await.unwrap();

    let read = GetPlanRequest { plan: id.clone(), ..Default::default() };
    let read = world.plans().get_plan(read).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(read.rules[1].lifecycle.as_ref().unwrap().retention(), Retention::Forever);
    let request =
        UpdatePlanRequest { name: "renamed".into(), rules: read.rules.clone(), ..masked(&read, &["name", "rules"]) };
    assert_ne!(updated(&world, request).await.etag, read.etag);

    let after = aws.get_backup_plan().backup_plan_id(&id).send().await.unwrap();
    assert_eq!(after.advanced_backup_settings, before.advanced_backup_settings);
    let (mut before, after) = (before.backup_plan.unwrap(), after.backup_plan.unwrap());
    before.backup_plan_name = "renamed".into();
    // "No lifecycle" and "not continuous" are said by leaving them out, or by saying so.
    before.rules[1].lifecycle = Some(AwsLifecycle::builder().build());
    before.rules[1].enable_continuous_backup = Some(false);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_mask_says_what_is_replaced_and_what_is_cleared() {
    let world = World::start().await;
    let plan = created(&world, whole_plan()).await;
    let cleared = updated(&world, masked(&plan, &["advanced_backup_settings", "scan_settings"])).await;
    assert!(cleared.advanced_backup_settings.is_empty() && cleared.scan_settings.is_empty());
    assert_eq!((&cleared.rules, &cleared.name), (&plan.rules, &plan.name));

    let scanned = UpdatePlanRequest { scan_settings: scans(), ..masked(&plan, &["scan_settings"]) };
    assert_eq!(updated(&world, scanned).await.scan_settings, scans());

    let rules = UpdatePlanRequest { rules: vec![rule("continuous"), rule("new")], ..masked(&plan, &["rules"]) };
    let ruled = updated(&world, rules).await;
    assert_eq!((ruled.rules.len(), &ruled.scan_settings), (2, &scans()));
    assert_eq!(ruled.rules[0].id, plan.rules[1].id, "a rule that keeps its name keeps its id");

    // Without a mask, what is empty stays.
    let unmasked = || UpdatePlanRequest { plan: plan.id.clone(), ..Default::default() };
    let set = updated(&world, UpdatePlanRequest { advanced_backup_settings: settings(), ..unmasked() }).await;
    assert_eq!((set.name.as_str(), set.scan_settings.len(), set.advanced_backup_settings.len()), ("whole", 1, 1));
    assert_eq!(set.rules, ruled.rules);
    let renamed = updated(&world, UpdatePlanRequest { name: "renamed".into(), ..unmasked() }).await;
    assert_eq!(renamed, Plan { name: "renamed".into(), etag: renamed.etag.clone(), ..set });
}

#[tokio::test]
async fn a_mask_that_does_not_fit_the_request_is_refused_at_every_place() {
    let world = World::start().await;
    let plan = created(&world, whole_plan()).await;
    for (request, fields) in [
        (
            masked(&plan, &["name", "tags", "rules[0].name"]),
            vec!["update_mask.paths[1]", "update_mask.paths[2]", "name"],
        ),
        (masked(&plan, &["name", "rules"]), vec!["name", "rules"]),
        (
            UpdatePlanRequest { name: "x".into(), rules: vec![rule("r")], ..masked(&plan, &["scan_settings"]) },
            vec!["name", "rules"],
        ),
        (
            UpdatePlanRequest {
                scan_settings: scans(),
                advanced_backup_settings: settings(),
                ..masked(&plan, &["name"])
            },
            vec!["advanced_backup_settings", "scan_settings", "name"],
        ),
        (UpdatePlanRequest { plan: plan.id.clone(), ..Default::default() }, vec!["update_mask"]),
    ] {
        let refused = told(&world.plans().update_plan(request).await.unwrap_err());
        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert_eq!(refused.fields, fields);
    }
}

#[tokio::test]
async fn a_masked_update_with_a_stale_etag_is_aborted_unless_it_says_what_is_there() {
    let world = World::start().await;
    let plan = created(&world, whole_plan()).await;
    let rename =
        |name: &str| UpdatePlanRequest { name: name.into(), etag: plan.etag.clone(), ..masked(&plan, &["name"]) };
    let theirs = updated(&world, rename("theirs")).await;
    assert_eq!(updated(&world, rename("theirs")).await, theirs);
    let stale = world.plans().update_plan(rename("ours")).await.unwrap_err();
    assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    assert!(stale.message().contains(&theirs.etag), "{}", stale.message());
}

#[tokio::test]
async fn faults_of_scans_indexes_and_air_gapped_vaults_are_told_at_their_places() {
    let world = World::start().await;
    let scan = |scanner: &str, role: &str| ScanSetting {
        malware_scanner: scanner.into(),
        scanner_role: role.into(),
        ..Default::default()
    };
    let odd = Rule {
        index_resource_types: vec!["EBS".into(), "E B S".into()],
        scan_actions: vec![ScanAction { malware_scanner: "GUARD DUTY".into(), scan_mode: "?".into() }],
        ..rule("odd")
    };
    let many = Rule { index_resource_types: vec!["EBS".into(); 51], ..rule("many") };
    let scope = Some(strongroom::proto::Scope { region: "us-east-1".into(), ..Default::default() });
    let away = Rule { air_gapped_vault: ELSEWHERE.into(), ..rule("away") };
    let away = CreatePlanRequest { scope: scope.clone(), rules: vec![away], ..whole_plan() };
    assert_eq!(told(&world.plans().create_plan(away).await.unwrap_err()).fields, ["rules[0].air_gapped_vault"]);
    let request = CreatePlanRequest {
        scope,
        rules: vec![odd, many],
        scan_settings: vec![scan("GUARDDUTY", "scan ner"), scan("GUARDDUTY", "arn:aws:s3:::bucket")],
        ..whole_plan()
    };
    let told = told(&world.plans().create_plan(request).await.unwrap_err());
    assert_eq!(
        told.fields,
        [
            "rules[0].index_resource_types[1]",
            "rules[0].scan_actions[0].malware_scanner",
            "rules[0].scan_actions[0].scan_mode",
            "rules[1].index_resource_types",
            "scan_settings[0].scanner_role",
            "scan_settings[1].malware_scanner",
            "scan_settings[1].scanner_role",
        ]
    );
}

#[tokio::test]
async fn every_version_is_listed_and_can_be_read() {
    let world = World::start().await;
    let plan = created(&world, whole_plan()).await;
    let mut etags = vec![plan.etag.clone()];
    for name in ["second", "third", "fourth"] {
        world.advance("PT1H").await;
        etags.push(updated(&world, UpdatePlanRequest { name: name.into(), ..masked(&plan, &["name"]) }).await.etag);
    }
    let mut request = ListPlanVersionsRequest { plan: "fourth".into(), page_size: 3, ..Default::default() };
    let first = world.plans().list_plan_versions(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.versions.len(), 3);
    request.page_token = first.next_page_token;
    let second = world.plans().list_plan_versions(request.clone()).await.unwrap().into_inner();
    assert_eq!((second.versions.len(), second.next_page_token.as_str()), (1, ""));
    let mut versions = first.versions;
    versions.extend(second.versions);
    versions.sort_by_key(|version| version.create_time.map(|time| time.seconds));
    assert_eq!(versions.iter().map(|version| &version.etag).collect::<Vec<_>>(), etags.iter().collect::<Vec<_>>());
    assert_eq!(versions.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["whole", "second", "third", "fourth"]);
    assert!(versions.iter().all(|version| version.rules.is_empty() && version.id == plan.id));
    let old = GetPlanRequest { plan: plan.id.clone(), etag: etags[1].clone(), ..Default::default() };
    assert_eq!(world.plans().get_plan(old).await.unwrap().into_inner().plan.unwrap().name, "second");

    let other = ListPlanVersionsRequest { plan: plan.id.clone(), ..request };
    assert_eq!(told(&world.plans().list_plan_versions(other).await.unwrap_err()).fields, ["page_token"]);
    let unknown = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    let unknown = ListPlanVersionsRequest { plan: unknown.into(), ..Default::default() };
    let missing = world.plans().list_plan_versions(unknown).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_dry_run_of_a_create_looks_for_the_name() {
    let world = World::start().await;
    let request_id = crate::harness::request_id(1);
    scanner(&world).await;
    created(&world, CreatePlanRequest { request_id: request_id.clone(), ..whole_plan() }).await;
    let dry = CreatePlanRequest { validate_only: true, ..whole_plan() };
    let taken = world.plans().create_plan(dry.clone()).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "PLAN_ALREADY_EXISTS".into()));
    // The request that made it could be repeated.
    created(&world, CreatePlanRequest { request_id, ..dry.clone() }).await;
    created(&world, CreatePlanRequest { name: "free".into(), ..dry }).await;
}

#[tokio::test]
async fn an_update_that_stops_continuous_points_warns_of_it() {
    let world = World::start().await;
    let continuous = |days| Rule {
        enable_continuous_backup: true,
        lifecycle: Some(Lifecycle { delete_after_days: Some(days), ..Default::default() }),
        ..rule("pitr")
    };
    let plan = created(&world, CreatePlanRequest { rules: vec![continuous(35)], ..whole_plan() }).await;
    for (days, stops) in [(7, true), (7, false)] {
        let request = UpdatePlanRequest { rules: vec![continuous(days)], ..masked(&plan, &["rules"]) };
        let warnings = world.plans().update_plan(request).await.unwrap().into_inner().findings;
        assert_eq!(warnings.iter().any(|warning| warning.code == "CONTINUOUS_POINT_STOPS"), stops, "{warnings:?}");
    }
}
