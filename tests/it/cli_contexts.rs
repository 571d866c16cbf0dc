//! Named contexts: what `strongroom context` keeps, for whom it can be read, and which of them a command goes by.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
};

use serde_json::json;

use crate::{
    cli::{Ran, program},
    harness::World,
};

struct User {
    folder: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("new/strongroom/contexts.toml")
    }

    async fn run(&self, words: &[&str]) -> Ran {
        let mut command = program("", words);
        command.env("STRONGROOM_CONTEXTS", self.file()).env_remove("STRONGROOM_TOKEN").current_dir(self.folder.path());
        tokio::task::spawn_blocking(move || Ran::of(command.output().unwrap())).await.unwrap()
    }

    async fn done(&self, words: &[&str]) -> String {
        let ran = self.run(words).await;
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.out
    }
}

#[tokio::test]
async fn contexts_are_added_used_listed_and_removed() {
    let user = User::new();
    assert_eq!(user.done(&["context", "list"]).await, "  NAME  SERVER  CREDENTIALS\n");
    let login = "login --audience 'a \"b\"'";
    user.done(&["context", "add", "production", "--server", "s.example.com:443", "--token-command", login, "--use"])
        .await;
    user.done(&["context", "add", "x.2", "--server", "https://10.0.0.7", "--ca-file", "ca.pem"]).await;
    assert_eq!(
        user.done(&["context", "list"]).await,
        "  NAME        SERVER             CREDENTIALS\n\
         * production  s.example.com:443  token command\n  \
           x.2         https://10.0.0.7   own authority\n"
    );
    user.done(&["context", "use", "x.2"]).await;
    let listed: serde_json::Value = user.run(&["context", "list", "-o", "json"]).await.json();
    let ca = user.folder.path().canonicalize().unwrap().join("ca.pem");
    assert_eq!(
        listed,
        json!({ "inUse": "x.2", "contexts": {
            "production": { "server": "s.example.com:443", "token_command": login },
            // It leads there from every folder.
            "x.2": { "server": "https://10.0.0.7", "ca_file": ca },
        } })
    );
    let ran = user.run(&["context", "remove", "x.2"]).await;
    assert!(ran.code == 0 && ran.err.contains("x.2 was in use"), "{ran:?}");
    user.done(&["context", "use", "production"]).await;
    user.done(&["context", "use", "--none"]).await;
    assert!(!user.done(&["context", "list"]).await.contains('*'));
    let text = fs::read_to_string(user.file()).unwrap();
    assert_eq!(text.matches("[contexts.").count(), 1, "{text}");
    let left: Vec<_> = fs::read_dir(user.file().parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "what was written beside is gone: {left:?}");
}

#[tokio::test]
async fn what_no_command_could_go_by_is_not_kept() {
    let user = User::new();
    user.done(&["context", "add", "a", "--server", "unix:/run/s.sock"]).await;
    for (words, told) in [
        (vec!["add", "a", "--server", "https://s"], "already; say --replace"),
        (vec!["add", "a b", "--server", "https://s"], "letters, digits"),
        (vec!["add", "b", "--server", "nonsense"], "write https://HOST:PORT"),
        (vec!["add", "b", "--server", "https://ada:s3cret@s"], "no user in it"),
        (vec!["add", "b", "--server", "http://s:1", "--token-file", "t"], "could read the token"),
        (vec!["add", "b", "--server", "http://s:1", "--ca-file", "c"], "--ca-file is for TLS"),
        (vec!["add", "b", "--server", "https://s", "--key-file", "k"], "--certificate-file"),
        (vec!["add", "b", "--server", "https://s", "--token-file", "t", "--token-command", "c"], "cannot be used with"),
        (vec!["use", "A"], "did you mean \"a\"?"),
        (vec!["remove", "production"], "no context \"production\", but a"),
        (vec!["use"], "NAME"),
    ] {
        let ran = user.run(&[&["context"], &words[..]].concat()).await;
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
        assert!(ran.err.contains(told) && !ran.err.contains("s3cret"), "{words:?}: {ran:?}");
    }
    user.done(&["context", "add", "a", "--server", "https://s", "--replace"]).await;
    assert_eq!(user.done(&["context", "list"]).await.lines().count(), 2);
}

#[tokio::test]
async fn the_file_is_its_owner_s_alone() {
    let user = User::new();
    user.done(&["context", "add", "a", "--server", "http://127.0.0.1:1", "--use"]).await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(user.file()), 0o600);
    assert_eq!(mode(user.file().parent().unwrap().to_owned()), 0o700);
    for open in [0o644, 0o620, 0o604] {
        fs::set_permissions(user.file(), fs::Permissions::from_mode(open)).unwrap();
        for (words, code) in [(vec!["context", "list"], 1), (vec!["server", "get"], 2)] {
            let ran = user.run(&words).await;
            assert_eq!(ran.code, code, "{words:?}: {ran:?}");
            assert!(ran.err.contains(&format!("chmod 600 {}", user.file().display())), "{ran:?}");
        }
        // Who says where the server is does not need it.
        assert_eq!(user.run(&["server", "get", "--server", "http://127.0.0.1:1"]).await.code, 4);
    }
    fs::set_permissions(user.file(), fs::Permissions::from_mode(0o600)).unwrap();
    // Only root can give a file away, and only root could be led by one of somebody else.
    if chown(user.file(), Some(65_534), None).is_ok() {
        for (words, code) in [(vec!["context", "list"], 1), (vec!["server", "get"], 2)] {
            let ran = user.run(&words).await;
            assert_eq!(ran.code, code, "{words:?}: {ran:?}");
            assert!(ran.err.contains("another user (65534, and you are 0)") && ran.err.contains("chown 0"), "{ran:?}");
        }
        chown(user.file(), Some(0), None).unwrap();
    }
    fs::write(user.file(), "contexts = 1").unwrap();
    let ran = user.run(&["context", "list"]).await;
    assert!(ran.code == 1 && ran.err.contains("is no file of contexts"), "{ran:?}");
}

#[tokio::test]
async fn a_key_that_nobody_knows_is_refused_and_not_lost() {
    let user = User::new();
    user.done(&["context", "add", "a", "--server", "https://s"]).await;
    for (line, told) in [
        ("ca-file = \"/ca.pem\"", "there is no key \"ca-file\"; did you mean \"ca_file\"?"),
        ("certificate_fil = \"/me.pem\"", "did you mean \"certificate_file\"?"),
        ("timeout = 3", "there is no key \"timeout\", but server, ca_file, server_name, certificate_file"),
    ] {
        let text = format!("[contexts.a]\nserver = \"https://s\"\n{line}\n");
        fs::write(user.file(), &text).unwrap();
        for words in [vec!["context", "list"], vec!["context", "use", "a"], vec!["server", "get", "--context", "a"]] {
            let ran = user.run(&words).await;
            assert!(ran.code != 0 && ran.err.contains(told) && ran.err.contains("contexts.toml"), "{words:?}: {ran:?}");
        }
        assert_eq!(fs::read_to_string(user.file()).unwrap(), text, "what was there is there");
    }
    fs::write(user.file(), "in-use = \"a\"\n[contexts.a]\nserver = \"https://s\"\n").unwrap();
    let ran = user.run(&["context", "list"]).await;
    assert!(ran.code == 1 && ran.err.contains("in-use"), "{ran:?}");
    // Every key that a context can have is known.
    let whole = "[contexts.a]\nserver = \"https://s\"\nca_file = \"/a\"\nserver_name = \"s\"\ncertificate_file = \"/c\"\n\
                 key_file = \"/k\"\ntoken_file = \"/t\"\n[contexts.b]\nserver = \"https://s\"\ntoken_command = \"login\"\n";
    fs::write(user.file(), whole).unwrap();
    user.done(&["context", "use", "a"]).await;
    assert_eq!(fs::read_to_string(user.file()).unwrap().matches(" = ").count(), whole.matches(" = ").count() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_by_the_flag_the_variable_or_the_context_in_use() {
    let world = World::start().await;
    let user = User::new();
    user.done(&["context", "add", "here", "--server", world.url()]).await;
    user.done(&["context", "add", "nowhere", "--server", "http://127.0.0.1:1", "--use"]).await;
    let get = ["server", "get"];
    let ran = user.run(&get).await;
    assert!(ran.code == 4 && ran.err.contains("http://127.0.0.1:1"), "{ran:?}");
    user.done(&["server", "get", "--context", "here"]).await;
    user.done(&["server", "get", "--server", world.url()]).await;
    let with = |variable: &str, value: &str| {
        let mut command = program("", &get);
        command.env("STRONGROOM_CONTEXTS", user.file()).env(variable, value);
        Ran::of(command.output().unwrap()).code
    };
    let codes = tokio::task::block_in_place(|| [with("STRONGROOM_CONTEXT", "here"), with("STRONGROOM_CONTEXT", "")]);
    assert_eq!(codes, [0, 4]);
    user.done(&["context", "use", "here"]).await;
    user.done(&get).await;
    let ran = user.run(&["server", "get", "--context", "hre"]).await;
    assert!(ran.code == 2 && ran.err.contains("did you mean \"here\"?"), "{ran:?}");
    let ran = user.run(&["server", "get", "--context", "here", "--server", "https://s"]).await;
    assert!(ran.code == 2 && ran.err.contains("say one"), "{ran:?}");
    let ran = user.run(&["tour", "--context", "nowhere", "--yes"]).await;
    assert!(ran.code == 4 && ran.err.contains("http://127.0.0.1:1"), "{ran:?}");
}
