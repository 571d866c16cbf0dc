//! A page of the jobs that a query means, by bounded work: whatever the query, an index in the order of the page is walked, and
//! of what has no index of its own, so many rows are looked at and no more. A page may be short then, and says how far it came.

use jiff::Timestamp;

use super::{
    super::{
        Error, Ledger,
        store::{Row, Sql, Store, Value},
    },
    COLUMNS, SELECTED, first_key, job, json, kind_number, point_number, state_number,
};
use crate::domain::{Job, JobOrder, JobQuery, JobState, Scope};

/// Subjects that are walked side by side, times states where those have an index: more cost more than looking at every job.
const MOST_LANES: usize = 400;

/// Lanes that stand in the text of a statement, each on its own, which both databases merge row by row.
const FEW_LANES: usize = 50;

/// Rows that a page looks at where no index leads to them: a few milliseconds.
const MOST_LOOKED_AT: usize = 20_000;

/// Where a page begins: after the job that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPosition {
    /// Its key.
    key: i64,
    /// When it ended, in milliseconds; of the order of ends alone.
    done: i64,
}

impl JobPosition {
    /// Out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, done) = text.split_once('.')?;
        let number = |text: &str| i64::from_str_radix(text, 36).ok().filter(|number| *number >= 0);
        Some(Self { key: number(key)?, done: number(done)? })
    }
}

impl std::fmt::Display for JobPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", Base36(self.key), Base36(self.done))
    }
}

/// Never negative.
struct Base36(i64);

impl std::fmt::Display for Base36 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut digits = Vec::new();
        let mut rest = usize::try_from(self.0).unwrap_or_default();
        loop {
            digits.push(char::from(DIGITS.get(rest % 36).copied().unwrap_or(b'0')));
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(&digits.into_iter().rev().collect::<String>())
    }
}

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
        let Some(path) = path(&store, query).await? else {
            return Ok(JobPage { jobs: Vec::new(), next: None });
        };
        let walk = Walk { store: &store, query, order, after, path };
        let (sql, args) = walk.page(size);
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
    let unusual = if states.contains(&state_number(&JobState::Completed)) { Vec::new() } else { states };
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
        let walks = found.len() * unusual.len().max(1);
        if found.len() <= lanes && (walks <= FEW_LANES || store.merges_lazily() || !has_rest(query)) {
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

/// Whether the query says what no walk along subjects and states sees to.
fn has_rest(query: &JobQuery) -> bool {
    let completed = query.states.contains(&JobState::Completed);
    completed || query.category.is_some() || query.text.is_some() || !query.completed.is_unbounded()
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
        let values = made.push(json(&values));
        conditions.push(store.one_of_texts(column, &values));
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
}

impl Walk<'_> {
    /// The statement of a page: rows as [`SELECTED`].
    fn page(&self, size: usize) -> (String, Vec<Value>) {
        let mut made = Made::default();
        let conditions = self.conditions(&mut made);
        // Without conditions every row that is walked is one of the page.
        let walked = self.walked(if conditions.is_empty() { size } else { MOST_LOOKED_AT }, &mut made);
        let wheres = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        let size = made.push(size);
        let (ordered, join) = (self.store.ordered(&self.order.sql("j.")), self.store.join());
        let sql = format!(
            "SELECT {SELECTED} FROM {walked} {join} subject AS s ON s.id = j.subject {join} place AS p ON p.id = s.place \
             {join} common AS c ON c.id = j.common {wheres} {ordered} LIMIT {size}"
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
        let walked = self.walked(MOST_LOOKED_AT, &mut made);
        let ordered = self.store.ordered(&self.order.sql("j."));
        let blanks = "NULL, ".repeat(COLUMNS - 1);
        let last = MOST_LOOKED_AT - 1;
        Some((format!("SELECT j.key, {blanks} j.done FROM {walked} {ordered} LIMIT 1 OFFSET {last}"), made.args))
    }

    /// What the index does not see to, of `j` and `s`.
    fn conditions(&self, made: &mut Made) -> Vec<String> {
        let Self { query, store, .. } = self;
        let by_ends = self.order == JobOrder::LastEnded;
        let (subjects, states_seen_to) = match &self.path {
            Path::Subjects(_, states) => (by_ends, !states.is_empty() && !by_ends),
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

    /// Which part of an index in the order of the page is walked, of `j`.
    fn bound(&self, made: &mut Made) -> String {
        if self.order != JobOrder::LastEnded {
            let (low, high) = self.keys();
            return format!("j.key >= {} AND j.key < {}", made.push(low), made.push(high));
        }
        let mut bound = "j.done IS NOT NULL".to_owned();
        if let Some(after) = self.query.completed.after {
            bound += &format!(" AND j.done >= {}", made.push(after.as_millisecond()));
        }
        if let Some(before) = self.query.completed.before {
            bound += &format!(" AND j.done < {}", made.push(before.as_millisecond()));
        }
        if let Some(JobPosition { key, done }) = self.after {
            bound += &format!(" AND (j.done, j.key) < ({}, {})", made.push(done), made.push(key));
        }
        bound
    }

    /// The rows that are walked, in the order of the page, as `j`.
    fn walked(&self, most: usize, made: &mut Made) -> String {
        let bound = self.bound(made);
        let most = made.push(most);
        let order = self.order.sql("j.");
        let lane = |condition: &str| {
            format!("SELECT j.* FROM job AS j WHERE {condition} {bound} ORDER BY {order} LIMIT {most}")
        };
        let lanes: Vec<String> = match &self.path {
            Path::Rare(column, value) => {
                // Those who have an end are few among the few.
                let value = made.push(value.clone());
                vec![format!("j.{column} = {value} AND")]
            }
            Path::All => vec![String::new()],
            Path::Explained if self.order == JobOrder::LastEnded => vec![String::new()],
            Path::Explained => vec!["j.message IS NOT NULL AND".to_owned()],
            Path::Subjects(..) if self.order == JobOrder::LastEnded => vec![String::new()],
            Path::States(states) => {
                states.iter().map(|state| format!("j.state = {state} AND j.state <> 6 AND")).collect()
            }
            Path::Subjects(subjects, states) => {
                let pairs = subjects.iter().flat_map(|subject| {
                    let of_subject = format!("j.subject = {subject} AND");
                    match states.as_slice() {
                        [] => vec![of_subject],
                        states => {
                            let of_state = |state| format!("{of_subject} j.state = {state} AND j.state <> 6 AND");
                            states.iter().map(of_state).collect()
                        }
                    }
                });
                pairs.collect()
            }
        };
        if let [only] = lanes.as_slice() {
            return format!("({}) AS j", lane(only));
        }
        if lanes.len() <= FEW_LANES {
            let keys: Vec<String> = lanes
                .iter()
                .map(|condition| format!("SELECT j.key, j.done FROM job AS j WHERE {condition} {bound}"))
                .collect();
            let (keys, order) = (keys.join(" UNION ALL "), self.order.sql(""));
            return format!("(SELECT key FROM ({keys} ORDER BY {order} LIMIT {most}) AS u) AS m {}", self.by_key());
        }
        let (lanes, of_state) = match &self.path {
            Path::Subjects(subjects, states) if states.is_empty() => {
                (subjects.iter().map(|subject| [*subject, 0]).collect::<Vec<_>>(), "")
            }
            Path::Subjects(subjects, states) => {
                let pairs = subjects.iter().flat_map(|subject| states.iter().map(|state| [*subject, *state]));
                (pairs.collect(), " AND j.state = lane.state AND j.state <> 6")
            }
            Path::Rare(..) | Path::States(_) | Path::Explained | Path::All => (Vec::new(), ""),
        };
        let lane = format!("j.subject = lane.subject{of_state} AND {bound}");
        let lanes = made.push(json(&lanes));
        let merged = self.store.merged(&lanes, &lane, &most, self.order == JobOrder::Newest);
        format!("({merged}) AS m {}", self.by_key())
    }

    /// The rows of the keys that were walked.
    fn by_key(&self) -> String {
        format!("{} job AS j ON j.key = m.key", self.store.join())
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
