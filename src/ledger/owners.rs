//! Whose jobs are counted: those of a resource are its owner's, and move with it when it becomes another's.
//!
//! The last look at a place says whose its databases are. All that was ever counted of a resource is moved, in the transaction that
//! notes the new owner, so that the counts of an owner are always those of what is the owner's now. That is as much as the resource
//! has days with jobs; of many resources, some are moved at a time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    Error, Ledger, changes, jobs,
    rollups::{Cells, Sort, Tally},
    store::Writing,
};
use crate::domain::Scope;

/// Resources that are moved at once: others who write wait meanwhile.
const AT_ONCE: usize = 10;

impl Ledger {
    /// Has the jobs of databases counted as their owners', as the last look at the account and region has it, of a few databases
    /// that are counted otherwise so far. Whether there may be more of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn settle_owners(&self, scope: &Scope) -> Result<bool, Error> {
        let Some(place) = self.place(scope).await? else { return Ok(false) };
        let store = self.store().await?;
        let args = || vec![place.into(), AT_ONCE.into()];
        // Nearly always there is none: nobody who writes is kept waiting for that.
        if store.rows(store.statements().counted_otherwise, args()).await?.is_empty() {
            return Ok(false);
        }
        let (mut writing, _) = self.begin().await?;
        let mut owners: BTreeMap<String, (String, String)> = BTreeMap::new();
        for mut row in writing.rows(writing.statements().counted_otherwise, args()).await? {
            owners.insert(row.text(0)?, (row.text(1)?, row.text(2)?));
        }
        let places = changes::places(&mut writing, BTreeSet::new()).await?;
        let resources: Vec<&String> = owners.keys().collect();
        let mut cells = Cells::default();
        let args = vec![place.into(), jobs::json(&resources)];
        for mut row in writing.rows(writing.statements().cells_of_resources, args).await? {
            let subject = jobs::subject_of(&mut row, 0, &places)?;
            let (day, state, tally) = (row.int(8)?, row.int(9)?, Tally::of_row(&row, 10)?);
            let Some((before, now)) = owners.get(&subject.resource) else { continue };
            // What keeps the resource too is renamed below.
            for sort in Sort::ALL.into_iter().filter(|sort| sort.keeps_owner_alone()) {
                cells.add(&sort.of(&subject, before), day, state, -tally);
                cells.add(&sort.of(&subject, now), day, state, tally);
            }
        }
        let now: Vec<_> = owners.iter().map(|(resource, (_, now))| json!([resource, place, now])).collect();
        writing.rows(writing.statements().set_owners, vec![jobs::json(&now)]).await?;
        writing.rows(writing.statements().set_owners_of_facets, vec![jobs::json(&now)]).await?;
        cells.write(&mut writing, &places).await?;
        writing.commit().await?;
        Ok(owners.len() >= AT_ONCE)
    }
}

/// Whose these resources are, as their jobs are counted, of those that are somebody's: by resource and place.
pub(super) async fn owners(
    writing: &mut Writing,
    resources: &BTreeSet<&str>,
) -> Result<BTreeMap<(String, i64), String>, Error> {
    let named: Vec<&str> = resources.iter().copied().filter(|resource| !resource.is_empty()).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = writing.rows(writing.statements().owners, vec![jobs::json(&named)]).await?;
    rows.into_iter().map(|mut row| Ok(((row.text(0)?, row.int(1)?), row.text(2)?))).collect()
}
