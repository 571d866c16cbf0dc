//! Dead letters: how often a message may be received, and where it goes then.

use serde_json::Value;

use super::{State, invalid};
use crate::call::{AwsError, shorten};

/// A queue's RedrivePolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redrive {
    /// ARN of the dead-letter queue.
    pub(super) target: String,
    /// How often a message may be received before it goes there.
    pub(super) max_receive_count: u32,
}

/// Reads a RedrivePolicy. `None` for an empty one, which takes the old away.
///
/// # Errors
/// InvalidParameterValue, with what is wrong with it.
pub(super) fn read(text: &str) -> Result<Option<Redrive>, AwsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |why: &str| {
        Err(invalid(format!("Value {} for parameter RedrivePolicy is invalid. Reason: {why}", shorten(text))))
    };
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(text) else {
        return wrong("Redrive policy is not a valid JSON map.");
    };
    let Some(target) = policy.get("deadLetterTargetArn").and_then(Value::as_str).filter(|arn| !arn.is_empty()) else {
        return wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
    };
    let count = match policy.get("maxReceiveCount") {
        None => return wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        // Both spellings are usual, and both are taken [X].
        Some(Value::String(text)) => text.parse().ok(),
        Some(count) => count.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    let Some(max_receive_count) = count.filter(|count| (1..=1000).contains(count)) else {
        return wrong("Invalid value for maxReceiveCount: it must be from 1 to 1000.");
    };
    Ok(Some(Redrive { target: target.to_owned(), max_receive_count }))
}

/// Checks that dead letters can go where a policy says.
///
/// # Errors
/// InvalidParameterValue, with why not.
pub(super) fn check_target(state: &State, source: &str, redrive: &Redrive, text: &str) -> Result<(), AwsError> {
    let wrong = |why: &str| {
        Err(invalid(format!("Value {} for parameter RedrivePolicy is invalid. Reason: {why}", shorten(text))))
    };
    let Some(target) = state.by_arn(&redrive.target) else {
        return wrong("Dead letter target does not exist.");
    };
    match allowance(target.attributes.get("RedriveAllowPolicy"), source) {
        true => Ok(()),
        false => wrong("Queue does not have permission to redrive to the dead letter queue."),
    }
}

/// Whether a dead-letter queue takes letters of that source: by its RedriveAllowPolicy, or anybody's without one.
fn allowance(policy: Option<&str>, source: &str) -> bool {
    let Some(policy) = policy.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return true };
    match policy["redrivePermission"].as_str() {
        Some("denyAll") => false,
        Some("byQueue") => {
            policy["sourceQueueArns"].as_array().is_some_and(|arns| arns.iter().any(|arn| arn == source))
        }
        _ => true,
    }
}

/// Checks a RedriveAllowPolicy.
///
/// # Errors
/// InvalidParameterValue, with what is wrong with it.
pub(super) fn check_allow_policy(text: &str) -> Result<(), AwsError> {
    let policy = serde_json::from_str::<Value>(text).unwrap_or_default();
    let sources = policy["sourceQueueArns"].as_array().map(Vec::len);
    match (policy["redrivePermission"].as_str(), sources) {
        (Some("allowAll" | "denyAll"), None) | (Some("byQueue"), Some(1..=10)) => Ok(()),
        _ => Err(invalid(format!("Value {} for parameter RedriveAllowPolicy is invalid.", shorten(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_a_queue_and_a_count() {
        let count = |text: &str| read(text).map(|redrive| redrive.map(|redrive| redrive.max_receive_count));
        assert_eq!(count(r#"{"deadLetterTargetArn":"a","maxReceiveCount":3}"#).unwrap(), Some(3));
        assert_eq!(count(r#"{"deadLetterTargetArn":"a","maxReceiveCount":"4"}"#).unwrap(), Some(4));
        assert_eq!(count("").unwrap(), None);
        for wrong in ["x", "{}", r#"{"deadLetterTargetArn":"a"}"#, r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#]
        {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_dead_letter_queue_says_whose_letters_it_takes() {
        assert!(allowance(None, "a") && allowance(Some(r#"{"redrivePermission":"allowAll"}"#), "a"));
        assert!(!allowance(Some(r#"{"redrivePermission":"denyAll"}"#), "a"));
        let by_queue = r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#;
        assert!(allowance(Some(by_queue), "a") && !allowance(Some(by_queue), "b"));
        assert!(check_allow_policy(by_queue).is_ok() && check_allow_policy("{}").is_err());
    }
}
