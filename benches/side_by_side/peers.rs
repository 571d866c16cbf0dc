//! What Strongroom is compared with: tonic with nothing behind it, the AWS SDK with nothing before it, and what a team
//! writes in an afternoon in Python.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_backup::Client;
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
use strongroom::proto::{
    GetServerInfoRequest, GetServerInfoResponse, Scope, ServerLimits,
    server_service_server::{ServerService, ServerServiceServer},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use crate::processes::Running;

struct Constant(GetServerInfoResponse);

#[tonic::async_trait]
impl ServerService for Constant {
    async fn get_server_info(
        &self,
        _: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }
}

/// Serves the cheapest RPC's answer as a constant, until killed.
pub(crate) async fn serve_bare_tonic() -> Result<()> {
    let answer = GetServerInfoResponse {
        version: strongroom::VERSION.to_owned(),
        build: strongroom::BUILD.to_owned(),
        default_scope: Some(Scope { account: "123456789012".to_owned(), region: "us-east-1".to_owned() }),
        features: vec!["reflection".to_owned(), "sandbox".to_owned()],
        limits: Some(ServerLimits {
            max_request_bytes: 262_144,
            max_page_size: 1000,
            max_concurrent_requests: 256,
            request_timeout_seconds: 300,
            role_propagation_seconds: 120,
        }),
        ..GetServerInfoResponse::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("address={}", listener.local_addr()?);
    tonic::transport::Server::builder()
        .add_service(ServerServiceServer::new(Constant(answer)))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// Takes whatever is sent, and keeps nothing.
struct Taken;

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Taken {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Taken {
    async fn export(
        &self,
        _: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// Serves as a collector, until killed.
pub(crate) async fn serve_collector() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("address={}", listener.local_addr()?);
    tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Taken))
        .add_service(MetricsServiceServer::new(Taken))
        .add_service(LogsServiceServer::new(Taken))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

/// The bench itself, as the collector.
pub(crate) fn collector() -> Result<Running> {
    Running::start(Command::new(std::env::current_exe()?).arg("collector"))
}

/// The bench itself, as the bare peer.
pub(crate) fn bare_tonic() -> Result<Running> {
    Running::start(Command::new(std::env::current_exe()?).arg("bare-tonic"))
}

/// The service in Python, on stubs made for the occasion.
pub(crate) fn python(python: &Path, sandbox: &Running) -> Result<Running> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-peer");
    std::fs::create_dir_all(&folder)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut protoc = Command::new(python);
    protoc.args(["-m", "grpc_tools.protoc"]).arg(format!("-I{}", root.join("proto").display()));
    let include = Command::new(python)
        .args(["-c", "import grpc_tools, os; print(os.path.dirname(grpc_tools.__file__))"])
        .output()?;
    let include = String::from_utf8(include.stdout)?;
    protoc.arg(format!("-I{}/_proto", include.trim()));
    protoc.arg(format!("--python_out={0}", folder.display())).arg(format!("--grpc_python_out={}", folder.display()));
    for entry in ["strongroom/v1", "google/api"] {
        for file in std::fs::read_dir(root.join("proto").join(entry)).into_iter().flatten() {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "proto") {
                protoc.arg(path);
            }
        }
    }
    ensure!(protoc.stdout(Stdio::null()).status()?.success(), "the stubs of the Python peer cannot be made");
    let mut service = Command::new(python);
    service.arg(root.join("benches/peers/service.py")).arg(sandbox.url()).env("PYTHONPATH", &folder);
    Running::start(&mut service)
}

/// The AWS SDK as Strongroom configures it, without Strongroom.
pub(crate) async fn sdk(sandbox: &Running) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(sandbox.url())
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .load()
        .await;
    Client::new(&config)
}
