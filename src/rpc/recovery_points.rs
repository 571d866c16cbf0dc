//! RecoveryPointService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::recovery_points as convert, restores};
use crate::{
    aws::{Aws, Kind},
    proto::{self, recovery_point_service_server::RecoveryPointService},
};

#[derive(Debug)]
pub(super) struct RecoveryPoints {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl RecoveryPointService for RecoveryPoints {
    async fn get_recovery_point(
        &self,
        request: Request<proto::GetRecoveryPointRequest>,
    ) -> Result<Response<proto::GetRecoveryPointResponse>, Status> {
        let work = |request| async {
            let (scope, vault, arn) = convert::get(request)?;
            let point = self.aws.get_recovery_point(&scope, &vault, &arn).await?;
            Ok(proto::GetRecoveryPointResponse { recovery_point: Some(point.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn list_recovery_points(
        &self,
        request: Request<proto::ListRecoveryPointsRequest>,
    ) -> Result<Response<proto::ListRecoveryPointsResponse>, Status> {
        let work = |request| async {
            let (scope, points, page, query) = convert::list(request)?;
            // Boxed: two operations, of several kilobytes each, are in it.
            let points = Box::pin(self.aws.list_recovery_points(&scope, &points, &page)).await?;
            Ok(proto::ListRecoveryPointsResponse {
                next_page_token: points.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                recovery_points: points.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn delete_recovery_point(
        &self,
        request: Request<proto::DeleteRecoveryPointRequest>,
    ) -> Result<Response<proto::DeleteRecoveryPointResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, vault, arn, allow_missing) = convert::delete(request)?;
            let left = match aws.delete_recovery_point(&scope, &vault, &arn).await {
                Err(error) if allow_missing && error.kind == Kind::NotFound => None,
                left => left?,
            };
            let state = left.map_or(proto::RecoveryPointState::Unspecified, |state| convert::state(&state));
            Ok(proto::DeleteRecoveryPointResponse { state: state.into() })
        };
        self.calls.change(request, work).await
    }

    async fn plan_restore(
        &self,
        request: Request<proto::PlanRestoreRequest>,
    ) -> Result<Response<proto::PlanRestoreResponse>, Status> {
        // Boxed: it asks AWS half a dozen things at once.
        self.calls.read(request, |request| Box::pin(restores::show(&self.aws, request))).await
    }

    async fn update_recovery_point_lifecycle(
        &self,
        request: Request<proto::UpdateRecoveryPointLifecycleRequest>,
    ) -> Result<Response<proto::UpdateRecoveryPointLifecycleResponse>, Status> {
        let dry_run = request.get_ref().validate_only;
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, vault, arn, lifecycle, validate_only) = convert::update_lifecycle(request)?;
            // Boxed: the operations to understand a refusal, of several kilobytes each, are in it.
            let updated =
                Box::pin(aws.update_recovery_point_lifecycle(&scope, &vault, &arn, &lifecycle, validate_only));
            let (point, warnings) = updated.await?;
            Ok(proto::UpdateRecoveryPointLifecycleResponse {
                recovery_point: Some(point.into()),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change_unless(dry_run, request, work).await
    }

    async fn disassociate_recovery_point(
        &self,
        request: Request<proto::DisassociateRecoveryPointRequest>,
    ) -> Result<Response<proto::DisassociateRecoveryPointResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, vault, arn) = convert::disassociate(request)?;
            let (left, warnings) = aws.disassociate_recovery_point(&scope, &vault, &arn).await?;
            let state = left.map_or(proto::RecoveryPointState::Unspecified, |state| convert::state(&state));
            Ok(proto::DisassociateRecoveryPointResponse {
                state: state.into(),
                warnings: warnings.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.change(request, work).await
    }
}
