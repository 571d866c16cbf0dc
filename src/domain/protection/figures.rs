//! What is measured of a database's protection: as much of what is kept as can be told of ten thousand of them again and again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{BackupAge, ProtectionVerdict};
use crate::domain::{ResourceType, Scope};

/// How it stands with the protection of a database, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionFigures {
    /// Account and region.
    pub scope: Scope,
    /// ARN.
    pub arn: String,
    /// AWS Backup's name of its type.
    pub resource_type: ResourceType,
    /// How bad it was as of the last look: the worst is the least ([`super::DatabaseProtection::badness_at`]).
    pub badness: i64,
    /// The answer in one word.
    pub verdict: ProtectionVerdict,
    /// Some rule covers it, and no rule ever made a job of it.
    pub never_ran: bool,
    /// How many of its backups ended otherwise than COMPLETED since the last one that did not.
    pub consecutive_failures: u64,
    /// When the job of its last backup that COMPLETED was created.
    pub last_success_at: Option<Timestamp>,
    /// What its rules promise.
    pub promised: Promised,
}

/// What the rules that cover a database promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// How old its last backup may be; absent: they promise none, or it has none.
    pub allowed_age: Option<SignedDuration>,
    /// The longest time between two backups.
    pub interval: Option<SignedDuration>,
    /// Their plans, by id.
    pub plans: BTreeMap<String, PlanFigures>,
}

/// How it stands with what a plan does for a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFigures {
    /// Name of the plan.
    pub name: String,
    /// Its runs that were missed since the last backup that COMPLETED.
    pub missed_runs: u64,
}

impl Promised {
    /// Of the members `[allowed, interval, coverage]` of what is kept ([`super::DatabaseProtection::to_json`]), and of the runs that
    /// were missed, `[[plan, how many], …]`. Those of a plan that covers the database no more are left out.
    pub fn from_json(kept: &Value, missed: &Value) -> Option<Self> {
        let mut plans = BTreeMap::new();
        for rule in kept.get(2)?.as_array()? {
            let text = |at: usize| Some(rule.get(at)?.as_str()?.to_owned());
            plans.insert(text(0)?, PlanFigures { name: text(2)?, missed_runs: 0 });
        }
        for missed in missed.as_array()? {
            if let Some(plan) = plans.get_mut(missed.get(0)?.as_str()?) {
                plan.missed_runs = missed.get(1)?.as_u64()?;
            }
        }
        Some(Self {
            allowed_age: kept.get(0)?.as_i64().map(SignedDuration::from_secs),
            interval: kept.get(1)?.as_i64().map(SignedDuration::from_mins),
            plans,
        })
    }
}

impl BackupAge {
    /// At `now`, of a backup whose job was created at that instant.
    pub fn at(created: Timestamp, allowed: SignedDuration, now: Timestamp) -> Self {
        Self { age: now.duration_since(created).max(SignedDuration::ZERO), allowed }
    }
}
