//! What there is when the sandbox starts: databases, with and without tags. No vault, role or plan: those are what the
//! story makes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::call::AwsError;
use crate::rds::{BackupWindow, MaintenanceWindow, NewCluster, NewInstance, Place, Settings, Status};
use crate::world::{Region, World};

/// The hour of the default daily rule, UTC `[M]`.
const DAILY_RULE: i64 = 5;

/// Hours that a window keeps from the start and from the daily rule.
const DISTANCE: i64 = 3;

/// Fills the account's region.
pub(crate) fn build(world: &mut World, account: &str, region: &str, now: Timestamp) {
    if let Err(fault) = databases(world, account, region, now) {
        // Names and engines are fixed: the tests below would have failed first.
        tracing::error!(message = fault.message, "the starting world is incomplete");
    }
}

fn databases(world: &mut World, account: &str, region: &str, now: Timestamp) -> Result<(), AwsError> {
    let place = Place { account, region };
    let quiet = quiet_windows(now);
    let home = world.account(account).region(region);
    let mut add = |name: &str, engine: &str, tags: &[(&str, &str)], change: &dyn Fn(&mut Settings)| {
        instance(home, &place, now, quiet, name, engine, tags, change)
    };
    add("rdspg-fcj-labs", "postgres", &[], &|_| {})?;
    add("rdspg-analytics-dev", "postgres", &[("Environment", "development"), ("ResourceType", "rdspg-fcj")], &|it| {
        it.class = "db.t4g.medium".to_owned();
        it.allocated_storage = 100;
    })?;
    add("rdspg-orders", "postgres", &[("Team", "orders")], &|it| {
        it.class = "db.m6g.large".to_owned();
        it.allocated_storage = 200;
        it.multi_az = true;
        it.encrypt(&place);
    })?;
    // Its own backup at 05:10 forbids the daily rule at 05:00: here that failure can be seen.
    add("mysql-legacy", "mysql", &[("Environment", "production")], &|it| {
        it.backup_window = BackupWindow::half_hour_at(DAILY_RULE * 60 + 10);
    })?;
    add("rdspg-paused", "postgres", &[("Team", "research")], &|_| {})?;
    home.rds.set_status("rdspg-paused", Status::Stopped);
    aurora(home, &place, now, quiet)
}

#[expect(clippy::too_many_arguments, reason = "called through one closure, above")]
fn instance(
    home: &mut Region,
    place: &Place<'_>,
    now: Timestamp,
    (backup, maintenance): (BackupWindow, MaintenanceWindow),
    name: &str,
    engine: &str,
    tags: &[(&str, &str)],
    change: &dyn Fn(&mut Settings),
) -> Result<(), AwsError> {
    let mut settings = settings(place, engine, name)?;
    settings.class = "db.t3.micro".to_owned();
    settings.backup_retention = 7;
    settings.backup_window = backup;
    settings.maintenance_window = maintenance;
    change(&mut settings);
    let age = SignedDuration::from_hours(24 * 90);
    let new = NewInstance { id: name.to_owned(), settings, cluster: None, tags: map(tags), age };
    home.rds.add_instance(&mut home.tags, place, new, now).map(|_| ())
}

fn aurora(
    home: &mut Region,
    place: &Place<'_>,
    now: Timestamp,
    (backup, maintenance): (BackupWindow, MaintenanceWindow),
) -> Result<(), AwsError> {
    let (id, engine) = ("aurora-billing", "aurora-postgresql");
    let age = SignedDuration::from_hours(24 * 90);
    let mut settings = settings(place, engine, id)?;
    settings.backup_retention = 7;
    settings.backup_window = backup;
    settings.maintenance_window = maintenance;
    let tags = map(&[("Environment", "production")]);
    let new = NewCluster { id: id.to_owned(), settings: settings.clone(), tags, age };
    home.rds.add_cluster(&mut home.tags, place, new, now)?;
    settings.class = "db.r6g.large".to_owned();
    let id = Some(id.to_owned());
    let new = NewInstance { id: "aurora-billing-1".to_owned(), settings, cluster: id, tags: BTreeMap::new(), age };
    home.rds.add_instance(&mut home.tags, place, new, now).map(|_| ())
}

fn settings(place: &Place<'_>, engine: &str, name: &str) -> Result<Settings, AwsError> {
    let missing = || AwsError::new(500, "InternalFailure", format!("The starting world needs the engine {engine}."));
    Settings::of_engine(place, engine, None, name).ok_or_else(missing)
}

fn map(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Windows at least three hours from now and from 05:00 UTC, whatever the hour of the start: the first backup on
/// demand and the daily rule must not fail because of them. They are an hour apart from each other. The maintenance
/// window also lies on another day of the week.
fn quiet_windows(now: Timestamp) -> (BackupWindow, MaintenanceWindow) {
    let now = now.to_zoned(TimeZone::UTC);
    let start = i64::from(now.hour());
    let far = |hour: i64, from: i64| {
        let apart = (hour - from).rem_euclid(24);
        apart.min(24 - apart) > DISTANCE
    };
    let quiet: Vec<i64> = (0..24).filter(|hour| far(*hour, start) && far(*hour, DAILY_RULE)).collect();
    let backup = quiet.first().copied().unwrap_or(12);
    let maintenance = quiet.last().copied().unwrap_or(16);
    let day = (i64::from(now.weekday().to_monday_zero_offset()) + 3) % 7;
    (BackupWindow::half_hour_at(backup * 60 + 15), MaintenanceWindow::half_hour_at((day * 24 + maintenance) * 60 + 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(hour: i8) -> Timestamp {
        jiff::civil::date(2026, 3, 4).at(hour, 20, 0, 0).to_zoned(TimeZone::UTC).expect("a time").timestamp()
    }

    #[test]
    fn no_window_meets_the_first_hours_or_the_daily_rule_whenever_the_sandbox_starts() {
        for hour in 0..24 {
            let now = start(hour);
            let mut world = World::default();
            build(&mut world, "123456789012", "us-east-1", now);
            let rds = &world.account("123456789012").region("us-east-1").rds;
            for name in ["rdspg-fcj-labs", "rdspg-analytics-dev", "rdspg-orders", "rdspg-paused"] {
                let instance = rds.instance(name).expect("it is there");
                for minutes in 0..120 {
                    let at = now.saturating_add(SignedDuration::from_mins(minutes)).expect("a time");
                    assert_eq!(instance.window_conflict(at), None, "{name}, started at {hour}, after {minutes} min");
                }
                for day in 0..8 {
                    let five =
                        start(5).saturating_add(SignedDuration::from_hours(24 * day) - SignedDuration::from_mins(20));
                    let five = five.expect("a time");
                    assert_eq!(instance.window_conflict(five), None, "{name}, started at {hour}, day {day}");
                }
            }
            let legacy = rds.instance("mysql-legacy").expect("it is there");
            let five = start(5).saturating_sub(SignedDuration::from_mins(20)).expect("a time");
            assert!(legacy.window_conflict(five).is_some());
        }
    }

    #[test]
    fn a_cluster_is_protected_and_its_instance_is_not() {
        let mut world = World::default();
        databases(&mut world, "123456789012", "us-east-1", start(9)).expect("a whole world");
        let rds = &world.account("123456789012").region("us-east-1").rds;
        let protectable: Vec<&str> = rds.protectable().map(|arn| arn.rsplit(':').next().unwrap_or_default()).collect();
        assert!(
            protectable.contains(&"aurora-billing") && !protectable.contains(&"aurora-billing-1"),
            "{protectable:?}"
        );
        assert_eq!(rds.instance("rdspg-paused").map(|it| it.status), Some(Status::Stopped));
    }
}
