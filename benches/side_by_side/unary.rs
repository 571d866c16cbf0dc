//! Calls a second and latencies: the cheapest RPC beside bare tonic, GetVault beside the AWS calls that it makes and beside
//! the service in Python.

use std::path::Path;

use anyhow::{Context as _, Result};
use aws_sdk_backup::Client;
use strongroom::proto::{
    GetServerInfoRequest, GetVaultRequest, server_service_client::ServerServiceClient,
    vault_service_client::VaultServiceClient,
};
use tonic::transport::Channel;

use crate::{
    figures::{median, table},
    load::{self, Ran},
    peers,
    processes::{Running, STRONGROOM},
    told::Told,
};

/// Callers at once, over as many connections: what a platform's services make of it.
pub(crate) const CALLERS: usize = 64;
pub(crate) const CONNECTIONS: usize = 8;
const VAULT: &str = "bench";

pub(crate) async fn run(pairs: usize, quick: bool, python: Option<&Path>) -> Result<()> {
    let (sandbox, bare, collector) = (Running::sandbox()?, peers::bare_tonic()?, peers::collector()?);
    let server = |told: Told| Running::server(Path::new(STRONGROOM), &sandbox, &told.settings(&collector));
    let sdk = peers::sdk(&sandbox).await;
    sdk.create_backup_vault().backup_vault_name(VAULT).send().await?;
    let few = if quick { 64 } else { 64_000 };
    let theirs = load::channels(&bare.url(), CONNECTIONS).await?;
    for told in Told::ALL {
        let server = server(told)?;
        let ours = load::channels(&server.url(), CONNECTIONS).await?;
        cheapest(told, pairs, few, &ours, &theirs).await?;
    }
    let server = server(Told::Default)?;
    let ours = load::channels(&server.url(), CONNECTIONS).await?;

    let few = if quick { 4 } else { 2_000 };
    let vaults = VaultServiceClient::new(ours[0].clone());
    let near = beside_the_sdk(pairs, few, &vaults, &sdk).await?;
    sandbox.slow_down(20).await?;
    let far = beside_the_sdk(pairs, few / 20 + 1, &vaults, &sdk).await?;
    sandbox.speed_up().await?;
    let row = |what: &str, near: String, far: String| vec![what.to_owned(), near, far];
    table(
        "GetVault, one caller, beside the AWS calls that it makes",
        &["", "AWS at hand", "AWS 20 ms away"],
        &[
            row("one AWS call, p50", format!("{:.0} µs", near.one), format!("{:.0} µs", far.one)),
            row(
                "both AWS calls side by side, p50",
                format!("{:.0} µs", near.both[0]),
                format!("{:.0} µs", far.both[0]),
            ),
            row("GetVault, p50", format!("{:.0} µs", near.ours[0]), format!("{:.0} µs", far.ours[0])),
            row("added to both calls, p50 / p99 / p99.9", near.added(), far.added()),
            row("GetVault ÷ one AWS call, p50", format!("{:.3}", near.ratio), format!("{:.3}", far.ratio)),
        ],
    );
    if let Some(python) = python {
        beside_python(pairs, if quick { 64 } else { 3_200 }, python, &sandbox, &ours).await?;
    }
    Ok(())
}

async fn cheapest(told: Told, pairs: usize, calls: usize, ours: &[Channel], theirs: &[Channel]) -> Result<()> {
    let ask = async |channels: &[Channel], calls: usize| {
        let clients: Vec<_> = channels.iter().map(|channel| ServerServiceClient::new(channel.clone())).collect();
        load::run(CALLERS, calls, |caller, _| {
            let mut client = clients[caller % clients.len()].clone();
            async move {
                client.get_server_info(GetServerInfoRequest {}).await?;
                Ok(())
            }
        })
        .await
    };
    // The first calls find out who the server is, and warm both up.
    ask(ours, CALLERS).await?;
    ask(theirs, CALLERS).await?;
    let ran = in_pairs("cheapest RPC", pairs, || ask(ours, calls), || ask(theirs, calls)).await?;
    let (rate, half) = (Medians::of(&ran, Ran::calls_a_second), Medians::of(&ran, |ran| ran.latencies.quantile(0.5)));
    table(
        &format!("GetServerInfo, {CALLERS} callers on {CONNECTIONS} connections, beside bare tonic: {}", told.name()),
        &["", "Strongroom", "bare tonic", "ratio"],
        &[
            vec![
                "calls a second".to_owned(),
                format!("{:.0}", rate.ours),
                format!("{:.0}", rate.theirs),
                format!("{:.3}", rate.ratio),
            ],
            vec![
                "p50".to_owned(),
                format!("{:.0} µs", half.ours),
                format!("{:.0} µs", half.theirs),
                format!("{:.3}", half.ratio),
            ],
        ],
    );
    Ok(())
}

/// A figure of both over all pairs, and of their ratios: medians.
pub(crate) struct Medians {
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) ratio: f64,
}

impl Medians {
    pub(crate) fn of(pairs: &[(Ran, Ran)], figure: impl Fn(&Ran) -> f64) -> Self {
        let over = |of: &dyn Fn(&(Ran, Ran)) -> f64| median(pairs.iter().map(of).collect());
        Self {
            ours: over(&|(ours, _)| figure(ours)),
            theirs: over(&|(_, theirs)| figure(theirs)),
            ratio: over(&|(ours, theirs)| figure(ours) / figure(theirs)),
        }
    }
}

/// So many pairs.
pub(crate) async fn in_pairs<A, B>(
    what: &str,
    pairs: usize,
    ours: impl Fn() -> A,
    theirs: impl Fn() -> B,
) -> Result<Vec<(Ran, Ran)>>
where
    A: Future<Output = Result<Ran>>,
    B: Future<Output = Result<Ran>>,
{
    let mut ran = Vec::new();
    for pair in 0..pairs {
        eprintln!("{what}, pair {} of {pairs}", pair + 1);
        ran.push(in_turn(pair, &ours, &theirs).await?);
    }
    Ok(ran)
}

/// Both of a pair, now the one first and now the other: what warms up or slows down meanwhile favours neither.
async fn in_turn<A, B>(pair: usize, ours: impl FnOnce() -> A, theirs: impl FnOnce() -> B) -> Result<(Ran, Ran)>
where
    A: Future<Output = Result<Ran>>,
    B: Future<Output = Result<Ran>>,
{
    if pair.is_multiple_of(2) {
        let first = ours().await?;
        Ok((first, theirs().await?))
    } else {
        let first = theirs().await?;
        Ok((ours().await?, first))
    }
}

/// A quantile of the three runs of a pair: one AWS call, GetVault, both AWS calls.
type Quantile<'q> = dyn Fn(&(Ran, Ran, Ran), f64) -> f64 + 'q;
const SHARES: [f64; 3] = [0.5, 0.99, 0.999];

/// Medians over pairs, in microseconds; three numbers are p50, p99 and p99.9.
struct Beside {
    one: f64,
    both: [f64; 3],
    ours: [f64; 3],
    added: [f64; 3],
    ratio: f64,
}

impl Beside {
    fn added(&self) -> String {
        let [half, most, nearly_all] = self.added;
        format!("{half:.0} / {most:.0} / {nearly_all:.0} µs")
    }
}

async fn beside_the_sdk(
    pairs: usize,
    calls: usize,
    vaults: &VaultServiceClient<Channel>,
    sdk: &Client,
) -> Result<Beside> {
    let arn = sdk.describe_backup_vault().backup_vault_name(VAULT).send().await?;
    let arn = arn.backup_vault_arn().context("the vault has no ARN")?;
    let one = || {
        load::run(1, calls, |_, _| async {
            sdk.describe_backup_vault().backup_vault_name(VAULT).send().await?;
            Ok(())
        })
    };
    let both = || {
        load::run(1, calls, |_, _| async {
            let describe = sdk.describe_backup_vault().backup_vault_name(VAULT).send();
            let tags = sdk.list_tags().resource_arn(arn).send();
            let (vault, tags) = tokio::join!(describe, tags);
            vault?;
            tags?;
            Ok(())
        })
    };
    let ours = || {
        load::run(1, calls, |_, _| {
            let mut vaults = vaults.clone();
            async move {
                vaults.get_vault(GetVaultRequest { vault: VAULT.to_owned(), ..GetVaultRequest::default() }).await?;
                Ok(())
            }
        })
    };
    let mut all = Vec::new();
    for pair in 0..pairs {
        eprintln!("GetVault beside the SDK, pair {} of {pairs}", pair + 1);
        let single = one().await?;
        let (a, b) = in_turn(pair, ours, both).await?;
        all.push((single, a, b));
    }
    let over = |of: &dyn Fn(&(Ran, Ran, Ran)) -> f64| median(all.iter().map(of).collect());
    let three = |of: &Quantile<'_>| SHARES.map(|share| over(&|pair| of(pair, share)));
    Ok(Beside {
        one: over(&|(one, ..)| one.latencies.quantile(0.5)),
        both: three(&|(_, _, both), share| both.latencies.quantile(share)),
        ours: three(&|(_, ours, _), share| ours.latencies.quantile(share)),
        added: three(&|(_, ours, both), share| ours.latencies.quantile(share) - both.latencies.quantile(share)),
        ratio: over(&|(one, ours, _)| ours.latencies.quantile(0.5) / one.latencies.quantile(0.5)),
    })
}

async fn beside_python(pairs: usize, calls: usize, python: &Path, sandbox: &Running, ours: &[Channel]) -> Result<()> {
    let peer = peers::python(python, sandbox)?;
    let theirs = load::channels(&peer.url(), CONNECTIONS).await?;
    // A vault for each caller: equal reads in flight would be sent once, which is measured elsewhere.
    let sdk = peers::sdk(sandbox).await;
    for caller in 0..CALLERS {
        sdk.create_backup_vault().backup_vault_name(format!("{VAULT}-{caller}")).send().await?;
    }
    let ask = async |channels: &[Channel], calls: usize| {
        let clients: Vec<_> = channels.iter().map(|channel| VaultServiceClient::new(channel.clone())).collect();
        load::run(CALLERS, calls, |caller, _| {
            let mut client = clients[caller % clients.len()].clone();
            async move {
                let request = GetVaultRequest { vault: format!("{VAULT}-{caller}"), ..GetVaultRequest::default() };
                client.get_vault(request).await?;
                Ok(())
            }
        })
        .await
    };
    ask(&theirs, CALLERS).await?;
    let ran = in_pairs("GetVault beside Python", pairs, || ask(ours, calls * 4), || ask(&theirs, calls)).await?;
    let rate = Medians::of(&ran, Ran::calls_a_second);
    table(
        &format!("GetVault, {CALLERS} callers on {CONNECTIONS} connections, beside grpcio + boto3"),
        &["", "Strongroom", "Python", "ratio"],
        &[vec![
            "calls a second".to_owned(),
            format!("{:.0}", rate.ours),
            format!("{:.0}", rate.theirs),
            format!("{:.1}", rate.ratio),
        ]],
    );
    Ok(())
}
