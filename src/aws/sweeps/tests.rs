use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::*;
use crate::aws::{
    FailureKind,
    tests::{DATABASE, START, Sandboxed, back_up, vault, world},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
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
