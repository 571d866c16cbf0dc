//! ProtectionService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::{Calls, caller},
    convert::{coverage, incidents, protection as convert},
    remembered::Remembered,
};
use crate::{
    aws::Scoped,
    proto::{self, protection_service_server::ProtectionService},
};

#[derive(Debug)]
pub(super) struct Protection {
    pub(super) calls: Calls,
    pub(super) remembered: Remembered,
}

#[async_trait]
impl ProtectionService for Protection {
    async fn explain_protection(
        &self,
        request: Request<proto::ExplainProtectionRequest>,
    ) -> Result<Response<proto::ExplainProtectionResponse>, Status> {
        let work = |aws: Scoped, named| async move { Ok(aws.explain_protection(&named).await?.into()) };
        self.calls.read(request, convert::explain, work).await
    }

    async fn list_upcoming_runs(
        &self,
        request: Request<proto::ListUpcomingRunsRequest>,
    ) -> Result<Response<proto::ListUpcomingRunsResponse>, Status> {
        let work = |aws: Scoped, list| async move { self.remembered.list_upcoming_runs(aws, list).await };
        self.calls.read(request, convert::upcoming, work).await
    }

    async fn get_coverage(
        &self,
        request: Request<proto::GetCoverageRequest>,
    ) -> Result<Response<proto::GetCoverageResponse>, Status> {
        let work = |aws: Scoped, asked, sight| async move { self.remembered.get_coverage(aws, asked, sight).await };
        self.calls.read_seen(request, coverage::get, work).await
    }

    async fn list_protection(
        &self,
        request: Request<proto::ListProtectionRequest>,
    ) -> Result<Response<proto::ListProtectionResponse>, Status> {
        let work = |aws: Scoped, asked| async move { self.remembered.list_protection(aws, asked).await };
        self.calls.read(request, coverage::list, work).await
    }

    async fn list_incidents(
        &self,
        request: Request<proto::ListIncidentsRequest>,
    ) -> Result<Response<proto::ListIncidentsResponse>, Status> {
        let work = |aws: Scoped, list| async move { self.remembered.list_incidents(aws, list).await };
        self.calls.read(request, incidents::list, work).await
    }

    async fn acknowledge_incident(
        &self,
        request: Request<proto::AcknowledgeIncidentRequest>,
    ) -> Result<Response<proto::AcknowledgeIncidentResponse>, Status> {
        let (remembered, by) = (self.remembered.clone(), caller(&request)?);
        let work = |aws: Scoped, asked| async move { remembered.acknowledge_incident(&aws, asked, by).await };
        self.calls.change(request, incidents::acknowledge, work).await
    }
}
