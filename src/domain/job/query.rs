//! Which jobs are meant, of those that are remembered: every filter for every kind.

use super::{Job, JobFilter, JobId, JobKind, JobState};
use crate::domain::{MissedRun, Period, Scope};

/// What remembered jobs are asked for. Members combine: a job fits when it fits all of them; of a list, one value is enough,
/// and an empty one lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// In one of these accounts and regions.
    pub scopes: Vec<Scope>,
    /// Of one of these kinds.
    pub kinds: Vec<JobKind>,
    /// In one of these states.
    pub states: Vec<JobState>,
    /// About resources of one of these types, by AWS Backup's names.
    pub resource_types: Vec<String>,
    /// About one of these resources, by ARN.
    pub resources: Vec<String>,
    /// Of a backup, into one of these vaults, by ARN; of a restore and copy, out of one.
    pub vaults: Vec<String>,
    /// Copies into one of these vaults, by ARN.
    pub destinations: Vec<String>,
    /// Made by this plan, by id.
    pub plan: Option<String>,
    /// Made by this rule, by id.
    pub rule: Option<String>,
    /// Created in this time.
    pub created: Period,
    /// Ended in this time.
    pub completed: Period,
    /// With this class of explanation, in whatever letters.
    pub category: Option<String>,
    /// Part of this job.
    pub parent: Option<JobId>,
    /// Restores and copies of this recovery point, by ARN.
    pub source_recovery_point: Option<String>,
    /// With this in their explanation, in whatever letters.
    pub text: Option<String>,
}

/// In which order remembered jobs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobOrder {
    /// Those created last first.
    #[default]
    Newest,
    /// Those created first first.
    Oldest,
    /// Those that ended last first; those under way are left out.
    LastEnded,
}

impl JobOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Oldest, Self::LastEnded];
}

impl JobQuery {
    /// Whether the job is meant.
    pub fn fits(&self, job: &Job) -> bool {
        let among = |wanted: &[String], told: &Option<String>| {
            wanted.is_empty() || told.as_ref().is_some_and(|told| wanted.contains(told))
        };
        let same = |wanted: &Option<String>, told: Option<&str>| wanted.is_none() || wanted.as_deref() == told;
        let plan = job.plan_origin();
        let of_type = job.resource_type.clone().map(String::from);
        let source = job.recovery_point_arn.as_deref().filter(|_| job.kind != JobKind::Backup);
        (self.scopes.is_empty() || self.scopes.contains(&job.scope))
            && (self.kinds.is_empty() || self.kinds.contains(&job.kind))
            && (self.states.is_empty() || self.states.contains(&job.state))
            && among(&self.resource_types, &of_type)
            && among(&self.resources, &job.resource_arn)
            && among(&self.vaults, &job.vault_arn)
            && among(&self.destinations, &job.destination_vault_arn)
            && same(&self.plan, plan.map(|plan| plan.plan_id.as_str()))
            && same(&self.rule, plan.map(|plan| plan.rule_id.as_str()))
            && self.created.has(job.created_at)
            && self.completed.has(job.completed_at)
            && self.category.as_ref().is_none_or(|wanted| {
                job.message_category.as_ref().is_some_and(|told| told.eq_ignore_ascii_case(wanted))
            })
            && (self.parent.is_none() || self.parent == job.parent_job_id)
            && same(&self.source_recovery_point, source)
            && self.text.as_ref().is_none_or(|wanted| {
                let said = job.status_message.as_deref().unwrap_or_default().to_ascii_lowercase();
                said.contains(&wanted.to_ascii_lowercase())
            })
    }
}

impl JobQuery {
    /// Whether a run that left no job is meant: as its backup job would have been, unless something is asked that only a job has.
    pub fn fits_missed(&self, run: &MissedRun) -> bool {
        let Self { created, completed, category, parent, source_recovery_point, text, .. } = self;
        let of_jobs_alone = !self.states.is_empty()
            || !self.destinations.is_empty()
            || !created.is_unbounded()
            || !completed.is_unbounded()
            || category.is_some()
            || parent.is_some()
            || source_recovery_point.is_some()
            || text.is_some();
        let among = |wanted: &[String], told: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == told);
        let same = |wanted: &Option<String>, told: &str| wanted.as_ref().is_none_or(|wanted| wanted == told);
        !of_jobs_alone
            && (self.scopes.is_empty() || self.scopes.contains(&run.scope))
            && (self.kinds.is_empty() || self.kinds.contains(&JobKind::Backup))
            && among(&self.resource_types, run.resource_type.as_str())
            && among(&self.resources, &run.database.arn)
            && among(&self.vaults, &run.vault_arn)
            && same(&self.plan, &run.plan_id)
            && same(&self.rule, &run.rule_id)
    }
}

/// What jobs are listed by a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListJobs {
    /// Which.
    pub filter: JobFilter,
    /// In which order; absent: that of whoever answers.
    pub order: Option<JobOrder>,
    /// Of every account and region that is followed, and not of the request's alone.
    pub all_scopes: bool,
    /// Where from.
    pub read: ReadFrom,
}

/// Where an answer is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadFrom {
    /// The ledger where it can say it, else AWS.
    #[default]
    Either,
    /// AWS.
    Live,
    /// The ledger.
    Ledger,
}
