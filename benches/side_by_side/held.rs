//! What calls that hang cost: memory at rest, with 1,000 and with 10,000 of them, and whether a health check still gets its
//! answer. And what equal reads in flight cost AWS.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use strongroom::proto::{
    GetJobRequest, GetVaultRequest, JobKind, job_service_client::JobServiceClient,
    vault_service_client::VaultServiceClient,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    figures::{Latencies, table},
    load, peers,
    processes::{Running, STRONGROOM},
};

/// The default refuses what is more than a pod should hold, and one address more than its share; to hold 10,000 calls at
/// all, the server is told to.
const WIDE: [&str; 3] =
    ["server.max_concurrent_requests=20000", "server.max_share_per_connection=100", "server.max_share_per_address=100"];

pub(crate) async fn run(quick: bool) -> Result<()> {
    let sizes: &[usize] = if quick { &[8] } else { &[1_000, 10_000] };
    let mut rows = Vec::new();
    for &size in sizes {
        eprintln!("{size} calls held");
        rows.push(held(size).await?);
    }
    table(
        "Calls under way with AWS 2 s away, each about another job",
        &["calls", "resident at rest", "resident with them", "health check p50 / p99", "answered"],
        &rows,
    );
    equal_reads(quick).await
}

async fn held(size: usize) -> Result<Vec<String>> {
    let sandbox = Running::sandbox()?;
    let server = Running::server(Path::new(STRONGROOM), &sandbox, &WIDE)?;
    // Who the server is has been asked, and its first client is made.
    let channels = load::channels(&server.url(), size.div_ceil(100)).await?;
    let first = JobServiceClient::new(channels[0].clone());
    let _ = first.clone().get_job(request(usize::MAX)).await;
    let (at_rest, _) = server.resident()?;
    sandbox.slow_down(2_000).await?;
    let calls = load::run(size, size, |caller, _| {
        let mut client = JobServiceClient::new(channels[caller % channels.len()].clone());
        async move {
            let answer = client.get_job(request(caller)).await;
            // There is no such job: to hear that, AWS was asked.
            match answer {
                Err(status) if status.code() == tonic::Code::NotFound => Ok(()),
                other => Err(anyhow::anyhow!("{other:?}")),
            }
        }
    });
    let mut health = HealthClient::new(load::channels(&server.url(), 1).await?.remove(0));
    let checks = async {
        // All calls are under way by then, and none has its answer.
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        let mut latencies = Vec::new();
        let mut most: f64 = 0.0;
        for _ in 0..200 {
            let asked = Instant::now();
            health.check(HealthCheckRequest::default()).await?;
            latencies.push(asked.elapsed());
            most = most.max(server.resident()?.0);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        anyhow::Ok((Latencies::of(latencies), most))
    };
    let (calls, checks) = tokio::join!(calls, checks);
    let (latencies, most) = checks?;
    let answered = match calls {
        Ok(ran) => format!("{} of {size}", ran.calls),
        Err(error) => format!("not all: {error:#}"),
    };
    Ok(vec![
        size.to_string(),
        format!("{at_rest:.0} MiB"),
        format!("{most:.0} MiB"),
        format!("{:.1} / {:.1} ms", latencies.quantile(0.5) / 1000.0, latencies.quantile(0.99) / 1000.0),
        answered,
    ])
}

fn request(number: usize) -> GetJobRequest {
    let job = format!("00000000-0000-4000-8000-{number:012x}");
    GetJobRequest { job, kind: JobKind::Backup.into(), ..GetJobRequest::default() }
}

/// A thousand calls at once for the same vault, and for as many vaults as there are callers.
async fn equal_reads(quick: bool) -> Result<()> {
    let calls: usize = if quick { 8 } else { 1_000 };
    let sandbox = Running::sandbox()?;
    let server = Running::server(Path::new(STRONGROOM), &sandbox, &WIDE)?;
    let sdk = peers::sdk(&sandbox).await;
    sdk.create_backup_vault().backup_vault_name("bench").send().await?;
    let channels = load::channels(&server.url(), calls.div_ceil(100)).await?;
    let get = |caller: usize| {
        let mut client = VaultServiceClient::new(channels[caller % channels.len()].clone());
        async move {
            client.get_vault(GetVaultRequest { vault: "bench".to_owned(), ..GetVaultRequest::default() }).await?;
            anyhow::Ok(())
        }
    };
    get(0).await?;
    sandbox.slow_down(500).await?;
    let before = requests(&sandbox).await?;
    load::run(calls, calls, |caller, _| get(caller)).await?;
    let together = requests(&sandbox).await? - before;
    sandbox.speed_up().await?;
    let before = requests(&sandbox).await?;
    load::run(1, calls, |caller, _| get(caller)).await?;
    let apart = requests(&sandbox).await? - before;
    table(
        &format!("AWS calls for {calls} GetVault of one vault"),
        &["all at once, AWS 500 ms away", "one after the other"],
        &[vec![together.to_string(), apart.to_string()]],
    );
    Ok(())
}

async fn requests(sandbox: &Running) -> Result<u64> {
    let answer = reqwest::get(format!("{}/_sandbox/requests", sandbox.url())).await?.error_for_status()?;
    let answer: serde_json::Value = answer.json().await?;
    answer["total"].as_u64().context("the sandbox counts no requests")
}
