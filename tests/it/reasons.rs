//! Every reason of an error is seen over the wire: those that no test of an RPC meets in passing are provoked here.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use strongroom::{
    domain::RegionName,
    proto::{
        CreateVaultRequest, DeleteRecoveryPointRequest, DeleteVaultRequest, EnsureServiceRoleRequest, ErrorReason,
        ListRecoveryPointsRequest, ListVaultsRequest, ListVaultsResponse, Scope, StartBackupRequest,
    },
    rpc::{code_of, reason_name},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, client::Grpc};
use tonic_prost::ProstCodec;

use crate::{
    harness::{LABS, World, reason},
    tidy::files,
};

/// What no caller can bring about from outside, and why.
const NEVER_SEEN: &[(ErrorReason, &str)] = &[
    (ErrorReason::Unspecified, "never sent"),
    (
        ErrorReason::RegionNotSet,
        "the servers of these tests have the sandbox's region; tests/acceptance/test_without_region.py asks one without",
    ),
    (ErrorReason::Internal, "a fault of Strongroom's own that nobody knows of; rpc/status/tests.rs has its answer"),
];

/// A reason is seen where a test compares an error with the pair `Code::…, "REASON"`, and the pair is the right one.
#[test]
fn every_reason_is_asserted_over_the_wire_by_some_test() {
    let tests: String = files("tests/it".as_ref(), "rs")
        .into_iter()
        .flat_map(|file| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let excused: BTreeMap<i32, &str> = NEVER_SEEN.iter().map(|(reason, why)| (*reason as i32, *why)).collect();
    let all = (0..1000).filter_map(|number| ErrorReason::try_from(number).ok());
    let (seen, unseen): (Vec<ErrorReason>, Vec<ErrorReason>) = all.partition(|reason| {
        let pair = format!("Code::{:?}, \"{}\"", code_of(*reason), reason_name(*reason));
        tests.contains(&pair)
    });
    assert!(seen.len() > 35, "the pairs are found: {seen:?}");
    let missing: Vec<_> = unseen.iter().filter(|reason| !excused.contains_key(&(**reason as i32))).collect();
    assert!(missing.is_empty(), "no test sees {missing:?} over the wire");
    let stale: Vec<_> = seen.iter().filter(|reason| excused.contains_key(&(**reason as i32))).collect();
    assert!(stale.is_empty(), "seen after all: {stale:?}");
}

/// One answer of AWS's own, the next time that it is asked for `operation`.
async fn aws_says(world: &World, operation: &str, status: u16, code: &str) {
    let error = json!({"error": {"status": status, "code": code, "message": "AWS has its reasons"}});
    arm(world, operation, error).await;
}

async fn arm(world: &World, operation: &str, effect: Value) {
    world.arm(json!({"operation": operation, "next": 1, "effect": effect})).await;
}

fn vault(name: &str) -> CreateVaultRequest {
    CreateVaultRequest { name: name.into(), ..Default::default() }
}

#[tokio::test]
async fn what_aws_refuses_is_told_by_what_the_caller_can_do_about_it() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    for (status, code, told) in [
        (400, "InvalidParameterValueException", (Code::InvalidArgument, "AWS_REJECTED_ARGUMENT")),
        (400, "InvalidRequestException", (Code::FailedPrecondition, "AWS_REJECTED_STATE")),
        (403, "UnrecognizedClientException", (Code::FailedPrecondition, "AWS_CREDENTIALS")),
        (400, "ConflictException", (Code::Aborted, "AWS_CONFLICT")),
    ] {
        aws_says(&world, "CreateBackupVault", status, code).await;
        let refused = world.vaults().create_vault(vault("prod")).await.unwrap_err();
        assert_eq!(reason(&refused), (told.0, told.1.to_owned()), "{code}");
        assert!(refused.message().contains("AWS has its reasons"), "AWS is quoted: {refused:?}");
    }
    arm(&world, "ListBackupVaults", json!("throttle")).await;
    let throttled = world.vaults().list_vaults(ListVaultsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&throttled), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
}

#[tokio::test]
async fn a_vault_with_a_recovery_point_is_not_empty() {
    let world = World::start().await;
    world.vaults().create_vault(vault("prod")).await.unwrap();
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    let role = "AWSBackupDefaultServiceRole".into();
    let backup = StartBackupRequest { resource: LABS.into(), vault: "prod".into(), role, ..Default::default() };
    world.jobs().start_backup(backup).await.unwrap();
    world.advance("PT1H").await;
    let delete = DeleteVaultRequest { vault: "prod".into(), ..Default::default() };
    let full = world.vaults().delete_vault(delete.clone()).await.unwrap_err();
    assert_eq!(reason(&full), (Code::FailedPrecondition, "VAULT_NOT_EMPTY".into()));
    let list = ListRecoveryPointsRequest { vault: "prod".into(), ..Default::default() };
    let listed = world.recovery_points().list_recovery_points(list).await.unwrap().into_inner();
    for point in listed.recovery_points {
        let request =
            DeleteRecoveryPointRequest { vault: "prod".into(), recovery_point: point.arn, ..Default::default() };
        world.recovery_points().delete_recovery_point(request).await.unwrap();
    }
    world.advance("PT1H").await;
    world.vaults().delete_vault(delete).await.unwrap();
}

#[tokio::test]
async fn a_region_that_the_configuration_does_not_allow_is_refused() {
    let only = vec![RegionName::parse("us-east-1").unwrap()];
    let world = World::start_with(|config| config.aws.allowed_regions = only).await;
    let ireland = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let request = ListVaultsRequest { scope: ireland, ..Default::default() };
    let refused = world.vaults().list_vaults(request).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::PermissionDenied, "SCOPE_NOT_ALLOWED".into()));
}

/// The client has not heard yet that it should go.
#[tokio::test]
async fn a_call_that_comes_after_shutdown_began_is_sent_elsewhere() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    world.life().stop();
    let refused = vaults.list_vaults(ListVaultsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "SHUTTING_DOWN".into()));
}

/// Shutdown begins while the call is on its way: its stream is open, its message has not come. It has its place, and is
/// under way like any other.
#[tokio::test]
async fn a_call_that_came_before_shutdown_is_served() {
    let world = World::start().await;
    let (send, messages) = mpsc::channel(1);
    let late = async {
        let mut client = Grpc::new(world.channel());
        client.ready().await.unwrap();
        let path = "/strongroom.v1.VaultService/ListVaults".parse().unwrap();
        let codec = ProstCodec::<ListVaultsRequest, ListVaultsResponse>::default();
        client.client_streaming(Request::new(ReceiverStream::new(messages)), path, codec).await
    };
    let overtake = async {
        // The connection keeps the order: what answers this call has seen the other's stream.
        world.vaults().list_vaults(ListVaultsRequest::default()).await.unwrap();
        world.life().stop();
        send.send(ListVaultsRequest::default()).await.unwrap();
        drop(send);
    };
    let (late, ()): (Result<_, Status>, ()) = tokio::join!(late, overtake);
    late.expect("it is answered");
}
