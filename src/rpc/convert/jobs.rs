//! Jobs that are started, looked up and stopped. What a job is told as: `job_answers`; what lists filter by: `job_filter`.

use std::time::Duration;

use jiff::Timestamp;

use super::{findings, reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, CheckedCopy, ExplainedJob, Finding, GetJob, Invalid, Job, JobId, JobKind, MOST_RECOVERY_POINT_TAGS,
        StartBackup, StartCopy, Windows,
    },
    proto,
};

pub(in crate::rpc) fn start_backup(request: proto::StartBackupRequest) -> Result<Asked<StartBackup>, Invalid> {
    let proto::StartBackupRequest {
        scope,
        resource,
        vault,
        role,
        lifecycle,
        start_window_minutes,
        completion_window_minutes,
        recovery_point_tags,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let resource = read.backed_up("resource", &resource);
    let vault = read.vault("vault", &vault);
    let role = read.role("role", &role);
    let lifecycle = read.lifecycle("lifecycle", lifecycle);
    let start = match start_window_minutes {
        None => Ok(StartBackup::DEFAULT_WINDOWS.start_minutes),
        Some(minutes) => read.note("start_window_minutes", Windows::parse_start(minutes)),
    };
    let start_or_default = start.unwrap_or(StartBackup::DEFAULT_WINDOWS.start_minutes);
    let completion = match completion_window_minutes {
        None => Ok(StartBackup::completion_for(start_or_default)),
        Some(minutes) => {
            let checked = Windows::check_completion(minutes.into(), start_or_default);
            read.note("completion_window_minutes", checked)
        }
    };
    let tags = read.tags("recovery_point_tags", recovery_point_tags, MOST_RECOVERY_POINT_TAGS);
    read.conclude(|| {
        Ok(StartBackup {
            resource: resource?,
            vault: vault?,
            role: role?,
            lifecycle: lifecycle?,
            windows: Windows { start_minutes: start?, completion_minutes: completion? },
            tags: tags?,
        })
    })
}

/// The answer shows what was filled in.
pub(in crate::rpc) fn started(
    start: &StartBackup,
    job: Option<Job>,
    found: Vec<Finding>,
) -> proto::StartBackupResponse {
    proto::StartBackupResponse {
        job: job.map(Into::into),
        lifecycle: Some(start.lifecycle.clone().into()),
        start_window_minutes: minutes(start.windows.start_minutes),
        completion_window_minutes: minutes(start.windows.completion_minutes),
        findings: findings(found),
        request_id: String::new(),
    }
}

/// A hundred years of minutes fit.
fn minutes(minutes: i64) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

pub(in crate::rpc) fn start_copy(request: proto::StartCopyRequest) -> Result<Asked<StartCopy>, Invalid> {
    let proto::StartCopyRequest {
        scope,
        recovery_point,
        vault,
        destination_vault,
        role,
        lifecycle,
        request_id,
        validate_only,
    } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let recovery_point = read.recovery_point("recovery_point", &recovery_point);
    let vault = read.vault("vault", &vault);
    // Elsewhere, rightly: it says nothing of where the recovery point is.
    let destination = read.destination("destination_vault", &destination_vault);
    let role = read.role("role", &role);
    let lifecycle = match lifecycle {
        None => Ok(None),
        given => read.lifecycle("lifecycle", given).map(Some),
    };
    read.conclude(|| {
        Ok(StartCopy {
            recovery_point: recovery_point?,
            vault: vault?,
            destination: destination?,
            role: role?,
            lifecycle: lifecycle?,
        })
    })
}

/// The answer shows what was filled in.
pub(in crate::rpc) fn copied(job: Option<Job>, checked: CheckedCopy) -> proto::StartCopyResponse {
    proto::StartCopyResponse {
        job: job.map(Into::into),
        lifecycle: Some(checked.lifecycle.into()),
        findings: findings(checked.findings),
        request_id: String::new(),
    }
}

pub(in crate::rpc) fn get(request: proto::GetJobRequest) -> Result<Asked<GetJob>, Invalid> {
    let proto::GetJobRequest { scope, job, kind, read: from } = request;
    let mut read = Reader::new(scope);
    let id = read.note("job", JobId::parse(&job));
    let kind = read.job_kind("kind", kind);
    let from = read.read_from("read", from);
    read.conclude(|| Ok(GetJob { id: id?, kind: kind?, read: from? }))
}

/// A job that is waited for.
pub(in crate::rpc) struct WaitJob {
    pub(in crate::rpc) id: JobId,
    pub(in crate::rpc) kind: Option<JobKind>,
    pub(in crate::rpc) patience: Duration,
}

pub(in crate::rpc) fn wait(request: proto::WaitJobRequest) -> Result<Asked<WaitJob>, Invalid> {
    let proto::WaitJobRequest { scope, job, kind, wait_seconds } = request;
    let mut read = Reader::new(scope);
    let id = read.note("job", JobId::parse(&job));
    let kind = read.job_kind("kind", kind);
    let patience = match wait_seconds {
        0 => Ok(Duration::from_secs(60)),
        seconds @ 1..=120 => Ok(Duration::from_secs(u64::from(seconds.unsigned_abs()))),
        other => Err(read.fault("wait_seconds", format!("{other} is not 1 to 120: leave it blank for 60"))),
    };
    read.conclude(|| Ok(WaitJob { id: id?, kind: kind?, patience: patience? }))
}

/// A job and what explains it.
pub(in crate::rpc) fn explained(explained: ExplainedJob, now: Timestamp, read: proto::Read) -> proto::GetJobResponse {
    proto::GetJobResponse {
        read: read.into(),
        job: Some(explained.job.into()),
        wait: explained.wait.map(Into::into),
        findings: findings(explained.findings),
        as_of: Some(timestamp(now)),
    }
}

pub(in crate::rpc) fn cancel(request: proto::CancelJobRequest) -> Result<Asked<JobId>, Invalid> {
    let proto::CancelJobRequest { scope, job, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let id = read.note("job", JobId::parse(&job));
    read.conclude(|| id)
}

#[cfg(test)]
mod tests;
