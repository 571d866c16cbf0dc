//! How old the last backup is, measured by what the rules promise.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Job, JobState};

/// The age of the last backup against the longest time between two that is promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackupAge {
    /// From the creation of the job of the last backup that COMPLETED until now.
    pub age: SignedDuration,
    /// The longest time that the rules promise between two backups, and the time that the last one took to complete: so old
    /// is the last backup at the most, while every run makes one.
    pub allowed: SignedDuration,
}

impl BackupAge {
    /// As of `now`, of a database whose tightest rule promises a backup after `interval` at the latest. `None`: no backup of
    /// it has completed, or the job does not say when it was created.
    pub fn of(last: &Job, interval: SignedDuration, now: Timestamp) -> Option<Self> {
        let created = last.created_at.filter(|_| last.state == JobState::Completed)?;
        let since = |earlier: Timestamp, later: Timestamp| later.duration_since(earlier).max(SignedDuration::ZERO);
        let took = last.completed_at.map_or(SignedDuration::ZERO, |completed| since(created, completed));
        let allowed = interval.checked_add(took).unwrap_or(SignedDuration::MAX);
        Some(Self { age: since(created, now), allowed })
    }

    /// The RPO ratio: 1 and less while every run makes its backup, 2 when one interval passed without.
    pub fn ratio(&self) -> f64 {
        let allowed = self.allowed.as_secs_f64();
        if allowed > 0.0 { self.age.as_secs_f64() / allowed } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AccountId, JobId, JobKind, RegionName, Scope};

    fn job(created: Option<&str>, completed: Option<&str>, state: JobState) -> Job {
        let scope = Scope { account: AccountId::example(), region: RegionName::example() };
        let at = |text: &str| text.parse().unwrap();
        let blank = Job::blank(JobId::parse("j").unwrap(), JobKind::Backup, scope);
        Job { created_at: created.map(at), completed_at: completed.map(at), state, ..blank }
    }

    #[test]
    fn a_backup_is_as_old_as_promised_until_a_run_makes_none() {
        let day = SignedDuration::from_hours(24);
        let last = job(Some("2026-03-02T05:00:00Z"), Some("2026-03-02T06:00:00Z"), JobState::Completed);
        for (now, ratio) in [
            ("2026-03-02T05:00:00Z", 0.0),
            ("2026-03-02T17:30:00Z", 0.5),
            // The next run was due an hour ago, and takes as long as the last one.
            ("2026-03-03T06:00:00Z", 1.0),
            ("2026-03-04T07:00:00Z", 2.0),
            // Clocks differ a little.
            ("2026-03-02T04:59:59Z", 0.0),
        ] {
            let age = BackupAge::of(&last, day, now.parse().unwrap()).unwrap();
            assert!((age.ratio() - ratio).abs() < 1e-9, "{now}: {age:?}");
        }
        let now = "2026-03-03T06:00:00Z".parse().unwrap();
        let age = BackupAge::of(&job(Some("2026-03-02T06:00:00Z"), None, JobState::Completed), day, now).unwrap();
        assert_eq!((age.age, age.allowed), (day, day));
        for none in [job(Some("2026-03-02T05:00:00Z"), None, JobState::Failed), job(None, None, JobState::Completed)] {
            assert_eq!(BackupAge::of(&none, day, now), None);
        }
    }

    proptest! {
        #[test]
        fn an_older_backup_has_a_greater_ratio(
            created in 1_700_000_000i64..1_800_000_000, took in 0i64..1_000_000, age in 0i64..10_000_000, more in 1i64..1_000_000,
            interval in 3_600i64..100_000_000,
        ) {
            let at = |second| Timestamp::from_second(second).unwrap();
            let last = Job { created_at: Some(at(created)), completed_at: Some(at(created + took)), ..job(None, None, JobState::Completed) };
            let of = |now| BackupAge::of(&last, SignedDuration::from_secs(interval), at(now)).unwrap().ratio();
            prop_assert!(of(created + age) < of(created + age + more));
            prop_assert!(of(created + interval + took) <= 1.0 + f64::EPSILON);
            prop_assert!(of(created + interval + took + 1) > 1.0);
        }
    }
}
