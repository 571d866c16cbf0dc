//! What is counted of calls and of AWS, as a collector gets it.

use serde_json::json;
use strongroom::proto::{
    CreateVaultRequest, GetVaultRequest, ListVaultsRequest, Scope, vault_service_client::VaultServiceClient,
};

use crate::served::Served;

const LIST_VAULTS: &str = "strongroom.v1.VaultService/ListVaults";

#[tokio::test]
async fn calls_are_counted_by_method_and_code_and_failures_by_reason() {
    let served = Served::start(&["aws.max_attempts=2"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    for _ in 0..3 {
        vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    }
    vaults.get_vault(GetVaultRequest { vault: "nope".into(), ..Default::default() }).await.unwrap_err();
    let told = served.stop().await;
    let code = "rpc.response.status_code";
    let calls = |method, of| {
        told.value("rpc.server.call.duration", &[("rpc.system.name", "grpc"), ("rpc.method", method), (code, of)])
    };
    assert_eq!(calls(LIST_VAULTS, "OK"), Some(3.0));
    assert_eq!(calls(LIST_VAULTS, "NOT_FOUND"), None);
    assert_eq!(calls("strongroom.v1.VaultService/GetVault", "NOT_FOUND"), Some(1.0));
    for size in ["rpc.server.request.size", "rpc.server.response.size"] {
        assert_eq!(told.value(size, &[("rpc.method", LIST_VAULTS)]), Some(3.0), "{size}");
    }
    assert_eq!(told.value("strongroom.rpc.active", &[("rpc.method", LIST_VAULTS)]), Some(0.0));
    let failures = told.value("strongroom.rpc.failures", &[(code, "NOT_FOUND"), ("reason", "VAULT_NOT_FOUND")]);
    assert_eq!(failures, Some(1.0));
}

#[tokio::test]
async fn what_is_taken_of_each_bound_is_told_beside_what_there_is() {
    let served = Served::start(&["server.max_concurrent_requests=7", "server.max_connections=9"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 1500}})).await;
    let under_way = async {
        while !served.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
        served.scraped().await
    };
    let (listed, shown) = tokio::join!(vaults.list_vaults(ListVaultsRequest::default()), under_way);
    listed.unwrap();
    for expected in [
        "strongroom_door_taken{what=\"calls\"} 1",
        "strongroom_door_taken{what=\"watches\"} 0",
        "strongroom_door_limit{what=\"calls\"} 7",
        "strongroom_connections 1",
        "strongroom_connections_limit 9",
        "strongroom_rpc_active{rpc_method=\"strongroom.v1.VaultService/ListVaults\"} 1",
    ] {
        assert!(shown.lines().any(|line| line == expected), "{expected} is not in {shown}");
    }
}

#[tokio::test]
async fn calls_to_aws_are_counted_by_what_came_of_them_and_not_by_its_words() {
    let served = Served::start(&["aws.max_attempts=2"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    let odd = json!({"error": {"status": 418, "code": "TeapotException", "message": "no coffee"}});
    served.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": odd})).await;
    vaults.create_vault(CreateVaultRequest { name: "prod".into(), ..Default::default() }).await.unwrap_err();
    let told = served.stop().await;
    let place = [("aws.account_id", "123456789012"), ("aws.region", "us-east-1"), ("aws.service", "backup")];
    let of = |name, more: &[(&str, &str)]| told.value(name, &[&place[..], more].concat());
    assert_eq!(of("strongroom.aws.throttles", &[]), Some(1.0), "though a retry mended it");
    assert_eq!(of("strongroom.aws.calls", &[("outcome", "rejected")]), Some(1.0));
    assert!(of("strongroom.aws.attempts", &[]) > of("strongroom.aws.calls", &[("outcome", "ok")]));
    let listed = [("aws.operation", "ListBackupVaults"), ("outcome", "ok")];
    assert_eq!(told.value("strongroom.aws.call.duration", &listed), Some(1.0));
    assert!(!told.points.iter().any(|point| point.labels.values().any(|value| value.contains("Teapot"))));
    assert_eq!(
        told.value("strongroom.aws.flights", &[("how", "sent"), ("aws.operation", "ListBackupVaults")]),
        Some(1.0)
    );
}

#[tokio::test]
async fn whether_aws_answers_is_told_of_each_account_and_region_that_is_in_use() {
    let served = Served::start(&["aws.max_attempts=1"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    let list = |region: &str| ListVaultsRequest {
        scope: Some(Scope { region: region.into(), ..Default::default() }),
        ..Default::default()
    };
    vaults.list_vaults(list("us-east-1")).await.unwrap();
    vaults.list_vaults(list("eu-west-1")).await.unwrap();
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "drop_before"})).await;
    vaults.list_vaults(list("eu-west-1")).await.unwrap_err();
    let shown = served.scraped().await;
    for expected in [
        "strongroom_aws_scopes 2",
        "strongroom_aws_scope_reachable{aws_account_id=\"123456789012\",aws_region=\"us-east-1\"} 1",
        "strongroom_aws_scope_reachable{aws_account_id=\"123456789012\",aws_region=\"eu-west-1\"} 0",
    ] {
        assert!(shown.lines().any(|line| line == expected), "{expected} is not in {shown}");
    }
    assert!(!shown.contains("eu-central-1"), "{shown}");
}
