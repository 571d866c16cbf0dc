//! Leases: who may, and who may no more.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{at, scope, telling};
use crate::ledger::{Error, Ledger, Reading};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

/// It ends while the test looks on.
const SHORT: Duration = Duration::from_millis(60);

pub(in crate::ledger) async fn a_role_has_one_holder_until_it_is_released(ledger: &Ledger) {
    let lease = ledger.take_lease("feed", "one", LONG).await.unwrap().unwrap();
    assert!(ledger.take_lease("feed", "other", LONG).await.unwrap().is_none());
    // Another role is another's.
    let others = ledger.take_lease("points", "other", LONG).await.unwrap().unwrap();
    ledger.release_lease(lease).await.unwrap();
    let mut taken = ledger.take_lease("feed", "other", LONG).await.unwrap().unwrap();
    assert!(ledger.take_lease("feed", "one", LONG).await.unwrap().is_none());
    assert!(ledger.renew_lease(&mut taken).await.unwrap());
    ledger.under(&others).learn(vec![telling("a", 1)]).await.unwrap();
    ledger.under(&taken).learn(vec![telling("b", 1)]).await.unwrap();
}

pub(in crate::ledger) async fn a_lease_ends_by_the_clock_of_the_database(ledger: &Ledger) {
    let before = Instant::now();
    let mut lease = ledger.take_lease("feed", "one", SHORT).await.unwrap().unwrap();
    assert!(lease.ends() >= before + SHORT && lease.is_due() < lease.ends());
    let taken = loop {
        if let Some(taken) = ledger.take_lease("feed", "other", LONG).await.unwrap() {
            break taken;
        }
        sleep(Duration::from_millis(5)).await;
    };
    // No earlier than the first holder itself can know: its clock began before the database's did.
    assert!(Instant::now() >= lease.ends() - Duration::from_millis(2));
    assert!(!ledger.renew_lease(&mut lease).await.unwrap());
    // What is no more one's own is not given back either.
    ledger.release_lease(lease).await.unwrap();
    ledger.under(&taken).learn(vec![telling("a", 1)]).await.unwrap();
}

pub(in crate::ledger) async fn a_lease_that_ended_is_held_on_where_nobody_wants_it(ledger: &Ledger) {
    let mut lease = ledger.take_lease("feed", "one", SHORT).await.unwrap().unwrap();
    sleep(2 * SHORT).await;
    ledger.under(&lease).learn(vec![telling("a", 1)]).await.unwrap();
    assert!(ledger.renew_lease(&mut lease).await.unwrap());
}

pub(in crate::ledger) async fn a_holder_that_was_asleep_writes_nothing_more(ledger: &Ledger) {
    let late = ledger.take_lease("feed", "late", SHORT).await.unwrap().unwrap();
    let asleep = ledger.under(&late);
    asleep.learn(vec![telling("early", 1)]).await.unwrap();
    sleep(2 * SHORT).await;
    let lease = ledger.take_lease("feed", "next", LONG).await.unwrap().unwrap();
    let fenced = Error::Fenced("feed".into());
    assert_eq!(asleep.learn(vec![telling("late", 2)]).await.unwrap_err(), fenced);
    let reading = Reading { scope: scope("us-east-1"), history_start: None, as_of: Some(at(3)), filled: true };
    assert_eq!(asleep.note_reading(&reading).await.unwrap_err(), fenced);
    assert_eq!(asleep.forget_events(at(9)).await.unwrap_err(), fenced);
    assert_eq!(asleep.forget_jobs(at(9)).await.unwrap_err(), fenced);
    assert_eq!(asleep.forget_requests(at(9)).await.unwrap_err(), fenced);
    // It hears of it, once for all.
    late.lost().await;
    // Nothing of it is there; and what needs no lease goes on.
    assert_eq!(ledger.head().await.unwrap().seq, 1);
    ledger.under(&lease).learn(vec![telling("next", 2)]).await.unwrap();
    ledger.learn(vec![telling("started here", 2)]).await.unwrap();
    assert_eq!(asleep.head().await.unwrap().seq, 3, "it may read");
    // The same holder anew is not who it was.
    let again = ledger.take_lease("feed", "next", LONG).await.unwrap().unwrap();
    assert_eq!(ledger.under(&lease).learn(vec![telling("b", 1)]).await.unwrap_err(), fenced);
    ledger.under(&again).learn(vec![telling("b", 1)]).await.unwrap();
}

pub(in crate::ledger) async fn a_lease_is_not_taken_over_amid_what_its_holder_writes(ledger: &Ledger) {
    let late = ledger.take_lease("feed", "late", SHORT).await.unwrap().unwrap();
    // Its transaction begins, and it falls asleep in it.
    let (mut writing, _) = ledger.under(&late).begin().await.unwrap();
    let wake = async {
        sleep(3 * SHORT).await;
        let places = vec![super::super::jobs::json(&[["123456789012", "eu-west-1"]])];
        writing.rows(writing.statements().make_places, places).await.unwrap();
        writing.commit().await.unwrap();
        Instant::now()
    };
    let take = async {
        sleep(2 * SHORT).await;
        // In memory there is one connection, and it is taken.
        let lease = ledger.take_lease("feed", "next", LONG).await.unwrap().unwrap();
        let taken = Instant::now();
        (lease, taken)
    };
    let (written, (_lease, taken)) = tokio::join!(wake, take);
    assert!(written <= taken, "what it wrote was there before another had the role");
    assert_eq!(ledger.readings().await.unwrap().len(), 1);
    assert!(ledger.under(&late).begin().await.is_err());
}
