//! What is forgotten, a little at a time: a long delete would keep everybody who writes waiting.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Error, Ledger, approvals, changes, jobs,
    rollups::{Counted, Moves},
    statements::Statements,
    store::{Row, Writing},
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
        let gone = forget(&mut writing, |it| it.forget_events, before).await?;
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
        let gone = forget(&mut writing, |it| it.forget_requests, before).await?;
        writing.commit().await?;
        Ok(gone.len() >= AT_ONCE)
    }

    /// Forgets the oldest of the approvals that were asked for before the instant. Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_approvals(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        let gone = forget(&mut writing, |_| approvals::FORGET, before).await?;
        writing.commit().await?;
        Ok(gone.len() >= AT_ONCE)
    }

    /// Forgets the oldest of the missed runs that were due before the instant, of which nobody can say any more what was missed.
    /// Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn forget_missed(&self, before: Timestamp) -> Result<bool, Error> {
        let (mut writing, _) = self.begin().await?;
        writing.rows(writing.statements().set_judged_since, vec![before.as_millisecond().into()]).await?;
        let gone = forget(&mut writing, |it| it.forget_missed, before).await?;
        let places = changes::places(&mut writing, BTreeSet::new()).await?;
        let subjects: BTreeSet<i64> = gone.iter().map(|row| row.int(1)).collect::<Result<_, _>>()?;
        let subjects = changes::subjects_by_id(&mut writing, &subjects).await?;
        let mut moves = Moves::default();
        // One that was withdrawn is not counted any more.
        for row in gone.iter().filter(|row| row.some_int(2).is_none()) {
            let subject = subjects.get(&row.int(1)?).ok_or_else(|| Error::unreadable("a run is about nothing"))?;
            moves.take_away(Counted::missed(subject.clone(), row.time(0)?));
        }
        moves.write(&mut writing, &places).await?;
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
        let mut incidents = forget(&mut writing, |it| it.forget_incidents, before).await?;
        let ids: Vec<String> = incidents.iter_mut().map(|row| row.text(0)).collect::<Result<_, _>>()?;
        writing.rows(writing.statements().drop_point_changes, vec![jobs::json(&ids)]).await?;
        let points = forget(&mut writing, |it| it.forget_points, before).await?;
        let calls = forget(&mut writing, |it| it.forget_calls, before).await?;
        writing.commit().await?;
        Ok([incidents.len(), points.len(), calls.len()].iter().any(|gone| *gone >= AT_ONCE))
    }
}

/// Forgets the oldest rows of before the instant, as the statement has it: a row of each.
async fn forget(
    writing: &mut Writing,
    statement: fn(&Statements) -> &'static str,
    before: Timestamp,
) -> Result<Vec<Row>, Error> {
    let args = vec![before.as_millisecond().into(), AT_ONCE.into()];
    writing.rows(statement(writing.statements()), args).await
}
