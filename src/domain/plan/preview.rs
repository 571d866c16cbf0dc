//! When the rules of a plan run, and which runs AWS leaves out (docs/aws-backup-semantics.md, section 7.2).

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{ScheduledRun, Timetable},
    Rule,
};

/// What a rule has ahead.
#[derive(Debug, Clone)]
pub struct RulePreview<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// When it runs; absent for what Strongroom cannot read.
    pub timetable: Option<Timetable>,
    /// The next runs, in order.
    pub runs: Vec<PreviewedRun>,
}

/// A run that is ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedRun {
    /// The run.
    pub run: ScheduledRun,
    /// A job that has not started by then expires.
    pub start_by: Timestamp,
    /// AWS runs only another rule, which keeps longer, for a resource of both.
    pub overruled: bool,
}

impl Rule {
    /// The next `count` runs of each of a plan's rules.
    pub fn preview(rules: &[Self], after: Timestamp, count: usize) -> Vec<RulePreview<'_>> {
        let timetables: Vec<_> = rules.iter().map(|rule| rule.timetable().ok()).collect();
        let overruled = |rule: &Self, at: Timestamp| {
            rules.iter().zip(&timetables).any(|(other, timetable)| {
                timetable.as_ref().is_some_and(|timetable| other.overrules(timetable, rule, at))
            })
        };
        let runs = |rule: &Self, timetable: &Timetable| {
            let runs = timetable.runs_after(after).take(count);
            runs.map(|run| {
                let at = run.at.timestamp();
                PreviewedRun { run, start_by: rule.start_by(at), overruled: overruled(rule, at) }
            })
            .collect()
        };
        rules
            .iter()
            .zip(&timetables)
            .map(|(rule, timetable)| RulePreview {
                rule,
                timetable: timetable.clone(),
                runs: timetable.as_ref().map(|timetable| runs(rule, timetable)).unwrap_or_default(),
            })
            .collect()
    }

    /// When the start window of a run closes.
    pub fn start_by(&self, run: Timestamp) -> Timestamp {
        // A window is 100 years at most [M], and the calendar ends in the year 9999.
        run.checked_add(SignedDuration::from_mins(self.windows.start_minutes)).unwrap_or(Timestamp::MAX)
    }

    /// Whether AWS runs only this rule, by its timetable, instead of another one's run at `at`, for a resource of both: it
    /// keeps longer, and the start windows meet `[D]`.
    pub(in crate::domain) fn overrules(&self, timetable: &Timetable, other: &Self, at: Timestamp) -> bool {
        self.run_that_overrules(timetable, other, at).is_some()
    }

    /// The run of this rule, by its timetable, that AWS runs instead of another one's run at `at`.
    pub(super) fn run_that_overrules(&self, timetable: &Timetable, other: &Self, at: Timestamp) -> Option<Timestamp> {
        // They meet when our last run before theirs closes has not closed before theirs opens.
        let meets = || timetable.latest_before(other.start_by(at)).filter(|ours| self.start_by(*ours) > at);
        if self.keeps_longer_than(other) { meets() } else { None }
    }

    /// Whether AWS prefers this rule where the two overlap `[D]`.
    pub(super) fn keeps_longer_than(&self, other: &Self) -> bool {
        self.lifecycle.retention > other.lifecycle.retention
    }
}
