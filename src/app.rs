//! The composition root: the one file that knows all parts, and puts them together.

pub mod aws_check;
mod identity;
pub mod ledger;
pub(crate) mod policies;
pub mod sandbox;

use std::{io, net::SocketAddr};

use tokio::{net::TcpListener, sync::broadcast};

use crate::{
    BUILD,
    aws::Aws,
    config::{AdminConfig, Config, LedgerConfig, Url},
    domain::{MAX_PAGE_SIZE, RequestId},
    ledger::{Feed, Keeping, Ledger},
    lifecycle::Lifecycle,
    rpc::{self, About, Audit, Guards, Limits, Permissions, Remembered, Tls},
    telemetry::{self, Admin, Standing},
    workers::Workers,
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
    /// Where the admin port listens, likewise, if there is one.
    pub admin: Option<SocketAddr>,
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
    /// The record of what callers did cannot be kept.
    #[error(transparent)]
    Audit(#[from] rpc::AuditError),
    /// The policies of callers cannot be used.
    #[error(transparent)]
    Permissions(#[from] rpc::PermissionsError),
    /// The gRPC port cannot be encrypted as it should be.
    #[error(transparent)]
    Tls(#[from] rpc::TlsError),
}

/// Changes that wait for the workers; with more of them everything is looked at again.
const TOUCHED: usize = 256;

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
    let admin = bind_admin(config.admin).await?;
    let admin_at = admin.as_ref().and_then(|listener| listener.local_addr().ok());
    // Nothing is served that cannot be recorded.
    let audit = Audit::open(&config.audit)?;
    let tls = Tls::open(&config.server.tls)?;
    let standing = Standing::starting(life.soft());
    let about = about(config, neighbour);
    if let Some(listener) = admin {
        let shown = Admin { standing: standing.clone(), features: about.features.clone() };
        // Shows what a shutdown does, to its end.
        life.spawn_neighbour("the admin port", telemetry::serve(listener, shown, life.hard()));
    }
    let sandbox = match neighbour {
        Neighbour::Aws => None,
        Neighbour::Sandbox => Some(sandbox::start(&config.sandbox, sandbox::Role::Neighbour, life).await?),
    };
    let sandbox_endpoint = sandbox.map(|address| Url::to(address).as_str().to_owned());
    let aws = match &sandbox_endpoint {
        Some(url) => Aws::connect_unreal(&config.aws, url, config.sandbox.region.as_str()),
        None => Aws::connect(&config.aws).await,
    };
    if neighbour == Neighbour::Aws {
        life.spawn_until_stop(identity::introduce(aws.clone(), config.aws.clone()));
    }
    let ledger = Ledger::new(keeping(&config.ledger, neighbour));
    let permissions = Permissions::open(&config.access, ledger.clone(), config.ledger.owner_tag.as_str())?;
    if let Some(permissions) = permissions.clone() {
        let standing = standing.clone();
        life.spawn_until_stop(permissions.keep(move |fault| standing.note("access.policies", fault)));
    }
    let (settings, guards) = (config.server.clone(), Guards { access: config.access.clone(), audit, permissions, tls });
    let (feed, scopes) = (config.feed.clone(), config.ledger.scopes.clone());
    let tail = Feed::new(ledger.clone());
    life.spawn_until_stop(tail.clone().run());
    let touched = broadcast::Sender::new(TOUCHED);
    let name = RequestId::fresh().as_str().to_owned();
    let workers = Workers {
        aws: aws.clone(),
        ledger: ledger.clone(),
        tail: tail.clone(),
        touched: touched.clone(),
        feed: feed.clone(),
        config: config.ledger.clone(),
        name,
        max_databases: config.telemetry.max_databases,
    };
    workers.begin(life);
    let remembered = Remembered { ledger, tail, feed, scopes };
    let (about, serving) = (About { sandbox_endpoint, ..about }, life.clone());
    let serve =
        async move { rpc::serve(listener, (aws, remembered, touched), &settings, guards, about, serving).await };
    life.spawn_vital("the gRPC server", serve);
    standing.serves();
    Ok(Running { grpc, sandbox, admin: admin_at })
}

/// Where the ledger is kept: what nobody said is kept in memory beside a sandbox, of which nothing is real, and in the working
/// directory otherwise.
fn keeping(config: &LedgerConfig, neighbour: Neighbour) -> Keeping {
    let LedgerConfig { path, url, password_file, .. } = config;
    match (url, path, neighbour) {
        (Some(url), _, _) => Keeping::Postgres { url: url.as_str().to_owned(), password_file: password_file.clone() },
        // As SQLite itself calls it.
        (None, Some(path), _) if path.as_os_str() == ":memory:" => Keeping::Memory,
        (None, Some(path), _) => Keeping::File(path.clone()),
        (None, None, Neighbour::Sandbox) => Keeping::Memory,
        (None, None, Neighbour::Aws) => by_default(),
    }
}

/// The ledger of a server on AWS that would start here, to be read: nothing is made.
fn kept(config: &LedgerConfig) -> Keeping {
    match (&config.url, &config.path) {
        (None, None) => Keeping::File(BY_DEFAULT.into()),
        (Some(_), _) | (_, Some(_)) => keeping(config, Neighbour::Aws),
    }
}

/// The file of a ledger that nobody said anything of, in the working directory.
const BY_DEFAULT: &str = "strongroom-ledger.db";

/// A file in the working directory; memory where none can be there, as in a container whose root is read-only.
fn by_default() -> Keeping {
    let path = BY_DEFAULT;
    match std::fs::OpenOptions::new().create(true).append(true).open(path) {
        Ok(_) => Keeping::File(path.into()),
        Err(error) => {
            tracing::info!(%error, "jobs are remembered in memory alone: {path} cannot be written here; set ledger.path or ledger.url");
            Keeping::Memory
        }
    }
}

/// Takes the address of the admin port. The default is done without where somebody else has it.
async fn bind_admin(config: AdminConfig) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.listen else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if !config.is_needed() && error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(
                %address,
                "another process has the admin port: this one goes without metrics, health and log level over HTTP; set \
                 admin.listen to another address, or to off"
            );
            Ok(None)
        }
        Err(source) => Err(StartError::Listen { what: "the admin port", address, key: "admin.listen", source }),
    }
}

/// What the server says of itself, but for where its sandbox is.
fn about(config: &Config, neighbour: Neighbour) -> About {
    let features = [
        ("audit", config.audit.path.is_some()),
        ("assume_role", config.aws.assume_role.is_some()),
        ("reflection", config.server.reflection),
        ("sandbox", neighbour == Neighbour::Sandbox),
        ("telemetry", config.telemetry.otlp_endpoint.is_some()),
    ];
    About {
        build: BUILD.to_owned(),
        sandbox_endpoint: None,
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
