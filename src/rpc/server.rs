//! The server: services, health, reflection, and the layers that every call goes through.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::broadcast};
use tokio_util::sync::CancellationToken;
use tonic::{codec::CompressionEncoding, server::NamedService, service::Routes};
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder as Reflection;

use super::{
    access::{Access, Audit, Permissions},
    accounts::Accounts,
    calls::Calls,
    doorway::Doorway,
    jobs::Jobs,
    legal_holds::LegalHolds,
    listener::{self, Tls},
    plans::Plans,
    protection::Protection,
    recovery_points::RecoveryPoints,
    remembered::Remembered,
    resources::Resources,
    server_info::{About, ServerInfo},
    telling,
    vaults::Vaults,
};
use crate::{
    aws::Aws,
    config::{AccessConfig, ServerConfig},
    domain::Touched,
    lifecycle::Lifecycle,
    proto::{
        self, FILE_DESCRIPTOR_SET, access_service_server::AccessServiceServer,
        account_service_server::AccountServiceServer, job_service_server::JobServiceServer,
        legal_hold_service_server::LegalHoldServiceServer, plan_service_server::PlanServiceServer,
        protection_service_server::ProtectionServiceServer, recovery_point_service_server::RecoveryPointServiceServer,
        resource_service_server::ResourceServiceServer, server_service_server::ServerServiceServer,
        vault_service_server::VaultServiceServer,
    },
};

/// The server could not be built or broke off.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The descriptor set of the build is not readable.
    #[error("reflection cannot be built")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Bytes of a question to reflection: it has a name in it.
const LONGEST_QUESTION: usize = 4096;

/// How long answers may take to leave once the last call has ended, where a stream keeps its connection open.
const LINGER: Duration = Duration::from_secs(1);

/// What stands between callers and the services.
#[derive(Debug)]
pub struct Guards {
    /// Who may call.
    pub access: AccessConfig,
    /// The record of what callers do.
    pub audit: Audit,
    /// What policies permit callers, where there are some.
    pub permissions: Option<Permissions>,
    /// How connections are encrypted, if they are.
    pub tls: Option<Arc<Tls>>,
}

/// Serves until the first stage of shutdown, then lets the calls under way end.
pub async fn serve(
    listener: TcpListener,
    (aws, remembered, touched): (Aws, Remembered, broadcast::Sender<Touched>),
    config: &ServerConfig,
    guards: Guards,
    about: About,
    lifecycle: Lifecycle,
) -> Result<(), ServerError> {
    let Guards { access, audit, permissions, tls } = guards;
    let doorway = Doorway::new(config, &access, &lifecycle);
    let calls = Calls::new(aws.clone(), lifecycle.clone(), (audit.clone(), permissions.clone()), touched);
    let (reporter, health) = tonic_health::server::health_reporter();
    let mut services = vec![""];
    let mut routes = Routes::new(health);
    // Each service with its name for health, so that neither can be forgotten.
    macro_rules! add {
        ($($server:ident($service:expr)),+ $(,)?) => {$(
            // Requests come unpacked through the doorway. Small answers are sent as they are: `Calls` sees to that.
            let service = $server::new($service)
                .max_decoding_message_size(config.max_request_bytes)
                .send_compressed(CompressionEncoding::Gzip);
            services.push(announce(&reporter, &service).await);
            routes = routes.add_service(service);
        )+};
    }
    let calls = &calls;
    add!(
        AccessServiceServer(Access { calls: calls.clone(), audit: audit.clone(), permissions }),
        AccountServiceServer(Accounts(calls.clone())),
        ResourceServiceServer(Resources(calls.clone())),
        PlanServiceServer(Plans(calls.clone())),
        JobServiceServer(Jobs { calls: calls.clone(), remembered: remembered.clone() }),
        LegalHoldServiceServer(LegalHolds(calls.clone())),
        ProtectionServiceServer(Protection { calls: calls.clone(), remembered: remembered.clone() }),
        RecoveryPointServiceServer(RecoveryPoints { calls: calls.clone(), remembered: remembered.clone() }),
        ServerServiceServer(ServerInfo { aws, calls: calls.clone(), about }),
        VaultServiceServer(Vaults { calls: calls.clone(), remembered: remembered.clone() }),
    );
    if config.reflection {
        let error_details = proto::error_details().map_err(tonic_reflection::server::Error::from)?;
        let reflection = || {
            Reflection::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_file_descriptor_set(error_details.clone())
        };
        routes = routes
            .add_service(reflection().build_v1()?.max_decoding_message_size(LONGEST_QUESTION))
            .add_service(reflection().build_v1alpha()?.max_decoding_message_size(LONGEST_QUESTION));
    }
    // Places, deadlines and sizes, before a service sees anything; and whatever comes of it is told of, once.
    let service = telling::of(doorway.before(routes.prepare()), &lifecycle);
    if let Some(tls) = &tls {
        lifecycle.spawn_until_stop(Arc::clone(tls).keep());
    }
    let stop = CancellationToken::new();
    let draining = async {
        lifecycle.soft().cancelled().await;
        // Who asks now is sent elsewhere, before anybody is told to go, and while the calls under way go on.
        for service in services {
            reporter.set_service_status(service, tonic_health::ServingStatus::NotServing).await;
        }
        stop.cancel();
        doorway.idle().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        () = listener::serve(listener, tls, service, &config.connections, stop.clone()) => {}
        // A health watch never ends by itself, and who was told to go may not listen.
        () = draining => {}
    }
    Ok(())
}

async fn announce<S: NamedService + Sync>(reporter: &HealthReporter, _service: &S) -> &'static str {
    reporter.set_serving::<S>().await;
    S::NAME
}
