use super::*;
use crate::domain::{AccountId, RegionName, Retention, Scope, VaultLock};

const SNAPSHOT: &str = "arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1";
const FAR: &str = "arn:aws:backup:eu-west-1:123456789012:backup-vault:far";

fn scope() -> Scope {
    Scope { account: AccountId::example(), region: RegionName::example() }
}

fn point(arn: &str, resource_type: &str, state: RecoveryPointState) -> RecoveryPoint {
    RecoveryPoint {
        vault_arn: Some("arn:aws:backup:us-east-1:123456789012:backup-vault:prod".into()),
        resource_type: ResourceType::told(resource_type),
        state,
        lifecycle: Some(Lifecycle::kept(Retention::Days(35))),
        ..RecoveryPoint::blank(arn.into(), scope())
    }
}

fn copy_to(destination: &str) -> StartCopy {
    StartCopy {
        recovery_point: Arn::parse(SNAPSHOT).unwrap(),
        vault: VaultName::parse("prod").unwrap(),
        destination: VaultRef::parse(destination).unwrap(),
        role: RoleRef::parse("R").unwrap().0,
        lifecycle: None,
    }
}

fn locked(min: Option<i32>, max: Option<i32>) -> Vault {
    Vault {
        name: "far".into(),
        arn: FAR.into(),
        scope: scope(),
        encryption_key_arn: String::new(),
        created_at: None,
        recovery_points: 0,
        lock: Some(VaultLock { min_retention_days: min, max_retention_days: max, ..VaultLock::default() }),
        vault_type: String::new(),
        state: String::new(),
        tags: std::collections::BTreeMap::new(),
        request_id: String::new(),
    }
}

#[test]
fn every_obstacle_is_found_at_once() {
    let codes = |found: Vec<Finding>| found.iter().map(|finding| finding.code).collect::<Vec<_>>();
    let fine = point(SNAPSHOT, "RDS", RecoveryPointState::Completed);
    assert_eq!(codes(copy_to(FAR).obstacles(&fine, FAR, None)), [""; 0]);
    let cluster = SNAPSHOT.replace(":snapshot:", ":cluster-snapshot:");
    let sick = point(&cluster, "RDS", RecoveryPointState::Creating);
    let home = sick.vault_arn.clone().unwrap();
    let found = codes(copy_to(&home).obstacles(&sick, &home, Some(&locked(Some(40), None))));
    assert_eq!(
        found,
        [
            "DESTINATION_IS_SOURCE",
            "MULTI_AZ_CLUSTER_NOT_COPYABLE",
            "POINT_NOT_COPYABLE",
            "RETENTION_OUTSIDE_VAULT_LOCK"
        ]
    );
    let aurora = point(&cluster, "Aurora", RecoveryPointState::Completed);
    assert_eq!(codes(copy_to(FAR).obstacles(&aurora, FAR, None)), [""; 0]);
    let continuous = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-1";
    let continuous = point(continuous, "RDS", RecoveryPointState::Available);
    assert_eq!(codes(copy_to(FAR).obstacles(&continuous, FAR, None)), ["CONTINUOUS_NOT_COPYABLE"]);
}

#[test]
fn the_lock_judges_what_the_copy_gets_and_the_message_has_both_numbers() {
    let point = point(SNAPSHOT, "RDS", RecoveryPointState::Completed);
    let found = copy_to(FAR).obstacles(&point, FAR, Some(&locked(None, Some(30))));
    assert_eq!(
        found[0].message,
        format!(
            "the lock of vault {FAR} allows 1 to 30 days of retention and the copy would be kept 35 days: such a job fails"
        )
    );
    let short = Lifecycle::kept(Retention::Days(30));
    let short = StartCopy { lifecycle: Some(short), ..copy_to(FAR) };
    assert_eq!(short.obstacles(&point, FAR, Some(&locked(None, Some(30)))), []);
    let forever = StartCopy { lifecycle: Some(Lifecycle::FOREVER), ..copy_to(FAR) };
    assert_eq!(forever.obstacles(&point, FAR, Some(&locked(Some(7), None))), []);
}

#[test]
fn only_an_arn_of_another_account_leads_out_of_the_account() {
    let point = point(SNAPSHOT, "RDS", RecoveryPointState::Completed);
    for (destination, leaves) in
        [("far", false), (FAR, false), ("arn:aws:backup:us-east-1:999999999999:backup-vault:theirs", true)]
    {
        assert_eq!(copy_to(destination).leaves_account(&point), leaves, "{destination}");
    }
}
