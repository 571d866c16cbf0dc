//! ProtectionService over the wire: what covers a database, what nearly does, and what cannot be read.
//! What became of last night's run is in `protection_last_night.rs`.

use std::time::Duration;

use serde_json::json;
use strongroom::proto::{
    CreatePlanRequest, CreateSelectionRequest, DeleteSelectionRequest, ExplainProtectionRequest,
    ExplainProtectionResponse, Finding, Match, ProtectionVerdict, Rule, Severity, TagCondition,
};
use tonic::Code;

use crate::{
    backups::{VAULT, aws_backup, prepare, prepared},
    harness::{LABS, World, reason, told},
};

const ROLE: &str = "AWSBackupDefaultServiceRole";

pub(crate) const CLUSTER: &str = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-billing";

/// A rule of the name into the vault, everything else default: daily at 05:00 UTC.
pub(crate) fn rule(name: &str) -> Rule {
    Rule { name: name.into(), vault: VAULT.into(), ..Default::default() }
}

/// A plan of the name with these rules.
pub(crate) async fn plan(world: &World, name: &str, rules: Vec<Rule>) {
    let plan = CreatePlanRequest { name: name.into(), rules, ..Default::default() };
    world.plans().create_plan(plan).await.unwrap();
}

/// A selection of a plan, by ARNs.
pub(crate) async fn select(world: &World, plan: &str, name: &str, resources: &[&str]) {
    select_by(
        world,
        plan,
        name,
        CreateSelectionRequest { resources: resources.iter().map(ToString::to_string).collect(), ..Default::default() },
    )
    .await;
}

/// A selection of a plan, by one tag.
pub(crate) async fn select_tagged(world: &World, plan: &str, name: &str, key: &str, value: &str) {
    let condition = TagCondition { key: key.into(), value: value.into(), ..Default::default() };
    let request =
        CreateSelectionRequest { r#match: Match::All.into(), conditions: vec![condition], ..Default::default() };
    select_by(world, plan, name, request).await;
}

async fn select_by(world: &World, plan: &str, name: &str, criteria: CreateSelectionRequest) {
    let request = CreateSelectionRequest { plan: plan.into(), name: name.into(), role: ROLE.into(), ..criteria };
    world.plans().create_selection(request).await.unwrap();
}

/// Why the database is protected, or not.
pub(crate) async fn explain(world: &World, resource: &str) -> ExplainProtectionResponse {
    let request = ExplainProtectionRequest { resource: resource.into(), ..Default::default() };
    world.protection().explain_protection(request).await.unwrap().into_inner()
}

pub(crate) fn codes(explained: &ExplainProtectionResponse) -> Vec<&str> {
    explained.findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub(crate) fn finding<'e>(explained: &'e ExplainProtectionResponse, code: &str) -> &'e Finding {
    let found = explained.findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("no {code} in {:#?}", explained.findings))
}

/// Seconds of a time on the wire.
pub(crate) fn seconds(time: &Option<prost_types::Timestamp>) -> i64 {
    time.as_ref().unwrap().seconds
}

pub(crate) fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// A world with the role, the vault and a plan `nightly` with a daily rule.
async fn world() -> World {
    let world = prepared().await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    world
}

#[tokio::test]
async fn a_database_that_was_backed_up_last_night_is_protected_and_says_by_what() {
    let world = world().await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    world.advance("PT6H").await;
    let explained = explain(&world, "rdspg-fcj-labs").await;
    assert_eq!((explained.verdict(), codes(&explained)), (ProtectionVerdict::Protected, vec![]), "{explained:#?}");
    let [covered] = &explained.coverage[..] else { panic!("{explained:#?}") };
    let names = [&covered.plan_name, &covered.rule_name, &covered.selection_name, &covered.vault_name];
    assert_eq!(names, ["nightly", "daily", "by-arn", VAULT]);
    assert_eq!(covered.vault_arn, "arn:aws:backup:us-east-1:123456789012:backup-vault:prod");
    assert_eq!(covered.scope.as_ref().unwrap().region, "us-east-1");
    assert_eq!(covered.selected_by, format!("resources[0] {LABS:?}"));
    assert_eq!(seconds(&covered.last_run_time), at("2026-03-02T05:00:00Z"));
    assert_eq!(seconds(&covered.next_run_time), at("2026-03-03T05:00:00Z"));
    assert!(covered.role_arn.ends_with(ROLE) && !covered.overruled && !covered.continuous);
    assert_eq!((covered.expected_interval_minutes, explained.expected_interval_minutes), (Some(1440), Some(1440)));
    let job = explained.last_job.clone().unwrap();
    assert_eq!(explained.last_successful_job, Some(job.clone()));
    let point = explained.last_recovery_point.clone().unwrap();
    assert_eq!(point.arn, job.recovery_point_arn);
    assert!(point.delete_time.is_some(), "with all that AWS tells of it: {point:?}");
    assert_eq!(explained.resource.unwrap().arn, LABS);
    let now = seconds(&explained.as_of) - at("2026-03-02T06:00:00Z");
    assert!((0..3600).contains(&now), "AWS's clock, not this machine's: {now}");
    assert!(explained.summary.starts_with("instance rdspg-fcj-labs is protected: "), "{}", explained.summary);
    assert!(explained.summary.ends_with("rule daily of plan nightly backs it up next at 2026-03-03T05:00:00Z"));
}

#[tokio::test]
async fn what_nothing_covers_says_so_and_what_to_do() {
    let world = prepared().await;
    let bare = explain(&world, LABS).await;
    assert_eq!(bare.verdict(), ProtectionVerdict::NotProtected);
    assert_eq!(codes(&bare), ["NOT_COVERED", "NO_RECOVERY_POINT"]);
    assert!(bare.summary.contains("is not protected: nothing backs rdspg-fcj-labs up: there are no backup plans"));
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "others", &["arn:aws:rds:us-east-1:123456789012:db:mysql-legacy"]).await;
    let others = explain(&world, LABS).await;
    assert_eq!((others.coverage.len(), others.near_misses.len()), (0, 0), "plainly another database");
    assert!(finding(&others, "NOT_COVERED").message.contains("the one selection there is does not select it"));
    assert!(finding(&others, "NOT_COVERED").action.contains("CreateSelection"));
}

#[tokio::test]
async fn a_tag_in_other_letters_is_a_near_miss_in_words() {
    let world = world().await;
    select_tagged(&world, "nightly", "by-tag", "Environment", "Development").await;
    let explained = explain(&world, "rdspg-analytics-dev").await;
    assert_eq!(explained.verdict(), ProtectionVerdict::NotProtected);
    let [near] = &explained.near_misses[..] else { panic!("{explained:#?}") };
    assert_eq!((near.plan_name.as_str(), near.selection_name.as_str()), ("nightly", "by-tag"));
    assert!(near.plan_arn.ends_with(&format!(":backup-plan:{}", near.plan_id)), "{near:?}");
    assert_eq!(near.scope.as_ref().unwrap().account, "123456789012");
    let [mismatch] = &near.mismatches[..] else { panic!("{near:?}") };
    assert_eq!((mismatch.code.as_str(), mismatch.field.as_str()), ("TAG_VALUE_DIFFERS_IN_CASE", "conditions[0]"));
    let words = r#"tag Environment is "development", wanted "Development""#;
    assert_eq!(mismatch.message, words);
    let action = &finding(&explained, "NOT_COVERED").action;
    assert_eq!(*action, format!("selection by-tag of plan nightly nearly selects it: {words}"));
}

#[tokio::test]
async fn a_type_that_the_region_opts_out_of_is_said() {
    let world = world().await;
    select_tagged(&world, "nightly", "by-tag", "Environment", "development").await;
    let out = aws_backup(&world).update_region_settings().resource_type_opt_in_preference("RDS", false);
    out.send().await.unwrap();
    let explained = explain(&world, "rdspg-analytics-dev").await;
    assert_eq!(explained.verdict(), ProtectionVerdict::NotProtected);
    assert_eq!(explained.near_misses[0].mismatches[0].code, "RESOURCE_TYPE_OPTED_OUT");
    let opted_out = finding(&explained, "RESOURCE_TYPE_OPTED_OUT");
    assert_eq!(opted_out.severity(), Severity::Error);
    assert!(opted_out.message.contains("opt out of RDS"), "{opted_out:?}");
    select(&world, "nightly", "by-arn", &["arn:aws:rds:us-east-1:123456789012:db:rdspg-analytics-dev"]).await;
    let named = explain(&world, "rdspg-analytics-dev").await;
    assert_eq!(named.coverage.len(), 1, "who names it is not asked");
    assert!(!codes(&named).contains(&"RESOURCE_TYPE_OPTED_OUT"));
}

#[tokio::test]
async fn an_instance_of_a_cluster_is_answered_for_by_its_cluster() {
    let world = world().await;
    select_tagged(&world, "nightly", "by-tag", "Environment", "production").await;
    world.advance("PT6H").await;
    let cluster = explain(&world, CLUSTER).await;
    assert_eq!((cluster.verdict(), codes(&cluster)), (ProtectionVerdict::Protected, vec![]), "{cluster:#?}");
    assert_eq!(explain(&world, "aurora-billing").await.resource, cluster.resource, "by its identifier");
    let member = explain(&world, "aurora-billing-1").await;
    assert_eq!((member.verdict(), codes(&member)), (ProtectionVerdict::Protected, vec!["CLUSTER_MEMBER"]));
    assert_eq!(member.resource.as_ref().unwrap().arn, CLUSTER);
    assert_eq!(member.last_recovery_point, cluster.last_recovery_point);
    assert!(member.summary.starts_with("cluster aurora-billing is protected"), "{}", member.summary);

    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "DescribeDBClusters", "rate": 1.0, "effect": denied})).await;
    let member = explain(&world, "arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1").await;
    assert_eq!(member.verdict(), ProtectionVerdict::Unknown);
    assert!(codes(&member).contains(&"CLUSTER_NOT_READ"), "{member:#?}");
}

#[tokio::test]
async fn what_covered_it_before_is_remembered() {
    let world = world().await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    world.advance("PT6H").await;
    let gone = DeleteSelectionRequest { plan: "nightly".into(), selection: "by-arn".into(), ..Default::default() };
    world.plans().delete_selection(gone).await.unwrap();
    let explained = explain(&world, LABS).await;
    assert_eq!(
        (explained.verdict(), codes(&explained)),
        (ProtectionVerdict::NotProtected, vec!["NOT_COVERED", "NO_LONGER_COVERED"])
    );
    let before = &finding(&explained, "NO_LONGER_COVERED").message;
    assert!(before.starts_with("rule daily of plan nightly covered it until 2026-03-02T05:00:00Z"), "{before}");
    assert!(explained.last_recovery_point.is_some());
}

#[tokio::test]
async fn what_aws_denies_is_a_finding_and_never_the_end_of_the_answer() {
    // What was read before a denial would be told for a while.
    let world = World::start_with(|config| config.aws.plans_age = Duration::ZERO).await;
    prepare(&world).await;
    plan(&world, "nightly", vec![rule("daily")]).await;
    select(&world, "nightly", "by-arn", &[LABS]).await;
    world.advance("PT6H").await;
    let deny = async |service: &str, operation: &str| {
        let error = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
        world.arm(json!({"service": service, "operation": operation, "rate": 1.0, "effect": error})).await;
    };
    deny("iam", "GetRole").await;
    let explained = explain(&world, LABS).await;
    assert_eq!(explained.verdict(), ProtectionVerdict::Protected, "the role did its work last night");
    let role = finding(&explained, "ROLE_NOT_READ");
    assert_eq!(role.severity(), Severity::Info);
    assert!(role.message.ends_with("could not be read: AWS denies iam:GetRole to Strongroom"), "{role:?}");
    assert_eq!(role.action, "operator: grant iam:GetRole to Strongroom's identity");

    for operation in ["DescribeBackupVault", "ListBackupJobs", "ListRecoveryPointsByResource", "DescribeRegionSettings"]
    {
        deny("backup", operation).await;
    }
    let explained = explain(&world, LABS).await;
    assert_eq!(explained.verdict(), ProtectionVerdict::AtRisk);
    let mut found = codes(&explained);
    found.sort_unstable();
    let expected =
        ["JOBS_NOT_READ", "RECOVERY_POINTS_NOT_READ", "REGION_SETTINGS_NOT_READ", "ROLE_NOT_READ", "VAULT_NOT_READ"];
    assert_eq!(found, expected);
    assert_eq!(explained.coverage.len(), 1);

    for (operation, code) in [
        ("GetBackupPlan", "PLAN_NOT_READ"),
        ("GetBackupSelection", "SELECTIONS_NOT_READ"),
        ("ListBackupPlans", "PLANS_NOT_READ"),
    ] {
        deny("backup", operation).await;
        let explained = explain(&world, LABS).await;
        assert_eq!(explained.verdict(), ProtectionVerdict::Unknown, "{operation}");
        assert!(codes(&explained).contains(&code), "{explained:#?}");
        assert!(!codes(&explained).contains(&"NOT_COVERED"), "nobody knows");
        assert!(explained.summary.starts_with("whether instance rdspg-fcj-labs is protected is not known: "));
    }
}

#[tokio::test]
async fn many_plans_are_asked_about_and_only_what_covers_is_read_in_full() {
    let world = prepared().await;
    for number in 0..40 {
        let name = format!("plan-{number:02}");
        plan(&world, &name, vec![rule("daily")]).await;
        select(&world, &name, "one", &[&format!("arn:aws:rds:us-east-1:123456789012:db:other-{number}")]).await;
    }
    select(&world, "plan-39", "this", &[LABS]).await;
    world.arm(json!({"service": "backup", "operation": "GetBackupPlan", "rate": 1.0, "effect": {"delay_ms": 0}})).await;
    world
        .arm(json!({"service": "backup", "operation": "GetBackupSelection", "rate": 1.0, "effect": {"delay_ms": 0}}))
        .await;
    let explained = explain(&world, LABS).await;
    assert_eq!(explained.coverage.len(), 1);
    assert_eq!(explained.coverage[0].plan_name, "plan-39");
    assert_eq!(world.strikes().await, [1, 41], "the rules of one plan, and every selection");
}

#[tokio::test]
async fn only_a_database_that_cannot_be_read_fails_the_call() {
    let world = World::start().await;
    let ask = async |resource: &str| {
        let request = ExplainProtectionRequest { resource: resource.into(), ..Default::default() };
        world.protection().explain_protection(request).await.unwrap_err()
    };
    assert_eq!(reason(&ask("nowhere").await), (Code::NotFound, "RESOURCE_NOT_FOUND".into()));
    for text in ["", "a_b", "arn:aws:rds:us-east-1:123456789012:snapshot:s", &"x".repeat(100_000)] {
        let refused = told(&ask(text).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["resource".to_owned()]));
    }
    let denied = json!({"error": {"status": 403, "code": "AccessDenied", "message": "no"}});
    world.arm(json!({"service": "rds", "operation": "DescribeDBInstances", "rate": 1.0, "effect": denied})).await;
    assert_eq!(reason(&ask(LABS).await), (Code::PermissionDenied, "AWS_ACCESS_DENIED".into()));
}
