//! Who calls, and what callers did.

mod gate;
mod keys;
mod metrics;
pub(super) mod principal;
mod rates;
mod service;
mod tokens;
mod verified;

pub(super) use self::{gate::Gate, service::Access};
