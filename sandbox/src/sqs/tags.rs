//! Tags of queues, in the region's one store.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, missing, read, region_of};
use crate::{
    call::{AwsError, Call},
    world::World,
};

/// Tags of a queue at most `[D]`.
const MOST: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Change {
    tags: Option<BTreeMap<String, String>>,
    tag_keys: Option<Vec<String>>,
}

/// Refuses tags that no queue can have.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let fits = |text: &str, least: usize, most: usize| (least..=most).contains(&text.chars().count());
    let wrong = tags
        .iter()
        .find(|(key, value)| !fits(key, 1, 128) || !fits(value, 0, 256) || key.to_lowercase().starts_with("aws:"));
    if let Some((key, _)) = wrong {
        return Err(invalid(format!("Tag '{}' is invalid.", super::shorten(key))));
    }
    if tags.len() > MOST {
        return Err(invalid(format!("Too many tags added for queue: at most {MOST}.")));
    }
    Ok(())
}

/// TagQueue.
pub(super) fn tag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let given = input.tags.ok_or_else(|| missing("Tags"))?;
    let (region, name) = region_of(world, call, body)?;
    let Some(queue) = region.sqs.queues.get(&name) else { return Ok(Value::Null) };
    let mut tags = region.tags.0.get(&queue.arn).cloned().unwrap_or_default();
    tags.extend(given);
    check(&tags)?;
    region.tags.0.insert(queue.arn.clone(), tags);
    Ok(Value::Null)
}

/// UntagQueue.
pub(super) fn untag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Change = read(body)?;
    let keys = input.tag_keys.ok_or_else(|| missing("TagKeys"))?;
    let (region, name) = region_of(world, call, body)?;
    let queue = region.sqs.queues.get(&name);
    if let Some(tags) = queue.and_then(|queue| region.tags.0.get_mut(&queue.arn)) {
        tags.retain(|key, _| !keys.contains(key));
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
