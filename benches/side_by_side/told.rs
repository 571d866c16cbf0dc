//! How much a server tells of itself while it is measured: what its telemetry costs is a figure too.

use crate::processes::Running;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// No line for a call. Metrics are always kept.
    Quiet,
    /// As it comes: metrics, and a line for each call, of good reads so many a second.
    Default,
    /// Beside that traces, metrics and logs to a collector, and this share of calls traced.
    Collected(&'static str),
}

impl Told {
    pub(crate) const ALL: [Self; 4] = [Self::Quiet, Self::Default, Self::Collected("0.01"), Self::Collected("1.0")];

    pub(crate) fn name(self) -> String {
        match self {
            Self::Quiet => "metrics, no lines".to_owned(),
            Self::Default => "metrics and lines (the default)".to_owned(),
            Self::Collected(share) => format!("all to a collector, {share} of calls traced"),
        }
    }

    /// As settings of the server.
    pub(crate) fn settings(self, collector: &Running) -> Vec<String> {
        match self {
            // Where it listens is said in a line too.
            Self::Quiet => vec!["log.level=error,strongroom::cli=info".to_owned()],
            Self::Default => Vec::new(),
            Self::Collected(share) => {
                vec![format!("telemetry.otlp_endpoint={}", collector.url()), format!("telemetry.sample_ratio={share}")]
            }
        }
    }
}
