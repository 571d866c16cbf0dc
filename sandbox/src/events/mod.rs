//! Amazon EventBridge: rules on the default bus with event patterns, and SQS queues as their targets.
//!
//! Rules with a schedule, other buses and other targets are refused by name. What a rule matched, and why a target did not
//! get it, is counted here and shown by `/_sandbox/events`: AWS tells it in metrics alone.

pub mod pattern;
mod put_events;
mod rules;
mod tags;
mod targets;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{AwsError, Call, JsonHandler, shorten};
use pattern::Pattern;
pub use targets::Target;

/// Every served operation; a request's target is `AWSEvents.NAME`.
pub const OPERATIONS: &[(&str, JsonHandler)] = &[
    ("DeleteRule", rules::delete),
    ("DescribeEventBus", rules::describe_bus),
    ("DescribeRule", rules::describe),
    ("DisableRule", rules::disable),
    ("EnableRule", rules::enable),
    ("ListRuleNamesByTarget", targets::list_rules),
    ("ListRules", rules::list),
    ("ListTagsForResource", tags::list),
    ("ListTargetsByRule", targets::list),
    ("PutEvents", put_events::put_events),
    ("PutRule", rules::put),
    ("PutTargets", targets::put),
    ("RemoveTargets", targets::remove),
    ("TagResource", tags::tag),
    ("TestEventPattern", put_events::test_pattern),
    ("UntagResource", tags::untag),
];

/// What stands before the operation's name in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSEvents.";

/// The one bus there is.
const BUS: &str = "default";

/// The rules of a region's default bus.
#[derive(Debug, Default)]
pub struct State {
    rules: BTreeMap<String, Rule>,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    name: String,
    /// `arn:aws:events:R:A:rule/NAME`.
    pub arn: String,
    description: Option<String>,
    role_arn: Option<String>,
    enabled: bool,
    pattern_text: String,
    pattern: Pattern,
    /// By id.
    targets: BTreeMap<String, Target>,
    matched: u64,
}

/// What is to be sent to a target because a rule matched.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The rule's name.
    pub rule: String,
    /// Its ARN: what the target's policy is asked about.
    pub rule_arn: String,
    /// The target's id in the rule.
    pub target: String,
    /// The target's ARN.
    pub target_arn: String,
    /// Where it goes if the target may not have it.
    pub dead_letter_arn: Option<String>,
    /// What the target is to get.
    pub body: String,
}

impl State {
    /// What an event sets off.
    pub fn matching(&mut self, event: &Value) -> Vec<Invocation> {
        let mut invocations = Vec::new();
        for rule in self.rules.values_mut().filter(|rule| rule.enabled && rule.pattern.matches(event)) {
            rule.matched += 1;
            invocations.extend(rule.targets.iter().map(|(id, target)| Invocation {
                rule: rule.name.clone(),
                rule_arn: rule.arn.clone(),
                target: id.clone(),
                target_arn: target.arn.clone(),
                dead_letter_arn: target.dead_letter_arn.clone(),
                body: target.input(event),
            }));
        }
        invocations
    }

    /// Notes how an invocation ended.
    pub fn note(&mut self, invocation: &Invocation, at: Timestamp, done: &Result<(), String>) {
        let rule = self.rules.get_mut(&invocation.rule);
        if let Some(target) = rule.and_then(|rule| rule.targets.get_mut(&invocation.target)) {
            target.note(at, done);
        }
    }

    /// The rules and what became of what they matched, as `/_sandbox/events` shows it.
    pub fn overview(&self) -> Value {
        let shown = self.rules.values().map(|rule| {
            let targets: Map<String, Value> =
                rule.targets.iter().map(|(id, target)| (id.clone(), target.overview())).collect();
            let told = json!({
                "enabled": rule.enabled, "pattern": rule.pattern_text, "matched": rule.matched, "targets": targets,
            });
            (rule.name.clone(), told)
        });
        shown.collect::<Map<_, _>>().into()
    }

    /// Whether there is a rule with this ARN.
    #[must_use]
    pub fn has(&self, arn: &str) -> bool {
        self.by_arn(arn).is_some()
    }

    fn rule(&self, name: &str) -> Result<&Rule, AwsError> {
        self.rules.get(name).ok_or_else(|| no_such_rule(name))
    }

    fn rule_mut(&mut self, name: &str) -> Result<&mut Rule, AwsError> {
        self.rules.get_mut(name).ok_or_else(|| no_such_rule(name))
    }

    /// The rule with this ARN.
    fn by_arn(&self, arn: &str) -> Option<&Rule> {
        self.rules.values().find(|rule| rule.arn == arn)
    }
}

fn no_such_rule(name: &str) -> AwsError {
    not_found(format!("Rule {} does not exist on EventBus {BUS}.", shorten(name)))
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ResourceNotFoundException", message)
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ValidationException", message)
}

/// Refuses every bus but the default one, which is named by its name, its ARN or not at all.
fn check_bus(call: &Call, body: &Value) -> Result<(), AwsError> {
    match body["EventBusName"].as_str() {
        None | Some(BUS) => Ok(()),
        Some(arn) if arn == call.arn("events", &format!("event-bus/{BUS}")) => Ok(()),
        Some(other) => Err(not_found(format!("Event bus {} does not exist.", shorten(other)))),
    }
}

/// A member that must be there.
fn required<'b>(body: &'b Value, member: &str) -> Result<&'b str, AwsError> {
    body[member].as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
        let mut first = member.to_owned();
        first.get_mut(..1).map(str::make_ascii_lowercase);
        validation(format!(
            "1 validation error detected: Value null at '{first}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

#[cfg(test)]
mod tests;
