//! The client commands: the real program as people and scripts run it, against a real server.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::{
    backups::{VAULT, aws_backup, prepared},
    harness::{LABS, World},
};

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Its answer, which must be one JSON document.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program with these words, on this server, with nobody at a terminal.
pub(crate) fn program(server: &str, words: &[&str]) -> Command {
    let mut command = crate::harness::strongroom();
    command.args(words).env("STRONGROOM_SERVER", server).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program on the server of this world, to the end.
pub(crate) async fn run(world: &World, words: &[&str]) -> Ran {
    let mut command = program(world.url(), words);
    Ran::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

/// Runs a program that must do what it is told, and gives its answer.
pub(crate) async fn done(world: &World, words: &[&str]) -> String {
    let ran = run(world, words).await;
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.out
}

/// The text without what differs from run to run; as wide as before, so that tables stay tables.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let word = &rest[at..];
        let end = word.find(|c| !hex(c)).unwrap_or(word.len());
        let is_id = end == 36 && word[..end].matches('-').count() == 4;
        steady.push_str(&rest[..at]);
        steady.push_str(if is_id { "00000000-0000-0000-0000-000000000000" } else { &word[..end] });
        rest = &word[end..];
    }
    steady + rest
}

#[tokio::test]
async fn people_read_tables_and_details() {
    let world = World::start().await;
    let mut shown = String::new();
    for line in [
        "role ensure backup",
        "vault create prod --tag team=databases --request-id 00000000-0000-4000-8000-000000000001",
        "vault list",
        "plan create nightly --vault prod --cron 0_5_?_*_*_* --timezone Europe/Berlin --keep-days 35",
        "selection create nightly production --role backup --tag Environment=production --tag-not-like Tier=dev*",
        "selection list nightly",
        "resource list --kind db-instance",
        "tag add rdspg-fcj-labs Environment=production",
        "tag list rdspg-fcj-labs",
        "job list",
        "server get",
        "selection delete nightly production --yes",
    ] {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = done(&world, &words).await;
        // The version is the plan's id in another spelling; the port is a free one.
        let answer =
            answer.lines().filter(|line| !["etag:", "sandbox endpoint:"].iter().any(|no| line.starts_with(no)));
        let answer: String = answer.map(|line| line.to_owned() + "\n").collect();
        shown += &format!("$ strongroom {line}\n{}\n", steady(&answer));
    }
    insta::assert_snapshot!("tables_and_details", shown);
}

#[tokio::test]
async fn programs_read_one_json_document() {
    let world = World::start().await;
    for name in ["one", "two", "three"] {
        done(&world, &["vault", "create", name]).await;
    }
    let vault = run(&world, &["vault", "get", "one", "-o", "json"]).await.json();
    assert_eq!(vault["vault"]["name"], "one");
    assert_eq!(vault["vault"]["createTime"], "2026-03-02T00:00:00Z");
    let all = run(&world, &["vault", "list", "-o", "json"]).await.json();
    assert_eq!(all["vaults"].as_array().unwrap().len(), 3);
    assert_eq!(all.get("nextPageToken"), None);

    let lines = done(&world, &["vault", "list", "-o", "jsonl"]).await;
    let names: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone()).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    // A page when one is asked for, with the way to the next.
    let page = run(&world, &["vault", "list", "--page-size", "2", "-o", "json"]).await;
    let first = page.json();
    let token = first["nextPageToken"].as_str().unwrap();
    assert_eq!(first["vaults"].as_array().unwrap().len(), 2);
    assert!(page.err.contains(token), "{page:?}");
    let rest = run(&world, &["vault", "list", "--page-size", "2", "--page-token", token, "-o", "json"]).await.json();
    assert_eq!(rest["vaults"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_is_followed_through_all_its_pages() {
    let world = prepared().await;
    let aws = aws_backup(&world);
    let role = "arn:aws:iam::123456789012:role/service-role/AWSBackupDefaultServiceRole";
    // One more than the largest page.
    for at in 0..=1000 {
        let volume = format!("arn:aws:ec2:us-east-1:123456789012:volume/vol-{at:017}");
        let job = aws.start_backup_job().backup_vault_name(VAULT).iam_role_arn(role).resource_arn(volume);
        job.send().await.unwrap();
    }
    let whole = run(&world, &["job", "list", "-o", "json"]).await.json();
    assert_eq!(whole["jobs"].as_array().unwrap().len(), 1001);
    assert_eq!(done(&world, &["job", "list", "-o", "jsonl"]).await.lines().count(), 1001);
    // And the headings.
    assert_eq!(done(&world, &["job", "list"]).await.lines().count(), 1002);
}

#[tokio::test]
async fn the_exit_code_tells_what_happened() {
    let world = World::start_with(|config| config.aws.max_attempts = 1).await;
    done(&world, &["vault", "create", VAULT]).await;
    for (words, code, told) in [
        (vec!["vault", "get", "nothing"], 5, "reason: VAULT_NOT_FOUND"),
        (vec!["vault", "create", "x y"], 1, "name (<NAME>)"),
        (vec!["vault", "create"], 2, "<NAME>"),
        (vec!["restore", "start", "--restore-token", "t", "--vault", "v"], 2, "cannot go with"),
        (vec!["vault", "list", "--page-size", "0"], 2, "1..=1000"),
        (vec!["vault", "list", "--server", "nonsense"], 2, "--server"),
        (vec!["vault", "list", "--server", "http://127.0.0.1:1"], 4, "no Strongroom server answers"),
        (vec!["plan", "create", "-f", "/nowhere/plan.json"], 2, "/nowhere/plan.json"),
        (vec!["vault", "delete", VAULT], 2, "say --yes"),
        (vec!["vault", "delete", VAULT, "--validate-only"], 0, ""),
        (vec!["vault", "delete", VAULT, "--yes"], 0, ""),
        (vec!["vault", "delete", VAULT, "--yes"], 5, "VAULT_NOT_FOUND"),
        (vec!["vault", "delete", VAULT, "--yes", "--allow-missing"], 0, ""),
    ] {
        let ran = run(&world, &words).await;
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.contains(told), "{words:?}: {ran:?}");
        assert!(code == 0 || ran.out.is_empty(), "{words:?}: {ran:?}");
    }
    world.arm(serde_json::json!({ "operation": "ListBackupVaults", "next": 50, "effect": "throttle" })).await;
    let ran = run(&world, &["vault", "list", "--timeout", "5s"]).await;
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.err.contains("try again after"), "{ran:?}");
}

#[tokio::test]
async fn a_refusal_tells_people_all_that_the_server_said() {
    let world = World::start().await;
    let ran = run(&world, &["plan", "create", "n", "--vault", "x y", "--cron", "soon", "--keep-days", "0"]).await;
    insta::assert_snapshot!("refusal", steady(&ran.err));
}

#[tokio::test]
async fn a_plan_is_read_edited_and_written_back() {
    let world = World::start().await;
    done(&world, &["vault", "create", VAULT]).await;
    done(&world, &["plan", "create", "nightly", "--vault", VAULT, "--keep-days", "35"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let shown = done(&world, &["plan", "get", "nightly", "-o", "json"]).await;
    std::fs::write(&file, shown.replace("35", "7")).unwrap();
    let file = file.display().to_string();
    let update = ["plan", "update", "nightly", "-f", file.as_str(), "-o", "json"];
    let updated = run(&world, &update).await.json();
    assert_eq!(updated["plan"]["rules"][0]["lifecycle"]["deleteAfterDays"], 7);
    // The file carries the version that was read; somebody else's change is not overwritten.
    done(&world, &["plan", "update", "nightly", "--keep-days", "8"]).await;
    let stale = run(&world, &update).await;
    assert_eq!(stale.code, 1, "{stale:?}");
    assert!(stale.err.contains("ETAG_MISMATCH"), "{stale:?}");
}

#[tokio::test]
async fn flags_change_one_rule_of_a_plan_and_nothing_else() {
    let world = World::start().await;
    done(&world, &["vault", "create", VAULT]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let rules = serde_json::json!({ "name": "weekly", "rules": [
        { "name": "sundays", "vault": VAULT, "schedule": "cron(0 3 ? * SUN *)", "scheduleTimezone": "Europe/Berlin",
          "lifecycle": { "deleteAfterDays": 90 } },
        { "name": "continuous", "vault": VAULT, "enableContinuousBackup": true, "lifecycle": { "deleteAfterDays": 14 } },
    ] });
    std::fs::write(&file, rules.to_string()).unwrap();
    let made = run(&world, &["plan", "create", "-f", &file.display().to_string(), "-o", "json"]).await.json();
    let mut expected = made["plan"]["rules"].clone();
    expected[0]["lifecycle"]["deleteAfterDays"] = 60.into();
    let update = ["plan", "update", "weekly", "--rule", "sundays", "--keep-days", "60", "-o", "json"];
    assert_eq!(run(&world, &update).await.json()["plan"]["rules"], expected);

    let several = run(&world, &["plan", "update", "weekly", "--keep-days", "60"]).await;
    assert_eq!(several.code, 2, "{several:?}");
    assert!(several.err.contains("--rule sundays or continuous"), "{several:?}");
    let unknown = run(&world, &["plan", "update", "weekly", "--rule", "r", "--keep-days", "60"]).await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    // The version that was read goes with it, and one that is given is compared.
    let stale = run(&world, &[&update[..], &["--etag", "old", "--vault", "other"]].concat()).await;
    assert_eq!(stale.code, 1, "{stale:?}");
    // A file is sent as it is, and what it takes away is told.
    let rest = serde_json::json!({ "rules": [rules["rules"][0]] });
    std::fs::write(&file, rest.to_string()).unwrap();
    let ran = run(&world, &["plan", "update", "weekly", "-f", &file.display().to_string()]).await;
    assert!(ran.code == 0 && ran.err.contains("RULE_REMOVED"), "{ran:?}");
}

#[tokio::test]
async fn warnings_are_told_on_standard_error_and_the_answer_stays_clean() {
    let world = World::start().await;
    done(&world, &["role", "ensure", "backup"]).await;
    done(&world, &["vault", "create", VAULT]).await;
    let start = ["backup", "start", "rdspg-fcj-labs", "--vault", VAULT, "--role", "backup"];
    let cold = ["--keep-days", "120", "--cold-storage-after-days", "7", "-o", "json"];
    let ran = run(&world, &[start.as_slice(), &cold].concat()).await;
    assert!(ran.err.starts_with("warning: "), "{ran:?}");
    assert!(!ran.json()["findings"].as_array().unwrap().is_empty(), "{ran:?}");
}

#[tokio::test]
async fn a_repeated_request_id_gives_the_same_job() {
    let world = World::start().await;
    done(&world, &["role", "ensure", "backup"]).await;
    done(&world, &["vault", "create", VAULT]).await;
    let mut start = vec!["backup", "start", LABS, "--vault", VAULT, "--role", "backup", "-o", "json"];
    start.extend(["--request-id", "6f1c2d3e-0000-4000-8000-5b6a79880001"]);
    let first = run(&world, &start).await.json();
    assert_eq!(run(&world, &start).await.json()["job"]["id"], first["job"]["id"]);
}

#[test]
fn every_shell_gets_completions_of_nouns_verbs_and_flags() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Ran::of(program("", &["completions", shell]).output().unwrap());
        assert_eq!(ran.code, 0, "{shell}: {}", ran.err);
        for word in ["selection", "list-protected", "keep-days"] {
            assert!(ran.out.contains(word), "{shell} does not complete {word}");
        }
    }
}

#[test]
fn a_variable_that_nobody_filled_in_is_as_good_as_not_set() {
    let ran = Ran::of(program("", &["vault", "list", "--help"]).output().unwrap());
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("STRONGROOM_SERVER") && ran.out.contains("http://127.0.0.1:50051"), "{}", ran.out);
}

#[test]
fn help_has_an_example_and_the_words_of_the_proto() {
    let ran = Ran::of(program("", &["backup", "start", "--help"]).output().unwrap());
    for told in
        ["Backs up a resource now", "Example:", "--wait", "A role just created is waited for", "JobService/StartBackup"]
    {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
}

#[test]
fn help_of_a_command_that_is_more_than_its_call_begins_with_that() {
    let ran = Ran::of(program("", &["plan", "update", "--help"]).output().unwrap());
    assert!(ran.out.starts_with("Changes a plan: flags change one rule and keep the others"), "{}", ran.out);
    let ran = Ran::of(program("", &["job", "wait", "--help"]).output().unwrap());
    assert!(ran.out.starts_with("Waits until a job has ended, and tells how."), "{}", ran.out);
}
