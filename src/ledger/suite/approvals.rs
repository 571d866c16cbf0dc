//! What takes two persons.

use jiff::{SignedDuration, Timestamp};

use super::scope;
use crate::{
    domain::{APPROVAL_HOLDS_FOR, ApprovalDecision, ApprovalState, NewApproval, Person, Signer},
    ledger::{ApprovalPosition, Ledger},
};

fn signer(name: &str) -> Signer {
    let groups = vec!["corp:\"a\"".to_owned(), "corp:b".to_owned()];
    Signer {
        name: name.to_owned(),
        groups,
        issuer: "https://id.example".to_owned(),
        person: Person::Claimed(format!("{name}@x")),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_409_600 + seconds).unwrap()
}

pub(super) fn new(request_id: &str, digest: &str, seconds: i64) -> NewApproval {
    NewApproval {
        scope: scope("us-east-1"),
        action: "DeleteVault".to_owned(),
        request: vec![0, 1, 255, b'\''],
        request_id: request_id.to_owned(),
        digest: digest.to_owned(),
        shown: r#"{"arn":"it's"}"#.to_owned(),
        requester: signer("corp:ada"),
        reason: "ticket 4711".to_owned(),
        asked_at: at(seconds),
    }
}

fn decision(by: &str, agrees: bool, seconds: i64) -> ApprovalDecision {
    ApprovalDecision { by: signer(by), agrees, note: "fine".to_owned(), at: at(seconds) }
}

pub(in crate::ledger) async fn an_approval_is_decided_once_and_used_once(ledger: &Ledger) {
    assert_eq!(ledger.approval("nothing").await.unwrap(), None);
    let first = ledger.ask_approval(&new("r1", "d1", 0)).await.unwrap();
    assert_eq!((&first.of, first.expires_at), (&new("r1", "d1", 0), at(0) + APPROVAL_HOLDS_FOR));
    assert_eq!(ledger.approval(&first.id).await.unwrap().as_ref(), Some(&first));
    // The very same is asked for once; another request under the same id takes its place.
    assert_eq!(ledger.ask_approval(&new("r1", "d1", 60)).await.unwrap().id, first.id);
    let second = ledger.ask_approval(&new("r1", "d2", 120)).await.unwrap();
    assert_ne!(second.id, first.id);
    let first = ledger.approval(&first.id).await.unwrap().unwrap();
    assert_eq!(first.state(at(120)), ApprovalState::Expired);
    let here = scope("us-east-1");
    let found = async |of: &str, id: &str| ledger.approval_for(&here, of, id).await.unwrap().map(|it| it.id);
    assert_eq!(found("corp:ada", "r1").await.as_ref(), Some(&second.id));
    assert_eq!([found("corp:bob", "r1").await, found("corp:ada", "r2").await], [None, None]);
    assert_eq!(ledger.approval_for(&scope("eu-west-1"), "corp:ada", "r1").await.unwrap(), None);
    // Nobody has agreed, and it cannot be used; once somebody has, once.
    let decide = async |id: &str, by: &str, agrees: bool, seconds: i64| {
        ledger.decide_approval(id, &decision(by, agrees, seconds)).await.unwrap()
    };
    assert!(!ledger.use_approval(&second.id, at(130)).await.unwrap());
    assert!(!decide(&first.id, "corp:bob", true, 130).await, "it is over");
    assert!(decide(&second.id, "corp:bob", true, 130).await);
    assert!(!decide(&second.id, "corp:eve", true, 131).await);
    let agreed = ledger.approval(&second.id).await.unwrap().unwrap();
    assert_eq!(agreed.decided, Some(decision("corp:bob", true, 130)));
    assert_eq!(agreed.state(at(131)), ApprovalState::Approved);
    assert!(!ledger.use_approval(&second.id, at(120 + 3_600)).await.unwrap(), "its hour is over");
    assert!(!ledger.finish_approval(&second.id, "null").await.unwrap(), "it was not used");
    assert!(ledger.use_approval(&second.id, at(140)).await.unwrap());
    assert!(!ledger.use_approval(&second.id, at(141)).await.unwrap());
    assert!(!decide(&second.id, "corp:ada", false, 142).await, "nothing is taken back of what is done");
    assert!(ledger.finish_approval(&second.id, "null").await.unwrap());
    let used = ledger.approval(&second.id).await.unwrap().unwrap();
    assert_eq!((used.used_at, used.after.as_deref()), (Some(at(140)), Some("null")));
    assert_eq!(used.state(at(10_000)), ApprovalState::Used);
    // What was agreed to can be taken back, and what was not is not agreed to.
    let third = ledger.ask_approval(&new("r3", "d3", 150)).await.unwrap();
    assert!(decide(&third.id, "corp:bob", true, 160).await && decide(&third.id, "corp:ada", false, 170).await);
    assert!(!decide(&third.id, "corp:bob", true, 180).await);
    assert!(!ledger.use_approval(&third.id, at(190)).await.unwrap());
    let third = ledger.approval(&third.id).await.unwrap().unwrap();
    assert_eq!((third.state(at(190)), third.decided.unwrap().by.name.as_str()), (ApprovalState::Rejected, "corp:ada"));
    // The same is asked for anew.
    let fourth = ledger.ask_approval(&new("r3", "d3", 200)).await.unwrap();
    assert_eq!(fourth.state(at(200)), ApprovalState::Pending);
}

pub(in crate::ledger) async fn approvals_are_listed_by_pages_and_forgotten_when_they_are_old(ledger: &Ledger) {
    let here = scope("us-east-1");
    for number in 0..5_i64 {
        // Two of one instant.
        let asked = new(&format!("r{number}"), "d", number / 2);
        ledger.ask_approval(&asked).await.unwrap();
    }
    let elsewhere = NewApproval { scope: scope("eu-west-1"), ..new("far", "d", 9) };
    ledger.ask_approval(&elsewhere).await.unwrap();
    let (mut all, mut after) = (Vec::new(), None::<ApprovalPosition>);
    loop {
        let (page, next) = ledger.list_approvals(&here, 2, after.as_ref()).await.unwrap();
        all.extend(page);
        let Some(next) = next else { break };
        after = Some(ApprovalPosition::parse(&next.to_string()).unwrap());
    }
    let asked: Vec<i64> = all.iter().map(|it| it.of.asked_at.duration_since(at(0)).as_secs()).collect();
    assert_eq!(asked, [2, 1, 1, 0, 0]);
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|it| it.of.request_id.as_str()).collect();
    assert_eq!(ids.len(), 5);
    assert!(!ledger.forget_approvals(at(1)).await.unwrap());
    let (left, _) = ledger.list_approvals(&here, 10, None).await.unwrap();
    assert_eq!(left.len(), 3);
    assert!(at(0) + SignedDuration::from_hours(1) == at(0) + APPROVAL_HOLDS_FOR);
}
