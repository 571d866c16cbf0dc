//! docs/aws-operations.md: every operation that the adapter sends stands there with an RPC that is for it, and each stands
//! there once. That no operation of AWS's own models is missing, `tests/acceptance/test_aws_operations.py` holds.

use std::{collections::BTreeSet, fs};

use crate::permissions::{comments, sent};

const PAGE: &str = "docs/aws-operations.md";

/// The names of operations in a cell: those within backquotes.
fn operations(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of the rows below a heading.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = text.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = lines.map(|line| line.split(" | ").map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|row| row[0].contains('`')).collect()
}

#[test]
fn what_the_adapter_sends_stands_with_an_rpc_that_names_it_and_the_rest_with_a_reason() {
    let text = fs::read_to_string(PAGE).unwrap();
    let comments = comments();
    let sent: BTreeSet<String> =
        sent().iter().filter_map(|action| action.strip_prefix("backup:").map(str::to_owned)).collect();
    let mut with = BTreeSet::new();
    for row in rows(&text, "\n## With an RPC\n") {
        let [operation] = operations(&row[0]).try_into().unwrap();
        for rpc in row[1].split(", ") {
            let named = comments.get(rpc).unwrap_or_else(|| panic!("{operation}: there is no RPC {rpc}"));
            assert!(named.contains(&format!("backup:{operation}")), "the comment of {rpc} does not name {operation}");
        }
        assert!(with.insert(operation.clone()), "{operation} stands twice");
    }
    assert_eq!(with, sent, "what is sent, and what stands with an RPC");
    let mut without = BTreeSet::new();
    for row in rows(&text, "\n## Without one\n") {
        assert!(["later", "no"].contains(&row[1].as_str()) && row[2].len() > 40, "{row:?}");
        for operation in operations(&row[0]) {
            assert!(!with.contains(&operation) && without.insert(operation.clone()), "{operation} stands twice");
        }
    }
    assert!(with.len() + without.len() > 100, "the walk finds the operations: {with:?} {without:?}");
}
