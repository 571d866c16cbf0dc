//! What a sandbox can be told: where it listens, whose world it holds, how its clock runs and how AWS behaves in it.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use crate::clock::ClockConfig;
use crate::clock::{MAX_SPEED, MAX_STEP};

/// Every resource type, as AWS Backup spells it `[M]`.
pub const RESOURCE_TYPES: [&str; 17] = [
    "Aurora",
    "CloudFormation",
    "DocumentDB",
    "DynamoDB",
    "EBS",
    "EC2",
    "EFS",
    "EKS",
    "FSx",
    "Neptune",
    "RDS",
    "Redshift",
    "S3",
    "SAP HANA on Amazon EC2",
    "Storage Gateway",
    "Timestream",
    "VirtualMachine",
];

/// Everything about a sandbox that is fixed when it starts, and how it behaves at first.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where to listen. Port 0 takes a free one; [`crate::Sandbox::local_addr`] tells which.
    pub listen: SocketAddr,
    /// The account of callers whose access key says nothing else: twelve digits.
    pub account: String,
    /// The region of unsigned requests, and where the starting world lives.
    pub region: String,
    /// How time runs at first; `POST /_sandbox/clock` changes it.
    pub clock: ClockConfig,
    /// The longest request body, in bytes; a longer one is answered 413.
    pub max_body_bytes: usize,
    /// Open connections at most; further ones wait to be accepted.
    pub max_connections: usize,
    /// Quotas, timings and switches; `PATCH /_sandbox/settings` changes them.
    pub behaviour: Behaviour,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            clock: ClockConfig::default(),
            max_body_bytes: 4 * 1024 * 1024,
            max_connections: 1024,
            behaviour: Behaviour::default(),
        }
    }
}

/// How AWS behaves here. All of it can be changed while the sandbox runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long jobs take, on the sandbox clock.
    pub jobs: JobTimings,
    /// Numbers that AWS limits.
    pub quotas: Quotas,
    /// Behaviour that AWS does not document, or that tests want to turn.
    pub switches: Switches,
    /// How long after a change of a role it "cannot be assumed by AWS Backup" yet. AWS needs seconds `[T][Q]`; 0 by default.
    pub role_propagation: SignedDuration,
    /// Opt-in of resource types in a region nobody has set up `[U]`; a type that is not named here is opted in.
    pub opt_in: BTreeMap<String, bool>,
}

/// How long jobs take, on the sandbox clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobTimings {
    /// From CREATED to RUNNING, when nothing blocks the job. AWS takes up to an hour `[D]`.
    pub start_delay: SignedDuration,
    /// From RUNNING to the end.
    pub run_time: SignedDuration,
}

impl Default for JobTimings {
    fn default() -> Self {
        Self { start_delay: SignedDuration::from_secs(5), run_time: SignedDuration::from_secs(30) }
    }
}

/// Numbers that AWS limits (docs/aws-backup-semantics.md, section 9), plus the sandbox's own bounds on its memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Backup vaults per region and account `[D]`.
    pub vaults: usize,
    /// Recovery points per vault `[D]`.
    pub recovery_points_per_vault: usize,
    /// Backup plans per region and account `[D]`.
    pub plans: usize,
    /// Versions per plan `[D]`.
    pub versions_per_plan: usize,
    /// Selections per plan `[D]`.
    pub selections_per_plan: usize,
    /// Rules per plan `[D]`.
    pub rules_per_plan: usize,
    /// Copy actions per rule `[D]`.
    pub copy_actions_per_rule: usize,
    /// Tag conditions in one selection `[D]`.
    pub tags_per_selection: usize,
    /// Tags a rule adds to its recovery points `[D]`.
    pub tags_per_recovery_point: usize,
    /// Tags per resource `[D]`.
    pub tags_per_resource: usize,
    /// Active legal holds per region and account `[D]`.
    pub legal_holds: usize,
    /// Jobs of each kind (backup, restore, copy) that a region keeps; above it the oldest ended ones go early.
    pub jobs: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            vaults: 300,
            recovery_points_per_vault: 1_000_000,
            plans: 300,
            versions_per_plan: 2_000,
            selections_per_plan: 100,
            rules_per_plan: 10,
            copy_actions_per_rule: 5,
            tags_per_selection: 30,
            tags_per_recovery_point: 10,
            tags_per_resource: 50,
            legal_holds: 50,
            jobs: 50_000,
        }
    }
}

/// Behaviour that AWS does not document, or that tests want to turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// A missing vault answers 403 AccessDeniedException, as AWS does `[Q][T][D]`; otherwise ResourceNotFoundException.
    pub missing_vault_is_denied: bool,
    /// `rate(…)` is accepted as a rule's schedule beside `cron(…)`; AWS refuses it `[Q]`.
    pub rate_expressions: bool,
    /// Events that no list here has are accepted of notifications: AWS's list grows, and is its own to judge `[U]`.
    pub unknown_events: bool,
    /// Events that AWS's list calls deprecated, and that are never sent, are accepted of notifications; AWS refuses them in places
    /// `[Q]`.
    pub deprecated_events: bool,
    /// Describe/UpdateGlobalSettings answer as in an organization's management account; otherwise they are refused `[M]`.
    pub organization: bool,
    /// UpdateRecoveryPointLifecycle changes nothing, and answers success, where the lifecycle is empty; otherwise such a one
    /// removes the old `[U]`.
    pub empty_lifecycle_is_passed_over: bool,
    /// A repeated CreatorRequestId of a vault is answered with that vault, whatever else the request says `[U]`.
    pub token_alone_repeats_vault: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            missing_vault_is_denied: true,
            rate_expressions: false,
            unknown_events: true,
            deprecated_events: false,
            organization: false,
            empty_lifecycle_is_passed_over: true,
            token_alone_repeats_vault: false,
        }
    }
}

impl SandboxConfig {
    /// Every reason why no sandbox can be made of this; empty if one can.
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.account.len() != 12 || !self.account.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(format!("account must be twelve digits, not '{}'", self.account));
        }
        let is_region_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&self.region.len()) || !self.region.bytes().all(is_region_letter) {
            faults.push(format!("region must be a name like us-east-1, not '{}'", self.region));
        }
        if let ClockConfig::Auto { speed } = self.clock
            && !(0.0..=MAX_SPEED).contains(&speed)
        {
            faults.push(format!("the clock's speed must be 0 to {MAX_SPEED}, not {speed}"));
        }
        for (name, value) in [("max_body_bytes", self.max_body_bytes), ("max_connections", self.max_connections)] {
            if value == 0 {
                faults.push(format!("{name} must be at least 1"));
            }
        }
        faults.extend(self.behaviour.check());
        faults
    }
}

impl Behaviour {
    /// Every reason why AWS can't behave like this; empty if it can.
    pub fn check(&self) -> Vec<String> {
        let durations = [
            ("jobs.start_delay", self.jobs.start_delay),
            ("jobs.run_time", self.jobs.run_time),
            ("role_propagation", self.role_propagation),
        ];
        let out_of_range = durations.into_iter().filter(|(_, d)| *d < SignedDuration::ZERO || *d > MAX_STEP);
        let mut faults: Vec<String> =
            out_of_range.map(|(name, given)| format!("{name} must be 0 to ten years, not {given}")).collect();
        let unknown = self.opt_in.keys().filter(|name| !RESOURCE_TYPES.contains(&name.as_str()));
        faults.extend(unknown.map(|name| format!("opt_in: '{name}' is none of {}", RESOURCE_TYPES.join(", "))));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_fine() {
        assert_eq!(SandboxConfig::default().check(), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_named() {
        let mut config = SandboxConfig {
            account: "12".to_owned(),
            region: "Mars 1".to_owned(),
            clock: ClockConfig::Auto { speed: f64::NAN },
            max_body_bytes: 0,
            ..SandboxConfig::default()
        };
        config.behaviour.jobs.run_time = SignedDuration::from_secs(-1);
        config.behaviour.opt_in.insert("Floppy".to_owned(), true);
        assert_eq!(config.check().len(), 6, "{:?}", config.check());
    }
}
