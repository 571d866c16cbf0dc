use proptest::prelude::*;

use super::*;

const SNAPSHOT: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
const CLUSTER: &str = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:awsbackup:job-1";
const CONTINUOUS: &str = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-abc-01234567";
const CONTINUOUS_CLUSTER: &str = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:cluster-abc-01234567";

fn own(pairs: &[(&str, &str)]) -> RestoreMetadata {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn named(identifier: &str) -> RdsInstanceRestore {
    RdsInstanceRestore { identifier: identifier.into(), ..RdsInstanceRestore::default() }
}

fn restore(recovery_point: &str, target: RestoreTarget) -> Restore {
    Restore {
        recovery_point: Arn::parse(recovery_point).unwrap(),
        vault: VaultName::parse("prod").unwrap(),
        role: RoleRef::parse("R").unwrap().0,
        target,
        point_in_time: None,
        copy_source_tags: false,
    }
}

fn source(resource_type: &str, metadata: RestoreMetadata) -> RestoreSource {
    RestoreSource { resource_type: ResourceType::told(resource_type).unwrap(), metadata }
}

impl RdsInstanceRestore {
    /// Over the metadata of a snapshot.
    fn over(&self, own: &RestoreMetadata) -> Result<RestoreMetadata, Invalid> {
        restore(SNAPSHOT, RestoreTarget::Instance(self.clone())).over(&source("RDS", own.clone()))
    }
}

fn faults(instance: &RdsInstanceRestore) -> Vec<String> {
    let mut faults = Faults::default();
    instance.check(&mut faults);
    fields(faults.conclude(|| Ok(())))
}

fn fields<T>(checked: Result<T, Invalid>) -> Vec<String> {
    let told = checked.err().map(|invalid| invalid.violations).unwrap_or_default();
    told.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn what_is_left_out_comes_from_the_recovery_point() {
    let own = own(&[
        ("DBInstanceIdentifier", "orders"),
        ("DBInstanceClass", "db.t3.micro"),
        ("DBSnapshotIdentifier", "awsbackup:job-1"),
        ("VpcSecurityGroupIds", "[\"sg-1\"]"),
        ("Port", "5432"),
    ]);
    let restore = RdsInstanceRestore {
        port: Some(6000),
        security_groups: vec!["sg-2".into(), "sg-3".into()],
        deletion_protection: Some(true),
        ..named("orders-2")
    };
    let merged = restore.over(&own).unwrap();
    let told: Vec<_> = merged.values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("DBInstanceClass", "db.t3.micro"),
            ("DBInstanceIdentifier", "orders-2"),
            ("DeletionProtection", "true"),
            ("Port", "6000"),
            ("VpcSecurityGroupIds", "[\"sg-2\",\"sg-3\"]"),
        ]
    );
}

#[test]
fn multi_az_and_a_zone_are_never_sent_together() {
    let multi = own(&[("MultiAZ", "true"), ("AvailabilityZone", "us-east-1a")]);
    let single = own(&[("MultiAZ", "false"), ("AvailabilityZone", "us-east-1a")]);
    let zone = |merged: &RestoreMetadata| merged.values.get("AvailabilityZone").cloned();

    let merged = named("a").over(&multi).unwrap();
    assert_eq!((merged.values["MultiAZ"].as_str(), zone(&merged)), ("true", None));
    let merged = RdsInstanceRestore { multi_az: Some(true), ..named("a") }.over(&single).unwrap();
    assert_eq!((merged.values["MultiAZ"].as_str(), zone(&merged)), ("true", None));
    let merged = RdsInstanceRestore { multi_az: Some(false), ..named("a") }.over(&multi).unwrap();
    assert_eq!((merged.values["MultiAZ"].as_str(), zone(&merged)), ("false", Some("us-east-1a".into())));

    let merged =
        RdsInstanceRestore { availability_zone: Some("us-east-1b".into()), ..named("a") }.over(&multi).unwrap();
    assert_eq!((merged.values["MultiAZ"].as_str(), zone(&merged)), ("false", Some("us-east-1b".into())));
    let zone = RdsInstanceRestore { availability_zone: Some("us-east-1b".into()), ..named("a") };
    let warned = |own: &RestoreMetadata| {
        restore(SNAPSHOT, RestoreTarget::Instance(zone.clone())).findings(&source("RDS", own.clone()))
    };
    let told = warned(&multi).remove(0);
    assert_eq!((told.code, told.field.as_str()), ("SINGLE_AZ", "restore.rds_instance.availability_zone"));
    assert!(warned(&single).is_empty());
}

#[test]
fn provisioned_io_goes_with_the_storage_it_was_chosen_for() {
    let io1 = own(&[("StorageType", "io1"), ("Iops", "3000")]);
    let storage = |text: &str| RdsInstanceRestore { storage_type: Some(text.into()), ..named("a") };
    assert_eq!(storage("gp2").over(&io1).unwrap().values.get("Iops"), None);
    assert_eq!(storage("io2").over(&io1).unwrap().values["Iops"], "3000");
    assert_eq!(named("a").over(&io1).unwrap().values["Iops"], "3000");

    let gp2 = own(&[("StorageType", "gp2")]);
    let fault = storage("io1").over(&gp2).unwrap_err();
    assert_eq!(fault.violations[0].field, "restore.rds_instance.iops");
    let fault = RdsInstanceRestore { iops: Some(3000), ..named("a") }.over(&gp2).unwrap_err();
    assert!(fault.violations[0].description.contains("cannot be provisioned for storage of type gp2"));
}

#[test]
fn every_faulty_field_is_told() {
    let bad = RdsInstanceRestore {
        identifier: "1-".into(),
        class: Some("t3".into()),
        subnet_group: Some("a/b".into()),
        security_groups: vec!["sg-01234567".into(), "group".into(), "sg-x".into(), "sg-01234567".into()],
        availability_zone: Some("us-east-1a".into()),
        port: Some(80),
        multi_az: Some(true),
        storage_type: Some("gp2".into()),
        iops: Some(3000),
        parameter_group: Some(String::new()),
        option_group: Some("ä".into()),
        ..RdsInstanceRestore::default()
    };
    let fields = [
        "db_instance_identifier",
        "db_instance_class",
        "db_subnet_group_name",
        "db_parameter_group_name",
        "option_group_name",
        "vpc_security_group_ids[1]",
        "vpc_security_group_ids[2]",
        "vpc_security_group_ids[3]",
        "port",
        "iops",
        "availability_zone",
    ]
    .map(|field| format!("rds_instance.{field}"));
    assert_eq!(faults(&bad), fields);
    assert_eq!(faults(&RdsInstanceRestore { iops: Some(-1), ..named("a") }), ["rds_instance.iops"]);
    assert_eq!(
        faults(&RdsInstanceRestore { storage_type: Some("ssd".into()), ..named("a") }),
        ["rds_instance.storage_type"]
    );
}

#[test]
fn an_identifier_keeps_the_rule_of_rds() {
    for good in ["a", "orders-2", "Orders"] {
        assert!(faults(&named(good)).is_empty(), "{good}");
    }
    let long = "a".repeat(64);
    for bad in ["", "1a", "a--b", "a-", "a_b", "-a", long.as_str()] {
        assert_eq!(faults(&named(bad)), ["rds_instance.db_instance_identifier"], "{bad}");
    }
}

#[test]
fn databases_are_restored_and_nothing_else() {
    let point = Arn::parse(SNAPSHOT).unwrap();
    let reason = |resource_type| source(resource_type, RestoreMetadata::default()).reason_unsupported(&point);
    for resource_type in ["RDS", "Aurora", "Neptune", "DocumentDB"] {
        assert_eq!(reason(resource_type), None);
    }
    assert!(reason("EBS").unwrap().contains("is of type EBS"));
}

#[test]
fn a_target_must_be_what_the_recovery_point_is_of() {
    let instance = RestoreTarget::Instance(named("a"));
    let cluster = RestoreTarget::Cluster(RdsClusterRestore { identifier: "a".into(), ..Default::default() });
    for (point, resource_type, is_cluster) in [
        (SNAPSHOT, "RDS", false),
        (CONTINUOUS, "RDS", false),
        (CLUSTER, "RDS", true),
        (CLUSTER, "Aurora", true),
        (CONTINUOUS_CLUSTER, "Aurora", true),
    ] {
        let source = source(resource_type, RestoreMetadata::default());
        let told = fields(restore(point, instance.clone()).over(&source));
        assert_eq!(told, if is_cluster { vec!["restore.rds_instance"] } else { vec![] }, "{point}");
        let told = fields(restore(point, cluster.clone()).over(&source));
        assert_eq!(told, if is_cluster { vec![] } else { vec!["restore.rds_cluster"] }, "{point}");
    }
}

#[test]
fn only_a_continuous_point_has_a_time() {
    let at = |point, point_in_time| {
        let restore = Restore { point_in_time, ..restore(point, RestoreTarget::Instance(named("a"))) };
        restore.over(&source("RDS", own(&[("Engine", "postgres")])))
    };
    let second = PointInTime::At(Timestamp::from_second(1_700_000_000).unwrap());
    assert_eq!(fields(at(SNAPSHOT, Some(second))), ["restore.point_in_time"]);
    assert_eq!(at(SNAPSHOT, None).unwrap().get("UseLatestRestorableTime"), None);
    for latest in [None, Some(PointInTime::Latest)] {
        let merged = at(CONTINUOUS, latest).unwrap();
        assert_eq!((merged.get("UseLatestRestorableTime"), merged.get("RestoreTime")), (Some("true"), None));
    }
    let merged = at(CONTINUOUS, Some(second)).unwrap();
    let told = (merged.get("UseLatestRestorableTime"), merged.get("RestoreTime"));
    assert_eq!(told, (Some("false"), Some("2023-11-14T22:13:20Z")));
}

#[test]
fn a_cluster_takes_over_and_overrides_its_own_metadata() {
    let own = own(&[
        ("dbClusterIdentifier", "ledger"),
        ("engine", "aurora-postgresql"),
        ("AvailabilityZones", "[\"us-east-1a\"]"),
        ("DBClusterSnapshotIdentifier", "awsbackup:job-1"),
    ]);
    let cluster = RdsClusterRestore {
        identifier: "ledger-2".into(),
        availability_zones: vec!["us-east-1b".into(), "us-east-1c".into()],
        deletion_protection: Some(true),
        ..Default::default()
    };
    let aurora = source("Aurora", own);
    let restore = restore(CLUSTER, RestoreTarget::Cluster(cluster.clone()));
    let merged = restore.over(&aurora).unwrap();
    let told: Vec<_> = merged.values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("AvailabilityZones", "[\"us-east-1b\",\"us-east-1c\"]"),
            ("DeletionProtection", "true"),
            ("dbClusterIdentifier", "ledger-2"),
            ("engine", "aurora-postgresql"),
        ]
    );
    assert_eq!(restore.findings(&aurora)[0].code, "CLUSTER_WITHOUT_INSTANCES");
    let multi_az = source("RDS", RestoreMetadata::default());
    assert!(restore.findings(&multi_az).is_empty(), "a Multi-AZ DB cluster comes with its instances");

    let stored = |text: &str| RdsClusterRestore { storage_type: Some(text.into()), ..cluster.clone() };
    for (of, good, bad) in [
        ("Aurora", ["aurora", "aurora-iopt1"], ["gp3", "iopt1"]),
        ("RDS", ["io1", "gp3"], ["aurora", "standard"]),
        ("Neptune", ["standard", "iopt1"], ["aurora-iopt1", "io2"]),
        ("DocumentDB", ["standard", "iopt1"], ["aurora", "gp3"]),
    ] {
        let source = source(of, RestoreMetadata::default());
        let over = |text| Restore { target: RestoreTarget::Cluster(stored(text)), ..restore.clone() }.over(&source);
        for text in good {
            assert_eq!(over(text).unwrap().get("StorageType"), Some(text), "{of}");
        }
        for text in bad {
            assert_eq!(fields(over(text)), ["restore.rds_cluster.storage_type"], "{text} of {of}");
        }
    }
    let mut told = Faults::default();
    let zones = vec!["us-east-1b".into(), "us-east-1b".into()];
    RdsClusterRestore { availability_zones: zones, ..stored("gp9") }.check(&mut told);
    assert_eq!(fields(told.conclude(|| Ok(()))), ["rds_cluster.storage_type", "rds_cluster.availability_zones[1]"]);

    let classy = RdsClusterRestore { class: Some("db.r6gd.large".into()), iops: Some(3000), ..cluster };
    let classy = Restore { target: RestoreTarget::Cluster(classy), ..restore };
    let told = ["restore.rds_cluster.db_cluster_instance_class", "restore.rds_cluster.iops"];
    assert_eq!(fields(classy.over(&aurora)), told);
    assert_eq!(classy.over(&multi_az).unwrap().get("DBClusterInstanceClass"), Some("db.r6gd.large"));
}

proptest! {
    #[test]
    fn any_text_is_checked_and_merged_without_panic(text in "\\PC{0,80}", key in "[A-Za-z]{1,20}") {
        let restore = RdsInstanceRestore {
            class: Some(text.clone()),
            storage_type: Some(text.clone()),
            security_groups: vec![text.clone()],
            ..named(&text)
        };
        let _ = faults(&restore);
        if let Ok(merged) = restore.over(&[(key, text)].into_iter().collect()) {
            prop_assert!(!merged.values.contains_key("DBSnapshotIdentifier"));
            let groups: Vec<String> = serde_json::from_str(&merged.values["VpcSecurityGroupIds"]).unwrap();
            prop_assert_eq!(restore.over(&merged), Ok(merged), "laid over its own result, it changes nothing");
            prop_assert_eq!(groups, restore.security_groups);
        }
    }
}
