//! Restores to a point in time: a new database out of the automated backups of another.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::params::Params;
use super::restore::{answer, form_of};
use super::{State, named, not_found, refused};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

/// Between which times a database can be restored; `None`: to none.
type Window = Option<(Timestamp, Timestamp)>;

/// What a continuous recovery point of AWS Backup says of the database that it follows.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'p> {
    /// ARN of the database. Another may have the name by now.
    pub source_arn: &'p str,
    /// ARN of the recovery point; the database's resource id is in it.
    pub recovery_point_arn: &'p str,
    /// Until when it followed the database; `None`: it does still.
    pub until: Option<Timestamp>,
}

impl Followed<'_> {
    /// Whether the database is that very one.
    fn is_of(&self, resource_id: &str, recovery_point: Option<&str>) -> bool {
        recovery_point == Some(self.recovery_point_arn)
            || self.recovery_point_arn.contains(&format!(":continuous:{}-", resource_id.to_lowercase()))
    }

    /// The window of the database, up to where the point followed it.
    fn cut(&self, window: Window) -> Window {
        let (earliest, latest) = window?;
        let latest = self.until.map_or(latest, |until| until.min(latest));
        (earliest <= latest).then_some((earliest, latest))
    }

    fn gone(&self) -> AwsError {
        let message = format!("The automated backups of {} are gone: it was deleted.", self.source_arn);
        not_found("DBInstanceAutomatedBackupNotFound", message)
    }
}

impl State {
    /// Restores a database to a point in time out of the backups that a continuous recovery point stands for, by a restore
    /// job's metadata: `UseLatestRestorableTime` or `RestoreTime`, and the new `DBInstanceIdentifier` or
    /// `DBClusterIdentifier`. Gives the ARN of the new instance, or of the new cluster, which has no instances.
    ///
    /// # Errors
    /// RDS's, in its words: the database is gone, the time is outside the restorable window, the identifier is missing or
    /// taken, a value is no good.
    pub fn restore_continuous(
        &mut self,
        tags: &mut Tags,
        followed: &Followed<'_>,
        metadata: &BTreeMap<String, String>,
        new_tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, AwsError> {
        let arn = followed.source_arn;
        let form = form_of(metadata);
        let (kind, id) = super::kind_and_id(arn).ok_or_else(|| followed.gone())?;
        if kind == "cluster" {
            let cluster = self.clusters.get(id);
            let cluster = cluster.filter(|it| followed.is_of(&it.resource_id, it.backup_recovery_point.as_deref()));
            let cluster = cluster.ok_or_else(|| followed.gone())?;
            check_time(&cluster.id, followed.cut(cluster.restore_window(now)), &form)?;
            let settings = cluster.settings.clone();
            return self.restore_cluster(tags, &settings, arn, metadata, new_tags, now);
        }
        let instance = self.instances.get(id);
        let instance = instance.filter(|it| followed.is_of(&it.resource_id, it.backup_recovery_point.as_deref()));
        let instance = instance.ok_or_else(|| followed.gone())?;
        check_time(&instance.id, followed.cut(instance.restore_window(now)), &form)?;
        let settings = instance.settings.clone();
        self.restore(tags, &form, "DBInstanceIdentifier", &settings, arn, Some(new_tags), now)
            .map(|instance| instance.arn.clone())
    }
}

/// The second that a restore to a point in time asks for must be restorable.
fn check_time(id: &str, window: Window, form: &Form) -> Result<(), AwsError> {
    let Some((earliest, latest)) = window else {
        let message = format!("Automated backups are not enabled for {id}, or none exists yet.");
        return Err(refused("PointInTimeRestoreNotEnabled", message));
    };
    let use_latest = form.get("UseLatestRestorableTime") == Some("true");
    match (use_latest, form.get("RestoreTime").filter(|text| !text.is_empty())) {
        (true, None) => Ok(()),
        (true, Some(_)) => Err(refused(
            "InvalidParameterCombination",
            "RestoreTime and UseLatestRestorableTime can't both be specified.",
        )),
        (false, None) => Err(refused(
            "InvalidParameterCombination",
            "Either RestoreTime or UseLatestRestorableTime must be specified.",
        )),
        (false, Some(text)) => match text.parse::<Timestamp>() {
            Ok(at) if (earliest..=latest).contains(&at) => Ok(()),
            Ok(at) => {
                let message = format!(
                    "The specified database {id} cannot be restored to {at}: it can be restored to a time between {} and {}.",
                    super::time(earliest),
                    super::time(latest)
                );
                Err(refused("InvalidRestoreFault", message))
            }
            Err(_) => {
                let message = format!("Invalid RestoreTime {text}: it must be an ISO-8601 time with its zone.");
                Err(refused("InvalidParameterValue", message))
            }
        },
    }
}

pub(super) fn to_point_in_time(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    params.new_identifier("TargetDBInstanceIdentifier", 63);
    let source = params.text("SourceDBInstanceIdentifier").map(named);
    let resource = params.text("SourceDbiResourceId");
    if source.is_none() && resource.is_none() {
        params.required("SourceDBInstanceIdentifier");
    }
    params.flag("UseLatestRestorableTime");
    params.done()?;
    let rds = &call.region(world).rds;
    let found = match (source, resource) {
        (Some(id), _) => rds.the_instance(&id)?,
        (None, resource) => {
            let resource = resource.unwrap_or_default();
            let found = rds.instances.values().find(|it| it.resource_id == resource);
            found.ok_or_else(|| super::no_such_instance(resource))?
        }
    };
    check_time(&found.id, found.restore_window(call.now), form)?;
    let settings = found.settings.clone();
    answer(world, call, form, "TargetDBInstanceIdentifier", &settings, None)
}
