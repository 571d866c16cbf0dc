//! DeleteVault over the wire: what keeps a vault, and `force`.

use std::time::Duration;

use serde_json::json;
use strongroom::proto::{
    CreateVaultRequest, DeleteVaultRequest, DeleteVaultResponse, LockVaultRequest, Scope, UnlockVaultRequest,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, aws_backup, aws_iam, prepare, prepared, recovery_point},
    harness::{ACCOUNT, World, reason, told},
    restores::restore_as,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";

fn delete() -> DeleteVaultRequest {
    DeleteVaultRequest { vault: VAULT.into(), ..Default::default() }
}

fn force() -> DeleteVaultRequest {
    DeleteVaultRequest { force: true, ..delete() }
}

async fn forced(world: &World) -> DeleteVaultResponse {
    world.vaults().delete_vault(force()).await.unwrap().into_inner()
}

async fn refused(world: &World, request: DeleteVaultRequest) -> Status {
    world.vaults().delete_vault(request).await.unwrap_err()
}

/// With `validate_only`.
fn dry(request: DeleteVaultRequest) -> DeleteVaultRequest {
    DeleteVaultRequest { validate_only: true, ..request }
}

/// Type and description of what stands in the way.
fn obstacles(status: &Status) -> Vec<(String, String)> {
    let failure = status.get_details_precondition_failure().unwrap();
    failure.violations.into_iter().map(|it| (it.r#type, it.description)).collect()
}

/// Backs up so many volumes.
async fn fill(world: &World, count: usize) {
    let aws = aws_backup(world);
    for number in 0..count {
        let start = aws.start_backup_job().backup_vault_name(VAULT).iam_role_arn(ROLE);
        let volume = format!("arn:aws:ec2:us-east-1:123456789012:volume/vol-{number:017}");
        start.resource_arn(volume).send().await.unwrap();
    }
    world.advance("1h").await;
}

pub(crate) async fn hold(world: &World) -> String {
    let hold = aws_backup(world).create_legal_hold().title("case 7").description("lawsuit");
    hold.send().await.unwrap().legal_hold_id.unwrap()
}

pub(crate) async fn cancel(world: &World, hold: &str) {
    let cancel = aws_backup(world).cancel_legal_hold().legal_hold_id(hold).cancel_description("settled");
    cancel.send().await.unwrap();
}

fn lock() -> LockVaultRequest {
    LockVaultRequest { vault: VAULT.into(), min_retention_days: Some(1), ..Default::default() }
}

#[tokio::test]
async fn a_vault_with_recovery_points_says_how_many_and_what_keeps_them() {
    let world = prepared().await;
    fill(&world, 3).await;
    let full = refused(&world, delete()).await;
    assert_eq!(reason(&full), (Code::FailedPrecondition, "VAULT_NOT_EMPTY".into()));
    let said = "vault prod holds 3 recovery points: delete them first, or call DeleteVault with force";
    assert_eq!(full.message(), said);
    assert_eq!(obstacles(&full), [("VAULT_NOT_EMPTY".into(), said.into())]);
    let shown = refused(&world, dry(delete())).await;
    assert_eq!((shown.message(), obstacles(&shown)), (said, obstacles(&full)), "a dry run says the same");
    // That it is not empty is certain, whatever else cannot be read.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListLegalHolds", "next": 1, "effect": denied})).await;
    let unread = refused(&world, dry(delete())).await;
    assert_eq!(reason(&unread), (Code::FailedPrecondition, "VAULT_NOT_EMPTY".into()));
    assert!(unread.message().contains("whether a legal hold keeps any is not known"), "{}", unread.message());

    let hold = hold(&world).await;
    world.vaults().lock_vault(lock()).await.unwrap();
    let kept = refused(&world, delete()).await;
    assert_eq!(obstacles(&refused(&world, dry(delete())).await), obstacles(&kept));
    assert_eq!(reason(&kept), (Code::FailedPrecondition, "VAULT_NOT_EMPTY".into()));
    let types: Vec<_> = obstacles(&kept).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(types, ["VAULT_LOCKED", "RECOVERY_POINTS_HELD"]);
    for words in ["holds 3 recovery points", "locked in governance mode", "legal hold \"case 7\"", &hold, "keeps 3 of"]
    {
        assert!(kept.message().contains(words), "{words}: {}", kept.message());
    }
}

#[tokio::test]
async fn a_forced_deletion_of_what_a_lock_or_a_legal_hold_keeps_deletes_nothing() {
    let world = prepared().await;
    fill(&world, 2).await;
    let hold = hold(&world).await;
    world.vaults().lock_vault(lock()).await.unwrap();
    assert_eq!(reason(&refused(&world, dry(force())).await).1, "VAULT_LOCKED");
    let locked = refused(&world, force()).await;
    assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    assert!(locked.message().contains("call UnlockVault first; nothing was deleted"), "{}", locked.message());
    let unlock = UnlockVaultRequest { vault: VAULT.into(), ..Default::default() };
    world.vaults().unlock_vault(unlock).await.unwrap();
    assert_eq!(reason(&refused(&world, dry(force())).await).1, "RECOVERY_POINTS_HELD");
    let held = refused(&world, force()).await;
    assert_eq!(reason(&held), (Code::FailedPrecondition, "RECOVERY_POINTS_HELD".into()));
    assert!(held.message().contains(&hold), "{}", held.message());
    cancel(&world, &hold).await;
    let shown = world.vaults().delete_vault(dry(force())).await.unwrap().into_inner();
    assert_eq!((shown.deleted, shown.recovery_points_deleted, shown.recovery_points_remaining), (false, 0, 2));
    let going = forced(&world).await;
    assert_eq!((going.deleted, going.recovery_points_deleted, going.recovery_points_remaining), (false, 2, 2));
    world.advance("10m").await;
    let gone = forced(&world).await;
    assert_eq!((gone.deleted, gone.recovery_points_deleted, gone.recovery_points_remaining), (true, 0, 0));
    let missing = refused(&world, force()).await;
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let allowed = DeleteVaultRequest { allow_missing: true, ..force() };
    assert!(world.vaults().delete_vault(allowed).await.unwrap().into_inner().deleted);
}

#[tokio::test]
async fn a_forced_deletion_that_runs_out_of_time_is_resumed_by_the_same_call() {
    const POINTS: usize = 130;
    let world = World::start_with(|config| config.server.request_timeout = Duration::from_secs(3)).await;
    prepare(&world).await;
    fill(&world, POINTS).await;
    // Eight at once, a third of a second each, for three quarters of three seconds: not all can go in one call.
    world.arm(json!({"operation": "DeleteRecoveryPoint", "rate": 1.0, "effect": {"delay_ms": 300}})).await;
    let (mut calls, mut total, mut cut_off) = (0, 0, false);
    loop {
        calls += 1;
        assert!(calls < 100, "it comes to no end");
        match world.vaults().delete_vault(DeleteVaultRequest { allow_missing: true, ..force() }).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                assert!(answer.undeleted.is_empty(), "{:?}", answer.undeleted);
                assert_eq!(answer.deleted, answer.recovery_points_remaining == 0, "{answer:?}");
                total += answer.recovery_points_deleted;
                if answer.deleted {
                    break;
                }
            }
            // On a machine too slow for its own deadline: the same call goes on all the same.
            Err(status) => {
                assert_eq!(reason(&status), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
                cut_off = true;
            }
        }
        world.advance("10m").await;
    }
    assert!(calls > 2, "{calls}");
    assert!(cut_off || total == i64::try_from(POINTS).unwrap(), "each was deleted once: {total}");
}

#[tokio::test]
async fn what_aws_does_not_delete_is_told_and_the_rest_goes() {
    let world = prepared().await;
    let busy = recovery_point(&world).await;
    fill(&world, 2).await;
    restore_as(&world, &busy, "orders-2").await;
    let going = forced(&world).await;
    assert_eq!((going.deleted, going.recovery_points_deleted, going.recovery_points_remaining), (false, 2, 3));
    assert_eq!(going.undeleted.len(), 1);
    assert_eq!(going.undeleted[0].recovery_point_arn, busy);
    assert_eq!(going.undeleted[0].scope.as_ref().unwrap().account, ACCOUNT);
    assert!(going.undeleted[0].message.contains("in use by a job"), "{going:?}");
    world.advance("30m").await;
    // AWS accepts what the role may not do, and does nothing.
    let others = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let trust = aws_iam(&world).update_assume_role_policy().role_name("AWSBackupDefaultServiceRole");
    trust.policy_document(others).send().await.unwrap();
    let stuck = forced(&world).await;
    assert_eq!((stuck.deleted, stuck.recovery_points_deleted, stuck.recovery_points_remaining), (false, 0, 1));
    assert!(stuck.undeleted[0].message.contains("did not delete it: it is EXPIRED"), "{stuck:?}");
}

#[tokio::test]
async fn a_forced_deletion_says_what_stops_it() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    prepare(&world).await;
    fill(&world, 3).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "DeleteRecoveryPoint", "next": 3, "effect": denied})).await;
    let refused_all = refused(&world, force()).await;
    assert_eq!(reason(&refused_all), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));
    // Holds that may not be seen are told by AWS, point by point.
    let hold = hold(&world).await;
    world.arm(json!({"operation": "ListLegalHolds", "next": 1, "effect": denied})).await;
    let held = forced(&world).await;
    assert_eq!((held.deleted, held.recovery_points_deleted, held.undeleted.len()), (false, 0, 3));
    assert!(held.undeleted[0].message.contains("legal hold"), "{held:?}");
    cancel(&world, &hold).await;
    for _ in 0..8 {
        world.arm(json!({"operation": "DeleteRecoveryPoint", "next": 1, "effect": "throttle"})).await;
    }
    let throttled = refused(&world, force()).await;
    assert_eq!(reason(&throttled), (Code::ResourceExhausted, "AWS_THROTTLED".into()));
    world.arm(json!({"operation": "DescribeBackupVault", "next": 1, "effect": "throttle"})).await;
    let unseen = refused(&world, force()).await;
    assert_eq!(reason(&unseen).1, "AWS_THROTTLED");
}

#[tokio::test]
async fn an_empty_vault_goes_at_once_with_and_without_force() {
    let world = World::start().await;
    for request in [delete(), force()] {
        let vault = CreateVaultRequest { name: VAULT.into(), ..Default::default() };
        world.vaults().create_vault(vault).await.unwrap();
        // A lock keeps no empty vault.
        world.vaults().lock_vault(lock()).await.unwrap();
        let shown = world.vaults().delete_vault(dry(request.clone())).await.unwrap().into_inner();
        let codes: Vec<_> = shown.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["PLANS_ELSEWHERE_NOT_CHECKED"]);
        let (request_id, findings) = (shown.request_id.clone(), shown.findings.clone());
        assert_eq!(shown, DeleteVaultResponse { request_id, findings: findings.clone(), ..Default::default() });
        let answer = world.vaults().delete_vault(request).await.unwrap().into_inner();
        let request_id = answer.request_id.clone();
        assert_eq!(answer, DeleteVaultResponse { deleted: true, request_id, findings, ..Default::default() });
    }
    let scope = Some(Scope { account: "1".into(), ..Default::default() });
    let request = DeleteVaultRequest { scope, request_id: "x".into(), force: true, ..Default::default() };
    assert_eq!(told(&refused(&world, request).await).fields, ["scope.account", "request_id", "vault"]);
}
