//! Tags of roles, and what holds for those of policies too. They live with the thing: the region's tag store holds
//! regional resources alone.

use std::collections::BTreeMap;

use super::input::{Input, NAME, paged};
use super::limit_exceeded;
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// Tags per role `[M]`.
pub(super) const MAX_TAGS: usize = 50;

pub(super) fn tag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let tags = input.tags("Tags");
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    role.tags = merged(&role.tags, tags)?;
    Ok(Xml::none())
}

pub(super) fn untag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    input.done()?;
    let role = call.iam(world).own_role_mut(name)?;
    for key in form.strings("TagKeys") {
        role.tags.retain(|tag, _| !tag.eq_ignore_ascii_case(&key));
    }
    Ok(Xml::none())
}

pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut input = Input::of(form);
    let name = input.required("RoleName", 1..=64, &NAME);
    let paging = input.paging();
    input.done()?;
    let role = call.iam(world).role(name)?;
    let page = paging.take(&role.tags, |(key, _)| key.as_str())?;
    let xml = Xml::new().list("Tags", "member", page.items.iter().map(|(key, value)| shape(key, value)));
    Ok(paged(xml, &page))
}

/// The old tags with the new ones over them. IAM's tag keys are unique without regard to case and keep the spelling
/// of the last writer `[M]`.
pub(super) fn merged(
    old: &BTreeMap<String, String>,
    new: Vec<(String, String)>,
) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = old.clone();
    let mut seen: Vec<String> = Vec::new();
    for (key, value) in new {
        let folded = key.to_lowercase();
        if folded.starts_with("aws:") {
            let message = format!("Tag key '{key}' is invalid: the prefix aws: is reserved.");
            return Err(AwsError::new(400, "InvalidInput", message));
        }
        if seen.contains(&folded) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(AwsError::new(400, "InvalidInput", message));
        }
        tags.retain(|tag, _| tag.to_lowercase() != folded);
        tags.insert(key, value);
        seen.push(folded);
    }
    if tags.len() > MAX_TAGS {
        return Err(limit_exceeded(format!("The number of tags has reached the maximum limit: {MAX_TAGS}")));
    }
    Ok(tags)
}

pub(super) fn shapes(tags: &BTreeMap<String, String>) -> impl Iterator<Item = Xml> {
    tags.iter().map(|(key, value)| shape(key, value))
}

pub(super) fn shape(key: &str, value: &str) -> Xml {
    Xml::new().text("Key", key).text("Value", value)
}
