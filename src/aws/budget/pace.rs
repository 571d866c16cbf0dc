//! How many calls a second AWS takes, learnt from what it throttles. Pure: it is told the time.
//!
//! AWS publishes no rates for most of its APIs, and an account shares them with everybody else who works on it. So nothing
//! is known until AWS throttles; then the rate falls to what AWS has taken, and grows again, at first hardly and then
//! fast, until it is throttled again or a minute has passed without.

use std::time::Duration;

use tokio::time::Instant;

/// What is told about the answers of so long at least is one observation.
const WINDOW: Duration = Duration::from_secs(1);

/// An observation of fewer answers says nothing yet, but ends after [`QUIET`].
const ENOUGH: u32 = 20;

/// So long without [`ENOUGH`] answers is a quiet time, in which nobody sends too much.
const QUIET: Duration = Duration::from_secs(10);

/// A share that growing runs into now and then; what the SDK's retries mend.
const SLIGHT: f64 = 0.05;

/// A cut that leaves this part of the share throttled did nothing: where AWS takes so many calls a second and throttles the
/// rest, asking for as many as it took leaves hardly any. Not nearer to 1, for of thirty answers that are throttled by
/// chance a quarter fewer are so every third time.
const FUTILE: f64 = 0.5;

/// So long throttling is not answered by asking for less, once that did nothing.
const DEAF: Duration = Duration::from_secs(30);

/// So long after the last throttling nothing is held back any more.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// The rate that may be sent at.
#[derive(Debug)]
pub(super) struct Pace {
    /// Calls a second that are never passed, whatever AWS would take.
    ceiling: Option<f64>,
    /// Calls a second that throttling never brings it below.
    floor: f64,
    window: Window,
    learnt: Option<Learnt>,
}

/// What was seen since it began.
#[derive(Debug)]
struct Window {
    began: Instant,
    answered: u32,
    throttled: u32,
}

/// What throttling has taught.
#[derive(Debug)]
struct Learnt {
    /// Calls a second, at `since`.
    base: f64,
    since: Instant,
    /// The cut whose effect the next observation tells.
    trial: Option<Trial>,
    /// Until when being throttled is not for asking too much.
    deaf: Option<Instant>,
}

#[derive(Debug)]
struct Trial {
    /// The share that was throttled before.
    share: f64,
    /// The rate before: of several cuts in a row, before the first of them.
    before: f64,
}

impl Learnt {
    /// Nearly still for some seconds, twice as much after ten, nine times after twenty.
    fn rate(&self, now: Instant) -> f64 {
        let tens = now.saturating_duration_since(self.since).as_secs_f64() / 10.0;
        self.base * (1.0 + tens.powi(3))
    }
}

impl Pace {
    pub(super) fn new(now: Instant, ceiling: Option<u32>, floor: u32) -> Self {
        let ceiling = ceiling.map(f64::from);
        let floor = ceiling.map_or(f64::from(floor), |ceiling| ceiling.min(f64::from(floor)));
        Self { ceiling, floor, window: Window { began: now, answered: 0, throttled: 0 }, learnt: None }
    }

    /// Calls a second; `None`: as many as one likes.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        let learnt = self.learnt.as_ref().map(|learnt| learnt.rate(now));
        match (learnt, self.ceiling) {
            (Some(learnt), Some(ceiling)) => Some(learnt.min(ceiling)),
            (learnt, ceiling) => learnt.or(ceiling),
        }
    }

    /// AWS has answered an attempt. Tells whether it was the end of an observation, which may have changed the rate.
    pub(super) fn answered(&mut self, now: Instant, throttled: bool) -> bool {
        self.window.answered += 1;
        self.window.throttled += u32::from(throttled);
        let Window { began, answered, throttled } = self.window;
        let took = now.saturating_duration_since(began);
        if took < WINDOW || (answered < ENOUGH && took < QUIET) {
            return false;
        }
        self.window = Window { began: now, answered: 0, throttled: 0 };
        let per_second = |count: u32| f64::from(count) / took.as_secs_f64();
        let sent = per_second(answered);
        // Nobody sends too much who sends less than is always allowed.
        let share = if sent < self.floor { 0.0 } else { f64::from(throttled) / f64::from(answered) };
        self.observe(now, sent, per_second(answered - throttled), share);
        true
    }

    /// So many calls a second were sent, so many of them taken, and this share throttled.
    fn observe(&mut self, now: Instant, sent: f64, taken: f64, share: f64) {
        // Half at most, for a moment in which AWS takes nothing tells little of what it takes.
        let cut = Learnt {
            base: taken.max(sent / 2.0).max(self.floor),
            since: now,
            trial: Some(Trial { share, before: sent }),
            deaf: None,
        };
        self.learnt = match self.learnt.take() {
            None if share <= SLIGHT => None,
            None => Some(cut),
            Some(learnt) if share <= SLIGHT => {
                let settled = share > 0.0;
                let still = Learnt { trial: None, ..learnt };
                match now.saturating_duration_since(still.since) {
                    // It has found what AWS takes.
                    _ if settled => Some(Learnt { base: still.rate(now), since: now, ..still }),
                    long if long >= FORGOTTEN => None,
                    _ => Some(still),
                }
            }
            // What AWS throttles although it takes the greater part of whatever is sent is throttled for the sake of
            // others, or by chance. Asking for ever less would end in asking for nothing.
            Some(learnt) if share <= 0.5 && learnt.deaf.is_some_and(|until| now < until) => Some(learnt),
            Some(Learnt { trial: Some(trial), .. }) if share <= 0.5 && share >= trial.share * FUTILE => {
                Some(Learnt { base: trial.before, since: now, trial: None, deaf: Some(now + DEAF) })
            }
            Some(Learnt { trial, .. }) => {
                let before = trial.map_or(sent, |trial| trial.before.max(sent));
                Some(Learnt { trial: Some(Trial { share, before }), ..cut })
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A neighbour that takes so many calls a second, and throttles the rest.
    struct Aws {
        takes: f64,
        left: f64,
    }

    /// A second in which as much is sent as is wanted and allowed. Tells how much was sent, and throttled.
    fn second(pace: &mut Pace, aws: &mut Aws, now: &mut Instant, wanted: u32) -> (u32, u32) {
        aws.left = aws.takes;
        let step = Duration::from_secs(1) / wanted;
        let (mut room, mut sent, mut throttled) = (0.0, 0, 0);
        for _ in 0..wanted {
            *now += step;
            room += pace.rate(*now).map_or(1.0, |rate| (rate / f64::from(wanted)).min(1.0));
            if room >= 1.0 {
                room -= 1.0;
                sent += 1;
                aws.left -= 1.0;
                throttled += u32::from(aws.left < 0.0);
                pace.answered(*now, aws.left < 0.0);
            }
        }
        (sent, throttled)
    }

    #[test]
    fn nothing_is_held_back_until_aws_throttles() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now, None, 5);
        for _ in 0..30 {
            second(&mut pace, &mut Aws { takes: 1e9, left: 0.0 }, &mut now, 5_000);
        }
        assert_eq!(pace.rate(now), None);
    }

    #[test]
    fn a_flood_comes_down_to_what_aws_takes_and_stays_there() {
        let mut now = Instant::now();
        let (mut pace, mut aws) = (Pace::new(now, None, 5), Aws { takes: 100.0, left: 0.0 });
        for _ in 0..8 {
            second(&mut pace, &mut aws, &mut now, 1_000);
        }
        let (sent, throttled) = (0..60).fold((0, 0), |(sent, throttled), _| {
            let (more, refused) = second(&mut pace, &mut aws, &mut now, 1_000);
            (sent + more, throttled + refused)
        });
        assert!((5_400..6_600).contains(&sent), "{sent} of the 6,000 that AWS takes");
        assert!(throttled * 20 < sent, "{throttled} of {sent}");
    }

    #[test]
    fn throttling_by_chance_holds_nobody_back_for_long() {
        for (wanted, seed) in [30, 200].into_iter().flat_map(|wanted| (1..=20).map(move |seed| (wanted, seed))) {
            let mut now = Instant::now();
            let mut pace = Pace::new(now, None, 5);
            let mut dice = fastrand::Rng::with_seed(seed);
            let mut sent = 0;
            for _ in 0..120 {
                let mut room = 0.0;
                for _ in 0..wanted {
                    now += Duration::from_secs(1) / wanted;
                    room += pace.rate(now).map_or(1.0, |rate| (rate / f64::from(wanted)).min(1.0));
                    if room >= 1.0 {
                        room -= 1.0;
                        sent += 1;
                        pace.answered(now, dice.f64() < 0.3);
                    }
                }
            }
            assert!(sent > 120 * wanted * 7 / 10, "{sent} of {}, seed {seed}", 120 * wanted);
        }
    }

    #[test]
    fn a_blip_is_forgotten_and_a_long_refusal_ends_at_the_floor() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now, None, 5);
        let mut never = Aws { takes: 0.0, left: 0.0 };
        second(&mut pace, &mut never, &mut now, 400);
        second(&mut pace, &mut never, &mut now, 400);
        let held = pace.rate(now).unwrap();
        assert!((90.0..=200.0).contains(&held), "{held}");
        for _ in 0..15 {
            second(&mut pace, &mut Aws { takes: 1e9, left: 0.0 }, &mut now, 400);
        }
        assert!(pace.rate(now).is_none_or(|rate| rate >= 400.0), "{:?}", pace.rate(now));
        for _ in 0..90 {
            second(&mut pace, &mut never, &mut now, 400);
        }
        let floor = pace.rate(now).unwrap();
        assert!((5.0..6.0).contains(&floor), "{floor}");
        for _ in 0..70 {
            second(&mut pace, &mut Aws { takes: 1e9, left: 0.0 }, &mut now, 400);
        }
        assert_eq!(pace.rate(now), None, "all is forgotten");
    }

    #[test]
    fn a_lonely_throttled_call_tells_nothing() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now, None, 5);
        for _ in 0..40 {
            now += Duration::from_secs(1);
            pace.answered(now, true);
        }
        assert_eq!(pace.rate(now), None);
    }

    #[test]
    fn the_configured_rate_is_never_passed() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now, Some(50), 5);
        assert_eq!(pace.rate(now), Some(50.0));
        let mut aws = Aws { takes: 20.0, left: 0.0 };
        for _ in 0..20 {
            let (sent, _) = second(&mut pace, &mut aws, &mut now, 500);
            assert!(sent <= 51, "{sent}");
        }
        assert_eq!(Pace::new(now, Some(2), 5).rate(now), Some(2.0), "though the floor is above it");
    }
}
