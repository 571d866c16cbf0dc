//! AWS Backup: restJson1 at `backup.{region}.amazonaws.com`, state per account and region.
//!
//! One file for each noun: its state, its handlers and its `ROUTES`, which [`routes`] gathers. `rest` is what a
//! handler reads and answers, `page` and `json` are the protocol's paging and timestamps, `error` its error shapes.

pub mod announcements;
pub mod checks;
pub mod copies;
pub mod creator;
pub mod error;
pub mod filters;
pub mod firing;
pub mod inventory;
pub mod job_store;
pub mod jobs;
pub mod json;
pub mod legal_holds;
pub mod lifecycle;
pub mod matcher;
pub mod members;
pub mod outcome;
pub mod page;
pub mod plans;
pub mod recovery_points;
pub mod resource_types;
pub mod rest;
pub mod restores;
pub mod routes;
pub mod schedule;
pub mod selections;
pub mod settings;
pub mod slots;
pub mod summaries;
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
    /// Backup jobs.
    pub jobs: jobs::BackupJobs,
    /// Copy jobs; they live where the source is.
    pub copies: copies::CopyJobs,
    /// Restore jobs.
    pub restores: restores::RestoreJobs,
    /// Recovery points, by vault and by resource.
    pub recovery_points: recovery_points::RecoveryPoints,
    /// What keeps recovery points from deletion, whatever their lifecycle.
    pub legal_holds: legal_holds::LegalHolds,
    /// Which job has which resource.
    pub slots: slots::Slots,
}

impl State {
    /// Forgets what AWS would have forgotten by `now`; each noun that piles up with time has its line here.
    pub fn prune(&mut self, now: Timestamp, behaviour: &Behaviour) {
        let most = behaviour.quotas.jobs;
        self.plans.prune(now);
        self.jobs.prune(now, most);
        self.copies.prune(now, most);
        self.restores.prune(now, most);
        self.legal_holds.prune(now);
    }

    /// How many recovery points lie in the vault.
    pub fn recovery_points_in(&self, vault: &str) -> usize {
        self.recovery_points.count_in_vault(vault)
    }

    /// Whether there is something with this ARN, whose last part is `resource` (`backup-vault:NAME` …).
    pub fn holds(&self, resource: &str, arn: &str) -> bool {
        match resource.split_once(':') {
            Some(("backup-vault", name)) => self.vaults.0.contains_key(name),
            Some(("recovery-point", _)) => self.recovery_points.get(arn).is_some(),
            Some(("legal-hold", id)) => self.legal_holds.knows(id),
            Some(("backup-plan", id)) => self.plans.active(id).is_some(),
            _ => false,
        }
    }

    /// What there is, as `/_sandbox/state` shows it.
    pub fn overview(&self) -> Value {
        json!({
            "vaults": vaults::overview(self),
            "plans": plans::overview(self),
            "backup_jobs": self.jobs.len(),
            "copy_jobs": self.copies.len(),
            "restore_jobs": self.restores.len(),
            "recovery_points": self.recovery_points.len(),
        })
    }
}
