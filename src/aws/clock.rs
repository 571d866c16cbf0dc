//! What time it is for AWS: the `Date` of its answers.
//!
//! Start windows, locks and restorable times are judged by AWS's clock, not by this machine's. The two differ by a little
//! where clocks are kept badly, and by years where the sandbox's clock is moved by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

/// How far AWS's clock is from this machine's, as of the last answer.
#[derive(Debug, Default)]
pub(super) struct AwsClock {
    ahead_seconds: AtomicI64,
}

impl AwsClock {
    /// The present time. `Date` has whole seconds, so it is exact to about one.
    pub(super) fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead_seconds.load(Ordering::Relaxed));
        let now = Timestamp::now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Reads the `Date` of an answer. One that is missing or unreadable tells nothing.
    pub(super) fn hear(&self, date: Option<&str>) {
        let told = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(told) = told {
            let ahead = told.duration_since(Timestamp::now()).as_secs();
            // Within what whole seconds and the way here make of equal clocks.
            let ahead = if ahead.abs() <= 2 { 0 } else { ahead };
            self.ahead_seconds.store(ahead, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_sets_the_clock_and_a_damaged_one_does_not() {
        let clock = AwsClock::default();
        clock.hear(Some("Sat, 31 Jan 2026 04:00:00 GMT"));
        let told: Timestamp = "2026-01-31T04:00:00Z".parse().unwrap();
        let apart = |clock: &AwsClock| clock.now().duration_since(told).abs();
        assert!(apart(&clock) < SignedDuration::from_mins(5), "{}", clock.now());
        clock.hear(Some("yesterday"));
        clock.hear(None);
        assert!(apart(&clock) < SignedDuration::from_mins(5), "{}", clock.now());
    }
}
