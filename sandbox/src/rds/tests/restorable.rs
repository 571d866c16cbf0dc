use super::*;

#[test]
fn every_way_to_order_a_class_is_paged_once() {
    let mut world = world();
    let mut seen = Vec::new();
    let mut marker = String::new();
    loop {
        let params = [("Engine", "postgres"), ("MaxRecords", "50"), ("Marker", &marker)];
        let page = call(&mut world, &at(0), "DescribeOrderableDBInstanceOptions", &params).expect("a page");
        let (classes, storage) = (between(&page, "DBInstanceClass"), between(&page, "StorageType"));
        assert!(classes.len() <= 50 && classes.len() == storage.len());
        seen.extend(classes.iter().zip(&storage).map(|(class, storage)| format!("{class} {storage}")));
        match between(&page, "Marker").first() {
            Some(next) => marker = (*next).to_owned(),
            None => break,
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert!(all == seen.len() && all > 300, "{all} ways, {} of them different", seen.len());
    assert!(seen.contains(&"db.t3.micro gp2".to_owned()));
}

#[test]
fn a_class_is_offered_by_engine() {
    let mut world = world();
    let mut ways = |engine: &str, class: &str| {
        let params = [("Engine", engine), ("DBInstanceClass", class), ("EngineVersion", "16.3")];
        let page = call(&mut world, &at(0), "DescribeOrderableDBInstanceOptions", &params).expect("a page");
        between(&page, "StorageType").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ways("postgres", "db.m6g.large"), ["gp2", "gp3", "io1", "io2", "standard"]);
    assert_eq!(ways("aurora-postgresql", "db.r6g.large"), ["aurora", "aurora-iopt1"]);
    assert!(ways("oracle-ee", "db.m6g.large").is_empty(), "Oracle does not run on Graviton");
    assert!(ways("postgres", "db.m1.small").is_empty());
    let none = call(&mut world, &at(0), "DescribeOrderableDBInstanceOptions", &[("Engine", "paradox")]);
    assert_eq!(code(none), (400, "InvalidParameterValue".to_owned()));
    let missing = call(&mut world, &at(0), "DescribeOrderableDBInstanceOptions", &[]);
    assert_eq!(code(missing), (400, "MissingParameter".to_owned()));
}

#[test]
fn the_automated_backup_of_a_cluster_has_its_window_and_its_point() {
    let mut world = world();
    let name = [("DBClusterIdentifier", "aurora-billing")];
    let point = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:cluster-x-01234567";
    let source = format!("{PREFIX}:cluster:aurora-billing");
    assert!(at(0).region(&mut world).rds.take_over_continuous(&source, point, 14));
    let told = |world: &mut World, second: i64| {
        let shown = call(world, &at(second), "DescribeDBClusterAutomatedBackups", &name).expect("shown");
        assert_eq!(between(&shown, "AwsBackupRecoveryPointArn"), [point]);
        (between(&shown, "EarliestTime")[0].to_owned(), between(&shown, "LatestTime")[0].to_owned())
    };
    let cluster = call(&mut world, &at(0), "DescribeDBClusters", &name).expect("shown");
    let window = told(&mut world, 0);
    assert_eq!(
        window,
        (
            between(&cluster, "EarliestRestorableTime")[0].to_owned(),
            between(&cluster, "LatestRestorableTime")[0].to_owned()
        )
    );
    assert_eq!(window, (time(at(-14 * 24 * 3600).now).to_string(), time(at(-300).now).to_string()));
    assert_eq!(told(&mut world, 3600).1, time(at(3300).now).to_string(), "it moves with the clock");
    let missing = [("DBClusterIdentifier", "nobody")];
    let refused = code(call(&mut world, &at(0), "DescribeDBClusterAutomatedBackups", &missing));
    assert_eq!(refused, (404, "DBClusterAutomatedBackupNotFoundFault".to_owned()));
}
