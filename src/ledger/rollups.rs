//! What jobs are counted by, kept in the transaction that changes them: a job moves from one cell to another when it changes. Runs
//! that left no job are counted beside them, in cells of their own.
//!
//! A rollup over every dimension has as many cells as there are jobs, and is slow by any one of them. So there are several, each of
//! which keeps few columns of a job's subject: a question is answered by the narrowest that keeps what it asks for. All of them keep
//! the account and region, and one keeps everything. A job forgotten is counted no more: what is counted is what can be listed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use jiff::Timestamp;
use serde_json::json;

use super::{
    Error,
    jobs::{self, KEY_BITS, state_number},
    owners,
    store::{Row, Value, Writing},
};
use crate::domain::{Job, JobState, JobSubject, Scope};

/// Bytes of one job that are counted, at most: 4 PiB. More is nonsense, and sums of nonsense have no room.
const MOST_BYTES: i64 = 1 << 52;

const DAY: i64 = 86_400_000;

/// What missed runs are counted as, beside the states that jobs have.
pub(super) const MISSED: i64 = 10;

/// Cells of a day, and of a month.
pub(super) const BY_DAY: i64 = 0;
pub(super) const BY_MONTH: i64 = 1;

/// What a rollup keeps of a subject. The numbers are those of `facet.sort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Place and kind, as all of them do.
    Place = 1,
    /// And the type.
    Type = 2,
    /// And the vaults.
    Vault = 3,
    /// And plan and rule.
    Plan = 4,
    /// Everything but the resource: plans have few vaults, and owners few plans, so that this is not much.
    Arrangement = 5,
    /// Everything.
    Subject = 6,
    /// Place and kind, and whose the resource is.
    Owner = 7,
}

impl Sort {
    /// The narrowest first.
    pub(super) const ALL: [Self; 7] =
        [Self::Place, Self::Type, Self::Owner, Self::Vault, Self::Plan, Self::Arrangement, Self::Subject];

    pub(super) fn number(self) -> i64 {
        self as i64
    }

    /// Of the columns type, resource, vaults, plan and rule, and owner, those that it keeps.
    pub(super) fn keeps(self) -> [bool; 5] {
        match self {
            Self::Place => [false; 5],
            Self::Type => [true, false, false, false, false],
            Self::Owner => [false, false, false, false, true],
            Self::Vault => [false, false, true, false, false],
            Self::Plan => [false, false, false, true, false],
            Self::Arrangement => [true, false, true, true, true],
            Self::Subject => [true; 5],
        }
    }

    /// Whether resources of several owners meet in its facets, which keep these apart.
    pub(super) fn keeps_owner_alone(self) -> bool {
        let [_, resource, .., owner] = self.keeps();
        owner && !resource
    }

    /// The facet of jobs about that, and of that owner.
    pub(super) fn of(self, subject: &JobSubject, owner: &str) -> Facet {
        let [of_type, resource, vaults, plan, keeps_owner] = self.keeps();
        let kept = |keeps: bool, text: &String| if keeps { text.clone() } else { String::new() };
        let about = JobSubject {
            scope: subject.scope.clone(),
            kind: subject.kind,
            resource_type: kept(of_type, &subject.resource_type),
            resource: kept(resource, &subject.resource),
            vault: kept(vaults, &subject.vault),
            destination: kept(vaults, &subject.destination),
            plan: kept(plan, &subject.plan),
            rule: kept(plan, &subject.rule),
        };
        Facet { sort: self, about, owner: if keeps_owner { owner.to_owned() } else { String::new() } }
    }
}

/// What the jobs of a cell have in common: of their subject what a rollup keeps of it, the rest blank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Facet {
    sort: Sort,
    about: JobSubject,
    owner: String,
}

/// What a cell counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) jobs: i64,
    pub(super) bytes: i64,
    pub(super) timed: i64,
    pub(super) seconds: i64,
    pub(super) issues: i64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self { jobs, bytes, timed, seconds, issues } = other;
        self.jobs += jobs;
        self.bytes = self.bytes.saturating_add(bytes);
        self.timed += timed;
        self.seconds = self.seconds.saturating_add(seconds);
        self.issues += issues;
    }
}

impl std::ops::Neg for Tally {
    type Output = Self;

    fn neg(self) -> Self {
        let Self { jobs, bytes, timed, seconds, issues } = self;
        Self { jobs: -jobs, bytes: -bytes, timed: -timed, seconds: -seconds, issues: -issues }
    }
}

impl Tally {
    /// Out of a row, whose columns begin there.
    pub(super) fn of_row(row: &Row, first: usize) -> Result<Self, Error> {
        Ok(Self {
            jobs: row.int(first)?,
            bytes: row.int(first + 1)?,
            timed: row.int(first + 2)?,
            seconds: row.int(first + 3)?,
            issues: row.int(first + 4)?,
        })
    }
}

/// What a job adds to the cell that it is in, or a missed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    subject: JobSubject,
    /// Of its creation, or when it was due, since 1970 in UTC.
    day: i64,
    state: i64,
    tally: Tally,
}

impl Counted {
    /// A job that has this key.
    pub(super) fn job(key: i64, subject: JobSubject, job: &Job) -> Self {
        let done = job.completed_at.map(Timestamp::as_millisecond);
        Self::new(key, subject, state_number(&job.state), job.bytes_transferred, done, job.completed_with_issues())
    }

    /// By the key, which says when a job was created, as lists go by it.
    pub(super) fn new(
        key: i64,
        subject: JobSubject,
        state: i64,
        bytes: Option<i64>,
        done: Option<i64>,
        has_issues: bool,
    ) -> Self {
        let created = key >> KEY_BITS;
        let took = done.map(|done| done - created).filter(|took| *took >= 0 && is_final(state));
        let tally = Tally {
            jobs: 1,
            bytes: bytes.unwrap_or_default().clamp(0, MOST_BYTES),
            timed: i64::from(took.is_some()),
            seconds: took.unwrap_or_default() / 1000,
            issues: i64::from(has_issues),
        };
        Self { subject, day: day_of(key), state, tally }
    }

    /// A run that left no job: it is counted where its job would have been, and apart from jobs.
    pub(super) fn missed(subject: JobSubject, due: Timestamp) -> Self {
        let tally = Tally { jobs: 1, ..Tally::default() };
        Self { subject, day: due.as_millisecond().div_euclid(DAY), state: MISSED, tally }
    }
}

/// The day of UTC, since 1970, on which a job of that key was created.
pub(super) fn day_of(key: i64) -> i64 {
    (key >> KEY_BITS) / DAY
}

/// The keys of jobs that were created on a day: the first, and the first one after it.
pub(super) fn keys_of(day: i64) -> (i64, i64) {
    ((day * DAY) << KEY_BITS, ((day + 1) * DAY) << KEY_BITS)
}

/// Whether nothing follows a state of that number.
pub(super) fn is_final(state: i64) -> bool {
    (state_number(&JobState::Aborted)..=state_number(&JobState::Partial)).contains(&state)
}

/// The month of a day: twelve a year.
pub(super) fn month_of(day: i64) -> i64 {
    let date = Timestamp::from_millisecond(day.saturating_mul(DAY)).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = date.to_zoned(jiff::tz::TimeZone::UTC).date();
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// The first day of a month, since 1970.
pub(super) fn first_day_of(month: i64) -> i64 {
    let year = i16::try_from(month.div_euclid(12)).unwrap_or(i16::MAX);
    let date = jiff::civil::Date::new(year, i8::try_from(month.rem_euclid(12) + 1).unwrap_or(1), 1);
    let start = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    start.map_or(i64::MAX, |start| start.timestamp().as_second().div_euclid(86_400))
}

/// What changes in which cells.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<(JobSubject, i64, i64), Tally>);

impl Moves {
    pub(super) fn add(&mut self, counted: Counted) {
        let Counted { subject, day, state, tally } = counted;
        *self.0.entry((subject, day, state)).or_default() += tally;
    }

    pub(super) fn take_away(&mut self, counted: Counted) {
        self.add(Counted { tally: -counted.tally, ..counted });
    }

    /// Writes it, given the numbers of all places.
    pub(super) async fn write(self, writing: &mut Writing, places: &BTreeMap<Scope, i64>) -> Result<(), Error> {
        let changed: Vec<((JobSubject, i64, i64), Tally)> =
            self.0.into_iter().filter(|(_, tally)| *tally != Tally::default()).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let resources = changed.iter().map(|((subject, ..), _)| subject.resource.as_str()).collect();
        let owners = owners::owners(writing, &resources).await?;
        let mut cells = Cells::default();
        for ((subject, day, state), tally) in changed {
            let place = places.get(&subject.scope).copied().unwrap_or_default();
            let owner = owners.get(&(subject.resource.clone(), place)).map_or("", String::as_str);
            for sort in Sort::ALL {
                cells.add(&sort.of(&subject, owner), day, state, tally);
            }
        }
        cells.write(writing, places).await
    }
}

/// What is added to which cells, of days and of months.
#[derive(Debug, Default)]
pub(super) struct Cells(BTreeMap<(Facet, i64, i64, i64), Tally>);

impl Cells {
    pub(super) fn add(&mut self, facet: &Facet, day: i64, state: i64, tally: Tally) {
        for (grain, period) in [(BY_DAY, day), (BY_MONTH, month_of(day))] {
            *self.0.entry((facet.clone(), grain, period, state)).or_default() += tally;
        }
    }

    pub(super) async fn write(mut self, writing: &mut Writing, places: &BTreeMap<Scope, i64>) -> Result<(), Error> {
        self.0.retain(|_, tally| *tally != Tally::default());
        if self.0.is_empty() {
            return Ok(());
        }
        let facets = facets(writing, places, self.0.keys().map(|(facet, ..)| facet).collect()).await?;
        let (mut rows, mut perhaps_empty) = (Vec::new(), Vec::new());
        for ((facet, grain, period, state), tally) in self.0 {
            let facet = facets.get(&facet).ok_or_else(|| Error::unreadable("what was just written is not there"))?;
            let Tally { jobs, bytes, timed, seconds, issues } = tally;
            let row = json!([facet, grain, period, state, jobs, bytes, timed, seconds, issues]);
            if jobs < 0 {
                perhaps_empty.push(row.clone());
            }
            rows.push(row);
        }
        writing.rows(writing.statements().add_to_cells, vec![jobs::json(&rows)]).await?;
        if !perhaps_empty.is_empty() {
            writing.rows(writing.statements().drop_empty_cells, vec![jobs::json(&perhaps_empty)]).await?;
        }
        Ok(())
    }
}

/// The numbers of facets, which are made where they are not there.
async fn facets(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    facets: BTreeSet<&Facet>,
) -> Result<BTreeMap<Facet, i64>, Error> {
    let columns = |Facet { sort, about, owner }: &Facet| {
        let of_subject = jobs::columns_of(about, places);
        let columns = std::iter::once(sort.number().into()).chain(of_subject);
        columns.chain(std::iter::once(owner.as_str().into())).collect::<Vec<serde_json::Value>>()
    };
    let rows = |wanted: &BTreeSet<&Facet>| jobs::json(&wanted.iter().map(|facet| columns(facet)).collect::<Vec<_>>());
    let mut found = known_facets(writing, places, rows(&facets)).await?;
    // Most jobs are about what others were about.
    let missing: BTreeSet<&Facet> = facets.into_iter().filter(|facet| !found.contains_key(*facet)).collect();
    if !missing.is_empty() {
        writing.rows(writing.statements().make_facets, vec![rows(&missing)]).await?;
        found.extend(known_facets(writing, places, rows(&missing)).await?);
    }
    Ok(found)
}

/// The numbers of those of the facets that are there.
async fn known_facets(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    wanted: Value,
) -> Result<BTreeMap<Facet, i64>, Error> {
    let rows = writing.rows(writing.statements().facets, vec![wanted]).await?;
    let facet = |mut row: Row| {
        let sort = row.int(1)?;
        let sort = Sort::ALL.into_iter().find(|one| one.number() == sort);
        let sort = sort.ok_or_else(|| Error::unreadable("a facet is of no sort"))?;
        Ok((Facet { sort, about: jobs::subject_of(&mut row, 2, places)?, owner: row.text(10)? }, row.int(0)?))
    };
    rows.into_iter().map(facet).collect()
}
