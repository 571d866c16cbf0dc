//! Tags and AWS's rules for them: what is wrong with tags is said here alone, and alike of whatever is tagged.

use std::collections::BTreeMap;

use super::{
    ResourceRef,
    invalid::{Fault, Invalid, quoted},
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

/// What AWS takes in keys and values besides letters, digits and white space `[D]`.
const SIGNS: &str = "_.:/=+-@";

/// What is tagged, where AWS's services have rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// A thing without such rules.
    Thing,
    /// What RDS keeps: `rds:` is a prefix of its own `[D]`.
    Database,
    /// A role: IAM takes keys that differ in case alone for the same `[M]`.
    Role,
}

impl Tags {
    /// At most `most` tags (50 for resources, 10 for the tags a rule adds), each as `check_key` and AWS's bound on
    /// values want it. Tells every fault, with the key it belongs to.
    pub fn parse(tags: BTreeMap<String, String>, most: usize, tagged: Tagged) -> Result<Self, Vec<(String, Fault)>> {
        let mut faults = Vec::new();
        if tags.len() > most {
            faults.push((String::new(), too_many(&format!("has {} tags", tags.len()), most)));
            return Err(faults);
        }
        let mut folded: BTreeMap<String, &str> = BTreeMap::new();
        for (key, value) in &tags {
            let fault = check_key(key, tagged).and_then(|()| check_value(value, tagged)).err();
            let same = folded.insert(key.to_lowercase(), key).filter(|_| tagged == Tagged::Role);
            let same = same.map(|other| {
                format!("is the same key as {} to IAM, which does not tell case apart: give one of them", quoted(other))
            });
            faults.extend(fault.or(same.map(Fault::from)).map(|fault| (format!("[{}]", quoted(key)), fault)));
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

    /// What TagResource would make of a resource that has those tags; a fault of the request where they are too many. AWS
    /// calls it a quota, a constraint or a bad argument, by the service that keeps the tags.
    pub fn fit(&self, present: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
        let all = self.added_to(present);
        // AWS's own, whose keys begin with `aws:`, do not count `[D]`.
        let count = all.keys().filter(|key| !begins(key, "aws:")).count();
        if count <= MOST {
            return Ok(all);
        }
        Err(Invalid::of("tags", too_many(&format!("makes {count} tags with those that the resource has"), MOST)))
    }
}

fn too_many(how_many: &str, most: usize) -> Fault {
    format!("{how_many}: at most {most} are possible").into()
}

/// A tag key: 1–128 characters that AWS takes, not beginning with `aws:`, which is AWS's own.
fn check_key(key: &str, tagged: Tagged) -> Result<(), Fault> {
    if key.is_empty() {
        return Err("is a blank key: a tag key has 1–128 characters".into());
    }
    if key.chars().count() > 128 {
        return Err("is too long: a tag key has 1–128 characters".into());
    }
    if let Some(other) = foreign(key) {
        return Err(format!("has the character {other:?}: {ALLOWED}").into());
    }
    match kept(key, tagged) {
        Some(prefix) => Err(format!("begins with {prefix}, which is kept for AWS itself").into()),
        None => Ok(()),
    }
}

fn check_value(value: &str, tagged: Tagged) -> Result<(), Fault> {
    let fault = |what: String| Err(format!("has the value {}: {what}", quoted(value)).into());
    if value.chars().count() > 256 {
        return fault("a tag value has at most 256 characters".to_owned());
    }
    if let Some(other) = foreign(value) {
        return fault(format!("it has the character {other:?}; {ALLOWED}"));
    }
    match kept(value, tagged).filter(|_| tagged == Tagged::Database) {
        Some(prefix) => fault(format!("it begins with {prefix}, which RDS keeps for AWS itself")),
        None => Ok(()),
    }
}

const ALLOWED: &str = "keys and values of tags have letters, digits, spaces and _ . : / = + - @";

/// The first character that AWS does not take.
fn foreign(text: &str) -> Option<char> {
    text.chars().find(|&letter| {
        !(letter.is_alphanumeric() || letter.is_whitespace() && !letter.is_control() || SIGNS.contains(letter))
    })
}

/// What it begins with that is AWS's own.
fn kept(text: &str, tagged: Tagged) -> Option<&'static str> {
    let prefixes: &[&'static str] = if tagged == Tagged::Database { &["aws:", "rds:"] } else { &["aws:"] };
    prefixes.iter().copied().find(|prefix| begins(text, prefix))
}

fn begins(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// 1–50 tag keys, each once, as UntagResource takes them. Tells every fault with the index of its key.
pub fn check_tag_keys(keys: &[String]) -> Result<(), Vec<(String, Fault)>> {
    if keys.is_empty() {
        return Err(vec![(String::new(), format!("is required: give 1–{MOST} keys").into())]);
    }
    if keys.len() > MOST {
        return Err(vec![(String::new(), too_many(&format!("has {} keys", keys.len()), MOST))]);
    }
    let faults: Vec<_> = keys
        .iter()
        .enumerate()
        .filter_map(|(index, key)| {
            let fault = check_key(key, Tagged::Thing).err();
            let fault = fault.or_else(|| given_before(keys, index));
            fault.map(|fault| (format!("[{index}]"), fault))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// That a list has the same member before.
pub fn given_before<T: PartialEq + AsRef<str>>(members: &[T], index: usize) -> Option<Fault> {
    let (before, member) = (members.get(..index)?, members.get(index)?);
    let first = before.iter().position(|other| other == member)?;
    Some(format!("is {}, which stands at [{first}] already: give it once", quoted(member.as_ref())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn places(pairs: &[(&str, &str)], tagged: Tagged) -> Vec<String> {
        let faults = Tags::parse(tags(pairs), 50, tagged).err().unwrap_or_default();
        faults.into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn every_bad_tag_is_told_by_its_key() {
        let (key, value) = ("k".repeat(129), "v".repeat(257));
        for bad in [
            ("aws:x", "1"),
            ("AWS:x", "1"),
            ("", "2"),
            ("a#b", ""),
            ("a\tb", ""),
            ("a", "b;c"),
            ("a", "b\n"),
            (key.as_str(), ""),
            ("a", value.as_str()),
        ] {
            let at = format!("[{}]", quoted(bad.0));
            assert_eq!(places(&[bad, ("fine", "3")], Tagged::Thing), [at], "{bad:?}");
        }
        let all = [("Größe 1", "a_b.c:d/e=f+g-h@i"), ("ключ", "значение"), ("a", ""), ("rds:x", "aws:y"), ("A", "")];
        assert_eq!(places(&all, Tagged::Thing), [""; 0]);
    }

    #[test]
    fn rds_and_iam_have_rules_of_their_own() {
        assert_eq!(
            places(&[("rds:x", ""), ("x", "aws:y"), ("y", "RDS:z")], Tagged::Database),
            ["[\"rds:x\"]", "[\"x\"]", "[\"y\"]"]
        );
        assert_eq!(places(&[("Team", ""), ("team", ""), ("other", "")], Tagged::Role), ["[\"team\"]"]);
    }

    #[test]
    fn a_key_given_twice_is_told_at_the_second() {
        let keys = ["a", "b", "a", "A"].map(str::to_owned);
        let faults = check_tag_keys(&keys).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, "[2]");
        assert_eq!(faults[0].1.0, "is \"a\", which stands at [0] already: give it once");
    }

    #[test]
    fn too_many_is_said_alike_of_a_request_and_of_what_it_makes() {
        let present = |count| (0..count).map(|number| (format!("key-{number}"), "old".to_owned()));
        let faults = Tags::parse(present(51).collect(), 50, Tagged::Thing).unwrap_err();
        assert_eq!(faults[0].1.0, "has 51 tags: at most 50 are possible");
        let aws = [("aws:cloudformation:stack-name".to_owned(), "stack".to_owned())];
        let new = Tags([("key-0".to_owned(), "new".to_owned()), ("more".to_owned(), String::new())].into());
        let all = new.fit(present(49).chain(aws.clone()).collect()).unwrap();
        assert_eq!((all.len(), all["key-0"].as_str()), (51, "new"));
        let over = new.fit(present(50).chain(aws).collect()).unwrap_err();
        assert_eq!(over.violations[0].field, "tags");
        let words = "makes 51 tags with those that the resource has: at most 50 are possible";
        assert_eq!(over.violations[0].description, words);
    }
}
