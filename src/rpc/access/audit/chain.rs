//! The chain: each line has its number, the hash of the line before, and its own.
//!
//! A line is one JSON object. Its last member is `hash`: of the bytes before that member, SHA-256, or HMAC-SHA256 where
//! there is a key. So a byte of the line is either hashed, or its place is known to the letter.

use std::{fmt, path::Path};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::record::Record;
use crate::telemetry::disturbs;

/// What stands before the hash of a line, and behind it.
const BEFORE: &str = ",\"hash\":\"";
const BEHIND: &str = "\"}";

/// What the first line of all says of the line before.
pub(super) const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Fewer characters are no key.
const SHORTEST_KEY: usize = 32;

/// Keys that a record may be chained with, the first of which is in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Vec<Key>);

/// A key, known by a name that does not tell it.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) name: String,
    secret: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

impl Key {
    fn new(secret: &str) -> Self {
        let mut key = Self { name: String::new(), secret: secret.as_bytes().to_vec() };
        key.name = digest(Some(&key), b"the name of this key")[..16].to_owned();
        key
    }
}

impl Keys {
    /// Reads a file of keys: one a line, the one in use first, then those that older files are chained with.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        Self::parse(&text)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Err("holds no key".to_owned());
        }
        if lines.iter().any(|line| line.len() < SHORTEST_KEY) {
            return Err(format!("holds a key of fewer than {SHORTEST_KEY} characters"));
        }
        Ok(Self(lines.into_iter().map(Key::new).collect()))
    }

    pub(super) fn in_use(&self) -> Option<&Key> {
        self.0.first()
    }

    /// The key of a file that says that it has this one, or none.
    pub(super) fn named(&self, name: Option<&str>) -> Result<Option<&Key>, String> {
        let Some(name) = name else { return Ok(None) };
        let found = self.0.iter().find(|key| key.name == name);
        found.map(Some).ok_or_else(|| format!("it is chained with key {name}, which audit.hmac_key_file does not hold"))
    }
}

/// In hexadecimal.
pub(super) fn digest(key: Option<&Key>, bytes: &[u8]) -> String {
    match key {
        None => hex(&Sha256::digest(bytes)),
        Some(key) => match Hmac::<Sha256>::new_from_slice(&key.secret) {
            Ok(hmac) => hex(&hmac.chain_update(bytes).finalize().into_bytes()),
            // HMAC takes keys of every length.
            Err(_) => String::new(),
        },
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the next line goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) sequence: u64,
    pub(super) last: String,
}

/// A line's place in the chain, and what it says.
#[derive(Debug, Deserialize)]
struct Line {
    seq: u64,
    prev: String,
    #[serde(flatten)]
    record: Record,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { sequence: 1, last: NOTHING_BEFORE.to_owned() }
    }

    /// The next line, with its line feed.
    pub(super) fn link(&mut self, key: Option<&Key>, record: &Record) -> Result<String, serde_json::Error> {
        let said = text(record)?;
        let members = said.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        let mut line = format!("{{\"seq\":{},\"prev\":\"{}\",{members}", self.sequence, self.last);
        let hash = digest(key, line.as_bytes());
        line.push_str(BEFORE);
        line.push_str(&hash);
        line.push_str(BEHIND);
        line.push('\n');
        self.sequence += 1;
        self.last = hash;
        Ok(line)
    }

    /// What the next line says, which is given without its line feed; or why it is not the next line.
    pub(super) fn follow(&mut self, key: Option<&Key>, line: &[u8]) -> Result<Record, String> {
        let (hashed, hash) = split(line).ok_or("it does not end with its hash")?;
        if digest(key, hashed) != hash {
            return Err("its hash is that of another line".to_owned());
        }
        let Line { seq, prev, record } = parse(line)?;
        if (seq, &prev) != (self.sequence, &self.last) {
            return Err(format!("it is line {seq} of the record, and {} should follow here", self.sequence));
        }
        self.sequence += 1;
        hash.clone_into(&mut self.last);
        Ok(record)
    }

    /// The chain as it is before this line, which is the first of what there is.
    pub(super) fn before(line: &[u8]) -> Result<(Self, Record), String> {
        let Line { seq, prev, record } = parse(line)?;
        Ok((Self { sequence: seq, last: prev }, record))
    }
}

/// Whether a line, the last of its file, is the seal that the first line of the next file follows. It goes by what both say:
/// no hash is computed. What the seal says.
pub(super) fn joins(seal: &[u8], open: &[u8]) -> Result<Record, String> {
    let (_, hash) = split(seal).ok_or("its last line does not end with a hash")?;
    let Line { seq, record, .. } = parse(seal)?;
    let Record::Seal { .. } = &record else { return Err("its last line is no seal".to_owned()) };
    let next = parse(open).map_err(|_| "the file after it does not begin with a line of a record")?;
    if (next.seq, next.prev.as_str()) != (seq + 1, hash) {
        return Err("the file after it does not follow its seal".to_owned());
    }
    Ok(record)
}

/// A record as one line of text for every reader. JSON lets characters stand in strings that some readers end a line at
/// (U+2028, U+0085), and that terminals obey or turn the text around at: those are escaped as well.
pub(super) fn text(record: &Record) -> Result<String, serde_json::Error> {
    let said = serde_json::to_string(record)?;
    if said.is_ascii() && !said.contains('\u{7f}') {
        return Ok(said);
    }
    let mut escaped = String::with_capacity(said.len());
    for letter in said.chars() {
        // None of them stands anywhere but in a string.
        if disturbs(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(letter);
        }
    }
    Ok(escaped)
}

/// What a line says, whether or not it is in its place.
pub(super) fn said(line: &[u8]) -> Result<Record, String> {
    parse(line).map(|line| line.record)
}

fn parse(line: &[u8]) -> Result<Line, String> {
    serde_json::from_slice(line).map_err(|error| format!("it is no line of a record: {error}"))
}

fn split(line: &[u8]) -> Option<(&[u8], &str)> {
    let line = line.strip_suffix(BEHIND.as_bytes())?;
    let (rest, hash) = line.split_at_checked(line.len().checked_sub(NOTHING_BEFORE.len())?)?;
    Some((rest.strip_suffix(BEFORE.as_bytes())?, std::str::from_utf8(hash).ok()?))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn record() -> Record {
        Record::Start { time: Timestamp::UNIX_EPOCH, version: "a\nb\",\"hash\":\"".to_owned() }
    }

    #[test]
    fn what_was_linked_follows_once_and_with_its_key_alone() {
        let keys = Keys::parse(&format!("{}\n{}\n", "k".repeat(32), "o".repeat(32))).unwrap();
        let mut written = Chain::new();
        let line = written.link(keys.in_use(), &record()).unwrap();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let line = line.trim_end().as_bytes();
        let mut read = Chain::new();
        assert_eq!(read.follow(keys.in_use(), line), Ok(record()));
        assert_eq!(read, written);
        read.follow(keys.in_use(), line).unwrap_err();
        for other in [None, keys.named(Some(&keys.0[1].name)).unwrap()] {
            Chain::new().follow(other, line).unwrap_err();
        }
    }

    #[test]
    fn a_text_is_one_line_for_every_reader_and_says_what_it_said() {
        let why = "a\n\u{0}\u{7f}\u{85}\u{61c}\u{e0041}\u{2028}\u{2029}\u{202e}\u{feff}\"}{\"seq\":9,ü😀".to_owned();
        let record = Record::Gap { time: Timestamp::UNIX_EPOCH, since: Timestamp::UNIX_EPOCH, why };
        let mut written = Chain::new();
        let line = written.link(None, &record).unwrap();
        let plain = line.trim_end_matches('\n');
        assert!(
            !plain.contains(|letter: char| letter.is_control() || ('\u{2028}'..='\u{202e}').contains(&letter)),
            "{plain}"
        );
        assert!(plain.contains("\\u061c\\udb40\\udc41"), "{plain}");
        assert!(plain.contains("ü😀"), "{plain}");
        assert_eq!(Chain::new().follow(None, plain.as_bytes()), Ok(record));
    }

    #[test]
    fn a_key_is_long_and_is_known_by_a_name_that_is_not_part_of_it() {
        for text in ["", "\n\n", "short"] {
            Keys::parse(text).unwrap_err();
        }
        let keys = Keys::parse(&"k".repeat(40)).unwrap();
        assert!(!format!("{keys:?}").contains("kkk"));
        keys.named(Some("0123")).unwrap_err();
    }
}
