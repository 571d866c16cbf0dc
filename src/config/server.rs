//! `server`: what callers of the gRPC API meet.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{aws::AwsConfig, reader::Reader};

/// What callers of the gRPC API meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The longest request message, in bytes; a longer one is refused by gRPC with OUT_OF_RANGE.
    pub max_request_bytes: usize,
    /// Requests worked on at once; further ones are refused with RESOURCE_EXHAUSTED.
    pub max_concurrent_requests: usize,
    /// The deadline of a request whose caller sets none, and the longest one that a caller can set.
    pub request_timeout: Duration,
    /// How often an idle connection is probed by an HTTP/2 ping.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take before the connection is closed.
    pub keepalive_timeout: Duration,
    /// Whether gRPC server reflection is offered.
    pub reflection: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            max_request_bytes: 4 * 1024 * 1024,
            max_concurrent_requests: 256,
            // Longer than the default aws.role_propagation_wait, so that StartBackup with a fresh role can succeed.
            request_timeout: Duration::from_secs(180),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            reflection: true,
        }
    }
}

impl ServerConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let second = Duration::from_secs(1);
        Self {
            listen: reader.value("server.listen", d.listen),
            max_request_bytes: reader.within("server.max_request_bytes", d.max_request_bytes, 65_536..=67_108_864),
            max_concurrent_requests: reader.within(
                "server.max_concurrent_requests",
                d.max_concurrent_requests,
                1..=100_000,
            ),
            request_timeout: reader.within("server.request_timeout", d.request_timeout, second..=3600 * second),
            keepalive_interval: reader.within(
                "server.keepalive_interval",
                d.keepalive_interval,
                second..=7200 * second,
            ),
            keepalive_timeout: reader.within("server.keepalive_timeout", d.keepalive_timeout, second..=600 * second),
            reflection: reader.value("server.reflection", d.reflection),
        }
    }

    pub(super) fn check(&self, aws: &AwsConfig, reader: &mut Reader) {
        if !self.listen.ip().is_loopback() {
            let message = format!(
                "{} is reachable from other machines, and the server neither encrypts nor asks who calls: let only a \
                 service mesh, a TLS proxy or a network policy lead to it",
                self.listen
            );
            reader.warn("server.listen", message);
        }
        if self.request_timeout < aws.role_propagation_wait {
            let message = "is shorter than aws.role_propagation_wait: a backup with a fresh role ends with \
                           OUTCOME_UNKNOWN before the role can be assumed";
            reader.warn("server.request_timeout", message);
        }
    }
}
