//! How long a connection lives, as a value that is told the time.
//!
//! Greeting (nothing heard) → Serving → Leaving (GOAWAY is sent) → gone. A drain comes from any of them, and is the
//! business of the server alone: it disarms every clock in here, so that the age of a connection never shortens it.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::ListenerConfig;

/// How long a connection that was told to go, and has no request, may take to be gone.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// The clocks of one connection.
#[derive(Debug)]
pub(super) struct Life {
    greeting_ends: Instant,
    old_at: Instant,
    idle: Duration,
    grace: Duration,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Here,
    /// Told to go, at that time.
    Leaving(Instant),
    Draining,
}

/// What is seen of a connection from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether enough was heard to know that it speaks HTTP.
    pub(super) greeted: bool,
    /// Requests whose answers have not been sent.
    pub(super) open: usize,
    /// When the last one ended, or the connection began.
    pub(super) quiet_since: Instant,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing until then; for ever where there is no time.
    Wait(Option<Instant>),
    /// Send GOAWAY, and let its requests end.
    Leave(Why),
    /// Drop it.
    Cut(Why),
}

/// Why a connection ends that could go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It did not begin to speak HTTP in time.
    Silent,
    /// It had no request for too long.
    Idle,
    /// It is too old.
    Aged,
    /// Others need its place.
    Displaced,
    /// It was told to go, and did not.
    Lingering,
}

impl Why {
    /// As a label of metrics and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Idle => "idle",
            Self::Aged => "aged",
            Self::Displaced => "displaced",
            Self::Lingering => "lingering",
        }
    }
}

impl Life {
    /// `jitter` is from 0 to 1: the age is between nine tenths and eleven tenths of what is configured, so that clients
    /// that came together don't come back together.
    pub(super) fn begin(now: Instant, bounds: &ListenerConfig, jitter: f64) -> Self {
        let age = bounds.max_connection_age.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0));
        Self {
            // Not after the others: nobody tells when the greeting is over, and these are looked at from then on.
            greeting_ends: now + bounds.handshake_timeout.min(bounds.idle_timeout).min(age),
            old_at: now + age,
            idle: bounds.idle_timeout,
            grace: bounds.max_connection_age_grace,
            phase: Phase::Here,
        }
    }

    /// It was told to go.
    pub(super) fn leave(&mut self, now: Instant) {
        if self.phase == Phase::Here {
            self.phase = Phase::Leaving(now);
        }
    }

    /// The server drains.
    pub(super) fn drain(&mut self) {
        self.phase = Phase::Draining;
    }

    /// Whether the server drains.
    pub(super) fn is_draining(&self) -> bool {
        self.phase == Phase::Draining
    }

    /// What to do at a time. A request that begins while the connection waits changes nothing until the time is up.
    pub(super) fn next(&self, now: Instant, seen: Seen) -> Step {
        match self.phase {
            Phase::Draining => Step::Wait(None),
            Phase::Leaving(since) => {
                let ends = since + self.grace.max(LINGER);
                // A client that neither answers the ping behind the GOAWAY nor hangs up.
                let quiet_ends = since.max(seen.quiet_since) + LINGER;
                if now >= ends || seen.open == 0 && now >= quiet_ends {
                    Step::Cut(Why::Lingering)
                } else if seen.open == 0 {
                    Step::Wait(Some(quiet_ends.min(ends)))
                } else {
                    Step::Wait(Some((now + LINGER).min(ends)))
                }
            }
            Phase::Here if !seen.greeted => {
                if now >= self.greeting_ends {
                    Step::Cut(Why::Silent)
                } else {
                    Step::Wait(Some(self.greeting_ends))
                }
            }
            Phase::Here => {
                let quiet_since = if seen.open == 0 { seen.quiet_since } else { now };
                let idle_at = quiet_since + self.idle;
                if now >= self.old_at {
                    Step::Leave(Why::Aged)
                } else if now >= idle_at {
                    Step::Leave(Why::Idle)
                } else {
                    Step::Wait(Some(idle_at.min(self.old_at)))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> ListenerConfig {
        let seconds = Duration::from_secs;
        ListenerConfig {
            handshake_timeout: seconds(10),
            idle_timeout: seconds(100),
            max_connection_age: seconds(1000),
            max_connection_age_grace: seconds(50),
            ..ListenerConfig::default()
        }
    }

    /// A life that began at 0 and is neither younger nor older than configured, and the time after seconds.
    fn life() -> (Life, impl Fn(u64) -> Instant) {
        let born = Instant::now();
        (Life::begin(born, &bounds(), 0.5), move |seconds| born + Duration::from_secs(seconds))
    }

    #[test]
    fn every_clock_runs_in_its_phase() {
        let (life, at) = life();
        let seen = |greeted, open, quiet| Seen { greeted, open, quiet_since: at(quiet) };
        let wait = |seconds| Step::Wait(Some(at(seconds)));
        for (now, seen, expected) in [
            (0, seen(false, 0, 0), wait(10)),
            (9, seen(false, 0, 0), wait(10)),
            (10, seen(false, 0, 0), Step::Cut(Why::Silent)),
            (10, seen(true, 0, 0), wait(100)),
            (99, seen(true, 0, 0), wait(100)),
            (100, seen(true, 0, 0), Step::Leave(Why::Idle)),
            // A request is open: it is looked at again when it could be idle at the earliest.
            (100, seen(true, 1, 0), wait(200)),
            (120, seen(true, 0, 90), wait(190)),
            (990, seen(true, 3, 0), wait(1000)),
            (1000, seen(true, 3, 0), Step::Leave(Why::Aged)),
            (1000, seen(true, 0, 999), Step::Leave(Why::Aged)),
        ] {
            assert_eq!(life.next(at(now), seen), expected, "at {now} with {seen:?}");
        }
    }

    #[test]
    fn who_was_told_to_go_has_a_grace_for_its_requests_and_a_moment_without() {
        let (mut life, at) = life();
        life.leave(at(1000));
        life.leave(at(1040));
        let seen = |open, quiet| Seen { greeted: true, open, quiet_since: at(quiet) };
        for (now, seen, expected) in [
            (1000, seen(0, 900), Step::Wait(Some(at(1001)))),
            (1001, seen(0, 900), Step::Cut(Why::Lingering)),
            (1001, seen(2, 900), Step::Wait(Some(at(1002)))),
            (1030, seen(0, 1030), Step::Wait(Some(at(1031)))),
            (1049, seen(1, 900), Step::Wait(Some(at(1050)))),
            (1050, seen(1, 900), Step::Cut(Why::Lingering)),
        ] {
            assert_eq!(life.next(at(now), seen), expected, "at {now} with {seen:?}");
        }
    }

    #[test]
    fn a_drain_disarms_the_age_and_whatever_else() {
        let (mut life, at) = life();
        life.leave(at(1000));
        life.drain();
        life.leave(at(1001));
        for (now, greeted, open) in [(0, false, 0), (500, true, 0), (1049, true, 1), (9999, true, 1)] {
            assert_eq!(life.next(at(now), Seen { greeted, open, quiet_since: at(0) }), Step::Wait(None), "at {now}");
        }
    }

    #[test]
    fn a_greeting_is_not_waited_for_longer_than_anything_else() {
        let born = Instant::now();
        let idle_timeout = Duration::from_secs(3);
        let life = Life::begin(born, &ListenerConfig { idle_timeout, ..bounds() }, 0.5);
        let seen = Seen { greeted: false, open: 0, quiet_since: born };
        assert_eq!(life.next(born, seen), Step::Wait(Some(born + idle_timeout)));
        assert_eq!(life.next(born + idle_timeout, seen), Step::Cut(Why::Silent));
        assert_eq!(life.next(born + idle_timeout, Seen { greeted: true, ..seen }), Step::Leave(Why::Idle));
    }

    #[test]
    fn ages_lie_within_a_tenth() {
        let born = Instant::now();
        let old_at = |jitter| Life::begin(born, &bounds(), jitter).old_at - born;
        assert_eq!(old_at(0.0), Duration::from_secs(900));
        assert_eq!(old_at(1.0), Duration::from_secs(1100));
        assert_eq!(old_at(f64::INFINITY), Duration::from_secs(1100));
    }
}
