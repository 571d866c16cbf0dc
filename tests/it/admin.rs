//! The admin port, asked as a scraper, a probe and a person ask it.

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, TcpListener, UdpSocket},
    process::{Child, Stdio},
    sync::{Mutex, mpsc},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use strongroom::proto::{GetVaultRequest, vault_service_client::VaultServiceClient};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tonic::{Code, transport::Channel};

use crate::harness::{PATIENCE, World, strongroom};

async fn with_admin() -> World {
    World::start_with(|config| config.admin.listen = Some(([127, 0, 0, 1], 0).into())).await
}

/// The code and the text of an answer.
async fn ask(method: Method, url: String) -> (StatusCode, String) {
    let answer = Client::new().request(method, url).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn get(world: &World, path: &str) -> (StatusCode, String) {
    ask(Method::GET, format!("{}{path}", world.admin())).await
}

#[tokio::test]
async fn readiness_follows_the_life_of_the_server_and_health_does_not() {
    let world = with_admin().await;
    assert_eq!(get(&world, "/healthz").await, (StatusCode::OK, "alive\n".to_owned()));
    assert_eq!(get(&world, "/readyz").await, (StatusCode::OK, "serving\n".to_owned()));
    world.life().stop();
    let (code, told) = get(&world, "/readyz").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.starts_with("draining: "), "{told}");
    assert_eq!(get(&world, "/healthz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_built_is_one_json_document() {
    let world = with_admin().await;
    let (code, text) = get(&world, "/buildinfo").await;
    let built: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, StatusCode::OK);
    assert_eq!(built["version"], strongroom::VERSION);
    assert_eq!(built["build"], strongroom::BUILD);
    assert!(built["rustc"].as_str().unwrap().starts_with("rustc "), "{built}");
    assert!(built["revision"].is_string(), "{built}");
    assert_eq!(built["features"], serde_json::json!(["reflection", "sandbox"]));
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_there_is() {
    let world = with_admin().await;
    for path in ["/", "/metric", "/healthz/", "/_sandbox/clock"] {
        let (code, told) = get(&world, path).await;
        assert_eq!(code, StatusCode::NOT_FOUND, "{path}");
        assert!(told.contains(path) && told.contains("GET /metrics, /healthz, /readyz, /buildinfo"), "{told}");
    }
    for (path, allowed) in [("/metrics", "GET, HEAD"), ("/loglevel", "GET, HEAD, PUT")] {
        let answer = Client::new().post(format!("{}{path}", world.admin())).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], allowed);
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_text() {
    let world = with_admin().await;
    let answer = Client::new().head(format!("{}/healthz", world.admin())).send().await.unwrap();
    assert_eq!((answer.status(), answer.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "6"));
    assert_eq!(answer.text().await.unwrap(), "");
}

#[tokio::test]
async fn pages_of_the_web_are_told_nothing() {
    let world = with_admin().await;
    for (name, value) in
        [("origin", "http://localhost:8080"), ("sec-fetch-site", "cross-site"), ("host", "evil.example")]
    {
        for method in [Method::GET, Method::PUT] {
            let request = Client::new().request(method, format!("{}/loglevel", world.admin())).header(name, value);
            let answer = request.body("trace").send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}");
        }
    }
}

/// An address of this machine that is not loopback. Nothing is sent for it.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("198.51.100.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_loopback())
}

#[tokio::test]
async fn what_changes_anything_is_taken_from_this_machine_alone_whatever_a_header_says() {
    let world = World::start_with(|config| config.admin.listen = Some(([0, 0, 0, 0], 0).into())).await;
    let port = world.admin().rsplit(':').next().unwrap().to_owned();
    let put = async |host: &str, headers: &[(&str, &str)]| {
        let mut request = Client::new().put(format!("http://{host}:{port}/loglevel")).body("trace");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    // This process has begun no telemetry, which is what is told to whom nothing else is refused.
    for host in ["127.0.0.1", "127.0.0.2", "localhost"] {
        let (code, told) = put(host, &[]).await;
        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{host}: {told}");
    }
    let passed_on = [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("via", "1.1 here"),
    ];
    for header in passed_on {
        let (code, told) = put("127.0.0.1", &[header]).await;
        assert!(code == StatusCode::FORBIDDEN && told.contains(header.0), "{header:?}: {code} {told}");
    }
    let Some(own) = own_address() else {
        eprintln!("this machine has no address but loopback: nobody can come from another");
        return;
    };
    let own = own.to_string();
    for headers in [&[][..], &passed_on, &[("host", "localhost")], &[("host", "evil.example")]] {
        let (code, told) = put(&own, headers).await;
        assert!(
            code == StatusCode::FORBIDDEN && told.contains("from this machine alone"),
            "{headers:?}: {code} {told}"
        );
        assert!(told.contains(&own), "{told}");
    }
    // Who scrapes comes from elsewhere.
    for path in ["healthz", "readyz", "buildinfo"] {
        assert_eq!(ask(Method::GET, format!("http://{own}:{port}/{path}")).await.0, StatusCode::OK, "{path}");
    }
    // And there is nothing else that changes anything.
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["metrics", "healthz", "readyz", "buildinfo", "drain", "config", ""] {
            let (code, _) = ask(method.clone(), format!("http://127.0.0.1:{port}/{path}")).await;
            assert!([StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_FOUND].contains(&code), "{method} {path}: {code}");
        }
    }
}

#[tokio::test]
async fn the_level_stays_what_it_was_when_another_machine_asks_and_nothing_secret_is_told() {
    let secrets = [
        ("AWS_ACCESS_KEY_ID", "AKIAPLANTED000000001"),
        ("AWS_SECRET_ACCESS_KEY", "planted-secret-key"),
        ("AWS_SESSION_TOKEN", "planted-session-token"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=planted-header"),
        ("STRONGROOM_AWS__EXTERNAL_ID", "planted-external-id"),
        ("STRONGROOM_AWS__ASSUME_ROLE", "arn:aws:iam::{account}:role/Planted"),
    ];
    let serving = Serving::start_with("0.0.0.0", &secrets).await;
    let mut vaults = serving.vaults().await;
    _ = vaults.get_vault(GetVaultRequest { vault: "none".to_owned(), ..Default::default() }).await;
    if let Some(own) = own_address() {
        let from_elsewhere = serving.admin.replace("127.0.0.1", &own.to_string());
        let answer = Client::new().put(format!("{from_elsewhere}/loglevel")).body("trace").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(ask(Method::GET, format!("{}/loglevel", serving.admin)).await, (StatusCode::OK, "info\n".to_owned()));
    for path in ["metrics", "healthz", "readyz", "buildinfo", "loglevel", "none"] {
        let (_, told) = ask(Method::GET, format!("{}/{path}", serving.admin)).await;
        for (name, secret) in secrets {
            let secret = secret.rsplit(['=', '/']).next().unwrap();
            assert!(!told.contains(secret), "{path} tells {name}: {told}");
        }
    }
}

#[tokio::test]
async fn who_is_silent_or_long_winded_does_not_keep_others_from_asking() {
    let world = with_admin().await;
    let address = world.admin().strip_prefix("http://").unwrap().to_owned();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let asked = tokio::time::timeout(PATIENCE, get(&world, "/healthz")).await.unwrap();
    assert_eq!(asked.0, StatusCode::OK);
    // They were hung up on, each in its turn.
    for mut stream in silent {
        let mut rest = Vec::new();
        _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    }
    let long = Client::new().get(format!("{}/healthz", world.admin())).header("x-long", "x".repeat(100_000));
    assert!(long.send().await.map_or(true, |answer| answer.status().is_client_error()));
    let body = Client::new().put(format!("{}/loglevel", world.admin())).body("x".repeat(100_000));
    // This process has begun no telemetry, which is found first.
    assert!(body.send().await.map_or(true, |answer| !answer.status().is_success()));
    assert_eq!(get(&world, "/healthz").await.0, StatusCode::OK);
}

/// The program itself: what it measures and logs there is once in a process, and so in one of its own.
struct Serving {
    process: Child,
    grpc: String,
    admin: String,
    lines: Mutex<mpsc::Receiver<String>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Serving {
    async fn start() -> Self {
        Self::start_with("127.0.0.1", &[]).await
    }

    /// With an admin port at an address, and further variables.
    async fn start_with(at: &str, variables: &[(&str, &str)]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (grpc, sandbox, admin) = (free(), free(), free());
        let mut process = strongroom()
            .args(["serve", "--sandbox", "--log-format", "json", "--listen", &grpc, "--sandbox-listen", &sandbox])
            .args(["--admin-listen", &admin.replace("127.0.0.1", at)])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let told = BufReader::new(process.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in told.lines().map_while(Result::ok) {
                _ = sender.send(line);
            }
        });
        let serving =
            Self { process, grpc: format!("http://{grpc}"), admin: format!("http://{admin}"), lines: lines.into() };
        // Its last line of the start comes when everything is up.
        while Client::new().get(format!("{}/readyz", serving.admin)).send().await.is_err() {
            serving.lines.lock().unwrap().recv_timeout(PATIENCE).expect("it does not serve");
        }
        serving
    }

    async fn vaults(&self) -> VaultServiceClient<Channel> {
        VaultServiceClient::connect(self.grpc.clone()).await.unwrap()
    }

    async fn metrics(&self) -> String {
        let answer = Client::new().get(format!("{}/metrics", self.admin)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        answer.text().await.unwrap()
    }

    async fn put(&self, directives: &str) -> (StatusCode, String) {
        let answer = Client::new().put(format!("{}/loglevel", self.admin)).body(directives.to_owned());
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// What was logged up to the first line that has this in it; that is the last one.
    fn until(&self, part: &str) -> Vec<String> {
        let (lines, mut seen) = (self.lines.lock().unwrap(), Vec::new());
        while !seen.last().is_some_and(|line: &String| line.contains(part)) {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => seen.push(line),
                Err(error) => panic!("{part:?} is not logged ({error}): {seen:#?}"),
            }
        }
        seen
    }
}

/// The value of the one series that begins so.
fn value(text: &str, series: &str) -> f64 {
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with(series)).collect();
    assert_eq!(lines.len(), 1, "{series}: {lines:#?}\n{text}");
    lines[0].rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn metrics_tell_of_the_process_the_build_and_the_calls() {
    let serving = Serving::start().await;
    let mut vaults = serving.vaults().await;
    let asked = vaults.get_vault(GetVaultRequest { vault: "none".to_owned(), ..Default::default() }).await;
    assert_eq!(asked.unwrap_err().code(), Code::NotFound);
    let text = serving.metrics().await;
    assert_eq!(value(&text, "strongroom_serving "), 1.0);
    assert_eq!(value(&text, "strongroom_build_info{"), 1.0);
    assert!(text.contains(&format!("version=\"{}\"", strongroom::VERSION)), "{text}");
    assert_eq!(value(&text, "strongroom_connections "), 1.0);
    assert!(text.contains("rpc_method=\"strongroom.v1.VaultService/GetVault\",rpc_response_status_code=\"NOT_FOUND\""));
    assert_eq!(value(&text, "strongroom_telemetry_export_failures_total "), 0.0);
    assert!(value(&text, "process_uptime_seconds ") > 0.0);
    if cfg!(target_os = "linux") {
        assert!(value(&text, "process_memory_usage_bytes ") > 1e6);
        assert!(value(&text, "process_open_file_descriptors ") > 3.0);
        assert!(value(&text, "process_cpu_time_seconds_total ") >= 0.0);
    }
    // Every metric has its help, and no more labels than it needs.
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    assert!(!text.contains("otel_scope") && !text.contains("target_info"), "{text}");
}

#[tokio::test]
async fn the_log_level_is_changed_while_the_server_runs_and_the_change_is_logged() {
    let serving = Serving::start().await;
    let ask = async || serving.vaults().await.get_vault(GetVaultRequest::default()).await.unwrap_err();
    let (code, told) = serving.put("loud").await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(told.starts_with("the log level \"loud\" is not valid; expected error, warn, info"), "{told}");
    assert_eq!(serving.put("info,strongroom::telemetry=trace,").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(serving.put(&"x".repeat(5000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);

    assert_eq!(serving.put("off\n").await, (StatusCode::OK, "off\n".to_owned()));
    let seen = serving.until("the log level was changed");
    let change: Value = serde_json::from_str(seen.last().unwrap()).unwrap();
    assert_eq!((&change["from"], &change["to"]), (&"info".into(), &"off".into()));
    assert!(change["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{change}");

    ask().await;
    assert_eq!(serving.put("debug").await.0, StatusCode::OK);
    // Nothing in between: what was asked meanwhile is not told.
    assert_eq!(serving.until("the log level was changed").len(), 1);
    let level = Client::new().get(format!("{}/loglevel", serving.admin)).send().await.unwrap();
    assert_eq!(level.text().await.unwrap(), "debug\n");
}
