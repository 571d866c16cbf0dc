//! AWS's cron: six fields, weekdays 1 (Sunday) to 7, `?`, `L`, `W` and `#`.
//!
//! AWS takes more than the table of its guide has `[Q]`: what Quartz has beyond it. So here is read, in any case of letters,
//! what either of them explains: `L-3`, `LW`, `L-3W`, `15W`, `FRIL`, `MON#2`, each alone. The line to what is refused: a
//! number that no field has, a sign where neither has one, a wrong count of fields are malformed whoever reads them. Signs
//! of theirs around values that there are, in an order that neither explains (`L/2`, `10-15W`, Quartz's own `5C`), only AWS
//! can judge `[U]`; so are `L` and `W` in lists, and steps longer than their field (`0/90` minutes), which Quartz refuses
//! and the guide does not speak of.

mod doubts;

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::super::invalid::quoted;
use doubts::doubts;

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

/// Why an expression was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// No cron of AWS's is like this: every fault.
    Malformed(Vec<String>),
    /// AWS may take it: what is not understood.
    AwsMayKnow(Vec<String>),
}

impl Unread {
    /// In words.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Malformed(faults) | Self::AwsMayKnow(faults) => faults.join("; "),
        }
    }
}

/// Which days, by one of the two day fields, for the other one is `?`. Any one of the list is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<MonthDay>),
    OfWeek(BTreeSet<WeekDay>),
}

/// A day of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MonthDay {
    /// Day 1–31.
    Day(i8),
    /// `L-3`: so many days before the last one; `L` is 0. A month that has no such day has none.
    BeforeLast(i8),
    /// `15W`: the day from Monday to Friday that is nearest to the 15th within the month.
    NearestWorkday(i8),
    /// `L-3W`, `LW`: the same of the day that is so many before the last one.
    NearestWorkdayBeforeLast(i8),
}

/// A day of a week, 1 = Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WeekDay {
    /// Each.
    Every(i8),
    /// `5L`: the last of the month.
    Last(i8),
    /// `3#2`: the second of the month.
    Nth(i8, i8),
}

impl Days {
    fn are_all(&self) -> bool {
        match self {
            Self::OfMonth(days) => (1..=31).all(|day| days.contains(&MonthDay::Day(day))),
            Self::OfWeek(days) => (1..=7).all(|day| days.contains(&WeekDay::Every(day))),
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
    pub(super) fn parse(text: &str) -> Result<Self, Unread> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields[..] else {
            return Err(Unread::Malformed(vec![format!(
                "it has {} fields, not the six minutes hours day-of-month month day-of-week year",
                fields.len()
            )]));
        };
        let doubts = doubts([minutes, hours, day_of_month, month, day_of_week, year]);
        let mut faults = Vec::new();
        let mut note = |set: Result<BTreeSet<i16>, String>| set.map_err(|fault| faults.push(fault)).unwrap_or_default();
        let (minutes, hours) = (note(MINUTES.set(minutes)), note(HOURS.set(hours)));
        let (months, years) = (note(MONTH.set(month)), note(YEAR.set(year)));
        let days = match (day_of_month, day_of_week) {
            (day, "?") if day != "?" => month_days(day).map(Days::OfMonth),
            ("?", day) if day != "?" => week_days(day).map(Days::OfWeek),
            (month_day, week_day) => Err(DayFault::Malformed(format!(
                "day-of-month is {} and day-of-week is {}: one of the two must be ? and the other must not",
                quoted(month_day),
                quoted(week_day)
            ))),
        };
        if minutes.len() > 1 {
            faults.push("it runs more often than hourly: minutes must name one minute".to_owned());
        }
        let days = match days {
            Ok(days) => days,
            Err(DayFault::Malformed(fault)) => {
                faults.push(fault);
                return Err(Unread::Malformed(faults));
            }
            Err(DayFault::AwsMayKnow(what)) if faults.is_empty() => return Err(Unread::AwsMayKnow(vec![what])),
            Err(DayFault::AwsMayKnow(_)) => return Err(Unread::Malformed(faults)),
        };
        let (Some(minute), true) = (minutes.first(), faults.is_empty()) else { return Err(Unread::Malformed(faults)) };
        if !doubts.is_empty() {
            return Err(Unread::AwsMayKnow(doubts));
        }
        let cron = Self { minute: small(*minute), hours: narrow(&hours), days, months: narrow(&months), years };
        if cron.next_date(Date::constant(YEAR.first, 1, 1)).is_none() {
            return Err(Unread::Malformed(vec!["no such day exists".to_owned()]));
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
        match self {
            Self::OfMonth(days) => days.iter().any(|wanted| wanted.in_month_of(date) == Some(date.day())),
            Self::OfWeek(days) => days.iter().any(|wanted| wanted.is(date)),
        }
    }
}

impl MonthDay {
    /// Which day it is in that month; none where the month has no such day.
    fn in_month_of(self, date: Date) -> Option<i8> {
        let last = date.days_in_month();
        match self {
            Self::Day(day) => Some(day),
            Self::BeforeLast(days) => Some(last - days),
            Self::NearestWorkday(day) => nearest_workday(date, day),
            Self::NearestWorkdayBeforeLast(days) => nearest_workday(date, last - days),
        }
    }
}

impl WeekDay {
    fn is(self, date: Date) -> bool {
        let (day, weekday) = (date.day(), date.weekday().to_sunday_one_offset());
        match self {
            Self::Every(wanted) => weekday == wanted,
            Self::Last(wanted) => weekday == wanted && day + 7 > date.days_in_month(),
            Self::Nth(wanted, nth) => weekday == wanted && (day - 1) / 7 + 1 == nth,
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

/// Why a day field was not read.
enum DayFault {
    Malformed(String),
    AwsMayKnow(String),
}

impl From<String> for DayFault {
    fn from(fault: String) -> Self {
        Self::Malformed(fault)
    }
}

fn month_days(text: &str) -> Result<BTreeSet<MonthDay>, DayFault> {
    let mut days = BTreeSet::new();
    for part in text.split(',') {
        let upper = part.to_ascii_uppercase();
        if let Some((before, workday)) = before_last(&upper) {
            let before = before.parse().ok().filter(|before| (0..=30).contains(before));
            let before = before.ok_or_else(|| format!("{}: after L- stands 0–30", DAY_OF_MONTH.at(text)))?;
            let day = if workday { MonthDay::NearestWorkdayBeforeLast } else { MonthDay::BeforeLast };
            days.insert(day(before));
        } else if let Some(day) = upper.strip_suffix('W').filter(|day| is_number(day)) {
            days.insert(MonthDay::NearestWorkday(small(DAY_OF_MONTH.value(day, text)?)));
        } else {
            let values = DAY_OF_MONTH.part(part, text).map_err(|fault| DAY_OF_MONTH.fault_of(&upper, text, fault))?;
            days.extend(values.into_iter().map(|day| MonthDay::Day(small(day))));
        }
    }
    Ok(days)
}

/// The number of `L-3` and `L-3W`, and whether the W is there; of `L` and `LW` it is 0.
fn before_last(part: &str) -> Option<(&str, bool)> {
    let rest = part.strip_prefix('L')?;
    let (rest, workday) = rest.strip_suffix('W').map_or((rest, false), |rest| (rest, true));
    let number = if rest.is_empty() { "0" } else { rest.strip_prefix('-')? };
    is_number(number).then_some((number, workday))
}

fn week_days(text: &str) -> Result<BTreeSet<WeekDay>, DayFault> {
    if text.contains('#') && text.contains(',') {
        // AWS says so itself: `3#1,6#3` is two expressions [D].
        let fault = format!("{}: with # there is one such day alone, and no list", DAY_OF_WEEK.at(text));
        return Err(DayFault::Malformed(fault));
    }
    let mut days = BTreeSet::new();
    for part in text.split(',') {
        let upper = part.to_ascii_uppercase();
        if upper == "L" {
            days.insert(WeekDay::Every(7));
        } else if let Some((day, nth)) = upper.split_once('#') {
            let day = DAY_OF_WEEK.value(day, text)?;
            let nth = Some(nth).filter(|nth| is_number(nth)).and_then(|nth| nth.parse().ok());
            let nth = nth.filter(|nth| (1..=5).contains(nth));
            let fault = || format!("{}: after # stands 1–5, which of them in the month", DAY_OF_WEEK.at(text));
            days.insert(WeekDay::Nth(small(day), nth.ok_or_else(fault)?));
        } else if let Some(Ok(day)) = upper.strip_suffix('L').map(|day| DAY_OF_WEEK.value(day, text)) {
            days.insert(WeekDay::Last(small(day)));
        } else {
            let values = DAY_OF_WEEK.part(part, text).map_err(|fault| DAY_OF_WEEK.fault_of(&upper, text, fault))?;
            days.extend(values.into_iter().map(|day| WeekDay::Every(small(day))));
        }
    }
    Ok(days)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Field {
    /// The fault of a part of a day field: malformed, or of the letters that AWS knows, after values that there are.
    fn fault_of(&self, part: &str, text: &str, fault: String) -> DayFault {
        let letters: &[char] = if self.name == DAY_OF_MONTH.name { &['L', 'W', 'C'] } else { &['L', 'C'] };
        let is_value = |word: &str| self.value(word, text).is_ok();
        let is_marked = |word: &str| {
            let bare = word.trim_end_matches(letters);
            bare.len() < word.len() && (bare.is_empty() || is_value(bare))
        };
        let words: Vec<&str> = part.split(['-', '/']).collect();
        let known = words.iter().all(|word| is_value(word) || is_marked(word));
        if !known || words.iter().all(|word| is_value(word)) {
            return DayFault::Malformed(fault);
        }
        DayFault::AwsMayKnow(format!("{}: which days {} means AWS alone can tell", self.at(text), quoted(part)))
    }

    /// `*`, values, ranges, steps, and lists of them.
    fn set(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let parts: Result<Vec<_>, String> = text.split(',').map(|part| self.part(part, text)).collect();
        Ok(parts?.into_iter().flatten().collect())
    }

    /// One of a list.
    fn part(&self, part: &str, text: &str) -> Result<Vec<i16>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, text)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            // Quartz reads `/6` as `*/6`.
            _ if range == "*" || (range.is_empty() && step.is_some()) => (self.first, self.last),
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
        Ok(values.map(|value| if value > self.last { value - length } else { value }).collect())
    }

    fn value(&self, value: &str, text: &str) -> Result<i16, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(value));
        let number = match named.and_then(|index| i16::try_from(index).ok()) {
            Some(index) => Some(self.first + index),
            // parse() also takes a sign.
            None => Some(value).filter(|value| is_number(value)).and_then(|value| value.parse().ok()),
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
        let number = step.parse().ok().filter(|number| is_number(step) && *number >= 1);
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
