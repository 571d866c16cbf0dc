//! A span of time to filter by.

use jiff::Timestamp;

use super::invalid::Fault;

/// From `after` (inclusive) to `before` (exclusive); what is absent does not bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Inclusive start.
    pub after: Option<Timestamp>,
    /// Exclusive end.
    pub before: Option<Timestamp>,
}

impl Period {
    /// Whether an instant is in it; one that is not known is in the unbounded one alone.
    pub fn has(&self, at: Option<Timestamp>) -> bool {
        match at {
            Some(at) => self.after.is_none_or(|after| after <= at) && self.before.is_none_or(|before| at < before),
            None => self.is_unbounded(),
        }
    }

    /// A span that something can lie in.
    pub fn new(after: Option<Timestamp>, before: Option<Timestamp>) -> Result<Self, Fault> {
        match (after, before) {
            (Some(after), Some(before)) if before <= after => {
                Err(format!("ends at {before} and begins at {after}: end_time must be later than start_time").into())
            }
            _ => Ok(Self { after, before }),
        }
    }

    /// Whether it bounds nothing.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_after_it_begins() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        assert!(Period::new(at(1), at(2)).is_ok());
        assert!(Period::new(at(1), None).is_ok());
        for (after, before) in [(2, 1), (1, 1)] {
            assert!(Period::new(at(after), at(before)).unwrap_err().0.contains("must be later"));
        }
    }
}
