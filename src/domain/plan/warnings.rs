//! What will surprise about a plan's rules.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Retention, Timetable, Warning},
    Rule,
};

/// How far ahead rules are compared: every yearly rule runs within it.
const AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

/// A rule whose schedule was read, and its place in the plan.
struct Placed<'r> {
    rule: &'r Rule,
    at: usize,
    timetable: Timetable,
}

impl Rule {
    /// What will surprise about these rules of one plan, from `now` on.
    pub fn warnings(rules: &[Self], now: Timestamp) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut earlier: Vec<Placed<'_>> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let mut warn = |code, member: &str, message| {
                warnings.push(Warning { code, message, field: format!("rules[{at}].{member}") });
            };
            let name = label(at, rules);
            rule.warn_of_lifecycle(&name, &mut warn);
            if let Some(first) = rule.other_continuous_vault(&rules[..at]) {
                let message = format!(
                    "{} and {name} keep continuous backups in different vaults: a resource has one continuous recovery \
                     point, in the vault of whichever rule runs first, and the other rule makes snapshots of it",
                    label(first, rules)
                );
                warn("CONTINUOUS_IN_SEVERAL_VAULTS", "enable_continuous_backup", message);
            }
            match rule.timetable() {
                Err(fault) => {
                    let message = format!("AWS runs {name} by a schedule that Strongroom cannot read: {fault}");
                    warn("SCHEDULE_NOT_READ", "schedule", message);
                }
                Ok(timetable) => {
                    if timetable.next_after(now).is_none() {
                        let message = format!("{name} never runs: the years of its schedule have passed");
                        warn("SCHEDULE_IS_OVER", "schedule", message);
                    }
                    let placed = Placed { rule, at, timetable };
                    for other in &earlier {
                        if let Some(first) = placed.overlap(other, now) {
                            warn("RULES_OVERLAP", "schedule", overlap_message(other, &placed, rules, first));
                        }
                    }
                    earlier.push(placed);
                }
            }
        }
        warnings
    }

    /// What an update of a plan's rules will surprise with.
    pub fn change_warnings(before: &[Self], after: &[Self]) -> Vec<Warning> {
        let changed = after.iter().enumerate().filter_map(|(at, rule)| {
            let old = before.iter().find(|old| old.name == rule.name && old.continuous && rule.continuous)?;
            let (was, is) = (old.lifecycle.retention, rule.lifecycle.retention);
            (was != is).then(|| Warning {
                code: "CONTINUOUS_POINT_STOPS",
                message: format!(
                    "rule {} keeps {} now, and kept {} before: AWS stops the continuous recovery points that it made of RDS, \
                     Aurora and S3, and begins new ones at the next run, which reach back no further than that",
                    rule.name,
                    days(is),
                    days(was)
                ),
                field: format!("rules[{at}].lifecycle"),
            })
        });
        changed.collect()
    }

    fn warn_of_lifecycle(&self, name: &str, warn: &mut impl FnMut(&'static str, &str, String)) {
        if self.lifecycle.cold_after_days.is_some() {
            let message = format!(
                "RDS and Aurora have no cold storage: AWS ignores that setting of {name} for them and keeps their recovery \
                 points warm"
            );
            warn("COLD_STORAGE_IGNORED", "lifecycle.move_to_cold_storage_after_days", message);
        }
        if self.continuous {
            let message = format!(
                "AWS Backup takes over the backup window and retention of every RDS database that {name} backs up: they can \
                 no longer be changed in RDS"
            );
            warn("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "enable_continuous_backup", message);
        }
    }

    /// The place of the first continuous rule before this one, when both name vaults, and different ones.
    fn other_continuous_vault(&self, before: &[Self]) -> Option<usize> {
        let first = before.iter().position(|rule| rule.continuous)?;
        let (ours, theirs) = (&self.target_vault, &before.get(first)?.target_vault);
        (self.continuous && ours != theirs && !ours.is_empty() && !theirs.is_empty()).then_some(first)
    }
}

/// What a message calls a rule.
fn label(at: usize, rules: &[Rule]) -> String {
    match rules.get(at).map(|rule| rule.name.as_str()) {
        None | Some("") => format!("rules[{at}]"),
        Some(name) => format!("rule {name}"),
    }
}

fn days(retention: Retention) -> String {
    match retention {
        Retention::Days(_) => format!("for {retention}"),
        Retention::Forever => retention.to_string(),
    }
}

/// AWS compares the whole start windows and runs only the rule with the longer retention `[D]`; of two that keep equally long
/// it does not say which `[U]`.
fn overlap_message(one: &Placed<'_>, other: &Placed<'_>, rules: &[Rule], first: Timestamp) -> String {
    let overlap = format!(
        "the start windows of {} and {} overlap, first at {first}: for a resource of both AWS Backup then",
        label(one.at, rules),
        label(other.at, rules)
    );
    let (runs, dropped) = match (one.rule.keeps_longer_than(other.rule), other.rule.keeps_longer_than(one.rule)) {
        (true, _) => (one, other),
        (_, true) => (other, one),
        (false, false) => {
            return format!(
                "{overlap} runs one of the two, and does not say which, for both keep {}",
                days(one.rule.lifecycle.retention)
            );
        }
    };
    format!(
        "{overlap} runs only {}, which keeps {}, and drops the run of {}, which keeps {}",
        label(runs.at, rules),
        days(runs.rule.lifecycle.retention),
        label(dropped.at, rules),
        days(dropped.rule.lifecycle.retention)
    )
}

impl Placed<'_> {
    /// When the start windows of two rules first overlap. Each step leaps over the runs of one rule that end before the
    /// other's next, so a yearly rule costs an hourly one no more than a few.
    fn overlap(&self, other: &Self, now: Timestamp) -> Option<Timestamp> {
        let window = |placed: &Self| SignedDuration::from_mins(placed.rule.windows.start_minutes);
        let end = now.checked_add(AHEAD).ok()?;
        let (mut ours, mut theirs) = (self.timetable.next_after(now)?, other.timetable.next_after(now)?);
        while ours.min(theirs) <= end {
            let (earlier, later, window) =
                if ours <= theirs { (ours, theirs, window(self)) } else { (theirs, ours, window(other)) };
            if later.duration_since(earlier) < window {
                return Some(later);
            }
            let after = later.checked_sub(window).ok()?;
            if ours <= theirs {
                ours = self.timetable.next_after(after)?;
            } else {
                theirs = other.timetable.next_after(after)?;
            }
        }
        None
    }
}
