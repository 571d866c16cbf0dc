//! AWS's lists of jobs, one for each kind; each takes the filters that it has. What it has not is refused before.

use aws_sdk_backup::types::{BackupJobState, CopyJobState, RestoreJobStatus};
use aws_smithy_types::DateTime;

use super::{
    super::{
        Failure, FailureKind, Scoped,
        call::{Operation, ask},
        date,
        job_answers::{copy, listed_backup, listed_restore},
        just_before,
    },
    LIST_RESTORES, read,
};
use crate::domain::{Cursor, Job, JobAsk, JobFilter, JobKind, JobState, Page, Period};

const LIST_BACKUPS: Operation = Operation::read("backup", "ListBackupJobs");
const LIST_RESTORES_OF: Operation = Operation::read("backup", "ListRestoreJobsByProtectedResource");
const LIST_COPIES: Operation = Operation::read("backup", "ListCopyJobs");

/// A filter, and the ARNs of what it names otherwise: AWS filters by nothing else.
#[derive(Debug)]
pub(in crate::aws) struct Resolved<'f> {
    pub(in crate::aws) filter: &'f JobFilter,
    pub(in crate::aws) resource: Option<String>,
    pub(in crate::aws) destination_vault: Option<String>,
}

/// A page that is wanted of a list.
struct Wanted<'f> {
    named: &'f Resolved<'f>,
    state: Option<&'f str>,
    resource_type: Option<String>,
    parent: Option<String>,
    token: Option<String>,
    size: i32,
}

/// Jobs, and where the next page begins.
type Listed = Result<(Vec<Job>, Option<String>), Failure>;

impl Scoped {
    /// A page of one of AWS's lists.
    pub(in crate::aws) async fn list(
        &self,
        ask: JobAsk<'_>,
        token: Option<String>,
        named: &Resolved<'_>,
        size: i32,
    ) -> Result<Page<Job>, Failure> {
        let wanted = Wanted {
            named,
            state: ask.state.map(JobState::word),
            resource_type: ask.resource_type.map(ToString::to_string),
            parent: named.filter.parent.as_ref().map(ToString::to_string),
            token,
            size,
        };
        let (items, next) = match (ask.kind, &named.resource) {
            (JobKind::Backup, _) => self.list_backups(wanted).await?,
            (JobKind::Restore, None) => self.list_restores(wanted).await?,
            (JobKind::Restore, Some(resource)) => self.list_restores_of(resource, wanted).await?,
            (JobKind::Copy, _) => self.list_copies(wanted).await?,
        };
        Ok(Page { items, next: next.map(Cursor::at) })
    }

    async fn list_backups(&self, wanted: Wanted<'_>) -> Listed {
        let filter = wanted.named.filter;
        let (after, before) = bounds(filter.created);
        let (completed_after, completed_before) = bounds(filter.completed);
        let sent = self
            .clients
            .backup
            .list_backup_jobs()
            .max_results(wanted.size)
            .set_next_token(wanted.token)
            .set_by_state(wanted.state.map(BackupJobState::from))
            .set_by_resource_arn(wanted.named.resource.clone())
            .set_by_resource_type(wanted.resource_type)
            .set_by_backup_vault_name(filter.vault.as_ref().map(ToString::to_string))
            .set_by_created_after(after)
            .set_by_created_before(before)
            .set_by_complete_after(completed_after)
            .set_by_complete_before(completed_before)
            .set_by_message_category(filter.category.clone())
            .set_by_parent_job_id(wanted.parent);
        let answer = self.read(LIST_BACKUPS, ask!(sent)).await?;
        let jobs = read(LIST_BACKUPS, answer.backup_jobs, |job| listed_backup(job, self.scope()))?;
        Ok((jobs, answer.next_token))
    }

    async fn list_restores(&self, wanted: Wanted<'_>) -> Listed {
        let filter = wanted.named.filter;
        let (after, before) = bounds(filter.created);
        let (completed_after, completed_before) = bounds(filter.completed);
        let sent = self
            .clients
            .backup
            .list_restore_jobs()
            .max_results(wanted.size)
            .set_next_token(wanted.token)
            .set_by_status(wanted.state.map(RestoreJobStatus::from))
            .set_by_resource_type(wanted.resource_type)
            .set_by_created_after(after)
            .set_by_created_before(before)
            .set_by_complete_after(completed_after)
            .set_by_complete_before(completed_before)
            .set_by_parent_job_id(wanted.parent);
        let answer = self.read(LIST_RESTORES, ask!(sent)).await?;
        let jobs = read(LIST_RESTORES, answer.restore_jobs, |job| listed_restore(job, self.scope()))?;
        Ok((jobs, answer.next_token))
    }

    /// It filters by state alone: the rest is among the filter's faults.
    async fn list_restores_of(&self, resource: &str, wanted: Wanted<'_>) -> Listed {
        let sent = self
            .clients
            .backup
            .list_restore_jobs_by_protected_resource()
            .resource_arn(resource)
            .max_results(wanted.size)
            .set_next_token(wanted.token)
            .set_by_status(wanted.state.map(RestoreJobStatus::from));
        match self.read(LIST_RESTORES_OF, ask!(sent)).await {
            Ok(answer) => {
                let jobs = read(LIST_RESTORES_OF, answer.restore_jobs, |job| listed_restore(job, self.scope()))?;
                Ok((jobs, answer.next_token))
            }
            // A resource that AWS Backup never saw has no restores; a filter that nothing fits is no error.
            Err(error) if error.kind == FailureKind::NotFound => Ok((Vec::new(), None)),
            Err(error) => Err(error),
        }
    }

    async fn list_copies(&self, wanted: Wanted<'_>) -> Listed {
        let filter = wanted.named.filter;
        let (after, before) = bounds(filter.created);
        let (completed_after, completed_before) = bounds(filter.completed);
        let sent = self
            .clients
            .backup
            .list_copy_jobs()
            .max_results(wanted.size)
            .set_next_token(wanted.token)
            .set_by_state(wanted.state.map(CopyJobState::from))
            .set_by_resource_arn(wanted.named.resource.clone())
            .set_by_resource_type(wanted.resource_type)
            .set_by_destination_vault_arn(wanted.named.destination_vault.clone())
            .set_by_created_after(after)
            .set_by_created_before(before)
            .set_by_complete_after(completed_after)
            .set_by_complete_before(completed_before)
            .set_by_message_category(filter.category.clone())
            .set_by_parent_job_id(wanted.parent)
            .set_by_source_recovery_point_arn(filter.source_recovery_point.as_ref().map(ToString::to_string));
        let answer = self.read(LIST_COPIES, ask!(sent)).await?;
        let jobs = read(LIST_COPIES, answer.copy_jobs, |job| copy(job, self.scope()))?;
        Ok((jobs, answer.next_token))
    }
}

fn bounds(period: Period) -> (Option<DateTime>, Option<DateTime>) {
    (period.after.map(just_before), period.before.map(date))
}
