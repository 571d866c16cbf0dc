//! What came of which request: so that a repetition is not done twice when AWS has forgotten the first.

use jiff::Timestamp;

use super::{Error, Ledger};
use crate::domain::{JobId, Scope};

/// A request that makes a job, as AWS's own tokens tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Where.
    pub scope: Scope,
    /// Of which operation, such as `StartBackup`.
    pub operation: &'static str,
    /// Its id as AWS was told it, which is another for each caller.
    pub id: String,
}

/// What a request made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// A digest of what was asked for: a request of the same id and another one is not the same.
    pub digest: String,
    /// The job that it started.
    pub job: JobId,
    /// What was answered, but for the job: whoever notes it can read it.
    pub answer: String,
}

impl Ledger {
    /// Notes what a request made. The first note of a request stands.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn note_request(&self, request: &Repeatable, made: &Made, at: Timestamp) -> Result<(), Error> {
        let (mut writing, place) = self.write_of(&request.scope).await?;
        let args = vec![
            place.into(),
            request.operation.into(),
            request.id.as_str().into(),
            made.digest.as_str().into(),
            made.job.as_str().into(),
            made.answer.as_str().into(),
            at.as_millisecond().into(),
        ];
        writing.rows(writing.statements().put_request, args).await?;
        writing.commit().await
    }

    /// What a request made, if it is known.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn request(&self, request: &Repeatable) -> Result<Option<Made>, Error> {
        let store = self.store().await?;
        let Scope { account, region } = &request.scope;
        let args =
            vec![account.as_str().into(), region.as_str().into(), request.operation.into(), request.id.as_str().into()];
        let mut rows = store.rows(store.statements().request, args).await?;
        let Some(row) = rows.first_mut() else { return Ok(None) };
        let (digest, job, answer) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let job = JobId::told(job).ok_or_else(|| Error::unreadable("a request has no job"))?;
        Ok(Some(Made { digest, job, answer }))
    }
}
