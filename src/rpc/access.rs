//! Who calls, and what callers did.

mod audit;
mod certificate;
mod gate;
mod keys;
mod metrics;
pub(super) mod principal;
mod rates;
mod service;
mod tokens;
mod verified;

pub use self::audit::{Audit, AuditError};
pub(super) use self::{
    audit::{Act, Begun},
    certificate::{Certificate, Nameless},
    gate::Gate,
    service::Access,
};
