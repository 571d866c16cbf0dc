//! Records as the format tells them, made by hand: what writes them is tested beside it, and both together over the wire.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

struct Maker {
    sequence: u64,
    last: String,
    key: Option<&'static str>,
}

impl Maker {
    fn line(&mut self, said: &str) -> String {
        let body = format!("{{\"seq\":{},\"prev\":\"{}\",{said}", self.sequence, self.last);
        self.last = hash(self.key.map(str::as_bytes), body.as_bytes());
        self.sequence += 1;
        format!("{body},\"hash\":\"{}\"}}\n", self.last)
    }
}

/// Two files: a call with its end, one whose end is in the second file, one that has none.
fn record(key: Option<&'static str>) -> Vec<(String, Vec<u8>)> {
    let mut maker = Maker { sequence: 1, last: "0".repeat(64), key };
    let name = key.map(|key| format!(",\"key\":\"{}\"", named(key.as_bytes()))).unwrap_or_default();
    let begin = |id: &str| format!("\"kind\":\"begin\",\"id\":\"{id}\",\"action\":\"DeleteVault\"");
    let end = |id: &str| format!("\"kind\":\"end\",\"begun\":{{\"id\":\"{id}\"}}");
    let first = [
        format!("\"kind\":\"open\",\"segment\":1,\"record\":\"r\"{name}"),
        begin("a"),
        begin("b"),
        end("a"),
        "\"kind\":\"seal\",\"next\":2".to_owned(),
    ];
    let second = [format!("\"kind\":\"open\",\"segment\":2,\"record\":\"r\"{name}"), end("b"), begin("c")];
    let mut file = |lines: &[String]| lines.iter().map(|line| maker.line(line)).collect::<String>().into_bytes();
    vec![("one".to_owned(), file(&first)), ("two".to_owned(), file(&second))]
}

fn verified(files: Vec<(String, Vec<u8>)>, keys: &[&str]) -> Report {
    verify(files.into_iter().map(|(name, content)| (name, Cursor::new(content))), keys).unwrap()
}

fn lines(of: &[u8]) -> Vec<Vec<u8>> {
    of.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn a_whole_record_verifies_in_any_order_of_its_files_and_tells_what_has_no_end() {
    for key in [None, Some(KEY)] {
        let mut files = record(key);
        files.reverse();
        let report = verified(files, &key.into_iter().collect::<Vec<_>>());
        assert_eq!(report.faults, [""; 0]);
        assert_eq!((report.lines, report.open.len()), (8, 1), "{report:?}");
        assert!(report.open[0].starts_with("two:3: call c, DeleteVault"), "{report:?}");
    }
}

#[test]
fn a_missing_file_and_a_tail_cut_before_the_seal_are_found() {
    let files = record(None);
    let first: Vec<u8> = lines(&files[0].1)[..4].concat();
    let cut = verified(vec![("one".to_owned(), first), files[1].clone()], &[]);
    assert!(cut.faults.iter().any(|fault| fault.starts_with("two:1")), "{cut:?}");
    assert!(cut.faults.iter().any(|fault| fault.contains("it has no seal")), "{cut:?}");
    let tail = verified(vec![files[1].clone()], &[]);
    assert!(tail.faults.is_empty() && tail.notes[0].contains("begins with file 2"), "{tail:?}");
}

#[test]
fn without_its_key_nothing_verifies_and_a_record_without_one_is_told() {
    for keys in [vec![], vec!["oooooooooooooooooooooooooooooooooooooooo"]] {
        assert!(!verified(record(Some(KEY)), &keys).faults.is_empty());
    }
    let bare = verified(record(None), &[KEY]);
    assert!(bare.notes[0].contains("without a key") && bare.faults[0].contains("keys are given"), "{bare:?}");
    let mut mixed = record(Some(KEY));
    mixed[1] = record(None)[1].clone();
    assert!(verified(mixed, &[KEY]).faults[0].contains("chained without a key"));
}

proptest! {
    #[test]
    fn every_changed_byte_is_found(at in 0_usize..10_000, bit in 0_u32..8, file in 0_usize..2, keyed: bool) {
        let key = keyed.then_some(KEY);
        let mut files = record(key);
        let bytes = &mut files[file].1;
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let report = verified(files, &key.into_iter().collect::<Vec<_>>());
        prop_assert!(!report.faults.is_empty());
    }

    #[test]
    fn a_removed_a_repeated_and_a_swapped_line_are_found(at in 0_usize..7, how in 0_u8..3) {
        let files = record(None);
        // The last line of all may be missing: who was killed wrote no more.
        let (file, index) = if at < 5 { (0, at) } else { (1, at - 5) };
        let mut changed = lines(&files[file].1);
        match how {
            0 => _ = changed.remove(index),
            1 => changed.insert(index, changed[index].clone()),
            _ if index + 1 < changed.len() => changed.swap(index, index + 1),
            _ => changed.swap(index, index - 1),
        }
        let mut files = files;
        files[file].1 = changed.concat();
        let report = verified(files, &[]);
        prop_assert!(!report.faults.is_empty());
    }
}
