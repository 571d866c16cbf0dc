//! The end of a call is written whatever becomes of its caller, and of the server.

use std::{path::Path, time::Duration};

use prost::Message as _;
use serde_json::{Value, json};
use strongroom::{
    app::{self, Neighbour},
    config::Config,
    lifecycle::{Lifecycle, Signal},
    proto::{CreateVaultRequest, ListAuditEventsRequest, vault_service_client::VaultServiceClient},
};
use tonic::{Status, transport::Channel};

use super::{create, end, ended, events, lines, world};
use crate::{
    doorway::wire::{Raw, framed},
    harness::{PATIENCE, World, request_id},
};

/// The call by a client that keeps no time itself, so that the deadline is the server's.
async fn at_the_servers_deadline(world: &World, name: &str, number: u32, timeout: &str) -> Status {
    let request = CreateVaultRequest { name: name.into(), request_id: request_id(number), ..Default::default() };
    let mut raw = Raw::connect(world).await;
    let path = "/strongroom.v1.VaultService/CreateVault";
    raw.call(path, &[("grpc-timeout", timeout)], framed(&request.encode_to_vec())).await.status()
}

/// Every fault has struck.
async fn struck(world: &World) {
    let all = async {
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the change never came to AWS");
}

fn outcome(end: &Value) -> (&str, &str) {
    (end["outcome"].as_str().unwrap(), end["reason"].as_str().unwrap_or_default())
}

async fn slow(world: &World, operation: &str, milliseconds: u32) {
    world.arm(json!({"operation": operation, "next": 1, "effect": {"delay_ms": milliseconds}})).await;
}

#[tokio::test]
async fn of_a_call_whose_deadline_passes_at_aws_it_tells_what_came_of_it_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    slow(&world, "CreateBackupVault", 1500).await;
    at_the_servers_deadline(&world, "slow", 1, "500m").await;
    assert_eq!(lines(folder.path()).last().unwrap()["kind"], "begin", "it is under way");
    let end = end(folder.path(), 1).await;
    assert_eq!(outcome(&end), ("SUCCEEDED", ""), "{end}");
}

#[tokio::test]
async fn of_a_call_whose_deadline_passes_before_aws_was_asked_for_a_change_it_tells_that_nothing_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    slow(&world, "ListBackupVaults", 1500).await;
    at_the_servers_deadline(&world, "slow", 1, "500m").await;
    let end = end(folder.path(), 1).await;
    assert_eq!(outcome(&end), ("FAILED", "DEADLINE_EXCEEDED"), "{end}");
}

#[tokio::test]
async fn a_call_that_joins_another_has_a_begin_and_an_end_of_its_own_and_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    slow(&world, "CreateBackupVault", 1500).await;
    let same = || async {
        let request = CreateVaultRequest { name: "prod".into(), request_id: request_id(1), ..Default::default() };
        world.vaults().create_vault(request).await
    };
    let again = async {
        struck(&world).await;
        // One that waits to the end, and one that does not.
        tokio::join!(same(), at_the_servers_deadline(&world, "prod", 1, "300m"))
    };
    let (first, (joined, _)) = tokio::join!(same(), again);
    assert_eq!(first.unwrap().into_inner(), joined.unwrap().into_inner());
    let all = loop {
        let all = events(&world, ListAuditEventsRequest::default()).await;
        if all.iter().all(|event| event.end_time.is_some()) {
            break all;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let mut told: Vec<_> = Vec::new();
    for event in all {
        told.push((event.joined, event.outcome().as_str_name().to_owned(), event.request_id == request_id(1)));
    }
    told.sort();
    let event = |joined, outcome: &str| (joined, format!("AUDIT_OUTCOME_{outcome}"), true);
    assert_eq!(told, [event(false, "SUCCEEDED"), event(true, "SUCCEEDED"), event(true, "UNKNOWN")]);
    let made = world.asked_for().await.into_iter().filter(|(_, operation)| operation == "CreateBackupVault").count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn of_a_call_that_takes_over_what_was_given_up_it_tells_both() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    slow(&world, "ListBackupVaults", 10_000).await;
    let again = async {
        struck(&world).await;
        let request = CreateVaultRequest { name: "prod".into(), request_id: request_id(1), ..Default::default() };
        world.vaults().create_vault(request).await
    };
    let (_, again) = tokio::join!(at_the_servers_deadline(&world, "prod", 1, "1S"), again);
    again.unwrap();
    let ends: Vec<Value> = ended(folder.path()).await.into_iter().filter(|line| line["kind"] == "end").collect();
    let mut told: Vec<_> = ends.iter().map(outcome).collect();
    told.sort_unstable();
    assert_eq!(told, [("FAILED", "DEADLINE_EXCEEDED"), ("FAILED", "GIVEN_UP"), ("SUCCEEDED", "")]);
}

/// A server whose shutdown is a test's, and a client of it.
async fn server(folder: &Path) -> (Lifecycle, VaultServiceClient<Channel>, String) {
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.sandbox.listen = ([127, 0, 0, 1], 0).into();
    config.admin.listen = None;
    config.audit.path = Some(folder.to_owned());
    let life = Lifecycle::new();
    let running = app::start(&config, Neighbour::Sandbox, &life).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap();
    let sandbox = format!("http://{}/_sandbox/faults", running.sandbox.unwrap());
    (life, VaultServiceClient::new(channel), sandbox)
}

#[tokio::test]
async fn shutdown_waits_for_the_end_of_what_is_under_way_and_tells_of_what_it_cuts_off() {
    for (delay, signals, expected) in [(700, 1, ("SUCCEEDED", "")), (60_000, 2, ("UNKNOWN", "CUT_OFF"))] {
        let folder = tempfile::tempdir().unwrap();
        let (life, mut vaults, faults) = server(folder.path()).await;
        let control = reqwest::Client::new();
        let fault = json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": delay}});
        assert!(control.post(&faults).json(&fault).send().await.unwrap().status().is_success());
        let request = CreateVaultRequest { name: "slow".into(), ..Default::default() };
        let call = async { vaults.create_vault(request).await };
        let shutdown = async {
            let armed = || async {
                let listed: Value = control.get(&faults).send().await.unwrap().json().await.unwrap();
                !listed["faults"].as_array().unwrap().is_empty()
            };
            while armed().await {
                tokio::task::yield_now().await;
            }
            let mut left = signals;
            let next = async move || {
                if left == 0 {
                    std::future::pending::<()>().await;
                }
                left -= 1;
                Signal::Terminate
            };
            life.run(next, async || tokio::time::sleep(Duration::from_secs(60)).await).await
        };
        _ = tokio::join!(call, shutdown);
        let end = end(folder.path(), 1).await;
        assert_eq!(outcome(&end), expected, "{end}");
    }
}

#[tokio::test]
async fn a_call_that_was_never_answered_for_want_of_a_record_has_no_end_either() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    create(&world, "main").await.unwrap();
    ended(folder.path()).await;
    let file = super::active(folder.path());
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, "").unwrap();
    for _ in 0..3 {
        create(&world, "refused").await.unwrap_err();
    }
    std::fs::write(&file, whole).unwrap();
    while create(&world, "again").await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told: Vec<_> =
        ended(folder.path()).await.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told[2..], ["begin", "end", "gap", "begin", "end"]);
}
