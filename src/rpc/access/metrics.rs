//! What is counted of callers' credentials. Issuers are the configuration's, outcomes the program's: no label is a caller's.

use std::sync::LazyLock;

use opentelemetry::{KeyValue, global, metrics::Counter};

static AUTHENTICATIONS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.authentications")
        .with_description("Calls by how their credentials were taken, or why they were not.")
        .build()
});

static KEYS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.key.reads")
        .with_description("How often the keys of issuers were read, and whether they could be.")
        .build()
});

/// `issuer`: its name in the configuration; blank where none is known.
pub(super) fn authenticated(issuer: &str, outcome: &'static str) {
    AUTHENTICATIONS.add(1, &[KeyValue::new("issuer", issuer.to_owned()), KeyValue::new("outcome", outcome)]);
}

pub(super) fn keys_read(issuer: &str, done: bool) {
    let outcome = if done { "ok" } else { "failed" };
    KEYS.add(1, &[KeyValue::new("issuer", issuer.to_owned()), KeyValue::new("outcome", outcome)]);
}
