//! What a restore is checked for before it is started: AWS would accept it and let the job fail minutes later. What AWS
//! does not tell Strongroom never stops a restore.

use aws_sdk_rds::types::{OrderableDbInstanceOption, RestoreWindow as RdsRestoreWindow};

use super::{START, call};
use crate::{
    aws::{Aws, Error, Kind, Noun, call::Operation, client::Clients, time},
    domain::{
        Arn, AskedScope, Finding, ResourceKind, ResourceRef, Restore, RestoreMetadata, RestoreSource, RestoreTarget,
        RestoreWindow, Scope, Warning,
        restore_checks::{self as judge, AutomatedBackup, ClassWish, Offer, Orderable},
    },
};

const DESCRIBE_SUBNET_GROUPS: Operation = Operation::read("rds", "DescribeDBSubnetGroups");
const DESCRIBE_ORDERABLE: Operation = Operation::read("rds", "DescribeOrderableDBInstanceOptions");
const DESCRIBE_INSTANCE_BACKUPS: Operation = Operation::read("rds", "DescribeDBInstanceAutomatedBackups");
const DESCRIBE_CLUSTER_BACKUPS: Operation = Operation::read("rds", "DescribeDBClusterAutomatedBackups");

/// Far more than a class has ways to be ordered in, or a name has automated backups, at 100 a page.
const MOST_PAGES: usize = 10;

/// What the checks of a restore found.
#[derive(Debug, Clone)]
pub struct RestoreChecks {
    /// Where it would happen.
    pub scope: Scope,
    /// The role that AWS Backup would assume.
    pub role_arn: String,
    /// All findings, the most serious first.
    pub findings: Vec<Finding>,
    /// What will surprise.
    pub warnings: Vec<Warning>,
    /// Between which times a continuous recovery point can be restored.
    pub window: Option<RestoreWindow>,
}

impl RestoreChecks {
    /// Why the restore must not be started, if it must not. A taken name alone is told as such.
    pub fn refusal(&self, restore: &Restore) -> Option<Error> {
        let name = restore.target.identifier();
        let mut obstacles = self.findings.iter().filter(|finding| finding.is_obstacle());
        match (obstacles.next(), obstacles.next()) {
            (Some(only), None) if only.code == "NAME_TAKEN" => {
                let message = format!("{}: {}", only.message, only.action);
                Some(Error::found(START.name, Kind::AlreadyExists, Noun::Resource, name, message))
            }
            _ => Error::preflight(START.name, Noun::RecoveryPoint, restore.recovery_point.as_str(), &self.findings),
        }
    }
}

impl Aws {
    /// Checks everything that can be known before a restore. The role must be there; all else is a finding.
    pub async fn check_restore(
        &self,
        asked: &AskedScope,
        restore: &Restore,
        source: &RestoreSource,
        metadata: &RestoreMetadata,
    ) -> Result<RestoreChecks, Error> {
        let clients = self.clients(asked).await?;
        let (role_arn, role, name, subnet_group, class, (point, window)) = tokio::join!(
            clients.role_arn_looked_for(&restore.role),
            clients.role_findings(restore),
            self.name_is_taken(asked, restore),
            clients.subnet_group(metadata),
            clients.class(restore, metadata),
            clients.point_and_time(restore, source),
        );
        let mut warnings = restore.warnings(source);
        let mut findings = vec![point];
        findings.extend(role);
        match name {
            Ok(taken) => findings.push(judge::name(&restore.target, taken)),
            Err(_) => warnings.push(name_not_checked(&restore.target)),
        }
        findings.extend(subnet_group);
        findings.extend(class);
        let (time, window) = window.unzip();
        findings.extend(time);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(RestoreChecks {
            scope: clients.scope.clone(),
            role_arn: role_arn?,
            findings,
            warnings,
            window: window.flatten(),
        })
    }

    async fn name_is_taken(&self, asked: &AskedScope, restore: &Restore) -> Result<bool, Error> {
        let kind = match restore.target {
            RestoreTarget::Instance(_) => ResourceKind::DbInstance,
            RestoreTarget::Cluster(_) => ResourceKind::DbCluster,
        };
        let named = ResourceRef { kind, id: restore.target.identifier().to_owned() };
        match self.get_resource(asked, &named).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Clients {
    async fn role_findings(&self, restore: &Restore) -> Vec<Finding> {
        match self.role(&restore.role.name).await {
            Ok(Some((state, _))) => judge::role(&state),
            // The look for its ARN says so.
            Ok(None) => Vec::new(),
            Err(error) => {
                let permissions = "iam:GetRole, iam:ListAttachedRolePolicies and iam:ListRolePolicies";
                let what = format!("role {}", restore.role.name);
                vec![judge::not_checked(&what, permissions, &error.message)]
            }
        }
    }

    async fn subnet_group(&self, metadata: &RestoreMetadata) -> Option<Finding> {
        let name = metadata.get("DBSubnetGroupName").filter(|name| !name.is_empty())?;
        let sent = self.rds.describe_db_subnet_groups().db_subnet_group_name(name);
        Some(match call(DESCRIBE_SUBNET_GROUPS, sent.send()).await {
            Ok(_) => judge::subnet_group(name, true),
            Err(error) if error.kind == Kind::NotFound => judge::subnet_group(name, false),
            Err(error) => unknown(&format!("DB subnet group {name}"), DESCRIBE_SUBNET_GROUPS, &error),
        })
    }

    async fn class(&self, restore: &Restore, metadata: &RestoreMetadata) -> Option<Finding> {
        let wish = ClassWish::of(restore, metadata)?;
        let offer = async {
            let ways = self.ways_to_order(&wish, Some(&wish.class)).await?;
            // A version of which nothing is offered says nothing about the class.
            if ways.is_empty() && self.ways_to_order(&wish, None).await?.is_empty() {
                return Ok(Offer::NothingForVersion);
            }
            Ok(Offer::Ways(ways))
        };
        Some(match offer.await {
            Ok(offer) => wish.judge(&offer),
            Err(error) => unknown(&format!("class {}", wish.class), DESCRIBE_ORDERABLE, &error),
        })
    }

    /// The ways in which RDS offers a class; without one, the first few that it offers at all.
    async fn ways_to_order(&self, wish: &ClassWish, class: Option<&str>) -> Result<Vec<Orderable>, Error> {
        let mut ways = Vec::new();
        let mut marker = None;
        for _ in 0..if class.is_some() { MOST_PAGES } else { 1 } {
            let sent = self
                .rds
                .describe_orderable_db_instance_options()
                .engine(&wish.engine)
                .set_engine_version(wish.version.clone())
                .set_db_instance_class(class.map(str::to_owned))
                .set_max_records(class.is_none().then_some(20))
                .set_marker(marker);
            let answer = call(DESCRIBE_ORDERABLE, sent.send()).await?;
            ways.extend(answer.orderable_db_instance_options.unwrap_or_default().into_iter().map(orderable));
            marker = answer.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(ways)
    }

    /// The point's state, and for a continuous one its time: under which name its database is, the point tells.
    async fn point_and_time(
        &self,
        restore: &Restore,
        source: &RestoreSource,
    ) -> (Finding, Option<(Finding, Option<RestoreWindow>)>) {
        let point = self.describe_recovery_point(&restore.vault, &restore.recovery_point).await;
        let finding = match &point {
            Ok(point) => judge::point(point),
            Err(error) => {
                judge::not_checked("the recovery point's state", "backup:DescribeRecoveryPoint", &error.message)
            }
        };
        if !restore.is_continuous() {
            return (finding, None);
        }
        let (kind, key) = match restore.target {
            RestoreTarget::Instance(_) => ("db", "DBInstanceIdentifier"),
            RestoreTarget::Cluster(_) => ("cluster", "DBClusterIdentifier"),
        };
        let arn = point.ok().and_then(|point| Arn::parse(&point.resource_arn).ok());
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
            Err(error) if error.kind == Kind::NotFound => judge::time(restore, &[]),
            Err(error) => (unknown("the restorable time", operation, &error), None),
        };
        (finding, Some(judged))
    }

    async fn instance_backups(&self, name: &str) -> Result<Vec<AutomatedBackup>, Error> {
        let mut backups = Vec::new();
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let sent = self.rds.describe_db_instance_automated_backups().db_instance_identifier(name);
            let answer = call(DESCRIBE_INSTANCE_BACKUPS, sent.set_marker(marker).send()).await?;
            let found = answer.db_instance_automated_backups.unwrap_or_default();
            backups.extend(found.into_iter().map(|backup| AutomatedBackup {
                recovery_point_arn: backup.aws_backup_recovery_point_arn.unwrap_or_default(),
                resource_id: backup.dbi_resource_id.unwrap_or_default(),
                window: window(backup.restore_window.as_ref()),
            }));
            marker = answer.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(backups)
    }

    async fn cluster_backups(&self, name: &str) -> Result<Vec<AutomatedBackup>, Error> {
        let mut backups = Vec::new();
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let sent = self.rds.describe_db_cluster_automated_backups().db_cluster_identifier(name);
            let answer = call(DESCRIBE_CLUSTER_BACKUPS, sent.set_marker(marker).send()).await?;
            let found = answer.db_cluster_automated_backups.unwrap_or_default();
            backups.extend(found.into_iter().map(|backup| AutomatedBackup {
                recovery_point_arn: backup.aws_backup_recovery_point_arn.unwrap_or_default(),
                resource_id: backup.db_cluster_resource_id.unwrap_or_default(),
                window: window(backup.restore_window.as_ref()),
            }));
            marker = answer.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(backups)
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

fn unknown(what: &str, operation: Operation, error: &Error) -> Finding {
    judge::not_checked(what, &format!("{}:{}", operation.service, operation.name), &error.message)
}

fn name_not_checked(target: &RestoreTarget) -> Warning {
    Warning {
        code: "NAME_NOT_CHECKED",
        message: "RDS did not tell whether the identifier is free: if it is taken, the job fails".to_owned(),
        field: target.identifier_field().to_owned(),
    }
}
