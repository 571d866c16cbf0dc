//! Flags that set keys of the configuration. Their values are judged by `config`, with all other faults.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Error, Flag, Loaded, Sources, load};

/// Flags of every command that reads the configuration.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigFlags {
    /// Configuration file, TOML. Without it `STRONGROOM_CONFIG`, and without that none
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any key of docs/configuration.md, such as --set aws.max_attempts=2. Can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

/// Flags of every command that serves.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct CommonFlags {
    #[command(flatten)]
    source: ConfigFlags,
    /// text for people, json for machines [log.format]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug, trace, off, or directives such as info,strongroom::aws=debug [log.level]
    #[arg(long, value_name = "FILTER")]
    log_level: Option<String>,
    /// How long requests under way may take to end after the first signal, such as 25s [shutdown.grace]
    #[arg(long, value_name = "DURATION")]
    grace: Option<String>,
    /// OTLP/gRPC endpoint of an OpenTelemetry collector, such as <http://127.0.0.1:4317> [telemetry.otlp_endpoint]
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
}

/// Flags of the sandbox's clock.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClockFlags {
    /// auto: time runs by itself; manual: you move it over /_sandbox/clock [sandbox.clock]
    #[arg(long, value_name = "MODE")]
    clock: Option<String>,
    /// Sandbox seconds for each real one, such as 3600; with --clock auto [sandbox.speed]
    #[arg(long, value_name = "N")]
    speed: Option<String>,
    /// First instant, such as 2026-01-31T04:00:00Z; with --clock manual [sandbox.start]
    #[arg(long, value_name = "RFC3339")]
    start: Option<String>,
}

/// Flags of `serve`, and so of `check-config`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ServeFlags {
    /// IP:PORT of the gRPC API; other machines reach it only when you say so [server.listen, default 127.0.0.1:50051]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// Region of requests that name none [aws.region]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Profile of the AWS configuration files [aws.profile]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Role to assume in the account of a request: arn:aws:iam::{account}:role/NAME [aws.assume_role]
    #[arg(long, value_name = "ARN")]
    assume_role: Option<String>,
    /// Where AWS is found instead of at AWS [aws.endpoint_url]
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// IP:PORT of the embedded sandbox [sandbox.listen, default 127.0.0.1:4566]
    #[arg(long, value_name = "IP:PORT")]
    sandbox_listen: Option<String>,
    /// IP:PORT of metrics, health and the log level over HTTP, or off [admin.listen, default 127.0.0.1:9464]
    #[arg(long, value_name = "IP:PORT")]
    admin_listen: Option<String>,
    #[command(flatten)]
    clock: ClockFlags,
    #[command(flatten)]
    common: CommonFlags,
}

/// Flags of `sandbox`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SandboxFlags {
    /// IP:PORT to listen on [sandbox.listen, default 127.0.0.1:4566]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    #[command(flatten)]
    clock: ClockFlags,
    #[command(flatten)]
    common: CommonFlags,
}

impl ConfigFlags {
    pub(super) fn load(&self) -> Result<Loaded, Error> {
        load(&Sources::of_process(self.config.clone(), self.flags().collect()))
    }

    fn flags(&self) -> impl Iterator<Item = Flag> {
        self.set.iter().map(|(key, value)| Flag { flag: "--set".to_owned(), key: key.clone(), value: value.clone() })
    }
}

impl ServeFlags {
    pub(super) fn load(&self) -> Result<Loaded, Error> {
        load(&Sources::of_process(self.common.source.config.clone(), self.flags()))
    }

    pub(super) fn flags(&self) -> Vec<Flag> {
        let own = [
            ("--listen", "server.listen", &self.listen),
            ("--region", "aws.region", &self.region),
            ("--profile", "aws.profile", &self.profile),
            ("--assume-role", "aws.assume_role", &self.assume_role),
            ("--endpoint-url", "aws.endpoint_url", &self.endpoint_url),
            ("--sandbox-listen", "sandbox.listen", &self.sandbox_listen),
            ("--admin-listen", "admin.listen", &self.admin_listen),
        ];
        collect(&self.common, &self.clock, own)
    }
}

impl SandboxFlags {
    pub(super) fn load(&self) -> Result<Loaded, Error> {
        load(&Sources::of_process(self.common.source.config.clone(), self.flags()))
    }

    pub(super) fn flags(&self) -> Vec<Flag> {
        collect(&self.common, &self.clock, [("--listen", "sandbox.listen", &self.listen)])
    }
}

/// A flag of its own wins over `--set`: it comes later.
fn collect<'f>(
    common: &'f CommonFlags,
    clock: &'f ClockFlags,
    own: impl IntoIterator<Item = (&'f str, &'f str, &'f Option<String>)>,
) -> Vec<Flag> {
    let shared = [
        ("--clock", "sandbox.clock", &clock.clock),
        ("--speed", "sandbox.speed", &clock.speed),
        ("--start", "sandbox.start", &clock.start),
        ("--grace", "shutdown.grace", &common.grace),
        ("--log-format", "log.format", &common.log_format),
        ("--log-level", "log.level", &common.log_level),
        ("--otlp-endpoint", "telemetry.otlp_endpoint", &common.otlp_endpoint),
    ];
    let flag = |flag: &str, key: &str, value: &str| Flag {
        flag: flag.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let named = own.into_iter().chain(shared);
    common
        .source
        .flags()
        .chain(named.filter_map(|(name, key, value)| Some(flag(name, key, value.as_deref()?))))
        .collect()
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as aws.max_attempts=2")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
