//! When a rule runs: AWS's cron, read in the rule's own time zone (semantics reference, section 7.1).

mod cron;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{Timestamp, tz};

use super::invalid::{Fault, quoted};
use cron::Cron;

/// An AWS schedule expression, at most hourly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// As written: AWS keeps it verbatim, and so must a comparison with what AWS has.
    text: String,
    cron: Cron,
}

impl Schedule {
    /// Daily at 05:00: what AWS fills in [D].
    pub const DEFAULT: &str = "cron(0 5 ? * * *)";

    /// Reads an expression; blank: [`Self::DEFAULT`]. Tells the faults of all its fields.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        // Every value of every field, listed, is shorter.
        const LONGEST: usize = 2_000;
        let text = if text.is_empty() { Self::DEFAULT } else { text };
        let fault = |why: &str| Fault(format!("{} is not a schedule: {why}", quoted(text)));
        if text.len() > LONGEST {
            return Err(fault("it is too long"));
        }
        if text.starts_with("rate(") {
            return Err(fault("AWS Backup takes cron expressions only, such as cron(0 5 ? * * *)"));
        }
        let fields = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let fields = fields.ok_or_else(|| {
            fault("it has the form cron(minutes hours day-of-month month day-of-week year), such as cron(0 5 ? * * *)")
        })?;
        match Cron::parse(fields) {
            Ok(cron) => Ok(Self { text: text.to_owned(), cron }),
            Err(faults) => Err(fault(&faults.join("; "))),
        }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first run strictly after `after`; none when the years of the expression have passed.
    ///
    /// AWS says that a schedule follows local time [D] and not what becomes of a local time that daylight saving skips
    /// or repeats [U]. As with EventBridge, a skipped one does not run and a repeated one runs once, at its first passage [I].
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.cron.next_after(after, &zone.0)
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
    /// What AWS fills in, as it spells it [M][T].
    pub const DEFAULT: &str = "Etc/UTC";

    /// Reads the name of a zone in any case; blank: [`Self::DEFAULT`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = if text.is_empty() { Self::DEFAULT } else { text };
        // jiff also knows Etc/Unknown, which stands for no zone.
        let zone = tz::TimeZone::get(text).ok().filter(|zone| zone.iana_name().is_some() && !zone.is_unknown());
        zone.map(Self).ok_or_else(|| format!("{} is not an IANA time zone: one is Europe/Berlin", quoted(text)).into())
    }

    /// The name in IANA's spelling.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or(Self::DEFAULT)
    }
}
