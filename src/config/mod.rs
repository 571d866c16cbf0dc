//! The configuration: one struct for each section, from a TOML file, the environment and the command line.
//!
//! A flag wins over the environment, the environment over the file, the file over the default. All faults of all
//! sources are reported at once. Nothing in here is secret: AWS credentials come by the SDK's own chain.
//! `docs/configuration.md` lists every key; a test holds it together with this module.

mod access;
mod admin;
mod audit;
mod aws;
mod budget;
mod client;
mod fault;
mod ledger;
mod listener;
mod log;
mod pem;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod reader;
mod sandbox;
mod server;
mod shutdown;
mod source;
mod telemetry;
mod tls;
mod value;

#[cfg(test)]
mod tests;

pub use self::{
    access::{AccessConfig, Credential, DefaultAccess, IssuerConfig, SigningAlgorithm},
    admin::AdminConfig,
    audit::{AuditConfig, AuditCopy, Unrecorded},
    aws::AwsConfig,
    budget::BudgetConfig,
    client::{CONTEXT_VARIABLE, CONTEXTS_VARIABLE, ClientEnvironment, SERVER_VARIABLE, Secret, TOKEN_VARIABLE},
    fault::{Error, Fault},
    ledger::{Days, FeedConfig, FollowedScope, LedgerConfig, PostgresUrl, QueueUrl},
    listener::ListenerConfig,
    log::{LogConfig, LogFilter, LogFormat},
    pem::{MAX_PEM_BYTES, UnreadPem, read_pem},
    reader::environment_name,
    sandbox::{Clock, SandboxConfig},
    server::ServerConfig,
    shutdown::ShutdownConfig,
    source::{CONFIG_VARIABLE, Flag, Source, Sources},
    telemetry::TelemetryConfig,
    tls::{ClientCertificate, TlsConfig, TlsVersion},
    value::{RoleTemplate, Url},
};

use std::borrow::Cow;

use self::reader::Reader;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `server`: what callers of the gRPC API meet.
    pub server: ServerConfig,
    /// `access`: who may call, and how often.
    pub access: AccessConfig,
    /// `audit`: the record of what callers did.
    pub audit: AuditConfig,
    /// `aws`: which AWS, as whom, and how patiently.
    pub aws: AwsConfig,
    /// `ledger`: what is remembered, and where.
    pub ledger: LedgerConfig,
    /// `feed`: how what is remembered is kept up to date.
    pub feed: FeedConfig,
    /// `sandbox`: the AWS neighbour of `serve --sandbox` and `sandbox`.
    pub sandbox: SandboxConfig,
    /// `shutdown`: how to stop.
    pub shutdown: ShutdownConfig,
    /// `log`: what goes to standard error.
    pub log: LogConfig,
    /// `telemetry`: what goes to an OpenTelemetry collector.
    pub telemetry: TelemetryConfig,
    /// `admin`: the port for those who run the server.
    pub admin: AdminConfig,
}

/// One key as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Such as `server.listen`.
    pub key: Cow<'static, str>,
    /// The value as it could be written in the file; `None` when it is left out and has no default.
    pub value: Option<String>,
    /// Who said so.
    pub source: Source,
}

/// Something that works but will surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key to look at.
    pub key: &'static str,
    /// What will happen, and what to do about it.
    pub message: String,
}

/// A configuration without faults.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Every key, in the order of the documentation.
    pub settings: Vec<Setting>,
    /// What works but will surprise.
    pub warnings: Vec<Warning>,
}

/// Reads and checks everything.
///
/// # Errors
/// All faults at once: unreadable or malformed file, unknown keys, values that are not valid, keys that contradict
/// each other.
pub fn load(sources: &Sources) -> Result<Loaded, Error> {
    let mut reader = Reader::open(sources);
    let config = Config {
        server: ServerConfig::read(&mut reader),
        access: AccessConfig::read(&mut reader),
        audit: AuditConfig::read(&mut reader),
        aws: AwsConfig::read(&mut reader),
        ledger: LedgerConfig::read(&mut reader),
        feed: FeedConfig::read(&mut reader),
        sandbox: SandboxConfig::read(&mut reader),
        shutdown: ShutdownConfig::read(&mut reader),
        log: LogConfig::read(&mut reader),
        telemetry: TelemetryConfig::read(&mut reader),
        admin: AdminConfig::read(&mut reader),
    };
    config.server.check(&config.aws, &mut reader);
    config.access.check(&config.server, &mut reader);
    config.audit.check(config.server.listen, &mut reader);
    config.aws.check(&mut reader);
    config.ledger.check(&mut reader);
    config.feed.check(&mut reader);
    config.sandbox.check(&mut reader);
    config.shutdown.check(&mut reader);
    config.telemetry.check(&mut reader);
    config.admin.check(config.server.listen, &mut reader);
    let (config, settings, warnings) = reader.close(config)?;
    Ok(Loaded { config, settings, warnings })
}
