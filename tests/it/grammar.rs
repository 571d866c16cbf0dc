//! What AWS takes, the API takes: schedules, events, patterns. What AWS does not support is told.

use std::fs;

use aws_sdk_backup::types::{BackupPlanInput, BackupRuleInput};
use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, EnsureServiceRoleRequest, Finding,
    GetVaultNotificationsRequest, PreviewScheduleRequest, PreviewSelectionRequest, ReplaceSelectionRequest, Rule,
    SavedSelection, SelectionCriteria, SetVaultNotificationsRequest, UnsavedRules, UpdatePlanRequest,
    VaultNotifications, preview_schedule_request::Of, preview_selection_request::Of as OfSelection,
};
use tonic::Code;

use crate::{
    backups::aws_backup,
    cli::{done, run},
    harness::{LABS, World, told},
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
    "cron(0 18 ? * MON-WED,FRI *)",
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
    "cron(0 5 1,10-12 JUL,APR ? *)",
    "cron(0 5 */31 * ? *)",
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

pub(crate) fn rule(schedule: &str, zone: &str) -> Rule {
    Rule {
        name: "rule".into(),
        vault: "prod".into(),
        schedule: schedule.into(),
        schedule_timezone: zone.into(),
        ..Default::default()
    }
}

pub(crate) fn plan(name: &str, rule: Rule) -> CreatePlanRequest {
    CreatePlanRequest { name: name.into(), rules: vec![rule], ..Default::default() }
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|finding| finding.code.as_str()).collect()
}

/// The code and field of what is found, without what other classes find.
pub(crate) fn found(findings: &[Finding], code: &str) -> Vec<String> {
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
    for (shift, start) in [(0, "2026-03-02T00:00:00Z"), (2, "2026-10-20T00:00:00Z")] {
        let world = World::start_with(|config| config.sandbox.start = Some(start.parse().unwrap())).await;
        let made = world.plans().create_plan(plan("plan", rule("", ""))).await.unwrap().into_inner().plan.unwrap();
        let aws = aws_backup(&world);
        for (number, schedule) in SCHEDULES.iter().enumerate() {
            // Every expression in two zones, and every zone with every kind.
            let zone = ZONES[(number + shift) % ZONES.len()];
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
        for (refused, field) in
            [(create, "rules[0].schedule"), (update, "rules[0].schedule"), (preview, "unsaved.rules[0].schedule")]
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
    // The sandbox refuses these, and takes what follows.
    let refused = ["cron(0 5 5C * ? *)", "cron(0 5 L/2 * ? *)", "cron(0 5 10W-15W * ? *)", "cron(0 5 ? * 2L-6L *)"];
    let taken = [
        // Steps longer than their field.
        "cron(0/90 5 ? * * *)",
        "cron(*/60 5 ? * * *)",
        "cron(0 0/25 ? * * *)",
        "cron(0 5 */40 * ? *)",
        "cron(0 5 1 1/13 ? *)",
        "cron(0 5 ? * MON/8 *)",
        // L and W in lists.
        "cron(0 5 1,L * ? *)",
        "cron(0 5 1,15W * ? *)",
        "cron(0 5 10-12,L-3 * ? *)",
        "cron(0 5 1W,LW * ? *)",
        "cron(0 5 ? * 1L,MON *)",
        "cron(0 5 ? * FRIL,SATL *)",
        "cron(0 5 ? * L,MON-WED *)",
    ];
    for (number, schedule) in refused.iter().chain(&taken).enumerate() {
        let dry = CreatePlanRequest { validate_only: true, ..plan("plan", rule(schedule, "")) };
        let dry = world.plans().create_plan(dry).await.unwrap().into_inner();
        assert_eq!(found(&dry.findings, "SCHEDULE_NOT_READ"), ["rules[0].schedule"], "{schedule}");
        let of = Some(Of::Unsaved(UnsavedRules { rules: vec![rule(schedule, "")] }));
        let preview = PreviewScheduleRequest { of, ..Default::default() };
        let preview = world.plans().preview_schedule(preview).await.unwrap().into_inner();
        assert_eq!(found(&preview.findings, "SCHEDULE_NOT_READ"), ["unsaved.rules[0].schedule"], "{schedule}");
        assert_eq!(preview.rules[0].runs.len(), 0);
        let asked = world.plans().create_plan(plan(&format!("plan-{number}"), rule(schedule, ""))).await;
        if taken.contains(schedule) {
            let found = found(&asked.unwrap().into_inner().findings, "SCHEDULE_NOT_READ");
            assert_eq!(found, ["rules[0].schedule"], "{schedule}");
            continue;
        }
        let asked = asked.unwrap_err();
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
    // Where AWS takes them.
    world.behave(json!({"switches": {"deprecated_events": true}})).await;
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
    world.behave(json!({"switches": {"unknown_events": false, "deprecated_events": false}})).await;
    for event in ["SCAN_JOB_COMPLETED", "BACKUP_JOB_FAILED"] {
        let refused = world.vaults().set_vault_notifications(notify(&[event])).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
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
    world.behave(json!({"switches": {"deprecated_events": true}})).await;
    let set = ["vault", "set-notifications", "prod", "--topic", "alerts", "--event", "BACKUP_JOB_FAILED"];
    let set = run(&world, &set).await;
    assert!((set.out + &set.err).contains("EVENT_DEPRECATED"));
}

pub(crate) fn criteria(resources: &[&str], excluded: &[&str]) -> SelectionCriteria {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    SelectionCriteria { resources: texts(resources), excluded_resources: texts(excluded), ..Default::default() }
}

pub(crate) fn selection(plan: &str, name: &str, criteria: SelectionCriteria) -> CreateSelectionRequest {
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
pub(crate) async fn world() -> World {
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
            let check = |rpc: &str, findings: &[Finding]| {
                let under = if rpc == "PreviewSelection" { "criteria." } else { "" };
                let expected = if fine { Vec::new() } else { vec![format!("{under}{field}")] };
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
