//! What a call asks for, whatever it is about.

use super::{AskedScope, Place, RequestId};

/// A request, read: where it goes, whether it is done or only checked, and what it is. Made by `rpc/convert`, whole or
/// not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<T> {
    /// Account and region, as far as the request and the ARNs in it name them.
    pub scope: AskedScope,
    /// Every account, region and partition that its fields name.
    pub places: Vec<Place>,
    /// Whether it is done.
    pub mode: Mode,
    /// Makes repeating safe.
    pub request_id: RequestId,
    /// What is asked for.
    pub what: T,
}

/// Whether what is asked for is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything is checked and nothing is done: reads, and changes with `validate_only`.
    Check,
    /// It is done.
    Do,
}

impl<T> Asked<T> {
    /// Whether nothing is to be done.
    pub fn is_check(&self) -> bool {
        self.mode == Mode::Check
    }
}
