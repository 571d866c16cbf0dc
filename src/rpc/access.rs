//! Who calls, and what callers did.

pub(super) mod principal;
mod service;

pub(super) use self::service::Access;
