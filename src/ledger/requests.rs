//! What came of whose request: so that a repetition is not done twice when AWS has forgotten the first.

use jiff::Timestamp;

use super::{Error, Ledger, jobs};
use crate::domain::{JobId, Scope};

/// What a request made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where.
    pub scope: Scope,
    /// By which operation, such as `StartBackup`.
    pub operation: String,
    /// The job that it started.
    pub job: JobId,
}

impl Ledger {
    /// Notes what a request made. The first note of a request stands.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn note_request(&self, request_id: &str, made: &Made, at: Timestamp) -> Result<(), Error> {
        let Made { scope, operation, job } = made;
        let (mut writing, place) = self.write_of(scope).await?;
        let args = vec![
            request_id.into(),
            place.into(),
            operation.as_str().into(),
            job.as_str().into(),
            at.as_millisecond().into(),
        ];
        writing.rows(writing.statements().put_request, args).await?;
        writing.commit().await
    }

    /// What a request made, if it is known.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn request(&self, request_id: &str) -> Result<Option<Made>, Error> {
        let store = self.store().await?;
        let mut rows = store.rows(store.statements().request, vec![request_id.into()]).await?;
        let Some(row) = rows.first_mut() else { return Ok(None) };
        let scope = jobs::scope_of(&row.text(0)?, &row.text(1)?)?;
        let (operation, job) = (row.text(2)?, row.text(3)?);
        let job = JobId::told(job).ok_or_else(|| Error::unreadable("a request has no job"))?;
        Ok(Some(Made { scope, operation, job }))
    }
}
