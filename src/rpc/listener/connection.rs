//! One connection as others see it: who, how many requests, since when quiet.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

use super::life::Seen;
use crate::rpc::access::{Certificate, Nameless};

/// What an HTTP/2 client says first: 24 bytes, and the header of its SETTINGS. Who has said as much will be answered,
/// by an error if by nothing else, and is idle then rather than silent.
const GREETING: usize = 24 + 9;

/// A connection. It is in the extensions of each of its requests.
#[derive(Debug)]
pub(crate) struct Connection {
    /// No other connection of this server has or had it.
    pub(crate) id: u64,
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// By which the client is known, where it showed one: whom it names, or why nobody.
    certificate: OnceLock<Result<Certificate, Nameless>>,
    heard: AtomicUsize,
    open: AtomicUsize,
    quiet_since: Mutex<Instant>,
    /// Rung when others need its place.
    pub(super) displaced: Notify,
}

impl Connection {
    pub(super) fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            certificate: OnceLock::new(),
            heard: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            quiet_since: Mutex::new(Instant::now()),
            displaced: Notify::new(),
        }
    }

    /// The client has shown this certificate, signed by whom we trust.
    pub(super) fn shows(&self, der: &[u8]) {
        self.certificate.get_or_init(|| Certificate::read(der));
    }

    /// The certificate that the client showed.
    pub(in crate::rpc) fn certificate(&self) -> Option<&Result<Certificate, Nameless>> {
        self.certificate.get()
    }

    /// Bytes came in.
    pub(super) fn hear(&self, bytes: usize) {
        // Stops near the threshold, so that nothing overflows on a long-lived connection.
        if self.heard.load(Ordering::Relaxed) < GREETING {
            self.heard.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            greeted: self.heard.load(Ordering::Relaxed) >= GREETING,
            open: self.open.load(Ordering::Acquire),
            quiet_since: *self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    pub(super) fn begin_request(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end_request(&self) {
        // Before the count: who sees no request open must not see an old time.
        *self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whom the bound on connections of one peer counts as one.
    pub(in crate::rpc) fn party(&self) -> IpAddr {
        party(self.peer.ip())
    }
}

/// An address; of IPv6 the /64 network, which one machine has to itself as a rule.
fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(segments.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
