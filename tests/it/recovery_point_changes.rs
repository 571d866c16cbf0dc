//! UpdateRecoveryPointLifecycle, DisassociateRecoveryPoint, and deletions of held and continuous points, over the wire.

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, DeleteRecoveryPointRequest, DisassociateRecoveryPointRequest,
    GetRecoveryPointRequest, GetResourceRequest, Lifecycle, ListRecoveryPointsRequest, LockVaultRequest, RecoveryPoint,
    RecoveryPointState, Retention, Rule, UpdateRecoveryPointLifecycleRequest,
};
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, back_up, backup_of, prepared, recovery_point, start},
    harness::{LABS, World, reason, told},
    restores::restore_as,
    vault_deletion::{cancel, hold},
};

const NOWHERE: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-nowhere";

fn update(arn: &str, lifecycle: Lifecycle) -> UpdateRecoveryPointLifecycleRequest {
    UpdateRecoveryPointLifecycleRequest {
        vault: VAULT.into(),
        recovery_point: arn.into(),
        lifecycle: Some(lifecycle),
        ..Default::default()
    }
}

fn days(days: i32) -> Lifecycle {
    Lifecycle { delete_after_days: Some(days), ..Default::default() }
}

fn disassociate(arn: &str) -> DisassociateRecoveryPointRequest {
    DisassociateRecoveryPointRequest { vault: VAULT.into(), recovery_point: arn.into(), ..Default::default() }
}

fn delete(arn: &str) -> DeleteRecoveryPointRequest {
    DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: arn.into(), ..Default::default() }
}

async fn read(world: &World, arn: &str) -> RecoveryPoint {
    let request = GetRecoveryPointRequest { vault: VAULT.into(), recovery_point: arn.into(), ..Default::default() };
    world.recovery_points().get_recovery_point(request).await.unwrap().into_inner().recovery_point.unwrap()
}

fn lock() -> LockVaultRequest {
    LockVaultRequest { vault: VAULT.into(), min_retention_days: Some(1), ..Default::default() }
}

/// The continuous point of a plan for the workshop's database.
pub(crate) async fn continuous_point(world: &World) -> String {
    let rule = Rule {
        name: "pitr".into(),
        vault: VAULT.into(),
        lifecycle: Some(days(7)),
        enable_continuous_backup: true,
        ..Default::default()
    };
    let plan = CreatePlanRequest { name: "nightly".into(), rules: vec![rule], ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
    let selection = CreateSelectionRequest {
        plan: "nightly".into(),
        name: "labs".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        resources: vec![LABS.into()],
        ..Default::default()
    };
    world.plans().create_selection(selection).await.unwrap();
    world.advance("48h").await;
    let request = ListRecoveryPointsRequest { vault: VAULT.into(), ..Default::default() };
    let points = world.recovery_points().list_recovery_points(request).await.unwrap().into_inner().recovery_points;
    points.into_iter().find(|point| point.continuous == Some(true)).unwrap().arn
}

#[tokio::test]
async fn a_lifecycle_is_replaced_whole_and_shows_when_the_point_goes() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let before = read(&world, &arn).await;
    let mut points = world.recovery_points();
    let dry = UpdateRecoveryPointLifecycleRequest { validate_only: true, ..update(&arn, days(90)) };
    let shown = points.update_recovery_point_lifecycle(dry).await.unwrap().into_inner();
    assert_eq!(read(&world, &arn).await, before, "a dry run changes nothing");
    let updated = points.update_recovery_point_lifecycle(update(&arn, days(90))).await.unwrap().into_inner();
    assert_eq!((&updated.recovery_point, &updated.findings), (&shown.recovery_point, &shown.findings));
    let point = updated.recovery_point.unwrap();
    assert_eq!(point, read(&world, &arn).await);
    assert_eq!(point.delete_time.unwrap().seconds - point.create_time.unwrap().seconds, 90 * 86_400);
    assert!(updated.findings.is_empty());
    let forever = Lifecycle { retention: Retention::Forever.into(), ..Default::default() };
    let kept = points.update_recovery_point_lifecycle(update(&arn, forever)).await.unwrap().into_inner();
    let kept = kept.recovery_point.unwrap();
    assert_eq!((kept.delete_time, kept.lifecycle.as_ref().unwrap().retention()), (None, Retention::Forever));
    assert_eq!(kept, read(&world, &arn).await);
}

#[tokio::test]
async fn a_lifecycle_that_somebody_else_has_changed_is_left_alone() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let old = read(&world, &arn).await.etag;
    let of =
        |lifecycle, etag: &str| UpdateRecoveryPointLifecycleRequest { etag: etag.into(), ..update(&arn, lifecycle) };
    let mut points = world.recovery_points();
    let mut change = async |request| points.update_recovery_point_lifecycle(request).await;
    let changed = change(of(days(90), &old)).await.unwrap().into_inner();
    assert!(!changed.request_id.is_empty(), "{changed:?}");
    let point = changed.recovery_point.unwrap();
    assert_ne!(point.etag, old);
    // Who repeats it brings the old etag: what is asked for is there.
    let again = change(of(days(90), &old)).await.unwrap().into_inner().recovery_point.unwrap();
    assert_eq!(again, point);
    for validate_only in [true, false] {
        let late = UpdateRecoveryPointLifecycleRequest { validate_only, ..of(days(7), &old) };
        let late = change(late).await.unwrap_err();
        assert_eq!(reason(&late), (Code::Aborted, "ETAG_MISMATCH".into()));
        assert!(late.message().contains(&format!("its etag is {}, not {old}", point.etag)), "{}", late.message());
    }
    assert_eq!(read(&world, &arn).await, point);
    assert!(change(of(days(7), &point.etag)).await.is_ok());
    let listed = async |request: ListRecoveryPointsRequest| {
        let answer = world.recovery_points().list_recovery_points(request).await.unwrap().into_inner();
        answer.recovery_points[0].etag.clone()
    };
    let in_vault = ListRecoveryPointsRequest { vault: VAULT.into(), ..Default::default() };
    assert_eq!(listed(in_vault).await, read(&world, &arn).await.etag);
    let of_resource = ListRecoveryPointsRequest { resource: LABS.into(), ..Default::default() };
    assert_eq!(listed(of_resource).await, "", "AWS does not tell the lifecycle there");
    let strange = told(&change(of(days(7), "no etag")).await.unwrap_err());
    assert_eq!(strange.fields, ["etag"]);
}

#[tokio::test]
async fn what_keeps_a_point_is_told_without_touching_it() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let mut points = world.recovery_points();
    let dry = |arn: &str| DeleteRecoveryPointRequest { validate_only: true, ..delete(arn) };
    let checked = points.delete_recovery_point(dry(&arn)).await.unwrap().into_inner();
    assert!(!checked.deleted && checked.findings.is_empty(), "{checked:?}");
    let missing = points.delete_recovery_point(dry(NOWHERE)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let allowed = DeleteRecoveryPointRequest { allow_missing: true, ..dry(NOWHERE) };
    assert!(points.delete_recovery_point(allowed).await.unwrap().into_inner().deleted, "it is not there");

    let id = hold(&world).await;
    let held = points.delete_recovery_point(dry(&arn)).await.unwrap_err();
    assert_eq!(reason(&held), (Code::FailedPrecondition, "RECOVERY_POINTS_HELD".into()));
    assert!(held.message().contains("\"case 7\"") && held.message().contains(&id), "{}", held.message());
    let longer = UpdateRecoveryPointLifecycleRequest { validate_only: true, ..update(&arn, days(90)) };
    let held = points.update_recovery_point_lifecycle(longer.clone()).await.unwrap().into_inner();
    let [waits] = &held.findings[..] else { panic!("{held:?}") };
    assert_eq!((waits.code.as_str(), waits.field.as_str()), ("LIFECYCLE_WAITS_FOR_HOLD", "recovery_point"));
    assert!(waits.message.contains(&id), "{waits:?}");
    cancel(&world, &id).await;
    assert!(points.update_recovery_point_lifecycle(longer).await.unwrap().into_inner().findings.is_empty());

    world.vaults().lock_vault(lock()).await.unwrap();
    let locked = points.delete_recovery_point(dry(&arn)).await.unwrap_err();
    assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    world.vaults().unlock_vault(crate::vault_locks::unlock()).await.unwrap();
    assert_eq!(read(&world, &arn).await.state(), RecoveryPointState::Completed);

    // What AWS does not let Strongroom see is no refusal, for the deletion itself needs no look; what fails is no answer.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    for (operation, field) in [("ListLegalHolds", "recovery_point"), ("DescribeBackupVault", "vault")] {
        world.arm(json!({"operation": operation, "next": 1, "effect": denied})).await;
        let unseen = points.delete_recovery_point(dry(&arn)).await.unwrap().into_inner();
        let [unseen] = &unseen.findings[..] else { panic!("{unseen:?}") };
        assert_eq!((unseen.code.as_str(), unseen.field.as_str()), ("NOT_CHECKED", field));
    }
    let broken = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "no"}});
    world.arm(json!({"operation": "ListLegalHolds", "rate": 1.0, "effect": broken})).await;
    let failed = points.delete_recovery_point(dry(&arn)).await.unwrap_err();
    assert_eq!(reason(&failed), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
}

#[tokio::test]
async fn whether_a_point_can_be_given_back_is_told_without_doing_it() {
    let world = prepared().await;
    let snapshot = recovery_point(&world).await;
    let mut points = world.recovery_points();
    let dry = |arn: &str| DisassociateRecoveryPointRequest { validate_only: true, ..disassociate(arn) };
    let refused = points.disassociate_recovery_point(dry(&snapshot)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "RESOURCE_TYPE_NOT_SUPPORTED".into()));
    let arn = continuous_point(&world).await;
    let checked = points.disassociate_recovery_point(dry(&arn)).await.unwrap().into_inner();
    assert_eq!(checked.state(), read(&world, &arn).await.state(), "as it is");
    assert_eq!(checked.findings[0].code, "RULE_CONTINUES_BACKUP");
    world.vaults().lock_vault(lock()).await.unwrap();
    let locked = points.disassociate_recovery_point(dry(&arn)).await.unwrap_err();
    assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
}

#[tokio::test]
async fn what_a_lifecycle_does_at_once_or_not_at_all_is_warned_of() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    world.advance("49h").await;
    let cold = Lifecycle { move_to_cold_storage_after_days: Some(1), ..days(100) };
    let codes = async |lifecycle| {
        let updated = world.recovery_points().update_recovery_point_lifecycle(update(&arn, lifecycle)).await.unwrap();
        updated.into_inner().findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(cold).await, ["COLD_STORAGE_IGNORED"]);
    assert_eq!(codes(days(2)).await, ["DELETE_TIME_IN_PAST"]);
    world.advance("1m").await;
    let gone = world.recovery_points().update_recovery_point_lifecycle(update(&arn, days(9))).await.unwrap_err();
    assert_eq!(reason(&gone), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
}

/// AWS takes it, and acts on it once the hold ends: only checked and done, that is the answer.
#[tokio::test]
async fn the_lifecycle_of_a_held_point_changes_and_waits() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    world.advance("49h").await;
    let id = hold(&world).await;
    let changed = async |lifecycle, validate_only| {
        let request = UpdateRecoveryPointLifecycleRequest { validate_only, ..update(&arn, lifecycle) };
        let mut told = world.recovery_points().update_recovery_point_lifecycle(request).await.unwrap().into_inner();
        told.request_id.clear();
        told
    };
    let (dry, done) = (changed(days(1), true).await, changed(days(1), false).await);
    assert_eq!(dry, done, "the same answer");
    let codes: Vec<_> = done.findings.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["DELETE_TIME_IN_PAST", "LIFECYCLE_WAITS_FOR_HOLD"]);
    for found in &done.findings {
        assert!(found.message.contains(&id) && !found.message.contains("next opportunity"), "{found:?}");
    }
    world.advance("2h").await;
    assert_eq!(read(&world, &arn).await.lifecycle.unwrap().delete_after_days, Some(1), "it is still there");
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListLegalHolds", "rate": 1.0, "effect": denied})).await;
    for validate_only in [true, false] {
        let unseen = changed(days(2), validate_only).await.findings;
        let codes: Vec<_> = unseen.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, ["DELETE_TIME_IN_PAST", "NOT_CHECKED"], "validate_only: {validate_only}");
        assert!(unseen[0].message.contains("unless a legal hold keeps it"), "{unseen:?}");
    }
}

#[tokio::test]
async fn a_lifecycle_has_no_default_and_is_not_changed_where_aws_does_not() {
    let world = prepared().await;
    let mut points = world.recovery_points();
    let faults = told(
        &points.update_recovery_point_lifecycle(UpdateRecoveryPointLifecycleRequest::default()).await.unwrap_err(),
    );
    assert_eq!(faults.fields, ["vault", "recovery_point", "lifecycle"]);
    let vague = update(NOWHERE, Lifecycle { move_to_cold_storage_after_days: Some(1), ..Default::default() });
    assert_eq!(told(&points.update_recovery_point_lifecycle(vague).await.unwrap_err()).fields, ["lifecycle"]);
    let missing = points.update_recovery_point_lifecycle(update(NOWHERE, days(7))).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let elsewhere = UpdateRecoveryPointLifecycleRequest { vault: "nowhere".into(), ..update(NOWHERE, days(7)) };
    let missing = points.update_recovery_point_lifecycle(elsewhere).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));

    let arn = recovery_point(&world).await;
    points.delete_recovery_point(delete(&arn)).await.unwrap();
    let going = points.update_recovery_point_lifecycle(update(&arn, days(7))).await.unwrap_err();
    assert_eq!(reason(&going), (Code::FailedPrecondition, "AWS_REJECTED_STATE".into()));
    assert!(going.message().contains("is DELETING"), "{}", going.message());
    let arn = back_up(&world, VOLUME).await.recovery_point_arn;
    world.vaults().lock_vault(lock()).await.unwrap();
    for validate_only in [true, false] {
        let request = UpdateRecoveryPointLifecycleRequest { validate_only, ..update(&arn, days(7)) };
        let locked = points.update_recovery_point_lifecycle(request).await.unwrap_err();
        assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    }
}

#[tokio::test]
async fn a_continuous_point_keeps_its_rules_lifecycle_and_goes_back_to_rds() {
    let world = prepared().await;
    let arn = continuous_point(&world).await;
    let mut points = world.recovery_points();
    let refused = points.update_recovery_point_lifecycle(update(&arn, days(9))).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "RESOURCE_TYPE_NOT_SUPPORTED".into()));
    assert!(refused.message().contains("said by the rule"), "{}", refused.message());

    world.vaults().lock_vault(lock()).await.unwrap();
    let locked = points.disassociate_recovery_point(disassociate(&arn)).await.unwrap_err();
    assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
    world.vaults().unlock_vault(crate::vault_locks::unlock()).await.unwrap();
    let kept = hold(&world).await;
    let held = points.disassociate_recovery_point(disassociate(&arn)).await.unwrap_err();
    assert_eq!(reason(&held), (Code::FailedPrecondition, "RECOVERY_POINTS_HELD".into()));
    cancel(&world, &kept).await;

    let given_back = points.disassociate_recovery_point(disassociate(&arn)).await.unwrap().into_inner();
    assert_eq!(given_back.state(), RecoveryPointState::Unspecified, "gone from AWS Backup");
    assert_eq!(given_back.findings[0].code, "RULE_CONTINUES_BACKUP");
    assert!(given_back.findings[0].message.contains("rule pitr of plan nightly"), "{given_back:?}");
    let request = GetResourceRequest { resource: LABS.into(), ..Default::default() };
    let database = world.resources().get_resource(request).await.unwrap().into_inner().resource.unwrap();
    let Some(strongroom::proto::resource::Detail::Database(database)) = database.detail else { panic!("{database:?}") };
    assert_eq!(database.automated_backup_retention_days, 7, "RDS goes on by itself");
    let again = points.disassociate_recovery_point(disassociate(&arn)).await.unwrap_err();
    assert_eq!(reason(&again), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_snapshot_cannot_be_given_back() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let mut points = world.recovery_points();
    let refused = points.disassociate_recovery_point(disassociate(&arn)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "RESOURCE_TYPE_NOT_SUPPORTED".into()));
    let missing = points.disassociate_recovery_point(disassociate(NOWHERE)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let faults =
        told(&points.disassociate_recovery_point(DisassociateRecoveryPointRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["vault", "recovery_point"]);
}

#[tokio::test]
async fn a_continuous_point_is_deleted_and_its_deletion_seen() {
    let world = prepared().await;
    let arn = continuous_point(&world).await;
    let mut points = world.recovery_points();
    let going = points.delete_recovery_point(delete(&arn)).await.unwrap().into_inner();
    assert!(!going.deleted);
    assert_eq!(read(&world, &arn).await.state(), RecoveryPointState::Deleting);
    world.advance("10m").await;
    let gone = points.delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&gone), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_point_under_a_legal_hold_or_being_made_is_not_deleted() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let id = hold(&world).await;
    let held = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&held), (Code::FailedPrecondition, "RECOVERY_POINTS_HELD".into()));
    assert!(held.message().contains("\"case 7\"") && held.message().contains(&id), "{}", held.message());
    // Who may not list holds still learns that there is one.
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListLegalHolds", "next": 1, "effect": denied})).await;
    let unnamed = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&unnamed).1, "RECOVERY_POINTS_HELD");
    assert_eq!(read(&world, &arn).await.state(), RecoveryPointState::Completed);
    cancel(&world, &id).await;
    restore_as(&world, &arn, "orders-2").await;
    let busy = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&busy).1, "RECOVERY_POINT_BUSY");

    start(&world, backup_of(VOLUME)).await;
    world.advance("6s").await;
    let request = ListRecoveryPointsRequest { vault: VAULT.into(), resource_type: "EBS".into(), ..Default::default() };
    let listed = world.recovery_points().list_recovery_points(request).await.unwrap().into_inner().recovery_points;
    assert_eq!(listed[0].state(), RecoveryPointState::Creating);
    for validate_only in [true, false] {
        let request = DeleteRecoveryPointRequest { validate_only, ..delete(&listed[0].arn) };
        let making = world.recovery_points().delete_recovery_point(request).await.unwrap_err();
        assert_eq!(reason(&making), (Code::FailedPrecondition, "RECOVERY_POINT_BUSY".into()));
    }
}

#[tokio::test]
async fn points_are_listed_by_parent_in_a_vault_and_without_foreign_ones_by_resource() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let list = async |request: ListRecoveryPointsRequest| {
        let answer = world.recovery_points().list_recovery_points(request).await?;
        Ok::<_, tonic::Status>(answer.into_inner().recovery_points.into_iter().map(|it| it.arn).collect::<Vec<_>>())
    };
    let by_parent =
        ListRecoveryPointsRequest { vault: VAULT.into(), parent_recovery_point: arn.clone(), ..Default::default() };
    assert!(list(by_parent.clone()).await.unwrap().is_empty(), "it has no parts");
    let managed =
        ListRecoveryPointsRequest { resource: LABS.into(), managed_by_backup_only: true, ..Default::default() };
    assert_eq!(list(managed.clone()).await.unwrap(), [arn]);
    let wrong = [
        (ListRecoveryPointsRequest { vault: VAULT.into(), ..managed }, "managed_by_backup_only"),
        (
            ListRecoveryPointsRequest { vault: String::new(), resource: LABS.into(), ..by_parent },
            "parent_recovery_point",
        ),
    ];
    for (request, field) in wrong {
        assert_eq!(told(&list(request).await.unwrap_err()).fields, [field]);
    }
}
