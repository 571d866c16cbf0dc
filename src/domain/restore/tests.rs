use proptest::prelude::*;

use super::*;

fn own(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn named(identifier: &str) -> RdsInstanceRestore {
    RdsInstanceRestore { identifier: identifier.into(), ..RdsInstanceRestore::default() }
}

fn faults(instance: &RdsInstanceRestore) -> Vec<String> {
    let mut faults = Faults::default();
    instance.check("rds_instance", &mut faults);
    match faults.conclude(|| Ok(())) {
        Ok(()) => Vec::new(),
        Err(invalid) => invalid.violations.into_iter().map(|violation| violation.field).collect(),
    }
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
    assert!(merged.warnings.is_empty());
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
    assert_eq!(merged.warnings[0].code, "SINGLE_AZ");
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
    assert_eq!(fault.violations[0].field, "rds_instance.iops");
    let fault = RdsInstanceRestore { iops: Some(3000), ..named("a") }.over(&gp2).unwrap_err();
    assert!(fault.violations[0].description.contains("cannot be provisioned for storage of type gp2"));
}

#[test]
fn every_faulty_field_is_told() {
    let bad = RdsInstanceRestore {
        identifier: "1-".into(),
        class: Some("t3".into()),
        subnet_group: Some("a/b".into()),
        security_groups: vec!["sg-1".into(), "group".into()],
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
fn only_snapshots_of_instances_are_restored() {
    let reason = |resource_type: &str, arn: &str| {
        let source = RestoreSource { resource_type: resource_type.into(), metadata: BTreeMap::new() };
        source.reason_unsupported(&Arn::parse(arn).unwrap())
    };
    assert_eq!(reason("RDS", "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1"), None);
    for (resource_type, arn, why) in [
        ("EBS", "arn:aws:ec2:us-east-1::snapshot/snap-1", "is of type EBS"),
        ("Aurora", "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:awsbackup:job-1", "is of type Aurora"),
        ("RDS", "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:awsbackup:job-1", "is of a cluster"),
        ("RDS", "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-1-2", "is continuous"),
    ] {
        let told = reason(resource_type, arn).unwrap();
        assert!(told.contains(why), "{told}");
    }
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
        if let Ok(merged) = restore.over(&BTreeMap::from([(key, text)])) {
            prop_assert!(!merged.values.contains_key("DBSnapshotIdentifier"));
            let groups: Vec<String> = serde_json::from_str(&merged.values["VpcSecurityGroupIds"]).unwrap();
            prop_assert_eq!(groups, restore.security_groups);
        }
    }
}
