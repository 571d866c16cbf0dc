//! A second opinion on a record: it shares nothing with what writes one, so that a fault of that is not a fault of this.
//!
//! All it trusts is the format that `docs/audit.md` tells: each line is a JSON object whose `seq` is one more than that of
//! the line before, whose `prev` is the `hash` of that, and whose own `hash` is the last member, over the bytes before it.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read as _},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Bytes of `,"hash":"`, 64 digits and `"}`.
const TAIL: usize = 9 + 64 + 2;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) files: usize,
    pub(super) lines: usize,
    /// With file and line.
    pub(super) faults: Vec<String>,
    /// What is no fault, and should be known.
    pub(super) notes: Vec<String>,
    /// Begins without an end.
    pub(super) open: Vec<String>,
}

/// Where the chain stands.
#[derive(Debug, Default)]
struct Walk {
    report: Report,
    /// The line that must come next, and the hash it must name; absent before the first line.
    next: Option<(u64, String)>,
    segment: Option<u64>,
    sealed: bool,
    record: Option<String>,
    keyed: bool,
    /// The last file, where keys are given and it is chained without one.
    unkeyed: Option<String>,
    open: BTreeMap<String, String>,
}

/// Bytes of the longest line that is read; those of a record are far shorter.
const LONGEST: u64 = 64 << 20;

/// A file that is read once, line by line: a record can be larger than memory.
struct File<R> {
    name: String,
    first: Vec<u8>,
    rest: R,
}

impl<R: BufRead> File<R> {
    fn new((name, mut rest): (String, R)) -> io::Result<Self> {
        let mut first = Vec::new();
        next_line(&mut rest, &mut first)?;
        Ok(Self { name, first, rest })
    }

    /// The sequence that it begins with; what has none stands last.
    fn first_number(&self) -> u64 {
        serde_json::from_slice::<Value>(&self.first).ok().and_then(|line| line["seq"].as_u64()).unwrap_or(u64::MAX)
    }
}

fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    from.by_ref().take(LONGEST).read_until(b'\n', line).map(drop)
}

/// Whether the files are a record, and the whole of it from its oldest file on.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn verify<R: BufRead>(files: impl IntoIterator<Item = (String, R)>, keys: &[&str]) -> io::Result<Report> {
    let mut files = files.into_iter().map(File::new).collect::<io::Result<Vec<_>>>()?;
    files.sort_by_cached_key(|file| (file.first_number(), file.name.clone()));
    let mut walk = Walk::default();
    walk.report.files = files.len();
    let last = files.len().saturating_sub(1);
    for (at, file) in files.into_iter().enumerate() {
        walk.file(file, keys, at == last)?;
    }
    if let Some(place) = walk.unkeyed.take() {
        walk.fault(&place, "the record ends chained without a key, and keys are given: anybody can have made it");
    }
    walk.report.open = walk.open.into_values().collect();
    Ok(walk.report)
}

impl Walk {
    fn file<R: BufRead>(&mut self, file: File<R>, keys: &[&str], last: bool) -> io::Result<()> {
        let File { name, first: mut line, mut rest } = file;
        let (mut key, mut number) = (None, 0);
        self.sealed = false;
        while !line.is_empty() {
            number += 1;
            let place = format!("{name}:{number}");
            let Some(text) = line.strip_suffix(b"\n") else {
                self.fault(&place, "the line has no end: it was cut, or is being written");
                return Ok(());
            };
            self.report.lines += 1;
            if let Ok(said) = serde_json::from_slice::<Value>(text) {
                if number == 1 {
                    key = self.opens(&place, &said, keys);
                } else if said["kind"] == "open" {
                    self.fault(&place, "a file is opened in the middle of another");
                }
                if self.sealed {
                    self.fault(&place, "it stands after the seal of the file");
                }
                self.line(&place, text, &said, key.as_deref());
                self.says(&place, &said);
            } else {
                self.fault(&place, "it is no JSON object");
                self.next = None;
            }
            next_line(&mut rest, &mut line)?;
        }
        if number == 0 && !last {
            self.fault(&name, "it is empty");
        } else if !self.sealed && !last {
            self.fault(&name, "it has no seal at its end, and there is a later file: lines of it are missing");
        }
        Ok(())
    }

    /// The first line of a file. The key that it is chained with.
    fn opens(&mut self, place: &str, said: &Value, keys: &[&str]) -> Option<Vec<u8>> {
        if said["kind"] != "open" {
            self.fault(place, "the file does not begin with the line that opens one: its beginning is missing");
        }
        let segment = said["segment"].as_u64();
        match (self.segment, segment) {
            (Some(before), Some(now)) if now != before + 1 => {
                self.fault(
                    place,
                    &format!(
                        "it is file {now} of the record, and follows file {before}: files are missing, or twice here"
                    ),
                );
            }
            (None, Some(now)) if now > 1 => {
                self.report.notes.push(format!("{place}: it begins with file {now}; nothing is said of those before"));
            }
            _ => {}
        }
        self.segment = segment.or(self.segment);
        let record = said["record"].as_str().map(str::to_owned);
        if self.record.is_some() && self.record != record {
            self.fault(place, "it is of another record than the file before");
        }
        self.record = record.or(self.record.take());
        if self.next.is_none() {
            let begun = said["under_way"].as_array().into_iter().flatten();
            for begun in begun {
                self.begins(place, begun["id"].as_str().unwrap_or_default(), begun);
            }
        }
        let Some(name) = said["key"].as_str() else {
            if self.keyed {
                self.fault(place, "it is chained without a key, and the file before has one");
            } else if !keys.is_empty() {
                self.report.notes.push(format!("{place}: the file is chained without a key: anybody can have made it"));
                self.unkeyed = Some(place.to_owned());
            }
            return None;
        };
        self.keyed = true;
        self.unkeyed = None;
        let found = keys.iter().map(|key| key.as_bytes()).find(|key| named(key) == name);
        if found.is_none() {
            let name = name.escape_debug();
            self.fault(place, &format!("it is chained with key {name}: give it by --hmac-key-file"));
        }
        found.map(<[u8]>::to_vec)
    }

    /// Whether a line is the one that was written in its place.
    fn line(&mut self, place: &str, line: &[u8], said: &Value, key: Option<&[u8]>) {
        let tail = line.len().checked_sub(TAIL).and_then(|at| line.split_at_checked(at));
        let Some((hashed, tail)) = tail.filter(|(_, tail)| tail.starts_with(b",\"hash\":\"") && tail.ends_with(b"\"}"))
        else {
            self.fault(place, "it does not end with its hash");
            return;
        };
        let told = &tail[9..73];
        if hash(key, hashed).as_bytes() != told {
            self.fault(place, "it was changed: its hash is that of other bytes");
        }
        let sequence = said["seq"].as_u64().unwrap_or_default();
        if let Some((number, before)) = &self.next {
            let wrong = if sequence != *number {
                Some(format!(
                    "it is line {sequence} of the record, and {number} should stand here: lines are missing, added or in another place"
                ))
            } else if said["prev"].as_str() != Some(before) {
                Some("it does not follow the line before, which was changed or put there".to_owned())
            } else {
                None
            };
            if let Some(wrong) = wrong {
                self.fault(place, &wrong);
            }
        } else if sequence == 1 && said["prev"].as_str().is_none_or(|prev| prev.bytes().any(|byte| byte != b'0')) {
            self.fault(place, "the first line of a record follows nothing, and this one names a line before");
        }
        self.next = Some((sequence + 1, String::from_utf8_lossy(told).into_owned()));
    }

    fn says(&mut self, place: &str, said: &Value) {
        match said["kind"].as_str() {
            Some("begin") => self.begins(place, said["id"].as_str().unwrap_or_default(), said),
            Some("end") => {
                let id = said["begun"]["id"].as_str().unwrap_or_default();
                if self.open.remove(id).is_none() {
                    let id = id.escape_debug();
                    self.report.notes.push(format!("{place}: the begin of call {id} is not in these files"));
                }
            }
            Some("seal") => self.sealed = true,
            Some("cut") => {
                self.report
                    .notes
                    .push(format!("{place}: half a line of {} bytes was cut here at a start", said["bytes"]));
            }
            Some("restored") => {
                self.report.notes.push(format!("{place}: somebody had taken the file away; it was written again"));
            }
            Some("gap") => {
                let (since, why) = (said["since"].as_str().unwrap_or_default(), &said["why"]);
                let since = since.escape_debug();
                self.report.notes.push(format!("{place}: nothing could be written since {since}: {why}"));
            }
            _ => {}
        }
    }

    fn begins(&mut self, place: &str, id: &str, said: &Value) {
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let who = said["principal"]["name"].as_str().map_or_else(|| text("principal"), str::to_owned);
        let (action, time) = (text("action"), text("time"));
        let id_told = id.escape_debug();
        let (action, time) = (action.escape_debug(), time.escape_debug());
        let told = format!("{place}: call {id_told}, {action} by {who:?} at {time}, has no end");
        self.open.insert(id.to_owned(), told);
    }

    fn fault(&mut self, place: &str, what: &str) {
        self.report.faults.push(format!("{place}: {what}"));
    }
}

fn hash(key: Option<&[u8]>, bytes: &[u8]) -> String {
    let digest = match key.and_then(|key| Hmac::<Sha256>::new_from_slice(key).ok()) {
        Some(hmac) => hmac.chain_update(bytes).finalize().into_bytes().to_vec(),
        None => Sha256::digest(bytes).to_vec(),
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of a key.
fn named(key: &[u8]) -> String {
    hash(Some(key), b"the name of this key")[..16].to_owned()
}

#[cfg(test)]
mod tests;
