//! A survey and ExplainProtection, on one sandbox: two ways to read, and one verdict.

use serde_json::{Value, json};
use tonic::transport::Channel;

use super::*;
use crate::{
    aws::Scoped,
    config::Clock,
    domain::{
        Arn, AskedScope, DatabaseRef, Finding, History, JobFilter, JobKind, PageRequest, ProtectionVerdict, ResourceRef,
    },
    proto::{
        CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, EnsureServiceRoleRequest, Lifecycle as Kept,
        Match, Rule, TagCondition, TagResourceRequest, account_service_client::AccountServiceClient,
        plan_service_client::PlanServiceClient, resource_service_client::ResourceServiceClient,
        vault_service_client::VaultServiceClient,
    },
};

const ROLE: &str = "AWSBackupDefaultServiceRole";

struct World {
    channel: Channel,
    sandbox: String,
    aws: Scoped,
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
    async fn start() -> Self {
        let mut config = configured(&[
            ("server.listen", "127.0.0.1:0"),
            ("sandbox.listen", "127.0.0.1:0"),
            ("sandbox.region", "us-east-1"),
            ("admin.listen", "off"),
            // Nobody else asks AWS.
            ("feed.enabled", "false"),
        ]);
        config.sandbox.clock = Clock::Manual;
        config.sandbox.start = Some("2026-03-02T00:00:00Z".parse().unwrap());
        let life = Lifecycle::new();
        let running = start(&config, Neighbour::Sandbox, &life).await.unwrap();
        let channel = Channel::from_shared(format!("http://{}", running.grpc)).unwrap().connect().await.unwrap();
        let sandbox = format!("http://{}", running.sandbox.unwrap());
        let aws = Aws::connect_unreal(&config.aws, &sandbox, "us-east-1");
        let aws = aws.within(&AskedScope::default()).await.unwrap();
        Self { channel, sandbox, aws, control: reqwest::Client::new(), life }
    }

    async fn post(&self, what: &str, body: Value) {
        let answer = self.control.post(format!("{}/_sandbox/{what}", self.sandbox)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The operations that were asked for since the last look; the server in the background reads jobs.
    async fn asked_for(&self) -> Vec<String> {
        let calls = format!("{}/_sandbox/calls", self.sandbox);
        let listed: Value = self.control.get(&calls).send().await.unwrap().json().await.unwrap();
        self.control.delete(&calls).send().await.unwrap();
        let calls = listed["calls"].as_array().unwrap().iter();
        let operations = calls.map(|call| call["operation"].as_str().unwrap().to_owned());
        operations.filter(|operation| !operation.ends_with("Jobs")).collect()
    }

    async fn plan(&self, name: &str, rules: Vec<Rule>) {
        let plan = CreatePlanRequest { name: name.into(), rules, ..Default::default() };
        PlanServiceClient::new(self.channel.clone()).create_plan(plan).await.unwrap();
    }

    async fn select(&self, plan: &str, name: &str, resources: &[&str], tag: Option<(&str, &str)>) {
        let condition =
            |(key, value): (&str, &str)| TagCondition { key: key.into(), value: value.into(), ..Default::default() };
        let request = CreateSelectionRequest {
            plan: plan.into(),
            name: name.into(),
            role: ROLE.into(),
            r#match: Match::All.into(),
            conditions: tag.map(condition).into_iter().collect(),
            resources: resources.iter().map(|id| format!("arn:aws:rds:us-east-1:123456789012:db:{id}")).collect(),
            ..Default::default()
        };
        PlanServiceClient::new(self.channel.clone()).create_selection(request).await.unwrap();
    }

    async fn history(&self, arn: &str) -> History {
        let resource = Some(ResourceRef::Arn(Arn::parse(arn).unwrap()));
        let filter = JobFilter { kinds: vec![JobKind::Backup], resource, ..JobFilter::default() };
        let jobs = self.aws.list_jobs(&filter, &PageRequest::largest(None)).await.unwrap();
        History::of_jobs(jobs.items).digest()
    }

    /// Holds the survey's word on every database against what is told of it alone, and counts the verdicts.
    async fn compare(&self, when: &str) -> [usize; 4] {
        let survey = self.aws.survey(false).await;
        assert!(survey.databases.len() >= 7, "{when}: {}", survey.databases.len());
        let mut verdicts = [0; 4];
        for arn in survey.databases.keys() {
            let history = self.history(survey.subject(arn)).await;
            let surveyed = survey.protection_of(arn, history).unwrap().explanation;
            let named = DatabaseRef::of_arn(&Arn::parse(arn).unwrap()).unwrap();
            let alone = self.aws.explain_protection(&named).await.unwrap();
            let codes = |findings: &[Finding]| findings.iter().map(|it| (it.severity, it.code)).collect::<Vec<_>>();
            assert_eq!(
                (surveyed.verdict, codes(&surveyed.findings), surveyed.database.arn, surveyed.coverage.len()),
                (alone.verdict, codes(&alone.findings), alone.database.arn, alone.coverage.len()),
                "{when}: {arn}\n{:#?}\n{:#?}",
                surveyed.findings,
                alone.findings
            );
            verdicts[match alone.verdict {
                ProtectionVerdict::Protected => 0,
                ProtectionVerdict::AtRisk => 1,
                ProtectionVerdict::NotProtected => 2,
                ProtectionVerdict::Unknown => 3,
            }] += 1;
        }
        verdicts
    }
}

fn rule(name: &str, schedule: &str, days: i32) -> Rule {
    let lifecycle = Some(Kept { delete_after_days: Some(days), ..Default::default() });
    Rule { name: name.into(), vault: "prod".into(), schedule: schedule.into(), lifecycle, ..Default::default() }
}

async fn world() -> World {
    let world = World::start().await;
    AccountServiceClient::new(world.channel.clone())
        .ensure_service_role(EnsureServiceRoleRequest::default())
        .await
        .unwrap();
    let vault = CreateVaultRequest { name: "prod".into(), ..Default::default() };
    VaultServiceClient::new(world.channel.clone()).create_vault(vault).await.unwrap();
    let daily = "cron(0 5 ? * * *)";
    world.plan("nightly", vec![rule("daily", daily, 35), rule("weekly", "cron(30 5 ? * MON *)", 365)]).await;
    world.select("nightly", "by-arn", &["rdspg-fcj-labs", "mysql-legacy", "rdspg-paused"], None).await;
    let pitr = Rule { enable_continuous_backup: true, ..rule("pitr", "cron(0 1 ? * * *)", 14) };
    world.plan("continuous", vec![pitr]).await;
    world.select("continuous", "by-tag", &[], Some(("Environment", "production"))).await;
    world.plan("near", vec![rule("daily", daily, 35)]).await;
    world.select("near", "by-tag", &[], Some(("Environment", "Development"))).await;
    world.plan("broken", vec![Rule { vault: "gone".into(), ..rule("daily", daily, 35) }]).await;
    world.select("broken", "by-arn", &["rdspg-orders"], None).await;
    world
}

#[tokio::test]
async fn a_survey_tells_of_every_database_what_is_told_of_it_alone() {
    let world = world().await;
    let first = world.compare("before any run").await;
    assert!(first[1] > 0 && first[2] > 0, "{first:?}");
    world.post("clock", json!({"advance": "PT6H"})).await;
    world.compare("after the first night").await;
    world.post("clock", json!({"advance": "P2D"})).await;
    let settled = world.compare("after three nights").await;
    assert!(settled[0] > 0 && settled[1] > 0 && settled[2] > 0, "{settled:?}");
    for (service, operation) in [
        ("iam", "GetRole"),
        ("backup", "DescribeBackupVault"),
        ("backup", "DescribeRegionSettings"),
        ("backup", "GetBackupPlan"),
        ("backup", "ListBackupSelections"),
        ("backup", "ListBackupPlans"),
    ] {
        let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
        world.post("faults", json!({"service": service, "operation": operation, "rate": 1.0, "effect": denied})).await;
        world.compare(operation).await;
    }
    let unknown = world.compare("with all that denied").await;
    assert_eq!(unknown[2], 0, "nobody knows that anything is not protected: {unknown:?}");
}

#[tokio::test]
async fn a_survey_asks_for_each_thing_once_and_a_changed_tag_for_one() {
    let world = world().await;
    world.asked_for().await;
    let mut survey = world.aws.survey(false).await;
    let asked = world.asked_for().await;
    let count = |name: &str| asked.iter().filter(|operation| *operation == name).count();
    let counts =
        ["DescribeDBInstances", "DescribeDBClusters", "ListBackupPlans", "ListBackupSelections", "GetBackupSelection"];
    assert_eq!(counts.map(count), [1, 1, 1, 4, 4]);
    assert_eq!(["GetBackupPlan", "GetRole", "ListProtectedResources"].map(count), [4, 1, 1]);
    assert!(asked.len() < 35, "{asked:?}");

    let arn = "arn:aws:rds:us-east-1:123456789012:db:rdspg-analytics-dev";
    let verdict = |survey: &crate::domain::Survey| {
        let history = History::of_jobs(Vec::new());
        survey.protection_of(arn, history).unwrap().explanation.verdict
    };
    assert_eq!(verdict(&survey), ProtectionVerdict::NotProtected);
    let tags = [("Environment".to_owned(), "Development".to_owned())].into();
    let tag = TagResourceRequest { resource: arn.into(), tags, ..Default::default() };
    ResourceServiceClient::new(world.channel.clone()).tag_resource(tag).await.unwrap();
    world.asked_for().await;
    let touched = world.aws.survey_database(&mut survey, &Arn::parse(arn).unwrap()).await.unwrap();
    assert_eq!((touched, world.asked_for().await), (vec![arn.to_owned()], vec!["DescribeDBInstances".to_owned()]));
    assert_eq!(verdict(&survey), ProtectionVerdict::AtRisk, "it is covered, and was never backed up");

    let id = survey.arrangements.plans().find(|plan| plan.name == "near").unwrap().id.clone();
    world.select("near", "another", &["rdspg-orders"], None).await;
    world.aws.survey_plan(&mut survey, &id).await.unwrap();
    let orders = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";
    let told = survey.protection_of(orders, History::of_jobs(Vec::new())).unwrap().explanation;
    assert_eq!(told.coverage.iter().filter(|covered| covered.plan_name == "near").count(), 1);
    let gone = Arn::parse("arn:aws:rds:us-east-1:123456789012:db:nowhere").unwrap();
    assert_eq!(world.aws.survey_database(&mut survey, &gone).await.unwrap(), [gone.as_str()]);
    assert!(survey.protection_of(gone.as_str(), History::default()).is_none());
}
