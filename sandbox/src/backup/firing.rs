//! What falls to be backed up when rules fire: docs/aws-backup-semantics.md, section 7.2.
//!
//! The engine asks [`next_fire`](super::plans::Plans::next_fire), moves the clock there, and calls [`fire`] until that
//! instant is past. Selections are evaluated at that moment: a database tagged yesterday is backed up tonight.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::creator::Creator;
use super::inventory::Inventory;
use super::lifecycle::Lifecycle;
use super::matcher::{Criteria, Resource};
use super::plans::document::{CopyAction, Rule};
use super::plans::{Firing, Plan};
use super::resource_types::Source;
use super::selections::{Selection, TAG_PERMISSION};
use crate::config::Behaviour;
use crate::world::{Account, Region};
use crate::{iam, partition};

/// A rule that fires, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// The instant of the schedule: the jobs' CreationDate.
    pub due: Timestamp,
    /// The plan and rule, as jobs and recovery points name them.
    pub creator: Creator,
    /// The target vault; it may not exist.
    pub vault_name: String,
    /// Jobs must start by `due` plus this.
    pub start_window: SignedDuration,
    /// Started jobs must end within this.
    pub completion_window: SignedDuration,
    /// Of the recovery points; `None` keeps them for ever.
    pub lifecycle: Option<Lifecycle>,
    /// Put on the recovery points beside the resource's own tags.
    pub recovery_point_tags: BTreeMap<String, String>,
    /// Copies to make of each point.
    pub copy_actions: Vec<CopyAction>,
    /// The rule asks for continuous backup where the type can.
    pub continuous: bool,
    /// What to back up: each resource once, in the order of their ARNs.
    pub targets: Vec<Target>,
}

/// A resource to back up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its ARN.
    pub resource_arn: String,
    /// AWS Backup's word for its type.
    pub resource_type: &'static str,
    /// The role of the oldest selection that takes it.
    pub role_arn: String,
}

/// Fires every rule of the earliest instant that is due by `now`, in one region. Empty when nothing is due, and also
/// when what was due gave way to other rules or selected nothing.
pub fn fire(account: &mut Account, region: &str, now: Timestamp, behaviour: &Behaviour) -> Vec<Fired> {
    let Account { regions, iam, .. } = account;
    let iam = iam.of(region);
    let Some(region) = regions.get_mut(region) else { return Vec::new() };
    let due = region.backup.plans.take_due(now);
    if due.is_empty() {
        return Vec::new();
    }
    let Some(plan) = due.iter().find_map(|firing| region.backup.plans.active(&firing.plan)) else { return Vec::new() };
    let running: Vec<(&Firing, Fired)> = {
        let inventory = inventory(region, &plan.arn);
        let running = due.iter().filter_map(|firing| {
            let plan = region.backup.plans.active(&firing.plan)?;
            let rule = plan.current().document.rules.iter().find(|rule| rule.id == firing.rule)?;
            if gives_way(plan, rule, firing.due, &due) {
                return None;
            }
            let targets = targets(region, plan, &inventory, iam, now, behaviour);
            Some((firing, fired(plan, rule, firing.due, targets)))
        });
        running.collect()
    };
    for (firing, fired) in &running {
        region.backup.plans.ran(firing, !fired.targets.is_empty());
    }
    running.into_iter().map(|(_, fired)| fired).filter(|fired| !fired.targets.is_empty()).collect()
}

/// Whether another rule of the plan, whose start window meets this one's, keeps its points longer: AWS Backup runs only
/// that one, comparing the whole windows `[D]`. Rules of equal retention both run `[I]`, unless they fire at once: then the
/// first in the plan does `[I]`.
fn gives_way(plan: &Plan, rule: &Rule, due: Timestamp, firings: &[Firing]) -> bool {
    let rules = &plan.current().document.rules;
    let before = |other: &Rule| rules.iter().find(|any| any.id == other.id || any.id == rule.id) == Some(other);
    let own_end = after(due, rule.start_window_minutes);
    rules.iter().filter(|other| other.id != rule.id).any(|other| {
        let at_once = firings.iter().any(|firing| firing.plan == plan.id && firing.rule == other.id);
        if at_once {
            let (theirs, ours) = (retention(other), retention(rule));
            return theirs > ours || (theirs == ours && before(other));
        }
        let Some(clock) = plan.clock(&other.id).filter(|_| retention(other) > retention(rule)) else { return false };
        let open = clock.ran().is_some_and(|ran| due < after(ran, other.start_window_minutes));
        open || clock.next().is_some_and(|next| next < own_end)
    })
}

/// Days until deletion; for ever is the longest.
fn retention(rule: &Rule) -> i64 {
    rule.lifecycle.as_ref().and_then(|lifecycle| lifecycle.delete_after_days).unwrap_or(i64::MAX)
}

fn after(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}

/// What AWS Backup could back up here: the region's databases, and resources of services that the sandbox does not
/// imitate as far as somebody named them: by tagging them, or by their ARN in a selection. `here` is the ARN of any of
/// the region's plans: a plan backs up only what lies in its own region and account.
fn inventory<'r>(region: &'r Region, here: &str) -> Inventory<'r> {
    let mut arns: BTreeSet<&str> = region.rds.protectable().collect();
    let named = region.backup.plans.all_active().flat_map(|plan| plan.selections.values());
    let named = named.flat_map(|selection| &selection.criteria.resources).filter(|pattern| !pattern.contains('*'));
    let others = region.tags.0.keys().chain(named).map(String::as_str);
    arns.extend(others.filter(|arn| arn.split(':').nth(2) != Some("rds")));
    let resource = |arn| {
        let source = Source::parse(arn).filter(|source| is_here(source, here))?;
        let resource_type = source.resource_type(&region.rds);
        Some(Resource { arn, resource_type, tags: region.tags.0.get(arn) })
    };
    Inventory::new(arns.into_iter().filter_map(resource).collect())
}

/// Whether a resource lies in the region and account of an ARN. An S3 bucket's ARN tells neither.
fn is_here(source: &Source, here: &str) -> bool {
    let place = here.split(':').skip(3);
    partition::in_arn(&source.arn) == partition::in_arn(here)
        && [&source.region, &source.account].into_iter().zip(place).all(|(of, own)| of.is_empty() || of == own)
}

/// The union of the plan's selections.
fn targets(
    region: &Region,
    plan: &Plan,
    inventory: &Inventory<'_>,
    iam: &iam::State,
    now: Timestamp,
    behaviour: &Behaviour,
) -> Vec<Target> {
    let mut selections: Vec<&Selection> = plan.selections.values().collect();
    selections.sort_unstable_by_key(|selection| (selection.created, &selection.id));
    let mut targets = BTreeMap::new();
    for selection in selections {
        let role = &selection.role_arn;
        // Tags are looked up under the role. Where that fails AWS leaves a line in CloudTrail and makes no job [D][Q];
        // a role that is only needed for the backup itself fails the job.
        let usable = || {
            iam.assumable_by_backup(role, now, behaviour.role_propagation).is_ok()
                && iam.allows(role, TAG_PERMISSION, "*")
        };
        if looks_at_tags(&selection.criteria) && !usable() {
            tracing::warn!(
                plan = plan.id,
                selection = selection.id,
                role,
                "selection skipped: its role cannot read tags"
            );
            continue;
        }
        let opted_in = |resource_type: &str| region.backup.settings.opted_in(resource_type, behaviour);
        for resource in inventory.selected(&selection.criteria, opted_in) {
            targets.entry(resource.arn).or_insert_with(|| Target {
                resource_arn: resource.arn.to_owned(),
                resource_type: resource.resource_type,
                role_arn: role.clone(),
            });
        }
    }
    targets.into_values().collect()
}

fn looks_at_tags(criteria: &Criteria) -> bool {
    !criteria.list_of_tags.is_empty() || !criteria.conditions.is_empty()
}

fn fired(plan: &Plan, rule: &Rule, due: Timestamp, targets: Vec<Target>) -> Fired {
    let version = plan.current();
    Fired {
        due,
        creator: Creator {
            backup_plan_id: plan.id.clone(),
            backup_plan_arn: plan.arn.clone(),
            backup_plan_name: version.document.name.clone(),
            backup_plan_version: version.id.clone(),
            backup_rule_id: rule.id.clone(),
            backup_rule_name: rule.name.clone(),
            backup_rule_cron: rule.schedule_expression.clone(),
            backup_rule_timezone: rule.schedule_expression_timezone.clone(),
        },
        vault_name: rule.vault_name.clone(),
        start_window: SignedDuration::from_mins(rule.start_window_minutes),
        completion_window: SignedDuration::from_mins(rule.completion_window_minutes),
        lifecycle: rule.lifecycle.clone().filter(|lifecycle| *lifecycle != Lifecycle::default()),
        recovery_point_tags: rule.recovery_point_tags.clone().unwrap_or_default(),
        copy_actions: rule.copy_actions.clone().unwrap_or_default(),
        continuous: rule.continuous(),
        targets,
    }
}
