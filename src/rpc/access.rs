//! Who calls, and what callers did.

mod audit;
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
    gate::Gate,
    service::Access,
};
