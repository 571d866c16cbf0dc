//! Of several things that an operation names, the one that is missing is told.

use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    backups::{prepare, recovery_point},
    harness::{ACCOUNT, LABS, World, reason},
    partitions::{arn, ask},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";

/// What AWS does not find, of the several things that an operation names, is the thing that is missing.
#[tokio::test]
async fn not_found_is_what_is_missing() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let made = ask(&world, "CreatePlan", json!({"name": "there", "rules": [{"name": "daily", "vault": "prod"}]})).await;
    assert!(made.is_ok());
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    let no_policy = format!("Policy {policy} does not exist or is not attachable.");
    let key = arn("encryption_key", "aws", "us-east-1", ACCOUNT).unwrap();
    let topic = arn("topic", "aws", "us-east-1", ACCOUNT).unwrap();
    let gone = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-gone";
    let nowhere = arn("vault", "aws", "eu-west-1", ACCOUNT).unwrap();
    let notify =
        |vault: &str| json!({"vault": vault, "notifications": {"topic": topic, "events": ["COPY_JOB_FAILED"]}});
    let rules = |vault: &str| json!([{"name": "daily", "vault": vault}]);
    let select = |plan: &str, role: &str| json!({"plan": plan, "name": "all", "role": role, "resources": ["*"]});
    let copy = |point: &str, vault: &str, to: &str, role: &str| json!({"recovery_point": point, "vault": vault, "destination_vault": to, "role": role});
    let restore = |point: &str, vault: &str, role: &str| {
        json!({"restore": {"recovery_point": point, "vault": vault, "role": role,
            "rds_instance": {"db_instance_identifier": "new"}}})
    };
    let backup = |resource: &str, vault: &str, role: &str| json!({"resource": resource, "vault": vault, "role": role});
    let unknown = "1c2d3e4f-0000-4000-8000-5b6a79880000";
    for (rpc, request, fault, is_missing, name) in [
        (
            "EnsureServiceRole",
            json!({"role": "made"}),
            Some(("AttachRolePolicy", no_policy.as_str())),
            "RESOURCE",
            policy,
        ),
        (
            "CreateVault",
            json!({"name": "new", "encryption_key": key}),
            Some(("CreateBackupVault", "?")),
            "RESOURCE",
            &key,
        ),
        ("SetVaultNotifications", notify("prod"), Some(("PutBackupVaultNotifications", "?")), "RESOURCE", &topic),
        ("SetVaultNotifications", notify("nowhere"), None, "VAULT", "nowhere"),
        (
            "CreatePlan",
            json!({"name": "new", "rules": rules("nowhere")}),
            Some(("CreateBackupPlan", "?")),
            "VAULT",
            "nowhere",
        ),
        (
            "UpdatePlan",
            json!({"plan": "there", "rules": rules("nowhere")}),
            Some(("UpdateBackupPlan", "?")),
            "VAULT",
            "nowhere",
        ),
        ("UpdatePlan", json!({"plan": unknown, "rules": rules("prod")}), None, "PLAN", unknown),
        ("CreateSelection", select(unknown, ROLE), None, "PLAN", unknown),
        ("CreateSelection", select("there", "nobody"), None, "ROLE", "nobody"),
        ("GetSelection", json!({"plan": "there", "selection": unknown}), None, "SELECTION", unknown),
        ("GetSelection", json!({"plan": unknown, "selection": unknown}), None, "PLAN", unknown),
        ("StartBackup", backup("nothing", "prod", ROLE), None, "RESOURCE", "nothing"),
        ("StartBackup", backup(LABS, "nowhere", ROLE), None, "VAULT", "nowhere"),
        ("StartBackup", backup(LABS, "prod", "nobody"), None, "ROLE", "nobody"),
        ("StartCopy", copy(gone, "prod", "prod", ROLE), None, "RECOVERY_POINT", gone),
        ("StartCopy", copy(&point, "nowhere", "prod", ROLE), None, "VAULT", "nowhere"),
        ("StartCopy", copy(&point, "prod", &nowhere, ROLE), None, "VAULT", &nowhere),
        ("StartCopy", copy(&point, "prod", &nowhere, "nobody"), None, "ROLE", "nobody"),
        ("StartRestore", restore(gone, "prod", ROLE), None, "RECOVERY_POINT", gone),
        ("StartRestore", restore(&point, "nowhere", ROLE), None, "VAULT", "nowhere"),
        ("StartRestore", restore(&point, "prod", "nobody"), None, "ROLE", "nobody"),
        ("GetRecoveryPoint", json!({"vault": "prod", "recovery_point": gone}), None, "RECOVERY_POINT", gone),
        ("GetRecoveryPoint", json!({"vault": "nowhere", "recovery_point": point}), None, "VAULT", "nowhere"),
    ] {
        if let Some((operation, message)) = fault {
            let code = if operation == "AttachRolePolicy" { "NoSuchEntity" } else { "ResourceNotFoundException" };
            let effect = json!({"error": {"status": 404, "code": code, "message": message}});
            world.arm(json!({"operation": operation, "next": 1, "effect": effect})).await;
        }
        let missing = ask(&world, rpc, request).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, format!("{is_missing}_NOT_FOUND")), "{rpc} {name}: {missing}");
        let told = missing.get_details_resource_info().unwrap().resource_name;
        assert!(told.ends_with(name) && missing.message().contains(name), "{rpc} {name}: {told}: {missing}");
        if rpc == "EnsureServiceRole" {
            assert!(missing.message().contains("before that this call created role made"), "{missing}");
        }
    }
    // What was made before the failure is there, and calling again finishes it.
    let again = ask(&world, "EnsureServiceRole", json!({"role": "made"})).await.unwrap();
    assert!(serde_json::to_value(&again).unwrap()["role"]["ready"].as_bool().unwrap());
}

/// What AWS says that it does not find, while everything that the change names is there: AWS's words, and nothing is said to
/// be missing that is not.
#[tokio::test]
async fn nothing_that_is_there_is_said_to_be_missing() {
    let (world, changes) = crate::every_change::world_and_requests().await;
    for (rpc, operation, said) in [
        ("CreateSelection", "CreateBackupSelection", "Role not found"),
        ("StartBackup", "StartBackupJob", "Backup vault not found"),
        ("StartCopy", "StartCopyJob", "Backup vault not found"),
        ("StartRestore", "StartRestoreJob", "DB subnet group not found"),
        ("UpdateRecoveryPointLifecycle", "UpdateRecoveryPointLifecycle", "vault not found"),
        ("DeleteRecoveryPoint", "DeleteRecoveryPoint", "vault not found"),
        ("DisassociateRecoveryPoint", "DisassociateRecoveryPoint", "vault not found"),
        ("CreateLegalHold", "CreateLegalHold", "vault not found"),
        ("CreateVault", "CreateBackupVault", "something not found"),
        ("CreatePlan", "CreateBackupPlan", "something not found"),
        ("EnsureServiceRole", "CreateRole", "permissions boundary not found"),
    ] {
        let code = if operation == "CreateRole" { "NoSuchEntity" } else { "ResourceNotFoundException" };
        let effect = json!({"error": {"status": 400, "code": code, "message": said}});
        world.arm(json!({"operation": operation, "rate": 1.0, "effect": effect})).await;
        let mut request = changes[rpc].clone();
        if rpc == "DeleteRecoveryPoint" {
            request["allow_missing"] = json!(true);
        }
        let missing = ask(&world, rpc, request).await.unwrap_err();
        world.disarm().await;
        assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()), "{rpc}: {missing}");
        let message = missing.message();
        assert!(message.contains(said) && message.contains("does not say plainly what"), "{rpc}: {message}");
        assert!(missing.get_details_resource_info().is_none(), "{rpc}: {missing:?}");
    }
}

/// AWS says of a vault that is missing what it says of one that is denied: who may not list vaults is told so, and not that
/// what it would hold is missing.
#[tokio::test]
async fn a_vault_that_may_be_missing_hides_what_is_in_it() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListBackupVaults", "rate": 1.0, "effect": denied})).await;
    let named = json!({"vault": "nope", "recovery_point": point});
    let in_nope = |more: serde_json::Value| {
        let mut request = named.clone();
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let restore = in_nope(json!({"role": ROLE, "rds_instance": {"db_instance_identifier": "new"}}));
    for (rpc, request) in [
        ("StartBackup", json!({"vault": "nope", "resource": LABS, "role": ROLE})),
        ("GetRecoveryPoint", in_nope(json!({}))),
        ("DeleteRecoveryPoint", in_nope(json!({}))),
        ("DeleteRecoveryPoint", in_nope(json!({"allow_missing": true}))),
        ("DisassociateRecoveryPoint", in_nope(json!({}))),
        ("UpdateRecoveryPointLifecycle", in_nope(json!({"lifecycle": {"delete_after_days": 7}}))),
        ("StartCopy", in_nope(json!({"destination_vault": "prod", "role": ROLE}))),
        ("StartRestore", json!({"restore": restore})),
        ("PlanRestore", json!({"restore": restore})),
    ] {
        let hidden = ask(&world, rpc, request).await.unwrap_err();
        assert_eq!(reason(&hidden), (Code::PermissionDenied, "VAULT_MISSING_OR_DENIED".into()), "{rpc}: {hidden}");
    }
}

/// KMS has a word of its own for a key that is not there, with status 400.
#[tokio::test]
async fn a_key_that_is_not_there_is_told_as_missing() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    let other = "arn:aws:backup:us-east-1:210987654321:backup-vault:far";
    let copying = json!([{"name": "daily", "vault": "prod", "copy_actions": [{"destination_vault": other}]}]);
    let gone = json!({"error": {"status": 400, "code": "NotFoundException", "message": "Key does not exist"}});
    world.arm(json!({"service": "kms", "operation": "DescribeKey", "rate": 1.0, "effect": gone})).await;
    let plan = json!({"name": "copies", "rules": copying, "validate_only": true});
    let checked = serde_json::to_value(ask(&world, "CreatePlan", plan).await.unwrap()).unwrap();
    let codes: Vec<_> = checked["findings"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
    assert!(codes.iter().any(|code| **code == "KEY_MISSING"), "{checked}");
    assert!(codes.iter().all(|code| **code != "KEY_NOT_CHECKED"), "{checked}");
}
