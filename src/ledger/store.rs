//! The one database of a ledger, whichever it is: rows in, rows out. What stands above says what is read and written; the SQL
//! itself stands in the two backends.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{Error, postgres, sqlite, statements::Statements};

/// Where a ledger is kept.
#[derive(Debug, Clone)]
pub enum Keeping {
    /// In memory: gone with the process.
    Memory,
    /// A file of SQLite's, which is made when it is not there.
    File(PathBuf),
    /// A database of PostgreSQL's.
    Postgres {
        /// `postgres://user@host/database`, without a password.
        url: String,
        /// The file with the user's password, read whenever the database is opened.
        password_file: Option<PathBuf>,
    },
}

impl Keeping {
    /// That there is something which was not made just now.
    fn is_there(&self) -> Result<(), Error> {
        match self {
            Self::Memory => Err(Error::down("it is kept in memory, and only the server that has it can read it")),
            Self::File(path) if !path.exists() => {
                Err(Error::down(format!("there is no ledger: {} does not exist", path.display())))
            }
            Self::File(_) | Self::Postgres { .. } => Ok(()),
        }
    }
}

/// What a ledger is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To serve: it is made when it is not there, and its tables are brought to what this version knows.
    Serve,
    /// To look at it beside whoever serves: nothing is written, and whatever is read is of one instant, that of the first read.
    Look,
    /// To write much of it anew at once, however long that takes. It must be there.
    Rebuild,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
}

impl Value {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Int(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(value: Option<Timestamp>) -> Self {
        value.map_or(Self::Null, |at| Self::Int(at.as_millisecond()))
    }
}

/// An instant as it is kept.
pub(super) fn time(millis: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|error| Error::unreadable(error.to_string()))
}

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    /// The number in a column that has one in every row.
    pub(super) fn int(&self, column: usize) -> Result<i64, Error> {
        self.some_int(column).ok_or_else(|| Error::unreadable(format!("column {column} has no number: {:?}", self.0)))
    }

    /// The number in a column, if there is one.
    pub(super) fn some_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Some(*value),
            Some(Value::Null | Value::Text(_)) | None => None,
        }
    }

    /// The instant in a column that has one in every row, in milliseconds.
    pub(super) fn time(&self, column: usize) -> Result<Timestamp, Error> {
        time(self.int(column)?)
    }

    /// The instant in a column, if there is one.
    pub(super) fn some_time(&self, column: usize) -> Result<Option<Timestamp>, Error> {
        self.some_int(column).map(time).transpose()
    }

    /// The text in a column that has one in every row, taken out of it.
    pub(super) fn text(&mut self, column: usize) -> Result<String, Error> {
        let taken = self.some_text(column);
        taken.ok_or_else(|| Error::unreadable(format!("column {column} has no text: {:?}", self.0)))
    }

    /// The text in a column, if there is one, taken out of it.
    pub(super) fn some_text(&mut self, column: usize) -> Option<String> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Some(std::mem::take(value)),
            Some(Value::Null | Value::Int(_)) | None => None,
        }
    }
}

/// A statement: one of the backend's own, or one that was put together of its parts.
pub(super) enum Sql {
    Fixed(&'static str),
    Made(String),
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl Sql {
    fn text(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// Tells what is read to whoever listens for it: how much a statement looks at, the database alone can say.
fn tell(sql: &Sql, args: &[Value]) {
    if tracing::enabled!(target: "strongroom::ledger::statements", tracing::Level::TRACE) {
        let args: serde_json::Value = args.iter().map(Value::json).collect();
        tracing::trace!(target: "strongroom::ledger::statements", sql = sql.text(), args = args.to_string(), "reads");
    }
}

/// A database that is open.
#[derive(Debug, Clone)]
pub(super) enum Store {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

impl Store {
    /// Opens the database.
    pub(super) async fn open(keeping: &Keeping, purpose: Purpose) -> Result<Self, Error> {
        if purpose != Purpose::Serve {
            keeping.is_there()?;
        }
        Ok(match (keeping, purpose) {
            (Keeping::Memory, _) => Self::Sqlite(sqlite::Database::in_memory().await?),
            (Keeping::File(path), Purpose::Look) => Self::Sqlite(sqlite::Database::look(path).await?),
            (Keeping::File(path), Purpose::Serve | Purpose::Rebuild) => {
                Self::Sqlite(sqlite::Database::open(path).await?)
            }
            (Keeping::Postgres { url, password_file }, purpose) => {
                Self::Postgres(postgres::Database::open(url, password_file.as_deref(), purpose).await?)
            }
        })
    }

    /// The SQL of this database.
    pub(super) fn statements(&self) -> &'static Statements {
        match self {
            Self::Sqlite(_) => &sqlite::STATEMENTS,
            Self::Postgres(_) => &postgres::STATEMENTS,
        }
    }

    /// Whether no other process can have it open, as far as that can be known.
    pub(super) fn is_alone(&self) -> bool {
        match self {
            Self::Sqlite(database) => database.is_alone(),
            Self::Postgres(_) => false,
        }
    }

    /// Reads rows.
    pub(super) async fn rows(&self, sql: impl Into<Sql>, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        let sql = sql.into();
        tell(&sql, &args);
        match self {
            Self::Sqlite(database) => database.rows(sql, args).await,
            Self::Postgres(database) => database.rows(sql, args).await,
        }
    }

    /// Begins to write. Writers take turns, whatever they write: so the order in which they are done is one that every reader
    /// sees.
    pub(super) async fn write(&self) -> Result<Writing, Error> {
        Ok(match self {
            Self::Sqlite(database) => Writing::Sqlite(database.write().await?),
            Self::Postgres(database) => Writing::Postgres(database.write().await?),
        })
    }
}

/// A transaction that writes; dropped, it has written nothing.
pub(super) enum Writing {
    Sqlite(sqlite::Writing),
    Postgres(postgres::Writing),
}

impl Writing {
    /// Reads rows, as this transaction sees them; or writes, and reads what the statement returns.
    pub(super) async fn rows(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(writing) => writing.rows(sql.into(), args).await,
            Self::Postgres(writing) => writing.rows(sql.into(), args).await,
        }
    }

    /// The SQL of this database.
    pub(super) fn statements(&self) -> &'static Statements {
        match self {
            Self::Sqlite(_) => &sqlite::STATEMENTS,
            Self::Postgres(_) => &postgres::STATEMENTS,
        }
    }

    /// Makes it so, on disk.
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(writing) => writing.commit().await,
            Self::Postgres(writing) => writing.commit().await,
        }
    }
}
