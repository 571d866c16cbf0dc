//! ProtectionService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, protection as convert, timestamp},
    page_token::ListOf,
};
use crate::{
    aws::Scoped,
    domain::{ListUpcomingRuns, PageRequest},
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
    async fn list_upcoming_runs(
        &self,
        request: Request<proto::ListUpcomingRunsRequest>,
    ) -> Result<Response<proto::ListUpcomingRunsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<ListUpcomingRuns>| async move {
            let upcoming = aws.upcoming_runs(&list.filter, list.paged.page.cursor.as_ref()).await?;
            let page = async |page: PageRequest| {
                let (runs, next) = upcoming.page(page.size);
                Ok(proto::ListUpcomingRunsResponse {
                    runs: runs.iter().map(Into::into).collect(),
                    next_page_token: list.paged.token(next.as_ref()),
                    findings: findings(upcoming.findings.clone()),
                    as_of: Some(timestamp(upcoming.as_of)),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::upcoming, work).await
    }
}
