//! How many lines there may be a second, so that a flood of calls fills no disk: what is beyond is counted, and the next line
//! of its sort tells how many were not written.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Reads that went well.
const READS: u64 = 100;

/// Reads that failed, for each reason; more than anybody looks at one by one.
const FAILURES: u64 = 100;

/// What was turned away at the door, for each reason: nobody needs to be let in to make them.
const TURNED_AWAY: u64 = 10;

/// What lines are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Read,
    /// With its reason, of which there are so many and no more.
    Failed(&'static str),
    TurnedAway(&'static str),
}

impl Sort {
    fn most(self) -> u64 {
        match self {
            Self::Read => READS,
            Self::Failed(_) => FAILURES,
            Self::TurnedAway(_) => TURNED_AWAY,
        }
    }
}

/// The lines of the present second.
#[derive(Debug, Default)]
pub(super) struct Flood(Mutex<Vec<(Sort, Second)>>);

#[derive(Debug)]
struct Second {
    began: Instant,
    written: u64,
    unwritten: u64,
}

impl Flood {
    /// How many of the sort were not written since the last that was, if this one is to be written.
    pub(super) fn tell(&self, sort: Sort, now: Instant) -> Option<u64> {
        let mut sorts = self.sorts();
        let at = sorts.iter().position(|(other, _)| *other == sort).unwrap_or_else(|| {
            sorts.push((sort, Second { began: now, written: 0, unwritten: 0 }));
            sorts.len() - 1
        });
        let second = &mut sorts.get_mut(at)?.1;
        if now.saturating_duration_since(second.began).as_secs() >= 1 {
            (second.began, second.written) = (now, 0);
        }
        if second.written >= sort.most() {
            second.unwritten += 1;
            return None;
        }
        second.written += 1;
        Some(std::mem::take(&mut second.unwritten))
    }

    fn sorts(&self) -> MutexGuard<'_, Vec<(Sort, Second)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_written_of_a_flood_is_counted_in_the_next_line() {
        let (flood, start) = (Flood::default(), Instant::now());
        let at = |millis| flood.tell(Sort::TurnedAway("OVERLOADED"), start + Duration::from_millis(millis));
        for millis in 0..TURNED_AWAY {
            assert_eq!(at(millis), Some(0));
        }
        assert_eq!([at(500), at(700), at(999)], [None; 3]);
        assert_eq!([at(1000), at(1001)], [Some(3), Some(0)]);
    }

    #[test]
    fn a_flood_of_one_reason_hides_no_other() {
        let (flood, now) = (Flood::default(), Instant::now());
        while flood.tell(Sort::TurnedAway("OVERLOADED"), now).is_some() {}
        for other in [Sort::Read, Sort::Failed("OVERLOADED"), Sort::TurnedAway("UNIMPLEMENTED")] {
            assert_eq!(flood.tell(other, now), Some(0), "{other:?}");
        }
    }
}
