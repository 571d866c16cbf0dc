//! RDS instances and clusters, and what AWS Backup protects.

use aws_sdk_backup::types::ProtectedResource as BackupProtectedResource;
use aws_sdk_rds::types::{DbCluster, DbInstance, Filter, Tag};

use super::{
    Aws, Error, Kind, Noun,
    call::{Operation, call},
    client::Clients,
    time,
};
use crate::domain::{
    AskedScope, Page, PageRequest, ProtectedResource, Resource, ResourceKind, ResourceRef, Scope, VaultName,
};

const DESCRIBE_INSTANCES: Operation = Operation::read("rds", "DescribeDBInstances");
const DESCRIBE_CLUSTERS: Operation = Operation::read("rds", "DescribeDBClusters");
const LIST_PROTECTED: Operation = Operation::read("backup", "ListProtectedResources");
const LIST_PROTECTED_BY_VAULT: Operation = Operation::read("backup", "ListProtectedResourcesByBackupVault");

/// What a list of resources is filtered by; AWS does it.
#[derive(Debug, Clone)]
pub struct ResourceFilter {
    /// Only instances, or only clusters.
    pub kind: Option<ResourceKind>,
    /// Only this engine.
    pub engine: Option<String>,
}

impl Aws {
    /// A page of instances, then clusters.
    pub async fn list_resources(
        &self,
        asked: &AskedScope,
        filter: &ResourceFilter,
        page: &PageRequest,
    ) -> Result<Page<Resource>, Error> {
        let clients = self.clients(asked).await?;
        let mut place = match &page.cursor {
            Some(cursor) => Place::parse(cursor).ok_or_else(|| foreign_cursor(cursor))?,
            None => Place { kind: filter.kind.unwrap_or(ResourceKind::DbInstance), marker: None, skip: 0 },
        };
        let size = usize::from(page.size);
        let mut items = Vec::with_capacity(size);
        loop {
            let wanted = size - items.len();
            let records = (wanted + place.skip).clamp(FEWEST_RECORDS, MOST_RECORDS);
            let engine = filter.engine.as_deref().map(|engine| ("engine", vec![engine.to_owned()]));
            let (found, marker) = clients.databases(place.kind, engine, records, place.marker.clone()).await?;
            let left = found.len().saturating_sub(place.skip);
            items.extend(found.into_iter().skip(place.skip).take(wanted));
            if left > wanted {
                place.skip += wanted;
                return Ok(Page { items, next: Some(place.to_string()) });
            }
            place = match (marker, place.kind) {
                (Some(marker), kind) => Place { kind, marker: Some(marker), skip: 0 },
                (None, ResourceKind::DbInstance) if filter.kind.is_none() => {
                    Place { kind: ResourceKind::DbCluster, marker: None, skip: 0 }
                }
                (None, _) => return Ok(Page { items, next: None }),
            };
            if items.len() == size {
                return Ok(Page { items, next: Some(place.to_string()) });
            }
        }
    }

    /// One instance or cluster.
    pub async fn get_resource(&self, asked: &AskedScope, named: &ResourceRef) -> Result<Resource, Error> {
        let clients = self.clients(asked).await?;
        let scope = &clients.scope;
        let found = match named.kind {
            ResourceKind::DbInstance => {
                let sent = clients.rds.describe_db_instances().db_instance_identifier(&named.id);
                let answer = call(DESCRIBE_INSTANCES, sent.send())
                    .await
                    .map_err(|error| error.about(Noun::Resource, &named.id))?;
                answer.db_instances.unwrap_or_default().into_iter().next().map(|found| instance(found, scope))
            }
            ResourceKind::DbCluster => {
                let sent = clients.rds.describe_db_clusters().db_cluster_identifier(&named.id);
                let answer = call(DESCRIBE_CLUSTERS, sent.send())
                    .await
                    .map_err(|error| error.about(Noun::Resource, &named.id))?;
                answer.db_clusters.unwrap_or_default().into_iter().next().map(|found| cluster(found, scope))
            }
        };
        let missing = || {
            Error::found(
                DESCRIBE_INSTANCES.name,
                Kind::NotFound,
                Noun::Resource,
                &named.id,
                format!("resource {} does not exist", named.id),
            )
        };
        found.ok_or_else(missing)
    }

    /// A page of resources with a recovery point, in any vault or in one.
    pub async fn list_protected_resources(
        &self,
        asked: &AskedScope,
        vault: Option<&VaultName>,
        page: &PageRequest,
    ) -> Result<Page<ProtectedResource>, Error> {
        let clients = self.clients(asked).await?;
        let (size, cursor) = (page.size.into(), page.cursor.clone());
        let (items, next) = match vault {
            None => {
                let sent = clients.backup.list_protected_resources().max_results(size).set_next_token(cursor);
                let answer = call(LIST_PROTECTED, sent.send()).await?;
                (answer.results, answer.next_token)
            }
            Some(vault) => {
                let sent = clients.backup.list_protected_resources_by_backup_vault().backup_vault_name(vault.as_str());
                let sent = sent.max_results(size).set_next_token(cursor).send();
                match call(LIST_PROTECTED_BY_VAULT, sent).await {
                    Ok(answer) => (answer.results, answer.next_token),
                    Err(error) => return Err(clients.missing_or_denied(error, vault).await),
                }
            }
        };
        Ok(Page { items: items.unwrap_or_default().into_iter().map(protected).collect(), next })
    }
}

/// Where a page of resources begins: RDS's marker, and how many of the records behind it the pages before took. RDS
/// gives 20 records at least, and a caller may want fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    kind: ResourceKind,
    marker: Option<String>,
    skip: usize,
}

/// RDS's bounds on MaxRecords `[M]`.
const FEWEST_RECORDS: usize = 20;
pub(super) const MOST_RECORDS: usize = 100;

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, ' ');
        let kind = match parts.next()? {
            "instances" => ResourceKind::DbInstance,
            "clusters" => ResourceKind::DbCluster,
            _ => return None,
        };
        let skip = parts.next()?.parse().ok().filter(|skip| *skip < MOST_RECORDS)?;
        let marker = parts.next().filter(|marker| !marker.is_empty()).map(str::to_owned);
        Some(Self { kind, marker, skip })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            ResourceKind::DbInstance => "instances",
            ResourceKind::DbCluster => "clusters",
        };
        write!(f, "{kind} {} {}", self.skip, self.marker.as_deref().unwrap_or_default())
    }
}

/// Tokens are bound to their query, but anybody can write one.
pub(super) fn foreign_cursor(cursor: &str) -> Error {
    Error::found("list_resources", Kind::Rejected, Noun::Resource, cursor, "page_token is not a token of this server")
}

impl Clients {
    /// A page of instances or of clusters as RDS gives it: at least 20 records, at most [`MOST_RECORDS`]. Of a filter
    /// one of the values is enough.
    pub(super) async fn databases(
        &self,
        kind: ResourceKind,
        filter: Option<(&str, Vec<String>)>,
        records: usize,
        marker: Option<String>,
    ) -> Result<(Vec<Resource>, Option<String>), Error> {
        let records = i32::try_from(records).unwrap_or(100);
        let filter = filter.map(|(name, values)| vec![Filter::builder().name(name).set_values(Some(values)).build()]);
        match kind {
            ResourceKind::DbInstance => {
                let sent = self.rds.describe_db_instances().max_records(records).set_filters(filter).set_marker(marker);
                let answer = call(DESCRIBE_INSTANCES, sent.send()).await?;
                let found =
                    answer.db_instances.unwrap_or_default().into_iter().map(|found| instance(found, &self.scope));
                Ok((found.collect(), answer.marker))
            }
            ResourceKind::DbCluster => {
                let sent = self.rds.describe_db_clusters().max_records(records).set_filters(filter).set_marker(marker);
                let answer = call(DESCRIBE_CLUSTERS, sent.send()).await?;
                let found = answer.db_clusters.unwrap_or_default().into_iter().map(|found| cluster(found, &self.scope));
                Ok((found.collect(), answer.marker))
            }
        }
    }
}

fn instance(found: DbInstance, scope: &Scope) -> Resource {
    Resource {
        arn: found.db_instance_arn.unwrap_or_default(),
        id: found.db_instance_identifier.unwrap_or_default(),
        scope: scope.clone(),
        kind: ResourceKind::DbInstance,
        engine: found.engine.unwrap_or_default(),
        engine_version: found.engine_version.unwrap_or_default(),
        status: found.db_instance_status.unwrap_or_default(),
        tags: tags(found.tag_list),
        automated_backup_retention_days: found.backup_retention_period.unwrap_or_default(),
        automated_backup_window: found.preferred_backup_window.unwrap_or_default(),
        maintenance_window: found.preferred_maintenance_window.unwrap_or_default(),
        instance_class: found.db_instance_class.unwrap_or_default(),
        allocated_storage_gib: found.allocated_storage.unwrap_or_default(),
        storage_encrypted: found.storage_encrypted.unwrap_or_default(),
        encryption_key_arn: found.kms_key_id.unwrap_or_default(),
        created_at: time(found.instance_create_time.as_ref()),
        cluster_id: found.db_cluster_identifier.unwrap_or_default(),
        continuous_recovery_point_arn: found.aws_backup_recovery_point_arn.unwrap_or_default(),
        latest_restorable_at: time(found.latest_restorable_time.as_ref()),
    }
}

fn cluster(found: DbCluster, scope: &Scope) -> Resource {
    Resource {
        arn: found.db_cluster_arn.unwrap_or_default(),
        id: found.db_cluster_identifier.unwrap_or_default(),
        scope: scope.clone(),
        kind: ResourceKind::DbCluster,
        engine: found.engine.unwrap_or_default(),
        engine_version: found.engine_version.unwrap_or_default(),
        status: found.status.unwrap_or_default(),
        tags: tags(found.tag_list),
        automated_backup_retention_days: found.backup_retention_period.unwrap_or_default(),
        automated_backup_window: found.preferred_backup_window.unwrap_or_default(),
        maintenance_window: found.preferred_maintenance_window.unwrap_or_default(),
        instance_class: found.db_cluster_instance_class.unwrap_or_default(),
        allocated_storage_gib: found.allocated_storage.unwrap_or_default(),
        storage_encrypted: found.storage_encrypted.unwrap_or_default(),
        encryption_key_arn: found.kms_key_id.unwrap_or_default(),
        created_at: time(found.cluster_create_time.as_ref()),
        cluster_id: String::new(),
        continuous_recovery_point_arn: found.aws_backup_recovery_point_arn.unwrap_or_default(),
        latest_restorable_at: time(found.latest_restorable_time.as_ref()),
    }
}

fn tags(list: Option<Vec<Tag>>) -> std::collections::BTreeMap<String, String> {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    list.unwrap_or_default().into_iter().filter_map(pair).collect()
}

fn protected(found: BackupProtectedResource) -> ProtectedResource {
    ProtectedResource {
        arn: found.resource_arn.unwrap_or_default(),
        resource_type: found.resource_type.unwrap_or_default(),
        name: found.resource_name.unwrap_or_default(),
        last_backup_at: time(found.last_backup_time.as_ref()),
        last_backup_vault_arn: found.last_backup_vault_arn.unwrap_or_default(),
        last_recovery_point_arn: found.last_recovery_point_arn.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_its_cursor(clusters: bool, marker in proptest::option::of("[^ ]\\PC{0,40}"), skip in 0usize..100) {
            let kind = if clusters { ResourceKind::DbCluster } else { ResourceKind::DbInstance };
            let place = Place { kind, marker, skip };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
    }
}
