//! Over all pages each call is told once, by its begin, whatever ends in between.

use std::{collections::BTreeMap, fs};

use futures_util::future::join_all;
use serde_json::json;
use strongroom::proto::{
    AuditEvent, AuditOutcome, CreateVaultRequest, ListAuditEventsRequest, access_service_client::AccessServiceClient,
};
use tonic::Code;

use super::{create, end, lines, world};
use crate::harness::{World, reason};

/// The next page, and its token.
async fn page(world: &World, size: i32, token: String) -> (Vec<AuditEvent>, String) {
    let wanted = ListAuditEventsRequest { page_size: size, page_token: token, ..Default::default() };
    let answer = AccessServiceClient::new(world.channel()).list_audit_events(wanted).await.unwrap().into_inner();
    assert!(answer.events.len() <= usize::try_from(size).unwrap());
    (answer.events, answer.next_page_token)
}

fn name(event: &AuditEvent) -> &str {
    &event.resources[0]
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "callers of their own, which end with the test")]
async fn what_is_under_way_and_what_has_ended_is_told_once_in_the_order_of_their_begins() {
    let folder = tempfile::tempdir().unwrap();
    // Several files, so that a call ends in another than it began in.
    let world = World::start_with(|config| {
        config.audit.path = Some(folder.path().to_owned());
        config.audit.segment_bytes = 4096;
    })
    .await;
    let mut slow = Vec::new();
    for number in 0..12 {
        create(&world, &format!("quick-{number}")).await.unwrap();
        world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 60_000}})).await;
        let (mut vaults, name) = (world.vaults(), format!("slow-{number}"));
        slow.push(tokio::spawn(
            async move { vaults.create_vault(CreateVaultRequest { name, ..Default::default() }).await },
        ));
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    while page(&world, 1, String::new()).await.0[0].resources[0] != "slow-11" {
        tokio::task::yield_now().await;
    }
    let begun: Vec<String> = lines(folder.path())
        .into_iter()
        .filter(|line| line["kind"] == "begin")
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .rev()
        .collect();
    assert_eq!(begun.len(), 24);
    for size in [1, 2, 5, 24, 100] {
        let (mut told, mut token) = page(&world, size, String::new()).await;
        while !token.is_empty() {
            let (more, next) = page(&world, size, token).await;
            told.extend(more);
            token = next;
        }
        let ids: Vec<_> = told.iter().map(|event| event.id.clone()).collect();
        assert_eq!(ids, begun, "pages of {size}");
        for event in &told {
            assert_eq!(event.end_time.is_none(), name(event).starts_with("slow"), "{event:?}");
        }
    }
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_begins_and_ends_between_two_pages_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    world.arm(json!({"operation": "CreateBackupVault", "next": 6, "effect": {"delay_ms": 1500}})).await;
    let slow = join_all((0..6).map(|number| {
        let world = &world;
        async move { create(world, &format!("slow-{number}")).await.unwrap() }
    }));
    let read = async {
        while page(&world, 100, String::new()).await.0.len() < 6 {
            tokio::task::yield_now().await;
        }
        let first = page(&world, 2, String::new()).await;
        // By then all have ended, and another has begun that the first page could not know.
        end(folder.path(), 6).await;
        create(&world, "later").await.unwrap();
        first
    };
    let ((mut told, mut token), _) = tokio::join!(read, slow);
    assert!(told.iter().all(|event| event.outcome() == AuditOutcome::Unspecified), "{told:?}");
    while !token.is_empty() {
        let (more, next) = page(&world, 2, token).await;
        assert!(more.iter().all(|event| event.outcome() == AuditOutcome::Succeeded), "{more:?}");
        told.extend(more);
        token = next;
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    told.iter().for_each(|event| *times.entry(name(event)).or_default() += 1);
    assert_eq!(times.len(), 6, "{times:?}");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

#[tokio::test]
async fn a_file_that_somebody_emptied_is_told_of_and_not_looked_into_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start_with(|config| {
        config.audit.path = Some(folder.path().to_owned());
        config.audit.segment_bytes = 4096;
    })
    .await;
    let (first, second) = (folder.path().join("audit-0000000001.jsonl"), folder.path().join("audit-0000000002.jsonl"));
    for number in 0.. {
        let turned_over = second.exists();
        create(&world, &format!("vault-{number}")).await.unwrap();
        // That one began in the second file, so that the first is sealed and no longer the one that is written to.
        if turned_over {
            break;
        }
    }
    fs::write(&first, "").unwrap();
    let wanted = ListAuditEventsRequest::default();
    let told = AccessServiceClient::new(world.channel()).list_audit_events(wanted).await.unwrap_err();
    assert_eq!(reason(&told), (Code::Unavailable, "AUDIT_UNAVAILABLE".to_owned()));
    assert!(told.message().contains("audit-0000000001.jsonl: it has no whole line"), "{told:?}");
}
