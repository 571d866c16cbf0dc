//! ListUpcomingRuns over the wire: what will run, for which databases, and what becomes of it.

use serde_json::json;
use strongroom::proto::{ListUpcomingRunsRequest, ListUpcomingRunsResponse, Rule, Severity, UpcomingRun};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_backup, prepared},
    cli::{done, run},
    harness::{LABS, World, reason, told},
    protection::{CLUSTER, at, plan, rule, seconds, select, select_tagged},
};

async fn upcoming(world: &World, request: ListUpcomingRunsRequest) -> ListUpcomingRunsResponse {
    world.protection().list_upcoming_runs(request).await.unwrap().into_inner()
}

/// Time, plan and rule of each.
fn names(runs: &[UpcomingRun]) -> Vec<(i64, &str, &str)> {
    runs.iter().map(|run| (seconds(&run.run_time), run.plan_name.as_str(), run.rule_name.as_str())).collect()
}

/// A plan `nightly` at 05:00 and at 17:00 for the workshop's database, and one that backs up what is of production on Sundays.
async fn world() -> World {
    let world = prepared().await;
    let evening = Rule { schedule: "cron(0 17 ? * * *)".into(), ..rule("evening") };
    plan(&world, "nightly", vec![rule("daily"), evening]).await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    let weekly = Rule { schedule: "cron(30 5 ? * SUN *)".into(), ..rule("weekly") };
    plan(&world, "weekly", vec![weekly]).await;
    select_tagged(&world, "weekly", "by-tag", "Environment", "production").await;
    plan(&world, "idle", vec![rule("daily")]).await;
    world
}

#[tokio::test]
async fn the_runs_of_a_day_and_of_a_week_are_told_with_their_databases() {
    let world = world().await;
    let day = upcoming(&world, ListUpcomingRunsRequest::default()).await;
    let (morning, evening) = (at("2026-03-02T05:00:00Z"), at("2026-03-02T17:00:00Z"));
    assert_eq!(names(&day.runs), [(morning, "nightly", "daily"), (evening, "nightly", "evening")]);
    let first = &day.runs[0];
    assert_eq!((first.resource_arns.as_slice(), first.resource_count), (&[LABS.to_owned()][..], 1));
    assert_eq!((first.vault_name.as_str(), seconds(&first.start_by_time)), (VAULT, at("2026-03-02T13:00:00Z")));
    assert!(first.vault_arn.ends_with(":backup-vault:prod") && first.lifecycle.is_some() && !first.overruled);
    assert_eq!((day.findings.len(), day.next_page_token.as_str()), (0, ""));
    assert!((0..3600).contains(&(seconds(&day.as_of) - at("2026-03-02T00:00:00Z"))));

    let week = upcoming(&world, ListUpcomingRunsRequest { hours: 168, ..Default::default() }).await;
    assert_eq!(week.runs.len(), 15);
    let weekly = week.runs.iter().find(|run| run.plan_name == "weekly").unwrap();
    assert!(weekly.resource_arns.contains(&CLUSTER.to_owned()), "{weekly:?}");
    assert!(
        weekly.resource_arns.is_sorted() && weekly.resource_arns.iter().all(|arn| !arn.contains("aurora-billing-1"))
    );

    // For an instance of a cluster, the cluster's.
    let of_member = ListUpcomingRunsRequest { hours: 168, resource: "aurora-billing-1".into(), ..Default::default() };
    let of_member = upcoming(&world, of_member).await;
    assert_eq!(of_member.runs.len(), 1);
    assert_eq!(of_member.runs[0].resource_arns, [CLUSTER]);
    let of_plan = ListUpcomingRunsRequest { plan: "idle".into(), hours: 168, ..Default::default() };
    assert_eq!(upcoming(&world, of_plan).await.runs, []);
}

#[tokio::test]
async fn what_becomes_of_a_run_is_told_before_it_runs() {
    let world = prepared().await;
    let longer = Rule {
        lifecycle: Some(strongroom::proto::Lifecycle { delete_after_days: Some(365), ..Default::default() }),
        ..rule("longer")
    };
    plan(&world, "nightly", vec![rule("daily"), longer]).await;
    let legacy = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";
    select(&world, "nightly", "by-arn", &[legacy, "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused"]).await;
    select_tagged(&world, "nightly", "by-tag", "Environment", "development").await;
    let told = upcoming(&world, ListUpcomingRunsRequest::default()).await;
    let [daily, longer] = &told.runs[..] else { panic!("{told:#?}") };
    assert!(daily.overruled && !longer.overruled);
    assert_eq!(daily.findings[0].code, "RULE_OVERRULED");
    let codes: Vec<_> = longer.findings.iter().map(|finding| (finding.code.as_str(), finding.severity())).collect();
    assert_eq!(codes, [("RUN_NEAR_BACKUP_WINDOW", Severity::Warning), ("DATABASE_NOT_AVAILABLE", Severity::Warning)]);
    assert!(longer.findings[0].message.contains("instance mysql-legacy"), "{:?}", longer.findings);
    assert!(longer.findings[1].message.contains("instance rdspg-paused"), "{:?}", longer.findings);

    let before = longer.resource_count;
    let out = aws_backup(&world).update_region_settings().resource_type_opt_in_preference("RDS", false);
    out.send().await.unwrap();
    let told = upcoming(&world, ListUpcomingRunsRequest::default()).await;
    let passed_over = &told.runs[1].findings[0];
    assert_eq!(passed_over.code, "RESOURCE_TYPE_OPTED_OUT");
    assert!(passed_over.message.contains("passes over arn:aws:rds"), "{passed_over:?}");
    assert!(told.runs[1].resource_count < before, "only those that are named are backed up");
}

#[tokio::test]
async fn pages_belong_together_though_the_clock_goes_on() {
    let world = world().await;
    let mut told = Vec::new();
    let mut page = ListUpcomingRunsRequest { hours: 72, page_size: 2, ..Default::default() };
    loop {
        let answer = upcoming(&world, page.clone()).await;
        told.extend(answer.runs.iter().map(|run| seconds(&run.run_time)));
        if answer.next_page_token.is_empty() {
            break;
        }
        page.page_token = answer.next_page_token;
        world.advance("PT6H").await;
    }
    let at = |day: i64, hour: i64| at("2026-03-02T00:00:00Z") + (day * 24 + hour) * 3600;
    assert_eq!(told, [at(0, 5), at(0, 17), at(1, 5), at(1, 17), at(2, 5), at(2, 17)]);
    let other = ListUpcomingRunsRequest { hours: 24, ..page };
    let refused = world.protection().list_upcoming_runs(other).await.unwrap_err();
    assert_eq!(crate::harness::told(&refused).fields, ["page_token"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_what_is_known() {
    let world = world().await;
    for (service, operation, code, runs) in [
        ("backup", "ListBackupPlans", "PLANS_NOT_READ", 0),
        ("backup", "DescribeRegionSettings", "REGION_SETTINGS_NOT_READ", 2),
        ("rds", "DescribeDBInstances", "DATABASES_NOT_READ", 0),
        ("rds", "DescribeDBClusters", "DATABASES_NOT_READ", 2),
    ] {
        // What was read of plans before would be told for a while.
        world.advance("PT0S").await;
        let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
        world.arm(json!({"service": service, "operation": operation, "rate": 1.0, "effect": denied})).await;
        let answer = upcoming(&world, ListUpcomingRunsRequest::default()).await;
        world.disarm().await;
        let codes: Vec<_> = answer.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!((codes, answer.runs.len()), (vec![code], runs), "{operation}");
    }
}

#[tokio::test]
async fn what_is_not_there_fails_the_call_and_a_long_look_is_refused() {
    let world = prepared().await;
    let ask = async |request| world.protection().list_upcoming_runs(request).await.unwrap_err();
    let missing = ask(ListUpcomingRunsRequest { plan: "nowhere".into(), ..Default::default() }).await;
    assert_eq!(reason(&missing), (Code::NotFound, "PLAN_NOT_FOUND".into()));
    let missing = ask(ListUpcomingRunsRequest { resource: "nowhere".into(), ..Default::default() }).await;
    assert_eq!(reason(&missing), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    for hours in [-1, 169] {
        let refused = told(&ask(ListUpcomingRunsRequest { hours, page_size: -1, ..Default::default() }).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["page_size".into(), "hours".into()]));
    }
}

#[tokio::test]
async fn the_command_line_shows_them_in_a_table() {
    let world = world().await;
    let table = done(&world, &["run", "list", "--hours", "12"]).await;
    assert!(table.contains("RUNS") && table.contains("nightly") && !table.contains("evening"), "{table}");
    let none = run(&world, &["run", "list", "--hours", "1"]).await;
    assert!(none.code == 0 && none.out.starts_with("None.\n"), "{none:?}");
}
