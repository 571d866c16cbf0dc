//! A message: what is sent, what is kept of it, and the digests that clients compare.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invalid;
use crate::call::{AwsError, shorten};

/// Attributes of a message at most `[D]`.
const MOST_ATTRIBUTES: usize = 10;

/// What a message costs beside its text.
const OVERHEAD: usize = 256;

/// A message attribute, as it stands on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, with a label of one's own after a dot.
    pub data_type: String,
    /// Of strings and numbers.
    pub string_value: Option<String>,
    /// Base64.
    pub binary_value: Option<String>,
}

impl Attribute {
    /// A string.
    #[must_use]
    pub fn string(value: &str) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.to_owned()), binary_value: None }
    }

    fn is_binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.binary_value, &self.string_value) {
            (Some(binary), _) if self.is_binary() => BASE64_STANDARD.decode(binary).unwrap_or_default(),
            (_, text) => text.clone().unwrap_or_default().into_bytes(),
        }
    }

    fn shape(&self) -> Value {
        let value =
            if self.is_binary() { ("BinaryValue", &self.binary_value) } else { ("StringValue", &self.string_value) };
        json!({ "DataType": self.data_type, value.0: value.1 })
    }
}

/// A message before it is in a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// By name.
    pub attributes: BTreeMap<String, Attribute>,
    /// `SenderId`: who sends it.
    pub sender: String,
    /// `AWSTraceHeader`.
    pub trace: Option<String>,
}

impl NewMessage {
    /// A text without attributes.
    #[must_use]
    pub fn text(body: String, sender: &str) -> Self {
        Self { body, sender: sender.to_owned(), ..Self::default() }
    }

    /// What counts against the bounds of AWS: the body and the names, types and values of its attributes `[D]`.
    #[must_use]
    pub fn size(&self) -> usize {
        let of =
            |(name, attribute): (&String, &Attribute)| name.len() + attribute.data_type.len() + attribute.bytes().len();
        self.body.len() + self.attributes.iter().map(of).sum::<usize>()
    }

    /// Refuses what no message may hold.
    pub(super) fn check(&self) -> Result<(), AwsError> {
        let allowed = |c: char| matches!(c, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        if !self.body.chars().all(allowed) {
            let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
                           #xE000 to #xFFFD | #x10000 to #x10FFFF";
            return Err(AwsError::new(400, "InvalidMessageContents", message));
        }
        if self.attributes.len() > MOST_ATTRIBUTES {
            let count = self.attributes.len();
            return Err(invalid(format!(
                "Number of message attributes [{count}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
            )));
        }
        self.attributes.iter().try_for_each(|(name, attribute)| check_attribute(name, attribute))
    }
}

fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), AwsError> {
    let shown = shorten(name);
    let lower = name.to_ascii_lowercase();
    let named = (1..=256).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.")
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    if !named {
        return Err(invalid(format!("Message attribute name '{shown}' is invalid.")));
    }
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let given = match kind {
        "String" | "Number" => attribute.string_value.as_ref(),
        "Binary" => attribute.binary_value.as_ref(),
        "" => {
            return Err(invalid(format!(
                "The message attribute '{shown}' must contain a non-empty message attribute type."
            )));
        }
        _ => {
            return Err(invalid(format!(
                "The message attribute '{shown}' has an invalid message attribute type, the set of supported type prefixes \
                 is Binary, Number, and String."
            )));
        }
    };
    if given.is_none_or(String::is_empty) {
        return Err(invalid(format!(
            "The message attribute '{shown}' must contain a non-empty message attribute value for message attribute type '{kind}'."
        )));
    }
    let fits = match kind {
        "Number" => given.is_some_and(|text| text.trim().parse::<f64>().is_ok()),
        "Binary" => given.is_some_and(|text| BASE64_STANDARD.decode(text).is_ok()),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(invalid(format!("Can't cast the value of message (user) attribute '{shown}' to a number.")))
    }
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A UUID.
    pub id: String,
    /// What was sent.
    pub new: NewMessage,
    /// When; a dead letter keeps the time at which it came to its first queue `[D]`.
    pub sent_at: Timestamp,
    /// From when on it can be received.
    pub visible_at: Timestamp,
    /// When it was received first.
    pub first_received: Option<Timestamp>,
    /// How often it was received.
    pub receives: u32,
    /// The receipt of the last time.
    pub receipt: Option<String>,
}

impl Message {
    /// What it costs to keep.
    pub(super) fn cost(&self) -> usize {
        self.new.size() + OVERHEAD
    }

    /// Received, and neither deleted nor visible again.
    pub(super) fn in_flight(&self, now: Timestamp) -> bool {
        self.receives > 0 && self.visible_at > now
    }

    /// Its shape in an answer, with the attributes that were asked for.
    pub(super) fn shape(&self, system: &[String], wanted: &[String]) -> Value {
        let mut shape = json!({
            "MessageId": self.id,
            "ReceiptHandle": self.receipt,
            "MD5OfBody": md5(self.new.body.as_bytes()),
            "Body": self.new.body,
        });
        let told = self.system_attributes(system);
        if !told.is_empty() {
            shape["Attributes"] = told.into();
        }
        let chosen: BTreeMap<&String, &Attribute> =
            self.new.attributes.iter().filter(|(name, _)| wanted.iter().any(|wanted| is_meant(name, wanted))).collect();
        if !chosen.is_empty() {
            shape["MD5OfMessageAttributes"] = md5_of(chosen.iter().map(|(name, value)| (name.as_str(), *value))).into();
            shape["MessageAttributes"] =
                chosen.into_iter().map(|(name, value)| (name.clone(), value.shape())).collect::<Map<_, _>>().into();
        }
        shape
    }

    fn system_attributes(&self, wanted: &[String]) -> Map<String, Value> {
        let millis = |at: Timestamp| at.as_millisecond().to_string();
        let all = [
            ("SenderId", Some(self.new.sender.clone())),
            ("SentTimestamp", Some(millis(self.sent_at))),
            ("ApproximateReceiveCount", Some(self.receives.to_string())),
            ("ApproximateFirstReceiveTimestamp", self.first_received.map(millis)),
            ("AWSTraceHeader", self.new.trace.clone()),
        ];
        let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == "All" || wanted == name);
        let told = all.into_iter().filter(|(name, _)| is_wanted(name));
        told.filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect()
    }
}

/// `All`, `.*`, a name, or the beginning of one before `.*`.
fn is_meant(name: &str, wanted: &str) -> bool {
    wanted == "All" || wanted == name || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

/// Thirty-two hexadecimal digits.
pub(super) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of attributes, in the order of their names `[D]`: each part after its length, and after the type a byte that
/// says how the value is carried.
pub(super) fn md5_of<'a>(attributes: impl Iterator<Item = (&'a str, &'a Attribute)>) -> String {
    let mut digest = Md5::new();
    let mut part = |bytes: &[u8], carried: Option<u8>| {
        if let Some(carried) = carried {
            digest.update([carried]);
        }
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        part(name.as_bytes(), None);
        part(attribute.data_type.as_bytes(), None);
        part(&attribute.bytes(), Some(if attribute.is_binary() { 2 } else { 1 }));
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_that_clients_reckon() {
        assert_eq!(md5(b"hello"), "5d41402abc4b2a76b9719d911017c592");
        let attribute = Attribute::string("b");
        // Lengths, `a`, `String`, the byte 1, `b`.
        let by_hand = md5(b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x01b");
        assert_eq!(md5_of([("a", &attribute)].into_iter()), by_hand);
    }

    #[test]
    fn what_no_message_may_hold_is_refused() {
        let code = |new: &NewMessage| new.check().map_err(|error| error.code.into_owned());
        assert_eq!(code(&NewMessage::text("fine\t\u{10000}".into(), "me")), Ok(()));
        assert_eq!(code(&NewMessage::text("\u{0}".into(), "me")), Err("InvalidMessageContents".into()));
        let with = |name: &str, attribute: Attribute| NewMessage {
            attributes: [(name.to_owned(), attribute)].into(),
            ..NewMessage::text("x".into(), "me")
        };
        assert_eq!(code(&with("n", Attribute::string("v"))), Ok(()));
        for wrong in [
            with("AWS.n", Attribute::string("v")),
            with("n", Attribute::string("")),
            with("n", Attribute { data_type: "Number".into(), ..Attribute::string("many") }),
            with("n", Attribute { data_type: "Truth".into(), ..Attribute::string("v") }),
            with("n", Attribute::default()),
        ] {
            assert_eq!(code(&wrong), Err("InvalidParameterValue".into()), "{wrong:?}");
        }
    }
}
