//! `server`: what callers of the gRPC API meet.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{aws::AwsConfig, listener::ListenerConfig, reader::Reader, tls::TlsConfig};

/// What callers of the gRPC API meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The longest request message, in bytes, unpacked; a longer one is refused with OUT_OF_RANGE.
    pub max_request_bytes: usize,
    /// Most fields and elements of lists in a request, counted through all messages in it; more are refused likewise.
    pub max_request_elements: usize,
    /// Bytes of requests and of answers not read yet that are held at once, for all calls; what finds no room is refused.
    pub max_buffered_bytes: usize,
    /// Most headers of a request.
    pub max_headers: usize,
    /// Requests worked on at once; further ones are refused with RESOURCE_EXHAUSTED. Health checks have as many places of
    /// their own.
    pub max_concurrent_requests: usize,
    /// Watches of jobs open, and calls that wait for one, at once.
    pub max_waits: usize,
    /// Health watches open at once.
    pub max_watches: usize,
    /// Reflection streams open at once.
    pub max_reflections: usize,
    /// Percent of each of these bounds that one connection may take.
    pub max_share_per_connection: usize,
    /// Percent of each of these bounds that one client address may take, over all its connections.
    pub max_share_per_address: usize,
    /// How long the message of a request may take to arrive, from its headers on.
    pub message_timeout: Duration,
    /// The deadline of a request whose caller sets none, and the longest one that a caller can set.
    pub request_timeout: Duration,
    /// Whether gRPC server reflection is offered.
    pub reflection: bool,
    /// What a connection may cost.
    pub connections: ListenerConfig,
    /// How the port is encrypted.
    pub tls: TlsConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            // The largest honest request, a selection of 500 ARNs, has a quarter of it.
            max_request_bytes: 256 * 1024,
            max_request_elements: 5000,
            max_buffered_bytes: 64 * 1024 * 1024,
            max_headers: 100,
            max_concurrent_requests: 1024,
            max_waits: 10_000,
            max_watches: 1024,
            max_reflections: 32,
            max_share_per_connection: 25,
            // Behind a proxy everybody has one address: it must not be what stops them.
            max_share_per_address: 75,
            message_timeout: Duration::from_secs(30),
            // Longer than the default aws.role_propagation_wait, so that StartBackup with a fresh role can succeed.
            request_timeout: Duration::from_secs(180),
            reflection: true,
            connections: ListenerConfig::default(),
            tls: TlsConfig::default(),
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
            max_request_elements: reader.within(
                "server.max_request_elements",
                d.max_request_elements,
                1000..=10_000_000,
            ),
            max_buffered_bytes: reader.within(
                "server.max_buffered_bytes",
                d.max_buffered_bytes,
                1_048_576..=68_719_476_736,
            ),
            max_headers: reader.within("server.max_headers", d.max_headers, 20..=10_000),
            max_concurrent_requests: reader.within(
                "server.max_concurrent_requests",
                d.max_concurrent_requests,
                1..=100_000,
            ),
            max_waits: reader.within("server.max_waits", d.max_waits, 1..=1_000_000),
            max_watches: reader.within("server.max_watches", d.max_watches, 1..=100_000),
            max_reflections: reader.within("server.max_reflections", d.max_reflections, 1..=10_000),
            max_share_per_connection: reader.within(
                "server.max_share_per_connection",
                d.max_share_per_connection,
                1..=100,
            ),
            max_share_per_address: reader.within("server.max_share_per_address", d.max_share_per_address, 1..=100),
            message_timeout: reader.within("server.message_timeout", d.message_timeout, second..=3600 * second),
            request_timeout: reader.within("server.request_timeout", d.request_timeout, second..=3600 * second),
            reflection: reader.value("server.reflection", d.reflection),
            connections: ListenerConfig::read(reader),
            tls: TlsConfig::read(reader),
        }
    }

    pub(super) fn check(&self, aws: &AwsConfig, reader: &mut Reader) {
        if !self.listen.ip().is_loopback() && !self.tls.is_on() {
            let message = format!(
                "{} is reachable from other machines, and the server does not encrypt: set server.tls.certificate_file and \
                 server.tls.key_file, or let only a service mesh, a TLS proxy or a network policy lead to it",
                self.listen
            );
            reader.warn("server.listen", message);
        }
        if self.max_buffered_bytes * self.max_share_per_connection / 100 < self.max_request_bytes {
            let problem = "leaves one connection, by server.max_share_per_connection, less than one request may have";
            let advice = "raise it, or lower server.max_request_bytes";
            let with = ["server.max_request_bytes", "server.max_share_per_connection"];
            reader.refuse("server.max_buffered_bytes", &with, problem, advice);
        }
        if self.request_timeout < aws.role_propagation_wait {
            let message = "is shorter than aws.role_propagation_wait: a backup with a fresh role ends with \
                           OUTCOME_UNKNOWN before the role can be assumed";
            reader.warn("server.request_timeout", message);
        }
        self.connections.check(self.request_timeout, reader);
        self.tls.check(reader);
    }
}
