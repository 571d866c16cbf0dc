//! StartCopy over the wire: to the next vault, another region, another account, and what is told before it.

use aws_credential_types::Credentials;
use serde_json::json;
use strongroom::{
    config::RoleTemplate,
    proto::{
        CreateVaultRequest, Finding, GetRecoveryPointRequest, Job, JobFilter, JobKind, JobState, Lifecycle,
        ListJobsRequest, Retention, Scope, StartCopyRequest, Vault,
    },
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    backups::{VAULT, aws_backup, back_up, backup_of, prepare, prepared, read, recovery_point, start},
    harness::{ACCOUNT, World, reason, request_id, told, without_ledger},
};

const OTHER: &str = "999999999999";
const ORDERS: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";

/// A copy of the point to the vault, everything else default.
pub(crate) fn copy(point: &str, destination: &str) -> StartCopyRequest {
    StartCopyRequest {
        recovery_point: point.into(),
        vault: VAULT.into(),
        destination_vault: destination.into(),
        role: "AWSBackupDefaultServiceRole".into(),
        ..Default::default()
    }
}

fn arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:aws:backup:{region}:{account}:backup-vault:{name}")
}

pub(crate) async fn vault(world: &World, region: &str, account: &str, name: &str, key: &str) -> Vault {
    let scope = Some(Scope { region: region.into(), account: account.into() });
    let request = CreateVaultRequest { scope, name: name.into(), encryption_key: key.into(), ..Default::default() };
    world.vaults().create_vault(request).await.unwrap().into_inner().vault.unwrap()
}

/// The codes of findings, each with the field that it comes from.
fn codes(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect()
}

async fn refused(world: &World, request: StartCopyRequest) -> Status {
    world.jobs().start_copy(request).await.unwrap_err()
}

/// What stands in the way, by code and subject.
fn obstacles(status: &Status) -> Vec<String> {
    assert_eq!(reason(status), (Code::FailedPrecondition, "PREFLIGHT_FAILED".into()), "{status}");
    let violations = status.get_details_precondition_failure().unwrap().violations;
    violations.into_iter().map(|violation| violation.r#type).collect()
}

async fn copies(world: &World) -> Vec<Job> {
    let filter = Some(JobFilter { kinds: vec![JobKind::Copy.into()], ..Default::default() });
    let request = ListJobsRequest { filter, ..Default::default() };
    world.jobs().list_jobs(request).await.unwrap().into_inner().jobs
}

#[tokio::test]
async fn a_copy_goes_to_another_region_and_is_kept_like_its_original() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let far = vault(&world, "eu-west-1", "", "far", "").await;
    let dry = StartCopyRequest { validate_only: true, ..copy(&point, &far.arn) };
    let dry = world.jobs().start_copy(dry).await.unwrap().into_inner();
    assert_eq!((dry.job, dry.findings.len()), (None, 0));
    assert!(copies(&world).await.is_empty(), "a dry run starts nothing");

    let answer = world.jobs().start_copy(copy(&point, &far.arn)).await.unwrap().into_inner();
    assert_eq!((answer.lifecycle.as_ref().unwrap().delete_after_days, &answer.lifecycle), (Some(35), &dry.lifecycle));
    let job = answer.job.unwrap();
    assert_eq!((job.kind(), &job.destination_vault_arn), (JobKind::Copy, &far.arn));
    world.advance("PT10M").await;
    let done = read(&world, &job.id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert_eq!(done.destination_vault_name, "far");
    let get = GetRecoveryPointRequest {
        vault: far.arn,
        recovery_point: done.destination_recovery_point_arn,
        ..Default::default()
    };
    let copied = world.recovery_points().get_recovery_point(get).await.unwrap().into_inner().recovery_point.unwrap();
    assert_eq!(copied.scope.unwrap().region, "eu-west-1");
    assert_eq!(copied.lifecycle.unwrap().delete_after_days, Some(35));
}

#[tokio::test]
async fn a_destination_s_name_means_a_vault_beside_the_recovery_point() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let second = vault(&world, "", "", "second", "").await;
    let job = world.jobs().start_copy(copy(&point, "second")).await.unwrap().into_inner().job.unwrap();
    assert_eq!((&job.destination_vault_arn, job.destination_vault_name.as_str()), (&second.arn, "second"));
    let request = StartCopyRequest { request_id: request_id(1), ..copy(&point, "second") };
    let by_name = world.jobs().start_copy(request.clone()).await.unwrap().into_inner().job.unwrap();
    let by_arn = StartCopyRequest { destination_vault: second.arn.clone(), ..request };
    let by_arn = world.jobs().start_copy(by_arn).await.unwrap().into_inner().job.unwrap();
    assert_eq!(by_arn.id, by_name.id, "the same request in other words");
    for destination in ["second", second.arn.as_str(), "third"] {
        let kinds = vec![JobKind::Copy.into()];
        let filter = Some(JobFilter { kinds, destination_vault: destination.into(), ..Default::default() });
        let request = ListJobsRequest { filter, ..Default::default() };
        let listed = world.jobs().list_jobs(request).await.unwrap().into_inner().jobs;
        assert_eq!(listed.len(), if destination == "third" { 0 } else { 2 }, "{destination}");
    }
    let missing = refused(&world, copy(&point, "nowhere")).await;
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_check_of_a_copy_tells_what_stands_in_the_way_and_starts_nothing() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let check = |request| StartCopyRequest { validate_only: true, request_id: request_id(1), ..request };
    let home = refused(&world, check(copy(&point, VAULT))).await;
    assert_eq!(obstacles(&home), ["DESTINATION_IS_SOURCE"]);
    let missing = refused(&world, check(copy(&point, "nowhere"))).await;
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    vault(&world, "", "", "second", "").await;
    let role = StartCopyRequest { role: "nowhere".into(), ..check(copy(&point, "second")) };
    assert_eq!(reason(&refused(&world, role).await), (Code::NotFound, "ROLE_NOT_FOUND".into()));
    let checked = world.jobs().start_copy(check(copy(&point, "second"))).await.unwrap().into_inner();
    assert_eq!((checked.job, checked.request_id), (None, request_id(1)));
    assert_eq!(checked.lifecycle.unwrap().delete_after_days, Some(35));
    assert!(copies(&world).await.is_empty());
}

#[tokio::test]
async fn a_repeated_copy_whose_jobs_cannot_be_read_at_the_moment_is_not_called_missing() {
    let world = World::start_with(|config| {
        config.aws.max_attempts = 1;
        without_ledger(config);
    })
    .await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    vault(&world, "", "", "second", "").await;
    let request = StartCopyRequest { request_id: request_id(1), ..copy(&point, "second") };
    let job = world.jobs().start_copy(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT10M").await;
    let aws = aws_backup(&world);
    aws.delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(&point).send().await.unwrap();
    world.advance("PT10M").await;
    world.arm(json!({"operation": "ListCopyJobs", "next": 1, "effect": "drop_before"})).await;
    let unread = refused(&world, request.clone()).await;
    assert_eq!(reason(&unread).0, Code::Unavailable, "{unread}");
    let again = world.jobs().start_copy(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!(again.id, job.id);
    assert_eq!(copies(&world).await.len(), 1);
}

#[tokio::test]
async fn the_same_request_makes_one_copy_and_is_answered_when_the_way_is_barred_since() {
    let world = World::start_with(|config| {
        config.aws.max_attempts = 1;
        without_ledger(config);
    })
    .await;
    prepare(&world).await;
    let point = recovery_point(&world).await;
    let second = vault(&world, "", "", "second", "").await;
    let request = StartCopyRequest { request_id: request_id(1), ..copy(&point, &second.arn) };
    world.arm(json!({"operation": "StartCopyJob", "next": 1, "effect": "drop_after"})).await;
    let lost = refused(&world, request.clone()).await;
    assert_eq!(reason(&lost), (Code::Unavailable, "OUTCOME_UNKNOWN".into()));
    let job = world.jobs().start_copy(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT10M").await;

    // A lock that the copy does not fit, and a point that is gone: a repetition still finds its job.
    let aws = aws_backup(&world);
    aws.put_backup_vault_lock_configuration().backup_vault_name("second").max_retention_days(7).send().await.unwrap();
    let fresh = StartCopyRequest { request_id: String::new(), ..request.clone() };
    assert_eq!(obstacles(&refused(&world, fresh).await), ["RETENTION_OUTSIDE_VAULT_LOCK"]);
    let again = world.jobs().start_copy(request.clone()).await.unwrap().into_inner().job.unwrap();
    assert_eq!(again.id, job.id);
    aws.delete_recovery_point().backup_vault_name(VAULT).recovery_point_arn(&point).send().await.unwrap();
    world.advance("PT10M").await;
    let again = world.jobs().start_copy(request.clone()).await.unwrap().into_inner().job.unwrap();
    assert_eq!(again.id, job.id);
    assert_eq!(copies(&world).await.len(), 1);

    let third = vault(&world, "", "", "third", "").await;
    let gone = refused(&world, StartCopyRequest { destination_vault: third.arn, ..request }).await;
    assert_eq!(reason(&gone), (Code::NotFound, "RECOVERY_POINT_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_request_id_of_another_copy_is_refused() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let [second, third] = [vault(&world, "", "", "second", "").await, vault(&world, "", "", "third", "").await];
    let first = StartCopyRequest { request_id: request_id(1), ..copy(&point, &second.arn) };
    world.jobs().start_copy(first.clone()).await.unwrap();
    let kept = Some(Lifecycle { retention: Retention::Forever.into(), ..Default::default() });
    for other in [
        StartCopyRequest { destination_vault: third.arn, ..first.clone() },
        StartCopyRequest { lifecycle: kept, ..first },
    ] {
        assert_eq!(reason(&refused(&world, other).await), (Code::FailedPrecondition, "REQUEST_ID_REUSED".into()));
    }
    assert_eq!(copies(&world).await.len(), 1);
}

#[tokio::test]
async fn a_destination_that_is_missing_is_not_found_and_with_more_in_the_way_one_obstacle_of_many() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let missing = refused(&world, copy(&point, &arn("eu-west-1", ACCOUNT, "nowhere"))).await;
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".into()));
    assert!(missing.message().contains("eu-west-1:123456789012:backup-vault:nowhere"), "{missing}");

    let unfinished = start(&world, backup_of(ORDERS)).await;
    world.advance("PT10S").await;
    let unfinished = read(&world, &unfinished.id).await.recovery_point_arn;
    let both = refused(&world, copy(&unfinished, &arn("eu-west-1", ACCOUNT, "nowhere"))).await;
    assert_eq!(obstacles(&both), ["DESTINATION_NOT_FOUND", "POINT_NOT_COPYABLE"]);
    let home = refused(&world, copy(&unfinished, &arn("us-east-1", ACCOUNT, VAULT))).await;
    assert_eq!(obstacles(&home), ["DESTINATION_IS_SOURCE", "POINT_NOT_COPYABLE"]);
    assert!(copies(&world).await.is_empty(), "nothing is started");

    for (request, why) in [
        (
            StartCopyRequest { vault: "nowhere".into(), ..copy(&point, &arn("us-east-1", ACCOUNT, "x1")) },
            "VAULT_NOT_FOUND",
        ),
        (
            StartCopyRequest { role: "nowhere".into(), ..copy(&point, &arn("us-east-1", ACCOUNT, VAULT)) },
            "ROLE_NOT_FOUND",
        ),
    ] {
        assert_eq!(reason(&refused(&world, request).await), (Code::NotFound, why.into()));
    }
}

#[tokio::test]
async fn a_locked_destination_is_told_with_its_bounds() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let far = vault(&world, "", "", "locked", "").await;
    let lock = aws_backup(&world).put_backup_vault_lock_configuration().backup_vault_name("locked");
    lock.min_retention_days(7).max_retention_days(30).send().await.unwrap();
    let barred = refused(&world, copy(&point, &far.arn)).await;
    assert_eq!(obstacles(&barred), ["RETENTION_OUTSIDE_VAULT_LOCK"]);
    assert!(barred.message().contains("allows 7 to 30 days") && barred.message().contains("35 days"), "{barred}");
    let fitting = Some(Lifecycle { delete_after_days: Some(14), ..Default::default() });
    let fitting = StartCopyRequest { lifecycle: fitting, ..copy(&point, &far.arn) };
    let job = world.jobs().start_copy(fitting).await.unwrap().into_inner().job.unwrap();
    world.advance("PT10M").await;
    assert_eq!(read(&world, &job.id).await.state(), JobState::Completed);
}

/// A server that may go to the other account, in an organization that copies between its accounts.
async fn organization() -> World {
    let role = "arn:aws:iam::{account}:role/OrganizationAccountAccessRole";
    let world = World::start_with(|config| config.aws.assume_role = RoleTemplate::new(role)).await;
    prepare(&world).await;
    world.behave(json!({"switches": {"organization": true}})).await;
    let settings = aws_backup(&world).update_global_settings().global_settings("isCrossAccountBackupEnabled", "true");
    settings.send().await.unwrap();
    world
}

#[tokio::test]
async fn a_key_of_aws_is_found_at_both_ends_and_on_the_snapshot_of_a_copy_to_another_account() {
    let world = organization().await;
    let encrypted = back_up(&world, ORDERS).await.recovery_point_arn;
    let theirs = vault(&world, "", OTHER, "theirs", "").await;
    let barred = refused(&world, copy(&encrypted, &theirs.arn)).await;
    assert_eq!(obstacles(&barred), ["AWS_MANAGED_KEY"; 3]);
    let told = barred.get_details_precondition_failure().unwrap().violations;
    for (violation, what) in told.iter().zip(["the source vault prod", "the recovery point", "the destination vault"]) {
        assert!(violation.description.contains(what), "{violation:?}");
    }
    // Within the account no key is in the way.
    let second = vault(&world, "", "", "second", "").await;
    world.jobs().start_copy(copy(&encrypted, &second.arn)).await.unwrap();
}

#[tokio::test]
async fn with_keys_of_one_s_own_and_consent_a_copy_reaches_another_account() {
    let world = organization().await;
    let own = vault(&world, "", "", "keyed", &format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/own")).await;
    let theirs = vault(&world, "", OTHER, "theirs", &format!("arn:aws:kms:us-east-1:{OTHER}:key/own")).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "backup:CopyIntoBackupVault",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Resource": "*"}]});
    let them = aws_sdk_backup::Client::from_conf(
        aws_backup(&world)
            .config()
            .to_builder()
            .credentials_provider(Credentials::new(OTHER, "test", None, None, "test"))
            .build(),
    );
    let consent = them.put_backup_vault_access_policy().backup_vault_name("theirs").policy(policy.to_string());
    consent.send().await.unwrap();

    let backup = strongroom::proto::StartBackupRequest { vault: own.name, ..backup_of(crate::harness::LABS) };
    let backup = start(&world, backup).await;
    world.advance("PT10M").await;
    let point = read(&world, &backup.id).await.recovery_point_arn;
    let request = StartCopyRequest { vault: own.arn, ..copy(&point, &theirs.arn) };
    let answer = world.jobs().start_copy(request.clone()).await.unwrap().into_inner();
    assert_eq!(answer.findings, []);
    world.advance("PT10M").await;
    let done = read(&world, &answer.job.unwrap().id).await;
    assert_eq!(done.state(), JobState::Completed, "{done:?}");
    assert!(done.destination_recovery_point_arn.contains(&format!(":{OTHER}:snapshot:")), "{done:?}");

    let denied = json!({"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"service": "kms", "operation": "DescribeKey", "rate": 1.0, "effect": denied})).await;
    let unread = StartCopyRequest { validate_only: true, ..request };
    let unread = world.jobs().start_copy(unread).await.unwrap().into_inner().findings;
    assert_eq!(codes(&unread), [("KEY_NOT_CHECKED", "destination_vault"); 2]);
}

#[tokio::test]
async fn a_destination_where_strongroom_may_not_look_costs_a_warning() {
    let world = prepared().await;
    let point = recovery_point(&world).await;
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    world.arm(json!({"operation": "ListBackupVaults", "rate": 1.0, "effect": denied})).await;
    let hidden = copy(&point, &arn("eu-west-1", ACCOUNT, "far"));
    let answer = world.jobs().start_copy(hidden).await.unwrap().into_inner();
    assert_eq!(codes(&answer.findings), [("DESTINATION_NOT_CHECKED", "destination_vault")]);
    world.advance("PT10M").await;
    let failed = read(&world, &answer.job.unwrap().id).await;
    assert_eq!(failed.state(), JobState::Failed, "as the warning said: {failed:?}");
    // No way into the account: the same.
    let foreign = StartCopyRequest { validate_only: true, ..copy(&point, &arn("us-east-1", OTHER, "theirs")) };
    let barred = world.jobs().start_copy(foreign).await;
    assert_eq!(obstacles(&barred.unwrap_err()), ["AWS_MANAGED_KEY"], "the source's key is known all the same");
}

#[tokio::test]
async fn every_fault_of_a_copy_is_told_at_once() {
    let world = World::start().await;
    let request = StartCopyRequest {
        recovery_point: "point".into(),
        vault: "a.b".into(),
        destination_vault: "a.b".into(),
        lifecycle: Some(Lifecycle { delete_after_days: Some(-1), ..Default::default() }),
        request_id: "x".into(),
        ..Default::default()
    };
    let faults = told(&refused(&world, request).await);
    let fields = ["request_id", "recovery_point", "vault", "destination_vault", "role", "lifecycle.delete_after_days"];
    assert_eq!((faults.code, faults.fields), (Code::InvalidArgument, fields.map(str::to_owned).to_vec()));
}
