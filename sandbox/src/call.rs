//! What every operation gets and gives, whatever its wire protocol.

use jiff::Timestamp;

use crate::world::{Account, Region, World};

/// Who calls, where and when. Built once for each request from its credential scope and the sandbox clock.
#[derive(Debug, Clone)]
pub struct Call {
    /// Twelve digits, from the access key (the default account, or the one an AssumeRole key stands for).
    pub account: String,
    /// From the credential scope; IAM and STS ignore it.
    pub region: String,
    /// The sandbox clock, read once: one request sees one instant.
    pub now: Timestamp,
    /// Sent back as `x-amzn-RequestId`.
    pub request_id: String,
}

impl Call {
    /// The caller's account, made empty on first use.
    pub fn account<'w>(&self, world: &'w mut World) -> &'w mut Account {
        world.account(&self.account)
    }

    /// The caller's region of the caller's account, made empty on first use.
    pub fn region<'w>(&self, world: &'w mut World) -> &'w mut Region {
        world.account(&self.account).region(&self.region)
    }
}

/// An answer that AWS would give as an error. Each protocol writes it in its own envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// HTTP status.
    pub status: u16,
    /// Wire code: `x-amzn-ErrorType` (Backup), `<Code>` (Query), `__type` (tagging).
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Further string members of the error shape, such as `Arn` and `CreatorRequestId` of AlreadyExistsException.
    pub members: Vec<(&'static str, String)>,
}

impl AwsError {
    /// An error without further members.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), members: Vec::new() }
    }

    /// Adds a member of the error shape.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<String>) -> Self {
        self.members.push((member, value.into()));
        self
    }
}
