//! What the server remembers of jobs, over the wire: lists at any size, and what happens, as it happens.

use std::time::Duration;

use serde_json::json;
use strongroom::{
    config::FollowedScope,
    domain::{AccountId, RegionName},
    proto::{
        GetJobRequest, Job, JobFilter, JobKind, JobOrder, JobState, ListJobsRequest, ListJobsResponse, Read, Scope,
        ScopeState, WaitJobRequest, WatchJobsRequest, WatchJobsResponse, job_service_client::JobServiceClient,
        watch_jobs_response::Event,
    },
};
use tokio::time::timeout;
use tonic::{Code, Streaming, transport::Channel};

use crate::{
    backups::{VAULT, backup_of, prepare, start},
    harness::{LABS, World, follow, reason, told},
};

/// A test that waits longer waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Jobs = JobServiceClient<Channel>;

const OTHER: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-orders";

async fn following() -> World {
    let world = World::following().await;
    prepare(&world).await;
    world
}

pub(crate) async fn list(mut jobs: Jobs, request: ListJobsRequest) -> ListJobsResponse {
    jobs.list_jobs(request).await.unwrap().into_inner()
}

fn filtered(filter: JobFilter) -> ListJobsRequest {
    ListJobsRequest { filter: Some(filter), ..Default::default() }
}

/// The answer from the ledger once it is as wanted.
pub(crate) async fn until(
    jobs: Jobs,
    request: &ListJobsRequest,
    wanted: impl Fn(&ListJobsResponse) -> bool + Send + Sync,
) -> ListJobsResponse {
    let asked = async {
        loop {
            let answer = list(jobs.clone(), request.clone()).await;
            if answer.read() == Read::Ledger && wanted(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.expect("the ledger never tells it")
}

pub(crate) fn is_current(answer: &ListJobsResponse) -> bool {
    answer.scopes.iter().all(|scope| scope.state() == ScopeState::Current)
}

pub(crate) async fn watch(mut jobs: Jobs, request: WatchJobsRequest) -> Streaming<WatchJobsResponse> {
    jobs.watch_jobs(request).await.unwrap().into_inner()
}

pub(crate) async fn next(stream: &mut Streaming<WatchJobsResponse>) -> WatchJobsResponse {
    timeout(PATIENCE, stream.message()).await.expect("nothing is told").unwrap().expect("the stream has ended")
}

/// The next job that is told, and the token with it.
async fn next_job(stream: &mut Streaming<WatchJobsResponse>) -> (Job, String) {
    loop {
        let told = next(stream).await;
        if let Some(Event::Job(job)) = told.event {
            return (job, told.resume_token);
        }
    }
}

#[tokio::test]
async fn what_was_started_here_is_listed_at_once_and_its_end_by_itself() {
    let world = following().await;
    let first = until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    assert_eq!(first.jobs, []);
    assert!(first.as_of.is_some() && first.scopes[0].history_start_time.is_some());
    let job = start(&world, backup_of(LABS)).await;
    let listed = list(world.jobs(), ListJobsRequest::default()).await;
    assert_eq!((listed.read(), listed.jobs[0].id.as_str()), (Read::Ledger, job.id.as_str()));
    world.advance("PT30M").await;
    let done = until(world.jobs(), &ListJobsRequest::default(), |it| it.jobs[0].state() == JobState::Completed).await;
    let live = list(world.jobs(), ListJobsRequest { read: Read::Live.into(), ..Default::default() }).await;
    assert_eq!((live.read(), &live.jobs), (Read::Live, &done.jobs), "what is remembered is what AWS has");
}

#[tokio::test]
async fn a_job_that_is_started_while_nothing_runs_is_not_waited_for_as_long_as_for_nothing() {
    let world = World::start_with(|config| {
        follow(config);
        config.feed.interval = Duration::from_secs(3600);
    })
    .await;
    prepare(&world).await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    // The look that filled it is over when nothing more is asked for.
    while !world.asked_for().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    start(&world, backup_of(LABS)).await;
    world.advance("PT30M").await;
    until(world.jobs(), &ListJobsRequest::default(), |it| it.jobs[0].state() == JobState::Completed).await;
}

#[tokio::test]
async fn every_filter_holds_for_every_kind_and_orders_are_over_all_kinds() {
    let world = following().await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    let labs = start(&world, backup_of(LABS)).await;
    world.advance("PT30M").await;
    let other = start(&world, backup_of(OTHER)).await;
    world.advance("PT30M").await;
    let request = filtered(JobFilter { states: vec![JobState::Completed.into()], ..Default::default() });
    until(world.jobs(), &request, |it| it.jobs.len() == 2).await;
    let ids = |answer: &ListJobsResponse| answer.jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
    for (filter, expected) in [
        // AWS can filter by none of these two, where restores are not left out.
        (JobFilter { vault: VAULT.into(), ..Default::default() }, vec![&other.id, &labs.id]),
        (JobFilter { resource: LABS.into(), resource_types: vec!["RDS".into()], ..Default::default() }, vec![&labs.id]),
        (JobFilter { resource: "rdspg-fcj-labs".into(), ..Default::default() }, vec![&labs.id]),
        (JobFilter { resource: "RDSPG-fcj-labs".into(), ..Default::default() }, vec![&labs.id]),
        (JobFilter { message_contains: "never said".into(), ..Default::default() }, vec![]),
        (JobFilter { plan: "14c4daac-b199-45ce-8644-c541734ebd14".into(), ..Default::default() }, vec![]),
        (JobFilter { rule: "1d5ef03b-d787-4a05-9e0a-04fdb2d4793c".into(), ..Default::default() }, vec![]),
    ] {
        let answer = list(world.jobs(), filtered(filter.clone())).await;
        assert_eq!(answer.read(), Read::Ledger);
        assert_eq!(ids(&answer).iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    for (order, expected) in [
        (JobOrder::Oldest, [&labs.id, &other.id]),
        (JobOrder::Newest, [&other.id, &labs.id]),
        (JobOrder::LastEnded, [&other.id, &labs.id]),
    ] {
        let request = ListJobsRequest { order: order.into(), page_size: 1, ..Default::default() };
        let first = list(world.jobs(), request.clone()).await;
        let second = list(world.jobs(), ListJobsRequest { page_token: first.next_page_token.clone(), ..request }).await;
        assert_eq!([&ids(&first)[0], &ids(&second)[0]], expected, "{order:?}");
    }
}

#[tokio::test]
async fn a_scope_that_is_not_followed_is_answered_by_aws_or_refused_and_never_by_an_empty_list() {
    let world = following().await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let asked = ListJobsRequest { scope: elsewhere.clone(), ..Default::default() };
    let answer = list(world.jobs(), asked.clone()).await;
    assert_eq!((answer.read(), answer.scopes.len(), answer.resume_token.as_str()), (Read::Live, 0, ""));
    let status =
        world.jobs().list_jobs(ListJobsRequest { read: Read::Ledger.into(), ..asked.clone() }).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".into()));
    let filter = Some(JobFilter { message_contains: "quota".into(), ..Default::default() });
    let status = world.jobs().list_jobs(ListJobsRequest { filter, ..asked.clone() }).await.unwrap_err();
    assert_eq!(told_field(&status), "filter.message_contains");
    let order = JobOrder::Oldest.into();
    let status = world.jobs().list_jobs(ListJobsRequest { order, ..asked }).await.unwrap_err();
    assert_eq!(told_field(&status), "order");
    let status =
        world.jobs().watch_jobs(WatchJobsRequest { scope: elsewhere, ..Default::default() }).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".into()));
}

#[tokio::test]
async fn all_scopes_are_those_that_are_followed() {
    let world = World::start_with(|config| {
        follow(config);
        let of = |account: Option<&str>, region: &str| FollowedScope {
            account: account.map(|id| AccountId::parse(id).unwrap()),
            region: RegionName::parse(region).unwrap(),
        };
        config.aws.assume_role = strongroom::config::RoleTemplate::new("arn:aws:iam::{account}:role/Strongroom");
        config.ledger.scopes =
            vec![of(None, "us-east-1"), of(None, "eu-west-1"), of(Some("123456789012"), "us-east-1")];
    })
    .await;
    prepare(&world).await;
    let job = start(&world, backup_of(LABS)).await;
    let all = ListJobsRequest { all_scopes: true, read: Read::Ledger.into(), ..Default::default() };
    let asked = async {
        loop {
            match world.jobs().list_jobs(all.clone()).await {
                Ok(answer) if is_current(answer.get_ref()) => return answer.into_inner(),
                Ok(_) => {}
                Err(status) => assert_eq!(reason(&status).1, "SCOPE_NOT_FOLLOWED"),
            }
        }
    };
    let answer = timeout(PATIENCE, asked).await.unwrap();
    let regions: Vec<&str> = answer.scopes.iter().map(|it| it.scope.as_ref().unwrap().region.as_str()).collect();
    assert_eq!((regions, answer.jobs[0].id.as_str()), (vec!["us-east-1", "eu-west-1"], job.id.as_str()));
    let both = ListJobsRequest { scope: Some(Scope { region: "eu-west-1".into(), ..Default::default() }), ..all };
    let status = world.jobs().list_jobs(both).await.unwrap_err();
    assert_eq!(told_field(&status), "all_scopes");
}

#[tokio::test]
async fn a_watch_tells_every_state_in_order_and_goes_on_from_its_token() {
    let world = following().await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    let mut stream = watch(world.jobs(), WatchJobsRequest::default()).await;
    let first = next(&mut stream).await;
    assert!(matches!(first.event, Some(Event::Bookmark(_))), "{first:?}");
    let job = start(&world, backup_of(LABS)).await;
    let (created, _) = next_job(&mut stream).await;
    assert_eq!((created.id.as_str(), created.state()), (job.id.as_str(), JobState::Created));
    world.advance("PT20S").await;
    let (running, token) = next_job(&mut stream).await;
    assert_eq!(running.state(), JobState::Running);
    drop(stream);
    // What happens while nobody watches is not lost.
    world.advance("PT30M").await;
    let completed = filtered(JobFilter { states: vec![JobState::Completed.into()], ..Default::default() });
    until(world.jobs(), &completed, |it| it.jobs.len() == 1).await;
    let mut stream = watch(world.jobs(), WatchJobsRequest { resume_token: token, ..Default::default() }).await;
    let mut last = next_job(&mut stream).await.0;
    while last.state() != JobState::Completed {
        last = next_job(&mut stream).await.0;
    }
    // From its very beginning all of it is told again.
    let again = WatchJobsRequest { resume_token: first.resume_token, ..Default::default() };
    let mut stream = watch(world.jobs(), again).await;
    let mut states = Vec::new();
    while states.last() != Some(&JobState::Completed) {
        states.push(next_job(&mut stream).await.0.state());
    }
    assert_eq!((states[0], states[1]), (JobState::Created, JobState::Running));
}

#[tokio::test]
async fn a_list_and_a_watch_that_goes_on_from_it_leave_no_gap() {
    let world = following().await;
    let filter = Some(JobFilter { resource: LABS.into(), ..Default::default() });
    let request = ListJobsRequest { filter: filter.clone(), ..Default::default() };
    let listed = until(world.jobs(), &request, is_current).await;
    let other = start(&world, backup_of(OTHER)).await;
    let job = start(&world, backup_of(LABS)).await;
    let resume_token = listed.resume_token.clone();
    let mut stream = watch(world.jobs(), WatchJobsRequest { filter, resume_token, ..Default::default() }).await;
    let (told, _) = next_job(&mut stream).await;
    assert_eq!(told.id, job.id, "and not {}, which does not fit", other.id);
    // Another filter would have told what this one left out.
    let wider = WatchJobsRequest { resume_token: listed.resume_token, ..Default::default() };
    let status = world.jobs().watch_jobs(wider).await.unwrap_err();
    assert_eq!(told_field(&status), "resume_token");
    let nonsense = WatchJobsRequest { resume_token: "nonsense".into(), ..Default::default() };
    assert_eq!(told_field(&world.jobs().watch_jobs(nonsense).await.unwrap_err()), "resume_token");
}

fn told_field(status: &tonic::Status) -> String {
    told(status).fields[0].clone()
}

#[tokio::test]
async fn a_server_that_stops_sends_watchers_elsewhere() {
    let world = following().await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    let mut stream = watch(world.jobs(), WatchJobsRequest::default()).await;
    next(&mut stream).await;
    world.life().stop();
    let ended = timeout(PATIENCE, stream.message()).await.unwrap().unwrap_err();
    assert_eq!(reason(&ended), (Code::Unavailable, "SHUTTING_DOWN".into()));
}

#[tokio::test]
async fn a_job_is_waited_for_to_its_end_or_as_long_as_one_may() {
    let world = following().await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    let job = start(&world, backup_of(LABS)).await;
    let request = WaitJobRequest { job: job.id.clone(), wait_seconds: 1, ..Default::default() };
    let answer = world.jobs().wait_job(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.ended, answer.job.unwrap().state()), (false, JobState::Created));
    let mut jobs = world.jobs();
    let long = WaitJobRequest { wait_seconds: 60, ..request.clone() };
    let (answer, ()) = tokio::join!(jobs.wait_job(long), world.advance("PT30M"));
    let answer = answer.unwrap().into_inner();
    assert_eq!((answer.ended, answer.job.unwrap().state()), (true, JobState::Completed));
    for wait_seconds in [-1, 121] {
        let status = world.jobs().wait_job(WaitJobRequest { wait_seconds, ..request.clone() }).await.unwrap_err();
        assert_eq!(told_field(&status), "wait_seconds");
    }
    let missing = WaitJobRequest { job: "0".into(), ..request };
    assert_eq!(reason(&world.jobs().wait_job(missing).await.unwrap_err()), (Code::NotFound, "JOB_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_job_that_has_ended_is_told_without_asking_aws() {
    let world = following().await;
    let job = start(&world, backup_of(LABS)).await;
    world.advance("PT30M").await;
    let ended = filtered(JobFilter { states: vec![JobState::Completed.into()], ..Default::default() });
    until(world.jobs(), &ended, |it| it.jobs.len() == 1).await;
    world.arm(json!({"operation": "DescribeBackupJob", "next": 100, "effect": "throttle"})).await;
    let request = GetJobRequest { job: job.id.clone(), kind: JobKind::Backup.into(), ..Default::default() };
    let answer = world.jobs().get_job(request.clone()).await.unwrap().into_inner();
    assert_eq!((answer.read(), answer.job.as_ref().unwrap().state()), (Read::Ledger, JobState::Completed));
    assert!(answer.as_of.is_some());
    world.disarm().await;
    let live = world.jobs().get_job(GetJobRequest { read: Read::Live.into(), ..request }).await.unwrap().into_inner();
    assert_eq!((live.read(), live.job), (Read::Live, answer.job));
}

#[tokio::test]
async fn a_ledger_that_is_down_stops_nothing_but_what_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let world = World::start_with(|config| {
        follow(config);
        config.ledger.path = Some(file.join("ledger.db"));
    })
    .await;
    prepare(&world).await;
    let job = start(&world, backup_of(LABS)).await;
    let status = world.jobs().list_jobs(ListJobsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&status), (Code::Unavailable, "LEDGER_UNAVAILABLE".into()));
    let live = ListJobsRequest { read: Read::Live.into(), ..Default::default() };
    assert_eq!(list(world.jobs(), live).await.jobs[0].id, job.id);
    let status = world.jobs().watch_jobs(WatchJobsRequest::default()).await.unwrap_err();
    assert_eq!(reason(&status).1, "LEDGER_UNAVAILABLE");
}
