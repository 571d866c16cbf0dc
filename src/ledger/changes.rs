//! The one path by which a job changes: tellings go in, in whatever order, and what is news comes out as events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::{
    Error, Ledger,
    coverage::missed,
    incidents::{self, Written},
    jobs::{self, Kept, kind_number, point_number, state_number},
    rollups::{Counted, Moves},
    store::Writing,
};
use crate::domain::{Job, JobId, JobKind, JobParts, JobSubject, KnownJob, MissedRun, Scope};

/// Tellings that are taken in at once: a transaction of so many is short, and its cost is shared by all.
const AT_ONCE: usize = 500;

/// What happened, in the order in which every reader of the ledger sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its position: 1, 2, 3…, without gaps.
    pub seq: i64,
    /// When it was true, by AWS's clock.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// A job is now so, or was at that position.
    Job(Box<Job>),
    /// A run that was due has left no job; or it has after all, and is withdrawn.
    MissedRun(Box<MissedRun>),
}

/// A job is now as an event tells it.
const JOB: i64 = 1;
/// A run was missed, as an event tells it.
pub(super) const MISSED: i64 = 2;

impl Ledger {
    /// Takes in what was told of jobs, each with the instant at which it was true. What is no news changes nothing. How many
    /// events it made.
    ///
    /// # Errors
    /// When the ledger does not answer: then some of it, the first part, may have been taken in. It may be told again.
    pub async fn learn(&self, tellings: Vec<(Job, Timestamp)>) -> Result<usize, Error> {
        let mut events = 0;
        for some in tellings.chunks(AT_ONCE) {
            events += self.learn_at_once(some).await?;
        }
        Ok(events)
    }

    async fn learn_at_once(&self, tellings: &[(Job, Timestamp)]) -> Result<usize, Error> {
        let mut told: BTreeMap<JobId, Telling> = BTreeMap::new();
        for (job, at) in tellings {
            let known = KnownJob::told(job.clone(), *at);
            match told.get_mut(&job.id) {
                Some(telling) => {
                    telling.known.learn(known);
                    telling.at = telling.at.max(*at);
                }
                None => {
                    told.insert(job.id.clone(), Telling { known, at: *at });
                }
            }
        }
        let (mut writing, head) = self.begin().await?;
        let ids: Vec<&str> = told.keys().map(JobId::as_str).collect();
        let rows = writing.rows(writing.statements().jobs_by_id, vec![jobs::json(&ids)]).await?;
        let mut before: BTreeMap<JobId, Kept> = BTreeMap::new();
        for row in rows {
            let kept = jobs::kept(row, 0)?;
            before.insert(kept.known.id().clone(), kept);
        }
        let changes = told.into_iter().filter_map(|(id, telling)| telling.news(before.remove(&id)));
        let mut changes: Vec<Change> = changes.collect();
        changes.sort_by_key(|change| (change.at, change.job.created_at));
        if changes.is_empty() {
            return Ok(0);
        }
        let events = write(&mut writing, changes, head).await?;
        writing.commit().await?;
        let new = i64::try_from(events).unwrap_or_default();
        if new > 0 {
            self.ring(head + new);
        }
        Ok(events)
    }

    /// Events after a position, in their order, as many at most.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn events(&self, after: i64, most: usize) -> Result<Vec<Event>, Error> {
        let store = self.store().await?;
        let rows = store.rows(store.statements().events, vec![after.into(), most.into()]).await?;
        let event = |row: super::store::Row| {
            let (seq, at, what) = (row.int(0)?, row.time(1)?, row.int(2)?);
            let what = match what {
                JOB => Happened::Job(Box::new(jobs::job(row, 3)?)),
                MISSED => Happened::MissedRun(Box::new(missed::of_event(row)?)),
                _ => {
                    let why = format!("event {seq} is of a sort that this version does not know");
                    return Err(Error::unreadable(why));
                }
            };
            Ok(Event { seq, at, what })
        };
        rows.into_iter().map(event).collect()
    }
}

/// Everything that is told of one job at once.
struct Telling {
    known: KnownJob,
    at: Timestamp,
}

/// A job that is to be written.
struct Change {
    parts: JobParts,
    job: Job,
    at: Timestamp,
    /// Its key so far, if it has one.
    key: Option<i64>,
    /// What it added to the rollups so far.
    counted: Option<Counted>,
    /// It is now otherwise than it was, and not only better known when.
    is_event: bool,
}

impl Telling {
    /// What is to be written of it, if it is news.
    fn news(self, before: Option<Kept>) -> Option<Change> {
        let Self { known, at } = self;
        let change = |known: &KnownJob, key, counted, before: Option<Job>| {
            let job = known.job();
            let is_event = before.is_none_or(|before| before != job);
            Change { parts: known.parts(), job, at, key, counted, is_event }
        };
        match before {
            None => Some(change(&known, None, None, None)),
            Some(Kept { key, known: mut all }) => {
                let before = all.job();
                let counted = Counted::job(key, all.subject(), &before);
                all.learn(known).then(|| change(&all, Some(key), Some(counted), Some(before)))
            }
        }
    }
}

/// The head, taken: others who write wait from here on.
pub(super) async fn take_head(writing: &mut Writing) -> Result<i64, Error> {
    let rows = writing.rows(writing.statements().take_head, Vec::new()).await?;
    rows.first().ok_or_else(|| Error::unreadable("it has no head"))?.int(1)
}

/// Writes jobs, and the events of those that are otherwise now. How many events.
async fn write(writing: &mut Writing, changes: Vec<Change>, head: i64) -> Result<usize, Error> {
    let places = places(writing, changes.iter().map(|change| &change.parts.subject.scope).collect()).await?;
    let subjects = subjects(writing, &places, changes.iter().map(|change| &change.parts.subject).collect()).await?;
    let commons = commons(writing, changes.iter().map(|change| change.parts.common.as_str()).collect()).await?;
    let keys = keys(writing, &changes).await?;
    let moved: Vec<i64> =
        changes.iter().zip(&keys).filter_map(|(change, key)| change.key.filter(|old| old != key)).collect();
    if !moved.is_empty() {
        writing.rows(writing.statements().drop_jobs, vec![jobs::json(&moved)]).await?;
    }
    let (mut rows, mut events, mut written, mut moves) = (Vec::new(), Vec::new(), Vec::new(), Moves::default());
    for (Change { parts, job, at, key: _, counted, is_event }, key) in changes.into_iter().zip(keys) {
        let JobParts { id, subject, common, own } = parts;
        if let Some(counted) = counted {
            moves.take_away(counted);
        }
        moves.add(Counted::job(key, subject.clone(), &job));
        written.push(Written {
            place: places.get(&subject.scope).copied().unwrap_or_default(),
            kind: kind_number(job.kind),
            resource: subject.resource.clone(),
            key,
            state: job.state.clone(),
            with_issues: job.completed_with_issues(),
            is_dated: job.created_at.is_some(),
            at: job.completed_at.unwrap_or(at).as_millisecond(),
        });
        let missing = || Error::unreadable("what was just written is not there");
        let subject = *subjects.get(&subject).ok_or_else(missing)?;
        let common = *commons.get(&common).ok_or_else(missing)?;
        let millis = |at: Timestamp| at.as_millisecond();
        let source = job.recovery_point_arn.as_deref().filter(|_| job.kind != JobKind::Backup);
        if is_event {
            let seq = head + 1 + i64::try_from(events.len()).unwrap_or_default();
            events.push(json!([seq, millis(at), JOB, id.as_str(), subject, common, own]));
        }
        rows.push(json!([
            key,
            id.as_str(),
            subject,
            common,
            state_number(&job.state),
            job.message_category,
            job.status_message,
            job.completed_at.map(millis),
            job.bytes_transferred,
            job.parent_job_id.as_ref().map(JobId::as_str),
            source.map(point_number),
            own,
        ]));
    }
    writing.rows(writing.statements().put_jobs, vec![jobs::json(&rows)]).await?;
    incidents::of_jobs(writing, &written).await?;
    moves.write(writing, &places).await?;
    if !events.is_empty() {
        writing.rows(writing.statements().add_events, vec![jobs::json(&events)]).await?;
        let new = head + i64::try_from(events.len()).unwrap_or_default();
        writing.rows(writing.statements().set_head, vec![new.into()]).await?;
    }
    Ok(events.len())
}

impl Ledger {
    /// Begins to write what is of one place, whose number comes with it.
    pub(super) async fn write_of(&self, scope: &Scope) -> Result<(Writing, i64), Error> {
        let (mut writing, _) = self.begin().await?;
        let place = places(&mut writing, BTreeSet::from([scope])).await?.get(scope).copied();
        let place = place.ok_or_else(|| Error::unreadable("what was just written is not there"))?;
        Ok((writing, place))
    }
}

/// The numbers of all places, of which these are made where they are not there.
pub(super) async fn places(writing: &mut Writing, scopes: BTreeSet<&Scope>) -> Result<BTreeMap<Scope, i64>, Error> {
    let named: Vec<[&str; 2]> = scopes.iter().map(|scope| [scope.account.as_str(), scope.region.as_str()]).collect();
    writing.rows(writing.statements().make_places, vec![jobs::json(&named)]).await?;
    let rows = writing.rows(writing.statements().places, Vec::new()).await?;
    let place = |mut row: super::store::Row| Ok((jobs::scope_of(&row.text(1)?, &row.text(2)?)?, row.int(0)?));
    rows.into_iter().map(place).collect()
}

pub(super) async fn subjects(
    writing: &mut Writing,
    places: &BTreeMap<Scope, i64>,
    subjects: BTreeSet<&JobSubject>,
) -> Result<BTreeMap<JobSubject, i64>, Error> {
    let wanted: Vec<_> = subjects.iter().map(|subject| jobs::columns_of(subject, places)).collect();
    writing.rows(writing.statements().make_subjects, vec![jobs::json(&wanted)]).await?;
    let rows = writing.rows(writing.statements().subjects, vec![jobs::json(&wanted)]).await?;
    rows.into_iter().map(|mut row| Ok((jobs::subject_of(&mut row, 1, places)?, row.int(0)?))).collect()
}

/// Subjects by their numbers.
pub(super) async fn subjects_by_id(
    writing: &mut Writing,
    ids: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, JobSubject>, Error> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let rows = writing.rows(writing.statements().subjects_by_id, vec![jobs::json(&ids)]).await?;
    rows.into_iter().map(|mut row| Ok((row.int(0)?, jobs::subject(&mut row, 1)?))).collect()
}

pub(super) async fn commons(writing: &mut Writing, texts: BTreeSet<&str>) -> Result<BTreeMap<String, i64>, Error> {
    let texts: Vec<&str> = texts.into_iter().collect();
    writing.rows(writing.statements().make_commons, vec![jobs::json(&texts)]).await?;
    let rows = writing.rows(writing.statements().commons, vec![jobs::json(&texts)]).await?;
    let common = |mut row: super::store::Row| Ok((row.text(1)?, row.int(0)?));
    rows.into_iter().map(common).collect()
}

/// The key of each, in their order. A job keeps the one that it has, unless it turns out to have been created at another
/// instant; where another job has it, the next free one is taken.
async fn keys(writing: &mut Writing, changes: &[Change]) -> Result<Vec<i64>, Error> {
    let mut used = BTreeSet::new();
    let mut keys: Vec<Option<i64>> = Vec::new();
    for change in changes {
        let keeps = change.key.filter(|key| {
            change.job.created_at.is_none_or(|created| {
                let first = jobs::first_key(created);
                (first..=first | jobs::MOST_KEY_BITS).contains(key)
            })
        });
        used.extend(keeps);
        keys.push(keeps);
    }
    let mut wanted: BTreeMap<usize, i64> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate().filter(|(index, _)| keys.get(*index).copied().flatten().is_none())
    {
        let created = change.job.created_at.unwrap_or(change.at);
        wanted.insert(index, jobs::key(created, &change.job.id));
    }
    while !wanted.is_empty() {
        let asked: Vec<i64> = wanted.values().copied().collect();
        let rows = writing.rows(writing.statements().taken_keys, vec![jobs::json(&asked)]).await?;
        let taken: BTreeSet<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
        let mut again = BTreeMap::new();
        for (index, key) in wanted {
            if taken.contains(&key) || !used.insert(key) {
                again.insert(index, key + 1);
            } else if let Some(place) = keys.get_mut(index) {
                *place = Some(key);
            }
        }
        wanted = again;
    }
    Ok(keys.into_iter().flatten().collect())
}
