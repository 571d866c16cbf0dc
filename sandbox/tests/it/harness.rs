//! A bound sandbox on a free port with a clock that stands still, and a raw client.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom_sandbox::{Sandbox, SandboxConfig, config::ClockConfig};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub(crate) const START: &str = "2026-03-01T04:00:00Z";

pub(crate) struct Neighbour {
    pub(crate) url: String,
    /// Access key id and region of the requests.
    pub(crate) caller: (String, String),
    client: reqwest::Client,
    _stop: DropGuard,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `x-amzn-ErrorType`, blank where there is none.
    pub(crate) error: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    /// The answer is this error, and its message holds `words`.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, code: &str, words: &str) {
        assert_eq!((self.status, self.error.as_str()), (status, code), "{}", self.text);
        let message = self.json()["Message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(words), "'{message}' does not say '{words}'");
    }

    /// The answer is a success without a body.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert_eq!((self.status, self.text.as_str()), (200, ""));
    }
}

pub(crate) async fn start() -> Neighbour {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(adjust: impl FnOnce(&mut SandboxConfig)) -> Neighbour {
    let mut config = SandboxConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        clock: ClockConfig::Manual { start: START.parse().unwrap() },
        ..SandboxConfig::default()
    };
    adjust(&mut config);
    let sandbox = Sandbox::bind(config).await.unwrap();
    let url = format!("http://{}", sandbox.local_addr().unwrap());
    let stop = CancellationToken::new();
    TaskTracker::new().spawn(sandbox.serve(stop.clone()));
    Neighbour {
        url,
        caller: ("AKIDEXAMPLE".to_owned(), "us-east-1".to_owned()),
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        _stop: stop.drop_guard(),
    }
}

impl Neighbour {
    /// A signed request of AWS Backup; the signature is nonsense, as the sandbox does not check it.
    pub(crate) async fn try_backup(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Result<Answer> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(Some("backup"), request).await
    }

    /// A request of the Query protocol, signed for a service or, if that is blank, not at all.
    pub(crate) async fn form(&self, service: &str, form: &str) -> Answer {
        let request =
            self.client.post(&self.url).header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        self.send(Some(service).filter(|name| !name.is_empty()), request.body(form.to_owned())).await.unwrap()
    }

    /// A JSON 1.1 request, signed for a service or not at all.
    pub(crate) async fn target(&self, service: &str, target: &str, body: Value) -> Answer {
        let request = self.client.post(&self.url).header("x-amz-target", target).json(&body);
        self.send(Some(service).filter(|name| !name.is_empty()), request).await.unwrap()
    }

    async fn send(&self, service: Option<&str>, mut request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let (key, region) = &self.caller;
        if let Some(service) = service {
            let scope =
                format!("AWS4-HMAC-SHA256 Credential={key}/20260301/{region}/{service}/aws4_request, Signature=0");
            request = request.header("authorization", scope);
        }
        let answer = request.send().await?;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert!(header("x-amzn-requestid").is_some_and(|id| id.len() == 36), "every answer has a request id");
        let (status, error) = (answer.status().as_u16(), header("x-amzn-errortype").unwrap_or_default());
        Ok(Answer { status, error, text: answer.text().await? })
    }

    pub(crate) async fn backup(&self, method: &str, path: &str, body: Value) -> Answer {
        self.try_backup(method, path, Some(body)).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_backup("GET", path, None).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.try_backup("DELETE", path, None).await.unwrap()
    }

    /// A request of the control endpoints.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}/_sandbox{path}", self.url));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn advance(&self, by: &str) {
        let (status, body) = self.control("POST", "/clock", json!({ "advance": by })).await;
        assert_eq!(status, 200, "{body}");
    }

    pub(crate) async fn vault(&self, name: &str) {
        let answer = self.backup("PUT", &format!("/backup-vaults/{name}"), json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
