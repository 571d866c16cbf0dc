//! PlanService over the wire: selections.

use serde_json::{Value, json};
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateSelectionResponse, DeleteSelectionRequest,
    EnsureServiceRoleRequest, GetSelectionRequest, ListSelectionsRequest, Match, Operator, ReplaceSelectionRequest,
    Rule, Selection, TagCondition,
};
use tonic::Code;

use crate::harness::{LABS, World, reason, request_id, told};

const ROLE: &str = "AWSBackupDefaultServiceRole";
const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";

/// A world with a role, and with a plan of the name `plan`.
async fn world() -> World {
    let world = World::start().await;
    prepare(&world).await;
    world
}

async fn prepare(world: &World) {
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let rules = vec![Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() }];
    let plan = CreatePlanRequest { name: "plan".into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
}

fn condition(key: &str, operator: Operator, value: &str) -> TagCondition {
    TagCondition { key: key.into(), operator: operator.into(), value: value.into() }
}

fn by_tags(name: &str) -> CreateSelectionRequest {
    CreateSelectionRequest {
        plan: "plan".into(),
        name: name.into(),
        role: ROLE.into(),
        conditions: vec![
            condition("Environment", Operator::Unspecified, "production"),
            condition("ResourceType", Operator::Equals, "rdspg-fcj"),
        ],
        ..Default::default()
    }
}

async fn created(world: &World, request: CreateSelectionRequest) -> CreateSelectionResponse {
    world.plans().create_selection(request).await.unwrap().into_inner()
}

fn get(selection: &str) -> GetSelectionRequest {
    GetSelectionRequest { plan: "plan".into(), selection: selection.into(), ..Default::default() }
}

async fn read(world: &World, selection: &str) -> Selection {
    world.plans().get_selection(get(selection)).await.unwrap().into_inner().selection.unwrap()
}

/// What the sandbox has, as GetBackupSelection would tell it.
async fn stored(world: &World, selection: &Selection) -> Value {
    let path = format!("{}/backup/plans/{}/selections/{}", world.sandbox(), selection.plan_id, selection.id);
    let answer = reqwest::Client::new().get(path).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["BackupSelection"].clone()
}

#[tokio::test]
async fn all_becomes_conditions_on_every_resource() {
    let world = world().await;
    let answer = created(&world, by_tags("both-tags")).await;
    assert_eq!(answer.findings[0].code, "SELECTS_NOTHING_NOW");
    let selection = answer.selection.unwrap();
    assert_eq!((selection.name.as_str(), selection.role_arn.as_str()), ("both-tags", ROLE_ARN));
    assert_eq!(selection.r#match(), Match::All);
    assert_eq!(selection.conditions[0], condition("Environment", Operator::Equals, "production"));
    assert_eq!(selection.resources, ["*"]);
    assert!(selection.plan_arn.ends_with(&format!(":backup-plan:{}", selection.plan_id)));
    assert_eq!(read(&world, "both-tags").await, selection);
    assert_eq!(read(&world, &selection.id).await, selection);

    let stored = stored(&world, &selection).await;
    assert_eq!(stored["Resources"], json!(["*"]));
    assert_eq!(stored["ListOfTags"], json!([]));
    assert_eq!(
        stored["Conditions"]["StringEquals"],
        json!([
            {"ConditionKey": "aws:ResourceTag/Environment", "ConditionValue": "production"},
            {"ConditionKey": "aws:ResourceTag/ResourceType", "ConditionValue": "rdspg-fcj"},
        ])
    );
}

#[tokio::test]
async fn any_becomes_a_list_of_tags() {
    let world = world().await;
    let request = CreateSelectionRequest { r#match: Match::Any.into(), ..by_tags("either-tag") };
    let selection = created(&world, request).await.selection.unwrap();
    assert_eq!((selection.r#match(), selection.conditions.len()), (Match::Any, 2));
    assert_eq!(selection.resources, [""; 0]);
    let stored = stored(&world, &selection).await;
    assert_eq!(stored["Resources"], json!([]));
    assert_eq!(
        stored["ListOfTags"][0],
        json!({"ConditionType": "STRINGEQUALS", "ConditionKey": "Environment", "ConditionValue": "production"})
    );
    assert_eq!(stored["Conditions"]["StringEquals"], json!([]));
}

#[tokio::test]
async fn what_another_tool_made_is_shown_whole() {
    let world = world().await;
    let plan_id = created(&world, by_tags("ours")).await.selection.unwrap().plan_id;
    let theirs = json!({"BackupSelection": {
        "SelectionName": "theirs",
        "IamRoleArn": ROLE_ARN,
        "NotResources": [LABS],
        "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "a", "ConditionValue": "1"}],
        "Conditions": {"StringNotLike": [{"ConditionKey": "aws:ResourceTag/b", "ConditionValue": "2*"}]},
    }});
    let path = format!("{}/backup/plans/{plan_id}/selections", world.sandbox());
    assert!(reqwest::Client::new().put(path).json(&theirs).send().await.unwrap().status().is_success());
    let shown = read(&world, "theirs").await;
    assert_eq!(shown.r#match(), Match::All);
    assert_eq!(shown.conditions, [condition("b", Operator::NotLike, "2*")]);
    assert_eq!(shown.any_conditions, [condition("a", Operator::Equals, "1")]);
    assert_eq!((shown.resources, shown.excluded_resources), (vec![], vec![LABS.to_owned()]));
}

#[tokio::test]
async fn every_fault_of_a_selection_is_told_at_once() {
    let world = World::start().await;
    let request = CreateSelectionRequest {
        plan: "a b".into(),
        name: String::new(),
        role: "arn:aws:rds:us-east-1:123456789012:db:x".into(),
        r#match: 9,
        conditions: vec![
            condition("aws:ResourceTag/a", Operator::Equals, "1"),
            TagCondition { key: String::new(), operator: 77, value: "x".repeat(257) },
        ],
        resources: vec!["rdspg".into(), LABS.into()],
        excluded_resources: vec!["*".into(); 31],
        request_id: "1".into(),
        ..Default::default()
    };
    let told = told(&world.plans().create_selection(request).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(
        told.fields,
        [
            "request_id",
            "plan",
            "name",
            "role",
            "match",
            "conditions[0].key",
            "conditions[1].key",
            "conditions[1].operator",
            "conditions[1].value",
            "resources[0]",
            "excluded_resources",
        ]
    );
}

#[tokio::test]
async fn what_aws_cannot_say_is_refused() {
    let world = world().await;
    let empty = CreateSelectionRequest { conditions: Vec::new(), ..by_tags("empty") };
    assert_eq!(told(&world.plans().create_selection(empty).await.unwrap_err()).fields, ["conditions"]);
    let like = CreateSelectionRequest {
        r#match: Match::Any.into(),
        conditions: vec![condition("a", Operator::Like, "1*"), condition("b", Operator::Equals, "1")],
        ..by_tags("like")
    };
    assert_eq!(told(&world.plans().create_selection(like).await.unwrap_err()).fields, ["conditions[0].operator"]);
    let many =
        CreateSelectionRequest { conditions: vec![condition("a", Operator::Equals, "1"); 31], ..by_tags("many") };
    assert_eq!(told(&world.plans().create_selection(many).await.unwrap_err()).fields, ["conditions"]);
}

#[tokio::test]
async fn a_selection_of_everything_is_warned_of_and_made() {
    let world = world().await;
    let everything =
        CreateSelectionRequest { conditions: Vec::new(), resources: vec!["*".into()], ..by_tags("everything") };
    let answer = created(&world, everything).await;
    assert_eq!(answer.findings[0].code, "SELECTS_EVERYTHING");
    assert_eq!(answer.selection.unwrap().resources, ["*"]);
}

#[tokio::test]
async fn validate_only_shows_the_selection_and_makes_none() {
    let world = world().await;
    let shown =
        created(&world, CreateSelectionRequest { validate_only: true, ..by_tags("s") }).await.selection.unwrap();
    assert_eq!((shown.id.as_str(), shown.role_arn.as_str()), ("", ROLE_ARN));
    assert_eq!(shown.resources, ["*"]);
    let listed = ListSelectionsRequest { plan: "plan".into(), ..Default::default() };
    assert!(world.plans().list_selections(listed).await.unwrap().into_inner().selections.is_empty());
    let no_plan = CreateSelectionRequest { plan: "none".into(), validate_only: true, ..by_tags("s") };
    assert_eq!(reason(&world.plans().create_selection(no_plan).await.unwrap_err()).1, "PLAN_NOT_FOUND");
    let no_role = CreateSelectionRequest { role: "none".into(), validate_only: true, ..by_tags("s") };
    assert_eq!(reason(&world.plans().create_selection(no_role).await.unwrap_err()).1, "ROLE_NOT_FOUND");
}

#[tokio::test]
async fn the_same_request_creates_one_selection_and_another_one_under_its_id_is_refused() {
    let world = world().await;
    let request = CreateSelectionRequest { request_id: request_id(1), ..by_tags("s") };
    let first = created(&world, request.clone()).await;
    assert_eq!(created(&world, request.clone()).await, first);
    for other in [
        CreateSelectionRequest { name: "other".into(), ..request.clone() },
        CreateSelectionRequest { r#match: Match::Any.into(), ..request.clone() },
        CreateSelectionRequest { excluded_resources: vec![LABS.into()], ..request.clone() },
    ] {
        let reused = world.plans().create_selection(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
    let taken = world.plans().create_selection(by_tags("s")).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "SELECTION_ALREADY_EXISTS".into()));

    // Where AWS answers a repetition with its AlreadyExistsException, the name tells whose selection it is.
    let exists = json!({"error": {"status": 400, "code": "AlreadyExistsException", "message": "exists"}});
    world.arm(json!({"operation": "CreateBackupSelection", "next": 1, "effect": exists})).await;
    assert_eq!(created(&world, request).await, first);
}

#[tokio::test]
async fn a_selection_that_aws_does_not_know_yet_is_answered_as_it_was_asked_for() {
    let world = world().await;
    let unknown = json!({"error": {"status": 400, "code": "ResourceNotFoundException", "message": "not yet"}});
    world.arm(json!({"operation": "GetBackupSelection", "next": 1, "effect": unknown})).await;
    let selection = created(&world, by_tags("s")).await.selection.unwrap();
    assert_eq!(read(&world, "s").await, selection);
}

#[tokio::test]
async fn a_role_just_made_is_waited_for_and_one_that_never_comes_is_told() {
    let world = world().await;
    let propagating = json!({"error": {
        "status": 400,
        "code": "InvalidParameterValueException",
        "message": format!("IAM Role {ROLE_ARN} cannot be assumed by AWS Backup"),
    }});
    world.arm(json!({"operation": "CreateBackupSelection", "next": 1, "effect": propagating})).await;
    created(&world, by_tags("s")).await;

    let impatient = World::start_with(|config| config.aws.role_propagation_wait = std::time::Duration::ZERO).await;
    prepare(&impatient).await;
    impatient.arm(json!({"operation": "CreateBackupSelection", "rate": 1.0, "effect": propagating})).await;
    let refused = impatient.plans().create_selection(by_tags("s")).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "ROLE_NOT_ASSUMABLE".into()));
}

#[tokio::test]
async fn a_missing_plan_and_a_missing_selection_are_told_apart() {
    let world = world().await;
    let plan_missing = (Code::NotFound, "PLAN_NOT_FOUND".to_owned());
    let selection_missing = (Code::NotFound, "SELECTION_NOT_FOUND".to_owned());
    let unknown = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    for selection in [unknown, "none"] {
        assert_eq!(reason(&world.plans().get_selection(get(selection)).await.unwrap_err()), selection_missing);
        let delete = DeleteSelectionRequest { plan: "plan".into(), selection: selection.into(), ..Default::default() };
        assert_eq!(reason(&world.plans().delete_selection(delete.clone()).await.unwrap_err()), selection_missing);
        world.plans().delete_selection(DeleteSelectionRequest { allow_missing: true, ..delete }).await.unwrap();

        let elsewhere = GetSelectionRequest { plan: unknown.into(), ..get(selection) };
        assert_eq!(reason(&world.plans().get_selection(elsewhere).await.unwrap_err()), plan_missing);
    }
    let nowhere = CreateSelectionRequest { plan: unknown.into(), ..by_tags("s") };
    assert_eq!(reason(&world.plans().create_selection(nowhere).await.unwrap_err()), plan_missing);
    let nowhere = ListSelectionsRequest { plan: unknown.into(), ..Default::default() };
    assert_eq!(reason(&world.plans().list_selections(nowhere).await.unwrap_err()), plan_missing);

    // AWS's other word for a missing selection, which reads like that for a missing plan.
    let other_word = json!({"error": {
        "status": 400,
        "code": "InvalidParameterValueException",
        "message": format!("Cannot find Backup plan with ID {unknown}"),
    }});
    world.arm(json!({"operation": "GetBackupSelection", "next": 1, "effect": other_word})).await;
    assert_eq!(reason(&world.plans().get_selection(get(unknown)).await.unwrap_err()), selection_missing);
}

/// Makes the selection select something else, under another id, as somebody else would.
async fn change(world: &World, selection: &str) -> Selection {
    let request = ReplaceSelectionRequest {
        plan: "plan".into(),
        selection: selection.into(),
        resources: vec![LABS.into()],
        ..Default::default()
    };
    world.plans().replace_selection(request).await.unwrap().into_inner().selection.unwrap()
}

#[tokio::test]
async fn a_selection_has_an_etag_and_is_deleted_as_it_was_read_or_not_at_all() {
    let world = world().await;
    let before = created(&world, by_tags("s")).await.selection.unwrap();
    assert_eq!(read(&world, "s").await.etag, before.etag);
    let now = change(&world, "s").await;
    assert!(!before.etag.is_empty() && before.etag != now.etag);
    let listed = ListSelectionsRequest { plan: "plan".into(), ..Default::default() };
    let listed = world.plans().list_selections(listed).await.unwrap().into_inner().selections;
    assert_eq!((listed[0].etag.as_str(), &listed[0].scope), ("", &now.scope));
    assert_eq!(now.scope.as_ref().map(|scope| scope.region.as_str()), Some("us-east-1"));

    let delete = |etag: &str| DeleteSelectionRequest {
        plan: "plan".into(),
        selection: "s".into(),
        etag: etag.into(),
        request_id: request_id(3),
        ..Default::default()
    };
    for validate_only in [true, false] {
        let stale = DeleteSelectionRequest { validate_only, ..delete(&before.etag) };
        let stale = world.plans().delete_selection(stale).await.unwrap_err();
        assert_eq!(reason(&stale), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(stale.message().contains(&now.etag), "{}", stale.message());
    }
    let dry = DeleteSelectionRequest { validate_only: true, ..delete(&now.etag) };
    assert!(!world.plans().delete_selection(dry.clone()).await.unwrap().into_inner().deleted);
    assert_eq!(read(&world, "s").await, now);
    let done = world.plans().delete_selection(delete(&now.etag)).await.unwrap().into_inner();
    assert_eq!((done.deleted, done.request_id), (true, request_id(3)));
    assert_eq!(reason(&world.plans().delete_selection(dry.clone()).await.unwrap_err()).1, "SELECTION_NOT_FOUND");
    for again in [dry, delete(&now.etag)] {
        let again = DeleteSelectionRequest { allow_missing: true, ..again };
        assert!(world.plans().delete_selection(again).await.unwrap().into_inner().deleted);
    }
}

#[tokio::test]
async fn what_cannot_be_told_of_a_selection_is_not_taken_for_missing() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let unknown = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    let fault = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "no"}});
    // AWS says that something is not there, and then not whether that is the plan. The first two looks at it are for the
    // record and for findings.
    world.arm(json!({"operation": "GetBackupPlan", "next": 3, "effect": fault})).await;
    let delete = DeleteSelectionRequest {
        plan: "plan".into(),
        selection: unknown.into(),
        allow_missing: true,
        ..Default::default()
    };
    let unseen = world.plans().delete_selection(delete.clone()).await.unwrap_err();
    assert_eq!(reason(&unseen), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
    assert!(world.plans().delete_selection(delete).await.unwrap().into_inner().deleted);

    // Made, and not to be read: whoever repeats the call gets the answer.
    let request = CreateSelectionRequest { request_id: request_id(1), ..by_tags("s") };
    world.arm(json!({"operation": "GetBackupSelection", "next": 1, "effect": fault})).await;
    let unseen = world.plans().create_selection(request.clone()).await.unwrap_err();
    assert_eq!(reason(&unseen), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let made = created(&world, request).await.selection.unwrap();
    assert_eq!(read(&world, "s").await, made);
}

#[tokio::test]
async fn a_dry_run_of_a_create_finds_the_selection_that_is_in_the_way() {
    let world = world().await;
    let request = CreateSelectionRequest { request_id: request_id(1), ..by_tags("s") };
    let dry = CreateSelectionRequest { validate_only: true, ..request.clone() };
    let shown = created(&world, dry.clone()).await;
    assert_eq!((shown.request_id, shown.selection.unwrap().etag), (request_id(1), String::new()));
    let made = created(&world, request).await.selection;
    assert_eq!(created(&world, dry.clone()).await.selection, made, "what the real call would answer");
    for other in [
        CreateSelectionRequest { name: "other".into(), ..dry.clone() },
        CreateSelectionRequest { r#match: Match::Any.into(), ..dry.clone() },
    ] {
        let reused = world.plans().create_selection(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
    let taken = CreateSelectionRequest { request_id: request_id(2), ..dry };
    let taken = world.plans().create_selection(taken).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "SELECTION_ALREADY_EXISTS".into()));
}

#[tokio::test]
async fn selections_are_listed_page_by_page_and_deleted_by_name() {
    let world = world().await;
    for number in 0..5 {
        created(&world, by_tags(&format!("selection-{number}"))).await;
    }
    let mut request = ListSelectionsRequest { plan: "plan".into(), page_size: 2, ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = world.plans().list_selections(request.clone()).await.unwrap().into_inner();
        assert!(page.selections.len() <= 2);
        assert!(page.selections.iter().all(|s| s.r#match() == Match::Unspecified && s.role_arn == ROLE_ARN));
        names.extend(page.selections.into_iter().map(|selection| selection.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    names.sort();
    assert_eq!(names, ["selection-0", "selection-1", "selection-2", "selection-3", "selection-4"]);
    for name in &names {
        let delete = DeleteSelectionRequest { plan: "plan".into(), selection: name.clone(), ..Default::default() };
        world.plans().delete_selection(delete).await.unwrap();
    }
    let all = ListSelectionsRequest { plan: "plan".into(), ..Default::default() };
    assert!(world.plans().list_selections(all).await.unwrap().into_inner().selections.is_empty());
}
