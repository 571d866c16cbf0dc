//! Single values for people.

use indicatif::HumanBytes;
use jiff::{SignedDuration, Timestamp};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

use crate::proto::descriptors::{short, value_name};

/// Messages that are shown as one value.
const INLINE: &[&str] = &[
    "Scope",
    "Lifecycle",
    "VaultLock",
    "TagCondition",
    "CopyAction",
    "JobOrigin",
    "PlanOrigin",
    "RestoreTestingOrigin",
    "AdvancedBackupSetting",
    "RestoreWindow",
    "Mismatch",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
];

pub(super) fn is_inline(message: &MessageDescriptor) -> bool {
    INLINE.contains(&short(message.full_name()))
}

/// A value in as many lines as it has parts.
pub(super) fn lines(field: &FieldDescriptor, value: &Value) -> Vec<String> {
    match value {
        Value::List(values) => values.iter().map(|value| one(field, value)).collect(),
        Value::Map(_) => pairs(field, value),
        // A policy is read best as what it is.
        Value::String(text) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(document @ serde_json::Value::Object(_)) => {
                let pretty = serde_json::to_string_pretty(&document).unwrap_or_default();
                pretty.lines().map(clean).collect()
            }
            Ok(_) | Err(_) => vec![clean(text)],
        },
        value => vec![one(field, value)],
    }
}

/// A value in one line.
pub(super) fn inline(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::List(values) => {
            // Sentences have commas of their own.
            let between = if matches!(field.kind(), Kind::Message(_)) { "; " } else { ", " };
            values.iter().map(|value| one(field, value)).collect::<Vec<_>>().join(between)
        }
        Value::Map(_) => pairs(field, value).join(", "),
        value => one(field, value),
    }
}

/// In the order of the keys: the map itself has none.
fn pairs(field: &FieldDescriptor, map: &Value) -> Vec<String> {
    let entry = field.kind();
    let Some(of) = entry.as_message().map(MessageDescriptor::map_entry_value_field) else { return Vec::new() };
    let mut pairs: Vec<String> = map
        .as_map()
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let key = match key {
                MapKey::String(key) => clean(key),
                MapKey::Bool(key) => key.to_string(),
                MapKey::I32(key) => key.to_string(),
                MapKey::I64(key) => key.to_string(),
                MapKey::U32(key) => key.to_string(),
                MapKey::U64(key) => key.to_string(),
            };
            format!("{key}={}", one(&of, value))
        })
        .collect();
    pairs.sort();
    pairs
}

fn one(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::I64(bytes) if field.name().contains("bytes") => u64::try_from(*bytes)
            .ok()
            .filter(|bytes| *bytes > 0)
            .map_or_else(String::new, |b| HumanBytes(b).to_string()),
        // What is not all is never called so.
        Value::F64(percent) if field.name().starts_with("percent") => format!("{:.0} %", percent.floor()),
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::F32(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        // The package is the same for all of them, and takes the room that other columns need.
        Value::String(rpc) if field.full_name() == "strongroom.v1.AuditEvent.action" => clean(short(rpc)),
        Value::String(text) => clean(text),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::EnumNumber(number) => enum_word(field, *number),
        Value::Message(message) => of_message(message),
        Value::List(_) | Value::Map(_) => inline(field, value),
    }
}

/// A value that came after this program was built is shown by its number; the unspecified one says nothing.
fn enum_word(field: &FieldDescriptor, number: i32) -> String {
    let kind = field.kind();
    match kind.as_enum().and_then(|of| of.get_value(number).map(|value| value_name(of, &value))) {
        Some(_) if number == 0 => String::new(),
        Some(word) => word,
        None => number.to_string(),
    }
}

fn of_message(message: &DynamicMessage) -> String {
    let set = |name: &str| {
        let field = message.descriptor().get_field_by_name(name).filter(|field| message.has_field(field))?;
        Some(inline(&field, &message.get_field(&field)))
    };
    let number = |name: &str| message.get_field_by_name(name).and_then(|value| value.as_i64());
    let descriptor = message.descriptor();
    match short(descriptor.full_name()) {
        "google.protobuf.Timestamp" => {
            let at = number("seconds").and_then(|seconds| Timestamp::from_second(seconds).ok());
            at.map_or_else(String::new, |at| at.to_string())
        }
        "google.protobuf.Duration" => {
            number("seconds").map_or_else(String::new, |seconds| format!("{:#}", SignedDuration::from_secs(seconds)))
        }
        "Scope" => format!("{}/{}", set("account").unwrap_or_default(), set("region").unwrap_or_default()),
        "Lifecycle" => {
            let kept = match set("delete_after_days") {
                Some(days) => format!("{days} days"),
                None => set("retention").map_or_else(String::new, |word| word.replace("FOREVER", "for ever")),
            };
            let cold = set("move_to_cold_storage_after_days").map(|days| format!(", cold after {days}"));
            let event = set("delete_after_event").map(|event| format!(", until {event}"));
            kept + &cold.unwrap_or_default() + &event.unwrap_or_default()
        }
        "VaultLock" => {
            let bound = |name, word| set(name).map(|days| format!("{word} {days} days"));
            let mut parts: Vec<String> = bound("min_retention_days", "at least")
                .into_iter()
                .chain(bound("max_retention_days", "at most"))
                .collect();
            parts.insert(0, set("lock_time").map_or("governance".to_owned(), |at| format!("compliance from {at}")));
            parts.join(", ")
        }
        "TagCondition" => {
            let operator = match set("operator").as_deref() {
                Some("NOT_EQUALS") => "is not",
                Some("LIKE") => "like",
                Some("NOT_LIKE") => "not like",
                Some(_) | None => "=",
            };
            format!("{} {operator} {}", set("key").unwrap_or_default(), set("value").unwrap_or_default())
        }
        "CopyAction" => {
            let kept = set("lifecycle").map(|kept| format!(" ({kept})"));
            set("destination_vault").unwrap_or_default() + &kept.unwrap_or_default()
        }
        "Mismatch" => set("message").or_else(|| set("code")).unwrap_or_default(),
        "RestoreWindow" => {
            let at = |name| set(name).unwrap_or_else(|| "…".to_owned());
            format!("{} to {}", at("earliest_time"), at("latest_time"))
        }
        "JobOrigin" => set("plan").or_else(|| set("restore_testing")).unwrap_or_default(),
        "RestoreTestingOrigin" => {
            format!("restore testing plan {}", set("restore_testing_plan_arn").unwrap_or_default())
        }
        "PlanOrigin" => {
            let word = |name, or| set(name).or_else(|| set(or)).unwrap_or_default();
            format!("plan {}, rule {}", word("plan_name", "plan_id"), word("rule_name", "rule_id"))
        }
        _ => {
            let fields = message.fields().map(|(field, value)| format!("{}={}", field.name(), inline(&field, value)));
            fields.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Text of others, such as a tag's, must not steer the terminal that shows it.
pub(in crate::cli::client) fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() })
        .collect()
}
