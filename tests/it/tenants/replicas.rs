//! The same on several servers: one looks at AWS, and another decides by what it has seen.

use strongroom::proto::{
    ApprovableRequest, ApproveRequest, GetCoverageResponse, GetJobRequest, RequestApprovalRequest, UnlockVaultRequest,
    access_service_client::AccessServiceClient, approvable_request::Request as Approvable,
};

use super::*;
use crate::replicas::{database, replica_with};

/// How a server is told of the issuer and of the policies.
fn settings(teams: &Teams, interval: &str) -> Vec<String> {
    vec![
        format!("access.issuers.corp.issuer={}", teams.issuer.url),
        "access.issuers.corp.audiences=strongroom".to_owned(),
        "access.issuers.corp.groups_claim=groups".to_owned(),
        format!("access.policies={}", teams.folder.path().display()),
        format!("feed.interval={interval}"),
        format!("feed.coverage_interval={}", if interval == "1h" { "1h" } else { "400ms" }),
        format!("feed.points_interval={}", if interval == "1h" { "1h" } else { "400ms" }),
    ]
}

async fn server(teams: &Teams, database: &str, interval: &str) -> (crate::identity::Served, Channel) {
    let settings = settings(teams, interval);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    replica_with(&teams.world, database, &settings).await
}

#[tokio::test]
async fn a_server_that_looks_at_nothing_decides_by_what_another_has_seen() {
    let Some(database) = database().await else { return };
    let teams = Teams::lived_in().await;
    let (_looks, _) = server(&teams, &database, "20ms").await;
    let (_decides, at) = server(&teams, &database, "1h").await;
    let (_, token) = teams.way("orders");
    let mut protection = ProtectionServiceClient::with_interceptor(at.clone(), token.clone());
    let mut vaults = VaultServiceClient::with_interceptor(at.clone(), token.clone());
    let mut plans = PlanServiceClient::with_interceptor(at.clone(), token.clone());
    let mut resources = ResourceServiceClient::with_interceptor(at.clone(), token.clone());
    let mut jobs = JobServiceClient::with_interceptor(at, token);
    let own = |name: &str| GetPlanRequest { plan: name.into(), ..Default::default() };
    let known = async {
        loop {
            let coverage = protection.get_coverage(GetCoverageRequest::default()).await;
            let is_told = coverage.is_ok_and(|told| told.into_inner().database_count == 1);
            let listed = jobs.list_jobs(ListJobsRequest { read: Read::Ledger.into(), ..Default::default() }).await;
            let is_listed = listed.is_ok_and(|told| told.into_inner().jobs.len() == 1);
            let reads =
                vaults.get_vault(vault("orders")).await.is_ok() && plans.get_plan(own("orders-plan")).await.is_ok();
            if is_told && is_listed && reads {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE * 3, known).await.expect("what belongs to a team is never known at the other server");
    let list = ListJobsRequest { read: Read::Ledger.into(), ..Default::default() };
    let all = teams.world.jobs().list_jobs(list).await.unwrap().into_inner().jobs;
    let theirs = all.iter().find(|job| job.resource_arn == LEGACY).unwrap().id.clone();

    assert_eq!(vaults.get_vault(vault("billing")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(plans.get_plan(own("billing-plan")).await.unwrap_err().code(), Code::NotFound);
    let get = GetResourceRequest { resource: LEGACY.into(), ..Default::default() };
    assert_eq!(resources.get_resource(get).await.unwrap_err().code(), Code::NotFound);
    let get = GetJobRequest { job: theirs, ..Default::default() };
    assert_eq!(jobs.get_job(get).await.unwrap_err().code(), Code::NotFound);
    let counted: GetCoverageResponse =
        protection.get_coverage(GetCoverageRequest::default()).await.unwrap().into_inner();
    assert_eq!(counted.database_count, 1);
}

#[tokio::test]
async fn what_somebody_agrees_with_at_one_server_is_carried_out_at_another_and_once() {
    let Some(database) = database().await else { return };
    let policies = r#"permit (principal, action, resource);"#;
    let teams = Teams::start(policies).await;
    let vault = CreateVaultRequest { name: "vault".into(), ..Default::default() };
    teams.world.vaults().create_vault(vault).await.unwrap();
    let (_one, here) = server(&teams, &database, "1h").await;
    let (_other, there) = server(&teams, &database, "1h").await;
    let (_, ada) = teams.way("orders");
    let (_, bob) = teams.way("billing");
    let unlock = UnlockVaultRequest {
        vault: "vault".into(),
        request_id: "2b1f0c3e-7f0a-4c8e-9d57-0e4f6d1a9b11".into(),
        ..Default::default()
    };
    let request = Some(ApprovableRequest { request: Some(Approvable::UnlockVault(unlock.clone())) });
    let request = RequestApprovalRequest { request, ..Default::default() };
    let asked = AccessServiceClient::with_interceptor(here, ada.clone()).request_approval(request).await;
    let approval = asked.unwrap().into_inner().approval.unwrap().id;
    let approve = ApproveRequest { approval, ..Default::default() };
    AccessServiceClient::with_interceptor(there.clone(), bob.clone()).approve(approve).await.unwrap();
    let of_bob = VaultServiceClient::with_interceptor(there.clone(), bob).unlock_vault(unlock.clone()).await;
    assert_eq!(reason(&of_bob.unwrap_err()).1, "APPROVAL_REQUIRED");
    VaultServiceClient::with_interceptor(there, ada).unlock_vault(unlock).await.unwrap();
}
