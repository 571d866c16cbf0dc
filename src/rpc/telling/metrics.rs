//! What is counted and measured of calls, under the names of OpenTelemetry's conventions where they have one.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, UpDownCounter},
};

static ACTIVE: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .i64_up_down_counter("strongroom.rpc.active")
        .with_description("Calls whose answer has not left yet.")
        .build()
});

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .f64_histogram("rpc.server.call.duration")
        .with_unit("s")
        .with_description("Time from the headers of a call to the end of its answer.")
        .build()
});

static REQUEST: LazyLock<Histogram<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_histogram("rpc.server.request.size")
        .with_unit("By")
        .with_description("Size of requests, unpacked.")
        .build()
});

static RESPONSE: LazyLock<Histogram<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_histogram("rpc.server.response.size")
        .with_unit("By")
        .with_description("Size of answers as they leave.")
        .build()
});

static FAILURES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("strongroom")
        .u64_counter("strongroom.rpc.failures")
        .with_description("Calls that ended with an error, by its reason.")
        .build()
});

const SYSTEM: &str = "rpc.system.name";
const METHOD: &str = "rpc.method";
const CODE: &str = "rpc.response.status_code";

pub(super) fn begun(method: &'static str) {
    ACTIVE.add(1, &[KeyValue::new(METHOD, method)]);
}

pub(super) fn ended(
    method: &'static str,
    code: &'static str,
    reason: Option<&'static str>,
    took: Duration,
    received: Option<u64>,
    sent: u64,
) {
    let of_method = [KeyValue::new(SYSTEM, "grpc"), KeyValue::new(METHOD, method)];
    ACTIVE.add(-1, &of_method[1..]);
    let [system, name] = of_method.clone();
    DURATION.record(took.as_secs_f64(), &[system, name, KeyValue::new(CODE, code)]);
    if let Some(received) = received {
        REQUEST.record(received, &of_method);
    }
    // What is refused has headers alone.
    if sent > 0 {
        RESPONSE.record(sent, &of_method);
    }
    if let Some(reason) = reason {
        let labels = [KeyValue::new(METHOD, method), KeyValue::new(CODE, code), KeyValue::new("reason", reason)];
        FAILURES.add(1, &labels);
    }
}
