//! What came of which request.

use super::{at, scope};
use crate::{
    domain::JobId,
    ledger::{Ledger, Made, Repeatable},
};

fn request(id: &str) -> Repeatable {
    Repeatable { scope: scope("us-east-1"), operation: "StartBackup", id: id.into() }
}

fn made(job: &str, digest: &str) -> Made {
    Made { digest: digest.into(), job: JobId::told(job).unwrap(), answer: format!("it is {job}") }
}

pub(in crate::ledger) async fn a_request_is_noted_once(ledger: &Ledger) {
    assert_eq!(ledger.request(&request("r")).await.unwrap(), None);
    ledger.note_request(&request("r"), &made("a", "x"), at(0)).await.unwrap();
    ledger.note_request(&request("r"), &made("b", "y"), at(1)).await.unwrap();
    assert_eq!(ledger.request(&request("r")).await.unwrap(), Some(made("a", "x")));
    // Elsewhere, and of another operation, it is another.
    let elsewhere = Repeatable { scope: scope("eu-west-1"), ..request("r") };
    let copy = Repeatable { operation: "StartCopy", ..request("r") };
    assert_eq!(ledger.request(&elsewhere).await.unwrap(), None);
    ledger.note_request(&copy, &made("c", "z"), at(2)).await.unwrap();
    assert_eq!(ledger.request(&copy).await.unwrap(), Some(made("c", "z")));
    assert_eq!(ledger.request(&request("r")).await.unwrap(), Some(made("a", "x")));
}

pub(in crate::ledger) async fn what_requests_made_is_forgotten_with_the_jobs(ledger: &Ledger) {
    for (id, second) in [("old", 1), ("new", 20)] {
        ledger.note_request(&request(id), &made(id, "x"), at(second)).await.unwrap();
    }
    assert!(!ledger.forget_requests(at(10)).await.unwrap());
    assert_eq!(ledger.request(&request("old")).await.unwrap(), None);
    assert_eq!(ledger.request(&request("new")).await.unwrap(), Some(made("new", "x")));
}
