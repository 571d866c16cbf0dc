//! Findings of rules that run near the windows of the databases that a plan selects now.

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, EnsureServiceRoleRequest, ExplainProtectionRequest, Finding, Lifecycle,
    PreviewScheduleRequest, Rule, TagCondition, UnsavedRules, UpdatePlanRequest, preview_schedule_request::Of,
};

use crate::harness::{LABS, World};

const NEAR: [&str; 3] = ["NEAR_BACKUP_WINDOW", "NEAR_MAINTENANCE_WINDOW", "WINDOWS_NOT_CHECKED"];

fn rule(name: &str, schedule: &str, start_window: i32) -> Rule {
    Rule {
        name: name.into(),
        vault: "prod".into(),
        schedule: schedule.into(),
        start_window_minutes: Some(start_window),
        ..Default::default()
    }
}

/// A plan that selects `rdspg-fcj-labs`, whose windows are 09:15–09:45 and, on Thursdays, 20:15–20:45.
async fn planned() -> World {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let rules = vec![rule("quiet", "cron(0 14 ? * * *)", 60)];
    let plan = CreatePlanRequest { name: "plan".into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
    select(&world, "labs", CreateSelectionRequest { resources: vec![LABS.into()], ..Default::default() }).await;
    world
}

async fn select(world: &World, name: &str, selection: CreateSelectionRequest) {
    let role = "AWSBackupDefaultServiceRole".to_owned();
    let selection = CreateSelectionRequest { plan: "plan".into(), name: name.into(), role, ..selection };
    world.plans().create_selection(selection).await.unwrap();
}

async fn updated(world: &World, rules: Vec<Rule>) -> Vec<Finding> {
    let request = UpdatePlanRequest { plan: "plan".into(), rules, ..Default::default() };
    near(world.plans().update_plan(request).await.unwrap().into_inner().findings)
}

fn near(found: Vec<Finding>) -> Vec<Finding> {
    found.into_iter().filter(|finding| NEAR.contains(&finding.code.as_str())).collect()
}

fn places(found: &[Finding]) -> Vec<(&str, &str)> {
    found.iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect()
}

#[tokio::test]
async fn a_rule_that_runs_near_a_window_is_told_with_the_instance() {
    let world = planned().await;
    let rules = || {
        vec![
            rule("quiet", "cron(0 14 ? * * *)", 60),
            rule("hour-before", "cron(15 8 ? * * *)", 60),
            rule("reaches", "cron(0 5 ? * * *)", 240),
            rule("ends-before", "cron(0 6 ? * * *)", 135),
            rule("maintained", "cron(30 20 ? * THU *)", 60),
            rule("other-day", "cron(30 20 ? * FRI *)", 60),
        ]
    };
    let found = updated(&world, rules()).await;
    assert_eq!(
        places(&found),
        [
            ("NEAR_BACKUP_WINDOW", "rules[1].schedule"),
            ("NEAR_BACKUP_WINDOW", "rules[2].start_window_minutes"),
            ("NEAR_MAINTENANCE_WINDOW", "rules[4].schedule"),
        ]
    );
    let message = &found[0].message;
    assert!(message.contains("instance rdspg-fcj-labs, first at 2026-03-02T08:15:00Z"), "{message}");
    assert!(found[2].message.contains("first at 2026-03-05T20:30:00Z"), "{}", found[2].message);
    // The saved plan's preview says the same, and that of unsaved rules cannot know.
    let saved = PreviewScheduleRequest { of: Some(Of::Plan("plan".into())), ..Default::default() };
    let saved = world.plans().preview_schedule(saved).await.unwrap().into_inner();
    assert_eq!(near(saved.findings), found);
    let unsaved = Of::Unsaved(UnsavedRules { rules: rules() });
    let unsaved = PreviewScheduleRequest { of: Some(unsaved), ..Default::default() };
    let unsaved = world.plans().preview_schedule(unsaved).await.unwrap().into_inner();
    assert_eq!(near(unsaved.findings), []);
}

#[tokio::test]
async fn only_what_the_plan_selects_now_counts() {
    let world = planned().await;
    // mysql-legacy makes its own backup at 05:10.
    let daily = || vec![rule("daily", "cron(0 5 ? * * *)", 60)];
    assert_eq!(updated(&world, daily()).await, []);
    let production = TagCondition { key: "Environment".into(), value: "production".into(), ..Default::default() };
    select(&world, "production", CreateSelectionRequest { conditions: vec![production], ..Default::default() }).await;
    let found = updated(&world, daily()).await;
    assert_eq!(places(&found), [("NEAR_BACKUP_WINDOW", "rules[0].schedule")]);
    assert!(found[0].message.contains("instance mysql-legacy, first"), "{}", found[0].message);
}

fn kept(days: i32, rule: Rule) -> Rule {
    Rule { lifecycle: Some(Lifecycle { delete_after_days: Some(days), ..Default::default() }), ..rule }
}

fn continuous(schedule: &str) -> Rule {
    Rule { enable_continuous_backup: true, ..kept(7, rule("pitr", schedule, 60)) }
}

#[tokio::test]
async fn a_continuous_rule_owns_the_windows_once_it_has_made_a_backup() {
    let near = |at: usize| ("NEAR_BACKUP_WINDOW".to_owned(), format!("rules[{at}].schedule"));
    let monthly = || rule("snapshots", "cron(30 9 1 * ? *)", 60);
    let daily = || rule("snapshots", "cron(30 9 ? * * *)", 60);
    // It is Monday, 2 March, midnight.
    for (what, rules, expected) in [
        ("it runs before", vec![continuous("cron(0 5 ? * * *)"), monthly()], vec![]),
        ("it runs before, the same day", vec![continuous("cron(0 5 ? * * *)"), daily()], vec![]),
        ("it runs later", vec![continuous("cron(0 5 20 * ? *)"), daily()], vec![near(1)]),
        ("it runs in the window itself", vec![continuous("cron(30 9 ? * * *)"), monthly()], vec![near(0), near(1)]),
        ("it gives way each time", vec![continuous("cron(0 9 ? * * *)"), daily()], vec![near(0), near(1)]),
        ("there is none", vec![monthly()], vec![near(0)]),
    ] {
        let world = planned().await;
        let found = updated(&world, rules.clone()).await;
        let told: Vec<_> = found.iter().map(|it| (it.code.clone(), it.field.clone())).collect();
        assert_eq!(told, expected, "{what}");
        let saved = PreviewScheduleRequest { of: Some(Of::Plan("plan".into())), ..Default::default() };
        let saved = world.plans().preview_schedule(saved).await.unwrap().into_inner();
        assert_eq!(self::near(saved.findings), found, "{what}");
        let request = CreateSelectionRequest {
            plan: "plan".into(),
            name: "again".into(),
            role: "AWSBackupDefaultServiceRole".into(),
            resources: vec![LABS.into()],
            validate_only: true,
            ..Default::default()
        };
        let selecting = self::near(world.plans().create_selection(request).await.unwrap().into_inner().findings);
        assert_eq!(selecting.len(), expected.len(), "{what}: {selecting:?}");
        let explain = ExplainProtectionRequest { resource: LABS.into(), ..Default::default() };
        let explained = world.protection().explain_protection(explain).await.unwrap().into_inner().findings;
        let runs_near = explained.iter().filter(|finding| finding.code == "RUN_NEAR_BACKUP_WINDOW").count();
        assert_eq!(runs_near, expected.len(), "{what}: {explained:?}");
    }
}

#[tokio::test]
async fn what_a_continuous_rule_s_plan_selects_is_looked_at_too() {
    let world = planned().await;
    for operation in ["ListBackupSelections", "GetBackupSelection", "DescribeRegionSettings", "DescribeDBInstances"] {
        let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
        world.arm(json!({"operation": operation, "next": 1, "effect": denied})).await;
        let found = updated(&world, vec![continuous("cron(0 5 ? * * *)")]).await;
        assert_eq!(places(&found), [("WINDOWS_NOT_CHECKED", "")], "{operation}");
    }
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_said_and_stops_nothing() {
    let world = planned().await;
    for operation in ["ListBackupSelections", "GetBackupSelection", "DescribeRegionSettings", "DescribeDBInstances"] {
        let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
        world.arm(json!({"operation": operation, "next": 1, "effect": denied})).await;
        let found = updated(&world, vec![rule(operation, "cron(30 9 ? * * *)", 60)]).await;
        assert_eq!(places(&found), [("WINDOWS_NOT_CHECKED", "")], "{operation}");
    }
}
