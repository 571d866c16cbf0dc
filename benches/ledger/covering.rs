//! What a look at ten thousand databases under fifty plans asks of AWS, and how long it takes; and one for one changed tag.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use futures_util::future::try_join_all;
use serde_json::Value;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, GetCoverageRequest, ListProtectionRequest, Match, ProtectionFilter,
    Rule, TagCondition, TagResourceRequest, plan_service_client::PlanServiceClient,
    protection_service_client::ProtectionServiceClient, resource_service_client::ResourceServiceClient,
};
use tokio::time::sleep;

use crate::{
    at::At,
    figures::table,
    served::{Served, VAULT},
};

/// What a look is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn run(at: &At, quick: bool) -> Result<()> {
    let (databases, plans) = if quick { (20, 2) } else { (10_000, 50) };
    at.remove().await?;
    let served = Served::on(at).await?;
    served.prepare().await?;
    eprintln!("{}: {databases} databases under {plans} plans", at.name());
    make(&served, databases, plans).await?;
    // A server that knows nothing of them yet.
    let Served { sandbox, server } = served;
    server.terminate()?;
    at.remove().await?;
    let (before, begun) = (operations_of(&sandbox.url()).await?, Instant::now());
    let served = Served::with(at, sandbox).await?;
    let channel = served.channels(1).await?.remove(0);
    let mut protection = ProtectionServiceClient::new(channel.clone());
    loop {
        ensure!(begun.elapsed() < PATIENCE, "nothing was looked at");
        let told = protection.get_coverage(GetCoverageRequest::default()).await;
        if told.is_ok_and(|told| told.get_ref().database_count >= databases) {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let (sweep, asked) = (begun.elapsed(), operations_of(&served.sandbox.url()).await?);
    let calls = calls(&before, &asked);
    // What the other workers begin with is over.
    sleep(Duration::from_secs(2)).await;
    let (before, begun) = (operations_of(&served.sandbox.url()).await?, Instant::now());
    let arn = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";
    let tag = TagResourceRequest {
        resource: arn.to_owned(),
        tags: [("tier".to_owned(), "1".to_owned())].into(),
        ..TagResourceRequest::default()
    };
    ResourceServiceClient::new(channel).tag_resource(tag).await?;
    loop {
        ensure!(begun.elapsed() < PATIENCE, "the tag was not looked at");
        let filter = ProtectionFilter { resource: arn.to_owned(), ..ProtectionFilter::default() };
        let list = ListProtectionRequest { filter: Some(filter), ..ListProtectionRequest::default() };
        let told = protection.list_protection(list).await?.into_inner().databases;
        if told.first().is_some_and(|it| !it.coverage.is_empty()) {
            break;
        }
        sleep(Duration::from_millis(5)).await;
    }
    let (tagged, asked) = (begun.elapsed(), operations_of(&served.sandbox.url()).await?);
    let row = |what: &str, calls: u64, took: Duration| {
        vec![what.to_owned(), calls.to_string(), format!("{:.2} s", took.as_secs_f64())]
    };
    table(
        &format!("{}: coverage of {databases} databases under {plans} plans", at.name()),
        &["", "calls of AWS, those about jobs and points not counted", "until it is told"],
        &[
            row("the first look, since the server's start", calls, sweep),
            row("one changed tag, with the change itself", self::calls(&before, &asked), tagged),
        ],
    );
    drop(served);
    at.remove().await
}

/// Makes databases, of which each has a tier, and plans, each of a tier.
async fn make(served: &Served, databases: i32, plans: i32) -> Result<()> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(served.sandbox.url())
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .load()
        .await;
    let rds = aws_sdk_rds::Client::new(&config);
    for first in (0..databases).step_by(20) {
        let some = (first..(first + 20).min(databases)).map(|number| {
            let tag = aws_sdk_rds::types::Tag::builder().key("tier").value((number % plans).to_string()).build();
            let create = rds.create_db_instance().db_instance_identifier(format!("many-{number}")).engine("postgres");
            let create = create.db_instance_class("db.t3.micro").allocated_storage(20).master_username("app");
            create.master_user_password("not-a-secret").tags(tag).send()
        });
        try_join_all(some).await?;
    }
    let mut client = PlanServiceClient::new(served.channels(1).await?.remove(0));
    for number in 0..plans {
        let rule = |name: &str, schedule: &str| Rule {
            name: name.to_owned(),
            vault: VAULT.to_owned(),
            schedule: schedule.to_owned(),
            ..Rule::default()
        };
        let rules = vec![rule("daily", "cron(0 5 ? * * *)"), rule("weekly", "cron(0 12 ? * SUN *)")];
        let name = format!("plan-{number}");
        client.create_plan(CreatePlanRequest { name: name.clone(), rules, ..CreatePlanRequest::default() }).await?;
        let condition = TagCondition { key: "tier".to_owned(), value: number.to_string(), ..TagCondition::default() };
        let selection = CreateSelectionRequest {
            plan: name,
            name: "by-tag".to_owned(),
            role: "AWSBackupDefaultServiceRole".to_owned(),
            r#match: Match::All.into(),
            conditions: vec![condition],
            ..CreateSelectionRequest::default()
        };
        client.create_selection(selection).await?;
    }
    Ok(())
}

async fn operations_of(sandbox: &str) -> Result<Value> {
    let answer = reqwest::get(format!("{sandbox}/_sandbox/requests")).await?.error_for_status()?;
    let mut answer: Value = answer.json().await?;
    Ok(answer["by_operation"].take())
}

/// The calls between the two that are not about jobs, recovery points and vaults, which are read anyway.
fn calls(before: &Value, after: &Value) -> u64 {
    let others = ["Jobs", "RecoveryPoints", "Vault", "Vaults", "VaultAccessPolicy", "VaultNotifications"];
    let of = |value: &Value, operation: &str| value[operation].as_u64().unwrap_or_default();
    let counted = after.as_object().into_iter().flatten().filter(|(operation, _)| {
        !others.iter().any(|end| operation.ends_with(end)) && !operation.contains("RecoveryPoints")
    });
    counted.map(|(operation, count)| count.as_u64().unwrap_or_default() - of(before, operation)).sum()
}
