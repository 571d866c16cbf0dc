use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;

fn timetable(expression: &str, zone: &str) -> Timetable {
    Timetable::parse(expression, zone).unwrap_or_else(|fault| panic!("{fault}"))
}

fn next(expression: &str, zone: &str, after: &str) -> Option<String> {
    timetable(expression, zone).next_after(after.parse().unwrap()).map(|run| run.to_string())
}

#[test]
fn the_next_run_is_the_first_that_fits() {
    for (expression, after, run) in [
        ("cron(0 5 ? * * *)", "2026-01-01T05:00:00Z", "2026-01-02T05:00:00Z"),
        ("cron(0 5 ? * * *)", "2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z"),
        ("cron(15 * ? * * *)", "2026-01-01T23:15:00Z", "2026-01-02T00:15:00Z"),
        ("cron(0 0/6 * * ? *)", "2026-01-01T13:00:00Z", "2026-01-01T18:00:00Z"),
        // 1 = Sunday, 7 = Saturday; 2026-01-03 is a Saturday.
        ("cron(0 5 ? * 7 *)", "2026-01-01T00:00:00Z", "2026-01-03T05:00:00Z"),
        ("cron(0 5 ? * SUN *)", "2026-01-01T00:00:00Z", "2026-01-04T05:00:00Z"),
        ("cron(0 5 ? * mon-fri *)", "2026-01-02T06:00:00Z", "2026-01-05T05:00:00Z"),
        ("cron(0 5 ? * L *)", "2026-01-01T00:00:00Z", "2026-01-03T05:00:00Z"),
        ("cron(0 5 ? * 5L *)", "2026-01-01T00:00:00Z", "2026-01-29T05:00:00Z"),
        ("cron(0 5 ? * TUE#2 *)", "2026-01-01T00:00:00Z", "2026-01-13T05:00:00Z"),
        ("cron(0 5 L * ? *)", "2028-02-01T00:00:00Z", "2028-02-29T05:00:00Z"),
        // The last day of January 2026 is a Saturday, the 1st of August 2026 too.
        ("cron(0 5 LW * ? *)", "2026-01-01T00:00:00Z", "2026-01-30T05:00:00Z"),
        ("cron(0 5 1W AUG ? *)", "2026-01-01T00:00:00Z", "2026-08-03T05:00:00Z"),
        ("cron(0 5 29 2 ? *)", "2026-01-01T00:00:00Z", "2028-02-29T05:00:00Z"),
        // Beyond the guide's table: as Quartz has it.
        ("cron(0 5 L-3 2 ? *)", "2026-01-01T00:00:00Z", "2026-02-25T05:00:00Z"),
        ("cron(0 5 l-3 * ? *)", "2028-02-01T00:00:00Z", "2028-02-26T05:00:00Z"),
        ("cron(0 5 L-30 * ? *)", "2026-02-01T00:00:00Z", "2026-03-01T05:00:00Z"),
        // Three days before the last of May 2026, a Sunday, is a Thursday; one day before is a Saturday.
        ("cron(0 5 L-3W 5 ? *)", "2026-01-01T00:00:00Z", "2026-05-28T05:00:00Z"),
        ("cron(0 5 L-1W 5 ? *)", "2026-01-01T00:00:00Z", "2026-05-29T05:00:00Z"),
        ("cron(0 /6 * * ? *)", "2026-01-01T13:00:00Z", "2026-01-01T18:00:00Z"),
        ("cron(0 5 1 1,7 ? 2030-2031)", "2026-01-01T00:00:00Z", "2030-01-01T05:00:00Z"),
        ("cron(30 4 1 JAN/3 ? *)", "2026-01-02T00:00:00Z", "2026-04-01T04:30:00Z"),
    ] {
        assert_eq!(next(expression, "", after).as_deref(), Some(run), "{expression}");
    }
    assert_eq!(next("cron(0 5 1 1 ? 2020)", "", "2026-01-01T00:00:00Z"), None);
}

/// The examples of EventBridge's user guide, as far as they run at most hourly; with the first runs after the last day of
/// 2026, a Thursday.
#[test]
fn the_examples_of_eventbridge_run_when_its_guide_says() {
    for (expression, runs) in [
        ("cron(0 10 * * ? *)", ["2027-01-01T10:00", "2027-01-02T10:00", "2027-01-03T10:00"]),
        ("cron(15 12 * * ? *)", ["2027-01-01T12:15", "2027-01-02T12:15", "2027-01-03T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2027-01-01T18:00", "2027-01-04T18:00", "2027-01-05T18:00"]),
        ("cron(0 8 1 * ? *)", ["2027-01-01T08:00", "2027-02-01T08:00", "2027-03-01T08:00"]),
        // "From 10 pm on the starting day to 2 am on the following day", and from 12 to 2 am on Monday.
        ("cron(30 20-2 ? * MON-FRI *)", ["2027-01-01T00:30", "2027-01-01T01:30", "2027-01-01T02:30"]),
        ("cron(0 9 ? * FRI-MON *)", ["2027-01-01T09:00", "2027-01-02T09:00", "2027-01-03T09:00"]),
        ("cron(0 9 1 NOV-FEB/2 ? *)", ["2027-01-01T09:00", "2027-11-01T09:00", "2028-01-01T09:00"]),
        // The wildcards: 3W, 3#2, L of the month and of the week.
        ("cron(0 9 3W * ? *)", ["2027-01-04T09:00", "2027-02-03T09:00", "2027-03-03T09:00"]),
        ("cron(0 9 ? * 3#2 *)", ["2027-01-12T09:00", "2027-02-09T09:00", "2027-03-09T09:00"]),
        ("cron(0 9 L * ? *)", ["2027-01-31T09:00", "2027-02-28T09:00", "2027-03-31T09:00"]),
        ("cron(0 9 ? * L *)", ["2027-01-02T09:00", "2027-01-09T09:00", "2027-01-16T09:00"]),
        ("cron(15 10 ? * 6L 2027-2030)", ["2027-01-29T10:15", "2027-02-26T10:15", "2027-03-26T10:15"]),
    ] {
        let timetable = timetable(expression, "");
        let after = "2026-12-31T23:59:59Z".parse().unwrap();
        let told: Vec<_> =
            timetable.runs_after(after).take(3).map(|run| run.at.strftime("%FT%H:%M").to_string()).collect();
        assert_eq!(told, runs, "{expression}");
    }
    for too_often in ["cron(0/15 * * * ? *)", "cron(0/10 * ? * MON-FRI *)", "cron(0/5 8-17 ? * MON-FRI *)"] {
        assert!(Schedule::parse(too_often).unwrap_err().0.contains("more often than hourly"), "{too_often}");
    }
}

#[test]
fn daylight_saving_skips_a_run_or_makes_it_once() {
    let berlin = |expression, after| next(expression, "Europe/Berlin", after);
    // 02:30 does not exist on 2026-03-29.
    assert_eq!(berlin("cron(30 2 ? * * *)", "2026-03-28T12:00:00Z").as_deref(), Some("2026-03-30T00:30:00Z"));
    // It exists twice on 2026-10-25, first in summer time.
    assert_eq!(berlin("cron(30 2 ? * * *)", "2026-10-24T12:00:00Z").as_deref(), Some("2026-10-25T00:30:00Z"));
    assert_eq!(berlin("cron(30 2 ? * * *)", "2026-10-25T00:30:00Z").as_deref(), Some("2026-10-26T01:30:00Z"));
}

#[test]
fn a_run_tells_what_daylight_saving_did() {
    let told = |expression, after: &str| {
        let timetable = timetable(expression, "Europe/Berlin");
        let runs = timetable.runs_after(after.parse().unwrap()).take(3);
        runs.map(|run| {
            (run.at.datetime().to_string(), run.skipped.iter().map(ToString::to_string).collect(), run.repeated)
        })
        .collect::<Vec<(String, Vec<String>, bool)>>()
    };
    let run = |at: &str, skipped: &[&str], repeated| {
        (at.to_owned(), skipped.iter().map(ToString::to_string).collect::<Vec<_>>(), repeated)
    };
    assert_eq!(
        told("cron(30 2 ? * * *)", "2026-03-27T12:00:00Z"),
        [
            run("2026-03-28T02:30:00", &[], false),
            run("2026-03-30T02:30:00", &["2026-03-29T02:30:00"], false),
            run("2026-03-31T02:30:00", &[], false),
        ]
    );
    assert_eq!(
        told("cron(30 2 ? * * *)", "2026-10-24T12:00:00Z"),
        [
            run("2026-10-25T02:30:00", &[], true),
            run("2026-10-26T02:30:00", &[], false),
            run("2026-10-27T02:30:00", &[], false),
        ]
    );
}

#[test]
fn a_fault_names_its_field_and_value() {
    let form = "it has the form cron(minutes hours day-of-month month day-of-week year), such as cron(0 5 ? * * *)";
    for (expression, why) in [
        ("0 5 * * *", form),
        ("cron(0 5 ? * * *", form),
        ("rate(1 day)", "AWS Backup takes cron expressions only, such as cron(0 5 ? * * *)"),
        ("cron(0 5 * * *)", "it has 5 fields, not the six minutes hours day-of-month month day-of-week year"),
        (
            "cron(0 5 * * * *)",
            "day-of-month is \"*\" and day-of-week is \"*\": one of the two must be ? and the other must not",
        ),
        (
            "cron(0 5 ? * ? *)",
            "day-of-month is \"?\" and day-of-week is \"?\": one of the two must be ? and the other must not",
        ),
        ("cron(60 24 ? * * *)", "minutes is \"60\": \"60\" is none of 0–59; hours is \"24\": \"24\" is none of 0–23"),
        ("cron(0/15 * ? * * *)", "it runs more often than hourly: minutes must name one minute"),
        ("cron(0 5 ? * 0 *)", "day-of-week is \"0\": \"0\" is none of 1–7 and SUN–SAT"),
        ("cron(0 ? ? * 1 *)", "hours is \"?\": ? is for day-of-month and day-of-week alone"),
        ("cron(0 5 ? * 2 2031-2030)", "year is \"2031-2030\": a range of years goes from the earlier to the later one"),
        ("cron(0 5 ? * 2#6 *)", "day-of-week is \"2#6\": after # stands 1–5, which of them in the month"),
        ("cron(0 5 ? * 2#1#1 *)", "day-of-week is \"2#1#1\": after # stands 1–5, which of them in the month"),
        ("cron(0 */0 ? * * *)", "hours is \"*/0\": after / stands a number of 1 or more"),
        ("cron(0 5 31 FEB ? *)", "no such day exists"),
        ("cron(0 5 ? * * 1969)", "year is \"1969\": \"1969\" is none of 1970–2199"),
        ("cron(+1 5 ? * * *)", "minutes is \"+1\": \"+1\" is none of 0–59"),
        ("cron(1, 5 ? * * *)", "minutes is \"1,\": \"\" is none of 0–59"),
    ] {
        let told = Schedule::parse(expression).unwrap_err().0;
        assert_eq!(told, format!("\"{expression}\" is not a schedule: {why}"));
    }
}

/// The line between what no cron is like and what AWS alone can judge.
#[test]
fn what_only_aws_can_judge_is_no_fault() {
    for schedule in ["5C * ?", "L/2 * ?", "10W-15W * ?", "WL * ?", "? * 2L-6L", "? * 5LC"] {
        let schedule = format!("cron(0 5 {schedule} *)");
        assert_eq!(ScheduleText::parse(&schedule).unwrap().as_str(), schedule);
        let unread = Schedule::parse(&schedule).unwrap_err().0;
        assert!(unread.contains("is no schedule that Strongroom can read: "), "{unread}");
        // What is malformed besides is a fault.
        assert!(ScheduleText::parse(&schedule.replace("(0 5", "(0 25")).is_err(), "{schedule}");
    }
    for schedule in
        ["LX * ?", "L-31 * ?", "32W * ?", "5CC- * ?", "? * 5W", "? * 8L", "? * 1#1,2#2", "? * FOOL", "W * 1"]
    {
        let schedule = format!("cron(0 5 {schedule} *)");
        assert!(ScheduleText::parse(&schedule).is_err(), "{schedule}");
    }
}

#[test]
fn what_is_left_out_is_daily_at_five_in_utc() {
    assert_eq!(Schedule::parse("").unwrap().as_str(), "cron(0 5 ? * * *)");
    assert_eq!(TimeZone::parse("").unwrap().as_str(), "Etc/UTC");
}

#[test]
fn a_zone_is_one_of_iana() {
    assert_eq!(TimeZone::parse("europe/berlin").unwrap().as_str(), "Europe/Berlin");
    for wrong in ["Mars/Olympus", "+02:00", "Etc/Unknown", "CEST", "../etc/passwd"] {
        assert!(TimeZone::parse(wrong).is_err(), "{wrong}");
    }
}

/// Right expressions of every kind.
fn expression() -> impl Strategy<Value = String> {
    let hours = proptest::sample::select(vec!["*", "2", "1,2,3", "0/5", "22-23"]);
    let days = proptest::sample::select(vec![
        "* * ?",
        "31 * ?",
        "29 2 ?",
        "L * ?",
        "LW * ?",
        "1W 1-3 ?",
        "31W * ?",
        "L-3 * ?",
        "L-30W * ?",
        "1,15,29 * ?",
        "? * FRI,MON",
        "? * 7",
        "? * 2-6",
        "? 3,11 1#1",
        "? * 3L",
    ]);
    let years = proptest::sample::select(vec!["*", "2000", "2000/4", "2020-2022"]);
    (0..60, hours, days, years)
        .prop_map(|(minute, hours, days, years)| format!("cron({minute} {hours} {days} {years})"))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(
        text in prop_oneof!["\\PC{0,80}", "cron\\(([0-9LW#,/*?A-Z-]{1,5} ){5}[0-9*?]{1,4}\\)"],
    ) {
        // What is read is never refused.
        prop_assert!(Schedule::parse(&text).is_err() || ScheduleText::parse(&text).is_ok());
        let _ = TimeZone::parse(&text);
    }

    #[test]
    fn the_latest_run_is_the_one_that_the_next_one_follows(
        expression in expression(),
        zone in proptest::sample::select(vec!["", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein"]),
        second in 0_i64..2_000_000_000,
    ) {
        let timetable = timetable(&expression, zone);
        let before = Timestamp::from_second(second).unwrap();
        match timetable.latest_before(before) {
            Some(run) => {
                prop_assert!(run < before);
                prop_assert_eq!(timetable.next_after(run - 1.second()), Some(run));
                prop_assert!(timetable.next_after(run).is_none_or(|next| next >= before));
            }
            None => prop_assert!(timetable.next_after(Timestamp::UNIX_EPOCH - 1.second()).is_none_or(|next| next >= before)),
        }
    }

    /// Against every minute of the days around a change of the clocks, looked at one by one.
    #[test]
    fn runs_are_the_minutes_whose_local_time_fits_and_comes_for_the_first_time(
        minute in 0_i8..60,
        hours in proptest::sample::subsequence((0_i8..24).collect::<Vec<_>>(), 1..6),
        zone in proptest::sample::select(vec!["America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]),
        day in 13_000_i64..20_000,
    ) {
        const LENGTH: i64 = 4 * 24 * 60;
        let listed: Vec<String> = hours.iter().map(ToString::to_string).collect();
        let timetable = timetable(&format!("cron({minute} {} * * ? *)", listed.join(",")), zone);
        let zone = timetable.zone.0.clone();
        let start = Timestamp::from_second(day * 86_400).unwrap();
        let start = zone.following(start).next().map_or(start, |change| change.timestamp() - 36.hours());
        let minutes = (1..LENGTH).map(|minute| (start + minute.minutes()).to_zoned(zone.clone()));
        // What came before them may come again within them.
        let mut seen = std::collections::BTreeSet::new();
        let earlier = (-24 * 60..=0).map(|minute| (start + minute.minutes()).to_zoned(zone.clone()));
        seen.extend(earlier.map(|at| at.datetime()));
        let fitting: Vec<Timestamp> = minutes
            .filter(|at| seen.insert(at.datetime()) && at.minute() == minute && hours.contains(&at.hour()))
            .map(|at| at.timestamp())
            .collect();
        let end = start + LENGTH.minutes();
        let runs: Vec<Timestamp> =
            timetable.runs_after(start).map(|run| run.at.timestamp()).take_while(|run| *run < end).collect();
        prop_assert_eq!(runs, fitting);
    }

    #[test]
    fn runs_go_forward_and_none_is_missed(expression in expression(), day in 0_i64..20_000) {
        let timetable = timetable(&expression, "America/New_York");
        let after = Timestamp::from_second(day * 86_400).unwrap();
        if let Some(run) = timetable.next_after(after) {
            prop_assert!(run > after);
            // Asked from half way, and from just before it, the run is the same.
            let half = Timestamp::from_second(after.as_second().midpoint(run.as_second() - 1)).unwrap();
            for earlier in [half, run - 1.second()] {
                prop_assert_eq!(timetable.next_after(earlier), Some(run));
            }
        }
    }
}
