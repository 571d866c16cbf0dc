//! What will surprise about a plan's rules.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        Finding, ResourceType, Retention, Timetable,
        invalid::quoted,
        nearest::{nearest_within, question},
    },
    Rule,
};

/// The types whose recovery points AWS indexes `[M]`.
const INDEXED: [&str; 2] = ["EBS", "S3"];

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
    pub fn findings(rules: &[Self], now: Timestamp) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut earlier: Vec<Placed<'_>> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let name = label(at, rules);
            if let Some(cold) = rule.lifecycle.cold_storage_ignored_for_some(&name) {
                let field = format!("rules[{at}].{}", cold.field);
                found.push(cold.at(field));
            }
            // A copy that is kept like its original is so because the rule says so, which is told above.
            for (index, copy) in rule.copies.iter().enumerate() {
                let own = copy.lifecycle.as_ref().filter(|own| **own != rule.lifecycle);
                let cold = own.and_then(|own| own.cold_storage_ignored_for_some(&format!("the copies of {name}")));
                found.extend(cold.map(|cold| {
                    let field = format!("rules[{at}].copy_actions[{index}].{}", cold.field);
                    cold.at(field)
                }));
            }
            found.extend(rule.findings_of_index(at, &name));
            if rule.continuous && !rule.copies.is_empty() {
                let so = format!(": what the copy actions of {name} copy are snapshots, restorable to no other second");
                let action = "mean it, or copy by a rule without continuous backup";
                let found_so = Finding::continuous_not_copyable(&so, action).as_warning();
                found.push(found_so.at(format!("rules[{at}].copy_actions")));
            }
            let mut warn = |code, member: &str, message: String| {
                found.push(Finding::warning(code, message, "").at(format!("rules[{at}].{member}")));
            };
            if rule.continuous {
                let message = format!(
                    "AWS Backup takes over the backup window and retention of every RDS database that {name} backs up: they \
                     can no longer be changed in RDS"
                );
                warn("CONTINUOUS_BACKUP_OWNS_RDS_WINDOW", "enable_continuous_backup", message);
            }
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
                    let message = format!("when {name} runs Strongroom cannot tell: {fault}");
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
        found
    }

    /// That AWS indexes no recovery points of a type. One that is new to this version it may by now, so that none is refused.
    fn findings_of_index(&self, at: usize, name: &str) -> Vec<Finding> {
        let others = self.index_types.iter().enumerate().filter(|(_, of_type)| !INDEXED.contains(&of_type.as_str()));
        let found = others.map(|(index, of_type)| {
            let question = match ResourceType::parse(of_type).is_ok_and(|known| known.is_known()) {
                true => String::new(),
                // Of words so short a slip is half of one.
                false => question(nearest_within(of_type, INDEXED, 0.5)),
            };
            let message = format!(
                "{name} has the recovery points of {} indexed, and AWS Backup indexes those of {} alone{question}",
                quoted(of_type),
                INDEXED.join(" and ")
            );
            let finding = Finding::warning("INDEX_TYPE_NOT_SUPPORTED", message, "correct the type, or leave it out");
            finding.at(format!("rules[{at}].index_resource_types[{index}]"))
        });
        found.collect()
    }

    /// The place of the first continuous rule before this one, when both name vaults, and different ones.
    fn other_continuous_vault(&self, before: &[Self]) -> Option<usize> {
        let first = before.iter().position(|rule| rule.continuous)?;
        let (ours, theirs) = (&self.vault, &before.get(first)?.vault);
        (self.continuous && ours != theirs && !ours.is_empty() && !theirs.is_empty()).then_some(first)
    }
}

/// What a message calls a rule.
pub(super) fn label(at: usize, rules: &[Rule]) -> String {
    match rules.get(at).map(|rule| rule.name.as_str()) {
        None | Some("") => format!("rules[{at}]"),
        Some(name) => format!("rule {name}"),
    }
}

pub(super) fn days(retention: Retention) -> String {
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
