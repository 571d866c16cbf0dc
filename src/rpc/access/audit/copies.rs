//! Copies of the record's lines, to standard output and the log. They are no record: nothing waits for them.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use super::{chain, record::Record, thread::Thread};
use crate::config::AuditCopy;

/// Lines that wait for standard output. Of a reader who stands still no more are kept.
const MOST_WAITING: usize = 4096;

/// How long a server that ends waits for the reader of the last of them.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Copies {
    stdout: Option<Stdout>,
    logs: bool,
}

/// A thread of its own writes there: who reads slowly, or not at all, must hold up nobody.
#[derive(Debug)]
struct Stdout {
    lines: Option<SyncSender<String>>,
    left_out: Arc<AtomicU64>,
    /// Absent: it could not be started.
    thread: Option<Thread>,
}

impl Copies {
    pub(super) fn new(copies: &[AuditCopy]) -> Self {
        let stdout = copies.contains(&AuditCopy::Stdout).then(Stdout::new);
        Self { stdout, logs: copies.contains(&AuditCopy::Logs) }
    }

    pub(super) fn are_none(&self) -> bool {
        self.stdout.is_none() && !self.logs
    }

    pub(super) fn take(&self, record: &Record) {
        let Ok(line) = chain::text(record) else { return };
        if self.logs {
            tracing::info!(target: "strongroom::audit", event = %line, "audit");
        }
        if let Some(stdout) = &self.stdout {
            stdout.take(line);
        }
    }
}

impl Stdout {
    fn new() -> Self {
        let (lines, taken) = sync_channel::<String>(MOST_WAITING);
        let left_out = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&left_out);
        let write = move || {
            for line in taken {
                _ = writeln!(io::stdout(), "{line}");
                let count = missing.swap(0, Ordering::Relaxed);
                if count > 0 {
                    tracing::warn!(count, "lines of the audit copy were left out, for standard output was not read");
                }
            }
        };
        // Without it there is no copy, which is told; there is a record all the same.
        let thread = Thread::spawn("audit-copy", write)
            .inspect_err(|error| tracing::error!(%error, "there is no copy of the audit record on standard output"));
        Self { lines: Some(lines), left_out, thread: thread.ok() }
    }

    fn take(&self, line: String) {
        if self.lines.as_ref().is_none_or(|lines| lines.try_send(line).is_err()) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        self.lines = None;
        // What was not read by then is read by nobody.
        _ = self.thread.as_mut().map(|thread| thread.ends_within(PATIENCE));
    }
}
