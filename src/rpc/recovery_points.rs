//! RecoveryPointService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, recovery_points as convert, restore},
    page_token::ListOf,
    remembered::Remembered,
    restores,
};
use crate::{
    aws::Scoped,
    domain::{Asked, DeleteRecoveryPoint, PointInVault, RecoveryPointQuery, UpdateLifecycle},
    proto::{self, recovery_point_service_server::RecoveryPointService},
};

#[derive(Debug)]
pub(super) struct RecoveryPoints {
    pub(super) calls: Calls,
    pub(super) remembered: Remembered,
}

#[async_trait]
impl RecoveryPointService for RecoveryPoints {
    async fn get_recovery_point(
        &self,
        request: Request<proto::GetRecoveryPointRequest>,
    ) -> Result<Response<proto::GetRecoveryPointResponse>, Status> {
        let work = |aws: Scoped, (vault, arn)| async move {
            let vault = match vault {
                Some(vault) => vault,
                None => self.remembered.vault_of(&aws, &arn).await?,
            };
            let point = aws.get_recovery_point(&PointInVault { vault, arn }).await?;
            Ok(proto::GetRecoveryPointResponse { recovery_point: Some(point.into()) })
        };
        self.calls.read(request, convert::get, work).await
    }

    async fn list_recovery_points(
        &self,
        request: Request<proto::ListRecoveryPointsRequest>,
    ) -> Result<Response<proto::ListRecoveryPointsResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<RecoveryPointQuery>| async move {
            let page = async |page| {
                let (found, told) = aws.list_recovery_points_explained(&list.filter, &page).await?;
                Ok(proto::ListRecoveryPointsResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    recovery_points: found.items.into_iter().map(Into::into).collect(),
                    findings: findings(told),
                })
            };
            list.paged.answer(page).await
        };
        self.calls.read(request, convert::list, work).await
    }

    async fn delete_recovery_point(
        &self,
        request: Request<proto::DeleteRecoveryPointRequest>,
    ) -> Result<Response<proto::DeleteRecoveryPointResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<DeleteRecoveryPoint>| async move {
            let deleted = aws.delete_recovery_point(&asked).await?;
            if deleted.is_of_something() {
                remembered.point_deleted(&aws, &asked, asked.what.point.arn.as_str()).await;
            }
            Ok(deleted.into())
        };
        self.calls.change(request, convert::delete, work).await
    }

    async fn plan_restore(
        &self,
        request: Request<proto::PlanRestoreRequest>,
    ) -> Result<Response<proto::PlanRestoreResponse>, Status> {
        let work = |aws: Scoped, planned| async move { restores::show(&aws, planned).await };
        self.calls.read(request, restore::plan, work).await
    }

    async fn update_recovery_point_lifecycle(
        &self,
        request: Request<proto::UpdateRecoveryPointLifecycleRequest>,
    ) -> Result<Response<proto::UpdateRecoveryPointLifecycleResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<UpdateLifecycle>| async move {
            let (point, found) = aws.update_recovery_point_lifecycle(&asked).await?;
            remembered.point_changed(&aws, &asked, &asked.what.point.vault, &point).await;
            Ok(proto::UpdateRecoveryPointLifecycleResponse {
                recovery_point: Some(point.into()),
                findings: findings(found),
                ..Default::default()
            })
        };
        self.calls.change(request, convert::update_lifecycle, work).await
    }

    async fn disassociate_recovery_point(
        &self,
        request: Request<proto::DisassociateRecoveryPointRequest>,
    ) -> Result<Response<proto::DisassociateRecoveryPointResponse>, Status> {
        let remembered = self.remembered.clone();
        let work = |aws: Scoped, asked: Asked<PointInVault>| async move {
            let (left, found) = aws.disassociate_recovery_point(&asked).await?;
            if left.is_none() {
                remembered.point_deleted(&aws, &asked, asked.what.arn.as_str()).await;
            }
            let state = left.map_or(proto::RecoveryPointState::Unspecified, |state| convert::state(&state));
            Ok(proto::DisassociateRecoveryPointResponse {
                state: state.into(),
                findings: findings(found),
                ..Default::default()
            })
        };
        self.calls.change(request, convert::disassociate, work).await
    }
}
