//! How the record fares, as long as there is one. No label is a caller's.

use std::sync::{Arc, atomic::Ordering};

use opentelemetry::{KeyValue, global, metrics::AsyncInstrument};

use super::writer::State;

/// Tells of it from now on.
pub(super) fn observe(state: &Arc<State>) {
    let meter = global::meter("strongroom");
    meter
        .u64_observable_gauge("strongroom.audit.writable")
        .with_description(
            "Whether the audit record can be written: 1, or 0 while changes are refused because it cannot.",
        )
        .with_callback(as_long_as_there_is(state, |state, seen| {
            seen.observe(u64::from(state.closed().is_none()), &[]);
        }))
        .build();
    meter
        .u64_observable_counter("strongroom.audit.events")
        .with_description("Begins and ends of calls that were written to the audit record.")
        .with_callback(as_long_as_there_is(state, |state, seen| {
            for (kind, count) in [("begin", &state.counts().begins), ("end", &state.counts().ends)] {
                seen.observe(count.load(Ordering::Relaxed), &[KeyValue::new("kind", kind)]);
            }
        }))
        .build();
    meter
        .u64_observable_counter("strongroom.audit.failures")
        .with_description(
            "Writes of the audit record that failed; while it cannot be written one is tried each second.",
        )
        .with_callback(as_long_as_there_is(state, |state, seen| {
            seen.observe(state.counts().failures.load(Ordering::Relaxed), &[]);
        }))
        .build();
}

fn as_long_as_there_is(
    state: &Arc<State>,
    tell: fn(&State, &dyn AsyncInstrument<u64>),
) -> impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static {
    let state = Arc::downgrade(state);
    move |seen| {
        if let Some(state) = state.upgrade() {
            tell(&state, seen);
        }
    }
}
