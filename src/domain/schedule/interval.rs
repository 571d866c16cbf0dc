//! How far apart the runs of a schedule are at most: what a rule promises by it.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::DateTime};

use super::Timetable;

/// How far ahead runs are compared: months of every length, every week of a month and a yearly rule lie within it. One
/// that runs more seldom is followed to its next run.
const AHEAD_DAYS: i32 = 400;

impl Timetable {
    /// The longest time between two runs, as of `now`; `None`: none is to come, or one alone ever was and will be.
    ///
    /// It is read off the local clock, so that a daily rule promises 24 hours all year, though two of its days have 23 and 25.
    /// Around those two days what really lies between the runs counts, if it is more: a run that daylight saving skips is no
    /// broken promise, and nor is a night that is an hour longer. `instead` tells when that is backed up which a run is to back
    /// up; without it, at the run.
    pub(in crate::domain) fn longest_interval(
        &self,
        now: Timestamp,
        instead: Option<&dyn Fn(Timestamp) -> Timestamp>,
    ) -> Option<SignedDuration> {
        let next = self.next_after(now)?;
        let last = self.latest_before(now.checked_add(1.nanosecond()).unwrap_or(now));
        let happens = |run: Timestamp| instead.map_or(run, |instead| instead(run));
        let of_clock = self.longest_of_clock(self.local(last.unwrap_or(next)), instead);
        let before = last.and_then(|last| self.latest_before(last));
        let real = |from: Option<Timestamp>, to: Option<Timestamp>| Some(happens(to?).duration_since(happens(from?)));
        [of_clock, real(before, last), real(last, Some(next))].into_iter().flatten().max()
    }

    /// The longest time between two local times of the schedule, from that one on.
    fn longest_of_clock(
        &self,
        from: DateTime,
        instead: Option<&dyn Fn(Timestamp) -> Timestamp>,
    ) -> Option<SignedDuration> {
        let end = from.saturating_add(AHEAD_DAYS.days());
        let happens = |local: DateTime| match (instead, self.passage(local).first()) {
            (Some(instead), Some(run)) => self.local(instead(run)),
            _ => local,
        };
        let mut longest = None;
        let mut before: Option<DateTime> = None;
        for local in self.schedule.cron.locals_from(from) {
            let at = if instead.is_some() { happens(local) } else { local };
            longest = longest.max(before.map(|before| at.duration_since(before)));
            before = Some(at);
            if local > end {
                break;
            }
        }
        longest
    }

    fn local(&self, at: Timestamp) -> DateTime {
        at.to_zoned(self.zone.0.clone()).datetime()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn longest(expression: &str, zone: &str, now: &str) -> Option<String> {
        let timetable = Timetable::parse(expression, zone).unwrap();
        timetable.longest_interval(now.parse().unwrap(), None).map(|it| {
            let (days, hours) = (it.as_hours() / 24, it.as_hours() % 24);
            if hours == 0 { format!("{days}d") } else { format!("{days}d{hours}h") }
        })
    }

    #[test]
    fn what_a_schedule_promises_is_the_longest_time_between_its_runs() {
        for (expression, zone, now, expected) in [
            ("cron(0 5 ? * * *)", "", "2026-03-02T06:00:00Z", "1d"),
            // At the very moment of a run too.
            ("cron(0 5 ? * * *)", "", "2026-03-02T05:00:00Z", "1d"),
            ("cron(15 * ? * * *)", "", "2026-03-02T06:00:00Z", "0d1h"),
            ("cron(0 0/6 * * ? *)", "", "2026-03-02T06:00:00Z", "0d6h"),
            ("cron(0 8-18 ? * * *)", "", "2026-03-02T12:00:00Z", "0d14h"),
            ("cron(0 5 ? * MON-FRI *)", "", "2026-03-03T06:00:00Z", "3d"),
            ("cron(0 5 ? * SUN *)", "", "2026-03-03T06:00:00Z", "7d"),
            ("cron(0 5 L * ? *)", "", "2026-02-03T06:00:00Z", "31d"),
            // The last Thursday, the second Tuesday: five weeks at times.
            ("cron(0 5 ? * 5L *)", "", "2026-02-03T06:00:00Z", "35d"),
            ("cron(0 5 ? * TUE#2 *)", "", "2026-02-03T06:00:00Z", "35d"),
            // Friday 13 February and Monday 16 March; Friday 15 May and Monday 15 June.
            ("cron(0 5 15W * ? *)", "", "2026-02-03T06:00:00Z", "32d"),
            ("cron(0 5 31 * ? *)", "", "2026-02-03T06:00:00Z", "61d"),
            ("cron(0 5 1 1,7 ? *)", "", "2026-02-03T06:00:00Z", "184d"),
            ("cron(0 5 1 1 ? *)", "", "2026-02-03T06:00:00Z", "365d"),
            ("cron(0 5 29 2 ? *)", "", "2026-02-03T06:00:00Z", "1461d"),
            ("cron(0 * ? JAN-JUN * *)", "", "2026-02-03T06:00:00Z", "184d1h"),
            // All year 24 hours; 25 in the night that is longer and the day after, and where the run is skipped, 47.
            ("cron(0 5 ? * * *)", "Europe/Berlin", "2026-07-01T06:00:00Z", "1d"),
            ("cron(0 5 ? * * *)", "Europe/Berlin", "2026-10-24T12:00:00Z", "1d1h"),
            ("cron(0 5 ? * * *)", "Europe/Berlin", "2026-10-25T12:00:00Z", "1d1h"),
            ("cron(0 5 ? * * *)", "Europe/Berlin", "2026-10-26T12:00:00Z", "1d"),
            ("cron(30 2 ? * * *)", "Europe/Berlin", "2026-03-27T12:00:00Z", "1d"),
            ("cron(30 2 ? * * *)", "Europe/Berlin", "2026-03-29T12:00:00Z", "1d23h"),
            ("cron(30 2 ? * * *)", "Europe/Berlin", "2026-03-30T12:00:00Z", "1d23h"),
            ("cron(30 2 ? * * *)", "Europe/Berlin", "2026-03-31T12:00:00Z", "1d"),
            ("cron(0 * ? * * *)", "Europe/Berlin", "2026-10-25T01:30:00Z", "0d2h"),
        ] {
            assert_eq!(longest(expression, zone, now).as_deref(), Some(expected), "{expression} {zone} {now}");
        }
    }

    #[test]
    fn what_never_runs_again_or_once_alone_promises_nothing() {
        assert_eq!(longest("cron(0 5 1 1 ? 2025)", "", "2026-01-02T00:00:00Z"), None);
        assert_eq!(longest("cron(0 5 1 1 ? 2027)", "", "2026-01-02T00:00:00Z"), None);
        assert_eq!(longest("cron(0 5 1 1 ? 2026-2027)", "", "2026-01-02T00:00:00Z").as_deref(), Some("365d"));
        assert_eq!(longest("cron(0 5 1 1 ? 2026-2027)", "", "2027-01-02T00:00:00Z"), None);
    }

    proptest! {
        /// In UTC by the definition: run by run.
        #[test]
        fn no_two_runs_are_further_apart(
            hours in proptest::collection::btree_set(0u8..24, 1..4),
            days in prop_oneof![
                Just("* * ?".to_owned()), (1u8..29).prop_map(|day| format!("{day} * ?")), Just("L * ?".to_owned()),
                (1u8..29).prop_map(|day| format!("{day}W * ?")), (1u8..8).prop_map(|day| format!("? * {day}")),
                (1u8..8, 1u8..5).prop_map(|(day, nth)| format!("? * {day}#{nth}")),
                (1u8..8).prop_map(|day| format!("? * {day}L")),
            ],
            second in 1_700_000_000i64..1_900_000_000,
        ) {
            let hours: Vec<String> = hours.iter().map(ToString::to_string).collect();
            let timetable = Timetable::parse(&format!("cron(7 {} {days} *)", hours.join(",")), "").unwrap();
            let now = Timestamp::from_second(second).unwrap();
            let longest = timetable.longest_interval(now, None).unwrap();
            let last = timetable.latest_before(now).unwrap();
            let end = last + SignedDuration::from_hours(24 * i64::from(AHEAD_DAYS));
            let mut runs = vec![timetable.latest_before(last).unwrap(), last];
            runs.extend(timetable.runs_after(last).map(|run| run.at.timestamp()).take_while(|run| *run <= end));
            runs.extend(timetable.next_after(end));
            let gaps: Vec<_> = runs.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
            prop_assert_eq!(Some(longest), gaps.into_iter().max());
        }

        /// In any zone: a backup at each run is never older than promised when the next one is due, but in the days around a
        /// change of the clocks that are not looked at yet.
        #[test]
        fn what_is_backed_up_at_every_run_is_as_promised(
            hour in 0u8..24, minute in 0u8..60, second in 1_700_000_000i64..1_900_000_000,
            zone in prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("Asia/Kolkata")],
        ) {
            let timetable = Timetable::parse(&format!("cron({minute} {hour} ? * * *)"), zone).unwrap();
            let now = Timestamp::from_second(second).unwrap();
            let promised = timetable.longest_interval(now, None).unwrap();
            let (last, next) = (timetable.latest_before(now).unwrap(), timetable.next_after(now).unwrap());
            prop_assert!(next.duration_since(last) <= promised);
            prop_assert!(promised >= SignedDuration::from_hours(24) && promised <= SignedDuration::from_hours(48));
        }
    }
}
