//! The sandbox, where this build has it.

use std::net::SocketAddr;

use super::StartError;
use crate::{config::SandboxConfig, lifecycle::Lifecycle};

/// What the process is to the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its only server: it drains in the first stage of shutdown.
    Server,
    /// What the gRPC server speaks with: it stops after the last request.
    Neighbour,
}

/// Binds the sandbox, serves it for as long as the process lives, and says where it listens.
///
/// # Errors
/// When its address cannot be listened on.
#[cfg(feature = "sandbox")]
pub async fn start(config: &SandboxConfig, role: Role, life: &Lifecycle) -> Result<SocketAddr, StartError> {
    let refused =
        |source| StartError::Listen { what: "the sandbox", address: config.listen, key: "sandbox.listen", source };
    let sandbox = strongroom_sandbox::Sandbox::bind(as_told(config)).await.map_err(refused)?;
    let address = sandbox.local_addr().map_err(refused)?;
    match role {
        Role::Server => {
            let stop = life.soft();
            life.spawn_vital("the sandbox", async move {
                sandbox.serve(stop).await;
                Ok::<_, std::convert::Infallible>(())
            });
        }
        Role::Neighbour => life.spawn_neighbour("the sandbox", sandbox.serve(life.hard())),
    }
    Ok(address)
}

#[cfg(feature = "sandbox")]
fn as_told(config: &SandboxConfig) -> strongroom_sandbox::SandboxConfig {
    use jiff::{SignedDuration, Timestamp};
    use strongroom_sandbox::config::{Behaviour, ClockConfig, JobTimings};

    // The configuration's bounds are far below what cannot be said in a signed duration.
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let clock = match config.clock {
        crate::config::Clock::Auto => ClockConfig::Auto { speed: config.speed },
        crate::config::Clock::Manual => ClockConfig::Manual { start: config.start.unwrap_or_else(Timestamp::now) },
    };
    let jobs = JobTimings { start_delay: signed(config.job_start_delay), run_time: signed(config.job_run_time) };
    strongroom_sandbox::SandboxConfig {
        listen: config.listen,
        account: config.account.as_str().to_owned(),
        region: config.region.as_str().to_owned(),
        clock,
        behaviour: Behaviour { jobs, role_propagation: signed(config.role_propagation), ..Behaviour::default() },
        ..strongroom_sandbox::SandboxConfig::default()
    }
}

/// Says how to get a sandbox.
///
/// # Errors
/// Always: this build has none.
#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unused_async, reason = "the same face as in a build that has it")]
pub async fn start(_: &SandboxConfig, _: Role, _: &Lifecycle) -> Result<SocketAddr, StartError> {
    Err(StartError::WithoutSandbox)
}
