//! ResourceService.

use tonic::{Request, Response, Status, async_trait};

use super::{calls::Calls, convert::resources as convert};
use crate::{
    aws::Aws,
    proto::{self, resource_service_server::ResourceService},
};

#[derive(Debug)]
pub(super) struct Resources {
    pub(super) aws: Aws,
    pub(super) calls: Calls,
}

#[async_trait]
impl ResourceService for Resources {
    async fn list_resources(
        &self,
        request: Request<proto::ListResourcesRequest>,
    ) -> Result<Response<proto::ListResourcesResponse>, Status> {
        let work = |request| async {
            let (scope, filter, page, query) = convert::list(request)?;
            let found = self.aws.list_resources(&scope, &filter, &page).await?;
            Ok(proto::ListResourcesResponse {
                next_page_token: found.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                resources: found.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }

    async fn get_resource(
        &self,
        request: Request<proto::GetResourceRequest>,
    ) -> Result<Response<proto::GetResourceResponse>, Status> {
        let work = |request| async {
            let (scope, named) = convert::get(request)?;
            let resource = self.aws.get_resource(&scope, &named).await?;
            Ok(proto::GetResourceResponse { resource: Some(resource.into()) })
        };
        self.calls.read(request, work).await
    }

    async fn tag_resource(
        &self,
        request: Request<proto::TagResourceRequest>,
    ) -> Result<Response<proto::TagResourceResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, arn, tags) = convert::tag(request)?;
            let tags = aws.tag_resource(&scope, &arn, &tags).await?;
            Ok(proto::TagResourceResponse { tags, warnings: Vec::new() })
        };
        self.calls.change(request, work).await
    }

    async fn untag_resource(
        &self,
        request: Request<proto::UntagResourceRequest>,
    ) -> Result<Response<proto::UntagResourceResponse>, Status> {
        let aws = self.aws.clone();
        let work = |request| async move {
            let (scope, arn, keys) = convert::untag(request)?;
            let tags = aws.untag_resource(&scope, &arn, &keys).await?;
            Ok(proto::UntagResourceResponse { tags })
        };
        self.calls.change(request, work).await
    }

    async fn list_tags(
        &self,
        request: Request<proto::ListTagsRequest>,
    ) -> Result<Response<proto::ListTagsResponse>, Status> {
        let work = |request| async {
            let (scope, arn) = convert::list_tags(request)?;
            let tags = self.aws.list_tags(&scope, &arn).await?;
            Ok(proto::ListTagsResponse { tags })
        };
        self.calls.read(request, work).await
    }

    async fn list_protected_resources(
        &self,
        request: Request<proto::ListProtectedResourcesRequest>,
    ) -> Result<Response<proto::ListProtectedResourcesResponse>, Status> {
        let work = |request| async {
            let (scope, vault, page, query) = convert::list_protected(request)?;
            let found = self.aws.list_protected_resources(&scope, vault.as_ref(), &page).await?;
            Ok(proto::ListProtectedResourcesResponse {
                next_page_token: found.next.map(|cursor| query.token(&cursor)).unwrap_or_default(),
                resources: found.items.into_iter().map(Into::into).collect(),
            })
        };
        self.calls.read(request, work).await
    }
}
