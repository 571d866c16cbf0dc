//! Telemetry that did not arrive: counted, and told about once in a while.
//!
//! The exporters say so by events of their own, each batch anew. An operator is to see them, and not once a second.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier, subscriber::Interest};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, LevelFilter},
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::metrics::METER;

/// How long a kind of trouble is not told about again.
const QUIET: Duration = Duration::from_secs(60);

static LOST: AtomicU64 = AtomicU64::new(0);

/// Counts from now on.
pub(super) fn measured() {
    METER
        .u64_observable_counter("strongroom.telemetry.export.failures")
        .with_description(
            "Batches of traces, metrics or logs that no collector took, and times that a queue of them was full.",
        )
        .with_callback(|seen| seen.observe(LOST.load(Ordering::Relaxed), &[]))
        .build();
}

/// Whether an event tells that something is lost. The exporter tells of each attempt besides, and the processors of what comes
/// after the end: neither is a loss of its own.
fn is_loss(metadata: &Metadata<'_>) -> bool {
    let name = metadata.name();
    let of_processor = metadata.target() == "opentelemetry_sdk" && !name.ends_with("AfterShutdown");
    let partial = metadata.target() == "opentelemetry-otlp" && name.ends_with("PartialSuccess");
    *metadata.level() <= Level::WARN && (of_processor || partial)
}

/// A layer that counts losses.
pub(super) fn counting<S>() -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    Losses.with_filter(FilterFn::new(is_loss).with_max_level_hint(LevelFilter::WARN))
}

/// Counts what it sees.
#[derive(Debug)]
struct Losses;

impl<S: Subscriber> Layer<S> for Losses {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets what the exporters have to tell through once a minute, each kind for itself.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Vec<(Identifier, Instant)>>);

impl<S> Filter<S> for Seldom {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        if !is_of_exporters(metadata) {
            return true;
        }
        let (kind, now) = (metadata.callsite(), Instant::now());
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| now.duration_since(*at) < QUIET);
        let new = !told.iter().any(|(other, _)| *other == kind);
        if new {
            told.push((kind, now));
        }
        new
    }

    // What is asked for once in a process for all others, is asked for each time for these.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_of_exporters(metadata) { Interest::sometimes() } else { Interest::always() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

fn is_of_exporters(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("opentelemetry") && *metadata.level() <= Level::INFO
}
