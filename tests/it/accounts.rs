//! AccountService and ServerService over the wire.

use serde_json::json;
use strongroom::proto::{
    EnsureServiceRoleRequest, GetAccountRequest, GetRegionSettingsRequest, GetServerInfoRequest, GetServiceRoleRequest,
    Scope, Severity,
};
use tonic::Code;

use crate::harness::{ACCOUNT, World, reason, request_id, told};

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
    assert!(account.identity_arn.contains(ACCOUNT), "{}", account.identity_arn);
    let settings = account.settings.unwrap();
    assert!(settings.supported_resource_types.iter().any(|name| name == "RDS"));
    assert_eq!(settings.resource_type_opt_in.get("RDS"), Some(&true));
    let read = world.accounts().get_region_settings(GetRegionSettingsRequest::default()).await.unwrap();
    assert_eq!(read.into_inner().settings.unwrap(), settings, "they are those that GetRegionSettings tells");
    for (account, region, is_default) in
        [("", "us-east-1", true), (ACCOUNT, "", true), ("", "eu-west-1", false), (ACCOUNT, "eu-west-1", false)]
    {
        let scope = Some(Scope { account: account.into(), region: region.into() });
        let there = world.accounts().get_account(GetAccountRequest { scope }).await.unwrap().into_inner();
        assert_eq!(there.account.unwrap().default_scope, is_default, "{account} {region}");
    }
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
    let dry = dry.into_inner();
    assert_eq!(dry.changes.len(), 3);
    let role = dry.role.unwrap();
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/service-role/r", "it is told as it would be");
    assert!(role.ready && role.missing_policy_arns.is_empty() && dry.findings.is_empty(), "{role:?}");
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
    let sick = sick.await.unwrap().into_inner();
    let found = sick.findings;
    let sick = sick.role.unwrap();
    assert!(!sick.ready && !sick.trusts_backup);
    let errors = found.iter().filter(|finding| finding.severity() == Severity::Error);
    assert_eq!(
        errors.map(|f| f.code.as_str()).collect::<Vec<_>>(),
        ["TRUST_MISSING", "BACKUP_POLICY_MISSING", "RESTORE_POLICY_MISSING"]
    );
    let dry = EnsureServiceRoleRequest { validate_only: true, ..ensure("shared") };
    let shown = accounts.ensure_service_role(dry).await.unwrap().into_inner();
    let unchanged = accounts.get_service_role(GetServiceRoleRequest { role: "shared".into(), ..Default::default() });
    assert!(!unchanged.await.unwrap().into_inner().role.unwrap().trusts_backup, "a dry run repairs nothing");
    let repaired = accounts.ensure_service_role(ensure("shared")).await.unwrap().into_inner();
    assert_eq!((&shown.role, &shown.changes), (&repaired.role, &repaired.changes), "it is as it was shown");
    assert_eq!(repaired.changes[0].code, "TRUST_REPAIRED");
    assert!(repaired.role.unwrap().ready);
}

#[tokio::test]
async fn a_repair_that_breaks_off_is_unknown_and_finished_by_repeating() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let request = EnsureServiceRoleRequest { request_id: request_id(1), ..ensure("r") };
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "AttachRolePolicy", "next": 1, "effect": "throttle"})).await;
    let broken = world.accounts().ensure_service_role(request.clone()).await.unwrap_err();
    assert_eq!(reason(&broken).0, Code::Unavailable, "the role was made: {broken:?}");
    world.arm(json!({"operation": "AttachRolePolicy", "next": 1, "effect": denied})).await;
    let denied = world.accounts().ensure_service_role(request.clone()).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));
    let whole = world.accounts().ensure_service_role(request).await.unwrap().into_inner();
    assert_eq!(whole.changes.iter().map(|change| change.code.as_str()).collect::<Vec<_>>(), ["POLICY_ATTACHED"; 2]);
    assert_eq!(whole.request_id, request_id(1));
    assert!(whole.role.unwrap().ready);
}

#[tokio::test]
async fn a_wrong_role_or_path_is_told_by_its_field() {
    let world = World::start().await;
    let request = EnsureServiceRoleRequest { path: "nowhere".into(), ..ensure("a b") };
    let told = told(&world.accounts().ensure_service_role(request).await.unwrap_err());
    assert_eq!(told.fields, ["role", "path"]);
}

/// As a form has it.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[tokio::test]
async fn tags_that_a_role_does_not_get_are_told() {
    let world = World::start().await;
    let with = |tags: &[(&str, &str)], validate_only| EnsureServiceRoleRequest {
        role: "tagged-AWSBackup".into(),
        tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        validate_only,
        ..Default::default()
    };
    for (tags, validate_only, kept) in [
        (&[("team", "ops")][..], true, None),
        (&[("team", "ops")], false, None),
        (&[("Team", "ops")], false, None),
        (&[("team", "db"), ("env", "prod")], true, Some("does not have env, team;")),
        (&[("team", "ops"), ("env", "prod")], false, Some("does not have env;")),
    ] {
        let answer = world.accounts().ensure_service_role(with(tags, validate_only)).await.unwrap().into_inner();
        let found = answer.findings.iter().find(|finding| finding.code == "ROLE_TAGS_KEPT");
        assert_eq!(found.is_some(), kept.is_some(), "{tags:?}: {:?}", answer.findings);
        if let (Some(found), Some(words)) = (found, kept) {
            assert_eq!((found.severity(), found.field.as_str()), (Severity::Info, "tags"));
            assert!(found.message.contains(words), "{}", found.message);
        }
    }
}
