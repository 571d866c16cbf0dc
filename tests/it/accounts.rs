//! AccountService and ServerService over the wire.

use serde_json::json;
use strongroom::proto::{
    EnsureServiceRoleRequest, GetAccountRequest, GetServerInfoRequest, GetServiceRoleRequest, Severity,
};
use tonic::Code;

use crate::harness::{ACCOUNT, World, reason, told};

fn ensure(role: &str) -> EnsureServiceRoleRequest {
    EnsureServiceRoleRequest { role: role.into(), ..Default::default() }
}

#[tokio::test]
async fn the_account_tells_who_strongroom_is_and_what_is_opted_in() {
    let world = World::start().await;
    let account =
        world.accounts().get_account(GetAccountRequest::default()).await.unwrap().into_inner().account.unwrap();
    assert_eq!(account.scope.unwrap().account, ACCOUNT);
    assert!(account.default_scope);
    assert!(account.supported_resource_types.iter().any(|name| name == "RDS"));
    assert_eq!(account.resource_type_opt_in.get("RDS"), Some(&true));
}

#[tokio::test]
async fn the_server_tells_what_it_is() {
    let world = World::start().await;
    let info = world.server().get_server_info(GetServerInfoRequest {}).await.unwrap().into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert!(info.sandbox);
    assert_eq!(info.sandbox_endpoint, world.sandbox());
    assert_eq!(info.limits.unwrap().max_page_size, 1000);
}

#[tokio::test]
async fn a_role_is_created_once_and_then_found_as_it_should_be() {
    let world = World::start().await;
    let mut accounts = world.accounts();
    let made = accounts.ensure_service_role(ensure("rdspg-AWSBackupServiceRole")).await.unwrap().into_inner();
    let codes: Vec<_> = made.changes.iter().map(|change| change.code.as_str()).collect();
    assert_eq!(codes, ["ROLE_CREATED", "POLICY_ATTACHED", "POLICY_ATTACHED"]);
    let role = made.role.unwrap();
    assert!(role.ready, "{role:?}");
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/service-role/rdspg-AWSBackupServiceRole");
    let again = accounts.ensure_service_role(ensure(&role.arn)).await.unwrap().into_inner();
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    let read = accounts.get_service_role(GetServiceRoleRequest { role: role.name, ..Default::default() });
    assert_eq!(read.await.unwrap().into_inner().role, again.role);
}

#[tokio::test]
async fn a_role_under_another_path_is_not_the_one_that_an_arn_names() {
    let world = World::start().await;
    let mut accounts = world.accounts();
    let at = |path: &str| format!("arn:aws:iam::{ACCOUNT}:role/{path}/R");
    accounts.ensure_service_role(ensure(&at("b"))).await.unwrap();
    for validate_only in [true, false] {
        let refused = EnsureServiceRoleRequest { validate_only, ..ensure(&at("a")) };
        let refused = accounts.ensure_service_role(refused).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::AlreadyExists, "ROLE_ALREADY_EXISTS".into()));
        assert!(refused.message().contains("exists already, under another path"), "{refused}");
    }
    let get = |role: String| GetServiceRoleRequest { role, ..Default::default() };
    let missing = accounts.get_service_role(get(at("a"))).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    let found = accounts.get_service_role(get("R".into())).await.unwrap().into_inner().role.unwrap();
    assert_eq!((found.arn, found.path.as_str()), (at("b"), "/b/"));
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let world = World::start().await;
    let mut accounts = world.accounts();
    let dry =
        accounts.ensure_service_role(EnsureServiceRoleRequest { validate_only: true, ..ensure("r") }).await.unwrap();
    assert_eq!(dry.into_inner().changes.len(), 3);
    let missing =
        accounts.get_service_role(GetServiceRoleRequest { role: "r".into(), ..Default::default() }).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "ROLE_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_role_that_another_service_made_is_repaired_and_keeps_what_it_had() {
    let world = World::start().await;
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let form = [
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", "shared"),
        ("AssumeRolePolicyDocument", &trust.to_string()),
    ];
    let form: String = form.iter().map(|(k, v)| format!("{k}={}&", percent(v))).collect();
    let answer = reqwest::Client::new()
        .post(world.sandbox())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());

    let mut accounts = world.accounts();
    let sick = accounts.get_service_role(GetServiceRoleRequest { role: "shared".into(), ..Default::default() });
    let sick = sick.await.unwrap().into_inner().role.unwrap();
    assert!(!sick.ready && !sick.trusts_backup);
    let errors = sick.findings.iter().filter(|finding| finding.severity() == Severity::Error);
    assert_eq!(
        errors.map(|f| f.code.as_str()).collect::<Vec<_>>(),
        ["TRUST_MISSING", "BACKUP_POLICY_MISSING", "RESTORE_POLICY_MISSING"]
    );
    let repaired = accounts.ensure_service_role(ensure("shared")).await.unwrap().into_inner();
    assert_eq!(repaired.changes[0].code, "TRUST_REPAIRED");
    assert!(repaired.role.unwrap().ready);
}

#[tokio::test]
async fn a_wrong_role_or_path_is_told_by_its_field() {
    let world = World::start().await;
    let request = EnsureServiceRoleRequest { path: "nowhere".into(), ..ensure("a b") };
    let told = told(&world.accounts().ensure_service_role(request).await.unwrap_err());
    assert_eq!(told.fields, ["role", "path"]);
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
