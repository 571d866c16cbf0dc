//! The client commands: one way for all of them. The request is made of flags by its descriptor, the call is made by
//! its name, and the answer is shown by its descriptor; a command is a line in `verbs`.

mod address;
mod arguments;
pub(in crate::cli) mod confirm;
pub(in crate::cli) mod connection;
pub(in crate::cli) mod failure;
mod flags;
mod irreversible;
mod lift;
mod named;
mod needs;
mod nouns;
mod request;
mod retry;
mod rule_edit;
mod show;
mod status;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod verb;
mod verbs;
mod wait;
mod watch;
pub(in crate::cli) mod way;

use std::{sync::Arc, time::Duration};

use clap::{ArgMatches, FromArgMatches};
use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage, Value};

pub(in crate::cli) use self::{arguments::nouns, status::command as status};
use self::{
    arguments::{given, on, one},
    connection::Connection,
    failure::{Failure, refusal},
    flags::{Flag, flag_of, flags},
    show::{Format, listed},
    verb::{Asks, Verb, Waits},
    wait::{Pauses, Wait, job_of, look, verdict, with_job_of},
    way::{Way, WayFlags},
};
use super::{DONE, FAILED, tell};
use crate::proto::descriptors;

/// Does what a noun's matches say; none when it is no noun of a client command.
pub(super) fn run(noun: &str, matches: &ArgMatches) -> Option<u8> {
    let done = if noun == status::NAME {
        status::run(matches)
    } else {
        let (name, matches) = matches.subcommand()?;
        let verb = verbs::find(noun, name)?;
        descriptors::method(verb.rpc)
            .ok_or_else(|| Failure::new(FAILED, format!("{} is not in the descriptors", verb.rpc)))
            .and_then(|method| Command::of(verb, method, matches)?.run())
    };
    Some(match done {
        Ok(()) => DONE,
        Err(failure) => {
            if !failure.text.is_empty() {
                tell(format_args!("error: {}", failure.text));
            }
            failure.code
        }
    })
}

/// A command with everything that was said of it.
struct Command<'c> {
    verb: &'static Verb,
    method: MethodDescriptor,
    matches: &'c ArgMatches,
    flags: Vec<Flag>,
    way: Arc<Way>,
    format: Format,
}

impl<'c> Command<'c> {
    fn of(verb: &'static Verb, method: MethodDescriptor, matches: &'c ArgMatches) -> Result<Self, Failure> {
        let flags = flags(verb, &method.input());
        let said = WayFlags::from_arg_matches(matches).map_err(|error| Failure::usage(error.to_string()))?;
        let way = Arc::new(Way::of_process(&said).map_err(Failure::usage)?);
        let format = Format::of(&one::<String>(matches, "output").unwrap_or_default());
        Ok(Self { verb, method, matches, flags, way, format })
    }

    fn run(&self) -> Result<(), Failure> {
        let document = request::document(self.matches, &self.method.input(), &self.flags)?;
        let request = request::message(&self.method.input(), document.clone())?;
        // A trial does nothing that anybody would have to be asked about.
        if !says(&request, "validate_only") && !self.tries_first() {
            self.confirm()?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::new(FAILED, format!("the runtime cannot be started: {error}")))?;
        runtime.block_on(async {
            let connection = Connection::open(Arc::clone(&self.way), one::<Duration>(self.matches, "timeout")).await?;
            let request =
                if self.edits_a_rule(&document) { self.with_all_rules(&connection, document).await? } else { request };
            self.call(&connection, request).await
        })
    }

    pub(super) fn confirm(&self) -> Result<(), Failure> {
        match self.verb.asks {
            Asks::Always(consequence) if !on(self.matches, "yes") => {
                let named: Vec<String> = self
                    .flags
                    .iter()
                    .filter(|flag| flag.position.is_some())
                    .flat_map(|flag| given::<String>(self.matches, &flag.name))
                    .collect();
                // The one thing that makes a delete take more with it.
                let with = if on(self.matches, "force") { ", with everything in it" } else { "" };
                let text = format!("{} {} {}: {consequence}{with}", self.verb.noun, self.verb.name, named.join(" "));
                confirm::ask(&text, "yes", "--yes")
            }
            Asks::Always(_) | Asks::Never | Asks::WhenRulesGo => Ok(()),
        }
    }

    async fn call(&self, connection: &Connection, request: DynamicMessage) -> Result<(), Failure> {
        if self.method.is_server_streaming() {
            return self.watch(connection, request).await;
        }
        if self.verb.waits == Waits::Always {
            let request = request.transcode_to().map_err(|error| Failure::usage(error.to_string()))?;
            let looked = self.wait(connection).until_ended(request).await?;
            return self.shown(&looked).and_then(|()| job_of(&looked).map_or(Ok(()), |job| verdict(&job)));
        }
        if let (Some(rpc), Some(things)) = (self.watches(), listed(&self.method.output())) {
            return self.list_and_watch(connection, request, (rpc, things.name())).await;
        }
        if let Some(things) = listed(&self.method.output())
            && !["page-size", "page-token"].iter().any(|flag| self.said(flag))
        {
            return self.every_page(connection, request, things.name()).await.map(|_| ());
        }
        let request = self.confirmed(connection, request).await?;
        let mut answer = self.ask(connection, request.clone()).await?;
        // A trial deletes nothing, however often it is repeated.
        if says(&request, "force") && !says(&request, "validate_only") {
            answer = self.until_deleted(connection, request, answer).await?;
        }
        match job_of(&answer).filter(|_| on(self.matches, "wait")) {
            Some(job) if !job.id.is_empty() => {
                tell(format_args!("job {}", job.id));
                self.warn(&answer);
                let looked = self.wait(connection).until_ended(look(&job)).await?;
                show::out(&self.text(&with_job_of(answer, &looked))?)?;
                job_of(&looked).map_or(Ok(()), |job| verdict(&job))
            }
            Some(_) | None => {
                self.shown(&answer)?;
                let token = answer.get_field_by_name("next_page_token");
                if let Some(token) = token.as_deref().and_then(Value::as_str).filter(|token| !token.is_empty()) {
                    tell(format_args!("There is more: --page-token {token}"));
                }
                Ok(())
            }
        }
    }

    /// Follows a list to its end. As lines, each page is shown as it comes; otherwise all pages are one answer. The position that the
    /// first page is of, of what can be watched.
    async fn every_page(
        &self,
        connection: &Connection,
        mut request: DynamicMessage,
        things: &str,
    ) -> Result<String, Failure> {
        let (mut whole, mut position): (Option<DynamicMessage>, Option<String>) = (None, None);
        loop {
            let mut page = self.ask(connection, request.clone()).await?;
            let token = page.take_field_by_name("next_page_token");
            let token = token.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            position.get_or_insert_with(|| {
                let of = page.get_field_by_name("resume_token");
                of.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned()
            });
            if self.format == Format::Lines {
                self.warn(&page);
                show::out(&self.text(&page)?)?;
            } else if let Some(whole) = &mut whole {
                for field in [things, "findings"] {
                    let more = page.take_field_by_name(field);
                    let there = whole.get_field_by_name_mut(field).and_then(Value::as_list_mut);
                    if let (Some(there), Some(Value::List(more))) = (there, more) {
                        there.extend(more);
                    }
                }
            } else {
                whole = Some(page);
            }
            if token.is_empty() {
                whole.map_or(Ok(()), |whole| self.shown(&whole))?;
                return Ok(position.unwrap_or_default());
            }
            request.set_field_by_name("page_token", Value::String(token));
        }
    }

    /// A vault with many recovery points takes several calls to delete, each of which says how far it came.
    async fn until_deleted(
        &self,
        connection: &Connection,
        request: DynamicMessage,
        mut answer: DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        let mut pauses = Pauses::new();
        loop {
            let said = |field: &str| answer.get_field_by_name(field);
            if said("deleted").is_some_and(|deleted| deleted.as_bool() == Some(true)) {
                return Ok(answer);
            }
            if said("undeleted").is_some_and(|points| !points.as_list().unwrap_or_default().is_empty()) {
                self.shown(&answer)?;
                return Err(Failure::new(FAILED, "the vault stays: not all of its recovery points could be deleted"));
            }
            let remaining = said("recovery_points_remaining").and_then(|count| count.as_i64()).unwrap_or_default();
            tell(format_args!("{remaining} recovery points remain"));
            pauses.pass().await;
            answer = self.ask(connection, request.clone()).await?;
        }
    }

    async fn ask(&self, connection: &Connection, request: DynamicMessage) -> Result<DynamicMessage, Failure> {
        self.ask_for(connection, &self.method, request).await
    }

    /// A call that the command makes on its way to its own.
    async fn ask_for(
        &self,
        connection: &Connection,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Failure> {
        let id = request.get_field_by_name("request_id").and_then(|id| id.as_str().map(str::to_owned));
        let answer = connection.call(method, request).await;
        answer.map_err(|status| refusal(&self.way, &status, id.as_deref(), |field| flag_of(&self.flags, field)))
    }

    fn wait<'w>(&'w self, connection: &'w Connection) -> Wait<'w> {
        Wait { connection, way: &self.way, limit: one(self.matches, "wait-timeout") }
    }

    /// The call by which what is listed is watched afterwards, where the user wants that.
    fn watches(&self) -> Option<&'static str> {
        self.verb.watches.filter(|_| on(self.matches, "watch"))
    }

    fn said(&self, flag: &str) -> bool {
        self.matches.try_contains_id(flag).unwrap_or(false)
    }

    fn shown(&self, answer: &DynamicMessage) -> Result<(), Failure> {
        self.warn(answer);
        show::out(&self.text(answer)?)
    }

    /// They are for people in any format; that programs find them in the answer does not make anybody read them.
    fn warn(&self, answer: &DynamicMessage) {
        for finding in show::findings(answer) {
            tell(finding);
        }
    }

    fn text(&self, answer: &DynamicMessage) -> Result<String, Failure> {
        if self.watches().is_some() && self.format != Format::Table {
            return as_events(answer);
        }
        match self.format {
            Format::Table => Ok(show::page(answer, show::Paper::stdout())),
            Format::Json => show::json(answer, true),
            Format::Lines => match listed(&answer.descriptor()) {
                Some(things) => {
                    let things = answer.get_field(&things).into_owned();
                    let each = things.as_list().unwrap_or_default().iter().filter_map(Value::as_message);
                    each.map(|thing| show::json(thing, false)).collect()
                }
                None => show::json(answer, false),
            },
        }
    }
}

/// What is listed, in the shape of what is watched afterwards: a document for each, by the name of what it is.
fn as_events(answer: &DynamicMessage) -> Result<String, Failure> {
    let things = listed(&answer.descriptor()).map(|field| (answer.get_field(&field).into_owned(), field));
    let Some((things, field)) = things else { return show::json(answer, false) };
    let name = field.name().trim_end_matches('s');
    let things = things.as_list().unwrap_or_default().iter().filter_map(Value::as_message);
    things.map(|thing| show::written(&serde_json::json!({ name: show::value(thing)? }), false)).collect()
}

/// Whether a request says yes to this.
fn says(request: &DynamicMessage, field: &str) -> bool {
    request.get_field_by_name(field).is_some_and(|value| value.as_bool() == Some(true))
}
