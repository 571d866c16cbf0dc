//! Tags and AWS's rules for them.

use std::collections::BTreeMap;

use super::invalid::{Fault, quoted};

/// Keys and values, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, String>);

/// Most tags a resource can have `[D]`.
const MOST: usize = 50;

impl Tags {
    /// At most `most` tags (50 for resources, 10 for the tags a rule adds), each as [`check_key`] and AWS's bound on
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
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err("begins with aws:, which is kept for AWS itself".into());
    }
    Ok(())
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
}
