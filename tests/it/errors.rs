//! docs/errors.md and the code tell the same.

use std::{collections::BTreeMap, fs};

use strongroom::{
    proto::ErrorReason,
    rpc::{code_of, reason_name},
};

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
