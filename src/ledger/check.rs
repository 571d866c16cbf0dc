//! Whether a ledger is whole: by the database's own look, and by what must be true of it in between, which no database knows.
//!
//! Everything is read of one instant, so a server may write meanwhile, and in pages, so that a look takes no more memory of ten million
//! jobs than of ten thousand. The SQL here is the same for both databases.

mod recount;

use std::collections::BTreeMap;

pub(super) use self::recount::found_by;
use super::{
    Error, Head, Ledger,
    store::{Row, Sql, Store},
};

/// Which migrations were made: version, and whether it came to its end.
pub(super) const SCHEMA: &str =
    "SELECT version, CAST(CASE WHEN success THEN 1 ELSE 0 END AS bigint) FROM _sqlx_migrations ORDER BY version";

/// Faults of one sort that are told; of more, how many there are.
const MOST_TOLD: usize = 20;

/// Columns that name rows of other tables: table, column, the other table, its column. Those of jobs are looked at with them.
pub(super) const REFERENCES: [(&str, &str, &str, &str); 22] = [
    ("subject", "place", "place", "id"),
    ("facet", "place", "place", "id"),
    ("cell", "facet", "facet", "id"),
    ("event", "subject", "subject", "id"),
    ("event", "common", "common", "id"),
    ("missed", "place", "place", "id"),
    ("missed", "subject", "subject", "id"),
    ("incident", "place", "place", "id"),
    ("point", "place", "place", "id"),
    ("point_change", "incident", "incident", "id"),
    ("vault", "place", "place", "id"),
    ("outcome", "place", "place", "id"),
    ("request", "place", "place", "id"),
    ("survey", "place", "place", "id"),
    ("membership", "place", "place", "id"),
    ("timing", "place", "place", "id"),
    ("outlook", "place", "place", "id"),
    ("owned", "place", "place", "id"),
    ("tagged", "place", "place", "id"),
    ("approval", "place", "place", "id"),
    ("protection", "place", "place", "id"),
    ("protection_word", "arn", "protection", "arn"),
];

/// What came of a look at a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The version of its tables.
    pub schema: i64,
    /// Which ledger it is, and how far it goes; absent where that cannot be told.
    pub head: Option<Head>,
    /// Events that were looked at.
    pub events: u64,
    /// Jobs that were looked at.
    pub jobs: u64,
    /// Counts that were compared.
    pub counts: u64,
    /// What is wrong, each with where.
    pub faults: Vec<String>,
}

/// What is wrong, by sorts.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<(&'static str, String)>,
    of: BTreeMap<&'static str, usize>,
}

impl Faults {
    fn note(&mut self, sort: &'static str, fault: String) {
        let count = self.of.entry(sort).or_default();
        *count += 1;
        if *count <= MOST_TOLD {
            self.told.push((sort, fault));
        }
    }

    fn all(self) -> Vec<String> {
        let more = self.of.into_iter().filter(|(_, count)| *count > MOST_TOLD);
        let more = more.map(|(sort, count)| format!("{sort}: and {} more", count - MOST_TOLD));
        self.told.into_iter().map(|(sort, fault)| format!("{sort}: {fault}")).chain(more).collect()
    }
}

/// That tables are those of this version, by the rows of [`SCHEMA`].
pub(super) fn is_of_this_version(made: &[Row], known: impl IntoIterator<Item = i64>) -> Result<(), Error> {
    let known = known.into_iter().max().unwrap_or_default();
    let broken = made.iter().find(|row| row.some_int(1) != Some(1)).and_then(|row| row.some_int(0));
    let there = made.iter().filter_map(|row| row.some_int(0)).max();
    match (broken, there) {
        (Some(version), _) => Err(Error::unreadable(format!("the migration to schema {version} was broken off"))),
        (None, None) => Err(Error::unreadable("there is no ledger in it: no server has opened it yet")),
        (None, Some(there)) if there > known => {
            Err(Error::unreadable(format!("it was written by a newer version of strongroom (schema {there})")))
        }
        (None, Some(there)) if there < known => Err(Error::unreadable(format!(
            "its tables are of schema {there}, and this version knows {known}: a server of this version brings them up to date \
             when it starts"
        ))),
        (None, Some(_)) => Ok(()),
    }
}

impl Ledger {
    /// Looks at all of it.
    ///
    /// # Errors
    /// When the ledger does not answer, or is none of this version.
    pub async fn check(&self) -> Result<Checked, Error> {
        let store = self.store().await?;
        let versions = store.rows(SCHEMA, Vec::new()).await?;
        let schema = versions.iter().filter_map(|row| row.some_int(0)).max().unwrap_or_default();
        let mut checked = Checked { schema, head: None, events: 0, jobs: 0, counts: 0, faults: Vec::new() };
        let mut faults = Faults::default();
        for damage in self.damage().await? {
            faults.note("database", damage);
        }
        match self.look_at(&store, &mut checked, &mut faults).await {
            Ok(()) => {}
            // What is damaged cannot be read any further.
            Err(Error::Unreadable(why)) => faults.note("database", why),
            Err(error) => return Err(error),
        }
        checked.faults = faults.all();
        Ok(checked)
    }

    async fn look_at(&self, store: &Store, checked: &mut Checked, faults: &mut Faults) -> Result<(), Error> {
        heads(store, checked, faults).await?;
        for (table, column, other, key) in REFERENCES {
            let sql = format!(
                "SELECT CAST(c.{column} AS text), count(*) FROM {table} AS c WHERE NOT EXISTS \
                 (SELECT 1 FROM {other} AS o WHERE o.{key} = c.{column}) GROUP BY 1 ORDER BY 1 LIMIT {MOST_TOLD}"
            );
            for mut row in store.rows(Sql::Made(sql), Vec::new()).await? {
                let (named, rows) = (row.text(0)?, row.int(1)?);
                faults.note("row", format!("{table}: {rows} of {column} {named}, which {other} does not have"));
            }
        }
        recount::compare(store, checked, faults).await
    }
}

/// The head says where the events end and begin, and there are no gaps between.
async fn heads(store: &Store, checked: &mut Checked, faults: &mut Faults) -> Result<(), Error> {
    let mut heads = store.rows("SELECT epoch, head, compacted FROM head", Vec::new()).await?;
    let [row] = heads.as_mut_slice() else {
        faults.note("head", format!("there are {} rows, where there must be one", heads.len()));
        return Ok(());
    };
    let head = Head { epoch: row.text(0)?, seq: row.int(1)?, compacted: row.int(2)? };
    let span = store.rows("SELECT count(*), min(seq), max(seq) FROM event", Vec::new()).await?;
    let span = span.first().map(|row| (row.some_int(0), row.some_int(1), row.some_int(2)));
    let (count, first, last) = span.unwrap_or_default();
    let (first, last) = (first.unwrap_or(head.compacted + 1), last.unwrap_or(head.compacted));
    checked.events = count.unwrap_or_default().try_into().unwrap_or_default();
    if last != head.seq {
        faults.note("head", format!("it is {}, and the last event is {last}", head.seq));
    }
    if first != head.compacted + 1 {
        let compacted = head.compacted;
        faults.note("head", format!("events are forgotten up to {compacted}, and the first that is there is {first}"));
    }
    let gaps = "SELECT e.seq FROM event AS e WHERE e.seq < $1 AND NOT EXISTS \
                (SELECT 1 FROM event AS n WHERE n.seq = e.seq + 1) ORDER BY e.seq LIMIT $2";
    for row in store.rows(gaps, vec![last.into(), MOST_TOLD.into()]).await? {
        faults.note("event", format!("there is {}, and not the one after it", row.int(0)?));
    }
    let strange = "SELECT seq, what FROM event WHERE what NOT IN (1, 2) ORDER BY seq LIMIT $1";
    for row in store.rows(strange, vec![MOST_TOLD.into()]).await? {
        faults.note("event", format!("{} is of a sort that this version does not know: {}", row.int(0)?, row.int(1)?));
    }
    checked.head = Some(head);
    Ok(())
}
