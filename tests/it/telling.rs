//! What is told of a call when it has ended: one line in the log, whatever came of it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use prost::Message as _;
use serde_json::{Value, json};
use strongroom::proto::{
    CreateVaultRequest, GetServerInfoRequest, GetVaultRequest, ListVaultsRequest,
    server_service_client::ServerServiceClient, vault_service_client::VaultServiceClient,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    doorway::wire::{Raw, framed},
    harness::{PATIENCE, request_id},
    served::{Served, Told},
};

const GET_VAULT: &str = "strongroom.v1.VaultService/GetVault";
const CREATE_VAULT: &str = "strongroom.v1.VaultService/CreateVault";

fn get(vault: &str) -> GetVaultRequest {
    GetVaultRequest { vault: vault.into(), ..Default::default() }
}

fn create(name: &str) -> CreateVaultRequest {
    CreateVaultRequest { name: name.into(), ..Default::default() }
}

fn throttled(operation: &str, next: u32) -> Value {
    json!({"operation": operation, "next": next, "effect": "throttle"})
}

/// The members, or null for each that is not there.
fn members<const N: usize>(line: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| line[name].clone())
}

#[tokio::test]
async fn a_change_tells_who_called_what_came_of_it_and_by_which_ids_it_is_found() {
    let served = Served::start(&[]).await;
    let mut vaults = VaultServiceClient::new(served.channel_of("portal/7").await);
    let answer = vaults.create_vault(create("prod")).await.unwrap().into_inner();
    let told = served.stop().await;
    let line = told.rpc("CreateVault");
    assert_eq!(line["level"], "INFO", "{line}");
    assert_eq!(members(line, ["method", "code", "reason"]), [json!(CREATE_VAULT), json!("OK"), Value::Null]);
    assert_eq!(members(line, ["account", "region"]), [json!("123456789012"), json!("us-east-1")]);
    assert_eq!(line["request_id"], answer.request_id.as_str(), "the server made it");
    assert!(line["user_agent"].as_str().unwrap().starts_with("portal/7 "), "{line}");
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
    let ids = line["aws_request_ids"].as_str().unwrap().split(',').count() as u64;
    assert!(ids > 1 && line["aws_calls"].as_u64().unwrap() == ids, "{line}");
    assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
}

#[tokio::test]
async fn a_failure_of_aws_is_told_once_with_what_only_the_log_may_know() {
    let served = Served::start(&["aws.max_attempts=1"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    served.arm(throttled("CreateBackupVault", 1)).await;
    let change = CreateVaultRequest { request_id: request_id(1), ..create("prod") };
    vaults.create_vault(change).await.unwrap_err();
    vaults.get_vault(get("nope")).await.unwrap_err();
    let told = served.stop().await;
    let line = told.rpc("CreateVault");
    assert_eq!(line["level"], "WARN", "{line}");
    assert_eq!(members(line, ["code", "reason"]), [json!("RESOURCE_EXHAUSTED"), json!("AWS_THROTTLED")]);
    assert_eq!(members(line, ["operation", "effect"]), [json!("CreateBackupVault"), json!("none")]);
    assert_eq!(line["request_id"], request_id(1).as_str(), "the API's, not AWS's");
    assert!(line["aws_request_ids"].as_str().unwrap().contains(line["aws_request_id"].as_str().unwrap()), "{line}");
    assert!(!line["said"].as_str().unwrap().is_empty() && !line["chain"].as_str().unwrap().is_empty(), "{line}");
    let missing = told.rpc("GetVault");
    assert_eq!(
        members(missing, ["level", "code", "reason"]),
        [json!("INFO"), json!("NOT_FOUND"), json!("VAULT_NOT_FOUND")]
    );
    let twice: Vec<_> = told.lines.iter().filter(|other| other["said"] == line["said"]).collect();
    assert_eq!(twice.len(), 1, "{twice:#?}");
}

#[tokio::test]
async fn whoever_is_turned_away_at_the_door_is_told_of_like_everybody() {
    let served = Served::start(&["server.max_request_bytes=65536"]).await;
    let mut raw = Raw::to(served.url(), [127, 0, 0, 1]).await;
    let path = format!("/{GET_VAULT}");
    let message = framed(&get("prod").encode_to_vec());
    raw.call("/strongroom.v1.VaultService/Nothing", &[], message.clone()).await;
    raw.call(&path, &[("content-type", "application/json")], message.clone()).await;
    raw.call(&path, &[("grpc-timeout", "0S")], message.clone()).await;
    raw.call(&path, &[("grpc-encoding", "zstd")], message.clone()).await;
    raw.call(&path, &[], framed(&[0; 70_000])).await;
    raw.call(&path, &[], Bytes::from_static(b"\0\0\0\0\x02\xff\xff")).await;
    let told = served.stop().await;
    let mut reasons: Vec<_> = told.rpcs().iter().map(|line| line["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    let expected =
        ["DEADLINE_EXCEEDED", "INVALID_REQUEST", "NOT_GRPC", "REQUEST_TOO_LARGE", "UNIMPLEMENTED", "UNIMPLEMENTED"];
    assert_eq!(reasons, expected, "{:#?}", told.lines);
    let unknown = told.rpcs().into_iter().find(|line| line["method"] == "_OTHER").unwrap();
    assert!(unknown["said"].as_str().unwrap().contains("/strongroom.v1.VaultService/Nothing"), "{unknown}");
    for line in told.rpcs() {
        assert!(!line["said"].as_str().unwrap().is_empty(), "{line}");
    }
}

#[tokio::test]
async fn what_a_client_calls_itself_is_told_as_far_as_it_is_a_name() {
    let served = Served::start(&[]).await;
    let mut raw = Raw::to(served.url(), [127, 0, 0, 1]).await;
    let agent = format!("a\tb{}", "x".repeat(1000));
    let message = framed(&GetServerInfoRequest::default().encode_to_vec());
    raw.call("/strongroom.v1.ServerService/GetServerInfo", &[("user-agent", &agent)], message).await;
    let told = served.stop().await;
    let agent = told.rpc("GetServerInfo")["user_agent"].as_str().unwrap();
    assert!(agent.starts_with("a\tbxxx") && agent.len() == 120, "{agent}");
}

#[tokio::test]
async fn the_work_of_a_change_whose_client_hung_up_tells_itself_how_it_ended() {
    let mut served = Served::start(&[]).await;
    served.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": {"delay_ms": 400}})).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    let change = CreateVaultRequest { request_id: request_id(1), ..create("prod") };
    let sent = async {
        while !served.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = vaults.create_vault(change) => panic!("{answer:?}"),
        () = sent => {}
    }
    let hung_up = served.line(|line| line["message"] == "rpc" && line["method"] == CREATE_VAULT).await;
    let expected = [json!("CANCELLED"), json!("CLIENT_GONE"), json!("goes on")];
    assert_eq!(members(&hung_up, ["code", "reason", "work"]), expected, "{hung_up}");
    let after = served.line(|line| line["message"] == "the work of a call ended after the call").await;
    assert_eq!(members(&after, ["code", "method"]), [json!("OK"), json!(CREATE_VAULT)], "{after}");
    assert_eq!(members(&after, ["request_id", "peer"]), [json!(request_id(1)), Value::Null], "{after}");
    assert!(!after["aws_request_ids"].as_str().unwrap().is_empty(), "{after}");
    served.stop().await;
}

#[tokio::test]
async fn probes_leave_no_line() {
    let served = Served::start(&[]).await;
    for _ in 0..5 {
        HealthClient::new(served.channel().await).check(HealthCheckRequest::default()).await.unwrap();
    }
    let told = served.stop().await;
    assert_eq!(told.rpcs(), Vec::<&Value>::new());
    assert_eq!(told.value("rpc.server.call.duration", &[("rpc.method", "grpc.health.v1.Health/Check")]), Some(5.0));
}

/// So many lines of the method, and so many that lines tell were not written.
fn written(told: &Told, method: &str) -> (u64, u64) {
    let lines = told.rpcs().into_iter().filter(|line| line["method"] == method);
    lines.fold((0, 0), |(lines, not), line| (lines + 1, not + line["unlogged"].as_u64().unwrap_or_default()))
}

#[tokio::test]
async fn a_flood_fills_no_disk_and_hides_no_change() {
    let served = Served::start(&[]).await;
    let mut raw = Raw::to(served.url(), [127, 0, 0, 1]).await;
    for _ in 0..400 {
        raw.call("/strongroom.v1.VaultService/Nothing", &[], framed(&[])).await;
    }
    let server = ServerServiceClient::new(served.channel().await);
    let ask = || {
        let mut server = server.clone();
        async move { server.get_server_info(GetServerInfoRequest::default()).await.unwrap() }
    };
    for _ in 0..40 {
        join_all((0..25).map(|_| ask())).await;
    }
    let mut vaults = VaultServiceClient::new(served.channel().await);
    for number in 0..150 {
        let check = CreateVaultRequest { validate_only: true, ..create(&format!("v{number}")) };
        vaults.create_vault(check).await.unwrap();
    }
    let told = served.stop().await;
    let (lines, not) = written(&told, "_OTHER");
    assert!(lines < 400 && lines + not <= 400, "{lines} lines, {not} not written");
    let (lines, not) = written(&told, "strongroom.v1.ServerService/GetServerInfo");
    assert!(lines < 1000 && lines + not <= 1000, "{lines} lines, {not} not written");
    assert_eq!(written(&told, CREATE_VAULT), (150, 0));
    let counted = |method| told.value("rpc.server.call.duration", &[("rpc.method", method)]);
    assert_eq!(counted("_OTHER"), Some(400.0), "what is not written is counted");
    assert_eq!(counted("strongroom.v1.ServerService/GetServerInfo"), Some(1000.0));
}

#[tokio::test]
async fn one_call_is_one_line_whatever_comes_of_it() {
    let served = Served::start(&["aws.max_attempts=1"]).await;
    let vaults = VaultServiceClient::new(served.channel().await);
    served.arm(json!({"operation": "ListBackupVaults", "rate": 0.3, "effect": "throttle"})).await;
    served.arm(json!({"operation": "CreateBackupVault", "rate": 0.3, "effect": "drop_after"})).await;
    served.arm(json!({"operation": "DescribeBackupVault", "rate": 0.3, "effect": {"delay_ms": 30}})).await;
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    let mut calls = Vec::new();
    for number in 0..90_u32 {
        let mut vaults = vaults.clone();
        let method = ["ListVaults", "CreateVault", "GetVault"][number as usize % 3];
        *sent.entry(method).or_default() += 1;
        calls.push(async move {
            let answer = async {
                match method {
                    "ListVaults" => vaults.list_vaults(ListVaultsRequest::default()).await.map(|_| ()),
                    "CreateVault" => vaults.create_vault(create(&format!("v{number}"))).await.map(|_| ()),
                    _ => vaults.get_vault(get("v1")).await.map(|_| ()),
                }
            };
            // Some hang up.
            let patience = if number % 7 == 0 { Duration::from_millis(20) } else { PATIENCE };
            _ = tokio::time::timeout(patience, answer).await;
        });
    }
    join_all(calls).await;
    let told = served.stop().await;
    for (method, sent) in sent {
        let method = format!("strongroom.v1.VaultService/{method}");
        let counted = told.value("rpc.server.call.duration", &[("rpc.method", &method)]);
        let (lines, not) = written(&told, &method);
        // One that hung up before its headers had left was never a call.
        let ended = lines + not;
        assert!(ended <= sent && ended + 13 >= sent, "{method}: {ended} of {sent}");
        #[expect(clippy::cast_precision_loss, reason = "it is below a hundred")]
        let ended = ended as f64;
        assert_eq!(counted, Some(ended), "{method}");
        assert_eq!(told.value("strongroom.rpc.active", &[("rpc.method", &method)]), Some(0.0), "{method}");
    }
}

#[tokio::test]
async fn at_the_lowest_level_too_lines_are_of_this_program_and_no_secret_is_told() {
    let served = Served::start(&["log.level=trace"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    vaults.create_vault(create("prod")).await.unwrap();
    vaults.get_vault(get("prod")).await.unwrap();
    let told = served.stop().await;
    assert!(told.lines.iter().any(|line| line["level"] == "DEBUG" && line["message"] == "called AWS"));
    for line in &told.lines {
        let target = line["target"].as_str().unwrap();
        let loud = ["DEBUG", "TRACE"].contains(&line["level"].as_str().unwrap());
        assert!(!loud || target.starts_with("strongroom"), "{line}");
    }
    for secret in ["Authorization", "authorization", "AWS4-HMAC", "x-amz-security-token"] {
        assert!(!told.raw.contains(secret), "{secret}");
    }
}
