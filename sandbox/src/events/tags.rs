//! Tags of rules, in the region's one store.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{no_such_rule, required, validation};
use crate::{
    call::{AwsError, Call, read, shorten},
    world::{Tags, World},
};

/// A tag as EventBridge writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    key: String,
    value: String,
}

/// The tags, or why no rule can have them.
pub(super) fn checked(given: Vec<Tag>) -> Result<BTreeMap<String, String>, AwsError> {
    if let Some(tag) = given.iter().find(|tag| !Tags::fits(&tag.key, &tag.value)) {
        return Err(validation(format!("Tag {} is not valid.", shorten(&tag.key))));
    }
    check_count(given.len())?;
    Ok(given.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn check_count(count: usize) -> Result<(), AwsError> {
    if count <= Tags::MOST {
        return Ok(());
    }
    Err(validation(format!("A rule has at most {} tags.", Tags::MOST)))
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
    let store = &mut call.region(world).tags;
    let tags = store.merged(arn, given);
    check_count(tags.len())?;
    store.0.insert(arn.to_owned(), tags);
    Ok(json!({}))
}

/// UntagResource.
pub(super) fn untag(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let keys = read::<Change>(body)?.tag_keys;
    let arn = rule(world, call, body)?;
    call.region(world).tags.forget(arn, &keys);
    Ok(json!({}))
}

/// ListTagsForResource.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let arn = rule(world, call, body)?;
    let tags = call.region(world).tags.0.get(arn).into_iter().flatten();
    Ok(json!({ "Tags": tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect::<Vec<_>>() }))
}
