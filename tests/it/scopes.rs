//! Many accounts and regions: the ways into accounts are found once, kept, renewed and given up, whatever callers name.

use futures_util::future::join_all;
use serde_json::{Value, json};
use strongroom::{
    config::RoleTemplate,
    proto::{ListVaultsRequest, Scope},
};
use tonic::{Code, Status};

use crate::harness::{ACCOUNT, World, reason};

/// The sandbox takes the role of an organisation's members as given, in every account.
const MEMBERS: &str = "arn:aws:iam::{account}:role/OrganizationAccountAccessRole";

const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"];

async fn world(role: &str, change: impl FnOnce(&mut strongroom::config::AwsConfig)) -> World {
    World::start_with(|config| {
        config.aws.assume_role = RoleTemplate::new(role);
        change(&mut config.aws);
    })
    .await
}

fn account(number: usize) -> String {
    format!("2{number:011}")
}

async fn list(world: &World, account: &str, region: &str) -> Result<(), Status> {
    let scope = Some(Scope { account: account.into(), region: region.into() });
    world.vaults().list_vaults(ListVaultsRequest { scope, ..Default::default() }).await.map(drop)
}

/// How often each operation was asked for so far.
async fn requests(world: &World) -> Value {
    let answer = reqwest::get(format!("{}/_sandbox/requests", world.sandbox())).await.unwrap();
    answer.json::<Value>().await.unwrap()["by_operation"].take()
}

async fn roles_assumed(world: &World) -> u64 {
    requests(world).await["sts:AssumeRole"].as_u64().unwrap_or_default()
}

fn denied() -> Value {
    json!({"service": "sts", "operation": "AssumeRole", "rate": 1.0,
        "effect": {"error": {"status": 403, "code": "AccessDenied", "message": "no"}}})
}

#[tokio::test]
async fn an_account_is_entered_once_whatever_its_regions_and_however_many_ask_at_once() {
    let world = world(MEMBERS, |_| {}).await;
    let calls = (0..40).map(|number| (account(number % 2), REGIONS[number % 4]));
    let calls = calls.map(|(account, region)| {
        let world = &world;
        async move { list(world, &account, region).await }
    });
    join_all(calls).await.into_iter().for_each(|listed| listed.unwrap());
    assert_eq!(roles_assumed(&world).await, 2);
    let who = requests(&world).await["sts:GetCallerIdentity"].as_u64();
    assert_eq!(who, Some(1), "and who the server is, is asked once");
}

#[tokio::test]
async fn more_scopes_than_are_kept_cost_no_further_way_in() {
    // 120 scopes of 30 accounts, of which 40 are kept.
    let world = world(MEMBERS, |aws| aws.max_scopes = 40).await;
    for _ in 0..2 {
        for region in REGIONS {
            for number in 0..30 {
                list(&world, &account(number), region).await.unwrap();
            }
        }
    }
    assert_eq!(roles_assumed(&world).await, 30);
}

#[tokio::test]
async fn that_an_account_cannot_be_entered_is_remembered_for_a_while() {
    let world = world("arn:aws:iam::{account}:role/Nowhere", |_| {}).await;
    let nowhere = account(1);
    for region in REGIONS {
        let refused = join_all((0..5).map(|_| list(&world, &nowhere, region))).await;
        for refused in refused {
            let refused = refused.unwrap_err();
            assert_eq!(reason(&refused), (Code::FailedPrecondition, "ACCOUNT_NOT_REACHABLE".into()));
            assert!(refused.message().contains("role/Nowhere cannot be assumed"), "{refused}");
        }
    }
    assert_eq!(roles_assumed(&world).await, 1);
    list(&world, ACCOUNT, "us-east-1").await.unwrap();
}

#[tokio::test]
async fn a_way_in_that_is_opened_is_found_when_nothing_is_remembered_any_more() {
    let world = world(MEMBERS, |aws| aws.unreachable_for = std::time::Duration::ZERO).await;
    world.arm(denied()).await;
    for asked in 1..=3 {
        let refused = list(&world, &account(1), "us-east-1").await.unwrap_err();
        assert_eq!(reason(&refused).1, "ACCOUNT_NOT_REACHABLE");
        assert_eq!(roles_assumed(&world).await, asked);
    }
    world.end_faults().await;
    list(&world, &account(1), "us-east-1").await.unwrap();
}

#[tokio::test]
async fn a_passing_fault_on_the_way_in_is_never_remembered_as_a_denial() {
    let world = world(MEMBERS, |aws| aws.max_attempts = 1).await;
    for (effect, expected) in [
        (json!("throttle"), (Code::ResourceExhausted, "AWS_THROTTLED")),
        (json!("drop_before"), (Code::Unavailable, "AWS_UNAVAILABLE")),
        (json!("truncate"), (Code::Unavailable, "AWS_UNAVAILABLE")),
        (json!({"error": {"status": 503, "code": "ServiceUnavailable"}}), (Code::Unavailable, "AWS_UNAVAILABLE")),
        (json!({"without": ["Credentials"]}), (Code::Unavailable, "AWS_UNAVAILABLE")),
    ] {
        world.arm(json!({"service": "sts", "operation": "AssumeRole", "rate": 1.0, "effect": effect})).await;
        let refused = list(&world, &account(1), "us-east-1").await.unwrap_err();
        assert_eq!(reason(&refused), (expected.0, expected.1.to_owned()), "{effect}: {refused}");
        world.end_faults().await;
    }
    list(&world, &account(1), "us-east-1").await.unwrap();
}

#[tokio::test]
async fn accounts_that_are_not_there_cost_those_that_are_nothing() {
    let world = world(MEMBERS, |aws| aws.max_scopes = 10).await;
    for number in 0..5 {
        list(&world, &account(number), "us-east-1").await.unwrap();
    }
    world.arm(denied()).await;
    for number in 100..160 {
        let refused = list(&world, &account(number), "us-east-1").await.unwrap_err();
        assert_eq!(reason(&refused).1, "ACCOUNT_NOT_REACHABLE");
    }
    let assumed = roles_assumed(&world).await;
    assert_eq!(assumed, 65, "each of them was looked for once");
    for number in 0..5 {
        list(&world, &account(number), "us-east-1").await.unwrap();
    }
    assert_eq!(roles_assumed(&world).await, assumed, "the others had not to be entered again");
}

#[tokio::test]
async fn a_region_that_nobody_knows_is_refused_before_anything_is_asked() {
    let world = world(MEMBERS, |_| {}).await;
    for number in 0..50 {
        let refused = list(&world, &account(number), &format!("mars-north-{number}")).await.unwrap_err();
        assert_eq!(reason(&refused).0, Code::InvalidArgument);
    }
    assert_eq!(requests(&world).await, json!({}));
}

#[tokio::test]
async fn credentials_are_renewed_before_they_end_and_a_renewal_that_fails_is_no_loss() {
    let world = world(MEMBERS, |aws| aws.max_attempts = 1).await;
    let there = account(1);
    list(&world, &there, "us-east-1").await.unwrap();
    // They hold good for an hour. Of the server's own account the time is heard.
    world.advance("PT56M").await;
    list(&world, ACCOUNT, "us-east-1").await.unwrap();
    let failing = json!({"error": {"status": 503, "code": "ServiceUnavailable"}});
    world.arm(json!({"service": "sts", "operation": "AssumeRole", "rate": 1.0, "effect": failing})).await;
    for _ in 0..3 {
        list(&world, &there, "us-east-1").await.unwrap();
    }
    assert_eq!(roles_assumed(&world).await, 2, "it is not tried again at once");
    world.advance("PT5M").await;
    list(&world, ACCOUNT, "us-east-1").await.unwrap();
    let ended = list(&world, &there, "us-east-1").await.unwrap_err();
    assert_eq!(reason(&ended), (Code::Unavailable, "AWS_UNAVAILABLE".into()));
    world.end_faults().await;
    list(&world, &there, "us-east-1").await.unwrap();
    assert_eq!(roles_assumed(&world).await, 4);
    world.advance("PT56M").await;
    list(&world, ACCOUNT, "us-east-1").await.unwrap();
    join_all((0..10).map(|_| list(&world, &there, "eu-west-1"))).await.into_iter().for_each(|listed| listed.unwrap());
    assert_eq!(roles_assumed(&world).await, 5, "ahead of their end, once");
}

/// Prints what `aws.max_scopes` costs. Run with `--ignored --nocapture`, and better in a release build.
#[tokio::test]
#[ignore = "it holds nothing: it measures"]
async fn the_memory_of_a_thousand_scopes() {
    let world = world(MEMBERS, |aws| aws.max_scopes = 10_000).await;
    let regions =
        ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1"];
    list(&world, &account(0), "us-east-1").await.unwrap();
    let before = resident_kilobytes();
    for number in 0..125 {
        for region in regions {
            list(&world, &account(number), region).await.unwrap();
        }
    }
    let made = resident_kilobytes() - before;
    println!("1,000 scopes of 125 accounts: {made} KB, {} KB each", made / 1000);
    assert_eq!(roles_assumed(&world).await, 125);
}

/// Of this process, which is the sandbox too: what 125 accounts and 1,000 regions of them take there is in it.
fn resident_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
