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
    processes::{ADMIN, Running, STRONGROOM, server_command},
    told::Told,
};

pub(crate) async fn run(quick: bool) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not here: no instructions are counted");
        return Ok(());
    }
    let (few, many) = if quick { (2, 4) } else { (500, 1_500) };
    let sandbox = Running::sandbox()?;
    peers::sdk(&sandbox).await.create_backup_vault().backup_vault_name("bench").send().await?;
    let collector = peers::collector()?;
    let mut rows = Vec::new();
    for told in Told::ALL {
        let mut row = vec![told.name()];
        for vault in [false, true] {
            eprintln!("instructions of {}, {}", if vault { "GetVault" } else { "GetServerInfo" }, told.name());
            let settings = told.settings(&collector);
            let less = counted(&sandbox, few, vault, &settings).await?;
            let more = counted(&sandbox, many, vault, &settings).await?;
            row.push(format!("{:.0}", (more - less) / (many - few) as f64));
        }
        rows.push(row);
    }
    let title = "Instructions a call in the server (callgrind, user space), by what is told of it";
    table(title, &["telemetry", "GetServerInfo", "GetVault"], &rows);
    Ok(())
}

async fn counted(sandbox: &Running, calls: usize, vault: bool, settings: &[String]) -> Result<f64> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(STRONGROOM);
    let server = Running::start(server_command(valgrind, sandbox, settings).args(ADMIN))?;
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
