//! What a queue can be set to: each attribute with its bounds and its default, and what is told but never set.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    invalid,
    redrive::{self, Redrive},
};
use crate::{
    call::{AwsError, shorten},
    iam::resource_policy,
};

/// Numbers: name, least, most, what holds when nobody set it `[D]`.
const NUMBERS: [(&str, u64, u64, u64); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
];

/// Those that are told only where they were set.
const TEXTS: [&str; 4] = ["KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"];

/// What is told of a queue and cannot be set.
pub(super) const TOLD: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// What a queue was set to; what nobody set has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    set: BTreeMap<String, String>,
    redrive: Option<Redrive>,
}

impl Attributes {
    /// Takes the attributes of a request over its own.
    ///
    /// # Errors
    /// InvalidAttributeName and InvalidAttributeValue, as SQS says them; nothing has changed then.
    pub(super) fn with(&self, given: &BTreeMap<String, Value>) -> Result<Self, AwsError> {
        let mut attributes = self.clone();
        for (name, value) in given {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            check(name, &text)?;
            if name == "RedrivePolicy" {
                attributes.redrive = redrive::read(&text)?;
            }
            if text.is_empty() {
                attributes.set.remove(name);
            } else {
                attributes.set.insert(name.clone(), text);
            }
        }
        Ok(attributes)
    }

    /// The first of the given attributes that this queue does not have so.
    pub(super) fn differs(&self, wanted: &Self) -> Option<String> {
        let different = |(name, value): &(&String, &String)| self.value(name).as_deref() != Some(value.as_str());
        wanted.set.iter().find(different).map(|(name, _)| name.clone())
    }

    /// What an attribute is, by default too.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let default = || match name {
            "SqsManagedSseEnabled" => Some((!self.set.contains_key("KmsMasterKeyId")).to_string()),
            "KmsDataKeyReusePeriodSeconds" if !self.set.contains_key("KmsMasterKeyId") => None,
            _ => NUMBERS.iter().find(|(number, ..)| *number == name).map(|(.., default)| default.to_string()),
        };
        self.set.get(name).cloned().or_else(default)
    }

    /// Every attribute that can be set and has a value.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let names = NUMBERS.iter().map(|(name, ..)| *name).chain(TEXTS).chain(["SqsManagedSseEnabled"]);
        names.filter_map(|name| Some((name.to_owned(), self.value(name)?))).collect()
    }

    /// As it was set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }

    /// Who may send to the queue.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.get("Policy")
    }

    pub(super) fn redrive(&self) -> Option<&Redrive> {
        self.redrive.as_ref()
    }

    fn number(&self, name: &str) -> u64 {
        self.value(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn seconds(&self, name: &str) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.number(name)).unwrap_or(0))
    }

    pub(super) fn delay(&self) -> SignedDuration {
        self.seconds("DelaySeconds")
    }

    pub(super) fn retention(&self) -> SignedDuration {
        self.seconds("MessageRetentionPeriod")
    }

    pub(super) fn visibility(&self) -> SignedDuration {
        self.seconds("VisibilityTimeout")
    }

    pub(super) fn wait_seconds(&self) -> u64 {
        self.number("ReceiveMessageWaitTimeSeconds")
    }

    pub(super) fn maximum_message_size(&self) -> usize {
        usize::try_from(self.number("MaximumMessageSize")).unwrap_or(usize::MAX)
    }
}

/// The longest value of an attribute: a policy `[D]`.
const LONGEST: usize = 8192;

fn check(name: &str, text: &str) -> Result<(), AwsError> {
    let wrong =
        || AwsError::new(400, "InvalidAttributeValue", format!("Invalid value for the parameter {}.", shorten(name)));
    if text.len() > LONGEST {
        return Err(wrong());
    }
    if let Some((_, least, most, _)) = NUMBERS.iter().find(|(number, ..)| *number == name) {
        return match text.parse::<u64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(()),
            _ => Err(wrong()),
        };
    }
    match name {
        "SqsManagedSseEnabled" if matches!(text, "true" | "false") => Ok(()),
        "SqsManagedSseEnabled" => Err(wrong()),
        "FifoQueue" | "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => Err(AwsError::new(
            400,
            "InvalidAttributeName",
            format!("{name} is of FIFO queues, and the sandbox has standard queues alone."),
        )),
        "Policy" if !text.is_empty() => resource_policy::check(text).map_err(|_| wrong()),
        "RedriveAllowPolicy" if !text.is_empty() => redrive::check_allow_policy(text),
        _ if TEXTS.contains(&name) => Ok(()),
        _ => Err(AwsError::new(400, "InvalidAttributeName", format!("Unknown Attribute {}.", shorten(name)))),
    }
}

/// Checks a name that was asked for.
pub(super) fn check_asked(name: &str) -> Result<(), AwsError> {
    let fifo = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
    let known = NUMBERS.iter().map(|(number, ..)| *number).chain(TEXTS).chain(TOLD).chain(fifo);
    if known.chain(["All", "SqsManagedSseEnabled"]).any(|known| known == name) {
        return Ok(());
    }
    Err(AwsError::new(400, "InvalidAttributeName", format!("Unknown Attribute {}.", shorten(name))))
}

/// A number of the request itself, such as `DelaySeconds` of a message.
///
/// # Errors
/// InvalidParameterValue, in SQS's words.
pub(super) fn in_range(name: &str, given: i64, least: i64, most: i64) -> Result<(), AwsError> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(invalid(format!(
        "Value {given} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(given: &Value) -> Result<Attributes, AwsError> {
        Attributes::default().with(&serde_json::from_value(given.clone()).unwrap())
    }

    #[test]
    fn numbers_have_bounds_and_defaults() {
        let some = of(&json!({"VisibilityTimeout": "5", "DelaySeconds": 7})).unwrap();
        assert_eq!((some.visibility(), some.delay()), (SignedDuration::from_secs(5), SignedDuration::from_secs(7)));
        assert_eq!(Attributes::default().value("MessageRetentionPeriod").as_deref(), Some("345600"));
        for wrong in [
            json!({"VisibilityTimeout": "43201"}),
            json!({"DelaySeconds": "-1"}),
            json!({"DelaySeconds": "soon"}),
            json!({"Policy": "none"}),
            json!({"SqsManagedSseEnabled": "maybe"}),
        ] {
            assert_eq!(of(&wrong).unwrap_err().code, "InvalidAttributeValue", "{wrong}");
        }
        for wrong in [json!({"Colour": "red"}), json!({"FifoQueue": "true"}), json!({"QueueArn": "a"})] {
            assert_eq!(of(&wrong).unwrap_err().code, "InvalidAttributeName", "{wrong}");
        }
    }

    #[test]
    fn what_differs_from_a_queue_is_named_defaults_included() {
        let queue = of(&json!({"DelaySeconds": "7"})).unwrap();
        assert_eq!(queue.differs(&of(&json!({"DelaySeconds": "7", "VisibilityTimeout": "30"})).unwrap()), None);
        let other = of(&json!({"VisibilityTimeout": "31"})).unwrap();
        assert_eq!(queue.differs(&other).as_deref(), Some("VisibilityTimeout"));
    }

    #[test]
    fn an_empty_text_takes_an_attribute_away() {
        let queue = of(&json!({"KmsMasterKeyId": "alias/k"})).unwrap();
        assert_eq!(queue.value("KmsDataKeyReusePeriodSeconds").as_deref(), Some("300"));
        let without = queue.with(&[("KmsMasterKeyId".to_owned(), json!(""))].into()).unwrap();
        assert_eq!((without.get("KmsMasterKeyId"), without.value("KmsDataKeyReusePeriodSeconds")), (None, None));
    }
}
