//! PlanService over the wire: what a selection makes of the resources there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, EnsureServiceRoleRequest, Finding, Job,
    ListJobsRequest, Match, Mismatch, Operator, PreviewFilter, PreviewSelectionRequest, PreviewSelectionResponse,
    PreviewedResource, Rule, SavedSelection, Scope, SelectionCriteria, TagCondition, TagResourceRequest,
    job_origin::Origin, preview_selection_request::Of,
};
use tonic::Code;

use crate::harness::{ACCOUNT, LABS, World, reason, told};

const ROLE: &str = "AWSBackupDefaultServiceRole";
const ORDERS: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";
const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";
const BILLING: &str = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders";
const BUCKET: &str = "arn:aws:s3:::strongroom-exports";

async fn tag(world: &World, arn: &str, key: &str, value: &str) {
    let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let tag = TagResourceRequest { resource: arn.into(), tags, ..Default::default() };
    world.resources().tag_resource(tag).await.unwrap();
}

/// As UpdateRegionSettings would.
async fn opt(world: &World, of_type: &str, opted_in: bool) {
    let body = json!({"ResourceTypeOptInPreference": {of_type: opted_in}});
    let sent = reqwest::Client::new().put(format!("{}/account-settings", world.sandbox())).json(&body).send();
    assert!(sent.await.unwrap().status().is_success());
}

fn condition(key: &str, operator: Operator, value: &str) -> TagCondition {
    TagCondition { key: key.into(), operator: operator.into(), value: value.into() }
}

fn of_production() -> SelectionCriteria {
    SelectionCriteria {
        conditions: vec![condition("Environment", Operator::Equals, "production")],
        ..Default::default()
    }
}

fn of_arns(arns: &[&str]) -> SelectionCriteria {
    SelectionCriteria { resources: arns.iter().map(|&arn| arn.to_owned()).collect(), ..Default::default() }
}

fn unsaved(criteria: SelectionCriteria) -> PreviewSelectionRequest {
    PreviewSelectionRequest { of: Some(Of::Criteria(criteria)), ..Default::default() }
}

fn saved(plan: &str, selection: &str) -> PreviewSelectionRequest {
    let saved = SavedSelection { plan: plan.into(), selection: selection.into() };
    PreviewSelectionRequest { of: Some(Of::Saved(saved)), ..Default::default() }
}

fn production() -> PreviewSelectionRequest {
    unsaved(of_production())
}

async fn preview(world: &World, request: PreviewSelectionRequest) -> PreviewSelectionResponse {
    world.plans().preview_selection(request).await.unwrap().into_inner()
}

/// Every page.
async fn whole(world: &World, mut request: PreviewSelectionRequest) -> Vec<PreviewedResource> {
    let mut resources = Vec::new();
    loop {
        let page = preview(world, request.clone()).await;
        assert!(page.resources.len() <= usize::try_from(request.page_size).unwrap().max(100));
        resources.extend(page.resources);
        if page.next_page_token.is_empty() {
            return resources;
        }
        request.page_token = page.next_page_token;
    }
}

fn find<'a>(answer: &'a PreviewSelectionResponse, arn: &str) -> &'a PreviewedResource {
    let found = answer.resources.iter().find(|resource| resource.arn == arn);
    found.unwrap_or_else(|| panic!("{arn} is not in {answer:?}"))
}

fn mismatch(code: &str, message: &str, field: &str) -> Mismatch {
    Mismatch { code: code.into(), message: message.into(), field: field.into() }
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|finding| finding.code.as_str()).collect()
}

fn told_of(resource: &PreviewedResource) -> Vec<&str> {
    resource.mismatches.iter().map(|mismatch| mismatch.code.as_str()).collect()
}

#[tokio::test]
async fn a_near_miss_is_explained_in_words() {
    let world = World::start().await;
    tag(&world, LABS, "Environment", "Production").await;
    tag(&world, ORDERS, "environment", "production").await;
    let answer = preview(&world, production()).await;
    let labs = find(&answer, LABS);
    assert!(!labs.selected);
    assert_eq!((labs.resource_type.as_str(), labs.name.as_str()), ("RDS", "rdspg-fcj-labs"));
    assert_eq!(labs.tags, BTreeMap::from([("Environment".to_owned(), "Production".to_owned())]));
    assert_eq!(
        labs.mismatches,
        [mismatch(
            "TAG_VALUE_DIFFERS_IN_CASE",
            r#"tag Environment is "Production", wanted "production""#,
            "conditions[0]"
        )]
    );
    assert_eq!(told_of(find(&answer, ORDERS)), ["TAG_KEY_DIFFERS_IN_CASE"]);
    let legacy = find(&answer, LEGACY);
    assert!(legacy.selected && legacy.mismatches.is_empty());
    assert_eq!(legacy.selected_by, "no list of resources or tags: everything, and every condition holds");
    let billing = find(&answer, BILLING);
    assert!(billing.selected && billing.resource_type == "Aurora");
    let member = find(&answer, "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1");
    assert_eq!(told_of(member), ["CLUSTER_MEMBER", "TAG_MISSING"]);
    assert_eq!(
        member.mismatches[0].message,
        "is an instance of cluster aurora-billing: AWS Backup backs up the cluster, not its instances"
    );
    assert_eq!(answer.findings, []);
}

#[tokio::test]
async fn opting_out_of_a_type_is_told_unless_the_selection_names_the_type() {
    let world = World::start().await;
    opt(&world, "RDS", false).await;
    let answer = preview(&world, production()).await;
    let legacy = find(&answer, LEGACY);
    assert_eq!(told_of(legacy), ["RESOURCE_TYPE_OPTED_OUT"]);
    assert!(legacy.mismatches[0].message.starts_with("the settings of us-east-1 opt out of RDS"), "{legacy:?}");
    assert!(find(&answer, BILLING).selected, "another type");
    let named = SelectionCriteria { resources: vec!["arn:aws:rds:*:*:db:*".into()], ..of_production() };
    let legacy = preview(&world, unsaved(named)).await;
    assert_eq!(find(&legacy, LEGACY).selected_by, r#"resources[0] "arn:aws:rds:*:*:db:*", and every condition holds"#);
}

#[tokio::test]
async fn resources_of_other_types_and_arns_that_mean_nothing_are_told_too() {
    let world = World::start().await;
    tag(&world, TABLE, "Environment", "production").await;
    let gone = "arn:aws:rds:us-east-1:123456789012:db:gone";
    let elsewhere = "arn:aws:rds:eu-west-1:123456789012:db:rdspg-orders";
    let queue = "arn:aws:sqs:us-east-1:123456789012:queue";
    let request = unsaved(of_arns(&[TABLE, BUCKET, LABS, gone, elsewhere, queue]));
    let answer = preview(&world, request.clone()).await;
    let arns: Vec<_> = answer.resources.iter().map(|resource| resource.arn.as_str()).collect();
    let distinct: BTreeSet<_> = arns.iter().collect();
    assert_eq!(distinct.len(), arns.len(), "each once: {arns:?}");
    for (arn, of_type, name, expected) in [
        (TABLE, "DynamoDB", "Orders", &[][..]),
        (BUCKET, "S3", "strongroom-exports", &[]),
        (LABS, "RDS", "rdspg-fcj-labs", &[]),
        (gone, "RDS", "gone", &["RESOURCE_MISSING"]),
        (elsewhere, "RDS", "rdspg-orders", &["RESOURCE_OUT_OF_SCOPE"]),
        (queue, "", "queue", &["RESOURCE_TYPE_NOT_SUPPORTED"]),
        (ORDERS, "RDS", "rdspg-orders", &["ARN_NOT_LISTED"]),
    ] {
        let found = find(&answer, arn);
        assert_eq!((found.resource_type.as_str(), found.name.as_str()), (of_type, name), "{arn}");
        assert_eq!(told_of(found), expected, "{arn}");
        assert_eq!(found.selected, expected.is_empty());
        let region = if arn == elsewhere { "eu-west-1" } else { "us-east-1" };
        assert_eq!(found.scope, Some(Scope { account: ACCOUNT.into(), region: region.into() }), "{arn}");
    }
    assert_eq!(find(&answer, gone).mismatches[0].field, "resources[3]");
    assert_eq!(
        codes(&answer.findings),
        ["RESOURCE_OUT_OF_SCOPE", "RESOURCE_MISSING", "RESOURCE_TYPE_NOT_SUPPORTED", "NOT_CHECKED"],
        "a change would be told the same"
    );
    assert_eq!(answer.findings[0].field, "criteria.resources[4]");
    assert!(answer.as_of.is_some());
    // Also when the pages end between them.
    let paged = whole(&world, PreviewSelectionRequest { page_size: 1, ..request }).await;
    assert_eq!(paged, answer.resources);
}

#[tokio::test]
async fn a_page_is_of_the_filtered_list_whatever_its_size() {
    let world = World::start().await;
    for number in 0..130 {
        let form = [
            ("Action", "CreateDBInstance".to_owned()),
            ("Version", "2014-10-31".to_owned()),
            ("DBInstanceIdentifier", format!("fleet-{number}")),
            ("DBInstanceClass", "db.t3.micro".to_owned()),
            ("Engine", "postgres".to_owned()),
            ("AllocatedStorage", "20".to_owned()),
            ("MasterUsername", "master".to_owned()),
            ("MasterUserPassword", "a-long-password".to_owned()),
            ("Tags.Tag.1.Key", "Environment".to_owned()),
            ("Tags.Tag.1.Value", if number % 40 == 7 { "production" } else { "test" }.to_owned()),
        ];
        let body: Vec<_> = form.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let sent = reqwest::Client::new()
            .post(world.sandbox())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
            .send();
        assert!(sent.await.unwrap().status().is_success());
    }
    let all = whole(&world, PreviewSelectionRequest { page_size: 1000, ..production() }).await;
    assert!(all.len() > 130);
    let arns: BTreeSet<_> = all.iter().map(|resource| resource.arn.as_str()).collect();
    assert_eq!(arns.len(), all.len(), "each once");
    for (filter, selected) in [(PreviewFilter::Selected, true), (PreviewFilter::NotSelected, false)] {
        let expected: Vec<_> = all.iter().filter(|resource| resource.selected == selected).cloned().collect();
        for page_size in [1, 3, 50, 1000] {
            let request = PreviewSelectionRequest { filter: filter.into(), page_size, ..production() };
            let first = preview(&world, request.clone()).await;
            assert_eq!(first.resources.len(), expected.len().min(usize::try_from(page_size).unwrap()));
            if page_size > 1 || selected {
                assert_eq!(whole(&world, request).await, expected, "pages of {page_size}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_another_preview_is_refused() {
    let world = World::start().await;
    let first = preview(&world, PreviewSelectionRequest { page_size: 1, ..production() }).await;
    let token = first.next_page_token;
    assert_ne!(token, "");
    for other in
        [PreviewSelectionRequest { filter: PreviewFilter::Selected.into(), ..production() }, unsaved(of_arns(&["*"]))]
    {
        let other = PreviewSelectionRequest { page_token: token.clone(), ..other };
        assert_eq!(told(&world.plans().preview_selection(other).await.unwrap_err()).fields, ["page_token"]);
    }
}

#[tokio::test]
async fn a_preview_is_of_one_thing_and_every_fault_is_told() {
    let world = World::start().await;
    let mut plans = world.plans();
    let bad = PreviewSelectionRequest { filter: 9, page_size: -1, ..saved("a b", "") };
    let told_fields = told(&plans.preview_selection(bad).await.unwrap_err()).fields;
    assert_eq!(told_fields, ["page_size", "saved.plan", "saved.selection", "filter"]);
    let nothing = plans.preview_selection(PreviewSelectionRequest::default()).await.unwrap_err();
    assert_eq!(told(&nothing).fields, ["saved"]);
    let empty = plans.preview_selection(unsaved(SelectionCriteria::default())).await.unwrap_err();
    assert_eq!(told(&empty).fields, ["criteria.conditions"]);
    let bad = SelectionCriteria {
        r#match: Match::Any.into(),
        conditions: vec![condition("a", Operator::Like, "b")],
        ..Default::default()
    };
    let scope = Some(Scope { region: "nowhere".into(), ..Default::default() });
    let bad = PreviewSelectionRequest { scope, ..unsaved(bad) };
    let told_fields = told(&plans.preview_selection(bad).await.unwrap_err()).fields;
    assert_eq!(told_fields, ["scope.region", "criteria.conditions[0].operator"]);
    let missing = plans.preview_selection(saved("none", "none")).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
    let denied = json!({"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "GetResources", "rate": 1.0, "effect": denied})).await;
    let denied = plans.preview_selection(production()).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));
}

/// A world with vault and role, and a plan that runs daily.
async fn prepare(world: &World, plan: &str) {
    let rules = vec![Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() }];
    let plan = CreatePlanRequest { name: plan.into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
}

async fn world() -> World {
    let world = World::start().await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    world.vaults().create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap();
    prepare(&world, "plan").await;
    world
}

#[tokio::test]
async fn what_is_previewed_is_what_the_rule_backs_up() {
    let world = world().await;
    tag(&world, LABS, "Environment", "Production").await;
    tag(&world, TABLE, "Environment", "production").await;
    tag(&world, BUCKET, "Stage", "two words").await;
    opt(&world, "DynamoDB", false).await;
    let every = [
        of_production(),
        of_arns(&["*"]),
        of_arns(&["arn:aws:rds:*:*:cluster:*", TABLE]),
        SelectionCriteria { r#match: Match::Any.into(), ..of_production() },
        SelectionCriteria {
            conditions: vec![condition("Stage", Operator::NotLike, "two *")],
            resources: vec!["arn:aws:s3:::*".into(), "arn:aws:rds:*:*:db:rdspg-*".into()],
            excluded_resources: vec![ORDERS.into()],
            ..Default::default()
        },
        SelectionCriteria { conditions: vec![condition("Environment", Operator::Like, "Prod*")], ..Default::default() },
    ];
    for (number, criteria) in every.into_iter().enumerate() {
        let plan = format!("plan-{number}");
        prepare(&world, &plan).await;
        let create = CreateSelectionRequest {
            plan: plan.clone(),
            name: "s".into(),
            role: ROLE.into(),
            r#match: criteria.r#match,
            conditions: criteria.conditions.clone(),
            resources: criteria.resources.clone(),
            excluded_resources: criteria.excluded_resources.clone(),
            ..Default::default()
        };
        let id = world.plans().create_selection(create).await.unwrap().into_inner().selection.unwrap().plan_id;
        let saved = whole(&world, saved(&plan, "s")).await;
        let selected = |resources: &[PreviewedResource]| -> BTreeSet<String> {
            resources.iter().filter(|resource| resource.selected).map(|resource| resource.arn.clone()).collect()
        };
        assert_eq!(selected(&saved), selected(&whole(&world, unsaved(criteria)).await));
        world.advance("PT24H").await;
        let jobs = ListJobsRequest { page_size: 1000, ..Default::default() };
        let jobs = world.jobs().list_jobs(jobs).await.unwrap().into_inner().jobs;
        let by_plan = |job: &Job| match job.created_by.clone().and_then(|by| by.origin) {
            Some(Origin::Plan(by)) => by.plan_id == id,
            Some(Origin::RestoreTesting(_)) | None => false,
        };
        let of_plan = jobs.into_iter().filter(by_plan);
        let backed_up: BTreeSet<String> = of_plan.map(|job| job.resource_arn).collect();
        assert_eq!(selected(&saved), backed_up, "selection {number}");
        let delete =
            strongroom::proto::DeleteSelectionRequest { plan: id, selection: "s".into(), ..Default::default() };
        world.plans().delete_selection(delete).await.unwrap();
    }
}

#[tokio::test]
async fn a_selection_of_nothing_or_everything_there_is_now_is_warned_of() {
    let world = world().await;
    let create = |name: &str, value: &str, operator: Operator| CreateSelectionRequest {
        plan: "plan".into(),
        name: name.into(),
        role: ROLE.into(),
        conditions: vec![condition("Environment", operator, value)],
        ..Default::default()
    };
    let created = async |request: CreateSelectionRequest| {
        let mut found = world.plans().create_selection(request).await.unwrap().into_inner().findings;
        // Of the plan, whose rule runs in the window of one of them.
        found.retain(|finding| finding.code != "NEAR_BACKUP_WINDOW");
        found
    };
    assert_eq!(codes(&created(create("nothing", "nowhere", Operator::Equals)).await), ["SELECTS_NOTHING_NOW"]);
    let everything = CreateSelectionRequest { validate_only: true, ..create("all", "nowhere", Operator::NotEquals) };
    assert_eq!(codes(&created(everything).await), ["SELECTS_EVERYTHING_NOW"]);
    assert_eq!(codes(&created(create("some", "production", Operator::Equals)).await), [""; 0]);
    let same = unsaved(SelectionCriteria {
        conditions: create("", "nowhere", Operator::Equals).conditions,
        ..Default::default()
    });
    assert_eq!(codes(&preview(&world, same.clone()).await.findings), ["SELECTS_NOTHING_NOW"]);
    let paged = PreviewSelectionRequest { page_size: 1, ..same };
    assert_eq!(codes(&preview(&world, paged).await.findings), [""; 0], "not all was seen");
    // What cannot be read is said to be unknown, and keeps nobody from the selection.
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "DescribeDBInstances", "rate": 1.0, "effect": denied})).await;
    let unknown = created(create("unknown", "nowhere", Operator::Equals)).await;
    assert_eq!(codes(&unknown), ["NOT_CHECKED", "WINDOWS_NOT_CHECKED"]);
}
