//! `audit`: the record of what callers did.

use std::{net::SocketAddr, path::PathBuf};

use super::{reader::Reader, value::Value};

/// The record of what callers did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// The directory of the record; without it none is kept.
    pub path: Option<PathBuf>,
    /// The keys that the record is chained with: one a line, the first in use.
    pub hmac_key_file: Option<PathBuf>,
    /// Whether calls that change nothing are in the record too.
    pub reads: bool,
    /// What becomes of those while the record cannot be written.
    pub reads_when_unavailable: Unrecorded,
    /// How large a file of the record becomes before the next begins.
    pub segment_bytes: usize,
    /// Where each event goes besides.
    pub copy: Vec<AuditCopy>,
}

/// What becomes of a read that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrecorded {
    /// It is answered.
    Serve,
    /// It is refused, as changes always are.
    Refuse,
}

/// A copy of the events: it is no record, for nothing waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditCopy {
    /// Lines on standard output.
    Stdout,
    /// Log lines, wherever those go.
    Logs,
}

impl Value for Unrecorded {
    const EXPECTED: &'static str = "\"serve\" or \"refuse\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "serve" => Some(Self::Serve),
            "refuse" => Some(Self::Refuse),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Serve => "serve".to_owned(),
            Self::Refuse => "refuse".to_owned(),
        }
    }
}

impl Value for AuditCopy {
    const EXPECTED: &'static str = "\"stdout\" or \"logs\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "stdout" => Some(Self::Stdout),
            "logs" => Some(Self::Logs),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::Logs => "logs".to_owned(),
        }
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            path: None,
            hmac_key_file: None,
            reads: false,
            reads_when_unavailable: Unrecorded::Serve,
            segment_bytes: 64 << 20,
            copy: Vec::new(),
        }
    }
}

impl AuditConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        Self {
            path: reader.said("audit.path"),
            hmac_key_file: reader.said("audit.hmac_key_file"),
            reads: reader.value("audit.reads", d.reads),
            reads_when_unavailable: reader.value("audit.reads_when_unavailable", d.reads_when_unavailable),
            segment_bytes: reader.within("audit.segment_bytes", d.segment_bytes, 65_536..=1 << 30),
            copy: reader.list("audit.copy"),
        }
    }

    pub(super) fn check(&self, listen: SocketAddr, reader: &mut Reader) {
        if self.path.is_none() && self.hmac_key_file.is_some() {
            let advice = "set audit.path, or remove it";
            reader.refuse("audit.hmac_key_file", &["audit.path"], "has no effect without a record", advice);
        }
        if self.path.is_none() && !listen.ip().is_loopback() {
            let message = "no record is kept of what callers from other machines change: set it to a directory";
            reader.warn("audit.path", message);
        }
    }
}
