//! From the wire to a selection: every fault at once.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::backup::checks::shorten;
use crate::backup::error;
use crate::backup::matcher::{Conditions, Criteria, TAG_KEY_PREFIX, TagEquals, TagTest};
use crate::backup::plans::is_word;
use crate::call::AwsError;
use crate::config::Quotas;

/// ARNs in a selection that uses no wildcard `[M]`.
const MOST_ARNS: usize = 500;
/// ARNs in a selection that uses wildcards `[M]`.
const MOST_PATTERNS: usize = 30;

/// `BackupSelection` as it comes in. Absent and empty members mean the same `[X]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SelectionInput {
    selection_name: Option<String>,
    iam_role_arn: Option<String>,
    resources: Option<Vec<String>>,
    list_of_tags: Option<Vec<ConditionInput>>,
    not_resources: Option<Vec<String>>,
    conditions: Option<BTreeMap<String, Option<Vec<ParameterInput>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConditionInput {
    condition_type: Option<String>,
    condition_key: Option<String>,
    condition_value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ParameterInput {
    condition_key: Option<String>,
    condition_value: Option<String>,
}

/// A selection that may be stored, if its role can be used.
#[derive(Debug)]
pub(super) struct Valid {
    pub(super) name: String,
    pub(super) role_arn: String,
    pub(super) criteria: Criteria,
}

/// Checks a selection.
///
/// # Errors
///
/// MPV without a name or role, LE above a quota, IPV with every other fault.
pub(super) fn validate(input: SelectionInput, quotas: &Quotas) -> Result<Valid, AwsError> {
    let name = input.selection_name.ok_or_else(|| error::missing_parameter("BackupSelection.SelectionName"))?;
    let role_arn = input.iam_role_arn.ok_or_else(|| error::missing_parameter("BackupSelection.IamRoleArn"))?;
    let mut faults = Vec::new();
    if !is_word(&name, 50) {
        let name = shorten(&name);
        faults.push(format!("SelectionName {name:?} must consist of 1 to 50 letters, digits, '-', '_' and '.'"));
    }
    let criteria = Criteria {
        resources: arns("Resources", input.resources, &mut faults)?,
        not_resources: arns("NotResources", input.not_resources, &mut faults)?,
        list_of_tags: list_of_tags(input.list_of_tags.unwrap_or_default(), &mut faults),
        conditions: conditions(input.conditions.unwrap_or_default(), &mut faults),
    };
    let Conditions { string_equals, string_not_equals, string_like, string_not_like } = &criteria.conditions;
    let tests = [string_equals, string_not_equals, string_like, string_not_like].map(Vec::len).iter().sum::<usize>();
    let most = quotas.tags_per_selection;
    if tests + criteria.list_of_tags.len() > most {
        return Err(error::limit_exceeded(format!("A backup selection can have at most {most} tags and conditions")));
    }
    // Conditions only narrow down what the two select, and AWS takes a selection without them for a slip `[Q]`.
    if criteria.resources.is_empty() && criteria.list_of_tags.is_empty() && faults.is_empty() {
        let why = "Invalid backup selection. Either 'ListOfTags' or 'Resources' section must be non-empty.";
        return Err(error::invalid_parameter(why));
    }
    if faults.is_empty() {
        Ok(Valid { name, role_arn, criteria })
    } else {
        Err(error::invalid_parameter(format!("Invalid backup selection: {}", faults.join("; "))))
    }
}

fn arns(member: &str, given: Option<Vec<String>>, faults: &mut Vec<String>) -> Result<Vec<String>, AwsError> {
    let given = given.unwrap_or_default();
    let most = if given.iter().any(|arn| arn.contains('*')) { MOST_PATTERNS } else { MOST_ARNS };
    if given.len() > most {
        return Err(error::limit_exceeded(format!(
            "{member} can have {MOST_ARNS} ARNs, or {MOST_PATTERNS} where any has a wildcard"
        )));
    }
    let fine = |arn: &str| arn == "*" || (arn.starts_with("arn:") && arn.len() <= 2_048 && arn.is_ascii());
    faults.extend(given.iter().filter(|arn| !fine(arn)).map(|arn| {
        let arn = shorten(arn);
        format!("{member} entry {arn:?} is neither an ARN, which may hold *, nor *")
    }));
    Ok(given)
}

fn list_of_tags(given: Vec<ConditionInput>, faults: &mut Vec<String>) -> Vec<TagEquals> {
    let mut list = Vec::new();
    for condition in given {
        let kind = condition.condition_type.unwrap_or_default();
        // The model's enumeration has one member; AWS's own samples spell it StringEquals too [D].
        if !kind.eq_ignore_ascii_case("STRINGEQUALS") {
            faults.push(format!("ListOfTags ConditionType {:?} must be STRINGEQUALS", shorten(&kind)));
        }
        let (Some(condition_key), Some(condition_value)) = (condition.condition_key, condition.condition_value) else {
            faults.push("ListOfTags entries need ConditionKey and ConditionValue".to_owned());
            continue;
        };
        tag("ListOfTags", &condition_key, &condition_value, faults);
        list.push(TagEquals { condition_type: "STRINGEQUALS".to_owned(), condition_key, condition_value });
    }
    list
}

fn conditions(given: BTreeMap<String, Option<Vec<ParameterInput>>>, faults: &mut Vec<String>) -> Conditions {
    let mut conditions = Conditions::default();
    for (operator, tests) in given {
        let into = match operator.as_str() {
            "StringEquals" => &mut conditions.string_equals,
            "StringNotEquals" => &mut conditions.string_not_equals,
            "StringLike" => &mut conditions.string_like,
            "StringNotLike" => &mut conditions.string_not_like,
            // An unknown member, as everywhere; but skipping an operator would select too much.
            other => {
                faults.push(format!("Conditions has no operator {:?}", shorten(other)));
                continue;
            }
        };
        for test in tests.unwrap_or_default() {
            let (Some(condition_key), Some(condition_value)) = (test.condition_key, test.condition_value) else {
                faults.push(format!("{operator} entries need ConditionKey and ConditionValue"));
                continue;
            };
            match condition_key.strip_prefix(TAG_KEY_PREFIX) {
                Some(key) => tag(&operator, key, &condition_value, faults),
                None => faults.push(format!(
                    "{operator} ConditionKey {:?} must have the form {TAG_KEY_PREFIX}key",
                    shorten(&condition_key)
                )),
            }
            into.push(TagTest { condition_key, condition_value });
        }
    }
    conditions
}

fn tag(member: &str, key: &str, value: &str, faults: &mut Vec<String>) {
    if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
        let key = shorten(key);
        faults.push(format!("{member} tag {key:?}: keys have 1 to 128 characters and values at most 256"));
    }
}
