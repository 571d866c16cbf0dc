//! A server on a ledger, with a sandbox of its own for AWS.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use strongroom::proto::{
    CreateVaultRequest, EnsureServiceRoleRequest, ListJobsRequest, Read, account_service_client::AccountServiceClient,
    job_service_client::JobServiceClient, vault_service_client::VaultServiceClient,
};
use tonic::transport::Channel;

use crate::{
    at::At,
    load,
    processes::{ADMIN, Running, STRONGROOM, server_command},
};

/// The vault of what is backed up.
pub(crate) const VAULT: &str = "bench";

/// The bounds on one client are not what is measured, and this one is alone.
const WIDE: [&str; 9] = [
    "feed.enabled=true",
    "ledger.keep=3650d",
    "server.max_waits=20000",
    "server.max_share_per_connection=100",
    "server.max_share_per_address=100",
    "server.max_streams_per_connection=2000",
    "access.max_calls_per_second=0",
    "access.max_jobs_per_minute=0",
    "access.max_share_per_principal=100",
];

pub(crate) struct Served {
    pub(crate) sandbox: Running,
    pub(crate) server: Running,
}

impl Served {
    /// Starts both, and waits until the server has read what the sandbox has.
    pub(crate) async fn on(at: &At) -> Result<Self> {
        Self::with(at, Running::sandbox()?).await
    }

    /// The same with a sandbox that there is.
    pub(crate) async fn with(at: &At, sandbox: Running) -> Result<Self> {
        let ledger = match at {
            At::File(path) => format!("ledger.path={}", path.display()),
            At::Postgres(url) => format!("ledger.url={url}"),
        };
        let settings: Vec<&str> = WIDE.into_iter().chain([ledger.as_str()]).collect();
        let mut command = server_command(Command::new(Path::new(STRONGROOM)), &sandbox, &settings);
        for key in ["STRONGROOM_LEDGER__PATH", "STRONGROOM_FEED__ENABLED"] {
            command.env_remove(key);
        }
        let server = Running::start(command.args(ADMIN))?;
        let served = Self { sandbox, server };
        let mut jobs = JobServiceClient::new(served.channels(1).await?.remove(0));
        let began = Instant::now();
        let list = ListJobsRequest { read: Read::Ledger.into(), page_size: 1, ..ListJobsRequest::default() };
        while jobs.list_jobs(list.clone()).await.is_err() {
            ensure!(began.elapsed() < Duration::from_secs(60), "the server does not come to know what AWS has");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(served)
    }

    pub(crate) async fn channels(&self, count: usize) -> Result<Vec<Channel>> {
        load::channels(&self.server.url(), count).await
    }

    /// Makes what a backup needs.
    pub(crate) async fn prepare(&self) -> Result<()> {
        let channel = self.channels(1).await?.remove(0);
        AccountServiceClient::new(channel.clone()).ensure_service_role(EnsureServiceRoleRequest::default()).await?;
        let vault = CreateVaultRequest { name: VAULT.to_owned(), ..CreateVaultRequest::default() };
        VaultServiceClient::new(channel).create_vault(vault).await?;
        Ok(())
    }

    /// How many calls of AWS there were.
    pub(crate) async fn asked(&self) -> Result<u64> {
        let answer = reqwest::get(format!("{}/_sandbox/requests", self.sandbox.url())).await?.error_for_status()?;
        let answer: serde_json::Value = answer.json().await?;
        answer["total"].as_u64().context("the sandbox counts no requests")
    }
}
