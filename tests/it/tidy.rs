//! Holds the rules of the house: who may import whom, and how long a file may be.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file that wants to be longer has two subjects.
const LONGEST_FILE: usize = 450;

/// What only some files may name, and where.
const IMPORTS: &[(&str, &[&str], &str)] = &[
    ("tonic::", &["src/rpc/", "src/lib.rs", "src/cli/"], "tonic stands in rpc, and in the client commands"),
    ("prost::", &["src/rpc/", "src/cli/"], "protobuf stands in rpc, and in the client commands"),
    ("aws_sdk_", &["src/aws/"], "the AWS SDK stands behind the adapter"),
    ("aws_config::", &["src/aws/"], "the AWS SDK stands behind the adapter"),
    ("aws_smithy_", &["src/aws/"], "the AWS SDK stands behind the adapter"),
    ("clap::", &["src/cli/", "src/main.rs"], "the command line is cli's"),
    ("std::env", &["src/config/"], "the environment enters by config"),
    ("strongroom_sandbox", &["src/app/"], "the service knows the sandbox only over the wire; app starts it"),
    ("Status::new(", &[], "a Status is made in rpc/status.rs"),
    ("Status::with_error_details", &["src/rpc/status.rs"], "a Status is made in rpc/status.rs"),
    ("crate::rpc", &["src/rpc/", "src/app.rs"], "nobody calls back up"),
    ("crate::aws", &["src/rpc/", "src/aws/", "src/app.rs", "src/workers/"], "AWS is called from rpc and workers"),
    ("crate::app", &["src/cli/", "src/app/", "src/main.rs"], "app knows all, and nobody knows app"),
];

#[test]
fn who_may_import_whom() {
    let mut broken = Vec::new();
    // A file of tests may play the other side.
    for file in sources(Path::new("src")).into_iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.to_string_lossy().replace('\\', "/");
        for (line, content) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for (word, homes, rule) in IMPORTS {
                if content.contains(word) && !homes.iter().any(|home| name.starts_with(home)) {
                    broken.push(format!("{name}:{}: {word}: {rule}", line + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_domain_and_the_sandbox_know_nothing_above_them() {
    let mut broken = Vec::new();
    for (folder, forbidden) in [
        ("src/domain", ["crate::aws", "crate::rpc", "crate::config", "crate::proto", "tokio::"]),
        ("sandbox/src", ["strongroom::", "aws_sdk_", "aws_config", "tonic::", "prost::"]),
    ] {
        for file in sources(Path::new(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for word in forbidden.iter().filter(|word| text.contains(*word)) {
                broken.push(format!("{}: {word}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_subject() {
    let mut long = Vec::new();
    for folder in ["src", "sandbox/src", "sandbox/tests", "tests"] {
        for file in sources(Path::new(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > LONGEST_FILE {
                long.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "longer than {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

#[test]
fn every_field_message_method_and_value_of_the_proto_is_commented() {
    let mut silent = Vec::new();
    for file in files(Path::new("proto"), "proto") {
        let text = fs::read_to_string(&file).unwrap();
        let mut before = "";
        for (number, line) in text.lines().map(str::trim).enumerate() {
            let declares = ["message ", "enum ", "service ", "rpc "].iter().any(|word| line.starts_with(word))
                || (line.ends_with(';') && line.contains(" = ") && !line.starts_with("syntax"));
            if declares && !before.starts_with("//") {
                silent.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
            before = line;
        }
    }
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder, "rs")
}

pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
