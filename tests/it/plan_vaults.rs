//! What CreatePlan and UpdatePlan tell of the vaults that their rules name: one that is missing, a lock that does not allow
//! what a rule keeps, and that nobody could look.

use serde_json::json;
use strongroom::{
    config::Config,
    proto::{CopyAction, CreatePlanRequest, CreateVaultRequest, Finding, Lifecycle, Rule, Severity, UpdatePlanRequest},
};

use crate::{backups::aws_backup, harness::World};

const CODES: [&str; 3] = ["VAULT_MISSING", "RETENTION_OUTSIDE_VAULT_LOCK", "NOT_CHECKED"];

fn kept(days: i32) -> Option<Lifecycle> {
    Some(Lifecycle { delete_after_days: Some(days), ..Default::default() })
}

fn rule(name: &str, vault: &str, days: i32) -> Rule {
    Rule { name: name.into(), vault: vault.into(), lifecycle: kept(days), ..Default::default() }
}

fn copy(vault: &str, lifecycle: Option<Lifecycle>) -> CopyAction {
    CopyAction { destination_vault: vault.into(), lifecycle }
}

fn create(rules: Vec<Rule>) -> CreatePlanRequest {
    CreatePlanRequest { name: "plan".into(), rules, ..Default::default() }
}

/// With the vault `locked`, which allows up to 30 days, and `open`.
async fn world(change: impl FnOnce(&mut Config)) -> World {
    let world = World::start_with(change).await;
    for name in ["locked", "open"] {
        world.vaults().create_vault(CreateVaultRequest { name: name.into(), ..Default::default() }).await.unwrap();
    }
    let lock = aws_backup(&world).put_backup_vault_lock_configuration().backup_vault_name("locked");
    lock.max_retention_days(30).send().await.unwrap();
    world
}

fn of_vaults(findings: &[Finding]) -> Vec<(&str, &str)> {
    let of_vaults = findings.iter().filter(|finding| CODES.contains(&finding.code.as_str()));
    let told: Vec<_> = of_vaults.inspect(|finding| assert_eq!(finding.severity(), Severity::Warning)).collect();
    told.into_iter().map(|finding| (finding.code.as_str(), finding.field.as_str())).collect()
}

/// What a create tells when it is checked, when it is done, and an update to the same of both kinds: all the same.
async fn told(world: &World, rules: Vec<Rule>) -> Vec<Finding> {
    let mut answers = Vec::new();
    for validate_only in [true, false] {
        let request = CreatePlanRequest { validate_only, ..create(rules.clone()) };
        answers.push(world.plans().create_plan(request).await.unwrap().into_inner().findings);
    }
    for validate_only in [true, false] {
        let request =
            UpdatePlanRequest { plan: "plan".into(), rules: rules.clone(), validate_only, ..Default::default() };
        answers.push(world.plans().update_plan(request).await.unwrap().into_inner().findings);
    }
    for answer in &answers[1..] {
        assert_eq!(of_vaults(answer), of_vaults(&answers[0]));
    }
    answers.swap_remove(0)
}

#[tokio::test]
async fn a_vault_that_is_missing_or_locked_against_a_rule_is_told() {
    let world = world(|_| {}).await;
    let far = "arn:aws:backup:eu-west-1:123456789012:backup-vault:nowhere";
    let rules = vec![
        rule("fits", "locked", 7),
        rule("long", "locked", 31),
        rule("lost", "nowhere", 7),
        Rule {
            copy_actions: vec![copy("gone", None), copy("locked", kept(90)), copy("locked", None), copy(far, None)],
            air_gapped_vault: "airless".into(),
            ..rule("copied", "open", 60)
        },
    ];
    let found = told(&world, rules).await;
    assert_eq!(
        of_vaults(&found),
        [
            ("RETENTION_OUTSIDE_VAULT_LOCK", "rules[1].lifecycle"),
            ("VAULT_MISSING", "rules[2].vault"),
            ("VAULT_MISSING", "rules[3].copy_actions[0].destination_vault"),
            ("RETENTION_OUTSIDE_VAULT_LOCK", "rules[3].copy_actions[1].lifecycle"),
            ("RETENTION_OUTSIDE_VAULT_LOCK", "rules[3].lifecycle"),
            ("VAULT_MISSING", "rules[3].copy_actions[3].destination_vault"),
            ("VAULT_MISSING", "rules[3].air_gapped_vault"),
        ]
    );
    let missing = found.iter().find(|finding| finding.code == "VAULT_MISSING").unwrap();
    assert_eq!(missing.message, "there is no vault nowhere, into which rule lost backs up: its jobs fail");
}

#[tokio::test]
async fn a_vault_that_cannot_be_seen_is_not_taken_for_missing_and_fails_nothing() {
    let denied = json!({"error": {"status": 403, "code": "AccessDeniedException", "message": "no"}});
    let broken = json!({"error": {"status": 500, "code": "ServiceUnavailableException", "message": "no"}});
    for (operations, effect) in [
        (&["DescribeBackupVault"][..], &denied),
        (&["DescribeBackupVault", "ListBackupVaults"], &denied),
        (&["DescribeBackupVault"], &broken),
    ] {
        let world = world(|config| config.aws.max_attempts = 1).await;
        for operation in operations {
            world.arm(json!({"operation": operation, "rate": 1.0, "effect": effect})).await;
        }
        let rules = vec![rule("one", "open", 7), rule("two", "open", 8), rule("three", "locked", 90)];
        let found = told(&world, rules).await;
        assert_eq!(of_vaults(&found), [("NOT_CHECKED", "rules[0].vault"), ("NOT_CHECKED", "rules[2].vault")]);
        let is_granted = found.iter().any(|finding| finding.action.contains("backup:DescribeBackupVault"));
        assert_eq!(is_granted, effect == &denied, "only what is denied is to be granted: {found:?}");
    }
}

#[tokio::test]
async fn each_vault_is_looked_at_once() {
    let world = world(|_| {}).await;
    world.arm(json!({"operation": "DescribeBackupVault", "rate": 1.0, "effect": {"delay_ms": 1}})).await;
    let rules = vec![
        rule("one", "open", 7),
        Rule { copy_actions: vec![copy("locked", None)], ..rule("two", "open", 8) },
        rule("three", "locked", 9),
    ];
    world.plans().create_plan(create(rules)).await.unwrap();
    assert_eq!(world.strikes().await, [2]);
}
