//! Runs that left no job, days on which nothing was due, and owners, as SummarizeJobs counts them.

use strongroom::proto::{
    EnsureServiceRoleRequest, JobDimension as By, JobFilter, JobState, JobSummary, Rule, SummarizeJobsRequest,
    TagResourceRequest, TimeInterval,
};

use crate::{
    backups::{backup_of, start},
    harness::{LABS, World},
    missed_runs::{lose_the_role, pass, tagged},
    protection::{at, rule, seconds},
    summaries::{all, by, once, summarize},
};

const START: &str = "2026-03-01T12:00:00Z";

/// A database of which the runs of the second and the fourth of March are missed; nothing is due on the third.
async fn missing_two() -> World {
    let every_other =
        Rule { schedule: "cron(0 5 2,4,6 * ? *)".into(), start_window_minutes: Some(60), ..rule("every-other-day") };
    let world = tagged(START, every_other).await;
    lose_the_role(&world).await;
    pass(&world, START, 96, 12).await;
    once(&world, by(&[]), |groups| groups[0].missed_run_count == 2).await;
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    world
}

fn of(filter: JobFilter, group_by: &[By]) -> SummarizeJobsRequest {
    SummarizeJobsRequest { filter: Some(filter), ..by(group_by) }
}

#[tokio::test]
async fn missed_runs_are_counted_beside_jobs_and_days_on_which_nothing_was_due_are_told() {
    let world = missing_two().await;
    let map = all(&world, by(&[By::Resource, By::Day]), 1).await;
    let cells: Vec<_> =
        map.iter().map(|it| (it.resource_arn.as_str(), it.day.as_str(), it.job_count, it.missed_run_count)).collect();
    assert_eq!(cells, [(LABS, "2026-03-04", 0, 1), (LABS, "2026-03-02", 0, 1)]);
    assert!(map.iter().all(|it| it.percent_succeeded.is_none() && it.none_due_day_count.is_none()), "{map:?}");
    // Of the days in between, the answer says which of them are known.
    let answer = summarize(&world, by(&[By::Resource])).await;
    let known = &answer.scopes[0];
    let (since, until) = (seconds(&known.runs_judged_since_time), seconds(&known.runs_judged_until_time));
    assert!((at(START)..at("2026-03-02T00:00:00Z")).contains(&since), "{known:?}");
    assert!((at("2026-03-05T00:00:00Z")..at("2026-03-05T04:00:00Z")).contains(&until), "{known:?}");
    let [labs] = &answer.groups[..] else { panic!("{answer:?}") };
    assert_eq!((labs.missed_run_count, labs.none_due_day_count, labs.consecutive_success_count), (2, Some(1), Some(0)));
    // Days that nobody knows are none of them, whatever is asked for.
    let midnight = |day| Some(prost_types::Timestamp::date(2026, 3, day).unwrap());
    let days = |from, to| Some(TimeInterval { start_time: midnight(from), end_time: midnight(to) });
    for (from, to, missed, none_due) in [(3, 5, 1, Some(1)), (1, 31, 2, Some(1)), (4, 5, 1, Some(0))] {
        let filter = JobFilter { create_time: days(from, to), ..Default::default() };
        let told = all(&world, of(filter, &[By::Resource]), 10).await;
        assert_eq!((told[0].missed_run_count, told[0].none_due_day_count), (missed, none_due), "{from} {to}");
    }
    // Counted by what their jobs would have had, and by no state of a job.
    for group_by in [By::Plan, By::Rule, By::Vault, By::ResourceType, By::Account, By::Region, By::Kind] {
        let told = all(&world, by(&[group_by]), 10).await;
        assert_eq!((told.len(), told[0].missed_run_count), (1, 2), "{group_by:?}");
    }
    assert_eq!(all(&world, by(&[By::State]), 10).await, []);
    let failed = JobFilter { states: vec![JobState::Failed.into()], ..Default::default() };
    let told = all(&world, of(failed, &[]), 10).await;
    assert_eq!((told[0].missed_run_count, told[0].none_due_day_count), (0, None));
    // A job of a day on which nothing was due.
    start(&world, backup_of(LABS)).await;
    let told = all(&world, by(&[By::Resource]), 10).await;
    assert_eq!((told[0].job_count, told[0].missed_run_count, told[0].none_due_day_count), (1, 2, Some(1)));
}

#[tokio::test]
async fn what_is_counted_is_its_owners_and_moves_with_its_tag() {
    let world = missing_two().await;
    start(&world, backup_of(LABS)).await;
    let other = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";
    start(&world, backup_of(other)).await;
    let owners = |groups: &[JobSummary]| {
        groups.iter().map(|it| (it.owner.clone(), it.job_count, it.missed_run_count)).collect::<Vec<_>>()
    };
    let rows = |rows: &[(&str, i64, i64)]| {
        rows.iter().map(|(owner, jobs, missed)| ((*owner).to_owned(), *jobs, *missed)).collect::<Vec<_>>()
    };
    let by_owner = by(&[By::Owner]);
    // Each owner in the order of names, nobody first.
    let payments = rows(&[("", 1, 0), ("payments", 1, 2)]);
    once(&world, by_owner.clone(), |groups| owners(groups) == payments).await;
    let tag = |resource: &str, owner: &str| TagResourceRequest {
        resource: resource.into(),
        tags: [("owner".to_owned(), owner.to_owned())].into(),
        ..Default::default()
    };
    world.resources().tag_resource(tag(LABS, "platform")).await.unwrap();
    world.resources().tag_resource(tag(other, "payments")).await.unwrap();
    let moved = rows(&[("payments", 1, 0), ("platform", 1, 2)]);
    once(&world, by_owner, |groups| owners(groups) == moved).await;
    // A team sees what is its own, by whatever it is counted.
    let of_team = |owner: &str, group_by: &[By]| SummarizeJobsRequest { owner: owner.into(), ..by(group_by) };
    for group_by in [By::Resource, By::Plan, By::Vault, By::ResourceType, By::Region, By::Kind, By::Day] {
        let told = all(&world, of_team("platform", &[group_by]), 10).await;
        let sum = told.iter().fold((0, 0), |(jobs, missed), it| (jobs + it.job_count, missed + it.missed_run_count));
        assert_eq!(sum, (1, 2), "{group_by:?}");
    }
    let both = all(&world, of_team("payments", &[By::Owner, By::Resource]), 10).await;
    assert_eq!((both.len(), both[0].resource_arn.as_str(), both[0].owner.as_str()), (1, other, "payments"));
    let nobody = &all(&world, of_team("nobody", &[]), 10).await[0];
    assert_eq!((nobody.job_count, nobody.missed_run_count, nobody.none_due_day_count), (0, 0, None));
}
