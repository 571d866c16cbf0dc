//! The sandbox clock: time that runs by itself or is moved by hand, and never goes back.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The fastest an automatic clock runs: a day to the second.
pub const MAX_SPEED: f64 = 86_400.0;

/// The furthest one command moves the clock: ten years. More is a typing mistake, and a long wait.
pub const MAX_STEP: SignedDuration = SignedDuration::from_hours(24 * 3653);

/// How the sandbox's time runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockConfig {
    /// From the real now on, `speed` sandbox seconds to each real one.
    Auto {
        /// At least 0 and at most [`MAX_SPEED`].
        speed: f64,
    },
    /// Stands at `start` until it is moved by hand.
    Manual {
        /// The first instant.
        start: Timestamp,
    },
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self::Auto { speed: 1.0 }
    }
}

/// How the clock runs just now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// `speed` sandbox seconds to each real one.
    Auto {
        /// 0 to [`MAX_SPEED`].
        speed: f64,
    },
    /// Only when told.
    Manual,
}

/// See the module. Every change starts from the present reading, so that none makes the clock jump.
#[derive(Debug)]
pub struct Clock {
    mode: Mode,
    base: Timestamp,
    since: Instant,
}

impl Clock {
    /// A clock as configured. A speed out of range is brought into it.
    pub fn new(config: ClockConfig) -> Self {
        let (mode, base) = match config {
            ClockConfig::Auto { speed } => (Mode::Auto { speed: speed.clamp(0.0, MAX_SPEED) }, Timestamp::now()),
            ClockConfig::Manual { start } => (Mode::Manual, start),
        };
        Self { mode, base, since: Instant::now() }
    }

    /// The present instant. Whole milliseconds, because that is what the wire carries.
    pub fn now(&self) -> Timestamp {
        self.reading(Instant::now())
    }

    fn reading(&self, at: Instant) -> Timestamp {
        let now = match self.mode {
            Mode::Manual => self.base,
            Mode::Auto { speed } => {
                let passed = SignedDuration::try_from_secs_f64(at.duration_since(self.since).as_secs_f64() * speed);
                // Beyond the calendar time stands still at its end; it never goes back.
                passed.ok().and_then(|passed| self.base.checked_add(passed).ok()).unwrap_or(Timestamp::MAX)
            }
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// How the clock runs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Goes on in another mode from the present reading.
    pub fn run(&mut self, mode: Mode) {
        let at = Instant::now();
        self.base = self.reading(at);
        self.since = at;
        self.mode = mode;
    }

    /// Moves the clock to `to`, in any mode.
    ///
    /// # Errors
    /// In words, when `to` lies before the present reading or further than [`MAX_STEP`] ahead.
    pub fn set(&mut self, to: Timestamp) -> Result<(), String> {
        let at = Instant::now();
        let now = self.reading(at);
        if to < now {
            return Err(format!("the clock stands at {now} and can't go back to {to}"));
        }
        if to.duration_since(now) > MAX_STEP {
            return Err(format!("{to} is more than ten years ahead of the clock ({now})"));
        }
        self.base = to;
        self.since = at;
        Ok(())
    }

    /// Moves the clock on by `step`, in any mode.
    ///
    /// # Errors
    /// In words, when `step` is negative or longer than [`MAX_STEP`].
    pub fn advance(&mut self, step: SignedDuration) -> Result<(), String> {
        let now = self.now();
        let to = now.checked_add(step).map_err(|_| format!("{step} from {now} is beyond the calendar"))?;
        self.set(to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn noon() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_manual_clock_stands_still_and_moves_only_forward() {
        let mut clock = Clock::new(ClockConfig::Manual { start: noon() });
        assert_eq!(clock.now(), noon());
        clock.advance(SignedDuration::from_hours(25)).unwrap();
        assert_eq!(clock.now(), noon() + SignedDuration::from_hours(25));
        assert!(clock.set(noon()).unwrap_err().contains("can't go back"));
        assert!(clock.advance(SignedDuration::from_secs(-1)).is_err());
        assert!(clock.advance(SignedDuration::MAX).is_err());
        assert!(clock.advance(MAX_STEP + SignedDuration::from_secs(1)).is_err());
        assert_eq!(clock.now(), noon() + SignedDuration::from_hours(25), "a refused move changes nothing");
    }

    #[test]
    fn an_automatic_clock_runs_at_its_speed() {
        let mut clock = Clock::new(ClockConfig::Manual { start: noon() });
        clock.run(Mode::Auto { speed: 60.0 });
        assert_eq!(clock.reading(clock.since + Duration::from_secs(30)), noon() + SignedDuration::from_mins(30));
    }

    #[test]
    fn an_automatic_clock_stops_at_the_end_of_the_calendar() {
        let mut clock = Clock::new(ClockConfig::Manual { start: Timestamp::MAX - SignedDuration::from_mins(1) });
        clock.run(Mode::Auto { speed: 1.0 });
        assert_eq!(clock.reading(clock.since + Duration::from_secs(61)), Timestamp::MAX);
        clock.mode = Mode::Auto { speed: f64::MAX };
        assert_eq!(clock.reading(clock.since + Duration::from_secs(61)), Timestamp::MAX);
    }

    #[test]
    fn switching_mode_and_speed_never_jumps() {
        let mut clock = Clock::new(ClockConfig::Manual { start: noon() });
        clock.run(Mode::Auto { speed: 0.0 });
        assert_eq!(clock.now(), noon());
        clock.run(Mode::Auto { speed: MAX_SPEED });
        assert_eq!(clock.base, noon());
        clock.run(Mode::Manual);
        let stopped = clock.now();
        assert!(stopped >= noon());
        assert_eq!(clock.now(), stopped);
    }
}
