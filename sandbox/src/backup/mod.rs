//! AWS Backup: restJson1 at `backup.{region}.amazonaws.com`, state per account and region.
//!
//! One file for each noun: its state, its handlers and its `ROUTES`, which [`routes`] gathers. `rest` is what a
//! handler reads and answers, `page` and `json` are the protocol's paging and timestamps, `error` its error shapes.

pub mod creator;
pub mod error;
pub mod firing;
pub mod inventory;
pub mod json;
pub mod lifecycle;
pub mod matcher;
pub mod page;
pub mod plans;
pub mod resource_types;
pub mod rest;
pub mod routes;
pub mod schedule;
pub mod selections;
pub mod settings;
pub mod slots;
pub mod tags;
pub mod vaults;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::Behaviour;

/// AWS Backup in one region of one account.
#[derive(Debug, Default)]
pub struct State {
    /// Vaults by name.
    pub vaults: vaults::Vaults,
    /// Plans with their selections.
    pub plans: plans::Plans,
    /// Opt-in of resource types.
    pub settings: settings::RegionSettings,
}

impl State {
    /// Forgets what AWS would have forgotten by `now`; each noun that piles up with time has its line here.
    pub fn prune(&mut self, now: Timestamp, _behaviour: &Behaviour) {
        self.plans.prune(now);
    }

    /// How many recovery points lie in the vault.
    pub fn recovery_points_in(&self, _vault: &str) -> usize {
        0
    }

    /// Whether there is something with this ARN, whose last part is `resource` (`backup-vault:NAME` …).
    pub fn holds(&self, resource: &str, _arn: &str) -> bool {
        match resource.split_once(':') {
            Some(("backup-vault", name)) => self.vaults.0.contains_key(name),
            Some(("backup-plan", id)) => self.plans.active(id).is_some(),
            _ => false,
        }
    }

    /// What there is, as `/_sandbox/state` shows it.
    pub fn overview(&self) -> Value {
        json!({ "vaults": vaults::overview(self), "plans": plans::overview(self) })
    }
}
