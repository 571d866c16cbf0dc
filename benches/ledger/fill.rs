//! A ledger with so many jobs. Telling ten million of them takes the better part of an hour, so that most are written by SQL of the bench's
//! own, in bulk; what comes of it is what telling them comes to, which is tried with ten thousand before anything is measured.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Executor as _};
use strongroom::domain::{JobKind, JobState, JobSubject, KnownJob, Scope};

use crate::{
    at::{At, Raw},
    jobs,
};

/// Rows that are written by one statement.
const AT_ONCE: u64 = 5_000;

/// Jobs that are told at once, as the poller tells a page of AWS's.
pub(crate) const TOLD_AT_ONCE: u64 = 1_000;

/// The tables that are compared, without the numbers that a database gives.
const SUBJECT: &str =
    "p.account || p.region || s.kind || s.type || s.resource || s.vault || s.destination || s.plan || s.rule";

/// The ledger with so many jobs, of which all are there already, or all are written now.
pub(crate) async fn filled(at: &At, count: u64) -> Result<()> {
    if at.jobs().await.is_some_and(|jobs| u64::try_from(jobs).unwrap_or_default() >= count) {
        eprintln!("{}: {count} jobs are there", at.name());
        return Ok(());
    }
    let began = Instant::now();
    bulk(at, count).await?;
    eprintln!("{}: {count} jobs written in {:.0} s", at.name(), began.elapsed().as_secs_f64());
    Ok(())
}

/// That what is written in bulk is what is told.
pub(crate) async fn check(written: &At, told: &At, count: u64) -> Result<()> {
    bulk(written, count).await?;
    told.make().await?;
    let ledger = told.ledger();
    let scopes = jobs::scopes();
    for first in (0..count).step_by(usize::try_from(TOLD_AT_ONCE)?) {
        let last = (first + TOLD_AT_ONCE).min(count);
        ledger.learn((first..last).map(|number| jobs::job(number, count, &scopes)).collect()).await?;
    }
    while ledger.forget_events(events_since()).await? {}
    ledger.close().await;
    let (mut one, mut other) = (written.raw().await?, told.raw().await?);
    for (table, sql) in compared() {
        let (mut one, mut other) = (one.texts(&sql).await?, other.texts(&sql).await?);
        one.sort_unstable();
        other.sort_unstable();
        let differs = one.iter().zip(&other).find(|(one, other)| one != other);
        ensure!(one == other, "{table}: {} rows are not {} rows: {differs:?}", one.len(), other.len());
        ensure!(!one.is_empty(), "{table} is empty");
    }
    eprintln!("{}: {count} jobs written in bulk are the same as told", written.name());
    written.drop().await?;
    told.drop().await
}

/// What tells the rows of each table apart. Of incidents those that are open: how the closed ones came to an end is told by no job.
fn compared() -> Vec<(&'static str, String)> {
    let nulls = |columns: &str| {
        let columns: Vec<String> =
            columns.split(' ').map(|column| format!("coalesce(CAST({column} AS TEXT), '-')")).collect();
        columns.join(" || ' ' || ")
    };
    let of_subject = "JOIN place AS p ON p.id = s.place";
    let of_job = nulls("j.key j.id j.state j.category j.message j.done j.bytes j.parent j.point j.own c.text");
    let of_event = nulls("j.seq j.at j.what j.job j.own c.text");
    vec![
        ("head", format!("SELECT {} FROM head", nulls("head compacted"))),
        ("place", format!("SELECT {} FROM place", nulls("account region history_start filled as_of"))),
        ("subject", format!("SELECT {SUBJECT} FROM subject AS s {of_subject}")),
        ("common", "SELECT text FROM common".to_owned()),
        (
            "job",
            format!(
                "SELECT {of_job} || {SUBJECT} FROM job AS j JOIN common AS c ON c.id = j.common \
                 JOIN subject AS s ON s.id = j.subject {of_subject}"
            ),
        ),
        (
            "event",
            format!(
                "SELECT {of_event} || {SUBJECT} FROM event AS j JOIN common AS c ON c.id = j.common \
                 JOIN subject AS s ON s.id = j.subject {of_subject}"
            ),
        ),
        (
            "cell",
            format!(
                "SELECT {} || {SUBJECT} FROM cell AS c JOIN facet AS s ON s.id = c.facet {of_subject}",
                nulls("s.sort c.grain c.period c.state c.jobs c.bytes c.timed c.seconds c.issues")
            ),
        ),
        (
            "outcome",
            format!(
                "SELECT {} FROM outcome AS o JOIN place AS p ON p.id = o.place",
                nulls("o.resource p.account p.region o.kind o.good")
            ),
        ),
        (
            "incident",
            format!(
                "SELECT {} FROM incident AS i JOIN place AS p ON p.id = i.place WHERE i.closed IS NULL",
                nulls("i.object p.account p.region i.cause i.kind i.resource i.vault i.opened i.last i.times i.job")
            ),
        ),
    ]
}

/// Events are kept for a week.
fn events_since() -> Timestamp {
    Timestamp::from_millisecond(jobs::END - 7 * 86_400_000).unwrap_or_default()
}

/// What has numbers of its own.
#[derive(Default)]
struct Numbers {
    subjects: BTreeMap<JobSubject, i64>,
    commons: BTreeMap<String, i64>,
}

async fn bulk(at: &At, count: u64) -> Result<()> {
    at.make().await?;
    let mut raw = at.raw().await?;
    let scopes = jobs::scopes();
    let indices = without_indices(&mut raw).await?;
    let mut numbers = Numbers::default();
    let (mut compacted, mut told) = (0, Instant::now());
    for first in (0..count).step_by(usize::try_from(AT_ONCE)?) {
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        for number in first..(first + AT_ONCE).min(count) {
            let seq = i64::try_from(number)? + 1;
            let (row, event) = row(number, count, &scopes, seq, &mut numbers)?;
            rows.push(row);
            match event {
                Some(event) => events.push(event),
                None => compacted = seq,
            }
        }
        put(
            &mut raw,
            "job (key, id, subject, common, state, category, message, done, bytes, parent, point, own)",
            &rows,
        )
        .await?;
        put(&mut raw, "event (seq, at, what, job, subject, common, own)", &events).await?;
        if told.elapsed().as_secs() >= 20 {
            eprintln!("{}: {first} of {count} jobs", at.name());
            told = Instant::now();
        }
    }
    put_numbers(&mut raw, &scopes, &numbers).await?;
    raw.run(&format!("UPDATE head SET head = {count}, compacted = {compacted}")).await?;
    for index in indices {
        raw.run(&index).await?;
    }
    if let Raw::Postgres(raw) = &mut raw {
        // As it does by itself, sooner or later.
        raw.execute("VACUUM ANALYZE").await?;
    }
    for sql in after(at) {
        raw.run(&sql).await?;
    }
    match &mut raw {
        Raw::Sqlite(raw) => _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?,
        Raw::Postgres(raw) => _ = raw.execute("VACUUM ANALYZE").await?,
    }
    Ok(())
}

/// Takes the indices away, which are made faster when all is there; what makes them.
async fn without_indices(raw: &mut Raw) -> Result<Vec<String>> {
    let (names, making) = match raw {
        Raw::Sqlite(_) => (
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'job' AND sql IS NOT NULL ORDER BY name",
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'job' AND sql IS NOT NULL ORDER BY name",
        ),
        Raw::Postgres(_) => (
            "SELECT indexname::text FROM pg_indexes WHERE tablename = 'job' AND indexdef NOT LIKE '%UNIQUE%' ORDER BY 1",
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'job' AND indexdef NOT LIKE '%UNIQUE%' ORDER BY indexname",
        ),
    };
    let making = raw.texts(making).await?;
    for name in raw.texts(names).await? {
        raw.run(&format!("DROP INDEX {name}")).await?;
    }
    Ok(making)
}

/// What a ledger of an older version is brought up to date with: it counts the jobs that are there.
fn after(at: &At) -> Vec<String> {
    let (rollups, incidents, owners) = match at {
        At::File(_) => (
            include_str!("../../src/ledger/sqlite/migrations/0003_rollups.sql"),
            include_str!("../../src/ledger/sqlite/migrations/0005_incidents.sql"),
            include_str!("../../src/ledger/sqlite/migrations/0007_owners.sql"),
        ),
        At::Postgres(_) => (
            include_str!("../../src/ledger/postgres/migrations/0003_rollups.sql"),
            include_str!("../../src/ledger/postgres/migrations/0005_incidents.sql"),
            include_str!("../../src/ledger/postgres/migrations/0007_owners.sql"),
        ),
    };
    let from = |text: &str, begin: &str| text.find(begin).map(|at| text[at..].to_owned()).unwrap_or_default();
    vec![
        from(rollups, "-- The jobs that are there already."),
        from(incidents, "INSERT INTO outcome"),
        from(owners, "INSERT INTO facet (sort"),
    ]
}

/// A job's row, and that of its event, if that is still kept.
fn row(number: u64, of: u64, scopes: &[Scope], seq: i64, numbers: &mut Numbers) -> Result<(Value, Option<Value>)> {
    let (job, at) = jobs::job(number, of, scopes);
    let parts = KnownJob::told(job.clone(), at).parts();
    let next = i64::try_from(numbers.subjects.len())? + 1;
    let subject = *numbers.subjects.entry(parts.subject).or_insert(next);
    let next = i64::try_from(numbers.commons.len())? + 1;
    let common = *numbers.commons.entry(parts.common).or_insert(next);
    let created = job.created_at.context("it has a creation")?.as_millisecond();
    let bits = first_bits(job.id.as_str(), 4) & ((1 << 21) - 1);
    let point = job.recovery_point_arn.as_deref().filter(|_| job.kind != JobKind::Backup);
    let state = match job.state {
        JobState::Aborted => 5,
        JobState::Completed => 6,
        JobState::Failed => 7,
        JobState::Expired => 8,
        _ => 9,
    };
    let row = json!([
        created << 21 | bits,
        job.id.as_str(),
        subject,
        common,
        state,
        job.message_category,
        job.status_message,
        job.completed_at.map(Timestamp::as_millisecond),
        job.bytes_transferred,
        null,
        point.map(|point| first_bits(point, 8)),
        parts.own,
    ]);
    let event = (at >= events_since())
        .then(|| json!([seq, at.as_millisecond(), 1, job.id.as_str(), subject, common, parts.own]));
    Ok((row, event))
}

fn first_bits(text: &str, bytes: usize) -> i64 {
    Sha256::digest(text.as_bytes()).iter().take(bytes).fold(0i64, |bits, byte| bits << 8 | i64::from(*byte))
}

async fn put_numbers(raw: &mut Raw, scopes: &[Scope], numbers: &Numbers) -> Result<()> {
    let place = |scope: &Scope| scopes.iter().position(|one| one == scope).map_or(0, |at| at + 1);
    let places: Vec<Value> =
        scopes.iter().map(|scope| json!([place(scope), scope.account.as_str(), scope.region.as_str()])).collect();
    let kind = |kind: JobKind| match kind {
        JobKind::Backup => 1,
        JobKind::Restore => 2,
        JobKind::Copy => 3,
    };
    let subject = |(it, id): (&JobSubject, &i64)| {
        json!([
            id,
            place(&it.scope),
            kind(it.kind),
            it.resource_type,
            it.resource,
            it.vault,
            it.destination,
            it.plan,
            it.rule
        ])
    };
    let subjects: Vec<Value> = numbers.subjects.iter().map(subject).collect();
    let commons: Vec<Value> = numbers.commons.iter().map(|(text, id)| json!([id, text])).collect();
    put(raw, "place (id, account, region)", &places).await?;
    put(raw, "subject (id, place, kind, type, resource, vault, destination, plan, rule)", &subjects).await?;
    put(raw, "common (id, text)", &commons).await?;
    if let Raw::Postgres(_) = raw {
        for table in ["place", "subject", "common"] {
            let sql = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))");
            raw.run(&sql).await?;
        }
    }
    Ok(())
}

/// Adds rows.
async fn put(raw: &mut Raw, into: &str, rows: &[Value]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    match raw {
        Raw::Sqlite(raw) => {
            let columns = into.split(',').count();
            let values: Vec<String> = (0..columns).map(|column| format!("value ->> {column}")).collect();
            let sql = format!("INSERT INTO {into} SELECT {} FROM json_each($1)", values.join(", "));
            sqlx::query(AssertSqlSafe(sql)).bind(Value::from(rows.to_vec()).to_string()).execute(raw).await?;
        }
        Raw::Postgres(raw) => {
            let mut copy = raw.copy_in_raw(&format!("COPY {into} FROM STDIN")).await?;
            copy.send(lines(rows)?.into_bytes()).await?;
            copy.finish().await?;
        }
    }
    Ok(())
}

/// As COPY reads them.
fn lines(rows: &[Value]) -> Result<String> {
    let mut text = String::new();
    for row in rows {
        for (at, value) in row.as_array().context("a row is an array")?.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\t" });
            match value {
                Value::Null => text.push_str("\\N"),
                Value::String(value) => {
                    let escaped = value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
                    text.push_str(&escaped);
                }
                other => write!(text, "{other}")?,
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// The folder that holds all of it.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-ledger")
}
