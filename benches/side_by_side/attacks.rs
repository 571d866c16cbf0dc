//! What one client can make the server hold: each attack on a fresh server, its most resident memory read by the kernel.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use strongroom::proto::{CreatePlanRequest, Rule, plan_service_client::PlanServiceClient};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{
    figures::table,
    http2::{END_STREAM, Rude, call, frame},
    load,
    processes::{Running, STRONGROOM},
};

const GET_VAULT: &str = "/strongroom.v1.VaultService/GetVault";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const CREATE_PLAN: &str = "/strongroom.v1.PlanService/CreatePlan";
/// Time for the server to take in what it was sent.
const QUIET: Duration = Duration::from_millis(1_500);

#[derive(Debug, Clone, Copy)]
enum Attack {
    HalfOpen(&'static str),
    Watchers,
    EmptyRules,
    Unfinished,
    NeverReads,
}

const ATTACKS: [(&str, Attack); 6] = [
    ("100,000 half-open calls on one connection", Attack::HalfOpen(GET_VAULT)),
    ("100,000 half-open reflection streams", Attack::HalfOpen(REFLECTION)),
    ("100,000 health watches", Attack::Watchers),
    ("a CreatePlan of two million empty rules (4 MB), 8 at once", Attack::EmptyRules),
    ("messages of 4 MiB, unfinished, on 800 streams", Attack::Unfinished),
    ("100,000 calls whose answers are never read", Attack::NeverReads),
];

pub(crate) async fn run(quick: bool, against: Option<&Path>) -> Result<()> {
    let mut rows = Vec::new();
    for (name, attack) in ATTACKS {
        eprintln!("attack: {name}");
        let mut row = vec![name.to_owned(), on(Path::new(STRONGROOM), attack, quick).await?];
        if let Some(older) = against {
            row.push(on(older, attack, quick).await?);
        }
        rows.push(row);
    }
    let mut header = vec!["attack by one client", "most resident, then after it"];
    if against.is_some() {
        header.push("the older server");
    }
    table("Memory under attack", &header, &rows);
    Ok(())
}

async fn on(binary: &Path, attack: Attack, quick: bool) -> Result<String> {
    let sandbox = Running::sandbox()?;
    let server = Running::server::<&str>(binary, &sandbox, &[])?;
    // What the attack itself runs into, such as a closed connection, is what it is for.
    if let Err(error) = made(&server, attack, quick).await {
        eprintln!("  it ended with: {error:#}");
    }
    tokio::time::sleep(QUIET).await;
    let Ok((now, most)) = server.resident() else { return Ok("**the server died**".to_owned()) };
    let mut health = HealthClient::new(load::channels(&server.url(), 1).await?.remove(0));
    let served = health.check(HealthCheckRequest::default()).await.map_or("**serves nobody**", |_| "serves");
    Ok(format!("{most:.0} MiB, {now:.0} MiB, {served}"))
}

async fn made(server: &Running, attack: Attack, quick: bool) -> Result<()> {
    let streams = if quick { 100 } else { 100_000 };
    match attack {
        Attack::HalfOpen(path) => flood(server, streams, &[], path, &[]).await,
        // An empty message, whole: the watch of the server begins.
        Attack::Watchers => flood(server, streams, &[], WATCH, &frame(0x0, END_STREAM, 0, &[0; 5])).await,
        // Settings with an initial window of 0: no byte of an answer may come.
        Attack::NeverReads => flood(server, streams, &[(0x4, 0)], GET_VAULT, &frame(0x0, END_STREAM, 0, &[0; 5])).await,
        Attack::EmptyRules => empty_rules(server, if quick { 10 } else { 2_000_000 }).await,
        Attack::Unfinished => unfinished(server, if quick { 2 } else { 800 }).await,
    }
}

/// Opens streams without regard for what the server allows, each followed by a frame (whose stream is filled in).
async fn flood(server: &Running, streams: u32, settings: &[(u16, u32)], path: &str, then: &[u8]) -> Result<()> {
    let mut rude = Rude::connect(&server.address, settings).await?;
    rude.drain(Duration::from_millis(50)).await?;
    let numbers: Vec<u32> = (0..streams).map(|number| number * 2 + 1).collect();
    for some in numbers.chunks(500) {
        let mut bytes = Vec::new();
        for &stream in some {
            bytes.extend(call(stream, path));
            let mut then = then.to_vec();
            if let Some(place) = then.get_mut(5..9) {
                place.copy_from_slice(&stream.to_be_bytes());
            }
            bytes.extend(then);
        }
        rude.send(&bytes).await?;
        if rude.drain(Duration::ZERO).await? {
            anyhow::bail!("the server closed the connection at stream {}", some[0]);
        }
    }
    rude.drain(QUIET).await?;
    Ok(())
}

async fn empty_rules(server: &Running, rules: usize) -> Result<()> {
    let channels = load::channels(&server.url(), 8).await?;
    let request = CreatePlanRequest { rules: vec![Rule::default(); rules], ..CreatePlanRequest::default() };
    let all = channels.into_iter().map(|channel| {
        let request = request.clone();
        async move { PlanServiceClient::new(channel).create_plan(request).await.err() }
    });
    let answers = futures_util::future::join_all(all).await;
    eprintln!(
        "  answered: {:?}",
        answers.first().and_then(Option::as_ref).map(|status| (status.code(), status.message().to_owned()))
    );
    Ok(())
}

/// Begins a message of 4 MiB on each stream, sends all of it but the last byte, and keeps the connection.
async fn unfinished(server: &Running, streams: usize) -> Result<()> {
    const SIZE: usize = 4 << 20;
    let stream = tokio::net::TcpStream::connect(&server.address).await?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::task::spawn(connection);
    let one = |number: usize| {
        let mut sender = sender.clone();
        async move {
            sender = sender.ready().await?;
            let request = http::Request::post(format!("http://localhost{CREATE_PLAN}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(())?;
            let (answer, mut body) = sender.send_request(request, false)?;
            let mut message = vec![0; SIZE - 1];
            message[1..5].copy_from_slice(&u32::try_from(SIZE)?.to_be_bytes());
            body.reserve_capacity(message.len());
            body.send_data(message.into(), false).context(number)?;
            // Whoever is refused hears it here; whoever is not waits for the end of the attack.
            let _ = answer.await;
            anyhow::Ok(())
        }
    };
    let all = futures_util::future::join_all((0..streams).map(one));
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
    connection.abort();
    Ok(())
}
