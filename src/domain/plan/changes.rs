//! What an update does to the backups of a plan, where its rules alone do not show it.

use super::{super::Finding, Rule, findings::days};

impl Rule {
    /// What will surprise about an update of a plan's rules.
    pub fn change_findings(before: &[Self], after: &[Self]) -> Vec<Finding> {
        let gone = before.iter().filter(|old| !after.iter().any(|rule| rule.name == old.name)).map(Self::removed);
        let kept = after.iter().enumerate().filter_map(|(at, rule)| {
            let old = before.iter().find(|old| old.name == rule.name)?;
            Some([rule.schedule_changed(old, at), rule.continuous_point_stops(old, at)])
        });
        gone.chain(kept.flatten().flatten()).collect()
    }

    fn removed(&self) -> Finding {
        let message = format!(
            "rule {} is gone from the plan: what it backed up to vault {}, at {}, kept {}, it no longer backs up; the \
             recovery points that it made stay as long as they were to",
            self.name,
            self.vault,
            self.times(),
            days(self.lifecycle.retention)
        );
        let action = "give every rule that is to stay: an update has all rules of the plan";
        Finding::warning("RULE_REMOVED", message, action).at("rules").about(&self.name)
    }

    /// That the rule runs at other times than it did. A schedule that a request leaves out is the default, so that it can
    /// change without anybody having written one.
    fn schedule_changed(&self, old: &Self, at: usize) -> Option<Finding> {
        if self.runs_as(old) {
            return None;
        }
        let message = format!("rule {} runs at {} now, and ran at {} before", self.name, self.times(), old.times());
        let member = if self.schedule == old.schedule { "schedule_timezone" } else { "schedule" };
        let action = "give schedule and schedule_timezone as they were, if the rule is to run as it did";
        let changed = Finding::warning("SCHEDULE_CHANGED", message, action);
        Some(changed.at(format!("rules[{at}].{member}")).about(&self.name))
    }

    /// Whether both run at the same times, as far as Strongroom can read them; else whether both say the same.
    fn runs_as(&self, other: &Self) -> bool {
        match (self.timetable(), other.timetable()) {
            (Ok(ours), Ok(theirs)) => ours.runs_as(&theirs),
            (Ok(_) | Err(_), _) => self.schedule == other.schedule && self.zone == other.zone,
        }
    }

    /// What the rule says of when it runs.
    fn times(&self) -> String {
        match self.timetable() {
            Ok(timetable) => format!("{} in {}", timetable.schedule, timetable.zone.as_str()),
            Err(_) => format!("{} in {}", self.schedule, self.zone),
        }
    }

    fn continuous_point_stops(&self, old: &Self, at: usize) -> Option<Finding> {
        let (was, is) = (old.lifecycle.retention, self.lifecycle.retention);
        if was == is || !(old.continuous && self.continuous) {
            return None;
        }
        let message = format!(
            "rule {} keeps {} now, and kept {} before: AWS stops the continuous recovery points that it made of RDS, \
             Aurora and S3, and begins new ones at the next run, which reach back no further than that",
            self.name,
            days(is),
            days(was)
        );
        Some(Finding::warning("CONTINUOUS_POINT_STOPS", message, "").at(format!("rules[{at}].lifecycle")))
    }
}
