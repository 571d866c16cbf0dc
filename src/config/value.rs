//! How one value is read from text and written back. Files, environment and flags share this grammar.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{AccountId, RegionName};

/// A value of the configuration.
pub(super) trait Value: Sized {
    /// Completes "expected …": what to write, with an example.
    const EXPECTED: &'static str;

    /// Reads it; `None` when the text is no such value.
    fn parse(text: &str) -> Option<Self>;

    /// Writes it, so that [`Value::parse`] reads the same again.
    fn show(&self) -> String;
}

/// An `http` or `https` URL without user name and password: nothing in the configuration is secret, and this keeps it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Where a server of this machine that listens there is found.
    pub fn to(listening: SocketAddr) -> Self {
        let mut address = listening;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        Self(format!("http://{address}"))
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it leads to this machine.
    pub fn is_loopback(&self) -> bool {
        let uri: Option<http::Uri> = self.0.parse().ok();
        let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl Value for Url {
    const EXPECTED: &'static str = "a URL without user and password, such as \"http://127.0.0.1:4317\"";

    fn parse(text: &str) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?;
        let plain = !authority.as_str().contains('@') && !authority.host().is_empty();
        (scheme && plain && uri.query().is_none()).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for RegionName {
    const EXPECTED: &'static str = "the name of an AWS region, such as \"eu-central-1\"";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn show(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Value for AccountId {
    const EXPECTED: &'static str = "an AWS account id of twelve digits, such as \"123456789012\"";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn show(&self) -> String {
        self.as_str().to_owned()
    }
}

/// The role to assume in an account: an ARN in which `{account}` stands for the account's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTemplate(String);

impl RoleTemplate {
    /// Reads an ARN with `{account}` in place of the account; `None` when it is not one.
    pub fn new(text: &str) -> Option<Self> {
        Value::parse(text)
    }

    /// The partition that its ARN names.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The role's ARN in this account and partition. The template's own partition is that of the regions that it was written
    /// for: nobody can assume a role of another partition than the one that is asked.
    pub fn role_in(&self, account: &str, partition: &str) -> String {
        let rest = self.0.splitn(3, ':').nth(2).unwrap_or_default().replace("{account}", account);
        format!("arn:{partition}:{rest}")
    }
}

impl Value for RoleTemplate {
    const EXPECTED: &'static str =
        "a role ARN with {account} in place of the account id, such as \"arn:aws:iam::{account}:role/Strongroom\"";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?;
        let (partition, rest) = rest.split_once(':')?;
        let role = rest.strip_prefix("iam::{account}:role/")?;
        let named = !role.is_empty() && role.len() <= 512 && role.bytes().all(|b| b.is_ascii_graphic());
        (partition.starts_with("aws") && named && !role.contains(['{', '}'])).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Value for String {
    const EXPECTED: &'static str = "text of 1 to 256 printable characters";

    fn parse(text: &str) -> Option<Self> {
        let fits = !text.trim().is_empty() && text.chars().count() <= 256 && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "the path of a file, such as \"/etc/strongroom/ca.pem\"";

    fn parse(text: &str) -> Option<Self> {
        let fits = !text.trim().is_empty() && text.len() <= 4096 && !text.chars().any(char::is_control);
        fits.then(|| Self::from(text))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Value for SocketAddr {
    const EXPECTED: &'static str = "IP:PORT, such as \"127.0.0.1:50051\" or \"[::1]:50051\"";

    fn parse(text: &str) -> Option<Self> {
        // The one name that everybody writes; others would need a look-up before anything runs.
        text.strip_prefix("localhost:")
            .map_or_else(|| text.parse().ok(), |port| format!("127.0.0.1:{port}").parse().ok())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "a duration with its unit, such as \"30s\", \"500ms\" or \"2m 30s\"";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<SignedDuration>().ok()?.try_into().ok()
    }

    fn show(&self) -> String {
        SignedDuration::try_from(*self).map_or_else(|_| format!("{self:?}"), |duration| format!("{duration:#}"))
    }
}

impl Value for Timestamp {
    const EXPECTED: &'static str = "an instant by RFC 3339, such as \"2026-01-31T04:00:00Z\"";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for f64 {
    const EXPECTED: &'static str = "a number, such as 0.25";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &Self| number.is_finite())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            const EXPECTED: &'static str = "a whole number without unit";

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
whole_numbers!(u32, usize);
