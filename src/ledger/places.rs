//! How far each account and region was read.

use jiff::Timestamp;

use super::{Error, Ledger, jobs};
use crate::domain::{Job, JobKind, Scope};

/// How far an account and region was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub scope: Scope,
    /// The instant, by AWS's clock, from which on jobs created are known without gaps; absent: none are.
    pub history_start: Option<Timestamp>,
    /// The instant for which what is remembered is true; absent: it was never read.
    pub as_of: Option<Timestamp>,
    /// Whether all that AWS still knew was read.
    pub filled: bool,
}

impl Ledger {
    /// How far every account and region was read of which anything is remembered.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn readings(&self) -> Result<Vec<Reading>, Error> {
        let store = self.store().await?;
        let time = |millis: Option<i64>| millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let rows = store.rows(store.statements().feeds, Vec::new()).await?;
        let reading = |mut row: super::store::Row| {
            Ok(Reading {
                scope: jobs::scope_of(&row.text(1)?, &row.text(2)?)?,
                history_start: time(row.some_int(3)),
                filled: row.some_int(4) == Some(1),
                as_of: time(row.some_int(5)),
            })
        };
        rows.into_iter().map(reading).collect()
    }

    /// How far an account and region was read, if anything is remembered of it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn reading(&self, scope: &Scope) -> Result<Option<Reading>, Error> {
        Ok(self.readings().await?.into_iter().find(|reading| reading.scope == *scope))
    }

    /// The number of an account and region of which anything is remembered.
    pub(super) async fn place(&self, scope: &Scope) -> Result<Option<i64>, Error> {
        let store = self.store().await?;
        for mut row in store.rows(store.statements().places, Vec::new()).await? {
            if jobs::scope_of(&row.text(1)?, &row.text(2)?)? == *scope {
                return row.int(0).map(Some);
            }
        }
        Ok(None)
    }

    /// Notes how far an account and region was read.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn note_reading(&self, reading: &Reading) -> Result<(), Error> {
        let Reading { scope, history_start, as_of, filled } = reading;
        let (mut writing, place) = self.write_of(scope).await?;
        let args = vec![place.into(), (*history_start).into(), i64::from(*filled).into(), (*as_of).into()];
        writing.rows(writing.statements().set_feed, args).await?;
        writing.commit().await
    }

    /// Jobs of a kind that have not ended, as far as is known; the oldest first.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn unended_jobs(&self, scope: &Scope, kind: JobKind, most: usize) -> Result<Vec<Job>, Error> {
        let store = self.store().await?;
        let args = vec![
            scope.account.as_str().into(),
            scope.region.as_str().into(),
            jobs::kind_number(kind).into(),
            most.into(),
        ];
        let rows = store.rows(store.statements().unended, args).await?;
        rows.into_iter().map(|row| jobs::job(row, 0)).collect()
    }
}
