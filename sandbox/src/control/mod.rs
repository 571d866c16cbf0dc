//! `/_sandbox/…`: what AWS does not have. The clock, the faults, the settings, a look at the state and at what was asked for,
//! a fresh start.

mod browsers;
mod clock;
mod events;
mod state;

use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{self, HeaderValue},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    body::Body,
    call::AwsError,
    config::Behaviour,
    faults::{Fault, Faults},
    service::NAMES,
    shared::{Inner, Shared, guarded},
};

const PREFIX: &str = "/_sandbox";

/// Whether a path belongs here. No AWS operation begins like this.
pub(crate) fn serves(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every reason why a request was refused; nothing of it was done.
struct Refusal {
    status: StatusCode,
    faults: Vec<String>,
}

impl Refusal {
    fn bad(faults: Vec<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, faults }
    }

    fn missing(fault: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, faults: vec![fault] }
    }
}

/// Answers a request under [`PREFIX`]: JSON, or 400, 403, 404, 405 with `{"error": …}` naming every fault. 500 is a fault of
/// the sandbox. `loopback`: the request came to an address that is this machine's alone.
pub(crate) fn answer(shared: &Shared, loopback: bool, parts: &Parts, body: Result<Bytes, AwsError>) -> Response<Body> {
    let done = match (browsers::refuse(&parts.headers, &parts.uri, loopback), body) {
        (Some(fault), _) => Err(Refusal { status: StatusCode::FORBIDDEN, faults: vec![fault] }),
        (None, Ok(body)) => guarded("a control request", || act(shared, parts, &body)).unwrap_or_else(|| {
            let faults = vec!["the sandbox failed; its log says more".to_owned()];
            Err(Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, faults })
        }),
        (None, Err(error)) => Err(Refusal { status: StatusCode::PAYLOAD_TOO_LARGE, faults: vec![error.message] }),
    };
    let (status, value) = match done {
        Ok(value) => (StatusCode::OK, value),
        Err(Refusal { status, faults }) => (status, json!({ "error": faults.join("; ") })),
    };
    tracing::debug!(method = %parts.method, path = parts.uri.path(), %status, "a control request is answered");
    let mut response = Response::new(Body::whole(format!("{value:#}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn act(shared: &Shared, parts: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    let path = parts.uri.path().trim_start_matches(PREFIX).trim_matches('/');
    let mut inner = shared.lock();
    match (path, &parts.method) {
        ("", &Method::GET) => Ok(help()),
        ("clock", &Method::GET) => {
            inner.catch_up();
            Ok(clock::show(&inner.clock))
        }
        ("clock", &Method::POST) => {
            clock::change(&mut inner.clock, read(body)?).map_err(Refusal::bad)?;
            inner.catch_up();
            Ok(clock::show(&inner.clock))
        }
        ("faults", &Method::GET) => Ok(json!({ "faults": shared.faults().list() })),
        ("faults", &Method::POST) => {
            let id = shared.faults().arm(read::<Fault>(body)?).map_err(Refusal::bad)?;
            Ok(json!({ "id": id }))
        }
        ("faults", &Method::DELETE) => {
            shared.faults().clear();
            Ok(json!({}))
        }
        (path, &Method::DELETE) if path.starts_with("faults/") => {
            let id = path.trim_start_matches("faults/");
            match id.parse().is_ok_and(|id| shared.faults().disarm(id)) {
                true => Ok(json!({})),
                false => Err(Refusal::missing(format!("no fault '{id}' is in force; GET {PREFIX}/faults lists them"))),
            }
        }
        ("calls", &Method::GET) => Ok(json!({ "calls": shared.calls().list() })),
        ("calls", &Method::DELETE) => {
            shared.calls().clear();
            Ok(json!({}))
        }
        ("events", &Method::GET) => {
            inner.catch_up();
            Ok(events::show(&inner))
        }
        ("events", &Method::PUT) => {
            let delivery = read(body)?;
            // What has happened by now has been told by now.
            inner.catch_up();
            events::set(&mut inner, delivery)
        }
        ("requests", &Method::GET) => Ok(shared.calls().counted()),
        ("settings", &Method::GET) => Ok(json!(*inner.behaviour)),
        ("settings", &Method::PATCH) => {
            let behaviour = patched(&inner.behaviour, read(body)?)?;
            inner.behaviour = behaviour.into();
            Ok(json!(*inner.behaviour))
        }
        ("state", &Method::GET) => {
            inner.catch_up();
            Ok(state::show(&inner))
        }
        ("organization-plans", &Method::POST) => {
            inner.catch_up();
            organization_plan(&mut inner, &read(body)?)
        }
        ("reset", &Method::POST) => {
            *inner = Inner::new(&shared.config);
            *shared.faults() = Faults::default();
            shared.calls().reset();
            Ok(clock::show(&inner.clock))
        }
        (
            "" | "calls" | "clock" | "events" | "faults" | "organization-plans" | "requests" | "settings" | "state"
            | "reset",
            method,
        ) => Err(Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            faults: vec![format!("{PREFIX}/{path} does not take {method}; GET {PREFIX} lists what there is")],
        }),
        _ => Err(Refusal::missing(format!("there is no {PREFIX}/{path}; GET {PREFIX} lists what there is"))),
    }
}

/// A plan that an organization's policy is to have made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationPlan {
    /// ARN of a plan that there is.
    plan_arn: String,
}

fn organization_plan(inner: &mut Inner, asked: &OrganizationPlan) -> Result<Value, Refusal> {
    let missing = || Refusal::missing(format!("'{}' is the ARN of no plan that could be one", asked.plan_arn));
    let parts: Vec<&str> = asked.plan_arn.splitn(7, ':').collect();
    let [_, _, "backup", region, account, "backup-plan", id] = parts[..] else { return Err(missing()) };
    let region = inner.world.existing_mut(account, region).ok_or_else(missing)?;
    let now = region.backup.plans.hand_to_organization(id).ok_or_else(missing)?;
    if let Some(tags) = region.tags.0.remove(&asked.plan_arn) {
        region.tags.0.insert(asked.plan_arn.replace(id, &now), tags);
    }
    Ok(json!({ "id": now }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // serde would read a list as the members of a struct in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal::bad(vec!["the body must be a JSON object".to_owned()]));
    }
    serde_json::from_slice(body).map_err(|fault| Refusal::bad(vec![format!("the body can't be read: {fault}")]))
}

/// The behaviour with the members of `patch` in place of its own; the maps and sections of it merge.
fn patched(behaviour: &Behaviour, patch: Value) -> Result<Behaviour, Refusal> {
    fn merge(into: &mut Value, patch: Value) {
        match (into, patch) {
            (Value::Object(into), Value::Object(patch)) => {
                for (key, value) in patch {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, patch) => *into = patch,
        }
    }
    let mut all = json!(behaviour);
    merge(&mut all, patch);
    let patched: Behaviour = serde_json::from_value(all).map_err(|fault| Refusal::bad(vec![fault.to_string()]))?;
    let faults = patched.check();
    if faults.is_empty() { Ok(patched) } else { Err(Refusal::bad(faults)) }
}

fn help() -> Value {
    json!({
        "GET /_sandbox": "this list",
        "GET /_sandbox/clock": "the clock: now, mode, speed",
        "POST /_sandbox/clock": {
            "what": "changes the clock; any of the members, set and advance not together; time never goes back",
            "mode": "auto | manual",
            "speed": "sandbox seconds to a real one, with mode auto: 0 to 86400",
            "set": "an instant, RFC 3339: 2026-03-01T05:00:00Z",
            "advance": "a duration: PT25H, 36h, 2d",
        },
        "GET /_sandbox/calls": "the operations that were asked for, the newest 1000: number, service, operation",
        "DELETE /_sandbox/calls": "forgets them",
        "GET /_sandbox/events": "how events arrive, how many did, the newest, and what each rule and its targets made of them",
        "PUT /_sandbox/events": {
            "what": "has what AWS tells arrive like this from now on; what is left out is as at first: at once, once, in order",
            "delay": "a duration, from what happened to its arrival: PT5M",
            "jitter": "up to so much more, by dice",
            "every": "a duration: what is told arrives together, at multiples of it",
            "shuffle": "true: what arrives together arrives in any order",
            "duplicates": "this share arrives twice: 0 to 1",
            "lost": "this share never arrives: 0 to 1",
            "seed": "where the dice start",
        },
        "GET /_sandbox/faults": "the faults in force",
        "POST /_sandbox/faults": {
            "what": "puts a fault in force and answers its id",
            "service": format!("{} | * (default)", NAMES.join(" | ")),
            "operation": "an operation's name, or * (default)",
            "next": "spoil the next n matching requests; or",
            "rate": "spoil this share of them, above 0 and at most 1",
            "seed": "where the dice of rate start",
            "effect": ["throttle", "drop_before", "drop_after", "truncate", {"delay_ms": 1500}, {"without": ["BackupVaultArn"]},
                       {"error": {"status": 500, "code": "ServiceUnavailableException", "message": "…"}}],
        },
        "DELETE /_sandbox/faults": "ends all faults",
        "DELETE /_sandbox/faults/{id}": "ends one",
        "POST /_sandbox/organization-plans": {
            "what": "has a plan be one of an organization's backup policy from now on, and answers its new id",
            "plan_arn": "ARN of the plan; its selections and tags stay",
        },
        "GET /_sandbox/requests": "how many requests there were since the last reset, spoiled ones included: total, by_operation",
        "GET /_sandbox/settings": "quotas, timings and switches",
        "PATCH /_sandbox/settings": "changes those that the body names",
        "GET /_sandbox/state": "what there is, by account and region",
        "POST /_sandbox/reset": "back to the starting world, clock, settings; no faults, nothing asked for",
    })
}
