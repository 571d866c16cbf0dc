//! What the policy of a resource lets a service of AWS do: whether EventBridge may send to a queue, AWS Backup to a topic.

use serde_json::{Map, Value};

use super::{
    conditions::{Context, judge},
    document::{Decision, check_principal, checked_statements, statements, texts},
};
use crate::call::AwsError;

/// A service that is about to act on a resource, on behalf of something of an account.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRequest<'r> {
    /// Such as `events.amazonaws.com`.
    pub service: &'r str,
    /// Such as `sqs:SendMessage`.
    pub action: &'r str,
    /// ARN of the resource whose policy it is.
    pub resource: &'r str,
    /// ARN of what makes the service act: a rule, a topic, a vault. `aws:SourceArn`.
    pub source_arn: &'r str,
    /// `aws:SourceAccount`.
    pub source_account: &'r str,
}

/// Whether the policy lets the service do it. Without a policy nothing is allowed; a condition that the sandbox cannot
/// evaluate is one that does not hold.
///
/// # Errors
/// Why not, in words for the person who looks for it.
pub fn lets(policy: Option<&str>, request: &ServiceRequest<'_>) -> Result<(), String> {
    let ServiceRequest { service, action, resource, .. } = *request;
    let Some(policy) = policy else {
        return Err(format!("{resource} has no policy, so {service} may not {action}"));
    };
    let context = Context(
        [
            ("aws:sourcearn", request.source_arn),
            ("aws:sourceaccount", request.source_account),
            ("aws:principalservicename", service),
            ("aws:principalisawsservice", "true"),
            ("aws:viaawsservice", "false"),
            ("aws:securetransport", "true"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), vec![value.to_owned()]))
        .collect(),
    );
    let about: Vec<Map<String, Value>> =
        statements(policy).into_iter().filter(|statement| names(statement, service)).collect();
    let judged = judge(about.iter(), action, resource, &context).map_err(|error| error.message)?;
    match judged.decision {
        Decision::Allowed => Ok(()),
        Decision::ExplicitDeny => Err(format!("the policy of {resource} denies {service} {action}")),
        Decision::ImplicitDeny => Err(format!(
            "the policy of {resource} does not allow {service} {action} for {} of account {}",
            request.source_arn, request.source_account
        )),
    }
}

/// Whether a statement speaks of the service, by `Principal` or by leaving it out of `NotPrincipal`.
fn names(statement: &Map<String, Value>, service: &str) -> bool {
    let is_one = |principal: &Value| match principal {
        Value::String(any) => any == "*",
        Value::Object(kinds) => {
            let of_kind = |kind: &str| kinds.get(kind).map(texts).unwrap_or_default();
            of_kind("Service").iter().any(|named| *named == "*" || *named == service) || of_kind("AWS").contains(&"*")
        }
        _ => false,
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => is_one(principal),
        (None, Some(others)) => !is_one(others),
        (None, None) => false,
    }
}

/// Checks the policy of a resource as it comes in: each statement says whom it speaks of.
///
/// # Errors
/// `MalformedPolicyDocument`, with the first fault; the services say it by codes of their own.
pub fn check(document: &str) -> Result<(), AwsError> {
    let statements = checked_statements(document, |text| matches!(text, "Allow" | "Deny"))?;
    statements.iter().try_for_each(check_principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
    const RULE: &str = "arn:aws:events:us-east-1:123456789012:rule/r";

    fn allowed(policy: &str) -> bool {
        let request = ServiceRequest {
            service: "events.amazonaws.com",
            action: "sqs:SendMessage",
            resource: QUEUE,
            source_arn: RULE,
            source_account: "123456789012",
        };
        lets(Some(policy), &request).is_ok()
    }

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
    }

    #[test]
    fn a_policy_lets_in_the_service_that_it_names_for_the_rule_that_it_names() {
        let of = |principal: &str, condition: &str| {
            policy(&format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":"sqs:SendMessage","Resource":"{QUEUE}"{condition}}}"#
            ))
        };
        let events = r#"{"Service":"events.amazonaws.com"}"#;
        let source = |arn: &str| format!(r#","Condition":{{"ArnEquals":{{"aws:SourceArn":"{arn}"}}}}"#);
        assert!(allowed(&of(events, "")) && allowed(&of(events, &source(RULE))) && allowed(&of(r#""*""#, "")));
        assert!(!allowed(&of(events, &source(&RULE.replace("rule/r", "rule/other")))));
        assert!(!allowed(&of(r#"{"Service":"sns.amazonaws.com"}"#, "")));
        assert!(!allowed(&of(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, "")));
        let account = r#","Condition":{"StringEquals":{"aws:SourceAccount":["123456789012"]}}"#;
        assert!(allowed(&of(events, account)));
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}"#;
        let both = policy(&format!(r#"{{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}},{deny}"#));
        assert!(!allowed(&both));
        assert!(!allowed("no policy at all"));
    }

    #[test]
    fn without_a_policy_nothing_is_allowed_and_the_reason_is_told() {
        let request = ServiceRequest {
            service: "events.amazonaws.com",
            action: "sqs:SendMessage",
            resource: QUEUE,
            source_arn: RULE,
            source_account: "123456789012",
        };
        assert!(lets(None, &request).unwrap_err().contains("no policy"));
    }
}
