//! Teams that share a server: what one of them may do to another's things, and see of them, in whatever way it asks.

mod policies;
mod replicas;
mod two_persons;

use std::time::Duration;

use serde_json::json;
use strongroom::{
    config::IssuerConfig,
    proto::{
        CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, DeleteVaultRequest, GetCoverageRequest,
        GetPlanRequest, GetResourceRequest, GetVaultRequest, Job, JobDimension, ListJobsRequest, ListPlansRequest,
        ListProtectionRequest, ListRecoveryPointsRequest, ListResourcesRequest, ListVaultsRequest, Operator,
        PlanRestoreRequest, RdsInstanceRestore, Read, Restore, StartBackupRequest, StartRestoreRequest,
        SummarizeJobsRequest, TagCondition, TagResourceRequest, WatchJobsRequest, job_service_client::JobServiceClient,
        plan_service_client::PlanServiceClient, protection_service_client::ProtectionServiceClient,
        recovery_point_service_client::RecoveryPointServiceClient, resource_service_client::ResourceServiceClient,
        restore::Target, start_restore_request::What, vault_service_client::VaultServiceClient,
        watch_jobs_response::Event,
    },
};
use tempfile::TempDir;
use tokio::time::timeout;
use tonic::{Code, Request, Status, codegen::InterceptedService, service::Interceptor, transport::Channel};

use crate::{
    backups::prepare,
    harness::{LABS, PATIENCE, World, cover, reason},
    protection_list::looked,
    tokens::issuer::{Issuer, Pair},
};

const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";

/// Who brings no token makes what there is.
const TEAMS: &str = r#"
@id("makes-all")
permit (principal == Strongroom::User::"anonymous", action, resource);

@id("lists")
permit (principal in Strongroom::Group::"corp:orders", action in Strongroom::Action::"read", resource is Strongroom::Region);

@id("own")
permit (principal in Strongroom::Group::"corp:orders", action, resource)
when { resource has owner && resource.owner == "orders" };

@id("role")
permit (principal in Strongroom::Group::"corp:orders", action in Strongroom::Action::"operate", resource is Strongroom::Role);

@id("role-of-selections")
permit (
    principal in Strongroom::Group::"corp:orders",
    action in [Strongroom::Action::"CreateSelection", Strongroom::Action::"ReplaceSelection"],
    resource is Strongroom::Role
);
"#;

/// Puts a token on each call.
#[derive(Clone)]
struct Token(String);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.0).parse().unwrap());
        Ok(request)
    }
}

type Way = InterceptedService<Channel, Token>;

/// A world with two teams.
struct Teams {
    world: World,
    folder: TempDir,
    issuer: Issuer,
    pair: Pair,
}

impl Teams {
    async fn start(policies: &str) -> Self {
        Self::start_with(policies, |_| {}).await
    }

    async fn start_with(policies: &str, change: impl FnOnce(&mut strongroom::config::Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("teams.cedar"), policies).unwrap();
        let pair = Pair::new("one");
        let issuer = Issuer::start(&[&pair]).await;
        let mut corp = IssuerConfig::new("corp", &issuer.url, "strongroom");
        corp.groups_claim = Some("groups".to_owned());
        let world = World::start_with(|config| {
            cover(config);
            config.access.issuers = vec![corp];
            config.access.policies = Some(folder.path().to_owned());
            config.access.policy_reload_interval = Duration::from_millis(50);
            config.admin.listen = Some(([127, 0, 0, 1], 0).into());
            change(config);
        })
        .await;
        Self { world, folder, issuer, pair }
    }

    /// With a vault, a plan, a database and a backup of each team.
    async fn lived_in() -> Self {
        let teams = Self::start(TEAMS).await;
        let world = &teams.world;
        prepare(world).await;
        for (team, database) in [("orders", LABS), ("billing", LEGACY)] {
            let tags = || [("owner".to_owned(), team.to_owned())].into_iter().collect();
            let tag = TagResourceRequest { resource: database.into(), tags: tags(), ..Default::default() };
            world.resources().tag_resource(tag).await.unwrap();
            let vault = CreateVaultRequest { name: vault_of(team), tags: tags(), ..Default::default() };
            world.vaults().create_vault(vault).await.unwrap();
            let rule = strongroom::proto::Rule { name: "daily".into(), vault: vault_of(team), ..Default::default() };
            let plan = CreatePlanRequest {
                name: format!("{team}-plan"),
                rules: vec![rule],
                tags: tags(),
                ..Default::default()
            };
            world.plans().create_plan(plan).await.unwrap();
        }
        let start = 1_772_409_600;
        for (team, database) in [("orders", LABS), ("billing", LEGACY)] {
            let backup = StartBackupRequest {
                resource: database.into(),
                vault: vault_of(team),
                role: "AWSBackupDefaultServiceRole".into(),
                ..Default::default()
            };
            world.jobs().start_backup(backup).await.unwrap();
        }
        world.advance("PT20M").await;
        looked(world, start + 1_200).await;
        teams.until_known().await;
        teams
    }

    /// Once what the teams have is known, and to whom it belongs.
    async fn until_known(&self) {
        let known = async {
            loop {
                let vault = self.vaults("orders").get_vault(vault("orders")).await;
                let plan = GetPlanRequest { plan: "orders-plan".into(), ..Default::default() };
                let plan = self.plans("orders").get_plan(plan).await;
                let points = points(self, "orders").await;
                if vault.is_ok() && plan.is_ok() && points.len() == 1 && jobs(self, "orders").await.len() == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE * 3, known).await.expect("what belongs to a team is never known");
    }

    fn way(&self, team: &str) -> (Channel, Token) {
        let claims = self.issuer.claims(&json!({"sub": format!("of-{team}"), "groups": [team]}));
        (self.world.channel(), Token(self.pair.sign(&claims)))
    }

    fn vaults(&self, team: &str) -> VaultServiceClient<Way> {
        let (channel, token) = self.way(team);
        VaultServiceClient::with_interceptor(channel, token)
    }

    fn plans(&self, team: &str) -> PlanServiceClient<Way> {
        let (channel, token) = self.way(team);
        PlanServiceClient::with_interceptor(channel, token)
    }

    fn jobs(&self, team: &str) -> JobServiceClient<Way> {
        let (channel, token) = self.way(team);
        JobServiceClient::with_interceptor(channel, token)
    }

    fn points(&self, team: &str) -> RecoveryPointServiceClient<Way> {
        let (channel, token) = self.way(team);
        RecoveryPointServiceClient::with_interceptor(channel, token)
    }

    fn resources(&self, team: &str) -> ResourceServiceClient<Way> {
        let (channel, token) = self.way(team);
        ResourceServiceClient::with_interceptor(channel, token)
    }

    fn protection(&self, team: &str) -> ProtectionServiceClient<Way> {
        let (channel, token) = self.way(team);
        ProtectionServiceClient::with_interceptor(channel, token)
    }
}

fn vault_of(team: &str) -> String {
    format!("{team}-vault")
}

fn vault(team: &str) -> GetVaultRequest {
    GetVaultRequest { vault: vault_of(team), ..Default::default() }
}

async fn jobs(teams: &Teams, team: &str) -> Vec<Job> {
    let request = ListJobsRequest { read: Read::Ledger.into(), ..Default::default() };
    teams.jobs(team).list_jobs(request).await.map(|answer| answer.into_inner().jobs).unwrap_or_default()
}

async fn points(teams: &Teams, team: &str) -> Vec<String> {
    let request = ListRecoveryPointsRequest { vault: vault_of(team), ..Default::default() };
    let listed = teams.points(team).list_recovery_points(request).await;
    let listed = listed.map(|answer| answer.into_inner().recovery_points).unwrap_or_default();
    listed.into_iter().map(|point| point.arn).collect()
}

/// What somebody is told of a thing that they may not see, which is what they are told of one that is not there.
fn as_absent(hidden: &Status, absent: &Status, [of_hidden, of_absent]: [&str; 2]) {
    assert_eq!(hidden.code(), Code::NotFound, "{hidden:?}");
    assert_eq!(reason(hidden), reason(absent));
    assert_eq!(hidden.message().replace(of_hidden, of_absent), absent.message());
}

#[tokio::test]
async fn what_is_another_teams_is_not_there_by_any_name() {
    let teams = Teams::lived_in().await;
    let arn = |name: &str| format!("arn:aws:backup:us-east-1:123456789012:backup-vault:{name}");
    for (hidden, absent) in [("billing-vault", "nowhere-vault"), (&arn("billing-vault"), &arn("nowhere-vault"))] {
        let get = |name: &str| GetVaultRequest { vault: name.into(), ..Default::default() };
        let mut vaults = teams.vaults("orders");
        let [one, other] = [vaults.get_vault(get(hidden)).await, vaults.get_vault(get(absent)).await];
        as_absent(&one.unwrap_err(), &other.unwrap_err(), [hidden, absent]);
        let delete = |name: &str| DeleteVaultRequest { vault: name.into(), force: true, ..Default::default() };
        let [one, other] = [vaults.delete_vault(delete(hidden)).await, vaults.delete_vault(delete(absent)).await];
        as_absent(&one.unwrap_err(), &other.unwrap_err(), [hidden, absent]);
    }
    let get = |name: &str| GetPlanRequest { plan: name.into(), ..Default::default() };
    let mut plans = teams.plans("orders");
    let [one, other] = [plans.get_plan(get("billing-plan")).await, plans.get_plan(get("nowhere-plan")).await];
    as_absent(&one.unwrap_err(), &other.unwrap_err(), ["billing-plan", "nowhere-plan"]);
    let billing = teams.world.plans().get_plan(get("billing-plan")).await.unwrap().into_inner().plan.unwrap();
    let [one, other] =
        [plans.get_plan(get(&billing.id)).await, plans.get_plan(get("00000000-0000-4000-8000-000000000000")).await];
    as_absent(&one.unwrap_err(), &other.unwrap_err(), [&billing.id, "00000000-0000-4000-8000-000000000000"]);
    let get = |name: &str| GetResourceRequest { resource: name.into(), ..Default::default() };
    let mut resources = teams.resources("orders");
    for (hidden, absent) in [("mysql-legacy", "mysql-nowhere"), (LEGACY, "arn:aws:rds:us-east-1:123456789012:db:none")]
    {
        let [one, other] = [resources.get_resource(get(hidden)).await, resources.get_resource(get(absent)).await];
        as_absent(&one.unwrap_err(), &other.unwrap_err(), [hidden, absent]);
    }
    assert!(resources.get_resource(get("rdspg-fcj-labs")).await.is_ok());
}

#[tokio::test]
async fn lists_counts_and_sums_are_of_ones_own() {
    let teams = Teams::lived_in().await;
    let vaults = teams.vaults("orders").list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults;
    assert_eq!(vaults.iter().map(|vault| vault.name.as_str()).collect::<Vec<_>>(), ["orders-vault"]);
    let plans = teams.plans("orders").list_plans(ListPlansRequest::default()).await.unwrap().into_inner().plans;
    assert_eq!(plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>(), ["orders-plan"]);
    let listed = teams.resources("orders").list_resources(ListResourcesRequest::default()).await.unwrap();
    let listed = listed.into_inner().resources;
    assert_eq!(listed.iter().map(|database| database.arn.as_str()).collect::<Vec<_>>(), [LABS]);
    for read in [Read::Ledger, Read::Live] {
        let request = ListJobsRequest { read: read.into(), ..Default::default() };
        let listed = teams.jobs("orders").list_jobs(request).await.unwrap().into_inner().jobs;
        let about: Vec<_> = listed.iter().map(|job| job.resource_arn.as_str()).collect();
        assert_eq!(about, [LABS], "{read:?}");
    }
    // The points of another's vault are those of a vault that is not there.
    let all = teams.points("orders").list_recovery_points(ListRecoveryPointsRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().recovery_points.len(), 1);
    let of = |vault: &str| ListRecoveryPointsRequest { vault: vault.into(), ..Default::default() };
    let [one, other] = [
        teams.points("orders").list_recovery_points(of("billing-vault")).await,
        teams.points("orders").list_recovery_points(of("nowhere-vault")).await,
    ];
    as_absent(&one.unwrap_err(), &other.unwrap_err(), ["billing-vault", "nowhere-vault"]);

    let counts = teams.protection("orders").get_coverage(GetCoverageRequest::default()).await.unwrap().into_inner();
    assert_eq!((counts.database_count, counts.matching_count), (1, 1));
    let everything = teams.world.protection().get_coverage(GetCoverageRequest::default()).await.unwrap().into_inner();
    assert!(everything.database_count > 1);
    let listed = teams.protection("orders").list_protection(ListProtectionRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().databases.iter().map(|it| it.arn.as_str()).collect::<Vec<_>>(), [LABS]);

    for by in [JobDimension::Resource, JobDimension::Vault, JobDimension::Day, JobDimension::Owner, JobDimension::Kind]
    {
        let request = SummarizeJobsRequest { group_by: vec![by.into()], ..Default::default() };
        let sums = teams.jobs("orders").summarize_jobs(request).await.unwrap().into_inner().groups;
        let counted: i64 = sums.iter().map(|group| group.job_count).sum();
        assert_eq!((sums.len(), counted), (1, 1), "{by:?}: {sums:#?}");
    }
    let all = teams.world.jobs().summarize_jobs(SummarizeJobsRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.groups[0].job_count, 2);
}

#[tokio::test]
async fn tokens_of_somebody_elses_lists_watches_and_restores_open_nothing() {
    let teams = Teams::lived_in().await;
    // A page of a list of all.
    let first = ListVaultsRequest { page_size: 1, ..Default::default() };
    let page = teams.world.vaults().list_vaults(first.clone()).await.unwrap().into_inner();
    let (mut next, mut seen) = (page.next_page_token, Vec::new());
    while !next.is_empty() {
        let request = ListVaultsRequest { page_token: next, ..first.clone() };
        let page = teams.vaults("orders").list_vaults(request).await.unwrap().into_inner();
        seen.extend(page.vaults.into_iter().map(|vault| vault.name));
        next = page.next_page_token;
    }
    assert!(seen.iter().all(|name| name == "orders-vault"), "{seen:?}");

    // The restore of another's recovery point, planned by somebody who may.
    let of = ListRecoveryPointsRequest { vault: vault_of("billing"), ..Default::default() };
    let point = teams.world.recovery_points().list_recovery_points(of).await.unwrap().into_inner();
    let point = point.recovery_points[0].arn.clone();
    let target = RdsInstanceRestore { db_instance_identifier: "stolen".into(), ..Default::default() };
    let restore = Restore {
        recovery_point: point.clone(),
        vault: vault_of("billing"),
        role: "AWSBackupDefaultServiceRole".into(),
        target: Some(Target::RdsInstance(target)),
        ..Default::default()
    };
    let plan = PlanRestoreRequest { restore: Some(restore.clone()), ..Default::default() };
    let token = teams.world.recovery_points().plan_restore(plan.clone()).await.unwrap().into_inner().restore_token;
    assert!(!token.is_empty());
    for what in [What::RestoreToken(token), What::Restore(restore)] {
        let start = StartRestoreRequest { what: Some(what), ..Default::default() };
        let refused = teams.jobs("orders").start_restore(start).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    }
    let refused = teams.points("orders").plan_restore(plan).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");

    // A watch that goes on where somebody else's stopped.
    let list = ListJobsRequest { read: Read::Ledger.into(), ..Default::default() };
    let resume_token = teams.world.jobs().list_jobs(list).await.unwrap().into_inner().resume_token;
    let watch = WatchJobsRequest { resume_token, ..Default::default() };
    let mut watch = teams.jobs("orders").watch_jobs(watch).await.unwrap().into_inner();
    for (team, database) in [("billing", LEGACY), ("orders", LABS)] {
        let backup = StartBackupRequest {
            resource: database.into(),
            vault: vault_of(team),
            role: "AWSBackupDefaultServiceRole".into(),
            ..Default::default()
        };
        teams.world.jobs().start_backup(backup).await.unwrap();
    }
    let told = async {
        loop {
            if let Some(Event::Job(job)) = watch.message().await.unwrap().unwrap().event {
                return job;
            }
        }
    };
    let job = timeout(PATIENCE, told).await.unwrap();
    assert_eq!(job.resource_arn, LABS, "another's came first");
}

#[tokio::test]
async fn nobody_makes_himself_the_owner_of_something() {
    let teams = Teams::lived_in().await;
    let tag = |resource: &str, owner: &str| TagResourceRequest {
        resource: resource.into(),
        tags: [("owner".to_owned(), owner.to_owned())].into_iter().collect(),
        ..Default::default()
    };
    let mut resources = teams.resources("orders");
    let taken = resources.tag_resource(tag(LEGACY, "orders")).await.unwrap_err();
    assert_eq!(taken.code(), Code::NotFound, "{taken:?}");
    let given = resources.tag_resource(tag(LABS, "billing")).await.unwrap_err();
    assert_eq!(given.code(), Code::NotFound, "nobody may do what puts it out of his sight: {given:?}");
    assert!(resources.tag_resource(tag(LABS, "orders")).await.is_ok());

    // A vault is made as one's own, or not at all.
    let make = |name: &str, owner: &str| CreateVaultRequest {
        name: name.into(),
        tags: [("owner".to_owned(), owner.to_owned())].into_iter().collect(),
        ..Default::default()
    };
    let denied = teams.vaults("orders").create_vault(make("orders-two", "billing")).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "ACCESS_DENIED".to_owned()), "{denied:?}");
    let made = teams.vaults("orders").create_vault(make("orders-two", "orders")).await.unwrap().into_inner();
    let made = made.vault.expect("whoever makes a vault is told it");
    let get = GetVaultRequest { vault: "orders-two".into(), ..Default::default() };
    assert!(teams.vaults("orders").get_vault(get).await.is_ok(), "and reads it at once");
    // By its ARN it is a vault, whatever else has tags.
    assert!(resources.tag_resource(tag(&made.arn, "orders")).await.is_ok());
    let theirs = "arn:aws:backup:us-east-1:123456789012:backup-vault:billing-vault";
    assert_eq!(resources.tag_resource(tag(theirs, "orders")).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_selection_is_of_what_its_maker_may_see_now_and_later() {
    let teams = Teams::lived_in().await;
    let base = |name: &str| CreateSelectionRequest {
        plan: "orders-plan".into(),
        name: name.into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    };
    let tagged = |owner: &str| {
        let condition = TagCondition { key: "owner".into(), value: owner.into(), ..Default::default() };
        CreateSelectionRequest { conditions: vec![condition], ..base("tagged") }
    };
    let mut plans = teams.plans("orders");
    assert!(plans.create_selection(tagged("orders")).await.is_ok());
    let everything = CreateSelectionRequest { resources: vec!["*".into()], ..base("everything") };
    let theirs = CreateSelectionRequest { resources: vec![LEGACY.into()], ..base("theirs") };
    for refused in [tagged("billing"), everything, theirs] {
        let refused = plans.create_selection(refused).await.unwrap_err();
        assert!([Code::NotFound, Code::PermissionDenied].contains(&refused.code()), "{refused:?}");
    }
    // Whatever is not of some owner is everything else.
    let negated = |operator: Operator| {
        let condition = TagCondition { key: "owner".into(), value: "orders".into(), operator: operator.into() };
        CreateSelectionRequest { conditions: vec![condition], ..base("negated") }
    };
    for refused in [negated(Operator::NotEquals), negated(Operator::Like), negated(Operator::NotLike)] {
        let refused = plans.create_selection(refused).await.unwrap_err();
        assert!([Code::NotFound, Code::PermissionDenied].contains(&refused.code()), "{refused:?}");
    }
    let own = CreateSelectionRequest { resources: vec![LABS.into()], ..base("own") };
    assert!(plans.create_selection(own).await.is_ok());
}

#[tokio::test]
async fn of_what_is_hidden_and_of_what_is_left_out_aws_is_asked_nothing() {
    let teams = Teams::lived_in().await;
    let asked = async |name: &str| teams.world.asked_for().await.iter().filter(|(_, asked)| asked == name).count();
    teams.world.asked_for().await;
    for name in ["billing-vault", "nowhere-vault"] {
        let get = GetVaultRequest { vault: name.into(), ..Default::default() };
        teams.vaults("orders").get_vault(get).await.unwrap_err();
    }
    let get = GetResourceRequest { resource: LEGACY.into(), ..Default::default() };
    teams.resources("orders").get_resource(get).await.unwrap_err();
    teams.vaults("orders").list_vaults(ListVaultsRequest::default()).await.unwrap();
    teams.resources("orders").list_resources(ListResourcesRequest::default()).await.unwrap();
    let told = teams.world.asked_for().await;
    // Whoever looks after the ledger reads no tags of a single thing.
    for name in ["ListTags", "ListTagsForResource"] {
        assert!(!told.iter().any(|(_, asked)| asked == name), "{name}: {told:?}");
    }
    teams.vaults("orders").get_vault(vault("orders")).await.unwrap();
    assert!(asked("ListTags").await > 0, "of one's own it is");
}
