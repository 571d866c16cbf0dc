//! AWS's cron: six fields, weekdays 1 (Sunday) to 7, `?`, `L`, `W` and `#`.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::super::invalid::quoted;

/// What an expression names, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    /// One alone: AWS runs a rule at most hourly `[D]`.
    minute: i8,
    hours: BTreeSet<i8>,
    days: Days,
    months: BTreeSet<i8>,
    years: BTreeSet<i16>,
}

/// Which days of a month; by one of the two day fields, for the other one is `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// Days 1–31.
    Of(BTreeSet<i8>),
    /// `L`: the last day.
    Last,
    /// `LW`: the last day from Monday to Friday.
    LastWorkday,
    /// `15W`: the day from Monday to Friday that is nearest to the 15th within the month.
    NearestWorkday(i8),
    /// Weekdays, 1 = Sunday.
    Weekdays(BTreeSet<i8>),
    /// `5L`: the last such weekday.
    LastWeekday(i8),
    /// `3#2`: the second such weekday.
    NthWeekday(i8, i8),
}

impl Days {
    fn are_all(&self) -> bool {
        match self {
            Self::Of(days) => days.len() == 31,
            Self::Weekdays(days) => days.len() == 7,
            Self::Last | Self::LastWorkday | Self::NearestWorkday(_) | Self::LastWeekday(_) | Self::NthWeekday(..) => {
                false
            }
        }
    }
}

/// A field's name, bounds and spelled values, the first of which stands for `first`.
struct Field {
    name: &'static str,
    first: i16,
    last: i16,
    names: &'static [&'static str],
}

const MINUTES: Field = Field { name: "minutes", first: 0, last: 59, names: &[] };
const HOURS: Field = Field { name: "hours", first: 0, last: 23, names: &[] };
const DAY_OF_MONTH: Field = Field { name: "day-of-month", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field =
    Field { name: "day-of-week", first: 1, last: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const YEAR: Field = Field { name: "year", first: 1970, last: 2199, names: &[] };

impl Cron {
    /// Reads the six fields; tells the faults of each.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields[..] else {
            return Err(vec![format!(
                "it has {} fields, not the six minutes hours day-of-month month day-of-week year",
                fields.len()
            )]);
        };
        let mut faults = Vec::new();
        let mut note = |set: Result<BTreeSet<i16>, String>| set.map_err(|fault| faults.push(fault)).unwrap_or_default();
        let (minutes, hours) = (note(MINUTES.set(minutes)), note(HOURS.set(hours)));
        let (months, years) = (note(MONTH.set(month)), note(YEAR.set(year)));
        let days = match (day_of_month, day_of_week) {
            (day, "?") if day != "?" => month_days(day),
            ("?", day) if day != "?" => week_days(day),
            (month_day, week_day) => Err(format!(
                "day-of-month is {} and day-of-week is {}: one of the two must be ? and the other must not",
                quoted(month_day),
                quoted(week_day)
            )),
        };
        if minutes.len() > 1 {
            faults.push("it runs more often than hourly: minutes must name one minute".to_owned());
        }
        let days = days.map_err(|fault| faults.push(fault));
        let (Ok(days), Some(minute), true) = (days, minutes.first(), faults.is_empty()) else { return Err(faults) };
        let cron = Self { minute: small(*minute), hours: narrow(&hours), days, months: narrow(&months), years };
        if cron.next_date(Date::constant(YEAR.first, 1, 1)).is_none() {
            return Err(vec!["no such day exists".to_owned()]);
        }
        Ok(cron)
    }

    /// Whether both name the same times. Either of the two day fields can say "every day".
    pub(super) fn runs_as(&self, other: &Self) -> bool {
        let days = self.days == other.days || (self.days.are_all() && other.days.are_all());
        days && (self.minute, &self.hours, &self.months, &self.years)
            == (other.minute, &other.hours, &other.months, &other.years)
    }

    /// The local times of runs, in order, from the first one at or after `from`.
    pub(super) fn locals_from(&self, from: DateTime) -> impl Iterator<Item = DateTime> {
        let days = std::iter::successors(self.next_date(from.date()), |date| self.next_date(date.tomorrow().ok()?));
        days.flat_map(|date| self.times_of(date)).skip_while(move |local| *local < from)
    }

    /// The local times of runs, backwards, from the last one of day `last`.
    pub(super) fn locals_back_from(&self, last: Date) -> impl Iterator<Item = DateTime> {
        let days = std::iter::successors(self.last_date(last), |date| self.last_date(date.yesterday().ok()?));
        days.flat_map(|date| self.times_of(date).rev())
    }

    fn times_of(&self, date: Date) -> impl DoubleEndedIterator<Item = DateTime> {
        self.hours.iter().map(move |hour| DateTime::from_parts(date, Time::constant(*hour, self.minute, 0, 0)))
    }

    /// The first day at or after `date`.
    fn next_date(&self, mut date: Date) -> Option<Date> {
        loop {
            let year = *self.years.range(date.year()..).next()?;
            if year > date.year() {
                date = Date::new(year, 1, 1).ok()?;
            }
            match self.months.range(date.month()..).next() {
                None => {
                    date = date.last_of_year().tomorrow().ok()?;
                    continue;
                }
                Some(month) if *month > date.month() => date = Date::new(year, *month, 1).ok()?,
                Some(_) => {}
            }
            if self.days.hold(date) {
                return Some(date);
            }
            date = date.tomorrow().ok()?;
        }
    }

    /// The last day at or before `date`.
    fn last_date(&self, mut date: Date) -> Option<Date> {
        loop {
            let year = *self.years.range(..=date.year()).next_back()?;
            if year < date.year() {
                date = Date::new(year, 12, 31).ok()?;
            }
            match self.months.range(..=date.month()).next_back() {
                None => {
                    date = date.first_of_year().yesterday().ok()?;
                    continue;
                }
                Some(month) if *month < date.month() => date = Date::new(year, *month, 1).ok()?.last_of_month(),
                Some(_) => {}
            }
            if self.days.hold(date) {
                return Some(date);
            }
            date = date.yesterday().ok()?;
        }
    }
}

impl Days {
    fn hold(&self, date: Date) -> bool {
        let (day, last, weekday) = (date.day(), date.days_in_month(), date.weekday().to_sunday_one_offset());
        match self {
            Self::Of(days) => days.contains(&day),
            Self::Last => day == last,
            Self::LastWorkday => nearest_workday(date, last) == Some(day),
            Self::NearestWorkday(wanted) => nearest_workday(date, *wanted) == Some(day),
            Self::Weekdays(weekdays) => weekdays.contains(&weekday),
            Self::LastWeekday(wanted) => weekday == *wanted && day + 7 > last,
            Self::NthWeekday(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
        }
    }
}

/// The day from Monday to Friday nearest to day `wanted` of the date's month, without leaving the month.
fn nearest_workday(date: Date, wanted: i8) -> Option<i8> {
    let weekday = Date::new(date.year(), date.month(), wanted).ok()?.weekday();
    Some(match weekday {
        Weekday::Saturday if wanted == 1 => 3,
        Weekday::Saturday => wanted - 1,
        Weekday::Sunday if wanted == date.days_in_month() => wanted - 2,
        Weekday::Sunday => wanted + 1,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => wanted,
    })
}

fn month_days(text: &str) -> Result<Days, String> {
    match text.to_ascii_uppercase().as_str() {
        "L" => Ok(Days::Last),
        "LW" | "WL" => Ok(Days::LastWorkday),
        upper => match upper.strip_suffix('W') {
            Some(day) => DAY_OF_MONTH.value(day, text).map(|day| Days::NearestWorkday(small(day))),
            None => DAY_OF_MONTH.set(text).map(|days| Days::Of(narrow(&days))),
        },
    }
}

fn week_days(text: &str) -> Result<Days, String> {
    let upper = text.to_ascii_uppercase();
    if upper == "L" {
        return Ok(Days::Weekdays(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = upper.split_once('#') {
        let day = DAY_OF_WEEK.value(day, text)?;
        return match nth.parse() {
            Ok(nth @ 1..=5) => Ok(Days::NthWeekday(small(day), nth)),
            _ => Err(format!("{}: after # stands 1–5, which of them in the month", DAY_OF_WEEK.at(text))),
        };
    }
    match upper.strip_suffix('L') {
        Some(day) => DAY_OF_WEEK.value(day, text).map(|day| Days::LastWeekday(small(day))),
        None => DAY_OF_WEEK.set(text).map(|days| Days::Weekdays(narrow(&days))),
    }
}

impl Field {
    /// `*`, values, ranges, steps, and lists of them.
    fn set(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, text)?)),
                None => (part, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.first, self.last),
                Some((from, to)) => (self.value(from, text)?, self.value(to, text)?),
                // `a/b` runs from a to the end.
                None if step.is_some() => (self.value(range, text)?, self.last),
                None => (self.value(range, text)?, self.value(range, text)?),
            };
            // `20-2` of hours and `FRI-MON` go over the end, in EventBridge's own examples [K]; years have no such end.
            let length = self.last - self.first + 1;
            let end = if from <= to { to } else { to + length };
            if end != to && self.name == YEAR.name {
                return Err(format!("{}: a range of years goes from the earlier to the later one", self.at(text)));
            }
            let values = (from..=end).step_by(step.unwrap_or(1));
            set.extend(values.map(|value| if value > self.last { value - length } else { value }));
        }
        Ok(set)
    }

    fn value(&self, value: &str, text: &str) -> Result<i16, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(value));
        let number = match named.and_then(|index| i16::try_from(index).ok()) {
            Some(index) => Some(self.first + index),
            // parse() also takes a sign.
            None => Some(value).filter(|v| v.bytes().all(|byte| byte.is_ascii_digit())).and_then(|v| v.parse().ok()),
        };
        number.filter(|number| (self.first..=self.last).contains(number)).ok_or_else(|| {
            let hint = match (value, self.names) {
                ("?", _) => "? is for day-of-month and day-of-week alone".to_owned(),
                (_, [first, .., last]) => {
                    format!("{} is none of {}–{} and {first}–{last}", quoted(value), self.first, self.last)
                }
                _ => format!("{} is none of {}–{}", quoted(value), self.first, self.last),
            };
            format!("{}: {hint}", self.at(text))
        })
    }

    fn step(&self, step: &str, text: &str) -> Result<usize, String> {
        let digits = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        let number = step.parse().ok().filter(|number| digits && *number >= 1);
        number.ok_or_else(|| format!("{}: after / stands a number of 1 or more", self.at(text)))
    }

    fn at(&self, text: &str) -> String {
        format!("{} is {}", self.name, quoted(text))
    }
}

/// Values of every field but the year fit.
fn small(value: i16) -> i8 {
    i8::try_from(value).unwrap_or(i8::MAX)
}

fn narrow(values: &BTreeSet<i16>) -> BTreeSet<i8> {
    values.iter().map(|value| small(*value)).collect()
}
