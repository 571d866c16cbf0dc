use std::collections::BTreeMap;

use super::*;
use crate::domain::{AccountId, RegionName, Retention, Scope};

fn instance() -> Resource {
    Resource {
        arn: "arn:aws:rds:us-east-1:123456789012:db:orders".into(),
        id: "orders".into(),
        scope: Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: RegionName::parse("us-east-1").unwrap(),
        },
        kind: ResourceKind::DbInstance,
        engine: "postgres".into(),
        engine_version: String::new(),
        status: "available".into(),
        tags: BTreeMap::new(),
        automated_backup_retention_days: 7,
        automated_backup_window: "03:00-03:30".into(),
        maintenance_window: "sun:05:00-sun:05:30".into(),
        instance_class: String::new(),
        allocated_storage_gib: None,
        storage_encrypted: false,
        encryption_key_arn: String::new(),
        created_at: None,
        cluster_id: String::new(),
        continuous_recovery_point_arn: String::new(),
        latest_restorable_at: None,
        resource_id: String::new(),
    }
}

const INSTANCE: &str = "arn:aws:rds:us-east-1:123456789012:db:orders";

fn backup(lifecycle: Lifecycle) -> StartBackup {
    StartBackup {
        resource: ResourceRef::parse("orders").unwrap(),
        vault: VaultName::parse("prod").unwrap(),
        role: RoleRef::parse("R").unwrap().0,
        lifecycle,
        windows: StartBackup::DEFAULT_WINDOWS,
        tags: Tags::default(),
    }
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_windows_are_warned_of_from_an_hour_before_until_they_end() {
    // 2026-03-01 is a Sunday.
    for (at, told) in [
        ("2026-03-02T01:59:00Z", vec![]),
        ("2026-03-02T02:00:00Z", vec!["NEAR_BACKUP_WINDOW"]),
        ("2026-03-02T03:29:00Z", vec!["NEAR_BACKUP_WINDOW"]),
        ("2026-03-02T03:30:00Z", vec![]),
        ("2026-03-01T04:15:00Z", vec!["NEAR_MAINTENANCE_WINDOW"]),
        ("2026-03-02T04:15:00Z", vec![]),
    ] {
        assert_eq!(codes(&database_findings(&instance(), at.parse().unwrap())), told, "{at}");
    }
}

#[test]
fn without_automated_backups_or_under_aws_backup_s_own_the_backup_window_does_not_matter() {
    let at = "2026-03-02T03:10:00Z".parse().unwrap();
    let none = Resource { automated_backup_retention_days: 0, ..instance() };
    assert!(database_findings(&none, at).is_empty());
    let continuous = Resource { continuous_recovery_point_arn: "arn".into(), ..instance() };
    assert!(database_findings(&continuous, at).is_empty());
}

#[test]
fn a_database_that_is_not_available_is_warned_of() {
    let at = "2026-03-02T12:00:00Z".parse().unwrap();
    let stopped = Resource { status: "stopped".into(), ..instance() };
    assert_eq!(codes(&database_findings(&stopped, at)), ["DATABASE_NOT_AVAILABLE"]);
}

#[test]
fn a_lifecycle_outside_the_lock_or_with_cold_storage_is_warned_of() {
    let lock = |min, max| VaultLock { min_retention_days: min, max_retention_days: max, ..VaultLock::default() };
    let instance = Arn::parse(INSTANCE).unwrap();
    let days = |days| backup(Lifecycle::kept(Retention::Days(days)));
    let forever = backup(Lifecycle::FOREVER);
    let outside = vec!["RETENTION_OUTSIDE_VAULT_LOCK"];
    for (backup, lock, told) in [
        (days(35), lock(Some(7), Some(90)), vec![]),
        (days(6), lock(Some(7), Some(90)), outside.clone()),
        (days(91), lock(Some(7), Some(90)), outside.clone()),
        (forever.clone(), lock(Some(7), Some(90)), outside),
        (forever, lock(Some(7), None), vec![]),
    ] {
        assert_eq!(codes(&backup.findings(&instance, Some(&lock))), told, "{:?} {lock:?}", backup.lifecycle);
    }
    let cold = backup(Lifecycle { cold_after_days: Some(30), ..Lifecycle::kept(Retention::Days(200)) });
    assert_eq!(codes(&cold.findings(&instance, None)), ["COLD_STORAGE_IGNORED"]);
}

#[test]
fn the_default_completion_window_makes_room_for_a_long_start_window() {
    assert_eq!(StartBackup::completion_for(60), 10_080);
    assert_eq!(StartBackup::completion_for(20_000), 20_060);
}
