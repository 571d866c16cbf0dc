//! GetCoverage and ListProtection over the wire: told from the last look, and right again as soon as a job has ended.

use std::time::Duration;

use serde_json::json;
use strongroom::proto::{
    DatabaseProtection, DeleteSelectionRequest, GetCoverageRequest, GetCoverageResponse, ListProtectionRequest,
    ListProtectionResponse, ProtectionFilter, ProtectionOrder, ProtectionVerdict, ResourceKind, Rule, Scope,
    ScopeState, TagResourceRequest, UntagResourceRequest,
};
use tokio::time::timeout;
use tonic::Code;

use crate::{
    backups::{VAULT, aws_rds, backup_of, prepare, start},
    cli::done,
    harness::{LABS, PATIENCE, World, cover, reason, told},
    protection::{CLUSTER, at, plan, rule, seconds, select, select_tagged},
};

const LEGACY: &str = "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy";

/// Of everything.
pub(crate) const ASKED: GetCoverageRequest = GetCoverageRequest { scope: None, all_scopes: false, filter: None };

pub(crate) async fn coverage(world: &World, request: GetCoverageRequest) -> GetCoverageResponse {
    world.protection().get_coverage(request).await.unwrap().into_inner()
}

async fn listed(world: &World, request: ListProtectionRequest) -> ListProtectionResponse {
    world.protection().list_protection(request).await.unwrap().into_inner()
}

fn filtered(filter: ProtectionFilter) -> ListProtectionRequest {
    ListProtectionRequest { filter: Some(filter), ..Default::default() }
}

/// Once the world was looked at as of that second, and its jobs were read.
pub(crate) async fn looked(world: &World, since: i64) -> GetCoverageResponse {
    until(world, |coverage| coverage.as_of.as_ref().is_some_and(|as_of| as_of.seconds >= since)).await
}

/// A ledger in memory has one connection: on a machine that is busy, who waits for it may wait too long.
fn not_yet(status: &tonic::Status) {
    assert!(["SCOPE_NOT_FOLLOWED", "LEDGER_UNAVAILABLE"].contains(&reason(status).1.as_str()), "{status:?}");
}

async fn until(world: &World, wanted: impl Fn(&GetCoverageResponse) -> bool + Send + Sync) -> GetCoverageResponse {
    let asked = async {
        loop {
            match world.protection().get_coverage(ASKED).await {
                Ok(answer) if wanted(answer.get_ref()) => return answer.into_inner(),
                Ok(_) => {}
                Err(status) => not_yet(&status),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE * 3, asked).await.expect("it is never so")
}

/// A database once it is as wanted.
pub(crate) async fn database(
    world: &World,
    arn: &str,
    wanted: impl Fn(&DatabaseProtection) -> bool + Send + Sync,
) -> DatabaseProtection {
    let request = filtered(ProtectionFilter { resource: arn.into(), ..Default::default() });
    let asked = async {
        loop {
            match world.protection().list_protection(request.clone()).await {
                Ok(answer) => {
                    if let Some(found) = answer.into_inner().databases.pop().filter(|it| wanted(it)) {
                        return found;
                    }
                }
                Err(status) => not_yet(&status),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE * 3, asked).await.expect("it is never so")
}

fn names(answer: &ListProtectionResponse) -> Vec<&str> {
    answer.databases.iter().map(|it| it.resource_name.as_str()).collect()
}

/// A plan `nightly` that covers the workshop's database, one whose backups fail, and a cluster.
async fn covered() -> World {
    let world = World::start_with(cover).await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "by-arn", &[LABS, LEGACY, CLUSTER]).await;
    database(&world, LABS, |it| !it.coverage.is_empty()).await;
    world
}

#[tokio::test]
async fn every_database_is_told_with_its_backups_and_counted_by_its_verdict() {
    let world = covered().await;
    let before = coverage(&world, ASKED).await;
    assert!(before.never_ran_count >= 3 && before.protected_count == 0, "{before:?}");
    world.advance("PT6H").await;
    let labs = database(&world, LABS, |it| it.last_success_time.is_some() && !it.never_ran).await;
    looked(&world, at("2026-03-02T06:00:00Z")).await;
    let counted = until(&world, |it| it.scopes[0].state() == ScopeState::Current).await;
    assert_eq!(counted.scopes.len(), 1);
    let sum = counted.protected_count + counted.at_risk_count + counted.not_protected_count + counted.unknown_count;
    assert_eq!((sum, counted.matching_count), (counted.database_count, counted.database_count));
    assert_eq!(seconds(&labs.last_success_time), at("2026-03-02T05:00:00Z"));
    assert_eq!((labs.kind(), labs.engine.as_str()), (ResourceKind::DbInstance, "postgres"));
    assert_eq!((labs.coverage.len(), labs.coverage[0].rule_name.as_str()), (1, "daily"));
    assert_eq!((labs.coverage[0].vault_name.as_str(), labs.expected_interval_minutes), (VAULT, Some(1_440)));
    let labs = database(&world, LABS, |it| seconds(&it.next_run_time) == at("2026-03-03T05:00:00Z")).await;
    assert_eq!(labs.verdict(), ProtectionVerdict::Protected, "{labs:?}");
    assert!(labs.last_success_age_minutes.unwrap() >= 60 && labs.rpo_ratio.unwrap() < 0.1, "{labs:?}");

    let legacy = database(&world, LEGACY, |it| it.consecutive_failures > 0).await;
    assert_eq!((legacy.verdict(), legacy.consecutive_failures), (ProtectionVerdict::AtRisk, 1));
    let failed = legacy.last_failure.unwrap();
    assert!(failed.message.contains("automated backup window"), "{failed:?}");
    assert_eq!(failed.finding.unwrap().code, "JOB_FAILED");
    assert!(legacy.findings.iter().any(|finding| finding.code == "JOB_FAILED") && !legacy.never_ran);
    // An instance of a cluster is told with its cluster's.
    let member =
        database(&world, "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1", |it| it.last_success_time.is_some())
            .await;
    assert_eq!((member.backed_up_arn.as_str(), member.coverage.len()), (CLUSTER, 1));

    let all = listed(&world, ListProtectionRequest { page_size: 1000, ..Default::default() }).await;
    assert_eq!(i32::try_from(all.databases.len()).unwrap(), counted.database_count);
    assert_eq!(all.databases[0].verdict(), ProtectionVerdict::NotProtected, "the worst first");
    for (filter, expected) in [
        (ProtectionFilter { finding_codes: vec!["JOB_FAILED".into()], ..Default::default() }, &["mysql-legacy"][..]),
        (ProtectionFilter { least_consecutive_failures: 1, ..Default::default() }, &["mysql-legacy"]),
        (ProtectionFilter { resource: "rdspg-fcj-labs".into(), ..Default::default() }, &["rdspg-fcj-labs"]),
        (ProtectionFilter { plan: "nightly".into(), engine: "mysql".into(), ..Default::default() }, &["mysql-legacy"]),
        (
            ProtectionFilter {
                rule: "daily".into(),
                vault: VAULT.into(),
                kinds: vec![ResourceKind::DbCluster.into()],
                ..Default::default()
            },
            &["aurora-billing"],
        ),
        (ProtectionFilter { plan: "other".into(), ..Default::default() }, &[]),
        (ProtectionFilter { least_rpo_ratio: 1.5, ..Default::default() }, &[]),
        (ProtectionFilter { owner: "nobody".into(), ..Default::default() }, &[]),
        (ProtectionFilter { never_ran: true, ..Default::default() }, &[]),
    ] {
        let answer = listed(&world, filtered(filter.clone())).await;
        assert_eq!(names(&answer), expected, "{filter:?}");
        let counted = coverage(&world, GetCoverageRequest { filter: Some(filter), ..ASKED }).await;
        assert_eq!(counted.matching_count, i32::try_from(expected.len()).unwrap());
    }
    let table = done(&world, &["protection", "list", "--verdict", "protected"]).await;
    assert!(table.contains("rdspg-fcj-labs") && !table.contains("mysql-legacy"), "{table}");
    let counts = done(&world, &["protection", "coverage"]).await;
    assert!(counts.contains("JOB_FAILED"), "{counts}");
}

#[tokio::test]
async fn pages_go_on_in_their_order_and_a_token_of_another_order_is_refused() {
    let world = covered().await;
    for order in [ProtectionOrder::Arn, ProtectionOrder::WorstFirst, ProtectionOrder::NextRun] {
        let request = ListProtectionRequest { order: order.into(), page_size: 3, ..Default::default() };
        let mut told = Vec::new();
        let mut page = listed(&world, request.clone()).await;
        loop {
            told.extend(page.databases.iter().map(|it| it.arn.clone()));
            if page.next_page_token.is_empty() {
                break;
            }
            let token = page.next_page_token.clone();
            let next = ListProtectionRequest { page_token: token.clone(), ..request.clone() };
            page = listed(&world, next).await;
            let other = ListProtectionRequest { page_token: token, page_size: 3, order: 2, ..Default::default() };
            let status = world.protection().list_protection(other).await.unwrap_err();
            assert_eq!(told_fields(&status), ["page_token"]);
        }
        let whole = ListProtectionRequest { order: order.into(), page_size: 1000, ..Default::default() };
        let whole: Vec<_> = listed(&world, whole).await.databases.into_iter().map(|it| it.arn).collect();
        assert_eq!(told, whole, "{order:?}");
    }
}

fn told_fields(status: &tonic::Status) -> Vec<String> {
    told(status).fields
}

/// A world with role and vault whose databases are looked at once, and then by what happens.
async fn looked_at_once() -> World {
    let world = World::start_with(|config| {
        cover(config);
        config.feed.coverage_interval = Duration::from_secs(3600);
    })
    .await;
    prepare(&world).await;
    world
}

#[tokio::test]
async fn a_backup_that_has_ended_shows_without_another_look() {
    let world = looked_at_once().await;
    database(&world, LABS, |_| true).await;
    world.asked_for().await;
    start(&world, backup_of(LABS)).await;
    world.advance("PT30M").await;
    let labs = database(&world, LABS, |it| it.last_success_time.is_some()).await;
    assert_eq!(labs.verdict(), ProtectionVerdict::NotProtected, "it was looked at before anything covered it");
    let asked = world.asked_for().await;
    assert!(!asked.iter().any(|(_, operation)| operation == "ListBackupPlans"), "{asked:?}");
}

#[tokio::test]
async fn what_is_changed_here_is_looked_at_by_itself() {
    let world = looked_at_once().await;
    database(&world, LABS, |_| true).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select_tagged(&world, "nightly", "by-tag", "backup", "nightly").await;
    let is_covered = |it: &DatabaseProtection| it.coverage.len() == 1;
    let tags = || [("backup".to_owned(), "nightly".to_owned())].into();
    let tag = TagResourceRequest { resource: LABS.into(), tags: tags(), ..Default::default() };
    world.asked_for().await;
    world.resources().tag_resource(tag).await.unwrap();
    database(&world, LABS, is_covered).await;
    let asked = world.asked_for().await;
    let seen = asked.iter().filter(|(_, operation)| operation.starts_with("ListBackupPlans"));
    assert_eq!(seen.count(), 0, "{asked:?}");
    // By an identifier, which a cluster may have; and a selection that is new, or gone, of the plan alone.
    let tag = TagResourceRequest { resource: "aurora-billing".into(), tags: tags(), ..Default::default() };
    world.resources().tag_resource(tag).await.unwrap();
    database(&world, CLUSTER, is_covered).await;
    select(&world, "nightly", "by-arn", &[LEGACY]).await;
    database(&world, LEGACY, is_covered).await;
    let delete = DeleteSelectionRequest { plan: "nightly".into(), selection: "by-arn".into(), ..Default::default() };
    world.plans().delete_selection(delete).await.unwrap();
    database(&world, LEGACY, |it| it.verdict() == ProtectionVerdict::NotProtected).await;
    database(&world, LABS, is_covered).await;
    let untag = UntagResourceRequest { resource: LABS.into(), tag_keys: vec!["backup".into()], ..Default::default() };
    world.resources().untag_resource(untag).await.unwrap();
    database(&world, LABS, |it| it.verdict() == ProtectionVerdict::NotProtected).await;
}

/// Prints what 10,000 databases under 50 plans cost. Run with `--ignored --nocapture`, and better in a release build.
#[tokio::test]
#[ignore = "it holds nothing: it measures"]
async fn ten_thousand_databases_under_fifty_plans() {
    let world = looked_at_once().await;
    // Nothing is looked at while jobs cannot be read.
    world.arm(json!({"operation": "ListBackupJobs", "rate": 1.0, "effect": "throttle"})).await;
    let rds = aws_rds(&world);
    for tens in 0..1_000 {
        let make = (0..10).map(|one| {
            let create =
                rds.create_db_instance().db_instance_identifier(format!("many-{tens}-{one}")).engine("postgres");
            let create = create.db_instance_class("db.t3.micro").allocated_storage(20).master_username("app");
            let tag =
                aws_sdk_rds::types::Tag::builder().key("tier").value(format!("{}", (tens * 10 + one) % 50)).build();
            create.master_user_password("not-a-secret").tags(tag).send()
        });
        futures_util::future::try_join_all(make).await.unwrap();
    }
    for number in 0..50 {
        let name = format!("plan-{number}");
        plan(&world, &name, vec![rule("daily"), Rule { schedule: "cron(0 12 ? * SUN *)".into(), ..rule("weekly") }])
            .await;
        select_tagged(&world, &name, "by-tag", "tier", &number.to_string()).await;
    }
    world.advance("PT1H").await;
    world.asked_for().await;
    world.end_faults().await;
    let begun = std::time::Instant::now();
    let counted = until(&world, |it| it.database_count > 10_000).await;
    let took = begun.elapsed();
    let asked = world.asked_for().await;
    let calls = asked.iter().filter(|(_, operation)| !operation.ends_with("Jobs")).count();
    println!("{} databases under 50 plans: {calls} calls of AWS, {took:?} to the answer", counted.database_count);
    let arn = "arn:aws:rds:us-east-1:123456789012:db:rdspg-paused";
    let tags = [("tier".to_owned(), "7".to_owned())].into();
    let begun = std::time::Instant::now();
    let tag = TagResourceRequest { resource: arn.into(), tags, ..Default::default() };
    world.resources().tag_resource(tag).await.unwrap();
    database(&world, arn, |it| it.coverage.len() == 2).await;
    let took = begun.elapsed();
    let asked: Vec<_> = world.asked_for().await.into_iter().filter(|(_, it)| !it.ends_with("Jobs")).collect();
    println!("one changed tag: {took:?} to the answer, and with the change itself {asked:?}");
    for order in [ProtectionOrder::WorstFirst, ProtectionOrder::RpoRatio] {
        let request = ListProtectionRequest { order: order.into(), page_size: 100, ..Default::default() };
        let begun = std::time::Instant::now();
        listed(&world, request).await;
        println!("a page of 100 in the order {order:?}: {:?}", begun.elapsed());
    }
    let begun = std::time::Instant::now();
    coverage(&world, ASKED).await;
    println!("GetCoverage: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_look_that_fails_is_none_and_the_last_one_stays_and_says_so() {
    let world = World::start_with(|config| {
        cover(config);
        config.aws.max_attempts = 1;
    })
    .await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    database(&world, LABS, |it| !it.coverage.is_empty()).await;
    let before = coverage(&world, ASKED).await;
    for operation in ["DescribeDBInstances", "ListBackupPlans", "GetBackupSelection"] {
        world.arm(json!({"operation": operation, "next": 1_000_000, "effect": "throttle"})).await;
        let stale = until(&world, |it| it.scopes[0].state() == ScopeState::Stale && !it.findings.is_empty()).await;
        assert_eq!((stale.database_count, stale.at_risk_count), (before.database_count, before.at_risk_count));
        assert!(stale.unknown_count == 0, "{operation}: {stale:?}");
        world.end_faults().await;
        let again = until(&world, |it| it.scopes[0].state() == ScopeState::Current).await;
        assert_eq!(again.findings, [], "{operation}");
    }
}

#[tokio::test]
async fn a_database_that_is_deleted_is_gone_and_one_made_anew_has_nothing_of_the_old_one() {
    let world = covered().await;
    world.advance("PT6H").await;
    database(&world, LABS, |it| it.last_success_time.is_some()).await;
    let before = looked(&world, at("2026-03-02T06:00:00Z")).await;
    let rds = aws_rds(&world);
    let delete = rds.delete_db_instance().db_instance_identifier("rdspg-fcj-labs").skip_final_snapshot(true);
    delete.send().await.unwrap();
    world.advance("PT1H").await;
    until(&world, |it| it.database_count == before.database_count - 1).await;
    let create = rds.create_db_instance().db_instance_identifier("rdspg-fcj-labs").engine("postgres");
    let create = create.db_instance_class("db.t3.micro").allocated_storage(20).master_username("postgres");
    create.master_user_password("not-a-secret").send().await.unwrap();
    world.advance("PT1H").await;
    let anew = database(&world, LABS, |it| !it.coverage.is_empty()).await;
    assert!(anew.never_ran && anew.last_success_time.is_none(), "{anew:?}");
}

#[tokio::test]
async fn what_is_not_followed_or_was_not_looked_at_is_refused_and_never_told_by_zeros() {
    let world = World::start_with(|config| {
        cover(config);
        config.aws.max_attempts = 1;
    })
    .await;
    database(&world, LABS, |_| true).await;
    let elsewhere = Some(Scope { region: "eu-west-1".into(), ..Default::default() });
    let not_followed = (Code::FailedPrecondition, "SCOPE_NOT_FOLLOWED".to_owned());
    let asked = GetCoverageRequest { scope: elsewhere.clone(), ..ASKED };
    assert_eq!(reason(&world.protection().get_coverage(asked).await.unwrap_err()), not_followed);
    let asked = ListProtectionRequest { scope: elsewhere, ..Default::default() };
    assert_eq!(reason(&world.protection().list_protection(asked).await.unwrap_err()), not_followed);
    let all = coverage(&world, GetCoverageRequest { all_scopes: true, ..ASKED }).await;
    assert_eq!((all.scopes.len(), all.database_count), (1, coverage(&world, ASKED).await.database_count));
    let nobody = World::start().await;
    assert_eq!(reason(&nobody.protection().get_coverage(ASKED).await.unwrap_err()), not_followed);
}
