//! Selections: the resources that a plan backs up (docs/aws-backup-semantics.md, section 8).

mod findings;
mod matcher;
mod preview;
mod replacement;
#[cfg(test)]
mod tests;

use std::fmt;

use findings::is_elsewhere;
use jiff::Timestamp;
pub use matcher::{Candidate, Eligibility, Mismatch, MismatchKind, Verdict};
pub use preview::{PreviewFilter, PreviewOf, PreviewedResource, Tally};
pub use replacement::{Maker, Predecessor, ReplaceSelection, Replaced};

use super::{
    Arn, PlanRef, RoleRef, Scope, SelectionName,
    etag::etag,
    invalid::{Fault, quoted},
    plan::is_uuid,
};

/// A selection as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectionRef {
    /// By id.
    Id(String),
    /// By name, which is unique in its plan.
    Name(SelectionName),
}

impl SelectionRef {
    /// An id or a name.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "" => Err("is required: give a selection's id or name".into()),
            text if is_uuid(text) => Ok(Self::Id(text.to_ascii_lowercase())),
            text => SelectionName::parse(text).map(Self::Name),
        }
    }
}

/// A selection of a plan, both as a request names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSelection {
    /// In which plan.
    pub plan: PlanRef,
    /// Which of its selections.
    pub selection: SelectionRef,
}

/// A selection to be deleted.
#[derive(Debug, Clone)]
pub struct DeleteSelection {
    /// Which selection.
    pub selection: SavedSelection,
    /// The etag that was read, if the selection is to be deleted as it was then.
    pub etag: Option<String>,
    /// True: one that is not there need not be.
    pub allow_missing: bool,
}

/// A selection to be created.
#[derive(Debug, Clone)]
pub struct NewSelection {
    /// In which plan.
    pub plan: PlanRef,
    /// Its name.
    pub name: SelectionName,
    /// The role that AWS Backup assumes.
    pub role: RoleRef,
    /// Which resources.
    pub criteria: Criteria,
}

/// Which resources a selection selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// How `conditions` and `resources` work together.
    pub matching: Match,
    /// Tag tests.
    pub conditions: Vec<TagCondition>,
    /// ARNs and patterns of selected resources.
    pub resources: Vec<ResourcePattern>,
    /// ARNs and patterns of resources that are never selected.
    pub excluded: Vec<ResourcePattern>,
    /// Tag tests of which one is enough, besides `conditions` of which all must hold: only other tools make them.
    pub any_conditions: Vec<TagCondition>,
}

/// Whether all conditions must hold or one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Match {
    /// One of the resources (none given: any), and every condition.
    #[default]
    All,
    /// One of the resources, or one of the conditions.
    Any,
}

/// A test of a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagCondition {
    /// Tag key without prefix.
    pub key: String,
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// How a tag's value is compared; a missing tag fulfils the negative ones alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Exactly this value.
    Equals,
    /// Another value, or no tag.
    NotEquals,
    /// A value that fits the pattern.
    Like,
    /// A value that does not fit, or no tag.
    NotLike,
}

impl Match {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
        }
    }
}

impl Operator {
    fn word(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "not equals",
            Self::Like => "like",
            Self::NotLike => "not like",
        }
    }
}

impl Criteria {
    /// In one order, for that of conditions and ARNs says nothing.
    fn sorted(mut self) -> Self {
        self.conditions.sort();
        self.any_conditions.sort();
        self.resources.sort();
        self.excluded.sort();
        self
    }

    /// Whether AWS can say it: it has lists of tags of which one is enough, with equality alone, and lists of conditions
    /// of which all must hold.
    pub fn check(self) -> Result<Self, Vec<(String, Fault)>> {
        if self.conditions.is_empty() && self.resources.is_empty() {
            let fault =
                "is required, or resources: a selection with neither is refused, for AWS takes it to mean everything";
            return Err(vec![("conditions".into(), fault.into())]);
        }
        let unsayable =
            |condition: &TagCondition| self.matching == Match::Any && !matches!(condition.operator, Operator::Equals);
        let faults: Vec<_> = self
            .conditions
            .iter()
            .enumerate()
            .filter(|(_, condition)| unsayable(condition))
            .map(|(index, _)| {
                let fault = "cannot be one of several with MATCH_ANY, for which AWS knows OPERATOR_EQUALS alone: use \
                             MATCH_ALL, or a selection for each condition";
                (format!("conditions[{index}].operator"), fault.into())
            })
            .collect();
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

/// Most conditions of a selection `[M]`.
const MOST_CONDITIONS: usize = 30;

/// At most 30 conditions.
pub fn check_condition_count(count: usize) -> Result<(), Fault> {
    if count <= MOST_CONDITIONS {
        return Ok(());
    }
    Err(format!("has {count} conditions: at most {MOST_CONDITIONS} are possible").into())
}

impl TagCondition {
    /// AWS's prefix of tag keys in conditions, which the adapter puts there.
    pub const PREFIX: &str = "aws:ResourceTag/";

    /// A tag key: 1–128 characters. Also `aws:` keys, which nobody can set but everybody can select by.
    pub fn parse_key(key: &str) -> Result<String, Fault> {
        if let Some(bare) = key.strip_prefix(Self::PREFIX) {
            return Err(format!("is {}: give the tag key alone, {}", quoted(key), quoted(bare)).into());
        }
        match key.chars().count() {
            0 => Err("is required: give a tag key".into()),
            1..=128 if !key.chars().any(char::is_control) => Ok(key.to_owned()),
            _ => {
                Err(format!("{} is not a tag key: it has 1–128 characters, none a control character", quoted(key))
                    .into())
            }
        }
    }

    /// A tag value: at most 256 characters; blank is one too.
    pub fn parse_value(value: &str) -> Result<String, Fault> {
        if value.chars().count() <= 256 && !value.chars().any(char::is_control) {
            return Ok(value.to_owned());
        }
        Err(format!("{} is not a tag value: it has at most 256 characters, none a control character", quoted(value))
            .into())
    }
}

/// An ARN in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourcePattern(String);

impl ResourcePattern {
    /// Most ARNs of a selection `[M]`.
    const MOST: usize = 500;
    /// Most when one has a `*` `[M]`.
    const MOST_WITH_STAR: usize = 30;

    /// `*` alone, an ARN, or an ARN with `*`, which may stand for several of its parts.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text == "*" {
            return Ok(Self::told(text));
        }
        if !text.contains('*') {
            return Arn::parse(text).map(|arn| Self::told(arn.as_str()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let printable = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
        let partition = parts.get(1).is_some_and(|part| part.starts_with("aws") || part.starts_with('*'));
        let whole = parts.len() == 6 || parts.last().is_some_and(|last| last.ends_with('*'));
        let service = parts.get(2).is_some_and(|service| !service.is_empty());
        let resource = parts.get(5).is_none_or(|resource| !resource.is_empty());
        if printable && parts[0] == "arn" && partition && whole && service && resource {
            return Ok(Self::told(text));
        }
        Err(format!("{} is not a pattern of ARNs: one is arn:aws:rds:*:*:db:*", quoted(text)).into())
    }

    /// One that a selection of AWS has: other tools may have put anything there.
    pub fn told(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an ARN, which names one resource.
    pub fn names_one(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether every resource fits it.
    pub fn is_everything(&self) -> bool {
        self.0 == "*"
    }

    /// At most 500, or 30 when one has a `*`.
    pub fn check_count(patterns: &[String]) -> Result<(), Fault> {
        let star = patterns.iter().any(|pattern| pattern.contains('*'));
        let (most, which) = if star { (Self::MOST_WITH_STAR, " when one has a *") } else { (Self::MOST, "") };
        if patterns.len() <= most {
            return Ok(());
        }
        Err(format!("has {} ARNs: at most {most} are possible{which}", patterns.len()).into())
    }
}

impl fmt::Display for ResourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ResourcePattern> for String {
    fn from(pattern: ResourcePattern) -> Self {
        pattern.0
    }
}

/// A selection as AWS has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Where its plan is.
    pub scope: Scope,
    /// Id of its plan.
    pub plan_id: String,
    /// ARN of its plan.
    pub plan_arn: String,
    /// ARN of the role.
    pub role_arn: String,
    /// Which resources; absent in lists.
    pub criteria: Option<Criteria>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The CreatorRequestId.
    pub request_id: String,
}

impl Selection {
    /// Whether both have the same name and role and select the same.
    pub fn same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.selects_as(other)
    }

    /// Whether both have the same role and select the same. The order of conditions and ARNs says nothing.
    pub fn selects_as(&self, other: &Self) -> bool {
        let sorted = |criteria: &Option<Criteria>| criteria.clone().map(Criteria::sorted);
        self.role_arn == other.role_arn && sorted(&self.criteria) == sorted(&other.criteria)
    }

    /// What tells whether it has changed; only of one that AWS has and whose criteria were read. AWS has no version of a
    /// selection: what it says is digested, with its id, for one that is replaced gets another.
    pub fn etag(&self) -> Option<String> {
        let criteria = self.criteria.clone().filter(|_| !self.id.is_empty())?.sorted();
        let mut parts = vec![self.id.as_str(), self.name.as_str(), self.role_arn.as_str(), criteria.matching.word()];
        for (list, conditions) in [("all", &criteria.conditions), ("any", &criteria.any_conditions)] {
            parts.push(list);
            for TagCondition { key, operator, value } in conditions {
                parts.extend([key.as_str(), operator.word(), value.as_str()]);
            }
        }
        for (list, patterns) in [("resources", &criteria.resources), ("excluded", &criteria.excluded)] {
            parts.push(list);
            parts.extend(patterns.iter().map(ResourcePattern::as_str));
        }
        Some(etag(parts))
    }
}
