//! Jobs counted by what they have in common, by bounded work: of the rollups the narrowest that keeps what is asked for is walked in
//! the order of the groups, and so many of its cells are looked at and no more. A page may be short then, and says how far it came.

mod groups;
mod none_due;
mod streaks;

use std::{cmp::Reverse, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

pub use self::groups::Seen;
use self::{
    groups::{Chunk, Group},
    none_due::KnownDays,
};
use super::{
    Error, Ledger,
    jobs::{json, kind_of, state_number, state_of},
    rollups::{self, BY_DAY, BY_MONTH, Sort, Tally, day_of, first_day_of, month_of},
    store::Store,
};
use crate::domain::{JobCounts, JobDimension, JobGroup, JobQuery};

/// Cells that a page looks at: a few milliseconds. Half of them where they are looked at once more, for what completed one after the
/// other.
const MOST_LOOKED_AT: usize = 6_000;

/// As many cells as the way to those of one facet costs.
const WAY: usize = 10;

/// States that a facet is likely to have jobs in, in one period.
const LIKELY_STATES: usize = 3;

/// Facets that are tried for a page by resource.
const MOST_TRIED: usize = 5_000;

/// Facets that a page looks for, and that one group can have.
const MOST_FACETS: usize = 20_000;

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// Cells of one group that is not to be told in parts.
const MOST_OF_ONE: usize = 100_000;

/// Looks that a page takes, each at more groups than the one before.
const MOST_LOOKS: u32 = 5;

/// Why jobs were not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SummaryError {
    /// The ledger does not answer.
    Ledger(Error),
    /// So many numbers would have to be added up for one group, or more.
    TooBroad(usize),
}

impl From<Error> for SummaryError {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

/// A page of groups.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPage {
    /// The groups, in their order: by their values, then the newest day first, then by state.
    pub groups: Vec<JobGroup>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<GroupPosition>,
}

/// Where a page begins: after the group that has these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPosition {
    /// Its values, in the order of the dimensions; fewer are all groups that begin with them.
    values: Vec<String>,
    /// Its day; none, and all of its days.
    day: Option<i64>,
    /// Its state; none, and all of its states.
    state: Option<i64>,
}

impl GroupPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether all groups of these values are before it.
    fn ends(&self) -> bool {
        self.day.is_none() && self.state.is_none()
    }

    fn is_behind(&self, values: &[String], key: Key) -> bool {
        let of_values = values.iter().zip(&self.values).map(|(one, told)| one.cmp(told)).find(|order| order.is_ne());
        let of_day = self.day.zip(key.0.0).map(|(told, day)| told.cmp(&day));
        let of_state = self.state.zip(key.1).map(|(told, state)| state.cmp(&told));
        let orders = [of_values, of_day, of_state];
        orders.into_iter().flatten().find(|order| order.is_ne()).is_none_or(std::cmp::Ordering::is_lt)
    }
}

impl fmt::Display for GroupPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// What keeps the groups of the same values apart: their day, the newest first, and their state.
type Key = (Reverse<Option<i64>>, Option<i64>);

/// What is counted, and by what.
struct Asked<'q> {
    store: Store,
    query: &'q JobQuery,
    /// Whose resources are meant.
    owner: Option<&'q str>,
    /// Which of them count; of none, all.
    seen: Option<Seen<'q>>,
    /// The dimensions that facets have values of.
    of_facets: Vec<JobDimension>,
    by_day: bool,
    by_state: bool,
    sort: Sort,
    /// The first day, and the day after the last.
    days: (i64, i64),
    /// The days of which it can be told that nothing was due.
    known: KnownDays,
}

/// What is told, and of which facets it was counted, in which places.
struct Told {
    group: JobGroup,
    facets: Vec<i64>,
    places: Vec<i64>,
}

impl Ledger {
    /// A page of the jobs that the query means, and of those the owner's where one is named, counted by these dimensions, each of
    /// which is there once and in its order. The query goes by nothing that is not counted by
    /// ([`crate::domain::JobFilter::uncountable`]).
    ///
    /// # Errors
    /// When the ledger does not answer; when one group would take too long to count.
    pub async fn summarize(
        &self,
        query: &JobQuery,
        owner: Option<&str>,
        by: &[JobDimension],
        size: usize,
        after: Option<GroupPosition>,
    ) -> Result<GroupPage, SummaryError> {
        self.summarize_seen(query, (owner, None), by, size, after).await
    }

    /// The same of those jobs alone that somebody may see.
    ///
    /// # Errors
    /// As [`Self::summarize`].
    pub async fn summarize_seen(
        &self,
        query: &JobQuery,
        whose: (Option<&str>, Option<Seen<'_>>),
        by: &[JobDimension],
        size: usize,
        after: Option<GroupPosition>,
    ) -> Result<GroupPage, SummaryError> {
        let store = self.store().await?;
        let asked = Asked::new(store, (query, whose), by).await?;
        let (mut told, next) = asked.page(size, after).await?;
        let all_together = by.is_empty();
        if all_together && told.is_empty() {
            let group = JobGroup::of(Vec::new(), (Reverse(None), None))?;
            told.push(Told { group, facets: Vec::new(), places: Vec::new() });
        }
        asked.count_none_due(&mut told).await?;
        if asked.tells_streaks() {
            asked.count_streaks(&mut told).await?;
        }
        let next = next.filter(|_| !all_together);
        Ok(GroupPage { groups: told.into_iter().map(|told| told.group).collect(), next })
    }
}

impl<'q> Asked<'q> {
    async fn new(
        store: Store,
        (query, (owner, seen)): (&'q JobQuery, (Option<&'q str>, Option<Seen<'q>>)),
        by: &[JobDimension],
    ) -> Result<Self, Error> {
        let span = store.rows(store.statements().span_of_keys, Vec::new()).await?;
        let day = |at: i64| at.div_euclid(DAY);
        let of = |column| span.first().and_then(|row| row.some_int(column));
        let firsts = of(0).map(day_of).into_iter().chain(of(2).map(day));
        let lasts = of(1).map(day_of).into_iter().chain(of(3).map(day));
        // Without jobs it is a day on which there are none.
        let (mut low, mut high) = (firsts.min().unwrap_or(0), lasts.max().unwrap_or(0) + 1);
        if !by.contains(&JobDimension::Day) {
            // Whole months are counted at once.
            (low, high) = (first_day_of(month_of(low)), first_day_of(month_of(high - 1) + 1));
        }
        let asked = query.created;
        let asked = [asked.after, asked.before].map(|bound| bound.map(|at| day(at.as_millisecond())));
        let (low, high) =
            (asked[0].map_or(low, |after| low.max(after)), asked[1].map_or(high, |before| high.min(before)));
        let by_day_or_state = by.contains(&JobDimension::Day) || by.contains(&JobDimension::State);
        // Of some states of jobs nobody can say what was due.
        let known = match by_day_or_state || !query.states.is_empty() {
            true => KnownDays::default(),
            false => KnownDays::of(&store, asked).await?,
        };
        let of_facets = by.iter().copied().filter(|by| !matches!(by, JobDimension::Day | JobDimension::State));
        Ok(Self {
            store,
            query,
            owner,
            seen,
            of_facets: of_facets.collect(),
            by_day: by.contains(&JobDimension::Day),
            by_state: by.contains(&JobDimension::State),
            // Who sees what is decided by everything that jobs have in common.
            sort: if seen.is_some() { Sort::Subject } else { sort_of(query, owner, by) },
            days: (low, high),
            known,
        })
    }

    async fn page(
        &self,
        size: usize,
        after: Option<GroupPosition>,
    ) -> Result<(Vec<Told>, Option<GroupPosition>), SummaryError> {
        let room = if self.tells_streaks() { MOST_LOOKED_AT / 2 } else { MOST_LOOKED_AT };
        let (mut told, mut at, mut room) = (Vec::new(), after, room);
        if self.days.0 >= self.days.1 {
            return Ok((told, None));
        }
        let bound = self.bound(at.as_ref()).await?;
        for look in 0..MOST_LOOKS {
            // Of each group there is something on every day, on none, or on some: looks that find little are followed by wider ones.
            let wanted = (size - told.len()).div_ceil(self.days_of_page()).saturating_mul(1 << look);
            let wanted = wanted.min((room / self.of_facet()).max(1));
            let Chunk { mut groups, mut more } = self.chunk(at.as_ref(), bound.as_deref(), wanted).await?;
            let fitting = self.fitting(&groups, room).min(wanted);
            more |= fitting < groups.len();
            groups.truncate(fitting);
            let Some(last) = groups.last().map(|group| group.values.clone()) else {
                return Ok((told, bound.map(GroupPosition::after_all_of)));
            };
            // Of one that has days enough for the page, no more of them are counted.
            let room_of_days = match groups.as_slice() {
                [only] if self.by_day => {
                    room.min((only.facets.len() * LIKELY_STATES).saturating_mul((size - told.len()) << look))
                }
                _ => room,
            };
            let (counted, looked, cut) = self.count(&groups, at.as_ref(), room_of_days).await?;
            for ((index, key), counts) in counted {
                let Some(group) = groups.get(index) else { continue };
                if at.as_ref().is_some_and(|at| at.is_behind(&group.values, key)) {
                    continue;
                }
                let labels = self.of_facets.iter().copied().zip(group.values.iter().cloned());
                let new = JobGroup { counts, ..JobGroup::of(labels.collect(), key)? };
                told.push(Told { group: new, facets: group.facets.clone(), places: group.places.clone() });
                if told.len() >= size {
                    let (Reverse(day), state) = key;
                    return Ok((told, Some(GroupPosition { values: group.values.clone(), day, state })));
                }
            }
            if !more && cut.is_none() {
                return Ok((told, bound.map(GroupPosition::after_all_of)));
            }
            at = Some(GroupPosition { values: last, day: cut, state: None });
            room = room.saturating_sub(looked);
            if room == 0 {
                break;
            }
        }
        Ok((told, at))
    }

    fn tells_streaks(&self) -> bool {
        !self.by_day && !self.by_state && self.query.states.is_empty()
    }

    /// How many groups of one facet's values a page can have, at the most.
    fn days_of_page(&self) -> usize {
        let days = if self.by_day { self.days.1 - self.days.0 } else { 1 };
        usize::try_from(days).unwrap_or(1).max(1)
    }

    /// How many of the groups can be looked at; one at least.
    fn fitting(&self, groups: &[Group], room: usize) -> usize {
        let of_facet = self.of_facet();
        let cells = groups.iter().scan(0, |cells, group| {
            *cells += group.facets.len() * of_facet;
            Some(*cells)
        });
        cells.take_while(|cells| *cells <= room).count().max(1).min(groups.len())
    }

    /// What it costs to look at a facet, at the most that is likely, in cells.
    fn of_facet(&self) -> usize {
        self.periods() * LIKELY_STATES + self.known.most() + WAY
    }

    /// How many periods there are of a facet.
    fn periods(&self) -> usize {
        let (low, high) = self.days;
        let lanes = if self.by_day { vec![(BY_DAY, low, high)] } else { lanes(low, high) };
        let periods: i64 = lanes.iter().map(|(_, low, high)| high - low).sum();
        usize::try_from(periods).unwrap_or(1)
    }

    /// The counts of the groups; at how many cells was looked; and of a group that is too large to be told at once, the day down to
    /// which it was counted.
    async fn count(
        &self,
        groups: &[Group],
        at: Option<&GroupPosition>,
        room: usize,
    ) -> Result<(BTreeMap<(usize, Key), JobCounts>, usize, Option<i64>), SummaryError> {
        let (low, high) = self.days;
        // The first group goes on where the page before ended.
        let goes_on = |group: &Group| {
            let at = at.filter(|at| at.values == group.values)?;
            at.day.map(|day| day.saturating_add(i64::from(at.state.is_some())))
        };
        let (mut rows, mut cut) = (Vec::new(), None);
        for (index, group) in groups.iter().enumerate() {
            let lanes = if self.by_day {
                let high = goes_on(group).map_or(high, |end| end.min(high));
                let of_day = group.facets.len().max(1) * LIKELY_STATES;
                let most = i64::try_from(room / of_day).unwrap_or(i64::MAX).max(1);
                let from = low.max(high.saturating_sub(most));
                cut = (from > low).then_some(from);
                vec![(BY_DAY, from, high)]
            } else {
                let cells = group.facets.len() * self.periods();
                if cells > MOST_OF_ONE {
                    return Err(SummaryError::TooBroad(cells));
                }
                lanes(low, high)
            };
            for facet in &group.facets {
                rows.extend(lanes.iter().map(|(grain, low, high)| (index, *facet, *grain, *low, *high)));
            }
        }
        let statements = self.store.statements();
        let sql = if self.by_day { statements.cells_by_period } else { statements.cells };
        let counted = self.store.rows(sql, vec![json(&rows)]).await?;
        let states: Vec<i64> = self.query.states.iter().map(state_number).collect();
        let mut all: BTreeMap<(usize, Key), JobCounts> = BTreeMap::new();
        let mut looked = rows.len() * WAY;
        for row in counted {
            let index = usize::try_from(row.int(0)?).unwrap_or(usize::MAX);
            let (day, first) = if self.by_day { (Some(row.int(1)?), 2) } else { (None, 1) };
            let (state, tally) = (row.int(first)?, Tally::of_row(&row, first + 1)?);
            looked += usize::try_from(row.int(first + 6)?).unwrap_or_default();
            // A missed run is in no state of a job.
            let is_meant = states.is_empty() && !(self.by_state && state == rollups::MISSED);
            if is_meant || states.contains(&state) {
                let key = (Reverse(day), self.by_state.then_some(state));
                all.entry((index, key)).or_default().add(state, tally);
            }
        }
        Ok((all, looked, cut))
    }
}

impl GroupPosition {
    fn after_all_of(value: String) -> Self {
        Self { values: vec![value], day: None, state: None }
    }
}

/// The narrowest rollup that keeps what is asked for.
fn sort_of(query: &JobQuery, owner: Option<&str>, by: &[JobDimension]) -> Sort {
    use JobDimension as D;
    let by = |dimension: D| by.contains(&dimension);
    let needs = [
        by(D::ResourceType) || !query.resource_types.is_empty(),
        by(D::Resource) || !query.resources.is_empty(),
        by(D::Vault) || !query.vaults.is_empty() || !query.destinations.is_empty(),
        by(D::Plan) || by(D::Rule) || query.plan.is_some() || query.rule.is_some(),
        by(D::Owner) || owner.is_some(),
    ];
    let keeps = |sort: &Sort| needs.iter().zip(sort.keeps()).all(|(needs, keeps)| keeps || !needs);
    Sort::ALL.into_iter().find(keeps).unwrap_or(Sort::Subject)
}

/// The days as grains and periods: whole months where there are some, and the days before and after them.
fn lanes(low: i64, high: i64) -> Vec<(i64, i64, i64)> {
    let first = if first_day_of(month_of(low)) == low { month_of(low) } else { month_of(low) + 1 };
    let end = month_of(high);
    if first >= end {
        return vec![(BY_DAY, low, high)];
    }
    let lanes = [(BY_DAY, low, first_day_of(first)), (BY_MONTH, first, end), (BY_DAY, first_day_of(end), high)];
    lanes.into_iter().filter(|(_, low, high)| low < high).collect()
}

trait Counts {
    fn add(&mut self, state: i64, tally: Tally);
}

impl Counts for JobCounts {
    fn add(&mut self, state: i64, tally: Tally) {
        use crate::domain::JobState as S;
        let Tally { jobs, bytes, timed, seconds, issues } = tally;
        if state == rollups::MISSED {
            self.missed += jobs;
            return;
        }
        let count = match state_of(state) {
            S::Created | S::Pending | S::Running | S::Aborting | S::Unknown(_) => &mut self.under_way,
            S::Aborted => &mut self.aborted,
            S::Completed => &mut self.completed,
            S::Failed => &mut self.failed,
            S::Expired => &mut self.expired,
            S::Partial => &mut self.partial,
        };
        *count += jobs;
        self.bytes = self.bytes.saturating_add(bytes);
        self.timed += timed;
        self.seconds = self.seconds.saturating_add(seconds);
        self.with_issues += issues;
    }
}

impl JobGroup {
    fn of(mut values: Vec<(JobDimension, String)>, (Reverse(day), state): Key) -> Result<Self, Error> {
        let kinds = values.extract_if(.., |(dimension, _)| *dimension == JobDimension::Kind);
        let kind = kinds.map(|(_, kind)| kind_of(kind.parse().unwrap_or_default())).last().transpose()?;
        let day = day.map(|day| jiff::Timestamp::from_second(day.saturating_mul(86_400)));
        let day = day.transpose().map_err(|error| Error::unreadable(error.to_string()))?;
        Ok(Self {
            values,
            kind,
            day: day.map(|day| day.to_zoned(jiff::tz::TimeZone::UTC).date()),
            state: state.map(state_of),
            counts: JobCounts::default(),
            consecutive_successes: None,
            none_due_days: None,
        })
    }
}
