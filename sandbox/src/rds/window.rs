//! Backup and maintenance windows, in UTC.

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::TimeZone};

/// Backups must not start in this time before a window either `[D]`.
const CLOSE: i64 = 60;
const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `hh:mm-hh:mm`, every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupWindow {
    start: i64,
    minutes: i64,
}

/// `ddd:hh:mm-ddd:hh:mm`, every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaintenanceWindow {
    start: i64,
    minutes: i64,
}

impl BackupWindow {
    /// Half an hour from this minute of the day on.
    #[must_use]
    pub fn half_hour_at(minute: i64) -> Self {
        Self { start: minute.rem_euclid(DAY), minutes: 30 }
    }

    /// Reads `hh:mm-hh:mm`; `None` if it is not that, or shorter than 30 minutes `[M]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (start, end) = (clock(from)?, clock(to)?);
        let minutes = (end - start).rem_euclid(DAY);
        (minutes >= 30).then_some(Self { start, minutes })
    }

    /// Whether a backup must not start at `at`: inside the window or in the hour before it.
    #[must_use]
    pub fn blocks(&self, at: Timestamp) -> bool {
        near(minute_of_week(at).rem_euclid(DAY), self.start, self.minutes, DAY)
    }

    /// The beginning of the last window that began by `at`: when RDS made its last backup.
    pub(super) fn last_start(&self, at: Timestamp) -> Timestamp {
        let minute = at.as_second().div_euclid(60) * 60;
        let ago = (minute_of_week(at) - self.start).rem_euclid(DAY);
        Timestamp::from_second(minute - ago * 60).unwrap_or(at)
    }

    /// Whether the two windows share time; RDS refuses that.
    #[must_use]
    pub fn overlaps(&self, other: &MaintenanceWindow) -> bool {
        (0..7).any(|day| {
            let start = day * DAY + self.start;
            (other.start - start).rem_euclid(WEEK) < self.minutes
                || (start - other.start).rem_euclid(WEEK) < other.minutes
        })
    }
}

impl MaintenanceWindow {
    /// Half an hour from this minute of the week (Monday 00:00 is 0) on.
    #[must_use]
    pub fn half_hour_at(minute: i64) -> Self {
        Self { start: minute.rem_euclid(WEEK), minutes: 30 }
    }

    /// Reads `ddd:hh:mm-ddd:hh:mm`; `None` if it is not that, or not 30 minutes to 24 hours long `[M]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (start, end) = (day_clock(from)?, day_clock(to)?);
        let minutes = (end - start).rem_euclid(WEEK);
        (30..=DAY).contains(&minutes).then_some(Self { start, minutes })
    }

    /// Whether a backup must not start at `at`: inside the window or in the hour before it.
    #[must_use]
    pub fn blocks(&self, at: Timestamp) -> bool {
        near(minute_of_week(at), self.start, self.minutes, WEEK)
    }

    /// The beginning of the next window after `at`: when RDS applies what waits for it.
    #[must_use]
    pub fn next_start(&self, at: Timestamp) -> Timestamp {
        let minute = at.as_second().div_euclid(60) * 60;
        let ahead = (self.start - minute_of_week(at)).rem_euclid(WEEK);
        let ahead = if ahead == 0 { WEEK } else { ahead };
        let minute = Timestamp::from_second(minute).unwrap_or(at);
        minute.saturating_add(SignedDuration::from_mins(ahead)).unwrap_or(Timestamp::MAX)
    }
}

/// Whether `minute` lies in the window or in the hour before it, on a circle of `period` minutes.
fn near(minute: i64, start: i64, minutes: i64, period: i64) -> bool {
    (minute - (start - CLOSE)).rem_euclid(period) < minutes + CLOSE
}

fn minute_of_week(at: Timestamp) -> i64 {
    let at = at.to_zoned(TimeZone::UTC);
    let day = i64::from(at.weekday().to_monday_zero_offset());
    day * DAY + i64::from(at.hour()) * 60 + i64::from(at.minute())
}

fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn day_clock(text: &str) -> Option<i64> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
    let offset = i8::try_from(day).ok()?;
    let day = Weekday::from_monday_zero_offset(offset).ok()?.to_monday_zero_offset();
    Some(i64::from(day) * DAY + clock(time)?)
}

impl fmt::Display for BackupWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = (self.start + self.minutes).rem_euclid(DAY);
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.start / 60, self.start % 60, end / 60, end % 60)
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |minute: i64| {
            let day = usize::try_from(minute / DAY).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"mon");
            format!("{day}:{:02}:{:02}", minute % DAY / 60, minute % 60)
        };
        write!(f, "{}-{}", point(self.start), point((self.start + self.minutes).rem_euclid(WEEK)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_hour_before_a_window_and_the_window_itself_block() {
        let window = BackupWindow::parse("05:15-05:45").expect("a window");
        for (time, blocks) in [("04:14", false), ("04:15", true), ("05:00", true), ("05:44", true), ("05:45", false)] {
            assert_eq!(window.blocks(at(&format!("2026-01-01T{time}:00Z"))), blocks, "{time}");
        }
        let midnight = BackupWindow::parse("00:10-00:40").expect("a window");
        assert!(midnight.blocks(at("2026-01-01T23:30:00Z")));
    }

    #[test]
    fn a_maintenance_window_counts_in_its_week() {
        // 2026-01-05 is a Monday.
        let window = MaintenanceWindow::parse("mon:00:15-mon:00:45").expect("a window");
        assert!(window.blocks(at("2026-01-04T23:30:00Z")));
        assert!(!window.blocks(at("2026-01-06T00:30:00Z")));
        assert_eq!(window.next_start(at("2026-01-04T23:30:20Z")), at("2026-01-05T00:15:00Z"));
        assert_eq!(window.next_start(at("2026-01-05T00:15:00Z")), at("2026-01-12T00:15:00Z"));
    }

    #[test]
    fn windows_that_share_time_are_seen() {
        let backup = BackupWindow::parse("23:45-00:30").expect("a window");
        assert!(backup.overlaps(&MaintenanceWindow::parse("mon:00:00-mon:00:30").expect("a window")));
        assert!(!backup.overlaps(&MaintenanceWindow::parse("mon:00:30-mon:01:00").expect("a window")));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in ["", "5:00-6:00", "05:00-05:29", "25:00-26:00", "05:00", "+5:00-06:00"] {
            assert_eq!(BackupWindow::parse(text), None, "{text}");
        }
        for text in ["sun:05:00-sun:05:10", "xxx:05:00-sun:05:30", "sun:05:00-tue:05:30"] {
            assert_eq!(MaintenanceWindow::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn windows_are_written_as_they_are_read(start in 0_i64..WEEK, minutes in 30_i64..DAY) {
            let daily = BackupWindow { start: start % DAY, minutes };
            prop_assert_eq!(BackupWindow::parse(&daily.to_string()), Some(daily));
            let weekly = MaintenanceWindow { start, minutes };
            prop_assert_eq!(MaintenanceWindow::parse(&weekly.to_string()), Some(weekly));
        }
    }
}
