//! The rules that cover the database, and which of them gives way to which.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, JudgedSelection, RuleCoverage};
use crate::domain::{Job, Plan, Rule, RuleRuns, RunningPlan};

/// A rule of a plan that covers the database.
#[derive(Debug)]
pub(super) struct Covering<'e> {
    pub(super) evidence: &'e Evidence,
    pub(super) running: &'e RunningPlan,
    pub(super) plan: &'e Plan,
    pub(super) rule: &'e Rule,
    /// Its place in the plan.
    place: usize,
    /// The selections of the plan that select it: at least one.
    pub(super) selections: Vec<&'e JudgedSelection>,
    /// When it runs.
    pub(super) runs: &'e RuleRuns,
}

/// AWS counts in milliseconds and rounds; runs are whole minutes apart.
pub(in crate::domain) const ROUNDING: SignedDuration = SignedDuration::from_secs(60);

impl<'e> Covering<'e> {
    /// Every rule of every plan that covers the database.
    pub(super) fn all(evidence: &'e Evidence) -> Vec<Self> {
        let mut all = Vec::new();
        for running in &evidence.covering_plans {
            let running: &RunningPlan = running;
            let plan = &running.plan;
            let of_plan = |judged: &&JudgedSelection| judged.selection.plan_id == plan.id;
            let selections: Vec<_> =
                evidence.judged.iter().filter(of_plan).filter(|judged| judged.verdict.selected()).collect();
            if selections.is_empty() {
                continue;
            }
            for (place, (rule, runs)) in plan.content.rules.iter().zip(&running.runs).enumerate() {
                all.push(Self { evidence, running, plan, rule, place, selections: selections.clone(), runs });
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
            next_run_at: self.runs.next,
            last_run_at: self.runs.last,
            expected_interval: self.runs.interval,
            overruled: self.runs.gives_way.is_some(),
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

    /// The rule of the plan to which this one gives way at its run at `at`.
    pub(super) fn gives_way_at(&self, at: Timestamp) -> Option<&'e Rule> {
        self.plan.content.rules.get(self.running.gives_way_at(self.place, at)?)
    }
}
