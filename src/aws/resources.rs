//! RDS instances and clusters, and what AWS Backup protects.

use aws_sdk_backup::types::ProtectedResource as BackupProtectedResource;
use aws_sdk_rds::types::{DbCluster, DbInstance, Filter, Tag};

use super::{
    Error, Failure, FailureKind, Scoped,
    call::{Operation, ask},
    looks::there,
    time,
    unmatched::nothing_found,
};
use crate::domain::{
    Arn, Cursor, DatabaseRef, Engine, Finding, Invalid, LastRestore, Noun, Page, PageRequest, ProtectedResource,
    Refusal, RefusalKind, Resource, ResourceFilter, ResourceKind, ResourceRef, ResourceType, Scope, VaultName,
};

const DESCRIBE_INSTANCES: Operation = Operation::read("rds", "DescribeDBInstances");
const DESCRIBE_CLUSTERS: Operation = Operation::read("rds", "DescribeDBClusters");
const DESCRIBE_PROTECTED: Operation = Operation::read("backup", "DescribeProtectedResource");
const LIST_PROTECTED: Operation = Operation::read("backup", "ListProtectedResources");
const LIST_PROTECTED_BY_VAULT: Operation = Operation::read("backup", "ListProtectedResourcesByBackupVault");

impl Scoped {
    /// A page of instances, then clusters.
    pub async fn list_resources(&self, filter: &ResourceFilter, page: &PageRequest) -> Result<Page<Resource>, Error> {
        let kinds = filter.kind.as_ref().map_or(&ResourceKind::ALL[..], std::slice::from_ref);
        let (mut kind, mut place) = Cursor::within(page.cursor.as_ref(), kinds, part, MOST_RECORDS)?;
        let size = usize::from(page.size);
        let mut items = Vec::with_capacity(size);
        loop {
            let wanted = size - items.len();
            let records = (wanted + place.skip).clamp(FEWEST_RECORDS, MOST_RECORDS);
            let engine = filter.engine.as_ref().map(|engine| ("engine", vec![engine.as_str().to_owned()]));
            let (found, marker) = self.databases(kind, engine, records, place.token.clone()).await?;
            let left = found.len().saturating_sub(place.skip);
            items.extend(found.into_iter().skip(place.skip).take(wanted));
            if left > wanted {
                place.skip += wanted;
                return Ok(Page { items, next: Some(place) });
            }
            let next_kind = kinds.iter().skip_while(|other| **other != kind).nth(1);
            match (marker, next_kind) {
                (Some(marker), _) => place = Cursor { part: place.part, ..Cursor::at(marker) },
                (None, Some(next)) => (kind, place) = (*next, Cursor::of_part(part(*next))),
                (None, None) => return Ok(Page { items, next: None }),
            }
            if items.len() == size {
                return Ok(Page { items, next: Some(place) });
            }
        }
    }

    /// As [`Self::list_resources`], with what there is to say of the filter: an engine that RDS refuses is a fault of the
    /// request, and one that nobody knows and nothing has is told.
    pub async fn list_resources_explained(
        &self,
        filter: &ResourceFilter,
        page: &PageRequest,
    ) -> Result<(Page<Resource>, Vec<Finding>), Error> {
        let found = match (self.list_resources(filter, page).await, &filter.engine) {
            (Ok(found), _) => found,
            (Err(Error::Failed(failure)), Some(engine)) if is_about_the_engine(&failure) => {
                return Err(Invalid::of("engine", engine.refused(&failure.message)).into());
            }
            (Err(error), _) => return Err(error),
        };
        let unknown = filter.engine.as_ref().filter(|_| nothing_found(page, &found)).and_then(Engine::unknown_finding);
        Ok((found, unknown.into_iter().collect()))
    }

    /// One instance or cluster.
    pub async fn get_resource(&self, named: &DatabaseRef) -> Result<Resource, Error> {
        self.database(named).await
    }

    /// What AWS Backup knows of a resource with a recovery point.
    pub async fn get_protected_resource(&self, named: &ResourceRef) -> Result<ProtectedResource, Error> {
        let arn = self.resource_arn(named).await?;
        let sent = self.clients.backup.describe_protected_resource().resource_arn(arn.as_str());
        let answer = match self.read(DESCRIBE_PROTECTED, ask!(sent)).await {
            Ok(answer) => answer,
            Err(error) if error.kind == FailureKind::NotFound => {
                let mut message = format!("AWS Backup protects no resource {arn} here: it has no recovery point");
                for why in self.why_nothing_of(named).await {
                    // The ARN again and again would leave no room for the rest.
                    let message_of_it = why.message.replace(&format!(" {arn} is "), " of that ARN is ");
                    message.push_str(&format!("; {message_of_it}: {}", why.action));
                }
                return Err(Refusal::of(RefusalKind::NotFound, Noun::Resource, arn.as_str(), message).into());
            }
            Err(error) => return Err(error.about(Noun::Resource, &arn).into()),
        };
        Ok(ProtectedResource {
            scope: self.scope().clone(),
            arn: answer.resource_arn.unwrap_or_else(|| arn.to_string()),
            resource_type: answer.resource_type.and_then(ResourceType::told),
            name: answer.resource_name.unwrap_or_default(),
            last_backup_at: time(answer.last_backup_time.as_ref()),
            last_backup_vault_arn: answer.last_backup_vault_arn.unwrap_or_default(),
            last_recovery_point_arn: answer.last_recovery_point_arn.unwrap_or_default(),
            last_restore: LastRestore {
                minutes: answer.latest_restore_execution_time_minutes.and_then(|minutes| i32::try_from(minutes).ok()),
                job_created_at: time(answer.latest_restore_job_creation_date.as_ref()),
                recovery_point_created_at: time(answer.latest_restore_recovery_point_creation_date.as_ref()),
            },
        })
    }

    /// A page of resources with a recovery point, in any vault or in one.
    pub async fn list_protected_resources(
        &self,
        vault: Option<&VaultName>,
        page: &PageRequest,
    ) -> Result<Page<ProtectedResource>, Error> {
        let (size, cursor) = (page.size.into(), page.token());
        let (items, next) = match vault {
            None => {
                let sent = self.clients.backup.list_protected_resources().max_results(size).set_next_token(cursor);
                let answer = self.read(LIST_PROTECTED, ask!(sent)).await?;
                (answer.results, answer.next_token)
            }
            Some(vault) => {
                let sent =
                    self.clients.backup.list_protected_resources_by_backup_vault().backup_vault_name(vault.as_str());
                let sent = sent.max_results(size).set_next_token(cursor);
                match self.read(LIST_PROTECTED_BY_VAULT, ask!(sent)).await {
                    Ok(answer) => (answer.results, answer.next_token),
                    Err(error) => return Err(self.missing_or_denied(error, vault).await.into()),
                }
            }
        };
        let items = items.unwrap_or_default().into_iter().map(|found| protected(found, self.scope())).collect();
        Ok(Page { items, next: next.map(Cursor::at) })
    }
}

/// RDS's bounds on MaxRecords `[M]`.
const FEWEST_RECORDS: usize = 20;
pub(super) const MOST_RECORDS: usize = 100;

/// The part of a list that has the databases of a kind.
pub(super) fn part(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::DbInstance => "instances",
        ResourceKind::DbCluster => "clusters",
    }
}

impl Scoped {
    /// The instance or cluster of that name; one that is not there with the question which was meant.
    pub(super) async fn database(&self, named: &DatabaseRef) -> Result<Resource, Error> {
        match self.look_up(named).await {
            Err(error) if error.is_missing() => {
                let question = self.meant_database(named).await;
                Err(error.with_question(question))
            }
            answer => answer,
        }
    }

    /// The instance or cluster of that name. Where only its identifier is given it may be of either, and RDS lets both have
    /// it: both are looked up at once, and no answer is taken for "not there" but RDS's own.
    pub(super) async fn look_up(&self, named: &DatabaseRef) -> Result<Resource, Error> {
        let id = named.id.as_str();
        if let Some(kind) = named.kind {
            return Ok(self.describe_resource(kind, id).await?);
        }
        let (instance, cluster) = tokio::join!(
            self.describe_resource(ResourceKind::DbInstance, id),
            self.describe_resource(ResourceKind::DbCluster, id)
        );
        match (there(instance)?, there(cluster)?) {
            (Some(found), None) | (None, Some(found)) => Ok(found),
            (Some(instance), Some(cluster)) => {
                let message = format!(
                    "{id} is the identifier of an instance and of a cluster: give {} or {}",
                    instance.arn, cluster.arn
                );
                Err(Refusal::of(RefusalKind::Ambiguous, Noun::Resource, id, message).into())
            }
            (None, None) => {
                let Scope { account, region } = self.scope();
                let message = format!(
                    "{id} is the identifier of no RDS instance or cluster in account {account}, region {region}"
                );
                Err(Refusal::of(RefusalKind::NotFound, Noun::Resource, id, message).into())
            }
        }
    }

    /// ARN of a resource; a database's identifier is looked up.
    pub(super) async fn resource_arn(&self, named: &ResourceRef) -> Result<Arn, Error> {
        match named {
            ResourceRef::Arn(arn) => Ok(arn.clone()),
            ResourceRef::Database(id) => {
                let found = self.database(&DatabaseRef { kind: None, id: id.clone() }).await?;
                Ok(arn_of(&found)?)
            }
        }
    }

    /// One instance or one cluster, or why AWS does not tell it.
    pub(super) async fn describe_resource(&self, kind: ResourceKind, id: &str) -> Result<Resource, Failure> {
        let scope = self.scope();
        let (operation, found) = match kind {
            ResourceKind::DbInstance => {
                let sent = self.clients.rds.describe_db_instances().db_instance_identifier(id);
                let answer = self.read(DESCRIBE_INSTANCES, ask!(sent)).await;
                let found = answer.map(|answer| answer.db_instances.unwrap_or_default().into_iter().next());
                (DESCRIBE_INSTANCES, found.map(|found| found.map(|found| instance(found, scope))))
            }
            ResourceKind::DbCluster => {
                let sent = self.clients.rds.describe_db_clusters().db_cluster_identifier(id);
                let answer = self.read(DESCRIBE_CLUSTERS, ask!(sent)).await;
                let found = answer.map(|answer| answer.db_clusters.unwrap_or_default().into_iter().next());
                (DESCRIBE_CLUSTERS, found.map(|found| found.map(|found| cluster(found, scope))))
            }
        };
        let missing = || {
            let Scope { account, region } = scope;
            let message = format!("resource {id} does not exist in account {account}, region {region}");
            Failure::told(operation.name, FailureKind::NotFound, message)
        };
        found.and_then(|found| found.ok_or_else(missing)).map_err(|error| error.about(Noun::Resource, id))
    }

    /// A page of instances or of clusters as RDS gives it: at least 20 records, at most [`MOST_RECORDS`]. Of a filter
    /// one of the values is enough.
    pub(super) async fn databases(
        &self,
        kind: ResourceKind,
        filter: Option<(&str, Vec<String>)>,
        records: usize,
        marker: Option<String>,
    ) -> Result<(Vec<Resource>, Option<String>), Failure> {
        let records = i32::try_from(records).unwrap_or(100);
        let filter = filter.map(|(name, values)| vec![Filter::builder().name(name).set_values(Some(values)).build()]);
        match kind {
            ResourceKind::DbInstance => {
                let sent = self
                    .clients
                    .rds
                    .describe_db_instances()
                    .max_records(records)
                    .set_filters(filter)
                    .set_marker(marker);
                let answer = self.read(DESCRIBE_INSTANCES, ask!(sent)).await?;
                let found =
                    answer.db_instances.unwrap_or_default().into_iter().map(|found| instance(found, self.scope()));
                Ok((found.collect(), answer.marker))
            }
            ResourceKind::DbCluster => {
                let sent =
                    self.clients.rds.describe_db_clusters().max_records(records).set_filters(filter).set_marker(marker);
                let answer = self.read(DESCRIBE_CLUSTERS, ask!(sent)).await?;
                let found =
                    answer.db_clusters.unwrap_or_default().into_iter().map(|found| cluster(found, self.scope()));
                Ok((found.collect(), answer.marker))
            }
        }
    }
}

/// Whether RDS refuses the engine that it is asked to filter by: `Unrecognized engine name` `[Q]`.
fn is_about_the_engine(failure: &Failure) -> bool {
    failure.kind == FailureKind::Rejected && failure.message.to_ascii_lowercase().contains("engine")
}

/// ARN of a database that RDS told.
pub(super) fn arn_of(database: &Resource) -> Result<Arn, Failure> {
    let operation = match database.kind {
        ResourceKind::DbInstance => DESCRIBE_INSTANCES,
        ResourceKind::DbCluster => DESCRIBE_CLUSTERS,
    };
    Arn::parse(&database.arn).map_err(|_| Failure::malformed(operation, "ARN"))
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
        allocated_storage_gib: found.allocated_storage,
        storage_encrypted: found.storage_encrypted.unwrap_or_default(),
        encryption_key_arn: found.kms_key_id.unwrap_or_default(),
        created_at: time(found.instance_create_time.as_ref()),
        cluster_id: found.db_cluster_identifier.unwrap_or_default(),
        continuous_recovery_point_arn: found.aws_backup_recovery_point_arn.unwrap_or_default(),
        latest_restorable_at: time(found.latest_restorable_time.as_ref()),
        resource_id: found.dbi_resource_id.unwrap_or_default(),
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
        allocated_storage_gib: found.allocated_storage,
        storage_encrypted: found.storage_encrypted.unwrap_or_default(),
        encryption_key_arn: found.kms_key_id.unwrap_or_default(),
        created_at: time(found.cluster_create_time.as_ref()),
        cluster_id: String::new(),
        continuous_recovery_point_arn: found.aws_backup_recovery_point_arn.unwrap_or_default(),
        latest_restorable_at: time(found.latest_restorable_time.as_ref()),
        resource_id: found.db_cluster_resource_id.unwrap_or_default(),
    }
}

fn tags(list: Option<Vec<Tag>>) -> std::collections::BTreeMap<String, String> {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    list.unwrap_or_default().into_iter().filter_map(pair).collect()
}

fn protected(found: BackupProtectedResource, scope: &Scope) -> ProtectedResource {
    ProtectedResource {
        scope: scope.clone(),
        arn: found.resource_arn.unwrap_or_default(),
        resource_type: found.resource_type.and_then(ResourceType::told),
        name: found.resource_name.unwrap_or_default(),
        last_backup_at: time(found.last_backup_time.as_ref()),
        last_backup_vault_arn: found.last_backup_vault_arn.unwrap_or_default(),
        last_recovery_point_arn: found.last_recovery_point_arn.unwrap_or_default(),
        last_restore: LastRestore::default(),
    }
}
