//! Answers for people: tables of lists, details of single things. For programs there is `-o json`.

mod columns;
pub(super) mod table;
#[cfg(test)]
mod tests;
pub(super) mod text;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, SerializeOptions, Value,
};

use self::text::{is_inline, lines};
use super::failure::Failure;
use crate::cli::{DONE, FAILED, terminal};

/// `SEVERITY_INFO` and `SEVERITY_ERROR`.
const INFO: i32 = 1;
const ERROR: i32 = 3;
/// As a number, that AWS was asked.
const LIVE: i32 = 1;
/// As a number, the state of an account and region of which everything is known.
const CURRENT: i32 = 3;

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Lines,
}

impl Format {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "json" => Self::Json,
            "jsonl" => Self::Lines,
            _ => Self::Table,
        }
    }
}

/// The field of a list's answer that holds the things listed; none in an answer that is no list.
pub(super) fn listed(answer: &MessageDescriptor) -> Option<FieldDescriptor> {
    answer.get_field_by_name("next_page_token")?;
    answer.fields().find(|field| field.is_list() && field.name() != "findings")
}

/// The whole answer in protobuf's JSON, its keys in order, so that equal answers are equal texts.
pub(super) fn json(answer: &DynamicMessage, pretty: bool) -> Result<String, Failure> {
    // By way of a value: the descriptors' own maps have no order.
    written(&value(answer)?, pretty)
}

/// The whole answer in protobuf's JSON, as a value.
pub(super) fn value(answer: &DynamicMessage) -> Result<serde_json::Value, Failure> {
    let told = answer.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new());
    told.map_err(broken).map(|mut document| {
        document.sort_all_objects();
        document
    })
}

/// A document as text.
pub(super) fn written(document: &serde_json::Value, pretty: bool) -> Result<String, Failure> {
    let text = if pretty { serde_json::to_string_pretty(document) } else { serde_json::to_string(document) };
    text.map(|text| text + "\n").map_err(broken)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn broken(error: serde_json::Error) -> Failure {
    Failure::new(FAILED, format!("the answer cannot be shown: {error}"))
}

/// Writes to standard output. A reader who has closed the pipe wants no more, and that is no failure.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    match out_while_read(text) {
        Err(failure) if failure.code == DONE => Ok(()),
        done => done,
    }
}

/// The same of a command that goes on until somebody ends it: a reader who wants no more does.
pub(super) fn out_while_read(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::quiet(DONE)),
        Err(error) => Err(Failure::new(FAILED, format!("standard output cannot be written: {error}"))),
    }
}

/// Whether what was found stands beside the answer, on standard error: of a change and of a list, whose answers are what
/// they have done or listed. Of what only looks, it is the answer.
fn are_aside(answer: &MessageDescriptor) -> bool {
    ["request_id", "next_page_token"].iter().any(|field| answer.get_field_by_name(field).is_some())
}

fn found(answer: &DynamicMessage) -> Vec<DynamicMessage> {
    let findings = answer.get_field_by_name("findings");
    let findings = findings.as_deref().and_then(Value::as_list).unwrap_or_default();
    findings.iter().filter_map(|finding| finding.as_message().cloned()).collect()
}

/// The findings that stand beside an answer, each with what to do.
pub(super) fn findings(answer: &DynamicMessage) -> Vec<String> {
    if !are_aside(&answer.descriptor()) {
        return Vec::new();
    }
    let line = |finding: DynamicMessage| {
        let text = |field: &str| {
            let value = finding.get_field_by_name(field);
            value.and_then(|value| value.as_str().map(text::clean)).unwrap_or_default()
        };
        let severity = finding.get_field_by_name("severity").and_then(|severity| severity.as_enum_number());
        let word = match severity {
            Some(INFO) => "note",
            Some(ERROR) => "problem",
            Some(_) | None => "warning",
        };
        let about: Vec<String> = ["field", "subject"].map(text).into_iter().filter(|text| !text.is_empty()).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        let action = match text("action") {
            action if action.is_empty() => action,
            action => format!("\n  what to do: {action}"),
        };
        format!("{word}: {}: {}{about}{action}", text("code"), text("message"))
    };
    found(answer).into_iter().map(line).collect()
}

/// Whether something with this code was found.
pub(super) fn has_finding(answer: &DynamicMessage, code: &str) -> bool {
    let is = |finding: &DynamicMessage| finding.get_field_by_name("code").is_some_and(|is| is.as_str() == Some(code));
    found(answer).iter().any(is)
}

/// A field that has a value, and the value.
type Set<'m> = (FieldDescriptor, &'m Value);

/// What an answer is shown on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paper {
    /// Whether it has colours.
    pub(super) colour: bool,
    /// Its columns; none: as many as it takes.
    pub(super) width: Option<usize>,
}

impl Paper {
    /// Standard output, as wide as its terminal if it is one.
    pub(super) fn stdout() -> Self {
        Self { colour: console::colors_enabled(), width: terminal::width_of_stdout() }
    }

    fn indented(self, indent: &str) -> Self {
        Self { width: self.width.map(|width| width.saturating_sub(indent.len())), ..self }
    }
}

impl From<bool> for Paper {
    fn from(colour: bool) -> Self {
        Self { colour, width: None }
    }
}

/// The answer for people.
pub(super) fn page(answer: &DynamicMessage, paper: impl Into<Paper>) -> String {
    let paper = paper.into();
    let mut page = String::new();
    let mut rest: Vec<Set<'_>> = answer.fields().collect();
    let aside = are_aside(&answer.descriptor());
    rest.retain(|(field, _)| !aside || field.name() != "findings");
    if let Some(things) = listed(&answer.descriptor()) {
        match answer.get_field(&things).as_list().unwrap_or_default() {
            [] => page.push_str("None.\n"),
            all => page.push_str(&table::of(&things, all, paper)),
        }
        let is_live = answer.get_field_by_name("read").and_then(|read| read.as_enum_number()) == Some(LIVE);
        rest.retain(|(field, value)| *field != things && is_for_people(field, value));
        // AWS's answer is of now.
        rest.retain(|(field, _)| !is_live || field.name() != "as_of");
    } else if let Some((_, Value::Message(subject))) = rest.first().filter(|(field, _)| field.number() == 1)
        && is_section(&rest[0].0)
        && answer.get_field_by_name("summary").is_none()
    {
        // What the answer is about comes first and stands for itself; what else there is to say follows. An answer with a
        // summary begins with that.
        details(&mut page, subject.fields().collect(), "", paper);
        rest.remove(0);
        if rest.iter().any(|(field, _)| !is_section(field)) {
            page.push('\n');
        }
    }
    // A no is said as well: AWS may still be at it.
    let no = Value::Bool(false);
    if let Some(deleted) = answer.descriptor().get_field_by_name("deleted").filter(|field| !answer.has_field(field)) {
        rest.insert(0, (deleted, &no));
    }
    // The id of the call alone does not say that anything was done.
    if page.is_empty() && rest.iter().all(|(field, _)| field.name() == "request_id") {
        page.push_str("Done.\n");
    }
    details(&mut page, rest, "", paper);
    page
}

/// Whether people want to see it beside what is listed: not what programs go on with, nor that all is as it should be.
fn is_for_people(field: &FieldDescriptor, value: &Value) -> bool {
    let is_current = |scope: &Value| {
        let state = scope.as_message().and_then(|scope| Some(scope.get_field_by_name("state")?.into_owned()));
        state.and_then(|state| state.as_enum_number()) == Some(CURRENT)
    };
    match field.name() {
        "next_page_token" | "resume_token" | "read" => false,
        "scopes" => !value.as_list().unwrap_or_default().iter().all(is_current),
        _ => true,
    }
}

fn is_section(field: &FieldDescriptor) -> bool {
    !field.is_map() && matches!(field.kind(), Kind::Message(kind) if !is_inline(&kind))
}

/// Single values in a column of their own, then what has sections and tables.
fn details(page: &mut String, fields: Vec<Set<'_>>, indent: &str, paper: Paper) {
    // Where AWS's own word for a state is there, it says all that ours would.
    let words: Vec<String> =
        fields.iter().filter_map(|(field, _)| field.name().strip_suffix("_text").map(str::to_owned)).collect();
    let shown = fields.into_iter().filter(|(field, _)| !words.iter().any(|word| word == field.name()));
    let (sections, values): (Vec<Set<'_>>, Vec<Set<'_>>) = shown.partition(|(field, _)| is_section(field));
    let label = |field: &FieldDescriptor| field.name().trim_end_matches("_text").replace('_', " ");
    let width = values.iter().map(|(field, _)| label(field).len()).max().unwrap_or(0) + 1;
    for (field, value) in values {
        let name = label(&field) + ":";
        for (at, line) in lines(&field, value).iter().enumerate() {
            let name = if at == 0 { name.as_str() } else { "" };
            _ = writeln!(page, "{indent}{name:<width$}  {line}");
        }
    }
    let deeper = format!("{indent}  ");
    for (field, value) in sections {
        let parts = match value {
            Value::List(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        if !page.is_empty() {
            page.push('\n');
        }
        _ = writeln!(page, "{indent}{}:", label(&field));
        if columns::of(&field).is_some() {
            for line in table::of(&field, parts, paper.indented(&deeper)).lines() {
                _ = writeln!(page, "{deeper}{line}");
            }
            continue;
        }
        for (at, part) in parts.iter().filter_map(Value::as_message).enumerate() {
            if at > 0 {
                page.push('\n');
            }
            let mut section = String::new();
            details(&mut section, part.fields().collect(), &deeper, paper);
            page.push_str(&section);
        }
    }
}
