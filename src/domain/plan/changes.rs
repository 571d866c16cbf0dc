//! What an update does to the backups of a plan, where its rules alone do not show it.

use super::{
    super::{Finding, NoLongerMade, Retention},
    CopyAction, Rule,
    findings::days,
};

impl Rule {
    /// Whether a rule keeps what it makes, or a copy, shorter than the rule of its name did; and whether such a rule is gone.
    pub fn keep_shorter(before: &[Self], after: &[Self]) -> bool {
        let shorter = |old: &Self, new: &Self| {
            let copy_shorter = old.copies.iter().any(|old| {
                let same = new.copies.iter().filter(|new| new.vault.to_string() == old.vault.to_string());
                same.map(|new| new.kept().retention).max().is_none_or(|kept| kept < old.kept().retention)
            });
            new.lifecycle.retention < old.lifecycle.retention || copy_shorter
        };
        before.iter().any(|old| {
            let same = after.iter().find(|new| new.name == old.name);
            same.is_none_or(|new| shorter(old, new))
        })
    }

    /// What will surprise about an update of a plan's rules.
    pub fn change_findings(before: &[Self], after: &[Self]) -> Vec<Finding> {
        let gone = before.iter().filter(|old| !after.iter().any(|rule| rule.name == old.name));
        let gone = gone.flat_map(|old| {
            let left = Self::continuous_points_left([old], NoLongerMade::RuleRemoved);
            std::iter::once(old.removed()).chain(left.into_iter().map(|found| found.at("rules")))
        });
        let kept = after.iter().enumerate().filter_map(|(at, rule)| {
            let old = before.iter().find(|old| old.name == rule.name)?;
            let continuous = if rule.continuous {
                [rule.continuous_point_stops(old, at), rule.continuous_point_elsewhere(old, at)]
            } else {
                [old.continuous_turned_off(at), None]
            };
            let found = std::iter::once(rule.schedule_changed(old, at)).chain(continuous).flatten();
            Some(found.chain(rule.copies_kept_otherwise(old, at)))
        });
        gone.chain(kept.flatten()).collect()
    }

    /// What is saved of how long copies are kept, and may not be what is meant: another tool left it out.
    pub fn copies_unsaid(rules: &[Self]) -> Vec<Finding> {
        Self::copies_kept_for_ever(rules, |_, copy| copy.lifecycle.is_none())
    }

    /// The same of an update of rules. Who reads a plan and writes it back says what was left out, as it was read: for ever.
    /// That is saved, and nobody may have meant it.
    pub fn copies_still_unsaid(before: &[Self], after: &[Self]) -> Vec<Finding> {
        let was_silent = |rule: &Self, copy: &CopyAction| {
            let old = before.iter().filter(|old| old.name == rule.name).flat_map(|old| &old.copies);
            old.into_iter().any(|old| old.vault == copy.vault && old.lifecycle.is_none())
        };
        Self::copies_kept_for_ever(after, |rule, copy| {
            copy.lifecycle.is_none() || (copy.kept().retention == Retention::Forever && was_silent(rule, copy))
        })
    }

    fn copies_kept_for_ever(rules: &[Self], unsaid: impl Fn(&Self, &CopyAction) -> bool) -> Vec<Finding> {
        let mut found = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            for (place, copy) in rule.copies.iter().enumerate().filter(|(_, copy)| unsaid(rule, copy)) {
                let silence = match &copy.lifecycle {
                    None => "the plan does not say how long",
                    Some(_) => "the plan, which is to say from now on that it is for ever, did not say how long",
                };
                let message = format!(
                    "{silence} the copies of rule {} in {} are kept: AWS takes that for a lifecycle without an end and keeps \
                     them for ever, though its guide says that they are kept like the original",
                    rule.name, copy.vault
                );
                let action = "give the copy action a lifecycle with UpdatePlan";
                let field = format!("rules[{at}].copy_actions[{place}].lifecycle");
                found.push(Finding::warning("COPY_KEPT_FOREVER", message, action).at(field).about(&rule.name));
            }
        }
        found
    }

    /// That copies are kept longer or shorter than they were. What a request leaves out is the rule's own lifecycle, so
    /// that it can change without anybody having written one.
    fn copies_kept_otherwise(&self, old: &Self, at: usize) -> Vec<Finding> {
        let changed = self.copies.iter().enumerate().filter_map(|(place, copy)| {
            let before = old.copies.iter().filter(|it| it.vault == copy.vault);
            let [before] = before.collect::<Vec<_>>()[..] else { return None };
            let (was, is) = (before.kept().retention, copy.kept().retention);
            (was != is).then(|| {
                let message = format!(
                    "rule {} keeps its copies in {} {} now, and kept them {} before",
                    self.name,
                    copy.vault,
                    days(is),
                    days(was)
                );
                let action = "give the copy action the lifecycle that is meant: without one it has the rule's";
                let field = format!("rules[{at}].copy_actions[{place}].lifecycle");
                Finding::warning("COPY_RETENTION_CHANGED", message, action).at(field).about(&self.name)
            })
        });
        changed.collect()
    }

    fn continuous_turned_off(&self, at: usize) -> Option<Finding> {
        let left = Self::continuous_points_left([self], NoLongerMade::TurnedOff).pop();
        left.map(|found| found.at(format!("rules[{at}].enable_continuous_backup")))
    }

    /// A resource has one continuous recovery point, in the vault where it was made first `[D]`.
    fn continuous_point_elsewhere(&self, old: &Self, at: usize) -> Option<Finding> {
        (old.continuous && old.vault != self.vault).then(|| {
            let message = format!(
                "rule {} backed up continuously to vault {} and is to do so to vault {}: a resource has one continuous \
                 recovery point, so of what has one in {} the rule makes snapshots, until that is deleted or given back",
                self.name, old.vault, self.vault, old.vault
            );
            let action = "delete the points there, or call DisassociateRecoveryPoint for them";
            Finding::warning("CONTINUOUS_IN_SEVERAL_VAULTS", message, action).at(format!("rules[{at}].vault"))
        })
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
            "rule {} keeps {} now, and kept {} before: AWS stops the continuous recovery points that it made of S3, and, \
             by one of its two guides, those of RDS and Aurora, and begins new ones at the next run, which reach back no \
             further than that; by the other, those of RDS and Aurora get the new retention",
            self.name,
            days(is),
            days(was)
        );
        Some(Finding::warning("CONTINUOUS_POINT_STOPS", message, "").at(format!("rules[{at}].lifecycle")))
    }
}
