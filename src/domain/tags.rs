//! Tags and AWS's rules for them.

use std::collections::BTreeMap;

use super::{
    ResourceRef,
    invalid::{Fault, quoted},
};

/// Keys and values, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, String>);

/// Tags to be added to a resource or overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagResource {
    /// Which resource.
    pub resource: ResourceRef,
    /// Its new tags.
    pub tags: Tags,
}

/// Tags to be removed from a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntagResource {
    /// Which resource.
    pub resource: ResourceRef,
    /// The keys of the tags.
    pub keys: Vec<String>,
}

/// Most tags a resource can have `[D]`.
const MOST: usize = 50;

impl Tags {
    /// At most `most` tags (50 for resources, 10 for the tags a rule adds), each as `check_key` and AWS's bound on
    /// values want it. Tells every fault, with the key it belongs to.
    pub fn parse(tags: BTreeMap<String, String>, most: usize) -> Result<Self, Vec<(String, Fault)>> {
        let mut faults = Vec::new();
        if tags.len() > most {
            faults.push((String::new(), format!("has {} tags: at most {most} are possible", tags.len()).into()));
            return Err(faults);
        }
        for (key, value) in &tags {
            let at = format!("[{}]", quoted(key));
            if let Err(fault) = check_key(key) {
                faults.push((at, fault));
            } else if value.chars().count() > 256 {
                faults.push((
                    at,
                    format!("has the value {}: a tag value has at most 256 characters", quoted(value)).into(),
                ));
            } else if value.chars().any(char::is_control) {
                faults.push((
                    at,
                    format!("has the value {}: a tag value has no control characters", quoted(value)).into(),
                ));
            }
        }
        if faults.is_empty() { Ok(Self(tags)) } else { Err(faults) }
    }

    /// Most tags a resource can have.
    pub const fn most() -> usize {
        MOST
    }

    /// All tags of a resource that has those and gets these.
    pub fn added_to(&self, present: BTreeMap<String, String>) -> BTreeMap<String, String> {
        present.into_iter().chain(self.0.clone()).collect()
    }

    /// Whether a resource can have all of them: AWS's own, whose keys begin with `aws:`, do not count `[D]`.
    pub fn fit(all: &BTreeMap<String, String>) -> bool {
        all.keys().filter(|key| !is_of_aws(key)).count() <= MOST
    }
}

/// A tag key: 1–128 characters, none of them a control character, not beginning with `aws:`, which is AWS's own.
fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() {
        return Err("is a blank key: a tag key has 1–128 characters".into());
    }
    if key.chars().count() > 128 {
        return Err("is too long: a tag key has 1–128 characters".into());
    }
    if key.chars().any(char::is_control) {
        return Err("has a control character".into());
    }
    if is_of_aws(key) {
        return Err("begins with aws:, which is kept for AWS itself".into());
    }
    Ok(())
}

fn is_of_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// 1–50 tag keys, as UntagResource takes them. Tells every fault with the index of its key.
pub fn check_tag_keys(keys: &[String]) -> Result<(), Vec<(String, Fault)>> {
    if keys.is_empty() || keys.len() > MOST {
        return Err(vec![(String::new(), format!("has {} keys: give 1–{MOST}", keys.len()).into())]);
    }
    let faults: Vec<_> = keys
        .iter()
        .enumerate()
        .filter_map(|(index, key)| check_key(key).err().map(|fault| (format!("[{index}]"), fault)))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_tag_is_told_by_its_key() {
        let tags = [("aws:x", "1"), ("", "2"), ("fine", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let faults = Tags::parse(BTreeMap::from(tags), 50).unwrap_err();
        let at: Vec<_> = faults.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(at, ["[\"\"]", "[\"aws:x\"]"]);
    }

    #[test]
    fn a_resource_has_at_most_50_tags_besides_those_of_aws() {
        let present = |count| (0..count).map(|number| (format!("key-{number}"), "old".to_owned()));
        let aws = [("aws:cloudformation:stack-name".to_owned(), "stack".to_owned())];
        let new = Tags([("key-0".to_owned(), "new".to_owned()), ("more".to_owned(), String::new())].into());
        let all = new.added_to(present(49).chain(aws.clone()).collect());
        assert_eq!((all.len(), all["key-0"].as_str()), (51, "new"));
        assert!(Tags::fit(&all));
        assert!(!Tags::fit(&new.added_to(present(50).chain(aws).collect())));
    }
}
