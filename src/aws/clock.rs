//! What time it is for AWS: the `Date` of its answers.
//!
//! Start windows, locks and restorable times are judged by AWS's clock, not by this machine's. The two differ by a little
//! where clocks are kept badly, and by years where the sandbox's clock is moved by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// How far AWS's clock is from this machine's, as of the last answer.
#[derive(Debug, Default)]
pub(super) struct AwsClock {
    ahead_seconds: AtomicI64,
}

impl AwsClock {
    /// The present time, in whole seconds: `Date` tells no more.
    pub(super) fn now(&self) -> Timestamp {
        let here = Timestamp::now();
        let there = here.as_second().saturating_add(self.ahead_seconds.load(Ordering::Relaxed));
        Timestamp::from_second(there).unwrap_or(here)
    }

    /// Reads the `Date` of an answer. One that is missing or unreadable tells nothing.
    pub(super) fn hear(&self, date: Option<&str>) {
        let told = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(told) = told {
            let ahead = told.as_second() - Timestamp::now().as_second();
            // Within what whole seconds and the way here make of equal clocks.
            let ahead = if ahead.abs() <= 2 { 0 } else { ahead };
            self.ahead_seconds.store(ahead, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_date_of_an_answer_sets_the_clock_and_a_damaged_one_does_not() {
        let clock = AwsClock::default();
        clock.hear(Some("Sat, 31 Jan 2026 04:00:00 GMT"));
        let told: Timestamp = "2026-01-31T04:00:00Z".parse().unwrap();
        assert_eq!(clock.now().subsec_nanosecond(), 0);
        let apart = |clock: &AwsClock| clock.now().duration_since(told).abs();
        assert!(apart(&clock) < SignedDuration::from_mins(5), "{}", clock.now());
        clock.hear(Some("yesterday"));
        clock.hear(None);
        assert!(apart(&clock) < SignedDuration::from_mins(5), "{}", clock.now());
    }
}
