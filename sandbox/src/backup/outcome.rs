//! How a job ended: state, words, category. The texts are AWS's (docs/aws-backup-semantics.md, section 5.6).

use jiff::Timestamp;

use super::checks;

/// The end of a backup, copy or restore job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which terminal state.
    pub state: Terminal,
    /// When.
    pub at: Timestamp,
    /// `StatusMessage`: always present unless the job completed without a remark.
    pub message: Option<String>,
    /// `MessageCategory`.
    pub category: Category,
    /// The point the job made: present exactly when it completed.
    pub recovery_point_arn: Option<String>,
}

/// The terminal states. Restore and copy jobs know no EXPIRED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// The point, copy or instance is there.
    Completed,
    /// A definite error; nothing usable is left.
    Failed,
    /// Out of its start or completion window.
    Expired,
    /// Stopped by the user.
    Aborted,
}

impl Terminal {
    /// As on the wire.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
            Self::Aborted => "ABORTED",
        }
    }
}

/// `MessageCategory`. AWS publishes examples, not the list `[U]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Completed without a remark.
    Success,
    /// The role can't be assumed or may not do what is needed.
    AccessDenied,
    /// The resource is busy, or its state or window is in the way.
    Conflict,
    /// The request itself can't be met.
    InvalidParameters,
    /// A quota.
    LimitExceeded,
    /// The resource, vault or point is gone.
    ResourceNotFound,
    /// Everything else.
    Miscellaneous,
}

impl Category {
    /// As on the wire.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::AccessDenied => "AccessDenied",
            Self::Conflict => "Conflict",
            Self::InvalidParameters => "InvalidParameters",
            Self::LimitExceeded => "LimitExceeded",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::Miscellaneous => "Miscellaneous",
        }
    }
}

impl Outcome {
    /// The job made `recovery_point_arn`.
    #[must_use]
    pub fn completed(at: Timestamp, recovery_point_arn: Option<String>) -> Self {
        Self { state: Terminal::Completed, at, message: None, category: Category::Success, recovery_point_arn }
    }

    /// The console's "completed with issues": COMPLETED with a message `[M][D]`.
    #[must_use]
    pub fn with_issue(mut self, message: impl Into<String>, category: Category) -> Self {
        self.message = Some(message.into());
        self.category = category;
        self
    }

    /// Any other end.
    #[must_use]
    pub fn without_result(state: Terminal, at: Timestamp, failure: Failure) -> Self {
        Self { state, at, message: Some(failure.message), category: failure.category, recovery_point_arn: None }
    }

    /// FAILED.
    #[must_use]
    pub fn failed(at: Timestamp, failure: Failure) -> Self {
        Self::without_result(Terminal::Failed, at, failure)
    }
}

/// Why a job can't go on: AWS's words and their category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For people.
    pub message: String,
    /// For programs.
    pub category: Category,
}

impl Failure {
    /// A failure in these words.
    #[must_use]
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self { message: message.into(), category }
    }

    /// The resource stayed busy until the end of the start window `[D]`.
    #[must_use]
    pub fn resource_busy() -> Self {
        Self::new(Category::Conflict, "Backup job failed because there was a running job for the same resource.")
    }

    /// A window ran out `[D]`.
    #[must_use]
    pub fn expired() -> Self {
        Self::new(Category::Miscellaneous, "Backup job expired before completion.")
    }

    /// StopBackupJob `[M]`.
    #[must_use]
    pub fn stopped() -> Self {
        Self::new(Category::Miscellaneous, "Backup job was stopped by user.")
    }

    /// The vault is gone `[D]`.
    #[must_use]
    pub fn vault_gone() -> Self {
        Self::new(Category::ResourceNotFound, "Backup job failed because backup vault ARN does not exist.")
    }

    /// The job's role cannot be assumed when the job needs it.
    #[must_use]
    pub fn role_not_assumable(role: &str) -> Self {
        Self::new(Category::AccessDenied, checks::cannot_be_assumed(role))
    }

    /// Outside a vault lock's range. `kind` is `Backup` or `Copy`; the copy's words are published `[D]`.
    #[must_use]
    pub fn retention_out_of_range(kind: &str) -> Self {
        Self::new(
            Category::InvalidParameters,
            format!(
                "{kind} job failed. The retention specified in the job is not within the range specified for the target Backup Vault."
            ),
        )
    }
}
