//! Waiting for jobs on the command line, with time moved by hand.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command},
};

use crate::{
    backups::{VAULT, backup_of, prepared, read, start},
    cli::{Ran, done, program, run},
    harness::{LABS, World},
};

/// A command that runs while time is moved.
struct Running {
    child: Child,
    progress: BufReader<std::process::ChildStderr>,
    told: String,
}

impl Running {
    fn start(world: &World, words: &[&str]) -> Self {
        let mut child = program(world.url(), words).spawn().unwrap();
        let progress = BufReader::new(child.stderr.take().unwrap());
        Self { child, progress, told: String::new() }
    }

    /// Until a line on standard error has this word.
    async fn until(mut self, word: &'static str) -> Self {
        tokio::task::spawn_blocking(move || {
            loop {
                let mut line = String::new();
                assert!(self.progress.read_line(&mut line).unwrap() > 0, "it ended: {}", self.told);
                self.told += &line;
                if line.contains(word) {
                    return self;
                }
            }
        })
        .await
        .unwrap()
    }

    async fn end(mut self) -> Ran {
        tokio::task::spawn_blocking(move || {
            self.progress.read_to_string(&mut self.told).unwrap();
            let mut ran = Ran::of(self.child.wait_with_output().unwrap());
            ran.err = self.told;
            ran
        })
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn a_backup_and_a_restore_are_waited_for_to_the_end() {
    let world = prepared().await;
    let role = "AWSBackupDefaultServiceRole";
    let backup = ["backup", "start", LABS, "--vault", VAULT, "--role", role, "--wait", "-o", "json"];
    let running = Running::start(&world, &backup).until("CREATED").await;
    world.advance("PT10M").await;
    let ran = running.end().await;
    let answer = ran.json();
    assert_eq!(answer["job"]["state"], "JOB_STATE_COMPLETED", "{ran:?}");
    assert_eq!(answer["lifecycle"]["deleteAfterDays"], 35, "what StartBackup answered is there too");
    assert!(ran.err.contains("COMPLETED 100 %"), "{ran:?}");

    let point = answer["job"]["recoveryPointArn"].as_str().unwrap();
    let restore =
        ["restore", "start", point, "--vault", VAULT, "--role", role, "--db-instance-identifier", "again", "--wait"];
    let running = Running::start(&world, &restore).until(": ").await;
    world.advance("PT2H").await;
    let ran = running.end().await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("created resource arn:  arn:aws:rds:us-east-1:123456789012:db:again"), "{ran:?}");
}

#[tokio::test]
async fn a_job_that_does_not_complete_is_an_exit_code_of_its_own() {
    let world = prepared().await;
    // Stopped: its backup does not start, and expires.
    let paused = start(&world, backup_of("arn:aws:rds:us-east-1:123456789012:db:rdspg-paused")).await;
    world.advance("P1D").await;
    let ended = read(&world, &paused.id).await;
    let ran = run(&world, &["job", "wait", &paused.id]).await;
    assert_eq!(ran.code, 6, "{ended:?} {ran:?}");
    assert!(ran.err.contains(&format!("job {} ended {}", paused.id, ended.state_text)), "{ran:?}");
    assert!(ran.out.contains(&ended.state_text), "what is known of it is shown: {ran:?}");
}

#[tokio::test]
async fn waiting_ends_when_it_is_told_to_and_the_job_goes_on() {
    let world = prepared().await;
    let job = start(&world, backup_of(LABS)).await;
    let ran = run(&world, &["job", "wait", &job.id, "--wait-timeout", "300ms"]).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    let again = format!("strongroom job wait {}", job.id);
    assert!(ran.err.contains(&again), "{ran:?}");

    let running = Running::start(&world, &["job", "wait", &job.id]).until("CREATED").await;
    let interrupt = Command::new("kill").args(["-INT", &running.child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let ran = running.end().await;
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(ran.err.contains(&again), "{ran:?}");

    world.advance("PT10M").await;
    assert!(done(&world, &["job", "wait", &job.id]).await.contains("COMPLETED"));
}
