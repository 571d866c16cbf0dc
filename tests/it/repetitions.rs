//! Requests that are repeated when AWS has forgotten them: what was started is never started twice.

use std::path::Path;

use serde_json::json;
use strongroom::proto::{
    CreateVaultRequest, JobState, ListJobsRequest, PlanRestoreRequest, Read, Scope, StartBackupRequest,
    StartCopyRequest, StartRestoreRequest, start_restore_request::What,
};
use tonic::Code;

use crate::{
    backups::{VAULT, backup_of, prepare, recovery_point},
    harness::{LABS, World, reason, request_id},
    ledger::list,
    restores::restore,
};

/// Longer than AWS remembers.
const LATER: &str = "PT768H";

async fn live(world: &World) -> usize {
    let mut jobs = 0;
    for kind in [1, 2, 3] {
        let filter = strongroom::proto::JobFilter { kinds: vec![kind], ..Default::default() };
        let request = ListJobsRequest { read: Read::Live.into(), filter: Some(filter), ..Default::default() };
        jobs += list(world.jobs(), request).await.jobs.len();
    }
    jobs
}

async fn with_ledger(path: &Path) -> World {
    let path = path.to_owned();
    let world = World::start_with(|config| config.ledger.path = Some(path)).await;
    prepare(&world).await;
    world
}

#[tokio::test]
async fn a_backup_is_not_started_again_when_aws_has_forgotten_it() {
    let world = World::start().await;
    prepare(&world).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = world.jobs().start_backup(request.clone()).await.unwrap().into_inner();
    world.advance("PT1H").await;
    let soon = world.jobs().start_backup(request.clone()).await.unwrap().into_inner();
    let job = soon.job.clone().unwrap();
    assert_eq!((&job.id, job.state()), (&first.job.as_ref().unwrap().id, JobState::Completed), "as it is now");
    world.advance(LATER).await;
    assert_eq!(live(&world).await, 0, "AWS has forgotten it");
    let late = world.jobs().start_backup(request.clone()).await.unwrap().into_inner();
    assert_eq!(late, soon);
    assert_eq!(live(&world).await, 0, "nothing was begun");
    // The same in other words.
    let by_name = StartBackupRequest { resource: "rdspg-fcj-labs".into(), ..request.clone() };
    assert_eq!(world.jobs().start_backup(by_name).await.unwrap().into_inner(), soon);
    let by_arns = StartBackupRequest {
        role: job.role_arn.clone(),
        scope: Some(Scope { region: "us-east-1".into(), ..Default::default() }),
        ..request.clone()
    };
    assert_eq!(world.jobs().start_backup(by_arns).await.unwrap().into_inner(), soon);
    // Of another thing that has the same name.
    let cluster = "arn:aws:rds:us-east-1:123456789012:cluster:rdspg-fcj-labs";
    let namesake = StartBackupRequest { resource: cluster.into(), ..request.clone() };
    let status = world.jobs().start_backup(namesake).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    // Another request, in whatever field.
    let tagged = StartBackupRequest { recovery_point_tags: [("a".into(), "b".into())].into(), ..request.clone() };
    let status = world.jobs().start_backup(tagged).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    assert!(status.message().contains(&job.id), "{status}");
    assert_eq!(live(&world).await, 0);
    // A check is none, and a fresh id is another request.
    let check = StartBackupRequest { validate_only: true, ..request.clone() };
    assert_eq!(world.jobs().start_backup(check).await.unwrap().into_inner().job, None);
    let fresh = StartBackupRequest { request_id: request_id(2), ..request };
    let another = world.jobs().start_backup(fresh).await.unwrap().into_inner().job.unwrap();
    assert_ne!(another.id, job.id);
}

#[tokio::test]
async fn a_request_is_one_of_its_operation_account_and_region() {
    let world = World::start().await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let second = CreateVaultRequest { name: "second".into(), ..Default::default() };
    world.vaults().create_vault(second).await.unwrap();
    let copy = StartCopyRequest {
        recovery_point: point.clone(),
        vault: VAULT.into(),
        destination_vault: "second".into(),
        role: "AWSBackupDefaultServiceRole".into(),
        request_id: request_id(1),
        ..Default::default()
    };
    let restored = StartRestoreRequest { request_id: request_id(1), ..restore(&point, "orders-2") };
    let backup = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let planned = restored.clone();
    let Some(What::Restore(said)) = planned.what.clone() else { panic!("{planned:?}") };
    let plan = PlanRestoreRequest { restore: Some(said), ..Default::default() };
    let token = world.recovery_points().plan_restore(plan).await.unwrap().into_inner().restore_token;
    let first = (
        world.jobs().start_copy(copy.clone()).await.unwrap().into_inner(),
        world.jobs().start_restore(restored.clone()).await.unwrap().into_inner(),
        world.jobs().start_backup(backup.clone()).await.unwrap().into_inner(),
    );
    world.advance("PT5H").await;
    world.advance(LATER).await;
    let before = live(&world).await;
    let again = (
        world.jobs().start_copy(copy).await.unwrap().into_inner(),
        world.jobs().start_restore(restored).await.unwrap().into_inner(),
        world.jobs().start_backup(backup.clone()).await.unwrap().into_inner(),
    );
    let ids = [
        [first.0.job.as_ref(), first.1.job.as_ref(), first.2.job.as_ref()].map(|job| job.unwrap().id.clone()),
        [again.0.job.as_ref(), again.1.job.as_ref(), again.2.job.as_ref()].map(|job| job.unwrap().id.clone()),
    ];
    assert_eq!(ids[0], ids[1]);
    assert_eq!((first.0.lifecycle, first.1.metadata), (again.0.lifecycle, again.1.metadata), "what was sent");
    let token = StartRestoreRequest { what: Some(What::RestoreToken(token)), ..planned };
    let by_token = world.jobs().start_restore(token).await.unwrap().into_inner().job.unwrap();
    assert_eq!(by_token.id, ids[0][1], "the same, as it was planned");
    assert_eq!(live(&world).await, before);
    let scope = Scope { region: "eu-west-1".into(), ..Default::default() };
    let elsewhere = StartBackupRequest { scope: Some(scope), resource: "rdspg-fcj-labs".into(), ..backup };
    let status = world.jobs().start_backup(elsewhere).await.unwrap_err();
    assert_ne!(reason(&status).1, "REQUEST_ID_REUSED", "there it was never used");
}

#[tokio::test]
async fn a_ledger_that_is_down_stops_no_backup_and_aws_knows_the_request_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let world = with_ledger(&file.join("ledger.db")).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = world.jobs().start_backup(request.clone()).await.unwrap().into_inner();
    let again = world.jobs().start_backup(request).await.unwrap().into_inner();
    assert_eq!(first.job.unwrap().id, again.job.unwrap().id);
    assert_eq!(live(&world).await, 1);
}

#[tokio::test]
async fn a_repetition_is_answered_though_aws_is_away() {
    let world = World::start().await;
    prepare(&world).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = world.jobs().start_backup(request.clone()).await.unwrap().into_inner();
    let away = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "away"}});
    world.arm(json!({"service": "backup", "rate": 1.0, "effect": away})).await;
    let again = world.jobs().start_backup(request).await.unwrap().into_inner();
    assert_eq!(first, again, "as it was known last");
}
