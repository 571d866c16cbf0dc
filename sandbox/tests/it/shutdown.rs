use serde_json::json;
use strongroom_sandbox::{Sandbox, SandboxConfig};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Serves until the returned token is cancelled; the handle ends when `serve` does.
async fn serve() -> (String, CancellationToken, tokio::task::JoinHandle<()>) {
    let config = SandboxConfig { listen: ([127, 0, 0, 1], 0).into(), ..SandboxConfig::default() };
    let sandbox = Sandbox::bind(config).await.unwrap();
    let url = format!("http://{}", sandbox.local_addr().unwrap());
    let stop = CancellationToken::new();
    let served = TaskTracker::new().spawn(sandbox.serve(stop.clone()));
    (url, stop, served)
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_frees_the_port() {
    let (url, stop, served) = serve().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(format!("{url}/_sandbox")).send().await.unwrap().status(), 200);
    stop.cancel();
    served.await.unwrap();
    assert!(client.get(format!("{url}/_sandbox")).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let (url, stop, served) = serve().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let fault = json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 200}});
    client.post(format!("{url}/_sandbox/faults")).json(&fault).send().await.unwrap();
    let slow = TaskTracker::new().spawn(client.get(format!("{url}/backup-vaults")).send());
    // The fault is used up as soon as the request is in the house.
    loop {
        let faults = client.get(format!("{url}/_sandbox/faults")).send().await.unwrap().text().await.unwrap();
        if !faults.contains("ListBackupVaults") {
            break;
        }
    }
    stop.cancel();
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    served.await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_message_is_answered_at_the_end() {
    let (url, stop, served) = serve().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let sqs = |operation: &str, body: serde_json::Value| {
        client.post(&url).header("x-amz-target", format!("AmazonSQS.{operation}")).json(&body).send()
    };
    sqs("CreateQueue", json!({"QueueName": "q"})).await.unwrap();
    let begun = std::time::Instant::now();
    let queue = format!("{url}/123456789012/q");
    let waiting = TaskTracker::new().spawn(sqs("ReceiveMessage", json!({"QueueUrl": queue, "WaitTimeSeconds": 20})));
    // Written down as soon as it is in the house.
    while !client.get(format!("{url}/_sandbox/calls")).send().await.unwrap().text().await.unwrap().contains("Receive") {
    }
    stop.cancel();
    assert_eq!(waiting.await.unwrap().unwrap().text().await.unwrap(), "{}");
    served.await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "it did not wait for the grace to end");
}

#[tokio::test]
async fn a_taken_port_is_an_error_of_bind() {
    let (url, _stop, _served) = serve().await;
    let listen = url.trim_start_matches("http://").parse().unwrap();
    let taken = Sandbox::bind(SandboxConfig { listen, ..SandboxConfig::default() }).await;
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}
