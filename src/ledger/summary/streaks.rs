//! How many jobs completed one after the other, at the newest end.

use std::collections::BTreeMap;

use super::{Asked, Told, lanes};
use crate::domain::JobState;
use crate::ledger::{
    Error,
    jobs::{json, state_number},
    rollups::{BY_DAY, Sort, keys_of},
};

/// Jobs of one day that are looked at one by one, for one group.
const MOST_OF_A_DAY: i64 = 1_000;

/// The same for all groups of a page.
const MOST_OF_A_PAGE: i64 = 5_000;

impl Asked<'_> {
    /// Days tell how many there are since the last one on which a job ended otherwise. Of that day itself the jobs tell, of groups
    /// that have few of them and whose facets lead to them.
    pub(super) async fn count_streaks(&self, told: &mut [Told]) -> Result<(), Error> {
        let statements = self.store.statements();
        let (low, high) = self.days;
        let facets: Vec<(usize, i64)> = told
            .iter()
            .enumerate()
            .flat_map(|(index, told)| told.facets.iter().map(move |facet| (index, *facet)))
            .collect();
        let found = self.store.rows(statements.setbacks, vec![json(&facets), low.into(), high.into()]).await?;
        let mut setbacks: BTreeMap<usize, i64> = BTreeMap::new();
        for row in found {
            setbacks.insert(usize::try_from(row.int(0)?).unwrap_or(usize::MAX), row.int(1)?);
        }
        // Of each group the days after the setback, and as another group the day of it.
        let mut rows = Vec::new();
        for (index, facet) in &facets {
            let Some(day) = setbacks.get(index) else { continue };
            rows.extend(
                lanes(day + 1, high).into_iter().map(|(grain, low, high)| (2 * index, *facet, grain, low, high)),
            );
            rows.push((2 * index + 1, *facet, BY_DAY, *day, day + 1));
        }
        let (mut since, mut on_the_day): (BTreeMap<usize, i64>, BTreeMap<usize, i64>) = Default::default();
        if !rows.is_empty() {
            for row in self.store.rows(statements.cells, vec![json(&rows)]).await? {
                let (group, state, jobs) = (usize::try_from(row.int(0)?).unwrap_or_default(), row.int(1)?, row.int(2)?);
                if group % 2 == 1 {
                    *on_the_day.entry(group / 2).or_default() += jobs;
                } else if state == state_number(&JobState::Completed) {
                    *since.entry(group / 2).or_default() += jobs;
                }
            }
        }
        let mut room = if self.sort == Sort::Subject { MOST_OF_A_PAGE } else { 0 };
        on_the_day.retain(|_, jobs| {
            let is_looked_at = *jobs <= MOST_OF_A_DAY.min(room);
            room -= if is_looked_at { *jobs } else { 0 };
            is_looked_at
        });
        let later = self.later_that_day(&facets, &setbacks, &on_the_day).await?;
        for (index, told) in told.iter_mut().enumerate() {
            let successes = match setbacks.get(&index) {
                Some(_) => [&since, &later].into_iter().filter_map(|counts| counts.get(&index)).sum(),
                None => told.group.counts.completed,
            };
            told.group.consecutive_successes = Some(successes);
        }
        Ok(())
    }

    /// How many completed on the day of the setback and after it, of these groups.
    async fn later_that_day(
        &self,
        facets: &[(usize, i64)],
        setbacks: &BTreeMap<usize, i64>,
        looked_at: &BTreeMap<usize, i64>,
    ) -> Result<BTreeMap<usize, i64>, Error> {
        let lanes = facets.iter().filter(|(index, _)| looked_at.contains_key(index)).filter_map(|(index, facet)| {
            let (first, end) = keys_of(*setbacks.get(index)?);
            Some((*index, *facet, first, end))
        });
        let lanes: Vec<(usize, i64, i64, i64)> = lanes.collect();
        if lanes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut jobs: BTreeMap<usize, Vec<(i64, i64)>> = BTreeMap::new();
        for row in self.store.rows(self.store.statements().jobs_of_facets, vec![json(&lanes)]).await? {
            let index = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            jobs.entry(index).or_default().push((row.int(1)?, row.int(2)?));
        }
        let completed = state_number(&JobState::Completed);
        let is_setback = |state: i64| super::super::rollups::is_final(state) && state != completed;
        Ok(jobs
            .into_iter()
            .map(|(index, mut jobs)| {
                jobs.sort_unstable();
                let later = jobs.iter().rev().take_while(|(_, state)| !is_setback(*state));
                (index, i64::try_from(later.filter(|(_, state)| *state == completed).count()).unwrap_or_default())
            })
            .collect())
    }
}
