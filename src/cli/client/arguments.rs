//! The command line of the client commands: nouns and verbs for clap, and what every verb takes.

use std::time::Duration;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, Id,
    builder::{PossibleValue, PossibleValuesParser},
    value_parser,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use prost_reflect::MessageDescriptor;

use super::{
    flags::{Flag, Form, Path, flags},
    needs::ways,
    nouns::NOUNS,
    verb::{Asks, Verb, Waits},
    verbs::VERBS,
    way::WayFlags,
};
use crate::{
    cli::terminal,
    proto::descriptors::{about_method, first_sentence, method},
};

/// Headings of `--help`: of flags that the command needs, and below those of the command itself.
const REQUIRED: &str = "Required";
const CONNECTION: &str = "Connection";
const OUTPUT: &str = "Output";

/// A command for each noun. Its verbs are made when it is asked for: what serves never reads the descriptors for them.
pub(in crate::cli) fn nouns() -> impl Iterator<Item = Command> {
    NOUNS.iter().map(|(noun, about)| {
        Command::new(*noun)
            .term_width(terminal::width_of_help())
            .about(*about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .defer(with_verbs)
    })
}

fn with_verbs(noun: Command) -> Command {
    let verbs = VERBS.iter().filter(|verb| verb.noun == noun.get_name()).map(command).collect::<Vec<_>>();
    noun.subcommands(verbs)
}

fn command(verb: &Verb) -> Command {
    // Verbs are made so late that clap does not hand the width down to them.
    let mut command = Command::new(verb.name).term_width(terminal::width_of_help()).after_help(format!(
        "Example:\n  {}\n\nMakes the call {}. Exit codes: see strongroom --help",
        verb.example.replace('\n', "\n  "),
        verb.rpc
    ));
    let Some(method) = method(verb.rpc) else { return command };
    let call = about_method(&method);
    let about = match verb.opens {
        Some(opens) => format!("{opens}\n\n{call}"),
        None => call,
    };
    command = command.about(first_sentence(&about)).long_about(about);
    let request = method.input();
    let takes_file = request.fields().len() > 0;
    let flags = flags(verb, &request);
    command = command.override_usage(usage(verb, &flags, &request));
    for flag in &flags {
        command = command.arg(argument(flag));
    }
    if takes_file {
        command = command.arg(
            Arg::new("file")
                .short('f')
                .long("file")
                .value_name("FILE")
                .help("The request in JSON, as in the proto, or what `get -o json` shows; - for standard input")
                .long_help(
                    "The request in JSON, as in the proto (fields in lowerCamelCase or snake_case), or what `get -o json` \
                     shows of the thing; - for standard input. Flags are put on top.",
                ),
        );
    }
    command = shared(command, &request);
    match verb.asks {
        Asks::Never => {}
        Asks::Always(_) | Asks::WhenRulesGo => {
            command = command.arg(switch("yes", "Do it without asking").short('y'));
        }
    }
    waiting(command, verb)
}

/// A line for each way to say what the command needs.
fn usage(verb: &Verb, flags: &[Flag], request: &MessageDescriptor) -> String {
    let start = format!("strongroom {} {}", verb.noun, verb.name);
    let by_position: Vec<&Flag> = flags.iter().filter(|flag| flag.position.is_some()).collect();
    let mut lines: Vec<String> = Vec::new();
    for way in ways(flags, request, &Path::new()) {
        let mut line = start.clone();
        let mut add = |words: String| {
            line.push(' ');
            line.push_str(&words);
        };
        let more = |flag: &Flag| if flag.form.repeats() { "..." } else { "" };
        for flag in &by_position {
            if way.contains(&flag.name) {
                add(flag.spelled() + more(flag));
            } else if flag.unless.is_none() {
                add(format!("[{}]{}", flag.spelled().trim_matches(['<', '>']), more(flag)));
            }
        }
        for flag in flags.iter().filter(|flag| flag.position.is_none() && way.contains(&flag.name)) {
            add(format!("{} <{}>", flag.spelled(), value_name(flag)));
        }
        lines.push(line + " [OPTIONS]");
    }
    if flags.iter().any(|flag| flag.unless.is_some()) {
        lines.push(start + " -f <FILE> [OPTIONS]");
    }
    lines.dedup();
    lines.join("\n       ")
}

/// The arguments that depend only on which of the fields that many requests have are there.
pub(super) fn shared(mut command: Command, request: &MessageDescriptor) -> Command {
    let has = |field: &str| request.get_field_by_name(field).is_some();
    if has("scope") {
        command = command
            .arg(text("account", "ACCOUNT", "AWS account, twelve digits; the server's default without it"))
            .arg(text("region", "REGION", "AWS region; the server's default without it"));
    }
    if has("request_id") {
        let help = "Makes repeating safe: the same id does it once. A new one is made without it";
        command = command.arg(text("request-id", "UUID", help));
    }
    if has("page_size") {
        command = command
            .arg(
                text("page-size", "N", "Show one page of at most N, 1-1000; without it, everything")
                    .value_parser(value_parser!(i32).range(1..=1000)),
            )
            .arg(text("page-token", "TOKEN", "Show the page that this token of the page before leads to"));
    }
    let formats = PossibleValuesParser::new([
        PossibleValue::new("table").help("For people"),
        PossibleValue::new("json").help("One document: the answer in protobuf's JSON, all pages of a list in one"),
        PossibleValue::new("jsonl").help("One document a line; of a list, one for each thing, as they come"),
    ]);
    WayFlags::augment_args(command)
        .next_help_heading(None::<&'static str>)
        .arg(
            text("timeout", "DURATION", "How long to wait for the answer to a call, such as 30s")
                .value_parser(duration)
                .help_heading(CONNECTION),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FORMAT")
                .value_parser(formats)
                .default_value("table")
                .help("How the answer is shown")
                .help_heading(OUTPUT),
        )
}

fn waiting(command: Command, verb: &Verb) -> Command {
    let command = match verb.watches {
        Some(_) => command.arg(
            switch("watch", "Go on with what changes, a line for each, until Ctrl-C; of what the server remembers")
                .short('w')
                .conflicts_with_all(["read", "page-size", "page-token"])
                .help_heading(OUTPUT),
        ),
        None => command,
    };
    let limit = text("wait-timeout", "DURATION", "Stop waiting after this time, such as 2h; the job goes on")
        .value_parser(duration)
        .help_heading(OUTPUT);
    match verb.waits {
        Waits::Never => command,
        Waits::Asked => command
            .arg(switch("wait", "Wait until the job has ended, and show its progress").help_heading(OUTPUT))
            .arg(limit.requires("wait")),
        Waits::Always => command.arg(limit),
    }
}

fn argument(flag: &Flag) -> Arg {
    let arg = Arg::new(flag.name.clone()).help(first_sentence(&flag.help)).long_help(flag.help.clone());
    let arg = match &flag.unless {
        Some(others) => {
            let others = others.iter().map(|name| Id::from(name.clone()));
            arg.required_unless_present_any(others.chain([Id::from("file")]))
        }
        None => arg,
    };
    let arg = match flag.position {
        Some(index) => arg.index(index).value_name(flag.name.to_uppercase().replace('-', "_")),
        None => arg.long(flag.name.clone()).value_name(value_name(flag)),
    };
    let arg = if flag.unless.is_some() && flag.position.is_none() { arg.help_heading(REQUIRED) } else { arg };
    let arg = match (&flag.form, flag.position) {
        (Form::Switch | Form::Fixed(_), _) => return arg.action(ArgAction::SetTrue),
        (Form::Choice, _) => {
            let arg = arg.value_parser(value_parser!(bool)).hide_possible_values(true);
            arg.num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        (Form::Whole, _) => arg.value_parser(value_parser!(i64)).allow_negative_numbers(true),
        (Form::Decimal, _) => arg.value_parser(value_parser!(f64)),
        (Form::Time, _) => arg.value_parser(time),
        (Form::Pairs | Form::Conditions(_), _) => arg.value_parser(pair),
        (Form::Choices, _) => arg.value_parser(choice),
        (Form::Word(words) | Form::Words(words), _) => {
            let words = words.iter().map(|(word, _, help)| PossibleValue::new(word.clone()).help(help.clone()));
            arg.value_parser(PossibleValuesParser::new(words)).ignore_case(true)
        }
        (Form::Text | Form::File | Form::List | Form::CopyTo | Form::Cron | Form::Mask | Form::Json { .. }, _) => arg,
    };
    match (flag.form.repeats(), flag.position) {
        (true, Some(_)) => arg.num_args(1..),
        (true, None) => arg.action(ArgAction::Append),
        (false, _) => arg,
    }
}

fn value_name(flag: &Flag) -> String {
    match &flag.form {
        Form::Whole | Form::Decimal => "N".to_owned(),
        Form::Time => "TIME".to_owned(),
        Form::Pairs | Form::Conditions(_) => "KEY=VALUE".to_owned(),
        Form::Choices => "KEY=true|false".to_owned(),
        Form::Choice => "true|false".to_owned(),
        Form::CopyTo => "VAULT".to_owned(),
        Form::Cron => "CRON".to_owned(),
        Form::Mask => "FIELD,…".to_owned(),
        Form::Json { .. } => "JSON".to_owned(),
        Form::Switch | Form::Fixed(_) | Form::Text | Form::File | Form::List | Form::Word(_) | Form::Words(_) => {
            flag.name.rsplit('-').next().unwrap_or(&flag.name).to_uppercase()
        }
    }
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

pub(super) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn choice(text: &str) -> Result<(String, bool), String> {
    let (key, value) = pair(text)?;
    Ok((key, value.parse().map_err(|_| "write KEY=true or KEY=false")?))
}

/// An instant, or a date for its midnight in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let midnight = text.parse::<Date>().and_then(|date| date.to_zoned(TimeZone::UTC));
    midnight.map(|at| at.timestamp()).map_err(|_| "write 2026-03-02T05:00:00Z, or a date".to_owned())
}

/// A time that is more than none.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 30s, 10m or 2h".to_owned();
    let parsed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}

/// The words of a flag that was given, in order.
pub(super) fn given<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    matches.try_get_many(name).ok().flatten().map(|values| values.cloned().collect()).unwrap_or_default()
}

/// The value of a flag that was given and that this command has.
pub(super) fn one<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Option<T> {
    matches.try_get_one(name).ok().flatten().cloned()
}

/// Whether a switch was given that this command has.
pub(super) fn on(matches: &ArgMatches, name: &str) -> bool {
    one(matches, name).unwrap_or(false)
}
