//! Calls are sent again by the policy that is published for every client (`proto/strongroom/v1/service_config.json`):
//! tonic's channel reads none. Retried is what a repetition cannot double: reads, and changes with a `request_id`.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde::{Deserialize, de::IgnoredAny};
use tokio::time::Instant;
use tonic::Status;
use tonic_types::StatusExt;

use crate::{cli::tell, proto::descriptors::constant};

const SERVICE_CONFIG: &str = include_str!("../../../proto/strongroom/v1/service_config.json");

/// By what a server tells a client's library when to retry: after so many milliseconds, or with a negative number never.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

static PUBLISHED: LazyLock<Option<Policy>> =
    // Without a policy every call is made once: a test holds that there is one.
    LazyLock::new(|| Policy::read(SERVICE_CONFIG));

/// What a service config says of all methods alike.
#[derive(Debug, Clone, PartialEq)]
struct Policy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    multiplier: f64,
    codes: Vec<String>,
    max_tokens: f64,
    token_ratio: f64,
}

/// What a failure says of trying again.
#[derive(Debug, Clone, PartialEq)]
struct Heard {
    /// As service configs spell it.
    code: String,
    pushback: Pushback,
    /// `google.rpc.RetryInfo`.
    at_least: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pushback {
    Unsaid,
    After(Duration),
    Never,
}

impl Policy {
    fn read(config: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            method_config: (Methods, IgnoredAny),
            retry_throttling: Throttling,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Methods {
            retry_policy: Retry,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Retry {
            max_attempts: u32,
            initial_backoff: String,
            max_backoff: String,
            backoff_multiplier: f64,
            retryable_status_codes: Vec<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Throttling {
            max_tokens: f64,
            token_ratio: f64,
        }
        // The other is of streams, which are not begun again by themselves.
        let Config { method_config: (Methods { retry_policy: retry }, _), retry_throttling: throttling } =
            serde_json::from_str(config).ok()?;
        Some(Self {
            max_attempts: retry.max_attempts,
            initial_backoff: seconds(&retry.initial_backoff)?,
            max_backoff: seconds(&retry.max_backoff)?,
            multiplier: retry.backoff_multiplier,
            codes: retry.retryable_status_codes,
            max_tokens: throttling.max_tokens,
            token_ratio: throttling.token_ratio,
        })
    }

    /// How long to wait before the next attempt, after so many; none when there is to be none. `dice`: 0 to 1.
    fn pause(&self, made: u32, heard: &Heard, tokens: f64, dice: f64) -> Option<Duration> {
        let may = self.codes.contains(&heard.code) && made < self.max_attempts && tokens > self.max_tokens / 2.0;
        let backoff = self.initial_backoff.as_secs_f64() * self.multiplier.powf(f64::from(made.saturating_sub(1)));
        // Several that failed together must not come back together, at the time that they were told either.
        let jitter = 0.2 * dice;
        let backoff =
            Duration::try_from_secs_f64(backoff).map_or(self.max_backoff, |backoff| backoff.min(self.max_backoff));
        match heard.pushback {
            Pushback::Never => None,
            Pushback::After(told) => may.then_some(told),
            Pushback::Unsaid => {
                let told = heard.at_least.unwrap_or_default();
                may.then(|| backoff.mul_f64(0.8 + 2.0 * jitter).max(told.mul_f64(1.0 + jitter)))
            }
        }
    }

    /// What a call leaves of the tokens: as gRPC's libraries count them, so that nobody goes on against a server that
    /// answers nobody.
    fn tokens(&self, tokens: f64, failed: Option<&Heard>) -> f64 {
        match failed {
            Some(heard) if self.codes.contains(&heard.code) || heard.pushback == Pushback::Never => {
                (tokens - 1.0).max(0.0)
            }
            Some(_) => tokens,
            None => (tokens + self.token_ratio).min(self.max_tokens),
        }
    }
}

/// A duration of proto3's JSON.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

impl Heard {
    fn of(status: &Status) -> Self {
        let pushback = status.metadata().get(PUSHBACK).map_or(Pushback::Unsaid, |value| {
            // What is no number says never, by gRPC's own rule.
            let told = value.to_str().ok().and_then(|value| value.parse().ok());
            told.map_or(Pushback::Never, |told| Pushback::After(Duration::from_millis(told)))
        });
        let at_least = status.get_details_retry_info().and_then(|info| info.retry_delay);
        Self { code: constant(&format!("{:?}", status.code())), pushback, at_least }
    }
}

/// One sending of a call.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) method: MethodDescriptor,
    pub(super) message: DynamicMessage,
    /// When the caller's patience ends, for all attempts together.
    pub(super) until: Instant,
    /// Attempts before this one.
    pub(super) before: u32,
}

impl Attempt {
    /// A change without a `request_id` gets one of the server's that the next attempt would not have.
    fn may_be_repeated(&self) -> bool {
        let id = self.message.get_field_by_name("request_id");
        id.is_none_or(|id| id.as_str().is_some_and(|id| !id.is_empty()))
    }
}

/// The retries of one connection.
#[derive(Debug, Clone)]
pub(super) struct Retries {
    policy: Option<&'static Policy>,
    tokens: Arc<Mutex<f64>>,
}

impl Retries {
    pub(super) fn new() -> Self {
        let policy = PUBLISHED.as_ref();
        Self { policy, tokens: Arc::new(Mutex::new(policy.map_or(0.0, |policy| policy.max_tokens))) }
    }
}

impl tower::retry::Policy<Attempt, DynamicMessage, Status> for Retries {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, next: &mut Attempt, result: &mut Result<DynamicMessage, Status>) -> Option<Self::Future> {
        let policy = self.policy?;
        let status = result.as_ref().err();
        let heard = status.map(Heard::of);
        let tokens = {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            *tokens = policy.tokens(*tokens, heard.as_ref());
            *tokens
        };
        let (status, heard) = (status?, heard?);
        let made = next.before + 1;
        let pause = policy.pause(made, &heard, tokens, fastrand::f64())?;
        // The last failure tells more than a wait that ends with the caller's patience.
        if Instant::now() + pause >= next.until {
            return None;
        }
        next.before = made;
        let why = status.get_details_error_info().map_or(heard.code, |info| info.reason);
        let (attempt, most, pause_s) = (made + 1, policy.max_attempts, pause.as_secs_f64());
        tell(format_args!("{why}: trying again in {pause_s:.1} s (attempt {attempt} of at most {most})"));
        Some(tokio::time::sleep(pause))
    }

    fn clone_request(&mut self, attempt: &Attempt) -> Option<Attempt> {
        attempt.may_be_repeated().then(|| attempt.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;
    use crate::{
        cli::client::connection::DEADLINE,
        proto::descriptors::{method, methods},
    };

    const S: Duration = Duration::from_secs(1);

    fn published() -> &'static Policy {
        PUBLISHED.as_ref().unwrap()
    }

    fn heard(code: &str) -> Heard {
        Heard { code: code.to_owned(), pushback: Pushback::Unsaid, at_least: None }
    }

    #[test]
    fn the_published_policy_covers_exactly_the_services_that_there_are() {
        let config: Value = serde_json::from_str(SERVICE_CONFIG).unwrap();
        let covered = config["methodConfig"][0]["name"].as_array().unwrap();
        let covered: BTreeSet<&str> = covered
            .iter()
            .map(|name| {
                assert_eq!(name.as_object().unwrap().len(), 1, "a service with all its methods: {name}");
                name["service"].as_str().unwrap()
            })
            .collect();
        let all: BTreeSet<String> =
            methods().iter().map(|path| method(path).unwrap().parent_service().full_name().to_owned()).collect();
        assert_eq!(covered, all.iter().map(String::as_str).collect());
    }

    #[test]
    fn every_method_that_the_policy_covers_is_a_read_or_takes_a_request_id() {
        for path in methods() {
            let method = method(&path).unwrap();
            let reads =
                method.options().get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number());
            assert!(reads == Some(1) || method.input().get_field_by_name("request_id").is_some(), "{path}");
        }
    }

    #[test]
    fn the_policy_is_one_that_grpc_s_libraries_take() {
        let policy = published();
        // They take more attempts for five, and no other order of the backoffs.
        assert!((2..=5).contains(&policy.max_attempts));
        assert!(Duration::ZERO < policy.initial_backoff && policy.initial_backoff <= policy.max_backoff);
        assert!(policy.multiplier > 0.0 && policy.max_tokens <= 1000.0 && policy.token_ratio > 0.0);
        let known = |name: &String| (0..17).any(|code| constant(&format!("{:?}", Code::from(code))) == *name);
        assert!(policy.codes.iter().all(known), "{policy:?}");
        let config: Value = serde_json::from_str(SERVICE_CONFIG).unwrap();
        assert_eq!(seconds(config["methodConfig"][0]["timeout"].as_str().unwrap()), Some(DEADLINE));
    }

    #[test]
    fn the_pauses_grow_and_vary_around_the_backoff() {
        let pauses = |dice| [1, 2, 3, 4, 5].map(|made| published().pause(made, &heard("UNAVAILABLE"), 100.0, dice));
        let of = |factor: f64| [0.5, 1.0, 2.0, 4.0].map(|s| Some(Duration::from_secs_f64(s * factor)));
        assert_eq!(pauses(0.0)[..4], of(0.8));
        assert_eq!(pauses(1.0)[..4], of(1.2));
        assert_eq!(pauses(0.5)[4], None, "five attempts are all");
        assert_eq!(published().pause(1, &heard("ABORTED"), 100.0, 0.5), None);
    }

    #[test]
    fn what_the_server_says_of_the_next_attempt_is_heeded() {
        let told = |retry: Option<Duration>, pushback: Option<&'static str>| {
            let mut details = ErrorDetails::new();
            details.set_retry_info(retry);
            let mut status = Status::with_error_details(Code::ResourceExhausted, "", details);
            if let Some(pushback) = pushback {
                status.metadata_mut().insert(PUSHBACK, pushback.parse().unwrap());
            }
            [0.0, 1.0].map(|dice| published().pause(1, &Heard::of(&status), 100.0, dice))
        };
        assert_eq!(told(Some(10 * S), None), [Some(10 * S), Some(12 * S)]);
        assert_eq!(told(Some(Duration::ZERO), None), [0.4, 0.6].map(|s| Some(Duration::from_secs_f64(s))));
        assert_eq!(told(Some(10 * S), Some("1500")), [Some(Duration::from_millis(1500)); 2]);
        for never in ["-1", "soon"] {
            assert_eq!(told(Some(S), Some(never)), [None; 2], "{never}");
        }
    }

    #[test]
    fn nobody_goes_on_against_a_server_that_answers_nobody() {
        let policy = published();
        let fails = heard("UNAVAILABLE");
        let mut tokens = policy.max_tokens;
        let mut retried = 0;
        while policy.pause(1, &fails, tokens, 0.5).is_some() {
            tokens = policy.tokens(tokens, Some(&fails));
            retried += 1;
        }
        assert_eq!(retried, 50);
        assert!(policy.tokens(tokens, None) > tokens);
        assert!(policy.tokens(tokens, Some(&heard("NOT_FOUND"))) >= tokens);
        let quota = Heard { pushback: Pushback::Never, ..heard("NOT_FOUND") };
        assert!(policy.tokens(tokens, Some(&quota)) < tokens);
    }
}
