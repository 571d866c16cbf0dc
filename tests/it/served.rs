//! The real program as a process of its own, on its sandbox: its log is read line by line, and what it sends goes to a
//! collector of the test.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{AnyValue, KeyValue, any_value::Value as Attribute},
    metrics::v1::{metric::Data, number_data_point},
    trace::v1::span::SpanKind,
};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};

use crate::harness::{PATIENCE, START, strongroom};

/// A running program.
pub(crate) struct Served {
    child: Child,
    log: UnboundedReceiver<String>,
    seen: Vec<Value>,
    url: String,
    admin: String,
    sandbox: String,
    sink: Sink,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Of a test that failed; one that was stopped has ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Served {
    /// With these keys of the configuration, such as `log.level=trace`. What happens in AWS it does not follow, unless that is
    /// among them: its own calls would take the faults that a test has armed, and stand among the spans and counts.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        let (sink, collector) = Sink::listen().await;
        let otlp = format!("telemetry.otlp_endpoint={collector}");
        let mut command = strongroom();
        command.args(["serve", "--sandbox", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"]);
        command.args([
            "--clock",
            "manual",
            "--start",
            START,
            "--log-format",
            "json",
            "--set",
            "admin.listen=127.0.0.1:0",
        ]);
        for setting in ["feed.enabled=false", &otlp].iter().chain(settings) {
            command.args(["--set", setting]);
        }
        command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (told, log) = unbounded_channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        let [url, admin, sandbox] = [const { String::new() }; 3];
        let mut served = Self { child, log, seen: Vec::new(), url, admin, sandbox, sink };
        let ready = served.line(|line| line["message"] == "serving gRPC").await;
        served.url = format!("http://{}", ready["address"].as_str().unwrap());
        served.admin = format!("http://{}", ready["admin"].as_str().unwrap());
        let sandbox = served.seen.iter().find_map(|line| line["sandbox"].as_str());
        served.sandbox = sandbox.expect("where the sandbox listens").trim_end_matches('/').to_owned();
        served
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where its sandbox listens.
    pub(crate) fn sandbox(&self) -> &str {
        &self.sandbox
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
    }

    /// By a client of this name.
    pub(crate) async fn channel_of(&self, user_agent: &str) -> Channel {
        let channel = Channel::from_shared(self.url.clone()).unwrap().user_agent(user_agent).unwrap();
        channel.connect().await.unwrap()
    }

    /// Its metrics, as Prometheus reads them.
    pub(crate) async fn scraped(&self) -> String {
        reqwest::get(format!("{}/metrics", self.admin)).await.unwrap().text().await.unwrap()
    }

    /// Arms a fault of the sandbox.
    pub(crate) async fn arm(&self, fault: Value) {
        let answer = reqwest::Client::new().post(format!("{}/_sandbox/faults", self.sandbox)).json(&fault).send().await;
        assert!(answer.unwrap().status().is_success());
    }

    /// How often the faults that are armed have struck, in the order of arming.
    pub(crate) async fn strikes(&self) -> Vec<u64> {
        let listed: Value =
            reqwest::get(format!("{}/_sandbox/faults", self.sandbox)).await.unwrap().json().await.unwrap();
        listed["faults"].as_array().unwrap().iter().map(|fault| fault["hits"].as_u64().unwrap()).collect()
    }

    /// The first line that fits, of those that were read or come yet.
    pub(crate) async fn line(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(line) = self.seen.iter().find(|line| fits(line)) {
            return line.clone();
        }
        loop {
            let line = tokio::time::timeout(PATIENCE, self.log.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("no such line among {:#?}", self.seen)).expect("it ended");
            self.seen.push(strict(&line));
            if let Some(line) = self.seen.last().filter(|line| fits(line)) {
                return line.clone();
            }
        }
    }

    /// Asks it to stop, waits for its end, and gives everything that it told.
    pub(crate) async fn stop(mut self) -> Told {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let rest = async {
            let mut lines = Vec::new();
            while let Some(line) = self.log.recv().await {
                lines.push(line);
            }
            lines
        };
        let rest = tokio::time::timeout(2 * PATIENCE, rest).await.expect("it did not stop");
        assert!(self.child.wait().unwrap().success());
        let mut lines = std::mem::take(&mut self.seen);
        lines.extend(rest.iter().map(|line| strict(line)));
        let raw = rest.join("\n");
        Told { lines, raw, spans: self.sink.spans(), points: self.sink.points() }
    }
}

/// What a program told in its life.
pub(crate) struct Told {
    pub(crate) lines: Vec<Value>,
    /// What was not read before the end, as it was written.
    pub(crate) raw: String,
    pub(crate) spans: Vec<Span>,
    /// As they were in the end.
    pub(crate) points: Vec<Point>,
}

impl Told {
    /// The lines of RPCs, in the order of their ends.
    pub(crate) fn rpcs(&self) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["message"] == "rpc").collect()
    }

    /// The one line of an RPC of this method.
    pub(crate) fn rpc(&self, method: &str) -> &Value {
        let lines: Vec<_> =
            self.rpcs().into_iter().filter(|line| line["method"].as_str().unwrap().ends_with(method)).collect();
        assert_eq!(lines.len(), 1, "{method}: {lines:#?}");
        lines[0]
    }

    /// The value of a metric with these labels among its own; absent: it has no such series.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |point: &&Point| {
            point.name == name
                && labels.iter().all(|(key, value)| point.labels.get(*key).is_some_and(|has| has == value))
        };
        let mut fitting = self.points.iter().filter(fits).map(|point| point.value).peekable();
        fitting.peek()?;
        Some(fitting.sum())
    }
}

/// One JSON object, none of whose keys stands twice.
pub(crate) fn strict(line: &str) -> Value {
    struct Strict;
    impl<'d> serde::de::Visitor<'d> for Strict {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'d>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut object = Map::new();
            while let Some((key, value)) = map.next_entry::<String, Value>()? {
                if object.insert(key.clone(), value).is_some() {
                    return Err(serde::de::Error::custom(format!("{key} stands twice")));
                }
            }
            Ok(object)
        }
    }
    let mut json = serde_json::Deserializer::from_str(line);
    let object = serde::Deserializer::deserialize_map(&mut json, Strict).and_then(|object| json.end().map(|()| object));
    Value::Object(object.unwrap_or_else(|error| panic!("{error}: {line}")))
}

/// A span as it came to the collector.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    /// Whether its status is ERROR, and what the status says.
    pub(crate) failed: Option<String>,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    /// The spans it is linked with.
    pub(crate) links: Vec<String>,
}

/// A series of a metric: of a histogram, how many were recorded.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// A collector that keeps what it is sent.
#[derive(Debug, Clone, Default)]
struct Sink {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Sink {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl Sink {
    async fn listen() -> (Self, String) {
        let sink = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder()
            .add_service(TraceServiceServer::new(sink.clone()))
            .add_service(MetricsServiceServer::new(sink.clone()));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move { server.serve_with_incoming(incoming).await });
        (sink, url)
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.traces.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        let spans = resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
        let read = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
            let status = span.status.clone().unwrap_or_default();
            Span {
                name: span.name.clone(),
                kind: span.kind(),
                failed: (status.code == 2).then_some(status.message),
                attributes: span.attributes.iter().map(|it| (it.key.clone(), attribute(it))).collect(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            }
        };
        spans.map(read).collect()
    }

    fn points(&self) -> Vec<Point> {
        let requests = self.metrics.lock().unwrap();
        let resources = requests.last().into_iter().flat_map(|request| &request.resource_metrics);
        let metrics = resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        let mut points = Vec::new();
        for metric in metrics {
            let mut add = |labels: &[KeyValue], value: f64| {
                let text = |it: &KeyValue| match attribute(it) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let labels = labels.iter().map(|it| (it.key.clone(), text(it))).collect();
                points.push(Point { name: metric.name.clone(), labels, value });
            };
            let number = |value: Option<number_data_point::Value>| match value {
                #[expect(clippy::cast_precision_loss, reason = "no test counts that far")]
                Some(number_data_point::Value::AsInt(value)) => value as f64,
                Some(number_data_point::Value::AsDouble(value)) => value,
                None => f64::NAN,
            };
            match metric.data.as_ref().unwrap() {
                Data::Gauge(gauge) => gauge.data_points.iter().for_each(|it| add(&it.attributes, number(it.value))),
                Data::Sum(sum) => sum.data_points.iter().for_each(|it| add(&it.attributes, number(it.value))),
                #[expect(clippy::cast_precision_loss, reason = "no test counts that far")]
                Data::Histogram(all) => all.data_points.iter().for_each(|it| add(&it.attributes, it.count as f64)),
                other => panic!("{other:?}"),
            }
        }
        points
    }
}

fn attribute(it: &KeyValue) -> Value {
    match it.value.clone().and_then(|AnyValue { value, .. }| value) {
        Some(Attribute::StringValue(text)) => text.into(),
        Some(Attribute::IntValue(number)) => number.into(),
        Some(Attribute::BoolValue(truth)) => truth.into(),
        Some(Attribute::DoubleValue(number)) => json!(number),
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
