//! What AWS would not tell.

use super::{Evidence, covering::Covering};
use crate::domain::{Finding, Hindrance, JobState, Severity, Unseen};

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What sort of thing.
    pub part: Part,
    /// Which, such as the name of a plan; blank where there is but one.
    pub name: String,
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// What was in the way.
    pub unseen: Unseen,
}

/// Sorts of things that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The cluster of the instance asked about.
    Cluster,
    /// The list of plans.
    Plans,
    /// The selections of a plan.
    Selections,
    /// The rules of a plan that covers the database.
    Plan,
    /// The region's supported types and opt-in.
    RegionSettings,
    /// A role.
    Role,
    /// A vault.
    Vault,
    /// The jobs.
    Jobs,
    /// The recovery points.
    RecoveryPoints,
    /// The list of instances, or of clusters.
    Databases,
}

impl Part {
    /// Whether there may be coverage that nobody sees.
    pub(super) fn may_hide_coverage(self) -> bool {
        matches!(self, Self::Cluster | Self::Plans | Self::Selections | Self::Plan)
    }

    fn code(self) -> &'static str {
        match self {
            Self::Cluster => "CLUSTER_NOT_READ",
            Self::Plans => "PLANS_NOT_READ",
            Self::Selections => "SELECTIONS_NOT_READ",
            Self::Plan => "PLAN_NOT_READ",
            Self::RegionSettings => "REGION_SETTINGS_NOT_READ",
            Self::Role => "ROLE_NOT_READ",
            Self::Vault => "VAULT_NOT_READ",
            Self::Jobs => "JOBS_NOT_READ",
            Self::RecoveryPoints => "RECOVERY_POINTS_NOT_READ",
            Self::Databases => "DATABASES_NOT_READ",
        }
    }

    /// Begins a sentence.
    fn described(self, name: &str) -> String {
        match self {
            Self::Cluster => format!("cluster {name}"),
            Self::Plans => "the list of plans".to_owned(),
            Self::Selections => format!("the selections of plan {name}"),
            Self::Plan => format!("plan {name}, which covers the database,"),
            Self::RegionSettings => "the region's settings, and so whether it opts in,".to_owned(),
            Self::Role => format!("role {name}"),
            Self::Vault => format!("vault {name}"),
            Self::Jobs => "the jobs of the database".to_owned(),
            Self::RecoveryPoints => "the recovery points of the database".to_owned(),
            Self::Databases => format!("the list of {name}"),
        }
    }

    fn permission(self, operation: &str) -> String {
        let service = match self {
            Self::Cluster | Self::Databases => "rds",
            Self::Role => "iam",
            _ => "backup",
        };
        format!("{service}:{operation}")
    }
}

impl Unread {
    /// That it could not be read.
    pub fn finding(&self) -> Finding {
        let Self { part, name, operation, unseen } = self;
        let permission = part.permission(operation);
        let why = match unseen.hindrance {
            Hindrance::Denied => format!("AWS denies {permission} to Strongroom"),
            Hindrance::NoWay | Hindrance::Passing | Hindrance::Settled => unseen.why.clone(),
        };
        let message = format!("{} could not be read: {why}", part.described(name));
        Finding::warning(part.code(), message, unseen.action(&permission, "ask again"))
    }
}

impl Evidence {
    /// A finding for each thing that could not be read.
    pub(super) fn unread_findings(&self, covering: &[Covering<'_>]) -> Vec<Finding> {
        self.unread.iter().map(|unread| unread_finding(unread, covering)).collect()
    }
}

fn unread_finding(unread: &Unread, covering: &[Covering<'_>]) -> Finding {
    let finding = unread.finding();
    // What worked at the last run of every rule is not in doubt because Strongroom may not look at it.
    let proven = matches!(unread.part, Part::Role | Part::Vault)
        && !covering.is_empty()
        && covering.iter().all(Covering::worked);
    Finding { severity: if proven { Severity::Info } else { finding.severity }, ..finding }
}

impl Covering<'_> {
    /// Whether its last run is known to have made a backup.
    fn worked(&self) -> bool {
        let last = self.jobs().next().filter(|job| job.state == JobState::Completed);
        last.is_some_and(|job| self.runs.last.is_some_and(|run| Self::since_run(job.created_at, run)))
    }
}
