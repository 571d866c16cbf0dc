//! Makes the calls, and shows for each the grpcurl command and the answer.

use std::io::{self, BufRead, Write};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_types::StatusExt;

use crate::{
    cli::client::{
        connection::{DEADLINE, as_libraries_tell, causes, channel, explained, with_token},
        failure::{Failure, told},
        way::Way,
    },
    proto::FILE_DESCRIPTOR_SET,
};

/// Why the tour does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The user has seen enough.
    Quit,
    /// Nobody answers.
    Unreachable(String),
    /// A step failed.
    Failed(String),
    /// This end cannot go on, and has said why.
    Told(Failure),
}

impl Stop {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

/// Leads through the calls.
#[derive(Debug)]
pub(super) struct Guide {
    channel: Channel,
    way: Way,
    messages: DescriptorPool,
    asks: bool,
    step: usize,
}

impl Guide {
    pub(super) async fn connect(way: Way, asks: bool) -> Result<Self, Stop> {
        let channel = channel(&way).await.map_err(Stop::Told)?;
        Self::over(channel, way, asks)
    }

    pub(super) fn over(channel: Channel, way: Way, asks: bool) -> Result<Self, Stop> {
        let messages = DescriptorPool::decode(FILE_DESCRIPTOR_SET).map_err(|error| Stop::failed(error.to_string()))?;
        Ok(Self { channel, way, messages, asks, step: 0 })
    }

    /// Begins a step: says what it is for, and lets the user go on in their own time.
    pub(super) fn step(&mut self, title: &str, why: &str) -> Result<(), Stop> {
        self.step += 1;
        say(&format!("\n── {}. {title}\n   {why}", self.step));
        if self.asks && ask("   Enter to go on, q to stop: ")?.eq_ignore_ascii_case("q") {
            return Err(Stop::Quit);
        }
        Ok(())
    }

    /// Asks for a yes in words; without a terminal there is nobody to ask.
    pub(super) fn confirm(&self, question: &str) -> Result<(), Stop> {
        if !self.asks {
            return Err(Stop::failed(format!("{question} Say --yes to go on without being asked")));
        }
        if ask(&format!("{question} Type yes to go on: "))? == "yes" { Ok(()) } else { Err(Stop::Quit) }
    }

    /// Shows the call, makes it, shows the answer.
    pub(super) async fn call<A: Message + Default + 'static>(
        &self,
        method: &str,
        request: impl Message + Clone + 'static,
    ) -> Result<A, Stop> {
        say(&format!("\n{}", self.grpcurl(method, &request)?));
        let answer: A = self.quietly(method, request).await.map_err(|status| self.refused(method, &status))?;
        say(&self.json(method, Direction::Answer, &answer, true)?);
        Ok(answer)
    }

    /// Makes a call without showing it: for looking again and again.
    pub(super) async fn quietly<A: Message + Default + 'static>(
        &self,
        method: &str,
        request: impl Message + Clone + 'static,
    ) -> Result<A, Status> {
        let path: PathAndQuery = format!("/strongroom.v1.{method}")
            .parse()
            .map_err(|_| Status::internal(format!("{method} is not the path of a method")))?;
        let sent = with_token(&self.way, |token| {
            let (path, message) = (path.clone(), request.clone());
            async move {
                let mut client = Grpc::new(self.channel.clone());
                client.ready().await.map_err(|error| Status::unavailable(causes(&error)))?;
                let mut request = Request::new(message);
                request.set_timeout(DEADLINE);
                if let Some(token) = token {
                    request.metadata_mut().insert("authorization", token);
                }
                client.unary(request, path, tonic_prost::ProstCodec::default()).await
            }
        });
        match sent.await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(explained(&self.way, as_libraries_tell(status), true).await),
        }
    }

    /// As [`Guide::quietly`], with what is missing as an answer of its own.
    pub(super) async fn look<A: Message + Default + 'static>(
        &self,
        method: &str,
        request: impl Message + Clone + 'static,
    ) -> Result<Option<A>, Stop> {
        match self.quietly(method, request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(self.refused(method, &status)),
        }
    }

    fn refused(&self, method: &str, status: &Status) -> Stop {
        match refusal(method, status) {
            Stop::Failed(why) if status.code() == Code::Unauthenticated => {
                Stop::Failed(format!("{why}\n{}", self.way.advice()))
            }
            other => other,
        }
    }

    /// The command by which anybody can make this call.
    pub(super) fn grpcurl(&self, method: &str, request: &impl Message) -> Result<String, Stop> {
        let (flags, place) = self.way.grpcurl();
        let body = self.json(method, Direction::Request, request, false)?;
        // The shell's own quoting of a quote, for values that hold one.
        let body = body.replace('\'', r"'\''");
        Ok(format!("$ grpcurl {flags}-d '{body}' {place} strongroom.v1.{method}"))
    }

    fn json(&self, method: &str, direction: Direction, message: &impl Message, pretty: bool) -> Result<String, Stop> {
        let broken = |what: &str| Stop::failed(format!("{method} cannot be shown: {what}"));
        let shape = self.shape(method, direction).ok_or_else(|| broken("it is not in the descriptors"))?;
        let message = DynamicMessage::decode(shape, message.encode_to_vec().as_slice());
        let message = message.map_err(|error| broken(&error.to_string()))?;
        let mut json = Vec::new();
        let options = SerializeOptions::new().use_proto_field_name(true);
        let written = if pretty {
            message.serialize_with_options(&mut serde_json::Serializer::pretty(&mut json), &options)
        } else {
            message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
        };
        written.map_err(|error| broken(&error.to_string()))?;
        String::from_utf8(json).map_err(|error| broken(&error.to_string()))
    }

    fn shape(&self, method: &str, direction: Direction) -> Option<MessageDescriptor> {
        let (service, name) = method.split_once('/')?;
        let service = self.messages.get_service_by_name(&format!("strongroom.v1.{service}"))?;
        let method = service.methods().find(|method| method.name() == name)?;
        Some(match direction {
            Direction::Request => method.input(),
            Direction::Answer => method.output(),
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Request,
    Answer,
}

/// Tells a reader; one that has closed the pipe wants no more.
pub(super) fn say(text: &str) {
    _ = writeln!(io::stdout(), "{text}");
}

fn ask(prompt: &str) -> Result<String, Stop> {
    let mut out = io::stdout();
    _ = write!(out, "{prompt}").and_then(|()| out.flush());
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(read) if read > 0 => Ok(answer.trim().to_owned()),
        Ok(_) | Err(_) => Err(Stop::Quit),
    }
}

/// What the server said to a call.
pub(super) fn refusal(method: &str, status: &Status) -> Stop {
    if let Some(failure) = Failure::of_this_end(status) {
        return Stop::Told(failure.clone());
    }
    if status.code() == Code::Unavailable && status.get_details_error_info().is_none() {
        return Stop::Unreachable(status.message().to_owned());
    }
    Stop::Failed(format!("{method} was refused: {}", told(status, |_| None)))
}
