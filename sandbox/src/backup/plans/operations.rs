//! The plan operations, docs/aws-backup-semantics.md, section 1.7.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{AdvancedBackupSetting, Document, PlanInput, Rule, ScanSetting};
use super::{Plan, Plans, Version, check_own, no_such_plan, validate};
use crate::backup::checks::shorten;
use crate::backup::json::Epoch;
use crate::backup::page::{Page, oldest_first};
use crate::backup::rest::{RestReply, RestRequest};
use crate::backup::vaults::check_token;
use crate::backup::{State, announcements, error, selections, tags};
use crate::call::{AwsError, Call};
use crate::world::{Region, World};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CreateInput {
    backup_plan: Option<PlanInput>,
    backup_plan_tags: Option<BTreeMap<String, String>>,
    creator_request_id: Option<String>,
}

/// The answer of Create, Update and Delete; each leaves out what is not its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Changed<'p> {
    backup_plan_id: &'p str,
    backup_plan_arn: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    version_id: &'p str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    advanced_backup_settings: &'p [AdvancedBackupSetting],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scan_settings: &'p [ScanSetting],
}

impl<'p> Changed<'p> {
    fn created(plan: &'p Plan, version: &'p Version) -> Self {
        Self {
            backup_plan_id: &plan.id,
            backup_plan_arn: &plan.arn,
            creation_date: Some(version.created.into()),
            deletion_date: None,
            version_id: &version.id,
            advanced_backup_settings: &version.document.advanced_backup_settings,
            scan_settings: &[],
        }
    }
}

/// CreateBackupPlan.
pub(super) fn create(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: CreateInput = request.body()?;
    let plan = input.backup_plan.ok_or_else(|| error::missing_parameter("BackupPlan"))?;
    let token = input.creator_request_id.filter(|token| !token.is_empty());
    if let Some(token) = &token {
        check_token("CreatorRequestId", token)?;
    }
    let region = call.region(world);
    let plans = &mut region.backup.plans;
    if let Some(made) = plans.all_active().find(|plan| token.is_some() && plan.creator_request_id == token) {
        return Ok(RestReply::json(&Changed::created(made, made.first())));
    }
    let valid = validate::validate(plan, &call.behaviour, call.now)?;
    let given = input.backup_plan_tags.unwrap_or_default();
    tags::check(&given)?;
    tags::check_count(given.len(), &call.behaviour.quotas)?;
    if let Some(twin) = named(plans, &valid.document.name) {
        let token = twin.creator_request_id.as_deref();
        return Err(error::already_exists("Backup plan with the same plan document already exists", &twin.arn, token));
    }
    if plans.all_active().count() >= call.behaviour.quotas.plans {
        return Err(error::limit_exceeded(format!(
            "You have reached the limit of {} backup plans in this region",
            call.behaviour.quotas.plans
        )));
    }
    let id = uuid::Uuid::new_v4().to_string();
    let arn = call.arn("backup", &format!("backup-plan:{id}"));
    if !given.is_empty() {
        region.tags.0.insert(arn.clone(), given);
    }
    let plan = plans.create(id, arn, token, valid, call.now);
    let (reply, id) = (RestReply::json(&Changed::created(plan, plan.current())), plan.id.clone());
    announce(region, call, &id, "CREATED");
    Ok(reply)
}

/// Tells that a plan was made, changed or deleted.
fn announce(region: &mut Region, call: &Call, id: &str, state: &str) {
    let Some(plan) = region.backup.plans.by_id.get(id) else { return };
    let (arn, version) = (plan.arn.clone(), plan.current().id.clone());
    announcements::plan(region, call.now, id, &arn, &version, state);
}

fn named<'p>(plans: &'p Plans, name: &str) -> Option<&'p Plan> {
    plans.all_active().find(|plan| plan.current().document.name == name)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetOutput<'p> {
    backup_plan: &'p Document,
    #[serde(flatten)]
    summary: Summary<'p>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scheduled_runs_preview: Vec<Run<'p>>,
}

/// What GetBackupPlan and both lists say of a version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'p> {
    backup_plan_id: &'p str,
    backup_plan_arn: &'p str,
    version_id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_request_id: Option<&'p str>,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_execution_date: Option<Epoch>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    advanced_backup_settings: &'p [AdvancedBackupSetting],
}

impl<'p> Summary<'p> {
    fn of(plan: &'p Plan, version: &'p Version) -> Self {
        Self {
            backup_plan_id: &plan.id,
            backup_plan_arn: &plan.arn,
            version_id: &version.id,
            creator_request_id: plan.creator_request_id.as_deref(),
            creation_date: version.created.into(),
            deletion_date: plan.deleted.map(Epoch),
            last_execution_date: plan.last_execution.map(Epoch),
            advanced_backup_settings: &version.document.advanced_backup_settings,
        }
    }
}

/// `BackupPlansListMember`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListMember<'p> {
    backup_plan_name: &'p str,
    #[serde(flatten)]
    summary: Summary<'p>,
}

impl<'p> ListMember<'p> {
    fn of(plan: &'p Plan, version: &'p Version) -> Self {
        Self { backup_plan_name: &version.document.name, summary: Summary::of(plan, version) }
    }
}

/// `ScheduledPlanExecutionMember`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Run<'p> {
    execution_time: Epoch,
    rule_id: &'p str,
    rule_execution_type: &'static str,
}

/// GetBackupPlan.
pub(super) fn get(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let preview = match request.query("MaxScheduledRunsPreview") {
        None => 0,
        Some(text) => match text.parse::<usize>() {
            Ok(count @ 0..=10) => count,
            _ => {
                let text = shorten(text);
                return Err(error::invalid_parameter(format!("MaxScheduledRunsPreview must be 0 to 10, not {text:?}")));
            }
        },
    };
    let plan = find(&call.region(world).backup.plans, request)?;
    let version = match request.query("versionId").filter(|id| !id.is_empty()) {
        None => plan.current(),
        Some(id) => plan.version(id).ok_or_else(no_such_plan)?,
    };
    Ok(RestReply::json(&GetOutput {
        backup_plan: &version.document,
        summary: Summary::of(plan, version),
        scheduled_runs_preview: runs_ahead(plan, call.now, preview),
    }))
}

/// The next `count` runs of the current version's rules together, soonest first.
fn runs_ahead(plan: &Plan, now: Timestamp, count: usize) -> Vec<Run<'_>> {
    let ahead = |rule: &Rule| plan.clocks.get(&rule.id).map(|clock| clock.preview(now, count)).unwrap_or_default();
    let mut runs: Vec<(Timestamp, &Rule)> = plan
        .current()
        .document
        .rules
        .iter()
        .flat_map(|rule| ahead(rule).into_iter().map(move |at| (at, rule)))
        .collect();
    runs.sort_by_key(|(at, _)| *at);
    runs.truncate(count);
    // What a continuous rule does depends on each resource: types without it get snapshots [I].
    let kind = |rule: &Rule| if rule.continuous() { "CONTINUOUS_AND_SNAPSHOTS" } else { "SNAPSHOTS" };
    runs.into_iter()
        .map(|(at, rule)| Run { execution_time: at.into(), rule_id: &rule.id, rule_execution_type: kind(rule) })
        .collect()
}

/// The plan that the path names, deleted or not.
pub(super) fn find<'p>(plans: &'p Plans, request: &RestRequest) -> Result<&'p Plan, AwsError> {
    plans.by_id.get(request.path("backupPlanId")).ok_or_else(no_such_plan)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UpdateInput {
    backup_plan: Option<PlanInput>,
}

/// UpdateBackupPlan: replaces every rule by a new version.
pub(super) fn update(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: UpdateInput = request.body()?;
    let plan = input.backup_plan.ok_or_else(|| error::missing_parameter("BackupPlan"))?;
    let id = request.path("backupPlanId");
    let plans = &mut call.region(world).backup.plans;
    check_own(plans.active(id).map_or("", |plan| &plan.id))?;
    let versions = plans.active(id).ok_or_else(no_such_plan)?.versions.len();
    let valid = validate::validate(plan, &call.behaviour, call.now)?;
    if named(plans, &valid.document.name).is_some_and(|twin| twin.id != id) {
        return Err(error::invalid_parameter(format!("Another backup plan is named {} already", valid.document.name)));
    }
    if versions >= call.behaviour.quotas.versions_per_plan {
        return Err(error::limit_exceeded(format!("A backup plan can have at most {versions} versions")));
    }
    let plan = plans.update(id, valid, call.now).ok_or_else(no_such_plan)?;
    let version = plan.current();
    let scan_settings = version.document.scan_settings.as_slice();
    let reply = RestReply::json(&Changed { scan_settings, ..Changed::created(plan, version) });
    announce(call.region(world), call, id, "MODIFIED");
    Ok(reply)
}

/// DeleteBackupPlan: needs the selections gone; the plan stays readable.
pub(super) fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let region = call.region(world);
    let id = request.path("backupPlanId");
    check_own(region.backup.plans.active(id).map_or("", |plan| &plan.id))?;
    let plan = region.backup.plans.delete(id, call.now)?;
    region.tags.0.remove(&plan.arn);
    let reply = RestReply::json(&Changed {
        creation_date: None,
        deletion_date: plan.deleted.map(Epoch),
        advanced_backup_settings: &[],
        ..Changed::created(plan, plan.current())
    });
    announce(region, call, id, "DELETED");
    Ok(reply)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    backup_plans_list: Vec<ListMember<'p>>,
}

/// ListBackupPlans, oldest first.
pub(super) fn list(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let deleted_too = request.query_bool("includeDeleted")?.unwrap_or(false);
    let plans = call.region(world).backup.plans.by_id.values();
    let wanted = plans.filter(|plan| deleted_too || plan.deleted.is_none());
    let (plans, next_token) = page.take(wanted.map(|plan| (oldest_first(plan.created(), &plan.id), plan)));
    let backup_plans_list = plans.into_iter().map(|plan| ListMember::of(plan, plan.current())).collect();
    Ok(RestReply::json(&ListOutput { next_token, backup_plans_list }))
}

/// Every plan and its selections, as `/_sandbox/state` shows them.
pub(in crate::backup) fn overview(backup: &State) -> Value {
    let shown = |plan: &Plan| {
        let version = plan.current();
        let whole = GetOutput {
            backup_plan: &version.document,
            summary: Summary::of(plan, version),
            scheduled_runs_preview: Vec::new(),
        };
        let next: BTreeMap<&str, Option<Epoch>> =
            plan.clocks.iter().map(|(rule, clock)| (rule.as_str(), clock.next().map(Epoch))).collect();
        let selections: Vec<_> = plan.selections.values().map(|selection| selections::shown(plan, selection)).collect();
        json!({ "Plan": whole, "NextRuns": next, "Selections": selections })
    };
    backup.plans.by_id.values().map(shown).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListVersionsOutput<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    backup_plan_versions_list: Vec<ListMember<'p>>,
}

/// ListBackupPlanVersions, newest first.
pub(super) fn list_versions(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let plan = find(&call.region(world).backup.plans, request)?;
    // Under a standing clock several versions have one date: their number orders them.
    let numbered = (0..u32::MAX).rev().zip(&plan.versions);
    let (versions, next_token) = page.take(numbered.map(|(number, version)| (format!("{number:010}"), version)));
    let backup_plan_versions_list = versions.into_iter().map(|version| ListMember::of(plan, version)).collect();
    Ok(RestReply::json(&ListVersionsOutput { next_token, backup_plan_versions_list }))
}
