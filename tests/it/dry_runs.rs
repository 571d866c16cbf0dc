//! What `validate_only` promises: all that can be seen is checked, nothing is done, and the answer never doubts that.

use std::time::Duration;

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, CreateVaultRequest, EnsureServiceRoleRequest, RdsInstanceRestore, Rule,
    Scope, StartRestoreRequest, UpdatePlanRequest,
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
    vec![Rule { name: "daily".into(), target_vault: "prod".into(), ..Default::default() }]
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
    let restore = StartRestoreRequest {
        recovery_point_arn: "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1".into(),
        vault: "prod".into(),
        role: "r".into(),
        rds_instance: Some(RdsInstanceRestore { db_instance_identifier: "a".into(), ..Default::default() }),
        validate_only: true,
        ..Default::default()
    };
    for late in [
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
    let dry = StartRestoreRequest { role: NO_ROLE.into(), validate_only: true, ..restore(&point, "a") };
    let refused = world.jobs().start_restore(dry.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    // The real call needs no look at a role that an ARN names, so a dry run is not refused for lack of one.
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"operation": "GetRole", "rate": 1.0, "effect": denied})).await;
    assert!(world.jobs().start_restore(dry).await.is_ok());
    assert!(world.plans().create_selection(selection(NO_ROLE)).await.is_ok());
}
