//! What a start finds: the last file is read from its beginning, and nothing is written to one that does not verify. Of the
//! files before it the ends are read: each has its seal, is as long as that says, and the next one follows it. A line that was
//! changed in the middle of one of those is found by `strongroom audit verify`.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    chain::{self, Chain, Keys, hex},
    file::{Entry, Files, Found, MODE, numbers, path},
    record::{Came, Outcome, Record, UnderWay},
};
use crate::VERSION;

/// The record cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk does not let it.
    #[error("audit.path: {path} cannot be written to")]
    Disk {
        /// Which file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Two processes would write one chain.
    #[error("audit.path: another process keeps its record in {0}: each server needs a directory of its own")]
    Taken(PathBuf),
    /// A file is missing, or a line is not what was written.
    #[error(
        "audit.path: {path} line {line} does not verify: {why}; `strongroom audit verify` tells more, and docs/audit.md what to do"
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A file before the last is missing, or not as it was sealed.
    #[error("audit.path: {path} {why}; `strongroom audit verify` tells more, and docs/audit.md what to do")]
    Gone {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The keys cannot be used.
    #[error("audit.hmac_key_file: {path} {why}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// What the disk says of a file or directory.
fn disk(path: &Path) -> impl FnOnce(io::Error) -> AuditError {
    let path = path.to_owned();
    move |source| AuditError::Disk { path, source }
}

/// Half a last line.
struct Half {
    bytes: u64,
    sha256: String,
}

/// Opens the record in a directory, and closes in it what an earlier process left open.
pub(super) fn start(folder: &Path, keys: &Keys, largest: u64) -> Result<Files, AuditError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(disk(folder))?;
    let lock = lock(folder)?;
    let (found, half) = find(folder, keys)?;
    let (segment, cut) = (found.segment, half.is_some());
    if cut && segment > 0 {
        let file = path(folder, segment);
        let shorten = || {
            let file = OpenOptions::new().write(true).open(&file)?;
            file.set_len(found.length)?;
            file.sync_all()
        };
        shorten().map_err(disk(&file))?;
    }
    let mut files = Files::resume(folder, lock, found, keys, largest).map_err(disk(folder))?;
    let left: Vec<UnderWay> = files.under_way().values().cloned().collect();
    if !left.is_empty() {
        tracing::warn!(calls = left.len(), "the record has begins without an end, of a process that was killed");
    }
    let now = Timestamp::now();
    let cut = half.map(|half| Entry::Line(Record::Cut { time: now, bytes: half.bytes, sha256: half.sha256 }));
    let began = Entry::Line(Record::Start { time: now, version: VERSION.to_owned() });
    let ends =
        left.into_iter().map(|begun| Entry::End { id: begun.id, came: Came::of(Outcome::Unknown, "SERVER_KILLED") });
    files.append(cut.into_iter().chain([began]).chain(ends)).map_err(disk(folder))?;
    Ok(files)
}

/// The right to write here, which ends with the process however that ends.
fn lock(folder: &Path) -> Result<File, AuditError> {
    let path = folder.join("audit.lock");
    let file =
        OpenOptions::new().create(true).write(true).truncate(false).mode(MODE).open(&path).map_err(disk(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::Taken(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(disk(&path)(source)),
    }
}

fn find(folder: &Path, keys: &Keys) -> Result<(Found, Option<Half>), AuditError> {
    let numbers = numbers(folder).map_err(disk(folder))?;
    // The oldest may have been put elsewhere; between others none is missing.
    for pair in numbers.windows(2) {
        if pair[1] != pair[0] + 1 {
            return Err(AuditError::Gone { path: path(folder, pair[0] + 1), why: "is missing".to_owned() });
        }
        joins(folder, pair[0])?;
    }
    let Some(last) = numbers.last() else { return Ok((Found::nothing(), None)) };
    let (found, half) = read(&path(folder, *last), *last, keys)?;
    if found.length > 0 {
        return Ok((found, half));
    }
    // The process ended while it began this file, so that the record ends with the seal of the one before.
    match numbers.len().checked_sub(2) {
        None if *last == 1 => Ok((Found::nothing(), half)),
        None => {
            let why = "it has no whole line, and the file before it is missing".to_owned();
            Err(AuditError::Broken { path: path(folder, *last), line: 1, why })
        }
        Some(before) => {
            let before = numbers[before];
            let (found, torn) = read(&path(folder, before), before, keys)?;
            if torn.is_some() || !found.sealed {
                let why = "the file before it has no seal".to_owned();
                return Err(AuditError::Broken { path: path(folder, *last), line: 1, why });
            }
            Ok((found, half))
        }
    }
}

/// Whether a file has its seal at its end, and the next one follows it. Of a next one without a whole line it says nothing.
fn joins(folder: &Path, segment: u64) -> Result<(), AuditError> {
    let (of, next) = (path(folder, segment), path(folder, segment + 1));
    let mut open = Vec::new();
    let file = File::open(&next).map_err(disk(&next))?;
    BufReader::new(file).read_until(b'\n', &mut open).map_err(disk(&next))?;
    let Some(open) = open.strip_suffix(b"\n") else { return Ok(()) };
    let (length, end) = end(&of).map_err(disk(&of))?;
    let gone = |why: String| AuditError::Gone { path: of.clone(), why };
    let seal = end.strip_suffix(b"\n").and_then(|end| end.rsplit(|byte| *byte == b'\n').next());
    let seal = seal.ok_or_else(|| gone("has half a line at its end".to_owned()))?;
    match chain::joins(seal, open) {
        Ok(Record::Seal { bytes, .. }) if bytes + seal.len() as u64 + 1 == length => Ok(()),
        Ok(_) => {
            Err(gone(format!("has {length} bytes, and its seal says otherwise: lines of it are missing or added")))
        }
        Err(why) => Err(gone(format!("is not as it was sealed: {why}"))),
    }
}

/// How long a file is, and its last bytes, more than a seal has.
fn end(path: &Path) -> io::Result<(u64, Vec<u8>)> {
    const MOST: u64 = 4096;
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(MOST);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or_default()];
    file.read_exact_at(&mut bytes, from)?;
    Ok((length, bytes))
}

/// Reads a file to its last whole line.
fn read(path: &Path, segment: u64, keys: &Keys) -> Result<(Found, Option<Half>), AuditError> {
    let mut file = BufReader::new(File::open(path).map_err(disk(path))?);
    let broken = |line, why| AuditError::Broken { path: path.to_owned(), line, why };
    let mut found = Found { segment, sealed: false, ..Found::nothing() };
    let (mut line, mut number) = (Vec::new(), 0_usize);
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line).map_err(disk(path))?;
        if read == 0 {
            return Ok((found, None));
        }
        number += 1;
        let Some(whole) = line.strip_suffix(b"\n") else {
            let half = Half { bytes: line.len() as u64, sha256: hex(&Sha256::digest(&line)) };
            return Ok((found, Some(half)));
        };
        if found.sealed {
            return Err(broken(number, "it stands after the seal".to_owned()));
        }
        if number == 1 {
            let (chain, record) = Chain::before(whole).map_err(|why| broken(number, why))?;
            let Record::Open { record, segment: said, key, under_way, .. } = record else {
                return Err(broken(number, "it does not open a file".to_owned()));
            };
            if said != segment {
                return Err(broken(number, format!("it opens file {said}, and this one is {segment}")));
            }
            found.key = keys.named(key.as_deref()).map_err(|why| broken(number, why))?.cloned();
            (found.chain, found.record) = (chain, record);
            found.under_way = under_way.into_iter().map(|begun| (begun.id.clone(), begun)).collect::<BTreeMap<_, _>>();
        }
        let record = found.chain.follow(found.key.as_ref(), whole).map_err(|why| broken(number, why))?;
        match record {
            Record::Begin(begin) => {
                found.under_way.insert(begin.id.clone(), begin.under_way(segment, found.length));
            }
            Record::End(end) => {
                found.under_way.remove(&end.begun.id);
            }
            Record::Seal { .. } => found.sealed = true,
            Record::Open { .. }
            | Record::Start { .. }
            | Record::Cut { .. }
            | Record::Gap { .. }
            | Record::Restored { .. } => {}
        }
        found.length += read as u64;
    }
}
