//! ResourceService.

use tonic::{Request, Response, Status, async_trait};

use super::{
    calls::Calls,
    convert::{findings, resources as convert},
    page_token::ListOf,
};
use crate::{
    aws::Scoped,
    domain::{
        Asked, DatabaseRef, ResourceFilter, ResourceRef, TagResource, TouchedThing, UntagResource, VaultName, unmatched,
    },
    proto::{self, resource_service_server::ResourceService},
};

#[derive(Debug)]
pub(super) struct Resources(pub(super) Calls);

#[async_trait]
impl ResourceService for Resources {
    async fn list_resources(
        &self,
        request: Request<proto::ListResourcesRequest>,
    ) -> Result<Response<proto::ListResourcesResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<ResourceFilter>| async move {
            let page = async |page| {
                let (found, told) = aws.list_resources_explained(&list.filter, &page).await?;
                Ok(proto::ListResourcesResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    resources: found.items.into_iter().map(Into::into).collect(),
                    findings: findings(told),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::list, work).await
    }

    async fn get_resource(
        &self,
        request: Request<proto::GetResourceRequest>,
    ) -> Result<Response<proto::GetResourceResponse>, Status> {
        let work = |aws: Scoped, named| async move {
            let resource = aws.get_resource(&named).await?;
            Ok(proto::GetResourceResponse { resource: Some(resource.into()) })
        };
        self.0.read(request, convert::get, work).await
    }

    async fn tag_resource(
        &self,
        request: Request<proto::TagResourceRequest>,
    ) -> Result<Response<proto::TagResourceResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked: Asked<TagResource>| async move {
            let tags = aws.tag_resource(&asked).await?;
            touch_database(&touch, &aws, &asked.what.resource);
            Ok(proto::TagResourceResponse { tags, ..Default::default() })
        };
        self.0.change(request, convert::tag, work).await
    }

    async fn untag_resource(
        &self,
        request: Request<proto::UntagResourceRequest>,
    ) -> Result<Response<proto::UntagResourceResponse>, Status> {
        let touch = self.0.toucher();
        let work = |aws: Scoped, asked: Asked<UntagResource>| async move {
            let tags = aws.untag_resource(&asked).await?;
            touch_database(&touch, &aws, &asked.what.resource);
            Ok(proto::UntagResourceResponse { tags, ..Default::default() })
        };
        self.0.change(request, convert::untag, work).await
    }

    async fn list_tags(
        &self,
        request: Request<proto::ListTagsRequest>,
    ) -> Result<Response<proto::ListTagsResponse>, Status> {
        let work = |aws: Scoped, resource| async move {
            let tags = aws.list_tags(&resource).await?;
            let told = unmatched::untagged(&resource, &tags);
            Ok(proto::ListTagsResponse { findings: findings(told.into_iter().collect()), tags })
        };
        self.0.read(request, convert::list_tags, work).await
    }

    async fn get_protected_resource(
        &self,
        request: Request<proto::GetProtectedResourceRequest>,
    ) -> Result<Response<proto::GetProtectedResourceResponse>, Status> {
        let work = |aws: Scoped, named| async move {
            let resource = aws.get_protected_resource(&named).await?;
            Ok(proto::GetProtectedResourceResponse { resource: Some(resource.into()) })
        };
        self.0.read(request, convert::get_protected, work).await
    }

    async fn list_protected_resources(
        &self,
        request: Request<proto::ListProtectedResourcesRequest>,
    ) -> Result<Response<proto::ListProtectedResourcesResponse>, Status> {
        let work = |aws: Scoped, list: ListOf<Option<VaultName>>| async move {
            let page = async |page| {
                let found = aws.list_protected_resources(list.filter.as_ref(), &page).await?;
                Ok(proto::ListProtectedResourcesResponse {
                    next_page_token: list.paged.token(found.next.as_ref()),
                    resources: found.items.into_iter().map(Into::into).collect(),
                })
            };
            list.paged.answer(page).await
        };
        self.0.read(request, convert::list_protected, work).await
    }
}

/// Tells that a database was changed. An identifier may be an instance's and a cluster's.
fn touch_database(touch: &impl Fn(&Scoped, TouchedThing), aws: &Scoped, named: &ResourceRef) {
    for arn in named.arns_in(aws.scope()).into_iter().filter(|arn| DatabaseRef::of_arn(arn).is_some()) {
        touch(aws, TouchedThing::Database(arn));
    }
}
