//! `sandbox`: the AWS neighbour of `serve --sandbox` and `sandbox`. Has no effect on anything else.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;

use super::{reader::Reader, value::Value};
use crate::domain::{AccountId, RegionName};

/// The AWS neighbour of `serve --sandbox` and `sandbox`.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The account of callers whose access key says nothing else.
    pub account: AccountId,
    /// The region of the starting world.
    pub region: RegionName,
    /// Who moves time.
    pub clock: Clock,
    /// Sandbox seconds for each real one; of the automatic clock only.
    pub speed: f64,
    /// The first instant of the manual clock; now, when left out.
    pub start: Option<Timestamp>,
    /// How long a job stays CREATED, in sandbox time.
    pub job_start_delay: Duration,
    /// How long a job runs, in sandbox time.
    pub job_run_time: Duration,
    /// How long after a change of a role it "cannot be assumed by AWS Backup" yet, in sandbox time.
    pub role_propagation: Duration,
}

/// Who moves the sandbox's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It runs by itself.
    Auto,
    /// It stands still until it is moved over `/_sandbox/clock`.
    Manual,
}

impl Value for Clock {
    const EXPECTED: &'static str = "\"auto\" or \"manual\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "manual" => Some(Self::Manual),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Manual => "manual".to_owned(),
        }
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
            account: AccountId::example(),
            region: RegionName::example(),
            clock: Clock::Auto,
            speed: 1.0,
            start: None,
            job_start_delay: Duration::from_secs(5),
            job_run_time: Duration::from_secs(30),
            role_propagation: Duration::ZERO,
        }
    }
}

impl SandboxConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let d = Self::default();
        let day = Duration::from_secs(86_400);
        Self {
            listen: reader.value("sandbox.listen", d.listen),
            account: reader.value("sandbox.account", d.account),
            region: reader.value("sandbox.region", d.region),
            clock: reader.value("sandbox.clock", d.clock),
            speed: reader.within("sandbox.speed", d.speed, 0.0..=86_400.0),
            start: reader.optional("sandbox.start"),
            job_start_delay: reader.within("sandbox.job_start_delay", d.job_start_delay, Duration::ZERO..=day),
            job_run_time: reader.within("sandbox.job_run_time", d.job_run_time, Duration::ZERO..=7 * day),
            role_propagation: reader.within("sandbox.role_propagation", d.role_propagation, Duration::ZERO..=day),
        }
    }

    pub(super) fn check(&self, reader: &mut Reader) {
        match self.clock {
            Clock::Auto if self.start.is_some() => {
                let problem = "has no effect on the automatic clock, which starts now";
                reader.refuse(
                    "sandbox.start",
                    &["sandbox.clock"],
                    problem,
                    "set sandbox.clock = \"manual\", or remove it",
                );
            }
            Clock::Manual if self.speed != Self::default().speed => {
                let problem = "has no effect on the manual clock, which stands still";
                reader.refuse(
                    "sandbox.speed",
                    &["sandbox.clock"],
                    problem,
                    "set sandbox.clock = \"auto\", or remove it",
                );
            }
            Clock::Auto | Clock::Manual => {}
        }
        if !self.listen.ip().is_loopback() {
            let message = format!(
                "{} is reachable from other machines, and the sandbox believes every signature and lets everybody turn \
                 its clock",
                self.listen
            );
            reader.warn("sandbox.listen", message);
        }
    }
}
