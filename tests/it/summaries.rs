//! Jobs that are counted, over the wire: by day and by what they have in common, as they change.

use std::time::Duration;

use strongroom::proto::{
    CancelJobRequest, CreateVaultRequest, JobDimension as By, JobFilter, JobKind, JobState, JobSummary,
    ListJobsRequest, Scope, StartBackupRequest, SummarizeJobsRequest, SummarizeJobsResponse, TimeInterval,
};
use tokio::time::timeout;
use tonic::Code;

use crate::{
    backups::{VAULT, VOLUME, backup_of, prepare, start},
    harness::{ACCOUNT, LABS, World, reason, told},
    ledger::{is_current, list, until},
};

/// A test that waits longer waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);

const OTHER: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";

pub(crate) fn by(group_by: &[By]) -> SummarizeJobsRequest {
    SummarizeJobsRequest { group_by: group_by.iter().map(|by| (*by).into()).collect(), ..Default::default() }
}

pub(crate) async fn summarize(world: &World, request: SummarizeJobsRequest) -> SummarizeJobsResponse {
    world.jobs().summarize_jobs(request).await.unwrap().into_inner()
}

/// Every group, some a page.
pub(crate) async fn all(world: &World, request: SummarizeJobsRequest, page_size: i32) -> Vec<JobSummary> {
    let mut groups = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = summarize(world, SummarizeJobsRequest { page_size, page_token, ..request.clone() }).await;
        groups.extend(page.groups);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return groups;
        }
    }
}

/// The groups once they are as wanted.
pub(crate) async fn once(
    world: &World,
    request: SummarizeJobsRequest,
    wanted: impl Fn(&[JobSummary]) -> bool + Send + Sync,
) -> Vec<JobSummary> {
    let asked = async {
        loop {
            let groups = all(world, request.clone(), 100).await;
            if wanted(&groups) {
                return groups;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.expect("it is never counted")
}

async fn following() -> World {
    let world = World::following().await;
    prepare(&world).await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    world
}

/// On the first day a backup of one database, and one of a volume that is stopped; on the second of both databases, one of them
/// into another vault.
async fn two_days() -> World {
    let world = following().await;
    let far = CreateVaultRequest { name: "far".into(), ..Default::default() };
    world.vaults().create_vault(far).await.unwrap();
    start(&world, backup_of(LABS)).await;
    let volume = start(&world, backup_of(VOLUME)).await;
    let cancel = CancelJobRequest { job: volume.id, ..Default::default() };
    world.jobs().cancel_job(cancel).await.unwrap();
    world.advance("PT24H").await;
    start(&world, backup_of(LABS)).await;
    start(&world, StartBackupRequest { vault: "far".into(), ..backup_of(OTHER) }).await;
    world.advance("PT30M").await;
    let is_all = |groups: &[JobSummary]| groups[0].completed_count == 3 && groups[0].aborted_count == 1;
    once(&world, by(&[]), is_all).await;
    world
}

#[tokio::test]
async fn jobs_are_counted_by_the_day_of_their_creation_the_newest_first() {
    let world = two_days().await;
    let answer = summarize(&world, by(&[By::Day])).await;
    let days: Vec<(&str, i64, i64, i64)> = answer
        .groups
        .iter()
        .map(|group| (group.day.as_str(), group.job_count, group.completed_count, group.aborted_count))
        .collect();
    assert_eq!(days, [("2026-03-03", 2, 2, 0), ("2026-03-02", 2, 1, 1)]);
    let percents: Vec<Option<f64>> = answer.groups.iter().map(|group| group.percent_succeeded).collect();
    assert_eq!(percents, [Some(100.0), Some(50.0)]);
    assert!(answer.as_of.is_some() && answer.scopes.len() == 1);
    let here = Some(Scope { account: ACCOUNT.into(), region: "us-east-1".into() });
    assert_eq!(answer.groups[0].scope, here);
    // What AWS tells of each, added up.
    let jobs = list(world.jobs(), ListJobsRequest::default()).await.jobs;
    let bytes: i64 = jobs.iter().filter_map(|job| job.bytes_transferred).sum();
    let all = &summarize(&world, by(&[])).await.groups[0];
    assert_eq!((all.job_count, all.bytes_transferred), (4, bytes));
    assert!(bytes > 0 && all.timed_count >= 3 && all.average_duration_seconds > Some(0), "{all:?}");
}

#[tokio::test]
async fn a_job_that_goes_on_is_counted_where_it_stands_now() {
    let world = following().await;
    let request = by(&[By::State]);
    assert_eq!(all(&world, request.clone(), 100).await, []);
    let states = |groups: &[JobSummary]| groups.iter().map(|it| (it.state(), it.job_count)).collect::<Vec<_>>();
    start(&world, backup_of(LABS)).await;
    assert_eq!(states(&all(&world, request.clone(), 100).await), [(JobState::Created, 1)]);
    world.advance("PT20S").await;
    once(&world, request.clone(), |groups| states(groups) == [(JobState::Running, 1)]).await;
    let open = &all(&world, by(&[]), 100).await[0];
    assert_eq!((open.under_way_count, open.percent_succeeded, open.average_duration_seconds), (1, None, None));
    world.advance("PT30M").await;
    once(&world, request, |groups| states(groups) == [(JobState::Completed, 1)]).await;
    let done = &all(&world, by(&[]), 100).await[0];
    assert_eq!(
        (done.under_way_count, done.percent_succeeded, done.consecutive_success_count),
        (0, Some(100.0), Some(1))
    );
}

#[tokio::test]
async fn two_dimensions_are_a_heat_map_and_its_pages_tell_each_group_once() {
    let world = two_days().await;
    let map = by(&[By::Day, By::Resource]);
    let cells = |groups: &[JobSummary]| {
        groups.iter().map(|it| (it.resource_arn.clone(), it.day.clone(), it.job_count)).collect::<Vec<_>>()
    };
    let expected =
        [(VOLUME, "2026-03-02", 1), (LABS, "2026-03-03", 1), (LABS, "2026-03-02", 1), (OTHER, "2026-03-03", 1)]
            .map(|(resource, day, jobs)| (resource.to_owned(), day.to_owned(), jobs));
    for page_size in [1, 2, 3, 100] {
        assert_eq!(cells(&all(&world, map.clone(), page_size).await), expected);
    }
    // The order of the dimensions is none of the groups.
    assert_eq!(cells(&all(&world, by(&[By::Resource, By::Day]), 100).await), expected);
    // Pages go on where they ended, though jobs come.
    let first = summarize(&world, SummarizeJobsRequest { page_size: 2, ..map.clone() }).await;
    world.advance("PT24H").await;
    start(&world, backup_of(LABS)).await;
    let rest = SummarizeJobsRequest { page_token: first.next_page_token.clone(), ..map.clone() };
    assert_eq!(cells(&summarize(&world, rest).await.groups), expected[2..]);
    let again = cells(&all(&world, map, 100).await);
    assert_eq!((again.len(), &again[1]), (5, &(LABS.to_owned(), "2026-03-04".to_owned(), 1)));
    // A token goes on with its own question.
    let other = SummarizeJobsRequest { page_token: first.next_page_token, ..by(&[By::Day]) };
    let status = world.jobs().summarize_jobs(other).await.unwrap_err();
    assert_eq!(told(&status).fields, ["page_token"]);
}

#[tokio::test]
async fn jobs_are_counted_by_every_dimension_and_filtered_by_what_they_are_counted_by() {
    let world = two_days().await;
    let one = async |group_by: By, told: fn(&JobSummary) -> String| {
        let groups = all(&world, by(&[group_by]), 100).await;
        groups.iter().map(|group| (told(group), group.job_count)).collect::<Vec<_>>()
    };
    let pairs =
        |pairs: &[(&str, i64)]| pairs.iter().map(|(text, jobs)| ((*text).to_owned(), *jobs)).collect::<Vec<_>>();
    assert_eq!(one(By::Vault, |it| it.vault_name.clone()).await, pairs(&[("far", 1), (VAULT, 3)]));
    assert_eq!(one(By::ResourceType, |it| it.resource_type.clone()).await, pairs(&[("EBS", 1), ("RDS", 3)]));
    assert_eq!(one(By::Account, |it| it.account.clone()).await, pairs(&[(ACCOUNT, 4)]));
    assert_eq!(one(By::Region, |it| it.region.clone()).await, pairs(&[("us-east-1", 4)]));
    assert_eq!(one(By::Kind, |it| it.kind().as_str_name().to_owned()).await, pairs(&[("JOB_KIND_BACKUP", 4)]));
    // No plan made them.
    assert_eq!(one(By::Plan, |it| it.plan_id.clone()).await, pairs(&[("", 4)]));
    assert_eq!(one(By::Rule, |it| it.rule_id.clone()).await, pairs(&[("", 4)]));
    let resources = all(&world, by(&[By::Resource]), 100).await;
    let in_a_row: Vec<_> =
        resources.iter().map(|it| (it.resource_arn.as_str(), it.consecutive_success_count)).collect();
    assert_eq!(in_a_row, [(VOLUME, Some(0)), (LABS, Some(2)), (OTHER, Some(1))]);
    let midnight = |day| Some(prost_types::Timestamp::date(2026, 3, day).unwrap());
    let days = |from, to| Some(TimeInterval { start_time: midnight(from), end_time: midnight(to) });
    for (filter, expected) in [
        (JobFilter { resource: "rdspg-fcj-labs".into(), ..Default::default() }, 2),
        (JobFilter { vault: "far".into(), ..Default::default() }, 1),
        (JobFilter { vault: VAULT.into(), resource: LABS.into(), ..Default::default() }, 2),
        (JobFilter { resource_types: vec!["EBS".into()], ..Default::default() }, 1),
        (JobFilter { states: vec![JobState::Aborted.into()], ..Default::default() }, 1),
        (JobFilter { kinds: vec![JobKind::Copy.into()], ..Default::default() }, 0),
        (JobFilter { create_time: days(2, 3), ..Default::default() }, 2),
        (JobFilter { create_time: days(3, 5), vault: VAULT.into(), ..Default::default() }, 1),
        (JobFilter { plan: "14c4daac-b199-45ce-8644-c541734ebd14".into(), ..Default::default() }, 0),
    ] {
        let counted = &all(&world, SummarizeJobsRequest { filter: Some(filter.clone()), ..by(&[]) }, 100).await[0];
        let listed = list(world.jobs(), ListJobsRequest { filter: Some(filter.clone()), ..Default::default() }).await;
        assert_eq!(
            (counted.job_count, listed.jobs.len()),
            (expected, usize::try_from(expected).unwrap()),
            "{filter:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_counted_by_is_a_fault_and_a_scope_that_is_not_followed_is_told() {
    let world = following().await;
    let faults = async |request| told(&world.jobs().summarize_jobs(request).await.unwrap_err()).fields;
    let text = JobFilter { message_contains: "quota".into(), parent_job: "a".into(), ..Default::default() };
    let noon = Some(prost_types::Timestamp { seconds: 12 * 3600, nanos: 0 });
    let within = JobFilter {
        create_time: Some(TimeInterval { start_time: noon, end_time: None }),
        completion_time: Some(TimeInterval { start_time: noon, end_time: None }),
        ..Default::default()
    };
    let filtered = |filter| SummarizeJobsRequest { filter: Some(filter), ..by(&[By::Day]) };
    assert_eq!(faults(filtered(text)).await, ["filter.parent_job", "filter.message_contains"]);
    assert_eq!(faults(filtered(within)).await, ["filter.completion_time", "filter.create_time"]);
    assert_eq!(faults(by(&[By::Day, By::Day])).await, ["group_by[1]"]);
    assert_eq!(faults(by(&[By::Day, By::Unspecified])).await, ["group_by[1]"]);
    assert_eq!(faults(by(&[By::Day, By::Plan, By::Rule])).await, ["group_by"]);
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let both = SummarizeJobsRequest { scope: elsewhere.clone(), all_scopes: true, ..by(&[]) };
    assert_eq!(faults(both).await, ["all_scopes"]);
    let status = world.jobs().summarize_jobs(SummarizeJobsRequest { scope: elsewhere, ..by(&[]) }).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".into()));
    assert!(!status.message().contains("LIVE"), "{status}");
}
