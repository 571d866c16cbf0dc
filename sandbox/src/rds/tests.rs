use super::*;
use crate::call::Call;
use crate::query::Form;
use crate::start_world;
use crate::world::World;

mod restorable;

const PREFIX: &str = "arn:aws:rds:us-east-1:123456789012";

fn at(second: i64) -> Call {
    Call::at(Timestamp::from_second(1_700_000_000 + second).expect("a time"))
}

fn world() -> World {
    let mut world = World::default();
    let call = at(0);
    start_world::build(&mut world, &call.account, &call.region, call.now);
    world
}

/// Lets time pass to the call, then does it.
fn call(world: &mut World, call: &Call, action: &str, params: &[(&str, &str)]) -> Result<String, AwsError> {
    let form = Form::of_pairs(params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let (_, handler) = ACTIONS.iter().find(|(name, _)| *name == action).expect("a served action");
    let region = call.region(world);
    region.rds.advance(&mut region.tags, call.now);
    handler(world, call, &form).map(|xml| xml.as_str().to_owned())
}

fn code(result: Result<String, AwsError>) -> (u16, String) {
    let error = result.expect_err("an error");
    (error.status, error.code.into_owned())
}

fn between<'t>(text: &'t str, element: &str) -> Vec<&'t str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

const NEW: [(&str, &str); 5] = [
    ("DBInstanceIdentifier", "New-DB"),
    ("DBInstanceClass", "db.t3.micro"),
    ("Engine", "postgres"),
    ("MasterUserPassword", "correct horse"),
    ("Tags.Tag.1.Key", "Environment"),
];

#[test]
fn an_instance_is_created_becomes_available_and_goes_with_its_tags() {
    let mut world = world();
    let created = call(&mut world, &at(0), "CreateDBInstance", &NEW).expect("created");
    assert_eq!(between(&created, "DBInstanceStatus"), ["creating"]);
    let id = [("DBInstanceIdentifier", "new-db")];
    let described = call(&mut world, &at(60), "DescribeDBInstances", &id).expect("described");
    assert_eq!(between(&described, "DBInstanceStatus"), ["available"]);
    assert_eq!(between(&described, "Key"), ["Environment"]);
    let missing = call(&mut world, &at(61), "DeleteDBInstance", &id);
    assert_eq!(
        code(missing),
        (400, "InvalidParameterCombination".to_owned()),
        "a final snapshot must be named or skipped"
    );
    let delete = [("DBInstanceIdentifier", "new-db"), ("SkipFinalSnapshot", "true")];
    let deleted = call(&mut world, &at(62), "DeleteDBInstance", &delete).expect("deleted");
    assert_eq!(between(&deleted, "DBInstanceStatus"), ["deleting"]);
    assert_eq!(code(call(&mut world, &at(120), "DescribeDBInstances", &id)), (404, "DBInstanceNotFound".to_owned()));
    assert!(!at(0).region(&mut world).tags.0.contains_key(&format!("{PREFIX}:db:new-db")));
}

#[test]
fn faults_of_a_new_instance_are_told_at_once() {
    let mut world = world();
    let params = [
        ("DBInstanceIdentifier", "1x"),
        ("DBInstanceClass", "big"),
        ("Engine", "oracle"),
        ("BackupRetentionPeriod", "40"),
    ];
    let error = call(&mut world, &at(0), "CreateDBInstance", &params).expect_err("faulty");
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidParameterValue"));
    for part in ["DBInstanceIdentifier", "class: big", "engine: oracle", "BackupRetentionPeriod", "MasterUserPassword"]
    {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert_eq!(code(call(&mut world, &at(0), "CreateDBInstance", &[])), (400, "MissingParameter".to_owned()));
    let mut twice = NEW;
    twice[0].1 = "rdspg-orders";
    assert_eq!(code(call(&mut world, &at(0), "CreateDBInstance", &twice)), (400, "DBInstanceAlreadyExists".to_owned()));
}

#[test]
fn instances_are_found_by_name_arn_and_filter() {
    let mut world = world();
    let arn = format!("{PREFIX}:db:rdspg-orders");
    let by_arn = call(&mut world, &at(0), "DescribeDBInstances", &[("DBInstanceIdentifier", &arn)]).expect("found");
    assert_eq!(between(&by_arn, "DBInstanceIdentifier"), ["rdspg-orders"]);
    let resource = between(&by_arn, "DbiResourceId")[0].to_owned();
    let filter = |name: &'static str, value: &str| {
        [("Filters.Filter.1.Name", name.to_owned()), ("Filters.Filter.1.Values.Value.1", value.to_owned())]
    };
    let mut by_filter = |name, value: &str| {
        let pairs = filter(name, value);
        let params: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        call(&mut world, &at(0), "DescribeDBInstances", &params)
    };
    assert_eq!(
        between(&by_filter("dbi-resource-id", &resource).expect("found"), "DBInstanceIdentifier"),
        ["rdspg-orders"]
    );
    assert_eq!(
        between(&by_filter("dbi-resource-id", "db-NONE").expect("an empty list"), "DBInstanceIdentifier"),
        [""; 0]
    );
    assert_eq!(
        between(&by_filter("db-cluster-id", "aurora-billing").expect("found"), "DBInstanceIdentifier"),
        ["aurora-billing-1"]
    );
    assert_eq!(between(&by_filter("engine", "db2-se").expect("an empty list"), "DBInstanceIdentifier"), [""; 0]);
    for (name, value) in [("colour", "red"), ("engine", "postgress"), ("engine", "Postgres")] {
        assert_eq!(code(by_filter(name, value)), (400, "InvalidParameterValue".to_owned()), "{name} {value}");
    }
}

#[test]
fn ten_thousand_instances_are_paged() {
    let mut world = World::default();
    let setup = at(0);
    let place = Place { account: &setup.account, region: &setup.region };
    let region = setup.region(&mut world);
    for n in 0..10_000 {
        let id = format!("db-{n:05}");
        let settings = Settings::of_engine(&place, "postgres", None, &id).expect("an engine");
        let new =
            NewInstance { id, settings, cluster: None, tags: BTreeMap::new(), age: SignedDuration::from_hours(1) };
        region.rds.add_instance(&mut region.tags, &place, new, setup.now).expect("room");
    }
    let mut marker = String::new();
    let mut seen = 0;
    loop {
        let params: Vec<(&str, &str)> =
            Some(("Marker", marker.as_str())).filter(|(_, it)| !it.is_empty()).into_iter().collect();
        let page = call(&mut world, &at(1), "DescribeDBInstances", &params).expect("a page");
        seen += between(&page, "DBInstanceIdentifier").len();
        match between(&page, "Marker").first() {
            Some(next) => marker = (*next).to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, 10_000);
}

#[test]
fn a_backup_snapshot_is_made_shown_and_kept_from_deletion() {
    let mut world = world();
    let source = format!("{PREFIX}:db:rdspg-orders");
    let (start, end) = (at(0).now, at(100).now);
    let region = at(0).region(&mut world);
    let tags = BTreeMap::from([("Team".to_owned(), "orders".to_owned())]);
    let arn = region.rds.begin_backup(&mut region.tags, &source, "AB-1", &tags, start, end).expect("begun");
    assert_eq!(arn, format!("{PREFIX}:snapshot:awsbackup:job-ab-1"));
    let kind = [("SnapshotType", "awsbackup")];
    let shown = call(&mut world, &at(40), "DescribeDBSnapshots", &kind).expect("shown");
    assert_eq!((between(&shown, "Status"), between(&shown, "PercentProgress")), (vec!["creating"], vec!["40"]));
    at(0).region(&mut world).rds.finish_backup(&arn);
    let shown = call(&mut world, &at(100), "DescribeDBSnapshots", &[("DBSnapshotIdentifier", "awsbackup:job-ab-1")])
        .expect("shown");
    assert_eq!((between(&shown, "Status"), between(&shown, "PercentProgress")), (vec!["available"], vec!["100"]));
    assert_eq!(between(&shown, "Key"), ["Team"]);
    let deleted = call(&mut world, &at(101), "DeleteDBSnapshot", &[("DBSnapshotIdentifier", "awsbackup:job-ab-1")]);
    assert_eq!(code(deleted), (400, "InvalidDBSnapshotState".to_owned()));
    let region = at(0).region(&mut world);
    assert!(region.rds.delete_backup(&mut region.tags, &arn) && !region.rds.delete_backup(&mut region.tags, &arn));
    assert!(!region.tags.0.contains_key(&arn));
}

#[test]
fn a_restore_takes_the_backups_own_metadata_with_a_new_name() {
    let mut world = world();
    let source = format!("{PREFIX}:db:rdspg-orders");
    let region = at(0).region(&mut world);
    let arn =
        region.rds.begin_backup(&mut region.tags, &source, "j", &BTreeMap::new(), at(0).now, at(9).now).expect("begun");
    region.rds.finish_backup(&arn);
    let mut metadata = region.rds.snapshot_by_arn(&arn).expect("it is there").restore_metadata();
    assert_eq!(restore::metadata_faults(&metadata), Vec::<String>::new());
    let taken = region.rds.restore_from_backup(&mut region.tags, &arn, &metadata, BTreeMap::new(), at(10).now);
    assert_eq!(taken.expect_err("the name is taken").code, "DBInstanceAlreadyExists");
    metadata.insert("DBInstanceIdentifier".to_owned(), "Restored".to_owned());
    metadata.insert("DBInstanceClass".to_owned(), "db.t3.small".to_owned());
    metadata.insert("Port".to_owned(), "1".to_owned());
    let bad = region.rds.restore_from_backup(&mut region.tags, &arn, &metadata, BTreeMap::new(), at(10).now);
    assert!(bad.expect_err("no such port").message.contains("Port"));
    metadata.insert("Port".to_owned(), "6000".to_owned());
    let tags = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let restored =
        region.rds.restore_from_backup(&mut region.tags, &arn, &metadata, tags, at(10).now).expect("restored");
    assert_eq!(restored, format!("{PREFIX}:db:restored"));
    assert_eq!(region.tags.0[&restored]["a"], "b");
    let instance = region.rds.instance("restored").expect("it is there");
    assert_eq!((instance.settings.class.as_str(), instance.settings.port), ("db.t3.small", 6000));
    assert!(instance.settings.encrypted, "what was encrypted stays so");
    assert_eq!(restore::metadata_faults(&BTreeMap::from([("Colour".to_owned(), "red".to_owned())])).len(), 1);
}

#[test]
fn continuous_backups_restore_to_a_second_of_their_window() {
    let mut world = world();
    let source = format!("{PREFIX}:db:rdspg-orders");
    let point = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:x";
    let region = at(0).region(&mut world);
    assert!(region.rds.take_over_continuous(&source, point, 14));
    let params = [("DBInstanceIdentifier", "rdspg-orders"), ("BackupRetentionPeriod", "3")];
    assert_eq!(
        code(call(&mut world, &at(0), "ModifyDBInstance", &params)),
        (400, "InvalidParameterCombination".to_owned())
    );
    let mut restore = |id: &str, key: &str, value: String| {
        let metadata = BTreeMap::from([("DBInstanceIdentifier".to_owned(), id.to_owned()), (key.to_owned(), value)]);
        let region = at(0).region(&mut world);
        let followed = point_in_time::Followed { source_arn: &source, recovery_point_arn: point, until: None };
        region.rds.restore_continuous(&mut region.tags, &followed, &metadata, BTreeMap::new(), at(0).now)
    };
    restore("latest", "UseLatestRestorableTime", "true".to_owned()).expect("restored");
    restore("earlier", "RestoreTime", at(-3600).now.to_string()).expect("restored");
    assert_eq!(
        restore("later", "RestoreTime", at(0).now.to_string()).expect_err("too late").code,
        "InvalidRestoreFault"
    );
    assert_eq!(restore("when", "DBName", "x".to_owned()).expect_err("no time").code, "InvalidParameterCombination");
    let region = at(0).region(&mut world);
    region.rds.release_continuous(&source, "another point");
    assert!(region.rds.instance("rdspg-orders").is_some_and(|it| it.backup_recovery_point.is_some()));
    region.rds.release_continuous(&source, point);
    assert!(region.rds.instance("rdspg-orders").is_some_and(|it| it.backup_recovery_point.is_none()));
}

#[test]
fn automated_snapshots_follow_from_the_retention() {
    let mut world = world();
    let params = [("DBInstanceIdentifier", "rdspg-orders"), ("SnapshotType", "automated")];
    let shown = call(&mut world, &at(0), "DescribeDBSnapshots", &params).expect("shown");
    let ids = between(&shown, "DBSnapshotIdentifier");
    assert_eq!(ids.len(), 7);
    let one = ids[6].to_owned();
    assert!(one.starts_with("rds:rdspg-orders-20"), "{one}");
    let restore = [("DBInstanceIdentifier", "again"), ("DBSnapshotIdentifier", one.as_str())];
    call(&mut world, &at(1), "RestoreDBInstanceFromDBSnapshot", &restore).expect("restored");
    let deleted = call(&mut world, &at(1), "DeleteDBSnapshot", &[("DBSnapshotIdentifier", &one)]);
    assert_eq!(code(deleted), (400, "InvalidDBSnapshotState".to_owned()));
}

#[test]
fn tags_are_one_store_and_have_a_limit() {
    let mut world = world();
    let arn = format!("{PREFIX}:db:rdspg-fcj-labs");
    let tag = [("ResourceName", arn.as_str()), ("Tags.Tag.1.Key", "a"), ("Tags.Tag.1.Value", "<b>")];
    call(&mut world, &at(0), "AddTagsToResource", &tag[..2]).expect("a tag without value");
    assert_eq!(code(call(&mut world, &at(0), "AddTagsToResource", &tag)), (400, "InvalidParameterValue".to_owned()));
    assert_eq!(at(0).region(&mut world).tags.0[&arn]["a"], "");
    call(&mut world, &at(0), "RemoveTagsFromResource", &[("ResourceName", &arn), ("TagKeys.member.1", "a")])
        .expect("removed");
    assert!(at(0).region(&mut world).tags.0[&arn].is_empty(), "formerly tagged stays known");
    let many: Vec<(String, String)> = (1..=51).map(|n| (format!("Tags.Tag.{n}.Key"), format!("k{n}"))).collect();
    let mut params: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    params.push(("ResourceName", &arn));
    assert_eq!(code(call(&mut world, &at(0), "AddTagsToResource", &params)), (400, "InvalidParameterValue".to_owned()));
    let missing = format!("{PREFIX}:db:nope");
    assert_eq!(
        code(call(&mut world, &at(0), "ListTagsForResource", &[("ResourceName", &missing)])),
        (404, "DBInstanceNotFound".to_owned())
    );
}

#[test]
fn a_stopped_instance_starts_and_a_running_one_stops() {
    let mut world = world();
    let id = [("DBInstanceIdentifier", "rdspg-paused")];
    assert_eq!(code(call(&mut world, &at(0), "StopDBInstance", &id)), (400, "InvalidDBInstanceState".to_owned()));
    assert_eq!(
        code(call(&mut world, &at(0), "CreateDBSnapshot", &[("DBSnapshotIdentifier", "s"), id[0]])),
        (400, "InvalidDBInstanceState".to_owned())
    );
    call(&mut world, &at(0), "StartDBInstance", &id).expect("starting");
    let shown = call(&mut world, &at(10), "DescribeDBInstances", &id).expect("shown");
    assert_eq!(between(&shown, "DBInstanceStatus"), ["available"]);
    call(&mut world, &at(10), "StopDBInstance", &id).expect("stopping");
    let shown = call(&mut world, &at(20), "DescribeDBInstances", &id).expect("shown");
    assert_eq!(between(&shown, "DBInstanceStatus"), ["stopped"]);
}

#[test]
fn a_cluster_goes_after_its_instances() {
    let mut world = world();
    let id = [("DBClusterIdentifier", "aurora-billing"), ("SkipFinalSnapshot", "true")];
    assert_eq!(code(call(&mut world, &at(0), "DeleteDBCluster", &id)), (400, "InvalidDBClusterStateFault".to_owned()));
    call(&mut world, &at(0), "DeleteDBInstance", &[("DBInstanceIdentifier", "aurora-billing-1")]).expect("deleting");
    call(&mut world, &at(0), "DeleteDBCluster", &id).expect("deleting");
    assert_eq!(
        code(call(&mut world, &at(60), "DescribeDBClusters", &id[..1])),
        (404, "DBClusterNotFoundFault".to_owned())
    );
}

#[test]
fn what_needs_a_restart_waits_for_the_maintenance_window() {
    let mut world = world();
    let later = [("DBInstanceIdentifier", "rdspg-orders"), ("DBInstanceClass", "db.m6g.xlarge")];
    let answer = call(&mut world, &at(0), "ModifyDBInstance", &later).expect("accepted");
    assert_eq!(between(&answer, "DBInstanceStatus"), ["available"]);
    assert_eq!(between(&answer, "PendingModifiedValues"), ["<DBInstanceClass>db.m6g.xlarge</DBInstanceClass>"]);
    let id = [("DBInstanceIdentifier", "rdspg-orders")];
    let week = call(&mut world, &at(7 * 86_400), "DescribeDBInstances", &id).expect("shown");
    assert_eq!(
        (between(&week, "DBInstanceClass"), between(&week, "PendingModifiedValues")),
        (vec!["db.m6g.xlarge"], vec![""])
    );
    let now = [id[0], ("DBInstanceClass", "db.m6g.large"), ("ApplyImmediately", "true")];
    let answer = call(&mut world, &at(7 * 86_400), "ModifyDBInstance", &now).expect("accepted");
    assert_eq!(between(&answer, "DBInstanceStatus"), ["modifying"]);
    let done = call(&mut world, &at(7 * 86_400 + 10), "DescribeDBInstances", &id).expect("shown");
    assert_eq!(
        (between(&done, "DBInstanceStatus"), between(&done, "DBInstanceClass")),
        (vec!["available"], vec!["db.m6g.large"])
    );
}

#[test]
fn what_takes_effect_at_once_does_not_wait_with_what_needs_a_restart() {
    let mut world = world();
    let id = ("DBInstanceIdentifier", "rdspg-orders");
    let pending = "<DBInstanceClass>db.m6g.xlarge</DBInstanceClass>";
    let mut modify = |second: i64, params: &[(&str, &str)]| {
        let answer = call(&mut world, &at(second), "ModifyDBInstance", &[&[id], params].concat()).expect("accepted");
        let shown = call(&mut world, &at(second + 10), "DescribeDBInstances", &[id]).expect("shown");
        (between(&answer, "PendingModifiedValues").concat(), shown)
    };
    // Together with what waits, and after it.
    let both = [("DBInstanceClass", "db.m6g.xlarge"), ("CopyTagsToSnapshot", "true")];
    let (waiting, shown) = modify(0, &both);
    assert_eq!((waiting.as_str(), between(&shown, "CopyTagsToSnapshot")), (pending, vec!["true"]));
    assert_eq!(between(&shown, "DBInstanceStatus"), ["available"]);
    let (waiting, shown) = modify(60, &[("DeletionProtection", "true"), ("BackupRetentionPeriod", "9")]);
    assert_eq!((waiting.as_str(), between(&shown, "PendingModifiedValues")), (pending, vec![pending]));
    assert_eq!(between(&shown, "DeletionProtection"), ["true"]);
    assert_eq!(between(&shown, "BackupRetentionPeriod"), ["9"]);
    assert_ne!(between(&shown, "DBInstanceClass"), ["db.m6g.xlarge"]);
    let week = call(&mut world, &at(7 * 86_400), "DescribeDBInstances", &[id]).expect("shown");
    for (element, value) in [
        ("DBInstanceClass", "db.m6g.xlarge"),
        ("PendingModifiedValues", ""),
        ("CopyTagsToSnapshot", "true"),
        ("DeletionProtection", "true"),
        ("BackupRetentionPeriod", "9"),
    ] {
        assert_eq!(between(&week, element), [value], "{element}");
    }
}

#[test]
fn windows_must_be_windows_and_keep_apart() {
    let mut world = world();
    let modify = |world: &mut World, backup: &str, maintenance: &str| {
        let params = [
            ("DBInstanceIdentifier", "rdspg-orders"),
            ("PreferredBackupWindow", backup),
            ("PreferredMaintenanceWindow", maintenance),
        ];
        call(world, &at(0), "ModifyDBInstance", &params)
    };
    let error = modify(&mut world, "03:00-03:10", "someday").expect_err("no windows");
    assert!(error.message.contains("03:00-03:10") && error.message.contains("someday"), "{}", error.message);
    let error = modify(&mut world, "03:00-03:30", "mon:03:10-mon:03:40").expect_err("they meet");
    assert!(error.message.contains("must not overlap"), "{}", error.message);
    let answer = modify(&mut world, "03:00-03:30", "mon:04:10-mon:04:40").expect("accepted");
    assert_eq!(between(&answer, "PreferredBackupWindow"), ["03:00-03:30"], "no restart, no waiting");
}

#[test]
fn snapshots_of_all_kinds_page_in_one_order() {
    let mut world = world();
    let params = [("DBSnapshotIdentifier", "a-manual-one"), ("DBInstanceIdentifier", "rdspg-orders")];
    call(&mut world, &at(0), "CreateDBSnapshot", &params).expect("created");
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let mut params = vec![("MaxRecords", "20")];
        params.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = call(&mut world, &at(1), "DescribeDBSnapshots", &params).expect("a page");
        seen.extend(between(&page, "DBSnapshotIdentifier").into_iter().map(str::to_owned));
        marker = between(&page, "Marker").first().map(|marker| (*marker).to_owned());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 1 + 5 * 7, "seven days of five instances: {seen:?}");
    assert!(seen.is_sorted() && seen[0] == "a-manual-one");
}
