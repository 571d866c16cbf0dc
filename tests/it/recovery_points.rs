//! RecoveryPointService over the wire.

use strongroom::proto::{
    CreateVaultRequest, DeleteRecoveryPointRequest, GetRecoveryPointRequest, ListRecoveryPointsRequest, Period,
    RecoveryPoint, RecoveryPointState, Retention,
};
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, aws_backup, aws_iam, back_up, prepared, recovery_point},
    harness::{LABS, World, reason, told},
    restores::restore_as,
};

const NOWHERE: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-nowhere";

fn get(arn: &str) -> GetRecoveryPointRequest {
    GetRecoveryPointRequest { vault: VAULT.into(), recovery_point_arn: arn.into(), ..Default::default() }
}

fn delete(arn: &str) -> DeleteRecoveryPointRequest {
    DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point_arn: arn.into(), ..Default::default() }
}

/// Every page of a list; each is as full as it can be.
async fn list(world: &World, mut request: ListRecoveryPointsRequest) -> Vec<RecoveryPoint> {
    let mut points = Vec::new();
    loop {
        let page = world.recovery_points().list_recovery_points(request.clone()).await.unwrap().into_inner();
        let full = usize::try_from(request.page_size).unwrap();
        assert!(page.next_page_token.is_empty() || page.recovery_points.len() == full, "{request:?}");
        points.extend(page.recovery_points);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return points;
        }
    }
}

#[tokio::test]
async fn a_recovery_point_tells_what_it_is_and_how_long_it_stays() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let point =
        world.recovery_points().get_recovery_point(get(&arn)).await.unwrap().into_inner().recovery_point.unwrap();
    assert_eq!(
        (point.arn.as_str(), point.resource_arn.as_str(), point.vault_name.as_str()),
        (arn.as_str(), LABS, VAULT)
    );
    assert_eq!((point.state(), point.state_text.as_str()), (RecoveryPointState::Completed, "COMPLETED"));
    assert_eq!(point.lifecycle.unwrap().retention(), Retention::Days);
    let days = (point.delete_time.unwrap().seconds - point.create_time.unwrap().seconds) / 86_400;
    assert_eq!(days, 35);
    assert!(!point.continuous && point.created_by.is_none());
    let missing = world.recovery_points().get_recovery_point(get(NOWHERE)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let elsewhere = GetRecoveryPointRequest { vault: "nowhere".into(), ..get(&arn) };
    let missing = world.recovery_points().get_recovery_point(elsewhere).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let faults =
        told(&world.recovery_points().get_recovery_point(GetRecoveryPointRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["vault", "recovery_point_arn"]);
}

#[tokio::test]
async fn recovery_points_are_listed_by_vault_and_by_resource_in_pages_of_any_size() {
    let world = prepared().await;
    let mut arns = Vec::new();
    for _ in 0..23 {
        arns.push(recovery_point(&world).await);
    }
    let volume = back_up(&world, VOLUME).await.recovery_point_arn;
    arns.reverse();
    let of_labs = ListRecoveryPointsRequest { resource_arn: LABS.into(), ..Default::default() };
    let in_vault = ListRecoveryPointsRequest { vault: VAULT.into(), ..of_labs.clone() };
    for request in [of_labs.clone(), in_vault] {
        // AWS takes no page below 20 for RDS resources.
        for size in [1, 3, 7, 19, 20, 22, 23, 24] {
            let points = list(&world, ListRecoveryPointsRequest { page_size: size, ..request.clone() }).await;
            let listed: Vec<_> = points.iter().map(|point| point.arn.as_str()).collect();
            assert_eq!(listed, arns, "each once, newest first, by {size}");
            assert!(points.iter().all(|point| point.resource_arn == LABS));
        }
    }
    // A page's size may change on the way.
    let mut request = ListRecoveryPointsRequest { page_size: 5, ..of_labs };
    let first = world.recovery_points().list_recovery_points(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    request.page_size = 100;
    let rest = list(&world, request).await;
    let listed: Vec<_> = first.recovery_points.iter().chain(&rest).map(|point| point.arn.as_str()).collect();
    assert_eq!(listed, arns);

    let whole = ListRecoveryPointsRequest { vault: VAULT.into(), page_size: 10, ..Default::default() };
    assert_eq!(list(&world, whole.clone()).await.len(), 24);
    let volumes = ListRecoveryPointsRequest { resource_type: "EBS".into(), ..whole.clone() };
    let listed = list(&world, volumes).await;
    assert_eq!(listed.iter().map(|point| point.arn.as_str()).collect::<Vec<_>>(), [volume.as_str()]);
    let of_a_plan = ListRecoveryPointsRequest { plan: "some-plan".into(), ..whole.clone() };
    assert!(list(&world, of_a_plan).await.is_empty(), "all were made on demand");
    let since = Period { after: listed[0].create_time, before: None };
    let newest = list(&world, ListRecoveryPointsRequest { create_time: Some(since), ..whole }).await;
    assert_eq!(newest.len(), 1, "the start of a period belongs to it");
}

#[tokio::test]
async fn a_list_of_nothing_is_empty_and_one_of_a_missing_vault_is_an_error() {
    let world = prepared().await;
    let unseen = ListRecoveryPointsRequest { resource_arn: LABS.into(), page_size: 5, ..Default::default() };
    assert!(list(&world, unseen).await.is_empty());
    let nowhere = ListRecoveryPointsRequest { vault: "nowhere".into(), ..Default::default() };
    let missing = world.recovery_points().list_recovery_points(nowhere).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let faults =
        told(&world.recovery_points().list_recovery_points(ListRecoveryPointsRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["vault"]);
}

#[tokio::test]
async fn a_deletion_is_looked_after_until_the_point_is_gone() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let mut points = world.recovery_points();
    for _ in 0..2 {
        let answer = points.delete_recovery_point(delete(&arn)).await.unwrap().into_inner();
        assert_eq!(answer.state(), RecoveryPointState::Deleting, "also when asked again");
    }
    world.advance("PT10M").await;
    let missing = points.delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let allowed = DeleteRecoveryPointRequest { allow_missing: true, ..delete(&arn) };
    let answer = points.delete_recovery_point(allowed).await.unwrap().into_inner();
    assert_eq!(answer.state(), RecoveryPointState::Unspecified);
    let faults = told(&points.delete_recovery_point(DeleteRecoveryPointRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["vault", "recovery_point_arn"]);
}

#[tokio::test]
async fn a_point_in_use_or_in_a_locked_vault_is_not_deleted() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    restore_as(&world, &arn, "orders-2").await;
    let busy = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&busy), (Code::FailedPrecondition, "RECOVERY_POINT_BUSY".into()));
    world.advance("PT30M").await;
    let lock = aws_backup(&world).put_backup_vault_lock_configuration().backup_vault_name(VAULT).min_retention_days(1);
    lock.send().await.unwrap();
    let locked = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&locked), (Code::FailedPrecondition, "VAULT_LOCKED".into()));
}

#[tokio::test]
async fn an_accepted_deletion_that_deletes_nothing_is_an_error() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let others = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let trust = aws_iam(&world).update_assume_role_policy().role_name("AWSBackupDefaultServiceRole");
    trust.policy_document(others).send().await.unwrap();
    let refused = world.recovery_points().delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "RECOVERY_POINT_NOT_DELETED".into()));
    assert!(refused.message().contains("EXPIRED"), "{refused}");
    let point =
        world.recovery_points().get_recovery_point(get(&arn)).await.unwrap().into_inner().recovery_point.unwrap();
    assert_eq!(point.state(), RecoveryPointState::Expired);
}

#[tokio::test]
async fn a_vault_elsewhere_is_looked_in_for_backups_of_here() {
    let world = prepared().await;
    let far = CreateVaultRequest {
        scope: Some(strongroom::proto::Scope { region: "eu-west-1".into(), ..Default::default() }),
        name: "far".into(),
        ..Default::default()
    };
    let far = world.vaults().create_vault(far).await.unwrap().into_inner().vault.unwrap();
    let request =
        ListRecoveryPointsRequest { vault: far.arn, resource_arn: LABS.into(), page_size: 5, ..Default::default() };
    assert!(list(&world, request).await.is_empty());
}
