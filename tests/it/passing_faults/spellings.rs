//! AWS's spellings of a fault, on the way into another account too: what STS fails at says nothing of the role.

use serde_json::{Value, json};
use strongroom::config::RoleTemplate;
use tonic::Code;

use super::{Case, ask};
use crate::harness::World;

const OTHER: &str = "222222222222";

fn error(status: u16, code: &str) -> Value {
    json!({"error": {"status": status, "code": code, "message": "as AWS says"}})
}

/// A world of which one other account has the role that leads into it.
async fn organization() -> World {
    World::start_with(|config| {
        config.aws.max_attempts = 1;
        config.aws.assume_role = RoleTemplate::new("arn:aws:iam::{account}:role/OrganizationAccountAccessRole");
    })
    .await
}

#[tokio::test]
async fn what_sts_fails_at_says_nothing_of_the_role() {
    let world = organization().await;
    for (effect, code, reason) in [
        (error(503, "ServiceUnavailable"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(500, "InternalError"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(500, "SomethingNew"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(502, "BadGateway"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(504, "GatewayTimeout"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(404, "Weird"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (error(400, "IDPCommunicationError"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (json!("drop_before"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (json!("truncate"), Code::Unavailable, "AWS_UNAVAILABLE"),
        (json!("throttle"), Code::ResourceExhausted, "AWS_THROTTLED"),
        (error(429, "TooManyRequests"), Code::ResourceExhausted, "AWS_THROTTLED"),
        (error(403, "ExpiredToken"), Code::FailedPrecondition, "AWS_CREDENTIALS"),
        (error(403, "RegionDisabledException"), Code::FailedPrecondition, "AWS_CREDENTIALS"),
        (error(403, "AccessDenied"), Code::FailedPrecondition, "ACCOUNT_NOT_REACHABLE"),
    ] {
        world.arm(json!({"service": "sts", "operation": "AssumeRole", "rate": 1.0, "effect": effect})).await;
        let case = Case { rpc: "ListVaults".into(), request: json!({"scope": {"account": OTHER}}) };
        let (told, why, message) = ask(&world, &case).await.unwrap_err();
        assert_eq!((told, why.as_str()), (code, reason), "{effect}: {message}");
        assert_eq!(message.contains("check that it exists"), reason == "ACCOUNT_NOT_REACHABLE", "{effect}: {message}");
        // Of a look besides, the advice is as right.
        let rules = json!([{"name": "daily", "vault": "prod",
            "copy_actions": [{"destination_vault": format!("arn:aws:backup:us-east-1:{OTHER}:backup-vault:far")}]}]);
        let plan = json!({"name": "copies", "rules": rules, "validate_only": true});
        let checked = ask(&world, &Case { rpc: "CreatePlan".into(), request: plan }).await.unwrap();
        let findings = checked["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["code"] == "DESTINATION_NOT_CHECKED").unwrap();
        let lets_in = found["action"].as_str().unwrap_or_default().contains("let Strongroom into");
        assert_eq!(lets_in, code == Code::FailedPrecondition, "{effect}: {found}");
        world.disarm().await;
    }
}

#[tokio::test]
async fn a_wrong_clock_and_a_region_that_is_off_are_not_to_be_granted() {
    let world = organization().await;
    for (status, code, mended) in [
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "RequestExpired", "clock"),
        (403, "OptInRequired", "enabled the region"),
        (403, "SubscriptionRequiredException", "subscribed"),
        (403, "UnrecognizedClientException", "region that is not enabled"),
    ] {
        for (rpc, operation, request) in [
            ("ListVaults", "ListBackupVaults", json!({})),
            ("GetVault", "DescribeBackupVault", json!({"vault": "prod"})),
            ("CreateVault", "CreateBackupVault", json!({"name": "new"})),
        ] {
            world.arm(json!({"operation": operation, "rate": 1.0, "effect": error(status, code)})).await;
            let (_, reason, message) = ask(&world, &Case { rpc: rpc.into(), request }).await.unwrap_err();
            world.disarm().await;
            assert_eq!(reason, "AWS_CREDENTIALS", "{rpc} {code}: {message}");
            assert!(message.contains(mended) && !message.contains("grant"), "{rpc} {code}: {message}");
        }
    }
}

/// The cluster's tags, jobs and recovery points are not the instance's.
#[tokio::test]
async fn of_an_instance_whose_cluster_could_not_be_read_nothing_is_known() {
    let world = organization().await;
    let denied = error(403, "AccessDenied");
    for effect in [json!("throttle"), json!("drop_before"), denied] {
        for (named, skip) in [("arn:aws:rds:us-east-1:123456789012:db:aurora-billing-1", 0), ("aurora-billing-1", 1)] {
            world.arm(json!({"operation": "DescribeDBClusters", "skip": skip, "rate": 1.0, "effect": effect})).await;
            let case = Case { rpc: "ExplainProtection".into(), request: json!({"resource": named}) };
            let told = ask(&world, &case).await.unwrap();
            world.disarm().await;
            let codes: Vec<_> = told["findings"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
            assert_eq!(codes, ["CLUSTER_NOT_READ"], "{named} {effect}: {told}");
            assert_eq!(told["verdict"], "PROTECTION_VERDICT_UNKNOWN", "{named} {effect}: {told}");
            assert!(told["nearMisses"].as_array().is_none_or(Vec::is_empty), "{named} {effect}: {told}");
        }
    }
}
