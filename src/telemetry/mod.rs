//! What the process tells about itself: logs to standard error, and traces and metrics to an OpenTelemetry collector.
//!
//! Code elsewhere uses `tracing` spans and events, and [`opentelemetry::global::meter`] for metrics; this module only
//! decides where they go.

mod trace_context;

#[cfg(test)]
mod tests;

pub(crate) use self::trace_context::{continue_trace, trace_id};

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{EnvFilter, Layer, Registry, filter, layer::SubscriberExt, registry::LookupSpan};

use crate::config::{LogConfig, LogFormat, TelemetryConfig};

/// Bound on handing a batch to the collector, and on handing over the last one at the end.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The log filter of the configuration does not parse.
    #[error("log.level is not valid")]
    Filter(#[from] filter::ParseError),
    /// The OTLP exporter refuses its endpoint.
    #[error("the OTLP exporter cannot be built")]
    Exporter(#[from] ExporterBuildError),
    /// Telemetry was started before in this process.
    #[error("logging is already set up in this process")]
    Twice(#[from] SetGlobalDefaultError),
}

/// Telemetry at work. Dropping it loses what was not sent yet: call [`Telemetry::shutdown`].
#[derive(Debug)]
#[must_use = "what was not sent yet is lost unless shutdown is called"]
pub(crate) struct Telemetry {
    collector: Option<Collector>,
}

impl Telemetry {
    /// Begins to log, and to send traces and metrics where a collector is configured. Call it within the Tokio runtime.
    ///
    /// # Errors
    /// When the configuration cannot be followed, or when it was called before.
    pub(crate) fn start(log: &LogConfig, telemetry: &TelemetryConfig) -> Result<Self, Error> {
        let filter = EnvFilter::builder().parse(log.level.as_str())?;
        let collector = Collector::connect(telemetry)?;
        let traces = collector.as_ref().map(Collector::layer);
        let subscriber = Registry::default().with(traces).with(log_layer(log, io::stderr).with_filter(filter));
        tracing::subscriber::set_global_default(subscriber)?;
        if let Some(collector) = &collector {
            global::set_meter_provider(collector.metrics.clone());
        }
        Ok(Self { collector })
    }

    /// Sends what was not sent yet; a collector that does not answer is waited for a few seconds. Blocks.
    ///
    /// # Errors
    /// What was not sent is lost.
    pub(crate) fn shutdown(self) -> Result<(), OTelSdkError> {
        self.collector.map_or(Ok(()), Collector::shutdown)
    }
}

/// Where logs go is a parameter for the tests.
fn log_layer<S, W>(log: &LogConfig, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match log.format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
    }
}

/// The way to a collector.
#[derive(Debug)]
struct Collector {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Collector {
    fn connect(config: &TelemetryConfig) -> Result<Option<Self>, ExporterBuildError> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let spans = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint.as_str())
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let metrics = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint.as_str())
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler)
            .with_batch_exporter(spans)
            .build();
        let reader = PeriodicReader::builder(metrics).with_interval(config.metrics_interval).build();
        let metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        Ok(Some(Self { traces, metrics }))
    }

    /// Spans of this program only: those of h2 and hyper would trace the exporter's own sending, and that for ever.
    fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let ours = filter::Targets::new().with_target("strongroom", tracing::Level::DEBUG);
        tracing_opentelemetry::layer().with_tracer(self.traces.tracer("strongroom")).with_filter(ours)
    }

    fn shutdown(self) -> OTelSdkResult {
        let traces = self.traces.shutdown_with_timeout(EXPORT_TIMEOUT);
        self.metrics.shutdown_with_timeout(EXPORT_TIMEOUT).and(traces)
    }
}
