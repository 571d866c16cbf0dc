use jiff::ToSpan;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, zone, None).unwrap_or_else(|why| panic!("{expression}: {why}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next `count` runs as text, minutes of UTC.
fn runs(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(expression, zone);
    let mut after = at(after);
    let mut runs = Vec::new();
    while let Some(next) = schedule.next_after(after).filter(|_| runs.len() < count) {
        runs.push(next.strftime("%FT%H:%M").to_string());
        after = next;
    }
    runs
}

#[test]
fn every_form_of_aws_fires_when_it_says() {
    for (expression, expected) in [
        ("cron(0 5 ? * * *)", ["2027-01-01T05:00", "2027-01-02T05:00"]),
        ("cron(0 12 * * ? *)", ["2027-01-01T12:00", "2027-01-02T12:00"]),
        ("cron(15 * ? * * *)", ["2027-01-01T00:15", "2027-01-01T01:15"]),
        ("cron(0 5 ? * 7 *)", ["2027-01-02T05:00", "2027-01-09T05:00"]),
        ("cron(0 5 ? * 1 *)", ["2027-01-03T05:00", "2027-01-10T05:00"]),
        ("cron(0 18 ? * MON-FRI *)", ["2027-01-01T18:00", "2027-01-04T18:00"]),
        ("cron(0 18 ? * mon,Wed *)", ["2027-01-04T18:00", "2027-01-06T18:00"]),
        ("cron(0 8 1 * ? *)", ["2027-01-01T08:00", "2027-02-01T08:00"]),
        ("cron(0 8 1 1/3 ? *)", ["2027-01-01T08:00", "2027-04-01T08:00"]),
        ("cron(0 8 1 JAN,JUL ? *)", ["2027-01-01T08:00", "2027-07-01T08:00"]),
        ("cron(0 0/12 * * ? *)", ["2027-01-01T00:00", "2027-01-01T12:00"]),
        ("cron(0 8-10 * * ? *)", ["2027-01-01T08:00", "2027-01-01T09:00"]),
        ("cron(0 1-23/8 * * ? *)", ["2027-01-01T01:00", "2027-01-01T09:00"]),
        ("cron(30 */6 * * ? *)", ["2027-01-01T00:30", "2027-01-01T06:30"]),
        ("cron(30 22-2 * * ? *)", ["2027-01-01T00:30", "2027-01-01T01:30"]),
        ("cron(0 20-2/3 * * ? *)", ["2027-01-01T02:00", "2027-01-01T20:00"]),
        ("cron(0 5 ? * FRI-MON *)", ["2027-01-01T05:00", "2027-01-02T05:00"]),
        ("cron(0 5 L * ? *)", ["2027-01-31T05:00", "2027-02-28T05:00"]),
        ("cron(0 5 LW * ? *)", ["2027-01-29T05:00", "2027-02-26T05:00"]),
        ("cron(0 5 15W * ? *)", ["2027-01-15T05:00", "2027-02-15T05:00"]),
        ("cron(0 5 16W * ? *)", ["2027-01-15T05:00", "2027-02-16T05:00"]),
        ("cron(0 5 1W 5,8 ? *)", ["2027-05-03T05:00", "2027-08-02T05:00"]),
        ("cron(0 5 31W * ? *)", ["2027-01-29T05:00", "2027-03-31T05:00"]),
        ("cron(0 5 L-3 * ? *)", ["2027-01-28T05:00", "2027-02-25T05:00"]),
        ("cron(0 5 l-30 * ? *)", ["2027-01-01T05:00", "2027-03-01T05:00"]),
        ("cron(0 5 L-0 * ? *)", ["2027-01-31T05:00", "2027-02-28T05:00"]),
        ("cron(0 5 L-1W * ? *)", ["2027-01-29T05:00", "2027-02-26T05:00"]),
        ("cron(0 5 lw,1 * ? *)", ["2027-01-01T05:00", "2027-01-29T05:00"]),
        ("cron(0 5 1W,L-3,15 * ? *)", ["2027-01-01T05:00", "2027-01-15T05:00"]),
        ("cron(0 5 ? * 6L,Mon *)", ["2027-01-04T05:00", "2027-01-11T05:00"]),
        ("cron(0 5 ? * friL,SATL *)", ["2027-01-29T05:00", "2027-01-30T05:00"]),
        ("cron(0 /12 * * ? *)", ["2027-01-01T00:00", "2027-01-01T12:00"]),
        ("cron(0 5 ? * MON-FRI/2 *)", ["2027-01-01T05:00", "2027-01-04T05:00"]),
        ("cron(0 5 ? * L *)", ["2027-01-02T05:00", "2027-01-09T05:00"]),
        ("cron(0 5 ? * 5L *)", ["2027-01-28T05:00", "2027-02-25T05:00"]),
        ("cron(0 5 ? * FRIL *)", ["2027-01-29T05:00", "2027-02-26T05:00"]),
        ("cron(0 5 ? * 3#2 *)", ["2027-01-12T05:00", "2027-02-09T05:00"]),
        ("cron(0 5 ? * TUE#5 *)", ["2027-03-30T05:00", "2027-06-29T05:00"]),
        ("cron(0 5 29 2 ? *)", ["2028-02-29T05:00", "2032-02-29T05:00"]),
        ("cron(0 5 1 1 ? 2030/5)", ["2030-01-01T05:00", "2035-01-01T05:00"]),
        ("cron(0 5 31 12 ? 2027,2199)", ["2027-12-31T05:00", "2199-12-31T05:00"]),
        ("cron( 0  5 ? * *  * )", ["2027-01-01T05:00", "2027-01-02T05:00"]),
    ] {
        assert_eq!(runs(expression, "Etc/UTC", "2026-12-31T23:59:59Z", 2), expected, "{expression}");
    }
}

#[test]
fn a_schedule_whose_years_have_passed_never_fires() {
    assert!(runs("cron(0 5 1 1 ? 2020)", "Etc/UTC", "2027-01-01T00:00:00Z", 1).is_empty());
    assert!(runs("cron(0 5 ? * * *)", "Etc/UTC", "2199-12-31T05:00:00Z", 1).is_empty());
}

#[test]
fn what_aws_would_not_read_is_refused_with_the_reason() {
    for (expression, why) in [
        ("", "must have the form cron("),
        ("0 5 ? * * *", "must have the form cron("),
        ("cron(0 5 ? * * *", "must have the form cron("),
        ("CRON(0 5 ? * * *)", "must have the form cron("),
        ("cron()", "has 0 fields"),
        ("cron(0 5 * * ?)", "has 5 fields"),
        ("cron(0 0 5 * * ? *)", "has 7 fields"),
        ("cron(0 5 * * * *)", "must be ?"),
        ("cron(0 5 1 * 2 *)", "must be ?"),
        ("cron(0 5 ? * ? *)", "cannot both be ?"),
        ("cron(60 5 ? * * *)", "Minutes \"60\""),
        ("cron(0 24 ? * * *)", "Hours \"24\""),
        ("cron(0 5 0 * ? *)", "Day-of-month \"0\""),
        ("cron(0 5 32 * ? *)", "Day-of-month \"32\""),
        ("cron(0 5 ? 13 * *)", "Month \"13\""),
        ("cron(0 5 ? FOO * *)", "Month \"FOO\""),
        ("cron(0 5 ? * 0 *)", "Day-of-week \"0\""),
        ("cron(0 5 ? * 8 *)", "Day-of-week \"8\""),
        ("cron(0 5 ? * 3#6 *)", "1 to 5"),
        ("cron(0 5 ? * 3#1,4#2 *)", "# may appear once"),
        ("cron(0 5 ? * * 1969)", "Year \"1969\""),
        ("cron(0 5 ? * * 2200)", "Year \"2200\""),
        ("cron(0 5 W * ? *)", "Day-of-month \"\""),
        ("cron(0 5 L-31 * ? *)", "0 to 30"),
        ("cron(0 5 L3 * ? *)", "Day-of-month \"L3\""),
        ("cron(0 5 L-+3 * ? *)", "Day-of-month \"L-+3\""),
        ("cron(0 5 WL * ? *)", "Day-of-month \"WL\""),
        ("cron(0 5 30 2 ? *)", "No such day"),
        ("cron(0 5 29 2 ? 2027)", "No such day"),
        ("cron(0 5 ? * 2 2031-2030)", "earlier to the later"),
        ("cron(0 5/0 ? * * *)", "step \"0\""),
        ("cron(0 5/+2 ? * * *)", "step \"+2\""),
        ("cron(0 +5 ? * * *)", "Hours \"+5\""),
        ("cron(0 1,,2 ? * * *)", "Hours \"\""),
        ("cron(* * ? * * *)", "at most once an hour"),
        ("cron(0,30 5 ? * * *)", "at most once an hour"),
        ("rate(1 day)", "cron(...)"),
    ] {
        let refused = Schedule::parse(expression, "Etc/UTC", None).unwrap_err();
        assert!(refused.contains(why), "{expression}: {refused}");
    }
    assert!(Schedule::parse(&format!("cron({}0 5 ? * * *)", "0,".repeat(500_000)), "UTC", None).is_err());
}

#[test]
fn zones_are_iana_names() {
    for zone in ["Etc/UTC", "UTC", "America/Los_Angeles", "Asia/Ho_Chi_Minh"] {
        assert!(Schedule::parse(DEFAULT_EXPRESSION, zone, None).is_ok(), "{zone}");
    }
    for zone in ["", "Mars/Olympus", "+02:00", "Etc/Unknown", "../etc/passwd"] {
        let refused = Schedule::parse(DEFAULT_EXPRESSION, zone, None).unwrap_err();
        assert!(refused.contains("IANA"), "{zone}: {refused}");
    }
}

#[test]
fn local_time_is_followed_through_the_year() {
    let runs = runs("cron(0 5 1 1,7 ? *)", "America/New_York", "2026-12-31T00:00:00Z", 2);
    assert_eq!(runs, ["2027-01-01T10:00", "2027-07-01T09:00"]);
}

#[test]
fn a_time_that_the_clock_skips_is_not_made_up_for() {
    // New York, 14 March 2027: 02:00 becomes 03:00.
    let runs = runs("cron(30 2 ? * * *)", "America/New_York", "2027-03-12T12:00:00Z", 3);
    assert_eq!(runs, ["2027-03-13T07:30", "2027-03-15T06:30", "2027-03-16T06:30"]);
}

#[test]
fn a_time_that_the_clock_repeats_fires_once_at_its_first_passage() {
    // New York, 7 November 2027: 02:00 becomes 01:00 again.
    let once = runs("cron(30 1 ? * * *)", "America/New_York", "2027-11-07T05:00:00Z", 2);
    assert_eq!(once, ["2027-11-07T05:30", "2027-11-08T06:30"]);
    let hourly = runs("cron(30 * ? * * *)", "America/New_York", "2027-11-07T04:00:00Z", 4);
    assert_eq!(hourly, ["2027-11-07T04:30", "2027-11-07T05:30", "2027-11-07T07:30", "2027-11-07T08:30"]);
    // Asked during the second passage, the first one has gone by.
    let late = runs("cron(30 1 ? * * *)", "America/New_York", "2027-11-07T06:10:00Z", 1);
    assert_eq!(late, ["2027-11-08T06:30"]);
}

#[test]
fn a_zone_may_skip_a_whole_day() {
    let runs = runs("cron(0 12 ? * * *)", "Pacific/Apia", "2011-12-29T00:00:00Z", 3);
    assert_eq!(runs, ["2011-12-29T22:00", "2011-12-30T22:00", "2011-12-31T22:00"]);
}

#[test]
fn rates_count_from_their_anchor_when_they_are_switched_on() {
    let anchor = at("2027-01-01T00:10:00Z");
    let rate = Schedule::parse("rate(12 hours)", "Etc/UTC", Some(anchor)).unwrap();
    assert_eq!(rate.next_after(anchor), Some(at("2027-01-01T12:10:00Z")));
    assert_eq!(rate.next_after(at("2027-01-01T12:09:59Z")), Some(at("2027-01-01T12:10:00Z")));
    assert_eq!(rate.next_after(at("2027-01-01T12:10:00Z")), Some(at("2027-01-02T00:10:00Z")));
    for refused in [
        "rate(30 minutes)",
        "rate(1 hours)",
        "rate(2 day)",
        "rate(1 week)",
        "rate(day)",
        "rate(0 hours)",
        "rate(-1 hours)",
    ] {
        assert!(Schedule::parse(refused, "Etc/UTC", Some(anchor)).is_err(), "{refused}");
    }
}

/// A second reading of cron, minute by minute and field by field, for comparison.
fn matches_naively(expression: &str, local: jiff::civil::DateTime) -> bool {
    let fields: Vec<&str> = expression.trim_start_matches("cron(").trim_end_matches(')').split(' ').collect();
    let plain = |field: &str, value: i64, first: i64| {
        field == "*"
            || field.split(',').any(|part| {
                let (range, step) =
                    part.split_once('/').map_or((part, None), |(range, step)| (range, step.parse::<i64>().ok()));
                let (from, to) = match (range, range.split_once('-')) {
                    ("*", _) => (first, i64::MAX),
                    (_, Some((from, to))) => (from.parse().unwrap(), to.parse().unwrap()),
                    (one, None) => (one.parse().unwrap(), if step.is_some() { i64::MAX } else { one.parse().unwrap() }),
                };
                (from..=to).contains(&value) && (value - from) % step.unwrap_or(1) == 0
            })
    };
    let date = local.date();
    let week_day = i64::from(date.weekday().to_sunday_one_offset());
    let of_month = match fields[2] {
        "?" => true,
        "L" => date == date.last_of_month(),
        day => plain(day, i64::from(date.day()), 1),
    };
    let of_week = match fields[4] {
        "?" => true,
        day if day.contains('#') => {
            let (day, nth) = day.split_once('#').unwrap();
            plain(day, week_day, 1)
                && date.nth_weekday_of_month(nth.parse().unwrap(), date.weekday()).ok() == Some(date)
        }
        day if day.ends_with('L') => {
            plain(&day[..day.len() - 1], week_day, 1)
                && date.nth_weekday_of_month(-1, date.weekday()).ok() == Some(date)
        }
        day => plain(day, week_day, 1),
    };
    plain(fields[0], i64::from(local.minute()), 0)
        && plain(fields[1], i64::from(local.hour()), 0)
        && plain(fields[3], i64::from(date.month()), 1)
        && of_month
        && of_week
}

/// Whether a rule fires at `instant`: its local time matches and this is that local time's first passage.
fn fires_naively(expression: &str, zone: &TimeZone, instant: Timestamp) -> bool {
    let local = instant.to_zoned(zone.clone()).datetime();
    local.second() == 0
        && matches_naively(expression, local)
        && zone.to_ambiguous_timestamp(local).earlier().unwrap() == instant
}

fn expression() -> impl Strategy<Value = String> {
    let hours = prop_oneof![
        Just("*".to_owned()),
        (0..24_i8).prop_map(|hour| hour.to_string()),
        (0..12_i8, 12..24_i8, 1..6_i8).prop_map(|(from, to, step)| format!("{from}-{to}/{step}")),
        (0..24_i8, 0..24_i8).prop_map(|(a, b)| format!("{a},{b}")),
    ];
    let days = prop_oneof![
        Just("? * *".to_owned()),
        Just("L * ?".to_owned()),
        (1..29_i8, 1..5_i8).prop_map(|(day, step)| format!("{day}/{step} * ?")),
        (1..8_i8).prop_map(|day| format!("? * {day}")),
        (1..8_i8, 1..6_i8).prop_map(|(day, nth)| format!("? * {day}#{nth}")),
        (1..8_i8).prop_map(|day| format!("? 3-11 {day}L")),
        (1..13_i8, 1..29_i8).prop_map(|(month, day)| format!("{day} {month},10 ?")),
    ];
    (0..60_i8, hours, days).prop_map(|(minute, hours, days)| format!("cron({minute} {hours} {days} *)"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_next_run_is_the_first_match_of_a_minute_by_minute_reading(
        expression in expression(),
        zone in prop::sample::select(&[
            "Etc/UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
        ][..]),
        // 2016–2030: Sao Paulo's clocks changed at midnight until 2019.
        start in 1_451_606_400_i64..1_893_456_000,
    ) {
        let horizon = 60 * 24 * 20;
        let schedule = schedule(&expression, zone);
        let zone = TimeZone::get(zone).unwrap();
        let start = Timestamp::from_second(start).unwrap();
        let next = schedule.next_after(start).expect("a year without an end");
        prop_assert!(next > start);
        prop_assert!(fires_naively(&expression, &zone, next), "{next} does not match");
        let mut minute = Timestamp::from_second(start.as_second().div_euclid(60) * 60 + 60).unwrap();
        for _ in 0..horizon {
            if minute >= next {
                break;
            }
            prop_assert!(!fires_naively(&expression, &zone, minute), "{minute} was passed over for {next}");
            minute += 1.minute();
        }
    }

    #[test]
    fn no_text_is_too_odd(text in "(cron\\()?[-0-9 *?,/LW#a-z()]{0,40}\\)?", zone in ".{0,20}") {
        let _ = Schedule::parse(&text, "Etc/UTC", Some(Timestamp::UNIX_EPOCH));
        let _ = Schedule::parse(DEFAULT_EXPRESSION, &zone, None);
    }
}
