//! The flags of a command, out of the descriptor of its request: a field that is added to the proto is a flag at once.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{
    descriptors::{about_field, about_value, first_sentence, short, value_name},
    verbs::Verb,
};

/// Where in the request's JSON a flag's value goes: names of fields, and `0` for the first of a list.
pub(super) type Path = Vec<String>;

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
    /// One of the words; each stands for a value of the enum: (word, name in the proto, help).
    Word(Vec<(String, String, String)>),
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
    /// Any number of ARNs, each a copy action.
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
        matches!(
            self,
            Self::Pairs | Self::Choices | Self::List | Self::Conditions(_) | Self::CopyTo | Self::Json { list: true }
        )
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
    pub(super) position: Option<Position>,
}

/// A place on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) index: usize,
    pub(super) required: bool,
}

/// What is said of a field whose own name, kind or comment would not do for a flag.
struct Named {
    flag: &'static str,
    form: Option<Form>,
    help: Option<&'static str>,
}

fn named(message: &str, field: &str) -> Option<Named> {
    let flag = |flag| Named { flag, form: None, help: None };
    Some(match (message, field) {
        ("Lifecycle", "retention") => Named {
            flag: "keep-forever",
            form: Some(Form::Fixed("RETENTION_FOREVER")),
            help: Some("Keep for ever: nothing is deleted. Nothing defaults to it."),
        },
        ("Lifecycle", "delete_after_days") => flag("keep-days"),
        ("Lifecycle", "move_to_cold_storage_after_days") => flag("cold-storage-after-days"),
        ("Rule", "name") => {
            Named { help: Some("Name of the rule. A new plan's is called as the plan."), ..flag("rule") }
        }
        ("Rule", "target_vault") => flag("vault"),
        ("Rule", "schedule") => Named { form: Some(Form::Cron), ..flag("cron") },
        ("Rule", "schedule_timezone") => flag("timezone"),
        ("Rule", "copy_actions") => Named {
            flag: "copy-to",
            form: Some(Form::CopyTo),
            help: Some("ARN of a vault that each recovery point is copied to, kept there as long. Can be repeated."),
        },
        ("Rule", "enable_continuous_backup") => flag("continuous"),
        ("PointInTime", "time") => flag("at"),
        ("SetVaultAccessPolicyRequest", "policy") => Named {
            flag: "policy-file",
            form: Some(Form::File),
            help: Some("File with the policy, a JSON document; - for standard input."),
        },
        _ => return None,
    })
}

/// Conditions on tags, one flag an operator.
const CONDITIONS: &[(&str, &str, &str)] = &[
    ("tag", "OPERATOR_EQUALS", "The tag is there with exactly this value"),
    ("tag-not", "OPERATOR_NOT_EQUALS", "The tag is missing or has another value"),
    ("tag-like", "OPERATOR_LIKE", "The tag is there and its value fits the pattern, such as prod*"),
    ("tag-not-like", "OPERATOR_NOT_LIKE", "The tag is missing or its value does not fit the pattern"),
];

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
        let (field, required) = taken.strip_suffix('?').map_or((*taken, true), |field| (field, false));
        if let Some(flag) = flags.iter_mut().find(|flag| flag.targets.contains(&vec![field.to_owned()])) {
            flag.position = Some(Position { index: index + 1, required });
        }
    }
    flags.sort_by_key(|flag| flag.position.map_or(usize::MAX, |position| position.index));
    flags
}

fn fields(message: &MessageDescriptor, above: &Path) -> Vec<Flag> {
    let wanted = message.fields().filter(|field| !(above.is_empty() && SHARED.contains(&field.name())));
    wanted.flat_map(|field| of_field(&field, above)).collect()
}

fn of_field(field: &FieldDescriptor, above: &Path) -> Vec<Flag> {
    let named = named(short(field.parent_message().full_name()), field.name());
    let about = about_field(field);
    if about.contains("Output only") || about.contains("output only") {
        return Vec::new();
    }
    let mut path = above.clone();
    path.push(field.name().to_owned());
    // `True: it is checked` reads as `It is checked` at a switch.
    let about = match about.strip_prefix("True: ").map(|rest| (rest.chars().next(), rest)) {
        Some((Some(first), rest)) => first.to_uppercase().chain(rest.chars().skip(1)).collect(),
        Some((None, _)) | None => about,
    };
    let help = named.as_ref().and_then(|named| named.help).map_or(about, str::to_owned);
    let one = |name: String, form: Form| {
        vec![Flag { name, form, targets: vec![path.clone()], help: help.clone(), position: None }]
    };
    if let Some(Named { flag, form: Some(form), .. }) = &named {
        return one((*flag).to_owned(), form.clone());
    }
    let name = named.map_or_else(|| field.name().replace('_', "-"), |named| named.flag.to_owned());
    let singular = name.strip_suffix('s').unwrap_or(&name).to_owned();
    if field.is_map() {
        let entry = field.kind();
        let values = entry.as_message().map(|entry| entry.map_entry_value_field().kind());
        return one(singular, if matches!(values, Some(Kind::Bool)) { Form::Choices } else { Form::Pairs });
    }
    let list = field.is_list();
    match field.kind() {
        Kind::Message(kind) => match short(kind.full_name()) {
            "google.protobuf.Timestamp" => one(name, Form::Time),
            "google.protobuf.FieldMask" => one(name, Form::Mask),
            "TagCondition" if list => CONDITIONS.iter().map(|condition| of_condition(condition, &path)).collect(),
            "Period" => fields(&kind, &path).into_iter().map(|flag| of_period(flag, field.name())).collect(),
            // The simple case has one rule, and flags describe that one.
            "Rule" if list => {
                path.push("0".to_owned());
                fields(&kind, &path)
            }
            _ if list => one(singular, Form::Json { list }),
            _ if above.is_empty() || short(kind.full_name()) == "Lifecycle" => fields(&kind, &path),
            _ => one(name, Form::Json { list }),
        },
        Kind::Enum(of) if of.name() == "Match" => one("any".to_owned(), Form::Fixed("MATCH_ANY"))
            .into_iter()
            .map(|flag| Flag { help: "One of the conditions is enough. Without it, all must hold.".to_owned(), ..flag })
            .collect(),
        Kind::Enum(of) => {
            let word = |value: prost_reflect::EnumValueDescriptor| {
                let word = value_name(&of, &value).to_ascii_lowercase().replace('_', "-");
                (word, value.name().to_owned(), first_sentence(&about_value(&value)))
            };
            one(name, Form::Word(of.values().filter(|value| value.number() != 0).map(word).collect()))
        }
        _ if list => one(singular, Form::List),
        Kind::Bool if field.supports_presence() => one(name, Form::Choice),
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

fn of_condition((name, operator, help): &(&str, &'static str, &str), path: &Path) -> Flag {
    Flag {
        name: (*name).to_owned(),
        form: Form::Conditions(operator),
        targets: vec![path.clone()],
        help: format!("{help}. Can be repeated."),
        position: None,
    }
}

/// `--created-after` is the `after` of `create_time`.
fn of_period(flag: Flag, field: &str) -> Flag {
    let what = field.strip_suffix("_time").unwrap_or(field);
    let done = what.strip_suffix("ion").unwrap_or(what).trim_end_matches('e').to_owned() + "ed";
    Flag { name: format!("{}-{}", done.replace('_', "-"), flag.name), ..flag }
}

/// The flag by which a field of the request is given: `--vault` for `rules[0].target_vault`.
pub(super) fn flag_of(flags: &[Flag], field: &str) -> Option<String> {
    let place: Path =
        field.split(['.', '[']).map(|part| part.trim_end_matches(']').to_owned()).filter(|p| !p.is_empty()).collect();
    let fits = |flag: &&Flag| flag.targets.iter().any(|target| place.starts_with(target));
    let mut fitting = flags.iter().filter(fits);
    // Conditions have a flag for each operator, and nobody knows here which of them made this one.
    let flag = fitting.next().filter(|_| fitting.next().is_none())?;
    Some(match flag.position {
        Some(_) => format!("<{}>", flag.name.to_uppercase().replace('-', "_")),
        None => format!("--{}", flag.name),
    })
}
