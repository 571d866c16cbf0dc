//! The keys of `server` that bound connections: how many there are, what one may hold, and how long it may be silent.

use std::time::Duration;

use super::reader::Reader;

/// What a connection may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Connections at once; for further ones the longest idle makes room, and they wait while none is idle.
    pub max_connections: usize,
    /// Connections at once of one address (of IPv6: one /64 network).
    pub max_connections_per_peer: usize,
    /// From the accept to the first bytes of HTTP, and for the header of an HTTP/1 request.
    pub handshake_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// When a connection is told to go, more or less by a tenth.
    pub max_connection_age: Duration,
    /// How long the requests of a connection may go on after it was told to go.
    pub max_connection_age_grace: Duration,
    /// How long a client may leave an answer unread.
    pub unread_timeout: Duration,
    /// Requests at once on one connection.
    pub max_streams_per_connection: u32,
    /// The headers of one request, in bytes as HTTP/2 counts them: 32 more for each.
    pub max_header_bytes: u32,
    /// What a connection may have sent without it being read, in bytes.
    pub connection_window: u32,
    /// How often an idle connection is probed by an HTTP/2 ping.
    pub keepalive_interval: Duration,
    /// How long the answer to a ping may take before the connection is closed.
    pub keepalive_timeout: Duration,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            max_connections: 2000,
            // A load balancer or a mesh's gateway is one peer, with the connections of all of its clients.
            max_connections_per_peer: 500,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            // So that clients find the pods that were added since.
            max_connection_age: Duration::from_secs(30 * 60),
            // Longer than request_timeout: no request is cut off by it.
            max_connection_age_grace: Duration::from_secs(5 * 60),
            unread_timeout: Duration::from_secs(30),
            max_streams_per_connection: 128,
            max_header_bytes: 16 * 1024,
            connection_window: 256 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
        }
    }
}

impl ListenerConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let second = Duration::from_secs(1);
        let hour = 3600 * second;
        Self {
            max_connections: reader.within("server.max_connections", d.max_connections, 1..=1_000_000),
            max_connections_per_peer: reader.within(
                "server.max_connections_per_peer",
                d.max_connections_per_peer,
                1..=1_000_000,
            ),
            handshake_timeout: reader.within("server.handshake_timeout", d.handshake_timeout, second..=600 * second),
            idle_timeout: reader.within("server.idle_timeout", d.idle_timeout, second..=24 * hour),
            max_connection_age: reader.within("server.max_connection_age", d.max_connection_age, second..=168 * hour),
            max_connection_age_grace: reader.within(
                "server.max_connection_age_grace",
                d.max_connection_age_grace,
                Duration::ZERO..=24 * hour,
            ),
            unread_timeout: reader.within("server.unread_timeout", d.unread_timeout, second..=hour),
            max_streams_per_connection: reader.within(
                "server.max_streams_per_connection",
                d.max_streams_per_connection,
                1..=10_000,
            ),
            max_header_bytes: reader.within("server.max_header_bytes", d.max_header_bytes, 1024..=1_048_576),
            connection_window: reader.within("server.connection_window", d.connection_window, 65_535..=67_108_864),
            keepalive_interval: reader.within("server.keepalive_interval", d.keepalive_interval, second..=2 * hour),
            keepalive_timeout: reader.within("server.keepalive_timeout", d.keepalive_timeout, second..=600 * second),
        }
    }

    pub(super) fn check(&self, request_timeout: Duration, reader: &mut Reader) {
        if self.max_connections_per_peer > self.max_connections {
            reader.warn(
                "server.max_connections_per_peer",
                "is more than server.max_connections, and so never reached: one peer can have every connection",
            );
        }
        if self.max_connection_age_grace < request_timeout {
            reader.warn(
                "server.max_connection_age_grace",
                "is shorter than server.request_timeout: a slow request is cut off when its connection is too old",
            );
        }
    }
}
