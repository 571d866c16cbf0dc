//! What a restore is checked for before it is started: AWS would accept it and let the job fail minutes later. What AWS
//! does not tell Strongroom never stops a restore.

use aws_sdk_rds::types::{OrderableDbInstanceOption, RestoreWindow as RdsRestoreWindow};
use futures_util::{StreamExt, TryStreamExt};

use crate::{
    aws::{
        Error, Failure, FailureKind, Scoped,
        call::{Operation, ask},
        pages::pages,
        time,
    },
    domain::{
        Arn, Finding, RecoveryPoint, ResourceKind, Restore, RestoreChecks, RestoreMetadata, RestoreSource,
        RestoreTarget, RestoreWindow, RoleState,
        restore_checks::{self as judge, AutomatedBackup, ClassWish, Offer, Orderable},
        restore_settings,
    },
};

const DESCRIBE_ORDERABLE: Operation = Operation::read("rds", "DescribeOrderableDBInstanceOptions");
const DESCRIBE_INSTANCE_BACKUPS: Operation = Operation::read("rds", "DescribeDBInstanceAutomatedBackups");
const DESCRIBE_CLUSTER_BACKUPS: Operation = Operation::read("rds", "DescribeDBClusterAutomatedBackups");

/// Far more than a class has ways to be ordered in, or a name has automated backups, at 100 a page.
const MOST_PAGES: usize = 10;

impl Scoped {
    /// Checks everything that can be known before a restore. The role must be there; all else is a finding.
    pub async fn check_restore(
        &self,
        restore: &Restore,
        source: &RestoreSource,
        metadata: &RestoreMetadata,
    ) -> Result<RestoreChecks, Error> {
        let (role_arn, role, name, seen, class, (point, window, found)) = tokio::join!(
            self.role_arn_looked_for(&restore.role),
            self.role_findings(restore),
            self.name_is_taken(restore),
            self.seen_settings(restore, metadata),
            self.class(restore, metadata),
            self.point_and_time(restore, source),
        );
        let mut findings = restore.findings(source);
        findings.push(point);
        findings.extend(role);
        findings.push(match name {
            Ok(taken) => judge::name(&restore.target, taken),
            Err(error) => judge::name_not_checked(&restore.target, &error),
        });
        let (region, found) = (&self.scope().region, found.as_ref());
        let (judged, unasked) = restore_settings::judge(restore, source, metadata, &seen, found, region);
        findings.extend(judged);
        if let Some(key) = found.and_then(|point| point.encryption_key_arn.as_deref()) {
            findings.push(self.key_finding(key).await);
        }
        findings.extend(class);
        let (time, window) = window.unzip();
        findings.extend(time);
        findings.extend(unasked);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(RestoreChecks { role_arn: role_arn?, findings, window: window.flatten() })
    }

    async fn name_is_taken(&self, restore: &Restore) -> Result<bool, Failure> {
        let kind = match restore.target {
            RestoreTarget::Instance(_) => ResourceKind::DbInstance,
            RestoreTarget::Cluster(_) => ResourceKind::DbCluster,
        };
        match self.describe_resource(kind, restore.target.identifier()).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == FailureKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Scoped {
    async fn role_findings(&self, restore: &Restore) -> Vec<Finding> {
        match self.role(&restore.role.name).await {
            Ok(Some((state, _))) => judge::role(&state),
            // The look for its ARN says so.
            Ok(None) => Vec::new(),
            Err(error) => {
                let what = format!("role {}", restore.role.name);
                vec![judge::not_checked(&what, RoleState::PERMISSIONS, &error)]
            }
        }
    }

    async fn class(&self, restore: &Restore, metadata: &RestoreMetadata) -> Option<Finding> {
        let wish = ClassWish::of(restore, metadata)?;
        let offer = async {
            let ways = self.ways_to_order(&wish, Some(&wish.class)).await?;
            // A version of which nothing is offered says nothing about the class.
            if ways.is_empty() && self.ways_to_order(&wish, None).await?.is_empty() {
                return Ok::<_, Failure>(Offer::NothingForVersion);
            }
            Ok(Offer::Ways(ways))
        };
        Some(match offer.await {
            Ok(offer) => wish.judge(&offer),
            Err(error) => unknown(&format!("class {}", wish.class), DESCRIBE_ORDERABLE, &error),
        })
    }

    /// The ways in which RDS offers a class; without one, the first few that it offers at all.
    async fn ways_to_order(&self, wish: &ClassWish, class: Option<&str>) -> Result<Vec<Orderable>, Failure> {
        let ways = pages(|marker| async move {
            let sent = self
                .clients
                .rds
                .describe_orderable_db_instance_options()
                .engine(&wish.engine)
                .set_engine_version(wish.version.clone())
                .set_db_instance_class(class.map(str::to_owned))
                .set_max_records(class.is_none().then_some(20))
                .set_marker(marker);
            let answer = self.read(DESCRIBE_ORDERABLE, ask!(sent)).await?;
            let ways = answer.orderable_db_instance_options.unwrap_or_default().into_iter().map(orderable);
            Ok((ways.collect::<Vec<_>>(), answer.marker))
        });
        ways.take(if class.is_some() { MOST_PAGES } else { 1 }).try_concat().await
    }

    /// The point's state, and for a continuous one its time: under which name its database is, the point tells.
    async fn point_and_time(
        &self,
        restore: &Restore,
        source: &RestoreSource,
    ) -> (Finding, Option<(Finding, Option<RestoreWindow>)>, Option<RecoveryPoint>) {
        let point = self.describe_recovery_point(&restore.vault, &restore.recovery_point).await;
        let finding = match &point {
            Ok(point) => judge::point(point),
            Err(error) => judge::not_checked("the recovery point's state", "backup:DescribeRecoveryPoint", error),
        };
        if !restore.is_continuous() {
            return (finding, None, point.ok());
        }
        let (kind, key) = match restore.target {
            RestoreTarget::Instance(_) => ("db", "DBInstanceIdentifier"),
            RestoreTarget::Cluster(_) => ("cluster", "DBClusterIdentifier"),
        };
        let point = point.ok();
        let arn = point.as_ref().and_then(|point| Arn::parse(point.resource_arn.as_deref()?).ok());
        let name = arn.as_ref().and_then(|arn| arn.resource_of_kind(kind)).or_else(|| source.metadata.get(key));
        let (operation, backups) = match restore.target {
            RestoreTarget::Instance(_) => {
                (DESCRIBE_INSTANCE_BACKUPS, self.instance_backups(name.unwrap_or_default()).await)
            }
            RestoreTarget::Cluster(_) => {
                (DESCRIBE_CLUSTER_BACKUPS, self.cluster_backups(name.unwrap_or_default()).await)
            }
        };
        let judged = match backups {
            Ok(backups) => judge::time(restore, &backups),
            Err(error) if error.kind == FailureKind::NotFound => judge::time(restore, &[]),
            Err(error) => (unknown("the restorable time", operation, &error), None),
        };
        (finding, Some(judged), point)
    }

    pub(in crate::aws) async fn instance_backups(&self, name: &str) -> Result<Vec<AutomatedBackup>, Failure> {
        let backups = pages(|marker| async move {
            let sent = self.clients.rds.describe_db_instance_automated_backups().db_instance_identifier(name);
            let answer = self.read(DESCRIBE_INSTANCE_BACKUPS, ask!(sent.set_marker(marker))).await?;
            let found = answer.db_instance_automated_backups.unwrap_or_default().into_iter();
            let backups = found.map(|backup| AutomatedBackup {
                recovery_point_arn: backup.aws_backup_recovery_point_arn.unwrap_or_default(),
                resource_id: backup.dbi_resource_id.unwrap_or_default(),
                window: window(backup.restore_window.as_ref()),
            });
            Ok((backups.collect::<Vec<_>>(), answer.marker))
        });
        backups.take(MOST_PAGES).try_concat().await
    }

    pub(in crate::aws) async fn cluster_backups(&self, name: &str) -> Result<Vec<AutomatedBackup>, Failure> {
        let backups = pages(|marker| async move {
            let sent = self.clients.rds.describe_db_cluster_automated_backups().db_cluster_identifier(name);
            let answer = self.read(DESCRIBE_CLUSTER_BACKUPS, ask!(sent.set_marker(marker))).await?;
            let found = answer.db_cluster_automated_backups.unwrap_or_default().into_iter();
            let backups = found.map(|backup| AutomatedBackup {
                recovery_point_arn: backup.aws_backup_recovery_point_arn.unwrap_or_default(),
                resource_id: backup.db_cluster_resource_id.unwrap_or_default(),
                window: window(backup.restore_window.as_ref()),
            });
            Ok((backups.collect::<Vec<_>>(), answer.marker))
        });
        backups.take(MOST_PAGES).try_concat().await
    }
}

fn window(told: Option<&RdsRestoreWindow>) -> Option<RestoreWindow> {
    let told = told?;
    Some(RestoreWindow { earliest: time(told.earliest_time.as_ref())?, latest: time(told.latest_time.as_ref())? })
}

fn orderable(option: OrderableDbInstanceOption) -> Orderable {
    let zones = option.availability_zones.unwrap_or_default();
    Orderable {
        storage_type: option.storage_type.unwrap_or_default(),
        multi_az: option.multi_az_capable.unwrap_or_default(),
        zones: zones.into_iter().filter_map(|zone| zone.name).collect(),
        clusters: option.supports_clusters.unwrap_or_default(),
    }
}

fn unknown(what: &str, operation: Operation, error: &Failure) -> Finding {
    judge::not_checked(what, &format!("{}:{}", operation.service, operation.name), error)
}
