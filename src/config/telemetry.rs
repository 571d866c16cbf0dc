//! `telemetry`: what goes to an OpenTelemetry collector, and how much is measured.

use std::{path::PathBuf, time::Duration};

use super::{pem, reader::Reader, value::Url};

/// What goes to an OpenTelemetry collector, and how much is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct TelemetryConfig {
    /// The collector's OTLP/gRPC endpoint; without it nothing is sent.
    pub otlp_endpoint: Option<Url>,
    /// The certificates (PEM) that the collector's may be signed by, instead of this machine's roots.
    pub otlp_ca_file: Option<PathBuf>,
    /// The certificate (PEM) by which the collector knows this server.
    pub otlp_certificate_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub otlp_key_file: Option<PathBuf>,
    /// Whether logs are sent too.
    pub logs: bool,
    /// `service.name` of everything sent.
    pub service_name: String,
    /// The share of traces begun here that is sent, from 0 to 1; a caller's own decision is followed.
    pub sample_ratio: f64,
    /// How often metrics are sent.
    pub metrics_interval: Duration,
    /// How many databases have metrics of their own, the worst of all: to the collector, and on the admin port.
    pub max_databases: usize,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            otlp_ca_file: None,
            otlp_certificate_file: None,
            otlp_key_file: None,
            logs: true,
            service_name: "strongroom".to_owned(),
            sample_ratio: 1.0,
            metrics_interval: Duration::from_secs(60),
            max_databases: 500,
        }
    }
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let second = Duration::from_secs(1);
        Self {
            otlp_endpoint: reader.optional("telemetry.otlp_endpoint"),
            otlp_ca_file: reader.optional("telemetry.otlp_ca_file"),
            otlp_certificate_file: reader.optional("telemetry.otlp_certificate_file"),
            otlp_key_file: reader.optional("telemetry.otlp_key_file"),
            logs: reader.value("telemetry.logs", d.logs),
            service_name: reader.value("telemetry.service_name", d.service_name),
            sample_ratio: reader.within("telemetry.sample_ratio", d.sample_ratio, 0.0..=1.0),
            metrics_interval: reader.within("telemetry.metrics_interval", d.metrics_interval, second..=3600 * second),
            max_databases: reader.within("telemetry.max_databases", d.max_databases, 0..=5000),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        let ca = ("telemetry.otlp_ca_file", &self.otlp_ca_file);
        let certificate = ("telemetry.otlp_certificate_file", &self.otlp_certificate_file);
        let private_key = ("telemetry.otlp_key_file", &self.otlp_key_file);
        let encrypted = self.otlp_endpoint.as_ref().is_some_and(Url::is_encrypted);
        let files = [(ca, pem::CERTIFICATE), (certificate, pem::CERTIFICATE), (private_key, pem::PRIVATE_KEY)];
        for ((key, path), label) in files {
            if encrypted {
                pem::check_content(reader, (key, path), label);
            } else if path.is_some() {
                let advice = "write https:// in telemetry.otlp_endpoint, or remove it";
                reader.refuse(key, &["telemetry.otlp_endpoint"], "has no effect on an endpoint without TLS", advice);
            }
        }
        pem::check_pair(reader, certificate, private_key, &["telemetry.otlp_endpoint"]);
        if self.otlp_endpoint.as_ref().is_some_and(|url| !url.is_encrypted() && !url.is_loopback()) {
            let what = if self.logs { "traces, metrics and logs" } else { "traces and metrics" };
            let message = format!("{what} leave this machine unencrypted; https:// encrypts");
            reader.warn("telemetry.otlp_endpoint", message);
        }
    }
}
