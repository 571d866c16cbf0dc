//! Selections: the resources that a plan backs up (docs/aws-backup-semantics.md, section 8).

mod eligibility;
mod findings;
mod matcher;
mod pattern;
mod preview;
mod replacement;
#[cfg(test)]
mod tests;

pub use eligibility::{Candidate, Eligibility};
pub(super) use eligibility::{member_of, not_supported};
use findings::is_elsewhere;
use jiff::Timestamp;
pub use matcher::{Mismatch, MismatchKind, Verdict};
pub use pattern::ResourcePattern;
use preview::Meant;
pub use preview::{PreviewFilter, PreviewOf, PreviewedResource, Tally};
pub use replacement::{Maker, Predecessor, ReplaceSelection, Replaced};

use super::{
    PlanRef, RoleRef, Scope, SelectionName,
    etag::etag,
    invalid::{Fault, quoted},
    names::is_uuid,
};

/// A selection as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectionRef {
    /// By name, which is unique in its plan.
    Name(SelectionName),
    /// By a text that has the form of an id. Where no selection of the plan has the id, the name is meant.
    IdOrName(String, SelectionName),
}

impl SelectionRef {
    /// An id or a name.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err("is required: give a selection's id or name".into());
        }
        let name = SelectionName::parse_reference(text)?;
        Ok(if is_uuid(text) { Self::IdOrName(text.to_ascii_lowercase(), name) } else { Self::Name(name) })
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

    /// Whether it selects the resource; of one whose criteria could not be read nobody knows that it does.
    pub fn selects(&self, candidate: &Candidate<'_>, eligibility: &Eligibility) -> bool {
        self.criteria.as_ref().is_some_and(|criteria| criteria.selects(candidate, eligibility))
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
