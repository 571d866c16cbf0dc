//! `job list --watch`: a list, and then what changes of it.

use std::{
    io::{BufRead, BufReader, Read as _},
    process::{Child, ChildStdout, Command},
    time::Duration,
};

use strongroom::proto::ListJobsRequest;

use crate::{
    backups::{backup_of, prepare, start},
    cli::{Ran, program, run},
    harness::{LABS, World, follow},
    ledger::{is_current, until},
};

/// A list that goes on.
struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
    seen: String,
}

impl Watching {
    fn start(url: &str, words: &[&str]) -> Self {
        let mut child = program(url, &[["job", "list", "-w"].as_slice(), words].concat()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, seen: String::new() }
    }

    /// The first line with all of these words.
    async fn line(mut self, words: &[&str]) -> (Self, String) {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            loop {
                let mut line = String::new();
                assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended after: {}", self.seen);
                self.seen += &line;
                if words.iter().all(|word| line.contains(word)) {
                    return (self, line);
                }
            }
        })
        .await
        .unwrap()
    }

    /// Ends it as Ctrl-C does.
    async fn interrupt(mut self) -> Ran {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        tokio::task::spawn_blocking(move || {
            self.lines.read_to_string(&mut self.seen).unwrap();
            let mut ran = Ran::of(self.child.wait_with_output().unwrap());
            ran.out = self.seen;
            ran
        })
        .await
        .unwrap()
    }
}

async fn following() -> World {
    let world = World::following().await;
    prepare(&world).await;
    until(world.jobs(), &ListJobsRequest::default(), is_current).await;
    world
}

#[tokio::test]
async fn a_list_goes_on_with_what_changes_until_it_is_interrupted() {
    let world = following().await;
    let before = start(&world, backup_of(LABS)).await;
    let (watching, line) = Watching::start(world.url(), &["--resource", LABS]).line(&[&before.id]).await;
    assert!(watching.seen.starts_with("ID "), "the list comes first: {}", watching.seen);
    assert!(line.contains("CREATED") || line.contains("RUNNING"), "{line}");
    let later = start(&world, backup_of(LABS)).await;
    start(&world, backup_of("arn:aws:rds:us-east-1:123456789012:db:rdspg-orders")).await;
    let (watching, _) = watching.line(&[&later.id]).await;
    world.advance("PT30M").await;
    let (watching, _) = watching.line(&[&before.id, "COMPLETED"]).await;
    let ran = watching.interrupt().await;
    assert_eq!((ran.code, ran.err.as_str()), (130, ""), "{ran:?}");
    assert!(!ran.out.contains("rdspg-orders"), "the filter is that of the list: {}", ran.out);
}

#[tokio::test]
async fn programs_read_one_shape_of_what_is_listed_and_of_what_changes() {
    let world = following().await;
    let before = start(&world, backup_of(LABS)).await;
    let (watching, listed) = Watching::start(world.url(), &["-o", "jsonl"]).line(&[&before.id]).await;
    let later = start(&world, backup_of(LABS)).await;
    let (watching, told) = watching.line(&[&later.id]).await;
    for (line, job) in [(listed, before), (told, later)] {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["job"]["id"], job.id, "{line}");
    }
    watching.interrupt().await;
}

#[tokio::test]
async fn where_the_position_is_forgotten_it_lists_again() {
    let world = following().await;
    let (url, job) = (world.url().to_owned(), start(&world, backup_of(LABS)).await);
    let (watching, _) = Watching::start(&url, &[]).line(&[&job.id]).await;
    let address: std::net::SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    drop(world);
    // Another server at the same place, which remembers nothing of the first.
    while tokio::net::TcpListener::bind(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let world = World::start_with(|config| {
        follow(config);
        config.server.listen = address;
    })
    .await;
    prepare(&world).await;
    let job = start(&world, backup_of(LABS)).await;
    let (watching, _) = watching.line(&[&job.id]).await;
    let ran = watching.interrupt().await;
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.err.contains("the watch was interrupted, and goes on"), "{ran:?}");
    assert!(ran.err.contains("this is the list as it is now"), "{ran:?}");
}

#[tokio::test]
async fn what_is_not_followed_cannot_be_watched() {
    let world = World::start().await;
    let ran = run(&world, &["job", "list", "--watch"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("SCOPE_NOT_FOLLOWED"), "{ran:?}");
    let ran = run(&world, &["job", "list", "--watch", "--page-size", "3"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[tokio::test]
async fn a_reader_who_wants_no_more_ends_it() {
    let world = following().await;
    let job = start(&world, backup_of(LABS)).await;
    let (watching, _) = Watching::start(world.url(), &[]).line(&[&job.id]).await;
    drop(watching.lines);
    world.advance("PT30M").await;
    let mut child = watching.child;
    let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
    assert_eq!(code, Some(0));
}
