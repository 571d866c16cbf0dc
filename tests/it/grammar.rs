//! What AWS takes, the API takes: schedules, events, patterns, names and ids. What AWS does not support is told.

use std::fs;

use aws_sdk_backup::types::{BackupPlanInput, BackupRuleInput};
use serde_json::{Value, json};
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, DeletePlanRequest, DeleteSelectionRequest,
    EnsureServiceRoleRequest, ExplainProtectionRequest, Finding, GetPlanRequest, GetSelectionRequest,
    GetVaultNotificationsRequest, ListPlanVersionsRequest, ListPlansRequest, ListRecoveryPointsRequest,
    ListSelectionsRequest, PlanView, PreviewScheduleRequest, PreviewSelectionRequest, ReplaceSelectionRequest, Rule,
    SavedSelection, SelectionCriteria, SetVaultNotificationsRequest, UnsavedRules, UpdatePlanRequest, VaultNotifications,
    preview_schedule_request::Of, preview_selection_request::Of as OfSelection,
};
use tonic::Code;

use crate::{
    backups::aws_backup,
    cli::{done, run},
    harness::{ACCOUNT, LABS, World, reason, told},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";

/// Expressions of every kind that AWS takes, day fields first.
const SCHEDULES: &[&str] = &[
    "cron(0 5 ? * * *)",
    "cron(0 5 * * ? *)",
    "cron(0 12 1 * ? *)",
    "cron(15 * ? * * *)",
    "cron(0 5 ? * 7 *)",
    "cron(0 5 ? * 1 *)",
    "cron(0 18 ? * MON-FRI *)",
    "cron(0 18 ? * mon,Wed,fRI *)",
    "cron(0 18 ? * 2-6 *)",
    "cron(0 18 ? * FRI-MON *)",
    "cron(0 18 ? * MON-FRI/2 *)",
    "cron(0 18 ? * FRI-TUE/2 *)",
    "cron(0 18 ? * 2/2 *)",
    "cron(0 18 ? * TUE/3 *)",
    "cron(0 18 ? * */3 *)",
    "cron(0 5 ? * L *)",
    "cron(0 5 ? * 5L *)",
    "cron(0 5 ? * 6L *)",
    "cron(0 5 ? * FRIL *)",
    "cron(0 5 ? * satl *)",
    "cron(0 5 ? * 1L,MON *)",
    "cron(0 5 ? * FRIL,SATL *)",
    "cron(0 5 ? * 3#2 *)",
    "cron(0 5 ? * MON#2 *)",
    "cron(0 5 ? * tue#5 *)",
    "cron(0 5 ? 3,11 SUN#1 *)",
    "cron(0 5 L * ? *)",
    "cron(0 5 l * ? *)",
    "cron(0 5 L-0 * ? *)",
    "cron(0 5 L-3 * ? *)",
    "cron(0 5 l-15 * ? *)",
    "cron(0 5 L-28 * ? *)",
    "cron(0 5 L-30 * ? *)",
    "cron(0 5 LW * ? *)",
    "cron(0 5 Lw * ? *)",
    "cron(0 5 L-1W * ? *)",
    "cron(0 5 L-3W * ? *)",
    "cron(0 5 l-30w * ? *)",
    "cron(0 5 1W * ? *)",
    "cron(0 5 15W * ? *)",
    "cron(0 5 29W * ? *)",
    "cron(0 5 31W * ? *)",
    "cron(0 5 1,L * ? *)",
    "cron(0 5 1,15W,L-3 * ? *)",
    "cron(0 5 1W,LW * ? *)",
    "cron(0 5 10-12,L * ? *)",
    "cron(0 5 25-5 * ? *)",
    "cron(0 5 28-3/2 * ? *)",
    "cron(0 5 31 * ? *)",
    "cron(0 5 29 2 ? *)",
    "cron(0 5 1/10 * ? *)",
    "cron(0 5 */7 * ? *)",
    "cron(30 20-2 * * ? *)",
    "cron(0 1-23/8 * * ? *)",
    "cron(0 0/6 * * ? *)",
    "cron(0 /6 * * ? *)",
    "cron(30 1,2,3 * * ? *)",
    "cron(0 9 1 NOV-FEB/2 ? *)",
    "cron(0 9 1 JAN,jul ? *)",
    "cron(0 9 1 */5 ? *)",
    "cron(0 9 1 4/3 ? *)",
    "cron(0 5 1 1 ? 2030/5)",
    "cron(0 5 1 1 ? 2027-2029,2031)",
    "cron(0 5 LW 12 ? 2027,2199)",
    "cron( 0  5 ? * *  * )",
    "cron(59 23 31 12 ? 1970-2199)",
];

const ZONES: &[&str] = &["", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"];

fn rule(schedule: &str, zone: &str) -> Rule {
    Rule {
        name: "rule".into(),
        vault: "prod".into(),
        schedule: schedule.into(),
        schedule_timezone: zone.into(),
        ..Default::default()
    }
}

fn plan(name: &str, rule: Rule) -> CreatePlanRequest {
    CreatePlanRequest { name: name.into(), rules: vec![rule], ..Default::default() }
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|finding| finding.code.as_str()).collect()
}

/// The code and field of what is found, without what other classes find.
fn found(findings: &[Finding], code: &str) -> Vec<String> {
    findings.iter().filter(|finding| finding.code == code).map(|finding| finding.field.clone()).collect()
}

/// The runs that a saved plan and an unsaved rule are previewed to have; both are the same.
async fn previewed(world: &World, plan: &str, rule: &Rule) -> Vec<i64> {
    let mut told = Vec::new();
    for of in [Of::Plan(plan.to_owned()), Of::Unsaved(UnsavedRules { rules: vec![rule.clone()] })] {
        let request = PreviewScheduleRequest { of: Some(of), runs: 10, ..Default::default() };
        let answer = world.plans().preview_schedule(request).await.unwrap().into_inner();
        assert_eq!(found(&answer.findings, "SCHEDULE_NOT_READ"), [""; 0], "{rule:?}");
        told.push(answer.rules[0].runs.iter().map(|run| run.time.unwrap().seconds).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1], "{rule:?}");
    told.swap_remove(0)
}

/// `ScheduledRunsPreview` of AWS, here of the sandbox, which reads schedules by code of its own.
#[tokio::test]
async fn aws_s_own_preview_of_runs_says_the_same_as_preview_schedule() {
    // Before clocks are set forward in the north, and before they are set back.
    for start in ["2026-03-02T00:00:00Z", "2026-10-20T00:00:00Z"] {
        let world = World::start_with(|config| config.sandbox.start = Some(start.parse().unwrap())).await;
        let made = world.plans().create_plan(plan("plan", rule("", ""))).await.unwrap().into_inner().plan.unwrap();
        let aws = aws_backup(&world);
        for (number, schedule) in SCHEDULES.iter().enumerate() {
            // Every expression in two zones, and every zone with every kind.
            for zone in [ZONES[number % ZONES.len()], ZONES[(number + 2) % ZONES.len()]] {
                let rule = rule(schedule, zone);
                let rules = vec![rule.clone()];
                let update = UpdatePlanRequest { plan: made.id.clone(), rules, ..Default::default() };
                world.plans().update_plan(update).await.unwrap_or_else(|refused| panic!("{schedule}: {refused}"));
                let asked = aws.get_backup_plan().backup_plan_id(&made.id).max_scheduled_runs_preview(10);
                let told = asked.send().await.unwrap();
                let theirs: Vec<i64> =
                    told.scheduled_runs_preview().iter().map(|run| run.execution_time().unwrap().secs()).collect();
                assert!(!theirs.is_empty(), "{schedule}");
                assert_eq!(previewed(&world, &made.id, &rule).await, theirs, "{schedule} in {zone:?} from {start}");
            }
        }
    }
}

#[tokio::test]
async fn what_no_cron_is_like_is_refused_everywhere_with_its_field() {
    let world = World::start().await;
    let made = world.plans().create_plan(plan("plan", rule("", ""))).await.unwrap().into_inner().plan.unwrap();
    for schedule in [
        "0 5 * * *",
        "rate(1 day)",
        "at(2026-03-02T00:00:00)",
        "cron(0 5 * * *)",
        "cron(0 5 * * * *)",
        "cron(0 5 ? * ? *)",
        "cron(0 5 32 * ? *)",
        "cron(0 5 32W * ? *)",
        "cron(0 5 L-31 * ? *)",
        "cron(0 5 LFOO * ? *)",
        "cron(0 5 FOO * ? *)",
        "cron(0 5 ? * 8L *)",
        "cron(0 5 ? * 2#6 *)",
        "cron(0 5 ? * 2#0 *)",
        "cron(0 5 ? * 3#1,6#3 *)",
        "cron(0 5 ? * MON-FRI#1 *)",
        "cron(0 5 ? * 5W *)",
        "cron(0 L ? * * *)",
        "cron(0 5 ? FRI * *)",
        "cron(0 5 ? * * 2200)",
        "cron(0/30 5 ? * * *)",
        "cron(0 5 30 2 ? *)",
        "cron(0 5 L-30 2 ? *)",
    ] {
        let rules = || vec![rule(schedule, "")];
        let create = world.plans().create_plan(plan("other", rule(schedule, ""))).await.unwrap_err();
        let update = UpdatePlanRequest { plan: made.id.clone(), rules: rules(), ..Default::default() };
        let update = world.plans().update_plan(update).await.unwrap_err();
        let of = Some(Of::Unsaved(UnsavedRules { rules: rules() }));
        let preview = PreviewScheduleRequest { of, ..Default::default() };
        let preview = world.plans().preview_schedule(preview).await.unwrap_err();
        for (refused, field) in [(create, "rules[0].schedule"), (update, "rules[0].schedule"), (preview, "unsaved.rules[0].schedule")]
        {
            let refused = told(&refused);
            assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]), "{schedule}");
        }
        // AWS says so too.
        let input = BackupRuleInput::builder().rule_name("rule").target_backup_vault_name("prod");
        let input = input.schedule_expression(schedule).build().unwrap();
        let input = BackupPlanInput::builder().backup_plan_name("other").rules(input).build().unwrap();
        let theirs = aws_backup(&world).create_backup_plan().backup_plan(input).send().await.unwrap_err();
        assert!(theirs.as_service_error().unwrap().is_invalid_parameter_value_exception(), "{schedule}");
    }
    let zone = world.plans().create_plan(plan("other", rule("", "Europe/Berln"))).await.unwrap_err();
    assert!(zone.message().contains("did you mean Europe/Berlin?"), "{zone}");
}

#[tokio::test]
async fn what_only_aws_can_judge_is_passed_on_and_told() {
    let world = World::start().await;
    for schedule in ["cron(0 5 5C * ? *)", "cron(0 5 L/2 * ? *)", "cron(0 5 10W-15W * ? *)", "cron(0 5 ? * 2L-6L *)"] {
        let dry = CreatePlanRequest { validate_only: true, ..plan("plan", rule(schedule, "")) };
        let dry = world.plans().create_plan(dry).await.unwrap().into_inner();
        assert_eq!(found(&dry.findings, "SCHEDULE_NOT_READ"), ["rules[0].schedule"], "{schedule}");
        let of = Some(Of::Unsaved(UnsavedRules { rules: vec![rule(schedule, "")] }));
        let preview = PreviewScheduleRequest { of, ..Default::default() };
        let preview = world.plans().preview_schedule(preview).await.unwrap().into_inner();
        assert_eq!(codes(&preview.findings), ["SCHEDULE_NOT_READ"], "{schedule}");
        assert_eq!(preview.rules[0].runs.len(), 0);
        let asked = world.plans().create_plan(plan("plan", rule(schedule, ""))).await.unwrap_err();
        assert_eq!(asked.code(), Code::InvalidArgument, "{schedule}");
        assert!(asked.message().contains("Invalid schedule expression"), "in AWS's words: {asked}");
    }
}

fn notify(events: &[&str]) -> SetVaultNotificationsRequest {
    let events = events.iter().map(ToString::to_string).collect();
    let notifications = Some(VaultNotifications { topic: "alerts".into(), events });
    SetVaultNotificationsRequest { vault: "prod".into(), notifications, ..Default::default() }
}

#[tokio::test]
async fn events_that_nobody_knows_pass_and_those_that_aws_never_sends_are_advised_against() {
    let world = World::start().await;
    world.vaults().create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap();
    for (event, code) in [
        ("BACKUP_JOB_COMPLETED", None),
        ("COPY_JOB_FAILED", None),
        ("S3_BACKUP_OBJECT_FAILED", None),
        ("EKS_RESTORE_OBJECT_SKIPPED", None),
        ("BACKUP_JOB_SUCCESSFUL", Some("EVENT_DEPRECATED")),
        ("BACKUP_JOB_FAILED", Some("EVENT_DEPRECATED")),
        ("BACKUP_JOB_EXPIRED", Some("EVENT_DEPRECATED")),
        ("RESTORE_JOB_SUCCESSFUL", Some("EVENT_DEPRECATED")),
        ("RESTORE_JOB_FAILED", Some("EVENT_DEPRECATED")),
        ("BACKUP_PLAN_CREATED", Some("EVENT_DEPRECATED")),
        ("BACKUP_PLAN_MODIFIED", Some("EVENT_DEPRECATED")),
        ("BACKUP_JOB_COMPLETD", Some("EVENT_UNKNOWN")),
        ("SCAN_JOB_COMPLETED", Some("EVENT_UNKNOWN")),
    ] {
        for validate_only in [true, false] {
            let request = SetVaultNotificationsRequest { validate_only, ..notify(&["RESTORE_JOB_STARTED", event]) };
            let set = world.vaults().set_vault_notifications(request).await.unwrap().into_inner();
            let told: Vec<_> = set.findings.iter().map(|it| (it.code.as_str(), it.field.as_str())).collect();
            let expected: Vec<_> = code.map(|code| (code, "notifications.events[1]")).into_iter().collect();
            assert_eq!(told, expected, "{event}");
            assert_eq!(set.notifications.unwrap().events[1], event);
        }
        let request = GetVaultNotificationsRequest { vault: "prod".into(), ..Default::default() };
        let read = world.vaults().get_vault_notifications(request).await.unwrap().into_inner();
        assert_eq!(codes(&read.findings), Vec::from_iter(code), "{event}");
    }
    for (event, word) in [
        ("backup_job_completed", "did you mean BACKUP_JOB_COMPLETED?"),
        ("Backup Job Completed", "did you mean BACKUP_JOB_COMPLETED?"),
        ("", "known are"),
        ("*", "known are"),
    ] {
        let refused = world.vaults().set_vault_notifications(notify(&[event])).await.unwrap_err();
        assert_eq!(told(&refused).fields, ["notifications.events[0]"], "{event}");
        assert!(refused.message().contains(word), "{refused}");
    }
    // AWS has the last word.
    world.behave(json!({"switches": {"unknown_events": false}})).await;
    let refused = world.vaults().set_vault_notifications(notify(&["SCAN_JOB_COMPLETED"])).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
}

#[tokio::test]
async fn no_help_and_no_example_names_an_event_that_aws_never_sends() {
    let deprecated = [
        "BACKUP_JOB_SUCCESSFUL",
        "BACKUP_JOB_FAILED",
        "BACKUP_JOB_EXPIRED",
        "RESTORE_JOB_SUCCESSFUL",
        "RESTORE_JOB_FAILED",
        "BACKUP_PLAN_CREATED",
        "BACKUP_PLAN_MODIFIED",
    ];
    let world = World::start().await;
    let mut texts = vec![("the README".to_owned(), fs::read_to_string("README.md").unwrap())];
    for words in [["vault", "set-notifications", "--help"], ["vault", "get-notifications", "--help"]] {
        texts.push((words.join(" "), done(&world, &words).await));
    }
    for folder in ["docs/api", "proto/strongroom/v1", "docs/samples"] {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                texts.push((file.display().to_string(), fs::read_to_string(&file).unwrap()));
            }
        }
    }
    texts.push(("docs/cli.md".to_owned(), fs::read_to_string("docs/cli.md").unwrap()));
    assert!(texts.len() > 20);
    for (name, text) in texts {
        for event in deprecated {
            assert!(!text.contains(event), "{name} names {event}");
        }
    }
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    let set = ["vault", "set-notifications", "prod", "--topic", "alerts", "--event", "BACKUP_JOB_FAILED"];
    let set = run(&world, &set).await;
    assert!((set.out + &set.err).contains("EVENT_DEPRECATED"));
}

fn criteria(resources: &[&str], excluded: &[&str]) -> SelectionCriteria {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    SelectionCriteria { resources: texts(resources), excluded_resources: texts(excluded), ..Default::default() }
}

fn selection(plan: &str, name: &str, criteria: SelectionCriteria) -> CreateSelectionRequest {
    CreateSelectionRequest {
        plan: plan.into(),
        name: name.into(),
        role: ROLE.into(),
        resources: criteria.resources,
        excluded_resources: criteria.excluded_resources,
        ..Default::default()
    }
}

/// A world with a role, a vault `prod` and a plan `plan`.
async fn world() -> World {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    world.vaults().create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap();
    world.plans().create_plan(plan("plan", rule("", ""))).await.unwrap();
    world
}

#[tokio::test]
async fn a_wildcard_where_aws_supports_none_is_told_by_every_rpc_that_has_patterns() {
    let world = world().await;
    let all = "arn:aws:rds:*:*:db:*";
    let replaced = selection("plan", "replaced", criteria(&[all], &[]));
    world.plans().create_selection(replaced).await.unwrap();
    for (pattern, fine) in [
        ("*", true),
        ("arn:aws:rds:*", true),
        ("arn:aws:rds:us-east-1:123456789012:db:rdspg-*", true),
        ("arn:aws:rds:*:*:cluster:my-cluster", true),
        ("arn:aws:rds:us-east-1:123456789012:db:*-labs", false),
        ("arn:aws:rds:us-east-1:123456789012:db:rdspg-*-labs", false),
        ("arn:aws:rds:us-east-1:123456789012:*:rdspg-fcj-labs", false),
        ("arn:aws:rds:us-*:123456789012:db:rdspg-fcj-labs", false),
        ("arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-lab?", false),
        ("arn:*:rds:*:*:db:*", false),
    ] {
        for (list, of) in
            [("resources", criteria(&[all, pattern], &[])), ("excluded_resources", criteria(&[all], &[all, pattern]))]
        {
            let field = format!("{list}[1]");
            let expected: &[String] = if fine { &[] } else { std::slice::from_ref(&field) };
            let check = |rpc: &str, findings: &[Finding]| {
                assert_eq!(found(findings, "PATTERN_NOT_SUPPORTED"), expected, "{rpc}: {pattern}");
            };
            let create = CreateSelectionRequest { validate_only: true, ..selection("plan", "new", of.clone()) };
            check("CreateSelection", &world.plans().create_selection(create).await.unwrap().into_inner().findings);
            let replace = ReplaceSelectionRequest {
                plan: "plan".into(),
                selection: "replaced".into(),
                resources: of.resources.clone(),
                excluded_resources: of.excluded_resources.clone(),
                validate_only: true,
                ..Default::default()
            };
            check("ReplaceSelection", &world.plans().replace_selection(replace).await.unwrap().into_inner().findings);
            let preview = PreviewSelectionRequest { of: Some(OfSelection::Criteria(of)), ..Default::default() };
            check("PreviewSelection", &world.plans().preview_selection(preview).await.unwrap().into_inner().findings);
        }
    }
    // What is judged by such a pattern says that it is not certain, saved or not.
    let odd = criteria(&["arn:aws:rds:us-east-1:123456789012:db:*-labs"], &[]);
    world.plans().create_selection(selection("plan", "odd", odd)).await.unwrap();
    let saved = SavedSelection { plan: "plan".into(), selection: "odd".into() };
    let request = PreviewSelectionRequest { of: Some(OfSelection::Saved(saved)), ..Default::default() };
    let preview = world.plans().preview_selection(request).await.unwrap().into_inner();
    assert_eq!(found(&preview.findings, "PATTERN_NOT_SUPPORTED"), ["resources[0]"]);
    let labs = preview.resources.iter().find(|resource| resource.arn == LABS).unwrap();
    assert!(labs.selected_by.contains("not certain"), "{labs:?}");
    for malformed in ["", "db:*", "arn:*", "arn:aws:rds:us-east-1", "arn:gcp:rds:*:*:db:*"] {
        let refused = world.plans().create_selection(selection("plan", "new", criteria(&[malformed], &[]))).await;
        assert_eq!(told(&refused.unwrap_err()).fields, ["resources[0]"], "{malformed}");
    }
}

#[tokio::test]
async fn names_are_as_long_as_aws_takes_them() {
    let world = world().await;
    for (length, accepted) in [(1, true), (50, true), (51, true), (200, true), (201, false)] {
        let name = "n".repeat(length);
        let created = world.plans().create_plan(plan(&name, rule("", ""))).await;
        assert_eq!(created.is_ok(), accepted, "{length}");
        let renamed = UpdatePlanRequest { plan: "plan".into(), name: "m".repeat(length), ..Default::default() };
        let renamed = UpdatePlanRequest { validate_only: true, ..renamed };
        assert_eq!(world.plans().update_plan(renamed).await.is_ok(), accepted, "{length}");
        let get = GetPlanRequest { plan: name, ..Default::default() };
        match world.plans().get_plan(get).await {
            Ok(_) => assert!(accepted, "{length}"),
            Err(refused) => assert_eq!(told(&refused).fields, ["plan"], "{length}"),
        }
        let new = selection("plan", &"s".repeat(length), criteria(&[LABS], &[]));
        assert_eq!(world.plans().create_selection(new).await.is_ok(), length <= 50, "{length}");
        let named = Rule { name: "r".repeat(length), ..rule("", "") };
        let named = CreatePlanRequest { validate_only: true, ..plan("new", named) };
        assert_eq!(world.plans().create_plan(named).await.is_ok(), length <= 50, "{length}");
    }
}

/// Whether each RPC that names a plan finds this one, by the id that it tells.
async fn plan_seen_by_every_read(world: &World, plan: &str, id: &str) {
    let get = GetPlanRequest { plan: plan.into(), ..Default::default() };
    assert_eq!(world.plans().get_plan(get).await.unwrap().into_inner().plan.unwrap().id, id);
    let versions = ListPlanVersionsRequest { plan: plan.into(), ..Default::default() };
    assert_eq!(world.plans().list_plan_versions(versions).await.unwrap().into_inner().versions[0].id, id);
    let preview = PreviewScheduleRequest { of: Some(Of::Plan(plan.into())), ..Default::default() };
    assert_eq!(world.plans().preview_schedule(preview).await.unwrap().into_inner().rules[0].runs.len(), 10);
    let list = ListSelectionsRequest { plan: plan.into(), ..Default::default() };
    let listed = world.plans().list_selections(list).await.unwrap().into_inner().selections;
    assert_eq!(listed.iter().map(|it| it.plan_id.as_str()).collect::<Vec<_>>(), [id]);
    let get = GetSelectionRequest { plan: plan.into(), selection: listed[0].id.clone(), ..Default::default() };
    assert_eq!(world.plans().get_selection(get).await.unwrap().into_inner().selection.unwrap().plan_id, id);
    let saved = SavedSelection { plan: plan.into(), selection: listed[0].name.clone() };
    let preview = PreviewSelectionRequest { of: Some(OfSelection::Saved(saved)), ..Default::default() };
    world.plans().preview_selection(preview).await.unwrap();
    let points = ListRecoveryPointsRequest { vault: "prod".into(), plan: plan.into(), ..Default::default() };
    world.recovery_points().list_recovery_points(points).await.unwrap();
}

#[tokio::test]
async fn a_name_that_looks_like_an_id_is_warned_of_and_found() {
    let world = world().await;
    // Upper-case: an id would be read in lower case, and a name is not.
    let name = "1C2D3E4F-0000-4000-8000-5B6A79880000";
    let made = world.plans().create_plan(plan(name, rule("", ""))).await.unwrap().into_inner();
    assert_eq!(found(&made.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let id = made.plan.unwrap().id;
    let renamed =
        UpdatePlanRequest { plan: "plan".into(), name: name.to_lowercase(), validate_only: true, ..Default::default() };
    let renamed = world.plans().update_plan(renamed).await.unwrap().into_inner();
    assert_eq!(found(&renamed.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let inner = "2c2d3e4f-0000-4000-8000-5b6a79880000";
    let new = selection(name, inner, criteria(&[LABS], &[]));
    let new = world.plans().create_selection(new).await.unwrap().into_inner();
    assert_eq!(found(&new.findings, "NAME_LOOKS_LIKE_ID"), ["name"]);
    let new = new.selection.unwrap();
    plan_seen_by_every_read(&world, name, &id).await;
    plan_seen_by_every_read(&world, &id, &id).await;
    // An id comes before a name.
    let shadow = world.plans().create_plan(plan(&id, rule("", ""))).await.unwrap().into_inner().plan.unwrap();
    assert_ne!(shadow.id, id);
    plan_seen_by_every_read(&world, &id, &id).await;

    for (asked, expected) in [(inner, new.id.as_str()), (new.id.as_str(), new.id.as_str())] {
        let get = GetSelectionRequest { plan: name.into(), selection: asked.into(), ..Default::default() };
        let got = world.plans().get_selection(get).await.unwrap().into_inner().selection.unwrap();
        assert_eq!(got.id, expected);
    }
    let replace = ReplaceSelectionRequest {
        plan: name.into(),
        selection: inner.into(),
        resources: vec!["*".into()],
        ..Default::default()
    };
    let replaced = world.plans().replace_selection(replace).await.unwrap().into_inner().selection.unwrap();
    assert_eq!(replaced.name, inner);
    let delete = DeleteSelectionRequest { plan: name.into(), selection: inner.into(), ..Default::default() };
    assert!(world.plans().delete_selection(delete).await.unwrap().into_inner().deleted);
    let update = UpdatePlanRequest { plan: name.into(), name: "sane".into(), ..Default::default() };
    assert_eq!(world.plans().update_plan(update).await.unwrap().into_inner().plan.unwrap().id, id);
    let gone = "3c2d3e4f-0000-4000-8000-5b6a79880000";
    for missing in [name, gone] {
        let delete = DeletePlanRequest { plan: missing.into(), ..Default::default() };
        let refused = world.plans().delete_plan(delete).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "PLAN_NOT_FOUND".into()));
        let get = GetSelectionRequest { plan: "plan".into(), selection: missing.into(), ..Default::default() };
        let refused = world.plans().get_selection(get).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "SELECTION_NOT_FOUND".into()));
    }
    // A throttled look for the name is not told as absence.
    world.arm(json!({"operation": "ListBackupPlans", "effect": "throttle", "next": 10})).await;
    let get = GetPlanRequest { plan: gone.into(), ..Default::default() };
    let refused = world.plans().get_plan(get).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
}

/// Has the plan be one of an organization's policy, and answers its id.
async fn handed_to_organization(world: &World, plan_arn: &str) -> String {
    let url = format!("{}/_sandbox/organization-plans", world.sandbox());
    let answer = reqwest::Client::new().post(url).json(&json!({ "plan_arn": plan_arn })).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plan_of_an_organization_s_policy_is_seen_everywhere_and_changed_nowhere() {
    let world = world().await;
    let made = plan("policy", rule("cron(0 5 ? * * *)", ""));
    let made = world.plans().create_plan(made).await.unwrap().into_inner().plan.unwrap();
    world.plans().create_selection(selection("policy", "labs", criteria(&[LABS], &[]))).await.unwrap();
    let id = handed_to_organization(&world, &made.arn).await;
    assert!(id.starts_with("orgs/"), "{id}");
    let arn = format!("arn:aws:backup:us-east-1:{ACCOUNT}:backup-plan:{id}");
    for spelling in [id.as_str(), arn.as_str(), "policy", &id.to_uppercase().replace("ORGS", "orgs")] {
        plan_seen_by_every_read(&world, spelling, &id).await;
    }
    let list = ListPlansRequest { view: PlanView::Full.into(), ..Default::default() };
    let listed = world.plans().list_plans(list).await.unwrap().into_inner().plans;
    let listed = listed.iter().find(|plan| plan.id == id).unwrap();
    assert_eq!((listed.arn.as_str(), listed.selections.len()), (arn.as_str(), 1));
    let explain = ExplainProtectionRequest { resource: LABS.into(), ..Default::default() };
    let explained = world.protection().explain_protection(explain).await.unwrap().into_inner();
    assert_eq!(explained.coverage.iter().map(|it| it.plan_id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    // What it makes says by which plan.
    world.advance("PT24H").await;
    let points = ListRecoveryPointsRequest { vault: "prod".into(), plan: arn.clone(), ..Default::default() };
    let points = world.recovery_points().list_recovery_points(points).await.unwrap().into_inner().recovery_points;
    assert_eq!(points.len(), 1);

    let mut plans = world.plans();
    for validate_only in [true, false] {
        let update = UpdatePlanRequest { plan: id.clone(), name: "ours".into(), validate_only, ..Default::default() };
        let replace = ReplaceSelectionRequest {
            plan: id.clone(),
            selection: "labs".into(),
            resources: vec!["*".into()],
            validate_only,
            ..Default::default()
        };
        let create = CreateSelectionRequest { validate_only, ..selection(&id, "more", criteria(&[LABS], &[])) };
        let end = DeleteSelectionRequest {
            plan: id.clone(),
            selection: "labs".into(),
            validate_only,
            ..Default::default()
        };
        let delete = DeletePlanRequest { plan: id.clone(), validate_only, ..Default::default() };
        for (rpc, refused) in [
            ("UpdatePlan", plans.update_plan(update).await.unwrap_err()),
            ("ReplaceSelection", plans.replace_selection(replace).await.unwrap_err()),
            ("CreateSelection", plans.create_selection(create).await.unwrap_err()),
            ("DeleteSelection", plans.delete_selection(end).await.unwrap_err()),
            ("DeletePlan", plans.delete_plan(delete).await.unwrap_err()),
        ] {
            assert_eq!(refused.code(), Code::FailedPrecondition, "{rpc}: {refused}");
            assert!(refused.message().contains("backup policy of the organization"), "{rpc}: {refused}");
        }
    }
    let missing = GetPlanRequest { plan: format!("orgs/{}", "0".repeat(8) + &id[13..]), ..Default::default() };
    let missing = world.plans().get_plan(missing).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
}
