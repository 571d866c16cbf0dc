//! VaultService over the wire.

use serde_json::json;
use strongroom::{
    config::RoleTemplate,
    proto::{CreateVaultRequest, DeleteVaultRequest, GetVaultRequest, ListVaultsRequest, Scope},
};
use tonic::Code;

use crate::harness::{World, reason, request_id, told};

fn create(name: &str) -> CreateVaultRequest {
    CreateVaultRequest { name: name.into(), ..Default::default() }
}

fn get(vault: &str) -> GetVaultRequest {
    GetVaultRequest { vault: vault.into(), ..Default::default() }
}

#[tokio::test]
async fn a_vault_is_created_read_by_name_and_arn_listed_and_deleted() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let tags = [("team".to_owned(), "platform".to_owned())].into();
    let created =
        vaults.create_vault(CreateVaultRequest { tags, ..create("prod") }).await.unwrap().into_inner().vault.unwrap();
    assert_eq!(created.arn, "arn:aws:backup:us-east-1:123456789012:backup-vault:prod");
    assert_eq!(created.tags["team"], "platform");
    let by_arn = vaults.get_vault(get(&created.arn)).await.unwrap().into_inner().vault.unwrap();
    assert_eq!(by_arn, created);
    let listed = vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.vaults.iter().map(|vault| vault.name.as_str()).collect::<Vec<_>>(), ["prod"]);
    assert_eq!(listed.next_page_token, "");
    vaults.delete_vault(DeleteVaultRequest { vault: "prod".into(), ..Default::default() }).await.unwrap();
    let missing = vaults.get_vault(get("prod")).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
}

#[tokio::test]
async fn the_same_request_creates_one_vault_and_another_one_under_its_id_is_refused() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let request = CreateVaultRequest { request_id: request_id(1), ..create("prod") };
    let first = vaults.create_vault(request.clone()).await.unwrap().into_inner();
    let again = vaults.create_vault(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let tags = [("team".to_owned(), "other".to_owned())].into();
    let reused = vaults.create_vault(CreateVaultRequest { tags, ..request }).await.unwrap_err();
    assert_eq!(reason(&reused), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
    let elsewhere = vaults.create_vault(CreateVaultRequest { request_id: request_id(1), ..create("other") }).await;
    assert_eq!(reason(&elsewhere.unwrap_err()), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
    let taken = vaults.create_vault(create("prod")).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "VAULT_ALREADY_EXISTS".into()));
}

#[tokio::test]
async fn a_vault_made_though_its_answer_was_lost_is_the_vault_of_the_repeated_call() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let mut vaults = world.vaults();
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": "drop_after"})).await;
    let request = CreateVaultRequest { request_id: request_id(2), ..create("prod") };
    let lost = vaults.create_vault(request.clone()).await.unwrap_err();
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let vault = vaults.create_vault(request).await.unwrap().into_inner().vault.unwrap();
    assert_eq!(vault.request_id, request_id(2));
}

#[tokio::test]
async fn validate_only_shows_the_vault_and_makes_none() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let shown =
        vaults.create_vault(CreateVaultRequest { validate_only: true, ..create("prod") }).await.unwrap().into_inner();
    assert_eq!(shown.vault.unwrap().arn, "arn:aws:backup:us-east-1:123456789012:backup-vault:prod");
    assert!(vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults.is_empty());
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let world = World::start().await;
    let request = CreateVaultRequest {
        scope: Some(Scope { account: "12".into(), region: "mars".into() }),
        name: "my.vault".into(),
        encryption_key_arn: "key".into(),
        tags: [("aws:x".to_owned(), String::new())].into(),
        request_id: "1".into(),
        validate_only: false,
    };
    let told = told(&world.vaults().create_vault(request).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(
        told.fields,
        ["scope.account", "scope.region", "name", "encryption_key_arn", "tags[\"aws:x\"]", "request_id"]
    );
}

#[tokio::test]
async fn a_vault_that_aws_hides_behind_403_is_missing_denied_or_nobody_can_tell() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let missing = vaults.get_vault(get("nowhere")).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));

    vaults.create_vault(create("prod")).await.unwrap();
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "DescribeBackupVault", "next": 2, "effect": denied})).await;
    let there = vaults.get_vault(get("prod")).await.unwrap_err();
    assert_eq!(reason(&there), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));

    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": denied})).await;
    let unknown = vaults.get_vault(get("prod")).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::PermissionDenied, "VAULT_MISSING_OR_DENIED".into()));
}

#[tokio::test]
async fn a_missing_vault_is_deleted_only_where_that_is_asked_for() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let request = DeleteVaultRequest { vault: "nowhere".into(), ..Default::default() };
    let missing = vaults.delete_vault(request.clone()).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    vaults.delete_vault(DeleteVaultRequest { allow_missing: true, ..request }).await.unwrap();
}

#[tokio::test]
async fn vaults_are_listed_page_by_page_by_tokens_of_their_own_query() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    for number in 0..7 {
        vaults.create_vault(create(&format!("vault-{number}"))).await.unwrap();
    }
    let mut request = ListVaultsRequest { page_size: 3, ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = vaults.list_vaults(request.clone()).await.unwrap().into_inner();
        assert!(page.vaults.len() <= 3);
        names.extend(page.vaults.into_iter().map(|vault| vault.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names.len(), 7, "{names:?}");
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let foreign = vaults.list_vaults(ListVaultsRequest { scope: elsewhere, ..request }).await.unwrap_err();
    assert_eq!(told(&foreign).fields, ["page_token"]);
    let large = vaults.list_vaults(ListVaultsRequest { page_size: 1001, page_token: "?".into(), ..Default::default() });
    assert_eq!(told(&large.await.unwrap_err()).fields, ["page_size", "page_token"]);
}

#[tokio::test]
async fn a_quota_is_answered_at_once_and_throttling_after_retries() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let quota = json!({"error": {"status": 400, "code": "LimitExceededException", "message": "too many vaults"}});
    world.arm(json!({"operation": "CreateBackupVault", "rate": 1.0, "effect": quota})).await;
    let full = vaults.create_vault(create("prod")).await.unwrap_err();
    assert_eq!(reason(&full), (Code::ResourceExhausted, "AWS_QUOTA_EXCEEDED".into()));
    assert_eq!(world.strikes().await, [1], "a quota is asked once");

    world.arm(json!({"operation": "ListBackupVaults", "next": 2, "effect": "throttle"})).await;
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_vault_lives_in_the_account_and_region_that_its_request_names() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let ireland = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let created =
        vaults.create_vault(CreateVaultRequest { scope: ireland, ..create("prod") }).await.unwrap().into_inner();
    let arn = created.vault.unwrap().arn;
    assert_eq!(arn, "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod");
    assert!(vaults.get_vault(get(&arn)).await.is_ok(), "the ARN tells the region");
    let elsewhere = vaults.get_vault(get("prod")).await.unwrap_err();
    assert_eq!(reason(&elsewhere).1, "VAULT_NOT_FOUND");
    let virginia = Some(Scope { region: "us-east-1".into(), ..Default::default() });
    let contradiction = vaults.get_vault(GetVaultRequest { scope: virginia, ..get(&arn) }).await.unwrap_err();
    assert_eq!(told(&contradiction).fields, ["vault"]);
    let foreign = Some(Scope { account: "999999999999".into(), ..Default::default() });
    let unreachable = vaults.get_vault(GetVaultRequest { scope: foreign, ..get("prod") }).await.unwrap_err();
    assert_eq!(reason(&unreachable), (Code::FailedPrecondition, "ACCOUNT_NOT_REACHABLE".into()));
}

#[tokio::test]
async fn with_a_role_to_assume_other_accounts_are_reached() {
    // The role that AWS Organizations makes in every account; the sandbox takes it to be there.
    let role = "arn:aws:iam::{account}:role/OrganizationAccountAccessRole";
    let world = World::start_with(|config| config.aws.assume_role = RoleTemplate::new(role)).await;
    let mut vaults = world.vaults();
    let scope = Some(Scope { account: "999999999999".into(), ..Default::default() });
    let created = vaults.create_vault(CreateVaultRequest { scope, ..create("prod") }).await.unwrap().into_inner();
    assert_eq!(created.vault.unwrap().arn, "arn:aws:backup:us-east-1:999999999999:backup-vault:prod");
    assert!(vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults.is_empty());
}

#[tokio::test]
async fn an_account_whose_role_does_not_let_us_in_is_not_reachable() {
    let role = "arn:aws:iam::{account}:role/NobodyMadeIt";
    let world = World::start_with(|config| config.aws.assume_role = RoleTemplate::new(role)).await;
    let scope = Some(Scope { account: "999999999999".into(), ..Default::default() });
    let refused = world.vaults().create_vault(CreateVaultRequest { scope, ..create("prod") }).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "ACCOUNT_NOT_REACHABLE".into()));
}
