//! When the rules of a region's plans fire: one sorted set, so that the next instant costs nothing to find.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Plans;
use crate::backup::schedule::Schedule;

/// A rule's times.
#[derive(Debug, Clone)]
pub struct Clock {
    pub(super) schedule: Schedule,
    /// When it fires next; `None` when its years have run out.
    pub(super) next: Option<Timestamp>,
    /// When it last made jobs, as opposed to giving way to another rule.
    pub(super) ran: Option<Timestamp>,
}

impl Clock {
    pub(super) fn new(schedule: Schedule, now: Timestamp) -> Self {
        let next = schedule.next_after(now);
        Self { schedule, next, ran: None }
    }

    /// When the rule fires next.
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// When it last made jobs.
    pub fn ran(&self) -> Option<Timestamp> {
        self.ran
    }

    /// The next `count` instants after `now`.
    pub(super) fn preview(&self, now: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.schedule.next_after(now), |at| self.schedule.next_after(*at)).take(count).collect()
    }
}

/// A rule whose time has come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// The instant of the schedule, also when the clock has passed it.
    pub due: Timestamp,
    /// The plan's id.
    pub plan: String,
    /// The rule's id.
    pub rule: String,
}

/// Every rule's next instant.
#[derive(Debug, Default)]
pub(super) struct Agenda(BTreeSet<Firing>);

impl Agenda {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|firing| firing.due)
    }

    pub(super) fn add(&mut self, plan: &str, clocks: &BTreeMap<String, Clock>) {
        self.0.extend(entries(plan, clocks));
    }

    pub(super) fn remove(&mut self, plan: &str, clocks: &BTreeMap<String, Clock>) {
        for entry in entries(plan, clocks) {
            self.0.remove(&entry);
        }
    }
}

fn entries(plan: &str, clocks: &BTreeMap<String, Clock>) -> impl Iterator<Item = Firing> {
    clocks
        .iter()
        .filter_map(move |(rule, clock)| Some(Firing { due: clock.next?, plan: plan.to_owned(), rule: rule.clone() }))
}

impl Plans {
    /// Takes the rules of the earliest instant that is due by `now` off the agenda and puts each at its next one.
    pub(in crate::backup) fn take_due(&mut self, now: Timestamp) -> Vec<Firing> {
        let Some(due) = self.agenda.next().filter(|due| *due <= now) else { return Vec::new() };
        let mut taken = Vec::new();
        while self.agenda.next() == Some(due)
            && let Some(firing) = self.agenda.0.pop_first()
        {
            if let Some(clock) = self.clock_mut(&firing.plan, &firing.rule) {
                clock.next = clock.schedule.next_after(due);
                if let Some(next) = clock.next {
                    self.agenda.0.insert(Firing { due: next, ..firing.clone() });
                }
                taken.push(firing);
            }
        }
        taken
    }

    /// Notes that a rule made jobs for `due`.
    pub(in crate::backup) fn ran(&mut self, firing: &Firing, any_job: bool) {
        if let Some(clock) = self.clock_mut(&firing.plan, &firing.rule) {
            clock.ran = Some(firing.due);
        }
        if let Some(plan) = self.active_mut(&firing.plan).filter(|_| any_job) {
            plan.last_execution = Some(firing.due);
        }
    }

    fn clock_mut(&mut self, plan: &str, rule: &str) -> Option<&mut Clock> {
        self.by_id.get_mut(plan)?.clocks.get_mut(rule)
    }
}
