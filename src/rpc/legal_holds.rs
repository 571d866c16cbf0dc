//! LegalHoldService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, legal_holds as convert},
    page_token::ListOf,
};
use crate::{
    aws::Scoped,
    domain::{Asked, CancelLegalHold, LegalHoldRef, LegalHoldState, NewLegalHold},
    proto::{self, legal_hold_service_server::LegalHoldService},
};

#[derive(Debug)]
pub(super) struct LegalHolds(pub(super) Calls);

#[async_trait]
impl LegalHoldService for LegalHolds {
    async fn create_legal_hold(
        &self,
        request: Request<proto::CreateLegalHoldRequest>,
    ) -> Result<Response<proto::CreateLegalHoldResponse>, Status> {
        let work = |aws: Scoped, asked: Asked<NewLegalHold>| async move {
            let (hold, found) = aws.create_legal_hold(&asked).await?;
            let legal_hold = Some(hold.into());
            Ok(proto::CreateLegalHoldResponse { legal_hold, findings: findings(found), ..Default::default() })
        };
        self.0.change(request, convert::create, work).await
    }

    async fn get_legal_hold(
        &self,
        request: Request<proto::GetLegalHoldRequest>,
    ) -> Result<Response<proto::GetLegalHoldResponse>, Status> {
        let work = |aws: Scoped, named: LegalHoldRef| async move {
            let hold = aws.get_legal_hold(&named).await?;
            Ok(proto::GetLegalHoldResponse { legal_hold: Some(hold.into()) })
        };
        self.0.read(request, convert::get, work).await
    }

    async fn list_legal_holds(
        &self,
        request: Request<proto::ListLegalHoldsRequest>,
    ) -> Result<Response<proto::ListLegalHoldsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<Vec<LegalHoldState>>| async move {
            let page = async |page| {
                let found = aws.list_legal_holds(&list.filter, &page).await?;
                Ok(proto::ListLegalHoldsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    legal_holds: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::list, work).await
    }

    async fn cancel_legal_hold(
        &self,
        request: Request<proto::CancelLegalHoldRequest>,
    ) -> Result<Response<proto::CancelLegalHoldResponse>, Status> {
        let work = |aws: Scoped, asked: Asked<CancelLegalHold>| async move {
            let (hold, found) = aws.cancel_legal_hold(&asked).await?;
            let legal_hold = hold.map(Into::into);
            Ok(proto::CancelLegalHoldResponse { legal_hold, findings: findings(found), ..Default::default() })
        };
        self.0.change(request, convert::cancel, work).await
    }

    async fn list_legal_hold_recovery_points(
        &self,
        request: Request<proto::ListLegalHoldRecoveryPointsRequest>,
    ) -> Result<Response<proto::ListLegalHoldRecoveryPointsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<LegalHoldRef>| async move {
            let page = async |page| {
                let found = aws.list_legal_hold_recovery_points(&list.filter, &page).await?;
                Ok(proto::ListLegalHoldRecoveryPointsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    recovery_points: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::list_points, work).await
    }
}
