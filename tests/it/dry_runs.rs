//! What `validate_only` promises: all that can be seen is checked, nothing is done, and the answer never doubts that.

use std::time::Duration;

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, DeletePlanRequest, DeleteRecoveryPointRequest,
    DeleteSelectionRequest, DeleteVaultRequest, DisassociateRecoveryPointRequest, EnsureServiceRoleRequest, Lifecycle,
    LockVaultRequest, Rule, Scope, StartBackupRequest, StartCopyRequest, StartRestoreRequest, TagResourceRequest,
    UnlockVaultRequest, UntagResourceRequest, UpdatePlanRequest, UpdateRecoveryPointLifecycleRequest,
    start_restore_request::What,
};
use tonic::Code;

use crate::{
    backups::{prepared, recovery_point},
    harness::{LABS, World, reason, request_id},
    restores::restore,
};

const NO_ROLE: &str = "arn:aws:iam::123456789012:role/nowhere/AWSBackupDefaultServiceRole";

fn vault() -> CreateVaultRequest {
    CreateVaultRequest { name: "prod".into(), validate_only: true, ..Default::default() }
}

fn rules() -> Vec<Rule> {
    vec![Rule { name: "daily".into(), vault: "prod".into(), ..Default::default() }]
}

fn plan() -> CreatePlanRequest {
    CreatePlanRequest { name: "plan".into(), rules: rules(), ..Default::default() }
}

fn selection(role: &str) -> CreateSelectionRequest {
    CreateSelectionRequest {
        plan: "plan".into(),
        name: "s".into(),
        role: role.into(),
        resources: vec![LABS.into()],
        validate_only: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_dry_run_that_is_out_of_time_says_that_nothing_changed() {
    let world = World::start_with(|config| config.server.request_timeout = Duration::from_millis(100)).await;
    world.arm(json!({"operation": "GetCallerIdentity", "rate": 1.0, "effect": {"delay_ms": 5000}})).await;
    let role = EnsureServiceRoleRequest { validate_only: true, ..Default::default() };
    let update = UpdatePlanRequest { plan: "plan".into(), rules: rules(), validate_only: true, ..Default::default() };
    let point = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
    let restore = StartRestoreRequest { validate_only: true, ..restore(point, "a") };
    let (in_vault, role_name) = ("prod".to_owned(), "r".to_owned());
    let backup = StartBackupRequest {
        resource: LABS.into(),
        vault: in_vault.clone(),
        role: role_name.clone(),
        validate_only: true,
        ..Default::default()
    };
    let copy = StartCopyRequest {
        recovery_point: point.into(),
        vault: in_vault.clone(),
        destination_vault: "other".into(),
        role: role_name,
        validate_only: true,
        ..Default::default()
    };
    let delete = DeleteRecoveryPointRequest {
        vault: in_vault.clone(),
        recovery_point: point.into(),
        validate_only: true,
        ..Default::default()
    };
    let disassociate = DisassociateRecoveryPointRequest {
        vault: in_vault.clone(),
        recovery_point: point.into(),
        validate_only: true,
        ..Default::default()
    };
    let lifecycle = UpdateRecoveryPointLifecycleRequest {
        vault: in_vault.clone(),
        recovery_point: point.into(),
        lifecycle: Some(Lifecycle { delete_after_days: Some(7), ..Default::default() }),
        validate_only: true,
        ..Default::default()
    };
    let lock = LockVaultRequest {
        vault: in_vault.clone(),
        min_retention_days: Some(1),
        validate_only: true,
        ..Default::default()
    };
    let unlock = UnlockVaultRequest { vault: in_vault.clone(), validate_only: true, ..Default::default() };
    let delete_vault = DeleteVaultRequest { vault: in_vault, validate_only: true, ..Default::default() };
    let tag = TagResourceRequest {
        resource: LABS.into(),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        validate_only: true,
        ..Default::default()
    };
    let untag = UntagResourceRequest {
        resource: LABS.into(),
        tag_keys: vec!["a".into()],
        validate_only: true,
        ..Default::default()
    };
    let delete_plan = DeletePlanRequest { plan: "plan".into(), validate_only: true, ..Default::default() };
    let delete_selection = DeleteSelectionRequest {
        plan: "plan".into(),
        selection: "s".into(),
        validate_only: true,
        ..Default::default()
    };
    for late in [
        world.jobs().start_backup(backup).await.unwrap_err(),
        world.jobs().start_copy(copy).await.unwrap_err(),
        world.recovery_points().delete_recovery_point(delete).await.unwrap_err(),
        world.recovery_points().disassociate_recovery_point(disassociate).await.unwrap_err(),
        world.recovery_points().update_recovery_point_lifecycle(lifecycle).await.unwrap_err(),
        world.vaults().lock_vault(lock).await.unwrap_err(),
        world.vaults().unlock_vault(unlock).await.unwrap_err(),
        world.vaults().delete_vault(delete_vault).await.unwrap_err(),
        world.resources().tag_resource(tag).await.unwrap_err(),
        world.resources().untag_resource(untag).await.unwrap_err(),
        world.plans().delete_plan(delete_plan).await.unwrap_err(),
        world.plans().delete_selection(delete_selection).await.unwrap_err(),
        world.vaults().create_vault(vault()).await.unwrap_err(),
        world.plans().create_plan(CreatePlanRequest { validate_only: true, ..plan() }).await.unwrap_err(),
        world.plans().update_plan(update).await.unwrap_err(),
        world.plans().create_selection(selection("r")).await.unwrap_err(),
        world.accounts().ensure_service_role(role).await.unwrap_err(),
        world.jobs().start_restore(restore).await.unwrap_err(),
    ] {
        assert_eq!(reason(&late), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()), "{late:?}");
    }
}

#[tokio::test]
async fn a_dry_run_finds_the_vault_that_is_in_the_way() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    let request = CreateVaultRequest { request_id: request_id(1), ..vault() };
    let made = CreateVaultRequest { validate_only: false, ..request.clone() };
    let made = vaults.create_vault(made).await.unwrap().into_inner().vault;
    let taken = vaults.create_vault(vault()).await.unwrap_err();
    assert_eq!(reason(&taken), (Code::AlreadyExists, "VAULT_ALREADY_EXISTS".into()));
    let repeated = vaults.create_vault(request).await.unwrap().into_inner().vault;
    assert_eq!(repeated, made, "what the real call would answer");
    // Who may not see vaults may still create one: the dry run tells what it can.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    for operation in ["DescribeBackupVault", "ListBackupVaults"] {
        world.arm(json!({"operation": operation, "rate": 1.0, "effect": denied})).await;
    }
    let unseen = vaults.create_vault(CreateVaultRequest { name: "other".into(), ..vault() }).await.unwrap();
    assert_eq!(unseen.into_inner().vault.unwrap().name, "other");
}

#[tokio::test]
async fn what_a_dry_run_shows_is_in_the_partition_of_its_region() {
    let world = World::start().await;
    let scope = Some(Scope { region: "cn-north-1".into(), ..Default::default() });
    let shown = world.vaults().create_vault(CreateVaultRequest { scope: scope.clone(), ..vault() }).await.unwrap();
    let arn = shown.into_inner().vault.unwrap().arn;
    assert_eq!(arn, "arn:aws-cn:backup:cn-north-1:123456789012:backup-vault:prod");
    let role = EnsureServiceRoleRequest { scope, validate_only: true, ..Default::default() };
    let role = world.accounts().ensure_service_role(role).await.unwrap().into_inner().role.unwrap();
    assert!(role.ready && role.attached_policy_arns.iter().all(|arn| arn.starts_with("arn:aws-cn:iam::aws:policy/")));
}

#[tokio::test]
async fn a_dry_run_finds_that_the_role_of_an_arn_is_not_there() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    world.plans().create_plan(plan()).await.unwrap();
    let refused = world.plans().create_selection(selection(NO_ROLE)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    let mut dry = StartRestoreRequest { validate_only: true, ..restore(&point, "a") };
    let Some(What::Restore(asked)) = &mut dry.what else { panic!("{dry:?}") };
    asked.role = NO_ROLE.into();
    let refused = world.jobs().start_restore(dry.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    // The real call needs no look at a role that an ARN names, so a dry run is not refused for lack of one.
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "GetRole", "rate": 1.0, "effect": denied})).await;
    assert!(world.jobs().start_restore(dry).await.is_ok());
    assert!(world.plans().create_selection(selection(NO_ROLE)).await.is_ok());
}
