//! What holds for each known caller: ids of its own, and a share of the server.

use serde_json::json;
use strongroom::{
    config::IssuerConfig,
    proto::{
        CreateVaultRequest, GetVaultRequest, ListVaultsRequest, StartBackupRequest,
        vault_service_client::VaultServiceClient,
    },
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    doorway::{
        until,
        wire::{Raw, framed},
    },
    harness::{LABS, World, reason, request_id},
    tokens::{
        issuer::{Issuer, Pair},
        with, world, world_with,
    },
};

#[tokio::test]
async fn a_request_id_of_another_caller_is_another_id() {
    let (world, issuer, pair) = world().await;
    let token = |sub| pair.sign(&issuer.claims(&json!({ "sub": sub })));
    let (alice, bob) = (token("alice"), token("bob"));
    let request = || CreateVaultRequest { name: "prod".into(), request_id: request_id(1), ..Default::default() };
    let made = world.vaults().create_vault(with(&alice, request())).await.unwrap().into_inner();
    assert_eq!(made.request_id, request_id(1), "it is told as it was given");
    world.vaults().create_vault(with(&alice, request())).await.unwrap();
    let status = world.vaults().create_vault(with(&bob, request())).await.unwrap_err();
    assert_eq!(reason(&status), (Code::AlreadyExists, "VAULT_ALREADY_EXISTS".to_owned()));
    assert_eq!(status.get_details_error_info().unwrap().metadata["request_id"], request_id(1));
    let other = CreateVaultRequest { name: "other".into(), ..request() };
    world.vaults().create_vault(with(&bob, other)).await.unwrap();
}

#[tokio::test]
async fn what_aws_was_given_for_a_known_caller_is_no_id_of_somebody_who_is_not() {
    let pair = Pair::new("one");
    let issuer = Issuer::start(&[&pair]).await;
    let world = World::start_with(|config| {
        config.access.issuers = vec![IssuerConfig::new("corp", &issuer.url, "strongroom")];
    })
    .await;
    let token = pair.sign(&issuer.claims(&json!({})));
    let request = || CreateVaultRequest { name: "prod".into(), request_id: request_id(1), ..Default::default() };
    world.vaults().create_vault(with(&token, request())).await.unwrap();
    let read = GetVaultRequest { vault: "prod".into(), ..Default::default() };
    let vault = world.vaults().get_vault(read).await.unwrap().into_inner().vault.unwrap();
    assert_ne!(vault.creator_request_id, request_id(1));
    for stranger in [request_id(1), vault.creator_request_id] {
        let again = CreateVaultRequest { request_id: stranger, ..request() };
        let status = world.vaults().create_vault(again).await.unwrap_err();
        assert_eq!(reason(&status), (Code::AlreadyExists, "VAULT_ALREADY_EXISTS".to_owned()));
    }
}

#[tokio::test]
async fn calls_and_jobs_of_one_caller_have_rates_and_anothers_have_theirs() {
    let (world, issuer, pair) = world_with(|config| {
        config.access.max_calls_per_second = 1;
        config.access.max_call_burst = 4;
        config.access.max_jobs_per_minute = 1;
    })
    .await;
    let token = |sub| pair.sign(&issuer.claims(&json!({ "sub": sub })));
    let (alice, bob) = (token("alice"), token("bob"));
    let backup = || StartBackupRequest { resource: LABS.into(), vault: "missing".into(), ..Default::default() };
    let first = world.jobs().start_backup(with(&alice, backup())).await.unwrap_err();
    assert_ne!(first.code(), Code::ResourceExhausted, "{first:?}");
    let second = world.jobs().start_backup(with(&alice, backup())).await.unwrap_err();
    assert_eq!(reason(&second), (Code::ResourceExhausted, "RATE_LIMITED".to_owned()));
    assert!(second.message().contains("access.max_jobs_per_minute"), "{second:?}");
    assert!(second.get_details_retry_info().unwrap().retry_delay.is_some());
    let mut vaults = VaultServiceClient::new(world.channel());
    let mut limited = None;
    for _ in 0..10 {
        limited = vaults.list_vaults(with(&alice, ListVaultsRequest::default())).await.err().or(limited);
    }
    let limited = limited.unwrap();
    assert_eq!(reason(&limited), (Code::ResourceExhausted, "RATE_LIMITED".to_owned()));
    assert!(limited.message().contains("access.max_calls_per_second"), "{limited:?}");
    vaults.list_vaults(with(&bob, ListVaultsRequest::default())).await.unwrap();
}

#[tokio::test]
async fn one_caller_has_a_share_of_the_places_from_however_many_machines_it_calls() {
    const WHO_AM_I: &str = "/strongroom.v1.AccessService/WhoAmI";
    // Two places for a connection, four for a caller, six for an address.
    let (world, issuer, pair) = world_with(|config| config.server.max_concurrent_requests = 8).await;
    let header = |sub| format!("Bearer {}", pair.sign(&issuer.claims(&json!({ "sub": sub }))));
    let (alice, bob) = (header("alice"), header("bob"));
    let mut halves = Vec::new();
    for machine in [2, 3] {
        let mut raw = Raw::connect_from(&world, [127, 0, 0, machine]).await;
        for _ in 0..2 {
            halves.push(raw.open(WHO_AM_I, &[("authorization", &alice)]).await);
        }
    }
    let mut raw = Raw::connect_from(&world, [127, 0, 0, 4]).await;
    let full = async |raw: &mut Raw| raw.call(WHO_AM_I, &[("authorization", &alice)], framed(&[])).await.status();
    until(async || full(&mut raw).await.code() == Code::ResourceExhausted).await;
    let told = full(&mut raw).await;
    assert_eq!(reason(&told), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
    assert!(told.message().contains("access.max_share_per_principal"), "{told:?}");
    assert!(told.get_details_retry_info().unwrap().retry_delay.is_some());
    let another = raw.call(WHO_AM_I, &[("authorization", &bob)], framed(&[])).await;
    assert_eq!(another.status().code(), Code::Ok, "{another:?}");
    drop(halves);
    until(async || full(&mut raw).await.code() == Code::Ok).await;
}
