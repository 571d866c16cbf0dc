//! The suite on PostgreSQL. `STRONGROOM_TEST_POSTGRES` says where one is that tests may make databases in, such as
//! `postgres://postgres@127.0.0.1:5432/postgres`; without it they say that they were skipped, which
//! `STRONGROOM_TEST_POSTGRES_REQUIRED` forbids.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{StreamExt as _, stream};
use sqlx::{Connection as _, PgConnection};

use crate::ledger::{Keeping, Ledger, suite};

static DATABASES: AtomicU32 = AtomicU32::new(0);

#[expect(clippy::disallowed_methods, reason = "it is the tests' own")]
fn server() -> Option<String> {
    let server = std::env::var("STRONGROOM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    assert!(
        server.is_some() || std::env::var("STRONGROOM_TEST_POSTGRES_REQUIRED").is_err(),
        "STRONGROOM_TEST_POSTGRES says of no PostgreSQL"
    );
    server
}

/// A database of its own for each test.
async fn open() -> Option<Ledger> {
    let Some(server) = server() else {
        eprintln!("skipped: STRONGROOM_TEST_POSTGRES says of no PostgreSQL");
        return None;
    };
    Some(Ledger::new(Keeping::Postgres { url: database(&server).await, password_file: None }))
}

async fn database(server: &str) -> String {
    let name = format!("strongroom_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (start, _) = server.rsplit_once('/').unwrap();
    format!("{start}/{name}")
}

suite::cases!(open);

/// Why positions are taken from a row that writers hold to their end, and not from a sequence: a number that is given out first may
/// be committed last, and who has read past it never sees it.
#[tokio::test]
async fn a_sequence_would_have_lost_an_event_and_the_head_does_not() {
    let Some(server) = server() else { return };
    let url = database(&server).await;
    let mut one = PgConnection::connect(&url).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut reader = PgConnection::connect(&url).await.unwrap();
    let run = |sql: &'static str| sqlx::raw_sql(sql);
    run("CREATE TABLE numbered (seq BIGSERIAL PRIMARY KEY)").execute(&mut one).await.unwrap();
    run("BEGIN; INSERT INTO numbered DEFAULT VALUES").execute(&mut one).await.unwrap();
    run("INSERT INTO numbered DEFAULT VALUES").execute(&mut other).await.unwrap();
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT seq FROM numbered ORDER BY seq").fetch_all(&mut reader).await.unwrap();
    run("COMMIT").execute(&mut one).await.unwrap();
    let later: Vec<i64> =
        sqlx::query_scalar("SELECT seq FROM numbered WHERE seq > 2 ORDER BY seq").fetch_all(&mut reader).await.unwrap();
    assert_eq!((seen, later), (vec![2], vec![]), "event 1 was read by nobody, and never will be");

    // The same with ledgers of two replicas, as many at once as they have connections.
    let replicas = [0, 1].map(|_| Ledger::new(Keeping::Postgres { url: url.clone(), password_file: None }));
    let reading = Ledger::new(Keeping::Postgres { url: url.clone(), password_file: None });
    reading.head().await.unwrap();
    let writes = (0..40).map(|index| {
        let ledger = replicas[index % 2].clone();
        async move { ledger.learn(vec![suite::telling(&format!("job-{index}"), 1)]).await.unwrap() }
    });
    let follow = async {
        let mut seen: Vec<i64> = Vec::new();
        while seen.len() < 40 {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(reading.events(after, 7).await.unwrap().into_iter().map(|event| event.seq));
        }
        seen
    };
    let writes = stream::iter(writes).buffer_unordered(16).collect::<Vec<_>>();
    let (_, seen) = tokio::join!(writes, follow);
    assert_eq!(seen, (1..=40).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_replica_hears_of_what_another_writes() {
    let Some(server) = server() else { return };
    let url = database(&server).await;
    let [one, other] = [0, 1].map(|_| Ledger::new(Keeping::Postgres { url: url.clone(), password_file: None }));
    let mut bell = other.bell();
    let hearing = other.hear_others();
    let telling = async {
        one.learn(vec![suite::telling("a", 1)]).await.unwrap();
        bell.wait_for(|head| *head == 1).await.unwrap();
    };
    tokio::select! {
        heard = hearing => panic!("{heard:?}"),
        () = telling => {}
    }
}

#[tokio::test]
async fn jobs_of_before_there_were_rollups_are_counted() {
    let Some(server) = server() else { return };
    let url = database(&server).await;
    suite::summary::what_was_there_before_is_counted(Keeping::Postgres { url, password_file: None }).await;
}

#[tokio::test]
async fn what_went_wrong_before_there_were_incidents_is_known() {
    let Some(server) = server() else { return };
    let url = database(&server).await;
    suite::incidents::what_went_wrong_before_is_known(Keeping::Postgres { url, password_file: None }).await;
}

#[tokio::test]
async fn a_database_is_looked_at_beside_whoever_writes_as_it_was_at_one_instant() {
    let Some(server) = server() else { return };
    let keeping = Keeping::Postgres { url: database(&server).await, password_file: None };
    let told = Ledger::to_look_at(keeping.clone()).head().await.unwrap_err().to_string();
    assert!(told.contains("no server has opened it yet"), "{told}");
    suite::a_ledger_is_seen_as_it_was(keeping).await;
}
