//! A call whose answer is a stream: what happens is shown as it happens, until the user or the time-out ends it. Where the
//! connection breaks, or the server sends its callers elsewhere, it goes on where it was.

use std::future::Future;

use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    Command,
    connection::Connection,
    failure::{Failure, INTERRUPTED, refusal},
    flags::flag_of,
    show::{self, Format},
    wait::Pauses,
};
use crate::{
    cli::{FAILED, tell},
    proto::descriptors,
};

/// `READ_LEDGER`: what is watched is what the server remembers.
const LEDGER: i32 = 2;

/// How a stream ended.
enum End {
    /// The time that the user gave is over.
    Over,
    /// The server goes on with it no more.
    Refused(Status),
}

impl Command<'_> {
    pub(super) async fn watch(&self, connection: &Connection, request: DynamicMessage) -> Result<(), Failure> {
        let watching = async {
            match self.follow(connection, &self.method, request, false).await? {
                End::Over => Ok(()),
                End::Refused(status) => Err(self.refused(&status)),
            }
        };
        until_interrupted(watching).await
    }

    /// Lists, and then shows what changes of that, from the position that the list is of. Where that is forgotten meanwhile, it
    /// lists again.
    pub(super) async fn list_and_watch(
        &self,
        connection: &Connection,
        mut request: DynamicMessage,
        (rpc, things): (&str, &str),
    ) -> Result<(), Failure> {
        let method = descriptors::method(rpc);
        let method = method.ok_or_else(|| Failure::new(FAILED, format!("{rpc} is not in the descriptors")))?;
        request.set_field_by_name("read", Value::EnumNumber(LEDGER));
        let mut pauses = Pauses::new();
        let watching = async {
            loop {
                let token = self.every_page(connection, request.clone(), things).await?;
                let mut watch = DynamicMessage::new(method.input());
                for name in ["scope", "filter", "all_scopes"] {
                    if request.has_field_by_name(name)
                        && let Some(value) = request.get_field_by_name(name)
                    {
                        watch.set_field_by_name(name, value.into_owned());
                    }
                }
                watch.set_field_by_name("resume_token", Value::String(token));
                match self.follow(connection, &method, watch, true).await? {
                    End::Over => return Ok(()),
                    End::Refused(status) if is_forgotten(&status) => {
                        tell("where the watch was is forgotten: this is the list as it is now");
                        pauses.pass().await;
                    }
                    End::Refused(status) => return Err(self.refused(&status)),
                }
            }
        };
        until_interrupted(watching).await
    }

    /// Shows what happens. What cannot be begun at all is told; what `is_begun`, as a list that is shown, is gone on with.
    async fn follow(
        &self,
        connection: &Connection,
        method: &MethodDescriptor,
        mut request: DynamicMessage,
        mut is_begun: bool,
    ) -> Result<End, Failure> {
        let mut pauses = Pauses::new();
        let mut stream = connection.stream(method, request.clone()).await;
        loop {
            let status = match &mut stream {
                Ok(stream) => {
                    is_begun = true;
                    match stream.message().await {
                        Ok(Some(told)) => {
                            pauses = Pauses::new();
                            if let Some(token) = told.get_field_by_name("resume_token") {
                                request.set_field_by_name("resume_token", token.into_owned());
                            }
                            self.tell_event(&told)?;
                            continue;
                        }
                        Ok(None) => return Ok(End::Over),
                        Err(status) if status.code() == Code::DeadlineExceeded => return Ok(End::Over),
                        Err(status) => status,
                    }
                }
                Err(status) => status.clone(),
            };
            if !is_begun || status.code() != Code::Unavailable {
                return Ok(End::Refused(status));
            }
            tell(format_args!("the watch was interrupted, and goes on: {}", show::text::clean(status.message())));
            pauses.pass().await;
            stream = connection.stream(method, request.clone()).await;
        }
    }

    fn refused(&self, status: &Status) -> Failure {
        refusal(&self.way, status, None, |field| flag_of(&self.flags, field))
    }

    /// A line for what happened. That nothing did is for programs.
    fn tell_event(&self, told: &DynamicMessage) -> Result<(), Failure> {
        let mut fields = told.fields();
        let event = fields.find(|(field, _)| field.containing_oneof().is_some());
        let Some((field, Value::Message(event))) = event else { return Ok(()) };
        match self.format {
            Format::Lines | Format::Json => show::out_while_read(&show::json(told, false)?),
            Format::Table if field.name() == "bookmark" => Ok(()),
            Format::Table => show::out_while_read(&show::table::line(&field, event, show::Paper::stdout())),
        }
    }
}

/// Whether what happened after a position is not remembered any more, or it is one of another ledger.
fn is_forgotten(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == "RESUME_TOKEN_EXPIRED")
}

/// What goes on until the user ends it, which is no failure to speak of.
async fn until_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::quiet(INTERRUPTED)),
    }
}
