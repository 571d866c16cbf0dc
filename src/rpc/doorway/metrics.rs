//! How much of its bounds is taken, and how much there is to take.

use std::sync::{Arc, Weak};

use opentelemetry::{KeyValue, global, metrics::AsyncInstrument};

use super::{Doorway, places::Bound};

/// Tells of it from now on, as long as there is the doorway.
pub(super) fn observe(doorway: &Arc<Doorway>) {
    let door = || Arc::downgrade(doorway);
    gauge("strongroom.door.taken", "What is taken of a bound of the server.", door(), Bound::taken);
    gauge("strongroom.door.limit", "What there is of a bound: beyond, calls are turned away.", door(), Bound::most);
}

fn gauge(name: &'static str, description: &'static str, doorway: Weak<Doorway>, of: fn(&Bound) -> usize) {
    let callback = move |seen: &dyn AsyncInstrument<u64>| {
        let Some(doorway) = doorway.upgrade() else { return };
        let Doorway { calls, waits, checks, watches, reflections, bytes, .. } = &*doorway;
        let bounds = [
            ("calls", calls),
            ("waits", waits),
            ("checks", checks),
            ("watches", watches),
            ("reflections", reflections),
            ("bytes", bytes),
        ];
        for (what, bound) in bounds {
            seen.observe(of(bound) as u64, &[KeyValue::new("what", what)]);
        }
    };
    global::meter("strongroom")
        .u64_observable_gauge(name)
        .with_description(description)
        .with_callback(callback)
        .build();
}
