//! Jobs, one by one, and missed runs, and whether they are counted as they are: by a reader that shares nothing with what counts them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Checked, Faults, MOST_TOLD};
use crate::{
    domain::Job,
    ledger::{
        Error,
        jobs::{self, KEY_BITS, state_number, state_of},
        rollups::{BY_DAY, BY_MONTH, MISSED, Sort, Tally, first_day_of, is_final, month_of},
        store::{Row, Sql, Store, Value},
    },
};

/// Rows of a page.
const PAGE: usize = 5_000;

const DAY: i64 = 86_400_000;

/// 1 a subject, 2 a key, 3 how many: the jobs behind that, with what must be there of them, as [`jobs::COLUMNS`]; then subject,
/// state, done, bytes as lists go by them.
const JOBS: &str = "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
                    c.text, j.own, j.subject, j.state, j.done, j.bytes FROM job AS j LEFT JOIN subject AS s ON s.id = j.subject \
                    LEFT JOIN place AS p ON p.id = s.place LEFT JOIN common AS c ON c.id = j.common \
                    WHERE (j.subject, j.key) > ($1, $2) ORDER BY j.subject, j.key LIMIT $3";

/// 1 a facet, 2 to 4 a grain, period and state, 5 how many: its cells behind that.
const CELLS: &str = "SELECT grain, period, state, jobs, bytes, timed, seconds, issues FROM cell WHERE facet = $1 AND (grain, period, \
                     state) > ($2, $3, $4) ORDER BY grain, period, state LIMIT $5";

/// 1 a facet, 2 how many: the facets behind that which keep less than everything.
const FEW: &str = "SELECT id FROM facet WHERE sort < 6 AND id > $1 ORDER BY id LIMIT $2";

/// Runs that were missed: their subject, the day, and how many.
const MISSED_RUNS: &str = "SELECT subject, due / 86400000, count(*) FROM missed WHERE withdrawn IS NULL GROUP BY 1, 2";

/// 1 how many: facets of everything that are of no jobs and of no missed runs, and have cells.
const OF_NOTHING: &str = "SELECT f.id FROM facet AS f WHERE f.sort = 6 AND NOT EXISTS (SELECT 1 FROM subject AS s WHERE s.resource = f.resource AND s.place = f.place AND s.kind = f.kind AND s.type = \
                          f.type AND s.vault = f.vault AND s.destination = f.destination AND s.plan = f.plan AND s.rule = f.rule AND \
                          (EXISTS (SELECT 1 FROM job AS j WHERE j.subject = s.id) OR s.id IN (SELECT subject FROM missed WHERE \
                          withdrawn IS NULL))) \
                          AND EXISTS (SELECT 1 FROM cell AS c WHERE c.facet = f.id) ORDER BY f.id LIMIT $1";

/// Whose the resource of a subject is.
const OWNER: &str =
    "coalesce((SELECT o.owner FROM owned AS o WHERE o.resource = s.resource AND o.place = s.place), '')";

/// Grain, period and state.
type Cell = (i64, i64, i64);

/// What jobs and missed runs come to.
type Counted = BTreeMap<Cell, Tally>;

/// What is counted. Facets that keep everything are of one subject each, and compared when its jobs are counted; of the others there are
/// few, and they are compared in the end.
struct Recount<'l> {
    store: &'l Store,
    facets_of: String,
    /// By the facets that keep less than everything.
    few: BTreeMap<i64, Counted>,
    /// Missed runs by their subjects, until those are compared.
    missed: BTreeMap<i64, Counted>,
}

/// Looks at every job, and compares what the rollups count with a count of the jobs.
pub(super) async fn compare(store: &Store, checked: &mut Checked, faults: &mut Faults) -> Result<(), Error> {
    let mut recount = Recount { store, facets_of: facets_of(), few: BTreeMap::new(), missed: missed(store).await? };
    let (mut at, mut counted) = ((i64::MIN, i64::MIN), Counted::new());
    loop {
        let rows = store.rows(JOBS, vec![at.0.into(), at.1.into(), PAGE.into()]).await?;
        let is_last = rows.len() < PAGE;
        for row in rows {
            let next = (row.int(13)?, row.int(0)?);
            if next.0 != at.0 {
                recount.end(at.0, std::mem::take(&mut counted), checked, faults).await?;
            }
            at = next;
            checked.jobs += 1;
            count(row, &mut counted, faults)?;
        }
        if is_last {
            break;
        }
    }
    recount.end(at.0, counted, checked, faults).await?;
    while let Some((subject, runs)) = recount.missed.pop_first() {
        recount.end(subject, runs, checked, faults).await?;
    }
    recount.finish(checked, faults).await
}

async fn missed(store: &Store) -> Result<BTreeMap<i64, Counted>, Error> {
    let mut missed: BTreeMap<i64, Counted> = BTreeMap::new();
    for row in store.rows(MISSED_RUNS, Vec::new()).await? {
        let (day, runs) = (row.int(1)?, row.int(2)?);
        let of_subject = missed.entry(row.int(0)?).or_default();
        for (grain, period) in [(BY_DAY, day), (BY_MONTH, month_of(day))] {
            of_subject.entry((grain, period, MISSED)).or_default().jobs += runs;
        }
    }
    Ok(missed)
}

/// Counts a job, and notes what is wrong with it.
fn count(mut row: Row, counted: &mut Counted, faults: &mut Faults) -> Result<(), Error> {
    let (key, subject, state) = (row.int(0)?, row.int(13)?, row.int(14)?);
    let (done, bytes) = (row.some_int(15), row.some_int(16));
    let id = row.some_text(1).unwrap_or_default();
    let lacks = |column: usize| row.0.get(column).is_none_or(|value| *value == Value::Null);
    if lacks(4) || lacks(2) {
        let what = if lacks(4) { "subject" } else { "place of its subject" };
        faults.note("job", format!("{id} (key {key}): the {what} {subject} is not there"));
        return Ok(());
    }
    if lacks(11) {
        faults.note("job", format!("{id} (key {key}): what it has in common with others is not there"));
        return Ok(());
    }
    row.0[1] = id.as_str().into();
    let job = match jobs::job(row, 0) {
        Ok(job) => job,
        Err(error) => {
            faults.note("job", format!("{id} (key {key}): {error}"));
            return Ok(());
        }
    };
    let told = found_by(&job);
    if told != (state, done, bytes) {
        faults.note("job", format!("{id} (key {key}): it is found by {:?}, and is {told:?}", (state, done, bytes)));
    }
    let tally = tally(key, &job);
    let day = (key >> KEY_BITS) / DAY;
    for (grain, period) in [(BY_DAY, day), (BY_MONTH, month_of(day))] {
        *counted.entry((grain, period, state_number(&job.state))).or_default() += tally;
    }
    Ok(())
}

/// The columns that lists and sums of jobs go by beside their own words: state, done, bytes.
pub(in crate::ledger) fn found_by(job: &Job) -> (i64, Option<i64>, Option<i64>) {
    let done = job.completed_at.map(Timestamp::as_millisecond);
    (state_number(&job.state), done, job.bytes_transferred)
}

/// What a job counts for, as src/ledger/sqlite/migrations/0003_rollups.sql has it.
fn tally(key: i64, job: &Job) -> Tally {
    let took = job.completed_at.map(|done| done.as_millisecond() - (key >> KEY_BITS));
    let took = took.filter(|took| *took >= 0 && is_final(state_number(&job.state)));
    Tally {
        jobs: 1,
        bytes: job.bytes_transferred.unwrap_or_default().clamp(0, 1 << 52),
        timed: i64::from(took.is_some()),
        seconds: took.unwrap_or_default() / 1000,
        issues: i64::from(job.completed_with_issues()),
    }
}

/// 1 a subject: the sort and the number of each facet that counts it.
fn facets_of() -> String {
    let of_sort = |sort: Sort| {
        let [of_type, resource, vaults, plan, owner] = sort.keeps();
        let columns = [
            ("type", of_type),
            ("resource", resource),
            ("vault", vaults),
            ("destination", vaults),
            ("plan", plan),
            ("rule", plan),
        ];
        let same =
            columns.map(
                |(column, keeps)| {
                    if keeps { format!(" AND f.{column} = s.{column}") } else { format!(" AND f.{column} = ''") }
                },
            );
        let number = sort.number();
        let owner = if owner { OWNER } else { "''" };
        format!(
            "SELECT f.sort, f.id FROM subject AS s JOIN facet AS f ON f.sort = {number} AND f.place = s.place AND f.kind = \
             s.kind{} AND f.owner = {owner} WHERE s.id = $1",
            same.concat()
        )
    };
    Sort::ALL.map(of_sort).join(" UNION ALL ")
}

impl Recount<'_> {
    /// All jobs of a subject are counted. Its missed runs are, too.
    async fn end(
        &mut self,
        subject: i64,
        mut counted: Counted,
        checked: &mut Checked,
        faults: &mut Faults,
    ) -> Result<(), Error> {
        counted.extend(self.missed.remove(&subject).unwrap_or_default());
        if counted.is_empty() {
            return Ok(());
        }
        let facets = self.store.rows(Sql::Made(self.facets_of.clone()), vec![subject.into()]).await?;
        if facets.len() < Sort::ALL.len() {
            faults.note("count", format!("subject {subject} is counted in {} of the rollups alone", facets.len()));
        }
        for facet in facets {
            let (sort, facet) = (facet.int(0)?, facet.int(1)?);
            if sort == Sort::Subject.number() {
                self.against(facet, counted.clone(), checked, faults).await?;
            } else {
                let few = self.few.entry(facet).or_default();
                for (cell, tally) in &counted {
                    *few.entry(*cell).or_default() += *tally;
                }
            }
        }
        Ok(())
    }

    /// All jobs are counted.
    async fn finish(mut self, checked: &mut Checked, faults: &mut Faults) -> Result<(), Error> {
        let mut at = i64::MIN;
        loop {
            let facets = self.store.rows(FEW, vec![at.into(), PAGE.into()]).await?;
            for facet in &facets {
                at = facet.int(0)?;
                let counted = self.few.remove(&at).unwrap_or_default();
                self.against(at, counted, checked, faults).await?;
            }
            if facets.len() < PAGE {
                break;
            }
        }
        for facet in self.store.rows(OF_NOTHING, vec![MOST_TOLD.into()]).await? {
            self.against(facet.int(0)?, Counted::new(), checked, faults).await?;
        }
        Ok(())
    }

    /// Compares the cells of a facet with what its jobs come to.
    async fn against(
        &self,
        facet: i64,
        mut counted: Counted,
        checked: &mut Checked,
        faults: &mut Faults,
    ) -> Result<(), Error> {
        let mut at = (i64::MIN, i64::MIN, i64::MIN);
        loop {
            let args = vec![facet.into(), at.0.into(), at.1.into(), at.2.into(), PAGE.into()];
            let cells = self.store.rows(CELLS, args).await?;
            for row in &cells {
                at = (row.int(0)?, row.int(1)?, row.int(2)?);
                let (kept, there) = (Tally::of_row(row, 3)?, counted.remove(&at).unwrap_or_default());
                checked.counts += 1;
                if kept != there {
                    faults.note("count", wrong(facet, at, kept, there));
                }
            }
            if cells.len() < PAGE {
                break;
            }
        }
        for (cell, there) in counted {
            faults.note("count", wrong(facet, cell, Tally::default(), there));
        }
        Ok(())
    }
}

fn wrong(facet: i64, (grain, period, state): Cell, kept: Tally, there: Tally) -> String {
    let day = if grain == BY_DAY { period } else { first_day_of(period) };
    let date = Timestamp::from_millisecond(day.saturating_mul(DAY)).unwrap_or(Timestamp::UNIX_EPOCH);
    let when = date.strftime(if grain == BY_DAY { "%F" } else { "%Y-%m" });
    let of_jobs = state_of(state);
    let state = if state == MISSED { "missed" } else { of_jobs.word() };
    let said = |tally: Tally| {
        let Tally { jobs, bytes, timed, seconds, issues } = tally;
        format!("{jobs} jobs, {bytes} bytes, {timed} timed with {seconds} s, {issues} with issues")
    };
    format!("facet {facet}, {when}, {state}: {}; there are {}", said(kept), said(there))
}
