//! The ledger in PostgreSQL: for several replicas, and for more history than one file should hold.

mod statements;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Column as _, Executor as _, PgPool, Postgres, Row as _, SqlStr, Transaction, TypeInfo as _,
    ValueRef as _,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions, PgRow},
    query::Query,
};

pub(super) use self::statements::STATEMENTS;
use super::{
    Error, check,
    store::{Purpose, Row, Sql, Value},
};
use crate::{config::Secret, domain::JobOrder};

/// Connections of one replica.
const CONNECTIONS: u32 = 10;

/// How long a call waits for a connection.
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
    pool: PgPool,
}

impl Database {
    pub(super) async fn open(url: &str, password_file: Option<&Path>, purpose: Purpose) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url).map_err(fault)?.application_name("strongroom");
        let options = match password_file {
            Some(file) => options.password(password(file)?.reveal()),
            None => options,
        };
        match purpose {
            Purpose::Serve => Self::serve(options).await,
            Purpose::Look => Self::look(options).await,
            Purpose::Rebuild => {
                let database = Self::at_leisure(options.options([("lock_timeout", "10s")]), None).await?;
                migrate(&database.pool).await?;
                Ok(database)
            }
        }
    }

    async fn serve(options: PgConnectOptions) -> Result<Self, Error> {
        // A statement that the server does not end in time is one that a person would look for, not wait for.
        // A replica that fell asleep while it writes must not keep all others from writing.
        let asleep = ("idle_in_transaction_session_timeout", "10s");
        // To compile a statement takes longer than any of these takes.
        let options = options.options([("statement_timeout", "30s"), ("lock_timeout", "10s"), asleep, ("jit", "off")]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
        let pool = pool.connect_with(options).await.map_err(fault)?;
        migrate(&pool).await?;
        Ok(Self { pool })
    }

    /// To be read only, as it is at the first read.
    async fn look(options: PgConnectOptions) -> Result<Self, Error> {
        let database = Self::at_leisure(options, Some("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")).await?;
        let is_one = "SELECT CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN 0::bigint ELSE 1::bigint END";
        let is_one = database.rows(Sql::Fixed(is_one), Vec::new()).await?;
        let versions = match is_one.first().and_then(|row| row.some_int(0)) {
            Some(1) => database.rows(Sql::Fixed(check::SCHEMA), Vec::new()).await?,
            Some(_) | None => Vec::new(),
        };
        check::is_of_this_version(&versions, MIGRATIONS.map(|(version, ..)| version))?;
        Ok(database)
    }

    /// One connection, whose statements take as long as they take. What it begins with, if anything, never ends.
    async fn at_leisure(options: PgConnectOptions, begin: Option<&'static str>) -> Result<Self, Error> {
        let options = options.options([("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0")]);
        let pool = PgPoolOptions::new().min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None);
        let begun = Arc::new(AtomicBool::new(false));
        let pool = pool.acquire_timeout(PATIENCE).after_connect(move |connection, _| {
            let again = begun.swap(true, Ordering::AcqRel);
            Box::pin(async move {
                match begin {
                    // Another connection would see another instant.
                    Some(_) if again => Err(sqlx::Error::PoolClosed),
                    Some(begin) => connection.execute(begin).await.map(|_| ()),
                    None => Ok(()),
                }
            })
        });
        Ok(Self { pool: pool.connect_with(options).await.map_err(fault)? })
    }

    pub(super) async fn rows(&self, sql: Sql, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = query(sql, args).fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(row).collect()
    }

    pub(super) async fn write(&self) -> Result<Writing, Error> {
        Ok(Writing(self.pool.begin().await.map_err(fault)?))
    }

    /// Waits for the heads that other replicas tell of, and tells them on.
    pub(super) async fn listen(&self) -> Result<Bell, Error> {
        let mut listener = PgListener::connect_with(&self.pool).await.map_err(fault)?;
        listener.listen("strongroom_head").await.map_err(fault)?;
        Ok(Bell(listener))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// What tells of new heads.
pub(in crate::ledger) struct Bell(PgListener);

impl Bell {
    /// The next head that is told of. A connection that was lost is an error: meanwhile heads may have passed untold.
    pub(super) async fn next(&mut self) -> Result<Option<i64>, Error> {
        let told = self.0.try_recv().await.map_err(fault)?;
        let told = told.ok_or_else(|| Error::down("the connection that tells of news was lost"))?;
        Ok(told.payload().parse().ok())
    }
}

pub(in crate::ledger) struct Writing(Transaction<'static, Postgres>);

impl Writing {
    pub(super) async fn rows(&mut self, sql: Sql, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = self.0.fetch_all(query(sql, args)).await.map_err(fault)?;
        rows.iter().map(row).collect()
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        self.0.commit().await.map_err(fault)
    }
}

/// The password in a file, as editors write it: with the end of a line behind it.
fn password(file: &Path) -> Result<Secret, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(error) => Err(Error::down(format!("the password in {} cannot be read: {error}", file.display()))),
    }
}

/// The parameter as a set of texts, the column among them: as an array, which an index is asked for.
pub(super) fn one_of_texts(column: &str, parameter: &str) -> String {
    format!("{column} = ANY (ARRAY(SELECT jsonb_array_elements_text({parameter}::jsonb)))")
}

/// That the text of a column contains the parameter, which is in small letters.
pub(super) fn contains(column: &str, parameter: &str) -> String {
    format!("position({parameter} IN lower({column} COLLATE \"C\")) > 0")
}

/// The keys of several lanes, `[[subject, state], …]`, so many of them, merged in their order. A few of each lane say how far a page
/// reaches at the most; up to there all are taken. So a page costs some steps for each lane and each of its rows, and not a page
/// of each lane. `lane` is what is true of the rows `j` of a lane.
pub(super) fn merged(lanes: &str, lane: &str, (count, most): (usize, usize), order: JobOrder) -> String {
    let (foremost, by, within, end) = match order {
        JobOrder::Newest => ("key", "key DESC", ">=", i64::MIN),
        JobOrder::Oldest => ("key", "key ASC", "<=", i64::MAX),
        JobOrder::LastEnded => ("done", "done DESC, key DESC", ">=", i64::MIN),
    };
    let page = |most: usize, lane: &str| {
        format!("CROSS JOIN LATERAL (SELECT key, done FROM job AS j WHERE {lane} ORDER BY {by} LIMIT {most}) AS page")
    };
    // Where all lanes together have no page, it reaches to their ends.
    let reach = format!("coalesce((SELECT foremost FROM reach), ({end})::bigint)");
    format!(
        "WITH lane AS MATERIALIZED (SELECT (w ->> 0)::bigint AS subject, (w ->> 1)::bigint AS state \
         FROM jsonb_array_elements({lanes}::jsonb) AS w), \
         few AS MATERIALIZED (SELECT lane.subject, lane.state, page.{foremost} AS foremost FROM lane {few}), \
         reach AS MATERIALIZED (SELECT foremost FROM few ORDER BY 1 {direction} LIMIT 1 OFFSET {last}) \
         SELECT key FROM (SELECT DISTINCT few.subject, few.state FROM few WHERE foremost {within} {reach}) AS lane \
         {all} ORDER BY {by} LIMIT {most}",
        few = page(most.div_ceil(count.max(1)), lane),
        direction = if order == JobOrder::Oldest { "ASC" } else { "DESC" },
        last = most.saturating_sub(1),
        all = page(most, &format!("{lane} AND j.{foremost} {within} {reach}")),
    )
}

fn query(sql: Sql, args: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
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

fn row(row: &PgRow) -> Result<Row, Error> {
    let read = |at: usize| {
        let raw = row.try_get_raw(at).map_err(fault)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match raw.type_info().name() {
            "TEXT" => row.try_get(at).map(Value::Text).map_err(fault),
            "INT8" => row.try_get(at).map(Value::Int).map_err(fault),
            other => Err(Error::unreadable(format!("a column has the type {other}"))),
        }
    };
    let columns = row.columns().iter().map(|column| read(column.ordinal()));
    Ok(Row(columns.collect::<Result<_, Error>>()?))
}

async fn migrate(pool: &PgPool) -> Result<(), Error> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    });
    Migrator::with_migrations(migrations.to_vec()).run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            Error::unreadable(format!("it was written by a newer version of strongroom (schema {version})"))
        }
        sqlx::migrate::MigrateError::Execute(error) => fault(error),
        other => Error::unreadable(other.to_string()),
    })
}

/// XX001 and XX002 are damaged data and indices; whatever else goes wrong may be right the next time.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn fault(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("XX001" | "XX002") => Error::unreadable(error.to_string()),
        _ => Error::down(error.to_string()),
    }
}
