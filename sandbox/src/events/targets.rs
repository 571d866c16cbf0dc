//! Targets of rules: SQS queues, what they get of an event, and what became of it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{check_bus, required, rules, validation};
use crate::{
    call::{AwsError, Call, shorten},
    world::World,
};

/// Targets of a rule at most `[D]`.
const MOST_TARGETS: usize = 5;

/// The longest target, for the sandbox's memory; `Input` alone may have 8192 bytes `[D]`.
const LONGEST: usize = 16_384;

/// A target.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was put.
    shape: Value,
    /// The queue.
    pub arn: String,
    /// Where goes what the queue may not have.
    pub dead_letter_arn: Option<String>,
    input: Input,
    invocations: u64,
    failed: u64,
    last_failure: Option<(Timestamp, String)>,
}

/// What a target gets of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Input {
    /// All of it.
    Event,
    /// Always this.
    Constant(String),
    /// What stands at this path.
    Path(Vec<String>),
}

impl Target {
    /// What the target gets of an event.
    pub(super) fn input(&self, event: &Value) -> String {
        match &self.input {
            Input::Event => event.to_string(),
            Input::Constant(text) => text.clone(),
            Input::Path(path) => {
                path.iter().try_fold(event, |at, name| at.get(name)).unwrap_or(&Value::Null).to_string()
            }
        }
    }

    pub(super) fn note(&mut self, at: Timestamp, done: &Result<(), String>) {
        self.invocations += 1;
        if let Err(why) = done {
            self.failed += 1;
            self.last_failure = Some((at, why.clone()));
        }
    }

    pub(super) fn overview(&self) -> Value {
        let failure = self.last_failure.as_ref().map(|(at, why)| json!({ "at": at.to_string(), "why": why }));
        json!({
            "arn": self.arn, "invocations": self.invocations, "failed_invocations": self.failed, "last_failure": failure,
        })
    }

    fn of(given: &Value) -> Result<(String, Self), AwsError> {
        let id = required(given, "Id")?;
        let fine = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        if !fine {
            return Err(validation(format!(
                "Value '{}' at 'targets.id' failed to satisfy constraint: [\\.\\-_A-Za-z0-9]+, up to 64 characters",
                shorten(id)
            )));
        }
        let arn = required(given, "Arn")?;
        if given.to_string().len() > LONGEST {
            return Err(validation(format!("Target {id} is longer than {LONGEST} bytes.")));
        }
        check_queue(arn, "Parameter Arn")?;
        for member in ["InputTransformer", "RoleArn", "RunCommandParameters", "KinesisParameters", "HttpParameters"] {
            if !given[member].is_null() {
                return Err(validation(format!("The sandbox's targets are queues, and {member} is not supported.")));
            }
        }
        if !given["SqsParameters"]["MessageGroupId"].is_null() {
            return Err(validation(format!(
                "Parameter(s) MessageGroupId not valid for target {arn}: it is no FIFO queue."
            )));
        }
        let input = match (given["Input"].as_str(), given["InputPath"].as_str()) {
            (Some(_), Some(_)) => {
                return Err(validation("Only one of Input, InputPath, or InputTransformer must be provided."));
            }
            (Some(text), None) if serde_json::from_str::<Value>(text).is_ok() => Input::Constant(text.to_owned()),
            (Some(_), None) => return Err(validation("JSON syntax error in input for target.")),
            (None, Some(path)) => Input::Path(path_of(path)?),
            (None, None) => Input::Event,
        };
        let dead_letter_arn = given["DeadLetterConfig"]["Arn"].as_str().map(str::to_owned);
        if let Some(arn) = &dead_letter_arn {
            check_queue(arn, "Parameter DeadLetterConfig.Arn")?;
        }
        let target = Self {
            shape: given.clone(),
            arn: arn.to_owned(),
            dead_letter_arn,
            input,
            invocations: 0,
            failed: 0,
            last_failure: None,
        };
        Ok((id.to_owned(), target))
    }
}

fn check_queue(arn: &str, what: &str) -> Result<(), AwsError> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", partition, "sqs", region, account, name]
            if partition.starts_with("aws") && !region.is_empty() && account.len() == 12 && !name.is_empty() =>
        {
            Ok(())
        }
        ["arn", _, service, ..] if service != "sqs" => Err(validation(format!(
            "The sandbox's targets are SQS queues, and {} is of {}.",
            shorten(arn),
            shorten(service)
        ))),
        _ => Err(validation(format!(
            "{what} {} is not valid. Reason: Provided Arn is not in correct format.",
            shorten(arn)
        ))),
    }
}

/// `$.detail.state` as the names of its members.
fn path_of(path: &str) -> Result<Vec<String>, AwsError> {
    let rest = path.strip_prefix('$').filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let rest = rest.filter(|rest| !rest.contains(['[', ']', '*', '(']) && !rest.contains(".."));
    let rest = rest.ok_or_else(|| validation(format!("Invalid InputPath for target: {}", shorten(path))))?;
    Ok(rest.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// PutTargets: each replaces the one of its id.
pub(super) fn put(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Rule")?;
    let given = body["Targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=100).contains(&given.len()) {
        return Err(validation(
            "1 validation error detected: Value at 'targets' failed to satisfy constraint: 1 to 100 targets",
        ));
    }
    let wanted = given.iter().map(Target::of).collect::<Result<Vec<_>, _>>()?;
    let rule = call.region(world).events.rule_mut(name)?;
    let mut targets = rule.targets.clone();
    for (id, target) in wanted {
        targets.insert(id, target);
    }
    if targets.len() > MOST_TARGETS {
        let message = "The requested resource exceeds the maximum number allowed.";
        return Err(AwsError::new(400, "LimitExceededException", message));
    }
    rule.targets = targets;
    Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
}

/// RemoveTargets.
pub(super) fn remove(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Rule")?;
    let rule = call.region(world).events.rule_mut(name)?;
    let mut failed = Vec::new();
    for id in body["Ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if rule.targets.remove(id).is_none() {
            failed.push(json!({
                "TargetId": id,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": format!("Rule {name} does not have a target with the Id {}.", shorten(id)),
            }));
        }
    }
    Ok(json!({ "FailedEntryCount": failed.len(), "FailedEntries": failed }))
}

/// ListTargetsByRule.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Rule")?;
    let rule = call.region(world).events.rule(name)?;
    let (targets, token) = rules::paged(body, rule.targets.iter(), |(id, _)| id.as_str())?;
    let shapes: Vec<&Value> = targets.into_iter().map(|(_, target)| &target.shape).collect();
    Ok(rules::with_token(json!({ "Targets": shapes }), token))
}

/// ListRuleNamesByTarget.
pub(super) fn list_rules(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let arn = required(body, "TargetArn")?;
    let rules = call.region(world).events.rules.iter();
    let wanted = rules.filter(|(_, rule)| rule.targets.values().any(|target| target.arn == arn));
    let (rules, token) = rules::paged(body, wanted, |(name, _)| name.as_str())?;
    let names: Vec<&String> = rules.into_iter().map(|(name, _)| name).collect();
    Ok(rules::with_token(json!({ "RuleNames": names }), token))
}
