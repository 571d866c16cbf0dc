//! The adapter over the wire, for what no RPC leads to: an AWS that is the sandbox, with a queue and jobs in it.

use std::time::Duration;

use aws_config::Region;
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use serde_json::{Value, json};
use strongroom_sandbox::{Sandbox, SandboxConfig, config::ClockConfig};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Aws, Scoped,
    events::{Event, News, PointChange},
    queue::Queue,
};
use crate::{
    config::AwsConfig,
    domain::{AskedScope, Job, JobKind, KnownJob, RegionName, VaultName},
};

pub(super) const DATABASE: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-labs";
const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";

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

    /// A new queue that all events of AWS Backup come into.
    pub(super) async fn queue_of_events(&self, name: &str) -> Queue {
        let (arn, rule) = (format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"), "all");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn,
        }]});
        let sent = self.sqs.create_queue().queue_name(name);
        sent.attributes(QueueAttributeName::Policy, policy.to_string()).send().await.unwrap();
        let pattern = json!({"source": ["aws.backup"]}).to_string();
        self.event_bridge("PutRule", json!({"Name": rule, "EventPattern": pattern})).await;
        self.event_bridge("PutTargets", json!({"Rule": rule, "Targets": [{"Id": "1", "Arn": arn}]})).await;
        self.aws.queue(&self.url_of(name)).unwrap()
    }

    async fn event_bridge(&self, operation: &str, body: Value) {
        let sent = self.control.post(&self.url).header("x-amz-target", format!("AWSEvents.{operation}"));
        let answer = sent.header("content-type", "application/x-amz-json-1.1").body(body.to_string());
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn control(&self, what: &str, body: Value) {
        let answer = self.control.post(format!("{}/_sandbox/{what}", self.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

/// An AWS with a role that AWS Backup may assume.
pub(super) async fn world() -> (Sandboxed, Scoped) {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"backup.amazonaws.com"}}]}"#;
    let aws = Sandboxed::start().await;
    let scoped = aws.scoped().await;
    let (iam, name) = (&scoped.clients.iam, "AWSBackupDefaultServiceRole");
    let role = iam.create_role().path("/service-role/").role_name(name).assume_role_policy_document(TRUST);
    role.send().await.unwrap();
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    iam.attach_role_policy().role_name(name).policy_arn(policy).send().await.unwrap();
    (aws, scoped)
}

/// So many backups into a vault, one after the other; a database has one at a time.
pub(super) async fn back_up(scoped: &Scoped, vault: &str, jobs: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..jobs {
        let sent = scoped.clients.backup.start_backup_job().backup_vault_name(vault).resource_arn(DATABASE);
        let sent = sent.iam_role_arn(ROLE).idempotency_token(format!("{vault}-{number}"));
        ids.push(sent.send().await.unwrap().backup_job_id.unwrap());
    }
    ids
}

pub(super) async fn vault(scoped: &Scoped, name: &str) -> VaultName {
    scoped.clients.backup.create_backup_vault().backup_vault_name(name).send().await.unwrap();
    VaultName::parse(name).unwrap()
}

/// All events that have come, taken from the queue.
async fn heard(queue: &Queue) -> Vec<Event> {
    let mut heard = Vec::new();
    loop {
        let messages = queue.receive(Duration::ZERO, Duration::from_hours(1)).await.unwrap();
        if messages.is_empty() {
            return heard;
        }
        for message in messages {
            heard.push(Event::parse(&message.body).unwrap_or_else(|fault| panic!("{}: {fault}", message.body)));
            assert_eq!(queue.delete(&[message.receipt]).await.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn what_events_tell_of_a_job_is_what_aws_tells_when_it_is_asked() {
    let (aws, scoped) = world().await;
    let queue = aws.queue_of_events("events").await;
    vault(&scoped, "prod").await;
    let id = back_up(&scoped, "prod", 1).await.remove(0);
    let mut events = Vec::new();
    for _ in 0..8 {
        aws.advance("PT10S").await;
        events.extend(heard(&queue).await);
    }
    let told = |event: &Event| match &event.news {
        News::Job(job) => Some((Job::clone(job), event.at)),
        _ => None,
    };
    let jobs: Vec<_> = events.iter().filter_map(told).collect();
    assert!(jobs.iter().all(|(job, _)| job.id.as_str() == id && job.kind == JobKind::Backup), "{jobs:?}");
    let mut words: Vec<&str> = jobs.iter().map(|(job, _)| job.state.word()).collect();
    words.dedup();
    assert_eq!(words, ["CREATED", "RUNNING", "COMPLETED"]);

    let (now, at) = scoped.sweep_job(&jobs[0].0.id, JobKind::Backup).await.unwrap();
    assert!(jobs.iter().all(|(job, then)| *then <= at && job.scope == now.scope));
    let last = &jobs.iter().find(|(job, _)| job.state.is_final()).unwrap().0;
    assert_eq!((&last.recovery_point_arn, &last.vault_arn), (&now.recovery_point_arn, &now.vault_arn));
    assert_eq!((&last.resource_arn, &last.role_arn), (&now.resource_arn, &now.role_arn));
    assert_eq!((last.created_at, last.start_by), (now.created_at, now.start_by));
    // How much was transferred they tell differently of databases.
    assert_eq!(last.completed_at, now.completed_at);
    // Whatever comes first and however often, the same is known at the end.
    let joined = |mut known: KnownJob, more| {
        known.learn(more);
        known
    };
    let known = |tellings: Vec<&(Job, Timestamp)>| {
        let known = tellings.into_iter().map(|(job, at)| KnownJob::told(job.clone(), *at));
        known.reduce(joined).unwrap()
    };
    assert_eq!(known(jobs.iter().collect()), known(jobs.iter().rev().chain(&jobs).collect()));

    let mut points = events.iter().filter_map(|event| match &event.news {
        News::Point(news) if news.change == PointChange::State => Some(&news.point),
        _ => None,
    });
    let point = points.next_back().unwrap();
    assert_eq!(Some(&point.arn), now.recovery_point_arn.as_ref());
    assert_eq!((point.state.word(), point.vault_name.as_deref()), ("COMPLETED", Some("prod")));
    let vaults = events.iter().filter(|event| matches!(&event.news, News::Vault { name, .. } if name == "prod"));
    assert_eq!(vaults.count(), 1, "{events:?}");
}
