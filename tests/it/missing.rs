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
