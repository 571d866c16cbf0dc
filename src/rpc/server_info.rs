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
    pub limits: proto::Limits,
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
            let scope = tokio::time::timeout(PATIENCE, self.aws.scope(&asked)).await;
            let scope = scope.ok().and_then(Result::ok).map_or_else(unknown, Into::into);
            let about = self.about.clone();
            Ok(proto::GetServerInfoResponse {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                build: about.build,
                default_scope: Some(scope),
                sandbox: about.sandbox_endpoint.is_some(),
                sandbox_endpoint: about.sandbox_endpoint.unwrap_or_default(),
                features: about.features,
                limits: Some(about.limits),
            })
        };
        self.calls.read(request, work).await
    }
}
