//! ListIncidents and AcknowledgeIncident over the wire: what goes wrong and nobody was told, whoever did it.

use std::time::Duration;

use aws_sdk_backup::types::Lifecycle as AwsLifecycle;
use serde_json::json;
use strongroom::proto::{
    AcknowledgeIncidentRequest, CreateVaultRequest, DeleteRecoveryPointRequest, DeleteVaultRequest,
    GetRecoveryPointRequest, Incident, IncidentCause, IncidentFilter, IncidentState, JobKind, Lifecycle,
    ListIncidentsRequest, Scope, ScopeState, ScopeStatus, SetVaultAccessPolicyRequest,
    UpdateRecoveryPointLifecycleRequest,
};
use tokio::time::timeout;
use tonic::Code;

use crate::{
    backups::{VAULT, aws_backup, aws_rds, back_up, backup_of, prepare, start},
    harness::{LABS, World, follow, reason, told},
    vault_locks::{governance, unlock},
};

/// A test that waits longer waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// AWS cannot back it up while it is stopped.
const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";

const VAULT_ARN: &str = "arn:aws:backup:us-east-1:123456789012:backup-vault:prod";

async fn watched() -> World {
    let world = World::start_with(|config| {
        follow(config);
        config.feed.points_interval = Duration::from_millis(20);
    })
    .await;
    prepare(&world).await;
    world
}

async fn list(world: &World, filter: IncidentFilter) -> Vec<Incident> {
    let request = ListIncidentsRequest { filter: Some(filter), ..Default::default() };
    let listed = async {
        loop {
            match world.protection().list_incidents(request.clone()).await {
                Ok(answer) => return answer.into_inner().incidents,
                Err(status) => assert_eq!(reason(&status).1, "SCOPE_NOT_FOLLOWED", "nothing was read yet"),
            }
        }
    };
    timeout(PATIENCE, listed).await.expect("nothing is read")
}

fn any() -> IncidentFilter {
    let states = [IncidentState::Open, IncidentState::Acknowledged, IncidentState::Closed];
    IncidentFilter { states: states.map(Into::into).to_vec(), ..Default::default() }
}

/// The incidents that are not closed, once there are such. Time goes on: what is told of one instant is no news of another.
async fn until(world: &World, wanted: impl Fn(&[Incident]) -> bool + Send + Sync) -> Vec<Incident> {
    let told = async {
        loop {
            let open = list(world, IncidentFilter::default()).await;
            if wanted(&open) {
                return open;
            }
            world.advance("PT1S").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("it is never told")
}

fn causes(incidents: &[Incident]) -> Vec<IncidentCause> {
    let mut causes: Vec<IncidentCause> = incidents.iter().map(Incident::cause).collect();
    causes.sort_unstable();
    causes
}

/// Until recovery points and vaults were looked at since now: what is looked at again and again is looked at whole.
async fn looked_at(world: &World) {
    world.advance("PT1M").await;
    world.asked_for().await;
    let mut looks = 0;
    let seen = async {
        while looks < 2 {
            let calls = world.asked_for().await;
            looks += calls.iter().filter(|(_, operation)| operation == "ListBackupVaults").count();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, seen).await.expect("nothing is looked at");
}

fn code(incident: &Incident) -> &str {
    incident.finding.as_ref().map_or("", |finding| finding.code.as_str())
}

async fn acknowledge(world: &World, request: AcknowledgeIncidentRequest) -> Incident {
    world.protection().acknowledge_incident(request).await.unwrap().into_inner().incident.unwrap()
}

#[tokio::test]
async fn a_database_whose_backups_fail_is_one_incident_until_one_does_not() {
    let world = watched().await;
    for _ in 0..2 {
        start(&world, backup_of(PAUSED)).await;
        world.advance("PT1M").await;
    }
    let open = until(&world, |open| open.iter().any(|incident| incident.count == 2)).await;
    let [incident] = open.as_slice() else { panic!("{open:#?}") };
    assert_eq!((incident.cause(), incident.state()), (IncidentCause::JobFailed, IncidentState::Open));
    assert_eq!((incident.job_kind(), incident.resource_arn.as_str()), (JobKind::Backup, PAUSED));
    assert_eq!((incident.vault_arn.as_str(), code(incident)), (VAULT_ARN, "JOB_FAILED"));
    let action = &incident.finding.as_ref().unwrap().action;
    assert!(action.contains("GetResource"), "it says what to do: {action}");

    let note = "it is to be stopped".to_owned();
    let checked = AcknowledgeIncidentRequest {
        incident: incident.id.clone(),
        note: note.clone(),
        validate_only: true,
        ..Default::default()
    };
    assert_eq!(acknowledge(&world, checked.clone()).await.state(), IncidentState::Acknowledged);
    assert_eq!(list(&world, IncidentFilter::default()).await[0].state(), IncidentState::Open, "nothing was done");
    let taken = acknowledge(&world, AcknowledgeIncidentRequest { validate_only: false, ..checked }).await;
    let by = taken.acknowledgement.clone().unwrap();
    assert_eq!((by.principal.as_str(), by.note), ("anonymous", note));
    assert_eq!(list(&world, IncidentFilter::default()).await, std::slice::from_ref(&taken));

    aws_rds(&world).start_db_instance().db_instance_identifier("rdspg-paused").send().await.unwrap();
    world.advance("PT30M").await;
    start(&world, backup_of(PAUSED)).await;
    world.advance("PT30M").await;
    until(&world, <[Incident]>::is_empty).await;
    let all = list(&world, any()).await;
    assert_eq!(
        all.iter().map(|it| (it.id.as_str(), it.state())).collect::<Vec<_>>(),
        [(taken.id.as_str(), IncidentState::Closed)]
    );
}

#[tokio::test]
async fn what_others_take_away_is_noticed_and_what_strongroom_is_asked_to_is_not() {
    let world = watched().await;
    let mut points = Vec::new();
    for _ in 0..4 {
        points.push(back_up(&world, LABS).await.recovery_point_arn);
        world.advance("PT1H").await;
    }
    looked_at(&world).await;
    let [ours, ours_too, theirs, shortened] = points.try_into().unwrap();
    let delete = DeleteRecoveryPointRequest { vault: VAULT.into(), recovery_point: ours, ..Default::default() };
    world.recovery_points().delete_recovery_point(delete).await.unwrap();
    let week = Lifecycle { delete_after_days: Some(7), ..Default::default() };
    let update = UpdateRecoveryPointLifecycleRequest {
        vault: VAULT.into(),
        recovery_point: ours_too,
        lifecycle: Some(week),
        ..Default::default()
    };
    world.recovery_points().update_recovery_point_lifecycle(update).await.unwrap();
    looked_at(&world).await;
    assert_eq!(list(&world, any()).await, []);

    let aws = aws_backup(&world);
    aws.delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(&theirs).send().await.unwrap();
    // Who finds nothing to delete any more has not done it.
    let late = DeleteRecoveryPointRequest {
        vault: VAULT.into(),
        recovery_point: theirs.clone(),
        allow_missing: true,
        ..Default::default()
    };
    world.recovery_points().delete_recovery_point(late).await.unwrap();
    let days = AwsLifecycle::builder().delete_after_days(1).build();
    let update = aws.update_recovery_point_lifecycle().backup_vault_name(VAULT).recovery_point_arn(&shortened);
    update.lifecycle(days).send().await.unwrap();
    let open = until(&world, |open| open.len() == 2).await;
    let of = |cause| open.iter().find(|incident| incident.cause() == cause).unwrap();
    let gone = of(IncidentCause::RecoveryPointDeleted);
    assert_eq!((gone.resource_arn.as_str(), gone.count, code(gone)), (LABS, 1, "RECOVERY_POINT_DELETED"));
    let lost = &gone.recovery_points[0];
    assert_eq!((lost.recovery_point_arn.as_str(), lost.delete_time_after), (theirs.as_str(), None));
    let shorter = of(IncidentCause::RetentionShortened);
    let lost = &shorter.recovery_points[0];
    assert_eq!((lost.recovery_point_arn.as_str(), code(shorter)), (shortened.as_str(), "RETENTION_SHORTENED"));
    assert!(lost.delete_time_after.unwrap().seconds < lost.delete_time_before.unwrap().seconds, "{lost:?}");
    // One goes when its time is over, the other is accepted.
    let request = AcknowledgeIncidentRequest { incident: gone.id.clone(), ..Default::default() };
    assert_eq!(acknowledge(&world, request).await.state(), IncidentState::Closed);
    world.advance("P2D").await;
    until(&world, <[Incident]>::is_empty).await;

    let delete = DeleteVaultRequest { vault: VAULT.into(), force: true, ..Default::default() };
    world.vaults().delete_vault(delete).await.unwrap();
    looked_at(&world).await;
    assert_eq!(list(&world, IncidentFilter::default()).await, []);
}

#[tokio::test]
async fn a_vault_that_others_guard_less_is_an_incident_until_it_is_as_before() {
    let world = watched().await;
    let policy = |action: &str| {
        format!(
            "{{\"Version\": \"2012-10-17\", \"Statement\": [{{\"Effect\": \"Deny\", \"Principal\": \"*\", \
             \"Action\": \"backup:{action}\", \"Resource\": \"*\"}}]}}"
        )
    };
    let ours = policy("DeleteRecoveryPoint");
    let set = SetVaultAccessPolicyRequest { vault: VAULT.into(), policy: ours.clone(), ..Default::default() };
    world.vaults().set_vault_access_policy(set.clone()).await.unwrap();
    world.vaults().lock_vault(governance()).await.unwrap();
    looked_at(&world).await;
    world.vaults().unlock_vault(unlock()).await.unwrap();
    looked_at(&world).await;
    assert_eq!(list(&world, any()).await, []);

    world.vaults().lock_vault(governance()).await.unwrap();
    let aws = aws_backup(&world);
    aws.delete_backup_vault_lock_configuration().backup_vault_name(VAULT).send().await.unwrap();
    aws.put_backup_vault_access_policy().backup_vault_name(VAULT).policy(policy("StartCopyJob")).send().await.unwrap();
    let open = until(&world, |open| open.len() == 2).await;
    assert_eq!(causes(&open), [IncidentCause::VaultLockWeakened, IncidentCause::VaultPolicyChanged]);
    let lock = open.iter().find(|incident| incident.cause() == IncidentCause::VaultLockWeakened).unwrap();
    assert_eq!((lock.vault_arn.as_str(), lock.setting_after.as_str()), (VAULT_ARN, "none"));
    assert_eq!(lock.setting_before, "governance, 7 to 90 days");
    let changed = open.iter().find(|incident| incident.cause() == IncidentCause::VaultPolicyChanged).unwrap();
    assert!(changed.setting_before.contains("DeleteRecoveryPoint"), "{changed:?}");
    assert!(changed.setting_after.contains("StartCopyJob"), "{changed:?}");
    // Putting it right ends it, by whomever.
    world.vaults().set_vault_access_policy(set).await.unwrap();
    world.vaults().lock_vault(governance()).await.unwrap();
    until(&world, <[Incident]>::is_empty).await;
    assert_eq!(list(&world, any()).await.len(), 2);
}

#[tokio::test]
async fn incidents_are_filtered_and_paged_and_one_that_is_not_there_is_said_to_be_missing() {
    let world = watched().await;
    start(&world, backup_of(PAUSED)).await;
    world.advance("PT1M").await;
    let point = back_up(&world, LABS).await.recovery_point_arn;
    looked_at(&world).await;
    let aws = aws_backup(&world);
    aws.delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(&point).send().await.unwrap();
    let open = until(&world, |open| open.len() == 2).await;
    let (failed, deleted) = (&open[1], &open[0]);
    assert_eq!((failed.cause(), deleted.cause()), (IncidentCause::JobFailed, IncidentCause::RecoveryPointDeleted));
    for (filter, wanted) in [
        (IncidentFilter { resource: "RDSPG-paused".into(), ..Default::default() }, vec![failed]),
        (IncidentFilter { resource: LABS.into(), ..Default::default() }, vec![deleted]),
        (IncidentFilter { vault: VAULT.into(), ..Default::default() }, vec![deleted, failed]),
        (IncidentFilter { vault: "other".into(), ..Default::default() }, vec![]),
        (IncidentFilter { job_kinds: vec![JobKind::Backup.into()], ..Default::default() }, vec![failed]),
        (IncidentFilter { job_kinds: vec![JobKind::Copy.into()], ..Default::default() }, vec![]),
        (IncidentFilter { causes: vec![IncidentCause::JobFailed.into()], ..Default::default() }, vec![failed]),
        (IncidentFilter { states: vec![IncidentState::Closed.into()], ..Default::default() }, vec![]),
    ] {
        assert_eq!(list(&world, filter.clone()).await.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
    }
    let mut page = ListIncidentsRequest { page_size: 1, all_scopes: true, ..Default::default() };
    let mut paged = Vec::new();
    loop {
        let answer = world.protection().list_incidents(page.clone()).await.unwrap().into_inner();
        assert!(answer.incidents.len() <= 1);
        assert_eq!(answer.scopes.iter().map(ScopeStatus::state).collect::<Vec<_>>(), [ScopeState::Current]);
        paged.extend(answer.incidents);
        page.page_token = answer.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, open);

    let missing = "0b6cf3f0-13fa-4a2e-8a53-7f8a1c52c111";
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    for (scope, incident) in [(None, missing), (elsewhere, failed.id.as_str())] {
        let request = AcknowledgeIncidentRequest { scope, incident: incident.into(), ..Default::default() };
        let refused = world.protection().acknowledge_incident(request).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::NotFound, "INCIDENT_NOT_FOUND".into()));
        assert!(refused.message().contains(incident), "{refused:?}");
    }
    let wrong = AcknowledgeIncidentRequest { incident: "x".into(), note: "y".repeat(1001), ..Default::default() };
    let refused = told(&world.protection().acknowledge_incident(wrong).await.unwrap_err());
    assert_eq!(refused.fields, ["incident", "note"]);
}

#[tokio::test]
async fn a_vault_that_cannot_be_read_hides_nothing_of_the_others() {
    let world = watched().await;
    for number in 0..6 {
        let vault = CreateVaultRequest { name: format!("barred-{number}"), ..Default::default() };
        world.vaults().create_vault(vault).await.unwrap();
    }
    let point = back_up(&world, LABS).await.recovery_point_arn;
    looked_at(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    // Of seven vaults nearly all, each time.
    world.arm(json!({"operation": "DescribeBackupVault", "rate": 0.9, "effect": denied})).await;
    aws_backup(&world).delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(point).send().await.unwrap();
    let open = until(&world, |open| !open.is_empty()).await;
    assert_eq!(causes(&open), [IncidentCause::RecoveryPointDeleted]);
}

#[tokio::test]
async fn a_recovery_point_is_found_by_its_arn_alone() {
    let world = watched().await;
    let point = back_up(&world, LABS).await.recovery_point_arn;
    looked_at(&world).await;
    let get = GetRecoveryPointRequest { recovery_point: point.clone(), ..Default::default() };
    let found = world.recovery_points().get_recovery_point(get.clone()).await.unwrap().into_inner().recovery_point;
    let found = found.unwrap();
    assert_eq!((found.arn, found.vault_name.as_str()), (point.clone(), VAULT));
    let unseen = GetRecoveryPointRequest { recovery_point: format!("{point}0"), ..get.clone() };
    for (world, request, why) in [(&world, unseen, "has not seen"), (&World::start().await, get, "does not follow")] {
        let refused = world.recovery_points().get_recovery_point(request).await.unwrap_err();
        assert_eq!(told(&refused).fields, ["vault"]);
        assert!(refused.message().contains(why), "{refused:?}");
    }
}

#[tokio::test]
async fn incidents_of_an_account_that_is_not_followed_are_not_none() {
    let world = World::start().await;
    let refused = world.protection().list_incidents(ListIncidentsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".into()));
    assert!(refused.message().contains("ledger.scopes"), "{refused:?}");
}
