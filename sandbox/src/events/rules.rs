//! Rules: putting, looking at, switching and deleting them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{BUS, Rule, check_bus, pattern::Pattern, required, tags, validation};
use crate::{
    call::{AwsError, Call, read, shorten},
    query::page,
    world::World,
};

/// Rules of a bus at most `[D]`.
const MOST_RULES: usize = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Put {
    schedule_expression: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    tags: Vec<tags::Tag>,
}

/// PutRule: all of the rule; what is left out is gone from one that was there. Its targets stay.
pub(super) fn put(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    let input: Put = read(body)?;
    check_bus(call, body)?;
    let name = required(body, "Name")?;
    check_name(name)?;
    if input.schedule_expression.as_deref().is_some_and(|text| !text.is_empty()) {
        return Err(validation("The sandbox's rules have event patterns alone: ScheduleExpression is not supported."));
    }
    let text = input
        .event_pattern
        .filter(|text| !text.is_empty())
        .ok_or_else(|| validation("Parameter(s) EventPattern or ScheduleExpression must be specified."))?;
    let pattern = Pattern::read(&text).map_err(invalid_pattern)?;
    let enabled = match input.state.as_deref() {
        None | Some("ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") => true,
        Some("DISABLED") => false,
        Some(other) => {
            return Err(validation(format!(
                "1 validation error detected: Value '{}' at 'state' failed to satisfy constraint: Member must satisfy enum \
                 value set: [DISABLED, ENABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]",
                shorten(other)
            )));
        }
    };
    if input.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
        return Err(validation(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less \
             than or equal to 512",
        ));
    }
    let given = tags::checked(input.tags)?;
    let arn = call.arn("events", &format!("rule/{name}"));
    let region = call.region(world);
    let before = region.events.rules.remove(name);
    if before.is_none() && region.events.rules.len() >= MOST_RULES {
        let message =
            format!("The requested resource exceeds the maximum number allowed: {MOST_RULES} rules on EventBus {BUS}.");
        return Err(AwsError::new(400, "LimitExceededException", message));
    }
    // Of a rule that was there PutRule changes no tags [D].
    if before.is_none() && !given.is_empty() {
        region.tags.0.insert(arn.clone(), given);
    }
    let (targets, matched) = before.map_or_else(|| (BTreeMap::new(), 0), |rule| (rule.targets, rule.matched));
    region.events.rules.insert(
        name.to_owned(),
        Rule {
            name: name.to_owned(),
            arn: arn.clone(),
            description: input.description.filter(|text| !text.is_empty()),
            role_arn: input.role_arn.filter(|text| !text.is_empty()),
            enabled,
            pattern_text: text,
            pattern,
            targets,
            matched,
        },
    );
    Ok(json!({ "RuleArn": arn }))
}

pub(super) fn invalid_pattern(why: impl std::fmt::Display) -> AwsError {
    AwsError::new(400, "InvalidEventPatternException", format!("Event pattern is not valid. Reason: {why}"))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let fine = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    if fine {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{}' at 'name' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\.\\-_A-Za-z0-9]+, and have length less than or equal to 64",
        shorten(name)
    )))
}

fn shape(rule: &Rule, account: &str) -> Value {
    let mut shape = json!({
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern_text,
        "State": if rule.enabled { "ENABLED" } else { "DISABLED" },
        "EventBusName": BUS,
        "CreatedBy": account,
    });
    if let Some(description) = &rule.description {
        shape["Description"] = description.as_str().into();
    }
    if let Some(role) = &rule.role_arn {
        shape["RoleArn"] = role.as_str().into();
    }
    shape
}

/// DescribeRule.
pub(super) fn describe(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Name")?;
    Ok(shape(call.region(world).events.rule(name)?, &call.account))
}

/// DescribeEventBus: the default one.
pub(super) fn describe_bus(_: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, &json!({ "EventBusName": body["Name"] }))?;
    Ok(json!({ "Name": BUS, "Arn": call.arn("events", &format!("event-bus/{BUS}")) }))
}

/// ListRules.
pub(super) fn list(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let prefix = body["NamePrefix"].as_str().unwrap_or_default();
    let rules = call.region(world).events.rules.values().filter(|rule| rule.name.starts_with(prefix));
    let (rules, token) = paged(body, rules, |rule| rule.name.as_str())?;
    // CreatedBy is of DescribeRule alone [M].
    let shapes = rules.into_iter().map(|rule| {
        let mut shape = shape(rule, &call.account);
        shape.as_object_mut().map(|members| members.remove("CreatedBy"));
        shape
    });
    Ok(with_token(json!({ "Rules": shapes.collect::<Vec<_>>() }), token))
}

/// The page that `Limit` and `NextToken` ask for.
pub(super) fn paged<T>(
    body: &Value,
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let limit = body["Limit"].as_u64().unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: 1 to 100"));
    }
    let size = usize::try_from(limit).unwrap_or(100);
    let page = page(items, key, body["NextToken"].as_str(), size);
    let page = page.ok_or_else(|| validation("NextToken is not one of this service's answers."))?;
    Ok((page.items, page.marker))
}

pub(super) fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let Some(token) = token {
        answer["NextToken"] = token.into();
    }
    answer
}

/// DeleteRule: of one that is not there too, and only without targets.
pub(super) fn delete(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Name")?;
    let region = call.region(world);
    if region.events.rules.get(name).is_some_and(|rule| !rule.targets.is_empty()) {
        return Err(validation("Rule can't be deleted since it has targets."));
    }
    if let Some(rule) = region.events.rules.remove(name) {
        region.tags.0.remove(&rule.arn);
    }
    Ok(Value::Null)
}

/// EnableRule.
pub(super) fn enable(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    switch(world, call, body, true)
}

/// DisableRule.
pub(super) fn disable(world: &mut World, call: &Call, body: &Value) -> Result<Value, AwsError> {
    switch(world, call, body, false)
}

fn switch(world: &mut World, call: &Call, body: &Value, enabled: bool) -> Result<Value, AwsError> {
    check_bus(call, body)?;
    let name = required(body, "Name")?;
    call.region(world).events.rule_mut(name)?.enabled = enabled;
    Ok(Value::Null)
}
