//! RDS's backup and maintenance windows, both in UTC.

use jiff::{Timestamp, tz::TimeZone};

const HOUR: i32 = 60;
const DAY: i32 = 24 * HOUR;
const WEEK: i32 = 7 * DAY;

/// `hh:mm-hh:mm`, every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BackupWindow(Window);

/// `ddd:hh:mm-ddd:hh:mm`, every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MaintenanceWindow(Window);

/// Minutes on a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: i32,
    length: i32,
    circle: i32,
}

impl BackupWindow {
    /// `None` for what RDS never says.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        Some(Self(Window::between(clock(from)?, clock(to)?, DAY)))
    }

    /// Whether a backup that begins now fails: now lies in the window or in the hour before it `[D]`.
    pub(super) fn blocks(self, at: Timestamp) -> bool {
        self.0.meets(at, 0)
    }

    /// Whether one that begins at `at` or within so many minutes can fail so.
    pub(super) fn meets(self, at: Timestamp, minutes: i64) -> bool {
        self.0.meets(at, minutes)
    }
}

impl MaintenanceWindow {
    /// `None` for what RDS never says.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        Some(Self(Window::between(day_clock(from)?, day_clock(to)?, WEEK)))
    }

    /// Whether a backup that begins now fails: now lies in the window or in the hour before it `[D]`.
    pub(super) fn blocks(self, at: Timestamp) -> bool {
        self.0.meets(at, 0)
    }

    /// Whether one that begins at `at` or within so many minutes can fail so.
    pub(super) fn meets(self, at: Timestamp, minutes: i64) -> bool {
        self.0.meets(at, minutes)
    }
}

impl Window {
    fn between(start: i32, end: i32, circle: i32) -> Self {
        Self { start, length: (end - start).rem_euclid(circle), circle }
    }

    fn meets(self, at: Timestamp, minutes: i64) -> bool {
        let at = at.to_zoned(TimeZone::UTC);
        let day = i32::from(at.weekday().to_monday_zero_offset());
        let minute = day * DAY + i32::from(at.hour()) * HOUR + i32::from(at.minute());
        let from = self.start - HOUR;
        let (since, until) = ((minute - from).rem_euclid(self.circle), (from - minute).rem_euclid(self.circle));
        since < self.length + HOUR || i64::from(until) < minutes
    }
}

fn clock(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i32| text.parse::<u8>().ok().map(i32::from).filter(|number| *number < below);
    Some(number(hours, 24)? * HOUR + number(minutes, 60)?)
}

fn day_clock(text: &str) -> Option<i32> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
    Some(i32::try_from(day).ok()? * DAY + clock(time)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_over_midnight_or_the_week_s_end_is_one_window() {
        let backup = BackupWindow::parse("23:45-00:15").unwrap();
        assert!(!backup.blocks(at("2026-03-01T22:44:59Z")));
        assert!(backup.blocks(at("2026-03-01T22:45:00Z")));
        assert!(backup.blocks(at("2026-03-02T00:14:59Z")));
        assert!(!backup.blocks(at("2026-03-02T00:15:00Z")));
        // 2026-03-01 is a Sunday.
        let maintenance = MaintenanceWindow::parse("sun:23:30-mon:00:30").unwrap();
        assert!(maintenance.blocks(at("2026-03-01T23:59:00Z")));
        assert!(maintenance.blocks(at("2026-03-02T00:29:00Z")));
        assert!(!maintenance.blocks(at("2026-03-03T00:29:00Z")));
    }

    #[test]
    fn what_begins_before_a_window_meets_it_when_it_may_wait_long_enough() {
        let backup = BackupWindow::parse("03:00-03:30").unwrap();
        assert!(!backup.meets(at("2026-03-02T00:00:00Z"), 120));
        assert!(backup.meets(at("2026-03-02T00:00:00Z"), 121));
        assert!(backup.meets(at("2026-03-02T03:29:00Z"), 0));
        assert!(!backup.meets(at("2026-03-02T03:30:00Z"), 22 * 60));
        let maintenance = MaintenanceWindow::parse("sun:03:00-sun:03:30").unwrap();
        assert!(!maintenance.meets(at("2026-03-02T00:00:00Z"), 24 * 60));
        assert!(maintenance.meets(at("2026-03-02T00:00:00Z"), 7 * 24 * 60));
    }

    proptest! {
        #[test]
        fn any_text_is_a_window_or_none(text in "\\PC{0,30}") {
            let _ = (BackupWindow::parse(&text), MaintenanceWindow::parse(&text));
        }
    }
}
