//! Which resources a selection takes: docs/aws-backup-semantics.md, section 8, as pure functions.
//!
//! ```text
//! selected(r) =  opted_in(r)
//!             ∧ ( any(Resources, glob(r.arn)) ∨ any(ListOfTags, tag equals) ∨ both lists empty )
//!             ∧ all(Conditions, tag test)
//!             ∧ ¬ any(NotResources, glob(r.arn))
//! ```

mod glob;
#[cfg(test)]
pub(in crate::backup) mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use glob::{matches_arn, matches_like};

/// What Conditions put before a tag's key `[M]`; ListOfTags name the bare key.
pub const TAG_KEY_PREFIX: &str = "aws:ResourceTag/";

/// The part of a selection that decides: the wire shapes of `BackupSelection`, without its name and role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Criteria {
    /// ARNs and patterns; any one of them selects.
    pub resources: Vec<String>,
    /// Tags; any one of them selects.
    pub list_of_tags: Vec<TagEquals>,
    /// ARNs and patterns that are left out whatever else matches.
    pub not_resources: Vec<String>,
    /// Tag tests that must all hold.
    pub conditions: Conditions,
}

/// An entry of `ListOfTags`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagEquals {
    /// `STRINGEQUALS`, the only one.
    pub condition_type: String,
    /// The tag's key.
    pub condition_key: String,
    /// The tag's value.
    pub condition_value: String,
}

/// The four operators of `Conditions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Conditions {
    /// The tag has exactly this value.
    pub string_equals: Vec<TagTest>,
    /// The tag has another value, or is missing `[I]`.
    pub string_not_equals: Vec<TagTest>,
    /// The tag's value matches the pattern.
    pub string_like: Vec<TagTest>,
    /// The tag's value does not match the pattern, or the tag is missing `[I]`.
    pub string_not_like: Vec<TagTest>,
}

impl Conditions {
    /// Whether nothing is tested.
    pub fn is_empty(&self) -> bool {
        let Self { string_equals, string_not_equals, string_like, string_not_like } = self;
        [string_equals, string_not_equals, string_like, string_not_like].iter().all(|tests| tests.is_empty())
    }
}

/// An entry of `Conditions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TagTest {
    /// `aws:ResourceTag/` and the tag's key.
    pub condition_key: String,
    /// A value, or a pattern for the Like operators.
    pub condition_value: String,
}

/// Something that AWS Backup could back up.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'w> {
    /// Its ARN.
    pub arn: &'w str,
    /// AWS Backup's word for its type, such as `RDS` or `Aurora`.
    pub resource_type: &'static str,
    /// Its tags; `None` is as good as none.
    pub tags: Option<&'w BTreeMap<String, String>>,
}

impl Resource<'_> {
    fn tag(&self, key: &str) -> Option<&str> {
        self.tags?.get(key).map(String::as_str)
    }
}

/// Whether a selection takes a resource of its region. `opted_in` is the region's setting for the resource's type; it is
/// asked unless the selection names the type `[D]`.
pub fn selects(criteria: &Criteria, resource: &Resource<'_>, opted_in: bool) -> bool {
    let mut named = criteria.resources.iter().filter(|pattern| matches_arn(pattern, resource.arn)).peekable();
    let everything = criteria.resources.is_empty() && criteria.list_of_tags.is_empty();
    let assigned = everything || named.peek().is_some() || has_any_tag(&criteria.list_of_tags, resource);
    assigned
        && !criteria.not_resources.iter().any(|pattern| matches_arn(pattern, resource.arn))
        && holds(&criteria.conditions, resource)
        && (opted_in || (!heeds_opt_in_when_named(resource.resource_type) && named.any(|it| names_its_type(it))))
}

/// Whether the opt-in counts even for what is named by its ARN `[D]`.
fn heeds_opt_in_when_named(resource_type: &str) -> bool {
    matches!(resource_type, "Aurora" | "Neptune" | "DocumentDB")
}

fn has_any_tag(list: &[TagEquals], resource: &Resource<'_>) -> bool {
    list.iter().any(|tag| resource.tag(&tag.condition_key) == Some(tag.condition_value.as_str()))
}

/// Whether every test holds. A missing tag fails Equals and Like and passes their negations, as in IAM `[I]`.
fn holds(conditions: &Conditions, resource: &Resource<'_>) -> bool {
    let value = |test: &TagTest| resource.tag(test.condition_key.strip_prefix(TAG_KEY_PREFIX)?);
    let equals = |test: &TagTest| value(test) == Some(test.condition_value.as_str());
    let like = |test: &TagTest| value(test).is_some_and(|value| matches_like(&test.condition_value, value));
    conditions.string_equals.iter().all(equals)
        && !conditions.string_not_equals.iter().any(equals)
        && conditions.string_like.iter().all(like)
        && !conditions.string_not_like.iter().any(like)
}

/// Whether an entry of `Resources` names a resource type, so that the region's opt-in is not asked: a concrete ARN, or a
/// pattern whose type is spelled out. ARN formats that several types share name none of them.
pub fn names_its_type(pattern: &str) -> bool {
    if !pattern.contains('*') {
        return true;
    }
    let Some((service, resource)) = service_and_resource(pattern) else { return false };
    let Some((kind, _)) = resource.split_once([':', '/']) else { return false };
    let shared = matches!((service, kind), ("rds", "cluster") | ("fsx", "file-system"));
    !service.contains('*') && !kind.contains('*') && !shared
}

fn service_and_resource(pattern: &str) -> Option<(&str, &str)> {
    let mut parts = pattern.splitn(6, ':');
    let service = parts.nth(2)?;
    Some((service, parts.nth(2)?))
}
