//! Nothing is said by silence: what is meant is sent, what will happen is told. Each table is over all RPCs that it
//! concerns; what restores need is in `restore_settings`.

use aws_sdk_backup::types::{BackupPlanInput, BackupRuleInput, CopyAction as AwsCopy, Lifecycle as AwsLifecycle};
use serde_json::json;
use strongroom::proto::{
    CopyAction, CreatePlanRequest, CreateVaultRequest, DeletePlanRequest, DeleteRecoveryPointRequest,
    DeleteSelectionRequest, DeleteVaultRequest, DisassociateRecoveryPointRequest, Finding, GetPlanRequest,
    GetRecoveryPointRequest, Lifecycle, PreviewScheduleRequest, ReplaceSelectionRequest, Retention, Rule,
    StartBackupRequest, StartCopyRequest, UpdatePlanRequest, UpdateRecoveryPointLifecycleRequest,
    preview_schedule_request,
};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_backup, backup_of, prepared, read, recovery_point, start},
    harness::{LABS, World, reason},
    points_in_time::{AURORA, continuous},
};

fn days(days: i32) -> Lifecycle {
    Lifecycle { delete_after_days: Some(days), ..Default::default() }
}

fn for_ever() -> Lifecycle {
    Lifecycle { retention: Retention::Forever.into(), ..Default::default() }
}

fn update(point: &str, lifecycle: Lifecycle) -> UpdateRecoveryPointLifecycleRequest {
    UpdateRecoveryPointLifecycleRequest {
        vault: VAULT.into(),
        recovery_point: point.into(),
        lifecycle: Some(lifecycle),
        ..Default::default()
    }
}

async fn kept(world: &World, point: &str) -> Lifecycle {
    let request = GetRecoveryPointRequest { vault: VAULT.into(), recovery_point: point.into(), ..Default::default() };
    let read = world.recovery_points().get_recovery_point(request).await.unwrap().into_inner();
    read.recovery_point.unwrap().lifecycle.unwrap()
}

pub(crate) fn of_code<'f>(findings: &'f [Finding], code: &str) -> Vec<&'f Finding> {
    findings.iter().filter(|finding| finding.code == code).collect()
}

#[tokio::test]
async fn for_ever_is_said_wherever_an_empty_lifecycle_could_be_passed_over() {
    let world = prepared().await;
    for passed_over in [true, false] {
        world.behave(json!({"switches": {"empty_lifecycle_is_passed_over": passed_over}})).await;
        let point = recovery_point(&world).await;
        for lifecycle in [for_ever(), days(90), for_ever()] {
            let mut points = world.recovery_points();
            let told = points.update_recovery_point_lifecycle(update(&point, lifecycle.clone())).await.unwrap();
            let told = told.into_inner().recovery_point.unwrap().lifecycle.unwrap();
            let asked = if lifecycle.delete_after_days.is_some() { Retention::Days } else { Retention::Forever };
            assert_eq!((told.retention(), told.delete_after_days), (asked, lifecycle.delete_after_days));
            assert_eq!(kept(&world, &point).await, told, "passed over: {passed_over}");
        }
        // Jobs and copies.
        let backup = StartBackupRequest { lifecycle: Some(for_ever()), ..backup_of(LABS) };
        let job = start(&world, backup).await;
        world.advance("PT10M").await;
        let made = read(&world, &job.id).await.recovery_point_arn;
        assert_eq!(kept(&world, &made).await.retention(), Retention::Forever);
        let near = format!("near-{passed_over}");
        let vault = CreateVaultRequest { name: near.clone(), ..Default::default() };
        world.vaults().create_vault(vault).await.unwrap();
        let copy = StartCopyRequest {
            recovery_point: point,
            vault: VAULT.into(),
            destination_vault: near,
            role: "AWSBackupDefaultServiceRole".into(),
            lifecycle: Some(for_ever()),
            ..Default::default()
        };
        let copy = world.jobs().start_copy(copy).await.unwrap().into_inner();
        assert_eq!(copy.lifecycle.unwrap().retention(), Retention::Forever);
        world.advance("PT10M").await;
    }
}

#[tokio::test]
async fn a_lifecycle_that_aws_does_not_take_is_not_told_as_taken() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    // The answer alone is silent: the point tells.
    let silent = json!({"without": ["Lifecycle", "CalculatedLifecycle"]});
    world.arm(json!({"operation": "UpdateRecoveryPointLifecycle", "next": 1, "effect": silent})).await;
    let told = world.recovery_points().update_recovery_point_lifecycle(update(&point, days(90))).await.unwrap();
    assert_eq!(told.into_inner().recovery_point.unwrap().lifecycle.unwrap().delete_after_days, Some(90));
    for operation in ["UpdateRecoveryPointLifecycle", "DescribeRecoveryPoint"] {
        world.arm(json!({"operation": operation, "rate": 1.0, "effect": silent})).await;
    }
    let refused = world.recovery_points().update_recovery_point_lifecycle(update(&point, days(7))).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "RECOVERY_POINT_NOT_CHANGED".into()));
    assert!(refused.message().contains("it is kept for ever, and for 7 days was asked for"), "{}", refused.message());
}

fn rule(copies: Vec<CopyAction>) -> Rule {
    Rule {
        name: "daily".into(),
        vault: VAULT.into(),
        lifecycle: Some(days(21)),
        copy_actions: copies,
        ..Default::default()
    }
}

/// What AWS has of the first copy of a plan.
async fn copy_of(world: &World, plan: &str) -> Option<AwsLifecycle> {
    let plan = aws_backup(world).get_backup_plan().backup_plan_id(plan).send().await.unwrap();
    plan.backup_plan.unwrap().rules[0].copy_actions()[0].lifecycle.clone()
}

#[tokio::test]
async fn a_copy_action_without_a_lifecycle_is_sent_with_the_rule_s() {
    let world = prepared().await;
    let near = CreateVaultRequest { name: "near".into(), ..Default::default() };
    world.vaults().create_vault(near).await.unwrap();
    let silent = || CopyAction { destination_vault: "near".into(), lifecycle: None };
    let create = CreatePlanRequest { name: "plan".into(), rules: vec![rule(vec![silent()])], ..Default::default() };
    let dry = CreatePlanRequest { validate_only: true, ..create.clone() };
    let shown = world.plans().create_plan(dry).await.unwrap().into_inner().plan.unwrap();
    let made = world.plans().create_plan(create).await.unwrap().into_inner().plan.unwrap();
    for plan in [&shown, &made] {
        let told = plan.rules[0].copy_actions[0].lifecycle.as_ref().unwrap();
        assert_eq!(told.delete_after_days, Some(21), "shown before and after");
    }
    assert_eq!(copy_of(&world, &made.id).await.unwrap().delete_after_days, Some(21), "and said to AWS");
    // Said or left out, it is the same content: no new version.
    let said = CopyAction { destination_vault: "near".into(), lifecycle: Some(days(21)) };
    for copy in [silent(), said] {
        let same = UpdatePlanRequest { plan: "plan".into(), rules: vec![rule(vec![copy])], ..Default::default() };
        let answer = world.plans().update_plan(same).await.unwrap().into_inner();
        assert_eq!(answer.plan.unwrap().etag, made.etag);
    }
    // With the rule's lifecycle its copies' changes: told.
    let longer = Rule { lifecycle: Some(days(60)), ..rule(vec![silent()]) };
    for validate_only in [true, false] {
        let request =
            UpdatePlanRequest { plan: "plan".into(), rules: vec![longer.clone()], validate_only, ..Default::default() };
        let answer = world.plans().update_plan(request).await.unwrap().into_inner();
        let [changed] = of_code(&answer.findings, "COPY_RETENTION_CHANGED")[..] else { panic!("{answer:?}") };
        assert_eq!(changed.field, "rules[0].copy_actions[0].lifecycle");
    }
    assert_eq!(copy_of(&world, &made.id).await.unwrap().delete_after_days, Some(60));
}

#[tokio::test]
async fn a_copy_action_that_another_tool_left_silent_is_told_as_aws_takes_it() {
    let world = prepared().await;
    let near = "arn:aws:backup:us-east-1:123456789012:backup-vault:near";
    let copy = AwsCopy::builder().destination_backup_vault_arn(near).build().unwrap();
    let rule = BackupRuleInput::builder().rule_name("daily").target_backup_vault_name(VAULT).copy_actions(copy);
    let rule = rule.schedule_expression("cron(0 5 ? * * *)").schedule_expression_timezone("Etc/UTC");
    let rule = rule.lifecycle(AwsLifecycle::builder().delete_after_days(21).build()).build().unwrap();
    let input = BackupPlanInput::builder().backup_plan_name("silent").rules(rule).build().unwrap();
    let made = aws_backup(&world).create_backup_plan().backup_plan(input).send().await.unwrap();
    let id = made.backup_plan_id.unwrap();

    let get = GetPlanRequest { plan: "silent".into(), ..Default::default() };
    let got = world.plans().get_plan(get.clone()).await.unwrap().into_inner();
    let plan = got.plan.as_ref().unwrap();
    assert_eq!(plan.rules[0].copy_actions[0].lifecycle.as_ref().unwrap().retention(), Retention::Forever);
    let preview =
        PreviewScheduleRequest { of: Some(preview_schedule_request::Of::Plan("silent".into())), ..Default::default() };
    let previewed = world.plans().preview_schedule(preview).await.unwrap().into_inner();
    // An update of something else leaves it as it is.
    let renamed = UpdatePlanRequest {
        plan: "silent".into(),
        name: "silence".into(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        ..Default::default()
    };
    let renamed = world.plans().update_plan(renamed).await.unwrap().into_inner();
    assert_eq!(of_code(&renamed.findings, "COPY_KEPT_FOREVER").len(), 1, "{:?}", renamed.findings);
    assert_eq!(copy_of(&world, &id).await, None);
    let back = UpdatePlanRequest {
        plan: "silence".into(),
        name: "silent".into(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
        ..Default::default()
    };
    world.plans().update_plan(back).await.unwrap();
    let plan = world.plans().get_plan(get).await.unwrap().into_inner().plan.unwrap();
    // What was read is sent back as it is: nothing changes, and it is told again.
    let back = UpdatePlanRequest { plan: "silent".into(), rules: plan.rules.clone(), ..Default::default() };
    let back = world.plans().update_plan(back).await.unwrap().into_inner();
    assert_eq!(back.plan.unwrap().etag, plan.etag);
    for findings in [&got.findings, &previewed.findings, &back.findings] {
        let [found] = of_code(findings, "COPY_KEPT_FOREVER")[..] else { panic!("{findings:?}") };
        assert_eq!((found.field.as_str(), found.subject.as_str()), ("rules[0].copy_actions[0].lifecycle", "daily"));
    }
    // Sent back with something else changed, it is told too: dry, and for good, when AWS has it said from then on.
    let mut rules = plan.rules.clone();
    rules[0].lifecycle = Some(days(8));
    for validate_only in [true, false] {
        let other =
            UpdatePlanRequest { plan: "silent".into(), rules: rules.clone(), validate_only, ..Default::default() };
        let other = world.plans().update_plan(other).await.unwrap().into_inner();
        let [found] = of_code(&other.findings, "COPY_KEPT_FOREVER")[..] else { panic!("{other:?}") };
        assert_eq!((found.field.as_str(), found.subject.as_str()), ("rules[0].copy_actions[0].lifecycle", "daily"));
    }
    assert!(copy_of(&world, &id).await.is_some(), "it is said from then on");
    // Left out by us it is the rule's, which is shorter than what was: told.
    let mut rules = plan.rules;
    rules[0].copy_actions[0].lifecycle = None;
    let shorter = UpdatePlanRequest { plan: "silent".into(), rules, ..Default::default() };
    let shorter = world.plans().update_plan(shorter).await.unwrap().into_inner();
    assert_eq!(of_code(&shorter.findings, "COPY_RETENTION_CHANGED").len(), 1, "{:?}", shorter.findings);
    assert_eq!(copy_of(&world, &id).await.unwrap().delete_after_days, Some(21));
}

/// Every change that ends a continuous point, done dry and for good: what it tells.
#[tokio::test]
async fn what_becomes_of_a_continuous_point_is_told_by_every_change_that_ends_it() {
    type Codes = &'static [&'static str];
    let table: &[(&str, Codes)] = &[
        ("DeleteRecoveryPoint", &["RULE_CONTINUES_BACKUP", "CONTINUOUS_BACKUP_ENDS"]),
        ("DisassociateRecoveryPoint", &["RULE_CONTINUES_BACKUP", "AUTOMATED_BACKUPS_STAY"]),
        ("DeleteVault", &["RULE_CONTINUES_BACKUP", "CONTINUOUS_BACKUP_ENDS"]),
        ("DeleteSelection", &["CONTINUOUS_POINTS_LEFT"]),
        ("DeletePlan", &["CONTINUOUS_POINTS_LEFT"]),
        ("ReplaceSelection", &["CONTINUOUS_POINTS_LEFT"]),
        ("UpdatePlan: rule removed", &["CONTINUOUS_POINTS_LEFT"]),
        ("UpdatePlan: turned off", &["CONTINUOUS_POINTS_LEFT"]),
        ("UpdatePlan: retention", &["CONTINUOUS_POINT_STOPS"]),
        ("UpdatePlan: vault", &["CONTINUOUS_IN_SEVERAL_VAULTS"]),
    ];
    for (database, word) in [(LABS, "maintenance window"), (AURORA, "for 1 day")] {
        for (change, codes) in table {
            let (world, point) = continuous(database).await;
            let mut told = Vec::new();
            for validate_only in [true, false] {
                if *change == "DeletePlan" && told.is_empty() {
                    let selection =
                        DeleteSelectionRequest { plan: "pitr".into(), selection: "one".into(), ..Default::default() };
                    world.plans().delete_selection(selection).await.unwrap();
                }
                let findings = done(&world, change, &point.arn, validate_only).await;
                let found: Vec<Finding> =
                    findings.into_iter().filter(|finding| codes.contains(&finding.code.as_str())).collect();
                let there: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
                assert_eq!(there, *codes, "{change} of {database}, validate_only: {validate_only}");
                if let [ends] = of_code(&found, "CONTINUOUS_BACKUP_ENDS")[..] {
                    assert!(ends.message.contains(word), "{change}: {}", ends.message);
                }
                told.push(found);
            }
            assert_eq!(told[0], told[1], "{change}: the same words before and after");
        }
    }
}

pub(crate) async fn done(world: &World, change: &str, point: &str, validate_only: bool) -> Vec<Finding> {
    let (vault, recovery_point) = (VAULT.to_owned(), point.to_owned());
    let snapshots = |name: &str, on: bool, days_kept: i32, vault: &str| Rule {
        name: name.into(),
        vault: vault.into(),
        enable_continuous_backup: on,
        lifecycle: Some(days(days_kept)),
        ..Default::default()
    };
    let rules = match change {
        "UpdatePlan: rule removed" => vec![snapshots("other", false, 14, VAULT)],
        "UpdatePlan: turned off" => vec![snapshots("continuous", false, 14, VAULT)],
        "UpdatePlan: retention" => vec![snapshots("continuous", true, 7, VAULT)],
        "UpdatePlan: vault" => vec![snapshots("continuous", true, 14, "elsewhere")],
        _ => Vec::new(),
    };
    match change {
        "DeleteRecoveryPoint" => {
            let request = DeleteRecoveryPointRequest { vault, recovery_point, validate_only, ..Default::default() };
            world.recovery_points().delete_recovery_point(request).await.unwrap().into_inner().findings
        }
        "DisassociateRecoveryPoint" => {
            let request =
                DisassociateRecoveryPointRequest { vault, recovery_point, validate_only, ..Default::default() };
            world.recovery_points().disassociate_recovery_point(request).await.unwrap().into_inner().findings
        }
        "DeleteVault" => {
            let request = DeleteVaultRequest { vault, force: true, validate_only, ..Default::default() };
            world.vaults().delete_vault(request).await.unwrap().into_inner().findings
        }
        "DeleteSelection" => {
            let (plan, selection) = ("pitr".into(), "one".into());
            let request = DeleteSelectionRequest { plan, selection, validate_only, ..Default::default() };
            world.plans().delete_selection(request).await.unwrap().into_inner().findings
        }
        "DeletePlan" => {
            let request = DeletePlanRequest { plan: "pitr".into(), validate_only, ..Default::default() };
            world.plans().delete_plan(request).await.unwrap().into_inner().findings
        }
        "ReplaceSelection" => {
            let request = ReplaceSelectionRequest {
                plan: "pitr".into(),
                selection: "one".into(),
                resources: vec!["arn:aws:rds:us-east-1:123456789012:db:rdspg-orders".into()],
                validate_only,
                ..Default::default()
            };
            world.plans().replace_selection(request).await.unwrap().into_inner().findings
        }
        _ => {
            let request = UpdatePlanRequest { plan: "pitr".into(), rules, validate_only, ..Default::default() };
            world.plans().update_plan(request).await.unwrap().into_inner().findings
        }
    }
}

#[tokio::test]
async fn a_snapshot_and_a_plan_of_snapshots_leave_nothing_to_say() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let delete = DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: point, ..Default::default() };
    assert!(world.recovery_points().delete_recovery_point(delete).await.unwrap().into_inner().findings.is_empty());
    let plan = CreatePlanRequest { name: "plan".into(), rules: vec![rule(vec![])], ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
    let delete = DeletePlanRequest { plan: "plan".into(), ..Default::default() };
    assert!(world.plans().delete_plan(delete).await.unwrap().into_inner().findings.is_empty());
}
