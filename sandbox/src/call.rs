//! What every operation gets and gives, whatever its wire protocol.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    config::Behaviour,
    iam, partition,
    world::{Account, Region, World},
};

/// Who calls, where and when. Built once for each request from its credential scope and the sandbox clock.
#[derive(Debug, Clone)]
pub struct Call {
    /// Twelve digits, found by [`crate::credentials::account_of`].
    pub account: String,
    /// From the credential scope; IAM and STS know by it the partition alone.
    pub region: String,
    /// The access key id the request was signed with, blank if unsigned: STS finds the assumed role by it.
    pub access_key: String,
    /// The sandbox clock, read once: one request sees one instant.
    pub now: Timestamp,
    /// Under which name and port the client came, as its `Host` says: URLs of queues lead there again.
    pub host: String,
    /// Sent back as `x-amzn-RequestId`.
    pub request_id: String,
    /// Quotas, timings and switches as they are for this request.
    pub behaviour: Arc<Behaviour>,
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

    /// The roles and policies of the caller's account in the partition that the request is signed for.
    pub fn iam<'w>(&self, world: &'w mut World) -> &'w mut iam::State {
        world.account(&self.account).iam.of(&self.region)
    }

    /// The partition that the request is signed for.
    pub fn partition(&self) -> &'static str {
        partition::of(&self.region)
    }

    /// `arn:{partition}:{service}:{region}:{account}:{resource}` in the caller's region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// `arn:{partition}:iam::{account}:{resource}`.
    pub fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition(), self.account)
    }

    /// Whom a key stands for that no role was assumed for: a user who may do everything.
    pub fn own_user(&self) -> String {
        self.iam_arn("user/sandbox")
    }

    /// A call as unit tests make it: account 123456789012, us-east-1, default behaviour.
    #[cfg(test)]
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            access_key: String::new(),
            now,
            host: "127.0.0.1:4566".to_owned(),
            request_id: "test".to_owned(),
            behaviour: Arc::default(),
        }
    }
}

/// One operation of a service that speaks JSON 1.1: a plain function over the world.
pub type JsonHandler = fn(&mut World, &Call, &Value) -> Result<Value, AwsError>;

/// What such an operation was given, or an entry of it.
///
/// # Errors
/// SerializationException for a member of the wrong type.
pub fn read<T: DeserializeOwned>(body: &Value) -> Result<T, AwsError> {
    T::deserialize(body).map_err(|fault| unreadable(&fault))
}

/// The error for a body that is no JSON, or has a member of the wrong type.
pub fn unreadable(fault: &serde_json::Error) -> AwsError {
    AwsError::new(400, "SerializationException", fault.to_string())
}

/// A caller's text as a message repeats it.
pub fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

/// An answer that AWS would give as an error. Each protocol writes it in its own envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// HTTP status.
    pub status: u16,
    /// Wire code: `x-amzn-ErrorType` (Backup), `<Code>` (Query), `__type` (JSON 1.1).
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// Further string members of the error shape, such as `Arn` and `CreatorRequestId` of AlreadyExistsException.
    pub members: Vec<(&'static str, String)>,
}

impl AwsError {
    /// An error without further members.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), members: Vec::new() }
    }

    /// Adds a member of the error shape.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<String>) -> Self {
        self.members.push((member, value.into()));
        self
    }
}
