//! Jobs of every kind: looking up, listing, stopping.

use aws_sdk_backup::types::{BackupJobState, CopyJobState, RestoreJobStatus};
use aws_smithy_types::DateTime;

use super::{
    Aws, Effect, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    date,
    job_answers::{copy, described_backup, described_restore, listed_backup, listed_restore},
    just_before,
};
use crate::domain::{
    Arn, AskedScope, Finding, Job, JobFilter, JobId, JobKind, JobState, JobWait, MAX_PAGE_SIZE, Page, PageRequest,
    Period, ResourceRef,
};

const DESCRIBE_BACKUP: Operation = Operation::read("backup", "DescribeBackupJob");
const DESCRIBE_RESTORE: Operation = Operation::read("backup", "DescribeRestoreJob");
const DESCRIBE_COPY: Operation = Operation::read("backup", "DescribeCopyJob");
const LIST_BACKUPS: Operation = Operation::read("backup", "ListBackupJobs");
const LIST_RESTORES: Operation = Operation::read("backup", "ListRestoreJobs");
const LIST_RESTORES_OF: Operation = Operation::read("backup", "ListRestoreJobsByProtectedResource");
const LIST_COPIES: Operation = Operation::read("backup", "ListCopyJobs");
const STOP: Operation = Operation::write("backup", "StopBackupJob");

impl Aws {
    /// A job of the kind, or of any, and what explains it: what it waits for, or what its end means. What cannot be read
    /// only costs its part of the explanation.
    pub async fn explain_job(
        &self,
        asked: &AskedScope,
        id: &JobId,
        kind: Option<JobKind>,
    ) -> Result<(Job, Option<JobWait>, Vec<Finding>), Error> {
        let clients = self.clients(asked).await?;
        let job = clients.find_job(id, kind).await?;
        if !job.is_waiting() {
            let findings = job.findings_of_end();
            return Ok((job, None, findings));
        }
        let database = async {
            let (named, _) = ResourceRef::parse(&job.resource_arn).ok().filter(|_| job.kind == JobKind::Backup)?;
            self.get_resource(asked, &named).await.ok()
        };
        let (others, database) = tokio::join!(clients.open_jobs_beside(&job), database);
        let blocking = job.blocked_by(&others);
        let now = self.now();
        let wait = job.wait(blocking, now);
        let findings = job.findings_of_wait(blocking, database.as_ref(), now);
        Ok((job, Some(wait), findings))
    }

    /// A page of jobs: backups, then restores, then copies. A kind that cannot have the state is passed over.
    pub async fn list_jobs(
        &self,
        asked: &AskedScope,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, Error> {
        let clients = self.clients(asked).await?;
        let kinds: Vec<JobKind> = filter.kinds().collect();
        let Some(first) = kinds.first() else { return Ok(Page { items: Vec::new(), next: None }) };
        let mut place = match &page.cursor {
            Some(cursor) => Place::parse(cursor).filter(|place| kinds.contains(&place.kind)).ok_or_else(|| {
                let message = "page_token is not a token of this server";
                Error::found(LIST_BACKUPS.name, Kind::Rejected, Noun::Job, cursor, message)
            })?,
            None => Place { kind: *first, token: None },
        };
        let size = usize::from(page.size);
        let mut items = Vec::new();
        loop {
            let wanted = size - items.len();
            let found = clients.list(&place, filter, i32::try_from(wanted).unwrap_or(i32::MAX)).await?;
            items.extend(found.items);
            let next_kind = kinds.iter().skip_while(|kind| **kind != place.kind).nth(1);
            place = match (found.next, next_kind) {
                // The page may be short: what AWS gives at once is a page.
                (Some(token), _) => {
                    let next = Place { kind: place.kind, token: Some(token) };
                    return Ok(Page { items, next: Some(next.to_string()) });
                }
                (None, Some(kind)) => Place { kind: *kind, token: None },
                (None, None) => return Ok(Page { items, next: None }),
            };
            if items.len() >= size {
                return Ok(Page { items, next: Some(place.to_string()) });
            }
        }
    }

    /// Stops a backup job. What AWS never stops is refused without asking AWS to; what is being stopped, or is, is left.
    pub async fn cancel_job(&self, asked: &AskedScope, id: &JobId) -> Result<Job, Error> {
        let clients = self.clients(asked).await?;
        let job = clients.find_job(id, None).await?;
        if matches!(job.state, JobState::Aborting | JobState::Aborted) {
            return Ok(job);
        }
        if let Some(reason) = job.reason_not_cancellable() {
            return Err(Error::found(STOP.name, Kind::NotCancellable, Noun::Job, id.as_str(), reason));
        }
        match call(STOP, clients.backup.stop_backup_job().backup_job_id(id.as_str()).send()).await {
            Ok(_) => {}
            // An attempt before stopped it and its answer was lost: the job tells, below.
            Err(error) if error.kind == Kind::State && error.effect == Effect::Unknown => {}
            // It ended meanwhile, or AWS does not stop this type of resource: AWS says which.
            Err(error) if error.kind == Kind::State => {
                return Err(error.as_kind(Kind::NotCancellable).about(Noun::Job, id));
            }
            Err(error) => return Err(error.about(Noun::Job, id)),
        }
        let job = clients.describe_job(id, JobKind::Backup).await.map_err(|error| error.after(STOP.name))?;
        match job.reason_not_cancellable() {
            Some(reason) if !matches!(job.state, JobState::Aborting | JobState::Aborted) => {
                Err(Error::found(STOP.name, Kind::NotCancellable, Noun::Job, id.as_str(), reason))
            }
            _ => Ok(job),
        }
    }
}

impl Clients {
    /// A job; of any kind when none is given, which asks AWS up to three times.
    pub(super) async fn find_job(&self, id: &JobId, kind: Option<JobKind>) -> Result<Job, Error> {
        if let Some(kind) = kind {
            return self.describe_job(id, kind).await;
        }
        match self.describe_job(id, JobKind::Backup).await {
            Err(error) if error.kind == Kind::NotFound => {}
            answer => return answer,
        }
        match self.describe_job(id, JobKind::Restore).await {
            Err(error) if error.kind == Kind::NotFound => self.describe_job(id, JobKind::Copy).await,
            answer => answer,
        }
    }

    /// A job of a known kind.
    pub(super) async fn describe_job(&self, id: &JobId, kind: JobKind) -> Result<Job, Error> {
        let (id, scope) = (id.as_str(), &self.scope);
        let job = match kind {
            JobKind::Backup => call(DESCRIBE_BACKUP, self.backup.describe_backup_job().backup_job_id(id).send())
                .await
                .map(|answer| described_backup(answer, scope)),
            JobKind::Restore => call(DESCRIBE_RESTORE, self.backup.describe_restore_job().restore_job_id(id).send())
                .await
                .map(|answer| described_restore(answer, scope)),
            JobKind::Copy => {
                let answer = call(DESCRIBE_COPY, self.backup.describe_copy_job().copy_job_id(id).send()).await;
                answer.and_then(|answer| {
                    let job = answer.copy_job.ok_or_else(|| Error::malformed(DESCRIBE_COPY.name, "CopyJob"))?;
                    Ok(copy(job, scope))
                })
            }
        };
        job.map_err(|error| error.about(Noun::Job, id))
    }

    /// The backups and copies of the job's resource that wait or run.
    async fn open_jobs_beside(&self, job: &Job) -> Vec<Job> {
        let Some(resource) = Arn::parse(&job.resource_arn).ok().filter(|_| job.kind != JobKind::Restore) else {
            return Vec::new();
        };
        let list = |kind, state| {
            let filter = JobFilter { state: Some(state), resource: Some(resource.clone()), ..JobFilter::default() };
            async move {
                let page = self.list(&Place { kind, token: None }, &filter, MAX_PAGE_SIZE.into()).await;
                page.map(|page| page.items).unwrap_or_default()
            }
        };
        let (running, created, copying, to_copy) = tokio::join!(
            list(JobKind::Backup, JobState::Running),
            list(JobKind::Backup, JobState::Created),
            list(JobKind::Copy, JobState::Running),
            list(JobKind::Copy, JobState::Created),
        );
        [running, created, copying, to_copy].concat()
    }

    async fn list(&self, place: &Place, filter: &JobFilter, size: i32) -> Result<Page<Job>, Error> {
        let (token, scope) = (place.token.clone(), &self.scope);
        let state = filter.state.as_ref().map(JobState::word);
        let resource = filter.resource.as_ref().map(|arn| arn.as_str().to_owned());
        let (after, before) = bounds(filter.created);
        let (completed_after, completed_before) = bounds(filter.completed);
        let parent = filter.parent.as_ref().map(ToString::to_string);
        let (items, next): (Vec<Job>, _) = match (place.kind, resource) {
            (JobKind::Backup, resource) => {
                let sent = self
                    .backup
                    .list_backup_jobs()
                    .max_results(size)
                    .set_next_token(token)
                    .set_by_state(state.map(BackupJobState::from))
                    .set_by_resource_arn(resource)
                    .set_by_resource_type(filter.resource_type.clone())
                    .set_by_backup_vault_name(filter.vault.as_ref().map(ToString::to_string))
                    .set_by_created_after(after)
                    .set_by_created_before(before)
                    .set_by_complete_after(completed_after)
                    .set_by_complete_before(completed_before)
                    .set_by_message_category(filter.category.clone())
                    .set_by_parent_job_id(parent);
                let answer = call(LIST_BACKUPS, sent.send()).await?;
                let jobs = answer.backup_jobs.unwrap_or_default();
                (jobs.into_iter().map(|job| listed_backup(job, scope)).collect(), answer.next_token)
            }
            (JobKind::Restore, None) => {
                let sent = self
                    .backup
                    .list_restore_jobs()
                    .max_results(size)
                    .set_next_token(token)
                    .set_by_status(state.map(RestoreJobStatus::from))
                    .set_by_resource_type(filter.resource_type.clone())
                    .set_by_created_after(after)
                    .set_by_created_before(before)
                    .set_by_complete_after(completed_after)
                    .set_by_complete_before(completed_before)
                    .set_by_parent_job_id(parent);
                let answer = call(LIST_RESTORES, sent.send()).await?;
                let jobs = answer.restore_jobs.unwrap_or_default();
                (jobs.into_iter().map(|job| listed_restore(job, scope)).collect(), answer.next_token)
            }
            // It filters by state alone; the conversion of the request refuses the rest.
            (JobKind::Restore, Some(resource)) => {
                let sent = self
                    .backup
                    .list_restore_jobs_by_protected_resource()
                    .resource_arn(resource)
                    .max_results(size)
                    .set_next_token(token)
                    .set_by_status(state.map(RestoreJobStatus::from));
                match call(LIST_RESTORES_OF, sent.send()).await {
                    Ok(answer) => {
                        let jobs = answer.restore_jobs.unwrap_or_default();
                        (jobs.into_iter().map(|job| listed_restore(job, scope)).collect(), answer.next_token)
                    }
                    // A resource that AWS Backup never saw has no restores; a filter that nothing fits is no error.
                    Err(error) if error.kind == Kind::NotFound => (Vec::new(), None),
                    Err(error) => return Err(error),
                }
            }
            (JobKind::Copy, resource) => {
                let sent = self
                    .backup
                    .list_copy_jobs()
                    .max_results(size)
                    .set_next_token(token)
                    .set_by_state(state.map(CopyJobState::from))
                    .set_by_resource_arn(resource)
                    .set_by_resource_type(filter.resource_type.clone())
                    .set_by_destination_vault_arn(filter.destination_vault.as_ref().map(ToString::to_string))
                    .set_by_created_after(after)
                    .set_by_created_before(before)
                    .set_by_complete_after(completed_after)
                    .set_by_complete_before(completed_before)
                    .set_by_message_category(filter.category.clone())
                    .set_by_parent_job_id(parent)
                    .set_by_source_recovery_point_arn(filter.source.as_ref().map(ToString::to_string));
                let answer = call(LIST_COPIES, sent.send()).await?;
                let jobs = answer.copy_jobs.unwrap_or_default();
                (jobs.into_iter().map(|job| copy(job, scope)).collect(), answer.next_token)
            }
        };
        Ok(Page { items, next })
    }

    /// The restore jobs that may have made the resource from the recovery point: those that say so, and those that do
    /// not say what they made. Reads every page: AWS cannot filter by either.
    pub(super) async fn restores_from(
        &self,
        recovery_point_arn: &str,
        created_resource_arn: &str,
    ) -> Result<Vec<Job>, Error> {
        let mut restores = Vec::new();
        let mut token = None;
        loop {
            let sent = self.backup.list_restore_jobs().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = call(LIST_RESTORES, sent.send()).await?;
            let jobs = answer.restore_jobs.unwrap_or_default();
            restores.extend(jobs.into_iter().map(|job| listed_restore(job, &self.scope)).filter(|job| {
                job.recovery_point_arn == recovery_point_arn
                    && (job.created_resource_arn.is_empty() || job.created_resource_arn == created_resource_arn)
            }));
            token = answer.next_token;
            if token.is_none() {
                return Ok(restores);
            }
        }
    }
}

fn bounds(period: Period) -> (Option<DateTime>, Option<DateTime>) {
    (period.after.map(just_before), period.before.map(date))
}

/// Where a page of jobs begins: a kind, and AWS's token within it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    kind: JobKind,
    token: Option<String>,
}

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let (kind, token) = cursor.split_once(' ')?;
        let kind = JobKind::ALL.into_iter().find(|known| known.to_string() == kind)?;
        Some(Self { kind, token: (!token.is_empty()).then(|| token.to_owned()) })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.token.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_its_cursor(kind in 0usize..3, token in proptest::option::of("\\PC{1,60}")) {
            let place = Place { kind: JobKind::ALL[kind], token };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }

        #[test]
        fn any_text_is_a_place_or_none(cursor in "\\PC{0,60}") {
            let _ = Place::parse(&cursor);
        }
    }
}
