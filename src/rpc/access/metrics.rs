//! What is counted of callers' credentials. Issuers are the configuration's, outcomes the program's: no label is a caller's.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};

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

static DENIALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.denials")
        .with_description("Calls that policies did not permit, and whether one of them could not be evaluated.")
        .build()
});

static APPROVALS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.approvals")
        .with_description("What became of approvals, and calls that were refused for the want of one.")
        .build()
});

static BREAK_GLASS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.break_glass")
        .with_description("Calls that did alone what takes two persons, by a policy that lets their caller.")
        .build()
});

static POLICY_READS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.access.policy.reads")
        .with_description("How often new policies were read, and whether they could be used.")
        .build()
});

static POLICIES: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("strongroom").u64_gauge("strongroom.access.policies").with_description("Policies that hold.").build()
});

static USABLE: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_gauge("strongroom.access.policies.usable")
        .with_description("1 while the files of the policies can be used, 0 while older ones hold instead.")
        .build()
});

/// `action`: an RPC of the API.
pub(super) fn denied(action: &str, broken: bool) {
    let why = if broken { "broken" } else { "denied" };
    DENIALS.add(1, &[KeyValue::new("action", action.to_owned()), KeyValue::new("outcome", why)]);
}

/// `action`: an RPC of the API; `outcome`: requested, approved, rejected, used, missing.
pub(super) fn approval(action: &str, outcome: &'static str) {
    APPROVALS.add(1, &[KeyValue::new("action", action.to_owned()), KeyValue::new("outcome", outcome)]);
}

pub(super) fn broke_glass(action: &str) {
    BREAK_GLASS.add(1, &[KeyValue::new("action", action.to_owned())]);
}

pub(super) fn policies_read(done: bool) {
    let outcome = if done { "ok" } else { "failed" };
    POLICY_READS.add(1, &[KeyValue::new("outcome", outcome)]);
}

pub(super) fn policies_usable(usable: bool, count: usize) {
    USABLE.record(u64::from(usable), &[]);
    POLICIES.record(count as u64, &[]);
}
