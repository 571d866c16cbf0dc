//! Tags of queues, in the region's one store.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, missing, region_of};
use crate::{
    call::{AwsError, Call, read, shorten},
    world::{Tags, World},
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Change {
    tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
}

/// Refuses tags that no queue can have.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if let Some((key, _)) = tags.iter().find(|(key, value)| !Tags::fits(key, value)) {
        return Err(invalid(format!("Tag '{}' is invalid.", shorten(key))));
    }
    if tags.len() > Tags::MOST {
        return Err(invalid(format!("Too many tags added for queue: at most {}.", Tags::MOST)));
    }
    Ok(())
}

/// TagQueue.
pub(super) fn tag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let given = input.tags.ok_or_else(|| missing("Tags"))?;
    let (region, name) = region_of(world, call, body)?;
    let Some(queue) = region.sqs.queues.get(&name) else { return Ok(Value::Null) };
    let tags = region.tags.merged(&queue.arn, given);
    check(&tags)?;
    region.tags.0.insert(queue.arn.clone(), tags);
    Ok(Value::Null)
}

/// UntagQueue.
pub(super) fn untag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let keys = input.tag_keys.ok_or_else(|| missing("TagKeys"))?;
    let (region, name) = region_of(world, call, body)?;
    if let Some(queue) = region.sqs.queues.get(&name) {
        region.tags.forget(&queue.arn, &keys);
    }
    Ok(Value::Null)
}

/// ListQueueTags.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let (region, name) = region_of(world, call, body)?;
    let tags = region.sqs.queues.get(&name).and_then(|queue| region.tags.0.get(&queue.arn));
    Ok(match tags.filter(|tags| !tags.is_empty()) {
        Some(tags) => json!({ "Tags": tags }),
        None => json!({}),
    })
}
