//! Vault lock (docs/aws-backup-semantics.md, section 11).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::not_found;
use crate::{
    backup::{
        announcements, error,
        rest::{RestReply, RestRequest},
    },
    call::{AwsError, Call},
    world::World,
};

/// The retention rules of a locked vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// New jobs must keep their backup at least so long.
    pub min_retention_days: Option<i64>,
    /// New jobs must keep their backup at most so long.
    pub max_retention_days: Option<i64>,
    /// Compliance mode: from here on nobody changes the lock. Absent in governance mode.
    pub lock_date: Option<Timestamp>,
}

impl Lock {
    /// Whether nobody can change or remove the lock any more.
    pub fn is_immutable(&self, now: Timestamp) -> bool {
        self.lock_date.is_some_and(|date| date <= now)
    }

    /// Whether a new backup may be kept for `delete_after_days`; `None` keeps it for ever, which a maximum forbids `[I]`.
    pub fn allows(&self, delete_after_days: Option<i64>) -> bool {
        let long_enough = self.min_retention_days.is_none_or(|min| delete_after_days.is_none_or(|days| days >= min));
        let short_enough = self.max_retention_days.is_none_or(|max| delete_after_days.is_some_and(|days| days <= max));
        long_enough && short_enough
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutInput {
    min_retention_days: Option<i64>,
    max_retention_days: Option<i64>,
    changeable_for_days: Option<i64>,
}

impl PutInput {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (member, days) in
            [("MinRetentionDays", self.min_retention_days), ("MaxRetentionDays", self.max_retention_days)]
        {
            if let Some(days) = days.filter(|days| !(1..=36_500).contains(days)) {
                faults.push(format!("{member} must be 1 to 36500, not {days}"));
            }
        }
        if let (Some(min), Some(max)) = (self.min_retention_days, self.max_retention_days)
            && min > max
        {
            faults.push(format!("MinRetentionDays ({min}) must not exceed MaxRetentionDays ({max})"));
        }
        if let Some(days) = self.changeable_for_days.filter(|days| !(3..=36_500).contains(days)) {
            faults.push(format!("ChangeableForDays must be 3 to 36500, not {days}"));
        }
        faults
    }
}

/// Replaces the whole lock; what is left out is cleared `[I]`. It holds at once.
pub(super) fn put(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let input: PutInput = request.body()?;
    let faults = input.faults();
    if !faults.is_empty() {
        return Err(error::invalid_parameter(faults.join("; ")));
    }
    let lock_date = match input.changeable_for_days {
        None => None,
        Some(days) => {
            let date = call.now.checked_add(SignedDuration::from_hours(24 * days));
            Some(
                date.map_err(|_| error::invalid_parameter(format!("ChangeableForDays {days} is beyond the calendar")))?,
            )
        }
    };
    let lock =
        Lock { min_retention_days: input.min_retention_days, max_retention_days: input.max_retention_days, lock_date };
    replace(world, call, request, Some(lock))
}

pub(super) fn delete(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    replace(world, call, request, None)
}

fn replace(world: &mut World, call: &Call, request: &RestRequest, lock: Option<Lock>) -> Result<RestReply, AwsError> {
    let name = request.path("backupVaultName");
    // A missing vault is RNF here: Terraform, when it destroys a lock, takes nothing else for "gone" [T].
    let vault = call.region(world).backup.vaults.0.get_mut(name).ok_or_else(|| not_found(name))?;
    if vault.lock.as_ref().is_some_and(|lock| lock.is_immutable(call.now)) {
        return Err(error::invalid_request(
            "Vault lock configuration cannot be changed or deleted: the vault is locked in compliance mode",
        ));
    }
    vault.lock = lock;
    announcements::vault_is(call.region(world), call.now, name, "MODIFIED");
    Ok(RestReply::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_backups_must_fit_between_the_bounds_and_for_ever_is_longer_than_any_maximum() {
        let lock = |min, max| Lock { min_retention_days: min, max_retention_days: max, lock_date: None };
        for (min, max, days, allowed) in [
            (Some(7), Some(35), Some(7), true),
            (Some(7), Some(35), Some(35), true),
            (Some(7), Some(35), Some(6), false),
            (Some(7), Some(35), Some(36), false),
            (Some(7), Some(35), None, false),
            (Some(7), None, None, true),
            (None, Some(35), None, false),
            (None, None, Some(1), true),
        ] {
            assert_eq!(lock(min, max).allows(days), allowed, "{min:?} {max:?} {days:?}");
        }
    }
}
