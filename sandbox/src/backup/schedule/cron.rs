//! AWS's cron: six fields, weekdays 1 (Sunday) to 7, `?`, `L`, `W` and `#`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 2199;

/// The times that an expression names, as sets.
#[derive(Debug, Clone)]
pub(super) struct Cron {
    /// Times of day, ascending.
    times: Vec<Time>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Which days of a month: one of the two day fields, for the other one is `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// Days 1–31.
    Of(BTreeSet<i16>),
    /// `L`: the last day.
    Last,
    /// `LW`: the last Monday-to-Friday day.
    LastWeekday,
    /// `15W`: the Monday-to-Friday day nearest to the 15th, within the month.
    NearestWeekday(i16),
    /// Weekdays, 1 = Sunday.
    Weekdays(BTreeSet<i16>),
    /// `5L`: the last such weekday of the month.
    LastOf(i16),
    /// `3#2`: the second such weekday of the month.
    Nth(i16, i16),
}

/// One field's name and bounds, for reading and for messages.
struct Field {
    name: &'static str,
    first: i16,
    last: i16,
    /// Spelled values, the first standing for `first`.
    names: &'static [&'static str],
}

const MINUTES: Field = Field { name: "Minutes", first: 0, last: 59, names: &[] };
const HOURS: Field = Field { name: "Hours", first: 0, last: 23, names: &[] };
const DAY_OF_MONTH: Field = Field { name: "Day-of-month", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "Month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field =
    Field { name: "Day-of-week", first: 1, last: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const YEAR: Field = Field { name: "Year", first: FIRST_YEAR, last: LAST_YEAR, names: &[] };

impl Cron {
    /// Reads the six fields between the brackets.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, month_day, months, week_day, years] = fields[..] else {
            return Err(format!(
                "It has {} fields and needs 6: Minutes Hours Day-of-month Month Day-of-week Year",
                fields.len()
            ));
        };
        let minutes = MINUTES.set(minutes)?;
        // Two different minutes always meet within one hour, and one minute never does: this is the whole test.
        if minutes.len() > 1 {
            return Err("Backups can run at most once an hour: Minutes must name a single minute".to_owned());
        }
        let hours = HOURS.set(hours)?;
        let days = match (month_day, week_day) {
            ("?", "?") => return Err("Day-of-month and Day-of-week cannot both be ?".to_owned()),
            ("?", day) => week_days(day)?,
            (day, "?") => month_days(day)?,
            _ => return Err("One of Day-of-month and Day-of-week must be ?".to_owned()),
        };
        let times = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)))
            .filter_map(|(hour, minute)| Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok())
            .collect();
        let cron = Self { times, days, months: MONTH.set(months)?, years: YEAR.set(years)? };
        if cron.next_date(Date::constant(FIRST_YEAR, 1, 1)).is_none() {
            return Err("No such day exists".to_owned());
        }
        Ok(cron)
    }

    /// The first match strictly after `after`. Local times run forward with instants as long as each is taken at its
    /// first passage, so the first local match that lies ahead is the answer.
    pub(super) fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let from = after.to_zoned(zone.clone()).datetime();
        let mut date = self.next_date(from.date())?;
        loop {
            for time in &self.times {
                let local = DateTime::from_parts(date, *time);
                if local < from {
                    continue;
                }
                let passage = zone.to_ambiguous_timestamp(local);
                if matches!(passage.offset(), AmbiguousOffset::Gap { .. }) {
                    continue;
                }
                if let Some(instant) = passage.earlier().ok().filter(|instant| *instant > after) {
                    return Some(instant);
                }
            }
            date = self.next_date(date.tomorrow().ok()?)?;
        }
    }

    /// The first matching date at or after `date`.
    fn next_date(&self, mut date: Date) -> Option<Date> {
        loop {
            let year = *self.years.range(date.year()..).next()?;
            if year != date.year() {
                date = Date::new(year, 1, 1).ok()?;
            }
            let Some(month) = self.months.range(i16::from(date.month())..).next() else {
                date = date.last_of_year().tomorrow().ok()?;
                continue;
            };
            if *month != i16::from(date.month()) {
                date = Date::new(year, i8::try_from(*month).ok()?, 1).ok()?;
            }
            if self.days.holds(date) {
                return Some(date);
            }
            date = date.tomorrow().ok()?;
        }
    }
}

impl Days {
    fn holds(&self, date: Date) -> bool {
        let day = i16::from(date.day());
        let last = i16::from(date.days_in_month());
        let week_day = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Self::Of(days) => days.contains(&day),
            Self::Last => day == last,
            Self::LastWeekday => is_nearest_weekday(date, last),
            Self::NearestWeekday(wanted) => *wanted <= last && is_nearest_weekday(date, *wanted),
            Self::Weekdays(days) => days.contains(&week_day),
            Self::LastOf(wanted) => week_day == *wanted && day + 7 > last,
            Self::Nth(wanted, nth) => week_day == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// Whether `date` is the Monday-to-Friday day nearest to day `wanted` of its month; the search stays in the month.
fn is_nearest_weekday(date: Date, wanted: i16) -> bool {
    let last = i16::from(date.days_in_month());
    let Some(target) = i8::try_from(wanted).ok().and_then(|day| Date::new(date.year(), date.month(), day).ok()) else {
        return false;
    };
    let nearest = match target.weekday() {
        Weekday::Saturday if wanted == 1 => 3,
        Weekday::Saturday => wanted - 1,
        Weekday::Sunday if wanted == last => wanted - 2,
        Weekday::Sunday => wanted + 1,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => wanted,
    };
    i16::from(date.day()) == nearest
}

fn month_days(text: &str) -> Result<Days, String> {
    let upper = text.to_ascii_uppercase();
    match upper.as_str() {
        "L" => return Ok(Days::Last),
        "LW" => return Ok(Days::LastWeekday),
        _ => {}
    }
    if let Some(day) = upper.strip_suffix('W') {
        return Ok(Days::NearestWeekday(DAY_OF_MONTH.value(day)?));
    }
    Ok(Days::Of(DAY_OF_MONTH.set(text)?))
}

fn week_days(text: &str) -> Result<Days, String> {
    let upper = text.to_ascii_uppercase();
    if upper == "L" {
        return Ok(Days::Weekdays(BTreeSet::from([DAY_OF_WEEK.last])));
    }
    if let Some((day, nth)) = upper.split_once('#') {
        let nth: i16 = match nth.parse() {
            Ok(nth @ 1..=5) => nth,
            _ => return Err(format!("Day-of-week {text}: the number after # must be 1 to 5, and # may appear once")),
        };
        return Ok(Days::Nth(DAY_OF_WEEK.value(day)?, nth));
    }
    if let Some(day) = upper.strip_suffix('L') {
        return Ok(Days::LastOf(DAY_OF_WEEK.value(day)?));
    }
    Ok(Days::Weekdays(DAY_OF_WEEK.set(text)?))
}

impl Field {
    /// Reads `*`, values, ranges, steps and lists of them.
    fn set(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (from, to) = if range == "*" {
                (self.first, self.last)
            } else if let Some((from, to)) = range.split_once('-') {
                let (from, to) = (self.value(from)?, self.value(to)?);
                if from > to {
                    // EventBridge's guide has `20-2` of hours [K]: around the end, which years do not have.
                    if self.last == LAST_YEAR {
                        return Err(format!(
                            "{} {part}: a range must run from the earlier to the later year",
                            self.name
                        ));
                    }
                    let around = (from..=self.last).chain(self.first..=to);
                    set.extend(around.step_by(step.unwrap_or(1)));
                    continue;
                }
                (from, to)
            } else {
                let from = self.value(range)?;
                (from, if step.is_some() { self.last } else { from })
            };
            set.extend((from..=to).step_by(step.unwrap_or(1)));
        }
        Ok(set)
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => i16::try_from(index).ok().map(|index| self.first + index),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| {
            let names = match self.names {
                [first, .., last] => format!(" or {first}-{last}"),
                _ => String::new(),
            };
            format!("{} {text:?} is not a value of {}-{}{names}", self.name, self.first, self.last)
        })
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        match text.parse::<usize>() {
            Ok(step) if step >= 1 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(step),
            _ => Err(format!("{} step {text:?} is not a positive whole number", self.name)),
        }
    }
}
