//! A panic is told by a line of the log like anything else: what the standard library writes is neither JSON nor one line.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic, thread,
};

use tracing::Level;

/// From now on, in this process. Where nothing is logged it is told as always.
pub(super) fn are_told() {
    let as_always = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !tracing::event_enabled!(Level::ERROR) {
            return as_always(panic);
        }
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        let (place, thread) = (panic.location().map(ToString::to_string), thread::current());
        tracing::error!(place, thread = thread.name(), said = panic.payload_as_str(), backtrace, "a panic");
    }));
}
