//! When a rule runs: AWS's cron, read in the rule's own time zone (docs/aws-backup-semantics.md, section 7.1).

mod cron;
mod interval;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::DateTime,
    tz::{self, AmbiguousOffset},
};

use super::{
    invalid::{Fault, quoted},
    nearest::did_you_mean,
};
use cron::{Cron, Unread};

/// An AWS schedule expression, at most hourly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// As written: AWS keeps it verbatim, and so must a comparison with what AWS has.
    text: String,
    cron: Cron,
}

impl Schedule {
    /// Daily at 05:00: what AWS fills in `[D]`.
    pub const DEFAULT: &str = "cron(0 5 ? * * *)";

    /// Reads an expression; blank: [`Self::DEFAULT`]. Tells the faults of all its fields.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = if text.is_empty() { Self::DEFAULT } else { text };
        let cron = read(text)?.map_err(|unread| match unread {
            Unread::Malformed(_) => fault_of(text, &unread.why()),
            Unread::AwsMayKnow(_) => {
                Fault(format!("{} is no schedule that Strongroom can read: {}", quoted(text), unread.why()))
            }
        })?;
        Ok(Self { text: text.to_owned(), cron })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Reads the fields; the outer fault is of what is no cron at all.
fn read(text: &str) -> Result<Result<Cron, Unread>, Fault> {
    // Every value of every field, listed, is shorter.
    const LONGEST: usize = 2_000;
    if text.len() > LONGEST {
        return Err(fault_of(text, "it is too long"));
    }
    if text.starts_with("rate(") || text.starts_with("at(") {
        return Err(fault_of(text, "AWS Backup takes cron expressions only, such as cron(0 5 ? * * *)"));
    }
    let fields = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
    let form = "it has the form cron(minutes hours day-of-month month day-of-week year), such as cron(0 5 ? * * *)";
    Ok(Cron::parse(fields.ok_or_else(|| fault_of(text, form))?))
}

fn fault_of(text: &str, why: &str) -> Fault {
    Fault(format!("{} is not a schedule: {why}", quoted(text)))
}

/// A schedule expression for AWS to judge: also one that Strongroom cannot read and AWS may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleText(String);

impl ScheduleText {
    /// Refuses what no cron of AWS's is like, and nothing else; blank: [`Schedule::DEFAULT`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = if text.is_empty() { Schedule::DEFAULT } else { text };
        match read(text)? {
            Ok(_) | Err(Unread::AwsMayKnow(_)) => Ok(Self(text.to_owned())),
            Err(malformed) => Err(fault_of(text, &malformed.why())),
        }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An IANA time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

impl TimeZone {
    /// What AWS fills in, as it spells it `[M][T]`.
    pub const DEFAULT: &str = "Etc/UTC";

    /// Reads the name of a zone in any case; blank: [`Self::DEFAULT`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = if text.is_empty() { Self::DEFAULT } else { text };
        // jiff also knows Etc/Unknown, which stands for no zone.
        let zone = tz::TimeZone::get(text).ok().filter(|zone| zone.iana_name().is_some() && !zone.is_unknown());
        zone.map(Self).ok_or_else(|| {
            let names: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
            let meant = did_you_mean(text, names.iter().map(String::as_str));
            format!("{} is not an IANA time zone: one is Europe/Berlin{meant}", quoted(text)).into()
        })
    }

    /// The name in IANA's spelling.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or(Self::DEFAULT)
    }
}

/// When a rule runs: its schedule, read in its zone.
///
/// AWS says that a schedule follows local time `[D]` and not what becomes of a local time that daylight saving skips or
/// repeats `[U]`. As with EventBridge, a skipped one does not run and a repeated one runs once, at its first passage `[I]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    /// The times.
    pub schedule: Schedule,
    /// Where they are local.
    pub zone: TimeZone,
}

/// A run of a timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRun {
    /// When, with the local time in the rule's zone.
    pub at: Zoned,
    /// Local times since the run before (since the start, for the first run) that daylight saving skips: no runs.
    pub skipped: Vec<DateTime>,
    /// The local time comes twice; this is its first passage, and there is no run at the second.
    pub repeated: bool,
}

/// A local time of a schedule, in time itself.
enum Passage {
    Skipped,
    Once(Timestamp),
    Twice(Timestamp),
}

impl ScheduledRun {
    /// What daylight saving does to the run and to what was before it, in words; blank: nothing.
    pub fn note(&self) -> String {
        let time = |local: &DateTime| local.strftime("%F %H:%M").to_string();
        let mut notes = Vec::new();
        if !self.skipped.is_empty() {
            let times: Vec<_> = self.skipped.iter().map(time).collect();
            notes.push(format!("daylight saving skips {}: the rule does not run then", times.join(", ")));
        }
        if self.repeated {
            let local = time(&self.at.datetime());
            notes.push(format!("daylight saving repeats {local}: the rule runs at its first passage alone"));
        }
        notes.join("; ")
    }
}

impl Timetable {
    /// Reads what AWS has of a rule; blank: what AWS fills in. Of a plan made elsewhere it may be something that
    /// Strongroom cannot read, such as `rate(1 day)`.
    pub fn parse(schedule: &str, zone: &str) -> Result<Self, Fault> {
        Ok(Self { schedule: Schedule::parse(schedule)?, zone: TimeZone::parse(zone)? })
    }

    /// Whether both run at the same times, however their schedules are written.
    pub(super) fn runs_as(&self, other: &Self) -> bool {
        self.zone == other.zone && self.schedule.cron.runs_as(&other.schedule.cron)
    }

    /// The first run strictly after `after`; none when the years of the expression have passed.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.runs_after(after).next().map(|run| run.at.timestamp())
    }

    /// The last run strictly before `before`; none when the years of the expression begin later.
    pub fn latest_before(&self, before: Timestamp) -> Option<Timestamp> {
        // Clocks were set back by a day at most, so that local times of two days on may have passed already.
        let last = before.checked_add(SignedDuration::from_hours(48)).unwrap_or(Timestamp::MAX);
        let locals = self.schedule.cron.locals_back_from(last.to_zoned(self.zone.0.clone()).date());
        locals.filter_map(|local| self.passage(local).first()).find(|run| *run < before)
    }

    /// The runs strictly after `after`, in order, until the years of the expression have passed.
    pub fn runs_after(&self, after: Timestamp) -> impl Iterator<Item = ScheduledRun> {
        // Taken at their first passage, local times run forward with time itself.
        let from = after.to_zoned(self.zone.0.clone()).datetime();
        let mut skipped = Vec::new();
        self.schedule.cron.locals_from(from).filter_map(move |local| {
            let passage = self.passage(local);
            if matches!(passage, Passage::Skipped) {
                skipped.push(local);
            }
            let at = passage.first().filter(|at| *at > after)?;
            Some(ScheduledRun {
                at: at.to_zoned(self.zone.0.clone()),
                skipped: std::mem::take(&mut skipped),
                repeated: matches!(passage, Passage::Twice(_)),
            })
        })
    }

    fn passage(&self, local: DateTime) -> Passage {
        let passage = self.zone.0.to_ambiguous_timestamp(local);
        match (passage.offset(), passage.earlier()) {
            (AmbiguousOffset::Unambiguous { .. }, Ok(at)) => Passage::Once(at),
            (AmbiguousOffset::Fold { .. }, Ok(at)) => Passage::Twice(at),
            // Beyond the end of the calendar, too, nothing runs.
            (AmbiguousOffset::Gap { .. }, _) | (_, Err(_)) => Passage::Skipped,
        }
    }
}

impl Passage {
    fn first(&self) -> Option<Timestamp> {
        match self {
            Self::Skipped => None,
            Self::Once(at) | Self::Twice(at) => Some(*at),
        }
    }
}
