//! A page of the jobs that a query means, by bounded work: whatever the query, an index in the order of the page is walked, and
//! of what has no index of its own, so many rows are looked at and no more. A page may be short then, and says how far it came.

use jiff::Timestamp;

use super::{
    super::{
        Error, Ledger,
        store::{Row, Sql, Store, Value},
    },
    COLUMNS, JobPosition, SELECTED, first_key, job, json, kind_number, point_number, scope_of, state_number,
};
use crate::domain::{Job, JobOrder, JobQuery, JobState, Scope};

/// Subjects that are walked side by side, times states where those have an index: more cost more than looking at every job.
const MOST_LANES: usize = 600;

/// Rows that a page looks at where no index leads to what is asked for: a few milliseconds. In the order of the table they lie
/// together. Fewer in tests, which so come to their end.
const MOST_LOOKED_AT: usize = if cfg!(test) { 500 } else { 10_000 };

/// The same where an index leads to rows that lie anywhere.
const MOST_LOOKED_UP: usize = if cfg!(test) { 500 } else { 2_500 };

/// A page of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// The jobs, in the order asked for.
    pub jobs: Vec<Job>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<JobPosition>,
}

impl Ledger {
    /// A page of the jobs that the query means.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn list_jobs(
        &self,
        query: &JobQuery,
        order: JobOrder,
        size: usize,
        after: Option<JobPosition>,
    ) -> Result<JobPage, Error> {
        let store = self.store().await?;
        let everywhere = JobQuery { scopes: Vec::new(), ..query.clone() };
        let query = if is_everywhere(&store, query).await? { &everywhere } else { query };
        let Some(path) = path(&store, query).await? else {
            return Ok(JobPage { jobs: Vec::new(), next: None });
        };
        let walk = Walk { store: &store, query, order, after, path, size };
        let (sql, args) = walk.page();
        let mut rows = store.rows(Sql::Made(sql), args).await?;
        // What walks several lanes gives them in their order, but a database owes no order to who asks for none.
        rows.sort_by_key(|row| order_of(row, order));
        let next = match rows.last() {
            Some(last) if rows.len() >= size => Some(position(last)?),
            Some(_) | None => match walk.looked_to() {
                Some((sql, args)) => store.rows(Sql::Made(sql), args).await?.first().map(position).transpose()?,
                None => None,
            },
        };
        let jobs = rows.into_iter().map(|row| job(row, 0)).collect::<Result<_, _>>()?;
        Ok(JobPage { jobs, next })
    }
}

/// By what jobs of that order go, the first the least. `done` is the last column, and `key` the first.
fn order_of(row: &Row, order: JobOrder) -> (i64, i64) {
    let key = row.some_int(0).unwrap_or_default();
    match order {
        JobOrder::Newest => (0, -key),
        JobOrder::Oldest => (0, key),
        JobOrder::LastEnded => (-row.some_int(COLUMNS).unwrap_or_default(), -key),
    }
}

fn position(row: &Row) -> Result<JobPosition, Error> {
    Ok(JobPosition { key: row.int(0)?, done: row.some_int(COLUMNS).unwrap_or_default().max(0) })
}

/// Whether jobs are in no other account and region than those that are meant: then there is nothing to look for.
async fn is_everywhere(store: &Store, query: &JobQuery) -> Result<bool, Error> {
    for mut row in store.rows(store.statements().places, Vec::new()).await? {
        if !query.scopes.contains(&scope_of(&row.text(1)?, &row.text(2)?)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// By which index a query is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Path {
    /// By a column that few jobs have equal, and a value of it.
    Rare(&'static str, Value),
    /// These subjects side by side, each in these states, none of which is COMPLETED; of no states, in any.
    Subjects(Vec<i64>, Vec<i64>),
    /// These states side by side, none of them COMPLETED.
    States(Vec<i64>),
    /// Every job that has an explanation.
    Explained,
    /// Every job.
    All,
}

/// The index by which the query is answered; none where no job fits it.
async fn path(store: &Store, query: &JobQuery) -> Result<Option<Path>, Error> {
    if let Some(parent) = &query.parent {
        return Ok(Some(Path::Rare("parent", parent.as_str().into())));
    }
    if let Some(point) = &query.source_recovery_point {
        return Ok(Some(Path::Rare("point", point_number(point).into())));
    }
    let states = states(query);
    let unusual = if is_completed_asked(query) { Vec::new() } else { states };
    let mut made = Made::default();
    let conditions = subject_conditions(store, query, &mut made);
    if !conditions.is_empty() {
        let lanes = MOST_LANES / unusual.len().max(1);
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT s.id FROM subject AS s WHERE {conditions} LIMIT {}", lanes + 1);
        let found = store.rows(Sql::Made(sql), made.args).await?;
        if found.is_empty() {
            return Ok(None);
        }
        if found.len() <= lanes {
            let subjects = found.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
            return Ok(Some(Path::Subjects(subjects, unusual)));
        }
    }
    Ok(Some(match (unusual.is_empty(), &query.text) {
        (false, _) => Path::States(unusual),
        (true, Some(_)) => Path::Explained,
        (true, None) => Path::All,
    }))
}

fn is_completed_asked(query: &JobQuery) -> bool {
    query.states.contains(&JobState::Completed)
}

fn states(query: &JobQuery) -> Vec<i64> {
    let mut states: Vec<i64> = query.states.iter().map(state_number).collect();
    states.sort_unstable();
    states.dedup();
    states
}

/// What the query says of subjects, of `s`.
pub(in crate::ledger) fn subject_conditions(store: &Store, query: &JobQuery, made: &mut Made) -> Vec<String> {
    let mut conditions = Vec::new();
    if !query.scopes.is_empty() {
        let named = |scope: &Scope| format!("{} {}", scope.account, scope.region);
        let scopes = made.push(json(&query.scopes.iter().map(named).collect::<Vec<_>>()));
        let places = store.one_of_texts("account || ' ' || region", &scopes);
        conditions.push(format!("s.place IN (SELECT id FROM place WHERE {places})"));
    }
    if !query.kinds.is_empty() {
        conditions.push(one_of("s.kind", query.kinds.iter().map(|kind| kind_number(*kind))));
    }
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    let columns = [
        ("s.resource", query.resources.clone()),
        ("s.rule", one(&query.rule)),
        ("s.plan", one(&query.plan)),
        ("s.vault", query.vaults.clone()),
        ("s.destination", query.destinations.clone()),
        ("s.type", query.resource_types.clone()),
    ];
    for (column, values) in columns.into_iter().filter(|(_, values)| !values.is_empty()) {
        // One is asked for by its name, so that an index is worth its while.
        conditions.push(match values.as_slice() {
            [one] => format!("{column} = {}", made.push(one.as_str())),
            values => store.one_of_texts(column, &made.push(json(values))),
        });
    }
    conditions
}

/// The numbers stand in the text: a plan for a parameter overlooks partial indices.
fn one_of(column: &str, numbers: impl Iterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("{column} IN ({})", numbers.join(", "))
}

/// A statement that is put together, and its parameters.
#[derive(Default)]
pub(in crate::ledger) struct Made {
    pub(in crate::ledger) args: Vec<Value>,
}

impl Made {
    pub(in crate::ledger) fn push(&mut self, value: impl Into<Value>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }
}

struct Walk<'a> {
    store: &'a Store,
    query: &'a JobQuery,
    order: JobOrder,
    after: Option<JobPosition>,
    path: Path,
    /// Of the page.
    size: usize,
}

impl Walk<'_> {
    /// The statement of a page: rows as [`SELECTED`].
    fn page(&self) -> (String, Vec<Value>) {
        let mut made = Made::default();
        let conditions = self.conditions(&mut made);
        let (join, subject) = (self.store.join(), self.store.one_by_one("subject AS s", "j.subject"));
        // Without conditions every row that is walked is one of the page. With some, most are none of it, and of those no more is
        // read than what says so.
        let found = if conditions.is_empty() {
            self.walked(self.size, &mut made)
        } else {
            let (walked, ordered) =
                (self.walked(self.most_looked_at(), &mut made), self.store.ordered(&self.order.sql("j.")));
            let wheres = conditions.join(" AND ");
            let of_subject = if wheres.contains("s.") { subject.as_str() } else { "" };
            let size = made.push(self.size);
            format!(
                "(SELECT j.key FROM {walked} {of_subject} WHERE {wheres} {ordered} LIMIT {size}) AS found \
                 {join} job AS j ON j.key = found.key"
            )
        };
        let (ordered, size) = (self.store.ordered(&self.order.sql("j.")), made.push(self.size));
        let sql = format!(
            "SELECT {SELECTED} FROM {found} {subject} {join} place AS p ON p.id = s.place \
             {common} {ordered} LIMIT {size}",
            common = self.store.one_by_one("common AS c", "j.common"),
        );
        (sql, made.args)
    }

    /// The statement that tells the last row that a page looks at, if it looks at as many as it may; none where a page that is
    /// not full is the last one. The columns are those of a job, as far as [`position`] reads them.
    fn looked_to(&self) -> Option<(String, Vec<Value>)> {
        let mut made = Made::default();
        if self.conditions(&mut made).is_empty() {
            return None;
        }
        let mut made = Made::default();
        let most = self.most_looked_at();
        let walked = self.walked(most, &mut made);
        let ordered = self.store.ordered(&self.order.sql("j."));
        let blanks = "NULL, ".repeat(COLUMNS - 1);
        let last = most - 1;
        Some((format!("SELECT j.key, {blanks} j.done FROM {walked} {ordered} LIMIT 1 OFFSET {last}"), made.args))
    }

    fn most_looked_at(&self) -> usize {
        let Self { query, path, order, .. } = self;
        let period = if *order == JobOrder::LastEnded { query.created } else { query.completed };
        let states_alone = query.category.is_none() && query.text.is_none() && period.is_unbounded();
        match (path, order) {
            (Path::All, JobOrder::Newest | JobOrder::Oldest) => MOST_LOOKED_AT,
            // Nearly all jobs are COMPLETED: so many have a page of them.
            (Path::Subjects(..), _) if states_alone => MOST_LOOKED_UP.min(self.size.saturating_mul(3)),
            _ => MOST_LOOKED_UP,
        }
    }

    /// What the index does not see to, of `j` and `s`.
    fn conditions(&self, made: &mut Made) -> Vec<String> {
        let Self { query, store, .. } = self;
        let by_ends = self.order == JobOrder::LastEnded;
        let (subjects, states_seen_to) = match &self.path {
            Path::Subjects(_, states) => (false, !states.is_empty()),
            Path::States(_) => (true, true),
            Path::Rare(..) | Path::Explained | Path::All => (true, false),
        };
        let mut conditions = if subjects { subject_conditions(store, query, made) } else { Vec::new() };
        if !query.states.is_empty() && !states_seen_to {
            conditions.push(one_of("j.state", states(query).into_iter()));
        }
        if by_ends {
            let (low, high) = self.keys();
            if low > 0 {
                conditions.push(format!("j.key >= {}", made.push(low)));
            }
            if high < i64::MAX {
                conditions.push(format!("j.key < {}", made.push(high)));
            }
        } else {
            let millis = |at: Timestamp| at.as_millisecond();
            if let Some(after) = query.completed.after {
                conditions.push(format!("j.done >= {}", made.push(millis(after))));
            }
            if let Some(before) = query.completed.before {
                conditions.push(format!("j.done < {}", made.push(millis(before))));
            }
        }
        if let Some(category) = &query.category {
            conditions.push(format!("lower(j.category) = {}", made.push(category.to_ascii_lowercase())));
        }
        if let Some(text) = &query.text {
            let text = made.push(text.to_ascii_lowercase());
            conditions.push(store.contains("j.message", &text));
        }
        if let (Some(parent), true) = (&query.parent, !matches!(self.path, Path::Rare("parent", _))) {
            conditions.push(format!("j.parent = {}", made.push(parent.as_str())));
        }
        if let (Some(point), true) = (&query.source_recovery_point, !matches!(self.path, Path::Rare("point", _))) {
            conditions.push(format!("j.point = {}", made.push(point_number(point))));
        }
        conditions
    }

    /// Keys from the first to before the last, by the time of creation, and for orders of keys by what was told already.
    fn keys(&self) -> (i64, i64) {
        let created = self.query.created;
        let mut low = created.after.map_or(0, first_key);
        let mut high = created.before.map_or(i64::MAX, first_key);
        match (self.order, self.after) {
            (JobOrder::Newest, Some(after)) => high = high.min(after.key),
            (JobOrder::Oldest, Some(after)) => low = low.max(after.key + 1),
            (JobOrder::LastEnded, _) | (_, None) => {}
        }
        (low, high)
    }

    /// Which part of an index in the order of the page is walked, of `j`: from where on, and to where.
    fn bounds(&self, made: &mut Made) -> (String, String) {
        let (low, high) = self.keys();
        let mut keys = || (format!("j.key >= {}", made.push(low)), format!("j.key < {}", made.push(high)));
        match self.order {
            JobOrder::Newest => {
                let (low, high) = keys();
                return (high, low);
            }
            JobOrder::Oldest => return keys(),
            JobOrder::LastEnded => {}
        }
        let (mut from, mut to) = (String::new(), "j.done IS NOT NULL".to_owned());
        if let Some(after) = self.query.completed.after {
            to += &format!(" AND j.done >= {}", made.push(after.as_millisecond()));
        }
        if let Some(before) = self.query.completed.before {
            from += &format!("j.done < {} AND ", made.push(before.as_millisecond()));
        }
        from += &match self.after {
            Some(JobPosition { key, done }) => format!("(j.done, j.key) < ({}, {})", made.push(done), made.push(key)),
            None => "j.done IS NOT NULL".to_owned(),
        };
        (from, to)
    }

    /// The rows that are walked, in the order of the page, as `j`.
    fn walked(&self, most: usize, made: &mut Made) -> String {
        let (from, to) = self.bounds(made);
        let bound = format!("{from} AND {to}");
        let end = format!("ORDER BY {} LIMIT {most}", self.order.sql("j."));
        let (lanes, lane): (Vec<[i64; 2]>, &str) = match &self.path {
            Path::Rare(column, value) => {
                // Those who have an end are few among the few.
                let value = made.push(value.clone());
                return format!("(SELECT j.* FROM job AS j WHERE j.{column} = {value} AND {bound} {end}) AS j");
            }
            Path::Explained if self.order != JobOrder::LastEnded => {
                return format!("(SELECT j.* FROM job AS j WHERE j.message IS NOT NULL AND {bound} {end}) AS j");
            }
            Path::All | Path::Explained => return format!("(SELECT j.* FROM job AS j WHERE {bound} {end}) AS j"),
            Path::Subjects(subjects, states) if states.is_empty() => {
                (subjects.iter().map(|subject| [*subject, 0]).collect(), "j.subject = lane.subject")
            }
            Path::Subjects(subjects, states) => {
                let pairs = subjects.iter().flat_map(|subject| states.iter().map(|state| [*subject, *state]));
                (pairs.collect(), "j.subject = lane.subject AND j.state = lane.state AND j.state <> 6")
            }
            Path::States(states) => {
                (states.iter().map(|state| [0, *state]).collect(), "j.state = lane.state AND j.state <> 6")
            }
        };
        if let [[subject, state]] = lanes.as_slice() {
            // As text: a plan for a parameter overlooks partial indices.
            let lane = lane.replace("lane.subject", &subject.to_string()).replace("lane.state", &state.to_string());
            return format!("(SELECT j.* FROM job AS j WHERE {lane} AND {bound} {end}) AS j");
        }
        let (count, lanes) = (lanes.len(), made.push(json(&lanes)));
        let merged = self.store.merged(&lanes, &format!("{lane} AND {to}"), &from, (count, most), self.order);
        format!("({merged}) AS m {} job AS j ON j.key = m.key", self.store.join())
    }
}

impl JobOrder {
    /// The order of columns that are called so.
    fn sql(self, of: &str) -> String {
        match self {
            Self::Newest => format!("{of}key DESC"),
            Self::Oldest => format!("{of}key ASC"),
            Self::LastEnded => format!("{of}done DESC, {of}key DESC"),
        }
    }
}
