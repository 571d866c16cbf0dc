//! When a rule fires: `cron(…)` and, behind a switch, `rate(…)`, read in the rule's own time zone.
//!
//! AWS Backup says that schedules follow local time `[D]` and not what happens to a local time that does not exist or
//! exists twice `[U]`. The neighbour that does say, EventBridge Scheduler, is followed [D for Scheduler, I here]: **a
//! local time that daylight saving skips is not made up for, and one that it repeats fires once**, at its first
//! passage. A `rate` counts elapsed time and knows no daylight saving.
//!
//! Written here rather than taken from a cron crate: `L` alone as day of week, both daylight saving rules and zones
//! that skip a whole day (Samoa, 2011) are what the crates tried did otherwise.

mod cron;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use cron::Cron;

/// What the API fills in when a rule names no schedule `[D]`.
pub const DEFAULT_EXPRESSION: &str = "cron(0 5 ? * * *)";
/// What the API fills in when a rule names no zone `[M][T]`.
pub const DEFAULT_TIMEZONE: &str = "Etc/UTC";

/// Longest expression read; the longest sensible one (all 230 years listed) would be refused by nobody's need.
const LONGEST: usize = 512;

/// A parsed schedule expression in its zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    when: When,
    zone: TimeZone,
}

#[derive(Debug, Clone)]
enum When {
    Cron(Box<Cron>),
    /// Multiples of `every` counted from `anchor`.
    Rate {
        every: SignedDuration,
        anchor: Timestamp,
    },
}

impl Schedule {
    /// Reads an expression and the IANA name of its zone. `rate_from` switches `rate(…)` on `[U]` and is the instant that
    /// its intervals are counted from.
    ///
    /// # Errors
    ///
    /// A sentence for the message of InvalidParameterValueException, naming the field and the value at fault.
    pub fn parse(expression: &str, timezone: &str, rate_from: Option<Timestamp>) -> Result<Self, String> {
        if expression.len() > LONGEST {
            return Err(format!("Invalid schedule expression. It is longer than {LONGEST} characters"));
        }
        let zone = zone(timezone)?;
        let explain = |why: String| format!("Invalid schedule expression {expression}. {why}");
        let when = if let Some(fields) = inside(expression, "cron(") {
            When::Cron(Box::new(Cron::parse(fields).map_err(explain)?))
        } else if let Some(rate) = inside(expression, "rate(") {
            let anchor = rate_from.ok_or_else(|| {
                explain("This sandbox accepts rate() only when it is configured to; use cron(...)".to_owned())
            })?;
            When::Rate { every: interval(rate).map_err(explain)?, anchor }
        } else {
            return Err(explain(
                "It must have the form cron(Minutes Hours Day-of-month Month Day-of-week Year)".to_owned(),
            ));
        };
        Ok(Self { when, zone })
    }

    /// The first instant strictly after `after` at which the rule fires; `None` when the years run out.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Cron(cron) => cron.next_after(after, &self.zone),
            When::Rate { every, anchor } => {
                let passed = after.duration_since(*anchor).as_secs().div_euclid(every.as_secs()).max(0);
                let steps = i32::try_from(passed + 1).ok()?;
                anchor.checked_add(every.checked_mul(steps)?).ok()
            }
        }
    }
}

/// The text between `prefix` and a closing bracket.
fn inside<'a>(expression: &'a str, prefix: &str) -> Option<&'a str> {
    expression.strip_prefix(prefix)?.strip_suffix(')')
}

fn zone(name: &str) -> Result<TimeZone, String> {
    let refused = || format!("Invalid schedule expression timezone {name}. It must be an IANA time zone name");
    // jiff knows a zone for "no zone known"; a rule can't run there.
    if name.len() > 64 || name.eq_ignore_ascii_case("Etc/Unknown") {
        return Err(refused());
    }
    TimeZone::get(name).map_err(|_| refused())
}

fn interval(text: &str) -> Result<SignedDuration, String> {
    let mut words = text.split_ascii_whitespace();
    let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err("A rate is a number and a unit, such as rate(12 hours)".to_owned());
    };
    let count: u32 = count.parse().map_err(|_| format!("{count} is not a positive whole number"))?;
    let seconds: i64 = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err(format!("{unit} is not a unit of a rate: minutes, hours or days")),
    };
    if (count == 1) == unit.ends_with('s') {
        return Err(format!("{count} {unit} must agree in number, such as 1 hour or 2 hours"));
    }
    let every = i64::from(count) * seconds;
    if !(3_600..=36_500 * 86_400).contains(&every) {
        return Err("Backups can run at most once an hour and at least once in 36500 days".to_owned());
    }
    Ok(SignedDuration::from_secs(every))
}
