//! What was changed, handed to the one of several servers that looks after it.

use super::{Error, Ledger, jobs::scope_of, store::Row};
use crate::domain::{Arn, Touched, TouchedThing};

/// The sorts of things.
const DATABASE: i64 = 1;
const PLAN: i64 = 2;

impl Ledger {
    /// Hands over that something was changed, whichever server looks after it. What was not taken yet is there once.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn hand_over(&self, touched: &Touched) -> Result<(), Error> {
        let (what, name) = match &touched.what {
            TouchedThing::Database(arn) => (DATABASE, arn.as_str()),
            TouchedThing::Plan(named) => (PLAN, named.as_str()),
        };
        let (account, region) = (touched.scope.account.as_str(), touched.scope.region.as_str());
        // It is no event: nobody who writes those is kept waiting.
        let mut writing = self.store().await?.write().await?;
        let args = vec![account.into(), region.into(), what.into(), name.into()];
        writing.rows(writing.statements().put_touched, args).await?;
        writing.commit().await
    }

    /// Takes over what was changed. Whatever is changed from now on is handed over anew.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn take_over(&self) -> Result<Vec<Touched>, Error> {
        let store = self.store().await?;
        // Nearly always there is nothing: nobody who writes is kept waiting for that.
        if store.rows(store.statements().touched, Vec::new()).await?.is_empty() {
            return Ok(Vec::new());
        }
        let (mut writing, _) = self.begin().await?;
        let rows = writing.rows(writing.statements().take_touched, Vec::new()).await?;
        let taken = rows.into_iter().filter_map(|row| touched(row).transpose()).collect::<Result<_, Error>>()?;
        writing.commit().await?;
        Ok(taken)
    }
}

/// What a row tells; nothing, where another version wrote it that knows more things: those show with the next look.
fn touched(mut row: Row) -> Result<Option<Touched>, Error> {
    let scope = scope_of(&row.text(0)?, &row.text(1)?)?;
    let name = row.text(3)?;
    let what = match row.int(2)? {
        DATABASE => Arn::parse(&name).ok().map(TouchedThing::Database),
        PLAN => Some(TouchedThing::Plan(name)),
        _ => None,
    };
    Ok(what.map(|what| Touched { scope, what }))
}
