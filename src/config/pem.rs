//! Files of certificates and keys: how they are read, and what `check-config` looks for in them.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::reader::Reader;

/// More than any chain of certificates has; a path to something else is noticed before memory is.
pub const MAX_PEM_BYTES: u64 = 1 << 20;

/// Why a file in PEM is not read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadPem {
    /// The operating system does not let it.
    #[error("cannot be read: {0}")]
    File(#[source] io::Error),
    /// It is something else, for it has so many bytes.
    #[error("has {0} bytes, and a PEM file may have {MAX_PEM_BYTES}")]
    TooLarge(u64),
}

/// The content of a file in PEM.
///
/// # Errors
/// When it cannot be read, or is larger than any such file.
pub fn read_pem(path: &Path) -> Result<Vec<u8>, UnreadPem> {
    let read = || {
        let file = File::open(path)?;
        let (size, mut bytes) = (file.metadata()?.len(), Vec::new());
        // One byte more tells that there are more, of what has no size too.
        file.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((size.max(bytes.len() as u64), bytes))
    };
    let (size, bytes) = read().map_err(UnreadPem::File)?;
    if bytes.len() as u64 > MAX_PEM_BYTES { Err(UnreadPem::TooLarge(size)) } else { Ok(bytes) }
}

/// Whether a file has what its key promises, so that a slip is told by `check-config` and not by a start that fails.
fn look(path: &Path, label: &str) -> Result<(), String> {
    let text = read_pem(path).map_err(|unread| unread.to_string())?;
    let has = text.windows(label.len()).any(|part| part == label.as_bytes());
    has.then_some(()).ok_or_else(|| format!("holds no PEM block {:?}", label.trim_end_matches('-')))
}

/// A key of the configuration that names a file, and what it says.
pub(super) type Named<'c> = (&'static str, &'c Option<PathBuf>);

/// A certificate and its private key go together.
pub(super) fn check_pair(reader: &mut Reader, certificate: Named<'_>, private_key: Named<'_>, with: &[&str]) {
    let (((key, Some(_)), (other, None)) | ((other, None), (key, Some(_)))) = (certificate, private_key) else {
        return;
    };
    let with = [with, &[other]].concat();
    reader.refuse(key, &with, format!("needs {other} beside it"), "set both, or neither");
}

/// What would keep a server on this machine from starting; another machine than that may be the one that checks.
pub(super) fn check_content(reader: &mut Reader, (key, path): Named<'_>, label: &str) {
    let Some(path) = path else { return };
    if let Err(problem) = look(path, label) {
        reader.warn(key, format!("{} {problem}: a server on this machine would not start", path.display()));
    }
}

pub(super) const CERTIFICATE: &str = "CERTIFICATE-----";
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY-----";
