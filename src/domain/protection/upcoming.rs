//! What will run soon, over all plans, and for which databases.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::Outlook;
use crate::domain::{
    Cursor, DatabaseRef, Fault, Finding, KeptFinding, PlanRef, ReadFrom, Refusal, Rule, RunningPlan, Scope,
};

/// Runs ahead as a request asks for them.
#[derive(Debug, Clone)]
pub struct ListUpcomingRuns {
    /// For so many hours.
    pub hours: u16,
    /// Of this plan alone.
    pub plan: Option<PlanRef>,
    /// For this database alone; of an instance of a cluster its cluster's.
    pub resource: Option<DatabaseRef>,
    /// In every account and region that is followed, and not in the request's alone.
    pub all_scopes: bool,
    /// Where from.
    pub read: ReadFrom,
}

/// Which runs are asked for.
#[derive(Debug, Clone)]
pub struct UpcomingFilter {
    /// For so many hours from the start on.
    pub hours: u16,
    /// Of the plans of these ids alone.
    pub plan_ids: Option<BTreeSet<String>>,
    /// For the databases of these ARNs alone.
    pub resource_arns: Option<BTreeSet<String>>,
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
    /// What keeps the list from being whole.
    pub findings: Vec<KeptFinding>,
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
    /// The runs ahead from now on, or of a further page from where that begins on, and what keeps them from being whole: by how it
    /// looks in some accounts and regions.
    pub fn of(
        outlooks: &[Outlook],
        filter: &UpcomingFilter,
        cursor: Option<&Cursor>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let place = cursor.map(|cursor| Place::of(cursor).ok_or_else(Refusal::page_token)).transpose()?;
        // As precisely as a page's token tells it.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let from = place.as_ref().map_or(now, |place| place.from);
        let end = from.saturating_add(SignedDuration::from_hours(filter.hours.into())).unwrap_or(Timestamp::MAX);
        let mut runs: Vec<UpcomingRun> = outlooks.iter().flat_map(|outlook| outlook.runs(filter, from, end)).collect();
        runs.retain(|run| place.as_ref().is_none_or(|place| run.key() > place.key()));
        runs.sort_by(|a, b| a.key().cmp(&b.key()));
        let several = outlooks.len() > 1;
        let findings = outlooks.iter().flat_map(|outlook| {
            let Scope { account, region } = &outlook.scope;
            outlook.findings(filter).into_iter().map(move |finding| match finding.subject.is_empty() && several {
                true => KeptFinding { subject: format!("{account} {region}"), ..finding },
                false => finding,
            })
        });
        let findings = findings.collect();
        Ok(Self { findings, from, runs })
    }

    /// The first so many runs, and where the next page begins.
    pub fn page(&self, size: u16) -> (&[UpcomingRun], Option<Cursor>) {
        let (page, rest) = self.runs.split_at(self.runs.len().min(size.into()));
        let next = page.last().filter(|_| !rest.is_empty()).map(|last| Place::cursor(self.from, last));
        (page, next)
    }
}
