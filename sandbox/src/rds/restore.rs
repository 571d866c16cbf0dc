//! Restores: a new database out of a snapshot; to a point in time in [`super::point_in_time`].
//!
//! RDS's own restore actions and AWS Backup's restore jobs take the same parameters by the same names; a job's
//! metadata is read as if it were the form of the action (docs/aws-backup-semantics.md, section 10).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::instance::New;
use super::params::Params;
use super::settings::Settings;
use super::snapshot::usable;
use super::{Instance, Snapshot, State, named, network, orderable, place, place_of};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::{Tags, World};

/// Members of RestoreDBInstanceFromDBSnapshot and RestoreDBInstanceToPointInTime `[M]`, beside those that are read here:
/// accepted, without a consequence in the sandbox.
const WITHOUT_CONSEQUENCE: &[&str] = &[
    "BackupTarget",
    "CustomIamInstanceProfile",
    "DedicatedLogVolume",
    "Domain",
    "DomainAuthSecretArn",
    "DomainDnsIps",
    "DomainFqdn",
    "DomainIAMRoleName",
    "DomainOu",
    "EnableCustomerOwnedIp",
    "EngineLifecycleSupport",
    "ManageMasterUserPassword",
    "MasterUserSecretKmsKeyId",
    "NetworkType",
    "ProcessorFeatures",
    "TdeCredentialArn",
    "TdeCredentialPassword",
    "UseDefaultProcessorFeatures",
    "Tags",
    "Timezone",
    "CharacterSetName",
];

/// Members that are read.
const READ: &[&str] = &[
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "AvailabilityZone",
    "BackupRetentionPeriod",
    "CACertificateIdentifier",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DBInstanceIdentifier",
    "DBName",
    "DBParameterGroupName",
    "DBSnapshotIdentifier",
    "DBSubnetGroupName",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "EnableIAMDatabaseAuthentication",
    "Engine",
    "Iops",
    "LicenseModel",
    "MaxAllocatedStorage",
    "MultiAZ",
    "OptionGroupName",
    "Port",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "PubliclyAccessible",
    "StorageThroughput",
    "StorageType",
    "VpcSecurityGroupIds",
];

/// Keys that AWS Backup's own metadata carries and a restore ignores `[D]`.
const INFORMATION: &[&str] = &["EngineVersion", "KmsKeyId", "Encrypted", "vpcId", "StorageEncrypted"];

/// Keys of a restore of a cluster, beside the common ones.
const CLUSTER: &[&str] = &[
    "DBClusterIdentifier",
    "DBClusterInstanceClass",
    "DBClusterParameterGroupName",
    "DatabaseName",
    "EngineMode",
    "AvailabilityZones",
    "BacktrackWindow",
    "ScalingConfiguration",
    "ServerlessV2ScalingConfiguration",
    "SnapshotIdentifier",
];

/// Keys of a restore to a point in time.
const POINT_IN_TIME: &[&str] = &["UseLatestRestorableTime", "RestoreTime"];

/// What is wrong with the keys of a restore job's metadata for this kind of source: names that no restore has, values
/// that can't be read. Empty: nothing.
#[must_use]
pub fn metadata_faults(metadata: &BTreeMap<String, String>) -> Vec<String> {
    let lists = [WITHOUT_CONSEQUENCE, READ, INFORMATION, CLUSTER, POINT_IN_TIME];
    let mut faults = Vec::new();
    for (key, value) in metadata {
        if !lists.iter().any(|list| list.contains(&key.as_str())) && !key.starts_with("aws:backup:") {
            faults.push(format!("{key} is not a restore parameter of RDS"));
        }
        if is_list(key) && !value.is_empty() && serde_json::from_str::<Vec<String>>(value).is_err() {
            faults.push(format!("{key} must be a JSON list of strings, such as [\"sg-1\"], not {value}"));
        }
    }
    faults
}

fn is_list(key: &str) -> bool {
    ["VpcSecurityGroupIds", "EnableCloudwatchLogsExports", "AvailabilityZones", "DomainDnsIps"].contains(&key)
}

/// The metadata as the form of the RDS action would be: lists are JSON there and numbered here; information is left out.
pub(super) fn form_of(metadata: &BTreeMap<String, String>) -> Form {
    let mut pairs = Vec::new();
    for (key, value) in metadata.iter().filter(|(key, _)| !INFORMATION.contains(&key.as_str())) {
        if is_list(key) {
            let values: Vec<String> = serde_json::from_str(value).unwrap_or_default();
            pairs.extend((1..).zip(values).map(|(n, value)| (format!("{key}.member.{n}"), value)));
        } else {
            pairs.push((key.clone(), value.clone()));
        }
    }
    Form::of_pairs(pairs)
}

impl State {
    /// Restores an instance from a snapshot of AWS Backup by a restore job's metadata, with these tags on it. Gives the
    /// new instance's ARN; the instance is `creating` for [`super::CHANGE`].
    ///
    /// # Errors
    /// RDS's, in its words: the identifier is missing or taken, a value is no good, the snapshot is gone.
    pub fn restore_from_backup(
        &mut self,
        tags: &mut Tags,
        snapshot_arn: &str,
        metadata: &BTreeMap<String, String>,
        new_tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<String, AwsError> {
        let snapshot = self.snapshot_by_arn(snapshot_arn).cloned();
        let snapshot = snapshot.ok_or_else(|| super::snapshot::no_such(snapshot_arn))?;
        let form = form_of(metadata);
        self.restore(tags, &form, "DBInstanceIdentifier", &snapshot.settings, snapshot_arn, Some(new_tags), now)
            .map(|instance| instance.arn.clone())
    }

    #[expect(clippy::too_many_arguments, reason = "one private meeting point of four restores")]
    pub(super) fn restore(
        &mut self,
        tags: &mut Tags,
        form: &Form,
        identifier: &str,
        from: &Settings,
        place_arn: &str,
        new_tags: Option<BTreeMap<String, String>>,
        now: Timestamp,
    ) -> Result<&mut Instance, AwsError> {
        let place = place_of(place_arn);
        let mut params = Params::of(form);
        let id = params.new_identifier(identifier, 63);
        let mut settings = from.clone();
        settings.deletion_protection = false;
        settings.apply(&mut params, &place);
        settings.check_zones(&mut params, &place);
        self.check_groups(&mut params, &settings);
        let asked_tags = params.tags();
        if let Some(engine) = params.text("Engine").filter(|engine| *engine != from.engine) {
            let message = format!("The engine of the backup is {}; it can't be restored as {engine}.", from.engine);
            params.fault(message);
        }
        if settings.allocated_storage < from.allocated_storage {
            params.fault(format!(
                "AllocatedStorage must be at least that of the backup, {} GiB; storage can't be made smaller.",
                from.allocated_storage
            ));
        }
        if !orderable::offered(&settings.engine, &settings.class) {
            params.combination(orderable::refusal(&settings));
        }
        params.done()?;
        let new = New { id, settings, cluster: None, tags: new_tags.unwrap_or(asked_tags), age: SignedDuration::ZERO };
        self.add_instance(tags, &place, new, now)
    }
}

pub(super) fn from_snapshot(world: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    params.new_identifier("DBInstanceIdentifier", 63);
    let snapshot = named(params.required("DBSnapshotIdentifier"));
    params.done()?;
    let region = call.region(world);
    let snapshot = usable(&region.rds, &snapshot, call)?;
    let copied = snapshot.settings.copy_tags_to_snapshot && !form.has_list("Tags");
    let tags = copied.then(|| region.tags.0.get(&snapshot.arn).cloned().unwrap_or_default());
    answer(world, call, form, "DBInstanceIdentifier", &snapshot.settings, tags)
}

pub(super) fn answer(
    world: &mut World,
    call: &Call,
    form: &Form,
    identifier: &str,
    from: &Settings,
    tags: Option<BTreeMap<String, String>>,
) -> Result<Xml, AwsError> {
    let region = call.region(world);
    let here = place(call).arn("db", "");
    let id = region.rds.restore(&mut region.tags, form, identifier, from, &here, tags, call.now)?.id.clone();
    let instance = region.rds.the_instance(&id)?;
    Ok(Xml::new().inside("DBInstance", &instance.shape(&region.tags, call.now)))
}

impl Snapshot {
    /// What GetRecoveryPointRestoreMetadata says of a snapshot `[I]`: everything a restore can set, as it was.
    #[must_use]
    pub fn restore_metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = self.settings.restore_metadata(&self.instance, &self.arn);
        metadata.insert("DBSnapshotIdentifier".to_owned(), self.id.clone());
        metadata
    }
}

impl Instance {
    /// The same for a continuous recovery point.
    #[must_use]
    pub fn restore_metadata(&self) -> BTreeMap<String, String> {
        self.settings.restore_metadata(&self.id, &self.arn)
    }
}

impl Settings {
    fn restore_metadata(&self, id: &str, arn: &str) -> BTreeMap<String, String> {
        let list = |values: &[String]| serde_json::Value::from(values).to_string();
        let mut metadata: BTreeMap<String, String> = [
            ("DBInstanceIdentifier", id.to_owned()),
            ("DBInstanceClass", self.class.clone()),
            ("DBSubnetGroupName", self.subnet_group.clone()),
            ("AvailabilityZone", self.availability_zone.clone()),
            ("MultiAZ", self.multi_az.to_string()),
            ("PubliclyAccessible", self.publicly_accessible.to_string()),
            ("AutoMinorVersionUpgrade", self.auto_minor_version_upgrade.to_string()),
            ("Engine", self.engine.clone()),
            ("EngineVersion", self.engine_version.clone()),
            ("LicenseModel", self.license_model.clone()),
            ("Port", self.port.to_string()),
            ("StorageType", self.storage_type.clone()),
            ("AllocatedStorage", self.allocated_storage.to_string()),
            ("OptionGroupName", self.option_group.clone()),
            ("DBParameterGroupName", self.parameter_group.clone()),
            ("VpcSecurityGroupIds", list(&self.security_groups)),
            ("CopyTagsToSnapshot", self.copy_tags_to_snapshot.to_string()),
            ("DeletionProtection", self.deletion_protection.to_string()),
            ("EnableIAMDatabaseAuthentication", self.iam_authentication.to_string()),
            ("EnableCloudwatchLogsExports", list(&self.log_exports)),
            ("Encrypted", self.encrypted.to_string()),
            ("vpcId", network::vpc(&place_of(arn))),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let optional = [
            ("DBName", self.db_name.clone()),
            ("KmsKeyId", self.kms_key.clone()),
            ("Iops", self.iops.map(|n| n.to_string())),
            ("StorageThroughput", self.storage_throughput.map(|n| n.to_string())),
        ];
        metadata.extend(optional.into_iter().filter_map(|(key, value)| value.map(|value| (key.to_owned(), value))));
        metadata
    }
}
