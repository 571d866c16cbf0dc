//! What a request touches, read off the message by what the API says of its fields.

use std::{collections::BTreeMap, sync::LazyLock};

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::json;

use super::{
    policy::{
        Saying,
        schema::{SHORTENING, SHORTENS},
    },
    things::{Noun, sort_of},
};
use crate::{
    proto::{PlanRestoreRequest, descriptors},
    rpc::restore_token,
};

/// A thing that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) struct Named {
    pub(in crate::rpc) noun: Noun,
    pub(in crate::rpc) how: How,
    /// A name, an id or an ARN.
    pub(in crate::rpc) text: String,
    /// What stands beside it: the vault of a recovery point, the plan of a selection.
    pub(in crate::rpc) within: String,
}

/// What a request has to do with what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rpc) enum How {
    /// The call is about it.
    Names,
    /// A list is of what has to do with it.
    Filters,
    /// The call makes it.
    Makes,
    /// A second person decides on a request that names it.
    Approves,
    /// Whatever has these tags, now or later, where the text is a pattern; none: whatever its tags are.
    Selects(Option<BTreeMap<String, String>>),
}

/// What a database is to be, beside which the request makes one.
pub(in crate::rpc) const CLUSTER: &str = "cluster";

/// What a request touches, and what it says besides.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::rpc) struct Touched {
    pub(in crate::rpc) named: Vec<Named>,
    pub(in crate::rpc) saying: Saying,
    /// Tags that the request sets.
    pub(in crate::rpc) tags: Option<BTreeMap<String, String>>,
    /// Keys of tags that it takes away.
    pub(in crate::rpc) untags: Vec<String>,
    /// It could not be read, so that nobody knows what it touches.
    pub(in crate::rpc) is_unread: bool,
}

impl Touched {
    /// Of a message that came through the doorway, which has read it already.
    pub(in crate::rpc) fn by(input: &MessageDescriptor, bytes: &[u8]) -> Self {
        let Ok(message) = DynamicMessage::decode(input.clone(), bytes) else {
            // Such a message was refused at the door.
            return Self { is_unread: true, ..Self::default() };
        };
        let mut touched = Self { saying: saying(&message), ..Self::default() };
        touched.tags = map(&message, "tags");
        touched.untags = texts(&message, "tag_keys");
        touched.look(&message);
        touched
    }

    fn look(&mut self, message: &DynamicMessage) {
        let selects = message.descriptor().get_field_by_name("conditions").is_some();
        let beside = |noun: Noun| match noun {
            Noun::RecoveryPoint => text(message, "vault"),
            Noun::Selection => text(message, "plan"),
            // An instance and a cluster can have the same identifier.
            Noun::Database if message.descriptor().get_field_by_name("db_cluster_identifier").is_some() => {
                CLUSTER.to_owned()
            }
            _ => String::new(),
        };
        for (field, value) in message.fields() {
            let said = [
                (descriptors::names(&field), How::Names),
                (descriptors::filters(&field), How::Filters),
                (descriptors::makes(&field), How::Makes),
            ];
            for (noun, how) in said {
                let Some(noun) = noun else { continue };
                if selects && noun == Noun::Database {
                    continue;
                }
                for text in texts_of(value) {
                    if noun == Noun::PlannedRestore {
                        self.look_at_planned(text);
                    } else if !text.is_empty() {
                        let noun = sort_of(noun, text);
                        let (text, within) = (text.to_owned(), beside(noun));
                        self.named.push(Named { noun, how: how.clone(), text, within });
                    }
                }
            }
            for inner in messages_of(&field, value) {
                self.look(inner);
            }
        }
        if selects {
            self.look_at_selected(message);
        }
    }

    /// What a restore token stands for. One that cannot be read is refused when the request is.
    fn look_at_planned(&mut self, token: &str) {
        let Ok((planned, _)) = restore_token::read(token) else { return };
        let Some(of) = descriptors::message("PlanRestoreRequest") else { return };
        let bytes = PlanRestoreRequest::encode_to_vec(&planned);
        let Touched { named, .. } = Self::by(&of, &bytes);
        self.named.extend(named);
    }

    /// What a selection selects: the resources that it names, and whatever fits its patterns and conditions.
    fn look_at_selected(&mut self, message: &DynamicMessage) {
        const ANY: i32 = 2;
        const EQUALS: [i32; 2] = [0, 1];
        let conditions: Vec<Option<(String, String)>> = message
            .get_field_by_name("conditions")
            .map(|value| {
                let list = value.as_list().unwrap_or_default().iter().filter_map(Value::as_message);
                list.map(|condition| {
                    let operator = condition.get_field_by_name("operator").and_then(|value| value.as_enum_number());
                    let equals = operator.is_some_and(|operator| EQUALS.contains(&operator));
                    equals.then(|| (text(condition, "key"), text(condition, "value")))
                })
                .collect()
            })
            .unwrap_or_default();
        let any = message.get_field_by_name("match").and_then(|value| value.as_enum_number()) == Some(ANY);
        let resources = texts(message, "resources");
        let mut select = |text: &str, tags: Option<BTreeMap<String, String>>| {
            let (noun, within) = (Noun::Database, String::new());
            self.named.push(Named { noun, how: How::Selects(tags), text: text.to_owned(), within });
        };
        if any {
            for resource in &resources {
                select(resource, None);
            }
            if resources.is_empty() && conditions.is_empty() {
                select("*", None);
            }
            for condition in conditions {
                select("*", condition.map(|condition| BTreeMap::from([condition])));
            }
            return;
        }
        // Whatever else is asked of them, these tags they have.
        let tags: BTreeMap<String, String> = conditions.into_iter().flatten().collect();
        let tags = (!tags.is_empty()).then_some(tags);
        if resources.is_empty() {
            select("*", tags);
        } else {
            for resource in &resources {
                select(resource, tags.clone());
            }
        }
    }
}

/// What an item of an answer tells of: the fields of each noun, and where that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::rpc) struct Told {
    pub(in crate::rpc) named: BTreeMap<Noun, Vec<String>>,
    pub(in crate::rpc) account: String,
    pub(in crate::rpc) region: String,
}

impl Told {
    /// Of a thing that its ARN says where it is; `text` is what it is known by.
    pub(super) fn of_arn(noun: Noun, arn: &str, text: &str) -> Self {
        let part = |at| arn.split(':').nth(at).unwrap_or_default().to_owned();
        let named = [(noun, vec![text.to_owned()])].into_iter().collect();
        Self { named, account: part(4), region: part(3) }
    }

    pub(in crate::rpc) fn by(message: &DynamicMessage) -> Self {
        let mut told = Self::default();
        told.look(message, 0);
        told
    }

    fn look(&mut self, message: &DynamicMessage, depth: usize) {
        for (field, value) in message.fields() {
            if let Some(noun) = descriptors::names(&field) {
                let texts = texts_of(value).into_iter().filter(|text| !text.is_empty()).map(str::to_owned);
                self.named.entry(noun).or_default().extend(texts);
            }
            for inner in messages_of(&field, value) {
                if field.name() == "scope" && depth == 0 {
                    self.account = text(inner, "account");
                    self.region = text(inner, "region");
                }
                // An item within it tells of another thing.
                if descriptors::item(&inner.descriptor()).is_none() {
                    self.look(inner, depth + 1);
                }
            }
        }
    }
}

fn saying(message: &DynamicMessage) -> Saying {
    use super::policy::schema::Said;
    let told = message.descriptor().fields().collect::<Vec<_>>();
    let told = told.iter().filter_map(|field| {
        let said = Said::of(field)?;
        let value = message.get_field(field);
        let set = message.has_field(field);
        let maybe = |value: serde_json::Value| if set { json!({"value": value}) } else { json!({}) };
        let number = || value.as_i64().or_else(|| value.as_i32().map(i64::from)).unwrap_or_default();
        Some((
            field.name().to_owned(),
            match said {
                Said::Bool => json!(value.as_bool().unwrap_or_default()),
                Said::Number => json!(number()),
                Said::MaybeBool => maybe(json!(value.as_bool().unwrap_or_default())),
                Said::MaybeNumber => maybe(json!(number())),
                Said::Word => json!(word(field, &value)),
            },
        ))
    });
    let mut told: Saying = told.collect();
    if SHORTENING.contains(&message.descriptor().name().trim_end_matches("Request")) {
        told.insert(SHORTENS.to_owned(), false.into());
    }
    told
}

fn word(field: &FieldDescriptor, value: &Value) -> String {
    let kind = field.kind();
    let Some(of) = kind.as_enum() else { return String::new() };
    let value = of.get_value(value.as_enum_number().unwrap_or_default());
    value.map(|value| descriptors::value_name(of, &value)).unwrap_or_default()
}

/// The same, of a request of that action which says nothing: what an item of a list is decided by.
pub(in crate::rpc) fn saying_nothing(action: &str) -> &'static Saying {
    static ALL: LazyLock<BTreeMap<String, Saying>> = LazyLock::new(|| {
        let all = descriptors::methods().into_iter().chain(descriptors::streams());
        let methods = all.filter_map(|path| descriptors::method(&path));
        methods.map(|it| (it.name().to_owned(), saying(&DynamicMessage::new(it.input())))).collect()
    });
    static NONE: LazyLock<Saying> = LazyLock::new(Saying::default);
    ALL.get(action).unwrap_or(&NONE)
}

/// The text of a field; blank where there is none.
pub(super) fn text(message: &DynamicMessage, name: &str) -> String {
    let value = message.get_field_by_name(name);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn texts(message: &DynamicMessage, name: &str) -> Vec<String> {
    let value = message.get_field_by_name(name);
    value.map(|value| texts_of(&value).into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// The texts of a map.
pub(super) fn map(message: &DynamicMessage, name: &str) -> Option<BTreeMap<String, String>> {
    let value = message.get_field_by_name(name)?;
    let map = value.as_map()?;
    let pair = |(key, value): (&MapKey, &Value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned()));
    Some(map.iter().filter_map(pair).collect())
}

fn texts_of(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::List(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The messages that a field has, but for a map's.
pub(super) fn messages_of<'v>(field: &FieldDescriptor, value: &'v Value) -> Vec<&'v DynamicMessage> {
    if field.is_map() {
        return Vec::new();
    }
    match value {
        Value::Message(message) => vec![message],
        Value::List(values) => values.iter().filter_map(Value::as_message).collect(),
        _ => Vec::new(),
    }
}
