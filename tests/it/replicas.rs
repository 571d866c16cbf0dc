//! Several servers on one PostgreSQL. `STRONGROOM_TEST_POSTGRES` says where one is that tests may make databases in; without it
//! they say that they were skipped, which `STRONGROOM_TEST_POSTGRES_REQUIRED` forbids.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use strongroom::proto::{
    DatabaseProtection, DeleteSelectionRequest, Job, JobState, ListJobsRequest, ListJobsResponse,
    ListProtectionRequest, ProtectionFilter, ScopeState, TagResourceRequest, WatchJobsRequest,
    job_service_client::JobServiceClient, plan_service_client::PlanServiceClient,
    protection_service_client::ProtectionServiceClient, resource_service_client::ResourceServiceClient,
    watch_jobs_response::Event,
};
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    backups::{backup_of, prepare},
    harness::{LABS, World},
    identity::{KEYS, Served, serve},
    ledger::{Jobs, is_current, list, next, until, watch},
    protection::{plan, rule, select_tagged},
};

/// A test that waits longer waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at AWS again and again while it leads.
pub(crate) const OFTEN: &str = "20ms";

/// Looks at AWS once, if it leads at all.
const ONCE: &str = "1h";

/// A database of one's own, if there is a PostgreSQL.
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "it is the tests' own, and says what it skips")]
pub(crate) async fn database() -> Option<String> {
    let server = std::env::var("STRONGROOM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    let Some(server) = server else {
        let required = std::env::var("STRONGROOM_TEST_POSTGRES_REQUIRED").is_ok();
        assert!(!required, "STRONGROOM_TEST_POSTGRES says of no PostgreSQL");
        eprintln!("skipped: STRONGROOM_TEST_POSTGRES says of no PostgreSQL");
        return None;
    };
    let name = format!("replicas_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (start, _) = server.rsplit_once('/').unwrap();
    Some(format!("{start}/{name}"))
}

/// A server on the database, with the sandbox of the world for AWS.
pub(crate) async fn replica(world: &World, database: &str, interval: &str) -> (Served, Jobs) {
    let (served, channel) = replica_with(world, database, &[&format!("feed.interval={interval}")]).await;
    (served, JobServiceClient::new(channel))
}

pub(crate) async fn replica_with(world: &World, database: &str, settings: &[&str]) -> (Served, Channel) {
    let (ledger, own) = (format!("ledger.url={database}"), settings);
    let settings = [&[&*ledger, "ledger.lease=2s", "feed.busy_interval=20ms"], own].concat();
    let words = ["--endpoint-url", world.sandbox(), "--region", "us-east-1"];
    let settings = settings.into_iter().flat_map(|setting| ["--set", setting]);
    let words: Vec<&str> = words.into_iter().chain(settings).collect();
    let (served, lines) = serve(&words, &KEYS).until(&["serving gRPC"]).await;
    let address = lines.iter().find_map(|line| line["address"].as_str()).unwrap();
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    (served, channel)
}

/// The workshop's database, once a server tells it as wanted.
async fn labs(at: &Channel, wanted: impl Fn(&DatabaseProtection) -> bool + Send + Sync) -> DatabaseProtection {
    let told = async {
        loop {
            let filter = Some(ProtectionFilter { resource: LABS.into(), ..Default::default() });
            let request = ListProtectionRequest { filter, ..Default::default() };
            // Until it was looked at there is none.
            let told = ProtectionServiceClient::new(at.clone()).list_protection(request).await;
            let told = told.ok().and_then(|told| told.into_inner().databases.pop());
            if let Some(database) = told.filter(|database| wanted(database)) {
                return database;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("it is never told so")
}

/// Whether jobs were listed since the last look.
async fn is_read(world: &World) -> bool {
    world.asked_for().await.iter().any(|(_, operation)| operation == "ListBackupJobs")
}

/// Waits until jobs are listed again and again.
async fn until_read(world: &World) {
    let read = async {
        for _ in 0..3 {
            while !is_read(world).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    timeout(PATIENCE, read).await.expect("nobody reads AWS");
}

/// The next job that is told in that state, and the token with it.
async fn told(stream: &mut tonic::Streaming<strongroom::proto::WatchJobsResponse>, state: JobState) -> (Job, String) {
    loop {
        let it = next(stream).await;
        if let Some(Event::Job(job)) = it.event
            && job.state() == state
        {
            return (job, it.resume_token);
        }
    }
}

#[tokio::test]
async fn one_reads_aws_for_all_and_all_tell_the_same() {
    let Some(database) = database().await else { return };
    let world = World::start().await;
    prepare(&world).await;
    let (leader, one) = replica(&world, &database, ONCE).await;
    until(one.clone(), &ListJobsRequest::default(), is_current).await;
    // The look that filled it is over when nothing more is asked for.
    while !world.asked_for().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (_other, mut two) = replica(&world, &database, OFTEN).await;
    // The leader reads once an hour: to one that would have read often since, that is old.
    let is_read_by_one = |it: &ListJobsResponse| {
        it.scopes.iter().all(|scope| [ScopeState::Current, ScopeState::Stale].contains(&scope.state()))
    };
    until(two.clone(), &ListJobsRequest::default(), is_read_by_one).await;
    let mut at_two = watch(two.clone(), WatchJobsRequest::default()).await;
    let mut at_one = watch(one.clone(), WatchJobsRequest::default()).await;
    // It would have read many times by now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!is_read(&world).await, "two read AWS");
    // Started at the one, told at the other, and the other way round.
    let started = one.clone().start_backup(backup_of(LABS)).await.unwrap().into_inner().job.unwrap();
    let (job, token) = told(&mut at_two, started.state()).await;
    assert_eq!(job.id, started.id);
    assert_eq!(told(&mut at_one, started.state()).await, (job, token.clone()), "one order, and one position");
    let both =
        [list(one.clone(), ListJobsRequest::default()).await, list(two.clone(), ListJobsRequest::default()).await];
    let [first, second] = both.map(|it| (it.jobs, it.resume_token));
    assert_eq!(first, second);
    world.advance("PT30M").await;
    // What the leader finds out, which looks for what is under way, the other tells.
    let (done, _) = told(&mut at_two, JobState::Completed).await;
    assert_eq!(done.id, started.id);
    // The one goes; its token goes on at the other.
    drop(at_one);
    leader.terminate();
    let mut resumed = watch(two.clone(), WatchJobsRequest { resume_token: token, ..Default::default() }).await;
    assert_eq!(told(&mut resumed, JobState::Completed).await.0, done);
    // It leads now.
    until_read(&world).await;
    let again = two.start_backup(backup_of(LABS)).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let is_done =
        |it: &ListJobsResponse| it.jobs.iter().any(|job| job.id == again.id && job.state() == JobState::Completed);
    until(two, &ListJobsRequest::default(), is_done).await;
}

#[tokio::test]
async fn a_leader_that_is_killed_is_followed_when_its_lease_is_over() {
    let Some(database) = database().await else { return };
    let world = World::start().await;
    let (leader, one) = replica(&world, &database, OFTEN).await;
    until(one, &ListJobsRequest::default(), is_current).await;
    let (_other, two) = replica(&world, &database, OFTEN).await;
    drop(leader);
    is_read(&world).await;
    until_read(&world).await;
    until(two, &ListJobsRequest::default(), is_current).await;
}

#[tokio::test]
async fn what_is_changed_at_one_is_looked_at_by_the_one_that_leads() {
    let Some(database) = database().await else { return };
    let world = World::start().await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select_tagged(&world, "nightly", "by-tag", "backup", "nightly").await;
    // Each looks once, if it leads at all.
    let rarely = ["feed.interval=1h", "feed.coverage_interval=1h"];
    let (_leader, one) = replica_with(&world, &database, &rarely).await;
    labs(&one, |_| true).await;
    let (_other, two) = replica_with(&world, &database, &rarely).await;
    labs(&two, |it| it.coverage.is_empty() && it.owner.is_empty()).await;
    let tags = [("backup".to_owned(), "nightly".to_owned()), ("owner".to_owned(), "payments".to_owned())].into();
    let tag = TagResourceRequest { resource: LABS.into(), tags, ..Default::default() };
    ResourceServiceClient::new(two.clone()).tag_resource(tag).await.unwrap();
    for at in [&one, &two] {
        labs(at, |it| it.owner == "payments" && it.coverage.len() == 1).await;
    }
    let delete = DeleteSelectionRequest { plan: "nightly".into(), selection: "by-tag".into(), ..Default::default() };
    PlanServiceClient::new(two.clone()).delete_selection(delete).await.unwrap();
    for at in [&one, &two] {
        labs(at, |it| it.coverage.is_empty()).await;
    }
    // What is changed at the one that leads goes the same way.
    let tags = [("owner".to_owned(), "platform".to_owned())].into();
    let tag = TagResourceRequest { resource: LABS.into(), tags, ..Default::default() };
    ResourceServiceClient::new(one.clone()).tag_resource(tag).await.unwrap();
    for at in [&one, &two] {
        labs(at, |it| it.owner == "platform").await;
    }
}
