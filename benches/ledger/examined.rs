//! How much a read looks at, whatever the machine is doing meanwhile: the ledger tells its statements to the log, and each is tried once
//! more on a connection of the bench's own, where the database counts. Times are noisy, these numbers are not.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::at::Raw;

/// What the ledger tells of its statements.
const STATEMENTS: &str = "strongroom::ledger::statements";

/// The statements that were told since.
#[derive(Debug, Default, Clone)]
pub(crate) struct Statements {
    listens: Arc<std::sync::atomic::AtomicBool>,
    told: Arc<Mutex<Vec<Told>>>,
}

#[derive(Debug, Default)]
struct Told {
    sql: String,
    args: String,
}

impl Visit for Told {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "sql" => value.clone_into(&mut self.sql),
            "args" => value.clone_into(&mut self.args),
            _ => {}
        }
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == STATEMENTS && self.listens.load(Ordering::Relaxed)
    }

    fn register_callsite(&self, metadata: &'static tracing::Metadata<'static>) -> tracing::subscriber::Interest {
        match metadata.target() == STATEMENTS {
            true => tracing::subscriber::Interest::sometimes(),
            false => tracing::subscriber::Interest::never(),
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}

impl Statements {
    /// Hears what the ledger of this process tells.
    pub(crate) fn listen() -> Self {
        let statements = Self::default();
        tracing_subscriber::registry().with(statements.clone()).init();
        statements
    }

    /// What the read looks at: rows on PostgreSQL, steps of its machine on SQLite.
    pub(crate) async fn examined<T>(&self, raw: &mut Raw, read: impl Future<Output = Result<T>>) -> Result<u64> {
        self.listens.store(true, Ordering::Relaxed);
        let read = read.await;
        self.listens.store(false, Ordering::Relaxed);
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        read?;
        let mut examined = 0;
        for Told { sql, args } in told {
            let args: Vec<Value> = serde_json::from_str(&args)?;
            examined += match raw {
                Raw::Sqlite(raw) => steps(raw, sql, args).await?,
                Raw::Postgres(raw) => rows(raw, sql, args).await?,
            };
        }
        Ok(examined)
    }
}

async fn steps(raw: &mut sqlx::SqliteConnection, sql: String, args: Vec<Value>) -> Result<u64> {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    raw.lock_handle().await?.set_progress_handler(1, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for arg in args {
        query = match arg {
            Value::String(text) => query.bind(text),
            other => query.bind(other.as_i64()),
        };
    }
    query.fetch_all(&mut *raw).await?;
    raw.lock_handle().await?.remove_progress_handler();
    Ok(steps.load(Ordering::Relaxed))
}

async fn rows(raw: &mut sqlx::PgConnection, sql: String, args: Vec<Value>) -> Result<u64> {
    let mut query = sqlx::query(AssertSqlSafe(format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")));
    for arg in args {
        query = match arg {
            Value::String(text) => query.bind(text),
            other => query.bind(other.as_i64()),
        };
    }
    let row = query.fetch_one(&mut *raw).await?;
    let plan: Value = serde_json::from_str(row.try_get_unchecked::<&str, _>(0)?)?;
    let plan = plan.pointer("/0/Plan").context("there is no plan")?;
    Ok(looked_at(plan))
}

/// The rows of tables and indices that a plan looked at.
fn looked_at(plan: &Value) -> u64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    let mut examined = 0.0;
    if plan["Relation Name"].is_string() {
        let each = number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        examined = each * number("Actual Loops");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows are counted")]
    let examined = examined.round() as u64;
    examined + plan["Plans"].as_array().into_iter().flatten().map(looked_at).sum::<u64>()
}
