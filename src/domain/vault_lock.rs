//! Vault locks, and the plans that clash with one (docs/aws-backup-semantics.md, section 11).

use jiff::{SignedDuration, Timestamp};

use super::{
    Finding, Lifecycle, Plan, Retention, Scope, Unseen, Vault, VaultName,
    invalid::Fault,
    plan::{Puts, Use, uses},
};

/// The lock of a vault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultLock {
    /// Shortest retention of new jobs, in days.
    pub min_retention_days: Option<i32>,
    /// Longest retention of new jobs, in days.
    pub max_retention_days: Option<i32>,
    /// From when on the lock cannot be removed: compliance mode. Absent: governance.
    pub locked_at: Option<Timestamp>,
    /// Whether that time has come, by AWS's clock.
    pub immutable: bool,
}

impl VaultLock {
    /// Whether any retention is outside it.
    pub fn has_bounds(&self) -> bool {
        self.min_retention_days.is_some() || self.max_retention_days.is_some()
    }

    /// Whether a new backup or copy may be kept so long: for ever is longer than any maximum `[I]`.
    pub fn allows(&self, retention: Retention) -> bool {
        match (retention, self.min_retention_days, self.max_retention_days) {
            (Retention::Days(days), min, max) => {
                min.is_none_or(|min| i32::from(days) >= min) && max.is_none_or(|max| i32::from(days) <= max)
            }
            (Retention::Forever, _, max) => max.is_none(),
        }
    }

    /// The retention that it allows, such as `1 to 30 days`.
    pub fn range(&self) -> String {
        let min = self.min_retention_days.unwrap_or(1);
        match self.max_retention_days {
            Some(max) => format!("{min} to {max} days"),
            None => format!("{min} days or more"),
        }
    }

    /// What it is, for a sentence that begins with the vault: `locked in governance mode`.
    pub fn described(&self) -> String {
        match self.locked_at {
            None => "locked in governance mode".to_owned(),
            Some(at) if self.immutable => format!("locked in compliance mode since {at}, which nobody can undo"),
            Some(at) => format!("locked in compliance mode, which nobody can undo from {at} on"),
        }
    }
}

/// A lock that is asked for: all of it, since AWS replaces the one before whole `[I]`.
#[derive(Debug, Clone)]
pub struct LockVault {
    /// The vault.
    pub vault: VaultName,
    /// Shortest retention of new jobs, in days.
    pub min_retention_days: Option<u16>,
    /// Longest retention of new jobs, in days; not below the shortest.
    pub max_retention_days: Option<u16>,
    /// Compliance mode: so many days, 3–36500, until nobody can undo it. Absent: governance mode.
    pub changeable_for_days: Option<u16>,
    /// The etag of the vault that was read; absent: it does not matter.
    pub etag: Option<String>,
}

/// A vault that was locked, or would be.
#[derive(Debug)]
pub struct LockedVault {
    /// The vault with its lock.
    pub vault: Vault,
    /// The rules and copies whose jobs the lock lets fail.
    pub clashes: Vec<RetentionClash>,
    /// What will surprise.
    pub findings: Vec<Finding>,
}

impl LockVault {
    /// AWS takes no shorter time to think better of it `[M]`.
    const SHORTEST_GRACE: i32 = 3;
    /// A repeated call comes this long after the first at most; later it means a new date.
    const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

    /// A bound of retention `[M]`.
    pub fn parse_bound(days: i32) -> Result<u16, Fault> {
        Lifecycle::parse_days(days)
    }

    /// The days in which a compliance lock can be undone `[M]`.
    pub fn parse_grace(days: i32) -> Result<u16, Fault> {
        if days < Self::SHORTEST_GRACE {
            return Err(not_days(days, Self::SHORTEST_GRACE));
        }
        Lifecycle::parse_days(days).map_err(|_| not_days(days, Self::SHORTEST_GRACE))
    }

    /// The lock as it will be, made now.
    pub fn made_at(&self, now: Timestamp) -> VaultLock {
        let grace = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
        VaultLock {
            min_retention_days: self.min_retention_days.map(Into::into),
            max_retention_days: self.max_retention_days.map(Into::into),
            locked_at: self.changeable_for_days.map(|days| now.checked_add(grace(days)).unwrap_or(Timestamp::MAX)),
            immutable: false,
        }
    }

    /// Whether the vault has this very lock already. AWS has no token for it, and sending a compliance lock again would
    /// move its date: a date that an equal request of the last hour made stays.
    pub fn is_there(&self, current: &VaultLock, now: Timestamp) -> bool {
        let asked = self.made_at(now);
        let same_bounds = (asked.min_retention_days, asked.max_retention_days)
            == (current.min_retention_days, current.max_retention_days);
        same_bounds
            && match (asked.locked_at, current.locked_at) {
                (None, None) => true,
                // Whole seconds tell AWS's time, so the first call's date may seem to lie a second ahead.
                (Some(asked), Some(current)) => {
                    let earlier = asked.duration_since(current);
                    (SignedDuration::from_secs(-2)..Self::REPEATED_WITHIN).contains(&earlier)
                }
                _ => false,
            }
    }

    /// Why this lock must not replace the one that is there; `None`: it may.
    pub fn refusal(&self, current: &VaultLock) -> Option<String> {
        let name = &self.vault;
        if current.immutable {
            return Some(format!("vault {name} is {}: neither can the lock be changed", current.described()));
        }
        current.locked_at.filter(|_| self.changeable_for_days.is_none()).map(|at| {
            format!(
                "vault {name} becomes locked in compliance mode at {at}, and a governance lock would silently drop that \
                 date: call UnlockVault first if that is what you mean, or LockVault with LOCK_MODE_COMPLIANCE"
            )
        })
    }

    /// What will surprise about the lock that results, in the place of the one before.
    pub fn findings(&self, lock: &VaultLock, before: Option<&VaultLock>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut warn = |code, field: &str, message: String, action: &str| {
            findings.push(Finding::warning(code, message, action).at(field));
        };
        if let Some(at) = lock.locked_at {
            warn(
                "LOCK_IRREVERSIBLE",
                "mode",
                format!(
                    "from {at} on nobody, AWS included, can remove or change this lock, nor delete a recovery point of \
                     vault {} before its retention is over",
                    self.vault
                ),
                "until then UnlockVault undoes it",
            );
            if lock.max_retention_days.is_none() {
                let message = "without max_retention_days a backup that is kept for ever, or for 100 years by mistake, \
                               can never be deleted, and is paid for as long";
                warn("LOCK_KEEPS_FOR_EVER", "max_retention_days", message.to_owned(), "");
            }
        }
        if lock.min_retention_days.is_none() && lock.max_retention_days.is_none() {
            let message = "the lock has no bounds: it stops deletions by hand and allows new jobs any retention";
            warn("LOCK_WITHOUT_BOUNDS", "min_retention_days", message.to_owned(), "");
        }
        let Some(before) = before else { return findings };
        for (field, was, is) in [
            ("min_retention_days", before.min_retention_days, lock.min_retention_days),
            ("max_retention_days", before.max_retention_days, lock.max_retention_days),
        ] {
            if let (Some(was), None) = (was, is) {
                let message = format!("the lock had {field} {was}, and the request leaves it out: that bound is gone");
                warn("LOCK_BOUND_REMOVED", field, message, "");
            }
        }
        if let (Some(was), Some(is)) = (before.locked_at, lock.locked_at)
            && was != is
        {
            let message = format!("the lock was to become irreversible at {was}; now it is {is}");
            warn("LOCK_DATE_MOVED", "changeable_for_days", message, "");
        }
        findings
    }
}

fn not_days(days: i32, least: i32) -> Fault {
    format!("{days} is not such a number of days: give {least}–36500").into()
}

/// A rule or copy action whose jobs a lock lets fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionClash {
    /// Where the plan is.
    pub scope: Scope,
    /// Id of the plan.
    pub plan_id: String,
    /// ARN of the plan.
    pub plan_arn: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Name of the rule.
    pub rule_name: String,
    /// Id of the rule.
    pub rule_id: String,
    /// Whether it is the copy that the rule makes.
    pub copy: bool,
    /// How long it is kept.
    pub lifecycle: Lifecycle,
    /// What clashes, in one sentence.
    pub message: String,
}

impl RetentionClash {
    /// What of the plan, which is in the vault's account and region, the lock does not allow.
    pub fn of(plan: &Plan, vault: &Vault, lock: &VaultLock) -> Vec<Self> {
        let places = uses(&plan.content.rules, &plan.scope).into_iter().filter(|place| place.arn == vault.arn);
        let clashes = places.filter_map(|Use { rule, puts, lifecycle, .. }| {
            let whose = format!("{} of rule {} of plan {} are", puts.noun(), rule.name, plan.content.name);
            let outside = Finding::outside_lock(&vault.name, lock, &whose, lifecycle.retention)?;
            Some(Self {
                scope: plan.scope.clone(),
                plan_id: plan.id.clone(),
                plan_arn: plan.arn.clone(),
                plan_name: plan.content.name.clone(),
                rule_name: rule.name.clone(),
                rule_id: rule.id.clone(),
                copy: puts == Puts::Copies,
                lifecycle: lifecycle.clone(),
                message: outside.message,
            })
        });
        clashes.collect()
    }

    /// That there are any.
    pub fn finding(clashes: &[Self]) -> Option<Finding> {
        let first = clashes.first()?;
        let message = match clashes.len() {
            1 => first.message.clone(),
            count => {
                format!("{count} rules and copy actions ask for what the lock forbids; the first: {}", first.message)
            }
        };
        Some(Finding::warning("PLANS_CLASH_WITH_LOCK", message, ""))
    }

    /// That the plans could not be read.
    pub fn not_checked(why: impl Into<Unseen>) -> Finding {
        let unseen = why.into();
        let message = format!("whether any plan's retention clashes with the lock is not known: {}", unseen.why);
        let action = unseen.action("backup:ListBackupPlans and backup:GetBackupPlan", "call LockVault again");
        Finding::warning("CLASHES_NOT_CHECKED", message, action)
    }
}

#[cfg(test)]
mod tests;
