//! Between the wire types and the domain, one file a noun. Into the domain every fault is noted; out of it nothing fails.

pub(super) mod accounts;
pub(super) mod approvals;
mod change;
pub(super) mod coverage;
pub(super) mod incidents;
mod interval;
mod job_answers;
pub(super) mod job_filter;
pub(super) mod job_summary;
pub(super) mod jobs;
pub(super) mod legal_holds;
pub(super) mod lifecycle;
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

pub(super) use change::{Change, Changed};
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
        Self {
            code: finding.code.to_owned(),
            severity: severity(finding.severity).into(),
            message: finding.message,
            action: finding.action,
            field: finding.field,
            subject: finding.subject,
        }
    }
}

impl From<domain::KeptFinding> for proto::Finding {
    fn from(kept: domain::KeptFinding) -> Self {
        let domain::KeptFinding { code, severity: of, message, action, subject } = kept;
        Self { code, severity: severity(of).into(), message, action, field: String::new(), subject }
    }
}

fn severity(severity: domain::Severity) -> proto::Severity {
    match severity {
        domain::Severity::Info => proto::Severity::Info,
        domain::Severity::Warning => proto::Severity::Warning,
        domain::Severity::Error => proto::Severity::Error,
    }
}

/// What was found, the most serious first; what is equally serious in the order in which it was found.
pub(super) fn findings(mut found: Vec<domain::Finding>) -> Vec<proto::Finding> {
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.into_iter().map(Into::into).collect()
}

/// The answers of deletions have one shape.
macro_rules! deletions {
    ($($answer:ident),+ $(,)?) => {$(
        impl From<domain::Deletion> for proto::$answer {
            fn from(deletion: domain::Deletion) -> Self {
                Self {
                    deleted: deletion.deleted,
                    delete_time: deletion.at.map(timestamp),
                    findings: findings(deletion.findings),
                    ..Self::default()
                }
            }
        }
    )+};
}

deletions!(
    DeletePlanResponse,
    DeleteRecoveryPointResponse,
    DeleteSelectionResponse,
    DeleteVaultAccessPolicyResponse,
    DeleteVaultNotificationsResponse,
    DeleteVaultResponse,
);
