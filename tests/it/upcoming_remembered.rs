//! ListUpcomingRuns from the last look: the same as AWS tells, and said to be from when.

use std::time::Duration;

use strongroom::proto::{Lifecycle, ListUpcomingRunsRequest, ListUpcomingRunsResponse, Read, Rule, Scope, ScopeState};
use tokio::time::timeout;
use tonic::Code;

use crate::{
    backups::{aws_backup, prepare},
    harness::{LABS, PATIENCE, World, cover, reason, told},
    protection::{CLUSTER, at, plan, rule, seconds, select, select_tagged},
};

const PAUSED: &str = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";

/// A week of everything.
const ASKED: ListUpcomingRunsRequest = ListUpcomingRunsRequest {
    scope: None,
    hours: 168,
    plan: String::new(),
    resource: String::new(),
    page_size: 0,
    page_token: String::new(),
    all_scopes: false,
    read: 0,
};

async fn upcoming(world: &World, request: ListUpcomingRunsRequest) -> ListUpcomingRunsResponse {
    world.protection().list_upcoming_runs(request).await.unwrap().into_inner()
}

/// Every page.
async fn all(world: &World, read: Read, request: &ListUpcomingRunsRequest) -> ListUpcomingRunsResponse {
    let mut all = upcoming(world, ListUpcomingRunsRequest { read: read.into(), ..request.clone() }).await;
    while !all.next_page_token.is_empty() {
        let page_token = std::mem::take(&mut all.next_page_token);
        let request = ListUpcomingRunsRequest { read: read.into(), page_token, ..request.clone() };
        let page = upcoming(world, request).await;
        assert_eq!(page.read(), read, "a list goes on where it began");
        all.next_page_token = page.next_page_token;
        all.runs.extend(page.runs);
    }
    all
}

/// What the ledger and AWS tell, once it is the same: a look may be on its way.
async fn the_same(world: &World, request: ListUpcomingRunsRequest) -> ListUpcomingRunsResponse {
    let mut both = Vec::new();
    let asked = async {
        loop {
            both.clear();
            for read in [Read::Ledger, Read::Live] {
                both.push(all(world, read, &request).await);
            }
            if both[0].runs == both[1].runs && both[0].findings == both[1].findings {
                return both.remove(0);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(PATIENCE, asked).await {
        Ok(same) => same,
        Err(_) => panic!("{request:?} is answered otherwise: {both:#?}"),
    }
}

/// The days on which the clocks change, with rules of many sorts.
async fn world(start: &str, tuesday: &str) -> World {
    let start = start.to_owned();
    let world = World::start_with(|config| {
        cover(config);
        config.sandbox.start = Some(start.parse().unwrap());
    })
    .await;
    prepare(&world).await;
    let timed = |name: &str, schedule: &str, zone: &str| Rule {
        schedule: schedule.into(),
        schedule_timezone: zone.into(),
        ..rule(name)
    };
    let tuesday = format!("cron(0 5 ? * {tuesday} *)");
    let kept = Some(Lifecycle { delete_after_days: Some(365), ..Default::default() });
    let rules = vec![
        timed("half-past-two", "cron(30 2 ? * * *)", "Europe/Berlin"),
        timed("the-last-day", "cron(0 5 L * ? *)", ""),
        timed("a-workday", "cron(0 5 31W * ? *)", "America/New_York"),
        Rule { lifecycle: kept, start_window_minutes: Some(120), ..timed("a-tuesday", &tuesday, "") },
        Rule { enable_continuous_backup: true, ..timed("continuous", "cron(0 3 ? * * *)", "") },
        rule("daily"),
    ];
    plan(&world, "many", rules).await;
    select(&world, "many", "by-arn", &[LABS, CLUSTER, PAUSED]).await;
    select_tagged(&world, "many", "by-tag", "Environment", "development").await;
    plan(&world, "production", vec![rule("daily"), timed("weekly", "cron(30 5 ? * SUN *)", "")]).await;
    select_tagged(&world, "production", "by-tag", "Environment", "production").await;
    plan(&world, "idle", vec![rule("daily")]).await;
    let has_looked = async {
        loop {
            let request = ListUpcomingRunsRequest { plan: "idle".into(), read: Read::Ledger.into(), ..ASKED };
            if world.protection().list_upcoming_runs(request).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, has_looked).await.expect("it is never looked at");
    world
}

#[tokio::test]
async fn what_the_last_look_tells_is_what_aws_tells() {
    for (start, tuesday) in [("2026-03-27T12:00:00Z", "TUE#5"), ("2026-10-24T12:00:00Z", "TUE#4")] {
        let world = world(start, tuesday).await;
        let whole = the_same(&world, ASKED).await;
        let codes = whole.runs.iter().flat_map(|run| &run.findings).map(|it| it.code.as_str());
        let codes: std::collections::BTreeSet<&str> = codes.collect();
        assert!(codes.contains("RULE_OVERRULED") && codes.contains("DATABASE_NOT_AVAILABLE"), "{codes:?}");
        let named = |name: &str| whole.runs.iter().filter(|run| run.rule_name == name).count();
        assert_eq!(["the-last-day", "a-workday", "a-tuesday"].map(named), [1, 1, 1]);
        for request in [
            ListUpcomingRunsRequest { page_size: 7, ..ASKED },
            ListUpcomingRunsRequest { hours: 30, plan: "production".into(), ..ASKED },
            ListUpcomingRunsRequest { plan: "idle".into(), ..ASKED },
            ListUpcomingRunsRequest { resource: "rdspg-fcj-labs".into(), ..ASKED },
            ListUpcomingRunsRequest { resource: LABS.into(), plan: "many".into(), ..ASKED },
            // For an instance of a cluster, the cluster's.
            ListUpcomingRunsRequest { resource: "aurora-billing-1".into(), ..ASKED },
        ] {
            the_same(&world, request).await;
        }
        // Runs are told from now on, though it was looked a while ago.
        world.advance("PT30H").await;
        the_same(&world, ASKED).await;
        let out = aws_backup(&world).update_region_settings().resource_type_opt_in_preference("RDS", false);
        out.send().await.unwrap();
        let told = the_same(&world, ASKED).await;
        let is_passed_over = |it: &strongroom::proto::Finding| it.code == "RESOURCE_TYPE_OPTED_OUT";
        assert!(told.runs.iter().any(|run| run.findings.iter().any(is_passed_over)), "{told:?}");
    }
}

#[tokio::test]
async fn where_it_was_not_looked_aws_is_asked_and_nothing_is_told_by_an_empty_list() {
    let world = world("2026-03-02T00:00:00Z", "TUE#1").await;
    let told_by = async |request| upcoming(&world, request).await.read();
    let remembered = upcoming(&world, ASKED).await;
    assert_eq!((remembered.read(), remembered.scopes.len()), (Read::Ledger, 1));
    assert_ne!(remembered.scopes[0].state(), ScopeState::Unspecified);
    assert_eq!(remembered.as_of, remembered.scopes[0].as_of);
    assert!(seconds(&remembered.as_of) >= at("2026-03-02T00:00:00Z"));
    let everywhere = upcoming(&world, ListUpcomingRunsRequest { all_scopes: true, ..ASKED }).await;
    assert_eq!((everywhere.read(), everywhere.runs.len()), (Read::Ledger, remembered.runs.len()));
    assert_eq!(told_by(ListUpcomingRunsRequest { read: Read::Live.into(), ..ASKED }).await, Read::Live);
    // Another region is not followed.
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    assert_eq!(told_by(ListUpcomingRunsRequest { scope: elsewhere.clone(), ..ASKED }).await, Read::Live);
    let refused = async |request| world.protection().list_upcoming_runs(request).await.unwrap_err();
    let there = ListUpcomingRunsRequest { scope: elsewhere.clone(), read: Read::Ledger.into(), ..ASKED };
    assert_eq!(reason(&refused(there).await), (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".into()));
    // What was not there when it was looked at, AWS knows best; the ledger alone says that it knows nothing of it.
    for read in [Read::Unspecified, Read::Ledger] {
        let named = ListUpcomingRunsRequest { plan: "nowhere".into(), read: read.into(), ..ASKED };
        assert_eq!(reason(&refused(named).await), (Code::NotFound, "PLAN_NOT_FOUND".into()));
        let named = ListUpcomingRunsRequest { resource: "nowhere".into(), read: read.into(), ..ASKED };
        assert_eq!(reason(&refused(named).await), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    }
    let live = ListUpcomingRunsRequest { all_scopes: true, read: Read::Live.into(), ..ASKED };
    assert_eq!(told(&refused(live).await).fields, ["all_scopes"]);
    let both = ListUpcomingRunsRequest { all_scopes: true, scope: elsewhere, ..ASKED };
    assert_eq!(told(&refused(both).await).fields, ["all_scopes"]);
}

#[tokio::test]
async fn a_change_through_the_server_shows_before_the_next_look() {
    let world = World::start_with(|config| {
        cover(config);
        config.feed.coverage_interval = Duration::from_secs(3_600);
    })
    .await;
    prepare(&world).await;
    let runs = async |wanted: usize| {
        let asked = async {
            loop {
                let request = ListUpcomingRunsRequest { hours: 24, read: Read::Ledger.into(), ..ASKED };
                let told = world.protection().list_upcoming_runs(request).await;
                if told.is_ok_and(|told| told.get_ref().runs.len() == wanted) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, asked).await.expect("it never shows");
    };
    runs(0).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    runs(1).await;
}
