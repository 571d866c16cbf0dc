//! DescribeBackupJob, ListBackupJobs and ListBackupJobSummaries: what can be seen of a job (section 5.1).

use super::{BackupJob, Phase, operations::no_such_job};
use crate::{
    backup::{
        State,
        filters::JobFilters,
        job_store::Job,
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

const STATES: &[&str] =
    &["CREATED", "PENDING", "RUNNING", "ABORTING", "ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"];

/// DescribeBackupJob.
///
/// # Errors
/// RNF for an unknown job, or one that is older than the history.
pub(super) fn describe_backup_job(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let id = request.path("backupJobId");
    let backup = &call.region(world).backup;
    let job = backup.jobs.get(id).ok_or_else(|| no_such_job(id))?;
    Ok(RestReply::json(&shape(job, backup, call)))
}

/// ListBackupJobs: all filters together (AND), newest first.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_backup_jobs(world: &mut World, call: &Call, request: &RestRequest) -> Result<RestReply, AwsError> {
    let page = Page::of(request)?;
    let filters = JobFilters::of(call, request, "state", STATES)?;
    let vault = request.query("backupVaultName");
    let backup = &call.region(world).backup;
    let found =
        backup.jobs.iter().filter(|job| filters.accept(&job.seen()) && vault.is_none_or(|name| name == job.vault_name));
    let (jobs, next) = page.take(found.map(|job| (page::newest_first(job.created_at, &job.id), job)));
    let jobs: Vec<_> = jobs.into_iter().map(|job| shape(job, backup, call)).collect();
    Ok(RestReply::json(&Members::new().with("BackupJobs", jobs).maybe("NextToken", next)))
}

/// ListBackupJobSummaries.
///
/// # Errors
/// IPV for a bad filter or page.
pub(super) fn list_backup_job_summaries(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<RestReply, AwsError> {
    let states = [STATES, &["ANY", "AGGREGATE_ALL"]].concat();
    let jobs = call.region(world).backup.jobs.iter().map(|job| Counted {
        created_at: job.created_at,
        state: job.state(),
        resource_type: &job.resource_type,
        category: job.outcome().map_or("", |outcome| outcome.category.text()),
    });
    summaries::summarise(call, request, "BackupJobSummaries", &states, true, jobs)
}

impl BackupJob {
    /// What the common filters look at.
    fn seen(&self) -> crate::backup::filters::Seen<'_> {
        crate::backup::filters::Seen {
            state: self.state(),
            resource_arn: &self.resource_arn,
            resource_type: &self.resource_type,
            created_at: self.created_at,
            completed_at: self.outcome().map(|outcome| outcome.at),
            category: self.outcome().map(|outcome| outcome.category),
        }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Option<&crate::backup::outcome::Outcome> {
        match &self.phase {
            Phase::Ended(outcome) => Some(outcome),
            Phase::Created | Phase::Running(_) | Phase::Aborting => None,
        }
    }
}

fn shape(job: &BackupJob, backup: &State, call: &Call) -> Members {
    let (percent, run) = match &job.phase {
        Phase::Running(run) => (run.percent(call.now), Some(run)),
        Phase::Ended(outcome) if outcome.recovery_point_arn.is_some() => (100.0, None),
        Phase::Created | Phase::Aborting | Phase::Ended(_) => (0.0, None),
    };
    let outcome = job.outcome();
    let point_arn = run
        .map(|run| &run.recovery_point_arn)
        .or_else(|| outcome.and_then(|outcome| outcome.recovery_point_arn.as_ref()));
    let point = point_arn.and_then(|arn| backup.recovery_points.get(arn));
    let completed = job.ended() && point_arn.is_some();
    let bytes = match &job.phase {
        Phase::Running(run) => partial(job.bytes, run.percent(call.now)),
        Phase::Ended(_) if completed => job.bytes,
        Phase::Created | Phase::Aborting | Phase::Ended(_) => 0,
    };
    let vault = backup.vaults.0.get(&job.vault_name);
    Members::new()
        .with("AccountId", &job.account)
        .with("BackupJobId", &job.id)
        .with("BackupVaultName", &job.vault_name)
        .with("BackupVaultArn", &job.vault_arn)
        .with("VaultType", "BACKUP_VAULT")
        .maybe("VaultLockState", vault.map(|vault| if vault.lock.is_some() { "LOCKED" } else { "UNLOCKED" }))
        .maybe("RecoveryPointArn", point_arn)
        .maybe("RecoveryPointLifecycle", job.lifecycle.as_ref())
        .maybe("EncryptionKeyArn", point.and_then(|point| point.encryption_key_arn.as_ref()))
        .with("IsEncrypted", point.is_some_and(|point| point.encryption_key_arn.is_some()))
        .with("ResourceArn", &job.resource_arn)
        .with("ResourceType", &job.resource_type)
        .with("ResourceName", &job.resource_name)
        .with("IamRoleArn", &job.role_arn)
        .with("CreationDate", Epoch(job.created_at))
        .with("InitiationDate", Epoch(job.created_at))
        .with("StartBy", Epoch(job.start_by))
        .maybe("ExpectedCompletionDate", run.map(|run| Epoch(run.until)))
        .maybe("CompletionDate", outcome.map(|outcome| Epoch(outcome.at)))
        .with("State", job.state())
        .maybe("StatusMessage", outcome.and_then(|outcome| outcome.message.as_ref()))
        .maybe("MessageCategory", outcome.map(|outcome| outcome.category.text()))
        .with("PercentDone", format!("{percent:.1}"))
        .with("BytesTransferred", bytes)
        .maybe("BackupSizeInBytes", completed.then(|| size_told(&job.resource_type, job.bytes)).flatten())
        .maybe("CreatedBy", job.creator.as_ref())
        .maybe("BackupOptions", (!job.options.is_empty()).then_some(&job.options))
        .with("IsParent", false)
}

/// So much of `bytes`, in whole numbers.
fn partial(bytes: i64, percent: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a percentage from 0 to 100, in tenths")]
    let tenths = (percent * 10.0) as i64;
    bytes / 1000 * tenths
}
