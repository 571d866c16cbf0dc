//! What goes wrong: opened and closed in the transactions by which it becomes known, so that whoever reads sees neither without the
//! other.
//!
//! Of jobs an incident is what is known of them and no more: those of a resource and kind that went wrong since the last one that
//! did not, whatever the order in which they became known.

pub(super) mod missed;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use uuid::Uuid;

pub use self::read::{IncidentPage, IncidentPosition};
use super::{
    Error, jobs,
    store::{Row, Writing},
};
use crate::domain::{Cause, JobState, MOST_COUNTED};

/// The number of a cause in the tables.
fn cause_number(cause: Cause) -> i64 {
    match cause {
        Cause::JobFailed => 1,
        Cause::JobExpired => 2,
        Cause::JobPartial => 3,
        Cause::JobCompletedWithIssues => 4,
        Cause::RecoveryPointDeleted => 5,
        Cause::RetentionShortened => 6,
        Cause::VaultLockWeakened => 7,
        Cause::VaultPolicyChanged => 8,
        Cause::VaultNotificationsOff => 9,
        Cause::RunMissed => 10,
    }
}

fn cause_of(number: i64) -> Result<Cause, Error> {
    let cause = Cause::ALL.into_iter().find(|cause| cause_number(*cause) == number);
    cause.ok_or_else(|| Error::unreadable(format!("{number} is not a cause of incidents")))
}

/// An incident as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) place: i64,
    pub(super) cause: Cause,
    /// 0: of no jobs.
    pub(super) kind: i64,
    /// What there is one for: ARN of a resource or a vault.
    pub(super) object: String,
    pub(super) resource: String,
    pub(super) vault: String,
    pub(super) opened: i64,
    pub(super) last: i64,
    pub(super) closed: Option<i64>,
    pub(super) times: i64,
    pub(super) job: Option<String>,
    /// JSON: of a vault what guarded it before, and the setting before and after.
    pub(super) own: String,
}

impl Kept {
    /// One that begins.
    pub(super) fn new(place: i64, cause: Cause, object: &str, at: i64) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            place,
            cause,
            kind: 0,
            object: object.to_owned(),
            resource: String::new(),
            vault: String::new(),
            opened: at,
            last: at,
            closed: None,
            times: 0,
            job: None,
            own: "{}".to_owned(),
        }
    }

    fn of_row(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.text(0)?,
            place: row.int(1)?,
            cause: cause_of(row.int(4)?)?,
            kind: row.int(5)?,
            object: row.text(6)?,
            resource: row.text(7)?,
            vault: row.text(8)?,
            opened: row.int(9)?,
            last: row.int(10)?,
            closed: row.some_int(11),
            times: row.int(12)?,
            job: row.some_text(13),
            own: row.text(14)?,
        })
    }

    fn row(&self) -> Json {
        let Self { id, place, cause, kind, object, resource, vault, opened, last, closed, times, job, own } = self;
        json!([id, place, cause_number(*cause), kind, object, resource, vault, opened, last, closed, times, job, own])
    }
}

/// The incidents about these objects of a place that are open.
pub(super) async fn open(writing: &mut Writing, objects: &BTreeSet<(&str, i64)>) -> Result<Vec<Kept>, Error> {
    let wanted: Vec<Json> = objects.iter().map(|(object, place)| json!([object, place])).collect();
    let rows = writing.rows(writing.statements().open_incidents, vec![jobs::json(&wanted)]).await?;
    rows.into_iter().map(|mut row| Kept::of_row(&mut row)).collect()
}

/// Writes incidents, be they new or known.
pub(super) async fn put(writing: &mut Writing, incidents: &[Kept]) -> Result<(), Error> {
    if !incidents.is_empty() {
        let rows: Vec<Json> = incidents.iter().map(Kept::row).collect();
        writing.rows(writing.statements().put_incidents, vec![jobs::json(&rows)]).await?;
    }
    Ok(())
}

/// Closes what is about jobs of resources that are no more.
pub(super) async fn of_gone(writing: &mut Writing, place: i64, resources: &[String], at: i64) -> Result<(), Error> {
    let about = resources.iter().map(|arn| (arn.as_str(), place)).collect();
    let open = open(writing, &about).await?.into_iter().filter(|known| known.kind != 0);
    put(writing, &open.map(|known| Kept { closed: Some(at), ..known }).collect::<Vec<_>>()).await
}

/// A job that was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) place: i64,
    /// The number of its kind.
    pub(super) kind: i64,
    /// ARN; blank where it is not known.
    pub(super) resource: String,
    pub(super) key: i64,
    pub(super) state: JobState,
    pub(super) with_issues: bool,
    /// Whether its creation is known, by which its key goes.
    pub(super) is_dated: bool,
    /// When it ended, or else was told.
    pub(super) at: i64,
}

type OfKind<'j> = (&'j str, i64, i64);

/// Opens and closes what jobs are incidents of, after they were written.
pub(super) async fn of_jobs(writing: &mut Writing, written: &[Written]) -> Result<(), Error> {
    let (mut good, mut bad) = (BTreeMap::<OfKind<'_>, i64>::new(), BTreeSet::new());
    // When each was created and ended.
    let mut ended: BTreeMap<OfKind<'_>, (i64, i64)> = BTreeMap::new();
    for job in written.iter().filter(|job| !job.resource.is_empty()) {
        let of = (job.resource.as_str(), job.place, job.kind);
        if Cause::of_job(&job.state, job.with_issues).is_some() {
            bad.insert(of);
        }
        if job.state == JobState::Completed {
            let (created, at) = ended.entry(of).or_default();
            (*created, *at) = (jobs::created_in(job.key).max(*created), job.at.max(*at));
            if !job.with_issues && job.is_dated {
                let key = good.entry(of).or_insert(job.key);
                *key = job.key.max(*key);
            }
        }
    }
    if !good.is_empty() {
        let rows: Vec<Json> =
            good.iter().map(|((resource, place, kind), key)| json!([resource, place, kind, key])).collect();
        writing.rows(writing.statements().put_outcomes, vec![jobs::json(&rows)]).await?;
    }
    let touched: BTreeSet<OfKind<'_>> = bad.iter().chain(ended.keys()).copied().collect();
    if touched.is_empty() {
        return Ok(());
    }
    let known = open(writing, &touched.iter().map(|(resource, place, _)| (*resource, *place)).collect()).await?;
    let mut changed = Vec::new();
    for of in touched {
        let (resource, place, kind) = of;
        let about = |incident: &&Kept| (incident.object.as_str(), incident.place, incident.kind) == of;
        let mut known: BTreeMap<Cause, Kept> =
            known.iter().filter(about).map(|incident| (incident.cause, incident.clone())).collect();
        if !bad.contains(&of) && known.is_empty() {
            continue;
        }
        for (cause, wrong) in wrong(writing, of).await? {
            let before = known.remove(&cause);
            let begun = before.clone().unwrap_or_else(|| Kept::new(place, cause, resource, wrong.first));
            // Where no more are counted, nobody knows how long it goes on, but for what was noted.
            let opened = if wrong.is_all { wrong.first } else { wrong.first.min(begun.opened) };
            let Wrong { last, times, job, vault, .. } = wrong;
            let now = Kept { kind, resource: resource.to_owned(), vault, opened, last, times, job: Some(job), ..begun };
            if before != Some(now.clone()) {
                changed.push(now);
            }
        }
        let (created, at) = ended.get(&of).map_or((0, None), |(created, at)| (*created, Some(*at)));
        // A run that was missed is made up for by a backup that was begun later.
        known.retain(|cause, known| *cause != Cause::RunMissed || created >= known.last);
        changed.extend(known.into_values().map(|gone| Kept { closed: Some(at.unwrap_or(gone.last)), ..gone }));
    }
    put(writing, &changed).await
}

/// The jobs of a cause that went wrong since the last that did not.
struct Wrong {
    first: i64,
    last: i64,
    times: i64,
    /// The newest of them.
    job: String,
    vault: String,
    /// Whether no more are there than were counted.
    is_all: bool,
}

async fn wrong(writing: &mut Writing, (resource, place, kind): OfKind<'_>) -> Result<BTreeMap<Cause, Wrong>, Error> {
    let args = vec![resource.into(), place.into(), kind.into(), MOST_COUNTED.into()];
    let rows = writing.rows(writing.statements().bad_jobs, args).await?;
    let is_all = rows.len() < MOST_COUNTED;
    let mut causes: BTreeMap<Cause, Wrong> = BTreeMap::new();
    let mut is_completed = false;
    for mut row in rows {
        let (key, state) = (row.int(0)?, jobs::state_of(row.int(2)?));
        let Some(cause) = Cause::of_job(&state, true) else { continue };
        // What a later one did, be it with issues, is over.
        is_completed |= state == JobState::Completed;
        if is_completed && state != JobState::Completed {
            continue;
        }
        let at = row.some_int(3).unwrap_or_else(|| jobs::created_in(key));
        let (job, vault) = (row.text(1)?, row.text(4)?);
        let wrong = causes.entry(cause).or_insert(Wrong { first: at, last: at, times: 0, job, vault, is_all });
        wrong.times += 1;
        wrong.first = wrong.first.min(at);
        wrong.last = wrong.last.max(at);
    }
    Ok(causes)
}
