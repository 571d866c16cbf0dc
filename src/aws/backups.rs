//! Backups on demand.

use std::collections::BTreeMap;

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    job_answers::listed_backup,
    jobs::{read, settled},
    lifecycle,
    looks::in_time,
    missing::Named,
    resources::arn_of,
};
use crate::domain::{
    Arn, Asked, Candidate, Eligibility, Finding, Job, JobId, JobKind, JobState, MAX_PAGE_SIZE, Noun, Refusal,
    RefusalKind, RequestId, Resource, ResourceRef, ResourceType, StartBackup, Unseen, Vault, database_findings,
    restore_checks::not_checked, unmatched::existence_not_checked,
};

const START: Operation = Operation::write("backup", "StartBackupJob");
const LIST: Operation = Operation::read("backup", "ListBackupJobs");

/// What is to be backed up, as far as RDS tells.
struct Source {
    arn: Arn,
    database: Database,
}

/// What RDS tells of what is to be backed up.
enum Database {
    /// It is no database.
    None,
    /// It is there.
    There(Box<Resource>),
    /// RDS does not tell; with the reason.
    NotChecked(Unseen),
}

impl Source {
    /// What of the database's state lets a backup that begins about then fail.
    fn findings(&self, at: jiff::Timestamp) -> Vec<Finding> {
        let findings = match &self.database {
            // A database that is gone is a source too, of what an earlier request began.
            Database::None if self.arn.service() == "rds" => Vec::new(),
            Database::None => vec![existence_not_checked(self.arn.as_str(), "", "resource")],
            Database::There(database) => database_findings(database, at),
            Database::NotChecked(why) => {
                let permissions = "rds:DescribeDBInstances and rds:DescribeDBClusters";
                vec![not_checked(&format!("the state of {}", self.arn), permissions, why)]
            }
        };
        findings.into_iter().map(|finding| finding.at("resource")).collect()
    }

    /// Whether AWS Backup backs it up at all, as far as the region's settings were seen; and what will surprise.
    fn on_demand(&self, settings: Result<&Eligibility, &Unseen>) -> Result<Vec<Finding>, Refusal> {
        let none = BTreeMap::new();
        let candidate = match &self.database {
            Database::There(database) => database.candidate(),
            Database::None | Database::NotChecked(_) => Candidate::of_arn(&self.arn, &none),
        };
        let mut found = candidate.on_demand(settings.ok())?;
        found.extend(settings.err().map(|unseen| {
            let what = "whether the region's settings opt in to the resource's type";
            let action = unseen.action(Eligibility::PERMISSIONS, "watch the job, or have it checked again");
            unseen.not_checked(what, "if they do not, the job may fail", action)
        }));
        Ok(found.into_iter().map(|finding| finding.at("resource")).collect())
    }

    /// AWS Backup's name of its type.
    fn resource_type(&self) -> Option<ResourceType> {
        match &self.database {
            Database::There(database) => Some(database.resource_type()),
            Database::None | Database::NotChecked(_) => ResourceType::of_arn(&self.arn),
        }
    }
}

impl Scoped {
    /// Starts a backup, or returns the job that the same request started before. A repetition may come after the database
    /// was deleted: AWS has no look-up by token, so it is sent all the same when there is a job that this very request can
    /// have started. A check has no job.
    pub async fn start_backup(&self, asked: &Asked<StartBackup>) -> Result<(Option<Job>, Vec<Finding>), Error> {
        let Asked { request_id, what: start, .. } = asked;
        let (role, source, vault, settings) = tokio::join!(
            self.role_handed_over(&start.role, asked.is_check()),
            self.source(&start.resource),
            self.describe_vault(&start.vault),
            in_time(self.eligibility())
        );
        let role = role?;
        let role_arn = &role.arn;
        let mut findings = Vec::new();
        let fit = source.and_then(|source| {
            let surprises = source.on_demand(settings.as_ref())?;
            Ok((source, surprises))
        });
        // AWS would accept the job and let it fail minutes later.
        let (source, surprises, gone) = match fit {
            Ok((source, surprises)) => (source, surprises, None),
            Err(error) if is_no_source(&error) && !asked.is_check() => {
                let Some((arn, earlier)) = self.backups_like(asked, role_arn).await? else { return Err(error) };
                (Source { arn, database: Database::None }, Vec::new(), Some((error, earlier)))
            }
            Err(error) => return Err(error),
        };
        if asked.is_check() {
            findings.extend(vault_findings(start, &source.arn, &seen(vault)?));
            role.refused()?;
            findings.extend(role.findings(source.resource_type()));
            findings.extend(surprises);
            findings.extend(source.findings(self.now()));
            return Ok((None, findings));
        }
        let (id, role_seen) = tokio::join!(
            Box::pin(self.send_backup(start, &source.arn, request_id, role_arn)),
            Box::pin(self.role_seen(role_arn))
        );
        let id = id?;
        if let Some((error, earlier)) = gone
            && !earlier.iter().any(|job| job.id == id)
        {
            return Err(error.though_begun(&id));
        }
        let job = self.describe_job(&id, JobKind::Backup).await.map_err(|error| error.after(START.name))?;
        // AWS does not say what a token with another request gives [U]: the job itself tells.
        let vault_differs = job.vault_arn.as_ref().is_some_and(|arn| !arn.ends_with(&format!(":{}", start.vault)));
        let kept_differently = job.lifecycle.as_ref().is_some_and(|kept| kept.retention != start.lifecycle.retention);
        let differs = job.resource_arn.as_deref() != Some(source.arn.as_str())
            || vault_differs
            || job.role_arn.as_ref() != Some(role_arn);
        if request_id.may_repeat() && (differs || kept_differently) {
            return Err(Refusal::token_of_another(&job, request_id).into());
        }
        findings.extend(vault_findings(start, &source.arn, &vault));
        // AWS's own clock says when; a job that has begun, or ended, has met whatever there was to warn of.
        if let (Some(at), JobState::Created | JobState::Pending) = (job.created_at, &job.state) {
            findings.extend(role_seen.findings(source.resource_type()));
            findings.extend(surprises);
            findings.extend(source.findings(at));
        }
        Ok((Some(job), findings))
    }
}

/// Whether there is nothing to back up: it is gone, or nothing that AWS Backup backs up.
fn is_no_source(error: &Error) -> bool {
    error.is_missing() || error.refused_as(RefusalKind::Unsupported)
}

/// The vault, or why it could not be seen; where it is missing AWS would refuse the backup.
fn seen(vault: Result<Vault, Failure>) -> Result<Result<Vault, Failure>, Failure> {
    match vault {
        Err(error) if error.kind == FailureKind::NotFound => Err(error),
        vault => Ok(vault),
    }
}

/// What the lifecycle will not do. A vault that could not be seen may have a lock.
fn vault_findings(start: &StartBackup, resource: &Arn, vault: &Result<Vault, Failure>) -> Vec<Finding> {
    match vault {
        Ok(vault) => start.findings(resource, vault.lock.as_ref()),
        Err(error) => {
            let permissions = "backup:DescribeBackupVault and backup:ListBackupVaults";
            let unseen = not_checked(&format!("vault {}", start.vault), permissions, error).at("vault");
            [start.findings(resource, None), vec![unseen]].concat()
        }
    }
}

impl Scoped {
    /// What is to be backed up. Only an ARN can do without RDS.
    async fn source(&self, resource: &ResourceRef) -> Result<Source, Error> {
        let arn = match resource {
            ResourceRef::Arn(arn) => Some(arn),
            ResourceRef::Database(_) => None,
        };
        let found = match resource.database() {
            Some(named) => Some(self.database(&named).await),
            None => None,
        };
        match (arn, found) {
            (Some(arn), None) => Ok(Source { arn: arn.clone(), database: Database::None }),
            (_, Some(Ok(found))) => {
                let arn = arn.cloned().map_or_else(|| arn_of(&found), Ok)?;
                Ok(Source { arn, database: Database::There(Box::new(found)) })
            }
            (Some(arn), Some(Err(error))) if !error.is_missing() => {
                let database = Database::NotChecked(Unseen::from(&error));
                Ok(Source { arn: arn.clone(), database })
            }
            (Some(arn), Some(Err(error))) => {
                let question = error.failure().map_or("", |failure| &failure.meant);
                let message = Finding::database_missing(arn).message + question;
                Err(Refusal::of(RefusalKind::NotFound, Noun::Resource, arn.as_str(), message).into())
            }
            (_, Some(Err(Error::Failed(failure)))) => Err(failure.about(Noun::Resource, resource).into()),
            (_, Some(Err(refused))) => Err(refused),
            (None, None) => Err(Failure::malformed(START, "resource").into()),
        }
    }

    async fn send_backup(
        &self,
        start: &StartBackup,
        resource: &Arn,
        request_id: &RequestId,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = self
                    .clients
                    .backup
                    .start_backup_job()
                    .backup_vault_name(start.vault.as_str())
                    .resource_arn(resource.as_str())
                    .iam_role_arn(role_arn)
                    .idempotency_token(request_id.as_str())
                    .start_window_minutes(start.windows.start_minutes)
                    .complete_window_minutes(start.windows.completion_minutes)
                    .lifecycle(lifecycle::to_aws(&start.lifecycle))
                    .set_recovery_point_tags(
                        (!start.tags.0.is_empty()).then(|| start.tags.0.clone().into_iter().collect()),
                    );
                self.call(START, sent.send()).await
            })
            .await?;
        match answer {
            Ok(answer) => {
                let id = answer.backup_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Failure::malformed(START, "BackupJobId").into())
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(FailureKind::RequestIdReused).about(Noun::Job, request_id).into())
            }
            Err(error) if error.kind == FailureKind::NotFound => {
                let named = [Named::Vault(&start.vault), Named::Resource(resource), Named::Role(role_arn)];
                Err(self.missing_of(error, &named).await.into())
            }
            Err(error) => Err(self.in_vault(error, &start.vault, Noun::Resource, resource.as_str()).await.into()),
        }
    }

    /// The jobs that this very request can have started before, and the ARN of what they back up: those of the same backup
    /// that have not failed. `None` without any.
    async fn backups_like(
        &self,
        asked: &Asked<StartBackup>,
        role_arn: &str,
    ) -> Result<Option<(Arn, Vec<Job>)>, Failure> {
        let Asked { request_id, what: start, .. } = asked;
        if !request_id.may_repeat() {
            return Ok(None);
        }
        let mut like = None;
        // What a resource that is gone can have had for its ARN.
        for arn in start.resource.arns_in(self.scope()) {
            let sent = self
                .clients
                .backup
                .list_backup_jobs()
                .by_resource_arn(arn.as_str())
                .by_backup_vault_name(start.vault.as_str())
                .max_results(MAX_PAGE_SIZE.into());
            // Where they may not be read, the refusal stays what it is.
            let Some(answer) = settled(self.read(LIST, ask!(sent)).await)? else { continue };
            let jobs = read(LIST, answer.backup_jobs, |job| listed_backup(job, self.scope()))?;
            let same = |job: &Job| {
                let kept = job.lifecycle.as_ref().is_none_or(|kept| kept.retention == start.lifecycle.retention);
                job.role_arn.as_deref() == Some(role_arn)
                    && kept
                    && job.created_by.is_none()
                    && job.state != JobState::Failed
            };
            let jobs: Vec<Job> = jobs.into_iter().filter(same).collect();
            if !jobs.is_empty() && like.replace((arn, jobs)).is_some() {
                // There were an instance and a cluster of the name: which of them was meant, nobody knows any more.
                return Ok(None);
            }
        }
        Ok(like)
    }
}
