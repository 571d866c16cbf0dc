//! What of an answer its caller may see: items that tell of what they may not read are left out.

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

use super::{
    things::{Noun, of_arn},
    touched::{Told, messages_of, text},
};
use crate::{
    domain::{QUESTION, without_question},
    proto::descriptors,
    rpc::status::Failure,
};

/// An answer that is looked at item by item.
#[derive(Debug)]
pub(in crate::rpc) struct Answer {
    message: DynamicMessage,
    /// Every item, in the order in which they are met.
    pub(in crate::rpc) items: Vec<(Noun, Told)>,
    /// Whether a finding tells of more than what it is about.
    hints: bool,
}

impl Answer {
    /// None where nothing in it is decided on. An answer that cannot be read is none that may be shown.
    pub(in crate::rpc) fn of(output: &MessageDescriptor, answer: &impl Message) -> Result<Option<Self>, Failure> {
        let bytes = answer.encode_to_vec();
        let message = DynamicMessage::decode(output.clone(), bytes.as_slice())
            .map_err(|error| Failure::Bug(format!("an answer cannot be read: {error}")))?;
        let mut items = Vec::new();
        gather(&message, &mut items);
        let hints = tells_of_others(&message);
        Ok((hints || !items.is_empty()).then_some(Self { message, items, hints }))
    }

    /// The answer with those items alone that are seen, of which there is one flag for each text of each item; none where all are.
    pub(in crate::rpc) fn with<R: Message + Default>(mut self, seen: &[Vec<bool>]) -> Option<R> {
        if seen.iter().flatten().all(|seen| *seen) && !self.hints {
            return None;
        }
        let mut seen = seen.iter();
        drop_unseen(&mut self.message, &mut seen);
        // It was made of the answer, and has less in it.
        Some(R::decode(self.message.encode_to_vec().as_slice()).unwrap_or_default())
    }
}

/// What a message tells of, if it is an item or a finding.
fn tells(message: &DynamicMessage) -> Option<(Noun, Told)> {
    let descriptor = message.descriptor();
    if descriptor.full_name() == FINDING {
        let subject = text(message, "subject");
        return (!subject.is_empty()).then(|| subject_told(&subject));
    }
    Some((descriptors::item(&descriptor)?, Told::by(message)))
}

const FINDING: &str = "strongroom.v1.Finding";

/// What a finding is about: a thing where its ARN says which, else something that no policy knows.
pub(in crate::rpc) fn subject_told(subject: &str) -> (Noun, Told) {
    let noun = of_arn(subject).unwrap_or(Noun::Unspecified);
    // A plan is known by its id.
    let text = match noun {
        Noun::Plan => subject.rsplit(':').next().unwrap_or(subject),
        _ => subject,
    };
    (noun, Told::of_arn(noun, subject, text))
}

fn gather(message: &DynamicMessage, items: &mut Vec<(Noun, Told)>) {
    items.extend(tells(message));
    for (field, value) in message.fields() {
        for inner in messages_of(&field, value) {
            gather(inner, items);
        }
    }
}

/// Findings that count, or name, databases beside the one that a request is about.
const OF_MANY: [&str; 6] = [
    "SELECTS_EVERYTHING_NOW",
    "SELECTS_NOTHING_NOW",
    "PATTERN_MATCHES_NOTHING_NOW",
    "NEAR_BACKUP_WINDOW",
    "NEAR_MAINTENANCE_WINDOW",
    "MULTI_AZ_CLUSTER_NOT_COPYABLE",
];

/// How many things a list would have, were it whole.
const COUNT: &str = "resource_count";

fn tells_of_others(message: &DynamicMessage) -> bool {
    let is_one = message.descriptor().full_name() == FINDING && {
        is_of_many(message) || ["message", "action"].iter().any(|name| text(message, name).contains(QUESTION))
    };
    is_one || message.fields().any(|(field, value)| messages_of(&field, value).into_iter().any(tells_of_others))
}

fn is_of_many(finding: &DynamicMessage) -> bool {
    OF_MANY.contains(&text(finding, "code").as_str())
}

/// Takes out of a finding what it tells of others.
fn veil(finding: &mut DynamicMessage) {
    let is_of_many = is_of_many(finding);
    for name in ["message", "action"] {
        if let Some(Value::String(text)) = finding.get_field_by_name_mut(name) {
            if is_of_many && name == "message" {
                "it is about more than the caller may see".clone_into(text);
            }
            without_question(text);
        }
    }
}

/// Whether the message itself may stay. Its items are asked for in the order of [`gather`].
fn drop_unseen<'s>(message: &mut DynamicMessage, seen: &mut impl Iterator<Item = &'s Vec<bool>>) -> bool {
    let descriptor = message.descriptor();
    let item = tells(message).map(|(noun, _)| noun);
    let flags = item.map(|_| seen.next().cloned().unwrap_or_default());
    if descriptor.full_name() == FINDING {
        veil(message);
    }
    let stays = flags.as_ref().is_none_or(|flags| flags.iter().any(|seen| *seen));
    if let (Some(flags), Some(item)) = (&flags, item) {
        // A list of names has those that are seen.
        let lists = descriptor.fields().filter(|field| field.is_list() && descriptors::names(field) == Some(item));
        for field in lists.collect::<Vec<_>>() {
            let mut left = 0;
            if let Some(values) = message.get_field_mut(&field).as_list_mut() {
                let mut flags = flags.iter();
                values.retain(|_| flags.next().copied().unwrap_or(false));
                left = values.len();
            }
            // How many there are is told of those that are seen.
            if let Some(count) = descriptor.get_field_by_name(COUNT).filter(|_| flags.contains(&false)) {
                message.set_field(&count, Value::I32(i32::try_from(left).unwrap_or(i32::MAX)));
            }
        }
    }
    // Those that are there, in the same order as they were gathered in.
    let fields: Vec<FieldDescriptor> = message.fields().map(|(field, _)| field).collect();
    for field in fields.into_iter().filter(|field| !field.is_map()) {
        let mut clear = false;
        match message.get_field_mut(&field) {
            Value::Message(inner) => clear = !drop_unseen(inner, seen),
            Value::List(values) => values.retain_mut(|value| match value {
                Value::Message(inner) => drop_unseen(inner, seen),
                _ => true,
            }),
            _ => {}
        }
        if clear {
            message.clear_field(&field);
        }
    }
    stays
}
