//! A plan as it runs: when each of its rules does, which gives way to which, and how often a backup is promised
//! (docs/aws-backup-semantics.md, section 7.2). Reckoned once as of one moment, for however many databases it covers.

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{ContinuousRuns, Plan, Rule};
use crate::domain::{Fault, Timetable};

/// How far ahead runs are compared with the windows of RDS: both come once a week at least.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most runs looked at; every hour of a week is fewer.
const MOST_RUNS: usize = 700;

/// How many next runs must all give way for a rule to be called idle.
const IDLE_AFTER: usize = 10;

/// A plan, and when its rules run.
#[derive(Debug, Clone)]
pub struct RunningPlan {
    /// The plan.
    pub plan: Plan,
    /// Its rules' runs, in their order.
    pub(in crate::domain) runs: Vec<RuleRuns>,
    pub(in crate::domain) continuous: ContinuousRuns,
}

/// When a rule runs.
#[derive(Debug, Clone)]
pub(in crate::domain) struct RuleRuns {
    /// Its timetable; a fault where Strongroom cannot read it.
    pub(in crate::domain) timetable: Result<Timetable, Fault>,
    /// The latest time before now that its schedule names.
    pub(in crate::domain) last: Option<Timestamp>,
    /// When it runs next.
    pub(in crate::domain) next: Option<Timestamp>,
    /// Its runs in the next seven days; where it has none, the next one.
    pub(in crate::domain) soon: Vec<Timestamp>,
    /// That it gives way at its next run.
    pub(in crate::domain) gives_way: Option<GivesWay>,
    /// The longest time between two backups that it promises.
    pub(in crate::domain) interval: Option<SignedDuration>,
}

/// That a rule gives way to another of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) struct GivesWay {
    /// The other one's place in the plan.
    pub(in crate::domain) to: usize,
    /// At each of the next runs, to that one or others.
    pub(in crate::domain) always: bool,
}

impl RunningPlan {
    /// The plan as it runs from `as_of` on.
    pub fn of(plan: Plan, as_of: Timestamp) -> Self {
        let timetables: Vec<_> = plan.content.rules.iter().map(Rule::timetable).collect();
        let precedence = Precedence { rules: &plan.content.rules, timetables: &timetables };
        let runs: Vec<RuleRuns> = (0..timetables.len()).map(|place| precedence.runs_of(place, as_of)).collect();
        let continuous = ContinuousRuns::of(&plan.content.rules, as_of);
        Self { runs, continuous, plan }
    }

    /// The place of the rule to which the one at `place` gives way at its run at `at`.
    pub(in crate::domain) fn gives_way_at(&self, place: usize, at: Timestamp) -> Option<usize> {
        let rules = &self.plan.content.rules;
        let read = |rule: usize| self.runs.get(rule)?.timetable.as_ref().ok();
        gives_way(rules, &read, place, at).map(|(other, _)| other)
    }

    /// The longest time between two backups that the plan promises a database: that of its tightest rule. `None`: it
    /// promises none, for its rules never run again, or nobody can read when.
    pub fn expected_interval(&self) -> Option<SignedDuration> {
        self.runs.iter().filter_map(|rule| rule.interval).min()
    }
}

/// Rules of one plan, with their timetables.
struct Precedence<'p> {
    rules: &'p [Rule],
    timetables: &'p [Result<Timetable, Fault>],
}

impl Precedence<'_> {
    fn gives_way_at(&self, place: usize, at: Timestamp) -> Option<(usize, Timestamp)> {
        gives_way(self.rules, &|rule| self.timetables.get(rule)?.as_ref().ok(), place, at)
    }

    fn runs_of(&self, place: usize, as_of: Timestamp) -> RuleRuns {
        let timetable = self.timetables[place].clone();
        let mut runs =
            RuleRuns { timetable, last: None, next: None, soon: Vec::new(), gives_way: None, interval: None };
        let Ok(timetable) = &runs.timetable else { return runs };
        runs.last = timetable.latest_before(as_of);
        runs.next = timetable.next_after(as_of);
        let end = as_of.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let ahead = || timetable.runs_after(as_of).map(|run| run.at.timestamp());
        runs.soon = ahead().take_while(|at| *at <= end).take(MOST_RUNS).collect();
        if runs.soon.is_empty() {
            runs.soon.extend(runs.next);
        }
        runs.gives_way = runs.next.and_then(|next| self.gives_way_at(place, next)).map(|(to, _)| GivesWay {
            to,
            always: ahead().take(IDLE_AFTER).all(|run| self.gives_way_at(place, run).is_some()),
        });
        // Where it gives way the database is backed up all the same, when the other rule runs.
        let instead = |run| self.gives_way_at(place, run).map_or(run, |(_, other)| other);
        let may_give_way = (0..self.rules.len()).any(|other| may_give_way(self.rules, place, other));
        runs.interval = timetable.longest_interval(as_of, may_give_way.then_some(&instead));
        runs
    }
}

/// The rule to which the one at `place` gives way at its run at `at`, and that one's run: one that overrules it, or of two
/// that keep equally long and run at once the first in the plan `[I]`.
pub(in crate::domain) fn gives_way<'t>(
    rules: &[Rule],
    timetable: &impl Fn(usize) -> Option<&'t Timetable>,
    place: usize,
    at: Timestamp,
) -> Option<(usize, Timestamp)> {
    let own = rules.get(place)?;
    (0..rules.len()).filter(|other| may_give_way(rules, place, *other)).find_map(|other| {
        let (rule, times) = (rules.get(other)?, timetable(other)?);
        let run = if rule.keeps_longer_than(own) {
            rule.run_that_overrules(times, own, at)
        } else {
            let a_moment_before = at.checked_sub(1.second()).unwrap_or(at);
            times.next_after(a_moment_before).filter(|run| *run == at)
        };
        run.map(|run| (other, run))
    })
}

/// Whether a rule ever gives way to another, by their retention and order alone.
fn may_give_way(rules: &[Rule], place: usize, other: usize) -> bool {
    let (Some(own), Some(rule)) = (rules.get(place), rules.get(other)) else { return false };
    place != other
        && (rule.keeps_longer_than(own) || (other < place && own.lifecycle.retention == rule.lifecycle.retention))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Lifecycle, Retention, Windows, plan::content::PlanContent};

    /// A name, a schedule, hours of the start window and days of retention.
    fn rule((name, schedule, hours, days): (&str, &str, i64, u16)) -> Rule {
        Rule {
            id: String::new(),
            name: name.into(),
            vault: "prod".into(),
            schedule: schedule.into(),
            zone: String::new(),
            windows: Windows { start_minutes: hours * 60, completion_minutes: 10_080 },
            lifecycle: Lifecycle::kept(Retention::Days(days)),
            recovery_point_tags: Default::default(),
            copies: Vec::new(),
            continuous: false,
            air_gapped_vault: None,
            index_types: Vec::new(),
            scan_actions: Vec::new(),
        }
    }

    fn promised(rules: &[(&str, &str, i64, u16)]) -> (Vec<Option<i64>>, Option<i64>) {
        let plan = Plan {
            id: "p".into(),
            arn: String::new(),
            scope: crate::domain::Scope {
                account: crate::domain::AccountId::example(),
                region: crate::domain::RegionName::example(),
            },
            etag: String::new(),
            content: PlanContent {
                name: "plan".into(),
                rules: rules.iter().copied().map(rule).collect(),
                settings: Vec::new(),
                scans: Vec::new(),
            },
            created_at: None,
            last_run_at: None,
            deleted_at: None,
            tags: Default::default(),
            selections: Vec::new(),
            request_id: String::new(),
        };
        let running = RunningPlan::of(plan, "2026-03-04T12:30:00Z".parse().unwrap());
        let hours = |interval: SignedDuration| interval.as_hours();
        let each = running.runs.iter().map(|rule| rule.interval.map(hours)).collect();
        (each, running.expected_interval().map(hours))
    }

    #[test]
    fn the_tightest_rule_that_promises_a_backup_counts() {
        const DAILY: &str = "cron(0 5 ? * * *)";
        for (rules, each, plan) in [
            (vec![("daily", DAILY, 8, 35)], vec![Some(24)], Some(24)),
            (
                vec![("daily", DAILY, 8, 35), ("monthly", "cron(0 20 1 * ? *)", 8, 365)],
                vec![Some(24), Some(744)],
                Some(24),
            ),
            // On Mondays the weekly rule backs up in place of the daily one.
            (
                vec![("daily", DAILY, 8, 35), ("weekly", "cron(0 6 ? * MON *)", 8, 365)],
                vec![Some(25), Some(168)],
                Some(25),
            ),
            // From the morning on the hourly rule gives way for eight hours.
            (vec![("hourly", "cron(0 * ? * * *)", 1, 7), ("daily", DAILY, 8, 35)], vec![Some(8), Some(24)], Some(8)),
            // The daily one never runs: what it promises is what the weekly one keeps.
            (vec![("daily", DAILY, 1, 7), ("longer", DAILY, 1, 35)], vec![Some(24), Some(24)], Some(24)),
            (vec![("over", "cron(0 5 1 1 ? 2020)", 1, 7), ("other", "rate(1 day)", 1, 7)], vec![None, None], None),
            (vec![("other", "rate(1 day)", 1, 90), ("daily", DAILY, 1, 7)], vec![None, Some(24)], Some(24)),
            (vec![], vec![], None),
        ] {
            assert_eq!(promised(&rules), (each, plan), "{rules:?}");
        }
    }
}
