//! RecoveryPointService over the wire.

use strongroom::proto::{
    CreateVaultRequest, DeleteRecoveryPointRequest, DeleteVaultRequest, GetRecoveryPointRequest,
    ListRecoveryPointsRequest, RecoveryPoint, RecoveryPointState, Retention, Rule, Scope, StartBackupRequest,
    TimeInterval,
};
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, aws_backup, aws_iam, back_up, backup_of, prepared, recovery_point, start},
    harness::{LABS, World, reason, told},
    protection::{plan, select},
    restores::restore_as,
};

const NOWHERE: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-nowhere";

fn get(arn: &str) -> GetRecoveryPointRequest {
    GetRecoveryPointRequest { vault: VAULT.into(), recovery_point: arn.into(), ..Default::default() }
}

fn delete(arn: &str) -> DeleteRecoveryPointRequest {
    DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: arn.into(), ..Default::default() }
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
    assert_eq!(point.lifecycle.as_ref().unwrap().retention(), Retention::Days);
    let days = (point.delete_time.unwrap().seconds - point.create_time.unwrap().seconds) / 86_400;
    assert_eq!(days, 35);
    assert_eq!((point.continuous, &point.created_by), (Some(false), &None));
    assert!(point.vault_arn.ends_with(":backup-vault:prod") && !point.etag.is_empty(), "{point:?}");
    let missing = world.recovery_points().get_recovery_point(get(NOWHERE)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let elsewhere = GetRecoveryPointRequest { vault: "nowhere".into(), ..get(&arn) };
    let missing = world.recovery_points().get_recovery_point(elsewhere).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let faults =
        told(&world.recovery_points().get_recovery_point(GetRecoveryPointRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["recovery_point"]);
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
    let of_labs = ListRecoveryPointsRequest { resource: LABS.into(), ..Default::default() };
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
    let of_a_plan = ListRecoveryPointsRequest { plan: "9a1b2c3d-0000-4000-8000-000000000001".into(), ..whole.clone() };
    assert!(list(&world, of_a_plan).await.is_empty(), "a plan may be deleted, and its id stay");
    let since = TimeInterval { start_time: listed[0].create_time, end_time: None };
    let newest = list(&world, ListRecoveryPointsRequest { create_time: Some(since), ..whole }).await;
    assert_eq!(newest.len(), 1, "the start of an interval belongs to it");
}

#[tokio::test]
async fn a_list_of_nothing_is_empty_and_one_of_a_missing_vault_is_an_error() {
    let world = prepared().await;
    let unseen = ListRecoveryPointsRequest { resource: LABS.into(), page_size: 5, ..Default::default() };
    assert!(list(&world, unseen).await.is_empty());
    let nowhere = ListRecoveryPointsRequest { vault: "nowhere".into(), ..Default::default() };
    let missing = world.recovery_points().list_recovery_points(nowhere).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    let everywhere = ListRecoveryPointsRequest { page_size: 5, ..Default::default() };
    assert!(list(&world, everywhere).await.is_empty());
    let nobody = ListRecoveryPointsRequest { resource: "nowhere".into(), ..Default::default() };
    let missing = world.recovery_points().list_recovery_points(nobody.clone()).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    let in_vault = ListRecoveryPointsRequest { vault: VAULT.into(), ..nobody };
    let missing = world.recovery_points().list_recovery_points(in_vault).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    for vault in [VAULT, ""] {
        let of_a_plan =
            ListRecoveryPointsRequest { vault: vault.into(), plan: "some-plan".into(), ..Default::default() };
        let missing = world.recovery_points().list_recovery_points(of_a_plan).await.unwrap_err();
        assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn a_resource_and_a_plan_are_filtered_by_under_every_name_they_have() {
    let world = prepared().await;
    let on_demand = recovery_point(&world).await;
    plan(&world, "nightly", vec![Rule { name: "daily".into(), vault: VAULT.into(), ..Default::default() }]).await;
    select(&world, "nightly", "labs", &[LABS]).await;
    world.advance("PT6H").await;
    let of_labs = ListRecoveryPointsRequest { resource: "rdspg-fcj-labs".into(), page_size: 9, ..Default::default() };
    let in_vault = ListRecoveryPointsRequest { vault: VAULT.into(), ..of_labs.clone() };
    for request in [of_labs, in_vault] {
        let points = list(&world, request).await;
        assert_eq!(points.len(), 2);
        assert_eq!(points[1].arn, on_demand);
    }
    let by_name = ListRecoveryPointsRequest { plan: "nightly".into(), page_size: 9, ..Default::default() };
    let made = list(&world, by_name.clone()).await;
    let [made] = &made[..] else { panic!("{made:?}") };
    let Some(strongroom::proto::job_origin::Origin::Plan(origin)) = made.created_by.clone().unwrap().origin else {
        panic!("{made:?}")
    };
    assert_eq!((origin.plan_name.as_str(), origin.rule_name.as_str()), ("nightly", "daily"));
    for named in [origin.plan_id, origin.plan_arn] {
        let request = ListRecoveryPointsRequest { plan: named, vault: VAULT.into(), ..by_name.clone() };
        assert_eq!(list(&world, request).await, std::slice::from_ref(made));
    }
}

/// A vault with so many points of the workshop's database.
async fn vault_with(world: &World, name: &str, points: usize) {
    let vault = CreateVaultRequest { name: name.into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    for _ in 0..points {
        start(world, StartBackupRequest { vault: name.into(), ..backup_of(LABS) }).await;
        world.advance("PT10M").await;
    }
}

async fn page(world: &World, size: i32, token: &str) -> (Vec<String>, String) {
    let request = ListRecoveryPointsRequest { page_size: size, page_token: token.into(), ..Default::default() };
    let page = world.recovery_points().list_recovery_points(request).await.unwrap().into_inner();
    (page.recovery_points.into_iter().map(|point| point.vault_name).collect(), page.next_page_token)
}

#[tokio::test]
async fn the_points_of_every_vault_are_listed_in_the_order_of_their_names() {
    let world = prepared().await;
    for (name, points) in [("zulu", 1), ("Alpha", 2), ("empty", 0), (VAULT, 3)] {
        if name == VAULT {
            for _ in 0..points {
                recovery_point(&world).await;
            }
        } else {
            vault_with(&world, name, points).await;
        }
    }
    for size in [1, 2, 3, 5, 6, 7] {
        let request = ListRecoveryPointsRequest { page_size: size, ..Default::default() };
        let points = list(&world, request).await;
        let vaults: Vec<_> = points.iter().map(|point| point.vault_name.as_str()).collect();
        assert_eq!(vaults, ["Alpha", "Alpha", "prod", "prod", "prod", "zulu"], "by {size}");
        let arns: std::collections::BTreeSet<_> = points.iter().map(|point| &point.arn).collect();
        assert_eq!(arns.len(), 6, "each once, by {size}");
    }
    // A vault that is deleted on the way is passed over, though the token was in the middle of it.
    let (first, token) = page(&world, 1, "").await;
    assert_eq!(first, ["Alpha"]);
    let gone = DeleteVaultRequest { vault: "Alpha".into(), force: true, ..Default::default() };
    world.vaults().delete_vault(gone.clone()).await.unwrap();
    world.advance("PT10M").await;
    world.vaults().delete_vault(DeleteVaultRequest { allow_missing: true, ..gone }).await.unwrap();
    let (rest, end) = page(&world, 9, &token).await;
    assert_eq!((rest, end.as_str()), (["prod", "prod", "prod", "zulu"].map(str::to_owned).into(), ""));
    let other = ListRecoveryPointsRequest { vault: VAULT.into(), page_token: token, ..Default::default() };
    let faults = told(&world.recovery_points().list_recovery_points(other).await.unwrap_err());
    assert_eq!(faults.fields, ["page_token"]);
}

#[tokio::test]
async fn of_many_vaults_a_page_looks_into_some_and_says_that_there_is_more() {
    let world = prepared().await;
    for number in 0..24 {
        vault_with(&world, &format!("vault-{number:02}"), 0).await;
    }
    vault_with(&world, "zulu", 1).await;
    let (first, token) = page(&world, 100, "").await;
    assert!(first.is_empty() && !token.is_empty(), "{first:?}");
    assert_eq!(page(&world, 100, &token).await, (vec!["zulu".to_owned()], String::new()));
}

#[tokio::test]
async fn a_deletion_is_looked_after_until_the_point_is_gone() {
    let world = prepared().await;
    let arn = recovery_point(&world).await;
    let mut points = world.recovery_points();
    for _ in 0..2 {
        let answer = points.delete_recovery_point(delete(&arn)).await.unwrap().into_inner();
        assert!(!answer.deleted, "AWS is at it, also when asked again");
        let point = points.get_recovery_point(get(&arn)).await.unwrap().into_inner().recovery_point.unwrap();
        assert_eq!(point.state(), RecoveryPointState::Deleting);
    }
    world.advance("PT10M").await;
    let missing = points.delete_recovery_point(delete(&arn)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
    let allowed = DeleteRecoveryPointRequest { allow_missing: true, ..delete(&arn) };
    let answer = points.delete_recovery_point(allowed).await.unwrap().into_inner();
    assert!(answer.deleted);
    let faults = told(&points.delete_recovery_point(DeleteRecoveryPointRequest::default()).await.unwrap_err());
    assert_eq!(faults.fields, ["vault", "recovery_point"]);
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
        scope: Some(Scope { region: "eu-west-1".into(), ..Default::default() }),
        name: "far".into(),
        ..Default::default()
    };
    let far = world.vaults().create_vault(far).await.unwrap().into_inner().vault.unwrap();
    let request =
        ListRecoveryPointsRequest { vault: far.arn, resource: LABS.into(), page_size: 5, ..Default::default() };
    assert!(list(&world, request).await.is_empty());
}
