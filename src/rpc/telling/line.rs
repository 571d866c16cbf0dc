//! The line of a call.

use std::{net::SocketAddr, time::Duration};

use tracing::{Level, field};

use super::Facts;
use crate::{rpc::status::Cause, telemetry};

/// Everything that stands in it.
pub(super) struct Line<'l> {
    /// `rpc`, for all calls; what is no call is called otherwise.
    pub(super) what: &'static str,
    pub(super) level: Level,
    pub(super) method: &'static str,
    pub(super) code: &'static str,
    pub(super) reason: Option<&'static str>,
    pub(super) took: Duration,
    pub(super) facts: &'l Facts,
    pub(super) cause: Option<&'l Cause>,
    /// What the client was told, where no cause says more.
    pub(super) said: Option<&'l str>,
    /// What became of work that a task of its own does.
    pub(super) work: Option<&'static str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) user_agent: Option<&'l str>,
    /// Of the caller's trace. Where traces are collected the formatter tells it of all lines.
    pub(super) trace_id: Option<&'l str>,
    pub(super) unlogged: u64,
}

impl Line<'_> {
    pub(super) fn write(&self) {
        // A level is part of the place where an event is written, so each has a place of its own.
        macro_rules! write_at {
            ($level:ident) => {{
                let Self { what, method, code, reason, cause, .. } = self;
                let (scoped, cause) = (self.facts.scoped(), cause.as_ref());
                let scope = scoped.map(|scoped| scoped.scope());
                let trail = scoped.map(|scoped| scoped.trail()).filter(|trail| trail.calls() > 0);
                tracing::$level!(
                    target: telemetry::LINES_OF_CALLS,
                    method,
                    code,
                    reason,
                    duration_ms = milliseconds(self.took),
                    peer = self.peer.map(field::display),
                    user_agent = self.user_agent,
                    principal = self.facts.principal(),
                    request_id = self.facts.request_id(),
                    account = scope.map(|scope| scope.account.as_str()),
                    region = scope.map(|scope| scope.region.as_str()),
                    aws_calls = trail.map(|trail| trail.calls()),
                    aws_request_ids = trail.map(field::display),
                    operation = cause.and_then(|cause| cause.operation),
                    aws_code = cause.and_then(|cause| cause.aws_code.as_deref()),
                    aws_request_id = cause.and_then(|cause| cause.aws_request_id.as_deref()),
                    effect = cause.and_then(|cause| cause.effect),
                    correlation_id = cause.and_then(|cause| cause.correlation_id.as_deref()),
                    said = cause.map(|cause| cause.said.as_str()).filter(|said| !said.is_empty()).or(self.said),
                    chain = cause.map(|cause| cause.chain.as_str()).filter(|chain| !chain.is_empty()),
                    work = self.work,
                    trace_id = self.trace_id,
                    unlogged = Some(self.unlogged).filter(|unlogged| *unlogged > 0),
                    "{what}"
                );
            }};
        }
        match self.level {
            Level::ERROR => write_at!(error),
            Level::WARN => write_at!(warn),
            Level::INFO => write_at!(info),
            Level::DEBUG | Level::TRACE => write_at!(debug),
        }
    }
}

/// To the microsecond.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
