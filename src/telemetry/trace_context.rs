//! The trace of a caller goes on in ours: W3C `traceparent` and `tracestate` of an incoming request.

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Makes `span` a child of the caller's span that the headers name. Headers that name none, or badly, change nothing.
pub(crate) fn continue_trace(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key(TRACEPARENT) {
        return;
    }
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    if context.span().span_context().is_valid() {
        // Fails where no collector is configured: then there is no trace to go on.
        _ = span.set_parent(context);
    }
}

/// The header that names a trace: a version, the trace, the span and its flags.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The id of the trace that a `traceparent` names, if it is one.
pub(crate) fn trace_id(traceparent: &HeaderValue) -> Option<&str> {
    let id = traceparent.to_str().ok()?.split('-').nth(1)?;
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (id.len() == 32 && id.bytes().all(hex) && id.bytes().any(|byte| byte != b'0')).then_some(id)
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_named_by_sixteen_bytes_that_are_not_all_zero() {
        let of = |value: &'static str| trace_id(&HeaderValue::from_static(value)).map(str::to_owned);
        let good = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").as_deref(), Some(good));
        for bad in ["", "00", "00-0af7-b7ad-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "-\"-"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
