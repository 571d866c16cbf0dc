//! `shutdown`: how to stop.

use std::time::Duration;

use super::reader::Reader;

/// How to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownConfig {
    /// From the first signal to the end of whatever still runs.
    pub grace: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        // Kubernetes kills after 30 seconds; what remains is for flushing telemetry.
        Self { grace: Duration::from_secs(25) }
    }
}

impl ShutdownConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        Self { grace: reader.within("shutdown.grace", d.grace, Duration::ZERO..=Duration::from_secs(3600)) }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        if self.grace.is_zero() {
            reader.warn("shutdown.grace", "requests under way are cut off by the first signal");
        }
    }
}
