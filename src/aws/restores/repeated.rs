//! Repeated restores: finding the job that an earlier try of a request may have made.

use crate::{
    aws::{
        Error, Failure, FailureKind, Scoped,
        call::{Operation, ask},
        jobs::settled,
    },
    domain::{Job, Noun, RequestId, Restore, RestoreMetadata, RestoreSource},
};

const GET_JOB_METADATA: Operation = Operation::read("backup", "GetRestoreJobMetadata");

/// How many of a recovery point's restores, the newest first, are looked at closely.
const MOST_LOOKED_AT: usize = 20;

impl Scoped {
    /// Repeats a restore whose recovery point has gone since: the metadata of its job says what was sent. `missing` is
    /// what AWS says of the recovery point, and the answer when no job is found. `is_it` tells whether metadata is what was
    /// planned, where that is known.
    pub async fn repeat_restore(
        &self,
        restore: &Restore,
        request_id: &RequestId,
        missing: Error,
        is_it: impl Fn(&RestoreMetadata) -> bool + Send,
    ) -> Result<(Job, RestoreSource), Error> {
        if !request_id.may_repeat() || !missing.is_missing() {
            return Err(missing);
        }
        let target = self.arn_to_make(&restore.target);
        // Where they may not be read, the recovery point stays missing.
        let Some(jobs) = settled(self.restores_from(restore.recovery_point.as_str(), &target).await)? else {
            return Err(missing);
        };
        for job in jobs.into_iter().take(MOST_LOOKED_AT) {
            let metadata = self.metadata_of(&job).await?;
            let (Some(metadata), Some(resource_type), Some(role_arn)) = (metadata, job.resource_type, job.role_arn)
            else {
                continue;
            };
            let source = RestoreSource { resource_type, metadata };
            // What is laid over its own result changes nothing.
            let same = restore.over(&source).is_ok_and(|merged| merged == source.metadata);
            if !same || !is_it(&source.metadata) {
                continue;
            }
            let sent = self.send_restore(restore, request_id, &source.resource_type, &source.metadata, &role_arn);
            // AWS knows the token, or says again that the recovery point is missing.
            let answer = match Box::pin(sent).await {
                Ok(id) => Some(id),
                Err(Error::Failed(error)) if error.kind != FailureKind::RequestIdReused => settled(Err(error))?,
                // The role has gone as well.
                Err(Error::Refused(_)) => None,
                Err(error) => return Err(error),
            };
            if let Some(id) = answer {
                return Ok((self.job_of(restore, request_id, &role_arn, &id).await?, source));
            }
        }
        Err(missing)
    }
}

impl Scoped {
    /// The restores of the recovery point to the same name and with the same metadata. Where AWS does not tell the
    /// metadata, a job counts.
    pub(super) async fn restores_like(
        &self,
        restore: &Restore,
        metadata: &RestoreMetadata,
    ) -> Result<Vec<Job>, Failure> {
        let target = self.arn_to_make(&restore.target);
        let mut like = Vec::new();
        let jobs = self.restores_from(restore.recovery_point.as_str(), &target).await?;
        for job in jobs.into_iter().take(MOST_LOOKED_AT) {
            if self.metadata_of(&job).await?.is_none_or(|sent| sent == *metadata) {
                like.push(job);
            }
        }
        Ok(like)
    }

    /// What was sent for the job, where AWS tells.
    async fn metadata_of(&self, job: &Job) -> Result<Option<RestoreMetadata>, Failure> {
        let sent = self.clients.backup.get_restore_job_metadata().restore_job_id(job.id.as_str());
        let answer = self.read(GET_JOB_METADATA, ask!(sent)).await.map_err(|error| error.about(Noun::Job, &job.id));
        Ok(settled(answer)?.map(|answer| answer.metadata.unwrap_or_default().into_iter().collect()))
    }
}
