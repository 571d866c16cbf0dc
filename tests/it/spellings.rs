//! Identifiers that are spelled otherwise than AWS spells them, over all RPCs that take any: a fault with the field, never
//! an empty list, nor a change of nothing.

use serde_json::{Value, json};
use tonic::Code;

use crate::{
    every_change::send,
    harness::{ACCOUNT, World, reason},
    partitions::{arn, ask, fault_of, faults, inputs},
};

/// The ARN, each time with one part of it wrong, and what the fault says.
fn spellings(input: &str) -> Vec<(String, &'static str)> {
    let right = arn(input, "aws", "us-east-1", ACCOUNT).unwrap();
    let parts: Vec<&str> = right.splitn(6, ':').collect();
    let with = |at: usize, part: &str| {
        let mut parts = parts.clone();
        parts[at] = part;
        parts.join(":")
    };
    let (resource, role) = (parts[5], input.ends_with("role"));
    let mut wrong = vec![
        (with(2, &parts[2].to_uppercase()), "did you mean arn:aws:"),
        (with(4, ""), "its account is left out"),
        (with(4, "12345"), "is not an ARN"),
        (with(0, "ARN"), "is not an ARN"),
    ];
    match role {
        true => wrong.push((with(3, "us-east-1"), "it has no region")),
        false => wrong.push((with(3, ""), "its region is left out")),
    }
    let Some(at) = resource.find([':', '/']) else { return wrong };
    let (kind, id) = (&resource[..at], &resource[at + 1..]);
    let other = if resource[at..].starts_with(':') { '/' } else { ':' };
    wrong.push((with(5, &format!("{kind}{other}{id}")), "did you mean arn:aws:"));
    wrong.push((with(5, &format!("{}{}{id}", kind.to_uppercase(), &resource[at..=at])), "did you mean arn:aws:"));
    wrong.push((with(5, &format!("{kind}{}", &resource[at..=at])), "the id is not there"));
    wrong.push((with(2, "fsx"), "names nothing"));
    if kind == "db" {
        wrong.push((with(5, "db:Orders"), "did you mean arn:aws:rds:us-east-1:123456789012:db:orders?"));
        wrong.push((with(5, "cluster:Orders"), "did you mean arn:aws:rds:us-east-1:123456789012:cluster:orders?"));
    }
    // FSx has snapshots, written otherwise.
    wrong
}

#[tokio::test]
async fn what_aws_spells_otherwise_is_a_fault_wherever_it_stands() {
    let world = World::start().await;
    for input in inputs() {
        for (named, why) in spellings(&input.name) {
            let at = format!("{} {} = {named}", input.method.name(), input.path);
            let refused = send(&world, &input.method, input.request(&named, ""), false).await;
            let refused = refused.err().unwrap_or_else(|| panic!("{at} is taken"));
            assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_REQUEST".into()), "{at}: {refused}");
            let faults = faults(&refused);
            let what = fault_of(&faults, &input.path).unwrap_or_else(|| panic!("{at}: {faults:?}"));
            assert!(what.contains(why), "{at}: {what}");
        }
    }
}

/// A world with a vault, an instance and a cluster.
async fn world() -> World {
    let world = World::start().await;
    ask(&world, "CreateVault", json!({"name": "prod"})).await.unwrap();
    ask(&world, "EnsureServiceRole", json!({})).await.unwrap();
    let made = json!({"name": "there", "rules": [{"name": "daily", "vault": "prod"}]});
    ask(&world, "CreatePlan", made).await.unwrap();
    world
}

const ROLE: &str = "AWSBackupDefaultServiceRole";

/// An instance named as a cluster is told by its ARN, wherever a database is looked for.
#[tokio::test]
async fn an_instance_named_as_a_cluster_is_told_by_its_arn() {
    let world = world().await;
    let listed = serde_json::to_value(ask(&world, "ListResources", json!({})).await.unwrap()).unwrap();
    let of_kind = |sign: &str| {
        let all = listed["resources"].as_array().unwrap().iter().map(|it| it["arn"].as_str().unwrap());
        all.filter(|arn| arn.contains(sign)).map(str::to_owned).next().unwrap()
    };
    for (there, named) in [
        (of_kind(":db:"), of_kind(":db:").replace(":db:", ":cluster:")),
        (of_kind(":cluster:"), of_kind(":cluster:").replace(":cluster:", ":db:")),
    ] {
        let select =
            json!({"plan": "there", "name": "some", "role": ROLE, "resources": [named], "validate_only": true});
        for (rpc, request) in [
            ("GetResource", json!({"resource": named})),
            ("ExplainProtection", json!({"resource": named})),
            ("GetProtectedResource", json!({"resource": named})),
            ("ListTags", json!({"resource": named})),
            ("TagResource", json!({"resource": named, "tags": {"a": "b"}})),
            ("UntagResource", json!({"resource": named, "tag_keys": ["a"]})),
            ("StartBackup", json!({"resource": named, "vault": "prod", "role": ROLE})),
            ("ListJobs", json!({"filter": {"resource": named}})),
            ("ListRecoveryPoints", json!({"resource": named})),
            ("CreateSelection", select),
        ] {
            let told = match ask(&world, rpc, request).await {
                Ok(answer) => serde_json::to_value(&answer).unwrap()["findings"].to_string(),
                Err(refused) => refused.message().to_owned(),
            };
            assert!(told.contains(&format!("did you mean {there}?")), "{rpc} {named}: {told}");
        }
    }
}

/// What differs in the case of its letters alone is asked for, wherever a vault is named.
#[tokio::test]
async fn a_vault_in_other_letters_is_asked_for() {
    let world = world().await;
    let rules = json!([{"name": "daily", "vault": "PROD"}]);
    for (rpc, request) in [
        ("GetVault", json!({"vault": "PROD"})),
        ("CreatePlan", json!({"name": "new", "rules": rules, "validate_only": true})),
        ("UpdatePlan", json!({"plan": "there", "rules": rules, "validate_only": true})),
    ] {
        let told = match ask(&world, rpc, request).await {
            Ok(answer) => serde_json::to_value(&answer).unwrap()["findings"].to_string(),
            Err(refused) => refused.message().to_owned(),
        };
        assert!(told.contains("did you mean prod?"), "{rpc}: {told}");
    }
    let missing = ask(&world, "GetVault", json!({"vault": "nowhere"})).await.unwrap_err();
    assert_eq!(missing.message(), "vault nowhere does not exist in account 123456789012, region us-east-1");
}

/// The vault of a rule that is named by its ARN does not move the ones beside it that are named by their names.
#[tokio::test]
async fn a_vault_elsewhere_does_not_move_the_vaults_beside_it() {
    let world = world().await;
    let far = arn("vault", "aws", "us-west-2", ACCOUNT).unwrap();
    let gapped: Value = json!([{"name": "daily", "vault": "prod", "air_gapped_vault": far}]);
    let mixed: Value = json!([{"name": "daily", "vault": "prod"}, {"name": "weekly", "vault": far}]);
    for (rules, field) in [(gapped, "rules[0].air_gapped_vault"), (mixed, "rules[1].vault")] {
        let refused = ask(&world, "CreatePlan", json!({"name": "new", "rules": rules})).await.unwrap_err();
        let what = fault_of(&faults(&refused), field).unwrap_or_else(|| panic!("{refused}"));
        assert!(what.contains("names region us-west-2, but the request is about region us-east-1"), "{what}");
    }
}
