//! What the record says of a message: its fields without secrets, and the things that it names.
//!
//! A secret is what `debug_redact` of the proto says is one. Of all that requests may hold it is the restore token alone: whoever
//! has it can have a restore done that somebody else planned. Passwords there are none: a restore takes those of its recovery
//! point. Policies, tags, titles and reasons are what an investigation asks for; they are told as they were given, and
//! `docs/audit.md` says so.

use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value as Field};
use serde_json::{Value, json};

use crate::proto::descriptors;

/// Most bytes of the fields of a request; of a longer one the beginning is kept.
const MOST: usize = 16 * 1024;

/// Most things that are named of one message, and most bytes of the name of one.
const MOST_NAMED: usize = 32;
const LONGEST_NAME: usize = 512;

/// Fields that name something, beside those that hold an ARN.
const NAMES: [&str; 17] = [
    "vault",
    "destination_vault",
    "plan",
    "selection",
    "recovery_point",
    "resource",
    "resources",
    "vaults",
    "role",
    "job",
    "legal_hold",
    "name",
    "id",
    "arn",
    "topic",
    "db_instance_identifier",
    "db_cluster_identifier",
];

/// The fields, and what they name.
pub(super) fn read(of: &MessageDescriptor, bytes: &[u8]) -> (Value, Vec<String>) {
    let Ok(mut message) = DynamicMessage::decode(of.clone(), bytes) else { return (Value::Null, Vec::new()) };
    let mut named = Vec::new();
    visit(&mut message, &mut named);
    let mut fields = serde_json::to_value(&message).unwrap_or_default();
    // The descriptors' own maps have no order, and the same request is the same text.
    fields.sort_all_objects();
    (bounded(fields), named)
}

/// The value, or the beginning of its text where that is long.
pub(super) fn bounded(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= MOST {
        return value;
    }
    json!({ "cut": text[..text.floor_char_boundary(MOST)], "bytes": text.len() })
}

/// Takes what is secret out, and notes what is named, in the order of the fields.
fn visit(message: &mut DynamicMessage, named: &mut Vec<String>) {
    for field in message.descriptor().fields().collect::<Vec<_>>() {
        if !message.has_field(&field) {
            continue;
        }
        if descriptors::is_secret(&field) {
            match message.get_field(&field).as_str() {
                Some(_) => message.set_field(&field, Field::String("(left out)".to_owned())),
                None => message.clear_field(&field),
            }
            continue;
        }
        let names = NAMES.contains(&field.name());
        look(message.get_field_mut(&field), names, named);
    }
}

fn look(value: &mut Field, names: bool, named: &mut Vec<String>) {
    match value {
        Field::String(text) if (names || text.starts_with("arn:")) && !text.is_empty() => {
            let name = text[..text.floor_char_boundary(LONGEST_NAME)].to_owned();
            if named.len() < MOST_NAMED && !named.contains(&name) {
                named.push(name);
            }
        }
        Field::Message(message) if !message.descriptor().full_name().starts_with("google.") => visit(message, named),
        Field::List(items) => items.iter_mut().for_each(|item| look(item, names, named)),
        Field::Map(items) => items.values_mut().for_each(|item| look(item, false, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;

    fn read_of(path: &str, message: &impl prost::Message) -> (Value, Vec<String>) {
        read(&descriptors::method(path).unwrap().input(), &message.encode_to_vec())
    }

    #[test]
    fn what_is_named_is_told_in_the_order_of_the_fields() {
        let request = proto::DeleteRecoveryPointRequest {
            vault: "main".into(),
            recovery_point: "arn:aws:rds:us-east-1:123456789012:snapshot:a\nb".into(),
            ..Default::default()
        };
        let (fields, named) = read_of("RecoveryPointService/DeleteRecoveryPoint", &request);
        assert_eq!(named, ["main", "arn:aws:rds:us-east-1:123456789012:snapshot:a\nb"]);
        assert_eq!(fields["vault"], "main");
        assert!(!fields.to_string().contains('\n'));
    }

    /// Fields whose names sound like secrets and that are none.
    const NO_SECRETS: [&str; 5] = [
        // Where a list goes on.
        "page_token",
        // The names of tags, the key of a condition on one, and the names of keys that encrypt.
        "tag_keys",
        "key",
        "encryption_key",
        "kms_key",
    ];

    #[test]
    fn a_field_that_sounds_like_a_secret_is_one_or_is_known_to_be_none() {
        fn sound(of: &MessageDescriptor, seen: &mut Vec<String>, found: &mut Vec<String>) {
            if seen.contains(&of.full_name().to_owned()) {
                return;
            }
            seen.push(of.full_name().to_owned());
            for field in of.fields() {
                let name = field.name().to_owned();
                let words = ["token", "secret", "password", "credential", "key", "private", "external_id"];
                let sounds = words.iter().any(|word| name.contains(word));
                if sounds && !descriptors::is_secret(&field) && !NO_SECRETS.contains(&name.as_str()) {
                    found.push(field.full_name().to_owned());
                }
                if let Some(message) = field.kind().as_message() {
                    sound(message, seen, found);
                }
            }
        }
        let (mut seen, mut found) = (Vec::new(), Vec::new());
        for path in descriptors::methods() {
            sound(&descriptors::method(&path).unwrap().input(), &mut seen, &mut found);
        }
        assert_eq!(found, [""; 0], "mark them with debug_redact, or say here why they are no secrets");
    }

    #[test]
    fn a_restore_token_stays_out_and_a_long_request_is_cut_visibly() {
        let what = Some(proto::start_restore_request::What::RestoreToken("hunter2".into()));
        let (fields, _) =
            read_of("JobService/StartRestore", &proto::StartRestoreRequest { what, ..Default::default() });
        assert_eq!(fields["restoreToken"], "(left out)");
        let policy = "ü".repeat(20_000);
        let long = proto::SetVaultAccessPolicyRequest { policy, ..Default::default() };
        let (fields, _) = read_of("VaultService/SetVaultAccessPolicy", &long);
        assert!(fields["bytes"].as_u64().unwrap() > 40_000 && fields["cut"].as_str().unwrap().len() <= MOST);
    }
}
