//! A server of one's own for each test, with a sandbox of its own behind it.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};
use strongroom::{
    app::{self, Neighbour},
    config::{Clock, Config},
    lifecycle::Lifecycle,
    proto::{
        account_service_client::AccountServiceClient, job_service_client::JobServiceClient,
        legal_hold_service_client::LegalHoldServiceClient, plan_service_client::PlanServiceClient,
        protection_service_client::ProtectionServiceClient, recovery_point_service_client::RecoveryPointServiceClient,
        resource_service_client::ResourceServiceClient, server_service_client::ServerServiceClient,
        vault_service_client::VaultServiceClient,
    },
};
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt;

/// The account of the sandbox.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The database of the workshop.
pub(crate) const LABS: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-labs";

/// A Monday, with the whole starting world available and no window near.
pub(crate) const START: &str = "2026-03-02T00:00:00Z";

/// Has AWS read for the ledger, and often.
pub(crate) fn follow(config: &mut Config) {
    config.feed.enabled = true;
    config.feed.interval = Duration::from_millis(20);
    config.feed.busy_interval = Duration::from_millis(20);
}

/// Has a ledger that does not answer: what AWS alone knows of a request that is repeated.
pub(crate) fn without_ledger(config: &mut Config) {
    config.ledger.path = Some("/dev/null/ledger.db".into());
}

/// The same, and looks at databases as often.
pub(crate) fn cover(config: &mut Config) {
    follow(config);
    config.feed.coverage_interval = Duration::from_millis(400);
}

/// A running server and the AWS behind it. Dropping it ends both.
pub(crate) struct World {
    channel: Channel,
    url: String,
    sandbox: String,
    admin: Option<String>,
    control: reqwest::Client,
    life: Lifecycle,
}

impl Drop for World {
    fn drop(&mut self) {
        self.life.stop();
        self.life.hard().cancel();
    }
}

impl World {
    /// With the configuration of tests: free ports, a manual clock.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With a configuration of one's own on top.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.sandbox.listen = ([127, 0, 0, 1], 0).into();
        config.admin.listen = None;
        config.sandbox.clock = Clock::Manual;
        config.sandbox.start = Some(START.parse().unwrap());
        // What a test says of jobs is AWS's present word, and nobody else asks AWS. `following` has the other.
        config.feed.enabled = false;
        change(&mut config);
        let life = Lifecycle::new();
        let running = app::start(&config, Neighbour::Sandbox, &life).await.unwrap();
        let url = format!("http://{}", running.grpc);
        let channel = Channel::from_shared(url.clone()).unwrap().connect().await.unwrap();
        let sandbox = format!("http://{}", running.sandbox.unwrap());
        let admin = running.admin.map(|address| format!("http://{address}"));
        Self { channel, url, sandbox, admin, control: reqwest::Client::new(), life }
    }

    /// A server that reads AWS for its ledger, and often.
    pub(crate) async fn following() -> Self {
        Self::start_with(follow).await
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel())
    }

    pub(crate) fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel())
    }

    pub(crate) fn legal_holds(&self) -> LegalHoldServiceClient<Channel> {
        LegalHoldServiceClient::new(self.channel())
    }

    pub(crate) fn plans(&self) -> PlanServiceClient<Channel> {
        PlanServiceClient::new(self.channel())
    }

    pub(crate) fn protection(&self) -> ProtectionServiceClient<Channel> {
        ProtectionServiceClient::new(self.channel())
    }

    pub(crate) fn recovery_points(&self) -> RecoveryPointServiceClient<Channel> {
        RecoveryPointServiceClient::new(self.channel())
    }

    pub(crate) fn resources(&self) -> ResourceServiceClient<Channel> {
        ResourceServiceClient::new(self.channel())
    }

    pub(crate) fn server(&self) -> ServerServiceClient<Channel> {
        ServerServiceClient::new(self.channel())
    }

    pub(crate) fn vaults(&self) -> VaultServiceClient<Channel> {
        VaultServiceClient::new(self.channel())
    }

    /// The life of the server, to stop it as a signal would.
    pub(crate) fn life(&self) -> &Lifecycle {
        &self.life
    }

    /// Where the server listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the sandbox listens.
    pub(crate) fn sandbox(&self) -> &str {
        &self.sandbox
    }

    /// Where the admin port listens, in a world that has one.
    pub(crate) fn admin(&self) -> &str {
        self.admin.as_deref().unwrap()
    }

    /// Moves the sandbox's time, such as by `PT5H`.
    pub(crate) async fn advance(&self, by: &str) {
        self.control("clock", &json!({ "advance": by })).await;
    }

    /// Arms a fault, such as `{"operation": "ListBackupVaults", "next": 1, "effect": "throttle"}`.
    pub(crate) async fn arm(&self, fault: Value) {
        self.control("faults", &fault).await;
    }

    /// Ends all faults.
    pub(crate) async fn end_faults(&self) {
        let answer = self.control.delete(format!("{}/_sandbox/faults", self.sandbox)).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// How often the faults armed so far have struck, in the order of arming.
    pub(crate) async fn strikes(&self) -> Vec<u64> {
        let answer = self.control.get(format!("{}/_sandbox/faults", self.sandbox)).send().await.unwrap();
        let listed: Value = answer.json().await.unwrap();
        listed["faults"].as_array().unwrap().iter().map(|fault| fault["hits"].as_u64().unwrap()).collect()
    }

    /// Ends every fault.
    pub(crate) async fn disarm(&self) {
        let answer = self.control.delete(format!("{}/_sandbox/faults", self.sandbox)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The operations of AWS that were asked for since the last look, each with its service, in their order.
    pub(crate) async fn asked_for(&self) -> Vec<(String, String)> {
        let calls = format!("{}/_sandbox/calls", self.sandbox);
        let listed: Value = self.control.get(&calls).send().await.unwrap().json().await.unwrap();
        self.control.delete(&calls).send().await.unwrap();
        let text = |call: &Value, member: &str| call[member].as_str().unwrap().to_owned();
        let calls = listed["calls"].as_array().unwrap().iter();
        calls.map(|call| (text(call, "service"), text(call, "operation"))).collect()
    }

    /// Changes how AWS behaves, such as `{"switches": {"missing_vault_is_denied": false}}`.
    pub(crate) async fn behave(&self, change: Value) {
        let answer =
            self.control.patch(format!("{}/_sandbox/settings", self.sandbox)).json(&change).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn control(&self, what: &str, body: &Value) {
        let answer = self.control.post(format!("{}/_sandbox/{what}", self.sandbox)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

/// What a test reads of an error: its code, its reason, and the fields it blames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fields: Vec<String>,
}

/// Reads an error. Every one must carry an `ErrorInfo` of ours.
pub(crate) fn told(status: &Status) -> Told {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "strongroom", "{status:?}");
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    Told { code: status.code(), reason: info.reason, fields: violations.into_iter().map(|v| v.field).collect() }
}

/// The reason of an error, and its code: most tests want just these.
pub(crate) fn reason(status: &Status) -> (Code, String) {
    let told = told(status);
    (told.code, told.reason)
}

/// A UUID that is readable in a failed test.
pub(crate) fn request_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The longest a test waits for something that happens on real time, such as an HTTP time-out.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program. Every variable with its prefix is a setting to it, and what tests are told by such is none of its business.
pub(crate) fn strongroom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"STRONGROOM_")) {
        command.env_remove(name);
    }
    command
}
