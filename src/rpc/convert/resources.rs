//! Resources and tags.

use super::{reader::Reader, timestamp};
use crate::{
    aws::ResourceFilter,
    domain::{
        Arn, AskedScope, Invalid, PageRequest, ProtectedResource, Resource, ResourceKind, ResourceRef, Tags, VaultName,
        check_tag_keys,
    },
    proto,
    rpc::page_token::Query,
};

pub(in crate::rpc) fn list(
    mut request: proto::ListResourcesRequest,
) -> Result<(AskedScope, ResourceFilter, PageRequest, Query), Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListResources", &request, size, &token);
    let kind = match proto::ResourceKind::try_from(request.kind) {
        Ok(proto::ResourceKind::Unspecified) => Ok(None),
        Ok(proto::ResourceKind::DbInstance) => Ok(Some(ResourceKind::DbInstance)),
        Ok(proto::ResourceKind::DbCluster) => Ok(Some(ResourceKind::DbCluster)),
        Err(_) => Err(read.fault("kind", format!("{} is not a kind of resource", request.kind))),
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let engine = match request.engine.as_str() {
        "" => Ok(None),
        engine if engine.len() <= 64 && engine.bytes().all(is_word) => Ok(Some(engine.to_owned())),
        _ => Err(read.fault("engine", "is not an engine's name: give one such as postgres")),
    };
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, ResourceFilter { kind: kind?, engine: engine? }, page, query))
    })
}

pub(in crate::rpc) fn get(request: proto::GetResourceRequest) -> Result<(AskedScope, ResourceRef), Invalid> {
    let proto::GetResourceRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let named = read.note("resource", ResourceRef::parse(&resource));
    let named = named.and_then(|(named, scope)| read.within("resource", scope).map(|()| named));
    read.conclude(|scope| Ok((scope, named?)))
}

pub(in crate::rpc) fn tag(request: proto::TagResourceRequest) -> Result<(AskedScope, Arn, Tags), Invalid> {
    let proto::TagResourceRequest { scope, resource_arn, tags, request_id } = request;
    let mut read = Reader::new(scope);
    let arn = read.arn("resource_arn", &resource_arn);
    let tags = match tags.is_empty() {
        true => Err(read.fault("tags", "is required: give 1–50 tags")),
        false => read.tags("tags", tags, Tags::most()),
    };
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        request_id?;
        Ok((scope, arn?, tags?))
    })
}

pub(in crate::rpc) fn untag(request: proto::UntagResourceRequest) -> Result<(AskedScope, Arn, Vec<String>), Invalid> {
    let proto::UntagResourceRequest { scope, resource_arn, tag_keys, request_id } = request;
    let mut read = Reader::new(scope);
    let arn = read.arn("resource_arn", &resource_arn);
    let checked = read.note_all("tag_keys", check_tag_keys(&tag_keys));
    let request_id = read.request_id(&request_id);
    read.conclude(|scope| {
        checked?;
        request_id?;
        Ok((scope, arn?, tag_keys))
    })
}

pub(in crate::rpc) fn list_tags(request: proto::ListTagsRequest) -> Result<(AskedScope, Arn), Invalid> {
    let proto::ListTagsRequest { scope, resource_arn } = request;
    let mut read = Reader::new(scope);
    let arn = read.arn("resource_arn", &resource_arn);
    read.conclude(|scope| Ok((scope, arn?)))
}

type ListProtected = (AskedScope, Option<VaultName>, PageRequest, Query);

pub(in crate::rpc) fn list_protected(
    mut request: proto::ListProtectedResourcesRequest,
) -> Result<ListProtected, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let page = read.page("ListProtectedResources", &request, size, &token);
    let vault = match request.vault.as_str() {
        "" => Ok(None),
        vault => read.vault("vault", vault).map(Some),
    };
    read.conclude(|scope| {
        let (page, query) = page?;
        Ok((scope, vault?, page, query))
    })
}

impl From<Resource> for proto::Resource {
    fn from(resource: Resource) -> Self {
        let kind = match resource.kind {
            ResourceKind::DbInstance => proto::ResourceKind::DbInstance,
            ResourceKind::DbCluster => proto::ResourceKind::DbCluster,
        };
        Self {
            resource_type: resource.resource_type().to_owned(),
            arn: resource.arn,
            id: resource.id,
            scope: Some(resource.scope.into()),
            kind: kind.into(),
            engine: resource.engine,
            engine_version: resource.engine_version,
            status: resource.status,
            tags: resource.tags,
            automated_backup_retention_days: resource.automated_backup_retention_days,
            automated_backup_window: resource.automated_backup_window,
            maintenance_window: resource.maintenance_window,
            instance_class: resource.instance_class,
            allocated_storage_gib: resource.allocated_storage_gib,
            storage_encrypted: resource.storage_encrypted,
            encryption_key_arn: resource.encryption_key_arn,
            create_time: resource.created_at.map(timestamp),
            cluster_id: resource.cluster_id,
            continuous_recovery_point_arn: resource.continuous_recovery_point_arn,
            latest_restorable_time: resource.latest_restorable_at.map(timestamp),
        }
    }
}

impl From<ProtectedResource> for proto::ProtectedResource {
    fn from(resource: ProtectedResource) -> Self {
        Self {
            arn: resource.arn,
            resource_type: resource.resource_type,
            resource_name: resource.name,
            last_backup_time: resource.last_backup_at.map(timestamp),
            last_backup_vault_arn: resource.last_backup_vault_arn,
            last_recovery_point_arn: resource.last_recovery_point_arn,
        }
    }
}
