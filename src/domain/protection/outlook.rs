//! How it looks for the runs ahead in one account and region: which plans run for which databases, and what of these lets a run fail.
//! Out of a survey, or as it was kept of one.

mod kept;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Survey, Unread, UpcomingFilter, UpcomingRun};
use crate::domain::{
    Eligibility, Finding, KeptFinding, PlanRef, Resource, ResourceKind, ResourceType, Rule, RunningPlan, Scope,
    Selection,
    backup::{NearWindows, database_unavailable},
};

/// Most databases that one row tells: those of a larger run take several.
const MOST_DATABASES: usize = 1_000;

/// Most databases that a finding names.
const MOST_NAMED: usize = 5;

/// Which plans run for which databases.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// Account and region.
    pub scope: Scope,
    plans: Vec<PlanAhead>,
    /// Those that a plan is for, by ARN.
    databases: BTreeMap<String, Resource>,
    /// What keeps it from being whole: of the plan of that id, or of all.
    findings: Vec<(Option<String>, KeptFinding)>,
}

/// What a plan makes of the databases.
#[derive(Debug, Clone)]
struct PlanAhead {
    id: String,
    name: String,
    /// As it runs; absent: it selects nothing, or could not be read.
    running: Option<Arc<RunningPlan>>,
    /// ARNs, in their order.
    selected: Vec<String>,
    /// The same of those that it would select but for the region's opt-in.
    passed_over: Vec<String>,
}

/// The databases that a run is for.
struct Reach<'o> {
    selected: Vec<&'o Resource>,
    passed_over: Vec<&'o Resource>,
}

impl Survey {
    /// How it looks for the runs ahead.
    pub fn outlook(&self) -> Outlook {
        let given = self.arrangements.eligibility();
        let all_in = Eligibility { opt_in: BTreeMap::new(), ..given.clone() };
        let mut plans = Vec::new();
        let mut reached = BTreeSet::new();
        for plan in self.arrangements.plans() {
            let selections: Vec<&Selection> = plan.selections().map(|selection| &**selection).collect();
            let selects = |database: &Resource, eligibility: &Eligibility| {
                let candidate = database.candidate();
                selections.iter().any(|selection| selection.selects(&candidate, eligibility))
            };
            let (mut selected, mut passed_over) = (Vec::new(), Vec::new());
            let running = plan.running();
            let databases = self.databases.values().filter(|it| running.is_some() && it.member_of().is_none());
            for database in databases {
                if selects(database, &given) {
                    selected.push(database.arn.clone());
                } else if given.opts_out() && selects(database, &all_in) {
                    passed_over.push(database.arn.clone());
                }
            }
            reached.extend(selected.iter().chain(&passed_over).cloned());
            let (id, name) = (plan.id.clone(), plan.name.clone());
            plans.push(PlanAhead { id, name, running: running.cloned(), selected, passed_over });
        }
        let databases = self.databases.iter().filter(|(arn, _)| reached.contains(*arn));
        Outlook {
            scope: self.arrangements.scope.clone(),
            plans,
            databases: databases.map(|(arn, database)| (arn.clone(), database.clone())).collect(),
            findings: self.findings_of_outlook(),
        }
    }

    fn findings_of_outlook(&self) -> Vec<(Option<String>, KeptFinding)> {
        let arrangements = &self.arrangements;
        let unlisted = self.unlisted.iter().map(|(_, unread)| unread);
        let whole = unlisted.chain(arrangements.eligibility.as_ref().err()).chain(arrangements.plans.as_ref().err());
        let mut found: Vec<_> = whole.map(|unread| (None, unread.finding().into())).collect();
        for plan in arrangements.plans() {
            let mut of_plan = |finding: Finding| found.push((Some(plan.id.clone()), finding.about(&plan.arn).into()));
            let unread = plan.selections.as_ref().err().or_else(|| plan.unread());
            unread.map(Unread::finding).into_iter().for_each(&mut of_plan);
            let Some(running) = plan.running() else { continue };
            for (rule, runs) in running.plan.content.rules.iter().zip(&running.runs) {
                if let Err(fault) = &runs.timetable {
                    let name = format!("rule {} of plan {}", rule.name, plan.name);
                    of_plan(Finding::schedule_not_read(&name, fault));
                }
            }
        }
        found
    }
}

impl Outlook {
    /// Without plans.
    pub fn nothing(scope: Scope) -> Self {
        Self { scope, plans: Vec::new(), databases: BTreeMap::new(), findings: Vec::new() }
    }

    /// The ids of the plans that are meant.
    pub fn plans_of(&self, meant: &PlanRef) -> Vec<String> {
        let those = |is_meant: &dyn Fn(&PlanAhead) -> bool| {
            let meant = self.plans.iter().filter(|plan| is_meant(plan));
            meant.map(|plan| plan.id.clone()).collect::<Vec<String>>()
        };
        let (of_id, of_name) = match meant {
            PlanRef::Id(id) => (Some(id), None),
            PlanRef::Name(name) => (None, Some(name)),
            PlanRef::IdOrName(id, name) => (Some(id), Some(name)),
        };
        match those(&|plan| of_id == Some(&plan.id)) {
            none if none.is_empty() => those(&|plan| of_name.is_some_and(|name| name.as_str() == plan.name)),
            of_id => of_id,
        }
    }

    /// The runs after one instant and up to another that are for a database. Runs of rules that select none are none.
    pub(super) fn runs(&self, filter: &UpcomingFilter, from: Timestamp, end: Timestamp) -> Vec<UpcomingRun> {
        let mut all = Vec::new();
        for plan in self.plans.iter().filter(|plan| is_meant(filter.plan_ids.as_ref(), &plan.id)) {
            let Some(running) = &plan.running else { continue };
            let reach = self.reach(plan, filter);
            if reach.selected.is_empty() && reach.passed_over.is_empty() {
                continue;
            }
            for (place, runs) in running.runs.iter().enumerate() {
                let Ok(timetable) = &runs.timetable else { continue };
                let ahead = timetable.runs_after(from).map(|run| run.at.timestamp());
                for at in ahead.take_while(|at| *at <= end) {
                    all.extend(reach.rows(running, place, at));
                }
            }
        }
        all
    }

    /// What keeps the list of runs from being whole.
    pub(super) fn findings(&self, filter: &UpcomingFilter) -> Vec<KeptFinding> {
        let meant = |plan: &Option<String>| plan.as_ref().is_none_or(|id| is_meant(filter.plan_ids.as_ref(), id));
        self.findings.iter().filter(|(plan, _)| meant(plan)).map(|(_, finding)| finding.clone()).collect()
    }

    fn reach(&self, plan: &PlanAhead, filter: &UpcomingFilter) -> Reach<'_> {
        let wanted = |arns: &[String]| {
            let meant = arns.iter().filter(|arn| is_meant(filter.resource_arns.as_ref(), arn));
            meant.filter_map(|arn| self.databases.get(arn)).collect()
        };
        Reach { selected: wanted(&plan.selected), passed_over: wanted(&plan.passed_over) }
    }
}

fn is_meant(wanted: Option<&BTreeSet<String>>, one: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(one))
}

impl Reach<'_> {
    /// The rows of a run.
    fn rows(&self, running: &Arc<RunningPlan>, place: usize, at: Timestamp) -> Vec<UpcomingRun> {
        let Some(rule) = running.plan.content.rules.get(place) else { return Vec::new() };
        let other = running.gives_way_at(place, at).and_then(|other| running.plan.content.rules.get(other));
        let row = |part: usize, some: &[&Resource]| UpcomingRun {
            scope: running.plan.scope.clone(),
            plan: Arc::clone(running),
            place,
            at,
            start_by: rule.start_by(at),
            part,
            resources: some.iter().map(|database| database.arn.clone()).collect(),
            resource_count: self.selected.len(),
            overruled: other.is_some(),
            findings: if part == 0 { self.findings(running, rule, at, other) } else { Vec::new() },
        };
        if self.selected.is_empty() {
            return vec![row(0, &[])];
        }
        self.selected.chunks(MOST_DATABASES).enumerate().map(|(part, some)| row(part, some)).collect()
    }

    fn findings(&self, running: &RunningPlan, rule: &Rule, at: Timestamp, other: Option<&Rule>) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(other) = other {
            let message = format!(
                "rule {} makes no backups then: it gives way to rule {}, whose start window overlaps and which keeps its \
                 recovery points longer",
                rule.name, other.name
            );
            found.push(Finding::info("RULE_OVERRULED", message));
            return found;
        }
        let types: BTreeSet<ResourceType> = self.passed_over.iter().map(|it| it.resource_type()).collect();
        for of_type in types {
            let mut of_it = self.passed_over.iter().filter(|it| it.resource_type() == of_type).peekable();
            let Some(first) = of_it.peek().copied() else { continue };
            found.push(Finding::passed_over(&of_type, of_it.count(), &first.arn, &running.plan.scope));
        }
        let action = "move the schedule of the rule, or the windows of the databases";
        let windows = [("RUN_NEAR_BACKUP_WINDOW", "automated backup"), ("RUN_NEAR_MAINTENANCE_WINDOW", "maintenance")];
        for (which, (code, kind)) in windows.into_iter().enumerate() {
            let blocked = |database: &&&Resource| {
                let owned_from = running.continuous.own_windows_from(database);
                owned_from.is_none_or(|from| at < from) && NearWindows::of(database).block(at)[which]
            };
            let near: Vec<&Resource> = self.selected.iter().filter(blocked).copied().collect();
            if let Some(names) = named(&near) {
                let message = format!(
                    "it begins inside or less than an hour before the {kind} window of {names}: AWS lets such jobs fail"
                );
                found.push(Finding::warning(code, message, action));
            }
        }
        let unavailable = |database: &&&Resource| database_unavailable(database).is_some();
        let down: Vec<&Resource> = self.selected.iter().filter(unavailable).copied().collect();
        if let Some(names) = named(&down) {
            let message = format!("{names}: not available now; a job fails unless its database is when it begins");
            found.push(Finding::warning("DATABASE_NOT_AVAILABLE", message, "make them available"));
        }
        found
    }
}

/// `a, b and 3 more`; none of none.
fn named(databases: &[&Resource]) -> Option<String> {
    let noun = |database: &Resource| match database.kind {
        ResourceKind::DbInstance => format!("instance {}", database.id),
        ResourceKind::DbCluster => format!("cluster {}", database.id),
    };
    let names: Vec<String> = databases.iter().take(MOST_NAMED).map(|database| noun(database)).collect();
    let more = databases.len().saturating_sub(MOST_NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!names.is_empty()).then(|| format!("{}{rest}", names.join(", ")))
}
