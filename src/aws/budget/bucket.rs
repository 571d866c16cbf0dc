//! Whose turn it is to call AWS. Pure: it is told the time.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::pace::Pace;

/// What was not sent in so long may be sent at once.
const BURST: Duration = Duration::from_secs(1);

/// So long may calls that nobody waits for be overtaken, and no longer: they starve never.
const HANDICAP: Duration = Duration::from_secs(2);

/// Who waits for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aws) enum Class {
    /// A caller, for their answer.
    Interactive,
    /// Nobody, or somebody whose answer can do without.
    Background,
}

/// What is said to who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The call may be sent. It is paid for.
    Go,
    /// It may be sent then, as far as one can tell; ask again.
    Wait(Duration),
}

/// A place among those who wait: who came first goes first, with [`HANDICAP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    due: Instant,
    number: u64,
}

/// The calls of one account, region and family of AWS's APIs.
#[derive(Debug)]
pub(super) struct Bucket {
    pace: Pace,
    /// When what was let go so far will have been paid for, at one call an interval.
    paid: Instant,
    waiting: BTreeSet<Ticket>,
    tickets: u64,
}

impl Bucket {
    pub(super) fn new(now: Instant, pace: Pace) -> Self {
        Self { pace, paid: now, waiting: BTreeSet::new(), tickets: 0 }
    }

    /// Asks for a turn, the first time without a ticket. Who has to wait holds one, and must [`Self::leave`] if they give
    /// up.
    pub(super) fn ask(&mut self, now: Instant, class: Class, ticket: &mut Option<Ticket>) -> Turn {
        let Some(interval) = self.interval(now) else {
            self.leave(ticket);
            return Turn::Go;
        };
        let place = ticket.unwrap_or_else(|| self.ticket(now, class));
        let wait = self.wait(now, interval, self.waiting.range(..place).count());
        if wait.is_zero() {
            self.leave(ticket);
            self.pay(now, interval);
            return Turn::Go;
        }
        self.waiting.insert(place);
        *ticket = Some(place);
        Turn::Wait(wait)
    }

    /// How long who comes now would wait.
    pub(super) fn look(&self, now: Instant, class: Class) -> Duration {
        let place = Ticket { due: due(now, class), number: u64::MAX };
        let ahead = self.waiting.range(..place).count();
        self.interval(now).map_or(Duration::ZERO, |interval| self.wait(now, interval, ahead))
    }

    /// Gives a place up, and tells whether there was one.
    pub(super) fn leave(&mut self, ticket: &mut Option<Ticket>) -> bool {
        ticket.take().is_some_and(|ticket| self.waiting.remove(&ticket))
    }

    /// Pays for another attempt of a call that had its turn, before all who wait for theirs. Tells after how long it may be
    /// sent; if that is longer than it can wait nothing is paid.
    pub(super) fn again(&mut self, now: Instant, longest: Duration) -> Result<Duration, Duration> {
        let Some(interval) = self.interval(now) else { return Ok(Duration::ZERO) };
        let wait = self.wait(now, interval, 0);
        if wait > longest {
            return Err(wait);
        }
        self.pay(now, interval);
        Ok(wait)
    }

    /// AWS has answered. Tells whether those who wait had better ask again.
    pub(super) fn answered(&mut self, now: Instant, throttled: bool) -> bool {
        let free = self.pace.rate(now).is_none();
        let observed = self.pace.answered(now, throttled);
        if free && self.pace.rate(now).is_some() {
            // AWS's own bucket is empty.
            self.paid = self.paid.max(now + BURST);
        }
        observed
    }

    /// Calls a second; `None`: as many as one likes.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        self.pace.rate(now)
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn interval(&self, now: Instant) -> Option<Duration> {
        // A rate is at least one.
        self.pace.rate(now).map(|rate| BURST.div_f64(rate.max(1.0)))
    }

    /// How long until there is enough for so many and one more.
    fn wait(&self, now: Instant, interval: Duration, ahead: usize) -> Duration {
        let calls = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        (self.paid.max(now) + interval.saturating_mul(calls)).saturating_duration_since(now + BURST)
    }

    fn pay(&mut self, now: Instant, interval: Duration) {
        self.paid = self.paid.max(now) + interval;
    }

    fn ticket(&mut self, now: Instant, class: Class) -> Ticket {
        self.tickets += 1;
        Ticket { due: due(now, class), number: self.tickets }
    }
}

fn due(now: Instant, class: Class) -> Instant {
    match class {
        Class::Interactive => now,
        Class::Background => now + HANDICAP,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Somebody who waits, in the order of their coming.
    struct Waiter {
        class: Class,
        came: Instant,
        ticket: Option<Ticket>,
    }

    fn bucket(now: Instant, rate: u32) -> Bucket {
        Bucket::new(now, Pace::new(now, Some(rate), 1))
    }

    fn class(background: bool) -> Class {
        if background { Class::Background } else { Class::Interactive }
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_goes_and_nobody_starves(
            rate in 1_u32..50,
            // How long until the next event, what it is, and how many it concerns.
            events in vec((0_u64..400, 0_u8..10, 1_usize..10), 1..60),
        ) {
            let start = Instant::now();
            let (mut now, mut bucket) = (start, bucket(start, rate));
            let (mut waiting, mut went): (Vec<Waiter>, Vec<Instant>) = (Vec::new(), Vec::new());
            for (pause, what, count) in events {
                now += Duration::from_millis(pause);
                match what {
                    0..=5 => for _ in 0..count {
                        waiting.push(Waiter { class: class(what % 2 == 0), came: now, ticket: None });
                    },
                    6 => for waiter in waiting.iter_mut().step_by(2).take(count) {
                        bucket.leave(&mut waiter.ticket);
                        waiter.came = start - HANDICAP;
                    },
                    7 => went.extend(bucket.again(now, BURST).ok().map(|wait| now + wait)),
                    _ => {}
                }
                waiting.retain(|waiter| waiter.came >= start);
                waiting.retain_mut(|waiter| match bucket.ask(now, waiter.class, &mut waiter.ticket) {
                    Turn::Go => {
                        went.push(now);
                        false
                    }
                    Turn::Wait(wait) => {
                        assert!(!wait.is_zero());
                        true
                    }
                });
                prop_assert_eq!(bucket.waiting.len(), waiting.len(), "who left has left no place");
            }
            // Nobody else comes: each goes within what those before them cost, and what retries have taken in advance.
            let left = u32::try_from(waiting.len()).unwrap();
            let end = now + BURST * 2 + BURST * (left + 1) / rate + Duration::from_millis(1);
            while !waiting.is_empty() {
                let next = waiting.iter_mut().filter_map(|waiter| {
                    match bucket.ask(now, waiter.class, &mut waiter.ticket) {
                        Turn::Go => { went.push(now); waiter.came = start - HANDICAP; None }
                        Turn::Wait(wait) => Some(wait),
                    }
                }).min();
                waiting.retain(|waiter| waiter.came >= start);
                now += next.unwrap_or_default();
                prop_assert!(now <= end, "{:?} too late", now - end);
            }
            went.sort();
            // In no stretch of time more than its length allows, and a second's worth besides.
            let rate = f64::from(rate);
            let mut least = f64::MAX;
            for (before, at) in went.iter().enumerate() {
                let owed = f64::from(u32::try_from(before).unwrap()) - at.duration_since(start).as_secs_f64() * rate;
                least = least.min(owed);
                prop_assert!(owed + 1.0 - least <= rate + 1.0 + 1e-6, "{} too many", owed - least - rate);
            }
        }
    }

    /// Asks for all who wait, in this order; tells who went.
    fn round(bucket: &mut Bucket, now: Instant, waiting: &mut [(Class, Option<Ticket>, bool)]) -> Vec<usize> {
        let mut went = Vec::new();
        for (index, (class, ticket, gone)) in waiting.iter_mut().enumerate() {
            if !*gone && bucket.ask(now, *class, ticket) == Turn::Go {
                *gone = true;
                went.push(index);
            }
        }
        went
    }

    #[test]
    fn callers_go_before_what_nobody_waits_for_and_in_their_order() {
        let mut now = Instant::now();
        let mut bucket = bucket(now, 1);
        assert_eq!(bucket.ask(now, Class::Interactive, &mut None), Turn::Go);
        let mut waiting = [Class::Background, Class::Interactive, Class::Interactive].map(|class| (class, None, false));
        assert_eq!(round(&mut bucket, now, &mut waiting), [0_usize; 0]);
        let mut order = Vec::new();
        for _ in 0..4 {
            now += Duration::from_millis(1_001);
            order.extend(round(&mut bucket, now, &mut waiting));
        }
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn what_nobody_waits_for_is_not_overtaken_for_ever() {
        let mut now = Instant::now();
        let mut bucket = bucket(now, 1);
        assert_eq!(bucket.ask(now, Class::Interactive, &mut None), Turn::Go);
        let mut waiting = vec![(Class::Background, None, false)];
        assert_eq!(round(&mut bucket, now, &mut waiting), [0_usize; 0]);
        for _ in 0..8 {
            // Two come for each that goes.
            waiting.extend([(Class::Interactive, None, false); 2]);
            now += Duration::from_millis(1_001);
            round(&mut bucket, now, &mut waiting);
        }
        assert!(waiting[0].2, "{waiting:?}");
    }

    #[test]
    fn who_leaves_leaves_no_hole() {
        let now = Instant::now();
        let mut bucket = bucket(now, 1);
        assert_eq!(bucket.ask(now, Class::Interactive, &mut None), Turn::Go);
        let mut tickets = [None; 3];
        let waits = tickets.each_mut().map(|ticket| bucket.ask(now, Class::Interactive, ticket));
        assert_eq!(waits, [1, 2, 3].map(|seconds| Turn::Wait(Duration::from_secs(seconds))));
        assert!(bucket.leave(&mut tickets[0]) && bucket.leave(&mut tickets[1]) && !bucket.leave(&mut tickets[1]));
        assert_eq!(bucket.ask(now, Class::Interactive, &mut tickets[2]), Turn::Wait(Duration::from_secs(1)));
    }

    #[test]
    fn a_retry_is_paid_for_by_those_who_wait_and_one_that_cannot_wait_costs_nothing() {
        let now = Instant::now();
        let mut bucket = bucket(now, 1);
        assert_eq!(bucket.ask(now, Class::Interactive, &mut None), Turn::Go);
        assert_eq!(bucket.again(now, BURST), Ok(BURST));
        assert_eq!(bucket.again(now, BURST), Err(BURST * 2));
        assert_eq!(bucket.ask(now, Class::Interactive, &mut None), Turn::Wait(BURST * 2));
    }

    #[test]
    fn fifty_callers_recover_from_one_blip() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, Pace::new(start, None, 5));
        let (blip, last, end) = [3, 80, 90].map(|seconds| start + Duration::from_secs(seconds)).into();
        // Each asks until it is let go, is answered a tenth of a second later, and asks again.
        let mut events: BTreeSet<(Instant, usize, bool)> = (0..50).map(|caller| (start, caller, false)).collect();
        let (mut tickets, mut done) = ([None; 50], 0_u32);
        while let Some((now, caller, sent)) = events.pop_first().filter(|(now, ..)| *now < end) {
            if sent {
                bucket.answered(now, now < blip);
                done += u32::from(now >= last);
                events.insert((now, caller, false));
            } else {
                events.insert(match bucket.ask(now, Class::Interactive, &mut tickets[caller]) {
                    Turn::Go => (now + Duration::from_millis(100), caller, true),
                    Turn::Wait(wait) => (now + wait, caller, false),
                });
            }
        }
        assert!(done > 4_900, "{done} of the 5,000 that they can do in the last ten seconds");
        assert_eq!(bucket.rate(end), None);
    }
}
