//! What is forgotten, a little at a time: a long delete would keep everybody who writes waiting.

use jiff::Timestamp;

use super::{Error, Ledger, jobs};

/// Rows that are forgotten at once.
const AT_ONCE: usize = 2_000;

impl Ledger {
    /// Forgets the oldest of the events that were true before the instant. Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_events(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        let args = vec![before.as_millisecond().into(), AT_ONCE.into()];
        let gone = writing.rows(writing.statements().forget_events, args).await?;
        let last = gone.iter().filter_map(|row| row.some_int(0)).max();
        if let Some(last) = last {
            writing.rows(writing.statements().set_compacted, vec![last.into()]).await?;
            writing.commit().await?;
        }
        Ok(gone.len() >= AT_ONCE)
    }

    /// Forgets the oldest of the jobs that were created before the instant. Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_jobs(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        let args = vec![jobs::first_key(before).into(), AT_ONCE.into()];
        let gone = writing.rows(writing.statements().forget_jobs, args).await?;
        writing.commit().await?;
        Ok(gone.len() >= AT_ONCE)
    }

    /// Forgets the oldest of what requests made before the instant. Whether there may be more of it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_requests(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        let args = vec![before.as_millisecond().into(), AT_ONCE.into()];
        let gone = writing.rows(writing.statements().forget_requests, args).await?;
        writing.commit().await?;
        Ok(gone.len() >= AT_ONCE)
    }

    /// Forgets the oldest of the incidents that were closed before the instant, of the points that were gone, and of the calls
    /// that were made. Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_incidents(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        let args = || vec![before.as_millisecond().into(), AT_ONCE.into()];
        let mut incidents = writing.rows(writing.statements().forget_incidents, args()).await?;
        let ids: Vec<String> = incidents.iter_mut().map(|row| row.text(0)).collect::<Result<_, _>>()?;
        writing.rows(writing.statements().drop_point_changes, vec![jobs::json(&ids)]).await?;
        let points = writing.rows(writing.statements().forget_points, args()).await?;
        let calls = writing.rows(writing.statements().forget_calls, args()).await?;
        writing.commit().await?;
        Ok([incidents.len(), points.len(), calls.len()].iter().any(|gone| *gone >= AT_ONCE))
    }
}
