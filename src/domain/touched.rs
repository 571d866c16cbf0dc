//! What somebody changed: whatever hangs on it is looked at again.

use super::{Arn, Scope};

/// A thing that was changed in an account and region, be it made or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Where.
    pub scope: Scope,
    /// What.
    pub what: TouchedThing,
}

/// Which thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TouchedThing {
    /// An RDS instance or cluster, or its tags.
    Database(Arn),
    /// A plan or a selection of it: the plan's id or name.
    Plan(String),
}
