//! Traces: who called, what it cost of AWS, and how it ended.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use strongroom::proto::{GetVaultRequest, ListVaultsRequest, vault_service_client::VaultServiceClient};
use tonic::Request;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    cli::program,
    served::{Served, Span},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn traced<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    request
}

fn of_name<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test]
async fn a_trace_goes_from_the_caller_through_the_call_to_aws() {
    let served = Served::start(&["aws.max_attempts=1"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    vaults.list_vaults(traced(ListVaultsRequest::default())).await.unwrap();
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    vaults.list_vaults(traced(ListVaultsRequest::default())).await.unwrap_err();
    let get = GetVaultRequest { vault: "nope".into(), ..Default::default() };
    vaults.get_vault(traced(get)).await.unwrap_err();
    HealthClient::new(served.channel().await).check(HealthCheckRequest::default()).await.unwrap();
    let told = served.stop().await;
    assert!(!told.spans.iter().any(|span| span.name.contains("Health")), "{:#?}", told.spans);

    let calls = of_name(&told.spans, "strongroom.v1.VaultService/ListVaults");
    let [fine, failed] = calls[..] else { panic!("{calls:#?}") };
    for call in [fine, failed] {
        assert_eq!(
            (call.kind, call.trace.as_str(), call.parent.as_str()),
            (SpanKind::Server, TRACE, "b7ad6b7169203331")
        );
        assert_eq!(call.attributes["rpc.system.name"], "grpc");
        assert_eq!(call.attributes["rpc.method"], "strongroom.v1.VaultService/ListVaults");
        assert_eq!(call.attributes["client.address"], "127.0.0.1");
    }
    assert_eq!(fine.failed, None);
    assert_eq!(
        (&fine.attributes["rpc.response.status_code"], &fine.attributes["rpc.grpc.status_code"]),
        (&json!("OK"), &json!(0))
    );
    // A caller who is throttled is not a server at fault.
    assert_eq!(failed.failed, None);
    assert_eq!(
        (&failed.attributes["rpc.response.status_code"], &failed.attributes["rpc.grpc.status_code"]),
        (&json!("RESOURCE_EXHAUSTED"), &json!(8))
    );
    assert_eq!(failed.attributes["strongroom.reason"], "AWS_THROTTLED");

    let asked = of_name(&told.spans, "ListBackupVaults");
    let of = |call: &Span| *asked.iter().find(|span| span.parent == call.id).unwrap();
    let (fine, throttled) = (of(fine), of(failed));
    assert_eq!((fine.kind, fine.failed.as_deref()), (SpanKind::Client, None));
    assert_eq!(
        (&fine.attributes["rpc.system.name"], &fine.attributes["http.response.status_code"]),
        (&json!("aws-api"), &json!(200))
    );
    assert_eq!((&fine.attributes["aws.attempts"], &fine.attributes["aws.region"]), (&json!(1), &json!("us-east-1")));
    assert_eq!((throttled.kind, throttled.failed.as_deref()), (SpanKind::Client, Some("throttled")));
    assert_eq!(throttled.trace, TRACE);

    // Lines tell the same trace.
    for line in told.rpcs() {
        assert_eq!(line["trace_id"], TRACE, "{line}");
        assert!(told.spans.iter().any(|span| line["span_id"] == span.id.as_str()), "{line}");
    }
}

#[tokio::test]
async fn a_fault_of_the_server_is_one_in_its_trace() {
    let served = Served::start(&["aws.max_attempts=1"]).await;
    let mut vaults = VaultServiceClient::new(served.channel().await);
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "drop_before"})).await;
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap_err();
    let told = served.stop().await;
    let failed: Vec<_> = told.spans.iter().filter(|span| span.failed.is_some()).collect();
    let names: Vec<_> = failed.iter().map(|span| (span.name.as_str(), span.failed.as_deref().unwrap())).collect();
    let expected = [("ListBackupVaults", "unavailable"), ("strongroom.v1.VaultService/ListVaults", "AWS_UNAVAILABLE")];
    assert_eq!(names, expected, "{failed:#?}");
    assert_eq!(failed[1].attributes["error.type"], "UNAVAILABLE");
}

#[tokio::test]
async fn a_read_that_joins_another_is_linked_with_it() {
    let served = Served::start(&[]).await;
    let vaults = VaultServiceClient::new(served.channel().await);
    vaults.clone().list_vaults(ListVaultsRequest::default()).await.unwrap();
    served.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 1000}})).await;
    let list = || {
        let mut vaults = vaults.clone();
        async move { vaults.list_vaults(ListVaultsRequest::default()).await.unwrap() }
    };
    let second = async {
        while !served.strikes().await.is_empty() {
            tokio::task::yield_now().await;
        }
        list().await
    };
    tokio::join!(list(), second);
    let told = served.stop().await;
    let joined: Vec<_> =
        told.spans.iter().filter(|span| span.attributes.get("aws.joined") == Some(&Value::Bool(true))).collect();
    let [joined] = joined[..] else { panic!("{joined:#?}") };
    let flight = told.spans.iter().find(|span| joined.links.contains(&span.id)).expect("a link to the flight");
    assert_eq!((flight.name.as_str(), joined.name.as_str()), ("ListBackupVaults", "ListBackupVaults"));
    assert_ne!(flight.trace, joined.trace);
}

#[tokio::test]
async fn a_command_of_a_person_is_one_trace() {
    let served = Served::start(&["telemetry.sample_ratio=0"]).await;
    let mut list = program(served.url(), &["vault", "list"]);
    let ran = tokio::task::spawn_blocking(move || list.output()).await.unwrap().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let told = served.stop().await;
    let [call] = of_name(&told.spans, "strongroom.v1.VaultService/ListVaults")[..] else { panic!("{:#?}", told.spans) };
    assert_eq!(told.rpc("ListVaults")["trace_id"], call.trace.as_str());
    assert!(call.parent.bytes().any(|digit| digit != b'0'), "{call:#?}");
}
