//! PlanService over the wire: plans and their rules.

use serde_json::json;
use strongroom::proto::{
    AdvancedBackupSetting, CopyAction, CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest,
    DeletePlanRequest, DeleteSelectionRequest, EnsureServiceRoleRequest, GetPlanRequest, Lifecycle, ListPlansRequest,
    Plan, PlanView, Retention, Rule, Scope, Selection, UpdatePlanRequest,
};
use tonic::Code;

use crate::harness::{LABS, World, reason, request_id, told};

fn rule(name: &str) -> Rule {
    Rule { name: name.into(), vault: "prod".into(), ..Default::default() }
}

fn create(name: &str) -> CreatePlanRequest {
    CreatePlanRequest { name: name.into(), rules: vec![rule("DailyBackups")], ..Default::default() }
}

fn get(plan: &str) -> GetPlanRequest {
    GetPlanRequest { plan: plan.into(), ..Default::default() }
}

fn update(plan: &Plan) -> UpdatePlanRequest {
    UpdatePlanRequest { plan: plan.id.clone(), rules: plan.rules.clone(), ..Default::default() }
}

async fn created(world: &World, request: CreatePlanRequest) -> Plan {
    world.plans().create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

async fn read(world: &World, plan: &str) -> Plan {
    world.plans().get_plan(get(plan)).await.unwrap().into_inner().plan.unwrap()
}

/// Has the plan select a database.
async fn select(world: &World, plan: &str) -> Selection {
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let selection = CreateSelectionRequest {
        plan: plan.into(),
        name: "labs".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        resources: vec![LABS.into()],
        ..Default::default()
    };
    world.plans().create_selection(selection).await.unwrap().into_inner().selection.unwrap()
}

#[tokio::test]
async fn what_a_rule_leaves_out_stands_in_the_answer() {
    let world = World::start().await;
    let tags = [("team".to_owned(), "platform".to_owned())].into();
    let plan = created(&world, CreatePlanRequest { tags, ..create("rdspg-backup-plan") }).await;
    assert_eq!(plan.arn, format!("arn:aws:backup:us-east-1:123456789012:backup-plan:{}", plan.id));
    assert_eq!((plan.name.as_str(), plan.tags["team"].as_str()), ("rdspg-backup-plan", "platform"));
    assert!(!plan.etag.is_empty() && !plan.creator_request_id.is_empty() && plan.create_time.is_some());
    let rule = &plan.rules[0];
    assert!(!rule.id.is_empty());
    assert_eq!((rule.schedule.as_str(), rule.schedule_timezone.as_str()), ("cron(0 5 ? * * *)", "Etc/UTC"));
    assert_eq!((rule.start_window_minutes, rule.completion_window_minutes), (Some(480), Some(10_080)));
    let lifecycle = rule.lifecycle.as_ref().unwrap();
    assert_eq!((lifecycle.retention(), lifecycle.delete_after_days), (Retention::Days, Some(35)));
    assert_eq!(lifecycle.move_to_cold_storage_after_days, None);
    assert_eq!(read(&world, &plan.id).await, plan);
    assert_eq!(read(&world, &plan.arn).await, plan);
    assert_eq!(read(&world, "rdspg-backup-plan").await, plan);
}

#[tokio::test]
async fn what_a_rule_says_comes_back_as_it_was() {
    let world = World::start().await;
    let elsewhere = "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies";
    let rule = Rule {
        vault: "arn:aws:backup:us-east-1:123456789012:backup-vault:prod".into(),
        schedule: "cron(30 2 L * ? *)".into(),
        schedule_timezone: "Europe/Berlin".into(),
        start_window_minutes: Some(60),
        completion_window_minutes: Some(120),
        lifecycle: Some(Lifecycle { retention: Retention::Forever.into(), ..Default::default() }),
        recovery_point_tags: [("kept".to_owned(), "long".to_owned())].into(),
        copy_actions: vec![
            CopyAction { destination_vault: elsewhere.into(), lifecycle: None },
            CopyAction {
                destination_vault: format!("{elsewhere}-2"),
                lifecycle: Some(Lifecycle { delete_after_days: Some(7), ..Default::default() }),
            },
        ],
        ..rule("monthly")
    };
    let vss = AdvancedBackupSetting {
        resource_type: "EC2".into(),
        options: [("WindowsVSS".to_owned(), "enabled".to_owned())].into(),
    };
    let asked = CreatePlanRequest {
        rules: vec![rule.clone()],
        advanced_backup_settings: vec![vss.clone()],
        ..create("monthly")
    };
    let plan = created(&world, asked).await;
    let told = &plan.rules[0];
    assert_eq!(plan.advanced_backup_settings, [vss]);
    assert_eq!(told.vault, "prod");
    assert_eq!((&told.schedule, &told.schedule_timezone), (&rule.schedule, &rule.schedule_timezone));
    assert_eq!((told.start_window_minutes, told.completion_window_minutes), (Some(60), Some(120)));
    assert_eq!(told.lifecycle, rule.lifecycle);
    assert_eq!(told.recovery_point_tags, rule.recovery_point_tags);
    let copy = &told.copy_actions[0];
    assert_eq!(copy.destination_vault, rule.copy_actions[0].destination_vault);
    assert_eq!(copy.lifecycle, told.lifecycle, "a copy action that says nothing is sent with what its rule says");
    assert_eq!(told.copy_actions[1].lifecycle.as_ref().unwrap().delete_after_days, Some(7));
}

#[tokio::test]
async fn every_fault_of_a_plan_is_told_at_once() {
    let world = World::start().await;
    let wrong = Rule {
        name: "a b".into(),
        vault: String::new(),
        schedule: "cron(0 5 * * * *)".into(),
        schedule_timezone: "Mars/Olympus".into(),
        start_window_minutes: Some(59),
        completion_window_minutes: Some(60),
        lifecycle: Some(Lifecycle { delete_after_days: Some(0), ..Default::default() }),
        recovery_point_tags: (0..11).map(|number| (format!("key-{number}"), String::new())).collect(),
        copy_actions: vec![CopyAction { destination_vault: "p r".into(), lifecycle: None }],
        ..Default::default()
    };
    let forever = Lifecycle { retention: Retention::Forever.into(), ..Default::default() };
    let request = CreatePlanRequest {
        name: "x".repeat(201),
        rules: vec![
            wrong,
            rule("twice"),
            Rule { enable_continuous_backup: true, lifecycle: Some(forever), ..rule("twice") },
            Rule { copy_actions: vec![CopyAction::default(); 6], ..rule("copies") },
        ],
        advanced_backup_settings: vec![AdvancedBackupSetting { resource_type: "E C2".into(), ..Default::default() }],
        request_id: "1".into(),
        ..Default::default()
    };
    let told = told(&world.plans().create_plan(request).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(
        told.fields,
        [
            "request_id",
            "name",
            "rules[2].name",
            "rules[0].name",
            "rules[0].vault",
            "rules[0].schedule",
            "rules[0].schedule_timezone",
            "rules[0].start_window_minutes",
            "rules[0].completion_window_minutes",
            "rules[0].lifecycle.delete_after_days",
            "rules[0].recovery_point_tags",
            "rules[0].copy_actions[0].destination_vault",
            "rules[2].enable_continuous_backup",
            "rules[3].copy_actions",
            "advanced_backup_settings[0].resource_type",
            "advanced_backup_settings[0].options",
        ]
    );
}

#[tokio::test]
async fn a_vault_of_another_region_is_no_target() {
    let world = World::start().await;
    let vault = "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod".to_owned();
    let scope = Some(Scope { region: "us-east-1".into(), ..Default::default() });
    let request = CreatePlanRequest { scope, rules: vec![Rule { vault, ..rule("r") }], ..create("plan") };
    assert_eq!(told(&world.plans().create_plan(request).await.unwrap_err()).fields, ["rules[0].vault"]);
}

#[tokio::test]
async fn surprises_are_warned_of() {
    let world = World::start().await;
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    let rules = vec![
        rule("daily"),
        Rule { schedule: "cron(0 5 1 * ? *)".into(), enable_continuous_backup: true, ..rule("monthly") },
        Rule {
            schedule: "cron(0 20 ? * * *)".into(),
            start_window_minutes: Some(60),
            lifecycle: Some(Lifecycle {
                delete_after_days: Some(120),
                move_to_cold_storage_after_days: Some(30),
                ..Default::default()
            }),
            ..rule("evening")
        },
    ];
    let answer = world.plans().create_plan(CreatePlanRequest { rules, validate_only: true, ..create("plan") }).await;
    let warnings = answer.unwrap().into_inner().findings;
    let told: Vec<_> = warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_str())).collect();
    assert_eq!(
        told,
        [
            ("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "rules[1].enable_continuous_backup"),
            ("RULES_OVERLAP", "rules[1].schedule"),
            ("COLD_STORAGE_IGNORED", "rules[2].lifecycle.move_to_cold_storage_after_days"),
        ]
    );
}

#[tokio::test]
async fn validate_only_shows_a_plan_with_its_defaults_and_makes_none() {
    let world = World::start().await;
    let shown = created(&world, CreatePlanRequest { validate_only: true, ..create("plan") }).await;
    assert_eq!((shown.id.as_str(), shown.rules[0].schedule.as_str()), ("", "cron(0 5 ? * * *)"));
    assert!(world.plans().list_plans(ListPlansRequest::default()).await.unwrap().into_inner().plans.is_empty());
    let plan = created(&world, create("plan")).await;
    let other = UpdatePlanRequest { validate_only: true, rules: vec![rule("other")], ..update(&plan) };
    let shown = world.plans().update_plan(other).await.unwrap().into_inner().plan.unwrap();
    assert_eq!((shown.rules[0].name.as_str(), shown.rules[0].completion_window_minutes), ("other", Some(10_080)));
    assert_eq!(read(&world, &plan.id).await, plan);
}

#[tokio::test]
async fn the_same_request_creates_one_plan_also_when_it_was_updated_since() {
    let world = World::start().await;
    let request = CreatePlanRequest { request_id: request_id(1), ..create("plan") };
    let first = created(&world, request.clone()).await;
    assert_eq!(created(&world, request.clone()).await, first);
    let renamed = UpdatePlanRequest { name: "renamed".into(), ..update(&first) };
    let updated = world.plans().update_plan(renamed).await.unwrap().into_inner().plan.unwrap();
    assert_ne!(updated.etag, first.etag);
    assert_eq!(created(&world, request.clone()).await, updated);
    assert_eq!(world.plans().list_plans(ListPlansRequest::default()).await.unwrap().into_inner().plans.len(), 1);
    for other in [
        CreatePlanRequest { name: "another".into(), ..request.clone() },
        CreatePlanRequest { rules: vec![rule("another")], ..request.clone() },
        CreatePlanRequest { tags: [("team".to_owned(), "other".to_owned())].into(), ..request },
    ] {
        let reused = world.plans().create_plan(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
}

#[tokio::test]
async fn a_plan_made_though_its_answer_was_lost_is_the_plan_of_the_repeated_call() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    world.arm(json!({"operation": "CreateBackupPlan", "next": 1, "effect": "drop_after"})).await;
    let request = CreatePlanRequest { request_id: request_id(2), ..create("plan") };
    let lost = world.plans().create_plan(request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    assert_eq!(created(&world, request.clone()).await.creator_request_id, request_id(2));
    for (status, code, told) in [
        (500, "ServiceUnavailableException", (Code::Unavailable, "OUTCOME_UNKNOWN")),
        (400, "ResourceNotFoundException", (Code::Unavailable, "OUTCOME_UNKNOWN")),
        (403, "AccessDeniedException", (Code::PermissionDenied, "AWS_ACCESS_DENIED")),
    ] {
        // Made, and not to be read: only what an operator must mend is said to be that.
        let error = json!({"error": {"status": status, "code": code, "message": "no"}});
        world.arm(json!({"operation": "GetBackupPlan", "next": 1, "effect": error})).await;
        let unread = world.plans().create_plan(request.clone()).await.unwrap_err();
        assert_eq!(reason(&unread), (told.0, told.1.to_owned()));
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let world = World::start().await;
    created(&world, create("plan")).await;
    let taken = world.plans().create_plan(create("plan")).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "PLAN_ALREADY_EXISTS".into()));
}

#[tokio::test]
async fn an_update_replaces_the_rules_and_an_equal_one_changes_nothing() {
    let world = World::start().await;
    let plan = created(&world, create("plan")).await;
    let same = world.plans().update_plan(update(&plan)).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(same, plan);
    let request = UpdatePlanRequest {
        name: "renamed".into(),
        rules: vec![rule("DailyBackups"), Rule { schedule: "cron(0 20 ? * * *)".into(), ..rule("evening") }],
        etag: plan.etag.clone(),
        ..update(&plan)
    };
    let updated = world.plans().update_plan(request.clone()).await.unwrap().into_inner().plan.unwrap();
    assert_eq!((updated.name.as_str(), updated.rules.len()), ("renamed", 2));
    assert_ne!(updated.etag, plan.etag);
    assert_eq!(read(&world, "renamed").await, updated);
    // Repeated, it finds its own content, though its etag is that of before.
    let again = world.plans().update_plan(request).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(again, updated);
    let before = GetPlanRequest { etag: plan.etag.clone(), ..get(&plan.id) };
    let before = world.plans().get_plan(before).await.unwrap().into_inner().plan.unwrap();
    assert_eq!((before.name.as_str(), before.rules.len()), ("plan", 1));
    let unknown = GetPlanRequest { etag: "nothing".into(), ..get(&plan.id) };
    assert_eq!(reason(&world.plans().get_plan(unknown).await.unwrap_err()).1, "PLAN_NOT_FOUND");
}

#[tokio::test]
async fn a_plan_changed_since_it_was_read_is_not_overwritten() {
    let world = World::start().await;
    let plan = created(&world, create("plan")).await;
    world.plans().update_plan(UpdatePlanRequest { name: "theirs".into(), ..update(&plan) }).await.unwrap();
    for validate_only in [true, false] {
        let ours = UpdatePlanRequest { name: "ours".into(), etag: plan.etag.clone(), validate_only, ..update(&plan) };
        let stale = world.plans().update_plan(ours).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
    }
    assert_eq!(read(&world, &plan.id).await.name, "theirs");
}

#[tokio::test]
async fn a_deleted_plan_is_read_by_its_id_and_missing_to_every_change() {
    let world = World::start().await;
    let plan = created(&world, create("plan")).await;
    let delete = DeletePlanRequest { plan: plan.id.clone(), ..Default::default() };
    let deleted = world.plans().delete_plan(delete.clone()).await.unwrap().into_inner();
    assert!(deleted.deleted && deleted.delete_time.is_some());
    assert_eq!(read(&world, &plan.id).await.delete_time, deleted.delete_time);
    let missing = (Code::NotFound, "PLAN_NOT_FOUND".to_owned());
    assert_eq!(reason(&world.plans().delete_plan(delete.clone()).await.unwrap_err()), missing);
    assert_eq!(reason(&world.plans().update_plan(update(&plan)).await.unwrap_err()), missing);
    assert_eq!(reason(&world.plans().get_plan(get("plan")).await.unwrap_err()), missing);
    for validate_only in [true, false] {
        let again = DeletePlanRequest { allow_missing: true, validate_only, ..delete.clone() };
        let again = world.plans().delete_plan(again).await.unwrap().into_inner();
        assert_eq!((again.deleted, again.delete_time), (true, None));
    }
    let unknown = get("1c2d3e4f-0000-4000-8000-5b6a79880000");
    assert_eq!(reason(&world.plans().get_plan(unknown).await.unwrap_err()), missing);

    let listed = |show_deleted| ListPlansRequest { show_deleted, ..Default::default() };
    assert!(world.plans().list_plans(listed(false)).await.unwrap().into_inner().plans.is_empty());
    assert_eq!(world.plans().list_plans(listed(true)).await.unwrap().into_inner().plans.len(), 1);
}

#[tokio::test]
async fn a_plan_with_selections_stays() {
    let world = World::start().await;
    let plan = created(&world, create("plan")).await;
    select(&world, &plan.id).await;
    let delete = DeletePlanRequest { plan: "plan".into(), ..Default::default() };
    for validate_only in [true, false] {
        let full = world.plans().delete_plan(DeletePlanRequest { validate_only, ..delete.clone() }).await.unwrap_err();
        assert_eq!(reason(&full), (Code::FailedPrecondition, "PLAN_HAS_SELECTIONS".into()));
    }
    let selection = DeleteSelectionRequest { plan: "plan".into(), selection: "labs".into(), ..Default::default() };
    world.plans().delete_selection(selection).await.unwrap();
    world.plans().delete_plan(delete).await.unwrap();
}

#[tokio::test]
async fn plans_are_listed_page_by_page_by_tokens_of_their_own_query() {
    let world = World::start().await;
    for number in 0..5 {
        created(&world, create(&format!("plan-{number}"))).await;
    }
    let mut request = ListPlansRequest { page_size: 2, ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = world.plans().list_plans(request.clone()).await.unwrap().into_inner();
        assert!(page.plans.len() <= 2 && page.plans.iter().all(|plan| plan.rules.is_empty()));
        names.extend(page.plans.into_iter().map(|plan| plan.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    names.sort();
    assert_eq!(names, ["plan-0", "plan-1", "plan-2", "plan-3", "plan-4"]);
    let other = ListPlansRequest { show_deleted: true, ..request };
    assert_eq!(told(&world.plans().list_plans(other).await.unwrap_err()).fields, ["page_token"]);
}

#[tokio::test]
async fn plans_are_listed_whole_with_their_rules_and_selections() {
    let world = World::start().await;
    for number in 0..12 {
        created(&world, create(&format!("plan-{number}"))).await;
    }
    let selection = select(&world, "plan-3").await;
    let plan = created(&world, create("gone")).await;
    let delete = DeletePlanRequest { plan: "gone".into(), ..Default::default() };
    world.plans().delete_plan(delete).await.unwrap();
    let listed = async |request| world.plans().list_plans(request).await.unwrap().into_inner();
    let whole = ListPlansRequest { view: PlanView::Full.into(), ..Default::default() };
    let all = listed(whole.clone()).await.plans;
    assert_eq!(all.len(), 12);
    for listed in all {
        let read = read(&world, &listed.id).await;
        let selections = if listed.name == "plan-3" { vec![selection.clone()] } else { Vec::new() };
        assert_eq!(listed, Plan { selections, ..read });
    }
    // The one that is deleted has its rules, and is shown only when it is asked for.
    let deleted = listed(ListPlansRequest { show_deleted: true, ..whole.clone() }).await.plans;
    assert_eq!(deleted.len(), 13);
    let gone = deleted.iter().find(|listed| listed.id == plan.id).unwrap();
    assert_eq!((&gone.rules, gone.delete_time.is_some()), (&plan.rules, true));
    // A page is as large as it is asked for.
    let first = listed(ListPlansRequest { page_size: 5, ..whole.clone() }).await;
    assert_eq!((first.plans.len(), first.next_page_token.is_empty()), (5, false));
    let bad = ListPlansRequest { view: 9, ..Default::default() };
    assert_eq!(told(&world.plans().list_plans(bad).await.unwrap_err()).fields, ["view"]);
}

#[tokio::test]
async fn a_plan_deleted_while_plans_are_listed_is_left_out_and_one_that_is_not_told_is_not() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    created(&world, create("plan-1")).await;
    created(&world, create("plan-2")).await;
    let whole = ListPlansRequest { view: PlanView::Full.into(), ..Default::default() };
    for (operation, code) in
        [("GetBackupPlan", "ResourceNotFoundException"), ("ListBackupSelections", "ResourceNotFoundException")]
    {
        let gone = json!({"error": {"status": 400, "code": code, "message": "gone"}});
        world.arm(json!({"operation": operation, "next": 1, "effect": gone})).await;
        assert_eq!(world.plans().list_plans(whole.clone()).await.unwrap().into_inner().plans.len(), 1, "{operation}");
        let fault = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "no"}});
        world.arm(json!({"operation": operation, "next": 1, "effect": fault})).await;
        let refused = world.plans().list_plans(whole.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
    }
}
