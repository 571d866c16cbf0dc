//! Repeated restores: finding the job that an earlier try of a request may have made.

use super::call;
use crate::{
    aws::{Aws, Error, Kind, Noun, call::Operation, client::Clients},
    domain::{AskedScope, Job, RequestId, Restore, RestoreMetadata, RestoreSource},
};

const GET_JOB_METADATA: Operation = Operation::read("backup", "GetRestoreJobMetadata");

/// How many of a recovery point's restores, the newest first, are looked at closely.
const MOST_LOOKED_AT: usize = 20;

impl Aws {
    /// Repeats a restore whose recovery point has gone since: the metadata of its job says what was sent. `missing` is
    /// what AWS says of the recovery point, and the answer when no job is found. `is_it` tells whether metadata is what was
    /// planned, where that is known.
    pub async fn repeat_restore(
        &self,
        asked: &AskedScope,
        restore: &Restore,
        request_id: &RequestId,
        missing: Error,
        is_it: impl Fn(&RestoreMetadata) -> bool + Send,
    ) -> Result<(Job, RestoreSource), Error> {
        if !request_id.may_repeat() || missing.kind != Kind::NotFound {
            return Err(missing);
        }
        let clients = self.clients(asked).await?;
        let target = clients.arn_to_make(&restore.target);
        let Ok(jobs) = clients.restores_from(restore.recovery_point.as_str(), &target).await else {
            return Err(missing);
        };
        for job in jobs.into_iter().take(MOST_LOOKED_AT) {
            let Ok(metadata) = clients.metadata_of(&job).await else { continue };
            let source = RestoreSource { resource_type: job.resource_type.clone(), metadata };
            // What is laid over its own result changes nothing.
            let same = restore.over(&source).is_ok_and(|merged| merged == source.metadata);
            if !same || !is_it(&source.metadata) {
                continue;
            }
            let sent = self.send_restore(
                &clients,
                restore,
                request_id,
                &source.resource_type,
                &source.metadata,
                &job.role_arn,
            );
            // AWS knows the token, or says again that the recovery point is missing.
            match Box::pin(sent).await {
                Ok(id) => return Ok((clients.job_of(restore, request_id, &job.role_arn, &id).await?, source)),
                Err(error) if error.kind == Kind::RequestIdReused => return Err(error),
                Err(_) => {}
            }
        }
        Err(missing)
    }
}

impl Clients {
    /// The restores of the recovery point to the same name and with the same metadata. Where AWS does not tell the
    /// metadata, a job counts.
    pub(super) async fn restores_like(&self, restore: &Restore, metadata: &RestoreMetadata) -> Result<Vec<Job>, Error> {
        let target = self.arn_to_make(&restore.target);
        let mut like = Vec::new();
        let jobs = self.restores_from(restore.recovery_point.as_str(), &target).await?;
        for job in jobs.into_iter().take(MOST_LOOKED_AT) {
            if self.metadata_of(&job).await.is_ok_and(|sent| sent != *metadata) {
                continue;
            }
            like.push(job);
        }
        Ok(like)
    }

    async fn metadata_of(&self, job: &Job) -> Result<RestoreMetadata, Error> {
        let sent = self.backup.get_restore_job_metadata().restore_job_id(&job.id);
        let answer = call(GET_JOB_METADATA, sent.send()).await.map_err(|error| error.about(Noun::Job, &job.id))?;
        Ok(answer.metadata.unwrap_or_default().into_iter().collect())
    }
}
