//! How long the caller waits, and how far a change has come by then.
//!
//! What AWS has begun to do for a change is done to its end: a selection that was to replace another must not stay beside it.
//! So its deadline ends the reads that come first and keeps the first step from beginning, and nothing after that.

mod changes;
mod trail;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::time::Instant;

use super::{Failure, call::Nature, error::Effect};
pub use changes::{Changed, Changes, Detection};
pub use trail::Trail;

/// Shared by everything that works on one call. Of a read nothing ever begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience {
    ends: Option<Instant>,
    course: Arc<Course>,
}

#[derive(Debug, Default)]
struct Course {
    /// Writes that AWS may have done, those under way included.
    open: AtomicU32,
    /// Some write was done, or may have been.
    begun: AtomicBool,
    trail: Trail,
    changes: Changes,
}

impl Patience {
    pub(super) fn until(ends: Instant) -> Self {
        Self { ends: Some(ends), ..Self::default() }
    }

    /// When its caller's patience ends; absent: nobody has said.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// When reads are given up and no further attempt begins; absent once the change has begun.
    pub(super) fn bound(&self) -> Option<Instant> {
        self.ends.filter(|_| !self.course.begun.load(Ordering::Acquire))
    }

    /// A write is about to be sent.
    pub(super) fn sends(&self) {
        self.course.open.fetch_add(1, Ordering::AcqRel);
    }

    /// What came of it. Of one that never comes here nobody knows.
    pub(super) fn sent<T>(&self, outcome: &Result<T, Failure>) {
        if outcome.as_ref().is_err_and(|failure| failure.effect == Effect::None) {
            self.course.open.fetch_sub(1, Ordering::AcqRel);
        } else {
            self.course.begun.store(true, Ordering::Release);
        }
    }

    /// A request of the call has ended, with AWS's id of it if AWS answered.
    pub(super) fn note(&self, nature: Nature, id: Option<&str>) {
        self.course.trail.note(nature, id);
    }

    /// What was asked of AWS so far.
    pub(super) fn trail(&self) -> &Trail {
        &self.course.trail
    }

    /// What it changes.
    pub(super) fn changes(&self) -> &Changes {
        &self.course.changes
    }

    /// Whether AWS has certainly done nothing for the change so far.
    pub(super) fn is_untouched(&self) -> bool {
        self.course.open.load(Ordering::Acquire) == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aws::FailureKind;

    fn refused(effect: Effect) -> Result<(), Failure> {
        Err(Failure { effect, ..Failure::told("CreateRole", FailureKind::Unavailable, "") })
    }

    #[test]
    fn the_deadline_binds_until_a_write_was_done_or_may_have_been() {
        let ends = Instant::now() + Duration::from_secs(1);
        for (outcome, begun) in [
            (Ok(()), true),
            (refused(Effect::Unknown), true),
            (refused(Effect::Partly), true),
            (refused(Effect::None), false),
        ] {
            let patience = Patience::until(ends);
            patience.sends();
            assert_eq!(patience.bound(), Some(ends), "it may still be refused");
            assert!(!patience.is_untouched(), "nobody knows while it is under way");
            patience.sent(&outcome);
            assert_eq!(patience.bound().is_none(), begun, "{outcome:?}");
            assert_eq!(patience.is_untouched(), !begun, "{outcome:?}");
        }
        assert_eq!(Patience::default().bound(), None);
    }

    #[test]
    fn all_who_work_on_a_change_know_how_far_it_is() {
        let patience = Patience::until(Instant::now());
        let elsewhere = patience.clone();
        elsewhere.sends();
        elsewhere.sent(&Ok::<_, Failure>(()));
        assert!(patience.bound().is_none() && !patience.is_untouched());
    }
}
