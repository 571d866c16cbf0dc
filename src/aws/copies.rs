//! Copies.

use std::sync::Arc;

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    job_answers::copy as copy_job,
    lifecycle,
};
use crate::domain::{
    AskedScope, Finding, Job, JobId, JobKind, JobState, Lifecycle, RecoveryPoint, StartCopy, Vault, Warning,
};

const START: Operation = Operation::write("backup", "StartCopyJob");
const LIST: Operation = Operation::read("backup", "ListCopyJobs");

/// A copy that nothing is known to stand in the way of.
#[derive(Debug)]
pub struct CheckedCopy {
    /// How long the copy is kept.
    pub lifecycle: Lifecycle,
    /// What will surprise.
    pub warnings: Vec<Warning>,
}

/// The vault that a copy goes to, as far as Strongroom sees it.
enum Destination {
    There(Box<Vault>, Arc<Clients>),
    Missing,
    /// Strongroom may not look; with the reason.
    NotChecked(String),
}

impl Aws {
    /// Checks everything that can be known before a copy, for a dry run: the role too.
    pub async fn check_copy(&self, asked: &AskedScope, copy: &StartCopy) -> Result<CheckedCopy, Error> {
        let clients = self.clients(asked).await?;
        let (role, checked) = tokio::join!(clients.role_arn_looked_for(&copy.role), self.preflight(&clients, copy));
        role?;
        checked
    }

    /// Starts a copy, or returns the job that the same request started before.
    ///
    /// A repetition can find what has come into the way since: the recovery point is gone, the destination locked. AWS
    /// has no look-up by token, so the token is only sent all the same when there is a job that this very request can
    /// have started.
    pub async fn start_copy(&self, asked: &AskedScope, copy: &StartCopy) -> Result<(Job, CheckedCopy), Error> {
        let clients = self.clients(asked).await?;
        let (role_arn, checked) = tokio::join!(clients.role_arn(&copy.role), self.preflight(&clients, copy));
        let role_arn = role_arn?;
        let (checked, refused) = match checked {
            Ok(checked) => (checked, None),
            Err(error) => {
                let earlier = clients.copies_like(copy, &role_arn, &error).await;
                let Some(lifecycle) =
                    earlier.first().and_then(|job| job.lifecycle.clone().or_else(|| copy.lifecycle.clone()))
                else {
                    return Err(error);
                };
                (CheckedCopy { lifecycle, warnings: Vec::new() }, Some((error, earlier)))
            }
        };
        let id = self.send_copy(&clients, copy, &checked.lifecycle, &role_arn).await?;
        if let Some((error, earlier)) = refused
            && !earlier.iter().any(|job| job.id == id.as_str())
        {
            return Err(error.though_begun(id.as_str()));
        }
        let job = clients.describe_job(&id, JobKind::Copy).await.map_err(|error| error.after(START.name))?;
        // AWS does not say what a token with another request gives [U]: the job itself tells.
        let differs = job.recovery_point_arn != copy.recovery_point.as_str()
            || job.destination_vault_arn != copy.destination.arn.as_str()
            || job.role_arn != role_arn
            || job.lifecycle.as_ref().is_some_and(|kept| kept.retention != checked.lifecycle.retention);
        if copy.request_id.may_repeat() && differs {
            return Err(Error::token_of_another(START.name, &job, &copy.request_id));
        }
        Ok((job, checked))
    }

    /// Looks at both ends of the copy and tells every obstacle at once. A destination that is missing, and nothing else in
    /// the way, is simply not found.
    async fn preflight(&self, clients: &Clients, copy: &StartCopy) -> Result<CheckedCopy, Error> {
        let (point, destination) =
            tokio::join!(clients.describe_recovery_point(&copy.vault, &copy.recovery_point), self.destination(copy));
        let point = point?;
        let mut warnings = copy.warnings(&point);
        let there = match &destination {
            Destination::There(vault, _) => Some(&**vault),
            Destination::Missing | Destination::NotChecked(_) => None,
        };
        let mut found = copy.obstacles(&point, there);
        if copy.leaves_account(&point) {
            let (keys, unread) = clients.keys_of_aws(copy, &point, &destination).await;
            found.extend(keys);
            warnings.extend(unread);
        }
        match &destination {
            Destination::There(..) => {}
            Destination::Missing if found.is_empty() => {
                let message = format!("vault {} does not exist: create it, or correct the ARN", copy.destination.arn);
                return Err(Error::found(
                    START.name,
                    Kind::NotFound,
                    Noun::Vault,
                    copy.destination.arn.as_str(),
                    message,
                ));
            }
            Destination::Missing => found.insert(0, copy.destination_missing()),
            Destination::NotChecked(why) => warnings.push(Warning {
                code: "DESTINATION_NOT_CHECKED",
                message: format!(
                    "Strongroom could not look at vault {} ({why}): if it is missing, its lock does not allow the \
                     retention or its key does not allow the copy, the job fails",
                    copy.destination.arn
                ),
                field: "destination_vault_arn".to_owned(),
            }),
        }
        match Error::preflight(START.name, Noun::RecoveryPoint, copy.recovery_point.as_str(), &found) {
            Some(error) => Err(error),
            None => Ok(CheckedCopy { lifecycle: copy.lifecycle_of_copy(&point), warnings }),
        }
    }

    async fn destination(&self, copy: &StartCopy) -> Destination {
        let clients = match self.clients(&copy.destination.scope).await {
            Ok(clients) => clients,
            Err(error) => return Destination::NotChecked(error.message),
        };
        match clients.describe_vault(&copy.destination.vault).await {
            Ok(vault) => Destination::There(Box::new(vault), clients),
            Err(error) if error.kind == Kind::NotFound => Destination::Missing,
            Err(error) => Destination::NotChecked(error.message),
        }
    }

    async fn send_copy(
        &self,
        clients: &Clients,
        copy: &StartCopy,
        kept: &Lifecycle,
        role_arn: &str,
    ) -> Result<JobId, Error> {
        let answer = self
            .once_assumable(role_arn, || async {
                let sent = clients
                    .backup
                    .start_copy_job()
                    .recovery_point_arn(copy.recovery_point.as_str())
                    .source_backup_vault_name(copy.vault.as_str())
                    .destination_backup_vault_arn(copy.destination.arn.as_str())
                    .iam_role_arn(role_arn)
                    .idempotency_token(copy.request_id.as_str())
                    // Always sent: what AWS does without one is documented for the copies of plans alone [D].
                    .lifecycle(lifecycle::to_aws(kept));
                call(START, sent.send()).await
            })
            .await;
        match answer {
            Ok(answer) => {
                let id = answer.copy_job_id.and_then(|id| JobId::parse(&id).ok());
                id.ok_or_else(|| Error::malformed(START.name, "CopyJobId"))
            }
            Err(error) if error.is_about_the_token() => {
                Err(error.as_kind(Kind::RequestIdReused).about(Noun::Job, &copy.request_id))
            }
            Err(error) => {
                Err(clients.in_vault(error, &copy.vault, Noun::RecoveryPoint, copy.recovery_point.as_str()).await)
            }
        }
    }
}

impl Clients {
    /// Which of the keys at work in a copy to another account AWS manages: those of both vaults and of the snapshot. A key
    /// that cannot be looked at costs a warning.
    async fn keys_of_aws(
        &self,
        copy: &StartCopy,
        point: &RecoveryPoint,
        destination: &Destination,
    ) -> (Vec<Finding>, Vec<Warning>) {
        let (mut found, mut warnings) = (Vec::new(), Vec::new());
        let not_checked = |what: &str, why: &str| Warning {
            code: "KEY_NOT_CHECKED",
            message: format!("whose key {what} has is not known ({why}): if AWS manages it, the job fails"),
            field: "destination_vault_arn".to_owned(),
        };
        let vault_key = match self.describe_vault(&copy.vault).await {
            Ok(vault) => vault.encryption_key_arn,
            Err(error) => {
                warnings.push(not_checked(&format!("the source vault {}", copy.vault), &error.message));
                String::new()
            }
        };
        let mut keys = vec![(format!("the source vault {}", copy.vault), vault_key.as_str(), self)];
        if point.encryption_key_arn != vault_key {
            keys.push(("the recovery point".to_owned(), &point.encryption_key_arn, self));
        }
        if let Destination::There(vault, clients) = destination {
            keys.push((format!("the destination vault {}", copy.destination.arn), &vault.encryption_key_arn, clients));
        }
        for (what, key, clients) in keys.into_iter().filter(|(_, key, _)| !key.is_empty()) {
            match clients.is_aws_managed(key).await {
                Ok(true) => found.push(StartCopy::aws_managed_key(&what, key)),
                Ok(false) => {}
                Err(error) => warnings.push(not_checked(&what, &error.message)),
            }
        }
        (found, warnings)
    }

    /// The jobs that this very request can have started before: those of the same copy that have not failed. None where
    /// the refusal is no matter of the copy itself.
    async fn copies_like(&self, copy: &StartCopy, role_arn: &str, refusal: &Error) -> Vec<Job> {
        if !copy.request_id.may_repeat() || !matches!(refusal.kind, Kind::Preflight | Kind::NotFound) {
            return Vec::new();
        }
        let sent = self
            .backup
            .list_copy_jobs()
            .by_source_recovery_point_arn(copy.recovery_point.as_str())
            .by_destination_vault_arn(copy.destination.arn.as_str())
            .max_results(crate::domain::MAX_PAGE_SIZE.into());
        // One that cannot be read leaves the refusal as it is.
        let jobs = call(LIST, sent.send()).await.ok().and_then(|answer| answer.copy_jobs).unwrap_or_default();
        let jobs = jobs.into_iter().map(|job| copy_job(job, &self.scope));
        let same = |job: &Job| {
            job.role_arn == role_arn
                && job.state != JobState::Failed
                && copy
                    .lifecycle
                    .as_ref()
                    .is_none_or(|asked| job.lifecycle.as_ref().is_none_or(|kept| kept.asks_the_same_as(asked)))
        };
        jobs.filter(same).collect()
    }
}
