//! On how many days nothing was due: days on which neither a job was made nor a run missed, as far as both are known.
//!
//! A day that says nothing is told only by its absence, and absent is also what nobody knows. So these days are counted only where
//! every run that was due is known to have left a job or to be missed: from the first look at the place on, until runs were judged.

use std::collections::BTreeMap;

use super::{Asked, DAY, Told};
use crate::{
    domain::done_with,
    ledger::{Error, coverage::looks_in, jobs::json, store::Store},
};

/// Days that are looked at for one group, at the most: one by one, for months do not say on which of their days there was nothing.
const MOST_DAYS: i64 = 35;

/// The whole days, of each place, of which it can be told that nothing was due: the first, and the day after the last.
#[derive(Debug, Default)]
pub(super) struct KnownDays(BTreeMap<i64, (i64, i64)>);

impl KnownDays {
    /// Of the days that are asked for, from the first on and before another.
    pub(super) async fn of(store: &Store, [after, before]: [Option<i64>; 2]) -> Result<Self, Error> {
        let mut days = BTreeMap::new();
        for look in looks_in(store).await? {
            let Some((since, until)) = look.judged_since.zip(look.judged.map(done_with)) else { continue };
            let (first, end) =
                ((since.as_millisecond() - 1).div_euclid(DAY) + 1, until.as_millisecond().div_euclid(DAY));
            let (first, end) = (after.map_or(first, |it| first.max(it)), before.map_or(end, |it| end.min(it)));
            if (1..=MOST_DAYS).contains(&(end - first)) {
                days.insert(look.place, (first, end));
            }
        }
        Ok(Self(days))
    }

    /// The most days of one facet.
    pub(super) fn most(&self) -> usize {
        let most = self.0.values().map(|(first, end)| end - first).max();
        usize::try_from(most.unwrap_or_default()).unwrap_or_default()
    }

    /// The days that are known of all these places.
    fn of_all(&self, places: &[i64]) -> Option<(i64, i64)> {
        let known = places.iter().map(|place| self.0.get(place).copied());
        let all = known.reduce(|one, other| {
            let ((first, end), (other_first, other_end)) = (one?, other?);
            Some((first.max(other_first), end.min(other_end)))
        });
        all.flatten().filter(|(first, end)| first < end)
    }
}

impl Asked<'_> {
    /// Counts the days on which nothing was due, of groups in places of which that is known.
    pub(super) async fn count_none_due(&self, told: &mut [Told]) -> Result<(), Error> {
        let mut lanes = Vec::new();
        for (index, told) in told.iter_mut().enumerate() {
            let Some((first, end)) = self.known.of_all(&told.places) else { continue };
            told.group.none_due_days = Some(end - first);
            lanes.extend(told.facets.iter().map(|facet| (index, *facet, first, end)));
        }
        if lanes.is_empty() {
            return Ok(());
        }
        for row in self.store.rows(self.store.statements().days_of_groups, vec![json(&lanes)]).await? {
            let group = told.get_mut(usize::try_from(row.int(0)?).unwrap_or(usize::MAX));
            if let Some(days) = group.and_then(|told| told.group.none_due_days.as_mut()) {
                *days -= row.int(1)?;
            }
        }
        Ok(())
    }
}
