//! RDS's own backups of clusters: what can be restored to a point in time. They follow from the cluster, its retention and
//! the time.

use jiff::Timestamp;

use super::filters::Filters;
use super::params::{Params, listed};
use super::{Cluster, named, network, not_found, place_of, time};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// DescribeDBClusterAutomatedBackups.
pub(super) fn describe(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let id = params.text("DBClusterIdentifier").map(named);
    let resource = params.text("DbClusterResourceId");
    let filters = Filters::of(form, &["status", "db-cluster-id", "db-cluster-resource-id"], &mut params);
    let paging = params.paging();
    params.done()?;
    let region = call.region(world);
    let wanted = region.rds.clusters.values().filter(|it| {
        it.settings.backup_retention > 0
            && id.as_ref().is_none_or(|id| *id == it.id)
            && resource.is_none_or(|id| id == it.resource_id)
            && filters.pass("status", &["active"])
            && filters.pass("db-cluster-id", &[&it.id, &it.arn])
            && filters.pass("db-cluster-resource-id", &[&it.resource_id])
    });
    let page = paging.take(wanted, |it| it.id.as_str())?;
    if let Some(id) = id.as_deref().or(resource).filter(|_| page.items.is_empty()) {
        let message = format!("Automated backup of cluster {id} not found.");
        return Err(not_found("DBClusterAutomatedBackupNotFoundFault", message));
    }
    Ok(listed("DBClusterAutomatedBackups", "DBClusterAutomatedBackup", &page, |it| shape(it, call.now)))
}

fn shape(cluster: &Cluster, now: Timestamp) -> Xml {
    let settings = &cluster.settings;
    let place = place_of(&cluster.arn);
    let window = match cluster.restore_window(now) {
        Some((earliest, latest)) => Xml::new().value("EarliestTime", time(earliest)).value("LatestTime", time(latest)),
        None => Xml::new(),
    };
    let id = cluster.resource_id.trim_start_matches("cluster-").to_lowercase();
    Xml::new()
        .text("Engine", &settings.engine)
        .text("VpcId", network::vpc(&place))
        .text("DBClusterAutomatedBackupsArn", place.arn("cluster-auto-backup", &format!("ab-{id}")))
        .text("DBClusterIdentifier", &cluster.id)
        .inside("RestoreWindow", &window)
        .text("MasterUsername", &settings.master_username)
        .text("DbClusterResourceId", &cluster.resource_id)
        .text("Region", place.region)
        .text("LicenseModel", &settings.license_model)
        .text("Status", if cluster.restore_window(now).is_some() { "active" } else { "creating" })
        .value("IAMDatabaseAuthenticationEnabled", settings.iam_authentication)
        .value("ClusterCreateTime", time(cluster.created))
        .value("StorageEncrypted", settings.encrypted)
        .value("AllocatedStorage", settings.allocated_storage)
        .text("EngineVersion", &settings.engine_version)
        .text("DBClusterArn", &cluster.arn)
        .value("BackupRetentionPeriod", settings.backup_retention)
        .text("EngineMode", "provisioned")
        .value("Port", settings.port)
        .optional("KmsKeyId", settings.kms_key.as_ref())
        .text("StorageType", &settings.storage_type)
        .optional("AwsBackupRecoveryPointArn", cluster.backup_recovery_point.as_ref())
}
