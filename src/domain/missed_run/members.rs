//! Which rule covers which database, from survey to survey.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Membership, PlanTiming};
use crate::domain::{Arn, DatabaseRef, Eligibility, Resource, RunningPlan, Selection, Survey, VaultRef};

/// What tells a membership from another.
pub(super) type Key = (String, String, String, String, String, bool);

/// The memberships after a survey.
#[derive(Debug, Clone, Default)]
pub struct Renewed {
    /// Those that the survey saw, and those of which it could not tell.
    pub current: Vec<Membership>,
    /// Those that it saw no more: what was due until the survey before is all that was.
    pub ended: Vec<Membership>,
    /// When the plans run that the survey saw, by digest.
    pub timings: BTreeMap<String, PlanTiming>,
}

impl Membership {
    pub(super) fn key(&self) -> Key {
        let Self { database, plan_id, rule_id, timing, passed_over, .. } = self;
        let passed_over = passed_over.is_some();
        (database.arn.clone(), database.made.clone(), plan_id.clone(), rule_id.clone(), timing.clone(), passed_over)
    }
}

impl Survey {
    /// Which rule covers which database now, or would but for the region's opt-in; with when the plans run.
    pub fn members(&self) -> (Vec<Membership>, BTreeMap<String, PlanTiming>) {
        let given = self.arrangements.eligibility();
        let all_in = Eligibility { opt_in: BTreeMap::new(), ..given.clone() };
        let opts_out = given.opts_out();
        let mut timings = BTreeMap::new();
        let mut members = Vec::new();
        for plan in self.arrangements.plans() {
            let Some(running) = plan.running() else { continue };
            let timing = PlanTiming::of(&running.plan.content);
            let digest = timing.digest();
            timings.insert(digest.clone(), timing);
            let selections: Vec<&Arc<Selection>> = plan.selections().collect();
            for database in self.databases.values().filter(|it| it.member_of().is_none()) {
                let selected = selected_by(&selections, database, &given);
                let passed_over = selected.is_empty() && opts_out;
                let selection_ids = if passed_over { selected_by(&selections, database, &all_in) } else { selected };
                if !selection_ids.is_empty() {
                    members.extend(self.of_rules(running, &digest, database, &selection_ids, passed_over));
                }
            }
        }
        (members, timings)
    }

    fn of_rules<'a>(
        &'a self,
        running: &'a RunningPlan,
        timing: &'a str,
        database: &'a Resource,
        selection_ids: &'a [String],
        passed_over: bool,
    ) -> impl Iterator<Item = Membership> + 'a {
        let now = self.arrangements.as_of();
        running.plan.content.rules.iter().map(move |rule| Membership {
            scope: running.plan.scope.clone(),
            database: database.identity(),
            plan_id: running.plan.id.clone(),
            plan_arn: running.plan.arn.clone(),
            plan_name: running.plan.content.name.clone(),
            rule_id: rule.id.clone(),
            selection_ids: selection_ids.to_vec(),
            timing: timing.to_owned(),
            resource_type: database.resource_type(),
            vault_arn: VaultRef::arn_of(&rule.vault, &running.plan.scope),
            passed_over: passed_over.then(|| database.resource_type()),
            since: now,
            until: now,
        })
    }

    /// The memberships of before, renewed by this survey: those that it sees go on from when they began, and those that it
    /// could not tell of, since something could not be read, stay as they were.
    pub fn renew(&self, before: Vec<Membership>) -> Renewed {
        let (members, timings) = self.members();
        let mut before: BTreeMap<Key, Membership> = before.into_iter().map(|member| (member.key(), member)).collect();
        let mut current: Vec<Membership> = members
            .into_iter()
            .map(|member| match before.remove(&member.key()) {
                Some(old) => Membership { since: old.since, ..member },
                None => member,
            })
            .collect();
        let unread = self.plans_not_told_of();
        let (in_doubt, ended): (Vec<_>, Vec<_>) = before.into_values().partition(|member| {
            let seen = self.databases.get(&member.database.arn).map(Resource::identity);
            // Another one has its name: it is gone, whatever could not be read.
            let gone = seen.as_ref().is_some_and(|identity| *identity != member.database);
            let unlisted = seen.is_none() && self.is_unlisted(&member.database.arn);
            let untold = unread.as_ref().is_none_or(|plans| plans.contains(member.plan_id.as_str()));
            !gone && (unlisted || untold)
        });
        current.extend(in_doubt);
        Renewed { current, ended, timings }
    }

    /// The plans of which something could not be read; `None`: their very list.
    fn plans_not_told_of(&self) -> Option<BTreeSet<&str>> {
        let plans = self.arrangements.plans.as_ref().ok()?;
        let untold = plans.iter().filter(|plan| plan.selections.is_err() || plan.unread().is_some());
        Some(untold.map(|plan| plan.id.as_str()).collect())
    }

    fn is_unlisted(&self, arn: &str) -> bool {
        let kind = Arn::parse(arn).ok().and_then(|arn| DatabaseRef::of_arn(&arn)?.kind);
        self.unlisted.iter().any(|(unlisted, _)| Some(*unlisted) == kind)
    }
}

/// Ids of the selections that select the database.
fn selected_by(selections: &[&Arc<Selection>], database: &Resource, eligibility: &Eligibility) -> Vec<String> {
    let candidate = database.candidate();
    let selecting = selections.iter().filter(|selection| selection.selects(&candidate, eligibility));
    selecting.map(|selection| selection.id.clone()).collect()
}
