//! `admin`: the port for those who run the server: metrics, health, what is built, and the log level.

use std::net::{Ipv4Addr, SocketAddr};

use super::{reader::Reader, value::Value};

/// The port for those who run the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where to listen. Port 0 takes a free one; `None` is no admin port.
    pub listen: Option<SocketAddr>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        // What OpenTelemetry's exporters for Prometheus listen on.
        Self { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))) }
    }
}

impl AdminConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let Listen(listen) = reader.value("admin.listen", Listen(Self::default().listen));
        Self { listen }
    }

    /// Whether a server that cannot have the address must not start. The default is done without where another process has it:
    /// a second server on one machine must not need a flag for a port that nobody asked it for.
    pub fn is_needed(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn check(&self, server: SocketAddr, reader: &mut Reader) {
        let Some(listen) = self.listen else { return };
        if listen == server && listen.port() != 0 {
            let problem = "is the address of server.listen too";
            reader.refuse("admin.listen", &["server.listen"], problem, "choose another port, or write off");
        }
        if !listen.ip().is_loopback() {
            let message = format!(
                "{listen} shows metrics, health and the version to other machines; the log level is changed from this one \
                 alone"
            );
            reader.warn("admin.listen", message);
        }
    }
}

/// An address, or none.
#[derive(Debug, Clone, Copy)]
struct Listen(Option<SocketAddr>);

const OFF: &str = "off";

impl Value for Listen {
    const EXPECTED: &'static str = "IP:PORT, such as \"127.0.0.1:9464\", or \"off\"";

    fn parse(text: &str) -> Option<Self> {
        if text == OFF { Some(Self(None)) } else { SocketAddr::parse(text).map(|listen| Self(Some(listen))) }
    }

    fn show(&self) -> String {
        self.0.map_or_else(|| OFF.to_owned(), |listen| listen.to_string())
    }
}
