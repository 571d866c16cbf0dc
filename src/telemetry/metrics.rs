//! What is measured: kept in this process for `/metrics`, and sent to a collector where there is one.
//!
//! Code elsewhere makes its instruments of [`opentelemetry::global::meter`]. How many series each of them may have, and
//! which buckets, stands here, once for all.

use std::sync::LazyLock;

use opentelemetry::{KeyValue, global, metrics::Meter};
use opentelemetry_prometheus::PrometheusExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream},
};
use prometheus::{Registry, TextEncoder};

use super::{
    Error,
    collector::{EXPORT_TIMEOUT, Sending},
    losses, process,
};
use crate::{REVISION, VERSION};

/// From a read that is answered out of memory to a change that waits for IAM to tell everybody of a new role.
const SECONDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0];

/// From an empty message to the largest that can be configured.
const BYTES: [f64; 11] =
    [64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];

/// The most series of an instrument, by its name or how that begins. What has more is counted under `otel_metric_overflow="true"`, whatever
/// callers name, so that neither this process nor who scrapes it can be filled.
const SERIES: [(&str, usize); 13] = [
    // By method and code.
    ("rpc.server.call.duration", 600),
    // By method, code and reason.
    ("strongroom.rpc.failures", 1000),
    // By account, region, family and outcome.
    ("strongroom.aws.calls", 2000),
    ("strongroom.aws.attempts", 2000),
    ("strongroom.aws.throttles", 2000),
    ("strongroom.aws.scope.reachable", 1000),
    ("strongroom.aws.budget.wait", 500),
    ("strongroom.aws.budget.rate", 2000),
    ("strongroom.aws.budget.refusals", 2000),
    // By account, region and type or plan; of databases by the verdict too.
    ("strongroom.protection.", 4000),
    ("strongroom.plan.", 4000),
    // By database, of those that `telemetry.max_databases` lets through.
    ("strongroom.database.", 5001),
    // By account, region, cause and state.
    ("strongroom.incidents", 2000),
];

/// Of every other: by method, or by operation of AWS and what came of it.
const SERIES_OF_OTHERS: usize = 500;

/// The instruments of this module's own.
pub(super) static METER: LazyLock<Meter> = LazyLock::new(|| global::meter("strongroom"));

/// What is measured in this process.
#[derive(Debug)]
pub(super) struct Metrics {
    provider: SdkMeterProvider,
    pub(super) shown: Shown,
}

/// What `/metrics` shows.
#[derive(Debug, Clone)]
pub(super) struct Shown(Registry);

impl Metrics {
    /// Measures from now on, for itself and for who sends.
    pub(super) fn begin(resource: Resource, sending: Option<Sending>) -> Result<Self, Error> {
        let registry = Registry::new();
        let mut provider =
            SdkMeterProvider::builder().with_resource(resource).with_view(view).with_reader(prometheus(&registry)?);
        if let Some(sending) = sending {
            provider = provider.with_reader(sending);
        }
        Ok(Self { provider: provider.build(), shown: Shown(registry) })
    }

    /// Makes every instrument of this process one of these. Whatever was made before measures nothing.
    pub(super) fn everywhere(&self) {
        global::set_meter_provider(self.provider.clone());
        let build = [KeyValue::new("version", VERSION), KeyValue::new("revision", REVISION)];
        METER
            .u64_observable_gauge("strongroom.build.info")
            .with_description("1, with what is running.")
            .with_callback(move |seen| seen.observe(1, &build))
            .build();
        losses::measured();
        process::measured();
    }

    /// A meter of these, whatever is the process's.
    #[cfg(test)]
    pub(super) fn meter(&self, name: &'static str) -> Meter {
        opentelemetry::metrics::MeterProvider::meter(&self.provider, name)
    }

    /// Sends what was not sent yet. Blocks.
    pub(super) fn shutdown(&self) -> OTelSdkResult {
        self.provider.shutdown_with_timeout(EXPORT_TIMEOUT)
    }
}

impl Shown {
    /// Everything measured, in Prometheus' text format. What is observed is asked now; that blocks.
    pub(super) fn as_text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.0.gather())
    }
}

fn prometheus(registry: &Registry) -> Result<PrometheusExporter, Error> {
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        // One meter, and `strongroom_build_info` says what is running: on every series both would only cost.
        .scope_info_enabled(false)
        .without_target_info();
    Ok(exporter.build()?)
}

fn view(instrument: &Instrument) -> Option<Stream> {
    let most =
        SERIES.iter().find(|(name, _)| instrument.name().starts_with(name)).map_or(SERIES_OF_OTHERS, |(_, most)| *most);
    let stream = Stream::builder().with_cardinality_limit(most);
    let stream = match (instrument.kind(), instrument.unit()) {
        (InstrumentKind::Histogram, "s") => stream.with_aggregation(buckets(&SECONDS)),
        (InstrumentKind::Histogram, "By") => stream.with_aggregation(buckets(&BYTES)),
        _ => stream,
    };
    stream.build().ok()
}

/// Without least and most: of all time, they say nothing after the first slow call.
fn buckets(bounds: &[f64]) -> Aggregation {
    Aggregation::ExplicitBucketHistogram { boundaries: bounds.to_vec(), record_min_max: false }
}
