//! The files: what is there after a start, a fault of the disk, a kill, a change by somebody else.

use std::{fs, path::Path, sync::Arc};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::{
    chain::Keys,
    file::{Entry, Files, path},
    record::{Begin, Caller, Came, Outcome, Record, Where},
    start::{AuditError, start},
    writer::{State, Writer},
};
use crate::rpc::access::principal::Authentication;

fn begin(id: &str) -> Begin {
    Begin {
        time: Timestamp::UNIX_EPOCH,
        id: id.to_owned(),
        principal: Caller {
            name: "idp:somebody\n{\"seq\":1}".to_owned(),
            groups: Vec::new(),
            authentication: Authentication::Token,
            issuer: None,
            certificate: None,
        },
        peer: String::new(),
        action: "strongroom.v1.VaultService/DeleteVault".to_owned(),
        resources: vec!["main".to_owned()],
        scope: Where::default(),
        request_id: String::new(),
        request_digest: String::new(),
        request: Value::Null,
        policies: String::new(),
        read: false,
        joined: false,
    }
}

fn begins(id: &str) -> Entry {
    Entry::Line(Record::Begin(Box::new(begin(id))))
}

fn ends(id: &str) -> Entry {
    Entry::End { id: id.to_owned(), came: Came::of(Outcome::Succeeded, "") }
}

fn keys(letters: &str) -> Keys {
    let lines: Vec<String> = letters.chars().map(|letter| letter.to_string().repeat(32)).collect();
    Keys::parse(&lines.join("\n")).unwrap_or_default()
}

fn opened(folder: &Path) -> Files {
    start(folder, &Keys::default(), 1 << 20).unwrap()
}

fn lines(folder: &Path, segment: u64) -> Vec<Value> {
    let text = fs::read_to_string(path(folder, segment)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(folder: &Path, segment: u64) -> Vec<String> {
    lines(folder, segment).iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_start_closes_what_a_killed_process_left_open_and_tells_that_it_cut_half_a_line() {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};
    let folder = TempDir::new().unwrap();
    let mut files = opened(folder.path());
    files.append([begins("a"), begins("b"), ends("a")]).unwrap();
    drop(files);
    fs::OpenOptions::new().append(true).open(path(folder.path(), 1)).unwrap().write_all(b"{\"seq\":").unwrap();
    drop(opened(folder.path()));
    let told = kinds(folder.path(), 1);
    assert_eq!(told, ["open", "start", "begin", "begin", "end", "cut", "start", "end"]);
    let last = lines(folder.path(), 1).pop().unwrap();
    assert_eq!((last["begun"]["id"].as_str(), last["outcome"].as_str()), (Some("b"), Some("UNKNOWN")));
    let mode = fs::metadata(path(folder.path(), 1)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn two_processes_never_write_one_chain() {
    let folder = TempDir::new().unwrap();
    let _first = opened(folder.path());
    assert!(matches!(start(folder.path(), &Keys::default(), 1), Err(AuditError::Taken(_))));
}

#[test]
fn a_file_ends_with_a_seal_and_the_next_begins_with_it_and_with_what_is_under_way() {
    let folder = TempDir::new().unwrap();
    let mut files = start(folder.path(), &Keys::default(), 1).unwrap();
    files.append([begins("a"), begins("b")]).unwrap();
    files.turn_over().unwrap();
    files.append([ends("a")]).unwrap();
    drop(files);
    assert_eq!(kinds(folder.path(), 1).last().unwrap(), "seal");
    let (old, new) = (lines(folder.path(), 1), lines(folder.path(), 2));
    assert_eq!(old.last().unwrap()["hash"], new[0]["prev"]);
    assert_eq!(new[0]["under_way"].as_array().unwrap().len(), 2);
    // The begin stands in another file than the end.
    assert_eq!(new[1]["begun"]["segment"], 1);
    let mut again = opened(folder.path());
    assert!(again.under_way().is_empty());
    again.append([begins("c")]).unwrap();
    assert_eq!(kinds(folder.path(), 2), ["open", "end", "start", "end", "begin"]);
}

#[test]
fn a_process_that_ended_while_it_began_a_file_left_nothing_that_is_missed() {
    for left in ["", "{\"seq\":3"] {
        let folder = TempDir::new().unwrap();
        let mut files = start(folder.path(), &Keys::default(), 1).unwrap();
        files.append([begins("a")]).unwrap();
        files.turn_over().unwrap();
        drop(files);
        fs::write(path(folder.path(), 2), left).unwrap();
        drop(opened(folder.path()));
        let told = kinds(folder.path(), 2);
        assert_eq!(told.first().unwrap(), "open", "{left:?}");
        assert_eq!(told.contains(&"cut".to_owned()), !left.is_empty(), "{left:?}");
        assert_eq!(told.last().unwrap(), "end", "{left:?}");
    }
}

#[test]
fn another_key_begins_another_file_and_a_missing_one_keeps_the_server_from_starting() {
    let folder = TempDir::new().unwrap();
    for letters in ["", "a", "ba"] {
        start(folder.path(), &keys(letters), 1 << 20).unwrap().append([begins(letters), ends(letters)]).unwrap();
    }
    assert_eq!(kinds(folder.path(), 2), ["open", "start", "begin", "end", "seal"]);
    for letters in ["", "a", "ca"] {
        let refused = start(folder.path(), &keys(letters), 1 << 20).unwrap_err().to_string();
        assert!(refused.contains("audit-0000000003.jsonl line 1"), "{refused}");
    }
}

#[test]
fn what_the_disk_did_not_take_counts_for_nothing_and_is_gone_when_it_takes_again() {
    let folder = TempDir::new().unwrap();
    let mut files = start(folder.path(), &Keys::default(), 1).unwrap();
    files.append([begins("a")]).unwrap();
    // Where the next file would be, something else is.
    let next = path(folder.path(), 2);
    fs::create_dir(&next).unwrap();
    files.turn_over().unwrap_err();
    files.append([begins("b")]).unwrap_err();
    assert!(!files.under_way().contains_key("b"));
    fs::remove_dir(&next).unwrap();
    files.append([begins("c"), ends("b"), ends("a")]).unwrap();
    assert_eq!(kinds(folder.path(), 2), ["open", "begin", "end"]);
    drop(files);
    drop(opened(folder.path()));
}

#[test]
fn a_file_that_is_taken_away_is_written_again_and_says_so() {
    for how in ["removed", "renamed"] {
        let folder = TempDir::new().unwrap();
        let mut files = opened(folder.path());
        files.append([begins("a")]).unwrap();
        let before = fs::read(path(folder.path(), 1)).unwrap();
        match how {
            "removed" => fs::remove_file(path(folder.path(), 1)).unwrap(),
            _ => fs::rename(path(folder.path(), 1), folder.path().join("audit-0000000001.jsonl.1")).unwrap(),
        }
        files.append([ends("a"), begins("b")]).unwrap();
        files.append([ends("b")]).unwrap();
        drop(files);
        assert!(fs::read(path(folder.path(), 1)).unwrap().starts_with(&before), "{how}");
        let told = kinds(folder.path(), 1);
        assert_eq!(told, ["open", "start", "begin", "restored", "end", "begin", "end"], "{how}");
        drop(opened(folder.path()));
    }
}

#[test]
fn nothing_is_added_to_a_file_that_somebody_replaced_cut_or_wrote_to_until_it_is_as_it_was() {
    for how in ["replaced", "cut", "written to"] {
        let folder = TempDir::new().unwrap();
        let mut files = opened(folder.path());
        files.append([begins("a")]).unwrap();
        let (file, kept) = (path(folder.path(), 1), folder.path().join("kept"));
        let before = fs::read(&file).unwrap();
        match how {
            "replaced" => {
                fs::rename(&file, &kept).unwrap();
                fs::write(&file, &before).unwrap();
            }
            "cut" => fs::write(&file, b"").unwrap(),
            _ => fs::write(&file, [&before[..], b"{}\n"].concat()).unwrap(),
        }
        let changed = fs::read(&file).unwrap();
        let refused = files.append([begins("b")]).unwrap_err().to_string();
        assert!(refused.contains("audit-0000000001.jsonl"), "{how}: {refused}");
        assert_eq!(fs::read(&file).unwrap(), changed, "{how}");
        match how {
            "replaced" => fs::rename(&kept, &file).unwrap(),
            _ => fs::write(&file, &before).unwrap(),
        }
        files.append([ends("a")]).unwrap();
        drop(files);
        assert_eq!(kinds(folder.path(), 1), ["open", "start", "begin", "end"], "{how}");
    }
}

#[test]
fn a_start_finds_a_file_before_the_last_that_is_missing_cut_or_of_another_record() {
    let record = || {
        let folder = TempDir::new().unwrap();
        let mut files = start(folder.path(), &Keys::default(), 1).unwrap();
        for id in ["a", "b", "c"] {
            files.append([begins(id), ends(id)]).unwrap();
            files.turn_over().unwrap();
        }
        folder
    };
    let whole = record();
    drop(opened(whole.path()));
    fs::remove_file(path(whole.path(), 1)).unwrap();
    drop(opened(whole.path()));
    for how in ["missing", "cut", "shorter", "of another record"] {
        let (folder, other) = (record(), record());
        let middle = path(folder.path(), 2);
        let text = fs::read_to_string(&middle).unwrap();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        match how {
            "missing" => fs::remove_file(&middle).unwrap(),
            "cut" => fs::write(&middle, lines[..lines.len() - 1].concat()).unwrap(),
            "shorter" => {
                lines.remove(1);
                fs::write(&middle, lines.concat()).unwrap();
            }
            _ => _ = fs::copy(path(other.path(), 2), &middle).unwrap(),
        }
        let refused = start(folder.path(), &Keys::default(), 1).unwrap_err().to_string();
        assert!(refused.contains("audit-000000000"), "{how}: {refused}");
        assert!(
            matches!(how, "missing" | "of another record") || refused.contains("audit-0000000002.jsonl"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_begins_share_the_disk_and_an_end_follows_each() {
    let folder = TempDir::new().unwrap();
    let state = Arc::<State>::default();
    let writer = Writer::new(opened(folder.path()), &state).unwrap();
    let begun: Vec<_> = (0..200).map(|number| writer.begin(begin(&number.to_string()))).collect();
    for told in begun {
        told.await.unwrap().unwrap();
    }
    assert_eq!(state.shown().under_way.len(), 200);
    let places = Arc::new(Semaphore::new(1));
    for number in 0..200 {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        writer.end(number.to_string(), Came::of(Outcome::Succeeded, ""), place).await.unwrap();
    }
    assert!(state.shown().under_way.is_empty());
    drop(writer);
    assert_eq!(kinds(folder.path(), 1).len(), 402);
}

proptest! {
    #[test]
    fn nothing_is_written_after_a_line_that_does_not_verify(at in 0_usize..2_000, bit in 0_u32..8) {
        let folder = TempDir::new().unwrap();
        opened(folder.path()).append([begins("a"), ends("a")]).unwrap();
        let file = path(folder.path(), 1);
        let mut bytes = fs::read(&file).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        fs::write(&file, &bytes).unwrap();
        // The line feed at the very end is what makes a last line whole: without it the line is cut, and that is told.
        let cut = at == bytes.len() - 1;
        prop_assert_eq!(start(folder.path(), &Keys::default(), 1 << 20).is_ok(), cut);
    }
}
