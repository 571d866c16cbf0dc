//! Instructions a call, by callgrind: the difference of two runs that differ in their number of calls alone, so that start
//! and end cancel out. Repeatable where seconds are not.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};
use strongroom::proto::{
    GetServerInfoRequest, GetVaultRequest, server_service_client::ServerServiceClient,
    vault_service_client::VaultServiceClient,
};
use tonic::transport::Channel;

use crate::{
    figures::table,
    gate::{self, Guarded},
    load, peers,
    processes::{ADMIN, Running, STRONGROOM, server_command},
    told::Told,
};

pub(crate) async fn run(quick: bool) -> Result<()> {
    if !is_there() {
        return Ok(());
    }
    let sandbox = Running::sandbox()?;
    peers::sdk(&sandbox).await.create_backup_vault().backup_vault_name("bench").send().await?;
    let collector = peers::collector()?;
    let mut rows = Vec::new();
    for told in Told::ALL {
        let mut row = vec![told.name()];
        for vault in [false, true] {
            eprintln!("instructions of {}, {}", if vault { "GetVault" } else { "GetServerInfo" }, told.name());
            let settings = told.settings(&collector);
            let call = async |channel, _| ask(channel, vault).await;
            row.push(format!("{:.0}", of_a_call(quick, &sandbox, &settings, call).await?));
        }
        rows.push(row);
    }
    let title = "Instructions a call in the server (callgrind, user space), by what is told of it";
    table(title, &["telemetry", "GetServerInfo", "GetVault"], &rows);
    Ok(())
}

/// What the gate costs the cheapest RPC: by what is asked of its caller, and of the first call of each token.
pub(crate) async fn of_the_gate(quick: bool, sandbox: &Running, issuer: &gate::Issuer) -> Result<()> {
    if !is_there() {
        return Ok(());
    }
    let header = issuer.header("caller")?;
    let mut rows = Vec::new();
    let all = [
        Guarded::Off,
        Guarded::Tokens,
        Guarded::TenPolicies,
        Guarded::ThousandPolicies,
        Guarded::Changes,
        Guarded::Everything,
    ];
    for guarded in all {
        eprintln!("instructions with {}", guarded.name());
        let header = (guarded != Guarded::Off).then_some(&header);
        let settings = issuer.settings(guarded, &format!("counted-{guarded:?}"));
        // Each run of a server begins a record of its own, or goes on with the last one's: one line more.
        let call = async |channel, _| gate::ask(channel, header).await;
        rows.push(vec![guarded.name().to_owned(), format!("{:.0}", of_a_call(quick, sandbox, &settings, call).await?)]);
    }
    eprintln!("instructions of a token's first call");
    let headers: Result<Vec<_>> = (0..MANY).map(|number| issuer.header(&number.to_string())).collect();
    let headers = headers?;
    let call = async |channel, number: usize| gate::ask(channel, headers.get(number)).await;
    let first = of_a_call(quick, sandbox, &issuer.settings(Guarded::Tokens, "none"), call).await?;
    rows.push(vec!["tokens, each of them new (ES256)".to_owned(), format!("{first:.0}")]);
    table("Instructions of GetServerInfo (callgrind, user space)", &["with", "instructions"], &rows);
    Ok(())
}

const FEW: usize = 500;
const MANY: usize = 1_500;

fn is_there() -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok();
    if !there {
        eprintln!("valgrind is not here: no instructions are counted");
    }
    there
}

/// Of one call, which is given its number.
async fn of_a_call(
    quick: bool,
    sandbox: &Running,
    settings: &[String],
    call: impl AsyncFn(Channel, usize) -> Result<()>,
) -> Result<f64> {
    let (few, many) = if quick { (2, 4) } else { (FEW, MANY) };
    let less = counted(sandbox, few, settings, &call).await?;
    let more = counted(sandbox, many, settings, &call).await?;
    Ok((more - less) / (many - few) as f64)
}

async fn counted(
    sandbox: &Running,
    calls: usize,
    settings: &[String],
    call: impl AsyncFn(Channel, usize) -> Result<()>,
) -> Result<f64> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(STRONGROOM);
    let server = Running::start(server_command(valgrind, sandbox, settings).args(ADMIN))?;
    let channel = load::channels(&server.url(), 1).await?.remove(0);
    load::run(1, calls, |_, number| call(channel.clone(), number)).await?;
    drop(channel);
    server.terminate()?;
    let told = std::fs::read_to_string(&file).context("callgrind wrote nothing")?;
    let total = told.lines().find_map(|line| line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:")));
    Ok(total.context("callgrind tells no total")?.trim().parse()?)
}

async fn ask(channel: Channel, vault: bool) -> Result<()> {
    if vault {
        let request = GetVaultRequest { vault: "bench".to_owned(), ..GetVaultRequest::default() };
        VaultServiceClient::new(channel).get_vault(request).await?;
    } else {
        ServerServiceClient::new(channel).get_server_info(GetServerInfoRequest {}).await?;
    }
    Ok(())
}
