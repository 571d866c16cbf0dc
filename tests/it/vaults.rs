//! VaultService over the wire.

use std::collections::BTreeMap;

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
    assert_eq!(first.request_id, request_id(1));
    let dry = CreateVaultRequest { validate_only: true, ..request.clone() };
    assert_eq!(vaults.create_vault(dry.clone()).await.unwrap().into_inner().vault, first.vault, "it is there already");
    let tags = BTreeMap::from([("team".to_owned(), "other".to_owned())]);
    for validate_only in [true, false] {
        let reused = CreateVaultRequest { tags: tags.clone(), validate_only, ..request.clone() };
        let reused = vaults.create_vault(reused).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
        let other = CreateVaultRequest { request_id: request_id(1), validate_only, ..create("other") };
        let elsewhere = vaults.create_vault(other).await.unwrap_err();
        assert_eq!(reason(&elsewhere), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
        let taken = vaults.create_vault(CreateVaultRequest { validate_only, ..create("prod") }).await.unwrap_err();
        assert_eq!(reason(&taken), (Code::AlreadyExists, "VAULT_ALREADY_EXISTS".into()));
    }
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
    assert_eq!(vault.creator_request_id, request_id(2));
}

#[tokio::test]
async fn validate_only_shows_the_vault_and_makes_none() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let shown =
        vaults.create_vault(CreateVaultRequest { validate_only: true, ..create("prod") }).await.unwrap().into_inner();
    let shown = shown.vault.unwrap();
    assert_eq!(shown.arn, "arn:aws:backup:us-east-1:123456789012:backup-vault:prod");
    assert!(vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults.is_empty());
    let made = vaults.create_vault(create("prod")).await.unwrap().into_inner().vault.unwrap();
    assert_eq!((made.etag.as_str(), made.etag.len()), (shown.etag.as_str(), 24));
}

#[tokio::test]
async fn a_key_is_named_by_its_id_or_its_arn() {
    const KEY: &str = "6f1c2d3e-0000-4000-8000-5b6a79880001";
    let world = World::start().await;
    let mut vaults = world.vaults();
    let arn = |region: &str| format!("arn:aws:kms:{region}:123456789012:key/{KEY}");
    let by_id = CreateVaultRequest { encryption_key: KEY.into(), request_id: request_id(1), ..create("prod") };
    let dry = CreateVaultRequest { validate_only: true, ..by_id.clone() };
    for request in [dry, by_id.clone()] {
        let shown = vaults.create_vault(request).await.unwrap().into_inner().vault.unwrap();
        assert_eq!(shown.encryption_key_arn, arn("us-east-1"));
    }
    let by_arn = CreateVaultRequest { encryption_key: arn("us-east-1"), ..by_id };
    assert!(vaults.create_vault(by_arn).await.is_ok(), "it is the same request");
    let ireland = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let there = CreateVaultRequest { scope: ireland, encryption_key: KEY.into(), ..create("prod") };
    let there = vaults.create_vault(there).await.unwrap().into_inner().vault.unwrap();
    assert_eq!(there.encryption_key_arn, arn("eu-west-1"));
    let alias = CreateVaultRequest { encryption_key: "alias/prod".into(), ..create("other") };
    assert_eq!(told(&vaults.create_vault(alias).await.unwrap_err()).fields, ["encryption_key"]);
}

#[tokio::test]
async fn who_may_not_list_vaults_may_still_create_one_and_throttling_is_no_denial() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    let mut vaults = world.vaults();
    let request = CreateVaultRequest { request_id: request_id(1), ..create("prod") };
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    let throttled = vaults.create_vault(request.clone()).await.unwrap_err();
    assert_eq!(reason(&throttled), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
    // Of a missing vault AWS says 403, and the list, which tells, is not to be had.
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": "throttle"})).await;
    let unknown = vaults.get_vault(get("prod")).await.unwrap_err();
    assert_eq!(reason(&unknown), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListBackupVaults", "next": 2, "effect": denied})).await;
    vaults.create_vault(request).await.unwrap();
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let world = World::start().await;
    let request = CreateVaultRequest {
        scope: Some(Scope { account: "12".into(), region: "mars".into() }),
        name: "my.vault".into(),
        encryption_key: "a key".into(),
        tags: [("aws:x".to_owned(), String::new())].into(),
        request_id: "1".into(),
        validate_only: false,
    };
    let told = told(&world.vaults().create_vault(request).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(
        told.fields,
        ["scope.account", "scope.region", "request_id", "name", "encryption_key", "tags[\"aws:x\"]"]
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
    for force in [false, true] {
        let dry = DeleteVaultRequest { validate_only: true, force, ..request.clone() };
        let missing = vaults.delete_vault(dry.clone()).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
        for request in [dry, DeleteVaultRequest { force, ..request.clone() }] {
            let allowed = DeleteVaultRequest { allow_missing: true, ..request };
            assert!(vaults.delete_vault(allowed).await.unwrap().into_inner().deleted);
        }
    }
    // What cannot be seen is not taken to be missing.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": denied})).await;
    let hidden = vaults.delete_vault(DeleteVaultRequest { allow_missing: true, ..request }).await.unwrap_err();
    assert_eq!(reason(&hidden), (Code::PermissionDenied, "VAULT_MISSING_OR_DENIED".into()));
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
    let wrong = vaults.list_vaults(ListVaultsRequest { page_size: -1, page_token: "?".into(), ..Default::default() });
    assert_eq!(told(&wrong.await.unwrap_err()).fields, ["page_size", "page_token"]);
    let large = vaults.list_vaults(ListVaultsRequest { page_size: 1001, ..Default::default() });
    assert_eq!(large.await.unwrap().into_inner().vaults.len(), 7);
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

#[tokio::test]
async fn a_success_of_aws_for_a_request_id_of_other_content_is_not_taken_for_one() {
    let world = World::start().await;
    world.behave(json!({"switches": {"token_alone_repeats_vault": true}})).await;
    let request = CreateVaultRequest { request_id: request_id(1), ..create("prod") };
    let made = world.vaults().create_vault(request.clone()).await.unwrap().into_inner();
    assert_eq!(world.vaults().create_vault(request.clone()).await.unwrap().into_inner(), made);
    let tags = BTreeMap::from([("team".to_owned(), "other".to_owned())]);
    let key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555".to_owned();
    for other in
        [CreateVaultRequest { tags, ..request.clone() }, CreateVaultRequest { encryption_key: key, ..request.clone() }]
    {
        let reused = world.vaults().create_vault(other).await.unwrap_err();
        assert_eq!(reason(&reused), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
}
