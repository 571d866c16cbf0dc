//! How long recovery points are kept (docs/aws-backup-semantics.md, section 7.3).

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Finding, ResourceType, invalid::Fault};

/// How long a recovery point is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retention {
    /// Deleted after so many days, 1–36500.
    Days(u16),
    /// Never deleted by AWS.
    Forever,
}

impl Retention {
    /// The days; none: for ever.
    pub fn days(self) -> Option<u16> {
        match self {
            Self::Days(days) => Some(days),
            Self::Forever => None,
        }
    }
}

/// When a recovery point moves to cold storage and when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifecycle {
    /// How long it is kept.
    pub retention: Retention,
    /// Days after which it moves to cold storage; absent: never.
    pub cold_after_days: Option<u16>,
    /// EBS snapshots move to cold storage too, which they do only when told to `[M]`.
    pub archive_ebs_snapshots: bool,
    /// AWS's word for the event after which it deletes the point. AWS alone says it `[M]`: never sent.
    pub delete_after_event: Option<String>,
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(1) => f.write_str("1 day"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::Forever => f.write_str("for ever"),
        }
    }
}

const LONGEST_DAYS: i32 = 36_500;
const DAYS_IN_COLD_STORAGE: u16 = 90;

const COLD_STORAGE_IGNORED: &str = "COLD_STORAGE_IGNORED";
const COLD_FIELD: &str = "lifecycle.move_to_cold_storage_after_days";

impl Lifecycle {
    /// 35 days, no cold storage: the console's choice, and ours for what leaves the lifecycle out.
    pub const DEFAULT: Self = Self::kept(Retention::Days(35));
    /// What no lifecycle at all, and one that AWS does not tell, means `[M]`.
    pub const FOREVER: Self = Self::kept(Retention::Forever);

    /// Kept so long, and never in cold storage.
    pub const fn kept(retention: Retention) -> Self {
        Self { retention, cold_after_days: None, archive_ebs_snapshots: false, delete_after_event: None }
    }

    /// That AWS ignores the cold storage that the lifecycle asks for, where it is known that the type has none `[M][D]`.
    pub fn cold_storage_ignored(&self, of: Option<&ResourceType>) -> Option<Finding> {
        let ignored = self.cold_after_days.is_some() && of.is_some_and(|of| !of.has_cold_storage());
        let message = "RDS has no cold storage: AWS ignores move_to_cold_storage_after_days";
        ignored.then(|| Finding::warning(COLD_STORAGE_IGNORED, message, "").at(COLD_FIELD))
    }

    /// The same where resources of any type may be meant, by a rule of that name: which ones, tags decide later.
    pub fn cold_storage_ignored_for_some(&self, rule: &str) -> Option<Finding> {
        self.cold_after_days?;
        let message = format!(
            "RDS and Aurora have no cold storage: AWS ignores that setting of {rule} for them and keeps their recovery \
             points warm"
        );
        Some(Finding::warning(COLD_STORAGE_IGNORED, message, "").at(COLD_FIELD))
    }

    /// `for 35 days`, `for ever, in cold storage after 30 days`.
    pub fn described(&self) -> String {
        let kept = match self.retention {
            Retention::Days(_) => format!("for {}", self.retention),
            Retention::Forever => self.retention.to_string(),
        };
        match self.cold_after_days {
            Some(days) => format!("{kept}, in cold storage after {}", Retention::Days(days)),
            None => kept,
        }
    }

    /// Whether both ask for the same: what AWS alone says aside.
    pub fn asks_the_same_as(&self, other: &Self) -> bool {
        let asked =
            |lifecycle: &Self| (lifecycle.retention, lifecycle.cold_after_days, lifecycle.archive_ebs_snapshots);
        asked(self) == asked(other)
    }

    /// A number of days, 1–36500 `[Q]`.
    pub fn parse_days(days: i32) -> Result<u16, Fault> {
        u16::try_from(days)
            .ok()
            .filter(|days| (1..=LONGEST_DAYS).contains(&i32::from(*days)))
            .ok_or_else(|| format!("{days} is not a number of days: give 1–{LONGEST_DAYS}").into())
    }

    /// When what was created then is deleted; a day is 24 hours. `None`: never.
    pub fn delete_at(&self, created: Timestamp) -> Option<Timestamp> {
        match self.retention {
            Retention::Days(days) => after_days(created, days),
            Retention::Forever => None,
        }
    }

    /// When what was created then moves to cold storage. `None`: never.
    pub fn cold_at(&self, created: Timestamp) -> Option<Timestamp> {
        after_days(created, self.cold_after_days?)
    }

    /// AWS keeps a recovery point at least 90 days in cold storage `[M]`.
    pub fn check(self) -> Result<Self, Fault> {
        match (self.retention, self.cold_after_days) {
            (Retention::Days(delete), Some(cold)) if delete < cold.saturating_add(DAYS_IN_COLD_STORAGE) => Err(format!(
                "deletes after {delete} days what moves to cold storage after {cold}: a recovery point stays there at \
                 least {DAYS_IN_COLD_STORAGE} days, so delete after {} days or later",
                cold.saturating_add(DAYS_IN_COLD_STORAGE)
            )
            .into()),
            _ => Ok(self),
        }
    }
}

fn after_days(from: Timestamp, days: u16) -> Option<Timestamp> {
    from.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}
