//! Tags of topics, in the region's one store.

use std::collections::BTreeMap;

use super::{invalid, required};
use crate::{
    call::{AwsError, Call},
    query::{Form, Xml},
    world::World,
};

/// Tags of a topic at most `[D]`.
const MOST: usize = 50;

/// The tags of a request, or why no topic can have them.
pub(super) fn given(form: &Form) -> Result<BTreeMap<String, String>, AwsError> {
    let tags: BTreeMap<String, String> = form
        .items("Tags")
        .iter()
        .map(|tag| (tag.get("Key").unwrap_or_default().to_owned(), tag.get("Value").unwrap_or_default().to_owned()))
        .collect();
    let fits = |text: &str, least: usize, most: usize| (least..=most).contains(&text.chars().count());
    let wrong = |(key, value): (&String, &String)| {
        !fits(key, 1, 128) || !fits(value, 0, 256) || key.to_lowercase().starts_with("aws:")
    };
    if tags.iter().any(wrong) {
        return Err(invalid("Tags"));
    }
    if tags.len() > MOST {
        return Err(AwsError::new(
            400,
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    Ok(tags)
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
    let tags = call.region(world).tags.0.entry(arn.to_owned()).or_default();
    if tags.keys().filter(|key| !given.contains_key(*key)).count() + given.len() > MOST {
        return Err(AwsError::new(
            400,
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    tags.extend(given);
    Ok(Xml::new())
}

/// UntagResource.
pub(super) fn untag(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic(world, call, form)?;
    let keys = form.strings("TagKeys");
    if let Some(tags) = call.region(world).tags.0.get_mut(arn) {
        tags.retain(|key, _| !keys.contains(key));
    }
    Ok(Xml::new())
}

/// ListTagsForResource.
pub(super) fn list(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let arn = topic(world, call, form)?;
    let tags = call.region(world).tags.0.get(arn).into_iter().flatten();
    Ok(Xml::new().list("Tags", "member", tags.map(|(key, value)| Xml::new().text("Key", key).text("Value", value))))
}
