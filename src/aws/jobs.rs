//! Jobs of every kind: looking up, listing, stopping.

pub(super) mod lists;

use futures_util::TryStreamExt;

use super::{
    Effect, Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    job_answers::{copy, described_backup, described_restore, listed_restore},
    pages::{MOST_LISTS, pages},
    unmatched::{Sought, Thing, Wanted, nothing_found},
};
use crate::domain::{
    Arn, Asked, Cursor, DatabaseRef, ExplainedJob, Finding, Hindrance, Job, JobAsk, JobFilter, JobId, JobKind,
    JobState, JobWait, MAX_PAGE_SIZE, Noun, Page, PageRequest, Refusal, RefusalKind, Resource, VaultRef,
    unmatched::unknown_category,
};
use lists::Resolved;

const DESCRIBE_BACKUP: Operation = Operation::read("backup", "DescribeBackupJob");
const DESCRIBE_RESTORE: Operation = Operation::read("backup", "DescribeRestoreJob");
const DESCRIBE_COPY: Operation = Operation::read("backup", "DescribeCopyJob");
const LIST_RESTORES: Operation = Operation::read("backup", "ListRestoreJobs");
const STOP: Operation = Operation::write("backup", "StopBackupJob");

impl Scoped {
    /// A job of the kind, or of any, and what explains it: what it waits for, or what its end means. What cannot be read
    /// only costs its part of the explanation, which says so.
    pub async fn explain_job(&self, id: &JobId, kind: Option<JobKind>) -> Result<ExplainedJob, Error> {
        let job = self.find_job(id, kind).await?;
        if !job.is_waiting() {
            let findings = job.findings_of_end();
            return Ok(ExplainedJob { job, wait: None, findings });
        }
        let ((others, unlisted), database) = tokio::join!(self.open_jobs_beside(&job), self.database_of(&job));
        let mut unread = Vec::new();
        if let Some(error) = unlisted {
            let permissions = "backup:ListBackupJobs and backup:ListCopyJobs";
            unread.push(JobWait::not_checked("other jobs of the resource", permissions, &error));
        }
        let database = database.unwrap_or_else(|error| {
            let permissions = "rds:DescribeDBInstances and rds:DescribeDBClusters";
            unread.push(JobWait::not_checked("the database", permissions, &error));
            None
        });
        let blocking = job.blocked_by(&others);
        let now = self.now();
        let wait = Some(job.wait(blocking, now));
        let findings = job.findings_of_wait(blocking, database.as_ref(), unread, now);
        Ok(ExplainedJob { job, wait, findings })
    }

    /// A page of jobs, in the order of the filter's asks: each of AWS's lists has the newest first. What AWS cannot filter by
    /// ([`FilterMembers::beyond_aws`](crate::domain::FilterMembers::beyond_aws)) the caller has refused.
    pub async fn list_jobs(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, Error> {
        let asks: Vec<JobAsk<'_>> = filter.asks().collect();
        let (first, mut token) = match &page.cursor {
            None => (0, None),
            Some(cursor) => {
                let ask = cursor.part.parse().ok().filter(|ask| *ask < asks.len() && cursor.skip == 0);
                (ask.ok_or_else(Refusal::page_token)?, cursor.token.clone())
            }
        };
        let named = self.resolved(filter).await?;
        let size = usize::from(page.size);
        let mut items = Vec::new();
        for (place, ask) in asks.iter().enumerate().skip(first) {
            let here = Cursor::of_part(place.to_string());
            // The page may be short: so many of AWS's lists are enough for one, however little was in them.
            if items.len() >= size || place >= first + MOST_LISTS {
                return Ok(Page { items, next: Some(here) });
            }
            let wanted = i32::try_from(size - items.len()).unwrap_or(i32::MAX);
            let found = self.list(*ask, token.take(), &named, wanted).await?;
            items.extend(found.items);
            if let Some(next) = found.next {
                // What AWS gives at once is a page.
                return Ok(Page { items, next: Some(Cursor { part: here.part, ..next }) });
            }
        }
        Ok(Page { items, next: None })
    }

    /// As [`Self::list_jobs`], with what there is to say of the filter: above all why nothing fits it, if it names what is not
    /// there. `field` is where it stands in the request.
    pub async fn list_jobs_explained(
        &self,
        filter: &JobFilter,
        field: &str,
        page: &PageRequest,
    ) -> Result<(Page<Job>, Vec<Finding>), Error> {
        let mut findings = self.check_job_types(filter, field).await?;
        let found = self.list_jobs(filter, page).await?;
        if page.cursor.is_none() {
            findings.extend(filter.interval_findings(field, self.now()));
        }
        if nothing_found(page, &found) {
            findings.extend(self.why_no_jobs(filter, field).await);
        }
        Ok((found, findings))
    }

    /// What there is to say of the resource types that the filter names. Those that there are not are a fault.
    pub async fn check_job_types(&self, filter: &JobFilter, field: &str) -> Result<Vec<Finding>, Error> {
        self.check_types(&filter.named_types(field)).await
    }

    /// Why no job fits the filter, as far as it names what is not there, or what no job has.
    pub async fn why_no_jobs(&self, filter: &JobFilter, field: &str) -> Vec<Finding> {
        let mut findings = self.why_nothing(self.sought_by(filter, field)).await;
        findings.extend(filter.unlikely(field));
        let category = filter.category.as_deref();
        findings.extend(category.and_then(|it| unknown_category(it, &format!("{field}.message_category"))));
        findings
    }

    /// Stops a backup job. What AWS never stops is refused without asking AWS to; what is being stopped, or is, is left. A
    /// check tells the job as it is.
    pub async fn cancel_job(&self, asked: &Asked<JobId>) -> Result<Job, Error> {
        let id = &asked.what;
        let job = self.find_job(id, None).await?;
        if matches!(job.state, JobState::Aborting | JobState::Aborted) {
            return Ok(job);
        }
        if let Some(reason) = job.reason_not_cancellable() {
            return Err(Refusal::of(RefusalKind::NotCancellable, Noun::Job, id.as_str(), reason).into());
        }
        if asked.is_check() {
            return Ok(job);
        }
        match self.call(STOP, self.clients.backup.stop_backup_job().backup_job_id(id.as_str()).send()).await {
            Ok(_) => {}
            // An attempt before stopped it and its answer was lost: the job tells, below.
            Err(error) if error.kind == FailureKind::State && error.effect == Effect::Unknown => {}
            // It ended meanwhile, or AWS does not stop this type of resource: AWS says which.
            Err(error) if error.kind == FailureKind::State => {
                return Err(error.as_kind(FailureKind::NotCancellable).about(Noun::Job, id).into());
            }
            Err(error) => return Err(error.about(Noun::Job, id).into()),
        }
        let job = self.describe_job(id, JobKind::Backup).await.map_err(|error| error.after(STOP.name))?;
        match job.reason_not_cancellable() {
            Some(reason) if !matches!(job.state, JobState::Aborting | JobState::Aborted) => {
                Err(Refusal::of(RefusalKind::NotCancellable, Noun::Job, id.as_str(), reason).into())
            }
            _ => Ok(job),
        }
    }
}

impl Scoped {
    /// A job; of any kind when none is given, which asks AWS up to three times. One of another kind than the one given, or
    /// with an id in other letters, is missing, and told as what it is.
    pub async fn find_job(&self, id: &JobId, kind: Option<JobKind>) -> Result<Job, Error> {
        let answer = match kind {
            Some(kind) => self.describe_job(id, kind).await,
            None => self.find_job_of_any_kind(id).await,
        };
        let missing = match answer {
            Err(error) if error.kind == FailureKind::NotFound => error,
            answer => return Ok(answer?),
        };
        // Whoever may not ask for the other kinds, or not at the moment, is told what is sure.
        if let Some(kind) = kind
            && let Ok(other) = self.find_job_of_any_kind(id).await
        {
            return Err(other.is_no(kind).into());
        }
        let meant = match id.in_other_letters() {
            Some(meant) => self.find_job_of_any_kind(&meant).await.map(|job| format!("; did you mean {}?", job.id)),
            None => return Err(missing.into()),
        };
        Err(Failure { meant: meant.unwrap_or_default().into(), ..missing }.into())
    }

    async fn find_job_of_any_kind(&self, id: &JobId) -> Result<Job, Failure> {
        match self.describe_job(id, JobKind::Backup).await {
            Err(error) if error.kind == FailureKind::NotFound => {}
            answer => return answer,
        }
        match self.describe_job(id, JobKind::Restore).await {
            Err(error) if error.kind == FailureKind::NotFound => self.describe_job(id, JobKind::Copy).await,
            answer => answer,
        }
    }

    /// A job of a known kind.
    pub(super) async fn describe_job(&self, id: &JobId, kind: JobKind) -> Result<Job, Failure> {
        let (id, scope) = (id.as_str(), self.scope());
        let job = match kind {
            JobKind::Backup => {
                let sent = self.clients.backup.describe_backup_job().backup_job_id(id);
                let answer = self.read(DESCRIBE_BACKUP, ask!(sent)).await;
                answer.and_then(|answer| {
                    described_backup(answer, scope).ok_or_else(|| Failure::malformed(DESCRIBE_BACKUP, "BackupJobId"))
                })
            }
            JobKind::Restore => {
                let sent = self.clients.backup.describe_restore_job().restore_job_id(id);
                let answer = self.read(DESCRIBE_RESTORE, ask!(sent)).await;
                answer.and_then(|answer| {
                    described_restore(answer, scope).ok_or_else(|| Failure::malformed(DESCRIBE_RESTORE, "RestoreJobId"))
                })
            }
            JobKind::Copy => {
                let sent = self.clients.backup.describe_copy_job().copy_job_id(id);
                let answer = self.read(DESCRIBE_COPY, ask!(sent)).await;
                answer.and_then(|answer| {
                    let job = answer.copy_job.and_then(|job| copy(job, scope));
                    job.ok_or_else(|| Failure::malformed(DESCRIBE_COPY, "CopyJob"))
                })
            }
        };
        job.map_err(|error| error.about(Noun::Job, id))
    }

    /// The database that a backup is of, if it is of one.
    async fn database_of(&self, job: &Job) -> Result<Option<Resource>, Error> {
        let arn = job.resource_arn.as_deref().and_then(|arn| Arn::parse(arn).ok());
        match arn.and_then(|arn| DatabaseRef::of_arn(&arn)).filter(|_| job.kind == JobKind::Backup) {
            Some(named) => self.database(&named).await.map(Some),
            None => Ok(None),
        }
    }

    /// The backups and copies of the job's resource that wait or run, and why they are not all, if they are not.
    async fn open_jobs_beside(&self, job: &Job) -> (Vec<Job>, Option<Failure>) {
        let Some(resource) = job.resource_arn.as_ref().filter(|_| job.kind != JobKind::Restore) else {
            return (Vec::new(), None);
        };
        let filter = JobFilter {
            kinds: vec![JobKind::Backup, JobKind::Copy],
            states: vec![JobState::Running, JobState::Created],
            ..JobFilter::default()
        };
        let named = Resolved { filter: &filter, resource: Some(resource.clone()), destination_vault: None };
        let lists = filter.asks().map(|ask| self.list(ask, None, &named, MAX_PAGE_SIZE.into()));
        let (mut jobs, mut unlisted) = (Vec::new(), None);
        for page in futures_util::future::join_all(lists).await {
            match page {
                Ok(page) => jobs.extend(page.items),
                Err(error) => unlisted = Some(error),
            }
        }
        (jobs, unlisted)
    }

    /// The things that the filter names.
    fn sought_by<'f>(&self, filter: &'f JobFilter, field: &str) -> Vec<Sought<'f>> {
        let at = |member: &str| format!("{field}.{member}");
        let sought = |member, thing| Sought { field: at(member), thing };
        let vault = filter.vault.as_ref().map(|name| VaultRef::arn_of(name.as_str(), self.scope()));
        let destination = filter.destination_vault.as_ref().map(|vault| vault.arn_in(self.scope()));
        let wanted = Wanted {
            types: &filter.resource_types,
            types_field: at("resource_types"),
            copies: filter.kinds == [JobKind::Copy],
        };
        let resource = filter.resource.as_ref().map(|resource| Thing::Resource(resource, wanted));
        let things = [
            vault.map(|arn| sought("vault", Thing::Vault(arn))),
            destination.map(|arn| sought("destination_vault", Thing::Vault(arn))),
            resource.map(|resource| sought("resource", resource)),
            filter.parent.as_ref().map(|id| sought("parent_job", Thing::PartsOfJob(id, &filter.kinds))),
            filter.source_recovery_point.as_ref().map(|arn| sought("source_recovery_point", Thing::RecoveryPoint(arn))),
        ];
        things.into_iter().flatten().collect()
    }

    /// The filter, by the ARNs of what it names.
    async fn resolved<'f>(&self, filter: &'f JobFilter) -> Result<Resolved<'f>, Error> {
        let resource = match &filter.resource {
            Some(named) => Some(self.resource_arn(named).await?.as_str().to_owned()),
            None => None,
        };
        let destination_vault = filter.destination_vault.as_ref().map(|vault| vault.arn_in(self.scope()));
        Ok(Resolved { filter, resource, destination_vault })
    }

    /// The restore jobs that may have made the resource from the recovery point: those that say so, and those that do
    /// not say what they made. Reads every page: AWS cannot filter by either.
    pub(super) async fn restores_from(
        &self,
        recovery_point_arn: &str,
        created_resource_arn: &str,
    ) -> Result<Vec<Job>, Failure> {
        let restores = pages(|token| async move {
            let sent = self.clients.backup.list_restore_jobs().max_results(MAX_PAGE_SIZE.into()).set_next_token(token);
            let answer = self.read(LIST_RESTORES, ask!(sent)).await?;
            let jobs = read(LIST_RESTORES, answer.restore_jobs, |job| listed_restore(job, self.scope()))?;
            let restores = jobs.into_iter().filter(|job| {
                job.recovery_point_arn.as_deref() == Some(recovery_point_arn)
                    && job.created_resource_arn.as_ref().is_none_or(|made| made == created_resource_arn)
            });
            Ok::<_, Failure>((restores.collect::<Vec<Job>>(), answer.next_token))
        });
        restores.try_concat().await
    }
}

/// What AWS tells; nothing where it will not tell, whenever it is asked. A fault that passes tells nothing of the kind, and
/// whoever meets it asks again.
pub(super) fn settled<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(error) => match error.kind.hindrance() {
            Hindrance::Passing | Hindrance::NoWay => Err(error),
            Hindrance::Denied | Hindrance::Settled => Ok(None),
        },
    }
}

/// The jobs of an answer. One without an id spoils it: a list that leaves a job out would be taken to say that there is
/// none.
pub(super) fn read<T>(
    operation: Operation,
    told: Option<Vec<T>>,
    job: impl Fn(T) -> Option<Job>,
) -> Result<Vec<Job>, Failure> {
    let jobs: Option<Vec<Job>> = told.unwrap_or_default().into_iter().map(job).collect();
    jobs.ok_or_else(|| Failure::malformed(operation, "JobId"))
}
