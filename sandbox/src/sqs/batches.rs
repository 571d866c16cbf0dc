//! Batches: up to ten at once, each done or refused for itself.

use std::collections::BTreeSet;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    messages::{self, Send},
    missing, no_such_queue, region_of,
};
use crate::{
    call::{AwsError, Call, read, shorten},
    world::World,
};

/// Entries of a batch at most `[D]`.
const MOST_ENTRIES: usize = 10;

/// All bodies and attributes of a batch together `[D]`.
const MOST_BYTES: usize = 1_048_576;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Receipt {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

/// SendMessageBatch.
pub(super) fn send(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let entries: Vec<(String, Send)> = entries(body)?;
    let text = |entry: &Value| entry["MessageBody"].as_str().map_or(0, str::len);
    let size: usize = body["Entries"].as_array().into_iter().flatten().map(text).sum();
    if size > MOST_BYTES {
        let message = format!("Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {size} bytes.");
        return Err(AwsError::new(400, "BatchRequestTooLong", message));
    }
    let (region, name) = region_of(world, call, body)?;
    each(entries, |entry| messages::put(&mut region.sqs, &name, call, entry))
}

/// DeleteMessageBatch.
pub(super) fn delete(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let entries: Vec<(String, Receipt)> = entries(body)?;
    let (region, name) = region_of(world, call, body)?;
    let queue = region.sqs.queues.get_mut(&name).ok_or_else(no_such_queue)?;
    each(entries, |entry| {
        let receipt = entry.receipt_handle.ok_or_else(|| missing("ReceiptHandle"))?;
        queue.delete(&receipt).map(|()| json!({}))
    })
}

/// ChangeMessageVisibilityBatch.
pub(super) fn change_visibility(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let entries: Vec<(String, Receipt)> = entries(body)?;
    let (region, name) = region_of(world, call, body)?;
    each(entries, |entry| {
        let receipt = entry.receipt_handle.ok_or_else(|| missing("ReceiptHandle"))?;
        let seconds = entry.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
        messages::hold(&mut region.sqs, &name, call, &receipt, seconds).map(|()| json!({}))
    })
}

/// The entries by their ids.
fn entries<T: DeserializeOwned>(body: &Value) -> Result<Vec<(String, T)>, AwsError> {
    let refused = |code: &'static str, message: String| Err(AwsError::new(400, code, message));
    let given = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() {
        return refused("EmptyBatchRequest", "There should be at least one entry in the request.".to_owned());
    }
    if given.len() > MOST_ENTRIES {
        let count = given.len();
        let message = format!("Maximum number of entries per request are {MOST_ENTRIES}. You have sent {count}.");
        return refused("TooManyEntriesInBatchRequest", message);
    }
    let mut ids = BTreeSet::new();
    let mut entries = Vec::new();
    for entry in given {
        let id = entry["Id"].as_str().ok_or_else(|| missing("Id"))?;
        let fine = (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !fine {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be \
                           at most 80 letters long.";
            return refused("InvalidBatchEntryId", message.to_owned());
        }
        if !ids.insert(id) {
            return refused("BatchEntryIdsNotDistinct", format!("Id {} repeated.", shorten(id)));
        }
        entries.push((id.to_owned(), read(entry)?));
    }
    Ok(entries)
}

fn each<T>(entries: Vec<(String, T)>, mut one: impl FnMut(T) -> Result<Value, AwsError>) -> Result<Value, AwsError> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in entries {
        match one(entry) {
            Ok(mut done) => {
                done["Id"] = id.into();
                successful.push(done);
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "SenderFault": error.status < 500,
                "Code": super::query_code(&error.code),
                "Message": error.message,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}
