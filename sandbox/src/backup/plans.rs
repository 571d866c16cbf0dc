//! Backup plans: their versions, their selections, and when their rules fire next.

mod agenda;
pub mod document;
mod of_organization;
mod operations;
mod templates;
#[cfg(test)]
pub(in crate::backup) mod tests;
mod validate;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::error;
use super::routes::{Route, route};
use super::selections::Selection;
use crate::call::AwsError;

pub use agenda::{Clock, Firing};
pub(in crate::backup) use of_organization::check_own;
pub(in crate::backup) use operations::overview;
pub(in crate::backup) use validate::is_word;

use agenda::Agenda;
use document::Document;
use validate::Valid;

/// What this noun serves.
pub const ROUTES: &[Route] = &[
    route("PUT", "backup/plans", "CreateBackupPlan", operations::create),
    route("GET", "backup/plans", "ListBackupPlans", operations::list),
    route("GET", "backup/plans/{backupPlanId}", "GetBackupPlan", operations::get),
    route("POST", "backup/plans/{backupPlanId}", "UpdateBackupPlan", operations::update),
    route("DELETE", "backup/plans/{backupPlanId}", "DeleteBackupPlan", operations::delete),
    route("GET", "backup/plans/{backupPlanId}/versions", "ListBackupPlanVersions", operations::list_versions),
    route("GET", "backup/plans/{backupPlanId}/toTemplate", "ExportBackupPlanTemplate", templates::export),
    route("POST", "backup/template/json/toPlan", "GetBackupPlanFromJSON", templates::from_json),
    route("GET", "backup/template/plans", "ListBackupPlanTemplates", templates::list),
    route("GET", "backup/template/plans/{templateId}/toPlan", "GetBackupPlanFromTemplate", templates::get),
];

/// How long a deleted plan can still be read. AWS keeps it longer than anyone measured `[U]`.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Deleted plans kept at most, so that a loop of create and delete under a standing clock stays bounded.
const MOST_DELETED: usize = 1_000;

/// The plans of a region, with what their rules have ahead.
#[derive(Debug, Default)]
pub struct Plans {
    by_id: BTreeMap<String, Plan>,
    agenda: Agenda,
}

/// A plan, active or deleted.
#[derive(Debug)]
pub struct Plan {
    /// Lower-case UUID; `orgs/` before it: of an organization's policy.
    pub id: String,
    /// `arn:aws:backup:R:A:backup-plan:ID`.
    pub arn: String,
    /// What it was made with.
    pub creator_request_id: Option<String>,
    /// When it was deleted; it can be read for a while after that.
    pub deleted: Option<Timestamp>,
    /// When a rule of it last made a job.
    pub last_execution: Option<Timestamp>,
    /// By id.
    pub selections: BTreeMap<String, Selection>,
    /// Of the current rules, by rule id.
    clocks: BTreeMap<String, Clock>,
    /// Oldest first; never empty.
    versions: Vec<Version>,
}

/// One state of a plan. An update adds another.
#[derive(Debug)]
pub struct Version {
    /// Base64 of a UUID's text `[P]`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it says.
    pub document: Document,
}

impl Version {
    fn new(document: Document, now: Timestamp) -> Self {
        Self { id: BASE64_STANDARD.encode(uuid::Uuid::new_v4().to_string()), created: now, document }
    }
}

impl Plan {
    /// The version that rules now.
    pub fn current(&self) -> &Version {
        #[expect(clippy::expect_used, reason = "`Plans::create` makes the first version and nothing takes one away")]
        self.versions.last().expect("a plan has a version")
    }

    fn first(&self) -> &Version {
        self.versions.first().unwrap_or_else(|| self.current())
    }

    fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// When a current rule fires.
    pub fn clock(&self, rule: &str) -> Option<&Clock> {
        self.clocks.get(rule)
    }

    /// When the plan was made.
    pub fn created(&self) -> Timestamp {
        self.first().created
    }
}

impl Plans {
    /// A plan that has not been deleted.
    pub fn active(&self, id: &str) -> Option<&Plan> {
        self.by_id.get(id).filter(|plan| plan.deleted.is_none())
    }

    /// The same, to change its selections.
    pub fn active_mut(&mut self, id: &str) -> Option<&mut Plan> {
        self.by_id.get_mut(id).filter(|plan| plan.deleted.is_none())
    }

    /// Every plan that has not been deleted.
    pub fn all_active(&self) -> impl Iterator<Item = &Plan> {
        self.by_id.values().filter(|plan| plan.deleted.is_none())
    }

    /// The next instant at which a rule fires.
    pub fn next_fire(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    /// Forgets what was deleted long ago.
    pub fn prune(&mut self, now: Timestamp) {
        self.by_id.retain(|_, plan| plan.deleted.is_none_or(|deleted| now.duration_since(deleted) <= REMEMBERED));
    }

    fn create(&mut self, id: String, arn: String, token: Option<String>, valid: Valid, now: Timestamp) -> &Plan {
        let Valid { mut document, schedules } = valid;
        for rule in &mut document.rules {
            rule.id = uuid::Uuid::new_v4().to_string();
        }
        let ids = document.rules.iter().map(|rule| rule.id.clone());
        let clocks: BTreeMap<String, Clock> =
            ids.zip(schedules).map(|(rule, schedule)| (rule, Clock::new(schedule, now))).collect();
        self.agenda.add(&id, &clocks);
        self.by_id.entry(id.clone()).or_insert(Plan {
            id,
            arn,
            creator_request_id: token,
            deleted: None,
            last_execution: None,
            selections: BTreeMap::new(),
            clocks,
            versions: vec![Version::new(document, now)],
        })
    }

    /// Adds a version. A rule whose name stays keeps its id, and its clock too while its schedule stays: what it has
    /// ahead is unchanged.
    fn update(&mut self, id: &str, valid: Valid, now: Timestamp) -> Option<&Plan> {
        let Valid { mut document, schedules } = valid;
        let plan = self.by_id.get_mut(id)?;
        self.agenda.remove(id, &plan.clocks);
        let mut clocks = BTreeMap::new();
        for (rule, schedule) in document.rules.iter_mut().zip(schedules) {
            let before = plan.current().document.rules.iter().find(|before| before.name == rule.name);
            let kept = before.and_then(|before| Some((before, plan.clocks.get(&before.id)?)));
            rule.id = before.map_or_else(|| uuid::Uuid::new_v4().to_string(), |before| before.id.clone());
            let same_times = |before: &document::Rule| {
                before.schedule_expression == rule.schedule_expression
                    && before.schedule_expression_timezone == rule.schedule_expression_timezone
            };
            let clock = match kept {
                Some((before, clock)) if same_times(before) => clock.clone(),
                Some((_, clock)) => Clock { ran: clock.ran, ..Clock::new(schedule, now) },
                None => Clock::new(schedule, now),
            };
            clocks.insert(rule.id.clone(), clock);
        }
        self.agenda.add(id, &clocks);
        plan.clocks = clocks;
        plan.versions.push(Version::new(document, now));
        Some(plan)
    }

    /// Deletes a plan without selections; it stays readable.
    fn delete(&mut self, id: &str, now: Timestamp) -> Result<&Plan, AwsError> {
        let plan = self.by_id.get_mut(id).filter(|plan| plan.deleted.is_none()).ok_or_else(no_such_plan)?;
        if !plan.selections.is_empty() {
            return Err(error::invalid_request(
                "Related backup plan selections must be deleted prior to backup plan deletion",
            ));
        }
        self.agenda.remove(id, &plan.clocks);
        plan.clocks.clear();
        plan.deleted = Some(now);
        self.forget_the_oldest();
        self.by_id.get(id).ok_or_else(no_such_plan)
    }

    fn forget_the_oldest(&mut self) {
        let deleted = self.by_id.values().filter_map(|plan| Some((plan.deleted?, &plan.id)));
        if deleted.clone().count() > MOST_DELETED
            && let Some((_, id)) = deleted.min()
        {
            let id = id.clone();
            self.by_id.remove(&id);
        }
    }
}

/// RNF for a plan or version `[I]`.
fn no_such_plan() -> AwsError {
    error::not_found("Failed reading Backup plan with provided version")
}
