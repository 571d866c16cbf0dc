//! What the checks before a restore make of what AWS tells: each gives one finding, or none where there is nothing to
//! check.

use jiff::{Timestamp, Unit};

use super::{FIELD, PointInTime, Restore, RestoreMetadata, RestoreTarget, RestoreWindow, settings::is_zone_of};
use crate::domain::{Finding, RecoveryPoint, RecoveryPointState, RoleState, ServedTypes, Unseen};

/// A way in which RDS offers a class, for an engine and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orderable {
    /// Storage type; blank: RDS does not say.
    pub storage_type: String,
    /// Whether with a standby.
    pub multi_az: bool,
    /// In these zones; empty: RDS does not say.
    pub zones: Vec<String>,
    /// Whether in Multi-AZ DB clusters.
    pub clusters: bool,
}

/// What is asked of RDS for the new database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassWish {
    /// Engine.
    pub engine: String,
    /// Engine version, where the recovery point tells.
    pub version: Option<String>,
    /// Class.
    pub class: String,
    storage_type: Option<String>,
    multi_az: bool,
    zone: Option<String>,
    cluster: bool,
}

/// What RDS tells of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// The ways in which it is offered; empty: in none, though others are.
    Ways(Vec<Orderable>),
    /// Nothing at all is offered for the engine's version: it is about to be retired, or RDS names it otherwise.
    NothingForVersion,
}

/// RDS's automated backup of the database that a continuous recovery point is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomatedBackup {
    /// The recovery point that AWS Backup manages it by; blank: none.
    pub recovery_point_arn: String,
    /// Of the database, which no later database of its name shares.
    pub resource_id: String,
    /// What can be restored; `None`: nothing yet.
    pub window: Option<RestoreWindow>,
}

impl AutomatedBackup {
    /// Whether it is of the database that the continuous recovery point follows, or followed: the point's ARN has the
    /// database's resource id `[Q]`.
    pub fn is_of(&self, recovery_point_arn: &str) -> bool {
        let id = recovery_point_arn.rsplit(":continuous:").next().unwrap_or_default();
        self.recovery_point_arn == recovery_point_arn
            || (!self.resource_id.is_empty()
                && id.strip_prefix(&self.resource_id.to_lowercase()).is_some_and(|rest| rest.starts_with('-')))
    }
}

/// AWS did not tell what a check needs.
pub fn not_checked(what: &str, permissions: &str, why: impl Into<Unseen>) -> Finding {
    let unseen = why.into();
    unseen.not_checked(what, "if it is wrong, the job fails", watch(&unseen, permissions))
}

fn watch(unseen: &Unseen, permissions: &str) -> String {
    match unseen.action(permissions, "have it checked again").as_str() {
        "" => "watch the job".to_owned(),
        action => format!("watch the job; {action}"),
    }
}

/// Whether the recovery point can be used.
pub fn point(point: &RecoveryPoint) -> Finding {
    state(point).at(format!("{FIELD}.recovery_point"))
}

fn state(point: &RecoveryPoint) -> Finding {
    let word = point.state.word();
    let unusual = |why: &str| {
        let said = point.status_message.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
        let message = format!("the recovery point is {word}{said}: {why}");
        Finding::warning("POINT_STATE_UNUSUAL", message, "watch the job; restore another recovery point if it fails")
    };
    match point.state {
        RecoveryPointState::Completed | RecoveryPointState::Available => {
            Finding::info("POINT_RESTORABLE", format!("the recovery point is {word}"))
        }
        RecoveryPointState::Creating => Finding::error(
            "POINT_NOT_RESTORABLE",
            "the recovery point is CREATING: its backup is still running",
            "wait for the backup job",
        ),
        RecoveryPointState::Deleting => {
            Finding::error("POINT_NOT_RESTORABLE", "the recovery point is DELETING", "restore another recovery point")
        }
        RecoveryPointState::Partial => unusual("some of its parts are missing"),
        RecoveryPointState::Expired => unusual("its retention has passed and AWS could not delete it"),
        RecoveryPointState::Stopped => unusual("it is no longer continued, and restorable up to then at most"),
        RecoveryPointState::Unknown(_) => unusual("this version of Strongroom does not know the state"),
    }
}

/// Whether AWS Backup can restore with the role.
pub fn role(role: &RoleState) -> Vec<Finding> {
    let mut findings = role.findings_of_jobs(&ServedTypes::default(), true);
    if findings.is_empty() {
        let message = format!("role {} trusts AWS Backup and has the policy for restores", role.name);
        findings.push(Finding::info("ROLE_READY", message));
    }
    findings.into_iter().map(|finding| finding.at(format!("{FIELD}.role"))).collect()
}

/// Whether the name is free.
pub fn name(target: &RestoreTarget, taken: bool) -> Finding {
    let (noun, name) = (target.noun(), target.identifier());
    let finding = if taken {
        let message = format!("{noun} {name} exists already");
        Finding::error("NAME_TAKEN", message, format!("choose another {}", target.identifier_field()))
    } else {
        Finding::info("NAME_FREE", format!("no {noun} is named {name}"))
    };
    finding.at(format!("{FIELD}.{}", target.identifier_field()))
}

/// RDS did not tell whether the name is free.
pub fn name_not_checked(target: &RestoreTarget, why: impl Into<Unseen>) -> Finding {
    let unseen = why.into();
    let message =
        format!("RDS did not tell whether the identifier is free ({}): if it is taken, the job fails", unseen.why);
    let action = watch(&unseen, "rds:DescribeDBInstances and rds:DescribeDBClusters");
    Finding::warning("NAME_NOT_CHECKED", message, action).at(format!("{FIELD}.{}", target.identifier_field()))
}

impl ClassWish {
    /// What the metadata asks for; `None`: it asks for no class, as for clusters without instances.
    pub fn of(restore: &Restore, metadata: &RestoreMetadata) -> Option<Self> {
        let cluster = matches!(restore.target, RestoreTarget::Cluster(_));
        let text = |key| metadata.get(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let region = restore.recovery_point.scope().region;
        Some(Self {
            engine: text("Engine")?,
            version: text("EngineVersion"),
            class: text(if cluster { "DBClusterInstanceClass" } else { "DBInstanceClass" })?,
            storage_type: text("StorageType"),
            multi_az: metadata.is_true("MultiAZ"),
            // A zone of elsewhere is told as such, and says nothing about the class.
            zone: text("AvailabilityZone").filter(|zone| !cluster && region.is_none_or(|here| is_zone_of(zone, &here))),
            cluster,
        })
    }

    /// `postgres 16.3`.
    fn engine(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.engine),
            None => self.engine.clone(),
        }
    }

    /// Whether RDS makes such a database.
    pub fn judge(&self, offer: &Offer) -> Finding {
        let (class, engine) = (&self.class, self.engine());
        let (target, field) = match self.cluster {
            true => ("rds_cluster", "db_cluster_instance_class"),
            false => ("rds_instance", "db_instance_class"),
        };
        let path = format!("{FIELD}.{target}.{field}");
        let refuse = |why: String, choose: &str| {
            Finding::error("CLASS_NOT_ORDERABLE", why, format!("choose another {choose}")).at(&path)
        };
        let mut ways: Vec<&Orderable> = match offer {
            Offer::NothingForVersion => {
                let message = format!("RDS offers no class for {engine}: whether {class} can be had is not known");
                return Finding::warning("NOT_CHECKED", message, "watch the job").at(&path);
            }
            Offer::Ways(ways) => ways.iter().collect(),
        };
        if ways.is_empty() {
            return refuse(format!("RDS does not offer {class} for {engine} in this region"), field);
        }
        if self.cluster {
            ways.retain(|way| way.clusters);
            if ways.is_empty() {
                return refuse(format!("RDS does not offer {class} for Multi-AZ DB clusters of {engine}"), field);
            }
        }
        if let Some(storage) = &self.storage_type {
            ways.retain(|way| way.storage_type.is_empty() || way.storage_type == *storage);
            if ways.is_empty() {
                let why = format!("RDS does not offer {class} for {engine} with storage of type {storage}");
                return refuse(why, &format!("{field} or storage_type"));
            }
        }
        if self.multi_az {
            ways.retain(|way| way.multi_az);
            if ways.is_empty() {
                return refuse(
                    format!("RDS does not offer {class} for {engine} with a standby"),
                    &format!("{field} or multi_az"),
                );
            }
        }
        if let Some(zone) = &self.zone {
            ways.retain(|way| way.zones.is_empty() || way.zones.contains(zone));
            if ways.is_empty() {
                let why = format!("RDS does not offer {class} for {engine} in zone {zone}");
                return refuse(why, &format!("{field} or availability_zone"));
            }
        }
        Finding::info("CLASS_ORDERABLE", format!("RDS offers {class} for {engine}")).at(&path)
    }
}

/// Whether the time can be restored, and the window if it is certain. `backups` are those that RDS has under the
/// database's name.
pub fn time(restore: &Restore, backups: &[AutomatedBackup]) -> (Finding, Option<RestoreWindow>) {
    let (finding, window) = time_of(restore, backups);
    (finding.at(format!("{FIELD}.point_in_time")), window)
}

fn time_of(restore: &Restore, backups: &[AutomatedBackup]) -> (Finding, Option<RestoreWindow>) {
    let Some(own) = backups.iter().find(|backup| backup.is_of(restore.recovery_point.as_str())) else {
        let finding = if backups.is_empty() {
            Finding::error(
                "NOTHING_TO_RESTORE_FROM",
                "RDS has no automated backups of the database any more",
                "restore a snapshot",
            )
        } else {
            Finding::warning(
                "SOURCE_REPLACED",
                "the database of that name is not the one that the recovery point followed: the job may find nothing to \
                 restore from",
                "watch the job; restore a snapshot if it fails",
            )
        };
        return (finding, None);
    };
    let Some(window) = own.window else {
        let finding = Finding::error(
            "NOTHING_TO_RESTORE_FROM",
            "RDS has not finished the first automated backup of the database",
            "wait for it, or restore a snapshot",
        );
        return (finding, None);
    };
    let (earliest, latest) = (up(window.earliest), down(window.latest));
    let finding = match restore.point_in_time.unwrap_or(PointInTime::Latest) {
        PointInTime::Latest => Finding::info(
            "TIME_RESTORABLE",
            format!("restores to the latest restorable time, which is {latest} at the moment"),
        ),
        PointInTime::At(time) if (earliest..=latest).contains(&time) => {
            Finding::info("TIME_RESTORABLE", format!("restores to {time}"))
        }
        PointInTime::At(time) => Finding::error(
            "TIME_NOT_RESTORABLE",
            format!("{time} is outside the restorable window: {earliest} to {latest}"),
            "choose a time within it, or latest",
        ),
    };
    (finding, Some(RestoreWindow { earliest, latest }))
}

/// RDS restores to whole seconds, and tells its window more finely.
fn down(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn up(time: Timestamp) -> Timestamp {
    time.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil)).unwrap_or(time)
}

#[cfg(test)]
mod tests;
