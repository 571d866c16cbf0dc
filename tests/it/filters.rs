//! A filter that can never match is told, and is no empty list: every field that an RPC reads by, with values that nothing
//! can have, over the whole descriptor set.

mod rows;

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use strongroom::proto::{
    CreatePlanRequest, CreateVaultRequest, DeletePlanRequest, Rule, StartCopyRequest,
    dynamic_codec::{DynamicCodec, path},
};
use tonic::{Code, Request, Response, Status, client::Grpc};
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, prepare, recovery_point},
    cli::run,
    harness::{LABS, World, told},
    recovery_point_changes::continuous_point,
    shapes::{inputs_of, methods, reads},
};

/// How it is told that nothing can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// INVALID_ARGUMENT, of the very field.
    Fault,
    /// NOT_FOUND with this reason.
    Missing(&'static str),
    /// The list is empty, and has a finding with this code.
    Finding(&'static str),
}
use Tells::{Fault, Finding, Missing};

/// A request of an RPC in which one field has a value that nothing matches.
struct Row {
    rpc: &'static str,
    /// What else the request has.
    beside: Value,
    field: &'static str,
    /// The field that is blamed: most often the same.
    blamed: &'static str,
    never: Value,
    tells: Tells,
    /// What the sentence has to say.
    says: String,
    /// A value of the same field with which something is found; absent where the sandbox has no such thing.
    right: Option<Value>,
}

/// Fields of reads that select nothing: with every value that they can have, something is told.
const SELECT_NOTHING: &[&str] = &[
    "ExplainAccessRequest.action",
    "ExplainAccessRequest.groups",
    "ExplainAccessRequest.name",
    "ExplainAccessRequest.principal",
    "ExplainAccessRequest.thing",
    "GetApprovalRequest.approval",
    "GetCoverageRequest.filter.never_ran",
    "ListApprovalsRequest.states",
    "ListPlansRequest.show_deleted",
    "ListPlansRequest.view",
    "ListProtectionRequest.filter.never_ran",
    "ListRecoveryPointsRequest.managed_by_backup_only",
    "PreviewScheduleRequest.runs",
    "PreviewScheduleRequest.start_time",
    "PreviewSelectionRequest.filter",
    "WatchJobsRequest.resume_token",
];

fn row(rpc: &'static str, field: &'static str, never: Value, tells: Tells, says: &str, right: Value) -> Row {
    let right = Some(right).filter(|right| !right.is_null());
    Row { rpc, beside: json!({}), field, blamed: field, never, tells, says: says.to_owned(), right }
}

impl Row {
    /// What else the request has.
    fn beside(self, beside: Value) -> Self {
        Self { beside, ..self }
    }

    /// Another field beside.
    fn with(mut self, field: &str, value: Value) -> Self {
        put(&mut self.beside, field, value);
        self
    }

    /// The field that is blamed, where it is another one.
    fn blames(self, blamed: &'static str) -> Self {
        Self { blamed, ..self }
    }

    /// The sandbox has nothing that a right value would find.
    fn without_right(self) -> Self {
        Self { right: None, ..self }
    }

    fn request(&self, value: &Value) -> Value {
        let mut request = self.beside.clone();
        put(&mut request, self.field, value.clone());
        request
    }
}

fn put(request: &mut Value, field: &str, value: Value) {
    *field.split('.').fold(request, |place, part| &mut place[part]) = value;
}

pub(crate) fn method(name: &str) -> MethodDescriptor {
    methods().into_iter().find(|method| method.name() == name).unwrap()
}

pub(crate) async fn ask(world: &World, rpc: &str, request: Value) -> Result<DynamicMessage, Status> {
    let method = method(rpc);
    let message = DynamicMessage::deserialize(method.input(), request).unwrap();
    let mut client = Grpc::new(world.channel());
    client.ready().await.unwrap();
    client
        .unary(Request::new(message), path(&method)?, DynamicCodec::of_caller(&method))
        .await
        .map(Response::into_inner)
}

/// The codes, fields and sentences of what was found.
pub(crate) fn findings(answer: &DynamicMessage) -> Vec<(String, String, String)> {
    let Some(found) = answer.get_field_by_name("findings") else { return Vec::new() };
    let text = |finding: &DynamicMessage, name: &str| {
        finding.get_field_by_name(name).unwrap().as_str().unwrap_or_default().to_owned()
    };
    let found = found.as_list().unwrap_or_default().iter().filter_map(|finding| finding.as_message());
    found.map(|it| (text(it, "code"), text(it, "field"), text(it, "message"))).collect()
}

/// How many things a list has; `None`: the answer is no list.
fn listed(answer: &DynamicMessage) -> Option<usize> {
    use prost_reflect::ReflectMessage as _;
    let descriptor = answer.descriptor();
    descriptor.get_field_by_name("next_page_token")?;
    let things = descriptor.fields().find(|field| field.is_list() && field.name() != "findings")?;
    Some(answer.get_field(&things).as_list().unwrap().len())
}

/// What there is to find, by its name.
pub(crate) struct Found {
    pub(crate) world: World,
    pub(crate) point: String,
    job: String,
    copy: String,
    pub(crate) plan: String,
    pub(crate) deleted_plan: String,
}

pub(crate) async fn found() -> Found {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    continuous_point(&world).await;
    let vault = CreateVaultRequest { name: "copies".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    let copy = StartCopyRequest {
        recovery_point: point.clone(),
        vault: VAULT.into(),
        destination_vault: "copies".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    };
    let copy = world.jobs().start_copy(copy).await.unwrap().into_inner().job.unwrap().id;
    world.advance("PT1H").await;
    let rule = Rule { name: "daily".into(), vault: VAULT.into(), ..Default::default() };
    let gone = CreatePlanRequest { name: "gone".into(), rules: vec![rule], ..Default::default() };
    let deleted_plan = world.plans().create_plan(gone).await.unwrap().into_inner().plan.unwrap().id;
    world.plans().delete_plan(DeletePlanRequest { plan: "gone".into(), ..Default::default() }).await.unwrap();
    let kept = json!({"vaults": [VAULT], "create_time": {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-03T00:00:00Z"}});
    let hold = json!({"title": "audit", "description": "of the year", "recovery_point_selection": kept});
    ask(&world, "CreateLegalHold", hold).await.unwrap();
    let text = |answer: &DynamicMessage, list: &str| {
        let first = answer.get_field_by_name(list).unwrap().as_list().unwrap()[0].clone();
        first.as_message().unwrap().get_field_by_name("id").unwrap().as_str().unwrap().to_owned()
    };
    let plan = text(&ask(&world, "ListPlans", json!({})).await.unwrap(), "plans");
    let backups = json!({"filter": {"kinds": ["JOB_KIND_BACKUP"]}});
    let job = text(&ask(&world, "ListJobs", backups).await.unwrap(), "jobs");
    Found { world, point, job, copy, plan, deleted_plan }
}

/// An id in other letters.
pub(crate) fn swapped(id: &str) -> String {
    let capitals = id.to_uppercase();
    if capitals == id { id.to_lowercase() } else { capitals }
}

/// What is wrong with the answer to a value that nothing matches; `None`: it is told as it should be.
fn untold(row: &Row, answer: Result<DynamicMessage, Status>) -> Option<String> {
    let says = |text: &str| text.contains(&row.says);
    match (row.tells, answer) {
        (Fault, Err(status)) => {
            let faults = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
            let of_field = |field: &str| field == row.blamed || field.starts_with(&format!("{}[", row.blamed));
            let right = faults.iter().any(|fault| of_field(&fault.field) && says(&fault.description));
            (!right || status.code() != Code::InvalidArgument).then(|| format!("{status:?}"))
        }
        (Missing(reason), Err(status)) => {
            let right = told(&status).reason == reason && status.code() == Code::NotFound && says(status.message());
            (!right).then(|| format!("{status:?}"))
        }
        (Finding(code), Ok(answer)) => {
            let found = findings(&answer);
            let of_field = |field: &str| field == row.blamed;
            let right = found.iter().any(|(is, field, text)| is == code && of_field(field) && says(text));
            (!right || listed(&answer) != Some(0))
                .then(|| format!("{} things, {found:?}", listed(&answer).unwrap_or(0)))
        }
        (_, answer) => Some(format!("{answer:?}")),
    }
}

/// What is wrong with the answer to a value of the field that something matches.
fn not_found(row: &Row, answer: Result<DynamicMessage, Status>) -> Option<String> {
    match answer {
        Err(status) => Some(format!("{status:?}")),
        Ok(answer) if listed(&answer) == Some(0) => Some("an empty list".to_owned()),
        Ok(answer) => match (row.tells, findings(&answer)) {
            (Finding(code), found) if found.iter().any(|(is, ..)| is == code) => Some(format!("{found:?}")),
            _ => None,
        },
    }
}

#[tokio::test]
async fn a_filter_that_can_never_match_is_told_and_the_right_one_finds_something() {
    let found = found().await;
    let mut wrong = Vec::new();
    for row in rows::all(&found) {
        let what = |value: &Value| format!("{} with {} {value}, beside {}", row.rpc, row.field, row.beside);
        let answer = ask(&found.world, row.rpc, row.request(&row.never)).await;
        wrong.extend(
            untold(&row, answer)
                .map(|why| format!("{}: wanted {:?} that says {:?}: {why}", what(&row.never), row.tells, row.says)),
        );
        if let Some(right) = &row.right {
            let answer = ask(&found.world, row.rpc, row.request(right)).await;
            wrong.extend(not_found(&row, answer).map(|why| format!("{}: {why}", what(right))));
        }
    }
    assert!(wrong.is_empty(), "{} of the rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// The fields by which reads choose what they tell. Messages are walked into, criteria and restores aside: what a selection
/// makes of resources and what a restore would do is told of each.
#[tokio::test]
async fn every_field_that_a_read_selects_by_stands_in_the_table() {
    let found = found().await;
    let of_reads: BTreeSet<String> = methods()
        .iter()
        .filter(|method| reads(method))
        .flat_map(inputs_of)
        .filter(|path| !["scope", "page_size", "page_token"].iter().any(|part| path.split('.').any(|it| it == *part)))
        // The function that reads it reads ListJobs's, too.
        .filter(|path| {
            !["WatchJobsRequest.filter.", "SummarizeJobsRequest.filter."].iter().any(|it| path.starts_with(it))
        })
        .filter(|path| !path.contains(".criteria.") && !path.contains(".restore.") && !path.contains(".unsaved."))
        .collect();
    let stands = |row: &Row| format!("{}.{}", method(row.rpc).input().name(), row.field);
    let table: BTreeSet<String> = rows::all(&found).iter().map(stands).collect();
    let exempt: BTreeSet<String> = SELECT_NOTHING.iter().map(|path| (*path).to_owned()).collect();
    let lacking: Vec<_> = of_reads.iter().filter(|path| !table.contains(*path) && !exempt.contains(*path)).collect();
    assert!(of_reads.len() > 40, "the walk finds the fields: {of_reads:?}");
    assert!(lacking.is_empty(), "no row for {lacking:?}");
    let idle: Vec<_> = exempt.iter().filter(|path| table.contains(*path) || !of_reads.contains(*path)).collect();
    assert!(idle.is_empty(), "needs no exemption: {idle:?}");
}

#[tokio::test]
async fn a_list_that_finds_something_asks_nothing_more() {
    let found = found().await;
    // Every look that only an empty list is worth would be struck by these.
    for operation in ["ListBackupVaults", "DescribeDBInstances", "DescribeDBClusters", "GetSupportedResourceTypes"] {
        found.world.arm(json!({"operation": operation, "rate": 1.0, "effect": "throttle"})).await;
    }
    let by_arn =
        json!({"filter": {"kinds": ["JOB_KIND_BACKUP"], "resource": LABS, "resource_types": ["RDS"], "vault": VAULT}});
    for (rpc, request) in [
        ("ListJobs", by_arn),
        ("ListRecoveryPoints", json!({"vault": VAULT, "resource": LABS, "resource_type": "RDS", "plan": found.plan})),
        ("ListRecoveryPoints", json!({"resource": LABS})),
    ] {
        let answer = ask(&found.world, rpc, request).await.unwrap();
        assert!(listed(&answer).unwrap() > 0 && findings(&answer).is_empty(), "{rpc}: {:?}", findings(&answer));
    }
    assert_eq!(found.world.strikes().await, [0; 4]);
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_neither_there_nor_missing() {
    let found = found().await;
    let in_vault = json!({"filter": {"kinds": ["JOB_KIND_BACKUP"], "vault": "prodd"}});
    let typed = json!({"resource_type": "Quantum Store"});
    let cases =
        [("ListBackupVaults", "ListJobs", in_vault), ("GetSupportedResourceTypes", "ListRecoveryPoints", typed)];
    for (operation, rpc, request) in cases {
        let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
        for effect in [json!("throttle"), denied] {
            found.world.arm(json!({"operation": operation, "next": 1, "effect": effect})).await;
            let answer = ask(&found.world, rpc, request.clone()).await.unwrap();
            let codes: Vec<String> = findings(&answer).into_iter().map(|(code, ..)| code).collect();
            assert_eq!(codes, ["NOT_CHECKED"], "{rpc} with {operation} {effect}");
        }
    }
    let answer = ask(&found.world, "ListRecoveryPoints", json!({"resource_type": "Quantum Store"})).await.unwrap_err();
    assert_eq!(told(&answer).fields, ["resource_type"]);
}

#[tokio::test]
async fn the_command_line_tells_it_too() {
    let world = World::start().await;
    prepare(&world).await;
    for (command, says) in [
        (&["job", "list", "--resource-type", "rds"][..], "did you mean RDS?"),
        (&["point", "list", "--resource-type", "RDSS"], "did you mean RDS?"),
        (&["point", "list", "--plan", "nosuch"], "no plan has the name nosuch"),
        (&["resource", "list", "--engine", "postgress"], "did you mean postgres?"),
        (&["point", "list", "--vault", "prodd"], "did you mean prod?"),
    ] {
        let refused = run(&world, command).await;
        assert!(refused.code != 0 && refused.err.contains(says) && refused.out.is_empty(), "{command:?}: {refused:?}");
    }
    let warned = run(&world, &["job", "list", "--kind", "backup", "--vault", "prodd"]).await;
    assert_eq!((warned.code, warned.out.as_str()), (0, "None.\n"), "{warned:?}");
    assert!(warned.err.contains("warning: VAULT_NOT_FOUND: no vault prodd is there now"), "{warned:?}");
    assert!(warned.err.contains("did you mean prod?"), "{warned:?}");
    let json = run(&world, &["job", "list", "--kind", "backup", "--vault", "prodd", "-o", "json"]).await;
    assert!(json.out.contains("\"VAULT_NOT_FOUND\""), "{json:?}");
}
