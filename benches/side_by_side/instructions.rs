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
    load, peers,
    processes::{Running, STRONGROOM, server_command},
};

pub(crate) async fn run(quick: bool) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not here: no instructions are counted");
        return Ok(());
    }
    let (few, many) = if quick { (2, 4) } else { (500, 1_500) };
    let sandbox = Running::sandbox()?;
    peers::sdk(&sandbox).await.create_backup_vault().backup_vault_name("bench").send().await?;
    let mut rows = Vec::new();
    for (name, vault) in [("GetServerInfo", false), ("GetVault", true)] {
        eprintln!("instructions of {name}");
        let (less, more) = (counted(&sandbox, few, vault).await?, counted(&sandbox, many, vault).await?);
        rows.push(vec![name.to_owned(), format!("{:.0}", (more - less) / (many - few) as f64)]);
    }
    table("Instructions a call in the server (callgrind, user space)", &["RPC", "instructions"], &rows);
    Ok(())
}

async fn counted(sandbox: &Running, calls: usize, vault: bool) -> Result<f64> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(STRONGROOM);
    let server = Running::start(&mut server_command(valgrind, sandbox, &[]))?;
    let channel = load::channels(&server.url(), 1).await?.remove(0);
    load::run(1, calls, |_, _| ask(channel.clone(), vault)).await?;
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
