//! ServerService.

use std::time::Duration;

use tonic::{Request, Response, Status, async_trait};

use super::calls::Calls;
use crate::{
    aws::Aws,
    domain::AskedScope,
    proto::{self, server_service_server::ServerService},
};

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Target and profile of the build.
    pub build: String,
    /// Where the embedded sandbox listens, if AWS is not real.
    pub sandbox_endpoint: Option<String>,
    /// What this build and configuration have.
    pub features: Vec<String>,
    /// What requests meet.
    pub limits: Limits,
}

/// What bounds a request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest request.
    pub request_bytes: usize,
    /// Largest page of any list.
    pub page_size: u16,
    /// Calls at the same time.
    pub concurrent_requests: usize,
    /// How long a call without a deadline may take.
    pub request_timeout: Duration,
    /// How long a fresh role that AWS Backup cannot assume yet is waited for.
    pub role_propagation: Duration,
}

impl From<Limits> for proto::ServerLimits {
    /// Bounds of the configuration keep every number far below what the wire holds.
    fn from(limits: Limits) -> Self {
        let seconds = |duration: Duration| i32::try_from(duration.as_secs()).unwrap_or(i32::MAX);
        Self {
            max_request_bytes: i64::try_from(limits.request_bytes).unwrap_or(i64::MAX),
            max_page_size: limits.page_size.into(),
            max_concurrent_requests: i32::try_from(limits.concurrent_requests).unwrap_or(i32::MAX),
            request_timeout_seconds: seconds(limits.request_timeout),
            role_propagation_seconds: seconds(limits.role_propagation),
        }
    }
}

/// How long the answer waits for AWS to tell the account.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct ServerInfo {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
    pub(super) about: About,
}

#[async_trait]
impl ServerService for ServerInfo {
    async fn get_server_info(
        &self,
        request: Request<proto::GetServerInfoRequest>,
    ) -> Result<Response<proto::GetServerInfoResponse>, Status> {
        let work = |_| async {
            // Who asks about the server may well be looking for why AWS cannot be reached: the answer does without.
            let unknown = || proto::Scope {
                account: String::new(),
                region: self.aws.default_region().map(|region| region.as_str().to_owned()).unwrap_or_default(),
            };
            let asked = AskedScope::default();
            let scope = tokio::time::timeout(PATIENCE, self.aws.within(&asked)).await;
            let scope = scope.ok().and_then(Result::ok).map_or_else(unknown, |aws| aws.scope().clone().into());
            let about = self.about.clone();
            Ok(proto::GetServerInfoResponse {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                build: about.build,
                default_scope: Some(scope),
                sandbox: about.sandbox_endpoint.is_some(),
                sandbox_endpoint: about.sandbox_endpoint.unwrap_or_default(),
                features: about.features,
                limits: Some(about.limits.into()),
            })
        };
        self.calls.answer(request, work).await
    }
}
