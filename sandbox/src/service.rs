//! The AWS services the sandbox speaks: their names, and what each says when it is asked too often.

use crate::{call::AwsError, query};

/// The names by which requests are signed for the services, for messages that list them.
pub const NAMES: [&str; 9] = ["backup", "events", "iam", "kms", "rds", "sns", "sqs", "sts", "tagging"];

/// A service the sandbox speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// AWS Backup, restJson1.
    Backup,
    /// IAM, RDS, SNS or STS: form-encoded requests, XML answers.
    Query(query::Service),
    /// A service with JSON 1.0 or 1.1.
    Json(Json),
}

/// The services with JSON 1.0 or 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Json {
    /// EventBridge.
    Events,
    /// Key Management Service.
    Kms,
    /// Simple Queue Service, JSON 1.0.
    Sqs,
    /// Resource Groups Tagging API.
    Tagging,
}

impl Service {
    /// The service with this signing name (note: `tagging`, not `resourcegroupstaggingapi`).
    pub fn signed_as(name: &str) -> Option<Self> {
        match name {
            "backup" => Some(Self::Backup),
            "events" => Some(Self::Json(Json::Events)),
            "kms" => Some(Self::Json(Json::Kms)),
            "sqs" => Some(Self::Json(Json::Sqs)),
            "tagging" => Some(Self::Json(Json::Tagging)),
            _ => query::Service::signed_as(name).map(Self::Query),
        }
    }

    /// The signing name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Query(service) => service.name(),
            Self::Json(Json::Events) => "events",
            Self::Json(Json::Kms) => "kms",
            Self::Json(Json::Sqs) => "sqs",
            Self::Json(Json::Tagging) => "tagging",
        }
    }

    /// What the service says when it is asked too often (docs/aws-backup-semantics.md, section 9).
    pub fn throttled(self) -> AwsError {
        match self {
            Self::Backup | Self::Json(Json::Events | Json::Kms) => {
                AwsError::new(400, "ThrottlingException", "Rate exceeded")
            }
            Self::Query(_) => AwsError::new(400, "Throttling", "Rate exceeded"),
            Self::Json(Json::Sqs) => AwsError::new(400, "RequestThrottled", "Rate exceeded"),
            Self::Json(Json::Tagging) => AwsError::new(400, "ThrottledException", "Rate exceeded"),
        }
    }
}
