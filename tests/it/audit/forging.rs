//! Nothing that a caller sends makes a line of the record, or ends one.

use std::fs;

use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value as Field};
use serde_json::json;
use strongroom::proto::dynamic_codec::{DynamicCodec, path};
use tonic::{Request, client::Grpc};

use super::{active, ended, everything_recorded, verified};
use crate::{
    every_change::{method, send, world_and_requests_with},
    harness::World,
    shapes::{methods, reads},
};

/// What ends a line for somebody, a member, an object, and a line of a record that nobody wrote.
const FORGED: &str = "a\n{\"seq\":2,\"kind\":\"end\"}\r\n\u{0}\u{7}\u{1b}[2J\u{7f}\u{85}\u{2028}{\"seq\":3}\u{2029}\u{202e}\u{feff}\",\"hash\":\"";

/// The text in every string that the message has, down to the last message.
fn filled(of: &MessageDescriptor, text: &str, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    for field in of.fields() {
        let value = match field.kind() {
            Kind::String => Field::String(text.to_owned()),
            Kind::Bytes => Field::Bytes(text.as_bytes().to_vec().into()),
            Kind::Message(inner) if field.is_map() => {
                let strings = inner.map_entry_value_field().kind() == Kind::String;
                if strings && inner.map_entry_key_field().kind() == Kind::String {
                    let entry = (MapKey::String(text.to_owned()), Field::String(text.to_owned()));
                    message.set_field(&field, Field::Map([entry].into()));
                }
                continue;
            }
            Kind::Message(inner) if depth > 0 && !inner.full_name().starts_with("google.") => {
                Field::Message(filled(&inner, text, depth - 1))
            }
            _ => continue,
        };
        message.set_field(&field, if field.is_list() { Field::List(vec![value]) } else { value });
    }
    message
}

async fn send_filled(world: &World, method: &prost_reflect::MethodDescriptor, text: &str) {
    let message = filled(&method.input(), text, 4);
    let mut client = Grpc::new(world.channel());
    client.ready().await.unwrap();
    let answer = client.unary(Request::new(message), path(method).unwrap(), DynamicCodec::of_caller(method)).await;
    answer.map(|answer: tonic::Response<DynamicMessage>| drop(answer)).unwrap_or_default();
}

#[tokio::test]
async fn no_text_of_a_request_ends_its_line_for_any_reader() {
    let folder = tempfile::tempdir().unwrap();
    let (world, requests) = world_and_requests_with(everything_recorded(folder.path())).await;
    let before = ended(folder.path()).await.len();
    let huge = FORGED.repeat(150);
    let mut sent = 0;
    for method in methods() {
        for text in [FORGED, &huge] {
            send_filled(&world, &method, text).await;
            sent += usize::from(reads(&method));
        }
    }
    // What AWS takes as it comes.
    let mut hold = requests["CreateLegalHold"].clone();
    hold["description"] = json!(format!("lawsuit {}", &FORGED[1..]));
    _ = send(&world, &method("CreateLegalHold"), hold, false).await;
    let mut cancel = requests["CancelLegalHold"].clone();
    cancel["reason"] = json!(FORGED);
    _ = send(&world, &method("CancelLegalHold"), cancel, false).await;
    let told = ended(folder.path()).await;
    assert!(told.len() >= before + 2 * sent, "{} lines of {sent} reads", told.len() - before);
    for (at, line) in told.iter().enumerate() {
        assert_eq!(line["seq"], at + 1, "{line}");
        assert!(line.to_string().len() < 100_000, "a line of {} bytes", line.to_string().len());
    }
    let text = fs::read_to_string(active(folder.path())).unwrap();
    assert!(text.contains("u2028"), "the texts are in the record");
    let breaks =
        |letter: char| letter.is_control() || ('\u{2028}'..='\u{202e}').contains(&letter) || letter == '\u{feff}';
    for line in text.split_terminator('\n') {
        assert!(!line.contains(breaks), "{line}");
    }
    let verdict = verified(folder.path()).await;
    assert_eq!(verdict.code, 0, "{verdict:?}");
    assert!(!verdict.out.trim_end().replace('\n', "").contains(breaks), "{verdict:?}");
}
