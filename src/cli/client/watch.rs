//! A call whose answer is a stream: what happens is shown as it happens, until the user or the time-out ends it. Where the
//! connection breaks, or the server sends its callers elsewhere, it goes on where it was.

use prost_reflect::{DynamicMessage, Value};
use tonic::{Code, Status};

use super::{
    Command,
    connection::Connection,
    failure::{Failure, refusal},
    flags::flag_of,
    show::{self, Format},
    wait::Pauses,
};
use crate::cli::tell;

impl Command<'_> {
    pub(super) async fn watch(&self, connection: &Connection, mut request: DynamicMessage) -> Result<(), Failure> {
        let mut pauses = Pauses::new();
        // What cannot be begun at all is told; what was begun is gone on with.
        let mut stream = connection.stream(&self.method, request.clone()).await.map_err(|it| self.refused(&it))?;
        loop {
            let status = match stream.message().await {
                Ok(Some(told)) => {
                    pauses = Pauses::new();
                    if let Some(token) = told.get_field_by_name("resume_token") {
                        request.set_field_by_name("resume_token", token.into_owned());
                    }
                    self.tell_event(&told)?;
                    continue;
                }
                Ok(None) => return Ok(()),
                Err(status) => status,
            };
            // The time that the user gave is over.
            if status.code() == Code::DeadlineExceeded {
                return Ok(());
            }
            let mut why = status;
            stream = loop {
                if why.code() != Code::Unavailable {
                    return Err(self.refused(&why));
                }
                tell(format_args!("the watch was interrupted, and goes on: {}", show::text::clean(why.message())));
                pauses.pass().await;
                match connection.stream(&self.method, request.clone()).await {
                    Ok(stream) => break stream,
                    Err(status) => why = status,
                }
            };
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
            Format::Lines | Format::Json => show::out(&show::json(told, false)?),
            Format::Table if field.name() == "bookmark" => Ok(()),
            Format::Table => show::out(&show::table::line(&field, event, show::Paper::stdout())),
        }
    }
}
