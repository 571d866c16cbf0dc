//! The rules that cover the database, and which of them gives way to which.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, JudgedSelection, RuleCoverage};
use crate::domain::{Job, Plan, Rule, Timetable, invalid::Fault};

/// A rule of a plan that covers the database.
#[derive(Debug)]
pub(super) struct Covering<'e> {
    pub(super) evidence: &'e Evidence,
    pub(super) plan: &'e Plan,
    pub(super) rule: &'e Rule,
    /// The selections of the plan that select it: at least one.
    pub(super) selections: Vec<&'e JudgedSelection>,
    pub(super) timetable: Result<Timetable, Fault>,
    /// When it runs next.
    pub(super) next: Option<Timestamp>,
    /// The latest time before now that its schedule names.
    pub(super) last: Option<Timestamp>,
}

/// AWS counts in milliseconds and rounds; runs are whole minutes apart.
const ROUNDING: SignedDuration = SignedDuration::from_secs(60);

impl<'e> Covering<'e> {
    /// Every rule of every plan that covers the database.
    pub(super) fn all(evidence: &'e Evidence) -> Vec<Self> {
        let mut all = Vec::new();
        for plan in &evidence.covering_plans {
            let selections: Vec<_> = evidence
                .judged
                .iter()
                .filter(|judged| judged.plan_id == plan.id && judged.verdict.selected())
                .collect();
            if selections.is_empty() {
                continue;
            }
            for rule in &plan.content.rules {
                let timetable = rule.timetable();
                let next = timetable.as_ref().ok().and_then(|timetable| timetable.next_after(evidence.now));
                let last = timetable.as_ref().ok().and_then(|timetable| timetable.latest_before(evidence.now));
                all.push(Self { evidence, plan, rule, selections: selections.clone(), timetable, next, last });
            }
        }
        all
    }

    /// For a sentence: `rule daily of plan databases`.
    pub(super) fn name(&self) -> String {
        format!("rule {} of plan {}", self.rule.name, self.plan.content.name)
    }

    /// One row for each selection.
    pub(super) fn coverage(&self) -> impl Iterator<Item = RuleCoverage> {
        let overruled = self.next.is_some_and(|at| self.gives_way_at(at).is_some());
        self.selections.iter().map(move |judged| RuleCoverage {
            scope: self.plan.scope.clone(),
            plan_id: self.plan.id.clone(),
            plan_arn: self.plan.arn.clone(),
            plan_name: self.plan.content.name.clone(),
            rule: self.rule.clone(),
            selection_id: judged.selection.id.clone(),
            selection_name: judged.selection.name.clone(),
            selected_by: judged.verdict.selected_by.clone().unwrap_or_default(),
            role_arn: judged.selection.role_arn.clone(),
            next_run_at: self.next,
            last_run_at: self.last,
            overruled,
        })
    }

    /// Whether the rule made the job. Rules keep their ids when a plan is changed; of old jobs AWS may tell the name alone.
    pub(super) fn made(&self, job: &Job) -> bool {
        job.plan_origin().is_some_and(|by| {
            let same_rule =
                if by.rule_id.is_empty() { by.rule_name == self.rule.name } else { by.rule_id == self.rule.id };
            by.plan_id == self.plan.id && same_rule
        })
    }

    /// Its jobs, the newest first; none where they could not be read.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &'e Job> {
        self.evidence.jobs.iter().flatten().filter(|job| self.made(job))
    }

    /// Whether something of that time is of the run at `run`, or of a later one.
    pub(super) fn since_run(at: Option<Timestamp>, run: Timestamp) -> bool {
        at.is_some_and(|at| at >= run.saturating_sub(ROUNDING).unwrap_or(run))
    }

    /// The rule of the plan to which this one gives way at its run at `at`: one that overrules it, or of two that keep
    /// equally long and run at once the first in the plan `[I]`.
    pub(super) fn gives_way_at(&self, at: Timestamp) -> Option<&'e Rule> {
        let rules = &self.plan.content.rules;
        let own = rules.iter().take_while(|rule| !std::ptr::eq(*rule, self.rule)).count();
        let others = rules.iter().enumerate().filter(|(place, _)| *place != own);
        let gives_way_to = |place: usize, other: &Rule| {
            let Ok(timetable) = other.timetable() else { return false };
            let a_moment_before = at.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(at);
            let equals = place < own && other.lifecycle.retention == self.rule.lifecycle.retention;
            other.overrules(&timetable, self.rule, at) || (equals && timetable.next_after(a_moment_before) == Some(at))
        };
        others.filter(|(place, other)| gives_way_to(*place, other)).map(|(_, other)| other).next()
    }
}
