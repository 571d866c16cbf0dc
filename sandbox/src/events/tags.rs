//! Tags of rules, in the region's one store.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{no_such_rule, read, required, shorten, validation};
use crate::{
    call::{AwsError, Call},
    world::World,
};

/// Tags of a rule at most `[D]`.
const MOST: usize = 50;

/// A tag as EventBridge writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// The tags, or why no rule can have them.
pub(super) fn checked(given: Vec<Tag>) -> Result<BTreeMap<String, String>, AwsError> {
    let fits = |text: &str, least: usize, most: usize| (least..=most).contains(&text.chars().count());
    let wrong = given
        .iter()
        .find(|tag| !fits(&tag.key, 1, 128) || !fits(&tag.value, 0, 256) || tag.key.to_lowercase().starts_with("aws:"));
    if let Some(tag) = wrong {
        return Err(validation(format!("Tag {} is not valid.", shorten(&tag.key))));
    }
    if given.len() > MOST {
        return Err(validation(format!("A rule has at most {MOST} tags.")));
    }
    Ok(given.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The ARN of a rule that there is.
fn rule<'b>(world: &mut World, call: &Call, body: &'b Value) -> Result<&'b str, AwsError> {
    let arn = required(body, "ResourceARN")?;
    match call.region(world).events.has(arn) {
        true => Ok(arn),
        false => Err(no_such_rule(arn)),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Change {
    tags: Vec<Tag>,
    tag_keys: Vec<String>,
}

/// TagResource.
pub(super) fn tag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let given = checked(read::<Change>(body)?.tags)?;
    let arn = rule(world, call, body)?;
    let tags = call.region(world).tags.0.entry(arn.to_owned()).or_default();
    if tags.keys().filter(|key| !given.contains_key(*key)).count() + given.len() > MOST {
        return Err(validation(format!("A rule has at most {MOST} tags.")));
    }
    tags.extend(given);
    Ok(json!({}))
}

/// UntagResource.
pub(super) fn untag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let keys = read::<Change>(body)?.tag_keys;
    let arn = rule(world, call, body)?;
    if let Some(tags) = call.region(world).tags.0.get_mut(arn) {
        tags.retain(|key, _| !keys.contains(key));
    }
    Ok(json!({}))
}

/// ListTagsForResource.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let arn = rule(world, call, body)?;
    let tags = call.region(world).tags.0.get(arn).into_iter().flatten();
    Ok(json!({ "Tags": tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect::<Vec<_>>() }))
}
