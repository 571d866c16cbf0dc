//! What was changed.

use super::scope;
use crate::{
    domain::{Arn, Touched, TouchedThing},
    ledger::Ledger,
};

pub(in crate::ledger) async fn what_was_changed_is_taken_over_once(ledger: &Ledger) {
    let touched = |region: &str, what| Touched { scope: scope(region), what };
    let arn = Arn::parse("arn:aws:rds:us-east-1:123456789012:db:one").unwrap();
    let all = [
        touched("eu-west-1", TouchedThing::Plan("it's nightly".into())),
        touched("us-east-1", TouchedThing::Database(arn)),
        touched("us-east-1", TouchedThing::Plan("it's nightly".into())),
    ];
    assert_eq!(ledger.take_over().await.unwrap(), []);
    // Changed twice it is looked at once.
    for touched in all.iter().chain(&all[..1]) {
        ledger.hand_over(touched).await.unwrap();
    }
    let mut taken = ledger.take_over().await.unwrap();
    taken.sort_by_key(|touched| format!("{touched:?}"));
    let mut expected = all.to_vec();
    expected.sort_by_key(|touched| format!("{touched:?}"));
    assert_eq!(taken, expected);
    assert_eq!(ledger.take_over().await.unwrap(), []);
    ledger.hand_over(&all[1]).await.unwrap();
    assert_eq!(ledger.take_over().await.unwrap(), all[1..2]);
}
