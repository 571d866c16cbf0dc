//! By what a token that was damaged on its way is told.

use sha2::{Digest as _, Sha256};

/// Bytes of a check.
pub(super) const CHECK: usize = 8;

/// The beginning of a digest of the parts, one behind the other.
pub(super) fn check(parts: &[&[u8]]) -> [u8; CHECK] {
    let whole = parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    let mut beginning = [0; CHECK];
    beginning.copy_from_slice(&whole[..CHECK]);
    beginning
}
