//! What is counted of connections.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, UpDownCounter},
};

static OPEN: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .i64_up_down_counter("strongroom.connections")
        .with_description("Connections of clients that are open.")
        .build()
});

static LIMIT: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_gauge("strongroom.connections.limit")
        .with_description("Connections that there may be at once.")
        .build()
});

static ENDED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.connections.ended")
        .with_description("Connections and answers that the server told to go, cut off or refused, by the reason why.")
        .build()
});

static FAILED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.accept.failures")
        .with_description("Times that no connection could be accepted, as for want of file descriptors.")
        .build()
});

static CERTIFICATES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.tls.certificate.reloads")
        .with_description("Times that the files of server.tls had new content, by whether it could be used.")
        .build()
});

/// New certificates were found in the files, and could be used or not.
pub(super) fn certificates_read(used: bool) {
    CERTIFICATES.add(1, &[KeyValue::new("outcome", if used { "used" } else { "unusable" })]);
}

/// So many connections there may be.
pub(super) fn limit(most: usize) {
    LIMIT.record(most as u64, &[]);
}

/// A connection could not be accepted.
pub(super) fn accept_failed() {
    FAILED.add(1, &[]);
}

/// A connection ended, or will, because of a bound.
pub(super) fn ended(why: &'static str) {
    ENDED.add(1, &[KeyValue::new("reason", why)]);
}

/// Counts a connection as open while it lives.
pub(super) struct Counted(());

impl Counted {
    pub(super) fn new() -> Self {
        OPEN.add(1, &[]);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.add(-1, &[]);
    }
}
