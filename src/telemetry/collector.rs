//! The way to an OpenTelemetry collector: traces, metrics and logs by OTLP/gRPC.

use std::{fs, path::Path, thread, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig,
    tonic_types::transport::{Certificate, ClientTlsConfig, Identity},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::SdkLoggerProvider,
    metrics::PeriodicReader,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, LevelFilter, Targets},
    registry::LookupSpan,
};

use super::Error;
use crate::config::{TelemetryConfig, Url};

/// Bound on handing a batch to the collector, and on handing over the last one at the end.
pub(super) const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The target of the one line that each call has.
pub(crate) const LINES_OF_CALLS: &str = "strongroom::rpc";

/// What tells of the exporters' own sending: a line of theirs would make them send it, and that for ever.
const EXPORTERS: [&str; 8] = ["opentelemetry", "h2", "hyper", "hyper_util", "tonic", "tower", "rustls", "tokio_rustls"];

/// The way to a collector. What is measured goes another way besides, and is in `metrics.rs`.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) traces: SdkTracerProvider,
    pub(super) logs: Option<SdkLoggerProvider>,
}

/// What reads the metrics in its own time, and sends them.
pub(super) type Sending = PeriodicReader<MetricExporter>;

impl Collector {
    /// The way to the collector that is configured. Nothing is sent yet; one that cannot be reached is tried again with every
    /// batch.
    pub(super) fn connect(config: &TelemetryConfig, resource: &Resource) -> Result<Option<(Self, Sending)>, Error> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let way = Way { endpoint: endpoint.as_str(), tls: tls(config)? };
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler)
            .with_batch_exporter(way.of(SpanExporter::builder().with_tonic()).build()?)
            .build();
        let logs = if config.logs {
            let exporter = way.of(LogExporter::builder().with_tonic()).build()?;
            Some(SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build())
        } else {
            None
        };
        let metrics = PeriodicReader::builder(way.of(MetricExporter::builder().with_tonic()).build()?);
        Ok(Some((Self { traces, logs }, metrics.with_interval(config.metrics_interval).build())))
    }

    /// Spans of this program only: those of h2 and hyper would trace the exporter's own sending.
    pub(super) fn spans<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let ours = Targets::new().with_target("strongroom", Level::DEBUG);
        // The line of a call would be an event of its span, which has all of it already.
        let is_line = |about: &Metadata<'_>| about.is_event() && about.target() == LINES_OF_CALLS;
        let ours = FilterFn::new(move |about: &Metadata<'_>| {
            ours.would_enable(about.target(), about.level()) && !is_line(about)
        })
        .with_max_level_hint(LevelFilter::DEBUG);
        tracing_opentelemetry::layer().with_tracer(self.traces.tracer("strongroom")).with_filter(ours)
    }

    /// What is logged, each line with the trace and span that it was written in.
    pub(super) fn lines<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        self.logs.as_ref().map(OpenTelemetryTracingBridge::new)
    }

    /// Sends what was not sent yet. Blocks.
    pub(super) fn shutdown(self) -> OTelSdkResult {
        let Self { traces, logs } = self;
        thread::scope(|scope| {
            let lines = scope.spawn(|| logs.map_or(Ok(()), |logs| logs.shutdown_with_timeout(EXPORT_TIMEOUT)));
            let spans = traces.shutdown_with_timeout(EXPORT_TIMEOUT);
            lines.join().unwrap_or(Ok(())).and(spans)
        })
    }
}

/// Lets lines through that are to be sent.
pub(super) fn fit_to_send() -> FilterFn {
    FilterFn::new(may_be_sent as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::TRACE)
}

fn may_be_sent(metadata: &Metadata<'_>) -> bool {
    let of = |name: &str| {
        let rest = metadata.target().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-', ':']))
    };
    !EXPORTERS.iter().any(|name| of(name))
}

/// How each exporter gets there.
struct Way<'c> {
    endpoint: &'c str,
    tls: Option<ClientTlsConfig>,
}

impl Way<'_> {
    fn of<B: WithExportConfig + WithTonicConfig>(&self, exporter: B) -> B {
        let exporter = exporter.with_endpoint(self.endpoint).with_timeout(EXPORT_TIMEOUT);
        match &self.tls {
            Some(tls) => exporter.with_tls_config(tls.clone()),
            None => exporter,
        }
    }
}

/// How to encrypt, where the endpoint says so. The files are read once: a server that is to use new ones is restarted.
fn tls(config: &TelemetryConfig) -> Result<Option<ClientTlsConfig>, Error> {
    if !config.otlp_endpoint.as_ref().is_some_and(Url::is_encrypted) {
        return Ok(None);
    }
    let mut tls = match &config.otlp_ca_file {
        Some(path) => {
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read("telemetry.otlp_ca_file", path)?))
        }
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let (Some(certificate), Some(key)) = (&config.otlp_certificate_file, &config.otlp_key_file) {
        let certificate = read("telemetry.otlp_certificate_file", certificate)?;
        tls = tls.identity(Identity::from_pem(certificate, read("telemetry.otlp_key_file", key)?));
    }
    Ok(Some(tls))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { key, path: path.to_owned(), source })
}
