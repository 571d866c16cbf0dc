//! What is forgotten, a little at a time: a long delete would keep everybody who writes waiting.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Error, Ledger, changes, jobs,
    rollups::{Counted, Moves},
};

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
        let places = changes::places(&mut writing, BTreeSet::new()).await?;
        let subjects: BTreeSet<i64> = gone.iter().map(|row| row.int(1)).collect::<Result<_, _>>()?;
        let subjects = changes::subjects_by_id(&mut writing, &subjects).await?;
        let mut moves = Moves::default();
        for row in &gone {
            let subject = subjects.get(&row.int(1)?).ok_or_else(|| Error::unreadable("a job is about nothing"))?;
            let (key, state, has_issues) = (row.int(0)?, row.int(2)?, row.int(5)? != 0);
            let (bytes, done) = (row.some_int(3), row.some_int(4));
            moves.take_away(Counted::new(key, subject.clone(), state, bytes, done, has_issues));
        }
        moves.write(&mut writing, &places).await?;
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
