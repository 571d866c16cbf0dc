//! `telemetry`: what goes to an OpenTelemetry collector.

use std::time::Duration;

use super::{reader::Reader, value::Url};

/// What goes to an OpenTelemetry collector.
#[derive(Debug, Clone, PartialEq)]
pub struct TelemetryConfig {
    /// The collector's OTLP/gRPC endpoint; without it nothing is collected.
    pub otlp_endpoint: Option<Url>,
    /// `service.name` of everything sent.
    pub service_name: String,
    /// The share of traces begun here that is sent, from 0 to 1; a caller's own decision is followed.
    pub sample_ratio: f64,
    /// How often metrics are sent.
    pub metrics_interval: Duration,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            service_name: "strongroom".to_owned(),
            sample_ratio: 1.0,
            metrics_interval: Duration::from_secs(60),
        }
    }
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let second = Duration::from_secs(1);
        Self {
            otlp_endpoint: reader.optional("telemetry.otlp_endpoint"),
            service_name: reader.value("telemetry.service_name", d.service_name),
            sample_ratio: reader.within("telemetry.sample_ratio", d.sample_ratio, 0.0..=1.0),
            metrics_interval: reader.within("telemetry.metrics_interval", d.metrics_interval, second..=3600 * second),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        if let Some(url) = &self.otlp_endpoint {
            if url.is_encrypted() {
                let problem = "is https, which the exporter does not speak";
                let advice = "send to a collector on this machine or in this cluster over http, and let it encrypt";
                reader.refuse("telemetry.otlp_endpoint", &[], problem, advice);
            } else if !url.is_loopback() {
                reader.warn("telemetry.otlp_endpoint", "traces and metrics leave this machine unencrypted");
            }
        }
    }
}
