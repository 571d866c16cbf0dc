//! What changes of plans find, refuse and promise: etags, dry runs, short names, and findings about what an update does.

use serde_json::json;
use strongroom::proto::{
    CopyAction, CreatePlanRequest, DeletePlanRequest, EnsureServiceRoleRequest, Finding, GetPlanRequest, Lifecycle,
    Plan, Rule, ScanSetting, UpdatePlanRequest,
};
use tonic::Code;

use crate::harness::{World, reason, request_id};

fn rule(name: &str) -> Rule {
    Rule { name: name.into(), vault: "prod".into(), ..Default::default() }
}

fn create(name: &str) -> CreatePlanRequest {
    CreatePlanRequest { name: name.into(), rules: vec![rule("DailyBackups")], ..Default::default() }
}

fn update(plan: &Plan) -> UpdatePlanRequest {
    UpdatePlanRequest { plan: plan.id.clone(), rules: plan.rules.clone(), ..Default::default() }
}

async fn created(world: &World, request: CreatePlanRequest) -> Plan {
    world.plans().create_plan(request).await.unwrap().into_inner().plan.unwrap()
}

async fn read(world: &World, plan: &str) -> Plan {
    let get = GetPlanRequest { plan: plan.into(), ..Default::default() };
    world.plans().get_plan(get).await.unwrap().into_inner().plan.unwrap()
}

#[tokio::test]
async fn a_plan_is_deleted_as_it_was_read_or_not_at_all() {
    let world = World::start().await;
    let plan = created(&world, create("plan")).await;
    let now = world.plans().update_plan(UpdatePlanRequest { name: "now".into(), ..update(&plan) }).await.unwrap();
    let now = now.into_inner().plan.unwrap();
    let delete = |etag: &str| DeletePlanRequest { plan: "now".into(), etag: etag.into(), ..Default::default() };
    for validate_only in [true, false] {
        let stale = DeletePlanRequest { validate_only, ..delete(&plan.etag) };
        let stale = world.plans().delete_plan(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&now.etag), "{}", stale.message());
    }
    let dry = DeletePlanRequest { validate_only: true, request_id: request_id(7), ..delete(&now.etag) };
    let dry = world.plans().delete_plan(dry).await.unwrap().into_inner();
    assert_eq!((dry.deleted, dry.delete_time, dry.request_id), (false, None, request_id(7)));
    assert_eq!(read(&world, "now").await, now);
    let done = world.plans().delete_plan(delete(&now.etag)).await.unwrap().into_inner();
    assert!(done.deleted && done.delete_time.is_some() && !done.request_id.is_empty());
    // A repetition that may find nothing finds nothing, whatever etag it brings.
    let again = DeletePlanRequest { plan: plan.id, allow_missing: true, ..delete(&now.etag) };
    assert!(world.plans().delete_plan(again).await.unwrap().into_inner().deleted);
}

#[tokio::test]
async fn what_cannot_be_told_of_a_plan_is_not_taken_for_missing() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let plan = created(&world, create("plan")).await;
    let fault = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "no"}});
    world.arm(json!({"operation": "GetBackupPlan", "next": 1, "effect": fault})).await;
    let delete = DeletePlanRequest { plan: plan.id, allow_missing: true, ..Default::default() };
    let unseen = world.plans().delete_plan(delete.clone()).await.unwrap_err();
    assert_eq!(reason(&unseen), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
    assert!(world.plans().delete_plan(delete).await.unwrap().into_inner().deleted);
}

#[tokio::test]
async fn a_dry_run_of_a_repeated_create_answers_what_the_call_would() {
    let world = World::start().await;
    let request = CreatePlanRequest { request_id: request_id(1), ..create("plan") };
    let dry = CreatePlanRequest { validate_only: true, ..request.clone() };
    let answer = world.plans().create_plan(dry.clone()).await.unwrap().into_inner();
    assert_eq!((answer.plan.unwrap().id.as_str(), answer.request_id), ("", request_id(1)));
    let plan = created(&world, request).await;
    assert_eq!(created(&world, dry.clone()).await, plan);
    for other in [
        CreatePlanRequest { name: "another".into(), ..dry.clone() },
        CreatePlanRequest { rules: vec![rule("another")], ..dry.clone() },
        CreatePlanRequest { tags: [("team".to_owned(), "other".to_owned())].into(), ..dry },
    ] {
        let reused = world.plans().create_plan(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
}

#[tokio::test]
async fn a_dry_run_of_an_update_looks_for_the_new_name() {
    let world = World::start().await;
    let one = created(&world, create("plan")).await;
    let other = created(&world, create("other")).await;
    let dry = UpdatePlanRequest { name: "plan".into(), validate_only: true, ..update(&other) };
    let taken = world.plans().update_plan(dry).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "PLAN_ALREADY_EXISTS".into()));
    assert!(taken.message().contains(&one.id), "{}", taken.message());
    let kept =
        UpdatePlanRequest { name: "other".into(), rules: vec![rule("new")], validate_only: true, ..update(&other) };
    world.plans().update_plan(kept).await.unwrap();
}

fn of_code<'f>(found: &'f [Finding], code: &str) -> Vec<&'f Finding> {
    found.iter().filter(|finding| finding.code == code).collect()
}

#[tokio::test]
async fn a_rule_that_is_left_out_or_runs_at_other_times_is_told_before_and_after() {
    let world = World::start().await;
    let at = |name: &str, schedule: &str| Rule { schedule: schedule.into(), ..rule(name) };
    let rules = vec![at("daily", "cron(0 20 ? * * *)"), at("weekly", "cron(0 3 ? * SUN *)"), at("same", "")];
    let plan = created(&world, CreatePlanRequest { rules, ..create("plan") }).await;
    // The schedule of `daily` is left out, so it is the default; that of `same` is written in another way.
    let rules = vec![at("same", "cron(0 5 * * ? *)"), rule("daily")];
    let request = UpdatePlanRequest { rules, etag: plan.etag.clone(), ..update(&plan) };
    for validate_only in [true, false] {
        let answer = world.plans().update_plan(UpdatePlanRequest { validate_only, ..request.clone() }).await.unwrap();
        let found = answer.into_inner().findings;
        let [gone] = of_code(&found, "RULE_REMOVED")[..] else { panic!("{found:?}") };
        assert_eq!((gone.field.as_str(), gone.subject.as_str()), ("rules", "weekly"));
        assert!(gone.message.contains("to vault prod, at cron(0 3 ? * SUN *) in Etc/UTC"), "{gone:?}");
        let [changed] = of_code(&found, "SCHEDULE_CHANGED")[..] else { panic!("{found:?}") };
        assert_eq!((changed.field.as_str(), changed.subject.as_str()), ("rules[1].schedule", "daily"));
        let times = "runs at cron(0 5 ? * * *) in Etc/UTC now, and ran at cron(0 20 ? * * *) in Etc/UTC before";
        assert!(changed.message.contains(times), "{changed:?}");
    }
    // A repetition changes nothing more.
    let again = world.plans().update_plan(request).await.unwrap().into_inner().findings;
    assert!(of_code(&again, "RULE_REMOVED").is_empty() && of_code(&again, "SCHEDULE_CHANGED").is_empty(), "{again:?}");
}

#[tokio::test]
async fn what_is_named_shortly_is_told_by_arn_and_is_the_same_as_by_arn() {
    let world = World::start().await;
    let role = EnsureServiceRoleRequest { role: "scanner".into(), path: "/scans/".into(), ..Default::default() };
    world.accounts().ensure_service_role(role).await.unwrap();
    let own = |name: &str| format!("arn:aws:backup:us-east-1:123456789012:backup-vault:{name}");
    let rules = |copies: String, gapped: String| {
        let copy = CopyAction {
            destination_vault: copies,
            lifecycle: Some(Lifecycle { delete_after_days: Some(7), ..Default::default() }),
        };
        vec![Rule { copy_actions: vec![copy], air_gapped_vault: gapped, ..rule("daily") }]
    };
    let scans = |role: &str| {
        vec![ScanSetting {
            malware_scanner: "GUARDDUTY".into(),
            resource_types: vec!["EBS".into()],
            scanner_role: role.into(),
        }]
    };
    let short = CreatePlanRequest {
        rules: rules("copies".into(), "gapped".into()),
        scan_settings: scans("scanner"),
        request_id: request_id(1),
        ..create("plan")
    };
    let dry = created(&world, CreatePlanRequest { validate_only: true, ..short.clone() }).await;
    let plan = created(&world, short.clone()).await;
    assert_eq!(plan.rules[0].copy_actions[0].destination_vault, own("copies"));
    assert_eq!(plan.rules[0].air_gapped_vault, own("gapped"));
    assert_eq!(plan.scan_settings, scans("arn:aws:iam::123456789012:role/scans/scanner"));
    assert_eq!((&dry.rules[0].copy_actions, &dry.scan_settings), (&plan.rules[0].copy_actions, &plan.scan_settings));
    // The same request, in either way, is the same plan; and an update to what is there makes no version.
    let long =
        CreatePlanRequest { rules: plan.rules.clone(), scan_settings: plan.scan_settings.clone(), ..short.clone() };
    for request in [short.clone(), long] {
        assert_eq!(created(&world, request).await, plan);
    }
    let same = UpdatePlanRequest { rules: short.rules, scan_settings: short.scan_settings, ..update(&plan) };
    assert_eq!(world.plans().update_plan(same).await.unwrap().into_inner().plan.unwrap(), plan);

    let nobody = CreatePlanRequest { scan_settings: scans("nobody"), ..create("other") };
    for validate_only in [true, false] {
        let nobody = CreatePlanRequest { validate_only, ..nobody.clone() };
        let missing = world.plans().create_plan(nobody).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    }
}
