//! Between the wire types and the domain, one file a noun. Into the domain every fault is noted; out of it nothing fails.

pub(super) mod accounts;
pub(super) mod jobs;
pub(super) mod lifecycle;
mod period;
pub(super) mod plans;
pub(super) mod protection;
pub(super) mod reader;
pub(super) mod recovery_points;
pub(super) mod resources;
pub(super) mod restore;
mod rules;
pub(super) mod schedules;
pub(super) mod selections;
pub(super) mod vault_lock;
pub(super) mod vault_settings;
pub(super) mod vaults;

use jiff::Timestamp;

use crate::{domain, proto};

/// The wire's time.
pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

impl From<domain::Scope> for proto::Scope {
    fn from(scope: domain::Scope) -> Self {
        Self { account: scope.account.as_str().to_owned(), region: scope.region.as_str().to_owned() }
    }
}

impl From<domain::Finding> for proto::Finding {
    fn from(finding: domain::Finding) -> Self {
        let severity = match finding.severity {
            domain::Severity::Info => proto::Severity::Info,
            domain::Severity::Warning => proto::Severity::Warning,
            domain::Severity::Error => proto::Severity::Error,
        };
        Self {
            code: finding.code.to_owned(),
            severity: severity.into(),
            message: finding.message,
            action: finding.action,
        }
    }
}

impl From<domain::Warning> for proto::Warning {
    fn from(warning: domain::Warning) -> Self {
        Self { code: warning.code.to_owned(), message: warning.message, field: warning.field }
    }
}
