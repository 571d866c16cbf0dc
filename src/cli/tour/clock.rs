//! The sandbox's clock, read and moved over its control endpoint.

use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use prost::bytes::Bytes;
use serde_json::{Value, json};

use super::guide::Stop;

/// An answer of the clock is a line; anything longer is not the sandbox.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A sandbox's clock.
#[derive(Debug)]
pub(super) struct Clock {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) now: Timestamp,
    /// It stands still until it is moved.
    pub(super) manual: bool,
}

impl Clock {
    pub(super) fn at(sandbox: &str) -> Self {
        let url = format!("{}/_sandbox/clock", sandbox.trim_end_matches('/'));
        Self { url, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(super) async fn read(&self) -> Result<Reading, Stop> {
        self.ask("GET", String::new()).await
    }

    pub(super) async fn advance(&self, by: SignedDuration) -> Result<Reading, Stop> {
        self.ask("POST", json!({ "advance": by.to_string() }).to_string()).await
    }

    pub(super) async fn set(&self, to: Timestamp) -> Result<Reading, Stop> {
        self.ask("POST", json!({ "set": to.to_string() }).to_string()).await
    }

    /// The command that moves the clock there.
    pub(super) fn command(&self, to: Timestamp) -> String {
        format!("$ curl -X POST {} -d '{}'", self.url, json!({ "set": to.to_string() }))
    }

    async fn ask(&self, method: &'static str, body: String) -> Result<Reading, Stop> {
        let broken = |what: String| {
            Stop::failed(format!(
                "the sandbox's clock at {} does not answer: {what}. Where is it? Say --sandbox-url http://HOST:PORT",
                self.url
            ))
        };
        let request = Request::builder().method(method).uri(&self.url).header("content-type", "application/json");
        let request = request.body(Full::from(body)).map_err(|error| broken(error.to_string()))?;
        let answer = self.client.request(request).await.map_err(|error| broken(error.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| broken(error.to_string()))?.to_bytes();
        if !status.is_success() {
            return Err(broken(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        reading(&body).ok_or_else(|| broken(format!("{} is no clock", String::from_utf8_lossy(&body))))
    }
}

pub(super) fn reading(body: &[u8]) -> Option<Reading> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    Some(Reading { now: answer.get("now")?.as_str()?.parse().ok()?, manual: answer.get("mode")? == "manual" })
}

/// Two minutes after the next 05:00 UTC, the hour of a plan that says none.
pub(super) fn after_the_next_run(now: Timestamp) -> Timestamp {
    let after = |date: Date| {
        let at = date.at(5, 2, 0, 0).to_zoned(TimeZone::UTC);
        at.map_or(now, |at| at.timestamp())
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    let (run, minutes) = (after(today), SignedDuration::from_mins(2));
    // The run itself must still be ahead.
    if run.duration_since(now) > minutes { run } else { today.tomorrow().map_or(run, after) }
}
