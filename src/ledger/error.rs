//! Why the ledger cannot answer.

/// The ledger did not answer. AWS is not concerned: nothing was asked of it for this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is full, or did not answer in time: it may the next time.
    #[error("the ledger does not answer: {0}")]
    Down(String),
    /// What the database holds is not what this version writes: damaged, or written by a newer version.
    #[error("the ledger cannot be read: {0}")]
    Unreadable(String),
    /// Another server does by now what this one was about to write for.
    #[error("another server has taken over {0:?}: nothing was written")]
    Fenced(String),
}

impl Error {
    pub(super) fn down(why: impl Into<String>) -> Self {
        Self::Down(why.into())
    }

    pub(super) fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable(why.into())
    }
}
