//! Jobs.

use super::{reader::Reader, timestamp};
use crate::{
    aws::CheckedCopy,
    domain::{
        Arn, AskedScope, Destination, Finding, Invalid, Job, JobFilter, JobId, JobKind, JobState, JobWait,
        MOST_RECOVERY_POINT_TAGS, Noted, PageRequest, PlanOrigin, StartBackup, StartCopy, Warning, Windows,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn start_backup(request: proto::StartBackupRequest) -> Result<(AskedScope, StartBackup), Invalid> {
    let proto::StartBackupRequest {
        scope,
        resource_arn,
        vault,
        role,
        lifecycle,
        start_window_minutes,
        completion_window_minutes,
        recovery_point_tags,
        request_id,
    } = request;
    let mut read = Reader::new(scope);
    let resource = read.arn("resource_arn", &resource_arn);
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
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let start = StartBackup {
            resource: resource?,
            vault: vault?,
            role: role?,
            lifecycle: lifecycle?,
            windows: Windows { start_minutes: start?, completion_minutes: completion? },
            tags: tags?,
            request_id: request_id?,
        };
        Ok((scope, start))
    })
}

/// The answer shows what was filled in.
pub(in crate::rpc) fn started(start: &StartBackup, job: Job, warnings: Vec<Warning>) -> proto::StartBackupResponse {
    proto::StartBackupResponse {
        job: Some(job.into()),
        warnings: warnings.into_iter().map(Into::into).collect(),
        lifecycle: Some(start.lifecycle.clone().into()),
        start_window_minutes: minutes(start.windows.start_minutes),
        completion_window_minutes: minutes(start.windows.completion_minutes),
    }
}

/// A hundred years of minutes fit.
fn minutes(minutes: i64) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

pub(in crate::rpc) fn start_copy(request: proto::StartCopyRequest) -> Result<(AskedScope, StartCopy), Invalid> {
    let proto::StartCopyRequest {
        scope,
        recovery_point_arn,
        vault,
        destination_vault_arn,
        role,
        lifecycle,
        request_id,
        validate_only: _,
    } = request;
    let mut read = Reader::new(scope);
    let recovery_point = read.arn("recovery_point_arn", &recovery_point_arn);
    let vault = read.vault("vault", &vault);
    // Elsewhere, rightly: it says nothing of where the recovery point is.
    let destination = read.note("destination_vault_arn", Destination::parse(&destination_vault_arn));
    let role = read.role("role", &role);
    let lifecycle = match lifecycle {
        None => Ok(None),
        given => read.lifecycle("lifecycle", given).map(Some),
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        let copy = StartCopy {
            recovery_point: recovery_point?,
            vault: vault?,
            destination: destination?,
            role: role?,
            lifecycle: lifecycle?,
            request_id: request_id?,
        };
        Ok((scope, copy))
    })
}

/// The answer shows what was filled in.
pub(in crate::rpc) fn copied(job: Option<Job>, checked: CheckedCopy) -> proto::StartCopyResponse {
    proto::StartCopyResponse {
        job: job.map(Into::into),
        lifecycle: Some(checked.lifecycle.into()),
        warnings: checked.warnings.into_iter().map(Into::into).collect(),
    }
}

/// A job and what explains it.
pub(in crate::rpc) fn explained(job: Job, wait: Option<JobWait>, findings: Vec<Finding>) -> proto::GetJobResponse {
    proto::GetJobResponse {
        job: Some(job.into()),
        wait: wait.map(Into::into),
        findings: findings.into_iter().map(Into::into).collect(),
    }
}

pub(in crate::rpc) fn get(request: proto::GetJobRequest) -> Result<(AskedScope, JobId, Option<JobKind>), Invalid> {
    let proto::GetJobRequest { scope, job_id, kind } = request;
    let mut read = Reader::new(scope);
    let id = read.note("job_id", JobId::parse(&job_id));
    let kind = read.job_kind(kind);
    read.conclude(|scope| Ok((scope, id?, kind?)))
}

pub(in crate::rpc) fn cancel(request: proto::CancelJobRequest) -> Result<(AskedScope, JobId), Invalid> {
    let proto::CancelJobRequest { scope, job_id, request_id } = request;
    let mut read = Reader::new(scope);
    let id = read.note("job_id", JobId::parse(&job_id));
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, id?))
    })
}

pub(in crate::rpc) fn list(
    mut request: proto::ListJobsRequest,
) -> Result<(AskedScope, JobFilter, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListJobs", &request, size, &token);
    let proto::ListJobsRequest {
        scope: _,
        kind,
        state,
        resource_arn,
        resource_type,
        vault,
        create_time,
        page_size: _,
        page_token: _,
        completion_time,
        message_category,
        parent_job_id,
        source_recovery_point_arn,
    } = request;
    let kind = read.job_kind(kind);
    let state = read.job_state(state, kind.ok().flatten());
    let resource = match resource_arn.as_str() {
        "" => Ok(None),
        // A copy may be here of a resource elsewhere: the resource only fills in what nothing else says.
        text => read.note("resource_arn", Arn::parse(text)).inspect(|arn| read.hint(arn.scope())).map(Some),
    };
    let resource_type = read.resource_type(&resource_type);
    let created = read.period("create_time", create_time);
    let completed = read.period("completion_time", completion_time);
    let category = read.message_category(&message_category);
    let parent = match parent_job_id.as_str() {
        "" => Ok(None),
        id => read.note("parent_job_id", JobId::parse(id)).map(Some),
    };
    let source = match source_recovery_point_arn.as_str() {
        "" => Ok(None),
        text => {
            read.note("source_recovery_point_arn", Arn::parse(text)).inspect(|arn| read.hint(arn.scope())).map(Some)
        }
    };
    let may_restore = matches!(kind, Ok(None | Some(JobKind::Restore)));
    if may_restore && matches!(category, Ok(Some(_))) {
        read.fault("message_category", "needs kind BACKUP or COPY: restores have none");
    }
    if !matches!(kind, Ok(Some(JobKind::Copy)) | Err(_)) && matches!(source, Ok(Some(_))) {
        read.fault("source_recovery_point_arn", "needs kind COPY: AWS cannot filter other jobs by it");
    }
    let (mut into, mut copied_into) = (Ok(None), Ok(None));
    if !vault.is_empty() {
        match kind {
            Ok(Some(JobKind::Backup)) => into = read.vault("vault", &vault).map(Some),
            Ok(Some(JobKind::Copy)) => copied_into = destination(&mut read, &vault).map(Some),
            Ok(None | Some(JobKind::Restore)) => {
                let fault = "needs kind BACKUP or COPY: AWS cannot filter restores by their vault";
                into = Err(read.fault("vault", fault));
            }
            Err(noted) => into = Err(noted),
        }
    }
    // ListRestoreJobsByProtectedResource filters by the status alone.
    if may_restore && !resource_arn.is_empty() {
        let advice = "cannot go with resource_arn: AWS cannot filter the restores of a resource by it; leave one of the two out, \
                      or give kind BACKUP or COPY";
        if matches!(&resource_type, Ok(Some(_))) {
            read.fault("resource_type", advice);
        }
        if created.is_ok_and(|created| !created.is_unbounded()) {
            read.fault("create_time", advice);
        }
        if completed.is_ok_and(|completed| !completed.is_unbounded()) {
            read.fault("completion_time", advice);
        }
        if matches!(&parent, Ok(Some(_))) {
            read.fault("parent_job_id", advice);
        }
    }
    read.conclude(|scope| {
        let (page, query) = page?;
        let filter = JobFilter {
            kind: kind?,
            state: state?,
            resource: resource?,
            resource_type: resource_type?,
            vault: into?,
            destination_vault: copied_into?,
            created: created?,
            completed: completed?,
            category: category?,
            parent: parent?,
            source: source?,
        };
        Ok((scope, filter, page, query))
    })
}

/// The vault that copies go to. It may be in another account and region than the job, so its ARN says nothing of where
/// to look.
fn destination(read: &mut Reader, text: &str) -> Result<Arn, Noted> {
    let arn = read.note("vault", Arn::parse(text))?;
    if arn.service() == "backup" && arn.resource_of_kind("backup-vault").is_some() {
        Ok(arn)
    } else {
        Err(read.fault(
            "vault",
            format!("{arn} is not a vault's ARN: copies are filtered by the ARN of the vault they go to"),
        ))
    }
}

impl Reader {
    fn job_kind(&mut self, kind: i32) -> Result<Option<JobKind>, Noted> {
        match proto::JobKind::try_from(kind) {
            Ok(proto::JobKind::Unspecified) => Ok(None),
            Ok(proto::JobKind::Backup) => Ok(Some(JobKind::Backup)),
            Ok(proto::JobKind::Restore) => Ok(Some(JobKind::Restore)),
            Ok(proto::JobKind::Copy) => Ok(Some(JobKind::Copy)),
            Err(_) => Err(self.fault("kind", format!("{kind} is not a kind of job"))),
        }
    }

    fn job_state(&mut self, state: i32, kind: Option<JobKind>) -> Result<Option<JobState>, Noted> {
        use proto::JobState as P;
        let state = match P::try_from(state) {
            Ok(P::Unspecified) => return Ok(None),
            Ok(P::Created) => JobState::Created,
            Ok(P::Pending) => JobState::Pending,
            Ok(P::Running) => JobState::Running,
            Ok(P::Aborting) => JobState::Aborting,
            Ok(P::Aborted) => JobState::Aborted,
            Ok(P::Completed) => JobState::Completed,
            Ok(P::Failed) => JobState::Failed,
            Ok(P::Expired) => JobState::Expired,
            Ok(P::Partial) => JobState::Partial,
            Err(_) => return Err(self.fault("state", format!("{state} is not a state of jobs"))),
        };
        match kind.filter(|kind| !kind.has_state(&state)) {
            Some(kind) => Err(self.fault("state", format!("{} is not a state of {kind} jobs", state.word()))),
            None => Ok(Some(state)),
        }
    }

    /// AWS does not list its categories `[U]`; they are words.
    fn message_category(&mut self, text: &str) -> Result<Option<String>, Noted> {
        match text {
            "" => Ok(None),
            text if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                Ok(Some(text.to_owned()))
            }
            _ => {
                Err(self
                    .fault("message_category", "is not a category of messages: one is a word, such as AccessDenied"))
            }
        }
    }

    /// AWS Backup's name of a type, such as `RDS` or `SAP HANA on Amazon EC2`; new ones need no release.
    pub(in crate::rpc) fn resource_type(&mut self, text: &str) -> Result<Option<String>, Noted> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
        match text {
            "" => Ok(None),
            text if text.len() <= 50 && text.bytes().all(allowed) => Ok(Some(text.to_owned())),
            _ => Err(self.fault("resource_type", "is not a type of AWS Backup: it has 1–50 characters, such as RDS")),
        }
    }
}

impl From<Job> for proto::Job {
    fn from(job: Job) -> Self {
        let completed_with_issues = job.completed_with_issues();
        Self {
            id: job.id,
            kind: kind(job.kind).into(),
            scope: Some(job.scope.into()),
            state: state(&job.state).into(),
            state_text: job.state.word().to_owned(),
            percent_done: job.percent_done,
            status_message: job.status_message,
            message_category: job.message_category,
            completed_with_issues,
            resource_arn: job.resource_arn,
            resource_type: job.resource_type,
            resource_name: job.resource_name,
            vault_name: vault_name(&job.vault_arn),
            vault_arn: job.vault_arn,
            recovery_point_arn: job.recovery_point_arn,
            role_arn: job.role_arn,
            create_time: job.created_at.map(timestamp),
            start_by_time: job.start_by.map(timestamp),
            expected_completion_time: job.expected_completion_at.map(timestamp),
            completion_time: job.completed_at.map(timestamp),
            bytes_transferred: job.bytes_transferred,
            backup_size_bytes: job.backup_size_bytes,
            lifecycle: job.lifecycle.map(Into::into),
            created_by: job.created_by.map(Into::into),
            created_resource_arn: job.created_resource_arn,
            destination_vault_arn: job.destination_vault_arn,
            destination_recovery_point_arn: job.destination_recovery_point_arn,
            parent_job_id: job.parent_job_id,
        }
    }
}

impl From<JobWait> for proto::JobWait {
    fn from(wait: JobWait) -> Self {
        let (blocking_job_id, blocking_job_kind) = match wait.blocking {
            Some((id, blocking)) => (id, kind(blocking)),
            None => (String::new(), proto::JobKind::Unspecified),
        };
        Self {
            start_by_time: wait.start_by.map(timestamp),
            window_left: wait
                .window_left
                .map(|left| prost_types::Duration { seconds: left.as_secs(), nanos: left.subsec_nanos() }),
            blocking_job_id,
            blocking_job_kind: blocking_job_kind.into(),
            message: wait.message,
        }
    }
}

fn vault_name(arn: &str) -> String {
    let name = Arn::parse(arn).ok().and_then(|arn| arn.resource_of_kind("backup-vault").map(str::to_owned));
    name.unwrap_or_default()
}

fn kind(kind: JobKind) -> proto::JobKind {
    match kind {
        JobKind::Backup => proto::JobKind::Backup,
        JobKind::Restore => proto::JobKind::Restore,
        JobKind::Copy => proto::JobKind::Copy,
    }
}

fn state(state: &JobState) -> proto::JobState {
    match state {
        JobState::Created => proto::JobState::Created,
        JobState::Pending => proto::JobState::Pending,
        JobState::Running => proto::JobState::Running,
        JobState::Aborting => proto::JobState::Aborting,
        JobState::Aborted => proto::JobState::Aborted,
        JobState::Completed => proto::JobState::Completed,
        JobState::Failed => proto::JobState::Failed,
        JobState::Expired => proto::JobState::Expired,
        JobState::Partial => proto::JobState::Partial,
        JobState::Unknown(_) => proto::JobState::Unspecified,
    }
}

impl From<PlanOrigin> for proto::PlanOrigin {
    fn from(origin: PlanOrigin) -> Self {
        Self {
            plan_id: origin.plan_id,
            plan_arn: origin.plan_arn,
            plan_name: origin.plan_name,
            plan_version: origin.plan_version,
            rule_id: origin.rule_id,
            rule_name: origin.rule_name,
            schedule: origin.schedule,
            schedule_timezone: origin.timezone,
        }
    }
}

#[cfg(test)]
mod tests;
