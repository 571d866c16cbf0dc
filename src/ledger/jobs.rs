//! Jobs that are remembered: by id, and in lists at any size.

mod dialect;
mod list;
mod position;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{
    Error, Ledger,
    store::{Row, Value},
};
use crate::domain::{AccountId, Job, JobId, JobKind, JobParts, JobState, JobSubject, KnownJob, RegionName, Scope};

pub use list::JobPage;
pub(super) use list::{Made, subject_conditions};
pub use position::JobPosition;

/// The columns of a job, wherever one is read: key, id, account, region, kind, type, resource, vault, destination, plan, rule,
/// common, own.
pub(super) const COLUMNS: usize = 13;

/// The same as SQL, of `j` with its subject `s`, place `p` and common `c`.
const SELECTED: &str = "j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
                        c.text, j.own, j.done";
/// Bits of a key that are not time: so many jobs may have been created in one millisecond and keep apart.
pub(super) const KEY_BITS: u32 = 21;
/// All of them set.
pub(super) const MOST_KEY_BITS: i64 = (1 << KEY_BITS) - 1;

/// A job as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) key: i64,
    pub(super) known: KnownJob,
}

impl Ledger {
    /// The jobs that are remembered by these ids. Those that are not are not in it.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn jobs(&self, ids: &[&JobId]) -> Result<BTreeMap<JobId, Job>, Error> {
        let store = self.store().await?;
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let rows = store.rows(store.statements().jobs_by_id, vec![json(&ids)]).await?;
        rows.into_iter().map(|row| job(row, 0).map(|job| (job.id.clone(), job))).collect()
    }

    /// A job that is remembered.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn job(&self, id: &JobId) -> Result<Option<Job>, Error> {
        Ok(self.jobs(&[id]).await?.remove(id))
    }
}

/// The key that a job of that id and instant has, if no other has it: of those that have the same instant the bits of the id
/// say the order.
pub(super) fn key(created: Timestamp, id: &JobId) -> i64 {
    let digest = Sha256::digest(id.as_str().as_bytes());
    let bits = digest.iter().take(4).fold(0i64, |bits, byte| bits << 8 | i64::from(*byte)) & MOST_KEY_BITS;
    first_key(created) | bits
}

/// The first key that a job created at the instant, or later in the same millisecond, can have.
pub(super) fn first_key(at: Timestamp) -> i64 {
    at.as_millisecond().clamp(0, (1 << (62 - KEY_BITS)) - 1) << KEY_BITS
}

/// A recovery point by a number, which indices find: equal ones have equal numbers, and the rest is compared.
pub(super) fn point_number(arn: &str) -> i64 {
    let digest = Sha256::digest(arn.as_bytes());
    digest.iter().take(8).fold(0i64, |number, byte| number << 8 | i64::from(*byte))
}

/// The number of a state in the tables; of words that AWS added later, one for all.
pub(super) fn state_number(state: &JobState) -> i64 {
    match state {
        JobState::Unknown(_) => 0,
        JobState::Created => 1,
        JobState::Pending => 2,
        JobState::Running => 3,
        JobState::Aborting => 4,
        JobState::Aborted => 5,
        JobState::Completed => 6,
        JobState::Failed => 7,
        JobState::Expired => 8,
        JobState::Partial => 9,
    }
}

/// When a job of that key was created, in milliseconds.
pub(super) fn created_in(key: i64) -> i64 {
    key >> KEY_BITS
}

/// The state of a number; of words that AWS added later no more than that.
pub(super) fn state_of(number: i64) -> JobState {
    match number {
        1 => JobState::Created,
        2 => JobState::Pending,
        3 => JobState::Running,
        4 => JobState::Aborting,
        5 => JobState::Aborted,
        6 => JobState::Completed,
        7 => JobState::Failed,
        8 => JobState::Expired,
        9 => JobState::Partial,
        _ => JobState::Unknown(String::new()),
    }
}

pub(super) fn kind_number(kind: JobKind) -> i64 {
    match kind {
        JobKind::Backup => 1,
        JobKind::Restore => 2,
        JobKind::Copy => 3,
    }
}

pub(super) fn kind_of(number: i64) -> Result<JobKind, Error> {
    let kind = JobKind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
    kind.ok_or_else(|| Error::unreadable(format!("{number} is not a kind of job")))
}

pub(super) fn scope_of(account: &str, region: &str) -> Result<Scope, Error> {
    let strange = |_| Error::unreadable(format!("{account:?} in {region:?} is not an account and region"));
    Ok(Scope {
        account: AccountId::parse(account).map_err(strange)?,
        region: RegionName::parse(region).map_err(strange)?,
    })
}

/// The columns of a subject, with the number of its place: place, kind, type, resource, vault, destination, plan, rule.
pub(super) fn columns_of(subject: &JobSubject, places: &BTreeMap<Scope, i64>) -> [Json; 8] {
    let JobSubject { scope, kind, resource_type, resource, vault, destination, plan, rule } = subject;
    let place = places.get(scope).copied().unwrap_or_default();
    let text = |text: &String| Json::from(text.as_str());
    [
        place.into(),
        kind_number(*kind).into(),
        text(resource_type),
        text(resource),
        text(vault),
        text(destination),
        text(plan),
        text(rule),
    ]
}

/// The subject in a row, whose columns begin there as [`columns_of`] has them.
pub(super) fn subject_of(row: &mut Row, first: usize, places: &BTreeMap<Scope, i64>) -> Result<JobSubject, Error> {
    let place = row.int(first)?;
    let scope = places.iter().find(|(_, number)| **number == place).map(|(scope, _)| scope.clone());
    let scope = scope.ok_or_else(|| Error::unreadable(format!("no account and region has the number {place}")))?;
    subject_in(scope, row, first + 1)
}

/// The subject in a row, whose columns begin there: account, region, kind, type, resource, vault, destination, plan, rule.
pub(super) fn subject(row: &mut Row, first: usize) -> Result<JobSubject, Error> {
    let scope = scope_of(&row.text(first)?, &row.text(first + 1)?)?;
    subject_in(scope, row, first + 2)
}

fn subject_in(scope: Scope, row: &mut Row, first: usize) -> Result<JobSubject, Error> {
    Ok(JobSubject {
        scope,
        kind: kind_of(row.int(first)?)?,
        resource_type: row.text(first + 1)?,
        resource: row.text(first + 2)?,
        vault: row.text(first + 3)?,
        destination: row.text(first + 4)?,
        plan: row.text(first + 5)?,
        rule: row.text(first + 6)?,
    })
}

/// The job in a row, whose columns begin there.
pub(super) fn kept(mut row: Row, first: usize) -> Result<Kept, Error> {
    let key = row.int(first)?;
    let id = row.text(first + 1)?;
    let strange = || Error::unreadable(format!("the job {id} is not written as this version writes one"));
    let subject = subject(&mut row, first + 2)?;
    let parts = JobParts {
        id: JobId::told(&*id).ok_or_else(strange)?,
        subject,
        common: row.text(first + 11)?,
        own: row.text(first + 12)?,
    };
    Ok(Kept { key, known: KnownJob::of_parts(parts).ok_or_else(strange)? })
}

/// The same, as others see it.
pub(super) fn job(row: Row, first: usize) -> Result<Job, Error> {
    kept(row, first).map(|kept| kept.known.job())
}

/// Several values as one parameter.
pub(super) fn json<T: serde::Serialize>(values: &[T]) -> Value {
    Value::Text(serde_json::json!(values).to_string())
}
