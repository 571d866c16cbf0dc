//! Selections in AWS's shape.
//!
//! AWS selects `(resources or list_of_tags) and conditions and not not_resources` (docs/aws-backup-semantics.md, section 8.1): of
//! the tags in the list one is enough, of the conditions all must hold. So ALL is said by conditions and ANY by the list.

use aws_sdk_backup::types::{BackupSelection, Condition, ConditionParameter, ConditionType, Conditions};
use aws_smithy_types::error::operation::BuildError;

use super::super::{Failure, call::Operation};
use crate::domain::{Criteria, Match, Noun, Operator, ResourcePattern, TagCondition};

/// A selection as AWS takes it.
pub(super) fn input(
    operation: Operation,
    criteria: &Criteria,
    name: &str,
    role_arn: &str,
) -> Result<BackupSelection, Failure> {
    // Every required member is set below, so this does not happen.
    compile(criteria, name, role_arn).map_err(|error| Failure::not_built(operation, error).about(Noun::Selection, name))
}

fn compile(criteria: &Criteria, name: &str, role_arn: &str) -> Result<BackupSelection, BuildError> {
    let Criteria { matching, conditions, resources, excluded, any_conditions: _ } = criteria;
    let texts = |patterns: &[ResourcePattern]| -> Vec<String> { patterns.iter().map(ToString::to_string).collect() };
    let mut resources = texts(resources);
    let mut selection = BackupSelection::builder().selection_name(name).iam_role_arn(role_arn);
    match matching {
        Match::Any => {
            for condition in conditions {
                let tag = Condition::builder().condition_type(ConditionType::Stringequals);
                let tag = tag.condition_key(&condition.key).condition_value(&condition.value).build()?;
                selection = selection.list_of_tags(tag);
            }
        }
        Match::All if conditions.is_empty() => {}
        Match::All => {
            // What conditions without resources select AWS leaves open [U]; its own examples always name `*`.
            if resources.is_empty() {
                resources.push("*".to_owned());
            }
            selection = selection.conditions(all_of(conditions));
        }
    }
    selection
        .set_resources((!resources.is_empty()).then_some(resources))
        .set_not_resources((!excluded.is_empty()).then(|| texts(excluded)))
        .build()
}

fn all_of(conditions: &[TagCondition]) -> Conditions {
    conditions
        .iter()
        .fold(Conditions::builder(), |all, condition| {
            let parameter = ConditionParameter::builder()
                .condition_key(format!("{}{}", TagCondition::PREFIX, condition.key))
                .condition_value(&condition.value)
                .build();
            match condition.operator {
                Operator::Equals => all.string_equals(parameter),
                Operator::NotEquals => all.string_not_equals(parameter),
                Operator::Like => all.string_like(parameter),
                Operator::NotLike => all.string_not_like(parameter),
            }
        })
        .build()
}

/// What a selection selects, whoever made it.
pub(super) fn criteria(selection: &BackupSelection) -> Criteria {
    let all: Vec<TagCondition> = selection.conditions().map(conditions).unwrap_or_default();
    let any: Vec<TagCondition> = selection.list_of_tags().iter().map(listed).collect();
    let (matching, conditions, any_conditions) = match (all.is_empty(), any.is_empty()) {
        (true, false) => (Match::Any, any, Vec::new()),
        _ => (Match::All, all, any),
    };
    Criteria {
        matching,
        conditions,
        resources: selection.resources().iter().map(ResourcePattern::told).collect(),
        excluded: selection.not_resources().iter().map(ResourcePattern::told).collect(),
        any_conditions,
    }
}

fn listed(tag: &Condition) -> TagCondition {
    // The list knows equality alone; the model has no other word.
    TagCondition { key: tag.condition_key.clone(), operator: Operator::Equals, value: tag.condition_value.clone() }
}

fn conditions(conditions: &Conditions) -> Vec<TagCondition> {
    let tested = |operator, parameters: &[ConditionParameter]| -> Vec<TagCondition> {
        let condition = |parameter: &ConditionParameter| {
            let key = parameter.condition_key().unwrap_or_default();
            TagCondition {
                key: key.strip_prefix(TagCondition::PREFIX).unwrap_or(key).to_owned(),
                operator,
                value: parameter.condition_value().unwrap_or_default().to_owned(),
            }
        };
        parameters.iter().map(condition).collect()
    };
    [
        tested(Operator::Equals, conditions.string_equals()),
        tested(Operator::NotEquals, conditions.string_not_equals()),
        tested(Operator::Like, conditions.string_like()),
        tested(Operator::NotLike, conditions.string_not_like()),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn compiled(criteria: Criteria) -> BackupSelection {
        compile(&criteria, "selection", "arn:aws:iam::123456789012:role/role").unwrap()
    }

    fn condition(key: &str, operator: Operator, value: &str) -> TagCondition {
        TagCondition { key: key.into(), operator, value: value.into() }
    }

    #[test]
    fn all_is_said_by_conditions_on_every_resource() {
        let conditions = vec![condition("a", Operator::Equals, "1"), condition("b", Operator::NotLike, "2*")];
        let selection = compiled(Criteria { conditions, ..Criteria::default() });
        assert_eq!(selection.resources(), ["*"]);
        assert!(selection.list_of_tags().is_empty());
        let all = selection.conditions().unwrap();
        assert_eq!(all.string_equals()[0].condition_key(), Some("aws:ResourceTag/a"));
        assert_eq!(all.string_not_like()[0].condition_value(), Some("2*"));
    }

    #[test]
    fn any_is_said_by_the_list_and_needs_no_resources() {
        let conditions = vec![condition("a", Operator::Equals, "1"), condition("b", Operator::Equals, "2")];
        let selection = compiled(Criteria { matching: Match::Any, conditions, ..Criteria::default() });
        assert!(selection.resources().is_empty() && selection.conditions().is_none());
        let keys: Vec<_> = selection.list_of_tags().iter().map(|tag| tag.condition_key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
    }

    #[test]
    fn what_is_compiled_is_read_back() {
        let arn = ResourcePattern::told("arn:aws:rds:eu-west-1:123456789012:db:x");
        let one = vec![condition("a", Operator::Equals, "1")];
        for criteria in [
            Criteria { resources: vec![arn.clone()], ..Criteria::default() },
            Criteria { resources: vec![arn.clone()], conditions: one.clone(), ..Criteria::default() },
            Criteria { matching: Match::Any, resources: vec![arn.clone()], conditions: one, ..Criteria::default() },
            Criteria { resources: vec![ResourcePattern::told("*")], excluded: vec![arn], ..Criteria::default() },
        ] {
            assert_eq!(super::criteria(&compiled(criteria.clone())), criteria);
        }
    }

    #[test]
    fn a_list_besides_conditions_is_shown_apart() {
        let tag = Condition::builder().condition_type(ConditionType::Stringequals).condition_key("a");
        let foreign = BackupSelection::builder()
            .selection_name("foreign")
            .iam_role_arn("arn:aws:iam::123456789012:role/role")
            .list_of_tags(tag.condition_value("1").build().unwrap())
            .conditions(all_of(&[condition("b", Operator::NotEquals, "2")]))
            .build()
            .unwrap();
        let read = criteria(&foreign);
        assert_eq!(read.matching, Match::All);
        assert_eq!(read.conditions, [condition("b", Operator::NotEquals, "2")]);
        assert_eq!(read.any_conditions, [condition("a", Operator::Equals, "1")]);
    }
}
