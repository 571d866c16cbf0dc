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
        .with_description("Times that the files of server.tls were found changed, by whether they could be used then.")
        .build()
});

static NOT_AFTER: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .i64_gauge("strongroom.tls.certificate.not_after")
        .with_unit("s")
        .with_description("When the certificates in use end, in seconds since 1970.")
        .build()
});

static USABLE: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_gauge("strongroom.tls.files.usable")
        .with_description(
            "1 while the files of server.tls can be used as they stand; 0 while an earlier content stays in use.",
        )
        .build()
});

/// When the server's certificate ends, or the last authority of clients.
pub(super) fn certificate_ends(whose: &'static str, at: i64) {
    NOT_AFTER.record(at, &[KeyValue::new("certificate", whose)]);
}

/// What is in the files of server.tls could be used, or could not.
pub(super) fn files_usable(usable: bool) {
    USABLE.record(usable.into(), &[]);
}

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
