use std::sync::{Arc, Mutex};

use opentelemetry::{TraceId, metrics::MeterProvider as _, trace::TraceContextExt as _};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tonic::{Request, Response, Status, transport::Server};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::*;
use crate::config::{Flag, Sources, load};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_hands_the_last_spans_and_metrics_to_the_collector() {
    let (sink, url, server) = sink().await;
    let config = configured(&[("telemetry.otlp_endpoint", &url), ("telemetry.service_name", "strongroom-test")]);
    let collector = Collector::connect(&config.telemetry).unwrap().unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap());
    tracing::subscriber::with_default(Registry::default().with(collector.layer()), || {
        let span = tracing::info_span!("start_backup", job.id = "J1");
        continue_trace(&span, &headers);
        span.in_scope(|| tracing::info!("on the way"));
        tracing::info_span!(target: "h2", "poll").in_scope(|| ());
    });
    collector.metrics.meter("strongroom").u64_counter("aws_calls").build().add(2, &[]);
    tokio::task::spawn_blocking(|| collector.shutdown()).await.unwrap().unwrap();

    let traces = sink.traces.lock().unwrap();
    let resource = traces[0].resource_spans[0].resource.as_ref().unwrap();
    assert!(format!("{resource:?}").contains("strongroom-test"), "{resource:?}");
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
    server.abort();
}

#[test]
fn without_an_endpoint_nothing_is_collected() {
    assert!(Collector::connect(&configured(&[]).telemetry).unwrap().is_none());
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

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: &str) -> String {
    let (lines, config) = (Lines::default(), configured(&[("log.format", format)]));
    let writer = lines.clone();
    let layer = log_layer(&config.log, move || writer.clone());
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        let _span = tracing::info_span!("start_backup", job.id = "J1").entered();
        tracing::warn!(aws.operation = "StartBackupJob", "slow");
    });
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn json_logs_are_one_object_a_line_with_their_span() {
    let line: serde_json::Value = serde_json::from_str(logged("json").trim_end()).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "slow");
    assert_eq!(line["aws.operation"], "StartBackupJob");
    assert_eq!(line["span"]["job.id"], "J1");
}

#[test]
fn text_logs_name_level_span_and_fields() {
    let line = logged("text");
    for part in ["WARN", "start_backup", "job.id=\"J1\"", "slow", "aws.operation=\"StartBackupJob\""] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}
