//! What will surprise about a plan's rules.

use jiff::{SignedDuration, Timestamp};

use super::{super::Warning, NewRule};

/// How far ahead rules are compared: every yearly rule runs within it.
const AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

impl NewRule {
    /// What will surprise about these rules of one plan, from `now` on.
    pub fn warnings(rules: &[Self], now: Timestamp) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            rule.warn(&format!("rules[{index}]"), now, &mut warnings);
            let overlaps = rules[..index].iter().filter_map(|earlier| Some((earlier, rule.overlap(earlier, now)?)));
            for (earlier, at) in overlaps {
                warnings.push(Warning {
                    code: "RULES_OVERLAP",
                    message: format!(
                        "the start windows of rules {} and {} overlap, first at {at}: for a resource of both AWS Backup \
                         then runs only the one with the longer retention",
                        earlier.name, rule.name
                    ),
                    field: format!("rules[{index}].schedule"),
                });
            }
        }
        warnings
    }

    fn warn(&self, field: &str, now: Timestamp, warnings: &mut Vec<Warning>) {
        let name = &self.name;
        let mut warn =
            |code, member: &str, message| warnings.push(Warning { code, message, field: format!("{field}.{member}") });
        if self.timetable.next_after(now).is_none() {
            let message = format!("rule {name} never runs: the years of its schedule have passed");
            warn("SCHEDULE_IS_OVER", "schedule", message);
        }
        if self.lifecycle.cold_after_days.is_some() {
            let message = format!(
                "RDS and Aurora have no cold storage: AWS ignores that setting of rule {name} for them and keeps their \
                 recovery points warm"
            );
            warn("COLD_STORAGE_IGNORED", "lifecycle.move_to_cold_storage_after_days", message);
        }
        if self.continuous {
            let message = format!(
                "AWS Backup takes over the backup window and retention of every RDS database that rule {name} backs up: \
                 they can no longer be changed in RDS"
            );
            warn("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "enable_continuous_backup", message);
        }
    }

    /// When the start windows of two rules first overlap. Each step leaps over the runs of one rule that end before the
    /// other's next, so a yearly rule costs an hourly one no more than a few.
    fn overlap(&self, other: &Self, now: Timestamp) -> Option<Timestamp> {
        let window = |rule: &Self| SignedDuration::from_mins(rule.windows.start_minutes);
        let next = |rule: &Self, after| rule.timetable.next_after(after);
        let end = now.checked_add(AHEAD).ok()?;
        let (mut ours, mut theirs) = (next(self, now)?, next(other, now)?);
        while ours.min(theirs) <= end {
            let (earlier, later, window) =
                if ours <= theirs { (ours, theirs, window(self)) } else { (theirs, ours, window(other)) };
            if later.duration_since(earlier) < window {
                return Some(later);
            }
            let after = later.checked_sub(window).ok()?;
            if ours <= theirs {
                ours = next(self, after)?;
            } else {
                theirs = next(other, after)?;
            }
        }
        None
    }
}
