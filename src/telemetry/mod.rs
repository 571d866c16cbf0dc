//! What the process tells about itself: logs to standard error, metrics on the admin port, and all of it with traces to an
//! OpenTelemetry collector where there is one.
//!
//! Code elsewhere uses `tracing` spans and events, and [`opentelemetry::global::meter`] for metrics; this module only
//! decides where they go.

mod admin;
mod collector;
mod levels;
mod log_line;
mod losses;
mod metrics;
mod panics;
mod process;
mod standing;
mod trace_context;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    admin::{Admin, serve},
    collector::LINES_OF_CALLS,
    log_line::disturbs,
    standing::Standing,
    trace_context::{TRACEPARENT, continue_trace, trace_id},
};

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::OnceLock,
    thread,
};

use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::{Resource, error::OTelSdkError};
use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{
    Layer, Registry,
    filter::{self, FilterExt},
    layer::SubscriberExt,
    registry::LookupSpan,
};
use uuid::Uuid;

use self::{
    collector::{Collector, fit_to_send},
    levels::Levels,
    log_line::{LogLine, SpanFields},
    losses::Seldom,
    metrics::{Metrics, Shown},
};
use crate::{
    VERSION,
    config::{LogConfig, LogFormat, TelemetryConfig},
};

/// Telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The log filter of the configuration does not parse.
    #[error("log.level is not valid")]
    Filter(#[from] filter::ParseError),
    /// The OTLP exporter refuses its endpoint, or its certificates.
    #[error("the OTLP exporter cannot be built; look at the keys telemetry.otlp_…")]
    Exporter(#[from] ExporterBuildError),
    /// A file that a key names cannot be read.
    #[error("{key} = {path:?} cannot be read; name a readable PEM file")]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Metrics cannot be shown.
    #[error("metrics cannot be shown")]
    Metrics(#[from] OTelSdkError),
    /// Telemetry was started before in this process.
    #[error("logging is already set up in this process")]
    Twice(#[from] SetGlobalDefaultError),
}

/// Telemetry at work. Dropping it loses what was not sent yet: call [`Telemetry::shutdown`].
#[derive(Debug)]
#[must_use = "what was not sent yet is lost unless shutdown is called"]
pub(crate) struct Telemetry {
    collector: Option<Collector>,
    metrics: Metrics,
}

/// What the admin port has to show and to change: there is one of it in a process, as there is one of what it is about.
static AT_WORK: OnceLock<AtWork> = OnceLock::new();

/// What telemetry shows, and lets be changed.
#[derive(Debug)]
struct AtWork {
    shown: Shown,
    levels: Levels,
}

impl AtWork {
    /// Of this process, where it has begun any.
    fn here() -> Option<&'static Self> {
        AT_WORK.get()
    }
}

impl Telemetry {
    /// Begins to log and to measure, and to send all of it, with traces, where a collector is configured. Call it within the
    /// Tokio runtime, and before anything is measured.
    ///
    /// # Errors
    /// When the configuration cannot be followed, or when it was called before.
    pub(crate) fn start(log: &LogConfig, telemetry: &TelemetryConfig) -> Result<Self, Error> {
        let levels = Levels::new(&log.level);
        let resource = resource(telemetry);
        let (collector, sending) = Collector::connect(telemetry, &resource)?.unzip();
        let metrics = Metrics::begin(resource, sending)?;
        let lines = match collector.as_ref().and_then(Collector::lines) {
            Some(lines) => Some(lines.with_filter(levels.followed()?.and(fit_to_send()))),
            None => None,
        };
        let written = log_layer(log, io::stderr).with_filter(levels.followed()?.and(Seldom::default()));
        let subscriber = Registry::default()
            .with(collector.as_ref().map(Collector::spans))
            .with(lines)
            .with(losses::counting())
            .with(written);
        // Before anybody listens: OpenTelemetry tells of it at length.
        metrics.everywhere();
        tracing::subscriber::set_global_default(subscriber)?;
        panics::are_told();
        // Nobody can have been here before: the subscriber would be theirs.
        _ = AT_WORK.set(AtWork { shown: metrics.shown.clone(), levels });
        Ok(Self { collector, metrics })
    }

    /// Sends what was not sent yet; a collector that does not answer is waited for a few seconds. Blocks.
    ///
    /// # Errors
    /// What was not sent is lost.
    pub(crate) fn shutdown(self) -> Result<(), OTelSdkError> {
        let Self { collector, metrics } = self;
        // Side by side: a collector that does not answer is waited for once, not for each of the three.
        thread::scope(|scope| {
            let measured = scope.spawn(|| metrics.shutdown());
            let told = collector.map_or(Ok(()), Collector::shutdown);
            measured.join().unwrap_or(Ok(())).and(told)
        })
    }
}

/// Who tells all this. A collector must be able to tell two servers of one name apart: what OpenTelemetry's own variables say
/// of the instance is taken, such as the name of a pod.
fn resource(config: &TelemetryConfig) -> Resource {
    let key = Key::from_static_str("service.instance.id");
    let instance = Resource::builder().build().get(&key).unwrap_or_else(|| Uuid::new_v4().to_string().into());
    Resource::builder()
        .with_service_name(config.service_name.clone())
        .with_attributes([KeyValue::new("service.version", VERSION), KeyValue::new(key, instance)])
        .build()
}

/// Where logs go is a parameter for the tests.
fn log_layer<S, W>(log: &LogConfig, writer: W) -> impl Layer<S> + use<S, W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .fmt_fields(SpanFields)
        .event_format(LogLine { format: log.format })
        .with_ansi(log.format == LogFormat::Text && io::stderr().is_terminal())
        .with_writer(writer)
}
