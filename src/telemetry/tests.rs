use std::sync::{Arc, Mutex};

use opentelemetry::{
    TraceId,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::{Request, Response, Status, transport::Server};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::*;
use crate::config::{Flag, Sources, load};

/// A collector that keeps what it is sent.
#[derive(Debug, Clone, Default)]
struct Sink {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    logs: Arc<Mutex<Vec<ExportLogsServiceRequest>>>,
}

#[tonic::async_trait]
impl LogsService for Sink {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.logs.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Sink {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

async fn sink() -> (Sink, String, tokio::task::JoinHandle<()>) {
    let sink = Sink::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(TraceServiceServer::new(sink.clone()))
        .add_service(LogsServiceServer::new(sink.clone()))
        .add_service(MetricsServiceServer::new(sink.clone()));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let tasks = tokio_util::task::TaskTracker::new();
    let task = tasks.spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
    (sink, url, task)
}

fn configured(pairs: &[(&str, &str)]) -> crate::config::Config {
    let flag = |(key, value): &(&str, &str)| Flag {
        flag: "--set".to_owned(),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    load(&Sources { flags: pairs.iter().map(flag).collect(), ..Sources::default() }).unwrap().config
}

/// What sends everything to a collector, as [`Telemetry::start`] puts it together, but for what there is one of in a process.
fn sending(pairs: &[(&str, &str)]) -> (Telemetry, impl Subscriber + use<>) {
    let config = configured(pairs).telemetry;
    let resource = resource(&config);
    let (collector, sending) = Collector::connect(&config, &resource).unwrap().unzip();
    let telemetry = Telemetry { metrics: Metrics::begin(resource, sending).unwrap(), collector };
    let spans = telemetry.collector.as_ref().map(Collector::spans);
    let lines = telemetry.collector.as_ref().and_then(Collector::lines);
    (telemetry, Registry::default().with(spans).with(lines.map(|lines| lines.with_filter(fit_to_send()))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_hands_the_last_spans_metrics_and_lines_to_the_collector() {
    let (sink, url, server) = sink().await;
    let (telemetry, subscriber) =
        sending(&[("telemetry.otlp_endpoint", &url), ("telemetry.service_name", "strongroom-test")]);
    let mut headers = http::HeaderMap::new();
    headers.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap());
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("start_backup", job.id = "J1");
        continue_trace(&span, &headers);
        span.in_scope(|| tracing::info!(job.id = "J1", "on the way"));
        tracing::info_span!(target: "h2", "poll").in_scope(|| tracing::info!(target: "h2::proto", "a frame"));
        tracing::warn!(target: "opentelemetry_sdk", "an export failed");
    });
    telemetry.metrics.meter("strongroom").u64_counter("aws_calls").build().add(2, &[]);
    tokio::task::spawn_blocking(|| telemetry.shutdown()).await.unwrap().unwrap();

    let traces = sink.traces.lock().unwrap();
    let resource = traces[0].resource_spans[0].resource.as_ref().unwrap();
    let told = format!("{resource:?}");
    for name in ["strongroom-test", "service.version", VERSION, "service.instance.id"] {
        assert!(told.contains(name), "{name} is missing in {told}");
    }
    let spans: Vec<_> = traces
        .iter()
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["start_backup"]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&spans[0].trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&spans[0].parent_span_id), "b7ad6b7169203331");
    let metrics = sink.metrics.lock().unwrap();
    assert!(format!("{metrics:?}").contains("aws_calls"), "{metrics:?}");
    let logs = sink.logs.lock().unwrap();
    let lines: Vec<_> = logs
        .iter()
        .flat_map(|request| &request.resource_logs)
        .flat_map(|resource| &resource.scope_logs)
        .flat_map(|scope| &scope.log_records)
        .collect();
    assert_eq!(lines.len(), 1, "what the exporters tell of themselves is not sent: {lines:?}");
    assert!(format!("{:?}", lines[0].body).contains("on the way"), "{lines:?}");
    assert_eq!((&lines[0].trace_id, &lines[0].span_id), (&spans[0].trace_id, &spans[0].span_id));
    server.abort();
}

#[tokio::test]
async fn lines_are_kept_here_where_the_configuration_says_so() {
    let collector = |pairs: &[(&str, &str)]| {
        let config = configured(pairs).telemetry;
        Collector::connect(&config, &resource(&config)).unwrap()
    };
    assert!(collector(&[]).is_none());
    let endpoint = ("telemetry.otlp_endpoint", "http://127.0.0.1:4317");
    assert!(collector(&[endpoint]).unwrap().0.logs.is_some());
    assert!(collector(&[endpoint, ("telemetry.logs", "false")]).unwrap().0.logs.is_none());
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_told_with_its_key_before_anything_is_served() {
    let endpoint = ("telemetry.otlp_endpoint", "https://127.0.0.1:4317");
    let config = configured(&[endpoint, ("telemetry.otlp_ca_file", "no/such.pem")]).telemetry;
    let refused = Collector::connect(&config, &resource(&config)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "telemetry.otlp_ca_file = \"no/such.pem\" cannot be read; name a readable PEM file"
    );
}

#[test]
fn metrics_are_shown_in_the_words_of_prometheus_within_their_bounds() {
    let metrics = Metrics::begin(resource(&configured(&[]).telemetry), None).unwrap();
    let meter = metrics.meter("strongroom");
    let calls = meter.u64_counter("strongroom.aws.calls").with_description("Calls.").build();
    for account in 0..3000 {
        calls.add(1, &[KeyValue::new("aws.account_id", format!("{account:012}"))]);
    }
    let took = meter.f64_histogram("rpc.server.call.duration").with_unit("s").build();
    took.record(0.02, &[KeyValue::new("rpc.method", "strongroom.v1.VaultService/GetVault")]);
    let text = metrics.shown.as_text().unwrap();
    for line in [
        "# HELP strongroom_aws_calls_total Calls.",
        "# TYPE strongroom_aws_calls_total counter",
        "strongroom_aws_calls_total{aws_account_id=\"000000000007\"} 1",
        "strongroom_aws_calls_total{otel_metric_overflow=\"true\"} 1000",
        "rpc_server_call_duration_seconds_bucket{rpc_method=\"strongroom.v1.VaultService/GetVault\",le=\"0.01\"} 0",
        "rpc_server_call_duration_seconds_bucket{rpc_method=\"strongroom.v1.VaultService/GetVault\",le=\"0.025\"} 1",
        "rpc_server_call_duration_seconds_bucket{rpc_method=\"strongroom.v1.VaultService/GetVault\",le=\"180\"} 1",
        "rpc_server_call_duration_seconds_count{rpc_method=\"strongroom.v1.VaultService/GetVault\"} 1",
    ] {
        assert!(text.lines().any(|had| had == line), "{line} is missing in {}", &text[text.len() - 3000..]);
    }
    assert!(!text.contains("otel_scope") && !text.contains("target_info"), "{text}");
}

#[test]
fn the_level_changes_for_every_layer_and_libraries_keep_their_secrets() {
    let (lines, levels) = (Lines::default(), Levels::new(&configured(&[]).log.level));
    let writer = lines.clone();
    let layer = log_layer(&configured(&[("log.format", "json")]).log, move || writer.clone());
    let subscriber = Registry::default().with(layer.with_filter(levels.followed().unwrap()));
    tracing::subscriber::with_default(subscriber, || {
        let say = |at: &str| {
            tracing::debug!(at, "ours");
            tracing::debug!(target: "hyper_util::client", at, "theirs");
            tracing::trace!(target: "aws_smithy_runtime", at, "authorization: AWS4-HMAC-SHA256 …");
        };
        let change = |text| levels.change(crate::config::LogFilter::new(text).unwrap()).unwrap();
        say("info");
        change("trace");
        say("trace");
        change("error,hyper_util=trace,aws_smithy_runtime=trace");
        say("named");
        assert_eq!(levels.now().as_str(), "error,hyper_util=trace,aws_smithy_runtime=trace");
    });
    let told: Vec<serde_json::Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        told.iter().map(|line| (line["at"].as_str().unwrap(), line["message"].as_str().unwrap())).collect();
    assert_eq!(told, [("trace", "ours"), ("named", "theirs")]);
}

#[test]
fn the_trouble_of_the_exporters_is_told_once_and_not_with_every_batch() {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = log_layer(&configured(&[("log.format", "json")]).log, move || writer.clone());
    tracing::subscriber::with_default(Registry::default().with(layer.with_filter(Seldom::default())), || {
        for batch in 0..5 {
            tracing::error!(target: "opentelemetry_sdk", batch, "an export failed");
            tracing::warn!(target: "opentelemetry_sdk", batch, "a queue is full");
            tracing::info!(batch, "ours");
        }
    });
    let of = |message: &str| lines.text().lines().filter(|line| line.contains(message)).count();
    assert_eq!((of("an export failed"), of("a queue is full"), of("ours")), (1, 1, 5));
}

/// Whose trace a span under a root is in when it was told to go on with the headers: the root's and its own.
fn continued(traceparent: &str) -> [TraceId; 2] {
    let mut headers = http::HeaderMap::new();
    headers.insert("traceparent", traceparent.parse().unwrap());
    let tracer = SdkTracerProvider::builder().build().tracer("strongroom");
    tracing::subscriber::with_default(
        Registry::default().with(tracing_opentelemetry::layer().with_tracer(tracer)),
        || {
            let root = tracing::info_span!("root");
            let span = tracing::info_span!(parent: &root, "start_backup");
            continue_trace(&span, &headers);
            [root, span].map(|span| span.context().span().span_context().trace_id())
        },
    )
}

#[test]
fn headers_that_name_no_trace_change_nothing() {
    for value in ["", "00-0-0-01", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
        let [root, span] = continued(value);
        assert!(root != TraceId::INVALID && span == root, "{value:?}: {span} is not {root}");
    }
    // The test can tell: a good one takes the span away from its root.
    let [root, span] = continued("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(span.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(span, root);
}

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn json_logs_are_one_object_a_line_with_what_their_span_tells() {
    let (lines, config) = (Lines::default(), configured(&[("log.format", "json")]));
    let writer = lines.clone();
    let layer = log_layer(&config.log, move || writer.clone());
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        let _span = tracing::info_span!("start_backup", job.id = "J1").entered();
        tracing::warn!(aws.operation = "StartBackupJob", "slow");
    });
    let line: serde_json::Value = serde_json::from_str(lines.text().trim_end()).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"slow".into()));
    assert_eq!((&line["aws.operation"], &line["job.id"]), (&"StartBackupJob".into(), &"J1".into()));
}
