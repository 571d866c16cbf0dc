//! What is known of a job: the join of everything that was told of it, by lists, descriptions and events.
//!
//! AWS tells of one job by many ways, each at its own time and each leaving something out, and nothing says which comes
//! first: events are late, double and out of order, and two replicas may read at once. So what is known is a *join*: taking
//! in the same tellings in any order, any number of times, ends the same (the tests below try it). Three rules make it one.
//!
//! * What never changes in the life of a job, or only appears (its vault, its recovery point), is kept once it was told.
//! * What changes (the state, its explanation, the progress) belongs to the [`Stage`] at which it was told, and a later
//!   stage wins. Stages go by the state first, for a job does not go back, and by time only among equal states under way.
//! * What is not told says nothing: a list's blank never takes away what a description said.

mod text;

use std::cmp::Ordering;

use jiff::Timestamp;

use super::{AfterRestore, Job, JobId, JobKind, JobOrigin, JobState, PlanOrigin};
use crate::domain::{Lifecycle, ResourceType, Scope};

/// What is known of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownJob {
    id: JobId,
    kind: JobKind,
    scope: Scope,
    state: Told<JobState>,
    message: Option<Told<String>>,
    category: Option<Told<String>>,
    percent: Option<Told<Percent>>,
    transferred: Option<Told<i64>>,
    expected: Option<Told<Timestamp>>,
    size: Option<i64>,
    resource_arn: Option<String>,
    resource_type: Option<ResourceType>,
    resource_name: Option<String>,
    vault_arn: Option<String>,
    recovery_point_arn: Option<String>,
    role_arn: Option<String>,
    created_at: Option<Timestamp>,
    start_by: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    lifecycle: Option<Lifecycle>,
    created_by: Option<JobOrigin>,
    created_resource_arn: Option<String>,
    destination_vault_arn: Option<String>,
    destination_recovery_point_arn: Option<String>,
    parent: Option<JobId>,
    validation: Option<AfterRestore>,
    deletion: Option<AfterRestore>,
}

/// What a job is about, as far as it is known: what jobs are found by. Many jobs have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobSubject {
    /// Whose, and where.
    pub scope: Scope,
    /// What it does.
    pub kind: JobKind,
    /// AWS Backup's name of the resource's type; blank: not known, as in all that follow.
    pub resource_type: String,
    /// ARN of the resource.
    pub resource: String,
    /// ARN of the vault: of a backup, where it goes; of a restore and copy, where the source is.
    pub vault: String,
    /// ARN of the vault that a copy goes to.
    pub destination: String,
    /// Id of the plan that made it.
    pub plan: String,
    /// Id of the rule that made it.
    pub rule: String,
}

/// A job in the parts that a store keeps apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobParts {
    /// Its id.
    pub id: JobId,
    /// What it is about.
    pub subject: JobSubject,
    /// What many jobs have in common beside their subject: role, plan, lifecycle. JSON.
    pub common: String,
    /// The rest, JSON.
    pub own: String,
}

/// Where in a job's life something was told. A job does not go back: the state decides, and among states under way that are
/// equal the time. Of what was told when it had ended, nothing is later than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stage {
    rank: u8,
    at: Timestamp,
}

/// Something, and when it was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told<T> {
    stage: Stage,
    value: T,
}

/// Never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Percent(f64);

impl Eq for Percent {}

impl PartialOrd for Percent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Percent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

const ENDED: u8 = 6;

impl Stage {
    fn of(state: &JobState, at: Timestamp) -> Self {
        let rank = match state {
            JobState::Unknown(word) if word.is_empty() => 0,
            JobState::Created => 1,
            JobState::Pending => 2,
            JobState::Running => 3,
            // A word of tomorrow, such as COMPLETING, is taken to be on the way to an end.
            JobState::Unknown(_) => 4,
            JobState::Aborting => 5,
            JobState::Aborted | JobState::Completed | JobState::Failed | JobState::Expired | JobState::Partial => ENDED,
        };
        Self { rank, at: if rank == ENDED { Timestamp::UNIX_EPOCH } else { at } }
    }
}

impl KnownJob {
    /// What one telling says, which was true at that instant by AWS's clock. To the millisecond: finer AWS does not tell.
    pub fn told(job: Job, at: Timestamp) -> Self {
        let whole = |at: Timestamp| Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let at = whole(at);
        let stage = Stage::of(&job.state, at);
        let Job {
            id,
            kind,
            scope,
            state,
            percent_done,
            status_message,
            message_category,
            resource_arn,
            resource_type,
            resource_name,
            vault_arn,
            recovery_point_arn,
            role_arn,
            created_at,
            start_by,
            expected_completion_at,
            completed_at,
            bytes_transferred,
            backup_size_bytes,
            lifecycle,
            created_by,
            created_resource_arn,
            destination_vault_arn,
            destination_recovery_point_arn,
            parent_job_id,
            validation,
            deletion,
        } = job;
        Self {
            id,
            kind,
            scope,
            state: Told { stage, value: state },
            message: status_message.map(|value| Told { stage, value }),
            category: message_category.map(|value| Told { stage, value }),
            percent: percent_done.filter(|it| !it.is_nan()).map(|value| Told { stage, value: Percent(value) }),
            transferred: bytes_transferred.map(|value| Told { stage, value }),
            expected: expected_completion_at.map(whole).map(|value| Told { stage, value }),
            size: backup_size_bytes,
            resource_arn,
            resource_type,
            resource_name,
            vault_arn,
            recovery_point_arn,
            role_arn,
            created_at: created_at.map(whole),
            start_by: start_by.map(whole),
            completed_at: completed_at.map(whole),
            lifecycle,
            created_by,
            created_resource_arn,
            destination_vault_arn,
            destination_recovery_point_arn,
            parent: parent_job_id,
            validation,
            deletion,
        }
    }

    /// Takes in what else is known of the same job. Whether that was news, be it only of when something was told.
    pub fn learn(&mut self, other: Self) -> bool {
        let Self {
            id: _,
            kind: _,
            scope: _,
            state,
            message,
            category,
            percent,
            transferred,
            expected,
            size,
            resource_arn,
            resource_type,
            resource_name,
            vault_arn,
            recovery_point_arn,
            role_arn,
            created_at,
            start_by,
            completed_at,
            lifecycle,
            created_by,
            created_resource_arn,
            destination_vault_arn,
            destination_recovery_point_arn,
            parent,
            validation,
            deletion,
        } = self;
        let news = [
            most(state, other.state),
            most(message, other.message),
            most(category, other.category),
            most(percent, other.percent),
            most(transferred, other.transferred),
            most(expected, other.expected),
            most(size, other.size),
            most(resource_arn, other.resource_arn),
            most(resource_type, other.resource_type),
            most(resource_name, other.resource_name),
            most(vault_arn, other.vault_arn),
            most(recovery_point_arn, other.recovery_point_arn),
            most(role_arn, other.role_arn),
            most(created_at, other.created_at),
            most(start_by, other.start_by),
            most(completed_at, other.completed_at),
            most(lifecycle, other.lifecycle),
            join_origin(created_by, other.created_by),
            most(created_resource_arn, other.created_resource_arn),
            most(destination_vault_arn, other.destination_vault_arn),
            most(destination_recovery_point_arn, other.destination_recovery_point_arn),
            most(parent, other.parent),
            join_after(validation, other.validation),
            join_after(deletion, other.deletion),
        ];
        news.contains(&true)
    }

    /// The job as it is known.
    pub fn job(&self) -> Job {
        let state = self.state.value.clone();
        let rank = self.state.stage.rank;
        // An explanation is one of the state with which it was told: why a job did not begin yet is not how it ended.
        let said = |told: &Option<Told<String>>| {
            told.as_ref().filter(|told| told.stage.rank == rank).map(|told| told.value.clone())
        };
        Job {
            percent_done: self.percent.as_ref().map(|told| told.value.0),
            status_message: said(&self.message),
            message_category: said(&self.category),
            resource_arn: self.resource_arn.clone(),
            resource_type: self.resource_type.clone(),
            resource_name: self.resource_name.clone(),
            vault_arn: self.vault_arn.clone(),
            recovery_point_arn: self.recovery_point_arn.clone(),
            role_arn: self.role_arn.clone(),
            created_at: self.created_at,
            start_by: self.start_by,
            expected_completion_at: self.expected.as_ref().map(|told| told.value).filter(|_| !state.is_final()),
            completed_at: self.completed_at,
            bytes_transferred: self.transferred.as_ref().map(|told| told.value),
            backup_size_bytes: self.size,
            lifecycle: self.lifecycle.clone(),
            created_by: self.created_by.clone(),
            created_resource_arn: self.created_resource_arn.clone(),
            destination_vault_arn: self.destination_vault_arn.clone(),
            destination_recovery_point_arn: self.destination_recovery_point_arn.clone(),
            parent_job_id: self.parent.clone(),
            validation: self.validation.clone(),
            deletion: self.deletion.clone(),
            state,
            ..Job::blank(self.id.clone(), self.kind, self.scope.clone())
        }
    }

    /// Its id.
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// What it is about.
    pub fn subject(&self) -> JobSubject {
        let blank = |text: &Option<String>| text.clone().unwrap_or_default();
        let plan = self.plan();
        JobSubject {
            scope: self.scope.clone(),
            kind: self.kind,
            resource_type: self.resource_type.clone().map(String::from).unwrap_or_default(),
            resource: blank(&self.resource_arn),
            vault: blank(&self.vault_arn),
            destination: blank(&self.destination_vault_arn),
            plan: plan.map(|plan| plan.plan_id.clone()).unwrap_or_default(),
            rule: plan.map(|plan| plan.rule_id.clone()).unwrap_or_default(),
        }
    }

    fn plan(&self) -> Option<&PlanOrigin> {
        match &self.created_by {
            Some(JobOrigin::Plan(origin)) => Some(origin),
            Some(JobOrigin::RestoreTesting { .. }) | None => None,
        }
    }
}

/// The greater of the two; whether that is the other.
fn most<T: Ord>(mine: &mut T, other: T) -> bool {
    let news = other > *mine;
    if news {
        *mine = other;
    }
    news
}

/// An event names the plan by its id alone, and a description by its name too.
fn join_origin(mine: &mut Option<JobOrigin>, other: Option<JobOrigin>) -> bool {
    match (mine, other) {
        (_, None) => false,
        (mine @ None, other) => {
            *mine = other;
            true
        }
        (Some(JobOrigin::Plan(mine)), Some(JobOrigin::Plan(other))) => {
            let PlanOrigin { plan_id, plan_arn, plan_name, plan_version, rule_id, rule_name, schedule, timezone } =
                mine;
            let news = [
                most(plan_id, other.plan_id),
                most(plan_arn, other.plan_arn),
                most(plan_name, other.plan_name),
                most(plan_version, other.plan_version),
                most(rule_id, other.rule_id),
                most(rule_name, other.rule_name),
                most(schedule, other.schedule),
                most(timezone, other.timezone),
            ];
            news.contains(&true)
        }
        (Some(JobOrigin::RestoreTesting { plan_arn: mine }), Some(JobOrigin::RestoreTesting { plan_arn: other })) => {
            most(mine, other)
        }
        // Of the two a plan is what made it: the other is told of restores alone, which no plan makes.
        (mine @ Some(JobOrigin::RestoreTesting { .. }), other @ Some(JobOrigin::Plan(_))) => {
            *mine = other;
            true
        }
        (Some(JobOrigin::Plan(_)), Some(JobOrigin::RestoreTesting { .. })) => false,
    }
}

/// What is under way (VALIDATING, DELETING) gives way to how it ended.
fn join_after(mine: &mut Option<AfterRestore>, other: Option<AfterRestore>) -> bool {
    let place = |after: &Option<AfterRestore>| {
        after.as_ref().map(|after| {
            let rank = if after.word.is_empty() { 0 } else { 1 + u8::from(!after.word.ends_with("ING")) };
            (rank, after.word.clone(), after.message.clone())
        })
    };
    let news = place(&other) > place(mine);
    if news {
        *mine = other;
    }
    news
}

#[cfg(test)]
pub(crate) mod tests;
