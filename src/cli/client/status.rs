//! `status`: whether all is well, on one screen, and by the exit code. It asks what the server remembers, and nothing of AWS.

mod screen;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use clap::{ArgMatches, Command, FromArgMatches};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use serde_json::{Map, Value, json};

use self::screen::{Answers, Verdict};
use super::{
    arguments::{on, one, shared, switch},
    connection::Connection,
    failure::{Failure, NOT_TOLD, NOT_WELL, refusal},
    request::message,
    show::{self, Format},
    way::{Way, WayFlags},
};
use crate::{
    cli::{FAILED, terminal},
    proto::descriptors,
};

/// What the command is called.
pub(super) const NAME: &str = "status";

const ABOUT: &str = "The fleet on one screen: whether all is well";

const LONG_ABOUT: &str = "\
    The fleet on one screen: which databases are protected, what is past its RPO, what goes wrong and what to do about it, how jobs \
    went since yesterday, what runs next, and how far the server knows. It tells what the server remembers, and asks nothing of \
    AWS.\n\nWhat is not known is said to be not known, and is not well.";

const AFTER: &str = "\
Example:
  strongroom status --all-scopes
  strongroom status -o json | jq -r '.problems[]'

Exit codes: 0 all is well; 9 it is not; 10 it cannot be told, because the server does not know or does not follow everything; the
others as of every command, see strongroom --help";

/// Things of a sort that are asked for; the screen shows fewer.
const FEW: u32 = 5;
const MANY: u32 = 100;

/// The command, whose arguments are made when it is asked for.
pub(in crate::cli) fn command() -> Command {
    Command::new(NAME).term_width(terminal::width_of_help()).about(ABOUT).defer(|command| {
        let command = command.long_about(LONG_ABOUT).after_help(AFTER);
        let command = command.arg(switch("all-scopes", "Of every account and region that the server follows"));
        match descriptors::method("ProtectionService/GetCoverage") {
            Some(method) => shared(command, &method.input()),
            None => command,
        }
    })
}

/// Asks, shows, and judges.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let said = WayFlags::from_arg_matches(matches).map_err(|error| Failure::usage(error.to_string()))?;
    let way = Arc::new(Way::of_process(&said).map_err(Failure::usage)?);
    let format = Format::of(&one::<String>(matches, "output").unwrap_or_default());
    let scope = scope(matches);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(FAILED, format!("the runtime cannot be started: {error}")))?;
    let asked = runtime.block_on(async {
        let connection = Connection::open(Arc::clone(&way), one::<Duration>(matches, "timeout")).await?;
        ask(&connection, &way, &scope).await
    })?;
    let answers = asked.answers();
    let verdict = answers.verdict();
    match format {
        Format::Table => show::out(&screen::drawn(&answers, &verdict, &way.to_string(), show::Paper::stdout()))?,
        Format::Json | Format::Lines => {
            show::out(&show::written(&asked.document(&verdict)?, format == Format::Json)?)?;
        }
    }
    match verdict {
        Verdict { problems, .. } if !problems.is_empty() => Err(Failure::quiet(NOT_WELL)),
        Verdict { unknown, .. } if !unknown.is_empty() => Err(Failure::quiet(NOT_TOLD)),
        Verdict { .. } => Ok(()),
    }
}

/// Which accounts and regions are meant, as requests say it.
fn scope(matches: &ArgMatches) -> Map<String, Value> {
    let mut said = Map::new();
    if on(matches, "all-scopes") {
        said.insert("all_scopes".to_owned(), true.into());
    }
    let named = ["account", "region"].map(|name| Some((name.to_owned(), one::<String>(matches, name)?.into())));
    let named: Map<String, Value> = named.into_iter().flatten().collect();
    if !named.is_empty() {
        said.insert("scope".to_owned(), named.into());
    }
    said
}

/// What was asked, by its name in the document, and what came of it.
struct Asked(Vec<(&'static str, Result<DynamicMessage, Failure>)>);

async fn ask(connection: &Connection, way: &Way, scope: &Map<String, Value>) -> Result<Asked, Failure> {
    // Who cannot be reached, or does not know the caller, cannot be asked anything else either.
    let server = call(connection, way, "ServerService/GetServerInfo", &Map::new(), json!({})).await?;
    let under_way = ["CREATED", "PENDING", "RUNNING", "ABORTING"].map(|state| format!("JOB_STATE_{state}"));
    let worst = ["NOT_PROTECTED", "AT_RISK"].map(|verdict| format!("PROTECTION_VERDICT_{verdict}"));
    let protection = "ProtectionService/ListProtection";
    let questions = [
        ("coverage", "ProtectionService/GetCoverage", json!({})),
        ("unprotected", protection, json!({ "filter": { "verdicts": worst }, "page_size": FEW })),
        (
            "late",
            protection,
            json!({
                "filter": { "least_rpo_ratio": 1 }, "order": "PROTECTION_ORDER_RPO_RATIO", "page_size": MANY,
            }),
        ),
        ("next", protection, json!({ "order": "PROTECTION_ORDER_NEXT_RUN", "page_size": MANY })),
        (
            "incidents",
            "ProtectionService/ListIncidents",
            json!({ "filter": { "states": ["INCIDENT_STATE_OPEN"] }, "page_size": MANY }),
        ),
        ("underWay", "JobService/SummarizeJobs", json!({ "filter": { "states": under_way } })),
    ];
    let answers =
        questions.map(|(name, rpc, request)| async move { (name, call(connection, way, rpc, scope, request).await) });
    let mut asked = vec![("server", Ok(server))];
    asked.extend(join_all(answers).await);
    // By AWS's clock, as far as the server has heard of it: jobs are counted by days of UTC.
    let mut known = asked.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    let yesterday = known.find_map(as_of).and_then(|now| {
        let day = now.saturating_sub(SignedDuration::from_hours(24)).ok()?.to_zoned(TimeZone::UTC).date();
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    let jobs = match yesterday {
        Some(since) => {
            let filter = json!({ "filter": { "create_time": { "start_time": since.to_string() } } });
            call(connection, way, "JobService/SummarizeJobs", scope, filter).await
        }
        None => Err(Failure::new(FAILED, "the server does not say of which instant what it remembers is")),
    };
    asked.push(("jobs", jobs));
    Ok(Asked(asked))
}

async fn call(
    connection: &Connection,
    way: &Way,
    rpc: &str,
    scope: &Map<String, Value>,
    mut request: Value,
) -> Result<DynamicMessage, Failure> {
    let method = descriptors::method(rpc);
    let method = method.ok_or_else(|| Failure::new(FAILED, format!("{rpc} is not in the descriptors")))?;
    if let Some(request) = request.as_object_mut() {
        request.extend(scope.clone());
    }
    let request = message(&method.input(), request)?;
    let answer = connection.call(&method, request).await;
    answer.map_err(|status| refusal(way, &status, None, |_| None))
}

/// The instant that an answer is true for.
fn as_of(answer: &DynamicMessage) -> Option<Timestamp> {
    let field = answer.descriptor().get_field_by_name("as_of")?;
    let at: prost_types::Timestamp =
        answer.has_field(&field).then(|| answer.get_field(&field).as_message()?.transcode_to().ok())??;
    Timestamp::new(at.seconds, at.nanos).ok()
}

impl Asked {
    fn answer(&self, name: &str) -> Result<&DynamicMessage, &str> {
        match self.0.iter().find(|(asked, _)| *asked == name) {
            Some((_, Ok(answer))) => Ok(answer),
            Some((_, Err(failure))) => Err(failure.text.lines().next().unwrap_or_default()),
            None => Err("it was not asked"),
        }
    }

    fn typed<M: prost::Message + Default>(&self, name: &str) -> Result<M, String> {
        let answer = self.answer(name).map_err(str::to_owned)?;
        answer.transcode_to().map_err(|error| error.to_string())
    }

    fn answers(&self) -> Answers {
        Answers {
            server: self.typed("server"),
            coverage: self.typed("coverage"),
            unprotected: self.typed("unprotected"),
            late: self.typed("late"),
            next: self.typed("next"),
            incidents: self.typed("incidents"),
            under_way: self.typed("underWay"),
            jobs: self.typed("jobs"),
        }
    }

    /// All answers in one, each by its name; and what is not well, and not known.
    fn document(&self, verdict: &Verdict) -> Result<Value, Failure> {
        let mut document = Map::new();
        let mut errors = Map::new();
        for (name, answer) in &self.0 {
            match answer {
                Ok(answer) => {
                    document.insert((*name).to_owned(), show::value(answer)?);
                }
                Err(failure) => {
                    errors.insert((*name).to_owned(), failure.text.clone().into());
                }
            }
        }
        let Verdict { problems, unknown } = verdict;
        document.insert("verdict".to_owned(), verdict.word().into());
        document.insert("problems".to_owned(), json!(problems));
        document.insert("unknown".to_owned(), json!(unknown));
        document.insert("errors".to_owned(), errors.into());
        Ok(document.into())
    }
}
