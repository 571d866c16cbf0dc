//! The record of what callers did, over the wire.

mod detections;
mod ends;
mod every_call;
mod forging;
mod pages;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use strongroom::{
    config::{Config, Unrecorded},
    proto::{
        AuditEvent, AuditOutcome, CreateVaultRequest, DeleteVaultRequest, Detection, ListAuditEventsRequest,
        ListVaultsRequest, access_service_client::AccessServiceClient,
    },
};
use tonic::{Code, Status};

use crate::{
    cli::{Ran, program},
    harness::{World, reason},
};

async fn world(folder: &Path) -> World {
    World::start_with(|config| config.audit.path = Some(folder.to_owned())).await
}

/// Reads and checks too.
fn everything_recorded(folder: &Path) -> impl FnOnce(&mut Config) + use<> {
    let folder = folder.to_owned();
    |config| {
        config.audit.path = Some(folder);
        config.audit.reads = true;
    }
}

async fn create(world: &World, name: &str) -> Result<(), Status> {
    world.vaults().create_vault(CreateVaultRequest { name: name.to_owned(), ..Default::default() }).await.map(|_| ())
}

async fn delete(world: &World, vault: &str) -> Result<(), Status> {
    world.vaults().delete_vault(DeleteVaultRequest { vault: vault.to_owned(), ..Default::default() }).await.map(|_| ())
}

async fn events(world: &World, wanted: ListAuditEventsRequest) -> Vec<AuditEvent> {
    AccessServiceClient::new(world.channel()).list_audit_events(wanted).await.unwrap().into_inner().events
}

/// The lines of the record, of whichever file.
fn lines(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines, once every call has ended: an end is on its way to the disk when its caller is answered.
async fn ended(folder: &Path) -> Vec<Value> {
    loop {
        let lines = lines(folder);
        let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
        if of("begin") == of("end") {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The last end, once there are so many of them.
async fn end(folder: &Path, number: usize) -> Value {
    loop {
        let mut ends: Vec<_> = lines(folder).into_iter().filter(|line| line["kind"] == "end").collect();
        if ends.len() >= number {
            return ends.swap_remove(number - 1);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What `strongroom audit verify` says of the record.
async fn verified(folder: &Path) -> Ran {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned());
    let files: Vec<_> = files.filter(|path| path.ends_with(".jsonl")).collect();
    let words: Vec<&str> = ["audit", "verify"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let mut command = program("", &words);
    Ran::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

/// The file that is written to.
fn active(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).max().unwrap()
}

#[tokio::test]
async fn what_was_changed_is_read_back_newest_first_with_who_and_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    create(&world, "main").await.unwrap();
    delete(&world, "nothing").await.unwrap_err();
    delete(&world, "main").await.unwrap();
    while events(&world, ListAuditEventsRequest::default()).await[0].end_time.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let all = events(&world, ListAuditEventsRequest::default()).await;
    let told: Vec<_> = all.iter().map(|event| (event.action.rsplit('/').next().unwrap(), event.outcome())).collect();
    use AuditOutcome::{Failed, Succeeded};
    assert_eq!(told, [("DeleteVault", Succeeded), ("DeleteVault", Failed), ("CreateVault", Succeeded)]);
    let deleted = &all[0];
    assert_eq!(deleted.detections().collect::<Vec<_>>(), [Detection::VaultDeleted]);
    assert_eq!(deleted.principal.as_ref().unwrap().name, "anonymous");
    assert!(deleted.resources.contains(&"main".to_owned()), "{deleted:?}");
    assert!(!deleted.aws_request_ids.is_empty() && deleted.peer.starts_with("127.0.0.1:"), "{deleted:?}");
    assert_eq!(all[1].reason, "VAULT_NOT_FOUND");
    for wanted in [
        ListAuditEventsRequest { detection: Detection::VaultDeleted.into(), ..Default::default() },
        ListAuditEventsRequest { action: "DeleteVault".into(), resource: "main".into(), ..Default::default() },
        ListAuditEventsRequest { principal: "anonymous".into(), page_size: 1, ..Default::default() },
    ] {
        assert_eq!(events(&world, wanted).await, all[..1]);
    }
}

#[tokio::test]
async fn the_begin_is_on_disk_before_aws_is_asked_and_the_end_is_written_though_the_client_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 400}})).await;
    let call = create(&world, "slow");
    // The client hangs up while AWS works on it.
    tokio::time::timeout(Duration::from_millis(150), call).await.unwrap_err();
    let begun = lines(folder.path());
    assert_eq!(begun.last().unwrap()["kind"], "begin", "{begun:?}");
    let ended = loop {
        let lines = lines(folder.path());
        if lines.len() > begun.len() {
            break lines;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let end = ended.last().unwrap();
    assert_eq!((&end["kind"], &end["outcome"]), (&json!("end"), &json!("SUCCEEDED")), "{end}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_before_aws_is_asked_until_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start_with(|config| {
        config.audit.path = Some(folder.path().to_owned());
        config.audit.segment_bytes = 1;
    })
    .await;
    let next = 1 + fs::read_dir(folder.path())
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_str()?.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok()
        })
        .max()
        .unwrap_or(0_u64);
    // Every file is full at once, and where the next belongs there is a directory.
    let obstacle = folder.path().join(format!("audit-{next:010}.jsonl"));
    fs::create_dir(&obstacle).unwrap();
    // The first is recorded; what follows it cannot be.
    _ = create(&world, "first").await;
    world.asked_for().await;
    let refused = create(&world, "second").await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "AUDIT_UNAVAILABLE".to_owned()));
    assert_eq!(world.asked_for().await, [], "nothing is asked of AWS");
    fs::remove_dir(&obstacle).unwrap();
    while create(&world, "third").await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_was_taken_away_is_written_again_and_what_was_replaced_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    create(&world, "first").await.unwrap();
    fs::remove_file(active(folder.path())).unwrap();
    create(&world, "second").await.unwrap();
    let told = verified(folder.path()).await;
    assert!(told.code == 0 && told.out.contains("was written again"), "{told:?}");
    assert_eq!(events(&world, ListAuditEventsRequest::default()).await.len(), 2);
    // As a rotation of logs does that copies and cuts.
    ended(folder.path()).await;
    let active = active(folder.path());
    let whole = fs::read(&active).unwrap();
    fs::write(&active, "").unwrap();
    world.asked_for().await;
    let refused = create(&world, "third").await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "AUDIT_UNAVAILABLE".to_owned()));
    assert!(refused.message().contains("bring it back"), "{refused:?}");
    assert_eq!(world.asked_for().await, [], "nothing is asked of AWS");
    fs::write(&active, whole).unwrap();
    while create(&world, "fourth").await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = verified(folder.path()).await;
    assert!(told.code == 0 && told.out.contains("nothing could be written since"), "{told:?}");
}

#[tokio::test]
async fn reads_that_are_to_be_recorded_and_cannot_be_are_served_or_refused_as_configured() {
    for (unrecorded, served) in [(Unrecorded::Serve, true), (Unrecorded::Refuse, false)] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::start_with(|config| {
            config.audit.path = Some(folder.path().to_owned());
            config.audit.reads = true;
            config.audit.reads_when_unavailable = unrecorded;
        })
        .await;
        let list = || async { world.vaults().list_vaults(ListVaultsRequest::default()).await };
        list().await.unwrap();
        assert_eq!(end(folder.path(), 1).await["begun"]["action"], "strongroom.v1.VaultService/ListVaults");
        fs::write(active(folder.path()), "").unwrap();
        create(&world, "refused").await.unwrap_err();
        match list().await {
            Ok(_) => assert!(served),
            Err(refused) => assert!(!served && reason(&refused).1 == "AUDIT_UNAVAILABLE", "{refused:?}"),
        }
    }
}

#[tokio::test]
async fn without_a_record_none_is_shown_rather_than_an_empty_one() {
    let world = World::start().await;
    let listed = AccessServiceClient::new(world.channel()).list_audit_events(ListAuditEventsRequest::default()).await;
    assert_eq!(reason(&listed.unwrap_err()), (Code::FailedPrecondition, "AUDIT_NOT_KEPT".to_owned()));
}
