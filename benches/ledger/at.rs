//! Where a ledger of the bench is, and a way into it past the ledger.

use std::{path::PathBuf, str::FromStr as _};

use anyhow::{Context as _, Result};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use strongroom::ledger::{Keeping, Ledger};

/// Where a ledger is.
#[derive(Debug, Clone)]
pub(crate) enum At {
    File(PathBuf),
    Postgres(String),
}

/// A connection of the bench's own, past the ledger.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl At {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::new(match self.clone() {
            Self::File(path) => Keeping::File(path),
            Self::Postgres(url) => Keeping::Postgres { url, password_file: None },
        })
    }

    pub(crate) async fn raw(&self) -> Result<Raw> {
        Ok(match self {
            Self::File(path) => {
                let options = SqliteConnectOptions::new().filename(path).journal_mode(SqliteJournalMode::Wal);
                Raw::Sqlite(
                    options.synchronous(SqliteSynchronous::Off).pragma("cache_size", "-1000000").connect().await?,
                )
            }
            Self::Postgres(url) => Raw::Postgres(PgConnection::connect(url).await?),
        })
    }

    /// Makes it anew, with no jobs.
    pub(crate) async fn make(&self) -> Result<()> {
        self.remove().await?;
        let ledger = self.ledger();
        ledger.head().await?;
        ledger.close().await;
        Ok(())
    }

    /// A ledger that nobody has opened yet.
    pub(crate) async fn remove(&self) -> Result<()> {
        self.end(true).await
    }

    /// Takes it away.
    pub(crate) async fn drop(&self) -> Result<()> {
        self.end(false).await
    }

    async fn end(&self, anew: bool) -> Result<()> {
        match self {
            Self::File(path) => {
                for suffix in ["", "-wal", "-shm", ".lock"] {
                    let mut name = path.clone().into_os_string();
                    name.push(suffix);
                    match std::fs::remove_file(&name) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                        _ => {}
                    }
                }
            }
            Self::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)?;
                let name = options.get_database().context("the URL names no database")?.to_owned();
                let mut server = PgConnection::connect_with(&options.database("postgres")).await?;
                server.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
                if anew {
                    server.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
                }
            }
        }
        Ok(())
    }

    /// How many jobs are there; none where there is no ledger.
    pub(crate) async fn jobs(&self) -> Option<i64> {
        if let Self::File(path) = self
            && !path.exists()
        {
            return None;
        }
        let ledger = self.ledger();
        let head = ledger.head().await.ok()?;
        ledger.close().await;
        Some(head.seq)
    }
}

impl Raw {
    pub(crate) async fn run(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(raw) => _ = raw.execute(AssertSqlSafe(sql.to_owned())).await?,
            Self::Postgres(raw) => _ = raw.execute(AssertSqlSafe(sql.to_owned())).await?,
        }
        Ok(())
    }

    /// The first column of all rows, which are texts.
    pub(crate) async fn texts(&mut self, sql: &str) -> Result<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(raw) => raw.fetch_all(sql).await?.iter().map(|row| row.get(0)).collect(),
            Self::Postgres(raw) => raw.fetch_all(sql).await?.iter().map(|row| row.get(0)).collect(),
        })
    }
}
