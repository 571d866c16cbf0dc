//! Which classes RDS makes databases of, with which storage. A choice like RDS's, not its list: present families and
//! sizes, small and large.

use super::params::{Params, listed};
use super::settings::{Settings, engine_defaults};
use super::{place, refused};
use crate::call::{AwsError, Call};
use crate::query::{Form, Xml};
use crate::world::World;

/// A family of classes and its sizes.
struct Family {
    name: &'static str,
    sizes: &'static [&'static str],
    /// AWS's own processors, which Oracle and SQL Server do not run on.
    graviton: bool,
    /// Whether Multi-AZ DB clusters can be made of it.
    clusters: bool,
}

const SMALL: &[&str] = &["micro", "small", "medium", "large", "xlarge", "2xlarge"];
const LARGE: &[&str] = &["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"];

const fn family(name: &'static str, sizes: &'static [&'static str], graviton: bool, clusters: bool) -> Family {
    Family { name, sizes, graviton, clusters }
}

const FAMILIES: &[Family] = &[
    family("m5", LARGE, false, false),
    family("m5d", LARGE, false, true),
    family("m6g", LARGE, true, false),
    family("m6gd", LARGE, true, true),
    family("m6i", LARGE, false, false),
    family("m7g", LARGE, true, false),
    family("r5", LARGE, false, false),
    family("r5d", LARGE, false, true),
    family("r6g", LARGE, true, false),
    family("r6gd", LARGE, true, true),
    family("r6i", LARGE, false, false),
    family("r7g", LARGE, true, false),
    family("t3", SMALL, false, false),
    family("t4g", SMALL, true, false),
];

/// What storage an engine stands on.
fn storage_of(engine: &str) -> &'static [&'static str] {
    match engine {
        _ if engine.starts_with("aurora") => &["aurora", "aurora-iopt1"],
        "neptune" | "docdb" => &["iopt1", "standard"],
        _ => &["gp2", "gp3", "io1", "io2", "standard"],
    }
}

fn takes_graviton(engine: &str) -> bool {
    !engine.starts_with("oracle") && !engine.starts_with("sqlserver")
}

fn makes_clusters(engine: &str) -> bool {
    matches!(engine, "mysql" | "postgres")
}

/// Whether a database of the engine can be made of the class. Clusters without instances have none.
pub(super) fn offered(engine: &str, class: &str) -> bool {
    class.is_empty() || classes(engine).any(|(_, offered)| offered == class)
}

/// RDS's words for a class that it does not offer.
pub(super) fn refusal(settings: &Settings) -> AwsError {
    let message = format!(
        "RDS does not support creating a DB instance with the following combination: DBInstanceClass={}, Engine={}, \
         EngineVersion={}, LicenseModel={}. For supported combinations of instance class and database engine version, see \
         the documentation.",
        settings.class, settings.engine, settings.engine_version, settings.license_model
    );
    refused("InvalidParameterCombination", message)
}

fn classes(engine: &str) -> impl Iterator<Item = (&'static Family, String)> {
    let families = FAMILIES.iter().filter(move |family| !family.graviton || takes_graviton(engine));
    families.flat_map(|family| family.sizes.iter().map(move |size| (family, format!("db.{}.{size}", family.name))))
}

/// A class with one type of storage.
struct Way {
    family: &'static Family,
    class: String,
    storage: &'static str,
    /// In the order of the listing.
    key: String,
}

/// DescribeOrderableDBInstanceOptions.
pub(super) fn describe(_: &mut World, call: &Call, form: &Form) -> Result<Xml, AwsError> {
    let mut params = Params::of(form);
    let engine = params.required("Engine");
    let version = params.text("EngineVersion");
    let class = params.text("DBInstanceClass");
    let license = params.text("LicenseModel");
    params.flag("Vpc");
    let paging = params.paging();
    params.done()?;
    let Some((default_version, _, its_license)) = engine_defaults(engine) else {
        return Err(refused("InvalidParameterValue", format!("Invalid DB engine: {engine}")));
    };
    // The sandbox makes databases of any version, so it offers classes for any.
    let version = version.unwrap_or(default_version);
    if !version.starts_with(|first: char| first.is_ascii_digit()) {
        let message = format!("Cannot find version {version} for {engine}");
        return Err(refused("InvalidParameterCombination", message));
    }
    let mut ways: Vec<Way> = classes(engine)
        .filter(|(_, offered)| class.is_none_or(|class| class == offered))
        .filter(|_| license.is_none_or(|license| license == its_license))
        .flat_map(|(family, class)| {
            storage_of(engine).iter().map(move |storage| Way {
                family,
                key: format!("{class} {storage}"),
                class: class.clone(),
                storage,
            })
        })
        .collect();
    ways.sort_by(|one, other| one.key.cmp(&other.key));
    let page = paging.take(ways, |way| way.key.as_str())?;
    let place = place(call);
    Ok(listed("OrderableDBInstanceOptions", "OrderableDBInstanceOption", &page, |way| {
        let zones = ["a", "b", "c"].map(|zone| Xml::new().text("Name", format!("{}{zone}", place.region)));
        let provisioned = matches!(way.storage, "io1" | "io2" | "gp3");
        let aurora = engine.starts_with("aurora");
        Xml::new()
            .text("Engine", engine)
            .text("EngineVersion", version)
            .text("DBInstanceClass", &way.class)
            .text("LicenseModel", its_license)
            .list("AvailabilityZones", "AvailabilityZone", zones)
            .value("MultiAZCapable", !aurora && engine != "sqlserver-ex")
            .value("ReadReplicaCapable", true)
            .value("Vpc", true)
            .value("SupportsStorageEncryption", true)
            .text("StorageType", way.storage)
            .value("SupportsIops", provisioned)
            .value("SupportsStorageThroughput", way.storage == "gp3")
            .value("SupportsEnhancedMonitoring", true)
            .value("SupportsIAMDatabaseAuthentication", true)
            .value("SupportsPerformanceInsights", true)
            .list("AvailableProcessorFeatures", "AvailableProcessorFeature", [])
            .strings("SupportedEngineModes", "member", ["provisioned"])
            .value("SupportsStorageAutoscaling", !aurora)
            .value("SupportsKerberosAuthentication", true)
            .value("OutpostCapable", false)
            .value("SupportsGlobalDatabases", aurora)
            .strings("SupportedNetworkTypes", "member", ["IPV4"])
            .value("SupportsClusters", makes_clusters(engine) && way.family.clusters)
    }))
}
