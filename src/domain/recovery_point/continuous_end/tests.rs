use super::*;
use crate::domain::{AccountId, JobOrigin, PlanOrigin, RegionName, Scope};

fn point(arn: &str, resource: &str) -> RecoveryPoint {
    let scope = Scope { account: AccountId::example(), region: RegionName::example() };
    let made = PlanOrigin { plan_name: "p".into(), rule_name: "r".into(), ..PlanOrigin::default() };
    RecoveryPoint {
        resource_arn: (!resource.is_empty()).then(|| resource.to_owned()),
        created_by: Some(JobOrigin::Plan(made)),
        ..RecoveryPoint::blank(format!("arn:aws:backup:us-east-1:123456789012:recovery-point:{arn}"), scope)
    }
}

fn ending(point: RecoveryPoint, database: DatabaseNow) -> EndingPoint {
    EndingPoint { point, database, rule: RuleNow::Continues { vault: "v".into() } }
}

#[test]
fn each_kind_of_resource_goes_on_in_its_own_way_and_is_told_once() {
    let rds = |id: &str| format!("arn:aws:rds:us-east-1:123456789012:{id}");
    let points = [
        point("continuous:db-A-1", &rds("db:orders")),
        point("continuous:db-B-1", &rds("db:ledger")),
        point("continuous:cluster-C-1", ""),
        point("continuous:bucket-1", "arn:aws:s3:::bucket"),
    ];
    let points = points.map(|point| ending(point, DatabaseNow::There));
    let told = |end| after(&points, end).into_iter().map(|found| (found.code, found.message)).collect::<Vec<_>>();
    for (end, code) in [
        (ContinuousEnd::Deleted, "CONTINUOUS_BACKUP_ENDS"),
        (ContinuousEnd::DeletedWithVault, "CONTINUOUS_BACKUP_ENDS"),
        (ContinuousEnd::GivenBack, "AUTOMATED_BACKUPS_STAY"),
    ] {
        let told = told(end);
        let codes: Vec<_> = told.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, ["RULE_CONTINUES_BACKUP", code, code, code], "{end:?}");
        assert!(told[1].1.contains("ledger, orders"), "{told:?}");
    }
    let deleted = told(ContinuousEnd::Deleted);
    for (at, word) in [(0, "next run"), (1, "maintenance window"), (2, "for 1 day"), (3, "bucket")] {
        assert!(deleted[at].1.contains(word), "{deleted:?}");
    }
    assert_eq!(after(&[], ContinuousEnd::Deleted), [], "a snapshot leaves nothing behind");
}

#[test]
fn nothing_is_said_to_go_on_of_a_database_that_is_gone_or_that_nobody_saw() {
    let point = || point("continuous:db-a-1", "arn:aws:rds:us-east-1:123456789012:db:orders");
    for (database, deleted, given_back) in [
        (DatabaseNow::There, "CONTINUOUS_BACKUP_ENDS", "AUTOMATED_BACKUPS_STAY"),
        (DatabaseNow::BackupsKept, "CONTINUOUS_BACKUP_ENDS", "AUTOMATED_BACKUPS_STAY"),
        (DatabaseNow::Gone, "NOTHING_TO_RESTORE_FROM", "NOTHING_TO_RESTORE_FROM"),
        (DatabaseNow::Replaced, "SOURCE_REPLACED", "SOURCE_REPLACED"),
    ] {
        let ending = EndingPoint { rule: RuleNow::NoLonger, ..ending(point(), database.clone()) };
        for (end, code) in [(ContinuousEnd::Deleted, deleted), (ContinuousEnd::GivenBack, given_back)] {
            let found = after(std::slice::from_ref(&ending), end);
            let [found] = &found[..] else { panic!("{found:?}") };
            assert_eq!(found.code, code, "{database:?}");
            let lives = found.message.contains("restarts") || found.message.contains("they go on");
            assert_eq!(lives, database == DatabaseNow::There, "{found:?}");
        }
    }
    let unseen = EndingPoint::unseen(point(), &Unseen::in_time());
    let codes: Vec<_> = after(&[unseen], ContinuousEnd::Deleted).into_iter().map(|found| found.code).collect();
    assert_eq!(codes, ["CONTINUOUS_BACKUP_ENDS", "NOT_CHECKED", "NOT_CHECKED"]);
}

#[test]
fn a_database_is_told_from_another_of_its_name() {
    let point = point("continuous:db-abc-1", "arn:aws:rds:us-east-1:123456789012:db:orders");
    let backup =
        |id: &str| AutomatedBackup { recovery_point_arn: String::new(), resource_id: id.to_owned(), window: None };
    assert_eq!(DatabaseNow::judge(&point, None, &[backup("db-ABC")]), DatabaseNow::BackupsKept);
    assert_eq!(DatabaseNow::judge(&point, None, &[backup("db-DEF")]), DatabaseNow::Gone);
    assert_eq!(DatabaseNow::judge(&point, None, &[]), DatabaseNow::Gone);
}
