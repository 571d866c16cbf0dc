//! What an instance is set to: given at creation, changed later, kept in its snapshots, given back by restores.

use super::params::Params;
use super::window::{BackupWindow, MaintenanceWindow};
use crate::partition;

/// The settings of an instance.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "RDS has them, and they are independent")]
pub struct Settings {
    /// `db.t3.micro` …
    pub class: String,
    /// `postgres` …
    pub engine: String,
    /// `16.3` …
    pub engine_version: String,
    /// In GiB.
    pub allocated_storage: u32,
    /// `gp2` …
    pub storage_type: String,
    pub(super) iops: Option<u32>,
    pub(super) storage_throughput: Option<u32>,
    pub(super) max_allocated_storage: Option<u32>,
    /// Of the database endpoint.
    pub port: u32,
    /// `us-east-1a` …
    pub availability_zone: String,
    /// Has a standby.
    pub multi_az: bool,
    pub(super) publicly_accessible: bool,
    pub(super) auto_minor_version_upgrade: bool,
    pub(super) license_model: String,
    pub(super) db_name: Option<String>,
    pub(super) master_username: String,
    pub(super) option_group: String,
    pub(super) parameter_group: String,
    /// Of a cluster.
    pub(super) cluster_parameter_group: String,
    pub(super) security_groups: Vec<String>,
    pub(super) subnet_group: String,
    /// Whether snapshots by RDS take the tags along.
    pub copy_tags_to_snapshot: bool,
    pub(super) deletion_protection: bool,
    pub(super) iam_authentication: bool,
    pub(super) log_exports: Vec<String>,
    /// Whether storage is encrypted; stays so through snapshot and restore.
    pub encrypted: bool,
    /// The key, when encrypted.
    pub kms_key: Option<String>,
    pub(super) ca_certificate: String,
    /// Days that RDS keeps its own backups; 0 makes none.
    pub backup_retention: u32,
    /// When RDS makes its own backups.
    pub backup_window: BackupWindow,
    /// When RDS works on the instance.
    pub maintenance_window: MaintenanceWindow,
}

/// Defaults of an engine.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    port: u32,
    license: &'static str,
}

/// Engines the sandbox offers, in the order of their names.
pub(super) const ENGINES: &[Engine] = &[
    Engine { name: "aurora-mysql", version: "8.0.mysql_aurora.3.08.0", port: 3306, license: "general-public-license" },
    Engine { name: "aurora-postgresql", version: "16.4", port: 5432, license: "postgresql-license" },
    Engine { name: "docdb", version: "5.0.0", port: 27017, license: "na" },
    Engine { name: "mariadb", version: "11.4.4", port: 3306, license: "general-public-license" },
    Engine { name: "mysql", version: "8.0.40", port: 3306, license: "general-public-license" },
    Engine { name: "neptune", version: "1.3.2.1", port: 8182, license: "amazon-license" },
    Engine {
        name: "oracle-ee",
        version: "19.0.0.0.ru-2024-10.rur-2024-10.r1",
        port: 1521,
        license: "bring-your-own-license",
    },
    Engine {
        name: "oracle-se2",
        version: "19.0.0.0.ru-2024-10.rur-2024-10.r1",
        port: 1521,
        license: "license-included",
    },
    Engine { name: "postgres", version: "16.3", port: 5432, license: "postgresql-license" },
    Engine { name: "sqlserver-ex", version: "16.00.4165.4.v1", port: 1433, license: "license-included" },
    Engine { name: "sqlserver-se", version: "16.00.4165.4.v1", port: 1433, license: "license-included" },
];

/// Where an instance stands, for what AWS fills in.
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

impl Place<'_> {
    pub(super) fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:{}:rds:{}:{}:{kind}:{id}", partition::of(self.region), self.region, self.account)
    }
}

/// Version, port and licence that RDS chooses for an engine; `None` for an engine it does not have.
pub(super) fn engine_defaults(engine: &str) -> Option<(&'static str, u32, &'static str)> {
    ENGINES.iter().find(|known| known.name == engine).map(|known| (known.version, known.port, known.license))
}

/// Names of the engines, for messages.
pub(super) fn engine_names() -> String {
    ENGINES.iter().map(|engine| engine.name).collect::<Vec<_>>().join(", ")
}

/// `postgres` and `16.3` → `postgres16`; `mysql` and `8.0.40` → `mysql8.0`: the family of parameter groups.
pub(super) fn family(engine: &str, version: &str) -> String {
    format!("{engine}{}", major(engine, version))
}

/// What counts as a major version differs: PostgreSQL's first number, the others' first two.
pub(super) fn major(engine: &str, version: &str) -> String {
    let parts = if engine.ends_with("postgres") || engine.ends_with("postgresql") { 1 } else { 2 };
    version.split('.').take(parts).collect::<Vec<_>>().join(".")
}

impl Settings {
    /// What RDS fills in for an engine. `identifier` decides the windows, which RDS chooses at random `[M]`: here the
    /// same for the same name, so that runs repeat.
    pub(crate) fn of_engine(place: &Place<'_>, engine: &str, version: Option<&str>, identifier: &str) -> Option<Self> {
        let (default_version, port, license) = engine_defaults(engine)?;
        let version = version.unwrap_or(default_version);
        let (backup_window, maintenance_window) = windows_of(identifier);
        Some(Self {
            class: String::new(),
            engine: engine.to_owned(),
            engine_version: version.to_owned(),
            allocated_storage: if engine.starts_with("aurora") { 1 } else { 20 },
            storage_type: if engine.starts_with("aurora") { "aurora" } else { "gp2" }.to_owned(),
            iops: None,
            storage_throughput: None,
            max_allocated_storage: None,
            port,
            availability_zone: format!("{}a", place.region),
            multi_az: false,
            publicly_accessible: false,
            auto_minor_version_upgrade: true,
            license_model: license.to_owned(),
            db_name: None,
            master_username: "admin".to_owned(),
            option_group: format!("default:{engine}-{}", major(engine, version).replace('.', "-")),
            parameter_group: format!("default.{}", family(engine, version)),
            cluster_parameter_group: format!("default.{}", family(engine, version)),
            security_groups: vec![super::network::default_security_group(place)],
            subnet_group: super::network::DEFAULT_SUBNET_GROUP.to_owned(),
            copy_tags_to_snapshot: false,
            deletion_protection: false,
            iam_authentication: false,
            log_exports: Vec::new(),
            encrypted: false,
            kms_key: None,
            ca_certificate: "rds-ca-rsa2048-g1".to_owned(),
            backup_retention: 1,
            backup_window,
            maintenance_window,
        })
    }

    /// Lays what a caller gave over the settings. Faults are noted in `params`.
    pub(super) fn apply(&mut self, params: &mut Params<'_>, place: &Place<'_>) {
        params.set_text("DBInstanceClass", &mut self.class);
        params.set_text("StorageType", &mut self.storage_type);
        params.set_text("AvailabilityZone", &mut self.availability_zone);
        params.set_text("LicenseModel", &mut self.license_model);
        params.set_text("OptionGroupName", &mut self.option_group);
        params.set_text("DBParameterGroupName", &mut self.parameter_group);
        params.set_text("DBClusterParameterGroupName", &mut self.cluster_parameter_group);
        params.set_text("CACertificateIdentifier", &mut self.ca_certificate);
        params.set_text("EngineVersion", &mut self.engine_version);
        params.set_number("AllocatedStorage", 1..=65_536, &mut self.allocated_storage);
        params.set_number("Port", 1150..=65_535, &mut self.port);
        params.set_number("DBPortNumber", 1150..=65_535, &mut self.port);
        params.set_number("BackupRetentionPeriod", 0..=35, &mut self.backup_retention);
        for (name, value) in [
            ("Iops", &mut self.iops),
            ("StorageThroughput", &mut self.storage_throughput),
            ("MaxAllocatedStorage", &mut self.max_allocated_storage),
        ] {
            if let Some(number) = params.number(name, 0..=256_000) {
                *value = Some(number).filter(|number| *number > 0);
            }
        }
        params.set_flag("MultiAZ", &mut self.multi_az);
        params.set_flag("PubliclyAccessible", &mut self.publicly_accessible);
        params.set_flag("AutoMinorVersionUpgrade", &mut self.auto_minor_version_upgrade);
        params.set_flag("CopyTagsToSnapshot", &mut self.copy_tags_to_snapshot);
        params.set_flag("DeletionProtection", &mut self.deletion_protection);
        params.set_flag("EnableIAMDatabaseAuthentication", &mut self.iam_authentication);
        params.set_list("VpcSecurityGroupIds", &mut self.security_groups);
        params.set_list("EnableCloudwatchLogsExports", &mut self.log_exports);
        if let Some(name) = params.text("DBName") {
            self.db_name = Some(name.to_owned());
        }
        if let Some(name) = params.text("DBSubnetGroupName") {
            if super::network::is_subnet_group(name) {
                self.subnet_group = name.to_owned();
            } else {
                params.not_found("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."));
            }
        }
        self.apply_windows(params);
        if params.flag("StorageEncrypted") == Some(true) {
            self.encrypt(place);
            if let Some(key) = params.text("KmsKeyId") {
                self.kms_key = Some(key.to_owned());
            }
        }
    }

    /// Notes zones that are not of the region of a database to be restored.
    pub(super) fn check_zones(&self, params: &mut Params<'_>, place: &Place<'_>) {
        let mut zones = Vec::new();
        params.set_list("AvailabilityZones", &mut zones);
        zones.extend(params.text("AvailabilityZone").map(str::to_owned));
        for zone in zones.iter().filter(|zone| !zone.starts_with(place.region)) {
            params.fault(format!("Invalid Availability Zone: {zone} is not one of {}.", place.region));
        }
    }

    /// Takes over what an instance can be set to only by a restart.
    pub(super) fn take_restarting(&mut self, from: &Self) {
        if self.storage_type != from.storage_type {
            self.storage_type.clone_from(&from.storage_type);
            (self.iops, self.storage_throughput) = (from.iops, from.storage_throughput);
        }
        self.class.clone_from(&from.class);
        self.engine_version.clone_from(&from.engine_version);
        self.allocated_storage = from.allocated_storage;
        self.multi_az = from.multi_az;
        self.port = from.port;
        // Switching automated backups on or off, not how long they are kept.
        if (self.backup_retention == 0) != (from.backup_retention == 0) {
            self.backup_retention = from.backup_retention;
        }
    }

    /// Encrypts the storage with the AWS managed key.
    pub(crate) fn encrypt(&mut self, place: &Place<'_>) {
        self.encrypted = true;
        self.kms_key = Some(super::network::default_kms_key(place));
    }

    fn apply_windows(&mut self, params: &mut Params<'_>) {
        if let Some(text) = params.text("PreferredBackupWindow") {
            match BackupWindow::parse(text) {
                Some(window) => self.backup_window = window,
                None => params.fault(format!("Invalid backup window format: {text}. Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC), at least 30 minutes. Example: 03:00-03:30")),
            }
        }
        if let Some(text) = params.text("PreferredMaintenanceWindow") {
            match MaintenanceWindow::parse(text) {
                Some(window) => self.maintenance_window = window,
                None => params.fault(format!("Invalid maintenance window format: {text}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC), at least 30 minutes. Example: sun:23:00-mon:01:30")),
            }
        }
        if self.backup_window.overlaps(&self.maintenance_window) {
            params.fault("The backup window and maintenance window must not overlap.".to_owned());
        }
    }
}

/// A backup window between 08:00 and 12:00 UTC and a maintenance window on a Wednesday to Friday evening, so that
/// they never meet.
pub(super) fn windows_of(identifier: &str) -> (BackupWindow, MaintenanceWindow) {
    let hash = identifier.bytes().fold(7_i64, |hash, byte| (hash * 31 + i64::from(byte)) % 1_000_003);
    let backup = BackupWindow::half_hour_at(8 * 60 + hash % 210);
    let maintenance = MaintenanceWindow::half_hour_at((2 + hash % 3) * 24 * 60 + 19 * 60 + hash % 180);
    (backup, maintenance)
}
