//! Who calls, and what callers did.

pub(super) mod principal;
