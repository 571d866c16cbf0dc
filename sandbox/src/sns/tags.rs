//! Tags of topics, in the region's one store.

use std::collections::BTreeMap;

use super::{invalid, required};
use crate::{
    call::{AwsError, Call},
    query::{Form, Xml},
    world::{Tags, World},
};

/// The tags of a request, or why no topic can have them.
pub(super) fn given(form: &Form) -> Result<BTreeMap<String, String>, AwsError> {
    let tags: BTreeMap<String, String> = form
        .items("Tags")
        .iter()
        .map(|tag| (tag.get("Key").unwrap_or_default().to_owned(), tag.get("Value").unwrap_or_default().to_owned()))
        .collect();
    if !tags.iter().all(|(key, value)| Tags::fits(key, value)) {
        return Err(invalid("Tags"));
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if tags.len() <= Tags::MOST {
        return Ok(());
    }
    Err(AwsError::new(400, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded"))
}

/// The ARN of a topic that there is.
fn topic<'f>(world: &mut World, call: &Call, form: &'f Form) -> Result<&'f str, AwsError> {
    let arn = required(form, "ResourceArn")?;
    match call.region(world).sns.topics.contains_key(arn) {
        true => Ok(arn),
        false => Err(AwsError::new(404, "ResourceNotFound", "Resource does not exist")),
    }
}

/// TagResource.
pub(super) fn tag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic(world, call, form)?;
    let given = given(form)?;
    let store = &mut call.region(world).tags;
    let tags = store.merged(arn, given);
    check_count(&tags)?;
    store.0.insert(arn.to_owned(), tags);
    Ok(Xml::new())
}

/// UntagResource.
pub(super) fn untag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic(world, call, form)?;
    call.region(world).tags.forget(arn, &form.strings("TagKeys"));
    Ok(Xml::new())
}

/// ListTagsForResource.
pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic(world, call, form)?;
    let tags = call.region(world).tags.0.get(arn).into_iter().flatten();
    Ok(Xml::new().list("Tags", "member", tags.map(|(key, value)| Xml::new().text("Key", key).text("Value", value))))
}
