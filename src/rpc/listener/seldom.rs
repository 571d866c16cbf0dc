//! A warning that would otherwise be written for each of a flood.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Between two warnings of one kind.
const PAUSE: Duration = Duration::from_secs(60);

/// Says of which occurrences somebody should be told: the first, and after that one a minute, with the count of all
/// that nobody was told of.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// It happened. How many were not told of before, where this one is to be told.
    pub(super) fn tell(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, untold) = &mut *told;
        if last.is_some_and(|last| now < last + PAUSE) {
            *untold += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_once_a_minute_with_its_count() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(seldom.tell(at(0)), Some(0));
        assert_eq!((seldom.tell(at(1)), seldom.tell(at(59))), (None, None));
        assert_eq!(seldom.tell(at(60)), Some(2));
        assert_eq!((seldom.tell(at(61)), seldom.tell(at(200))), (None, Some(1)));
    }
}
