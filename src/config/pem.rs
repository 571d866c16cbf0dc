//! Files of certificates and keys, as far as `check-config` looks into them.

use std::{fs::File, io::Read, path::Path};

/// More than any chain of certificates has; a path to something else is noticed before memory is.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// Whether a file has what its key promises, so that a slip is told by `check-config` and not by a start that fails.
pub(super) fn look(path: &Path, label: &str) -> Result<(), String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_PEM_BYTES).read_to_end(&mut text));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    let has = text.windows(label.len()).any(|part| part == label.as_bytes());
    has.then_some(()).ok_or_else(|| format!("holds no PEM block {:?}", label.trim_end_matches('-')))
}
