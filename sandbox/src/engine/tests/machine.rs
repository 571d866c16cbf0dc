//! Random sequences of operations never bring a job into an impossible state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::harness::{DB, FILES, ROLE, Story, segment};
use crate::backup::{
    job_store::Job,
    jobs::{BackupJob, Phase},
    outcome::Terminal,
};

const SECOND_DB: &str = "arn:aws:rds:us-east-1:123456789012:db:customers";

#[derive(Debug, Clone)]
enum Step {
    Start(&'static str),
    Stop(prop::sample::Index),
    Pass(i64),
    DeletePoint(prop::sample::Index),
    Copy(prop::sample::Index),
    Restore(prop::sample::Index),
    StopDatabase,
    StartDatabase,
    Detach,
    Attach,
    Expire(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::sample::select(vec![DB, SECOND_DB, FILES]).prop_map(Step::Start),
        2 => any::<prop::sample::Index>().prop_map(Step::Stop),
        5 => (1_i64..40).prop_map(Step::Pass),
        1 => (3_600_i64..90_000).prop_map(Step::Pass),
        2 => any::<prop::sample::Index>().prop_map(Step::DeletePoint),
        2 => any::<prop::sample::Index>().prop_map(Step::Copy),
        2 => any::<prop::sample::Index>().prop_map(Step::Restore),
        1 => Just(Step::StopDatabase),
        1 => Just(Step::StartDatabase),
        1 => Just(Step::Detach),
        1 => Just(Step::Attach),
        2 => any::<prop::sample::Index>().prop_map(Step::Expire),
    ]
}

/// A point that there is just now.
fn point(story: &mut Story, index: prop::sample::Index) -> Option<String> {
    let points = &story.region().backup.recovery_points;
    let arns: Vec<String> = points.of_vault("vault").map(|point| point.arn.clone()).collect();
    (!arns.is_empty()).then(|| index.get(&arns).clone())
}

fn tolerated(story: &mut Story, method: &str, path: &str, body: serde_json::Value) {
    if let Err(error) = story.backup(method, path, &body) {
        assert!(error.status == 400, "{method} {path}: {error:?}");
    }
}

fn take(story: &mut Story, step: Step) {
    let policy = ("PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup");
    let in_vault = |arn: &str| format!("/backup-vaults/vault/recovery-points/{}", segment(arn));
    match step {
        Step::Start(resource) => {
            story.start(resource, &json!({"StartWindowMinutes": 60, "Lifecycle": {"DeleteAfterDays": 1}}));
        }
        Step::Stop(index) => {
            let ids: Vec<String> = story.region().backup.jobs.iter().map(|job| job.id.clone()).collect();
            if !ids.is_empty() {
                tolerated(story, "POST", &format!("/backup-jobs/{}", index.get(&ids)), json!({}));
            }
        }
        Step::Pass(seconds) => story.pass(SignedDuration::from_secs(seconds)),
        Step::DeletePoint(index) => {
            if let Some(arn) = point(story, index) {
                tolerated(story, "DELETE", &in_vault(&arn), json!({}));
            }
        }
        Step::Expire(index) => {
            if let Some(arn) = point(story, index) {
                tolerated(story, "POST", &in_vault(&arn), json!({"Lifecycle": {"DeleteAfterDays": 1}}));
            }
        }
        Step::Copy(index) => {
            if let Some(arn) = point(story, index) {
                let other = "arn:aws:backup:us-east-1:123456789012:backup-vault:other";
                let body = json!({"RecoveryPointArn": arn, "SourceBackupVaultName": "vault", "IamRoleArn": ROLE, "DestinationBackupVaultArn": other});
                tolerated(story, "PUT", "/copy-jobs", body);
            }
        }
        Step::Restore(index) => {
            if let Some(arn) = point(story, index) {
                let body = json!({"RecoveryPointArn": arn, "IamRoleArn": ROLE, "Metadata": {"DBInstanceIdentifier": "restored"}});
                tolerated(story, "PUT", "/restore-jobs", body);
            }
        }
        Step::StopDatabase => {
            if story.region().rds.instance("orders").unwrap().status.as_str() == "available" {
                story.rds("StopDBInstance", &[("DBInstanceIdentifier", "orders")]);
            }
        }
        Step::StartDatabase => {
            if story.region().rds.instance("orders").unwrap().status.as_str() == "stopped" {
                story.rds("StartDBInstance", &[("DBInstanceIdentifier", "orders")]);
            }
        }
        Step::Detach => {
            story.iam("AttachRolePolicy", &[("RoleName", "backup"), policy]);
            story.iam("DetachRolePolicy", &[("RoleName", "backup"), policy]);
        }
        Step::Attach => story.iam("AttachRolePolicy", &[("RoleName", "backup"), policy]),
    }
}

/// What must hold at any time. `ended` remembers every job that was over.
fn check(story: &mut Story, ended: &mut BTreeMap<String, BackupJob>, seen_points: &mut BTreeSet<String>) {
    let now = story.call.now;
    let backup = &story.region().backup;
    seen_points.extend(backup.recovery_points.of_vault("vault").map(|point| point.arn.clone()));
    let mut busy = BTreeSet::new();
    for job in backup.jobs.iter() {
        if let Some(before) = ended.get(&job.id) {
            assert_eq!(before, job, "a job that is over does not change");
        }
        match &job.phase {
            Phase::Created => assert!(now < job.start_by, "{job:?} should have started or expired"),
            Phase::Running(run) => {
                assert!(busy.insert(job.resource_arn.clone()), "two jobs run for {}", job.resource_arn);
                assert!(run.since <= now && now < run.until && job.created_at <= run.since, "{job:?} at {now}");
                assert!(backup.recovery_points.get(&run.recovery_point_arn).is_some(), "{job:?} has no point");
            }
            Phase::Aborting => {}
            Phase::Ended(outcome) => {
                assert!(outcome.at <= now && outcome.at >= job.created_at);
                let completed = outcome.state == Terminal::Completed;
                assert_eq!(completed, outcome.recovery_point_arn.is_some());
                assert!(completed || outcome.message.is_some(), "{job:?} says nothing");
                if let Some(arn) = &outcome.recovery_point_arn {
                    let there = backup.recovery_points.get(arn);
                    assert!(
                        there.is_some()
                            || seen_points.contains(arn)
                            || now.duration_since(outcome.at) >= SignedDuration::from_hours(23),
                        "{job:?} has no point"
                    );
                }
            }
        }
        if job.ended() {
            ended.insert(job.id.clone(), job.clone());
        }
    }
    for copy in backup.copies.iter().filter(|copy| copy.state() == "RUNNING") {
        assert!(busy.insert(copy.resource_arn.clone()), "a copy and another job run for {}", copy.resource_arn);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_operations_breaks_the_state_machine(steps in proptest::collection::vec(step(), 1..60)) {
        let mut story = Story::new();
        story.database("customers", 0);
        story.pass(SignedDuration::from_mins(1));
        let (mut ended, mut points) = (BTreeMap::new(), BTreeSet::new());
        for step in steps {
            take(&mut story, step);
            check(&mut story, &mut ended, &mut points);
        }
        story.pass(SignedDuration::from_hours(24 * 3));
        check(&mut story, &mut ended, &mut points);
        let open = story.region().backup.jobs.iter().filter(|job| !job.ended()).count();
        prop_assert_eq!(open, 0, "everything ends");
        prop_assert_eq!(story.region().backup.copies.iter().filter(|job| !job.ended()).count(), 0);
        prop_assert_eq!(story.region().backup.restores.iter().filter(|job| !job.ended()).count(), 0);
    }

    #[test]
    fn the_way_to_an_instant_does_not_matter(cuts in proptest::collection::btree_set(1_i64..4 * 86_400, 0..12)) {
        let run = |cuts: &BTreeSet<i64>| {
            let mut story = Story::new();
            story.plan(json!([{"RuleName": "often", "TargetBackupVaultName": "vault", "ScheduleExpression": "cron(0 */3 ? * * *)",
                "StartWindowMinutes": 60, "CompletionWindowMinutes": 120, "Lifecycle": {"DeleteAfterDays": 1}}]));
            let begin = story.call.now;
            for cut in cuts.iter().copied().chain([4 * 86_400]) {
                let to = begin.checked_add(SignedDuration::from_secs(cut)).unwrap();
                story.pass(to.duration_since(story.call.now));
            }
            let backup = &story.region().backup;
            let mut jobs: Vec<_> = backup.jobs.iter().map(|job| (job.created_at, job.state(), job.outcome().map(|it| (it.at, it.message.clone())))).collect();
            jobs.sort_unstable_by_key(|job| job.0);
            (jobs, backup.recovery_points.len())
        };
        prop_assert_eq!(run(&cuts), run(&BTreeSet::new()));
    }
}
