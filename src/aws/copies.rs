//! Copies.

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    job_answers::copy as copy_job,
    jobs::{read, settled},
    lifecycle,
    missing::Named,
};
use crate::domain::{
    Asked, CheckedCopy, Finding, Job, JobId, JobKind, JobState, Lifecycle, MAX_PAGE_SIZE, Noun, RecoveryPoint, Refusal,
    RefusalKind, RequestId, StartCopy, Unseen, Vault, VaultName,
};

const START: Operation = Operation::write("backup", "StartCopyJob");
const LIST: Operation = Operation::read("backup", "ListCopyJobs");

/// The vault that a copy goes to, as far as Strongroom sees it.
pub(super) enum Destination {
    There(Box<Vault>, Scoped),
    /// It is not there; with the question which one was meant, or blank.
    Missing(Box<str>),
    /// Strongroom could not look; with the reason.
    NotChecked(Unseen),
}

impl Scoped {
    /// Starts a copy, or returns the job that the same request started before. A check has no job.
    ///
    /// A repetition can find what has come into the way since: the recovery point is gone, the destination locked. AWS
    /// has no look-up by token, so the token is only sent all the same when there is a job that this very request can
    /// have started.
    pub async fn start_copy(&self, asked: &Asked<StartCopy>) -> Result<(Option<Job>, CheckedCopy), Error> {
        let Asked { request_id, what: copy, .. } = asked;
        let destination = copy.destination.arn_in(self.scope());
        let role = self.role_handed_over(&copy.role, asked.is_check());
        let (role, checked) = tokio::join!(role, self.preflight(copy, &destination));
        let role = role?;
        if asked.is_check() {
            let mut checked = checked?;
            role.refused()?;
            checked.findings.extend(role.findings(checked.resource_type.clone()));
            return Ok((None, checked));
        }
        let role_arn = role.arn;
        let (mut checked, refused) = match checked {
            Ok(checked) => (checked, None),
            Err(error) => {
                let earlier = self.copies_like(asked, &destination, &role_arn, &error).await?;
                let Some(lifecycle) =
                    earlier.first().and_then(|job| job.lifecycle.clone().or_else(|| copy.lifecycle.clone()))
                else {
                    return Err(error);
                };
                (CheckedCopy { lifecycle, resource_type: None, findings: Vec::new() }, Some((error, earlier)))
            }
        };
        let (id, role_seen) = tokio::join!(
            Box::pin(self.send_copy(copy, &destination, &checked.lifecycle, request_id, &role_arn)),
            Box::pin(self.role_seen(&role_arn))
        );
        let id = id?;
        if let Some((error, earlier)) = refused
            && !earlier.iter().any(|job| job.id == id)
        {
            return Err(error.though_begun(&id));
        }
        let job = self.describe_job(&id, JobKind::Copy).await.map_err(|error| error.after(START.name))?;
        // AWS does not say what a token with another request gives [U]: the job itself tells.
        let differs = job.recovery_point_arn.as_deref() != Some(copy.recovery_point.as_str())
            || job.destination_vault_arn.as_ref() != Some(&destination)
            || job.role_arn.as_ref() != Some(&role_arn)
            || job.lifecycle.as_ref().is_some_and(|kept| kept.retention != checked.lifecycle.retention);
        if request_id.may_repeat() && differs {
            return Err(Refusal::token_of_another(&job, request_id).into());
        }
        // A job that has ended has met whatever there was to warn of.
        if !job.state.is_final() {
            checked.findings.extend(role_seen.findings(checked.resource_type.clone()));
        }
        Ok((Some(job), checked))
    }

    /// Looks at both ends of the copy and tells every obstacle at once. A destination that is missing, and nothing else in
    /// the way, is simply not found.
    async fn preflight(&self, copy: &StartCopy, arn: &str) -> Result<CheckedCopy, Error> {
        let (point, destination) =
            tokio::join!(self.describe_recovery_point(&copy.vault, &copy.recovery_point), self.destination(arn));
        let point = point?;
        let mut findings = copy.findings(&point);
        let there = match &destination {
            Destination::There(vault, _) => Some(&**vault),
            Destination::Missing(_) | Destination::NotChecked(_) => None,
        };
        let mut obstacles = copy.obstacles(&point, arn, there);
        if copy.leaves_account(&point) {
            let (keys, unread) = self.keys_of_aws(copy, &point, arn, &destination).await;
            obstacles.extend(keys);
            findings.extend(unread);
        }
        match &destination {
            Destination::There(..) => {}
            Destination::Missing(meant) if obstacles.is_empty() => {
                let message = format!("vault {arn} does not exist: create it, or correct the ARN{meant}");
                return Err(Refusal::of(RefusalKind::NotFound, Noun::Vault, arn, message).into());
            }
            Destination::Missing(meant) => obstacles.insert(0, StartCopy::destination_missing(arn, meant)),
            Destination::NotChecked(why) => findings.push(StartCopy::destination_not_checked(arn, why)),
        }
        match Refusal::preflight(Noun::RecoveryPoint, copy.recovery_point.as_str(), &obstacles) {
            Some(refusal) => Err(refusal.into()),
            None => {
                let (lifecycle, resource_type) = (copy.lifecycle_of_copy(&point), point.type_of_resource());
                Ok(CheckedCopy { lifecycle, resource_type, findings })
            }
        }
    }

    /// The vault of that ARN, wherever it is.
    pub(super) async fn destination(&self, arn: &str) -> Destination {
        let (name, scope) = match VaultName::parse_reference(arn) {
            Ok(vault) => vault,
            Err(fault) => {
                return Destination::NotChecked(Unseen::settled(fault.0));
            }
        };
        let there = match self.elsewhere(&scope).await {
            Ok(there) => there,
            Err(error) => return Destination::NotChecked(Unseen::from(&error)),
        };
        match there.describe_vault(&name).await {
            Ok(vault) => Destination::There(Box::new(vault), there),
            Err(error) if error.kind == FailureKind::NotFound => Destination::Missing(error.meant),
            Err(error) => Destination::NotChecked(Unseen::from(&error)),
        }
    }

    async fn send_copy(
        &self,
        copy: &StartCopy,
        destination: &str,
        kept: &Lifecycle,
        request_id: &RequestId,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = self
                    .clients
                    .backup
                    .start_copy_job()
                    .recovery_point_arn(copy.recovery_point.as_str())
                    .source_backup_vault_name(copy.vault.as_str())
                    .destination_backup_vault_arn(destination)
                    .iam_role_arn(role_arn)
                    .idempotency_token(request_id.as_str())
                    // Always sent: what AWS does without one is documented for the copies of plans alone [D].
                    .lifecycle(lifecycle::in_full(kept, None));
                self.call(START, sent.send()).await
            })
            .await?;
        match answer {
            Ok(answer) => {
                let id = answer.copy_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Failure::malformed(START, "CopyJobId").into())
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(FailureKind::RequestIdReused).about(Noun::Job, request_id).into())
            }
            Err(error) if error.kind == FailureKind::NotFound => {
                let point = Named::RecoveryPoint(&copy.vault, &copy.recovery_point);
                let named = [point, Named::VaultAt(destination), Named::Role(role_arn)];
                Err(self.missing_of(error, &named).await.into())
            }
            Err(error) => {
                Err(self.in_vault(error, &copy.vault, Noun::RecoveryPoint, copy.recovery_point.as_str()).await.into())
            }
        }
    }
}

impl Scoped {
    /// Which of the keys at work in a copy to another account AWS manages: those of both vaults and of the snapshot. A key
    /// that cannot be looked at is told with the reason.
    async fn keys_of_aws(
        &self,
        copy: &StartCopy,
        point: &RecoveryPoint,
        arn: &str,
        destination: &Destination,
    ) -> (Vec<Finding>, Vec<Finding>) {
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        let vault_key = match self.describe_vault(&copy.vault).await {
            Ok(vault) => vault.encryption_key_arn,
            Err(error) => {
                let what = format!("the source vault {}", copy.vault);
                unread.push(StartCopy::key_not_checked(&what, "", "backup:DescribeBackupVault", &error));
                String::new()
            }
        };
        let mut keys = vec![(format!("the source vault {}", copy.vault), vault_key.as_str(), self)];
        if let Some(key) = point.encryption_key_arn.as_deref().filter(|key| *key != vault_key) {
            keys.push(("the recovery point".to_owned(), key, self));
        }
        if let Destination::There(vault, there) = destination {
            keys.push((format!("the destination vault {arn}"), &vault.encryption_key_arn, there));
        }
        for (what, key, scoped) in keys.into_iter().filter(|(_, key, _)| !key.is_empty()) {
            match scoped.is_aws_managed(key).await {
                Ok(true) => found.push(StartCopy::aws_managed_key(&what, key)),
                Ok(false) => {}
                Err(error) if error.kind == FailureKind::NotFound => unread.push(StartCopy::key_missing(&what, key)),
                Err(error) => unread.push(StartCopy::key_not_checked(&what, key, "kms:DescribeKey", &error)),
            }
        }
        (found, unread)
    }

    /// The jobs that this very request can have started before: those of the same copy that have not failed. None where
    /// the refusal is no matter of the copy itself.
    async fn copies_like(
        &self,
        asked: &Asked<StartCopy>,
        destination: &str,
        role_arn: &str,
        refusal: &Error,
    ) -> Result<Vec<Job>, Failure> {
        let Asked { request_id, what: copy, .. } = asked;
        if !request_id.may_repeat() || !(refusal.is_missing() || refusal.refused_as(RefusalKind::Preflight)) {
            return Ok(Vec::new());
        }
        let sent = self
            .clients
            .backup
            .list_copy_jobs()
            .by_source_recovery_point_arn(copy.recovery_point.as_str())
            .by_destination_vault_arn(destination)
            .max_results(MAX_PAGE_SIZE.into());
        // Where they may not be read, the refusal stays what it is.
        let Some(answer) = settled(self.read(LIST, ask!(sent)).await)? else { return Ok(Vec::new()) };
        let jobs = read(LIST, answer.copy_jobs, |job| copy_job(job, self.scope()))?;
        let same = |job: &Job| {
            job.role_arn.as_deref() == Some(role_arn)
                && job.state != JobState::Failed
                && copy
                    .lifecycle
                    .as_ref()
                    .is_none_or(|asked| job.lifecycle.as_ref().is_none_or(|kept| kept.asks_the_same_as(asked)))
        };
        Ok(jobs.into_iter().filter(same).collect())
    }
}
