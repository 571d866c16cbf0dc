//! Runs that were due and left no job, over the wire.

use std::time::Duration;

use prost_types::FieldMask;
use strongroom::proto::{
    EnsureServiceRoleRequest, Incident, IncidentCause, JobFilter, JobState, ListIncidentsRequest, ListJobsRequest,
    MissedRun, Rule, TagResourceRequest, UpdatePlanRequest, WatchJobsRequest, watch_jobs_response::Event,
};

use crate::{
    backups::{aws_iam, prepare},
    harness::{LABS, World, cover},
    ledger::{list, next, watch},
    protection::{at, plan, rule, seconds, select_tagged},
    protection_list::{ASKED, coverage, database, looked},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";

/// A world whose plan `nightly` has the rule, and selects the workshop's database by its tag; it was looked at so.
pub(crate) async fn tagged(start: &str, rule: Rule) -> World {
    let start = start.to_owned();
    let world = World::start_with(|config| {
        cover(config);
        config.sandbox.start = Some(start.parse().unwrap());
    })
    .await;
    prepare(&world).await;
    let tags = [("backup".to_owned(), "nightly".to_owned()), ("owner".to_owned(), "payments".to_owned())].into();
    let tag = TagResourceRequest { resource: LABS.into(), tags, ..Default::default() };
    world.resources().tag_resource(tag).await.unwrap();
    plan(&world, "nightly", vec![rule]).await;
    select_tagged(&world, "nightly", "by-tag", "backup", "nightly").await;
    database(&world, LABS, |it| !it.coverage.is_empty()).await;
    world
}

/// Takes the role away without which AWS Backup reads no tags, and makes no job of what it would select by them.
pub(crate) async fn lose_the_role(world: &World) {
    let iam = aws_iam(world);
    for policy in ["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"] {
        let arn = format!("arn:aws:iam::aws:policy/service-role/{policy}");
        iam.detach_role_policy().role_name(ROLE).policy_arn(arn).send().await.unwrap();
    }
    iam.delete_role().role_name(ROLE).send().await.unwrap();
}

/// Lets time pass in steps, and has the world looked at after each.
pub(crate) async fn pass(world: &World, from: &str, hours: i64, step: i64) {
    for hour in (0..hours).step_by(usize::try_from(step).unwrap()) {
        world.advance(&format!("PT{step}H")).await;
        looked(world, at(from) + (hour + step) * 3_600).await;
    }
}

/// Everything that a watcher from the beginning is told to be missed, up to now.
async fn told(world: &World, request: WatchJobsRequest) -> Vec<MissedRun> {
    let mut stream = watch(world.jobs(), request).await;
    let mut missed = Vec::new();
    // The first message is a bookmark; the second says that there is no more.
    let mut bookmarks = 0;
    while bookmarks < 2 {
        match tokio::time::timeout(Duration::from_millis(400), stream.message()).await {
            Ok(told) => match told.unwrap().unwrap().event {
                Some(Event::MissedRun(run)) => missed.push(run),
                Some(Event::Job(_)) => {}
                _ => bookmarks += 1,
            },
            Err(_) => break,
        }
    }
    missed
}

fn due(missed: &[MissedRun]) -> Vec<i64> {
    missed.iter().map(|run| seconds(&run.due_time)).collect()
}

/// A token of before anything happened.
async fn beginning(world: &World, filter: Option<JobFilter>) -> WatchJobsRequest {
    let listed = list(world.jobs(), ListJobsRequest { filter: filter.clone(), ..Default::default() }).await;
    WatchJobsRequest { filter, resume_token: listed.resume_token, ..Default::default() }
}

#[tokio::test]
async fn a_run_that_leaves_no_job_is_told_once_and_not_to_who_asks_for_states() {
    let start = "2026-03-02T00:00:00Z";
    let world = tagged(start, rule("daily")).await;
    let everything = beginning(&world, None).await;
    let by_state = JobFilter { states: vec![JobState::Failed.into()], ..Default::default() };
    let by_state = beginning(&world, Some(by_state)).await;
    let other = JobFilter { resource: "rdspg-orders".into(), ..Default::default() };
    let other = beginning(&world, Some(other)).await;
    let mut stream = watch(world.jobs(), everything.clone()).await;
    lose_the_role(&world).await;
    pass(&world, start, 16, 8).await;
    let run = loop {
        if let Some(Event::MissedRun(run)) = next(&mut stream).await.event {
            break run;
        }
    };
    assert_eq!((run.resource_arn.as_str(), run.resource_type.as_str()), (LABS, "RDS"));
    assert_eq!((run.plan_name.as_str(), run.rule_name.as_str()), ("nightly", "daily"));
    assert_eq!(seconds(&run.due_time), at("2026-03-02T05:00:00Z"));
    assert_eq!(seconds(&run.start_by_time), at("2026-03-02T13:00:00Z"));
    assert!(run.vault_arn.ends_with(":backup-vault:prod") && run.job_id.is_empty(), "{run:?}");
    assert_eq!(run.finding.as_ref().unwrap().code, "PLAN_DID_NOT_RUN");
    let counted = coverage(&world, ASKED).await;
    assert_eq!(counted.missed_run_count, 1);
    let labs = database(&world, LABS, |it| it.last_missed_run_time.is_some()).await;
    assert_eq!(labs.last_missed_run_time, run.due_time);
    assert!(labs.never_ran && labs.owner == "payments" && labs.last_success_time.is_none(), "{labs:?}");
    let incident = incidents(&world).await.pop().unwrap();
    assert_eq!((incident.cause(), incident.resource_arn.as_str()), (IncidentCause::RunMissed, LABS));
    assert_eq!((incident.missed_run.as_ref(), incident.open_time, incident.count), (Some(&run), run.due_time, 1));
    assert_eq!(incident.finding, run.finding);
    // With the role the next one is made; what was told is not told again.
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    pass(&world, "2026-03-02T16:00:00Z", 32, 8).await;
    assert_eq!(told(&world, everything).await, [run]);
    assert_eq!(told(&world, by_state).await, []);
    assert_eq!(told(&world, other).await, []);
    let labs = database(&world, LABS, |it| it.last_success_time.is_some()).await;
    assert_eq!(seconds(&labs.last_success_time), at("2026-03-03T05:00:00Z"));
    assert!(!labs.never_ran && labs.rpo_ratio.unwrap() <= 1.0, "{labs:?}");
    assert_eq!(coverage(&world, ASKED).await.missed_run_count, 0, "that was more than a day ago");
    assert_eq!(incidents(&world).await, [], "it is made up for");
}

/// What goes wrong and is not over.
async fn incidents(world: &World) -> Vec<Incident> {
    world.protection().list_incidents(ListIncidentsRequest::default()).await.unwrap().into_inner().incidents
}

/// What a rule misses in two days without a role; and with it, which is nothing.
async fn missed(start: &str, schedule: &str, zone: &str) -> Vec<i64> {
    Box::pin(missed_of_two(start, schedule, zone)).await
}

async fn missed_of_two(start: &str, schedule: &str, zone: &str) -> Vec<i64> {
    let timed = || Rule {
        schedule: schedule.into(),
        schedule_timezone: zone.into(),
        start_window_minutes: Some(60),
        ..rule("timed")
    };
    let (with, without) = tokio::join!(tagged(start, timed()), tagged(start, timed()));
    lose_the_role(&without).await;
    let missed = async |world: &World| {
        let request = beginning(world, None).await;
        pass(world, start, 48, 12).await;
        due(&told(world, request).await)
    };
    let (of_with, of_without) = tokio::join!(missed(&with), missed(&without));
    assert_eq!(of_with, [0i64; 0], "{schedule} {zone}: jobs were made");
    of_without
}

#[tokio::test]
async fn an_hour_that_daylight_saving_skips_or_repeats_is_no_run_and_one() {
    let half_past = "cron(30 2 ? * * *)";
    let spring = missed("2026-03-28T12:00:00Z", half_past, "Europe/Berlin").await;
    assert_eq!(spring, [at("2026-03-30T00:30:00Z")]);
    let autumn = missed("2026-10-24T12:00:00Z", half_past, "Europe/Berlin").await;
    assert_eq!(autumn, [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
}

#[tokio::test]
async fn the_last_day_the_nearest_workday_and_the_second_tuesday_are_runs() {
    for (start, schedule, run) in [
        ("2026-02-27T12:00:00Z", "cron(0 5 L * ? *)", "2026-02-28T05:00:00Z"),
        ("2026-02-14T12:00:00Z", "cron(0 5 15W * ? *)", "2026-02-16T05:00:00Z"),
        ("2026-02-09T12:00:00Z", "cron(0 5 ? * TUE#2 *)", "2026-02-10T05:00:00Z"),
    ] {
        assert_eq!(missed(start, schedule, "").await, [at(run)], "{schedule}");
    }
}

#[tokio::test]
async fn a_plan_that_is_changed_between_two_runs_misses_those_that_it_had_and_those_that_it_has() {
    let start = "2026-03-02T00:00:00Z";
    let world = tagged(start, Rule { start_window_minutes: Some(60), ..rule("daily") }).await;
    let request = beginning(&world, None).await;
    lose_the_role(&world).await;
    pass(&world, start, 8, 8).await;
    let rules = vec![Rule { schedule: "cron(0 17 ? * * *)".into(), start_window_minutes: Some(60), ..rule("daily") }];
    let update_mask = Some(FieldMask { paths: vec!["rules".into()] });
    let update = UpdatePlanRequest { plan: "nightly".into(), rules, update_mask, ..Default::default() };
    world.plans().update_plan(update).await.unwrap();
    let evening = at("2026-03-02T17:00:00Z");
    database(&world, LABS, |it| it.next_run_time.as_ref().is_some_and(|next| next.seconds == evening)).await;
    pass(&world, "2026-03-02T08:00:00Z", 32, 8).await;
    let told = told(&world, request).await;
    assert_eq!(due(&told), [at("2026-03-02T05:00:00Z"), evening]);
}
