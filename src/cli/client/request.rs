//! The request of a command: what its file says, with what its flags say on top.

use std::{
    fs::File,
    io::{self, Read},
};

use clap::{ArgMatches, parser::ValueSource};
use jiff::Timestamp;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value, json};

use super::{
    arguments::{given, on, one},
    failure::Failure,
    flags::{Flag, Form, Path},
    lift,
    needs::oneofs,
};
use crate::{
    cli::tell,
    proto::descriptors::{is_required, short},
};

/// Larger than any plan; what is longer is not one.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Pages of everything are as large as they may be.
const WHOLE_PAGE: i32 = 1000;

/// The request in JSON, with the proto's names of fields. A mutation that names no `request_id` is given one, so that it
/// can be repeated safely.
pub(super) fn document(matches: &ArgMatches, of: &MessageDescriptor, flags: &[Flag]) -> Result<Value, Failure> {
    let mut document = match one::<String>(matches, "file") {
        Some(file) => from_file(&file, of)?,
        None => Value::Object(Map::new()),
    };
    let (shared, own): (Vec<&Flag>, Vec<&Flag>) = flags.iter().partition(|flag| flag.targets.len() > 1);
    for flag in &own {
        if let Some(value) = value(matches, flag)? {
            flag.targets.iter().try_for_each(|path| put(&mut document, path, value.clone()))?;
        }
    }
    for flag in shared {
        let Some(value) = value(matches, flag)? else { continue };
        let begun = flag.targets.iter().filter(|path| at(&document, above(path)).is_some());
        let begun: Vec<&Path> = begun.collect();
        if begun.is_empty() {
            // Its own flags begin what this one belongs to.
            let begins = |path: &Path| own.iter().find(|own| own.reaches(above(path)));
            let of: Vec<String> = flag.targets.iter().filter_map(begins).map(|own| format!("--{}", own.name)).collect();
            return Err(Failure::usage(format!("--{} needs {} too", flag.name, of.join(" or "))));
        }
        begun.into_iter().try_for_each(|path| put(&mut document, path, value.clone()))?;
    }
    exclusive(matches, of, flags, &document)?;
    fill_in(matches, of, &mut document)?;
    Ok(document)
}

/// The request that a document says.
pub(super) fn message(of: &MessageDescriptor, document: Value) -> Result<DynamicMessage, Failure> {
    DynamicMessage::deserialize(of.clone(), document)
        .map_err(|error| Failure::usage(format!("this is no {}: {error}", short(of.full_name()))))
}

/// The place of the message that a field is in.
fn above(path: &Path) -> &[String] {
    path.split_last().map_or(&[], |(_, above)| above)
}

/// A oneof takes one of its members.
fn exclusive(matches: &ArgMatches, of: &MessageDescriptor, flags: &[Flag], document: &Value) -> Result<(), Failure> {
    for members in oneofs(of, &Path::new()) {
        let mut said = members.iter().filter(|member| at(document, member).is_some());
        if let (Some(one), Some(other)) = (said.next(), said.next()) {
            let by = |member: &Path| {
                let flag = flags.iter().find(|flag| flag.reaches(member) && is_given(matches, flag));
                flag.map_or_else(|| format!("{} of the file", member.join(".")), Flag::spelled)
            };
            return Err(Failure::usage(format!("{} cannot go with {}: say one of them", by(other), by(one))));
        }
    }
    Ok(())
}

/// Whether a flag stands on the command line. A switch has a value always.
pub(super) fn is_given(matches: &ArgMatches, flag: &Flag) -> bool {
    matches.value_source(&flag.name) == Some(ValueSource::CommandLine)
}

fn fill_in(matches: &ArgMatches, of: &MessageDescriptor, document: &mut Value) -> Result<(), Failure> {
    let mut set = |path: &[&str], value: Option<Value>| {
        let path: Path = path.iter().map(|&part| part.to_owned()).collect();
        value.map_or(Ok(()), |value| put(document, &path, value))
    };
    for (flag, path) in [
        ("account", ["scope", "account"].as_slice()),
        ("region", &["scope", "region"]),
        ("request-id", &["request_id"]),
        ("page-token", &["page_token"]),
    ] {
        set(path, one::<String>(matches, flag).map(Value::from))?;
    }
    set(&["page_size"], one::<i32>(matches, "page-size").map(Value::from))?;
    let mut default = |field: &str, value: Value| {
        if of.get_field_by_name(field).is_some()
            && let Some(document) = document.as_object_mut()
        {
            document.entry(field).or_insert(value);
        }
    };
    default("request_id", uuid::Uuid::new_v4().to_string().into());
    default("page_size", WHOLE_PAGE.into());
    // A rule of flags alone is called as its plan, where plans are made.
    if of.get_field_by_name("rules").is_some_and(|rules| is_required(&rules))
        && let Some(name) = at(document, &["name".to_owned()]).cloned()
        && let Some(rule) = document.pointer_mut("/rules/0").and_then(Value::as_object_mut)
    {
        rule.entry("name").or_insert(name);
    }
    Ok(())
}

/// What a flag says in the request's JSON; none when it was not given.
fn value(matches: &ArgMatches, flag: &Flag) -> Result<Option<Value>, Failure> {
    let name = flag.name.as_str();
    let list = |values: Vec<Value>| if values.is_empty() { None } else { Some(Value::Array(values)) };
    let object = |values: Vec<(String, Value)>| {
        let mut members = Map::new();
        for (key, value) in values {
            if members.insert(key.clone(), value).is_some() {
                return Err(Failure::usage(format!("{} gives {key} twice: give each key once", flag.spelled())));
            }
        }
        Ok((!members.is_empty()).then_some(Value::Object(members)))
    };
    let texts = || given::<String>(matches, name);
    Ok(match &flag.form {
        Form::Switch => on(matches, name).then_some(Value::Bool(true)),
        Form::Fixed(value) => on(matches, name).then(|| json!(value)),
        Form::Choice => one::<bool>(matches, name).map(Value::Bool),
        Form::Whole => one::<i64>(matches, name).map(Value::from),
        Form::Decimal => one::<f64>(matches, name).map(Value::from),
        Form::Time => one::<Timestamp>(matches, name).map(|at| at.to_string().into()),
        Form::Text => one::<String>(matches, name).map(Value::from),
        Form::Word(words) => {
            let said = one::<String>(matches, name).map(|word| word.to_ascii_lowercase());
            words.iter().find(|(word, ..)| said.as_ref() == Some(word)).map(|(_, value, _)| value.as_str().into())
        }
        Form::Words(words) => {
            let said = texts().into_iter().map(|word| word.to_ascii_lowercase());
            let value =
                |said: String| words.iter().find(|(word, ..)| *word == said).map(|(_, value, _)| value.as_str());
            list(said.filter_map(value).map(Value::from).collect())
        }
        Form::File => one::<String>(matches, name).map(|file| text_of(&file)).transpose()?.map(Value::from),
        Form::Cron => one::<String>(matches, name).map(|text| cron(&text).into()),
        Form::Mask => one::<String>(matches, name).map(|text| mask(&text).into()),
        Form::List => list(texts().into_iter().map(Value::from).collect()),
        Form::CopyTo => list(texts().into_iter().map(|vault| json!({ "destination_vault": vault })).collect()),
        Form::Pairs => {
            let pairs = given::<(String, String)>(matches, name);
            object(pairs.into_iter().map(|(key, value)| (key, value.into())).collect())?
        }
        Form::Choices => {
            let choices = given::<(String, bool)>(matches, name);
            object(choices.into_iter().map(|(key, value)| (key, value.into())).collect())?
        }
        Form::Conditions(operator) => {
            let pairs = given::<(String, String)>(matches, name).into_iter();
            list(pairs.map(|(key, value)| json!({ "key": key, "operator": operator, "value": value })).collect())
        }
        Form::Json { list: many } => {
            let parse = |text: String| {
                let parsed: Result<Value, _> = serde_json::from_str(&text);
                parsed.map_err(|error| Failure::usage(format!("--{name} is not JSON: {error}")))
            };
            let values: Vec<Value> = texts().into_iter().map(parse).collect::<Result<_, _>>()?;
            if *many { list(values) } else { values.into_iter().next() }
        }
    })
}

/// AWS's way to write it; `rate(…)` and what is no cron at all is the server's to judge.
fn cron(text: &str) -> String {
    if text.contains('(') { text.to_owned() } else { format!("cron({text})") }
}

/// Protobuf's JSON has the fields of a mask in lowerCamelCase.
pub(super) fn mask(text: &str) -> String {
    let mut camel = String::new();
    let mut raise = false;
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        match letter {
            '_' => raise = true,
            letter if raise => {
                camel.push(letter.to_ascii_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

fn at<'d>(document: &'d Value, path: &[String]) -> Option<&'d Value> {
    path.iter().try_fold(document, |value, part| match value {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    })
}

/// Puts a value where the path leads. A list of conditions grows by those of each of its flags.
fn put(document: &mut Value, path: &[String], value: Value) -> Result<(), Failure> {
    let Some((part, below)) = path.split_first() else {
        return match (document, value) {
            (Value::Array(there), Value::Array(more)) => {
                there.extend(more);
                Ok(())
            }
            (Value::Object(there), Value::Object(more)) => {
                there.extend(more);
                Ok(())
            }
            (there, value) => {
                *there = value;
                Ok(())
            }
        };
    };
    if part == "0" {
        if document.is_null() {
            *document = json!([{}]);
        }
        let Some([only]) = document.as_array_mut().map(Vec::as_mut_slice) else {
            let text = "flags describe a plan's single rule, and the file has several: say all of it in the file";
            return Err(Failure::usage(text));
        };
        return put(only, below, value);
    }
    if document.is_null() {
        *document = Value::Object(Map::new());
    }
    match document.as_object_mut() {
        Some(object) => put(object.entry(part.clone()).or_insert(Value::Null), below, value),
        None => Err(Failure::usage(format!("{part} is no field of {document}"))),
    }
}

fn name_of(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

fn text_of(file: &str) -> Result<String, Failure> {
    let wrong = |what: String| Failure::usage(format!("{}: {what}", name_of(file)));
    let mut text = String::new();
    let read = if file == "-" {
        io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
    };
    let read = read.map_err(|error| wrong(error.to_string()))?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_FILE_BYTES) {
        return Err(wrong(format!("is longer than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

fn from_file(file: &str, of: &MessageDescriptor) -> Result<Value, Failure> {
    let name = name_of(file);
    let wrong = |what: String| Failure::usage(format!("{name}: {what}"));
    let text = text_of(file)?;
    let document: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    let document = match lift::of(&document, of) {
        Some(lifted) => {
            let lifted = lifted.map_err(&wrong)?;
            for note in lifted.notes {
                tell(format_args!("note: {name}: {note}"));
            }
            lifted.request
        }
        None => document,
    };
    normal(of, document).map_err(|error| wrong(format!("is no {}: {error}", short(of.full_name()))))
}

/// The document with the proto's own names of fields, whichever it had; nothing unknown is in it.
pub(super) fn normal(of: &MessageDescriptor, document: Value) -> Result<Value, serde_json::Error> {
    let message = DynamicMessage::deserialize(of.clone(), document)?;
    message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new().use_proto_field_name(true))
}
