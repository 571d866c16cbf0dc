//! The selection operations.

use serde::{Deserialize, Serialize};

use super::validate::{SelectionInput, validate};
use super::{Selection, TAG_PERMISSION};
use crate::backup::checks::{self, shorten};
use crate::backup::error;
use crate::backup::json::Epoch;
use crate::backup::matcher::Criteria;
use crate::backup::page::{Page, oldest_first};
use crate::backup::plans::{Plan, check_own};
use crate::backup::rest::{RestReply, RestRequest};
use crate::backup::vaults::check_token;
use crate::call::{AwsError, Call};
use crate::world::World;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CreateInput {
    backup_selection: Option<SelectionInput>,
    creator_request_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateOutput<'s> {
    selection_id: &'s str,
    backup_plan_id: &'s str,
    creation_date: Epoch,
}

impl<'s> CreateOutput<'s> {
    fn of(plan: &'s str, selection: &'s Selection) -> Self {
        Self { selection_id: &selection.id, backup_plan_id: plan, creation_date: selection.created.into() }
    }
}

/// CreateBackupSelection. The role is looked at last: its faults pass by themselves while IAM propagates, and clients
/// repeat the call for them.
pub(super) fn create(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: CreateInput = request.body()?;
    let selection = input.backup_selection.ok_or_else(|| error::missing_parameter("BackupSelection"))?;
    let token = input.creator_request_id.filter(|token| !token.is_empty());
    if let Some(token) = &token {
        check_token("CreatorRequestId", token)?;
    }
    let plan_id = request.path("backupPlanId");
    let quotas = &call.behaviour.quotas;
    let plan = plan(world, call, plan_id)?;
    check_own(&plan.id)?;
    if let Some(made) =
        plan.selections.values().find(|selection| token.is_some() && selection.creator_request_id == token)
    {
        return Ok(RestReply::json(&CreateOutput::of(plan_id, made)));
    }
    let valid = validate(selection, quotas)?;
    if let Some(twin) = plan.selections.values().find(|selection| selection.name == valid.name) {
        let message = "Backup selection with the same name already exists in the backup plan";
        return Err(error::already_exists(message, &plan.arn, twin.creator_request_id.as_deref()));
    }
    if plan.selections.len() >= quotas.selections_per_plan {
        let most = quotas.selections_per_plan;
        return Err(error::limit_exceeded(format!("A backup plan can have at most {most} selections")));
    }
    check_role(world, call, &valid.role_arn)?;
    let selection = Selection {
        id: uuid::Uuid::new_v4().to_string(),
        name: valid.name,
        role_arn: valid.role_arn,
        criteria: valid.criteria,
        created: call.now,
        creator_request_id: token,
    };
    let reply = RestReply::json(&CreateOutput::of(plan_id, &selection));
    plan_mut(world, call, plan_id)?.selections.insert(selection.id.clone(), selection);
    Ok(reply)
}

fn check_role(world: &mut World, call: &Call, role: &str) -> Result<(), AwsError> {
    checks::assumable(world, call, role)?;
    if !call.iam(world).allows(role, TAG_PERMISSION, "*") {
        let shown = shorten(role);
        return Err(error::invalid_parameter(format!("IAM Role {shown} is not authorized to call {TAG_PERMISSION}")));
    }
    Ok(())
}

fn plan<'w>(world: &'w mut World, call: &Call, id: &str) -> Result<&'w Plan, AwsError> {
    call.region(world).backup.plans.active(id).ok_or_else(|| no_such_plan(id))
}

fn plan_mut<'w>(world: &'w mut World, call: &Call, id: &str) -> Result<&'w mut Plan, AwsError> {
    let plan = call.region(world).backup.plans.active_mut(id).ok_or_else(|| no_such_plan(id))?;
    check_own(&plan.id)?;
    Ok(plan)
}

/// **IPV**, not RNF `[T][Q]`.
fn no_such_plan(id: &str) -> AwsError {
    error::invalid_parameter(format!("Cannot find Backup plan with ID {}", shorten(id)))
}

fn no_such_selection(id: &str) -> String {
    format!("Cannot find Backup selection with ID {}", shorten(id))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetOutput<'s> {
    backup_selection: Shown<'s>,
    selection_id: &'s str,
    backup_plan_id: &'s str,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_request_id: Option<&'s str>,
}

/// `BackupSelection` as it goes out: every list and all four operators, empty or not `[X]`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'s> {
    selection_name: &'s str,
    iam_role_arn: &'s str,
    #[serde(flatten)]
    criteria: &'s Criteria,
}

/// GetBackupSelection.
pub(super) fn get(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let plan = plan(world, call, request.path("backupPlanId"))?;
    let id = request.path("selectionId");
    let selection = plan.selections.get(id).ok_or_else(|| error::not_found(no_such_selection(id)))?;
    Ok(RestReply::json(&shown(plan, selection)))
}

/// GetBackupSelection's answer, which `/_sandbox/state` shows too.
pub(in crate::backup) fn shown<'s>(plan: &'s Plan, selection: &'s Selection) -> impl Serialize + use<'s> {
    GetOutput {
        backup_selection: Shown {
            selection_name: &selection.name,
            iam_role_arn: &selection.role_arn,
            criteria: &selection.criteria,
        },
        selection_id: &selection.id,
        backup_plan_id: &plan.id,
        creation_date: selection.created.into(),
        creator_request_id: selection.creator_request_id.as_deref(),
    }
}

/// DeleteBackupSelection: of one that is gone, IPV `[T]`.
pub(super) fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let plan = plan_mut(world, call, request.path("backupPlanId"))?;
    let id = request.path("selectionId");
    match plan.selections.remove(id) {
        Some(_) => Ok(RestReply::empty()),
        None => Err(error::invalid_parameter(no_such_selection(id))),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    backup_selections_list: Vec<ListMember<'s>>,
}

/// `BackupSelectionsListMember`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListMember<'s> {
    selection_id: &'s str,
    selection_name: &'s str,
    backup_plan_id: &'s str,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_request_id: Option<&'s str>,
    iam_role_arn: &'s str,
}

impl<'s> ListMember<'s> {
    fn of(plan: &'s Plan, selection: &'s Selection) -> Self {
        Self {
            selection_id: &selection.id,
            selection_name: &selection.name,
            backup_plan_id: &plan.id,
            creation_date: selection.created.into(),
            creator_request_id: selection.creator_request_id.as_deref(),
            iam_role_arn: &selection.role_arn,
        }
    }
}

/// ListBackupSelections, oldest first.
pub(super) fn list(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let plan = plan(world, call, request.path("backupPlanId"))?;
    let positioned =
        plan.selections.values().map(|selection| (oldest_first(selection.created, &selection.id), selection));
    let (selections, next_token) = page.take(positioned);
    let backup_selections_list = selections.into_iter().map(|selection| ListMember::of(plan, selection)).collect();
    Ok(RestReply::json(&ListOutput { next_token, backup_selections_list }))
}
