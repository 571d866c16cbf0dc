//! PlanService over the wire: a selection is replaced, whatever happens in between.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, EnsureServiceRoleRequest, GetSelectionRequest,
    ListJobsRequest, ListSelectionsRequest, Match, Operator, ReplaceSelectionRequest, ReplaceSelectionResponse, Rule,
    Selection, TagCondition,
};
use tonic::{Code, Status};

use crate::harness::{LABS, World, reason, request_id, told};

const ROLE: &str = "AWSBackupDefaultServiceRole";
const ORDERS: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";
const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";

/// A world with a role, a vault, and a daily plan whose selection `s` selects these.
async fn world(resources: &[&str]) -> (World, Selection) {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    world.vaults().create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap();
    let rules = vec![Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() }];
    let plan = CreatePlanRequest { name: "plan".into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
    let selection = create(&world, "s", resources).await;
    (world, selection)
}

fn texts(arns: &[&str]) -> Vec<String> {
    arns.iter().map(|&arn| arn.to_owned()).collect()
}

async fn create(world: &World, name: &str, resources: &[&str]) -> Selection {
    let request = CreateSelectionRequest {
        plan: "plan".into(),
        name: name.into(),
        role: ROLE.into(),
        resources: texts(resources),
        ..Default::default()
    };
    world.plans().create_selection(request).await.unwrap().into_inner().selection.unwrap()
}

fn by(selection: &str, resources: &[&str]) -> ReplaceSelectionRequest {
    ReplaceSelectionRequest {
        plan: "plan".into(),
        selection: selection.into(),
        resources: texts(resources),
        ..Default::default()
    }
}

async fn replace(world: &World, request: ReplaceSelectionRequest) -> Result<ReplaceSelectionResponse, Status> {
    Ok(world.plans().replace_selection(request).await?.into_inner())
}

async fn selections(world: &World) -> Vec<Selection> {
    let all = ListSelectionsRequest { plan: "plan".into(), ..Default::default() };
    world.plans().list_selections(all).await.unwrap().into_inner().selections
}

async fn names(world: &World) -> Vec<String> {
    let mut names: Vec<_> = selections(world).await.into_iter().map(|selection| selection.name).collect();
    names.sort();
    names
}

async fn read(world: &World, selection: &str) -> Selection {
    let get = GetSelectionRequest { plan: "plan".into(), selection: selection.into(), ..Default::default() };
    world.plans().get_selection(get).await.unwrap().into_inner().selection.unwrap()
}

/// How often the last day's run of the rule backed up each database.
async fn backed_up_within_a_day(world: &World) -> BTreeMap<String, usize> {
    let jobs = async || {
        let all = ListJobsRequest { page_size: 1000, ..Default::default() };
        world.jobs().list_jobs(all).await.unwrap().into_inner().jobs
    };
    let before: Vec<_> = jobs().await.into_iter().map(|job| job.id).collect();
    world.advance("PT24H").await;
    let mut counts = BTreeMap::new();
    for job in jobs().await.into_iter().filter(|job| !before.contains(&job.id)) {
        *counts.entry(job.resource_arn).or_default() += 1;
    }
    counts
}

async fn calm(world: &World) {
    let sent = reqwest::Client::new().delete(format!("{}/_sandbox/faults", world.sandbox())).send().await.unwrap();
    assert!(sent.status().is_success());
}

#[tokio::test]
async fn a_selection_selects_something_else_under_its_name() {
    let (world, old) = world(&[LABS]).await;
    let request = ReplaceSelectionRequest {
        conditions: vec![TagCondition {
            key: "Environment".into(),
            operator: Operator::Equals.into(),
            value: "production".into(),
        }],
        request_id: request_id(1),
        ..by("s", &[])
    };
    let answer = replace(&world, request.clone()).await.unwrap();
    let new = answer.selection.unwrap();
    assert_eq!(answer.replaced_selection_id, old.id);
    assert_ne!(new.id, old.id);
    assert_eq!((new.name.as_str(), &new.role_arn, &new.creator_request_id), ("s", &old.role_arn, &request_id(1)));
    assert_eq!((new.r#match(), new.resources.as_slice()), (Match::All, &["*".to_owned()][..]));
    assert_eq!(read(&world, "s").await, new);
    assert_eq!(names(&world).await, ["s"]);
    assert_eq!(selections(&world).await[0].creator_request_id, request_id(1));

    // The same again changes nothing, by name or by the id that is gone.
    for selection in ["s", &old.id] {
        let again = replace(&world, ReplaceSelectionRequest { selection: selection.into(), ..request.clone() });
        assert_eq!(again.await.unwrap().selection.as_ref(), Some(&new));
    }
    let reused = ReplaceSelectionRequest { resources: texts(&[ORDERS]), ..request };
    let reused = replace(&world, reused).await.unwrap_err();
    assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    let third = replace(&world, by(&new.id, &[ORDERS])).await.unwrap();
    assert_eq!((third.replaced_selection_id, third.findings), (new.id, vec![]));
    assert_eq!(names(&world).await, ["s"]);
}

#[tokio::test]
async fn equal_content_and_a_dry_run_change_nothing() {
    let (world, old) = world(&[LABS, ORDERS]).await;
    let same = replace(&world, by("s", &[ORDERS, LABS])).await.unwrap();
    assert_eq!((same.replaced_selection_id.as_str(), same.selection.as_ref()), ("", Some(&old)));
    let dry = replace(&world, ReplaceSelectionRequest { validate_only: true, ..by("s", &[PAUSED]) }).await.unwrap();
    let shown = dry.selection.unwrap();
    assert_eq!((dry.replaced_selection_id, shown.id.as_str()), (old.id.clone(), ""));
    assert_eq!((shown.resources, shown.role_arn), (texts(&[PAUSED]), old.role_arn.clone()));
    let dry = replace(&world, ReplaceSelectionRequest { validate_only: true, ..by("s", &[LABS, ORDERS]) }).await;
    assert_eq!(dry.unwrap().selection.as_ref(), Some(&old));
    assert_eq!(read(&world, "s").await, old);
    let nothing = TagCondition { key: "a".into(), operator: 0, value: "b".into() };
    let nothing = ReplaceSelectionRequest { conditions: vec![nothing], validate_only: true, ..by("s", &[]) };
    assert_eq!(replace(&world, nothing).await.unwrap().findings[0].code, "SELECTS_NOTHING_NOW");
}

#[tokio::test]
async fn a_selection_is_replaced_as_it_was_read_or_not_at_all() {
    let (world, old) = world(&[LABS]).await;
    let with = |etag: &str, resources: &[&str]| ReplaceSelectionRequest { etag: etag.into(), ..by("s", resources) };
    let dry = ReplaceSelectionRequest { validate_only: true, ..with(&old.etag, &[ORDERS]) };
    assert_eq!(replace(&world, dry).await.unwrap().selection.unwrap().etag, "", "AWS has no such selection yet");
    let new = replace(&world, with(&old.etag, &[ORDERS])).await.unwrap().selection.unwrap();
    assert_ne!(new.etag, old.etag);
    // The same again finds its content, and the etag is that of before; by name, or by the id that was.
    for selection in ["s", &old.id] {
        let again = ReplaceSelectionRequest { selection: selection.into(), ..with(&old.etag, &[ORDERS]) };
        assert_eq!(replace(&world, again).await.unwrap().selection.as_ref(), Some(&new));
    }
    for validate_only in [true, false] {
        let stale = ReplaceSelectionRequest { validate_only, ..with(&old.etag, &[PAUSED]) };
        let stale = replace(&world, stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&new.etag), "{}", stale.message());
    }
    assert_eq!(read(&world, "s").await, new);
    replace(&world, with(&new.etag, &[PAUSED])).await.unwrap();
}

#[tokio::test]
async fn an_interrupted_replacement_with_an_etag_is_finished_by_itself_and_by_no_other_etag() {
    for (operation, after, effect, left) in STOPS {
        let (world, old) = world(&[LABS]).await;
        let request =
            ReplaceSelectionRequest { etag: old.etag.clone(), request_id: request_id(1), ..by("s", &[ORDERS]) };
        stopped(&world, &request, (operation, *after, effect)).await;
        if *left == ["s.replacing"] {
            let other = ReplaceSelectionRequest { request_id: String::new(), ..request.clone() };
            let other = ReplaceSelectionRequest { resources: texts(&[PAUSED]), ..other };
            let changed = replace(&world, other).await.unwrap_err();
            assert_eq!(reason(&changed), (Code::Aborted, "ETAG_MISMATCH".into()));
        }
        let new = replace(&world, request).await.unwrap().selection.unwrap();
        assert_eq!((new.resources, names(&world).await), (texts(&[ORDERS]), texts(&["s"])), "{operation} {effect}");
    }
}

#[tokio::test]
async fn a_dry_run_of_a_replacement_is_refused_as_the_call_would_be() {
    let (world, _) = world(&[LABS]).await;
    let dry = |request: ReplaceSelectionRequest| ReplaceSelectionRequest { validate_only: true, ..request };
    let first = ReplaceSelectionRequest { request_id: request_id(1), ..by("s", &[ORDERS]) };
    replace(&world, first.clone()).await.unwrap();
    let reused = ReplaceSelectionRequest { resources: texts(&[PAUSED]), ..first };
    let reused = replace(&world, dry(reused)).await.unwrap_err();
    assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    // Another call is at it.
    stopped(&world, &by("s", &[PAUSED]), ("DeleteBackupSelection", 0, "drop_before")).await;
    let under_way = replace(&world, dry(by("s", &[LABS]))).await.unwrap_err();
    assert_eq!(reason(&under_way), (Code::Aborted, "AWS_CONFLICT".into()));
    replace(&world, by("s", &[PAUSED])).await.unwrap();
    create(&world, "s.replacing", &[ORDERS]).await;
    let taken = replace(&world, dry(by("s", &[LABS]))).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "SELECTION_ALREADY_EXISTS".into()));
    // Nothing needs to stand in for what is there already.
    replace(&world, dry(by("s", &[PAUSED]))).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_replaced_is_told() {
    let (world, old) = world(&[LABS]).await;
    let bad = ReplaceSelectionRequest {
        role: "arn:aws:rds:us-east-1:123456789012:db:x".into(),
        r#match: 9,
        request_id: "1".into(),
        ..by("", &[])
    };
    let told = told(&replace(&world, bad).await.unwrap_err()).fields;
    assert_eq!(told, ["request_id", "selection", "role", "match"]);
    let unknown = "2d8a1f3e-0000-4000-8000-000000000001";
    for missing in ["other", unknown] {
        let missing = replace(&world, by(missing, &[ORDERS])).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "SELECTION_NOT_FOUND".into()));
    }
    let no_plan = ReplaceSelectionRequest { plan: "none".into(), ..by("s", &[ORDERS]) };
    assert_eq!(reason(&replace(&world, no_plan).await.unwrap_err()).1, "PLAN_NOT_FOUND");
    let no_role = ReplaceSelectionRequest { role: "none".into(), ..by("s", &[ORDERS]) };
    assert_eq!(reason(&replace(&world, no_role).await.unwrap_err()).1, "ROLE_NOT_FOUND");
    world.behave(json!({"quotas": {"selections_per_plan": 1}})).await;
    let full = replace(&world, by("s", &[ORDERS])).await.unwrap_err();
    assert_eq!(reason(&full), (Code::ResourceExhausted, "AWS_QUOTA_EXCEEDED".into()));
    assert_eq!(read(&world, "s").await, old);
    // Somebody's own selection has the name that the stand-in would have.
    world.behave(json!({"quotas": {"selections_per_plan": 100}})).await;
    create(&world, "s.replacing", &[ORDERS]).await;
    let taken = replace(&world, by("s", &[ORDERS])).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "SELECTION_ALREADY_EXISTS".into()));
    assert_eq!(names(&world).await, ["s", "s.replacing"]);
}

#[tokio::test]
async fn a_selection_that_aws_does_not_show_yet_is_waited_for() {
    let (world, _) = world(&[LABS]).await;
    let unknown = json!({"error": {"status": 400, "code": "ResourceNotFoundException", "message": "not yet"}});
    // The first one read is the old one.
    world.arm(json!({"operation": "GetBackupSelection", "skip": 1, "next": 2, "effect": unknown})).await;
    let new = replace(&world, by("s", &[ORDERS])).await.unwrap().selection.unwrap();
    assert_eq!(read(&world, "s").await, new);
    assert_eq!(names(&world).await, ["s"]);
}

/// Where the call stops, by the fault that stops it, and what there is then.
const STOPS: &[(&str, u32, &str, &[&str])] = &[
    ("CreateBackupSelection", 0, "drop_before", &["s"]),
    ("CreateBackupSelection", 0, "drop_after", &["s", "s.replacing"]),
    ("DeleteBackupSelection", 0, "drop_before", &["s", "s.replacing"]),
    ("DeleteBackupSelection", 0, "drop_after", &["s.replacing"]),
    ("CreateBackupSelection", 1, "drop_before", &["s.replacing"]),
    ("CreateBackupSelection", 1, "drop_after", &["s", "s.replacing"]),
    ("DeleteBackupSelection", 1, "drop_before", &["s", "s.replacing"]),
    ("DeleteBackupSelection", 1, "drop_after", &["s"]),
];

/// Makes the call stop at an operation of which so many have gone well. What stops it also stops all that would come
/// after it, as a kill would.
async fn stopped(world: &World, request: &ReplaceSelectionRequest, stop: (&str, u32, &str)) {
    let (operation, done, effect) = stop;
    world.arm(json!({"operation": operation, "skip": done, "next": 1, "effect": effect})).await;
    let creates = if operation == "CreateBackupSelection" { done } else { done + 1 };
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "stopped"}});
    for (operation, done) in [("CreateBackupSelection", creates), ("DeleteBackupSelection", done)] {
        world.arm(json!({"operation": operation, "skip": done, "rate": 1.0, "effect": denied})).await;
    }
    let stopped = replace(world, request.clone()).await.unwrap_err();
    assert!(matches!(stopped.code(), Code::PermissionDenied | Code::Unavailable), "{stopped:?}");
    calm(world).await;
}

#[tokio::test]
async fn wherever_it_stops_all_is_backed_up_once_and_the_same_call_finishes_it() {
    for (number, (operation, after, effect, left)) in STOPS.iter().enumerate() {
        let (world, old) = world(&[LABS, ORDERS]).await;
        let request = ReplaceSelectionRequest { request_id: request_id(1), ..by("s", &[ORDERS, PAUSED]) };
        stopped(&world, &request, (operation, *after, effect)).await;
        assert_eq!(names(&world).await, *left, "{operation} {after} {effect}");
        let counts = backed_up_within_a_day(&world).await;
        assert_eq!(counts[ORDERS], 1, "what both select: {operation} {after} {effect}");
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        // By name or the id that was, with the request_id or another.
        let repeated = ReplaceSelectionRequest {
            selection: if number % 2 == 0 { old.id.clone() } else { "s".into() },
            request_id: if number % 3 == 0 { request_id(2) } else { request_id(1) },
            ..request
        };
        let new = replace(&world, repeated).await.unwrap().selection.unwrap();
        assert_eq!((new.name.as_str(), &new.resources), ("s", &texts(&[ORDERS, PAUSED])));
        assert_eq!(names(&world).await, ["s"], "{operation} {after} {effect}");
        let counts = backed_up_within_a_day(&world).await;
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(ORDERS.to_owned(), 1), (PAUSED.to_owned(), 1)]);
    }
}

#[tokio::test]
async fn who_wants_something_else_after_an_interruption_loses_nothing_either() {
    for (operation, after, effect, _) in STOPS {
        let (world, old) = world(&[LABS, ORDERS]).await;
        stopped(&world, &by("s", &[ORDERS, PAUSED]), (operation, *after, effect)).await;
        let other = by("s", &[LABS, ORDERS, "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy"]);
        // While the old selection is there, a stand-in may belong to a call that is under way.
        let left = selections(&world).await;
        if left.len() == 2 && left.iter().any(|selection| selection.id == old.id) {
            let under_way = replace(&world, other.clone()).await.unwrap_err();
            assert_eq!(reason(&under_way), (Code::Aborted, "AWS_CONFLICT".into()));
            world.advance("PT3M").await;
        }
        let new = replace(&world, other).await.unwrap().selection.unwrap();
        assert_eq!(new.resources.len(), 3);
        assert_eq!(names(&world).await, ["s"], "{operation} {after} {effect}");
    }
}

#[tokio::test]
async fn of_two_calls_at_once_one_goes_first_or_both_are_done() {
    let (world, _) = world(&[LABS]).await;
    let (one, other) = tokio::join!(replace(&world, by("s", &[ORDERS])), replace(&world, by("s", &[PAUSED])));
    let refused = [&one, &other].into_iter().filter_map(|answer| answer.as_ref().err());
    for refused in refused {
        assert!(matches!(refused.code(), Code::Aborted | Code::NotFound | Code::Unavailable), "{refused:?}");
    }
    world.advance("PT3M").await;
    let last = replace(&world, by("s", &[LABS, ORDERS])).await.unwrap().selection.unwrap();
    assert_eq!(selections(&world).await.len(), 1);
    assert_eq!(read(&world, "s").await, last);
}
