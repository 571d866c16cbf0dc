//! DescribeRestoreJob, the lists and the summaries of restore jobs.

use super::{Phase, RestoreJob, operations::no_such_job};
use crate::{
    backup::{
        filters::{Between, JobFilters, Seen},
        json::Epoch,
        members::Members,
        page::{self, Page},
        resource_types::size_told,
        rest::{RestReply, RestRequest},
        summaries::{self, Counted},
    },
    call::{AwsError, Call},
    world::World,
};

const STATUSES: &[&str] = &["PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"];

/// DescribeRestoreJob.
///
/// # Errors
/// RNF for an unknown job.
pub(super) fn describe_restore_job(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let id = request.path("restoreJobId");
    let job = call.region(world).backup.restores.get(id).ok_or_else(|| no_such_job(id))?;
    Ok(RestReply::json(&shape(job, call)))
}

/// ListRestoreJobs, newest first.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_restore_jobs(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let filters = JobFilters::of(call, request, "status", STATUSES)?;
    // Restore testing is not imitated, so no job belongs to a testing plan.
    let any = request.query("restoreTestingPlanArn").is_none();
    let jobs = call.region(world).backup.restores.iter().filter(|job| any && filters.accept(&job.seen()));
    Ok(answer(call, &page, jobs))
}

/// ListRestoreJobsByProtectedResource, newest first.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_restore_jobs_by_protected_resource(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let filters = JobFilters::of(call, request, "status", STATUSES)?;
    let points = Between::of(request, "recoveryPointCreationDateAfter", "recoveryPointCreationDateBefore")?;
    let arn = request.path("resourceArn");
    let jobs = call.region(world).backup.restores.iter().filter(|job| {
        job.source_arn == arn && filters.accept(&job.seen()) && points.holds(Some(job.recovery_point_created_at))
    });
    Ok(answer(call, &page, jobs))
}

/// ListRestoreJobSummaries; they have no message category `[M]`.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_restore_job_summaries(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let states = [STATUSES, &["CREATED", "ANY", "AGGREGATE_ALL"]].concat();
    let jobs = call.region(world).backup.restores.iter().map(|job| Counted {
        created_at: job.created_at,
        state: job.status(),
        resource_type: &job.resource_type,
        category: "",
    });
    summaries::summarise(call, request, "RestoreJobSummaries", &states, false, jobs)
}

impl RestoreJob {
    fn seen(&self) -> Seen<'_> {
        Seen {
            state: self.status(),
            resource_arn: &self.source_arn,
            resource_type: &self.resource_type,
            created_at: self.created_at,
            completed_at: self.outcome().map(|outcome| outcome.at),
            category: None,
        }
    }
}

fn answer<'j>(call: &Call, page: &Page, jobs: impl Iterator<Item = &'j RestoreJob>) -> RestReply {
    let (jobs, next) = page.take(jobs.map(|job| (page::newest_first(job.created_at, &job.id), job)));
    let jobs: Vec<_> = jobs.into_iter().map(|job| shape(job, call)).collect();
    RestReply::json(&Members::new().with("RestoreJobs", jobs).maybe("NextToken", next))
}

fn shape(job: &RestoreJob, call: &Call) -> Members {
    let outcome = job.outcome();
    let percent = match &job.phase {
        Phase::Pending => 0.0,
        Phase::Running { since, until, .. } => percent(call.now, *since, *until),
        Phase::Ended { outcome, .. } if outcome.message.is_none() => 100.0,
        Phase::Ended { .. } => 0.0,
    };
    let expected = match &job.phase {
        Phase::Running { since, until, .. } => Some(until.duration_since(*since).as_mins().max(1)),
        Phase::Pending | Phase::Ended { .. } => None,
    };
    Members::new()
        .with("AccountId", &job.account)
        .with("RestoreJobId", &job.id)
        .with("RecoveryPointArn", &job.recovery_point_arn)
        .with("RecoveryPointCreationDate", Epoch(job.recovery_point_created_at))
        .with("SourceResourceArn", &job.source_arn)
        .with("BackupVaultArn", &job.vault_arn)
        .with("ResourceType", &job.resource_type)
        .with("IamRoleArn", &job.role_arn)
        .with("CreationDate", Epoch(job.created_at))
        .maybe("CompletionDate", outcome.map(|outcome| Epoch(outcome.at)))
        .with("Status", job.status())
        .maybe("StatusMessage", outcome.and_then(|outcome| outcome.message.as_ref()))
        .with("PercentDone", format!("{percent:.2}%"))
        .maybe("BackupSizeInBytes", size_told(&job.resource_type, 0))
        .maybe("ExpectedCompletionTimeMinutes", expected)
        .maybe("CreatedResourceArn", job.created_arn())
        .maybe("ValidationStatus", job.validation.as_ref().map(|validation| &validation.status))
        .maybe("ValidationStatusMessage", job.validation.as_ref().and_then(|validation| validation.message.as_ref()))
        .with("IsParent", false)
}

fn percent(now: jiff::Timestamp, since: jiff::Timestamp, until: jiff::Timestamp) -> f64 {
    let whole = until.duration_since(since).as_secs_f64();
    if whole <= 0.0 { 100.0 } else { (now.duration_since(since).as_secs_f64() / whole * 100.0).clamp(0.0, 100.0) }
}
