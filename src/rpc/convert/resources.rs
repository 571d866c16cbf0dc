//! Resources and tags.

use super::{reader::Reader, timestamp};
use crate::{
    domain::{
        Asked, DatabaseRef, Engine, Invalid, Noted, ProtectedResource, Resource, ResourceFilter, ResourceKind,
        ResourceRef, TagResource, Tagged, UntagResource, VaultName, check_tag_keys,
    },
    proto::{self, resource::Detail},
    rpc::page_token::ListOf,
};

pub(in crate::rpc) fn list(mut request: proto::ListResourcesRequest) -> Result<Asked<ListOf<ResourceFilter>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListResources", &request, size, &token);
    let kind = read.resource_kind("kind", request.kind);
    let engine = read.optional(&request.engine, |read, text| read.note("engine", Engine::parse(text)));
    if let (Ok(Some(kind)), Ok(Some(engine))) = (&kind, &engine)
        && let Some(never) = engine.never_of(*kind)
    {
        read.fault("engine", never);
    }
    read.conclude(|| Ok(ListOf { filter: ResourceFilter { kind: kind?, engine: engine? }, paged: paged? }))
}

pub(in crate::rpc) fn get(request: proto::GetResourceRequest) -> Result<Asked<DatabaseRef>, Invalid> {
    let proto::GetResourceRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let named = read.database("resource", &resource);
    read.conclude(|| named)
}

pub(in crate::rpc) fn tag(request: proto::TagResourceRequest) -> Result<Asked<TagResource>, Invalid> {
    let proto::TagResourceRequest { scope, resource, tags, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let resource = read.resource("resource", &resource);
    let tags = match tags.is_empty() {
        true => Err(read.fault("tags", "is required: give 1–50 tags")),
        false => {
            let database = resource.as_ref().is_ok_and(ResourceRef::is_of_rds);
            read.tags_of(if database { Tagged::Database } else { Tagged::Thing }, "tags", tags)
        }
    };
    read.conclude(|| Ok(TagResource { resource: resource?, tags: tags? }))
}

pub(in crate::rpc) fn untag(request: proto::UntagResourceRequest) -> Result<Asked<UntagResource>, Invalid> {
    let proto::UntagResourceRequest { scope, resource, tag_keys, request_id, validate_only } = request;
    let mut read = Reader::change(scope, &request_id, validate_only);
    let resource = read.resource("resource", &resource);
    let checked = read.note_all("tag_keys", check_tag_keys(&tag_keys));
    read.conclude(|| checked.and_then(|()| Ok(UntagResource { resource: resource?, keys: tag_keys })))
}

pub(in crate::rpc) fn list_tags(request: proto::ListTagsRequest) -> Result<Asked<ResourceRef>, Invalid> {
    let proto::ListTagsRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let resource = read.resource("resource", &resource);
    read.conclude(|| resource)
}

/// A copy's vault may be elsewhere than the resource: its ARN only fills in what nothing else says.
pub(in crate::rpc) fn get_protected(
    request: proto::GetProtectedResourceRequest,
) -> Result<Asked<ResourceRef>, Invalid> {
    let proto::GetProtectedResourceRequest { scope, resource } = request;
    let mut read = Reader::new(scope);
    let named = read.hinted_resource("resource", &resource);
    read.conclude(|| named)
}

pub(in crate::rpc) fn list_protected(
    mut request: proto::ListProtectedResourcesRequest,
) -> Result<Asked<ListOf<Option<VaultName>>>, Invalid> {
    let (size, token) = (std::mem::take(&mut request.page_size), std::mem::take(&mut request.page_token));
    let mut read = Reader::new(request.scope.clone());
    let paged = read.page("ListProtectedResources", &request, size, &token);
    let vault = read.optional(&request.vault, |read, text| read.vault("vault", text));
    read.conclude(|| Ok(ListOf { filter: vault?, paged: paged? }))
}

impl Reader {
    /// Any thing that can have tags by its ARN, or a database by its identifier.
    pub(in crate::rpc) fn resource(&mut self, field: &str, text: &str) -> Result<ResourceRef, Noted> {
        let resource = self.note(field, ResourceRef::parse(text))?;
        self.within(field, resource.scope())?;
        Ok(resource)
    }

    /// A resource that backups are made of, by its ARN or, if it is a database, by its identifier.
    pub(in crate::rpc) fn backed_up(&mut self, field: &str, text: &str) -> Result<ResourceRef, Noted> {
        let resource = self.note(field, ResourceRef::parse_backed_up(text))?;
        self.within(field, resource.scope())?;
        Ok(resource)
    }

    /// As [`Self::backed_up`], of one that may rightly be elsewhere than what is asked for: it only fills in what nothing
    /// else says.
    pub(in crate::rpc) fn hinted_resource(&mut self, field: &str, text: &str) -> Result<ResourceRef, Noted> {
        let resource = self.note(field, ResourceRef::parse_backed_up(text))?;
        self.hint(field, resource.scope());
        Ok(resource)
    }

    /// A kind of database, if one is meant.
    pub(super) fn resource_kind(&mut self, field: &str, kind: i32) -> Result<Option<ResourceKind>, Noted> {
        match proto::ResourceKind::try_from(kind) {
            Ok(proto::ResourceKind::Unspecified) => Ok(None),
            Ok(proto::ResourceKind::DbInstance) => Ok(Some(ResourceKind::DbInstance)),
            Ok(proto::ResourceKind::DbCluster) => Ok(Some(ResourceKind::DbCluster)),
            Err(_) => Err(self.fault(field, format!("{kind} is not a kind of resource"))),
        }
    }

    /// An RDS instance or cluster by ARN or identifier.
    pub(in crate::rpc) fn database(&mut self, field: &str, text: &str) -> Result<DatabaseRef, Noted> {
        let (named, scope) = self.note(field, DatabaseRef::parse(text))?;
        self.within(field, scope)?;
        Ok(named)
    }
}

impl From<Resource> for proto::Resource {
    fn from(resource: Resource) -> Self {
        let kind = match resource.kind {
            ResourceKind::DbInstance => proto::ResourceKind::DbInstance,
            ResourceKind::DbCluster => proto::ResourceKind::DbCluster,
        };
        Self {
            resource_type: resource.resource_type().to_string(),
            arn: resource.arn,
            id: resource.id,
            scope: Some(resource.scope.into()),
            kind: kind.into(),
            tags: resource.tags,
            create_time: resource.created_at.map(timestamp),
            detail: Some(Detail::Database(proto::Database {
                engine: resource.engine,
                engine_version: resource.engine_version,
                status: resource.status,
                automated_backup_retention_days: resource.automated_backup_retention_days,
                automated_backup_window: resource.automated_backup_window,
                maintenance_window: resource.maintenance_window,
                instance_class: resource.instance_class,
                allocated_storage_gib: resource.allocated_storage_gib,
                storage_encrypted: resource.storage_encrypted,
                encryption_key_arn: resource.encryption_key_arn,
                cluster_id: resource.cluster_id,
                continuous_recovery_point_arn: resource.continuous_recovery_point_arn,
                latest_restorable_time: resource.latest_restorable_at.map(timestamp),
            })),
        }
    }
}

impl From<ProtectedResource> for proto::ProtectedResource {
    fn from(resource: ProtectedResource) -> Self {
        Self {
            scope: Some(resource.scope.into()),
            arn: resource.arn,
            resource_type: resource.resource_type.map(|kind| kind.to_string()).unwrap_or_default(),
            resource_name: resource.name,
            last_backup_time: resource.last_backup_at.map(timestamp),
            last_backup_vault_arn: resource.last_backup_vault_arn,
            last_recovery_point_arn: resource.last_recovery_point_arn,
            latest_restore_execution_minutes: resource.last_restore.minutes,
            latest_restore_job_create_time: resource.last_restore.job_created_at.map(timestamp),
            latest_restore_recovery_point_create_time: resource.last_restore.recovery_point_created_at.map(timestamp),
        }
    }
}
