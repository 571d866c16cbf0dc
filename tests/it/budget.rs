//! What is asked of AWS is bounded, paid for, and told.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use strongroom::proto::{CreateVaultRequest, ListResourcesRequest, ListVaultsRequest, Scope};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::harness::{World, reason, request_id};

async fn requests(world: &World) -> u64 {
    let answer = reqwest::get(format!("{}/_sandbox/requests", world.sandbox())).await.unwrap();
    answer.json::<Value>().await.unwrap()["total"].as_u64().unwrap()
}

async fn list(world: &World, region: &str, patience: Duration) -> Result<(), Status> {
    let scope = Some(Scope { region: region.into(), ..Default::default() });
    let mut request = Request::new(ListVaultsRequest { scope, ..Default::default() });
    request.set_timeout(patience);
    world.vaults().list_vaults(request).await.map(drop)
}

#[tokio::test]
async fn a_call_whose_turn_comes_too_late_is_told_at_once_and_not_sent() {
    let world = World::start_with(|config| config.aws.budget.backup = 1).await;
    let long = Duration::from_secs(60);
    list(&world, "us-east-1", long).await.unwrap();
    let before = requests(&world).await;
    let refused = list(&world, "us-east-1", Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(
        reason(&refused),
        (Code::ResourceExhausted, "AWS_BUDGET_SPENT".into()),
        "before the deadline: {refused}"
    );
    assert!(refused.message().contains("ListBackupVaults has to wait for its turn"), "{refused}");
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_millis(400) && wait <= Duration::from_secs(2), "{wait:?}");
    assert!(refused.metadata().get("grpc-retry-pushback-ms").is_some(), "{refused:?}");
    assert_eq!(requests(&world).await, before);
    // Another region and another family of APIs have a budget of their own.
    list(&world, "eu-west-1", Duration::from_millis(900)).await.unwrap();
    let mut databases = Request::new(ListResourcesRequest::default());
    databases.set_timeout(Duration::from_millis(900));
    world.resources().list_resources(databases).await.unwrap();
    list(&world, "us-east-1", long).await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_not_sent_for_its_turn_is_not_done() {
    let world = World::start_with(|config| config.aws.budget.backup = 1).await;
    list(&world, "us-east-1", Duration::from_secs(60)).await.unwrap();
    let create = |timeout| {
        let mut request =
            Request::new(CreateVaultRequest { name: "prod".into(), request_id: request_id(1), ..Default::default() });
        request.set_timeout(timeout);
        request
    };
    let refused = world.vaults().create_vault(create(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::ResourceExhausted, "AWS_BUDGET_SPENT".into()));
    world.vaults().create_vault(create(Duration::from_secs(120))).await.unwrap();
}

/// Makes many vaults as a client with a retry policy does, and tells how many requests that took.
async fn requests_of_making(world: &World, vaults: u32) -> u64 {
    let before = requests(world).await;
    stream::iter(0..vaults)
        .for_each_concurrent(40, |number| async move {
            let request = CreateVaultRequest {
                name: format!("vault-{number}"),
                request_id: request_id(number),
                ..Default::default()
            };
            for attempt in 1.. {
                match world.vaults().create_vault(request.clone()).await {
                    Ok(_) => break,
                    Err(error) => {
                        assert!(matches!(error.code(), Code::Unavailable | Code::ResourceExhausted), "{error:?}");
                        assert!(attempt < 10, "{error:?}");
                    }
                }
            }
        })
        .await;
    requests(world).await - before
}

#[tokio::test]
async fn three_tenths_throttled_cost_no_more_than_six_tenths_more_requests() {
    let plain = requests_of_making(&World::start().await, 200).await;
    let throttled = World::start().await;
    throttled.arm(json!({"rate": 0.3, "seed": 7, "effect": "throttle"})).await;
    let asked = requests_of_making(&throttled, 200).await;
    println!("{asked} requests where {plain} do without throttling");
    assert!(asked * 10 <= plain * 16, "{asked} requests where {plain} do without throttling");
}
