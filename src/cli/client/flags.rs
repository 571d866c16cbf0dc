//! The flags of a command, out of the descriptor of its request: a field that is added to the proto is a flag at once.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::{
    named::{CONDITIONS, Named, each, interval, named},
    needs::needs,
    verb::Verb,
};
use crate::proto::descriptors::{about_field, about_value, first_sentence, is_output_only, oneof, short, value_name};

/// Where in the request's JSON a flag's value goes: names of fields, and `0` for the first of a list.
pub(super) type Path = Vec<String>;

/// A value of an enum: the word for it, its name in the proto, help.
pub(super) type Word = (String, String, String);

/// What a flag takes, and what becomes of it in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// No value: true.
    Switch,
    /// true or false; alone: true.
    Choice,
    Text,
    Whole,
    Decimal,
    /// RFC 3339, or a date.
    Time,
    /// One of the words.
    Word(Vec<Word>),
    /// Any number of the words.
    Words(Vec<Word>),
    /// No value: this value.
    Fixed(&'static str),
    /// KEY=VALUE, any number.
    Pairs,
    /// KEY=true or KEY=false, any number.
    Choices,
    /// Any number of values.
    List,
    /// Any number of KEY=VALUE, each a condition with this operator.
    Conditions(&'static str),
    /// Any number of vaults, each a copy action.
    CopyTo,
    /// A file whose text it is.
    File,
    /// `cron(…)`, or what stands between its parentheses.
    Cron,
    /// Fields, separated by commas.
    Mask,
    /// A message in JSON; any number of them where the field is a list.
    Json {
        list: bool,
    },
}

impl Form {
    pub(super) fn repeats(&self) -> bool {
        match self {
            Self::Words(_)
            | Self::Pairs
            | Self::Choices
            | Self::List
            | Self::Conditions(_)
            | Self::CopyTo
            | Self::Json { list: true } => true,
            Self::Switch
            | Self::Choice
            | Self::Text
            | Self::Whole
            | Self::Decimal
            | Self::Time
            | Self::Word(_)
            | Self::Fixed(_)
            | Self::File
            | Self::Cron
            | Self::Mask
            | Self::Json { list: false } => false,
        }
    }
}

/// A flag, or a value given by position.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    /// `keep-days`; of a value by position, what the usage calls it.
    pub(super) name: String,
    pub(super) form: Form,
    /// One place, or several of which those count that other flags have begun: the port of an instance or of a cluster.
    pub(super) targets: Vec<Path>,
    pub(super) help: String,
    /// Its place on the command line, from 1, if it has one.
    pub(super) position: Option<usize>,
    /// The command needs it, or a file, or one of these other flags. None: it can be left out.
    pub(super) unless: Option<Vec<String>>,
}

impl Flag {
    /// How people write it.
    pub(super) fn spelled(&self) -> String {
        match self.position {
            Some(_) => format!("<{}>", self.name.to_uppercase().replace('-', "_")),
            None => format!("--{}", self.name),
        }
    }

    /// Whether it says something at this place of the request, or below.
    pub(super) fn reaches(&self, place: &[String]) -> bool {
        self.targets.iter().any(|target| target.starts_with(place))
    }
}

/// Fields that every command with them gives by flags of its own, see `arguments`.
const SHARED: &[&str] = &["scope", "request_id", "page_size", "page_token"];

/// The flags and values by position of a command.
pub(super) fn flags(verb: &Verb, request: &MessageDescriptor) -> Vec<Flag> {
    let mut found: BTreeMap<String, Flag> = BTreeMap::new();
    let mut order = Vec::new();
    for flag in fields(request, &Path::new()) {
        // The same flag twice is one flag for both.
        match found.get_mut(&flag.name) {
            Some(there) => there.targets.extend(flag.targets),
            None => {
                order.push(flag.name.clone());
                found.insert(flag.name.clone(), flag);
            }
        }
    }
    let mut flags: Vec<Flag> = order.iter().filter_map(|name| found.remove(name)).collect();
    for (index, taken) in verb.takes.iter().enumerate() {
        let place: Path = taken.split('.').map(str::to_owned).collect();
        if let Some(flag) = flags.iter_mut().find(|flag| flag.targets.contains(&place)) {
            flag.position = Some(index + 1);
        }
    }
    flags.sort_by_key(|flag| flag.position.unwrap_or(usize::MAX));
    needs(&mut flags, request);
    flags
}

fn fields(message: &MessageDescriptor, above: &Path) -> Vec<Flag> {
    let wanted = message.fields().filter(|field| !(above.is_empty() && SHARED.contains(&field.name())));
    wanted.flat_map(|field| of_field(&field, above)).collect()
}

/// The message that a field holds and whose fields have flags of their own, and its place.
pub(super) fn within(field: &FieldDescriptor, above: &Path) -> Option<(MessageDescriptor, Path)> {
    let Kind::Message(kind) = field.kind() else { return None };
    let mut path = above.clone();
    path.push(field.name().to_owned());
    match short(kind.full_name()) {
        // The simple case has one rule, and flags describe that one.
        "Rule" if field.is_list() => path.push("0".to_owned()),
        // One of many requests, whose fields have the same names.
        "ApprovableRequest" => return None,
        name if field.is_list() || field.is_map() || name.starts_with("google.") => return None,
        _ => {}
    }
    Some((kind, path))
}

fn of_field(field: &FieldDescriptor, above: &Path) -> Vec<Flag> {
    if is_output_only(field) {
        return Vec::new();
    }
    let of = field.parent_message();
    let named = named(short(of.full_name()), field.name());
    let about = about_field(field);
    let mut path = above.clone();
    path.push(field.name().to_owned());
    let help = named.as_ref().and_then(|named| named.help).map_or(about, str::to_owned);
    let one = |name: String, form: Form| vec![flag(name, form, path.clone(), help.clone())];
    if let Some(Named { flag, form: Some(form), .. }) = &named {
        return one((*flag).to_owned(), form.clone());
    }
    let called = named.map(|named| named.flag).or_else(|| each(field.name()));
    let name = called.map_or_else(|| field.name().replace('_', "-"), str::to_owned);
    if field.is_map() {
        let entry = field.kind();
        let values = entry.as_message().map(|entry| entry.map_entry_value_field().kind());
        return one(name, if matches!(values, Some(Kind::Bool)) { Form::Choices } else { Form::Pairs });
    }
    let list = field.is_list();
    match field.kind() {
        Kind::Message(kind) => match (short(kind.full_name()), within(field, above)) {
            ("google.protobuf.Timestamp", _) => one(name, Form::Time),
            ("google.protobuf.FieldMask", _) => one(name, Form::Mask),
            ("TagCondition", _) if list => CONDITIONS.iter().map(|condition| of_condition(condition, &path)).collect(),
            ("TimeInterval", _) => {
                let stem = interval(short(of.full_name()), field.name()).map_or(name, str::to_owned);
                of_interval(&stem, &path, &help)
            }
            (_, Some((kind, path))) => fields(&kind, &path),
            (_, None) => one(name, Form::Json { list }),
        },
        Kind::Enum(of) if of.name() == "Match" => {
            let help = "One of the conditions is enough. Without it, all must hold.";
            vec![flag("any".to_owned(), Form::Fixed("MATCH_ANY"), path, help.to_owned())]
        }
        Kind::Enum(of) if list => one(name, Form::Words(words(&of))),
        Kind::Enum(of) => one(name, Form::Word(words(&of))),
        _ if list => one(name, Form::List),
        // Of a oneof, false is no choice: it is what the other members are for.
        Kind::Bool if field.supports_presence() && oneof(field).is_none() => one(name, Form::Choice),
        Kind::Bool => one(name, Form::Switch),
        Kind::Double | Kind::Float => one(name, Form::Decimal),
        Kind::String | Kind::Bytes => one(name, Form::Text),
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => one(name, Form::Whole),
    }
}

fn flag(name: String, form: Form, target: Path, help: String) -> Flag {
    Flag { name, form, targets: vec![target], help, position: None, unless: None }
}

fn words(of: &EnumDescriptor) -> Vec<Word> {
    let word = |value: prost_reflect::EnumValueDescriptor| {
        let word = value_name(of, &value).to_ascii_lowercase().replace('_', "-");
        (word, value.name().to_owned(), first_sentence(&about_value(&value)))
    };
    of.values().filter(|value| value.number() != 0).map(word).collect()
}

fn of_condition((name, operator, help): &(&str, &'static str, &str), path: &Path) -> Flag {
    flag((*name).to_owned(), Form::Conditions(operator), path.clone(), format!("{help}. Can be repeated."))
}

/// A span of time is two flags: from when on, and up to when.
fn of_interval(stem: &str, path: &Path, about: &str) -> Vec<Flag> {
    let what = first_sentence(about);
    // What else there is to say of the span is said once.
    let more = about.strip_prefix(&what).unwrap_or_default().trim_start_matches('.').trim_end();
    let side = |side: &str, field: &str, says: String| {
        let target = [path.as_slice(), &[field.to_owned()]].concat();
        flag(format!("{stem}-{side}"), Form::Time, target, format!("{what}: {says}"))
    };
    let before = if more.is_empty() { String::new() } else { format!(" See --{stem}-after.") };
    vec![
        side("after", "start_time", format!("at this time or later.{more}")),
        side("before", "end_time", format!("before this time.{before}")),
    ]
}

/// The flag by which a field of the request is given: `--vault` for `rules[0].vault`.
pub(super) fn flag_of(flags: &[Flag], field: &str) -> Option<String> {
    let place: Path =
        field.split(['.', '[']).map(|part| part.trim_end_matches(']').to_owned()).filter(|p| !p.is_empty()).collect();
    let fits = |flag: &&Flag| flag.targets.iter().any(|target| place.starts_with(target));
    let mut fitting = flags.iter().filter(fits);
    // Conditions have a flag for each operator, and nobody knows here which of them made this one.
    fitting.next().filter(|_| fitting.next().is_none()).map(Flag::spelled)
}
