//! Makes a ledger anew of what AWS still knows, and of what it never knew.
//!
//! What AWS tells is forgotten, and the next server reads it again as at its first start. What nobody could tell again stays: who looks
//! after which incident, what requests have started, runs that were missed, and jobs that AWS has forgotten. It is one transaction,
//! and another ledger afterwards: positions begin anew, under another name. The SQL here is the same for both databases.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Error, Ledger, changes, check,
    jobs::{self, Kept},
    rollups::{Counted, Moves},
    store::{Row, Sql, Value, Writing},
};

/// How long AWS remembers jobs `[D]`.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Jobs that are counted at once.
const PAGE: usize = 5_000;

/// 1 the first key of what AWS still tells: whether a job is forgotten. One that an open incident or a request hangs on is not: what is
/// known of it is joined with what AWS tells.
const FORGOTTEN: &str = "key >= $1 AND id NOT IN (SELECT job FROM request) AND id NOT IN (SELECT job FROM incident WHERE closed IS \
                         NULL AND job IS NOT NULL)";

/// Jobs of which something is not there that they cannot be read without.
const BROKEN: &str = "NOT EXISTS (SELECT 1 FROM subject AS s JOIN place AS p ON p.id = s.place WHERE s.id = job.subject) OR NOT EXISTS \
                      (SELECT 1 FROM common AS c WHERE c.id = job.common)";

/// What is there besides jobs, and stays: requests, incidents, of these those that somebody looks after, and missed runs.
const STAYS: &str = "SELECT (SELECT count(*) FROM request), (SELECT count(*) FROM incident), (SELECT count(*) FROM incident WHERE \
                     taken IS NOT NULL), (SELECT count(*) FROM missed)";

/// 1 a subject, 2 a key, 3 how many: the jobs behind that, as [`jobs::COLUMNS`], then subject, state, done and bytes
/// as lists go by them.
const JOBS: &str = "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
                    c.text, j.own, j.subject, j.state, j.done, j.bytes FROM job AS j JOIN subject AS s ON s.id = j.subject JOIN place AS p ON p.id = s.place \
                    JOIN common AS c ON c.id = j.common WHERE (j.subject, j.key) > ($1, $2) ORDER BY j.subject, j.key LIMIT $3";

/// Runs that were missed: place and words of their subjects as [`jobs::subject`] reads them, and when they were due.
const MISSED: &str = "SELECT p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, m.due FROM missed \
                      AS m JOIN subject AS s ON s.id = m.subject JOIN place AS p ON p.id = s.place WHERE m.withdrawn IS NULL";

/// 1 the key of a job: 2 to 4 state, done and bytes as lists go by them.
const FIND_BY: &str = "UPDATE job SET state = $2, done = $3, bytes = $4 WHERE key = $1";

/// Another ledger, that was read of nothing. Databases are judged again by the next look, and written whatever is there.
const ANEW: [&str; 4] = [
    "DELETE FROM event",
    "DELETE FROM cell",
    "UPDATE place SET history_start = NULL, filled = 0, as_of = NULL",
    "UPDATE protection SET digest = ''",
];

/// Who leads on a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// What it leads.
    pub role: String,
    /// Its name.
    pub holder: String,
    /// How long it leads without saying again that it does.
    pub left: Duration,
}

/// What a ledger is made anew of, and what it loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Jobs created from then on are read again.
    pub since: Timestamp,
    /// How many of them are forgotten until then.
    pub forgotten_jobs: u64,
    /// Older ones that cannot be read, and are gone.
    pub broken_jobs: u64,
    /// Jobs that stay.
    pub kept_jobs: u64,
    /// What requests have started stays.
    pub requests: u64,
    /// Incidents stay.
    pub incidents: u64,
    /// Of these, those that somebody looks after, or did.
    pub acknowledged: u64,
    /// Missed runs stay.
    pub missed_runs: u64,
}

impl Ledger {
    /// Who leads on it, if anybody does. What is left of leases of processes that are dead is ended, where that can be known.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn leader(&self) -> Result<Option<Leader>, Error> {
        let store = self.store().await?;
        let is_alone = store.is_alone();
        let mut writing = store.write().await?;
        if is_alone {
            writing.rows(writing.statements().end_leases_of_others, vec!["".into()]).await?;
        }
        let leader = leader(&mut writing).await?;
        writing.commit().await?;
        Ok(leader)
    }

    /// What [`rebuild`](Self::rebuild) would come to by now, but for jobs that cannot be read.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn rebuilding(&self, now: Timestamp) -> Result<Rebuilt, Error> {
        let mut writing = self.store().await?.write().await?;
        counted(&mut writing, now).await
    }

    /// Forgets what AWS still tells, and makes another ledger of the rest.
    ///
    /// # Errors
    /// When the ledger does not answer, or a server leads on it: then it is as it was.
    pub async fn rebuild(&self, now: Timestamp) -> Result<Rebuilt, Error> {
        let (mut writing, _) = self.begin().await?;
        if let Some(leader) = leader(&mut writing).await? {
            return Err(Error::Fenced(leader.role));
        }
        let mut rebuilt = counted(&mut writing, now).await?;
        let first = jobs::first_key(rebuilt.since).into();
        writing.rows(Sql::Made(format!("DELETE FROM job WHERE {FORGOTTEN}")), vec![first]).await?;
        for sql in ANEW {
            writing.rows(sql, Vec::new()).await?;
        }
        for (table, column, other, key) in check::REFERENCES {
            let sql = format!(
                "DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {other} AS o WHERE o.{key} = {table}.{column})"
            );
            writing.rows(Sql::Made(sql), Vec::new()).await?;
        }
        writing.rows(Sql::Made(format!("DELETE FROM job WHERE {BROKEN}")), Vec::new()).await?;
        let kept = recount(&mut writing).await?;
        rebuilt.broken_jobs = rebuilt.kept_jobs.saturating_sub(kept);
        rebuilt.kept_jobs = kept;
        let epoch = Uuid::new_v4().simple().to_string();
        writing.rows("UPDATE head SET epoch = $1, head = 0, compacted = 0", vec![epoch.into()]).await?;
        writing.commit().await?;
        Ok(rebuilt)
    }
}

async fn leader(writing: &mut Writing) -> Result<Option<Leader>, Error> {
    for mut row in writing.rows("SELECT role FROM lease ORDER BY role", Vec::new()).await? {
        let role = row.text(0)?;
        let mut leases = writing.rows(writing.statements().lease, vec![role.as_str().into()]).await?;
        if let Some(lease) = leases.first_mut()
            && let Ok(left @ 1..) = u64::try_from(lease.int(1)?)
        {
            return Ok(Some(Leader { role, holder: lease.text(0)?, left: Duration::from_millis(left) }));
        }
    }
    Ok(None)
}

/// What there is, and what AWS still tells of it: by the newest instant that is known, so that nothing goes that it has forgotten.
async fn counted(writing: &mut Writing, now: Timestamp) -> Result<Rebuilt, Error> {
    let newest = writing.rows("SELECT max(as_of) FROM place", Vec::new()).await?;
    let newest = newest.first().map(|row| row.some_time(0)).transpose()?.flatten();
    let since = newest.map_or(now, |newest| newest.max(now)).saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
    let jobs = format!("SELECT count(*), count(CASE WHEN {FORGOTTEN} THEN 1 END) FROM job");
    let jobs = writing.rows(Sql::Made(jobs), vec![jobs::first_key(since).into()]).await?;
    let stays = writing.rows(STAYS, Vec::new()).await?;
    let count = |rows: &[Row], column: usize| -> u64 {
        rows.first().and_then(|row| row.some_int(column)).unwrap_or_default().try_into().unwrap_or_default()
    };
    let forgotten_jobs = count(&jobs, 1);
    Ok(Rebuilt {
        since,
        forgotten_jobs,
        broken_jobs: 0,
        kept_jobs: count(&jobs, 0) - forgotten_jobs,
        requests: count(&stays, 0),
        incidents: count(&stays, 1),
        acknowledged: count(&stays, 2),
        missed_runs: count(&stays, 3),
    })
}

/// Counts the jobs and missed runs that are there, and takes those jobs away that cannot be read. How many there are.
async fn recount(writing: &mut Writing) -> Result<u64, Error> {
    let places = changes::places(writing, BTreeSet::new()).await?;
    let (mut after, mut count) = ((i64::MIN, i64::MIN), 0);
    loop {
        let rows = writing.rows(JOBS, vec![after.0.into(), after.1.into(), PAGE.into()]).await?;
        let is_last = rows.len() < PAGE;
        let (mut moves, mut unreadable) = (Moves::default(), Vec::new());
        for row in rows {
            let key = row.int(0)?;
            after = (row.int(13)?, key);
            let columns = (row.some_int(14), row.some_int(15), row.some_int(16));
            match jobs::kept(row, 0) {
                Ok(Kept { known, .. }) => {
                    let job = known.job();
                    let (state, done, bytes) = check::found_by(&job);
                    if columns != (Some(state), done, bytes) {
                        let args =
                            [Some(key), Some(state), done, bytes].map(|value| value.map_or(Value::Null, Value::Int));
                        writing.rows(FIND_BY, args.to_vec()).await?;
                    }
                    moves.add(Counted::job(key, known.subject().clone(), &job));
                    count += 1;
                }
                Err(_) => unreadable.push(key),
            }
        }
        moves.write(writing, &places).await?;
        writing.rows(writing.statements().drop_jobs, vec![jobs::json(&unreadable)]).await?;
        if is_last {
            break;
        }
    }
    let mut moves = Moves::default();
    for mut row in writing.rows(MISSED, Vec::new()).await? {
        moves.add(Counted::missed(jobs::subject(&mut row, 0)?, row.time(9)?));
    }
    moves.write(writing, &places).await?;
    Ok(count)
}
