//! What is asked: each action of the sample policy for the resources of its statement, under what its conditions want, so that
//! whoever has the sample policy, or more, lacks nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::Scope;

/// The policy that docs/operations.md has for a server that does everything.
const SAMPLE: &str = include_str!("../../../docs/samples/iam-policy.json");

/// What the simulation wants to know of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Bool,
}

/// The context of a request: by key.
pub(super) type Context = BTreeMap<String, (Kind, String)>;

/// One call: all actions, for all resources, under one context.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) resources: Vec<String>,
    pub(super) context: Context,
    /// Each with the `Sid` of its statement.
    pub(super) asked: Vec<(String, String)>,
}

impl Question {
    pub(super) fn actions(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(|(action, _)| action.as_str())
    }
}

/// The questions about a scope, as few as do: statements that differ in their context are asked apart, for what one of them
/// allows under a condition another must not be allowed by it.
pub(super) fn questions(scope: &Scope) -> Result<Vec<Question>, serde_json::Error> {
    let partition = scope.region.partition();
    let policy = SAMPLE
        .replace("arn:aws:", &format!("arn:{partition}:"))
        .replace("ACCOUNT", scope.account.as_str())
        .replace("REGION", scope.region.as_str());
    let policy: Value = serde_json::from_str(&policy)?;
    let mut questions: Vec<Question> = Vec::new();
    for statement in policy["Statement"].as_array().into_iter().flatten() {
        let (sid, resources) = (statement["Sid"].as_str().unwrap_or_default(), texts(&statement["Resource"]));
        for wanted in contexts(&statement["Condition"]) {
            for action in texts(&statement["Action"]) {
                let mut context = wanted.clone();
                let region =
                    if action.starts_with("iam:") { home_of_iam(partition) } else { Some(scope.region.as_str()) };
                if let Some(region) = region {
                    context.insert("aws:RequestedRegion".to_owned(), (Kind::Text, region.to_owned()));
                }
                context.insert("aws:SecureTransport".to_owned(), (Kind::Bool, "true".to_owned()));
                let asked = (action, sid.to_owned());
                match questions.iter_mut().find(|known| known.resources == resources && known.context == context) {
                    Some(known) => known.asked.push(asked),
                    None => questions.push(Question {
                        resources: resources.clone(),
                        context: context.clone(),
                        asked: vec![asked],
                    }),
                }
            }
        }
    }
    Ok(questions)
}

/// IAM is asked in one region of a partition, which is what conditions on `aws:RequestedRegion` see `[D]`; `None` where it is
/// not known which.
fn home_of_iam(partition: &str) -> Option<&'static str> {
    match partition {
        "aws" => Some("us-east-1"),
        "aws-cn" => Some("cn-north-1"),
        "aws-us-gov" => Some("us-gov-west-1"),
        _ => None,
    }
}

/// The contexts under which a statement allows what it allows: one for each of a key's values.
fn contexts(condition: &Value) -> Vec<Context> {
    let mut contexts = vec![Context::new()];
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        let kind = if operator == "Bool" { Kind::Bool } else { Kind::Text };
        for (key, values) in keys.as_object().into_iter().flatten() {
            contexts = texts(values)
                .into_iter()
                .flat_map(|value| {
                    contexts.iter().map(move |context| {
                        let mut context = context.clone();
                        context.insert(key.clone(), (kind, value.clone()));
                        context
                    })
                })
                .collect();
        }
    }
    contexts
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{AccountId, RegionName};

    fn asked(region: &str) -> Vec<Question> {
        let scope = Scope { account: AccountId::example(), region: RegionName::parse(region).unwrap() };
        questions(&scope).unwrap()
    }

    #[test]
    fn every_action_of_the_sample_is_asked_about_with_its_resources_filled_in() {
        let questions = asked("eu-west-1");
        let policy: Value = serde_json::from_str(SAMPLE).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        let granted: BTreeSet<String> = statements.flat_map(|statement| texts(&statement["Action"])).collect();
        let asked: BTreeSet<String> = questions.iter().flat_map(Question::actions).map(str::to_owned).collect();
        assert_eq!(asked, granted);
        let resources: Vec<&String> = questions.iter().flat_map(|question| &question.resources).collect();
        assert!(resources.iter().all(|arn| !arn.contains("ACCOUNT") && !arn.contains("REGION")), "{resources:?}");
        assert!(questions.len() <= 20, "{} calls", questions.len());
    }

    #[test]
    fn a_question_holds_what_the_conditions_of_its_statement_want_and_no_other_s() {
        let questions = asked("eu-west-1");
        let of =
            |action: &str| questions.iter().filter(|question| question.actions().any(|one| one == action)).collect();
        let value = |question: &Question, key: &str| question.context.get(key).map(|(_, value)| value.clone());
        let pass: Vec<&Question> = of("iam:PassRole");
        assert_eq!(pass.len(), 1);
        assert_eq!(value(pass[0], "iam:PassedToService").as_deref(), Some("backup.amazonaws.com"));
        assert_eq!(value(pass[0], "aws:RequestedRegion").as_deref(), Some("us-east-1"), "IAM has one region");
        let attach: Vec<&Question> = of("iam:AttachRolePolicy");
        let policies: BTreeSet<_> = attach.iter().map(|question| value(question, "iam:PolicyARN").unwrap()).collect();
        assert_eq!(policies.len(), 4, "one for each policy that it attaches: {policies:?}");
        let looks: Vec<&Question> = of("kms:DescribeKey");
        assert_eq!(value(looks[0], "kms:ViaService"), None, "the server itself asks for it");
        let grant: Vec<&Question> = of("kms:CreateGrant");
        assert_eq!(grant[0].context["kms:GrantIsForAWSResource"], (Kind::Bool, "true".to_owned()));
        assert_eq!(value(grant[0], "kms:ViaService").as_deref(), Some("backup.eu-west-1.amazonaws.com"));
    }

    #[test]
    fn each_partition_has_its_own_arns() {
        for question in asked("cn-north-1") {
            assert!(question.resources.iter().all(|arn| arn == "*" || arn.starts_with("arn:aws-cn:")), "{question:?}");
        }
    }
}
