//! What is remembered over restarts, by servers in processes of their own beside one sandbox.

use std::path::Path;

use strongroom::proto::{
    JobState, ListJobsRequest, ListJobsResponse, StartBackupRequest, WatchJobsRequest,
    job_service_client::JobServiceClient,
};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_backup, backup_of, prepare},
    harness::{LABS, World, reason, request_id},
    identity::{KEYS, Served, serve},
    ledger::{Jobs, is_current, list, next, until, watch},
};

/// A server that has its ledger in the file, and the sandbox of the world for AWS.
pub(crate) async fn beside(world: &World, file: &Path) -> (Served, Jobs) {
    let path = format!("ledger.path={}", file.display());
    let words = ["--endpoint-url", world.sandbox(), "--region", "us-east-1", "--set", &path];
    let often = ["--set", "feed.interval=20ms", "--set", "feed.busy_interval=20ms"];
    let words: Vec<&str> = words.into_iter().chain(often).collect();
    let (served, lines) = serve(&words, &KEYS).until(&["serving gRPC"]).await;
    let address = lines.iter().find_map(|line| line["address"].as_str()).unwrap();
    let jobs = JobServiceClient::connect(format!("http://{address}")).await.unwrap();
    (served, jobs)
}

pub(crate) async fn back_up_elsewhere(world: &World) -> String {
    let started = aws_backup(world).start_backup_job().backup_vault_name(VAULT).resource_arn(LABS);
    let role = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";
    started.iam_role_arn(role).send().await.unwrap().backup_job_id.unwrap()
}

#[tokio::test]
async fn what_others_do_is_found_and_what_was_before_the_first_start() {
    let world = World::start().await;
    prepare(&world).await;
    let old = back_up_elsewhere(&world).await;
    world.advance("PT240H").await;
    let recent = back_up_elsewhere(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let (_server, jobs) = beside(&world, &folder.path().join("ledger.db")).await;
    let request = ListJobsRequest::default();
    let all = until(jobs, &request, |it| is_current(it) && it.jobs.len() == 2).await;
    let ids: Vec<&str> = all.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, [recent.as_str(), old.as_str()]);
    assert_eq!(all.jobs[1].state(), JobState::Completed);
}

#[tokio::test]
async fn jobs_are_remembered_when_aws_has_forgotten_them() {
    let world = World::start().await;
    prepare(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let job = back_up_elsewhere(&world).await;
    let (server, jobs) = beside(&world, &file).await;
    let request = ListJobsRequest::default();
    world.advance("PT30M").await;
    let is_done = |it: &ListJobsResponse| it.jobs.iter().any(|job| job.state() == JobState::Completed);
    until(jobs, &request, |it| is_current(it) && is_done(it)).await;
    drop(server);
    world.advance("PT2400H").await;
    let (_server, jobs) = beside(&world, &file).await;
    let all = until(jobs, &request, is_done).await;
    assert_eq!(all.jobs[0].id, job);
    let live = ListJobsRequest { read: strongroom::proto::Read::Live.into(), ..request };
    assert_eq!(list(world.jobs(), live).await.jobs, [], "AWS has forgotten it");
}

#[tokio::test]
async fn a_ledger_that_was_made_anew_says_that_a_token_is_over() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (one, another) = (folder.path().join("one.db"), folder.path().join("another.db"));
    let (server, jobs) = beside(&world, &one).await;
    let listed = until(jobs, &ListJobsRequest::default(), is_current).await;
    drop(server);
    let again = WatchJobsRequest { resume_token: listed.resume_token, ..Default::default() };
    // The same file, by another server: it goes on.
    let (server, jobs) = beside(&world, &one).await;
    let mut stream = watch(jobs, again.clone()).await;
    next(&mut stream).await;
    drop(server);
    let (_server, mut jobs) = beside(&world, &another).await;
    until(jobs.clone(), &ListJobsRequest::default(), is_current).await;
    let status = jobs.watch_jobs(again).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "RESUME_TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn a_request_is_not_carried_out_again_after_a_restart() {
    let world = World::start().await;
    prepare(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let (server, mut jobs) = beside(&world, &file).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = jobs.start_backup(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let is_done = |it: &ListJobsResponse| it.jobs.iter().any(|job| job.state() == JobState::Completed);
    until(jobs, &ListJobsRequest::default(), is_done).await;
    drop(server);
    world.advance("PT768H").await;
    let (_server, mut jobs) = beside(&world, &file).await;
    let again = jobs.start_backup(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!((&again.id, again.state()), (&first.id, JobState::Completed));
    let live = ListJobsRequest { read: strongroom::proto::Read::Live.into(), ..Default::default() };
    assert_eq!(list(world.jobs(), live).await.jobs, [], "AWS has begun nothing");
}
