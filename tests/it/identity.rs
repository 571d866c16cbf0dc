//! The start of `serve`: as whom it works on AWS, or what it lacks for that; and that it serves all the same.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStderr, Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{ACCOUNT, World};

/// A real server in a process of its own. Dropping it ends it.
pub(crate) struct Served {
    process: Child,
    log: BufReader<ChildStderr>,
    /// Where it runs, and so where its ledger is by default.
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Starts a server on a machine that has nothing of AWS but these variables.
pub(crate) fn serve(words: &[&str], variables: &[(&str, &str)]) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--set", "admin.listen=off"]).args(words);
    command.args(["--set", "aws.max_attempts=2"]).env_clear().envs(variables.iter().copied());
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path());
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    Served { process, log, _folder: folder }
}

pub(crate) const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIASANDBOXKEYOFTEST"), ("AWS_SECRET_ACCESS_KEY", "planted-secret")];

impl Served {
    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    /// Reads lines until there is one with each of these messages, and gives all of them.
    pub(crate) async fn until(mut self, messages: &'static [&'static str]) -> (Self, Vec<Value>) {
        let read = move || {
            let mut lines: Vec<Value> = Vec::new();
            let is_told = |lines: &[Value], message: &str| {
                lines.iter().any(|line| line["message"].as_str().unwrap_or_default().contains(message))
            };
            while !messages.iter().all(|message| is_told(&lines, message)) {
                let mut line = String::new();
                let read = self.log.read_line(&mut line).unwrap();
                assert!(read > 0, "it ended before it said {messages:?}: {lines:?}");
                assert!(!line.contains("planted-secret") && !line.contains("AKIASANDBOXKEYOFTEST"), "{line}");
                lines.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
            }
            (self, lines)
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }
}

fn line<'l>(lines: &'l [Value], message: &str) -> &'l Value {
    let told = lines.iter().filter(|line| line["message"].as_str().unwrap_or_default().contains(message));
    let told: Vec<&Value> = told.collect();
    assert_eq!(told.len(), 1, "once: {lines:?}");
    told[0]
}

#[tokio::test]
async fn one_line_says_as_whom_where_and_by_which_credentials() {
    let world = World::start().await;
    let words = ["--endpoint-url", world.sandbox(), "--region", "eu-west-1"];
    let assume = ["--assume-role", "arn:aws:iam::{account}:role/Strongroom"];
    let words: Vec<&str> = words.into_iter().chain(assume).collect();
    let (_served, lines) = serve(&words, &KEYS).until(&["serving gRPC", "works on AWS"]).await;
    let told = line(&lines, "works on AWS");
    let expected = json!({
        "level": "INFO",
        "identity": format!("arn:aws:iam::{ACCOUNT}:user/sandbox"),
        "account": ACCOUNT,
        "region": "eu-west-1",
        "partition": "aws",
        "credentials": "the environment (AWS_ACCESS_KEY_ID)",
        "other_accounts": "arn:aws:iam::{account}:role/Strongroom",
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&told[member], value, "{member}: {told}");
    }
    let serving = line(&lines, "serving gRPC");
    assert_eq!(serving["version"], env!("CARGO_PKG_VERSION"));
    assert!(serving["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{serving}");
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
}

#[tokio::test]
async fn a_profile_is_named() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let text = "[ops]\naws_access_key_id = AKIASANDBOXKEYOFTEST\naws_secret_access_key = planted-secret\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let words = ["--endpoint-url", world.sandbox(), "--region", "eu-west-1"];
    for (more, variables) in [
        (&["--profile", "ops"][..], &[("AWS_SHARED_CREDENTIALS_FILE", file)][..]),
        (&[], &[("AWS_SHARED_CREDENTIALS_FILE", file), ("AWS_PROFILE", "ops")]),
    ] {
        let words: Vec<&str> = words.iter().chain(more).copied().collect();
        let (_served, lines) = serve(&words, variables).until(&["works on AWS"]).await;
        assert_eq!(line(&lines, "works on AWS")["credentials"], "profile ops");
        assert_eq!(line(&lines, "works on AWS")["other_accounts"], "none");
    }
}

#[tokio::test]
async fn what_is_missing_is_warned_of_and_the_server_serves_all_the_same() {
    let world = World::start().await;
    let url = world.sandbox();
    let none = serve(&["--endpoint-url", url, "--region", "eu-west-1"], &[]);
    let (_served, lines) = none.until(&["serving gRPC", "who the server is on AWS is not known"]).await;
    let told = line(&lines, "who the server is on AWS is not known");
    assert_eq!(told["level"], "WARN");
    assert!(told["message"].as_str().unwrap().contains("give it credentials"), "{told}");
    assert!(told["aws_said"].as_str().unwrap().contains("no usable credentials"), "{told}");

    let nowhere = serve(&["--endpoint-url", url], &KEYS);
    let (_served, lines) = nowhere.until(&["serving gRPC", "no region is configured"]).await;
    assert_eq!(line(&lines, "no region is configured")["level"], "WARN");

    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{gone}");
    let unreachable = serve(&["--endpoint-url", &gone, "--region", "eu-west-1"], &KEYS);
    let (_served, lines) = unreachable.until(&["serving gRPC", "who the server is on AWS is not known"]).await;
    let told = line(&lines, "who the server is on AWS is not known");
    assert!(told["message"].as_str().unwrap().contains("see whether AWS is reachable"), "{told}");
}

#[tokio::test]
async fn an_aws_that_never_answers_does_not_delay_the_start() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (_served, lines) =
        serve(&["--endpoint-url", &url, "--region", "eu-west-1"], &KEYS).until(&["serving gRPC"]).await;
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
}

#[tokio::test]
async fn with_the_sandbox_it_says_that_nothing_is_real_and_asks_nobody() {
    let sandbox = serve(&["--sandbox", "--sandbox-listen", "127.0.0.1:0"], &[]);
    let (_served, lines) = sandbox.until(&["SANDBOX: nothing is real", "serving gRPC"]).await;
    assert!(!lines.iter().any(|line| line["message"] == "works on AWS"), "{lines:?}");
}
