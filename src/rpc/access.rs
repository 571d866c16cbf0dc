//! Who calls, and what callers did.

mod approvals;
mod audit;
mod cases;
mod certificate;
mod explain;
mod gate;
mod keys;
mod metrics;
mod permissions;
mod picture;
mod policy;
pub(super) mod principal;
mod rates;
mod service;
mod shown;
mod sight;
mod things;
mod tokens;
mod touched;
mod verified;

pub(super) use self::{
    approvals::TwoPersons,
    audit::{Act, Begun},
    certificate::{Certificate, Nameless},
    gate::Gate,
    service::Access,
    sight::{Forbidden, Sight},
};
pub use self::{
    audit::{Audit, AuditError},
    cases::{PoliciesTried, policy_schema, try_policies},
    permissions::{Permissions, PermissionsError, check_policies},
};
