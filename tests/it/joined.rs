//! A change that is sent again while it is under way is not done a second time: whoever sends it waits for the first.

use prost::Message as _;
use serde_json::json;
use strongroom::proto::{CreateVaultRequest, CreateVaultResponse, GetServerInfoRequest};
use tonic::{Code, Response, Status};

use crate::{
    doorway::wire::{Raw, framed},
    harness::{PATIENCE, World, reason, request_id},
};

fn request(name: &str) -> CreateVaultRequest {
    CreateVaultRequest { name: name.into(), request_id: request_id(1), ..Default::default() }
}

async fn create(world: &World, name: &str) -> Result<Response<CreateVaultResponse>, Status> {
    world.vaults().create_vault(request(name)).await
}

/// The same change by a client that keeps no time itself, so that the server's word is heard.
async fn told_at_the_servers_deadline(world: &World, timeout: &str) -> Status {
    let message = framed(&request("prod").encode_to_vec());
    let mut raw = Raw::connect(world).await;
    raw.call("/strongroom.v1.VaultService/CreateVault", &[("grpc-timeout", timeout)], message).await.status()
}

async fn slow_world(places: usize) -> World {
    let world = World::start_with(|config| {
        config.server.max_concurrent_requests = places;
        config.server.max_share_per_connection = 100;
        config.server.max_share_per_address = 100;
    })
    .await;
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 1500}})).await;
    world
}

/// The fault has struck: the first change is under way.
async fn under_way(world: &World) {
    let struck = async {
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, struck).await.expect("the change never came to AWS");
}

async fn times_made(world: &World) -> usize {
    world.asked_for().await.iter().filter(|(_, operation)| operation == "CreateBackupVault").count()
}

#[tokio::test]
async fn the_same_change_sent_again_is_done_once_and_takes_no_place() {
    let world = slow_world(2).await;
    let again = async {
        under_way(&world).await;
        // The one place that is left is enough for whoever joins, one after the other, and for others beside them.
        let joined = async { tokio::join!(create(&world, "prod"), create(&world, "prod")) };
        let others = async {
            for _ in 0..20 {
                let info = world.server().get_server_info(GetServerInfoRequest::default()).await;
                if let Err(full) = info {
                    assert_eq!(reason(&full).1, "OVERLOADED", "while one of the two comes in");
                }
            }
            world.server().get_server_info(GetServerInfoRequest::default()).await
        };
        tokio::join!(joined, others)
    };
    let (first, ((second, third), others)) = tokio::join!(create(&world, "prod"), again);
    let first = first.unwrap().into_inner();
    for joined in [second, third] {
        match joined {
            Ok(joined) => assert_eq!(joined.into_inner(), first),
            Err(full) => assert_eq!(reason(&full).1, "OVERLOADED", "both came in at once"),
        }
    }
    others.unwrap();
    assert_eq!(times_made(&world).await, 1);
}

#[tokio::test]
async fn another_request_under_the_id_of_one_under_way_is_refused() {
    let world = slow_world(10).await;
    let other = async {
        under_way(&world).await;
        create(&world, "other").await
    };
    let (first, other) = tokio::join!(create(&world, "prod"), other);
    first.unwrap();
    assert_eq!(reason(&other.unwrap_err()), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    assert_eq!(times_made(&world).await, 1);
}

#[tokio::test]
async fn whoever_joins_has_a_deadline_of_their_own() {
    let world = slow_world(10).await;
    let hasty = async {
        under_way(&world).await;
        told_at_the_servers_deadline(&world, "500m").await
    };
    let (first, hasty) = tokio::join!(create(&world, "prod"), hasty);
    first.unwrap();
    assert_eq!(reason(&hasty), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    assert_eq!(times_made(&world).await, 1);
}

#[tokio::test]
async fn whoever_joins_is_told_also_when_the_first_has_hung_up() {
    let world = slow_world(10).await;
    let mut first = Box::pin(create(&world, "prod"));
    tokio::select! {
        answer = &mut first => panic!("{answer:?}"),
        () = under_way(&world) => {}
    }
    drop(first);
    create(&world, "prod").await.unwrap();
    assert_eq!(times_made(&world).await, 1);
}

#[tokio::test]
async fn whoever_joins_a_change_that_was_given_up_before_anything_was_done_takes_it_over() {
    let world = World::start().await;
    // The reads that come first hang: the first caller's deadline ends them.
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 10_000}})).await;
    let again = async {
        under_way(&world).await;
        create(&world, "prod").await
    };
    let (first, again) = tokio::join!(told_at_the_servers_deadline(&world, "1S"), again);
    again.unwrap();
    assert_eq!(times_made(&world).await, 1);
    assert_eq!(reason(&first), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()), "nothing was begun");
}
