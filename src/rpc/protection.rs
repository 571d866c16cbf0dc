//! ProtectionService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::protection as convert};
use crate::{
    aws::Aws,
    proto::{self, protection_service_server::ProtectionService},
};

#[derive(Debug)]
pub(super) struct Protection {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl ProtectionService for Protection {
    async fn explain_protection(
        &self,
        request: Request<proto::ExplainProtectionRequest>,
    ) -> Result<Response<proto::ExplainProtectionResponse>, Status> {
        let work = |request| async {
            let (scope, named) = convert::explain(request)?;
            Ok(self.aws.explain_protection(&scope, &named).await?.into())
        };
        self.calls.read(request, work).await
    }
}
