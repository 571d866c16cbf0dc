//! DescribeCopyJob, ListCopyJobs and ListCopyJobSummaries.

use super::{CopyJob, operations::no_such_job};
use crate::{
    backup::{
        filters::{JobFilters, Seen},
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

/// The short list; summaries know more `[M]`.
const STATES: &[&str] = &["CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL"];

/// DescribeCopyJob: everything is nested under `CopyJob`.
///
/// # Errors
/// RNF for an unknown job.
pub(super) fn describe_copy_job(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let id = request.path("copyJobId");
    let job = call.region(world).backup.copies.get(id).ok_or_else(|| no_such_job(id))?;
    Ok(RestReply::json(&Members::new().with("CopyJob", shape(job))))
}

/// ListCopyJobs, newest first.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_copy_jobs(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let filters = JobFilters::of(call, request, "state", STATES)?;
    let [vault, point] = ["destinationVaultArn", "sourceRecoveryPointArn"].map(|name| request.query(name));
    let jobs = call.region(world).backup.copies.iter().filter(|job| {
        filters.accept(&job.seen())
            && vault.is_none_or(|arn| arn == job.destination_vault_arn)
            && point.is_none_or(|arn| arn == job.source_point_arn)
    });
    let (jobs, next) = page.take(jobs.map(|job| (page::newest_first(job.created_at, &job.id), job)));
    let jobs: Vec<_> = jobs.into_iter().map(shape).collect();
    Ok(RestReply::json(&Members::new().with("CopyJobs", jobs).maybe("NextToken", next)))
}

/// ListCopyJobSummaries.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_copy_job_summaries(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let states = [STATES, &["ABORTING", "ABORTED", "COMPLETING", "FAILING", "ANY", "AGGREGATE_ALL"]].concat();
    let jobs = call.region(world).backup.copies.iter().map(|job| Counted {
        created_at: job.created_at,
        state: job.state(),
        resource_type: &job.resource_type,
        category: job.outcome().map_or("", |outcome| outcome.category.text()),
    });
    summaries::summarise(call, request, "CopyJobSummaries", &states, true, jobs)
}

impl CopyJob {
    fn seen(&self) -> Seen<'_> {
        Seen {
            state: self.state(),
            resource_arn: &self.resource_arn,
            resource_type: &self.resource_type,
            created_at: self.created_at,
            completed_at: self.outcome().map(|outcome| outcome.at),
            category: self.outcome().map(|outcome| outcome.category),
        }
    }
}

fn shape(job: &CopyJob) -> Members {
    let outcome = job.outcome();
    Members::new()
        .with("AccountId", &job.account)
        .with("CopyJobId", &job.id)
        .with("SourceBackupVaultArn", &job.source_vault_arn)
        .with("SourceRecoveryPointArn", &job.source_point_arn)
        .with("DestinationBackupVaultArn", &job.destination_vault_arn)
        .with("DestinationVaultType", "BACKUP_VAULT")
        .maybe("DestinationRecoveryPointArn", job.destination_point_arn())
        .maybe("DestinationRecoveryPointLifecycle", job.lifecycle.as_ref())
        .with("ResourceArn", &job.resource_arn)
        .with("ResourceType", &job.resource_type)
        .with("ResourceName", &job.resource_name)
        .with("IamRoleArn", &job.role_arn)
        .with("CreationDate", Epoch(job.created_at))
        .maybe("CompletionDate", outcome.map(|outcome| Epoch(outcome.at)))
        .with("State", job.state())
        .maybe("StatusMessage", outcome.and_then(|outcome| outcome.message.as_ref()))
        .maybe("MessageCategory", outcome.map(|outcome| outcome.category.text()))
        .maybe("BackupSizeInBytes", size_told(&job.resource_type, job.bytes))
        .maybe("CreatedBy", job.creator.as_ref())
        .maybe("CreatedByBackupJobId", job.created_by_backup_job.as_ref())
        .with("IsParent", false)
}
