//! `access`: who may call, how callers are known, and how often each may call.

mod issuer;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

pub use self::issuer::{IssuerConfig, SigningAlgorithm};
use super::{reader::Reader, server::ServerConfig, value::Value};

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether whoever brings no credentials is served where other machines reach the server.
    pub allow_anonymous: bool,
    /// What callers may do.
    pub default: DefaultAccess,
    /// What each call must bring; of several, all.
    pub require: Vec<Credential>,
    /// How far the clocks of issuers may be from this machine's.
    pub clock_skew: Duration,
    /// Calls a second of one caller in the long run; 0: any number.
    pub max_calls_per_second: u32,
    /// Calls of one caller at once, before the rate holds.
    pub max_call_burst: u32,
    /// Backups, restores and copies that one caller may start in a minute; 0: any number.
    pub max_jobs_per_minute: u32,
    /// Percent of each bound of `server` that one caller may take.
    pub max_share_per_principal: usize,
    /// The directory of the policies that say what each caller may; without it, `default` says it.
    pub policies: Option<PathBuf>,
    /// How often its files are looked at.
    pub policy_reload_interval: Duration,
    /// Whose tokens are taken.
    pub issuers: Vec<IssuerConfig>,
}

/// What callers may do whom no rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultAccess {
    /// Everything.
    Allow,
    /// Ask who they are.
    WhoAmIOnly,
}

impl Value for DefaultAccess {
    const EXPECTED: &'static str = "\"allow\" or \"who-am-i-only\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "allow" => Some(Self::Allow),
            "who-am-i-only" => Some(Self::WhoAmIOnly),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Allow => "allow".to_owned(),
            Self::WhoAmIOnly => "who-am-i-only".to_owned(),
        }
    }
}

/// A way to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token of an issuer.
    Token,
    /// A client certificate.
    Certificate,
}

impl Value for Credential {
    const EXPECTED: &'static str = "\"token\" or \"certificate\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "token" => Some(Self::Token),
            "certificate" => Some(Self::Certificate),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Token => "token".to_owned(),
            Self::Certificate => "certificate".to_owned(),
        }
    }
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            allow_anonymous: false,
            default: DefaultAccess::Allow,
            require: Vec::new(),
            clock_skew: Duration::from_secs(60),
            // Far beyond what a person or a service does; a loop gone wild meets it.
            max_calls_per_second: 100,
            max_call_burst: 500,
            max_jobs_per_minute: 120,
            max_share_per_principal: 50,
            policies: None,
            policy_reload_interval: Duration::from_secs(10),
            issuers: Vec::new(),
        }
    }
}

impl AccessConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        Self {
            allow_anonymous: reader.value("access.allow_anonymous", d.allow_anonymous),
            default: reader.value("access.default", d.default),
            require: reader.list("access.require"),
            clock_skew: reader.within("access.clock_skew", d.clock_skew, Duration::ZERO..=Duration::from_secs(600)),
            max_calls_per_second: reader.within("access.max_calls_per_second", d.max_calls_per_second, 0..=1_000_000),
            max_call_burst: reader.within("access.max_call_burst", d.max_call_burst, 1..=1_000_000),
            max_jobs_per_minute: reader.within("access.max_jobs_per_minute", d.max_jobs_per_minute, 0..=1_000_000),
            max_share_per_principal: reader.within(
                "access.max_share_per_principal",
                d.max_share_per_principal,
                1..=100,
            ),
            policies: reader.said("access.policies"),
            policy_reload_interval: reader.within(
                "access.policy_reload_interval",
                d.policy_reload_interval,
                Duration::from_secs(1)..=Duration::from_secs(3600),
            ),
            issuers: reader.tables("access.issuers").iter().map(|name| IssuerConfig::read(name, reader)).collect(),
        }
    }

    pub(super) fn check(&self, server: &ServerConfig, reader: &mut Reader) {
        for (at, issuer) in self.issuers.iter().enumerate() {
            issuer.check(reader);
            // Tokens are looked at by the one table of their issuer: another would never be asked.
            if let Some(first) = self.issuers[..at].iter().find(|first| first.issuer == issuer.issuer) {
                let key = |name: &str| format!("access.issuers.{name}.issuer");
                let problem = format!("is that of access.issuers.{} too, and a token has one issuer", first.name);
                let advice = format!(
                    "keep one of the tables {} and {}, with the audiences of both, and with claims that all its tokens have",
                    first.name, issuer.name
                );
                reader.refuse(&key(&issuer.name), &[&key(&first.name)], problem, advice);
            }
        }
        let (tokens, certificates) = (!self.issuers.is_empty(), takes_certificates(server));
        if self.require.contains(&Credential::Token) && !tokens {
            let advice = "describe one in a table [access.issuers.NAME], or do not require tokens";
            reader.refuse("access.require", &[], "wants tokens, and no issuer of tokens is configured", advice);
        }
        if self.require.contains(&Credential::Certificate) && !certificates {
            let advice = "set server.tls.client_ca_file, or do not require certificates";
            reader.refuse("access.require", &[], "wants client certificates, and the server asks for none", advice);
        }
        if !self.require.is_empty() && self.allow_anonymous {
            let advice = "require nothing, or allow nobody unknown";
            let problem = "contradicts access.require: who brings what is required is not anonymous";
            reader.refuse("access.allow_anonymous", &["access.require"], problem, advice);
        }
        let open = !tokens && !certificates && !self.allow_anonymous;
        if open && self.require.is_empty() && !server.listen.ip().is_loopback() {
            let problem = format!(
                "lets everybody in who reaches {}, for nothing is configured by which the server would know its callers",
                server.listen
            );
            let advice = "describe an issuer of tokens in a table [access.issuers.NAME], or set server.tls.client_ca_file; \
                          or set access.allow_anonymous = true where a mesh, a proxy or a network policy says who may call";
            reader.refuse("server.listen", &["access.allow_anonymous", "access.require"], problem, advice);
        }
        if self.max_calls_per_second > self.max_call_burst {
            let message =
                "is less than access.max_calls_per_second: calls that come together are refused below that rate";
            reader.warn("access.max_call_burst", message);
        }
    }
}

/// Whether clients show certificates, by which they are known.
fn takes_certificates(server: &ServerConfig) -> bool {
    server.tls.client_ca_file.is_some()
}
