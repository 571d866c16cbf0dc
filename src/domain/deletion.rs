//! What became of a deletion, whatever was deleted.

use jiff::Timestamp;

use super::Finding;

/// The answer to a deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Whether the thing is gone, or was not there and need not be. Not yet: AWS is still at it, or nothing was done.
    pub deleted: bool,
    /// When AWS deleted it, where AWS says.
    pub at: Option<Timestamp>,
    /// What will surprise.
    pub findings: Vec<Finding>,
}

const NOTHING_WAS_THERE: &str = "NOTHING_WAS_THERE";

impl Deletion {
    /// It is gone.
    pub fn done() -> Self {
        Self { deleted: true, ..Self::default() }
    }

    /// It is gone, since a time that AWS tells or not.
    pub fn done_at(at: Option<Timestamp>) -> Self {
        Self { deleted: true, at, ..Self::default() }
    }

    /// It was not there, which the request allows; `why` is how that would be told otherwise, with what may have been meant.
    pub fn of_nothing(why: &str) -> Self {
        Self::done().with(vec![Self::nothing_there(why)])
    }

    /// Whether there was something to delete.
    pub fn is_of_something(&self) -> bool {
        !self.findings.iter().any(|finding| finding.code == NOTHING_WAS_THERE)
    }

    /// That there was nothing to delete or to cancel.
    pub fn nothing_there(why: &str) -> Finding {
        Finding::info(NOTHING_WAS_THERE, format!("nothing was there, and nothing was done: {why}"))
    }

    /// Nothing stands in the way, and nothing was done.
    pub fn checked() -> Self {
        Self::default()
    }

    /// With what will surprise.
    #[must_use]
    pub fn with(self, findings: Vec<Finding>) -> Self {
        Self { findings, ..self }
    }

    /// AWS is still deleting it.
    pub fn under_way() -> Self {
        Self::default()
    }
}
