//! The files of policies: at the start, and when they change.

use std::path::Path;

use strongroom::proto::{
    AcknowledgeIncidentRequest, ExplainAccessRequest, Thing, access_service_client::AccessServiceClient,
};

use tonic_types::StatusExt as _;

use super::*;

async fn ready(teams: &Teams) -> String {
    let admin = teams.world.admin();
    reqwest::get(format!("{admin}/readyz")).await.unwrap().text().await.unwrap()
}

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

pub(super) fn write(folder: &Path, name: &str, text: &str) {
    let (next, file) = (folder.join("next"), folder.join(name));
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, file).unwrap();
}

#[tokio::test]
async fn new_policies_hold_at_once_and_what_cannot_be_used_leaves_the_old_ones() {
    let teams = Teams::start("permit (principal == Strongroom::User::\"anonymous\", action, resource);").await;
    let lists = async || teams.vaults("orders").list_vaults(ListVaultsRequest::default()).await.is_ok();
    assert!(!lists().await);
    let folder = teams.folder.path();
    write(folder, "more.cedar", "permit (principal in Strongroom::Group::\"corp:orders\", action, resource);");
    until("the new policy never holds", lists).await;
    assert_eq!(ready(&teams).await, "serving\n");
    for broken in ["permit (principal", "permit (principal, action == Strongroom::Action::\"Nothing\", resource);"] {
        write(folder, "more.cedar", broken);
        until("nobody is told", async || ready(&teams).await.contains("access.policies: ")).await;
        assert!(ready(&teams).await.contains("more.cedar"), "{}", ready(&teams).await);
        assert!(lists().await, "the last good ones hold");
    }
    write(folder, "more.cedar", "forbid (principal in Strongroom::Group::\"corp:orders\", action, resource);");
    until("the new policy never holds", async || !lists().await).await;
    assert_eq!(ready(&teams).await, "serving\n");
}

#[tokio::test]
async fn a_denial_names_the_action_and_the_policies_that_decided() {
    let teams = Teams::start(
        r#"
        permit (principal, action in Strongroom::Action::"read", resource);
        @id("never")
        forbid (principal in Strongroom::Group::"corp:orders", action in Strongroom::Action::"destroy", resource);
    "#,
    )
    .await;
    let delete = DeleteVaultRequest { vault: "any".into(), ..Default::default() };
    let denied = teams.vaults("orders").delete_vault(delete.clone()).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "ACCESS_DENIED".to_owned()));
    let told = |status: &Status, key: &str| status.get_details_error_info().unwrap().metadata[key].clone();
    assert_eq!(told(&denied, "action"), "DeleteVault");
    assert_eq!(told(&denied, "policies"), "teams.cedar:never");
    let denied = teams.vaults("billing").delete_vault(delete).await.unwrap_err();
    assert_eq!(told(&denied, "policies"), "");
    assert!(denied.message().contains("no policy permits it"), "{denied:?}");
    let acknowledge = AcknowledgeIncidentRequest { incident: "x".into(), ..Default::default() };
    assert!(teams.protection("orders").acknowledge_incident(acknowledge).await.is_err());
}

#[tokio::test]
async fn it_is_explained_what_somebody_may_and_by_which_policy() {
    let teams = Teams::lived_in().await;
    let ask = |thing: Thing, action: &str, name: &str, team: &str| ExplainAccessRequest {
        principal: "corp:somebody".into(),
        groups: vec![format!("corp:{team}")],
        action: action.into(),
        thing: thing.into(),
        name: name.into(),
        ..Default::default()
    };
    let explain = async |request| {
        AccessServiceClient::new(teams.world.channel()).explain_access(request).await.unwrap().into_inner()
    };
    let own = explain(ask(Thing::Vault, "DeleteVault", "orders-vault", "orders")).await;
    assert!(own.permitted && own.policies == ["teams.cedar:own"] && own.told == "OK", "{own:?}");
    let seen = own.seen.unwrap();
    assert_eq!(seen.entity, "Strongroom::Vault::\"arn:aws:backup:us-east-1:123456789012:backup-vault:orders-vault\"");
    assert_eq!((seen.attributes["owner"].as_str(), seen.tags["owner"].as_str()), ("orders", "orders"));
    let other = explain(ask(Thing::Vault, "DeleteVault", "billing-vault", "orders")).await;
    assert!(!other.permitted && other.policies.is_empty() && other.told == "NOT_FOUND", "{other:?}");
    let unknown = explain(ask(Thing::Vault, "DeleteVault", "nowhere", "orders")).await;
    assert!(!unknown.permitted && unknown.told == "NOT_FOUND", "{unknown:?}");
    assert_eq!(unknown.seen.unwrap().unknown, ["owner", "tags", "locked"]);
    let denied = AccessServiceClient::with_interceptor(teams.way("orders").0, teams.way("orders").1);
    let denied = { denied }.explain_access(ask(Thing::Vault, "GetVault", "orders-vault", "orders")).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "who does not administer is explained nothing: {denied:?}");
}

#[tokio::test]
async fn a_watch_ends_with_the_token_and_is_decided_anew_with_new_policies() {
    let teams = Teams::lived_in().await;
    let back_up = async || {
        let backup = StartBackupRequest {
            resource: LABS.into(),
            vault: vault_of("orders"),
            role: "AWSBackupDefaultServiceRole".into(),
            ..Default::default()
        };
        teams.world.jobs().start_backup(backup).await.unwrap();
    };
    let soon = jiff::Timestamp::now().as_second() + 4;
    let claims = teams.issuer.claims(&json!({"sub": "short", "groups": ["orders"], "exp": soon}));
    let token = Token(teams.pair.sign(&claims));
    let mut short = JobServiceClient::with_interceptor(teams.world.channel(), token);
    let mut short = short.watch_jobs(WatchJobsRequest::default()).await.unwrap().into_inner();
    let ended = async {
        loop {
            if let Err(status) = short.message().await {
                return status;
            }
        }
    };
    // The clocks of issuers may be a minute off, and so may this end.
    let status = timeout(PATIENCE, ended).await.expect("it goes on though its token has ended");
    assert_eq!(reason(&status), (Code::Unauthenticated, "CREDENTIALS_REFUSED".to_owned()));

    let mut watch = teams.jobs("orders").watch_jobs(WatchJobsRequest::default()).await.unwrap().into_inner();
    back_up().await;
    let told = async {
        loop {
            if let Some(Event::Job(_)) = watch.message().await.unwrap().unwrap().event {
                return;
            }
        }
    };
    timeout(PATIENCE, told).await.expect("one's own is told");
    let only = "permit (principal == Strongroom::User::\"anonymous\", action, resource);";
    write(teams.folder.path(), "teams.cedar", only);
    let lists = async || teams.vaults("orders").list_vaults(ListVaultsRequest::default()).await.is_err();
    until("the new policy never holds", lists).await;
    back_up().await;
    let told = async {
        loop {
            match watch.message().await {
                Ok(told) => {
                    assert!(!matches!(told.unwrap().event, Some(Event::Job(_))), "what is not permitted is not told");
                }
                Err(status) => return status,
            }
        }
    };
    let status = timeout(PATIENCE, told).await.expect("it goes on");
    assert_eq!(reason(&status), (Code::PermissionDenied, "ACCESS_DENIED".to_owned()));
}

#[tokio::test]
async fn a_server_without_policies_has_none_to_explain() {
    let world = World::start().await;
    let ask = ExplainAccessRequest {
        principal: "corp:ada".into(),
        action: "ListVaults".into(),
        thing: Thing::Region.into(),
        ..Default::default()
    };
    let refused = AccessServiceClient::new(world.channel()).explain_access(ask).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "POLICIES_NOT_KEPT".to_owned()));
}

#[tokio::test]
async fn how_an_account_and_region_stands_is_told_to_whom_the_call_is_permitted_there() {
    let policies = r#"
        permit (principal == Strongroom::User::"anonymous", action, resource);
        permit (principal in Strongroom::Group::"corp:orders", action in Strongroom::Action::"read", resource is Strongroom::Region)
        when { resource.region == "us-east-1" };
    "#;
    let teams = Teams::start_with(policies, |config| {
        let regions = ["us-east-1", "eu-west-1"].map(|region| strongroom::domain::RegionName::parse(region).unwrap());
        config.ledger.scopes =
            regions.map(|region| strongroom::config::FollowedScope { account: None, region }).into_iter().collect();
    })
    .await;
    let list = ListJobsRequest { all_scopes: true, read: Read::Ledger.into(), ..Default::default() };
    let told = async |jobs: &mut JobServiceClient<Way>| {
        let answer = jobs.list_jobs(list.clone()).await.ok()?.into_inner();
        let regions = answer.scopes.into_iter().filter_map(|status| status.scope).map(|scope| scope.region);
        let mut regions: Vec<String> = regions.collect();
        regions.sort();
        Some(regions)
    };
    let mut own = teams.jobs("orders");
    until("nothing is read", async || told(&mut own).await.is_some()).await;
    assert_eq!(told(&mut own).await.unwrap(), ["us-east-1"]);
    let all = teams.world.jobs().list_jobs(list.clone()).await.unwrap().into_inner().scopes;
    assert_eq!(all.len(), 2);
}
