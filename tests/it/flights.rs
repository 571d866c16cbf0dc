//! Equal reads in flight are sent once, but none on which a change decides; and explanations read plans once for many.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use strongroom::{
    config::Config,
    proto::{
        CreateVaultRequest, DeleteSelectionRequest, ExplainProtectionRequest, GetVaultRequest, ListVaultsRequest,
        LockVaultRequest, ProtectionVerdict, StartBackupRequest, UnlockVaultRequest,
    },
};
use tonic::{Code, Request, Status};

use crate::{
    backups::{VAULT, aws_backup, backup_of, prepared, start},
    harness::{LABS, PATIENCE, World, reason, request_id},
    protection::{explain, plan, rule, select},
};

/// Requests that AWS was sent, by operation.
async fn requests(world: &World) -> BTreeMap<String, u64> {
    let url = format!("{}/_sandbox/requests", world.sandbox());
    let told: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    serde_json::from_value(told["by_operation"].clone()).unwrap()
}

async fn requests_of(world: &World, operation: &str) -> u64 {
    requests(world).await.get(operation).copied().unwrap_or_default()
}

/// Until AWS was sent so many of an operation.
async fn until_sent(world: &World, operation: &str, count: u64) {
    let sent = async {
        while requests_of(world, operation).await < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, sent).await.unwrap_or_else(|_| panic!("{operation} is not sent {count} times"));
}

async fn slow(world: &World, operation: &str, milliseconds: u64) {
    world.arm(json!({"operation": operation, "rate": 1.0, "effect": {"delay_ms": milliseconds}})).await;
}

/// One connection may have every place.
fn roomy(config: &mut Config) {
    config.server.max_share_per_connection = 100;
    config.server.max_share_per_address = 100;
    config.server.connections.max_streams_per_connection = 1024;
}

async fn with_vault(world: World) -> World {
    let vault = CreateVaultRequest { name: VAULT.into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    world
}

fn get(name: &str) -> GetVaultRequest {
    GetVaultRequest { vault: name.into(), ..Default::default() }
}

#[tokio::test]
async fn a_thousand_equal_reads_cost_at_most_ten_requests_while_aws_is_slow() {
    let world = with_vault(World::start_with(roomy).await).await;
    slow(&world, "DescribeBackupVault", 3000).await;
    slow(&world, "ListTags", 3000).await;
    let before: u64 = requests(&world).await.values().sum();
    let reads = (0..1000).map(|_| {
        let mut vaults = world.vaults();
        async move { vaults.get_vault(get(VAULT)).await }
    });
    for answer in join_all(reads).await {
        assert_eq!(answer.unwrap().into_inner().vault.unwrap().name, VAULT);
    }
    let sent = requests(&world).await.values().sum::<u64>() - before;
    assert!((2..=10).contains(&sent), "{sent}: {:?}", requests(&world).await);
}

#[tokio::test]
async fn a_vault_and_its_tags_are_asked_for_together() {
    let world = with_vault(World::start().await).await;
    let before = requests_of(&world, "backup:ListTags").await;
    slow(&world, "DescribeBackupVault", 60_000).await;
    let (mut vaults, request) = (world.vaults(), get(VAULT));
    tokio::select! {
        answer = vaults.get_vault(request) => panic!("{answer:?}"),
        () = until_sent(&world, "backup:ListTags", before + 1) => {}
    }
}

#[tokio::test]
async fn what_a_change_decides_on_is_read_anew_though_the_same_read_is_in_flight() {
    let world = with_vault(World::start().await).await;
    let before = requests_of(&world, "backup:DescribeBackupVault").await;
    // The first one hangs; whoever joined it would hang too.
    world.arm(json!({"operation": "DescribeBackupVault", "next": 1, "effect": {"delay_ms": 60_000}})).await;
    let (mut hanging, mut vaults) = (world.vaults(), world.vaults());
    let decided = async {
        until_sent(&world, "backup:DescribeBackupVault", before + 1).await;
        let lock = LockVaultRequest { vault: VAULT.into(), min_retention_days: Some(7), ..Default::default() };
        vaults.lock_vault(LockVaultRequest { validate_only: true, ..lock.clone() }).await.unwrap();
        vaults.lock_vault(lock).await.unwrap();
        vaults.unlock_vault(UnlockVaultRequest { vault: VAULT.into(), ..Default::default() }).await.unwrap();
    };
    tokio::select! {
        answer = hanging.get_vault(get(VAULT)) => panic!("{answer:?}"),
        () = decided => {}
    }
}

#[tokio::test]
async fn who_has_changed_something_is_never_told_what_was_before() {
    let world = World::start().await;
    let mut vaults = world.vaults();
    vaults.list_vaults(ListVaultsRequest::default()).await.unwrap();
    let before = requests_of(&world, "backup:ListBackupVaults").await;
    world.arm(json!({"operation": "ListBackupVaults", "next": 1, "effect": {"delay_ms": 60_000}})).await;
    let mut hanging = world.vaults();
    let changed = async {
        until_sent(&world, "backup:ListBackupVaults", before + 1).await;
        vaults.create_vault(CreateVaultRequest { name: VAULT.into(), ..Default::default() }).await.unwrap();
        vaults.list_vaults(ListVaultsRequest::default()).await.unwrap().into_inner().vaults
    };
    tokio::select! {
        answer = hanging.list_vaults(ListVaultsRequest::default()) => panic!("{answer:?}"),
        vaults = changed => assert_eq!(vaults.len(), 1),
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "callers of their own, which end with the test")]
async fn who_hangs_up_takes_no_answer_from_those_who_joined() {
    let world = with_vault(World::start_with(roomy).await).await;
    slow(&world, "DescribeBackupVault", 1500).await;
    let before = requests_of(&world, "backup:DescribeBackupVault").await;
    let mut first = world.vaults();
    let leader = tokio::spawn(async move { first.get_vault(get(VAULT)).await });
    until_sent(&world, "backup:DescribeBackupVault", before + 1).await;
    let followers = (0..20).map(|_| {
        let mut vaults = world.vaults();
        async move { vaults.get_vault(get(VAULT)).await }
    });
    let followers = tokio::spawn(join_all(followers.collect::<Vec<_>>()));
    tokio::task::yield_now().await;
    leader.abort();
    assert!(followers.await.unwrap().iter().all(Result::is_ok));
}

#[tokio::test]
async fn an_error_that_many_share_is_told_to_each_in_the_words_of_their_own_call() {
    let world = World::start().await;
    slow(&world, "DescribeBackupVault", 500).await;
    let (mut vaults, mut points, mut again) = (world.vaults(), world.recovery_points(), world.vaults());
    let policy = strongroom::proto::GetVaultAccessPolicyRequest { vault: "prdo".into(), ..Default::default() };
    let (vault, of_policy, other) = tokio::join!(
        again.get_vault(get("prdo")),
        async { vaults.get_vault_access_policy(policy).await },
        points.list_recovery_points(strongroom::proto::ListRecoveryPointsRequest {
            vault: "prdo".into(),
            ..Default::default()
        }),
    );
    let told = |status: Status| {
        assert!(status.message().contains("vault prdo does not exist"), "{status:?}");
        reason(&status)
    };
    let missing = (Code::NotFound, "VAULT_NOT_FOUND".to_owned());
    assert_eq!(
        [told(vault.unwrap_err()), told(of_policy.unwrap_err()), told(other.unwrap_err())],
        [missing.clone(), missing.clone(), missing]
    );
}

/// A world with so many plans, of which one selects the database.
async fn with_plans(count: usize) -> World {
    let world = prepared().await;
    for number in 0..count {
        plan(&world, &format!("plan-{number}"), vec![rule("daily")]).await;
        let of = if number == 0 { LABS } else { "arn:aws:rds:us-east-1:123456789012:db:mysql-legacy" };
        select(&world, &format!("plan-{number}"), "by-arn", &[of]).await;
    }
    world
}

#[tokio::test]
async fn sixty_four_explanations_at_once_read_forty_plans_once() {
    let world = with_plans(40).await;
    let alone = explain(&world, LABS).await;
    assert_eq!(alone.coverage.len(), 1, "{alone:#?}");
    // A change of our own ends what is kept.
    let vault = CreateVaultRequest { name: "other".into(), ..Default::default() };
    world.vaults().create_vault(vault).await.unwrap();
    let before = requests(&world).await;
    let explanations = (0..64).map(|_| {
        let mut protection = world.protection();
        async move {
            let request = ExplainProtectionRequest { resource: LABS.into(), ..Default::default() };
            protection.explain_protection(request).await
        }
    });
    for told in join_all(explanations).await {
        let told = told.unwrap().into_inner();
        assert_eq!((told.verdict(), &told.coverage), (alone.verdict(), &alone.coverage));
    }
    let sent = |operation: &str, all: &BTreeMap<String, u64>| all.get(operation).copied().unwrap_or_default();
    let after = requests(&world).await;
    let total = after.values().sum::<u64>() - before.values().sum::<u64>();
    assert!(total <= 1000, "{total}");
    for (operation, most) in
        [("backup:ListBackupPlans", 1), ("backup:ListBackupSelections", 40), ("backup:GetBackupSelection", 40)]
    {
        let sent = sent(operation, &after) - sent(operation, &before);
        assert!(sent <= 3 * most, "{operation}: {sent}; five seconds may pass on a slow machine");
    }
}

#[tokio::test]
async fn an_explanation_tells_what_this_server_has_just_changed() {
    let world = with_plans(1).await;
    assert_eq!(explain(&world, LABS).await.coverage.len(), 1);
    let gone = DeleteSelectionRequest { plan: "plan-0".into(), selection: "by-arn".into(), ..Default::default() };
    world.plans().delete_selection(gone).await.unwrap();
    let explained = explain(&world, LABS).await;
    assert_eq!((explained.verdict(), explained.coverage.len()), (ProtectionVerdict::NotProtected, 0));
}

#[tokio::test]
async fn a_lock_is_put_by_what_plans_say_now_and_tried_by_what_they_said_a_moment_ago() {
    let world = with_plans(2).await;
    let lock = LockVaultRequest { vault: VAULT.into(), max_retention_days: Some(7), ..Default::default() };
    let dry = LockVaultRequest { validate_only: true, ..lock.clone() };
    let mut vaults = world.vaults();
    vaults.lock_vault(dry.clone()).await.unwrap();
    let before = requests_of(&world, "backup:GetBackupPlan").await;
    let tried = vaults.lock_vault(dry).await.unwrap().into_inner();
    let between = requests_of(&world, "backup:GetBackupPlan").await;
    assert!(between - before <= 2, "on a slow machine five seconds pass");
    let put = vaults.lock_vault(lock).await.unwrap().into_inner();
    assert_eq!(requests_of(&world, "backup:GetBackupPlan").await, between + 2);
    assert_eq!((tried.clashes.len(), put.clashes), (2, tried.clashes));
}

#[tokio::test]
async fn a_change_whose_caller_ran_out_of_patience_before_it_began_is_not_begun() {
    let world = prepared().await;
    let before = requests(&world).await;
    slow(&world, "DescribeDBInstances", 60_000).await;
    let mut request = Request::new(StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) });
    // The client waits longer than it tells the server.
    request.metadata_mut().insert("grpc-timeout", "700m".parse().unwrap());
    let late = tokio::time::timeout(PATIENCE, world.jobs().start_backup(request)).await.unwrap().unwrap_err();
    assert_eq!(reason(&late), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()), "{late:?}");
    assert!(late.message().contains("nothing was changed"), "{late:?}");
    world.end_faults().await;
    // Neither is it begun later: the same request is done once, now.
    start(&world, StartBackupRequest { request_id: request_id(1), ..backup_of(LABS) }).await;
    let sent = |all: &BTreeMap<String, u64>| all.get("backup:StartBackupJob").copied().unwrap_or_default();
    assert_eq!(sent(&requests(&world).await) - sent(&before), 1);
}

#[tokio::test]
async fn an_effect_is_the_worst_over_all_attempts() {
    let world = World::start_with(|config| config.aws.attempt_timeout = Duration::from_secs(10)).await;
    let refused = json!({"error": {"status": 400, "code": "InvalidParameterValueException", "message": "no"}});
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    for (name, second) in [("one", refused.clone()), ("two", denied)] {
        world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": "drop_after"})).await;
        world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": second})).await;
        let vault = CreateVaultRequest { name: name.into(), ..Default::default() };
        let open = world.vaults().create_vault(vault).await.unwrap_err();
        assert_eq!(reason(&open), (Code::Unavailable, "OUTCOME_UNKNOWN".into()), "{open:?}");
    }
    let there = aws_backup(&world).list_backup_vaults().send().await.unwrap();
    assert_eq!(there.backup_vault_list().len(), 2, "the first attempts were done");
    // Where the first never came there, the second tells.
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": "throttle"})).await;
    world.arm(json!({"operation": "CreateBackupVault", "next": 1, "effect": refused})).await;
    let vault = CreateVaultRequest { name: "three".into(), ..Default::default() };
    let refused = world.vaults().create_vault(vault).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "AWS_REJECTED_ARGUMENT".into()), "{refused:?}");
}
