//! The adapter over the wire, for what no RPC leads to: an AWS that is the sandbox, with a queue and jobs in it.

use aws_config::Region;
use jiff::Timestamp;
use serde_json::{Value, json};
use strongroom_sandbox::{Sandbox, SandboxConfig, config::ClockConfig};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Aws, Scoped, queue::Queue};
use crate::{
    config::AwsConfig,
    domain::{AskedScope, RegionName},
};

pub(super) const START: &str = "2026-03-02T00:00:00Z";
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// A sandbox of one's own, and the adapter before it. Dropping it ends both.
pub(super) struct Sandboxed {
    pub(super) aws: Aws,
    url: String,
    control: reqwest::Client,
    sqs: aws_sdk_sqs::Client,
    _ends: DropGuard,
}

impl Sandboxed {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    #[expect(clippy::disallowed_methods, reason = "a sandbox that ends with the test")]
    pub(super) async fn start_with(change: impl FnOnce(&mut AwsConfig)) -> Self {
        let clock = ClockConfig::Manual { start: START.parse::<Timestamp>().unwrap() };
        let config = SandboxConfig { listen: ([127, 0, 0, 1], 0).into(), clock, ..SandboxConfig::default() };
        let sandbox = Sandbox::bind(config).await.unwrap();
        let url = format!("http://{}", sandbox.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.serve(stop.clone()));
        let mut config = AwsConfig::default();
        change(&mut config);
        let aws = Aws::connect_unreal(&config, &url, REGION);
        let sqs = aws.of_own(|sdk| aws_sdk_sqs::config::Builder::from(sdk).region(Region::new(REGION)));
        Self { aws, url, control: reqwest::Client::new(), sqs, _ends: stop.drop_guard() }
    }

    /// The account and region of the sandbox, as a worker has them.
    pub(super) async fn scoped(&self) -> Scoped {
        let region = RegionName::parse(REGION).ok();
        self.aws.within(&AskedScope { region, ..AskedScope::default() }).await.unwrap().for_worker()
    }

    /// The URL of the queue of that name.
    pub(super) fn url_of(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.url)
    }

    /// A new queue.
    pub(super) async fn queue(&self, name: &str) -> Queue {
        self.sqs.create_queue().queue_name(name).send().await.unwrap();
        self.aws.queue(&self.url_of(name)).unwrap()
    }

    /// Sends a message to a queue.
    pub(super) async fn send(&self, queue: &str, body: &str) {
        self.sqs.send_message().queue_url(self.url_of(queue)).message_body(body).send().await.unwrap();
    }

    /// Moves the sandbox's time, such as by `PT5H`.
    pub(super) async fn advance(&self, by: &str) {
        self.control("clock", json!({ "advance": by })).await;
    }

    /// Arms a fault.
    pub(super) async fn arm(&self, fault: Value) {
        self.control("faults", fault).await;
    }

    async fn control(&self, what: &str, body: Value) {
        let answer = self.control.post(format!("{}/_sandbox/{what}", self.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}
