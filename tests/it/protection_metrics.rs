//! What is measured of databases: told from the ledger, by every server alike.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;
use strongroom::proto::EnsureServiceRoleRequest;
use tokio::time::{sleep, timeout};

use crate::{
    backups::{aws_rds, prepare},
    harness::{LABS, PATIENCE, World},
    identity::{KEYS, Served, serve},
    missed_runs::lose_the_role,
    protection::{at, plan, rule, select, select_tagged},
};

const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";

/// The series of databases that a server shows, with their values.
type Shown = BTreeMap<String, f64>;

/// A server that has its ledger in the file, and the sandbox of the world for AWS.
struct Measuring {
    _served: Served,
    metrics: String,
}

impl Measuring {
    async fn start(world: &World, file: &Path, settings: &[&str]) -> Self {
        let path = format!("ledger.path={}", file.display());
        let mut words = vec!["--endpoint-url", world.sandbox(), "--region", "us-east-1"];
        let often = ["feed.interval=20ms", "feed.busy_interval=20ms", "feed.coverage_interval=400ms"];
        for setting in [path.as_str(), "admin.listen=127.0.0.1:0"].iter().chain(&often).chain(settings) {
            words.extend(["--set", setting]);
        }
        let (served, lines) = serve(&words, &KEYS).until(&["serving gRPC"]).await;
        let admin = lines.iter().find_map(|line| line["admin"].as_str()).unwrap();
        Self { _served: served, metrics: format!("http://{admin}/metrics") }
    }

    async fn shown(&self) -> Shown {
        let text = reqwest::get(&self.metrics).await.unwrap().text().await.unwrap();
        let families = ["protection_", "plan_", "database_", "incidents"].map(|family| format!("strongroom_{family}"));
        let lines = text.lines().filter(|line| families.iter().any(|family| line.starts_with(family)));
        let series = |line: &str| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        };
        lines.map(series).collect()
    }

    /// What it shows, once that is as wanted.
    async fn until(&self, wanted: impl Fn(&Shown) -> bool + Send + Sync) -> Shown {
        let asked = async {
            loop {
                let shown = self.shown().await;
                if wanted(&shown) {
                    return shown;
                }
                sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        let Ok(shown) = timeout(PATIENCE * 3, asked).await else { panic!("it is never so: {:#?}", self.shown().await) };
        shown
    }
}

/// The value of the one series of the metric that has these labels, if there is one.
fn value(shown: &Shown, metric: &str, labels: &[&str]) -> Option<f64> {
    let fits = |series: &str| {
        let rest = series.strip_prefix("strongroom_").and_then(|rest| rest.strip_prefix(metric));
        rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('{')) && labels.iter().all(|it| rest.contains(it)))
    };
    let mut found = shown.iter().filter(|(series, _)| fits(series));
    let first = found.next().map(|(_, value)| *value);
    assert_eq!(found.next(), None, "{metric} has several series with {labels:?}");
    first
}

/// A world whose plan `nightly` covers the workshop's database and one whose backups fail.
async fn covered() -> World {
    let world = World::start().await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "by-arn", &[LABS, LEGACY]).await;
    world
}

fn databases(shown: &Shown) -> f64 {
    let of_types = shown.iter().filter(|(series, _)| series.starts_with("strongroom_protection_databases{"));
    of_types.map(|(_, count)| count).sum()
}

#[tokio::test]
async fn backups_that_complete_fail_and_grow_old_are_measured_by_awss_clock() {
    let world = covered().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Measuring::start(&world, &folder.path().join("ledger.db"), &[]).await;
    let (rds, plan) = (["us-east-1", "\"RDS\""], ["us-east-1", "plan_name=\"nightly\""]);
    let before = server.until(|it| value(it, "plan_never_ran", &plan) == Some(2.0)).await;
    assert_eq!(value(&before, "database_never_ran", &[LABS]), Some(1.0));
    assert_eq!(value(&before, "database_expected_interval_seconds", &[LABS]), Some(86_400.0));
    assert_eq!(value(&before, "plan_missed_runs", &plan), Some(0.0));
    // There is no success, and no age of one.
    for absent in ["database_last_success_seconds", "database_rpo_ratio"] {
        assert_eq!(value(&before, absent, &[LABS]), None, "{absent}");
    }
    for absent in ["plan_oldest_success_seconds", "plan_rpo_ratio"] {
        assert_eq!(value(&before, absent, &plan), None, "{absent}");
    }
    world.advance("PT6H").await;
    let success = at("2026-03-02T05:00:00Z");
    #[expect(clippy::cast_precision_loss, reason = "it is of this century")]
    let success = Some(success as f64);
    let after = server
        .until(|it| {
            value(it, "database_last_success_seconds", &[LABS]) == success
                && value(it, "protection_consecutive_failures", &rds) == Some(1.0)
        })
        .await;
    assert_eq!(value(&after, "plan_oldest_success_seconds", &plan), success);
    assert_eq!(value(&after, "database_never_ran", &[LABS]), Some(0.0));
    assert_eq!(value(&after, "database_consecutive_failures", &[LEGACY]), Some(1.0));
    assert_eq!(value(&after, "plan_databases", &["nightly", "\"AT_RISK\""]), Some(1.0));
    assert_eq!(value(&after, "plan_databases", &["nightly", "\"NOT_PROTECTED\""]), Some(0.0));
    assert_eq!(value(&after, "incidents", &["us-east-1", "\"JOB_FAILED\"", "\"OPEN\""]), Some(1.0));
    let ratio = value(&after, "protection_rpo_ratio", &rds).unwrap();
    assert!(ratio > 0.0 && ratio < 0.1 && value(&after, "database_rpo_ratio", &[LABS]).unwrap() < 0.1, "{after:#?}");
    assert_eq!(value(&after, "protection_rpo_exceeded", &rds), Some(0.0));
    // AWS does not answer any more: what time changes is told all the same.
    let away = json!({"error": {"status": 500, "code": "InternalFailure", "message": "no"}});
    world.arm(json!({"service": "backup", "rate": 1.0, "effect": away})).await;
    world.advance("PT48H").await;
    let late = server.until(|it| value(it, "protection_rpo_exceeded", &rds) == Some(1.0)).await;
    assert!(value(&late, "plan_rpo_ratio", &plan).unwrap() > 1.9, "{late:#?}");
    assert_eq!(value(&late, "database_last_success_seconds", &[LABS]), success);
    assert!(value(&late, "protection_age_seconds", &["us-east-1"]).unwrap() > 86_400.0, "{late:#?}");
    // What is deleted is measured no more.
    world.end_faults().await;
    let delete =
        aws_rds(&world).delete_db_instance().db_instance_identifier("rdspg-fcj-labs").skip_final_snapshot(true);
    delete.send().await.unwrap();
    world.advance("PT30M").await;
    let gone = server.until(|it| !it.keys().any(|series| series.contains(LABS))).await;
    assert!(databases(&gone) < databases(&late), "{gone:#?}");
    assert_eq!(value(&gone, "plan_rpo_ratio", &plan), None, "no other of the plan ever completed");
}

#[tokio::test]
async fn a_run_that_was_missed_is_told_of_its_plan_until_a_backup_makes_up_for_it() {
    let world = World::start().await;
    prepare(&world).await;
    let tags = [("backup".to_owned(), "nightly".to_owned())].into();
    let tag = strongroom::proto::TagResourceRequest { resource: LABS.into(), tags, ..Default::default() };
    world.resources().tag_resource(tag).await.unwrap();
    plan(&world, "nightly", vec![rule("daily")]).await;
    select_tagged(&world, "nightly", "by-tag", "backup", "nightly").await;
    let folder = tempfile::tempdir().unwrap();
    let server = Measuring::start(&world, &folder.path().join("ledger.db"), &[]).await;
    let missed = |shown: &Shown| value(shown, "plan_missed_runs", &["nightly"]);
    server.until(|it| missed(it) == Some(0.0)).await;
    lose_the_role(&world).await;
    // The window of the run at five is over, and then a quarter of an hour.
    world.advance("PT16H").await;
    let told = server.until(|it| missed(it) == Some(1.0)).await;
    assert_eq!(value(&told, "incidents", &["\"RUN_MISSED\"", "\"OPEN\""]), Some(1.0), "{told:#?}");
    world.accounts().ensure_service_role(EnsureServiceRoleRequest::default()).await.unwrap();
    world.advance("PT24H").await;
    let made_up = server.until(|it| missed(it) == Some(0.0)).await;
    assert_eq!(value(&made_up, "incidents", &["\"RUN_MISSED\""]), None, "{made_up:#?}");
}

#[tokio::test]
async fn every_server_on_a_ledger_tells_the_same_and_tells_it_right_after_its_start() {
    let world = covered().await;
    world.advance("PT6H").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let leader = Measuring::start(&world, &file, &[]).await;
    let is_whole = |it: &Shown| {
        value(it, "database_consecutive_failures", &[LEGACY]) == Some(1.0)
            && value(it, "database_last_success_seconds", &[LABS]).is_some()
    };
    let first = leader.until(is_whole).await;
    let other = Measuring::start(&world, &file, &[]).await;
    let second = other.until(is_whole).await;
    drop((leader, other));
    // A server that starts while AWS Backup is away looks at nothing.
    let away = json!({"error": {"status": 500, "code": "InternalFailure", "message": "no"}});
    world.arm(json!({"service": "backup", "rate": 1.0, "effect": away})).await;
    let third = Measuring::start(&world, &file, &[]).await.until(|it| !it.is_empty()).await;
    for (which, shown) in [("another", second), ("a later one", third)] {
        assert_eq!(shown.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>(), "{which}");
        // Each hears AWS's time by itself, in seconds.
        let near = |series: &String| {
            series.contains("protection_age") || (shown[series] - first[series]).abs() <= 0.01 * first[series].abs()
        };
        let differing: Vec<_> = first.keys().filter(|series| !near(series)).collect();
        assert_eq!(differing, [""; 0], "{which}");
    }
}

#[tokio::test]
async fn so_many_databases_as_is_said_have_metrics_of_their_own_and_the_others_are_counted() {
    let world = covered().await;
    let folder = tempfile::tempdir().unwrap();
    for most in [2, 0] {
        let file = folder.path().join(format!("{most}.db"));
        let server = Measuring::start(&world, &file, &[&format!("telemetry.max_databases={most}")]).await;
        let shown = server.until(|it| databases(it) > 2.0).await;
        let own = shown.keys().filter(|series| series.starts_with("strongroom_database_never_ran{")).count();
        assert_eq!(own, most);
        let own = f64::from(u32::try_from(own).unwrap());
        assert_eq!(value(&shown, "database_left_out", &[]), Some(databases(&shown) - own), "{shown:#?}");
        if most > 0 {
            let states: Vec<_> = shown.keys().filter(|series| series.contains("resource_arn")).collect();
            assert!(!states.iter().any(|series| series.contains(LABS)), "what no rule covers is worse: {states:#?}");
        }
    }
}

#[tokio::test]
async fn of_an_account_that_was_never_looked_at_nothing_is_told() {
    let world = covered().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    // No role leads into the other one.
    let scopes = "ledger.scopes=us-east-1,210987654321/us-east-1";
    let role = "aws.assume_role=arn:aws:iam::{account}:role/Strongroom";
    let server = Measuring::start(&world, &file, &[scopes, role]).await;
    let shown = server.until(|it| databases(it) > 2.0).await;
    assert!(!shown.keys().any(|series| series.contains("210987654321")), "{shown:#?}");
    drop(server);
    // What is followed no more is not, though it is remembered.
    let server = Measuring::start(&world, &file, &["ledger.scopes=eu-west-1"]).await;
    let shown = server.until(|it| value(it, "protection_age_seconds", &["eu-west-1"]).is_some()).await;
    assert!(!shown.keys().any(|series| series.contains("us-east-1")), "{shown:#?}");
}
