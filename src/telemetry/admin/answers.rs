//! What the admin port answers.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS},
};
use serde_json::json;
use tokio::{sync::Mutex, time::timeout};
use tracing::Level;

use super::{
    super::{AtWork, standing::Stands},
    Admin, browsers,
};
use crate::{BUILD, COMPILER, REVISION, VERSION, config::LogFilter};

/// Longer than any directives that are of use.
const LONGEST_BODY: usize = 4096;

/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// What proxies put on requests that they pass on.
const PASSED_ON: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

const TEXT: &str = "text/plain; charset=utf-8";
/// As Prometheus asks for it.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

const WHAT_THERE_IS: &str = "there are GET /metrics, /healthz, /readyz, /buildinfo and /loglevel, and PUT /loglevel";

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    /// Whether they came to an address that is this machine's alone.
    pub(super) on_loopback: bool,
}

/// Where answers are given out.
#[derive(Debug)]
pub(super) struct Desk {
    admin: Admin,
    /// What telemetry has to show, where this process has begun any.
    at_work: Option<&'static AtWork>,
    /// One at a time is measured: who asks often only waits.
    measuring: Mutex<()>,
}

/// What becomes an answer.
struct Answer {
    code: StatusCode,
    kind: &'static str,
    text: String,
    allow: Option<&'static str>,
}

impl Answer {
    fn new(code: StatusCode, text: impl Into<String>) -> Self {
        Self { code, kind: TEXT, text: text.into() + "\n", allow: None }
    }

    fn ok(text: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, text)
    }
}

impl Desk {
    pub(super) fn new(admin: Admin, at_work: Option<&'static AtWork>) -> Self {
        Self { admin, at_work, measuring: Mutex::new(()) }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>, caller: Caller) -> Response<Full<Bytes>> {
        let refused = browsers::refuse(request.headers(), request.uri(), caller.on_loopback);
        let answer = match refused {
            Some(why) => Answer::new(StatusCode::FORBIDDEN, why),
            None => self.of(request, caller).await,
        };
        let mut response = Response::new(Full::new(Bytes::from(answer.text)));
        *response.status_mut() = answer.code;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(methods) = answer.allow {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        response
    }

    async fn of(&self, request: Request<Incoming>, caller: Caller) -> Answer {
        // Of a HEAD, the connection sends all but the text.
        let looks = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/loglevel" if *request.method() == Method::PUT => self.change_level(request, caller).await,
            "/loglevel" if !looks => not_allowed("GET, HEAD, PUT"),
            "/metrics" | "/healthz" | "/readyz" | "/buildinfo" if !looks => not_allowed("GET, HEAD"),
            "/metrics" => self.metrics().await,
            "/healthz" => Answer::ok("alive"),
            "/readyz" => self.ready(),
            "/buildinfo" => self.build(),
            "/loglevel" => self.at_work.map_or_else(nothing_to_show, |work| Answer::ok(work.levels.now().as_str())),
            path => {
                let path: String = path.chars().take(100).collect();
                Answer::new(StatusCode::NOT_FOUND, format!("there is no {path} here; {WHAT_THERE_IS}"))
            }
        }
    }

    async fn metrics(&self) -> Answer {
        let Some(work) = self.at_work else { return nothing_to_show() };
        let _one = self.measuring.lock().await;
        let shown = work.shown.clone();
        // Asks the kernel, and copies every series: not on a thread that calls run on.
        match tokio::task::spawn_blocking(move || shown.as_text()).await {
            Ok(Ok(text)) => Answer { code: StatusCode::OK, kind: METRICS, text, allow: None },
            Ok(Err(error)) => broken(&error),
            Err(error) => broken(&error),
        }
    }

    fn ready(&self) -> Answer {
        match self.admin.standing.now() {
            Stands::Serving => {
                // It serves all the same: nobody gains by a server that is taken out of use for that.
                let told: String = self.admin.standing.amiss().iter().map(|line| format!("\n{line}")).collect();
                Answer::ok(format!("serving{told}"))
            }
            Stands::Starting => Answer::new(StatusCode::SERVICE_UNAVAILABLE, "starting: calls are not taken yet"),
            Stands::Draining => {
                let text = "draining: a shutdown has begun, calls under way end, and no new ones are taken";
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }

    fn build(&self) -> Answer {
        let built = json!({
            "version": VERSION,
            "revision": REVISION,
            "build": BUILD,
            "rustc": COMPILER,
            "features": self.admin.features,
        });
        Answer { kind: JSON, ..Answer::ok(format!("{built:#}")) }
    }

    async fn change_level(&self, request: Request<Incoming>, caller: Caller) -> Answer {
        if !caller.peer.ip().to_canonical().is_loopback() {
            let text = format!(
                "the log level is changed from this machine alone, and {} is another: forward a port to it (kubectl \
                 port-forward)",
                caller.peer.ip()
            );
            return Answer::new(StatusCode::FORBIDDEN, text);
        }
        // A proxy on this machine is this machine, and whom it speaks for is not.
        if let Some(name) = PASSED_ON.iter().find(|name| request.headers().contains_key(**name)) {
            let text = format!(
                "the log level is changed from this machine alone, and this was passed on for somebody else: it has the \
                 header {name}; ask the port itself"
            );
            return Answer::new(StatusCode::FORBIDDEN, text);
        }
        let Some(work) = self.at_work else { return nothing_to_show() };
        let directives = match body(request).await {
            Ok(text) => text,
            Err(answer) => return answer,
        };
        let directives = match LogFilter::new(directives.trim()) {
            Ok(directives) => directives,
            Err(expected) => {
                let shown: String = directives.trim().chars().take(200).collect();
                let text = format!("the log level {shown:?} is not valid; expected {expected}");
                return Answer::new(StatusCode::BAD_REQUEST, text);
            }
        };
        let (from, to) = (work.levels.now(), directives.clone());
        let tell = || {
            let (peer, from, to) = (caller.peer, from.as_str(), to.as_str());
            tracing::warn!(%peer, from, to, "the log level was changed, until it is changed again or the server ends");
        };
        // Told by whichever of the two lets it be told.
        let told = work.levels.tell(module_path!(), Level::WARN);
        if told {
            tell();
        }
        if let Err(error) = work.levels.change(directives) {
            return broken(&error);
        }
        if !told {
            tell();
        }
        Answer::ok(to.as_str())
    }
}

async fn body(request: Request<Incoming>) -> Result<String, Answer> {
    let collected = match timeout(BODY_TIMEOUT, Limited::new(request.into_body(), LONGEST_BODY).collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let text = format!("the body is longer than {LONGEST_BODY} bytes; send a level or directives");
            return Err(Answer::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        Ok(Err(_)) => return Err(Answer::new(StatusCode::BAD_REQUEST, "the body broke off; send it again")),
        Err(_) => return Err(Answer::new(StatusCode::REQUEST_TIMEOUT, "the body did not come; send it at once")),
    };
    String::from_utf8(collected.into())
        .map_err(|_| Answer::new(StatusCode::BAD_REQUEST, "the body is not UTF-8; send a level or directives"))
}

fn not_allowed(methods: &'static str) -> Answer {
    let text = format!("this is asked with {methods}; {WHAT_THERE_IS}");
    Answer { allow: Some(methods), ..Answer::new(StatusCode::METHOD_NOT_ALLOWED, text) }
}

fn nothing_to_show() -> Answer {
    let text =
        "this process has begun no telemetry: `strongroom serve` does, and a server within another program may not";
    Answer::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Answer {
    tracing::error!(error, "the admin port cannot answer");
    Answer::new(StatusCode::INTERNAL_SERVER_ERROR, format!("this cannot be told: {error}"))
}
