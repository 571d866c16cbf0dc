//! The ledger in SQLite: a file, or memory. One connection writes, a few read: SQLite has one writer at a time, and who waits for
//! it in a queue of ours starves nobody.

mod statements;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Column as _, Executor as _, Row as _, SqlStr, Sqlite, SqlitePool, Transaction, TypeInfo as _,
    ValueRef as _,
    migrate::{Migration, MigrationType, Migrator},
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

pub(super) use self::statements::STATEMENTS;
use super::{
    Error, check,
    store::{Row, Sql, Value},
};
use crate::domain::JobOrder;

/// Connections that read. Reads are short, and each connection is a thread with a cache of its own.
const READERS: u32 = 4;

/// How long a call waits for a connection, and a connection for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

const MIGRATIONS: [(i64, &str, &str); 12] = [
    (1, "jobs", include_str!("migrations/0001_jobs.sql")),
    (2, "leases", include_str!("migrations/0002_leases.sql")),
    (3, "rollups", include_str!("migrations/0003_rollups.sql")),
    (4, "coverage", include_str!("migrations/0004_coverage.sql")),
    (5, "incidents", include_str!("migrations/0005_incidents.sql")),
    (6, "missed_runs", include_str!("migrations/0006_missed_runs.sql")),
    (7, "owners", include_str!("migrations/0007_owners.sql")),
    (8, "outlooks", include_str!("migrations/0008_outlooks.sql")),
    (9, "touched", include_str!("migrations/0009_touched.sql")),
    (10, "orders", include_str!("migrations/0010_orders.sql")),
    (11, "tagged", include_str!("migrations/0011_tagged.sql")),
    (12, "approvals", include_str!("migrations/0012_approvals.sql")),
];

#[derive(Debug, Clone)]
pub(in crate::ledger) struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Of a file: who is alone with it.
    alone: Option<Arc<Alone>>,
}

impl Database {
    pub(super) async fn in_memory() -> Result<Self, Error> {
        // A database in memory is its connection's own: there is one, and it is kept.
        let options = SqliteConnectOptions::from_str("sqlite::memory:").map_err(fault)?;
        let pool = SqlitePoolOptions::new().min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None);
        let writer = pool.acquire_timeout(PATIENCE).connect_with(options).await.map_err(fault)?;
        migrate(&writer).await?;
        Ok(Self { readers: writer.clone(), writer, alone: None })
    }

    pub(super) async fn open(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| Error::down(format!("{} cannot be made: {error}", folder.display())))?;
        }
        let named = |error| named(path, fault(error));
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered is kept over a loss of power too: a position that was given out must not come back as
            // another event's.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .pragma("cache_size", "-16000")
            .pragma("journal_size_limit", "67108864");
        let pool = || SqlitePoolOptions::new().acquire_timeout(PATIENCE).max_lifetime(None);
        let writer = pool().max_connections(1).connect_with(options.clone()).await.map_err(named)?;
        migrate(&writer).await?;
        let reading = options.create_if_missing(false).read_only(true);
        let readers = pool().max_connections(READERS).connect_with(reading).await.map_err(named)?;
        let alone = Alone { lock: path.with_added_extension("lock"), held: Mutex::new(None) };
        Ok(Self { writer, readers, alone: Some(Arc::new(alone)) })
    }

    /// Opens it to be read only, as it is at the first read. It is one connection, whose transaction never ends.
    pub(super) async fn look(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE);
        let begun = Arc::new(AtomicBool::new(false));
        let pool = SqlitePoolOptions::new().min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.acquire_timeout(PATIENCE).after_connect(move |connection, _| {
            let again = begun.swap(true, Ordering::AcqRel);
            Box::pin(async move {
                // Another connection would see another instant.
                if again {
                    return Err(sqlx::Error::PoolClosed);
                }
                connection.execute("BEGIN").await.map(|_| ())
            })
        });
        let pool = pool.connect_with(options).await.map_err(|error| named(path, fault(error)))?;
        let database = Self { readers: pool.clone(), writer: pool, alone: None };
        let is_one = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
        let is_one = database.rows(Sql::Fixed(is_one), Vec::new()).await.map_err(|error| named(path, error))?;
        let versions = match is_one.first().and_then(|row| row.some_int(0)) {
            Some(1) => database.rows(Sql::Fixed(check::SCHEMA), Vec::new()).await?,
            Some(_) | None => Vec::new(),
        };
        check::is_of_this_version(&versions, MIGRATIONS.map(|(version, ..)| version))?;
        Ok(database)
    }

    pub(super) async fn rows(&self, sql: Sql, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = query(sql, args).fetch_all(&self.readers).await.map_err(fault)?;
        rows.iter().map(row).collect()
    }

    pub(super) async fn write(&self) -> Result<Writing, Error> {
        Ok(Writing(self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?))
    }

    /// Whether the file is whole, by SQLite's own look at all of it: what is wrong, or nothing.
    pub(super) async fn integrity(&self) -> Result<Vec<String>, Error> {
        let told = self.rows(Sql::Fixed("PRAGMA integrity_check"), Vec::new()).await?;
        let told: Result<Vec<String>, Error> = told.into_iter().map(|mut row| row.text(0)).collect();
        Ok(told?.into_iter().filter(|line| line != "ok").collect())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        if let Some(alone) = &self.alone {
            alone.end();
        }
    }

    /// Whether no other process has the file for its ledger. What is in memory no other can have, and had nobody before.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.as_ref().is_some_and(|alone| alone.is_held())
    }
}

/// The error with the file that it is about.
fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Down(why) => Error::Down(format!("{}: {why}", path.display())),
        Error::Unreadable(why) => Error::Unreadable(format!("{}: {why}", path.display())),
        fenced @ Error::Fenced(_) => fenced,
    }
}

/// A lock of the operating system's on a file beside the database, which ends with the process however that ends: so whoever has it
/// knows that whatever is said there of others was said by the dead. Not on the database itself, whose locks are SQLite's.
#[derive(Debug)]
struct Alone {
    lock: PathBuf,
    held: Mutex<Option<File>>,
}

impl Alone {
    /// Whether it is held: it is tried for, if it is not. A file system that has no locks holds none.
    fn is_held(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let file = File::options().create(true).append(true).open(&self.lock);
            *held = file.ok().filter(|file| file.try_lock().is_ok());
        }
        held.is_some()
    }

    fn end(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

pub(in crate::ledger) struct Writing(Transaction<'static, Sqlite>);

impl Writing {
    pub(super) async fn rows(&mut self, sql: Sql, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = self.0.fetch_all(query(sql, args)).await.map_err(fault)?;
        rows.iter().map(row).collect()
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        self.0.commit().await.map_err(fault)
    }
}

/// The parameter as a set of texts, the column among them.
pub(super) fn one_of_texts(column: &str, parameter: &str) -> String {
    format!("{column} IN (SELECT value FROM json_each({parameter}))")
}

/// That the text of a column contains the parameter, which is in small letters.
pub(super) fn contains(column: &str, parameter: &str) -> String {
    format!("instr(lower({column}), {parameter}) > 0")
}

/// The keys of several lanes, `[[subject, state], …]`, merged in their order: of all lanes the foremost row is taken, and the
/// next one of its lane looked up, again and again, so that a page costs a step for each of its rows and each lane. `lane` is
/// what is true of the rows `j` of a lane, and `from` where each lane begins: of what comes next no more than that it is behind the
/// row before, for of two bounds SQLite may look for the wrong one, and walk from there.
pub(super) fn merged(lanes: &str, lane: &str, from: &str, most: usize, order: JobOrder) -> String {
    let (by, after) = match order {
        JobOrder::Newest => ("key DESC", "j.key < queue.key"),
        JobOrder::Oldest => ("key ASC", "j.key > queue.key"),
        JobOrder::LastEnded => ("done DESC, key DESC", "(j.done, j.key) < (queue.done, queue.key)"),
    };
    let of = |name: &str| by.split(", ").map(|term| format!("{name}.{term}")).collect::<Vec<_>>().join(", ");
    let first = |lane: &str| format!("(SELECT j.key FROM job AS j WHERE {lane} ORDER BY {} LIMIT 1)", of("j"));
    format!(
        "WITH RECURSIVE lane(subject, state) AS (SELECT value ->> 0, value ->> 1 FROM json_each({lanes})), \
         queue(key, done, subject, state) AS (SELECT n.key, n.done, lane.subject, lane.state FROM lane \
         CROSS JOIN job AS n ON n.key = {first} UNION ALL \
         SELECT n.key, n.done, queue.subject, queue.state FROM queue CROSS JOIN job AS n ON n.key = {next} \
         ORDER BY {by} LIMIT {most}) SELECT key FROM queue",
        first = first(&format!("{lane} AND {from}")),
        next = first(&format!("{} AND {after}", lane.replace("lane.", "queue."))),
    )
}

fn query(sql: Sql, args: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = match sql {
        Sql::Fixed(text) => sqlx::query(text),
        Sql::Made(text) => sqlx::query(AssertSqlSafe(text)),
    };
    for arg in args {
        query = match arg {
            Value::Null => query.bind(None::<i64>),
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
        };
    }
    query
}

fn row(row: &SqliteRow) -> Result<Row, Error> {
    let read = |at: usize| {
        let raw = row.try_get_raw(at).map_err(fault)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match raw.type_info().name() {
            "TEXT" => row.try_get(at).map(Value::Text).map_err(fault),
            "INTEGER" => row.try_get(at).map(Value::Int).map_err(fault),
            other => Err(Error::unreadable(format!("a column has the type {other}"))),
        }
    };
    let columns = row.columns().iter().map(|column| read(column.ordinal()));
    Ok(Row(columns.collect::<Result<_, Error>>()?))
}

async fn migrate(writer: &SqlitePool) -> Result<(), Error> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(migrations.to_vec()).run(writer).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            Error::unreadable(format!("it was written by a newer version of strongroom (schema {version})"))
        }
        sqlx::migrate::MigrateError::Execute(error) => fault(error),
        other => Error::unreadable(other.to_string()),
    })
}

/// SQLITE_CORRUPT and SQLITE_NOTADB say that the file itself is wrong; whatever else goes wrong may be right the next time.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn fault(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("11" | "26" | "267" | "523" | "779") => Error::unreadable(error.to_string()),
        _ => Error::down(error.to_string()),
    }
}
