use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::*;
use crate::aws::{
    FailureKind,
    tests::{START, Sandboxed},
};

const DATABASE: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-fcj-labs";
const ROLE: &str = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An AWS with a role that AWS Backup may assume.
async fn world() -> (Sandboxed, Scoped) {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"backup.amazonaws.com"}}]}"#;
    let aws = Sandboxed::start().await;
    let scoped = aws.scoped().await;
    let (iam, name) = (&scoped.clients.iam, "AWSBackupDefaultServiceRole");
    let role = iam.create_role().path("/service-role/").role_name(name).assume_role_policy_document(TRUST);
    role.send().await.unwrap();
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    iam.attach_role_policy().role_name(name).policy_arn(policy).send().await.unwrap();
    (aws, scoped)
}

/// So many backups into a vault, one after the other; a database has one at a time.
async fn back_up(scoped: &Scoped, vault: &str, jobs: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..jobs {
        let sent = scoped.clients.backup.start_backup_job().backup_vault_name(vault).resource_arn(DATABASE);
        let sent = sent.iam_role_arn(ROLE).idempotency_token(format!("{vault}-{number}"));
        ids.push(sent.send().await.unwrap().backup_job_id.unwrap());
    }
    ids
}

async fn vault(scoped: &Scoped, name: &str) -> VaultName {
    scoped.clients.backup.create_backup_vault().backup_vault_name(name).send().await.unwrap();
    VaultName::parse(name).unwrap()
}

async fn swept(scoped: &Scoped, kind: JobKind, sweep: JobSweep) -> Vec<Batch<Job>> {
    scoped.sweep_jobs(kind, sweep).try_collect().await.unwrap()
}

fn ids(batches: &[Batch<Job>]) -> BTreeSet<String> {
    batches.iter().flat_map(|batch| &batch.items).map(|job| job.id.as_str().to_owned()).collect()
}

#[tokio::test]
async fn all_jobs_that_were_created_within_a_time_are_read_page_by_page() {
    let (aws, scoped) = world().await;
    vault(&scoped, "prod").await;
    let first = back_up(&scoped, "prod", 1_003).await;
    aws.advance("PT30S").await;
    let later = at(START) + SignedDuration::from_secs(20);
    let created = |after, before| JobSweep::Created(Period { after, before });
    let batches = swept(&scoped, JobKind::Backup, created(Some(at(START)), Some(later))).await;
    assert_eq!(batches.iter().map(|batch| batch.items.len()).collect::<Vec<_>>(), [1_000, 3]);
    assert_eq!(ids(&batches), first.into_iter().collect());
    assert!(swept(&scoped, JobKind::Backup, created(Some(later), None)).await.iter().all(|it| it.items.is_empty()));
    assert!(ids(&swept(&scoped, JobKind::Copy, created(None, None)).await).is_empty());
    assert!(ids(&swept(&scoped, JobKind::Restore, created(None, None)).await).is_empty());
}

#[tokio::test]
async fn jobs_that_have_not_ended_and_those_that_have_since_are_told_apart() {
    let (aws, scoped) = world().await;
    vault(&scoped, "prod").await;
    let jobs = back_up(&scoped, "prod", 3).await;
    aws.advance("PT10S").await;
    let open = swept(&scoped, JobKind::Backup, JobSweep::Open).await;
    assert_eq!(ids(&open), jobs.iter().cloned().collect());
    let words: BTreeSet<String> =
        open.iter().flat_map(|batch| &batch.items).map(|job| job.state.word().to_owned()).collect();
    assert_eq!(words, ["CREATED", "RUNNING"].map(str::to_owned).into(), "a database has one at a time");
    assert!(ids(&swept(&scoped, JobKind::Backup, JobSweep::CompletedSince(at(START))).await).is_empty());

    aws.advance("PT30S").await;
    let ended = swept(&scoped, JobKind::Backup, JobSweep::CompletedSince(at(START))).await;
    assert_eq!(ids(&ended).len(), 1, "{ended:?}");
    let open = ids(&swept(&scoped, JobKind::Backup, JobSweep::Open).await);
    assert_eq!(&open | &ids(&ended), jobs.into_iter().collect());
    assert!(open.is_disjoint(&ids(&ended)));
    for kind in [JobKind::Restore, JobKind::Copy] {
        assert!(ids(&swept(&scoped, kind, JobSweep::Open).await).is_empty());
    }
}

#[tokio::test]
async fn what_is_told_was_so_before_it_was_asked_for_by_the_clock_of_aws() {
    let (aws, scoped) = world().await;
    vault(&scoped, "prod").await;
    let id = JobId::parse(&back_up(&scoped, "prod", 1).await[0]).unwrap();
    for (by, hours) in [("PT0S", 0), ("PT240H", 240), ("PT1H", 241)] {
        // Nothing has told the adapter of it when it asks.
        aws.advance(by).await;
        let (_, told) = scoped.sweep_job(&id, JobKind::Backup).await.unwrap();
        let ahead = told.duration_since(at(START) + SignedDuration::from_hours(hours));
        assert!((-3..=0).contains(&ahead.as_secs()), "{told} after {hours} hours");
    }
    aws.advance("PT1H").await;
    let ahead = scoped.sweep_vaults().await.unwrap().at.duration_since(at(START) + SignedDuration::from_hours(242));
    assert!((-3..=0).contains(&ahead.as_secs()), "{ahead:?}");
}

#[tokio::test]
async fn recovery_points_are_read_vault_by_vault_with_their_lifecycle() {
    let (aws, scoped) = world().await;
    let (prod, empty) = (vault(&scoped, "prod").await, vault(&scoped, "empty").await);
    back_up(&scoped, "prod", 2).await;
    aws.advance("PT5M").await;
    let vaults = scoped.sweep_vaults().await.unwrap().items;
    assert!(vaults.contains(&prod) && vaults.contains(&empty), "{vaults:?}");
    let points = |vault| scoped.sweep_points(vault).try_collect::<Vec<_>>();
    let told = points(&prod).await.unwrap();
    let told: Vec<&RecoveryPoint> = told.iter().flat_map(|batch| &batch.items).collect();
    assert_eq!(told.len(), 2);
    for point in told {
        assert_eq!((point.vault_name.as_deref(), point.resource_arn.as_deref()), (Some("prod"), Some(DATABASE)));
        assert!(point.created_at.is_some() && point.lifecycle.is_some() && point.state.word() == "COMPLETED");
    }
    assert!(points(&empty).await.unwrap().iter().all(|batch| batch.items.is_empty()));
    let gone = points(&VaultName::parse("gone").unwrap()).await.unwrap_err();
    assert_eq!(gone.kind, FailureKind::NotFound, "{gone}");
}

#[tokio::test]
async fn a_sweep_waits_behind_callers_and_tells_an_error_as_it_is() {
    let aws = Sandboxed::start().await;
    let scoped = aws.scoped().await;
    assert_eq!((scoped.class, scoped.freshness), (Class::Background, Freshness::Fresh));
    let denied = serde_json::json!({"error": {"status": 403, "code": "AccessDeniedException"}});
    aws.arm(serde_json::json!({"operation": "ListBackupJobs", "next": 1, "effect": denied})).await;
    let open = scoped.sweep_jobs(JobKind::Backup, JobSweep::Open).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(open.kind, FailureKind::Denied, "{open}");
}
