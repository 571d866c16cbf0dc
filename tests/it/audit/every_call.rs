//! What is in the record of each RPC, over the whole descriptor set.

use std::path::Path;

use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

use super::{ended, everything_recorded, verified};
use crate::{
    every_change::{send, with, world_and_requests_with},
    harness::request_id,
    shapes::{changes_of_aws, methods, reads},
};

/// A request of a change that asks nothing of AWS.
fn of_us_alone(name: &str) -> Value {
    let id = request_id(1);
    match name {
        "RequestApproval" => json!({"request": {"unlock_vault": {"vault": "locked", "request_id": id}}}),
        "Approve" | "Reject" => json!({"approval": id}),
        _ => json!({"incident": id}),
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// Of the lines since so many, what was begun and ended: kind, RPC, and whether it is told to change nothing.
async fn told(folder: &Path, since: usize) -> Vec<(String, String, bool)> {
    let lines = ended(folder).await.split_off(since);
    let read = |id: &Value| lines.iter().any(|line| line["id"] == *id && line["read"] == true);
    let of = |line: &Value| {
        let begun = if line["kind"] == "end" { &line["begun"] } else { line };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&line["kind"]), text(&begun["action"]), read(&begun["id"]))
    };
    lines.iter().map(of).collect()
}

#[tokio::test]
async fn every_change_is_one_begin_and_one_end_and_no_check_and_no_read_is_any() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().to_owned();
    let (world, requests) = world_and_requests_with(|config| config.audit.path = Some(kept)).await;
    let before = ended(folder.path()).await.len();
    for method in changes_of_aws() {
        send(&world, &method, with(&requests[method.name()], "validate_only", true), false).await.unwrap();
    }
    assert_eq!(told(folder.path(), before).await, [], "of checks");
    for method in changes_of_aws() {
        let (name, before) = (method.name(), ended(folder.path()).await.len());
        // What comes before it may have done away with what it is about: then it fails, and is told all the same.
        _ = send(&world, &method, requests[name].clone(), false).await;
        let of = |kind: &str| (kind.to_owned(), path(&method), false);
        assert_eq!(told(folder.path(), before).await, [of("begin"), of("end")], "{name}");
    }
    let before = ended(folder.path()).await.len();
    for method in methods().into_iter().filter(reads) {
        _ = send(&world, &method, json!({}), false).await;
    }
    assert_eq!(told(folder.path(), before).await, []);
    let verdict = verified(folder.path()).await;
    assert_eq!(verdict.code, 0, "{verdict:?}");
}

#[tokio::test]
async fn where_reads_are_recorded_every_read_and_every_check_is() {
    let folder = tempfile::tempdir().unwrap();
    let (world, requests) = world_and_requests_with(everything_recorded(folder.path())).await;
    for method in methods() {
        let request = match reads(&method) {
            true => json!({}),
            // What is not to be done here is told all the same.
            false => with(requests.get(method.name()).unwrap_or(&of_us_alone(method.name())), "validate_only", true),
        };
        let before = ended(folder.path()).await;
        _ = send(&world, &method, request, false).await;
        let of = |kind: &str| (kind.to_owned(), path(&method), true);
        assert_eq!(told(folder.path(), before.len()).await, [of("begin"), of("end")], "{}", method.name());
    }
}
