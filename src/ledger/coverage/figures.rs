//! What is measured of databases.

use serde_json::Value as Json;

use super::{
    super::{Error, Ledger, jobs::scope_of, store::Row},
    verdict_of,
};
use crate::domain::{Promised, ProtectionFigures, ResourceType};

impl Ledger {
    /// What is measured of databases, in the order of their ARNs: so many of those after one.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn protection_figures(&self, after: &str, size: usize) -> Result<Vec<ProtectionFigures>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().protection_figures, vec![after.into(), size.into()]).await?;
        rows.into_iter().map(figures).collect()
    }
}

fn figures(mut row: Row) -> Result<ProtectionFigures, Error> {
    let strange = || Error::unreadable("a database is not written as this version writes one");
    let json = |text: String| serde_json::from_str::<Json>(&text).map_err(|_| strange());
    let (kept, missed) = (json(row.text(9)?)?, json(row.text(10)?)?);
    Ok(ProtectionFigures {
        scope: scope_of(&row.text(0)?, &row.text(1)?)?,
        arn: row.text(2)?,
        resource_type: ResourceType::told(row.text(3)?).ok_or_else(strange)?,
        badness: row.int(4)?,
        verdict: verdict_of(row.int(5)?).ok_or_else(strange)?,
        never_ran: row.int(6)? == 1,
        consecutive_failures: u64::try_from(row.int(7)?).map_err(|_| strange())?,
        // -1: none.
        last_success_at: if row.int(8)? < 0 { None } else { row.some_time(8)? },
        promised: Promised::from_json(&kept, &missed).ok_or_else(strange)?,
    })
}
