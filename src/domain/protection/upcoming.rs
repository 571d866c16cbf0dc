//! What will run soon, over all plans, and for which databases.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Survey, Unread};
use crate::domain::{
    Cursor, DatabaseRef, Eligibility, Fault, Finding, PlanRef, Refusal, Resource, ResourceKind, ResourceType, Rule,
    RunningPlan, Scope, Selection,
    backup::{NearWindows, database_unavailable},
};

/// Most databases that one row tells: those of a larger run take several.
const MOST_DATABASES: usize = 1_000;

/// Most databases that a finding names.
const MOST_NAMED: usize = 5;

/// Runs ahead as a request asks for them.
#[derive(Debug, Clone)]
pub struct ListUpcomingRuns {
    /// For so many hours.
    pub hours: u16,
    /// Of this plan alone.
    pub plan: Option<PlanRef>,
    /// For this database alone; of an instance of a cluster its cluster's.
    pub resource: Option<DatabaseRef>,
}

/// Which runs are asked for.
#[derive(Debug, Clone)]
pub struct UpcomingFilter {
    /// For so many hours from the start on.
    pub hours: u16,
    /// From then on; absent: from now.
    pub from: Option<Timestamp>,
    /// Of the plan of that id alone.
    pub plan_id: Option<String>,
    /// For the database of that ARN alone.
    pub resource_arn: Option<String>,
}

/// A run that is ahead, or a part of one that is for more than a thousand.
#[derive(Debug, Clone)]
pub struct UpcomingRun {
    /// Account and region.
    pub scope: Scope,
    /// The plan.
    pub plan: Arc<RunningPlan>,
    /// The rule's place in it.
    pub place: usize,
    /// When it runs.
    pub at: Timestamp,
    /// A job that has not begun by then expires.
    pub start_by: Timestamp,
    /// Which part of the run it is, from 0 on.
    pub part: usize,
    /// ARNs of the databases that it backs up, in their order.
    pub resources: Vec<String>,
    /// How many these are in all parts.
    pub resource_count: usize,
    /// It gives way to another rule of the plan.
    pub overruled: bool,
    /// What will become of it, of the whole run with the first part.
    pub findings: Vec<Finding>,
}

impl UpcomingFilter {
    /// Longest look ahead: a week.
    const MOST_HOURS: u16 = 168;

    /// For how many hours; 0: 24.
    pub fn hours_of(asked: i32) -> Result<u16, Fault> {
        match u16::try_from(asked) {
            Ok(0) => Ok(24),
            Ok(hours) if hours <= Self::MOST_HOURS => Ok(hours),
            _ => Err(format!("is {asked}: give 1–{}, or leave it blank for 24", Self::MOST_HOURS).into()),
        }
    }
}

impl UpcomingRun {
    /// The rule.
    pub fn rule(&self) -> Option<&Rule> {
        self.plan.plan.content.rules.get(self.place)
    }

    /// By which runs are ordered, and that no two have.
    pub fn key(&self) -> (Timestamp, &str, usize, usize) {
        (self.at, &self.plan.plan.id, self.place, self.part)
    }
}

/// The runs ahead, from where a page begins on.
#[derive(Debug, Clone)]
pub struct Upcoming {
    /// When it is so, by AWS's clock.
    pub as_of: Timestamp,
    /// What keeps the list from being whole.
    pub findings: Vec<Finding>,
    from: Timestamp,
    runs: Vec<UpcomingRun>,
}

/// Where a page begins, and from when on its list looks: that stays as it was when the first page was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    from: Timestamp,
    at: Timestamp,
    plan_id: String,
    place: usize,
    part: usize,
}

impl Place {
    fn of(cursor: &Cursor) -> Option<Self> {
        let words: Vec<&str> = cursor.token.as_deref()?.splitn(5, ' ').collect();
        let [from, at, place, part, plan_id] = words[..] else { return None };
        Some(Self {
            from: Timestamp::from_millisecond(from.parse().ok()?).ok()?,
            at: Timestamp::from_second(at.parse().ok()?).ok()?,
            plan_id: plan_id.to_owned(),
            place: place.parse().ok()?,
            part: part.parse().ok()?,
        })
    }

    fn cursor(from: Timestamp, last: &UpcomingRun) -> Cursor {
        let (at, plan_id, place, part) = last.key();
        Cursor::at(format!("{} {} {place} {part} {plan_id}", from.as_millisecond(), at.as_second()))
    }

    fn key(&self) -> (Timestamp, &str, usize, usize) {
        (self.at, &self.plan_id, self.place, self.part)
    }
}

impl Upcoming {
    /// The first so many runs, and where the next page begins.
    pub fn page(&self, size: u16) -> (&[UpcomingRun], Option<Cursor>) {
        let (page, rest) = self.runs.split_at(self.runs.len().min(size.into()));
        let next = page.last().filter(|_| !rest.is_empty()).map(|last| Place::cursor(self.from, last));
        (page, next)
    }
}

/// What a plan makes of the databases.
struct Reach<'s> {
    selected: Vec<&'s Resource>,
    passed_over: Vec<&'s Resource>,
}

impl Survey {
    /// From when on and until when the filter looks.
    pub fn span_of(&self, filter: &UpcomingFilter) -> (Timestamp, Timestamp) {
        let now = self.arrangements.as_of();
        // As precisely as a page's token tells it.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let from = filter.from.unwrap_or(now);
        (from, from.saturating_add(SignedDuration::from_hours(filter.hours.into())).unwrap_or(Timestamp::MAX))
    }

    /// The runs ahead from where the page begins on, and what keeps them from being whole.
    pub fn upcoming_from(&self, filter: UpcomingFilter, cursor: Option<&Cursor>) -> Result<Upcoming, Refusal> {
        let place = cursor.map(|cursor| Place::of(cursor).ok_or_else(Refusal::page_token)).transpose()?;
        let filter = UpcomingFilter { from: place.as_ref().map(|place| place.from), ..filter };
        let (from, _) = self.span_of(&filter);
        let mut runs = self.upcoming(&filter);
        runs.retain(|run| place.as_ref().is_none_or(|place| run.key() > place.key()));
        Ok(Upcoming { as_of: self.arrangements.as_of(), findings: self.findings_of_upcoming(&filter), from, runs })
    }

    /// The runs ahead that are for a database, in the order of time. Runs of rules that select none are none.
    pub fn upcoming(&self, filter: &UpcomingFilter) -> Vec<UpcomingRun> {
        let given = self.arrangements.eligibility();
        let (from, end) = self.span_of(filter);
        let mut all = Vec::new();
        for plan in self.arrangements.plans() {
            let wanted = filter.plan_id.as_ref().is_none_or(|id| *id == plan.id);
            let Some(running) = plan.running().filter(|_| wanted) else { continue };
            let selections: Vec<&Selection> = plan.selections().map(|selection| &**selection).collect();
            let reach = self.reach(&selections, filter, &given);
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
        all.sort_by(|a, b| a.key().cmp(&b.key()));
        all
    }

    /// What keeps the list of runs from being whole.
    pub fn findings_of_upcoming(&self, filter: &UpcomingFilter) -> Vec<Finding> {
        let arrangements = &self.arrangements;
        let mut found: Vec<Finding> = self.unlisted.iter().map(|(_, unread)| unread.finding()).collect();
        found.extend(arrangements.eligibility.as_ref().err().map(Unread::finding));
        found.extend(arrangements.plans.as_ref().err().map(Unread::finding));
        let wanted = |id: &str| filter.plan_id.as_ref().is_none_or(|wanted| wanted == id);
        for plan in arrangements.plans().filter(|plan| wanted(&plan.id)) {
            let unread = plan.selections.as_ref().err().or_else(|| plan.unread());
            found.extend(unread.map(|unread| unread.finding().about(&plan.arn)));
            let Some(running) = plan.running() else { continue };
            for (rule, runs) in running.plan.content.rules.iter().zip(&running.runs) {
                let name = || format!("rule {} of plan {}", rule.name, plan.name);
                found.extend(
                    runs.timetable
                        .as_ref()
                        .err()
                        .map(|fault| Finding::schedule_not_read(&name(), fault).about(&plan.arn)),
                );
            }
        }
        found
    }

    fn reach(&self, selections: &[&Selection], filter: &UpcomingFilter, given: &Eligibility) -> Reach<'_> {
        let all_in = Eligibility { opt_in: Default::default(), ..given.clone() };
        let wanted = filter.resource_arn.as_deref().map(|arn| self.subject(arn));
        let databases = self.databases.values().filter(|it| wanted.is_none_or(|arn| arn == it.arn));
        let selects = |database: &Resource, eligibility: &Eligibility| {
            let candidate = database.candidate();
            selections.iter().any(|selection| selection.selects(&candidate, eligibility))
        };
        let (mut selected, mut passed_over) = (Vec::new(), Vec::new());
        for database in databases.filter(|it| it.member_of().is_none()) {
            if selects(database, given) {
                selected.push(database);
            } else if given.opts_out() && selects(database, &all_in) {
                passed_over.push(database);
            }
        }
        Reach { selected, passed_over }
    }
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
