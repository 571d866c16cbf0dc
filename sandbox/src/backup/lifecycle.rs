//! How long a recovery point lives, as rules, jobs and points say it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The wire shape `Lifecycle` of rules, jobs, copy actions and recovery points. Absent numbers mean "never" `[M]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lifecycle {
    /// Days until the move to cold storage; databases ignore it `[M]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_to_cold_storage_after_days: Option<i64>,
    /// Days until deletion, 1…36500; absent keeps the point for ever `[Q]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_days: Option<i64>,
    /// Only with EBS `[M]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in_to_archive_for_supported_resources: Option<bool>,
}

impl Lifecycle {
    /// The lifecycle that both say "never" (-1, the console's idiom `[U]`) and "no cold storage" (0, which Terraform
    /// leaves out `[T]`) are written as: an absent number.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.move_to_cold_storage_after_days =
            self.move_to_cold_storage_after_days.filter(|days| *days != -1 && *days != 0);
        self.delete_after_days = self.delete_after_days.filter(|days| *days != -1);
        self
    }

    /// Whether it says nothing of how long a point lives.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.move_to_cold_storage_after_days.is_none() && self.delete_after_days.is_none()
    }

    /// What AWS says of an impossible lifecycle, in its words `[Q]`; `None` when it is fine.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        if self.delete_after_days.is_some_and(|days| !(1..=36_500).contains(&days)) {
            return Some("Invalid lifecycle. DeleteAfterDays cannot be less than 1 or more than 36500 days");
        }
        let cold = self.move_to_cold_storage_after_days?;
        if !(1..=36_500).contains(&cold) {
            return Some("Invalid lifecycle. MoveToColdStorageAfterDays cannot be less than 1 or more than 36500 days");
        }
        if self.delete_after_days.is_some_and(|days| days < cold + 90) {
            return Some(
                "Invalid lifecycle. DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays",
            );
        }
        None
    }

    /// When a point created at `created` is deleted; `None` for never.
    #[must_use]
    pub fn delete_at(&self, created: Timestamp) -> Option<Timestamp> {
        days_after(created, self.delete_after_days?)
    }

    /// When a point created at `created` moves to cold storage; `None` for never.
    #[must_use]
    pub fn cold_at(&self, created: Timestamp) -> Option<Timestamp> {
        days_after(created, self.move_to_cold_storage_after_days?)
    }
}

/// A day of AWS Backup is 24 hours; `None` beyond the end of the calendar, which is as good as never.
fn days_after(from: Timestamp, days: i64) -> Option<Timestamp> {
    from.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifecycle(cold: Option<i64>, delete: Option<i64>) -> Lifecycle {
        Lifecycle { move_to_cold_storage_after_days: cold, delete_after_days: delete, ..Lifecycle::default() }
    }

    #[test]
    fn limits_are_those_of_aws() {
        for (cold, delete, fine) in [
            (None, None, true),
            (None, Some(1), true),
            (None, Some(36_500), true),
            (None, Some(0), false),
            (None, Some(-5), false),
            (None, Some(36_501), false),
            (Some(1), Some(91), true),
            (Some(1), Some(90), false),
            (Some(-3), None, false),
            (Some(30), None, true),
        ] {
            assert_eq!(lifecycle(cold, delete).fault().is_none(), fine, "cold {cold:?}, delete {delete:?}");
        }
    }

    #[test]
    fn minus_one_is_never() {
        assert_eq!(lifecycle(Some(-1), Some(-1)).normalised(), Lifecycle::default());
    }

    #[test]
    fn a_day_is_24_hours() {
        let created: Timestamp = "2025-03-29T12:00:00Z".parse().unwrap();
        assert_eq!(lifecycle(None, Some(2)).delete_at(created), Some("2025-03-31T12:00:00Z".parse().unwrap()));
        assert_eq!(lifecycle(None, Some(36_500_000_000)).delete_at(created), None);
    }
}
