//! What holds for every call: deadlines, the bound on calls at once, changes that run to their end, shutdown.

use std::time::Duration;

use serde_json::json;
use strongroom::{
    config::RoleTemplate,
    lifecycle::Outcome,
    proto::{
        CreateVaultRequest, DeleteVaultRequest, EnsureServiceRoleRequest, GetVaultRequest, ListVaultsRequest, Scope,
        TagResourceRequest,
    },
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

use crate::harness::{LABS, PATIENCE, World, reason, request_id};

fn create(name: &str) -> CreateVaultRequest {
    CreateVaultRequest { name: name.into(), ..Default::default() }
}

#[tokio::test]
async fn a_read_ends_at_the_servers_deadline_and_says_that_nothing_changed() {
    let world = World::start_with(|config| config.server.request_timeout = Duration::from_millis(200)).await;
    world.arm(json!({"operation": "ListBackupVaults", "rate": 1.0, "effect": {"delay_ms": 5000}})).await;
    let late = world.vaults().list_vaults(ListVaultsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&late), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
}

#[tokio::test]
async fn a_change_whose_client_hangs_up_runs_to_its_end() {
    let world = World::start().await;
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 400}})).await;
    let mut vaults = world.vaults();
    let sent = async {
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = vaults.create_vault(create("prod")) => panic!("{answer:?}"),
        () = sent => {}
    }
    let made = async {
        while world.vaults().get_vault(GetVaultRequest { vault: "prod".into(), ..Default::default() }).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("the vault is made all the same");
}

#[tokio::test]
async fn one_call_too_many_is_refused_at_once_and_not_queued() {
    let world = World::start_with(|config| config.server.max_concurrent_requests = 1).await;
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 1500}})).await;
    let (mut slow, mut refused) = (world.vaults(), world.vaults());
    let second = async {
        // The fault strikes when the first call has come through: from then on its place is taken.
        while world.strikes().await != [1] && !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
        refused.list_vaults(ListVaultsRequest::default()).await
    };
    let (first, second) = tokio::join!(slow.list_vaults(ListVaultsRequest::default()), second);
    assert!(first.is_ok(), "{first:?}");
    assert_eq!(reason(&second.unwrap_err()), (Code::ResourceExhausted, "OVERLOADED".into()));
}

#[tokio::test]
async fn every_service_is_healthy_until_shutdown_begins_and_calls_under_way_end_well() {
    let world = World::start().await;
    let mut health = HealthClient::new(world.channel());
    for service in ["", "strongroom.v1.VaultService", "strongroom.v1.AccountService", "strongroom.v1.ResourceService"] {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 500}})).await;
    let mut vaults = world.vaults();
    let stop = async {
        while !world.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
        world.life().stop();
    };
    let (made, ()) = tokio::join!(vaults.create_vault(create("prod")), stop);
    assert!(made.is_ok(), "a call under way is let end: {made:?}");
}

#[tokio::test]
async fn aws_out_of_reach_is_unavailable_for_a_read_and_harmless_for_a_change_that_was_never_sent() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let mut vaults = world.vaults();
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "drop_before"})).await;
    let read = vaults.list_vaults(ListVaultsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&read), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
    let broken = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "try later"}});
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": broken})).await;
    let change = vaults.create_vault(create("prod")).await.unwrap_err();
    assert_eq!(reason(&change), (Code::Unavailable, "OUTCOME_UNKNOWN".into()), "a 5xx does not tell");
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": "truncate"})).await;
    let change = vaults.create_vault(create("prod")).await;
    assert!(change.as_ref().is_err_and(|error| reason(error).1 == "OUTCOME_UNKNOWN"), "{change:?}");
}

#[tokio::test]
async fn a_health_watch_hears_of_the_shutdown_and_does_not_hold_the_server_open() {
    let world = World::start().await;
    let mut health = HealthClient::new(world.channel());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopped = world.life().run(std::future::pending, || tokio::time::sleep(PATIENCE));
    let (outcome, heard) = tokio::join!(stopped, async {
        world.life().stop();
        watch.message().await
    });
    assert_eq!(heard.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(outcome, Outcome::Drained);
}

#[tokio::test]
async fn a_change_that_was_made_is_never_said_not_to_be() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let broken = json!({"error": {"status": 503, "code": "ServiceUnavailableException", "message": "try later"}});
    world.arm(json!({"operation": "DescribeBackupVault", "next": 1, "effect": broken})).await;
    let vault = world.vaults().create_vault(create("prod")).await.unwrap_err();
    assert_eq!(reason(&vault), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));

    // The first look is for how many there are.
    world.arm(json!({"operation": "ListTagsForResource", "skip": 1, "next": 1, "effect": "throttle"})).await;
    let tags = [("team".to_owned(), "platform".to_owned())].into();
    let tag = TagResourceRequest { resource: LABS.into(), tags, ..Default::default() };
    let tags = world.resources().tag_resource(tag).await.unwrap_err();
    assert_eq!(reason(&tags), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));

    world.arm(json!({"operation": "AttachRolePolicy", "next": 1, "effect": "throttle"})).await;
    let role = world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap_err();
    assert_eq!(reason(&role), (Code::Unavailable, "OUTCOME_UNKNOWN".into()), "the role was made before");
    let message = role.message();
    assert!(message.starts_with("AWS throttles AttachRolePolicy and did not do it"), "{message}");
    assert!(message.contains("before that this call created role") && !message.contains("may or may not"), "{message}");
}

#[tokio::test]
async fn a_change_without_a_request_id_is_left_to_its_caller_and_to_no_library() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let pushback = async |request: CreateVaultRequest| {
        world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": "drop_after"})).await;
        let status = world.vaults().create_vault(request).await.unwrap_err();
        assert_eq!(reason(&status), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        let told = status.metadata().get("grpc-retry-pushback-ms").unwrap();
        told.to_str().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(pushback(create("one")).await, -1);
    assert!(pushback(CreateVaultRequest { request_id: request_id(1), ..create("two") }).await > 0);
}

#[tokio::test]
async fn a_delete_whose_first_answer_was_lost_is_a_success() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    vaults.create_vault(create("prod")).await.unwrap();
    world.arm(json!({"operation": "DeleteBackupVault", "next": 1, "effect": "drop_after"})).await;
    vaults.delete_vault(DeleteVaultRequest { vault: "prod".into(), ..Default::default() }).await.unwrap();
    assert!(vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults.is_empty());
}

#[tokio::test]
async fn a_way_into_an_account_that_is_closed_for_the_moment_passes() {
    let role = "arn:aws:iam::{account}:role/OrganizationAccountAccessRole";
    let world = World::start_with(|config| config.aws.assume_role = RoleTemplate::new(role)).await;
    world.arm(json!({"service": "sts", "operation": "AssumeRole", "rate": 1.0, "effect": "throttle"})).await;
    let scope = Some(Scope { account: "999999999999".into(), ..Default::default() });
    let closed = world.vaults().list_vaults(ListVaultsRequest { scope, ..Default::default() }).await.unwrap_err();
    assert_eq!(reason(&closed), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
}
