//! Holds the rules of the house: how long a file may be, and that the contract is commented. Who may import whom is in
//! `imports`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file that wants to be longer has two subjects.
const LONGEST_FILE: usize = 450;

#[test]
fn no_file_is_longer_than_one_subject() {
    let mut long = Vec::new();
    let programs = ["src", "sandbox/src", "sandbox/tests", "tests"].map(|folder| (folder, "rs"));
    for (folder, extension) in programs.into_iter().chain(["tests", "benches"].map(|folder| (folder, "py"))) {
        for file in files(Path::new(folder), extension) {
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
                || (line.ends_with(';')
                    && line.contains(" = ")
                    && !["syntax", "option "].iter().any(|word| line.starts_with(word)));
            if declares && !before.starts_with("//") {
                silent.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
            before = line;
        }
    }
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
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
