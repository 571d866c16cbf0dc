//! ProtectionService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::protection as convert};
use crate::{
    aws::Scoped,
    proto::{self, protection_service_server::ProtectionService},
};

#[derive(Debug)]
pub(super) struct Protection(pub(super) Calls);

#[async_trait]
impl ProtectionService for Protection {
    async fn explain_protection(
        &self,
        request: Request<proto::ExplainProtectionRequest>,
    ) -> Result<Response<proto::ExplainProtectionResponse>, Status> {
        let work = |aws: Scoped, named| async move { Ok(aws.explain_protection(&named).await?.into()) };
        self.0.read(request, convert::explain, work).await
    }
}
