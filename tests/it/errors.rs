//! docs/errors.md and the code tell the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use strongroom::{
    domain::Vault,
    proto::ErrorReason,
    rpc::{code_of, reason_name},
};

use crate::tidy::files;

/// The rows of the table of reasons: `| `REASON` | CODE | … |`.
fn documented() -> BTreeMap<String, String> {
    let text = fs::read_to_string("docs/errors.md").unwrap();
    text.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| <a id=\"")?.split('|').map(str::trim);
            let reason = cells.next()?.split('`').nth(1)?.to_owned();
            Some((reason, cells.next()?.to_owned()))
        })
        .collect()
}

#[test]
fn every_reason_is_documented_with_its_code_and_no_other_is() {
    let known: BTreeMap<String, String> = (1..1000)
        .filter_map(|number| ErrorReason::try_from(number).ok())
        .map(|reason| (reason_name(reason).to_owned(), code_name(code_of(reason))))
        .collect();
    assert_eq!(documented(), known);
}

#[test]
fn every_warning_finding_and_change_is_documented_and_no_other_is() {
    let text = fs::read_to_string("docs/errors.md").unwrap();
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .filter(is_code)
        .collect();
    let mut known = BTreeSet::new();
    for folder in ["src/domain", "src/aws", "src/rpc/convert"] {
        for file in files(Path::new(folder), "rs").into_iter().filter(|file| !file.ends_with("tests.rs")) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            known.extend(code.split('"').filter(is_code).map(str::to_owned));
        }
    }
    // Words of AWS, and no codes.
    let words = [Vault::AIR_GAPPED, "AWS_PROFILE", "BACKUP_JOB", "RESTORE_JOB", "COPY_JOB"];
    assert!(words.into_iter().all(|word| known.remove(word)));
    assert_eq!(documented, known);
}

/// Words in upper snake case, two at least.
fn is_code(text: &impl AsRef<str>) -> bool {
    let text = text.as_ref();
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// gRPC's own spelling.
fn code_name(code: tonic::Code) -> String {
    let camel = format!("{code:?}");
    let mut name = String::new();
    for (at, letter) in camel.char_indices() {
        if at > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
