//! Backups on demand.

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    job_answers::listed_backup,
    lifecycle,
};
use crate::domain::{
    AskedScope, Job, JobId, JobKind, JobState, MAX_PAGE_SIZE, StartBackup, Warning, database_warnings,
};

const START: Operation = Operation::write("backup", "StartBackupJob");
const LIST: Operation = Operation::read("backup", "ListBackupJobs");

impl Aws {
    /// Starts a backup, or returns the job that the same request started before. A repetition may come after the database
    /// was deleted: AWS has no look-up by token, so it is sent all the same when there is a job that this very request can
    /// have started.
    pub async fn start_backup(&self, asked: &AskedScope, start: &StartBackup) -> Result<(Job, Vec<Warning>), Error> {
        let clients = self.clients(asked).await?;
        let database = start.database();
        let look = async {
            match &database {
                Some(named) => Some(self.get_resource(asked, named).await),
                None => None,
            }
        };
        let (role_arn, database, vault) =
            tokio::join!(clients.role_arn(&start.role), look, clients.describe_vault(&start.vault));
        let role_arn = role_arn?;
        // AWS would accept the job and let it fail minutes later. What could not be read only costs its warnings.
        let (database, gone) = match database {
            Some(Err(error)) if error.kind == Kind::NotFound => {
                let earlier = clients.backups_like(start, &role_arn).await;
                let error = error.about(Noun::Resource, &start.resource);
                if earlier.is_empty() {
                    return Err(error);
                }
                (None, Some((error, earlier)))
            }
            other => (other.and_then(Result::ok), None),
        };
        let id = self
            .once_assumable(&role_arn, || async {
                let sent = clients
                    .backup
                    .start_backup_job()
                    .backup_vault_name(start.vault.as_str())
                    .resource_arn(start.resource.as_str())
                    .iam_role_arn(&role_arn)
                    .idempotency_token(start.request_id.as_str())
                    .start_window_minutes(start.windows.start_minutes)
                    .complete_window_minutes(start.windows.completion_minutes)
                    .lifecycle(lifecycle::to_aws(&start.lifecycle))
                    .set_recovery_point_tags(
                        (!start.tags.0.is_empty()).then(|| start.tags.0.clone().into_iter().collect()),
                    );
                call(START, sent.send()).await
            })
            .await;
        let id = match id {
            Ok(answer) => answer.backup_job_id.ok_or_else(|| Error::malformed(START.name, "BackupJobId"))?,
            Err(error) if error.is_about_the_token() => {
                return Err(error.as_kind(Kind::RequestIdReused).about(Noun::Job, &start.request_id));
            }
            Err(error) => {
                return Err(clients.in_vault(error, &start.vault, Noun::Resource, start.resource.as_str()).await);
            }
        };
        if let Some((error, earlier)) = gone
            && !earlier.contains(&id)
        {
            return Err(error.though_begun(&id));
        }
        let job = JobId::parse(&id).map_err(|_| Error::malformed(START.name, "BackupJobId"))?;
        let job = clients.describe_job(&job, JobKind::Backup).await.map_err(|error| error.after(START.name))?;
        // AWS does not say what a token with another request gives [U]: the job itself tells.
        let vault_differs = !job.vault_arn.is_empty() && !job.vault_arn.ends_with(&format!(":{}", start.vault));
        let kept_differently = job.lifecycle.as_ref().is_some_and(|kept| kept.retention != start.lifecycle.retention);
        let differs = job.resource_arn != start.resource.as_str() || vault_differs || job.role_arn != role_arn;
        if start.request_id.may_repeat() && (differs || kept_differently) {
            return Err(Error::token_of_another(START.name, &job, &start.request_id));
        }
        let mut warnings = start.lifecycle_warnings(vault.ok().and_then(|vault| vault.lock).as_ref());
        // AWS's own clock says when; a job that has begun, or ended, has met whatever there was to warn of.
        if let (Some(database), Some(at), JobState::Created | JobState::Pending) =
            (database, job.created_at, &job.state)
        {
            warnings.extend(database_warnings(&database, at));
        }
        Ok((job, warnings))
    }
}

impl Clients {
    /// Ids of the jobs that this very request can have started before: those of the same backup that have not failed.
    async fn backups_like(&self, start: &StartBackup, role_arn: &str) -> Vec<String> {
        if !start.request_id.may_repeat() {
            return Vec::new();
        }
        let sent = self
            .backup
            .list_backup_jobs()
            .by_resource_arn(start.resource.as_str())
            .by_backup_vault_name(start.vault.as_str())
            .max_results(MAX_PAGE_SIZE.into());
        // Where they cannot be read, the refusal stays what it is.
        let jobs = call(LIST, sent.send()).await.ok().and_then(|answer| answer.backup_jobs).unwrap_or_default();
        let jobs = jobs.into_iter().map(|job| listed_backup(job, &self.scope));
        let same = |job: &Job| {
            let kept = job.lifecycle.as_ref().is_none_or(|kept| kept.retention == start.lifecycle.retention);
            job.role_arn == role_arn && kept && job.created_by.is_none() && job.state != JobState::Failed
        };
        jobs.filter(same).map(|job| job.id).collect()
    }
}
