//! AWS's cron: six fields, weekdays 1 (Sunday) to 7, `?`, `L`, `W` and `#`; beyond the table of the guide what Quartz has,
//! as deployed plans do `[Q]`: `L-3`, `L-3W`, `/6`, and lists that mix these with days `[I]`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
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

/// Which days of a month: what one of the two day fields lists, for the other one is `?`.
type Days = Vec<Day>;

/// An entry of a day field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    /// Day 1–31.
    At(i16),
    /// `L-3`: so many days before the last one; `L` is 0.
    FromEnd(i16),
    /// A weekday, 1 = Sunday, all of the month: `2`.
    Weekly(i16),
    /// The last such weekday of the month: `5L`.
    LastWeekly(i16),
    /// The second such weekday of the month: `3#2`.
    NthWeekly(i16, i16),
    /// `15W`: the Monday-to-Friday day nearest to that day, within the month.
    WorkdayAt(i16),
    /// `LW`, `L-3W`: the one nearest to the day so many before the last one.
    WorkdayFromEnd(i16),
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
            ("?", days) if days.contains('#') => week_days(days, &days.to_ascii_uppercase())?,
            ("?", day) => list(day, week_days)?,
            (day, "?") => list(day, month_days)?,
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
            let named = Month::of(date).days(&self.days);
            match named.range(i16::from(date.day())..).next() {
                Some(day) => return Date::new(date.year(), date.month(), i8::try_from(*day).ok()?).ok(),
                None => date = date.last_of_month().tomorrow().ok()?,
            }
        }
    }
}

/// A month, as far as the day fields ask.
struct Month {
    /// How many days it has.
    length: i16,
    /// The weekday of its first day, 1 = Sunday.
    first: i16,
}

impl Month {
    fn of(date: Date) -> Self {
        let first = date.first_of_month().weekday().to_sunday_one_offset();
        Self { length: date.days_in_month().into(), first: first.into() }
    }

    /// The days that the entries name in this month.
    fn days(&self, entries: &[Day]) -> BTreeSet<i16> {
        let weekly = |weekday: i16| (1 + (weekday - self.first).rem_euclid(7)..=self.length).step_by(7);
        let mut days = BTreeSet::new();
        for entry in entries {
            match *entry {
                Day::At(day) => days.extend(Some(day)),
                Day::FromEnd(before) => days.extend(Some(self.length - before)),
                Day::Weekly(weekday) => days.extend(weekly(weekday)),
                Day::LastWeekly(weekday) => days.extend(weekly(weekday).next_back()),
                Day::NthWeekly(weekday, nth) => {
                    days.extend(weekly(weekday).zip(1..).find(|(_, at)| *at == nth).unzip().0);
                }
                Day::WorkdayAt(day) => days.extend(self.nearest_workday(day)),
                Day::WorkdayFromEnd(before) => days.extend(self.nearest_workday(self.length - before)),
            }
        }
        // What the month does not have, such as the 31st or the thirtieth before the last.
        days.retain(|day| (1..=self.length).contains(day));
        days
    }

    /// The nearest day from Monday to Friday; `None` where the month has no such day to be near to.
    fn nearest_workday(&self, day: i16) -> Option<i16> {
        let works =
            |day: &i16| (1..=self.length).contains(day) && !matches!((self.first + day - 1).rem_euclid(7), 0 | 1);
        // A Saturday has its Friday next to it, a Sunday its Monday; at an end of the month it is two days the other way.
        let nearest = || [day, day - 1, day + 1, day - 2, day + 2].into_iter().find(works);
        (1..=self.length).contains(&day).then(nearest).flatten()
    }
}

fn list(text: &str, read: fn(&str, &str) -> Result<Days, String>) -> Result<Days, String> {
    let entries: Result<Vec<Days>, String> =
        text.split(',').map(|entry| read(entry, &entry.to_ascii_uppercase())).collect();
    Ok(entries?.concat())
}

fn month_days(text: &str, upper: &str) -> Result<Days, String> {
    let (bare, workday) = upper.strip_suffix('W').map_or((upper, false), |bare| (bare, true));
    if let Some(before) = bare.strip_prefix('L') {
        let before = match before.strip_prefix('-') {
            None if before.is_empty() => 0,
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => match number.parse() {
                Ok(before @ 0..=30) => before,
                _ => return Err(format!("Day-of-month {text}: offset from the last day must be 0 to 30")),
            },
            _ => return Err(format!("Day-of-month {text:?} is not understood")),
        };
        return Ok(vec![if workday { Day::WorkdayFromEnd(before) } else { Day::FromEnd(before) }]);
    }
    if workday {
        return Ok(vec![Day::WorkdayAt(DAY_OF_MONTH.value(bare)?)]);
    }
    Ok(DAY_OF_MONTH.set(text)?.into_iter().map(Day::At).collect())
}

fn week_days(text: &str, upper: &str) -> Result<Days, String> {
    if upper == "L" {
        return Ok(vec![Day::Weekly(DAY_OF_WEEK.last)]);
    }
    if let Some((day, nth)) = upper.split_once('#') {
        return match nth {
            "1" | "2" | "3" | "4" | "5" => {
                let nth = nth.parse().map_err(|_| format!("Day-of-week {text} is not understood"))?;
                Ok(vec![Day::NthWeekly(DAY_OF_WEEK.value(day)?, nth)])
            }
            _ => Err(format!("Day-of-week {text}: the number after # must be 1 to 5, and # may appear once")),
        };
    }
    if let Some(day) = upper.strip_suffix('L') {
        return Ok(vec![Day::LastWeekly(DAY_OF_WEEK.value(day)?)]);
    }
    Ok(DAY_OF_WEEK.set(text)?.into_iter().map(Day::Weekly).collect())
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
            // Quartz reads `/6` as `*/6`.
            let (from, to) = if range == "*" || (range.is_empty() && step.is_some()) {
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
