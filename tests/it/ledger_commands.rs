//! `strongroom ledger`: looks at a ledger beside the server that has it, and makes it anew without one.

use std::{
    io::Read as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};
use strongroom::proto::{JobState, ListJobsRequest, ListJobsResponse, StartBackupRequest, WatchJobsRequest};
use tonic::Code;

use crate::{
    backups::{backup_of, prepare},
    cli::{Ran, program},
    harness::{LABS, World, reason, request_id},
    ledger::{is_current, list, until},
    ledger_restarts::{back_up_elsewhere, beside},
    replicas::{OFTEN, database, replica},
};

/// A command on the ledger that this setting says of, and nothing else: not what the tests' own variables say.
fn on_ledger(verb: &[&str], setting: &str) -> Command {
    let words = [["ledger"].as_slice(), verb, &["--set", setting]].concat();
    let mut command = program("http://127.0.0.1:1", &words);
    command.env_clear();
    command
}

async fn ledger(verb: &[&str], setting: &str) -> Ran {
    let mut command = on_ledger(verb, setting);
    Ran::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

fn in_file(file: &Path) -> String {
    format!("ledger.path={}", file.display())
}

fn of_kind<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["kind"] == kind).map(|line| &line[kind]).collect()
}

fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is wrong is written into a ledger that nobody has.
async fn spoil(file: &Path, sql: &'static str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_ledger_is_checked_and_exported_beside_its_server_and_not_rebuilt_under_it() {
    let world = World::start().await;
    prepare(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let (server, mut jobs) = beside(&world, &file).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let job = jobs.start_backup(request).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let is_done = |it: &ListJobsResponse| it.jobs.iter().any(|job| job.state() == JobState::Completed);
    until(jobs, &ListJobsRequest::default(), |it| is_current(it) && is_done(it)).await;

    let checked = ledger(&["check"], &in_file(&file)).await;
    assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{checked:?}");
    assert!(checked.out.starts_with("ledger ") && checked.out.contains(": 1 job, "), "{checked:?}");
    assert!(checked.out.ends_with(": it is well\n"), "{checked:?}");

    let exported = lines(&ledger(&["export"], &in_file(&file)).await);
    assert_eq!(exported[0]["kind"], "ledger");
    let [told] = of_kind(&exported, "job")[..] else { panic!("{exported:?}") };
    assert_eq!((&told["id"], &told["resourceArn"]), (&job.id.clone().into(), &LABS.into()));
    assert_eq!((&told["kind"], &told["state"]), (&"JOB_KIND_BACKUP".into(), &"JOB_STATE_COMPLETED".into()));
    let [place] = of_kind(&exported, "place")[..] else { panic!("{exported:?}") };
    assert_eq!((&place["scope"]["region"], &place["filled"]), (&"us-east-1".into(), &true.into()));
    let [started] = of_kind(&exported, "request")[..] else { panic!("{exported:?}") };
    assert_eq!((&started["jobId"], &started["operation"]), (&job.id.into(), &"StartBackup".into()));

    let refused = ledger(&["rebuild", "--yes"], &in_file(&file)).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("a server leads on this ledger") && refused.err.contains("nothing was done"));
    drop(server);
}

#[tokio::test]
async fn a_ledger_that_was_rebuilt_is_filled_again_and_still_knows_what_requests_started() {
    let world = World::start().await;
    // Later than it is anywhere: what AWS remembers is reckoned by the later of its clock and this machine's.
    world.advance("P3650D").await;
    prepare(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let (server, mut jobs) = beside(&world, &file).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let first = jobs.start_backup(request.clone()).await.unwrap().into_inner().job.unwrap();
    let is_done = |count: usize| {
        move |it: &ListJobsResponse| {
            is_current(it) && it.jobs.len() == count && it.jobs.iter().all(|job| job.state() == JobState::Completed)
        }
    };
    world.advance("PT30M").await;
    until(jobs.clone(), &ListJobsRequest::default(), is_done(1)).await;
    world.advance("P35D").await;
    let elsewhere = back_up_elsewhere(&world).await;
    let again = StartBackupRequest { request_id: request_id(2), ..backup_of(LABS) };
    let second = jobs.start_backup(again.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let before = until(jobs.clone(), &ListJobsRequest::default(), is_done(3)).await;
    let live = ListJobsRequest { read: strongroom::proto::Read::Live.into(), ..Default::default() };
    assert_eq!(list(world.jobs(), live.clone()).await.jobs.len(), 2, "AWS has forgotten the first");
    drop(server);

    spoil(&file, "UPDATE cell SET jobs = jobs + 1; UPDATE head SET head = head + 1").await;
    let checked = ledger(&["check"], &in_file(&file)).await;
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.out.contains("BAD  head: it is ") && checked.out.contains("BAD  count: facet "), "{checked:?}");
    assert!(checked.out.ends_with(": it is NOT well\n"), "{checked:?}");

    // Nobody is there to be asked.
    let asked = ledger(&["rebuild"], &in_file(&file)).await;
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains("say --yes"), "{asked:?}");
    assert_eq!(ledger(&["check"], &in_file(&file)).await.code, 1, "it is as it was");
    let rebuilt = ledger(&["rebuild", "--yes"], &in_file(&file)).await;
    assert_eq!(rebuilt.code, 0, "{rebuilt:?}");
    for told in [
        "read again from AWS: 1 job created since ",
        "kept: 2 jobs ",
        "kept: 0 incidents (0 acknowledged), 0 missed runs, 2 request ids",
        "lost: the positions of watchers",
    ] {
        assert!(rebuilt.out.contains(told) && rebuilt.err.contains(told), "{told}: {rebuilt:?}");
    }
    let checked = ledger(&["check"], &in_file(&file)).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let exported = lines(&ledger(&["export"], &in_file(&file)).await);
    assert_eq!(of_kind(&exported, "job").len(), 2);

    let (_server, mut jobs) = beside(&world, &file).await;
    let after = until(jobs.clone(), &ListJobsRequest::default(), is_done(3)).await;
    assert_eq!(after.jobs, before.jobs, "{elsewhere} among them");
    for (request, job) in [(request, first), (again, second)] {
        let told = jobs.start_backup(request).await.unwrap().into_inner().job.unwrap();
        assert_eq!(told.id, job.id);
    }
    assert_eq!(list(world.jobs(), live).await.jobs.len(), 2, "AWS has begun nothing");
    let watch = WatchJobsRequest { resume_token: before.resume_token, ..Default::default() };
    let status = jobs.watch_jobs(watch).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "RESUME_TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn what_is_no_ledger_is_told_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    for verb in [["check"].as_slice(), &["export"], &["rebuild", "--yes"]] {
        let told = ledger(verb, &in_file(&file)).await;
        assert_eq!((told.code, told.out.as_str()), (1, ""), "{told:?}");
        assert!(told.err.contains("there is no ledger") && told.err.contains("ledger.db does not exist"), "{told:?}");
        assert!(!file.exists());
        let told = ledger(verb, "ledger.path=:memory:").await;
        assert!(told.code == 1 && told.err.contains("kept in memory"), "{told:?}");
        let told = ledger(verb, "ledger.keep=soon").await;
        assert!(told.code == 1 && told.err.contains("ledger.keep"), "{told:?}");
    }
}

#[tokio::test]
async fn a_reader_who_has_seen_enough_ends_an_export() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let (_server, jobs) = beside(&world, &file).await;
    until(jobs, &ListJobsRequest::default(), is_current).await;
    let setting = in_file(&file);
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = on_ledger(&["export"], &setting).spawn().unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (child.wait().unwrap().code(), told)
    });
    assert_eq!(ended.await.unwrap(), (Some(0), String::new()));
}

#[tokio::test]
async fn a_ledger_in_postgresql_is_checked_exported_and_rebuilt() {
    let Some(database) = database().await else { return };
    let setting = format!("ledger.url={database}");
    let none = ledger(&["check"], &setting).await;
    assert!(none.code == 1 && none.err.contains("no server has opened it yet"), "{none:?}");
    let world = World::start().await;
    prepare(&world).await;
    let (server, mut jobs) = replica(&world, &database, OFTEN).await;
    let request = StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) };
    let job = jobs.start_backup(request.clone()).await.unwrap().into_inner().job.unwrap();
    world.advance("PT30M").await;
    let is_done = |it: &ListJobsResponse| it.jobs.iter().any(|job| job.state() == JobState::Completed);
    until(jobs, &ListJobsRequest::default(), |it| is_current(it) && is_done(it)).await;
    let checked = ledger(&["check"], &setting).await;
    assert!(checked.code == 0 && checked.out.contains(": 1 job, "), "{checked:?}");
    let exported = lines(&ledger(&["export"], &setting).await);
    assert_eq!(of_kind(&exported, "job").len(), 1);
    let refused = ledger(&["rebuild", "--yes"], &setting).await;
    assert!(refused.code == 1 && refused.err.contains("a server leads on this ledger"), "{refused:?}");
    drop(server);
    // Killed, it leads until its lease is over.
    let begun = Instant::now();
    let rebuilt = loop {
        let rebuilt = ledger(&["rebuild", "--yes"], &setting).await;
        if rebuilt.code == 0 {
            break rebuilt;
        }
        assert!(rebuilt.err.contains("a server leads on this ledger"), "{rebuilt:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "it leads for ever");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(rebuilt.out.contains("1 request id\n"), "{rebuilt:?}");
    assert_eq!(ledger(&["check"], &setting).await.code, 0);
    let (_server, mut jobs) = replica(&world, &database, OFTEN).await;
    until(jobs.clone(), &ListJobsRequest::default(), |it| is_current(it) && is_done(it)).await;
    assert_eq!(jobs.start_backup(request).await.unwrap().into_inner().job.unwrap().id, job.id);
}
