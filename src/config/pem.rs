//! Files of certificates and keys, as far as `check-config` looks into them.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::reader::Reader;

/// More than any chain of certificates has; a path to something else is noticed before memory is.
pub(super) const MAX_PEM_BYTES: u64 = 1 << 20;

/// Whether a file has what its key promises, so that a slip is told by `check-config` and not by a start that fails.
fn look(path: &Path, label: &str) -> Result<(), String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| {
        let size = file.metadata()?.len();
        file.take(MAX_PEM_BYTES + 1).read_to_end(&mut text)?;
        Ok(size)
    });
    let size = read.map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_PEM_BYTES {
        let size = size.max(text.len() as u64);
        return Err(format!("has {size} bytes, and a PEM file may have {MAX_PEM_BYTES}"));
    }
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
