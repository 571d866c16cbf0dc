//! The composition root: the one file that knows all parts, and puts them together.

pub mod sandbox;

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{
    BUILD,
    aws::Aws,
    config::{Config, Url},
    domain::MAX_PAGE_SIZE,
    lifecycle::Lifecycle,
    rpc::{self, About, Limits},
};

/// Which AWS the server works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbour {
    /// AWS, or what `aws.endpoint_url` puts in its place.
    Aws,
    /// The embedded sandbox.
    Sandbox,
}

/// What is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Where the gRPC API listens, with the port that was found for port 0.
    pub grpc: SocketAddr,
    /// Where the embedded sandbox listens, likewise.
    pub sandbox: Option<SocketAddr>,
}

/// The process cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("{what} cannot listen on {address}: choose another {key}, or end what listens there")]
    Listen {
        /// Who wanted to.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The key of the configuration that says so.
        key: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The sandbox is asked for in a build without it.
    #[error(
        "this build has no sandbox: build it with --features sandbox (on by default; the runtime image leaves it out)"
    )]
    WithoutSandbox,
}

/// Starts the server, with the sandbox first where it is asked for. Everything runs on `life`, and ends with it.
///
/// # Errors
/// When an address cannot be listened on, or the sandbox is asked for in a build without it.
pub async fn start(config: &Config, neighbour: Neighbour, life: &Lifecycle) -> Result<Running, StartError> {
    let refused = |source| StartError::Listen {
        what: "the gRPC server",
        address: config.server.listen,
        key: "server.listen",
        source,
    };
    // Before the sandbox: a start that fails must not leave a neighbour that people talk to.
    let listener = TcpListener::bind(config.server.listen).await.map_err(refused)?;
    let grpc = listener.local_addr().map_err(refused)?;
    let sandbox = match neighbour {
        Neighbour::Aws => None,
        Neighbour::Sandbox => Some(sandbox::start(&config.sandbox, sandbox::Role::Neighbour, life).await?),
    };
    let sandbox_endpoint = sandbox.map(|address| Url::to(address).as_str().to_owned());
    let aws = match &sandbox_endpoint {
        Some(url) => Aws::connect_unreal(&config.aws, url, config.sandbox.region.as_str()),
        None => Aws::connect(&config.aws).await,
    };
    let (settings, about, serving) = (config.server.clone(), about(config, sandbox_endpoint), life.clone());
    life.spawn_vital("the gRPC server", async move { rpc::serve(listener, aws, &settings, about, serving).await });
    Ok(Running { grpc, sandbox })
}

/// What the server says of itself.
fn about(config: &Config, sandbox_endpoint: Option<String>) -> About {
    let features = [
        ("assume_role", config.aws.assume_role.is_some()),
        ("reflection", config.server.reflection),
        ("sandbox", sandbox_endpoint.is_some()),
        ("telemetry", config.telemetry.otlp_endpoint.is_some()),
    ];
    About {
        build: BUILD.to_owned(),
        sandbox_endpoint,
        features: features.iter().filter(|(_, has)| *has).map(|(name, _)| (*name).to_owned()).collect(),
        limits: Limits {
            request_bytes: config.server.max_request_bytes,
            page_size: MAX_PAGE_SIZE,
            concurrent_requests: config.server.max_concurrent_requests,
            request_timeout: config.server.request_timeout,
            role_propagation: config.aws.role_propagation_wait,
        },
    }
}

#[cfg(test)]
mod tests;
