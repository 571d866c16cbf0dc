//! What each request must pass before a service sees it: places, deadlines, sizes, and that it is gRPC at all. Over real
//! connections; where a client misbehaves, by hyper's own HTTP/2.

pub(crate) mod wire;

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use serde_json::json;
use strongroom::proto::{CreatePlanRequest, CreateVaultRequest, GetServerInfoRequest, ListVaultsRequest, Rule};
use tonic::{Code, Request, codec::CompressionEncoding};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};
use tonic_types::StatusExt as _;

use self::wire::{Answer, Raw, framed, packed};
use crate::harness::{PATIENCE, World, reason, told};

const GET_VAULT: &str = "/strongroom.v1.VaultService/GetVault";
const CREATE_VAULT: &str = "/strongroom.v1.VaultService/CreateVault";
const CREATE_PLAN: &str = "/strongroom.v1.PlanService/CreatePlan";
const GET_SERVER_INFO: &str = "/strongroom.v1.ServerService/GetServerInfo";
const CHECK: &str = "/grpc.health.v1.Health/Check";

fn create(name: &str) -> Bytes {
    framed(&CreateVaultRequest { name: name.into(), ..Default::default() }.encode_to_vec())
}

fn server_info() -> Bytes {
    framed(&GetServerInfoRequest::default().encode_to_vec())
}

fn refused(answer: &Answer) -> (Code, String) {
    reason(&answer.status())
}

fn overloaded() -> (Code, String) {
    (Code::ResourceExhausted, "OVERLOADED".into())
}

/// Asks until the answer is as wanted: what another connection sent is not known to have come.
pub(crate) async fn until(mut ask: impl AsyncFnMut() -> bool) {
    let asked = async { while !ask().await {} };
    tokio::time::timeout(PATIENCE, asked).await.expect("it never came to that");
}

#[tokio::test]
async fn an_unfinished_request_holds_a_place_and_ends_at_its_deadline_with_details() {
    let world = World::start_with(|config| config.server.max_concurrent_requests = 1).await;
    let (mut slow, mut other) = (Raw::connect(&world).await, Raw::connect(&world).await);
    let half = slow.open(GET_VAULT, &[("grpc-timeout", "3S")]).await;
    // They have no need of places, and come after it on the same connection.
    for _ in 0..3 {
        slow.call(CHECK, &[], framed(&HealthCheckRequest::default().encode_to_vec())).await;
    }
    assert_eq!(refused(&other.call(GET_SERVER_INFO, &[], server_info()).await), overloaded());
    let late = half.answer().await;
    assert_eq!(refused(&late), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
    assert!(late.status().message().ends_with("nothing was changed"), "{late:?}");
    until(async || other.call(GET_SERVER_INFO, &[], server_info()).await.status().code() == Code::Ok).await;
}

#[tokio::test]
async fn a_message_has_its_own_time_to_arrive() {
    let world = World::start_with(|config| config.server.message_timeout = Duration::from_millis(100)).await;
    let late = Raw::connect(&world).await.open(GET_VAULT, &[]).await.answer().await;
    assert_eq!(refused(&late), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
    assert!(late.status().message().contains("server.message_timeout"), "{late:?}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_makes_nothing_and_one_that_cannot_be_read_is_a_fault() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    world.asked_for().await;
    for timeout in ["0S", "1n"] {
        let answer = raw.call(CREATE_VAULT, &[("grpc-timeout", timeout)], create("prod")).await;
        assert_eq!(refused(&answer), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()), "{timeout}");
        assert!(answer.status().message().ends_with("nothing was changed"), "{answer:?}");
    }
    let answer = raw.call(CREATE_VAULT, &[("grpc-timeout", "soon")], create("prod")).await;
    assert_eq!(told(&answer.status()).fields, ["grpc-timeout"]);
    assert!(!world.asked_for().await.iter().any(|(_, operation)| operation == "CreateBackupVault"));
}

#[tokio::test]
async fn a_connection_that_hangs_up_on_slow_changes_has_taken_no_more_than_its_share() {
    // A quarter for a connection, three quarters for an address.
    let world = World::start_with(|config| config.server.max_concurrent_requests = 8).await;
    world.arm(json!({"operation": "CreateBackupVault", "rate": 1.0, "effect": {"delay_ms": 60_000}})).await;
    let mut other = Raw::connect(&world).await;
    // Three connections, one after the other, take what an address may have, and each hangs up.
    for number in 0..3 {
        let mut greedy = Raw::connect(&world).await;
        let mut changes = Vec::new();
        for nth in 0..2 {
            changes.push(greedy.open(CREATE_VAULT, &[]).await.finish(create(&format!("vault-{number}-{nth}"))).await);
        }
        until(async || {
            let third = greedy.call(GET_SERVER_INFO, &[], server_info()).await.status();
            third.code() == Code::ResourceExhausted
        })
        .await;
        // Both are under way: hanging up does not end them.
        until(async || world.strikes().await[0] >= 2 * (number + 1)).await;
        if number < 2 {
            assert_eq!(other.call(GET_SERVER_INFO, &[], server_info()).await.status().code(), Code::Ok);
        }
    }
    let full = other.call(GET_SERVER_INFO, &[], server_info()).await;
    assert_eq!(refused(&full), overloaded());
    assert!(full.status().message().contains("server.max_share_per_address"), "{full:?}");
    let mut elsewhere = Raw::connect_from(&world, [127, 0, 0, 2]).await;
    assert_eq!(elsewhere.call(GET_SERVER_INFO, &[], server_info()).await.status().code(), Code::Ok);
    // Whether the server lives is told even so, and when to come again is told to people and to libraries alike.
    let check = framed(&HealthCheckRequest::default().encode_to_vec());
    assert_eq!(other.call(CHECK, &[], check).await.status().code(), Code::Ok);
    let wait = full.status().get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(2), "{wait:?}");
    let status = full.status();
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap();
    assert_eq!(pushback.parse(), Ok(wait.as_millis()));
}

#[tokio::test]
async fn what_is_no_call_is_told_what_is() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    let json = raw.call(GET_SERVER_INFO, &[("content-type", "application/json")], server_info()).await;
    assert_eq!((json.http(), json.text().contains("application/grpc")), (415, true));
    for fine in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
        let answer = raw.call(GET_SERVER_INFO, &[("content-type", fine)], server_info()).await;
        assert_eq!(answer.status().code(), Code::Ok, "{fine}");
    }
    assert_eq!(raw.get(GET_SERVER_INFO).await.http(), 405);
    for path in ["/strongroom.v1.VaultService/Nothing", "/strongroom.v2.VaultService/GetVault", "/"] {
        let unknown = raw.call(path, &[], server_info()).await;
        assert_eq!(refused(&unknown), (Code::Unimplemented, "UNIMPLEMENTED".into()));
        assert!(unknown.status().message().contains(path), "{unknown:?}");
    }
    let unknown = raw.call(GET_SERVER_INFO, &[("grpc-encoding", "snappy")], server_info()).await;
    assert_eq!(refused(&unknown), (Code::Unimplemented, "UNIMPLEMENTED".into()));
    assert_eq!(unknown.status().metadata().get("grpc-accept-encoding").unwrap(), "gzip,identity");
}

#[tokio::test]
async fn bytes_that_are_no_request_are_a_fault_of_the_request() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    let fault = (Code::InvalidArgument, "INVALID_REQUEST".to_owned());
    let mut cut = create("prod").to_vec();
    cut.pop();
    for nonsense in [Bytes::new(), cut.into(), framed(&[0xff; 20]), framed(&[0x12, 1, 0xff]), framed(&[0x10, 1])] {
        assert_eq!(refused(&raw.call(CREATE_VAULT, &[], nonsense).await), fault);
    }
    assert_eq!(refused(&raw.call(CREATE_VAULT, &[], packed(&[1, 2, 3])).await), fault, "packed, but how?");
    let gzip = [("grpc-encoding", "gzip")];
    let mut garbled = packed(&[1, 2, 3]).to_vec();
    garbled.truncate(9);
    garbled[4] = 4;
    assert_eq!(refused(&raw.call(CREATE_VAULT, &gzip, garbled.into()).await), fault);
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_anything_is_made_of_it() {
    let world = World::start().await;
    let mut raw = Raw::connect(&world).await;
    let too_large = (Code::OutOfRange, "REQUEST_TOO_LARGE".to_owned());
    let long = raw.call(CREATE_VAULT, &[], create(&"x".repeat(300_000))).await;
    assert_eq!(refused(&long), too_large);
    assert!(long.status().message().contains("server.max_request_bytes"), "{long:?}");

    let rules = vec![Rule::default(); 100_000];
    let many = CreatePlanRequest { name: "nightly".into(), rules, ..Default::default() }.encode_to_vec();
    let told = raw.call(CREATE_PLAN, &[], framed(&many)).await;
    assert_eq!(refused(&told), too_large);
    assert!(told.status().message().contains("server.max_request_elements"), "{told:?}");

    let bomb = packed(&vec![0; 100_000_000]);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    let told = raw.call(CREATE_VAULT, &[("grpc-encoding", "gzip")], bomb).await;
    assert_eq!(refused(&told), too_large);

    let names: Vec<String> = (0..120).map(|number| format!("x-{number}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let told = raw.call(GET_SERVER_INFO, &headers, server_info()).await;
    assert_eq!(refused(&told), too_large);
    assert!(told.status().message().contains("server.max_headers"), "{told:?}");

    let value = "y".repeat(17_000);
    let told = raw.call(GET_SERVER_INFO, &[("x-large", &value)], server_info()).await;
    assert_eq!(refused(&told), too_large);
    assert!(told.status().message().contains("server.max_header_bytes"), "{told:?}");
    assert_eq!(raw.call(GET_SERVER_INFO, &[], server_info()).await.status().code(), Code::Ok);
}

#[tokio::test]
async fn bytes_of_unfinished_requests_are_bounded_in_all() {
    let world = World::start_with(|config| {
        config.server.max_buffered_bytes = 1_000_000;
        config.server.max_share_per_connection = 30;
    })
    .await;
    let mut greedy = Raw::connect(&world).await;
    let part = create(&"x".repeat(200_000)).slice(..60_000);
    let mut halves = Vec::new();
    for _ in 0..6 {
        halves.push(Box::pin(greedy.open(CREATE_VAULT, &[]).await.send(part.clone()).await.answer()));
    }
    // Six times 60,000 is more than 30 percent: one of them, whichever was the last, is told.
    let (told, _, _others) = futures_util::future::select_all(halves).await;
    assert_eq!(refused(&told), overloaded());
    assert!(told.status().message().contains("server.max_buffered_bytes"), "{told:?}");
    let mut other = Raw::connect(&world).await;
    let taken = other.call(CREATE_VAULT, &[], create(&"x".repeat(200_000))).await;
    assert_eq!(refused(&taken), (Code::InvalidArgument, "INVALID_REQUEST".into()), "read, and found too long a name");
}

#[tokio::test]
async fn requests_and_large_answers_may_be_packed() {
    let world = World::start().await;
    let mut vaults =
        world.vaults().send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    for number in 0..40 {
        let name = format!("a-vault-with-a-name-of-some-length-{number}");
        vaults.create_vault(CreateVaultRequest { name, ..Default::default() }).await.unwrap();
    }
    let listed = vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.vaults.len(), 40);
    let mut raw = Raw::connect(&world).await;
    let asks = [("grpc-accept-encoding", "gzip")];
    let list = framed(&ListVaultsRequest::default().encode_to_vec());
    let large = raw.call("/strongroom.v1.VaultService/ListVaults", &asks, list.clone()).await;
    assert_eq!((large.header("grpc-encoding"), large.data()[0]), (Some("gzip"), 1));
    assert!(large.data().len() < listed.encoded_len() / 2, "{} of {}", large.data().len(), listed.encoded_len());
    let small = raw.call(GET_SERVER_INFO, &asks, server_info()).await;
    assert_eq!(small.data()[0], 0, "what is small already is sent as it is");
    let plain = raw.call("/strongroom.v1.VaultService/ListVaults", &[], list).await;
    assert_eq!((plain.header("grpc-encoding"), plain.data()[0]), (None, 0));
}

#[tokio::test]
async fn watches_and_reflection_streams_have_bounds_of_their_own() {
    let world = World::start_with(|config| {
        // One for each connection.
        config.server.max_watches = 4;
        config.server.max_reflections = 4;
    })
    .await;
    let mut health = HealthClient::new(world.channel());
    let watch = health.watch(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(reason(&health.watch(HealthCheckRequest::default()).await.unwrap_err()), overloaded());
    health.check(HealthCheckRequest::default()).await.unwrap();
    drop(watch);
    until(async || health.watch(HealthCheckRequest::default()).await.is_ok()).await;

    let mut reflection = ServerReflectionClient::new(world.channel());
    let stream = reflection.server_reflection_info(tokio_stream::pending()).await.unwrap();
    let second = reflection.server_reflection_info(tokio_stream::pending()).await.unwrap_err();
    assert_eq!(reason(&second), overloaded());
    drop(stream);
}

#[tokio::test]
async fn a_reflection_stream_ends_at_its_deadline_with_details() {
    let world = World::start_with(|config| config.server.request_timeout = Duration::from_millis(300)).await;
    let mut reflection = ServerReflectionClient::new(world.channel());
    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let asks = futures_util::StreamExt::chain(tokio_stream::once(ask), tokio_stream::pending());
    let mut answers = reflection.server_reflection_info(asks).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    let ended = answers.message().await.unwrap_err();
    assert_eq!(reason(&ended), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
}

#[tokio::test]
async fn a_read_whose_client_hangs_up_gives_its_place_back() {
    let world = World::start_with(|config| config.server.max_concurrent_requests = 1).await;
    world.arm(json!({"operation": "ListBackupVaults", "rate": 1.0, "effect": {"delay_ms": 60_000}})).await;
    let mut vaults = world.vaults();
    let mut request = Request::new(ListVaultsRequest::default());
    request.set_timeout(PATIENCE);
    let mut slow = Box::pin(vaults.list_vaults(request));
    tokio::select! {
        answer = &mut slow => panic!("{answer:?}"),
        () = until(async || world.strikes().await != [0]) => {}
    }
    let full = world.server().get_server_info(GetServerInfoRequest::default()).await.unwrap_err();
    assert_eq!(reason(&full), overloaded());
    drop(slow);
    until(async || world.server().get_server_info(GetServerInfoRequest::default()).await.is_ok()).await;
}
